/* A peer that is made to POST to our VTY must not operate it (corrections 7): a line that is an HTTP request ends the
 * connection, and the lines behind it in the same buffer find a node without commands.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>

#include <osmocom/rsp/util/http_vty.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

/* Two variables take what no keyword takes: a request line is METHOD, target, version. */
DEFUN_HIDDEN(http_vty_line, http_vty_line_cmd, "REQUEST .LINE", "Not a command\nNot a command\n")
{
	if (strncmp(argv[argc - 1], "HTTP/", 5))
		return CMD_ERR_NO_MATCH;
	LOGP(DMAIN, LOGL_NOTICE, "somebody speaks HTTP to the VTY: dropped\n");
	vty->node = AUTH_NODE;	/* takes a password and nothing else */
	vty->status = VTY_CLOSE;
	return CMD_WARNING;
}

void http_vty_init(void)
{
	install_element_ve(&http_vty_line_cmd);
}

/* Cards by HTTPS: limits, patience and retry policy (GP Amd B 3.4, 3.8.3; SGP.02 2.4.4).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdlib.h>
#include <string.h>

#include <osmocom/core/select.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

#include "smsr.h"
#include "smsr_vty.h"

#define SCP81_HELP "Cards by HTTPS\n"

#define SCP81_NUMBER(name, cmd, help, field) \
	DEFUN(cfg_scp81_##name, cfg_scp81_##name##_cmd, "scp81 " cmd, SCP81_HELP help) \
	{ \
		g_smsr->cfg.bearer.scp81.field = atoi(argv[0]); \
		return CMD_SUCCESS; \
	}
SCP81_NUMBER(conns, "max-connections <1-100000>",
	     "Connections at a time; more are refused. From the next start on\nConnections\n", max_conns)
SCP81_NUMBER(body, "max-body <1024-1048576>",
	     "A card's response script is no larger. From the next start on\nOctets\n", max_body)
SCP81_NUMBER(polls, "polls <0-100>",
	     "A card held in vain is told to come again (204 with Next-URI) this often, then its session ends\nTimes\n",
	     polls)

DEFUN(cfg_scp81_retry, cfg_scp81_retry_cmd, "scp81 retry-policy <0-65535> <1-86399>",
      SCP81_HELP "Triggers tell cards how often to try again, and after which time\nTimes\nSeconds\n")
{
	g_smsr->cfg.bearer.scp81.retry_count = atoi(argv[0]);
	g_smsr->cfg.bearer.scp81.retry_delay_s = atoi(argv[1]);
	return CMD_SUCCESS;
}

DEFUN(cfg_no_scp81_retry, cfg_no_scp81_retry_cmd, "no scp81 retry-policy",
      NO_STR SCP81_HELP "Cards try again as they have it stored\n")
{
	g_smsr->cfg.bearer.scp81.retry_count = g_smsr->cfg.bearer.scp81.retry_delay_s = 0;
	return CMD_SUCCESS;
}

DEFUN(cfg_scp81_name, cfg_scp81_name_cmd, "scp81 advertise-name NAME dns (A.B.C.D|X:X::X:X) <1-65535>",
      SCP81_HELP "Triggers name this server instead of an address\nFully qualified domain name\n"
      "DNS server that cards ask\nIPv4 address\nIPv6 address\nUDP port\n")
{
	struct scp81_cfg *c = &g_smsr->cfg.bearer.scp81;

	if (strlen(argv[0]) >= sizeof(c->name) || !strchr(argv[0], '.') || strlen(argv[1]) >= sizeof(c->dns_ip)) {
		vty_out(vty, "%% no fully qualified domain name%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	strcpy(c->name, argv[0]);
	strcpy(c->dns_ip, argv[1]);
	c->dns_port = atoi(argv[2]);
	return CMD_SUCCESS;
}

DEFUN(cfg_no_scp81_name, cfg_no_scp81_name_cmd, "no scp81 advertise-name",
      NO_STR SCP81_HELP "Triggers name the address of 'scp81 advertise'\n")
{
	g_smsr->cfg.bearer.scp81.name[0] = '\0';
	return CMD_SUCCESS;
}

void smsr_vty_scp81_write(struct vty *vty)
{
	const struct scp81_cfg *c = &g_smsr->cfg.bearer.scp81;
	struct scp81_cfg d;

	scp81_cfg_default(&d);
	if (c->max_conns != d.max_conns)
		vty_out(vty, " scp81 max-connections %u%s", c->max_conns, VTY_NEWLINE);
	if (c->max_body != d.max_body)
		vty_out(vty, " scp81 max-body %u%s", c->max_body, VTY_NEWLINE);
	if (c->polls != d.polls)
		vty_out(vty, " scp81 polls %u%s", c->polls, VTY_NEWLINE);
	if (c->name[0])
		vty_out(vty, " scp81 advertise-name %s dns %s %u%s", c->name, c->dns_ip, c->dns_port, VTY_NEWLINE);
	if (c->retry_delay_s)
		vty_out(vty, " scp81 retry-policy %u %u%s", c->retry_count, c->retry_delay_s, VTY_NEWLINE);
}

DEFUN(show_scp81, show_scp81_cmd, "show scp81", SHOW_STR SCP81_HELP)
{
	if (!g_smsr->cards) {
		vty_out(vty, "%% not started%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	smsr_vty_lines(vty, "", card_sessions_describe_scp81(g_smsr->cards, OTC_SELECT));
	return CMD_SUCCESS;
}

void smsr_vty_scp81_init(void)
{
	install_element(SMSR_NODE, &cfg_scp81_conns_cmd);
	install_element(SMSR_NODE, &cfg_scp81_body_cmd);
	install_element(SMSR_NODE, &cfg_scp81_polls_cmd);
	install_element(SMSR_NODE, &cfg_scp81_retry_cmd);
	install_element(SMSR_NODE, &cfg_no_scp81_retry_cmd);
	install_element(SMSR_NODE, &cfg_scp81_name_cmd);
	install_element(SMSR_NODE, &cfg_no_scp81_name_cmd);
	install_element_ve(&show_scp81_cmd);
}

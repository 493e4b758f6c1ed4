/* VTY: OsmoHLR in step.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/vty/vty.h>
#include <osmocom/rsp/util/misc.h>

#include "smdp.h"
#include "smdp_vty.h"

static struct cmd_node hlr_node = { SMDP_HLR_NODE, "%s(config-smdp-hlr)# ", 1 };

static int changed(void)
{
	if (g_smdp->hlr)
		hlr_apply(g_smdp->hlr);
	return CMD_SUCCESS;
}

DEFUN(cfg_hlr, cfg_hlr_cmd, "hlr", "Tell OsmoHLR of the subscribers of profiles\n")
{
	vty->node = SMDP_HLR_NODE;
	return CMD_SUCCESS;
}

#define ADDRESS_STR "Where OsmoHLR's VTY is; without, it is told nothing\n"
DEFUN(cfg_address, cfg_address_cmd, "address ADDR <1-65535>",
      ADDRESS_STR "IPv4 or IPv6 address\nTCP port, mostly 4258\n")
{
	osmo_talloc_replace_string(g_smdp, &g_smdp->cfg.hlr.ip, argv[0]);
	g_smdp->cfg.hlr.port = atoi(argv[1]);
	return changed();
}

DEFUN(cfg_no_address, cfg_no_address_cmd, "no address", NO_STR ADDRESS_STR)
{
	TALLOC_FREE(g_smdp->cfg.hlr.ip);
	return changed();
}

DEFUN(cfg_when, cfg_when_cmd, "create-when (ordered|downloaded)",
      "When a subscriber is made\nWhen the profile is ordered\nWhen it is on the eUICC\n")
{
	g_smdp->cfg.hlr.when = !strcmp(argv[0], "ordered") ? HLR_WHEN_ORDERED : HLR_WHEN_DOWNLOADED;
	return CMD_SUCCESS;
}

DEFUN(cfg_released, cfg_released_cmd, "when-released (remove|keep)",
      "What becomes of the subscriber of a profile that is deleted, or never came to its eUICC\nIt is removed\nIt "
      "stays\n")
{
	g_smdp->cfg.hlr.keep = !strcmp(argv[0], "keep");
	return CMD_SUCCESS;
}

static const char *const algo_names[] = {
	[HLR_ALGO_AUTO] = "auto", [HLR_ALGO_MILENAGE] = "milenage", [HLR_ALGO_XOR] = "xor",
};

DEFUN(cfg_algo, cfg_algo_cmd, "algorithm (auto|milenage|xor)",
      "Authentication of the subscribers\nMilenage where there is an OPc, else XOR\nMilenage\nXOR\n")
{
	for (size_t i = 0; i < ARRAY_SIZE(algo_names); i++)
		if (!strcmp(algo_names[i], argv[0]))
			g_smdp->cfg.hlr.algo = i;
	return CMD_SUCCESS;
}

#define IND_STR "Bits of the index in the sequence numbers; without, OsmoHLR's own\n"
DEFUN(cfg_ind, cfg_ind_cmd, "ind-bitlen <0-28>", IND_STR "Bits\n")
{
	g_smdp->cfg.hlr.ind_bitlen = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_no_ind, cfg_no_ind_cmd, "no ind-bitlen", NO_STR IND_STR)
{
	g_smdp->cfg.hlr.ind_bitlen = -1;
	return CMD_SUCCESS;
}

DEFUN(cfg_timeout, cfg_timeout_cmd, "timeout <1-60>", "How long an answer may take\nSeconds\n")
{
	g_smdp->cfg.hlr.timeout_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_retry, cfg_retry_cmd, "retry <1-3600> <1-86400>",
      "When a failure is tried again\nAt first after, doubled each time: seconds\nBut never more than: seconds\n")
{
	g_smdp->cfg.hlr.retry_min_s = atoi(argv[0]);
	g_smdp->cfg.hlr.retry_max_s = atoi(argv[1]);
	return changed();
}

DEFUN(cfg_refusals, cfg_refusals_cmd, "refusals <1-1000>",
      "How often OsmoHLR may refuse a subscriber before it is given up, with an alarm\nTimes\n")
{
	g_smdp->cfg.hlr.refusals = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_queue, cfg_queue_cmd, "queue <1-1000000>", "How many subscribers may wait\nSubscribers\n")
{
	g_smdp->cfg.hlr.queue_max = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_hold, cfg_hold_cmd, "hold <0-600>",
      "How long a download waits for its subscriber to be there; then it goes on without\nSeconds\n")
{
	g_smdp->cfg.hlr.hold_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

void smdp_vty_hlr_write(struct vty *vty)
{
	const struct hlr_cfg *c = &g_smdp->cfg.hlr;

	vty_out(vty, " hlr%s", VTY_NEWLINE);
	if (c->ip)
		vty_out(vty, "  address %s %u%s", c->ip, c->port, VTY_NEWLINE);
	vty_out(vty, "  create-when %s%s", c->when == HLR_WHEN_ORDERED ? "ordered" : "downloaded", VTY_NEWLINE);
	vty_out(vty, "  when-released %s%s", c->keep ? "keep" : "remove", VTY_NEWLINE);
	vty_out(vty, "  algorithm %s%s", algo_names[c->algo], VTY_NEWLINE);
	if (c->ind_bitlen >= 0)
		vty_out(vty, "  ind-bitlen %d%s", c->ind_bitlen, VTY_NEWLINE);
	vty_out(vty, "  timeout %u%s  retry %u %u%s  refusals %u%s", c->timeout_s, VTY_NEWLINE, c->retry_min_s,
		c->retry_max_s, VTY_NEWLINE, c->refusals, VTY_NEWLINE);
	vty_out(vty, "  queue %u%s  hold %u%s", c->queue_max, VTY_NEWLINE, c->hold_s, VTY_NEWLINE);
}

static void show_wish(void *data, const struct hlr_row *r)
{
	struct vty *vty = data;
	char at[CLOCK_STR_SIZE];

	vty_out(vty, "  ICCID %s to be %s: %s%s%s%s", r->iccid, r->present ? "there" : "removed",
		r->dead ? "given up" : "due ", r->dead ? "" : clock_str(at, r->next), r->message[0] ? ", " : "",
		r->message);
	vty_out(vty, "%s", VTY_NEWLINE);
}

DEFUN(show_hlr, show_hlr_cmd, "show hlr", SHOW_STR "What OsmoHLR is still to be told, and why it is not yet\n")
{
	const struct hlr_cfg *c = &g_smdp->cfg.hlr;
	const char *trouble = hlr_trouble(g_smdp->hlr);

	if (c->ip)
		vty_out(vty, "OsmoHLR at %s:%u%s%s%s", c->ip, c->port, trouble[0] ? ": " : "", trouble, VTY_NEWLINE);
	else
		vty_out(vty, "OsmoHLR is told nothing (no address)%s", VTY_NEWLINE);
	vty_out(vty, "%" PRId64 " wait, %" PRId64 " given up%s", smdp_db_hlr_count(g_smdp->db, false),
		smdp_db_hlr_count(g_smdp->db, true), VTY_NEWLINE);
	smdp_db_hlr_walk(g_smdp->db, 50, show_wish, vty);
	return CMD_SUCCESS;
}

DEFUN(hlr_again, hlr_again_cmd, "hlr retry", "OsmoHLR\nTry at once, also what was given up\n")
{
	vty_out(vty, "%d of those given up are tried again%s", hlr_retry(g_smdp->hlr), VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(hlr_all, hlr_all_cmd, "hlr sync",
      "OsmoHLR\nTell it of every profile that is ordered or on an eUICC, as when it has lost them or this is new\n")
{
	int n = hlr_sync(g_smdp->hlr);

	if (n < 0)
		vty_out(vty, "%% OsmoHLR has no address%s", VTY_NEWLINE);
	else
		vty_out(vty, "%d to be told%s", n, VTY_NEWLINE);
	return n < 0 ? CMD_WARNING : CMD_SUCCESS;
}

void smdp_vty_hlr_init(void)
{
	static struct cmd_element *const cmds[] = {
		&cfg_address_cmd, &cfg_no_address_cmd, &cfg_when_cmd, &cfg_released_cmd, &cfg_algo_cmd, &cfg_ind_cmd,
		&cfg_no_ind_cmd, &cfg_timeout_cmd, &cfg_retry_cmd, &cfg_refusals_cmd, &cfg_queue_cmd, &cfg_hold_cmd,
	};

	install_element(SMDP_NODE, &cfg_hlr_cmd);
	install_node(&hlr_node, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		install_element(SMDP_HLR_NODE, cmds[i]);
	install_element(ENABLE_NODE, &hlr_again_cmd);
	install_element(ENABLE_NODE, &hlr_all_cmd);
	install_element_ve(&show_hlr_cmd);
}

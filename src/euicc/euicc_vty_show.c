/* VTY of the simulator: what is true of a card, its profiles and files, the network. No key is ever shown.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/sqldb.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

#include "card_dialect.h"
#include "card_cattp.h"
#include "card_http.h"
#include "card_int.h"
#include "euicc_vty.h"
#include "network.h"
#include "sim.h"
#include "terminal.h"
#include "usim.h"

#define SHOW_EUICC_STR SHOW_STR "Simulated eUICCs\n"
#define EID_STR "EID, 32 digits\n"
#define ATTACHED_MAX 100	/* lines of `show network` */

static struct sim *g_sim;	/* set once at start */

/* Text of several lines, with the VTY's line ends. */
static void lines(struct vty *vty, char *text, const char *indent)
{
	char *line, *save = NULL;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save))
		vty_out(vty, "%s%s%s", indent, line, VTY_NEWLINE);
	talloc_free(text);
}

/* The card of this EID; *peeked is to be freed when it is not powered. */
static struct card *card_arg(struct vty *vty, const char *text, struct sim_slot **slot, struct card **peeked)
{
	struct eid eid;

	*peeked = NULL;
	*slot = eid_from_str(&eid, text) == 0 ? sim_slot(g_sim, &eid) : NULL;
	if (!*slot) {
		vty_out(vty, "%% no such eUICC%s", VTY_NEWLINE);
		return NULL;
	}
	if ((*slot)->card)
		return (*slot)->card;
	*peeked = sim_peek(g_sim, *slot);
	return *peeked;
}

DEFUN(show_euiccs, show_euiccs_cmd, "show euicc", SHOW_EUICC_STR)
{
	const struct sim_slot *slot;
	char eid[EID_STR_SIZE], aid[AID_STR_SIZE];

	llist_for_each_entry(slot, &g_sim->slots, entry) {
		const struct isd_p *p = slot->card ? card_isdp_enabled(slot->card) : NULL;

		vty_out(vty, "%s %s", eid_str(eid, &slot->eid), slot->on ? "on" : "off");
		if (slot->terminal)
			vty_out(vty, " %s imsi %s profile %s",
				terminal_attached(slot->terminal) ? "attached" : "searching",
				terminal_imsi(slot->terminal), p ? aid_str(aid, &p->aid) : "-");
		vty_out(vty, "%s", VTY_NEWLINE);
	}
	vty_out(vty, "%u eUICCs, %u on%s", g_sim->n_slots, g_sim->n_on, VTY_NEWLINE);
	return CMD_SUCCESS;
}

static void profiles_out(struct vty *vty, const struct card *c)
{
	const struct isd_p *p;
	char aid[AID_STR_SIZE];

	llist_for_each_entry(p, &c->isdps, entry)
		vty_out(vty, "  ISD-P %s %s%s iccid %s memory %u/%u POL1 %02X SCP03 version %02X counter %06X%s",
			aid_str(aid, &p->aid), es5_state_text(p->state),
			p->fallback ? " (fall-back)" : p->emergency ? " (emergency)" : "",
			p->iccid[0] ? p->iccid : "-", p->used, p->granted, p->pol1, p->kvn, p->scp03_cntr, VTY_NEWLINE);
}

static void counters_out(struct vty *vty, const struct card *c)
{
	const struct card_cattp_stats *t = card_cattp_stats(c);
	unsigned kvn;

	for (kvn = 1; kvn < ARRAY_SIZE(c->cntr); kvn++)
		if (card_key(c, kvn, 2))
			vty_out(vty, "  SCP80 version %02X counter %010llX%s", kvn, (unsigned long long)c->cntr[kvn],
				VTY_NEWLINE);
	vty_out(vty, "  SMS received %lu, dropped %lu; scripts run %lu%s", c->sms_in, c->dropped, c->scripts,
		VTY_NEWLINE);
	vty_out(vty, "  CAT_TP %s: links %lu, PDUs received %lu (bad %lu, doubled %lu, early %lu), sent %lu "
		"(again %lu), SDUs received %lu, sent %lu%s", card_cattp_state(c), t->links, t->rx, t->rx_bad, t->rx_dup,
		t->rx_ooo, t->tx, t->again, t->sdu_in, t->sdu_out, VTY_NEWLINE);
}

static void switch_out(struct vty *vty, const struct card *c)
{
	static const char *const kinds[] = { "none", "enable", "disable", "roll-back", "fall-back" };
	static const char *const stages[] = { "", "waits for REFRESH", "waits for attach", "waits for confirmation" };

	if (c->sw.stage != SW_STAGE_NONE)
		vty_out(vty, "  change: %s %s%s", kinds[c->sw.kind], stages[c->sw.stage], VTY_NEWLINE);
	if (c->notif.type)
		vty_out(vty, "  notification owed: %s number %04X, tried %u times%s", notif_type_text(c->notif.type),
			c->notif.seq, c->notif.tries, VTY_NEWLINE);
	vty_out(vty, "  HTTPS: %s%s", card_http_state(c), VTY_NEWLINE);
}

/* What the card has, and with what it is secured; never a key. */
static void bearers_out(struct vty *vty, const struct card *c)
{
	uint8_t kvn80 = card_scp80_kvn(c), kvn81 = card_scp81_kvn(c);
	const struct key *k = card_key(c, kvn80, 2);

	vty_out(vty, "  bearers: SMS%s%s", c->has_cattp ? ", CAT_TP" : "", kvn81 ? ", HTTPS" : "");
	if (k)
		vty_out(vty, "; SCP80 version %02X %s of %zu bits", kvn80, key_type(k) == KEY_TYPE_DES ? "3DES" : "AES",
			8 * key_len(k));
	if (kvn81)
		vty_out(vty, "; SCP81 version %02X", kvn81);
	vty_out(vty, "%s", VTY_NEWLINE);
}

DEFUN(show_euicc, show_euicc_cmd, "show euicc EID", SHOW_EUICC_STR EID_STR)
{
	struct sim_slot *slot;
	struct card *peeked, *c = card_arg(vty, argv[0], &slot, &peeked);
	char *text;

	if (!c)
		return CMD_WARNING;
	vty_out(vty, "%s %s, IMEI %s, memory %u of %u free%s", argv[0], slot->on ? "on" : "off", slot->imei,
		card_memory_free(c), c->memory, VTY_NEWLINE);
	vty_out(vty, "  SM-SR: SMS %s, HTTPS %s port %u %s%s", c->smsr.number, c->smsr.ip[0] ? c->smsr.ip : c->smsr.host,
		c->smsr.port, c->smsr.uri, VTY_NEWLINE);
	if (!c->smsr.ip[0] && c->smsr.dns[0])
		vty_out(vty, "  name server %s port %u%s", c->smsr.dns, c->smsr.dns_port, VTY_NEWLINE);
	bearers_out(vty, c);
	text = card_dialect_describe(NULL, c);
	vty_out(vty, "  dialect %s%s", text, VTY_NEWLINE);
	talloc_free(text);
	profiles_out(vty, c);
	counters_out(vty, c);
	switch_out(vty, c);
	if (slot->terminal)
		lines(vty, terminal_describe(slot->terminal, g_sim), "  ");
	talloc_free(peeked);
	return CMD_SUCCESS;
}

DEFUN(show_profiles, show_profiles_cmd, "show profiles EID", SHOW_STR "ISD-Ps of one eUICC\n" EID_STR)
{
	struct sim_slot *slot;
	struct card *peeked, *c = card_arg(vty, argv[0], &slot, &peeked);

	if (!c)
		return CMD_WARNING;
	profiles_out(vty, c);
	talloc_free(peeked);
	return CMD_SUCCESS;
}

DEFUN(show_counters, show_counters_cmd, "show counters EID", SHOW_STR "Counters of one eUICC\n" EID_STR)
{
	struct sim_slot *slot;
	struct card *peeked, *c = card_arg(vty, argv[0], &slot, &peeked);

	if (!c)
		return CMD_WARNING;
	counters_out(vty, c);
	talloc_free(peeked);
	return CMD_SUCCESS;
}

DEFUN(show_ef, show_ef_cmd, "show ef EID PATH",
      SHOW_STR "Contents of a file of the enabled profile\n" EID_STR "3F00/2FE2, 3F00/7FF0/6F07, ..\n")
{
	struct sim_slot *slot;
	struct card *peeked, *c = card_arg(vty, argv[0], &slot, &peeked);
	struct isd_p *p = c ? card_isdp_enabled(c) : NULL;
	struct usim_fs *fs = p ? card_profile_fs(p) : NULL;
	char *text = fs ? usim_show_ef(g_sim, fs, argv[1]) : NULL;

	int rc = text ? CMD_SUCCESS : CMD_WARNING;

	if (!text)
		vty_out(vty, "%% no such file%s", VTY_NEWLINE);
	lines(vty, text, "");
	talloc_free(peeked);
	return rc;
}

/* A hand on the contacts: what a reader would see. Answers hold what the card gives away to a terminal, keys of a session
 * included; its own keys never come out. */
DEFUN(euicc_apdu, euicc_apdu_cmd, "euicc EID apdu .HEX",
      SHOW_EUICC_STR EID_STR "Give the powered card commands, one after the other\nCommand APDUs, hexadecimal\n")
{
	struct sim_slot *slot;
	struct card *peeked, *c = card_arg(vty, argv[0], &slot, &peeked);
	int rc = c && !peeked ? CMD_SUCCESS : CMD_WARNING;

	if (peeked)
		vty_out(vty, "%% it is not powered%s", VTY_NEWLINE);
	for (int i = 1; rc == CMD_SUCCESS && i < argc; i++) {
		struct bytes *cmd = bytes_from_hex(g_sim, argv[i]), *resp = bytes_new(g_sim, 0);

		if (cmd) {
			card_apdu(c, cmd->data, cmd->len, resp);
			vty_out(vty, "%s%s", bytes_hex(resp, resp->data, resp->len), VTY_NEWLINE);
		} else {
			vty_out(vty, "%% %s is not hexadecimal%s", argv[i], VTY_NEWLINE);
			rc = CMD_WARNING;
		}
		talloc_free(cmd);
		talloc_free(resp);
	}
	talloc_free(peeked);
	return rc;
}

DEFUN(show_network, show_network_cmd, "show network", SHOW_STR "Simulated mobile network\n")
{
	const struct sim_slot *slot;
	char eid[EID_STR_SIZE];
	unsigned n = 0;

	lines(vty, network_describe(g_sim->net, g_sim), "");
	llist_for_each_entry(slot, &g_sim->slots, entry) {
		if (!slot->terminal || !terminal_attached(slot->terminal))
			continue;
		if (n++ < ATTACHED_MAX)
			vty_out(vty, "  IMSI %s MSISDN %s attached, EID %s%s", terminal_imsi(slot->terminal),
				network_msisdn(g_sim->net, terminal_imsi(slot->terminal)), eid_str(eid, &slot->eid),
				VTY_NEWLINE);
	}
	if (n > ATTACHED_MAX)
		vty_out(vty, "  and %u more%s", n - ATTACHED_MAX, VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(show_commits, show_commits_cmd, "show state-file", SHOW_STR "State file: transactions since start\n")
{
	vty_out(vty, "%lu commits, %u profiles in memory%s", txn_count(), g_sim->env->lru_len, VTY_NEWLINE);
	return CMD_SUCCESS;
}

void euicc_vty_show_init(struct sim *s)
{
	g_sim = s;
	install_element_ve(&show_euiccs_cmd);
	install_element_ve(&show_euicc_cmd);
	install_element_ve(&show_profiles_cmd);
	install_element_ve(&show_counters_cmd);
	install_element_ve(&show_ef_cmd);
	install_element_ve(&show_network_cmd);
	install_element(ENABLE_NODE, &euicc_apdu_cmd);
	install_element_ve(&show_commits_cmd);
}

/* Ways to cards: configuration of CAT_TP and of the choice of bearer, per operator and per eUICC, and what was learned
 * (design 5, corrections 20, 33).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

#include "smsr.h"
#include "smsr_vty.h"

#define LINKS_SHOWN 200
#define CATTP_HELP "Cards by CAT_TP\n"
#define BEARER_HELP "Ways to cards\n"

/* --- CAT_TP ------------------------------------------------------------------------------------------------------- */

DEFUN(cfg_cattp_bind, cfg_cattp_bind_cmd, "cat-tp bind (A.B.C.D|X:X::X:X) <0-65535>",
      CATTP_HELP "Listen here, from the next start on\nIPv4\nIPv6\nUDP port, also the CAT_TP port, 0 for any\n")
{
	osmo_talloc_replace_string(g_smsr, &g_smsr->cfg.cattp_ip, argv[0]);
	g_smsr->cfg.cattp_port = atoi(argv[1]);
	return CMD_SUCCESS;
}

DEFUN(cfg_cattp_adv, cfg_cattp_adv_cmd, "cat-tp advertise (A.B.C.D|X:X::X:X) <0-65535>",
      CATTP_HELP "Address that triggers name to cards\nIPv4\nIPv6\nUDP port\n")
{
	osmo_talloc_replace_string(g_smsr, &g_smsr->cfg.cattp_adv_ip, argv[0]);
	g_smsr->cfg.cattp_adv_port = atoi(argv[1]);
	return CMD_SUCCESS;
}

DEFUN(cfg_no_cattp, cfg_no_cattp_cmd, "no cat-tp", NO_STR "No CAT_TP, from the next start on\n")
{
	TALLOC_FREE(g_smsr->cfg.cattp_ip);
	TALLOC_FREE(g_smsr->cfg.cattp_adv_ip);
	return CMD_SUCCESS;
}

/* One number of struct card_bearer_cfg: command, help of the number, field. */
#define CATTP_NUMBER(name, cmd, help, field) \
	DEFUN(cfg_##name, cfg_##name##_cmd, "cat-tp " cmd, CATTP_HELP help) \
	{ \
		g_smsr->cfg.bearer.cattp.field = atoi(argv[0]); \
		return CMD_SUCCESS; \
	}
CATTP_NUMBER(cattp_links, "max-links <1-1000000>", "Links at a time; more are refused\nLinks\n", max_links)
CATTP_NUMBER(cattp_half, "max-half-open <1-100000>", "Handshakes at a time; more are refused\nLinks\n", max_half_open)
CATTP_NUMBER(cattp_half_s, "handshake-time <1-300>", "A handshake takes no longer\nSeconds\n", half_open_s)
CATTP_NUMBER(cattp_win, "window <1-32>", "PDUs a card may send ahead\nPDUs\n", link.win)
CATTP_NUMBER(cattp_pdu, "max-pdu <23-1472>", "Largest PDU we take\nOctets\n", link.max_pdu)
CATTP_NUMBER(cattp_sdu, "max-sdu <64-65535>", "Largest SDU we take\nOctets\n", link.max_sdu)
CATTP_NUMBER(cattp_queue, "max-queue <4096-1000000>", "Not yet acknowledged on one link\nOctets\n", link.queue_max)
CATTP_NUMBER(cattp_rto, "retransmission <100-60000>",
	     "First retransmission, before the round trip is known\nMilliseconds\n",
	     link.rto_ms)
CATTP_NUMBER(cattp_rto_max, "retransmission-max <2000-60000>", "Longest wait between two\nMilliseconds\n", link.rto_max_ms)
CATTP_NUMBER(cattp_retries, "retries <1-20>", "Retransmissions of one PDU, then the link ends\nTimes\n", link.retries)
CATTP_NUMBER(cattp_idle, "idle <0-86400>", "A link without data ends\nSeconds, 0 for never\n", link.idle_s)

static void write_cattp(struct vty *vty)
{
	const struct smsr_cfg *c = &g_smsr->cfg;
	const struct cattp_srv_limits *l = &c->bearer.cattp;
	struct cattp_srv_limits d;

	cattp_srv_limits_default(&d);
	if (c->cattp_ip)
		vty_out(vty, " cat-tp bind %s %u%s", c->cattp_ip, c->cattp_port, VTY_NEWLINE);
	if (c->cattp_adv_ip)
		vty_out(vty, " cat-tp advertise %s %u%s", c->cattp_adv_ip, c->cattp_adv_port, VTY_NEWLINE);
#define WRITE_CATTP(word, field) \
	if (l->field != d.field) \
		vty_out(vty, " cat-tp " word " %u%s", (unsigned)l->field, VTY_NEWLINE)
	WRITE_CATTP("max-links", max_links);
	WRITE_CATTP("max-half-open", max_half_open);
	WRITE_CATTP("handshake-time", half_open_s);
	WRITE_CATTP("window", link.win);
	WRITE_CATTP("max-pdu", link.max_pdu);
	WRITE_CATTP("max-sdu", link.max_sdu);
	WRITE_CATTP("max-queue", link.queue_max);
	WRITE_CATTP("retransmission", link.rto_ms);
	WRITE_CATTP("retransmission-max", link.rto_max_ms);
	WRITE_CATTP("retries", link.retries);
	WRITE_CATTP("idle", link.idle_s);
}

/* --- choice ------------------------------------------------------------------------------------------------------- */

#define ORDER_CMD "order .BEARER"
#define ORDER_HELP \
	"Which is tried first; what is not named is not used. Small scripts go by SMS if that is named\n" \
	"https, cat-tp or sms, the first one first\n"

static int order_parse(struct vty *vty, enum card_bearer *order, unsigned *n, int argc, const char **argv)
{
	enum card_bearer got[CARD_BEARERS_N];

	if (argc < 1 || argc > CARD_BEARERS_N) {
		vty_out(vty, "%% one to %u of https, cat-tp, sms%s", CARD_BEARERS_N, VTY_NEWLINE);
		return CMD_WARNING;
	}
	for (int i = 0; i < argc; i++) {
		got[i] = card_bearer_parse(argv[i]);
		for (int j = 0; j < i; j++)
			if (got[j] == got[i])
				got[i] = CARD_BEARER_NONE;
		if (got[i])
			continue;
		vty_out(vty, "%% no bearer, or named twice: %s%s", argv[i], VTY_NEWLINE);
		return CMD_WARNING;
	}
	memcpy(order, got, argc * sizeof(got[0]));
	*n = argc;
	return CMD_SUCCESS;
}

static void order_text(struct vty *vty, const enum card_bearer *order, unsigned n)
{
	static const char *const words[_CARD_BEARERS] = {
		[CARD_BEARER_SCP80] = "sms", [CARD_BEARER_SCP81] = "https", [CARD_BEARER_CATTP] = "cat-tp",
	};

	for (unsigned i = 0; i < n; i++)
		vty_out(vty, " %s", words[order[i]]);
}

DEFUN(cfg_order, cfg_order_cmd, "bearer " ORDER_CMD, BEARER_HELP ORDER_HELP)
{
	return order_parse(vty, g_smsr->cfg.bearer.order, &g_smsr->cfg.bearer.n_order, argc, argv);
}

#define BEARER_NUMBER(name, cmd, help, field) \
	DEFUN(cfg_##name, cfg_##name##_cmd, cmd, help) \
	{ \
		g_smsr->cfg.bearer.field = atoi(argv[0]); \
		return CMD_SUCCESS; \
	}
BEARER_NUMBER(triggers, "bearer triggers <1-20>",
	      BEARER_HELP "Triggers delivered without a session, then the next bearer is tried\nTriggers\n", triggers)
BEARER_NUMBER(retry, "bearer retry-after <0-604800>",
	      BEARER_HELP "A bearer that failed is avoided for so long\nSeconds\n",
	      retry_s)
BEARER_NUMBER(parts_limit, "sms parts-limit <1-64>",
	      "SMS to cards\nNo packet is longer, also where there is no other bearer, from the next start\nMessages\n",
	      sms_parts_limit)

void smsr_vty_bearer_write(struct vty *vty)
{
	const struct card_bearer_cfg *c = &g_smsr->cfg.bearer;
	struct card_bearer_cfg d;

	card_bearer_cfg_default(&d);
	write_cattp(vty);
	if (c->n_order != d.n_order || memcmp(c->order, d.order, sizeof(d.order))) {
		vty_out(vty, " bearer order");
		order_text(vty, c->order, c->n_order);
		vty_out(vty, "%s", VTY_NEWLINE);
	}
	if (c->triggers != d.triggers)
		vty_out(vty, " bearer triggers %u%s", c->triggers, VTY_NEWLINE);
	if (c->retry_s != d.retry_s)
		vty_out(vty, " bearer retry-after %u%s", c->retry_s, VTY_NEWLINE);
	if (c->sms_parts_limit != d.sms_parts_limit)
		vty_out(vty, " sms parts-limit %u%s", c->sms_parts_limit, VTY_NEWLINE);
}

/* --- node party: packet data of an operator's cards --------------------------------------------------------------- */

#define PACKET_HELP "Operator: packet data of its cards, goes into triggers\nAccess point name\nName\n"

static int packet_data_set(struct vty *vty, const char *apn, const char *login, const char *password)
{
	struct smsr_party *p = vty->index;

	if (strlen(apn) > 62 || (login && (strlen(login) > 63 || strlen(password) > 63))) {
		vty_out(vty, "%% too long%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	if (login && !strcmp(password, SMSR_VTY_MASKED)) {
		vty_out(vty, "%% that is how a password is shown, not one: the old one stays%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	osmo_talloc_replace_string(p, &p->apn, apn);
	osmo_talloc_replace_string(p, &p->login, login);
	osmo_talloc_replace_string(p, &p->password, password);
	return CMD_SUCCESS;
}

DEFUN(cfg_party_apn, cfg_party_apn_cmd, "bearer apn NAME", PACKET_HELP)
{
	return packet_data_set(vty, argv[0], NULL, NULL);
}

DEFUN(cfg_party_apn_login, cfg_party_apn_login_cmd, "bearer apn NAME login NAME password WORD",
      PACKET_HELP "Login\nName\nPassword\nPassword\n")
{
	return packet_data_set(vty, argv[0], argv[1], argv[2]);
}

DEFUN(cfg_party_no_apn, cfg_party_no_apn_cmd, "no bearer apn",
      NO_STR "Operator: packet data of its cards\nCards take what they have stored\n")
{
	struct smsr_party *p = vty->index;

	TALLOC_FREE(p->apn);
	TALLOC_FREE(p->login);
	TALLOC_FREE(p->password);
	return CMD_SUCCESS;
}

void smsr_vty_bearer_write_party(struct vty *vty, const struct smsr_party *p)
{
	if (!p->apn)
		return;
	vty_out(vty, "  bearer apn %s", p->apn);
	if (p->login)		/* for the file, not for a screen */
		vty_out(vty, " login %s password %s", p->login, vty->type == VTY_FILE ? p->password : SMSR_VTY_MASKED);
	vty_out(vty, "%s", VTY_NEWLINE);
}

/* --- show --------------------------------------------------------------------------------------------------------- */

DEFUN(show_cattp, show_cattp_cmd, "show cat-tp", SHOW_STR "CAT_TP links\n")
{
	if (!g_smsr->cards) {
		vty_out(vty, "%% not started%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	smsr_vty_lines(vty, " ", card_sessions_describe_cattp(g_smsr->cards, OTC_SELECT, LINKS_SHOWN));
	return CMD_SUCCESS;
}

void smsr_vty_bearer_show(struct vty *vty, const struct euicc *e)
{
	const struct smsr_bearer_set *set = &e->set;

	vty_out(vty, "Bearers%s", VTY_NEWLINE);
	smsr_vty_lines(vty, " ", card_learned_describe(OTC_SELECT, &e->learned));
	if (set->n_order) {
		vty_out(vty, " set for this eUICC: order");
		order_text(vty, set->order, set->n_order);
		vty_out(vty, "%s", VTY_NEWLINE);
	}
	if (set->spi1 || set->spi2)
		vty_out(vty, " set for this eUICC: SPI %02X %02X%s", set->spi1, set->spi2, VTY_NEWLINE);
	if (set->compact || set->indefinite)
		vty_out(vty, " set for this eUICC: %s scripts%s", set->compact ? "compact" : "indefinite", VTY_NEWLINE);
}

/* --- one eUICC ---------------------------------------------------------------------------------------------------- */

static struct euicc *settable(struct vty *vty, const char *eid)
{
	struct euicc *e = smsr_vty_euicc_find(vty, eid);

	if (!e || g_smsr->cfg.allow_operate)
		return e;
	vty_out(vty, "%% not allowed: 'allow-operate' is not set in node smsr%s", VTY_NEWLINE);
	return NULL;
}

static int store(struct vty *vty, struct euicc *e, const char *what)
{
	const struct smsr_audit a = { .who = "vty", .procedure = "settings", .operation = what };

	if (smsr_db_bearer_set_put(e->reg->db, &e->eis->fix.eid, &e->set) < 0) {
		vty_out(vty, "%% cannot be stored%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	smsr_db_audit(e->reg->db, &e->eis->fix.eid, &a);
	return CMD_SUCCESS;
}

#define EUICC_HELP "Change an eUICC (needs allow-operate)\n32 digits\n"

DEFUN(euicc_order, euicc_order_cmd, "euicc EID bearer " ORDER_CMD, EUICC_HELP "Ways to this card\n" ORDER_HELP)
{
	struct euicc *e = settable(vty, argv[0]);

	if (!e || order_parse(vty, e->set.order, &e->set.n_order, argc - 1, argv + 1) != CMD_SUCCESS)
		return CMD_WARNING;
	return store(vty, e, "bearer order");
}

DEFUN(euicc_no_order, euicc_no_order_cmd, "no euicc EID bearer order",
      NO_STR EUICC_HELP "Ways to this card\nAs configured for all\n")
{
	struct euicc *e = settable(vty, argv[0]);

	if (!e)
		return CMD_WARNING;
	e->set.n_order = 0;
	return store(vty, e, "bearer order as for all");
}

DEFUN(euicc_forget, euicc_forget_cmd, "euicc EID bearer forget",
      EUICC_HELP "Ways to this card\nWhat was learned of it counts no more\n")
{
	struct euicc *e = settable(vty, argv[0]);

	if (!e)
		return CMD_WARNING;
	e->learned = (struct card_learned){};
	smsr_db_learned_put(e->reg->db, &e->eis->fix.eid, &e->learned);
	return store(vty, e, "bearer experience forgotten");
}

DEFUN(euicc_renumbered, euicc_renumbered_cmd, "euicc EID notifications forget",
      EUICC_HELP "Notifications of this card\nIt numbers them anew: whatever comes next counts\n")
{
	struct euicc *e = settable(vty, argv[0]);

	if (!e)
		return CMD_WARNING;
	eis_notif_forget(e->eis);
	return store(vty, e, "notification number forgotten");
}

#define SCP80_HELP "Secured packets to this card (ota-transport 1)\n"

DEFUN(euicc_spi, euicc_spi_cmd, "euicc EID scp80 spi HEX",
      EUICC_HELP SCP80_HELP "Security parameters of commands\nTwo octets, 1639 as SGP.02 has it\n")
{
	struct euicc *e = settable(vty, argv[0]);
	uint8_t spi[2];

	if (!e)
		return CMD_WARNING;
	if (hex_dec(spi, 2, argv[1]) != 2 || (spi[0] & 0x03) == 0x03 || (spi[0] & 0x03) == 0 ||
	    (spi[1] & 0x0C) == 0x0C) {
		vty_out(vty, "%% not two octets, a reserved value, or commands without any checksum%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	if ((spi[1] & 0x0C) && (spi[0] & 0x03) != (spi[1] >> 2 & 0x03)) {
		vty_out(vty, "%% KID names one algorithm: redundancy check or cryptographic, both ways%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	if ((spi[1] & 0x03) != 0x01) {
		vty_out(vty, "%% b2 b1 of the second octet must be 01: else we learn nothing%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	if ((spi[1] & 0x0C) != 0x08)
		vty_out(vty, "%% anybody can forge a response packet without cryptographic checksum%s", VTY_NEWLINE);
	e->set.spi1 = spi[0];
	e->set.spi2 = spi[1];
	return store(vty, e, "SPI set");
}

DEFUN(euicc_script, euicc_script_cmd, "euicc EID scp80 script (definite|indefinite|compact)",
      EUICC_HELP SCP80_HELP "Form of scripts\nExpanded, AA\nExpanded, AE\nCompact: C-APDUs only\n")
{
	struct euicc *e = settable(vty, argv[0]);

	if (!e)
		return CMD_WARNING;
	e->set.compact = !strcmp(argv[1], "compact");
	e->set.indefinite = !strcmp(argv[1], "indefinite");
	return store(vty, e, "script form set");
}

DEFUN(euicc_no_scp80, euicc_no_scp80_cmd, "no euicc EID scp80",
      NO_STR EUICC_HELP "Secured packets to this card as SGP.02 has them\n")
{
	struct euicc *e = settable(vty, argv[0]);

	if (!e)
		return CMD_WARNING;
	e->set.spi1 = e->set.spi2 = 0;
	e->set.compact = e->set.indefinite = false;
	return store(vty, e, "SCP80 as SGP.02");
}

void smsr_vty_bearer_init(void)
{
	static struct cmd_element *const smsr_cmds[] = {
		&cfg_cattp_bind_cmd, &cfg_cattp_adv_cmd, &cfg_no_cattp_cmd, &cfg_cattp_links_cmd, &cfg_cattp_half_cmd,
		&cfg_cattp_half_s_cmd, &cfg_cattp_win_cmd, &cfg_cattp_pdu_cmd, &cfg_cattp_sdu_cmd, &cfg_cattp_queue_cmd,
		&cfg_cattp_rto_cmd, &cfg_cattp_rto_max_cmd,
		&cfg_cattp_retries_cmd, &cfg_cattp_idle_cmd, &cfg_order_cmd, &cfg_triggers_cmd,
		&cfg_retry_cmd, &cfg_parts_limit_cmd,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(smsr_cmds); i++)
		install_element(SMSR_NODE, smsr_cmds[i]);
	install_element(PARTY_NODE, &cfg_party_apn_cmd);
	install_element(PARTY_NODE, &cfg_party_apn_login_cmd);
	install_element(PARTY_NODE, &cfg_party_no_apn_cmd);
	install_element_ve(&show_cattp_cmd);
	install_element(ENABLE_NODE, &euicc_order_cmd);
	install_element(ENABLE_NODE, &euicc_no_order_cmd);
	install_element(ENABLE_NODE, &euicc_forget_cmd);
	install_element(ENABLE_NODE, &euicc_renumbered_cmd);
	install_element(ENABLE_NODE, &euicc_spi_cmd);
	install_element(ENABLE_NODE, &euicc_script_cmd);
	install_element(ENABLE_NODE, &euicc_no_scp80_cmd);
}

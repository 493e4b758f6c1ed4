/* Configuration nodes `smdp` and `party`, and what an operator of the SM-DP wants to see.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/vty/vty.h>
#include <osmocom/rsp/util/misc.h>

#include <osmocom/rsp/es/es_party_vty.h>

#include "smdp.h"
#include "smdp_vty.h"

/* Node smdp ------------------------------------------------------------------------------------------------------ */

static struct cmd_node smdp_node = { SMDP_NODE, "%s(config-smdp)# ", 1 };

DEFUN(cfg_smdp, cfg_smdp_cmd, "smdp", "Configure the SM-DP\n")
{
	vty->node = SMDP_NODE;
	return CMD_SUCCESS;
}

/* One text setting: replaced as a whole. */
static int set_text(char **field, const char *value)
{
	osmo_talloc_replace_string(g_smdp, field, value);
	return CMD_SUCCESS;
}

DEFUN(cfg_own_id, cfg_own_id_cmd, "own-id OID", "Identity of this SM-DP in every message\nObject identifier\n")
{
	if (!oid_valid(argv[0])) {
		vty_out(vty, "%% %s is not an object identifier%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	return set_text(&g_smdp->cfg.own_id, argv[0]);
}

DEFUN(cfg_own_name, cfg_own_name_cmd, "own-name NAME", "Label shown to peers beside the identity\nWord\n")
{
	return set_text(&g_smdp->cfg.own_name, argv[0]);
}

DEFUN(cfg_database, cfg_database_cmd, "database PATH", "SQLite file with stock, orders and unsent messages\nFile\n")
{
	return set_text(&g_smdp->cfg.database, argv[0]);
}

DEFUN(cfg_kek, cfg_kek_cmd, "kek FILE",
      "Key-encryption key the stock is sealed under; made on the first start\nFile, mode 0400\n")
{
	return set_text(&g_smdp->cfg.kek, argv[0]);
}

DEFUN(cfg_ci_cert, cfg_ci_cert_cmd, "ci-cert FILE", "Root of trust for EUM and SM-DP certificates\nX.509, PEM\n")
{
	return set_text(&g_smdp->cfg.ci_cert, argv[0]);
}

DEFUN(cfg_eum_cert, cfg_eum_cert_cmd, "eum-cert FILE",
      "EUM certificate for an EIS that carries none; may be given several times\nX.509, PEM\n")
{
	for (unsigned i = 0; i < g_smdp->cfg.n_eum_certs; i++)
		if (!strcmp(g_smdp->cfg.eum_cert[i], argv[0]))
			return CMD_SUCCESS;
	if (g_smdp->cfg.n_eum_certs == SMDP_EUM_CERTS_MAX) {
		vty_out(vty, "%% at most %d%s", SMDP_EUM_CERTS_MAX, VTY_NEWLINE);
		return CMD_WARNING;
	}
	return set_text(&g_smdp->cfg.eum_cert[g_smdp->cfg.n_eum_certs++], argv[0]);
}

DEFUN(cfg_dp_cert, cfg_dp_cert_cmd, "dp-cert FILE",
      "CERT.DP.ECDSA sent to the cards\nTLV 7F21, binary or hexadecimal\n")
{
	return set_text(&g_smdp->cfg.dp_cert, argv[0]);
}

DEFUN(cfg_dp_key, cfg_dp_key_cmd, "dp-key FILE", "Private key of the certificate sent to the cards\nPEM, mode 0400\n")
{
	return set_text(&g_smdp->cfg.dp_key, argv[0]);
}

#define ES_STR "Interfaces to operators and SM-SRs\n"
DEFUN(cfg_es_bind, cfg_es_bind_cmd, "es bind ADDR <0-65535>", ES_STR "Listen\nIPv4 or IPv6 address\nTCP port; 0: any\n")
{
	g_smdp->cfg.es_port = atoi(argv[1]);
	return set_text(&g_smdp->cfg.es_ip, argv[0]);
}

DEFUN(cfg_es_url, cfg_es_url_cmd, "es url URL",
      ES_STR "Where peers reach us; written into From and ReplyTo\nhttps://host:port/path\n")
{
	return set_text(&g_smdp->cfg.es_url, argv[0]);
}

DEFUN(cfg_tls, cfg_tls_cmd, "tls (cert|key|ca|crl) FILE",
      "Files of the mutual TLS on these interfaces\nOur certificate\nIts private key\nWhom we trust\nWho is "
      "revoked\nPEM\n")
{
	char **field = !strcmp(argv[0], "cert")	 ? &g_smdp->cfg.tls_cert
		       : !strcmp(argv[0], "key") ? &g_smdp->cfg.tls_key
		       : !strcmp(argv[0], "ca")	 ? &g_smdp->cfg.tls_ca
						 : &g_smdp->cfg.tls_crl;

	return set_text(field, argv[1]);
}

static int set_number(unsigned *field, const char *value)
{
	*field = atoi(value);
	smdp_apply(g_smdp);
	return CMD_SUCCESS;
}

DEFUN(cfg_validity, cfg_validity_cmd, "default-validity <10-604800>",
      "Validity period of a request that carries none\nSeconds\n")
{
	return set_number(&g_smdp->cfg.validity_s, argv[0]);
}

DEFUN(cfg_cleanup, cfg_cleanup_cmd, "cleanup-validity <5-3600>",
      "How long DeleteISDP is tried after a failed download\nSeconds\n")
{
	return set_number(&g_smdp->cfg.cleanup_s, argv[0]);
}

DEFUN(cfg_memory, cfg_memory_cmd, "memory-percent <100-1000>",
      "Memory asked for on the card, in percent of the package's size\nPercent\n")
{
	return set_number(&g_smdp->cfg.memory_percent, argv[0]);
}

DEFUN(cfg_memory_extra, cfg_memory_extra_cmd, "memory-extra <0-16777216>",
      "Memory asked for on the card beyond that, for files that come from templates\nOctets\n")
{
	return set_number(&g_smdp->cfg.memory_extra, argv[0]);
}

static void config_write_party(struct vty *vty);

static void write_text(struct vty *vty, const char *name, const char *value)
{
	if (value)
		vty_out(vty, " %s %s%s", name, value, VTY_NEWLINE);
}

static int config_write_smdp(struct vty *vty)
{
	const struct smdp_cfg *c = &g_smdp->cfg;

	vty_out(vty, "smdp%s", VTY_NEWLINE);
	write_text(vty, "own-id", c->own_id);
	write_text(vty, "own-name", c->own_name);
	write_text(vty, "database", c->database);
	write_text(vty, "kek", c->kek);
	write_text(vty, "ci-cert", c->ci_cert);
	for (unsigned i = 0; i < c->n_eum_certs; i++)
		write_text(vty, "eum-cert", c->eum_cert[i]);
	write_text(vty, "dp-cert", c->dp_cert);
	write_text(vty, "dp-key", c->dp_key);
	vty_out(vty, " es bind %s %u%s", c->es_ip, c->es_port, VTY_NEWLINE);
	write_text(vty, "es url", c->es_url);
	write_text(vty, "tls cert", c->tls_cert);
	write_text(vty, "tls key", c->tls_key);
	write_text(vty, "tls ca", c->tls_ca);
	write_text(vty, "tls crl", c->tls_crl);
	vty_out(vty, " default-validity %u%s", c->validity_s, VTY_NEWLINE);
	vty_out(vty, " cleanup-validity %u%s", c->cleanup_s, VTY_NEWLINE);
	vty_out(vty, " memory-percent %u%s", c->memory_percent, VTY_NEWLINE);
	vty_out(vty, " memory-extra %u%s", c->memory_extra, VTY_NEWLINE);
	smdp_vty_stock_write(vty);
	smdp_vty_hlr_write(vty);
	es_link_vty_write(vty, &g_smdp->cfg.es_limits);
	config_write_party(vty);
	return CMD_SUCCESS;
}

/* Node party ----------------------------------------------------------------------------------------------------- */

static struct cmd_node party_node = { SMDP_PARTY_NODE, "%s(config-smdp-party)# ", 1 };

#define PARTY_STR "A peer: operator or SM-SR\n"
DEFUN(cfg_party, cfg_party_cmd, "party OID", PARTY_STR "Its identity, an object identifier\n")
{
	struct smdp_party *p = smdp_party_get(g_smdp, argv[0]);

	if (!p) {
		vty_out(vty, "%% %s is not an object identifier%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty->index = p;
	vty->node = SMDP_PARTY_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_no_party, cfg_no_party_cmd, "no party OID", NO_STR PARTY_STR "Its identity, an object identifier\n")
{
	smdp_party_del(g_smdp, argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_party_role, cfg_party_role_cmd, "role (operator|sm-sr|m2m-sp|sm-dp|eum)",
      "What the peer may do\nOrders profiles (ES2)\nCarries our commands to cards (ES3)\nM2M service provider\nAnother "
      "SM-DP\nManufacturer\n")
{
	struct smdp_party *p = vty->index;

	p->role = es_role_parse(argv[0]);
	smdp_party_apply(p);
	return CMD_SUCCESS;
}

DEFUN(cfg_party_fpr, cfg_party_fpr_cmd, "fingerprint HEX",
      "TLS client certificate the peer shows\nSHA-256 of the certificate, 64 hexadecimal digits, colons allowed\n")
{
	struct smdp_party *p = vty->index;

	osmo_talloc_replace_string(p, &p->fpr, argv[0]);
	smdp_party_apply(p);
	return CMD_SUCCESS;
}

DEFUN(cfg_party_url, cfg_party_url_cmd, "url URL",
      "Where we reach the peer; callbacks go nowhere else\nhttps://host:port/path\n")
{
	struct smdp_party *p = vty->index;

	osmo_talloc_replace_string(p, &p->url, argv[0]);
	smdp_party_apply(p);
	return CMD_SUCCESS;
}

static void config_write_party(struct vty *vty)
{
	const struct smdp_party *p;

	llist_for_each_entry(p, &g_smdp->parties, entry) {
		vty_out(vty, " party %s%s  role %s%s", p->id, VTY_NEWLINE, es_role_name(p->role), VTY_NEWLINE);
		if (p->fpr)
			vty_out(vty, "  fingerprint %s%s", p->fpr, VTY_NEWLINE);
		if (p->url)
			vty_out(vty, "  url %s%s", p->url, VTY_NEWLINE);
		es_party_vty_write(vty, &p->set);
	}
}

static struct es_party_set *party_set(void *index)
{
	return &((struct smdp_party *)index)->set;
}

static void party_apply(void *index)
{
	smdp_party_apply(index);
}

static struct es_link *party_link(void)
{
	return g_smdp->link;
}

static struct es_link_limits *link_limits(void)
{
	return &g_smdp->cfg.es_limits;
}

static const struct es_party_vty party_vty = {
	SMDP_PARTY_NODE, party_set, party_apply, party_link, SMDP_NODE, link_limits,
};

/* Show ----------------------------------------------------------------------------------------------------------- */

#define ORDERS_SHOWN 50

static const char *order_state(const struct dl_row *r)
{
	return r->status >= 0 ? es_status_name(r->status) : proc_download_step_name(r->step);
}

static void show_order_line(void *data, const struct dl_row *r)
{
	struct vty *vty = data;
	char at[CLOCK_STR_SIZE];

	vty_out(vty, "%6" PRId64 " %s EID %s ICCID %s for %s: %s%s%s", r->id, clock_str(at, r->started), r->eid,
		r->iccid, r->mno, order_state(r), r->finished ? "" : " (under way)", VTY_NEWLINE);
}

DEFUN(show_orders, show_orders_cmd, "show orders", SHOW_STR "The newest downloads ordered by operators\n")
{
	smdp_db_dl_walk(g_smdp->db, false, ORDERS_SHOWN, show_order_line, vty);
	return CMD_SUCCESS;
}

struct show_timeline {
	struct vty *vty;
	int64_t start_ms;
};

static void show_note(void *data, int64_t at_ms, const char *text)
{
	struct show_timeline *t = data;
	struct vty *vty = t->vty;

	if (!t->start_ms)
		t->start_ms = at_ms;
	vty_out(vty, "  %9.3f  %s%s", (at_ms - t->start_ms) / 1000.0, text, VTY_NEWLINE);
}

DEFUN(show_order, show_order_cmd, "show order <1-2147483647>",
      SHOW_STR "One download with its timeline\nNumber from show orders\n")
{
	struct show_timeline t = { .vty = vty };
	char from[CLOCK_STR_SIZE], to[CLOCK_STR_SIZE], aid[AID_STR_SIZE];
	struct dl_row r;

	if (smdp_db_dl_get(g_smdp->db, atoll(argv[0]), &r) < 0) {
		vty_out(vty, "%% no order %s%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty_out(vty, "Order %" PRId64 ": %s%s", r.id, order_state(&r), VTY_NEWLINE);
	if (r.message[0])
		vty_out(vty, " %s%s%s %s%s", r.subject, r.subject[0] ? "/" : "", r.reason, r.message, VTY_NEWLINE);
	vty_out(vty, " EID %s, ICCID %s%s%s%s", r.eid, r.iccid, r.by_type ? ", one of type " : "",
		r.by_type ? r.type : "", VTY_NEWLINE);
	vty_out(vty, " ordered by %s%s, SM-SR %s%s", r.mno, r.enable ? ", to be enabled" : "", r.smsr, VTY_NEWLINE);
	if (r.isdp.len)
		vty_out(vty, " ISD-P %s%s", aid_str(aid, &r.isdp), VTY_NEWLINE);
	vty_out(vty, " began %s, valid until %s%s", clock_str(from, r.started), clock_str(to, r.deadline), VTY_NEWLINE);
	vty_out(vty, " Timeline (seconds)%s", VTY_NEWLINE);
	smdp_db_dl_notes(g_smdp->db, r.id, show_note, &t);
	return CMD_SUCCESS;
}

struct show_profiles {
	struct vty *vty;
	unsigned lines;
	char last[ICCID_STR_SIZE];
};

static bool show_profile_line(void *data, const struct stock_row *r)
{
	struct show_profiles *s = data;
	struct vty *vty = s->vty;

	vty_out(vty, "%-20s %-11s type %s owner %s IMSI %s MSISDN %s%s%s%s", r->iccid, stock_state_name(r->state),
		r->type[0] ? r->type : "-", r->owner, r->imsi[0] ? r->imsi : "-", r->msisdn[0] ? r->msisdn : "-",
		r->eid[0] ? " EID " : "", r->eid, VTY_NEWLINE);
	OSMO_STRLCPY_ARRAY(s->last, r->iccid);
	s->lines++;
	return true;
}

DEFUN(show_profiles, show_profiles_cmd, "show profiles [after] [ICCID]",
      SHOW_STR
      "Profiles on stock, in order of ICCID, up to 1000 at a time\nGo on after this one\nICCID, 19 or 20 digits\n")
{
	struct show_profiles s = { .vty = vty };

	smdp_db_stock_walk(g_smdp->db, argc > 1 ? argv[1] : "", NULL, 1000, show_profile_line, &s);
	vty_out(vty, "%u shown of %" PRId64 "%s", s.lines, smdp_db_stock_count(g_smdp->db), VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(show_outbox, show_outbox_cmd, "show outbox",
      SHOW_STR "Messages to peers that are not delivered or not answered yet\n")
{
	char *text = g_smdp->link ? es_link_describe_outbox(g_smdp->link, g_smdp) : NULL, *line, *save = NULL;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save))
		vty_out(vty, "%s%s", line, VTY_NEWLINE);
	talloc_free(text);
	return CMD_SUCCESS;
}

/* ---------------------------------------------------------------------------------------------------------------- */

static int smdp_go_parent(struct vty *vty)
{
	switch (vty->node) {
	case SMDP_PARTY_NODE:
	case SMDP_CARD_TYPE_NODE:
	case SMDP_HLR_NODE:
		vty->node = SMDP_NODE;
		vty->index = NULL;
		break;
	case SMDP_NODE:
		vty->node = CONFIG_NODE;
		vty->index = NULL;
		break;
	default:
		break;
	}
	return vty->node;
}

struct vty_app_info smdp_vty_info = {
	.name = "OsmoSMDP",
	.copyright = "Copyright (C) 2026 the osmo-rsp contributors\r\n"
		     "License AGPLv3+: GNU AGPL version 3 or later <https://gnu.org/licenses/agpl-3.0.html>\r\n"
		     "This is free software: you are free to change and redistribute it.\r\n"
		     "There is NO WARRANTY, to the extent permitted by law.\r\n",
	.go_parent_cb = smdp_go_parent,
};

void smdp_vty_init(void)
{
	static struct cmd_element *const smdp_cmds[] = {
		&cfg_own_id_cmd,   &cfg_own_name_cmd, &cfg_database_cmd, &cfg_kek_cmd,		&cfg_ci_cert_cmd,
		&cfg_eum_cert_cmd, &cfg_dp_cert_cmd,  &cfg_dp_key_cmd,	 &cfg_es_bind_cmd,	&cfg_es_url_cmd,
		&cfg_tls_cmd,	   &cfg_validity_cmd, &cfg_cleanup_cmd,
		&cfg_memory_cmd, &cfg_memory_extra_cmd,   &cfg_party_cmd,    &cfg_no_party_cmd,
	};

	install_element_ve(&show_orders_cmd);
	install_element_ve(&show_order_cmd);
	install_element_ve(&show_profiles_cmd);
	install_element_ve(&show_outbox_cmd);
	install_element(CONFIG_NODE, &cfg_smdp_cmd);
	install_node(&smdp_node, config_write_smdp);
	for (size_t i = 0; i < ARRAY_SIZE(smdp_cmds); i++)
		install_element(SMDP_NODE, smdp_cmds[i]);
	smdp_vty_stock_init();
	smdp_vty_hlr_init();
	install_node(&party_node, NULL);
	install_element(SMDP_PARTY_NODE, &cfg_party_role_cmd);
	install_element(SMDP_PARTY_NODE, &cfg_party_fpr_cmd);
	install_element(SMDP_PARTY_NODE, &cfg_party_url_cmd);
	es_party_vty_init(&party_vty);
}

/* Configuration: nodes smsr, party; each with its write function below its commands.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/tdef_vty.h>
#include <osmocom/vty/vty.h>

#include <osmocom/rsp/es/es_party_vty.h>

#include "smsr.h"
#include "smsr_vty.h"

static struct osmo_tdef_group timer_groups[] = {
	{ .name = "procedure", .tdefs = euicc_tdefs, .desc = "Procedures and holds" },
	{ .name = "card", .tdefs = card_session_tdefs, .desc = "Card sessions" },
	{}
};

/* --- node smsr ---------------------------------------------------------------------------------------------------- */

static struct cmd_node smsr_node = { SMSR_NODE, "%s(config-smsr)# ", 1 };

DEFUN(cfg_smsr, cfg_smsr_cmd, "smsr", "The SM-SR and its parties\n")
{
	vty->node = SMSR_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_own_id, cfg_own_id_cmd, "own-id OID", "Our EntityId\nObject identifier\n")
{
	if (!oid_valid(argv[0])) {
		vty_out(vty, "%% not an object identifier: %s%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	osmo_talloc_replace_string(g_smsr, &g_smsr->cfg.own_id, argv[0]);
	return CMD_SUCCESS;
}

#define SMSR_STRING(name, cmd, help, field) \
	DEFUN(cfg_##name, cfg_##name##_cmd, cmd, help) \
	{ \
		osmo_talloc_replace_string(g_smsr, &g_smsr->cfg.field, argv[0]); \
		return CMD_SUCCESS; \
	}

SMSR_STRING(own_name, "own-name NAME", "Our name, for people\nName\n", own_name)
SMSR_STRING(database, "database FILE", "SQLite database\nPath\n", database)
SMSR_STRING(kek, "kek FILE",
	    "Key-encryption key that seals all keys in the database; made when it is not there\nPath\n", kek)
SMSR_STRING(ci_cert, "ci-cert FILE", "Certificate of the CI that EUM certificates come from\nPath of a PEM file\n",
	    ci_cert)
SMSR_STRING(es_url, "es url URL", "Interfaces ES1, ES3, ES4\nAddress that peers answer to\nURL\n", es_url)
SMSR_STRING(tls_cert, "tls cert FILE", "TLS of the ES interfaces\nOur certificate\nPath of a PEM file\n", tls_cert)
SMSR_STRING(tls_key, "tls key FILE", "TLS of the ES interfaces\nOur private key\nPath of a PEM file\n", tls_key)
SMSR_STRING(tls_ca, "tls ca FILE", "TLS of the ES interfaces\nWho signs our peers' certificates\nPath of a PEM file\n",
	    tls_ca)
SMSR_STRING(tls_crl, "tls crl FILE",
	    "TLS of the ES interfaces\nRevocation list for our peers' certificates\nPath of a PEM file\n", tls_crl)
SMSR_STRING(sms_number, "sms number NUMBER", "SMS to cards\nNumber we send from and cards answer to\nDigits\n",
	    sms_number)

DEFUN(cfg_ci_crl, cfg_ci_crl_cmd, "ci-crl FILE",
      "Revocation list of the CI: EUM certificates on it are reported\nPath of a PEM file; read at once\n")
{
	char *old = g_smsr->cfg.ci_crl;

	g_smsr->cfg.ci_crl = talloc_strdup(g_smsr, argv[0]);
	if (smsr_load_crl(g_smsr) == 0) {
		talloc_free(old);
		return CMD_SUCCESS;
	}
	talloc_free(g_smsr->cfg.ci_crl);
	g_smsr->cfg.ci_crl = old;	/* also in the file that is written: else the next start fails */
	vty_out(vty, "%% %s is no revocation list of the CI, the old one stays%s", argv[0], VTY_NEWLINE);
	return CMD_WARNING;
}

DEFUN(cfg_revoked, cfg_revoked_cmd, "revoked (warn|refuse)",
      "Certificates on ci-crl\nLog, counter and timeline only, as SGP.02 2.3.2.3 wants\nRefused, for private CIs\n")
{
	g_smsr->cfg.revoked_refuse = !strcmp(argv[0], "refuse");
	return CMD_SUCCESS;
}

#define SMSR_ADDRESS(name, cmd, help, ip, port) \
	DEFUN(cfg_##name, cfg_##name##_cmd, cmd " (A.B.C.D|X:X::X:X) <0-65535>", help "IPv4\nIPv6\nPort, 0 for any\n") \
	{ \
		osmo_talloc_replace_string(g_smsr, &g_smsr->cfg.ip, argv[0]); \
		g_smsr->cfg.port = atoi(argv[1]); \
		return CMD_SUCCESS; \
	}

SMSR_ADDRESS(es_bind, "es bind", "Interfaces ES1, ES3, ES4\nListen here\n", es_ip, es_port)
SMSR_ADDRESS(scp81_bind, "scp81 bind", "Cards by HTTPS\nListen here\n", scp81_ip, scp81_port)
SMSR_ADDRESS(scp81_adv, "scp81 advertise", "Cards by HTTPS\nAddress that triggers name to cards\n", adv_ip, adv_port)

DEFUN(cfg_parts, cfg_parts_cmd, "sms max-parts <1-20>",
      "SMS to cards\nLonger scripts go by HTTPS\nConcatenated messages\n")
{
	g_smsr->cfg.sms_max_parts = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_live_max, cfg_live_max_cmd, "live-euiccs <0-10000000>",
      "Records kept in memory; beyond, those with nothing under way are let go\neUICCs\n")
{
	g_smsr->cfg.live_max = atoi(argv[0]);
	if (g_smsr->euiccs)
		g_smsr->euiccs->live_max = g_smsr->cfg.live_max;
	return CMD_SUCCESS;
}

DEFUN(cfg_validity, cfg_validity_cmd, "default-validity <1-604800>", "Validity of requests that name none\nSeconds\n")
{
	g_smsr->cfg.default_validity_s = atoi(argv[0]);
	if (g_smsr->euiccs)
		g_smsr->euiccs->default_validity_s = g_smsr->cfg.default_validity_s;
	return CMD_SUCCESS;
}

DEFUN(cfg_operate, cfg_operate_cmd, "allow-operate", "Let VTY commands change cards, as party 'vty'\n")
{
	g_smsr->cfg.allow_operate = true;
	return CMD_SUCCESS;
}

DEFUN(cfg_no_operate, cfg_no_operate_cmd, "no allow-operate", NO_STR "VTY commands only show\n")
{
	g_smsr->cfg.allow_operate = false;
	return CMD_SUCCESS;
}

static void write_string(struct vty *vty, const char *key, const char *value)
{
	if (value)
		vty_out(vty, " %s %s%s", key, value, VTY_NEWLINE);
}

static void write_address(struct vty *vty, const char *key, const char *ip, uint16_t port)
{
	if (ip)
		vty_out(vty, " %s %s %u%s", key, ip, port, VTY_NEWLINE);
}

static void write_party(struct vty *vty, const struct smsr_party *p);

static int config_write_smsr(struct vty *vty)
{
	const struct smsr_cfg *c = &g_smsr->cfg;
	const struct smsr_party *p;

	vty_out(vty, "smsr%s", VTY_NEWLINE);
	write_string(vty, "own-id", c->own_id);
	write_string(vty, "own-name", c->own_name);
	write_string(vty, "database", c->database);
	write_string(vty, "kek", c->kek);
	write_string(vty, "ci-cert", c->ci_cert);
	write_string(vty, "ci-crl", c->ci_crl);
	if (c->revoked_refuse)
		vty_out(vty, " revoked refuse%s", VTY_NEWLINE);
	es_link_vty_write(vty, &c->es_limits);
	write_address(vty, "es bind", c->es_ip, c->es_port);
	write_string(vty, "es url", c->es_url);
	write_string(vty, "tls cert", c->tls_cert);
	write_string(vty, "tls key", c->tls_key);
	write_string(vty, "tls ca", c->tls_ca);
	write_string(vty, "tls crl", c->tls_crl);
	write_address(vty, "scp81 bind", c->scp81_ip, c->scp81_port);
	write_address(vty, "scp81 advertise", c->adv_ip, c->adv_port);
	write_string(vty, "sms number", c->sms_number);
	if (c->sms_max_parts != 5)
		vty_out(vty, " sms max-parts %u%s", c->sms_max_parts, VTY_NEWLINE);
	smsr_vty_smsc_write_limits(vty);
	smsr_vty_scp81_write(vty);
	smsr_vty_audit_write(vty);
	smsr_vty_bearer_write(vty);
	smsr_vty_json_write(vty);
	vty_out(vty, " default-validity %u%s", c->default_validity_s, VTY_NEWLINE);
	if (c->live_max != EUICC_LIVE_MAX)
		vty_out(vty, " live-euiccs %u%s", c->live_max, VTY_NEWLINE);
	if (c->allow_operate)
		vty_out(vty, " allow-operate%s", VTY_NEWLINE);
	llist_for_each_entry(p, &c->parties, entry)
		write_party(vty, p);
	return CMD_SUCCESS;
}

/* --- node party --------------------------------------------------------------------------------------------------- */

static struct cmd_node party_node = { PARTY_NODE, "%s(config-party)# ", 1 };

DEFUN(cfg_party, cfg_party_cmd, "party OID", "A peer on the ES interfaces\nIts EntityId\n")
{
	struct smsr_party *p = smsr_party_get(g_smsr, argv[0]);

	if (!p) {
		vty_out(vty, "%% not an object identifier: %s%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty->index = p;
	vty->node = PARTY_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_no_party, cfg_no_party_cmd, "no party OID", NO_STR "A peer on the ES interfaces\nIts EntityId\n")
{
	smsr_party_del(g_smsr, argv[0]);
	json_party_del(&g_smsr->json, argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_party_role, cfg_party_role_cmd, "role (operator|m2m-sp|sm-dp|sm-sr|eum)",
      "What it is, which decides what it may call\nOperator\nM2M service provider\nSM-DP\nAnother SM-SR\neUICC "
      "manufacturer\n")
{
	struct smsr_party *p = vty->index;

	p->role = es_role_parse(argv[0]);
	smsr_party_apply(g_smsr, p);
	return CMD_SUCCESS;
}

DEFUN(cfg_party_fpr, cfg_party_fpr_cmd, "fingerprint HEX",
      "SHA-256 of its TLS client certificate\n64 digits, lower case\n")
{
	struct smsr_party *p = vty->index;
	uint8_t raw[32];

	if (hex_dec(raw, sizeof(raw), argv[0]) != sizeof(raw)) {
		vty_out(vty, "%% not 64 hexadecimal digits%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	talloc_free(p->fpr);
	p->fpr = talloc_strdup(p, osmo_hexdump_nospc(raw, sizeof(raw)));
	smsr_party_apply(g_smsr, p);
	return CMD_SUCCESS;
}

DEFUN(cfg_party_url, cfg_party_url_cmd, "url URL", "Where its callbacks and notifications go\nURL\n")
{
	struct smsr_party *p = vty->index;

	osmo_talloc_replace_string(p, &p->url, argv[0]);
	smsr_party_apply(g_smsr, p);
	return CMD_SUCCESS;
}

DEFUN(cfg_party_eum_cert, cfg_party_eum_cert_cmd, "eum-cert FILE",
      "EUM certificate for EIS signatures that carry none\nPath of a PEM file\n")
{
	struct smsr_party *p = vty->index;

	osmo_talloc_replace_string(p, &p->eum_cert_file, argv[0]);
	talloc_free(p->eum_cert);
	p->eum_cert = NULL;
	smsr_party_apply(g_smsr, p);
	if (p->eum_cert)
		return CMD_SUCCESS;
	vty_out(vty, "%% cannot read a certificate from %s%s", argv[0], VTY_NEWLINE);
	return CMD_WARNING;
}

DEFUN(cfg_party_prefix, cfg_party_prefix_cmd, "eid-prefix DIGITS",
      "EUM: only EIDs that begin so may be registered\nDigits\n")
{
	struct smsr_party *p = vty->index;

	if (!digits_valid(argv[0], 1, 32)) {
		vty_out(vty, "%% not digits%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	osmo_talloc_replace_string(p, &p->eid_prefix, argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_party_wrap, cfg_party_wrap_cmd, "key-wrap (aes-kw|ecb)",
      "EUM: how keysets in its EIS are wrapped by the transport key\nRFC 3394\nThe older agreement, without "
      "integrity\n")
{
	struct smsr_party *p = vty->index;

	p->ecb = !strcmp(argv[0], "ecb");
	return CMD_SUCCESS;
}

static void write_party(struct vty *vty, const struct smsr_party *p)
{
	vty_out(vty, " party %s%s", p->id, VTY_NEWLINE);
	vty_out(vty, "  role %s%s", es_role_name(p->role), VTY_NEWLINE);
	if (p->fpr)
		vty_out(vty, "  fingerprint %s%s", p->fpr, VTY_NEWLINE);
	if (p->url)
		vty_out(vty, "  url %s%s", p->url, VTY_NEWLINE);
	if (p->eum_cert_file)
		vty_out(vty, "  eum-cert %s%s", p->eum_cert_file, VTY_NEWLINE);
	if (p->eid_prefix)
		vty_out(vty, "  eid-prefix %s%s", p->eid_prefix, VTY_NEWLINE);
	if (p->ecb)
		vty_out(vty, "  key-wrap ecb%s", VTY_NEWLINE);
	es_party_vty_write(vty, &p->set);
	smsr_vty_bearer_write_party(vty, p);
	smsr_vty_json_write_party(vty, p->id);
}

static struct es_party_set *party_set(void *index)
{
	return &((struct smsr_party *)index)->set;
}

static void party_apply(void *index)
{
	smsr_party_apply(g_smsr, index);
}

static struct es_link *party_link(void)
{
	return g_smsr->link;
}

static struct es_link_limits *link_limits(void)
{
	return &g_smsr->cfg.es_limits;
}

static const struct es_party_vty party_vty = {
	PARTY_NODE, party_set, party_apply, party_link, SMSR_NODE, link_limits, smsr_vty_json_reload,
};

static int config_write_timers(struct vty *vty)
{
	osmo_tdef_vty_groups_write(vty, "");
	return CMD_SUCCESS;
}

static struct cmd_node timer_node = { PARTY_NODE + 10, "", 0 };

void smsr_vty_init(void)
{
	install_element(CONFIG_NODE, &cfg_smsr_cmd);
	install_node(&smsr_node, config_write_smsr);
	install_element(SMSR_NODE, &cfg_own_id_cmd);
	install_element(SMSR_NODE, &cfg_own_name_cmd);
	install_element(SMSR_NODE, &cfg_database_cmd);
	install_element(SMSR_NODE, &cfg_kek_cmd);
	install_element(SMSR_NODE, &cfg_ci_cert_cmd);
	install_element(SMSR_NODE, &cfg_ci_crl_cmd);
	install_element(SMSR_NODE, &cfg_revoked_cmd);
	install_element(SMSR_NODE, &cfg_es_bind_cmd);
	install_element(SMSR_NODE, &cfg_es_url_cmd);
	install_element(SMSR_NODE, &cfg_tls_cert_cmd);
	install_element(SMSR_NODE, &cfg_tls_key_cmd);
	install_element(SMSR_NODE, &cfg_tls_ca_cmd);
	install_element(SMSR_NODE, &cfg_tls_crl_cmd);
	install_element(SMSR_NODE, &cfg_live_max_cmd);
	install_element(SMSR_NODE, &cfg_scp81_bind_cmd);
	install_element(SMSR_NODE, &cfg_scp81_adv_cmd);
	install_element(SMSR_NODE, &cfg_sms_number_cmd);
	install_element(SMSR_NODE, &cfg_parts_cmd);
	install_element(SMSR_NODE, &cfg_validity_cmd);
	install_element(SMSR_NODE, &cfg_operate_cmd);
	install_element(SMSR_NODE, &cfg_no_operate_cmd);
	install_element(SMSR_NODE, &cfg_party_cmd);
	install_element(SMSR_NODE, &cfg_no_party_cmd);

	install_node(&party_node, NULL);
	install_element(PARTY_NODE, &cfg_party_role_cmd);
	install_element(PARTY_NODE, &cfg_party_fpr_cmd);
	install_element(PARTY_NODE, &cfg_party_url_cmd);
	install_element(PARTY_NODE, &cfg_party_eum_cert_cmd);
	install_element(PARTY_NODE, &cfg_party_prefix_cmd);
	install_element(PARTY_NODE, &cfg_party_wrap_cmd);
	es_party_vty_init(&party_vty);

	osmo_tdef_vty_groups_init(CONFIG_NODE, timer_groups);
	install_node(&timer_node, config_write_timers);
	smsr_vty_smsc_init();
	smsr_vty_scp81_init();
	smsr_vty_audit_init();
	smsr_vty_bearer_init();
	smsr_vty_euicc_init();
	smsr_vty_grant_init();
	smsr_vty_json_init();
}

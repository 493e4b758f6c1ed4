/* Configuration of the JSON interface, in nodes smsr and party; show json.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/util/misc.h>

#include "json_srv.h"
#include "smsr.h"
#include "smsr_vty.h"

#define JSON_STR "JSON over HTTPS, for fleet owners\n"

static void changed(void)
{
	if (g_smsr->json_srv)
		json_srv_changed(g_smsr->json_srv);
}

int smsr_vty_json_reload(void)
{
	return g_smsr->json_srv ? json_srv_reload(g_smsr->json_srv) : 0;
}

DEFUN(cfg_json_bind, cfg_json_bind_cmd, "json bind (A.B.C.D|X:X::X:X) <0-65535>",
      JSON_STR "Listen here, with the certificate of the ES interfaces, from the next start on\n"
      "IPv4\nIPv6\nPort, 0 for any\n")
{
	osmo_talloc_replace_string(g_smsr, &g_smsr->json.ip, argv[0]);
	g_smsr->json.port = atoi(argv[1]);
	return CMD_SUCCESS;
}

DEFUN(cfg_no_json_bind, cfg_no_json_bind_cmd, "no json bind", NO_STR JSON_STR "Do not listen\n")
{
	TALLOC_FREE(g_smsr->json.ip);
	return CMD_SUCCESS;
}

DEFUN(cfg_json_waits, cfg_json_waits_cmd, "json max-streams <1-10000>",
      JSON_STR "Requests that wait for events, of all parties together\nRequests\n")
{
	g_smsr->json.max_waits = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_json_keep, cfg_json_keep_cmd, "json keep <1-3650>", JSON_STR "How long finished operations are kept\nDays\n")
{
	g_smsr->json.keep_days = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_json_give_up, cfg_json_give_up_cmd, "json webhook-give-up <1-604800>",
      JSON_STR "An event that a webhook has not taken for this long is given up\nSeconds\n")
{
	g_smsr->json.hook_give_up_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_json_hook_ca, cfg_json_hook_ca_cmd, "json webhook-ca FILE",
      JSON_STR "Who signs the certificates of webhooks, if not 'tls ca'\nPath of a PEM file\n")
{
	osmo_talloc_replace_string(g_smsr, &g_smsr->json.hook_ca, argv[0]);
	return CMD_SUCCESS;
}

static struct json_party *party(struct vty *vty)
{
	return json_party_get(g_smsr, &g_smsr->json, ((struct smsr_party *)vty->index)->id, true);
}

DEFUN(cfg_party_token, cfg_party_token_cmd, "json-token sha256 HEX",
      "Bearer token of this party at the JSON interface\nOnly its hash is kept\nSHA-256 of the token, 64 digits\n")
{
	struct json_party *p = party(vty);
	uint8_t hash[32];

	if (hex_dec(hash, sizeof(hash), argv[0]) != sizeof(hash)) {
		vty_out(vty, "%% not 64 hexadecimal digits%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	if (p->n_tokens == JSON_TOKENS_MAX) {
		vty_out(vty, "%% it has two already: 'no json-token' first%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	memcpy(p->token[p->n_tokens++], hash, sizeof(hash));
	changed();
	return CMD_SUCCESS;
}

DEFUN(cfg_party_token_new, cfg_party_token_new_cmd, "json-token new",
      "Bearer token of this party at the JSON interface\nMake one and show it, once\n")
{
	struct json_party *p = party(vty);
	uint8_t raw[JSON_TOKEN_OCTETS];
	char text[2 * JSON_TOKEN_OCTETS + 1];
	struct iov iov = { text, sizeof(text) - 1 };

	if (p->n_tokens == JSON_TOKENS_MAX) {
		vty_out(vty, "%% it has two already: 'no json-token' first%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	rand_bytes(raw, sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(text + 2 * i, 3, "%02x", raw[i]);
	sha256(&iov, 1, p->token[p->n_tokens++]);
	vty_out(vty, "%s%s", text, VTY_NEWLINE);
	secret_wipe(raw, sizeof(raw));
	secret_wipe(text, sizeof(text));
	changed();
	return CMD_SUCCESS;
}

DEFUN(cfg_no_party_token, cfg_no_party_token_cmd, "no json-token",
      NO_STR "Bearer tokens of this party: the older one goes, at once\n")
{
	struct json_party *p = party(vty);

	if (p->n_tokens) {
		memmove(p->token[0], p->token[1], sizeof(p->token[0]));
		p->n_tokens--;
	}
	changed();
	return CMD_SUCCESS;
}

DEFUN(cfg_party_hook, cfg_party_hook_cmd, "webhook URL secret FILE",
      "Where each event of its operations is POSTed, signed\nAddress, https only\nSignature\nFile of 16 to 64 octets\n")
{
	struct json_party *p = party(vty);

	if (strncmp(argv[0], "https://", 8)) {
		vty_out(vty, "%% https only%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	osmo_talloc_replace_string(p, &p->hook_url, argv[0]);
	osmo_talloc_replace_string(p, &p->hook_secret, argv[1]);
	changed();
	return CMD_SUCCESS;
}

DEFUN(cfg_no_party_hook, cfg_no_party_hook_cmd, "no webhook", NO_STR "Events of its operations are not POSTed\n")
{
	struct json_party *p = party(vty);

	TALLOC_FREE(p->hook_url);
	TALLOC_FREE(p->hook_secret);
	return CMD_SUCCESS;
}

void smsr_vty_json_write(struct vty *vty)
{
	const struct json_cfg *j = &g_smsr->json;

	if (j->ip)
		vty_out(vty, " json bind %s %u%s", j->ip, j->port, VTY_NEWLINE);
	if (j->max_waits)
		vty_out(vty, " json max-streams %u%s", j->max_waits, VTY_NEWLINE);
	if (j->keep_days)
		vty_out(vty, " json keep %u%s", j->keep_days, VTY_NEWLINE);
	if (j->hook_give_up_s)
		vty_out(vty, " json webhook-give-up %u%s", j->hook_give_up_s, VTY_NEWLINE);
	if (j->hook_ca)
		vty_out(vty, " json webhook-ca %s%s", j->hook_ca, VTY_NEWLINE);
}

void smsr_vty_json_write_party(struct vty *vty, const char *id)
{
	const struct json_party *p = json_party_get(g_smsr, &g_smsr->json, id, false);

	for (unsigned i = 0; p && i < p->n_tokens; i++)
		vty_out(vty, "  json-token sha256 %s%s", osmo_hexdump_nospc(p->token[i], 32), VTY_NEWLINE);
	if (p && p->hook_url)
		vty_out(vty, "  webhook %s secret %s%s", p->hook_url, p->hook_secret, VTY_NEWLINE);
}

DEFUN(show_json, show_json_cmd, "show json", SHOW_STR JSON_STR)
{
	if (!g_smsr->json_srv) {
		vty_out(vty, "%% no 'json bind' in node smsr%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	smsr_vty_lines(vty, "", json_srv_describe(g_smsr->json_srv, OTC_SELECT));
	return CMD_SUCCESS;
}

void smsr_vty_json_init(void)
{
	install_element(SMSR_NODE, &cfg_json_bind_cmd);
	install_element(SMSR_NODE, &cfg_no_json_bind_cmd);
	install_element(SMSR_NODE, &cfg_json_waits_cmd);
	install_element(SMSR_NODE, &cfg_json_keep_cmd);
	install_element(SMSR_NODE, &cfg_json_give_up_cmd);
	install_element(SMSR_NODE, &cfg_json_hook_ca_cmd);
	install_element(PARTY_NODE, &cfg_party_token_cmd);
	install_element(PARTY_NODE, &cfg_party_token_new_cmd);
	install_element(PARTY_NODE, &cfg_no_party_token_cmd);
	install_element(PARTY_NODE, &cfg_party_hook_cmd);
	install_element(PARTY_NODE, &cfg_no_party_hook_cmd);
	install_element_ve(&show_json_cmd);
}

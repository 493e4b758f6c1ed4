/* osmo-es: configuration, requests from the command line, answers for people and machines.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/crypto/cert.h>
#include <osmocom/rsp/util/misc.h>

#include "es_tool.h"

#define EIS_FILE_MAX (256 * 1024)

static int config_line(struct es_tool *t, char *key, char *rest)
{
	const struct { const char *name; const char **v; } strings[] = {
		{ "id", &t->id }, { "name", &t->name }, { "cert", &t->cert }, { "key", &t->key }, { "ca", &t->ca },
	};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(strings); i++) {
		if (!strcmp(key, strings[i].name)) {
			*strings[i].v = talloc_strdup(t->ctx, rest);
			return 0;
		}
	}
	if (!strcmp(key, "listen")) {
		char *sp = strchr(rest, ' ');

		if (!sp)
			return -EINVAL;
		t->ip = talloc_strndup(t->ctx, rest, sp - rest);
		t->port = atoi(sp + 1);
		return 0;
	}
	if (!strcmp(key, "peer") && t->n_peers < ARRAY_SIZE(t->peers)) {
		t->peers[t->n_peers++] = talloc_strdup(t->ctx, rest);
		return 0;
	}
	return -EINVAL;
}

int es_tool_config(struct es_tool *t, const char *path)
{
	char line[1024], *nl, *sp;
	unsigned no = 0;
	FILE *f = fopen(path, "r");

	if (!f) {
		fprintf(stderr, "osmo-es: %s: %s\n", path, strerror(errno));
		return -errno;
	}
	while (fgets(line, sizeof(line), f)) {
		no++;
		nl = strchr(line, '\n');
		if (nl)
			*nl = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		sp = strchr(line, ' ');
		if (sp)
			*sp++ = '\0';
		if (!sp || config_line(t, line, sp) < 0) {
			fprintf(stderr, "osmo-es: %s:%u: not understood: %s\n", path, no, line);
			fclose(f);
			return -EINVAL;
		}
	}
	fclose(f);
	if (t->id && t->cert && t->key && t->ca && t->ip && t->n_peers)
		return 0;
	fprintf(stderr, "osmo-es: %s: id, cert, key, ca, listen and one peer are needed\n", path);
	return -EINVAL;
}

static char *fingerprint(void *ctx, const char *file)
{
	struct cert_x509 *c = cert_x509_load(ctx, file);
	struct bytes *der = c ? cert_x509_der(ctx, c) : NULL;
	uint8_t h[32];

	if (!der)
		return NULL;
	sha256(&(struct iov){ der->data, der->len }, 1, h);
	return talloc_strdup(ctx, osmo_hexdump_nospc(h, sizeof(h)));
}

int es_tool_parties(struct es_tool *t)
{
	char name[64], role[16], id[OID_STR_SIZE], url[256], cert[512];
	struct es_party *p;
	unsigned i;

	for (i = 0; i < t->n_peers; i++) {
		if (sscanf(t->peers[i], "%63s %15s %63s %255s %511s", name, role, id, url, cert) != 5 || es_role_parse(role) < 0) {
			fprintf(stderr, "osmo-es: peer NAME sm-sr|sm-dp OID URL CERTFILE: not so: %s\n", t->peers[i]);
			return -EINVAL;
		}
		p = es_party_add(t->link, id, es_role_parse(role));
		p->url = talloc_strdup(p, url);
		p->fpr = fingerprint(p, cert);
		if (!p->fpr) {
			fprintf(stderr, "osmo-es: %s is no certificate\n", cert);
			return -EINVAL;
		}
		if (!t->peer && (!t->peer_name || !strcmp(t->peer_name, name)))
			t->peer = p;
	}
	if (t->peer)
		return 0;
	fprintf(stderr, "osmo-es: no peer named %s\n", t->peer_name);
	return -ENOENT;
}

static int set_field(struct es_msg *m, const char *name, const char *v)
{
	if (!strcmp(name, "eid")) {
		m->b.has_eid = true;
		return eid_from_str(&m->b.eid, v);
	}
	if (!strcmp(name, "iccid")) {
		if (m->func != ES_FN_AUDIT_EIS)
			return iccid_from_str(m->b.iccid, v);
		m->b.iccids = talloc_zero_size(m, ICCID_STR_SIZE);
		m->b.n_iccids = 1;
		return iccid_from_str(m->b.iccids[0], v);
	}
	if (!strcmp(name, "smsr-id")) {
		OSMO_STRLCPY_ARRAY(m->b.smsr_id, v);
		return oid_valid(v) ? 0 : -EINVAL;
	}
	if (!strcmp(name, "profile-type"))
		return osmo_strlcpy(m->b.profile_type, v, sizeof(m->b.profile_type)) < sizeof(m->b.profile_type) ? 0 : -EINVAL;
	if (!strcmp(name, "enable")) {
		m->b.enable_profile = !strcmp(v, "true");
		return m->b.enable_profile || !strcmp(v, "false") ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int function_parse(const char *text, enum es_iface *iface, enum es_func *func)
{
	for (*iface = ES1; *iface <= ES4; (*iface)++) {
		for (*func = ES_FN_NONE + 1; *func < ES_FN_HANDLE_ENABLED; (*func)++) {
			if (!strncmp(text, es_iface_name(*iface), 3) && text[3] == '-' && !strcmp(text + 4, es_func_name(*func)))
				return 0;
		}
	}
	fprintf(stderr, "osmo-es: no such function: %s (see --help)\n", text);
	return -EINVAL;
}

int es_tool_batch(struct es_tool *t)
{
	char line[128], *nl;
	FILE *f = fopen(t->batch, "r");

	if (!f) {
		fprintf(stderr, "osmo-es: %s: %s\n", t->batch, strerror(errno));
		return -errno;
	}
	while (fgets(line, sizeof(line), f)) {
		nl = strchr(line, '\n');
		if (nl)
			*nl = '\0';
		t->files = talloc_realloc(t->ctx, t->files, char *, t->n_files + 1);
		t->files[t->n_files++] = talloc_strdup(t->ctx, line);
	}
	fclose(f);
	return t->n_files ? 0 : -EINVAL;
}

int es_tool_batch_line(struct es_msg *m, const char *line)
{
	char eid[EID_STR_SIZE], iccid[ICCID_STR_SIZE];

	if (sscanf(line, "%32s %20s", eid, iccid) == 2 && !set_field(m, "eid", eid) && !set_field(m, "iccid", iccid))
		return 0;
	fprintf(stderr, "osmo-es: not EID ICCID: %s\n", line);
	return -EINVAL;
}

struct es_msg *es_tool_request(void *ctx, int argc, char **argv)
{
	enum es_iface iface;
	enum es_func func;
	struct es_msg *m;
	char arg[512], *eq;
	int i;

	if (function_parse(argv[0], &iface, &func) < 0)
		return NULL;
	m = es_msg_new(ctx, iface, func, ES_REQUEST);
	for (i = 1; i < argc; i++) {
		OSMO_STRLCPY_ARRAY(arg, argv[i]);
		eq = strchr(arg, '=');
		if (eq)
			*eq++ = '\0';
		if (!eq || set_field(m, arg, eq) < 0) {
			fprintf(stderr, "osmo-es: %s: %s is not a value of %s\n", argv[0], eq ? eq : "nothing", arg);
			talloc_free(m);
			return NULL;
		}
	}
	return m;
}

struct es_msg *es_tool_register(void *ctx, const char *eis_file)
{
	struct es_msg *m = es_msg_new(ctx, ES1, ES_FN_REGISTER_EIS, ES_REQUEST);
	uint8_t *buf = talloc_size(m, EIS_FILE_MAX);
	char *err = NULL;
	FILE *f = fopen(eis_file, "r");
	size_t len;

	if (!f) {
		fprintf(stderr, "osmo-es: %s: %s\n", eis_file, strerror(errno));
		talloc_free(m);
		return NULL;
	}
	len = fread(buf, 1, EIS_FILE_MAX, f);
	fclose(f);
	if (es_eis_dec(&m->b.eis, &err, m, buf, len) < 0) {
		fprintf(stderr, "osmo-es: %s: %s\n", eis_file, err ? : "no EIS");
		talloc_free(m);
		return NULL;
	}
	talloc_free(buf);
	return m;
}

static const char *pstate_name(enum es_pstate s)
{
	return s == ES_PS_ENABLED ? "Enabled" : s == ES_PS_DISABLED ? "Disabled" : "Created";
}

static json_t *eis_json(const struct es_eis *e)
{
	char eid[EID_STR_SIZE], aid[AID_STR_SIZE];
	json_t *profiles = json_array();
	size_t i;

	for (i = 0; i < e->n_profiles; i++) {
		const struct es_profile_info *p = &e->profile[i];

		json_array_append_new(profiles, json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s}", "iccid", p->iccid, "isd-p-aid",
			aid_str(aid, &p->isdp_aid), "mno-id", p->mno_id, "state", pstate_name(p->state), "fallback", p->fallback,
			"imsi", p->addr.imsi, "msisdn", p->addr.msisdn));
	}
	return json_pack("{s:s, s:s, s:s, s:I, s:o}", "eid", eid_str(eid, &e->eid), "eum-id", e->eum_id, "smsr-id", e->smsr_id,
			 "available-memory", (json_int_t)e->available_memory, "profiles", profiles);
}

static void print_json(const struct es_msg *m)
{
	char eid[EID_STR_SIZE];
	json_t *j = json_pack("{s:s, s:s}", "interface", es_iface_name(m->iface), "function", es_func_name(m->func));

	if (m->kind == ES_RESPONSE) {
		json_object_set_new(j, "status", json_string(es_status_name(m->b.result.status)));
		json_object_set_new(j, "subject", json_string(m->b.result.subject));
		json_object_set_new(j, "reason", json_string(m->b.result.reason));
		if (m->b.result.message)
			json_object_set_new(j, "message", json_string(m->b.result.message));
	}
	if (m->b.has_eid)
		json_object_set_new(j, "eid", json_string(eid_str(eid, &m->b.eid)));
	if (m->b.iccid[0])
		json_object_set_new(j, "iccid", json_string(m->b.iccid));
	if (m->b.eis)
		json_object_set_new(j, "eis", eis_json(m->b.eis));
	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(j);
}

static void print_eis(const struct es_eis *e)
{
	char s[EID_STR_SIZE];
	size_t i;

	printf("  EID %s  EUM %s  SM-SR %s  memory %u\n", eid_str(s, &e->eid), e->eum_id, e->smsr_id, e->available_memory);
	for (i = 0; i < e->n_profiles; i++)
		printf("  profile %s %-8s ISD-P %s%s\n", e->profile[i].iccid, pstate_name(e->profile[i].state),
		       aid_str(s, &e->profile[i].isdp_aid), e->profile[i].fallback ? " fall-back" : "");
}

void es_tool_print(const struct es_msg *m, bool json)
{
	char eid[EID_STR_SIZE];

	if (json) {
		print_json(m);
		return;
	}
	printf("%s-%s", es_iface_name(m->iface), es_func_name(m->func));
	if (m->kind == ES_RESPONSE)
		printf(": %s", es_status_name(m->b.result.status));
	if (m->b.has_eid)
		printf(" EID %s", eid_str(eid, &m->b.eid));
	if (m->b.iccid[0])
		printf(" ICCID %s", m->b.iccid);
	if (m->kind == ES_RESPONSE && m->b.result.subject[0])
		printf(" (%s / %s%s%s)", m->b.result.subject, m->b.result.reason, m->b.result.message ? ": " : "",
		       m->b.result.message ? : "");
	putchar('\n');
	if (m->b.eis)
		print_eis(m->b.eis);
}

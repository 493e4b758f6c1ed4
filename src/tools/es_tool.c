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
#include <osmocom/rsp/es/es_schema.h>
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
	if (t->id && t->cert && t->key && t->ca && t->n_peers)
		return 0;
	fprintf(stderr, "osmo-es: %s: id, cert, key, ca and one peer are needed\n", path);
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

	m->b.has_eid = true;
	if (sscanf(line, "%32s %20s", eid, iccid) == 2 && !eid_from_str(&m->b.eid, eid) && !iccid_from_str(m->b.iccid, iccid))
		return 0;
	fprintf(stderr, "osmo-es: not EID ICCID: %s\n", line);
	return -EINVAL;
}

/* Element=@FILE: the element that is in the file. */
static char *file_word(void *ctx, const char *word)
{
	const char *at = strstr(word, "=@");
	char *buf, *start;
	size_t len;
	FILE *f;

	if (!at)
		return talloc_strdup(ctx, !strncmp(word, "enable=", 7) ? talloc_asprintf(ctx, "EnableProfile=%s", word + 7) : word);
	f = fopen(at + 2, "r");
	if (!f) {
		fprintf(stderr, "osmo-es: %s: %s\n", at + 2, strerror(errno));
		return NULL;
	}
	buf = talloc_zero_size(ctx, EIS_FILE_MAX);
	len = fread(buf, 1, EIS_FILE_MAX - 1, f);
	fclose(f);
	start = strstr(buf, "?>");	/* without the XML declaration */
	start = start ? start + 2 : buf;
	while (start < buf + len && strchr("\r\n\t ", *start))
		start++;
	return talloc_asprintf(ctx, "%.*s=%s", (int)(at - word), word, start);
}

/* In a batch each line brings its EID and ICCID. */
struct es_msg *es_tool_request(void *ctx, int argc, char **argv, bool batch)
{
	const char **word = talloc_zero_array(ctx, const char *, argc + 2);
	char *err = NULL;
	struct es_msg *m;
	int n = 0;

	if (batch) {
		word[n++] = "Eid=89000000000000000000000000000000";
		word[n++] = "Iccid=8900000000000000000";
	}
	for (int i = 1; i < argc; i++) {
		word[n] = file_word(word, argv[i]);
		if (!word[n++])
			return NULL;
	}
	m = es_msg_from_words(ctx, argv[0], word, n, &err);
	if (!m)
		fprintf(stderr, "osmo-es: %s: %s\n", argv[0], err ? : "not understood");
	talloc_free(word);
	talloc_free(err);
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

static json_t *grants_json(const struct es_msg *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->b.n_grants; i++) {
		const struct es_grant *g = &m->b.grant[i];
		json_t *names = json_array();

		for (size_t n = 0; n < g->n_names; n++)
			json_array_append_new(names, json_string(g->names[n]));
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "mno-id", g->mno_id, "m2m-sp-id", g->m2m_sp_id,
						      "profile-type", g->profile_type, "names", names));
	}
	return list;
}

static void print_json(const struct es_msg *m, double seconds)
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
	json_object_set_new(j, "seconds", json_real(seconds));
	if (m->b.has_eid)
		json_object_set_new(j, "eid", json_string(eid_str(eid, &m->b.eid)));
	if (m->b.iccid[0])
		json_object_set_new(j, "iccid", json_string(m->b.iccid));
	if (m->b.eis)
		json_object_set_new(j, "eis", eis_json(m->b.eis));
	if (m->func == ES_FN_GET_PLMA || m->func == ES_FN_GET_ONC || m->func == ES_FN_HANDLE_PLMA_CHANGED)
		json_object_set_new(j, "grants", grants_json(m));
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

void es_tool_print(const struct es_tool *t, const struct es_msg *m)
{
	char eid[EID_STR_SIZE];

	if (t->json) {
		print_json(m, (clock_now_ms() - t->started_ms) / 1000.0);
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
	for (size_t i = 0; i < m->b.n_grants; i++) {
		const struct es_grant *g = &m->b.grant[i];

		printf("  %s%s%s type '%s':", g->mno_id, g->m2m_sp_id[0] ? " to " : "", g->m2m_sp_id, g->profile_type);
		for (size_t n = 0; n < g->n_names; n++)
			printf(" %s", g->names[n]);
		putchar('\n');
	}
}

static int write_file(const char *dir, const char *name, const char *ext, const struct bytes *text)
{
	char *path = talloc_asprintf(text, "%s/%s.%s", dir, name, ext);
	FILE *f = fopen(path, "w");

	if (f && fwrite(text->data, 1, text->len, f) == text->len && fclose(f) == 0)
		return 0;
	fprintf(stderr, "osmo-es: %s: %s\n", path, strerror(errno));
	return 2;
}

int es_tool_schema(void *ctx, const char *dir)
{
	const struct es_service *s = NULL;
	int rc = write_file(dir, "esim-messaging-3", "xsd", es_schema_xsd(ctx, false));

	if (!rc)
		rc = write_file(dir, "esim-messaging-1", "xsd", es_schema_xsd(ctx, true));
	while (!rc && (s = es_service_next(s))) {
		char *url = talloc_asprintf(ctx, "https://localhost/esim-messaging/3/%s/%s", es_iface_name(s->iface), s->name);

		rc = write_file(dir, s->name, "wsdl", es_schema_wsdl(ctx, s, s->owner, url, "esim-messaging-3.xsd"));
	}
	return rc;
}

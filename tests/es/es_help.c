/* See es_help.h. SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "es_help.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

static const char *srcdir(void)
{
	return getenv("srcdir") ? : ".";
}

struct bytes *help_read(void *ctx, const char *path)
{
	FILE *f = fopen(path, "r");
	struct bytes *b;
	uint8_t buf[4096];
	size_t n;

	if (!f)
		return NULL;
	b = bytes_new(ctx, 0);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		bytes_put(b, buf, n);
	fclose(f);
	return b;
}

void help_write(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

char *help_tmpdir(void *ctx)
{
	char *dir = talloc_strdup(ctx, "/tmp/es-test-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

void help_rmdir(const char *dir)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	assert_int_equal(system(cmd), 0);
}

bool help_python(void)
{
	if (system("ASAN_OPTIONS=detect_leaks=0 /usr/bin/python3 -c 'import lxml, zeep' 2>/dev/null") == 0)
		return true;
	printf("SKIPPED: /usr/bin/python3 with lxml and zeep is not here\n");
	return false;
}

int help_foreign(const char *fmt, ...)
{
	char args[512], cmd[1024];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	snprintf(cmd, sizeof(cmd), "/usr/bin/python3 %s/es_foreign.py %s >/dev/null", srcdir(), args);
	fflush(stdout);
	rc = system(cmd);
	return WIFEXITED(rc) ? WEXITSTATUS(rc) : 255;
}

struct bytes *help_sample(void *ctx, const char *name)
{
	const char *roots[] = { getenv("RSP_SHARED"), "shared",		 "../shared",
				"../../shared",	      "../../../shared" };
	struct bytes *b = NULL;

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]) && !b; i++) {
		char path[512];

		if (!roots[i])
			continue;
		snprintf(path, sizeof(path), "%s%s%s/spec/offcard-samples/%s", *roots[i] == '/' ? "" : srcdir(),
			 *roots[i] == '/' ? "" : "/", roots[i], name);
		b = help_read(ctx, path);
	}
	if (!b)
		printf("SKIPPED: specification sample %s is not here\n", name);
	return b;
}

static void fill_sd(void *ctx, struct es_sd *sd, const char *aid, const char *role)
{
	assert_int_equal(aid_from_hex(&sd->aid, aid) < 0, 0);
	memcpy(sd->sin, "\x12\x34", 2);
	memcpy(sd->sdin, "\x56\x78\x9A", 3);
	sd->sin_len = 2;
	sd->sdin_len = 3;
	strcpy(sd->role, role);
}

static void fill_trail(struct es_eis *e)
{
	struct es_audit_record *a = talloc_zero(e, struct es_audit_record);

	eid_from_str(&a->eid, EID_A);
	strcpy(a->smsr_id, "1.3.6.1.4.1.20");
	strcpy(a->requester_id, "1.3.6.1.4.1.30");
	a->date = 1767229200;
	a->type[0] = 2;
	a->type_len = 2;
	a->has_result = true;
	a->result.status = ES_FAILED;
	strcpy(a->result.subject, "8.2.3");
	strcpy(a->result.reason, "3.8");
	strcpy(a->iccid, ICCID_A);
	a->imei = bytes_from_hex(e, "1234567812345678");
	e->has_audit = true;
	e->audit = a;
	e->n_audit = 1;
	e->props = talloc_zero(e, struct es_property);
	e->props->key = talloc_strdup(e, "k");
	e->props->value = talloc_strdup(e, "v");
	e->n_props = 1;
}

struct es_eis *help_eis(void *ctx)
{
	struct es_eis *e = talloc_zero(ctx, struct es_eis);
	struct es_profile_info *p;

	eid_from_str(&e->eid, EID_A);
	strcpy(e->eum_id, "1.3.6.1.4.1.99");
	e->production_date = 1767225600;
	strcpy(e->platform_type, "Demo <card> & \"co\"");
	strcpy(e->platform_version, "1.2.3");
	aid_from_hex(&e->isdp_file_aid, "A0000005591010FFFFFFFF8900000D00");
	aid_from_hex(&e->isdp_module_aid, "A0000005591010FFFFFFFF8900000E00");
	fill_sd(e, &e->ecasd, "A0000005591010FFFFFFFF8900000200", "ECASD");
	e->ecasd.n_keysets = 1;
	e->ecasd.keyset[0].version = 0x74;
	strcpy(e->ecasd.keyset[0].type, "CA");
	e->ecasd.keyset[0].cert = bytes_from_hex(e, "7F2103930101");
	strcpy(e->ecasd.keyset[0].ca_id, "1.3.6.1.4.1.99");
	e->cattp = true;
	e->http = true;
	strcpy(e->secure_packet_version, "11.0.0");
	strcpy(e->remote_provisioning_version, "3.1.0");
	e->remaining_memory = 500000;
	e->available_memory = 400000;
	e->last_audit = 1767229200;
	strcpy(e->smsr_id, "1.3.6.1.4.1.20");
	e->n_profiles = 1;
	e->profile = p = talloc_zero_array(e, struct es_profile_info, 1);
	strcpy(p->iccid, ICCID_A);
	aid_isdp(&p->isdp_aid, 0x10);
	strcpy(p->mno_id, "1.3.6.1.4.1.30");
	strcpy(p->smdp_id, "1.3.6.1.4.1.10");
	p->fallback = true;
	strcpy(p->addr.imsi, "001010123456789");
	strcpy(p->addr.msisdn, "4915112345");
	p->state = ES_PS_ENABLED;
	strcpy(p->profile_type, "gold");
	p->allocated_memory = 30000;
	p->free_memory = 100;
	p->n_pol2 = 1;
	p->pol2[0] = (struct es_pol2_rule){ "PROFILE", "DELETE", "Not-Allowed" };
	fill_sd(e, &e->isd_r, "A0000005591010FFFFFFFF8900000100", "ISD-R");
	strcpy(e->cattp_version, "6.13.0");
	strcpy(e->http_version, "1.1.3");
	fill_trail(e);
	e->isd_r.tar = 1;
	e->isd_r.n_keysets = 1;
	e->isd_r.keyset[0].version = 1;
	strcpy(e->isd_r.keyset[0].type, "SCP80");
	e->isd_r.keyset[0].cntr = 1099511627775ULL;
	e->isd_r.keyset[0].n_keys = 2;
	for (int i = 0; i < 2; i++) {
		e->isd_r.keyset[0].key[i].index = i + 1;
		e->isd_r.keyset[0].key[i].type = 0x88;
		e->isd_r.keyset[0].key[i].value = bytes_from_hex(e, "000102030405060708090A0B0C0D0E0F");
	}
	return e;
}

static void fill_response(struct es_msg *m)
{
	es_result_set(m, ES_FAILED, ES_R_POL2, ICCID_A, "no <way>");
	m->b.processing_start = 1577872800;
	m->b.processing_end = 1577872801;
	m->b.response_data = bytes_from_hex(m, "AB0623029000");
	m->relates_to = talloc_strdup(m, "//1.3.6.1.4.1.20/1?TransactionId=t-1&MessageDate=2020-01-01T10:00:00Z");
}

static void fill_grant(struct es_msg *m)
{
	struct es_grant *g = talloc_zero(m, struct es_grant);

	strcpy(g->mno_id, "1.3.6.1.4.1.30");
	strcpy(g->m2m_sp_id, "1.3.6.1.4.1.40");
	strcpy(g->profile_type, "gold");
	g->n_names = 2;
	g->names = talloc_zero_size(m, 2 * ES_NAME_SIZE);
	strcpy(g->names[0], "EnableProfile");
	strcpy(g->names[1], "HandleProfileEnabledNotification");
	m->b.grant = g;
	m->b.n_grants = 1;
}

struct es_msg *help_msg(void *ctx, enum es_iface iface, enum es_func func, enum es_kind kind)
{
	struct es_msg *m = es_msg_new(ctx, iface, func, kind);
	struct es_body *b = &m->b;

	m->from = talloc_strdup(m, "https://a.example.com/es");
	m->from_entity = talloc_strdup(m, "1.3.6.1.4.1.10");
	m->to = talloc_strdup(m, "https://b.example.com/es");
	m->to_entity = talloc_strdup(m, "1.3.6.1.4.1.20");
	m->reply_to = kind == ES_REQUEST ? talloc_strdup(m, "https://a.example.com/cb") : NULL;
	m->message_id = es_message_id(m, "1.3.6.1.4.1.10", (const uint8_t *)"0123456789abcdef", "t-77", 1577872800);
	b->fcid = talloc_strdup(m, "call & 1");
	b->validity_s = 3600;
	b->has_eid = true;
	eid_from_str(&b->eid, EID_A);
	strcpy(b->iccid, ICCID_A);
	b->n_iccids = 2;
	b->iccids = talloc_zero_size(m, 2 * ICCID_STR_SIZE);
	strcpy(b->iccids[0], ICCID_A);
	strcpy(b->iccids[1], "8947010000123456792");
	strcpy(b->smsr_id, "1.3.6.1.4.1.20");
	strcpy(b->mno_id, "1.3.6.1.4.1.30");
	strcpy(b->profile_type, "gold");
	b->enable_profile = true;
	b->required_memory = 30000;
	b->more_to_do = true;
	aid_isdp(&b->sd_aid, 0x10);
	aid_isdp(&b->isdp_aid, 0x11);
	b->data = bytes_from_hex(m, "2201FF");
	b->has_addr = true;
	strcpy(b->addr.imsi, "001010123456789");
	strcpy(b->addr.msisdn, "4915112345");
	b->has_pol2 = true;
	b->n_pol2 = 2;
	b->pol2[0] = (struct es_pol2_rule){ "PROFILE", "DISABLE", "Auto-Delete" };
	b->pol2[1] = (struct es_pol2_rule){ "PROFILE", "DELETE", "Not-Allowed" };
	b->eis = help_eis(m);
	b->completion = 1577872800;
	strcpy(b->m2m_sp_id, "1.3.6.1.4.1.40");
	strcpy(b->target_smsr_id, "1.3.6.1.4.1.21");
	fill_grant(m);
	b->n_props = 1;
	b->props = talloc_zero(m, struct es_property);
	b->props->key = talloc_strdup(m, "vehicle <1>");
	b->props->value = talloc_strdup(m, "a & b");
	b->key_version = 2;
	b->initial_counter = 0xffffffffffULL;
	strcpy(b->ecc_key_length, "ECC-256");
	b->scenario = 9;
	b->host_id = bytes_from_hex(m, "0102");
	b->epk = bytes_from_hex(m, "04AABB");
	b->signature = bytes_from_hex(m, "CCDD");
	b->derivation_random = bytes_from_hex(m, "00112233");
	b->receipt = bytes_from_hex(m, "44556677");
	b->certificate = bytes_from_hex(m, "7F2100");
	b->challenge = bytes_from_hex(m, "8899AABB");
	b->connectivity = bytes_from_hex(m, "A1020304");
	if (kind == ES_RESPONSE)
		fill_response(m);
	return m;
}

void help_for_each(void (*cb)(void *ctx, enum es_iface, enum es_func, enum es_kind))
{
	unsigned n = 0;

	for (int i = ES1; i < _ES_IFACES; i++)
		for (int f = ES_FN_NONE; f < _ES_FN_COUNT; f++)
			for (int k = ES_REQUEST; k <= ES_NOTIFICATION; k++) {
				void *ctx = talloc_new(NULL);

				if (!es_msg_exists(i, f, k)) {
					struct es_msg *m = help_msg(ctx, i, f, k);

					assert_null(es_soap_enc(ctx, m));
				} else {
					cb(ctx, i, f, k);
					n++;
				}
				talloc_free(ctx);
			}
	assert_int_equal(n, /* SetPLMA.. on ES2, ES3, ES4A */
			 2 * (1 + 3 + 3 + 1 + 1 + 1 + 1 + 3 + 3 + 2 + 1 + 3 + 3) + 9 +
			 2 * (1 + 1 + 3 + 4 + 3 + 3 + 3 + 3 + 1 + 1 + 3) + 4 + 7 * 3);
}

struct es_msg *help_dec(void *ctx, const void *in, size_t len)
{
	struct es_msg *m = NULL;
	char *err = NULL;
	int rc = es_soap_dec(&m, &err, ctx, in, len);

	if (rc < 0)
		fail_msg("refused (%d): %s", rc, err ? err : "-");
	return m;
}

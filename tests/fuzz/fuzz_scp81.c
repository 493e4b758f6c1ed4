/* SCP81 texts, session parameters and triggers (GP Amd B). What was understood must be understood again when written.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/ota/scp81_msg.h>

#include "fuzz.h"

static void texts(const char *s)
{
	char out[256];
	struct scp81_psk_id id, again;
	struct eid eid;
	struct aid aid, aid2;

	if (scp81_psk_id_dec(&id, s) == 0 && scp81_psk_id_enc(out, sizeof(out), &id) >= 0) {
		FUZZ_CHECK(scp81_psk_id_dec(&again, out) == 0);
		FUZZ_CHECK(again.kvn == id.kvn && again.kid == id.kid && aid_eq(&again.sd, &id.sd));
	}
	scp81_from_dec(&eid, &aid, s);
	if (scp81_target_dec(&aid, s) == 0) {
		FUZZ_CHECK(scp81_target_enc(out, sizeof(out), &aid) >= 0);
		FUZZ_CHECK(scp81_target_dec(&aid2, out) == 0 && aid_eq(&aid, &aid2));
	}
	scp81_status_parse(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	struct scp81_params p, again;
	struct bytes *out = bytes_new(ctx, 0);

	texts(len ? talloc_strndup(ctx, (const char *)data, len) : "");
	memset(&p, 0, sizeof(p));
	if (scp81_trigger_dec(&p, data, len) == 0 && scp81_trigger_enc(out, &p) == 0)
		FUZZ_CHECK(scp81_trigger_dec(&again, out->data, out->len) == 0);
	bytes_clear(out);
	out->err = 0;
	memset(&p, 0, sizeof(p));
	if (scp81_params_dec(&p, data, len) == 0 && scp81_params_enc(out, &p) == 0) {
		memset(&again, 0, sizeof(again));
		FUZZ_CHECK(scp81_params_dec(&again, out->data, out->len) == 0);
		FUZZ_CHECK(again.port == p.port && !strcmp(again.uri, p.uri) && !strcmp(again.host, p.host));
	}
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct scp81_params p = {
		.has_conn = true, .buffer = 1024, .apn = "internet.example", .login = "user", .password = "word",
		.ip = "192.0.2.1", .port = 8443, .kvn = 0x40, .kid = 1, .has_retry = true, .retry_count = 3,
		.retry_delay_s = 90, .host = "192.0.2.1", .agent = "//se-id/eid/89", .uri = SCP81_URI_DEFAULT,
	};
	struct scp81_psk_id id = { .sd = aid_isd_r, .kvn = 0x40, .kid = 1 };
	struct bytes *out = bytes_new(ctx, 0);
	char text[256];

	eid_from_str(&id.eid, "89001012012341234012345678901224");
	scp81_psk_id_enc(text, sizeof(text), &id);
	add(text, strlen(text));
	scp81_psk_id_enc(p.psk_id, sizeof(p.psk_id), &id);
	scp81_from_enc(text, sizeof(text), &id.eid, &aid_isd_r);
	add(text, strlen(text));
	scp81_from_enc(p.agent, sizeof(p.agent), &id.eid, &aid_isd_r);
	scp81_target_enc(text, sizeof(text), &aid_isd_r);
	add(text, strlen(text));
	scp81_trigger_enc(out, NULL);
	fuzz_add_bytes(add, -1, out);
	for (int v6 = 0; v6 < 2; v6++) {
		scp81_params_enc(out, &p);
		fuzz_add_bytes(add, -1, out);
		scp81_trigger_enc(out, &p);
		fuzz_add_bytes(add, -1, out);
		snprintf(p.ip, sizeof(p.ip), "2001:db8::1");
	}
}

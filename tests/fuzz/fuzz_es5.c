/* ES5 commands as the card reads them, and their answers as the SM-SR does (SGP.02 4.1.1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/ota/es5_cmd.h>

#include "fuzz.h"

static void command(void *ctx, const uint8_t *in, size_t len)
{
	struct gp_store_data sd;
	struct gp_install inst;
	struct es5_smsr_addr addr;
	struct es5_cmd c;
	struct apdu_cmd a;

	memset(&c, 0, sizeof(c));
	if (es5_dgi_dec(&c, in, len) == 0x9000 && c.fn == ES5_UPDATE_SMSR)
		es5_smsr_addr_dec(&addr, c.body, c.body_len);
	es5_store_complete(in, len, true);
	es5_smsr_addr_dec(&addr, in, len);
	if (apdu_dec(&a, in, len) < 0)
		return;
	gp_store_data_dec(&sd, &a);
	gp_install_dec(&inst, &a);
	memset(&c, 0, sizeof(c));
	if (es5_cmd_dec(&c, &a) == 0x9000 && c.fn == ES5_MASTER_DELETE)
		es5_token_verify(&c, key_new(ctx, KEY_TYPE_AES, (const uint8_t *)"0123456789ABCDEF", 16));
}

static void answer(void *ctx, const uint8_t *in, size_t len)
{
	struct bytes *out = bytes_new(ctx, 0);
	struct es5_isdp_info info;
	struct aid deleted[ES5_AIDS_MAX];
	struct es5_memory m;
	struct apdu_rsp a;
	struct rd r;

	rd_init(&r, in, len);
	while (es5_status_rsp_next(&r, &info) == 1)
		es5_status_rsp_enc(out, &info);
	es5_memory_rsp_dec(&m, in, len);
	es5_confirm_rsp_dec(deleted, ES5_AIDS_MAX, in, len);
	if (es5_rsp(&a, in, len) == 0)
		es5_sw_text(a.sw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	struct key *dek = key_new(ctx, KEY_TYPE_AES, (const uint8_t *)"0123456789ABCDEF", 16), *k;
	struct apdu_cmd a;
	uint8_t kvn, kid;
	struct rd r;
	struct tlv t;

	command(ctx, data, len);
	answer(ctx, data, len);
	if (apdu_dec(&a, data, len) == 0)
		gp_put_key_dec(&k, ctx, &kvn, &kid, dek, &a);
	rd_init(&r, data, len);		/* a script of them */
	while (tlv_next(&r, &t) == 1)
		command(ctx, t.v, t.len);
	talloc_free(ctx);
	return 0;
}

static void answers(struct bytes *out, fuzz_add add)
{
	struct es5_isdp_info i = { .state = ES5_STATE_ENABLED, .has_attr = true, .fallback = true, .has_granted = true,
		.granted = 100000, .has_remaining = true, .remaining = 5 };
	struct es5_memory m = { 3, 400000, 9000 };

	aid_isdp(&i.aid, 0x10);
	es5_status_rsp_enc(out, &i);
	es5_status_rsp_enc(out, &i);
	fuzz_add_bytes(add, -1, out);
	es5_memory_rsp_enc(out, &m);
	fuzz_add_bytes(add, -1, out);
	es5_confirm_rsp_enc(out, &i.aid, 1);
	fuzz_add_bytes(add, -1, out);
	script_put_rapdu(out, "abc", 3, 0x9000);
	fuzz_add_bytes(add, -1, out);
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct bytes *all = bytes_new(ctx, 0);
	struct scp81_params https = { .has_conn = true, .ip = "192.0.2.1", .port = 8443, .host = "h", .uri = "/u" };
	struct es5_key_range keep = { 1, 1, 3 };
	struct es5_master_delete m = { .sin_len = 4, .sdin_len = 4, .provider_len = 4, .token_id_len = 4, .p2 = 0x40 };
	struct key *k = key_new(ctx, KEY_TYPE_AES, (const uint8_t *)"0123456789ABCDEF", 16);
	struct aid aid;
	struct rd r;
	struct tlv t;

	aid_isdp(&aid, 0x10);
	es5_create_isdp_enc(all, &aid, 100000);
	es5_enable_profile_enc(all, &aid);
	es5_disable_profile_enc(all, &aid);
	es5_delete_enc(all, &aid);
	es5_set_fallback_enc(all, &aid);
	es5_confirm_notif_enc(all, 7);
	es5_get_status_enc(all, &aid, false);
	es5_get_status_enc(all, NULL, true);
	es5_get_memory_enc(all);
	es5_get_ecasd_cert_enc(all);
	es5_finalise_handover_enc(all, &keep, 1);
	es5_update_smsr_enc(all, "+491701234567", &https);
	es5_master_delete_enc(all, &aid, &m, k);
	rd_init(&r, all->data, all->len);
	while (tlv_next(&r, &t) == 1) {
		add(t.raw, t.raw_len);
		add(t.v, t.len);
		if (t.len > 5)
			add(t.v + 5, t.len - 5);
	}
	bytes_clear(all);
	gp_put_key_enc(all, 0x70, 1, k, k);
	fuzz_add_bytes(add, -1, all);
	answers(all, add);
}

/* Toolkit commands, terminal responses, envelopes (TS 102 223). What was understood must be understood again when written.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/bip/bip_cmd.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes *out = bytes_new(NULL, 0);
	struct bip_cmd c, c2;
	struct bip_resp r, r2;
	struct bip_env e, e2;
	struct ctlv t;
	unsigned s;
	struct rd rd;

	rd_init(&rd, data, len);
	while (ctlv_next(&rd, &t) == 1)
		FUZZ_CHECK(t.v + t.len <= data + len);
	if (bip_cmd_dec(&c, data, len) == 0) {
		bip_timer_dec(&s, c.timer_value);
		bip_duration_dec(&s, c.duration);
		if (bip_cmd_enc(out, &c) == 0)
			FUZZ_CHECK(bip_cmd_dec(&c2, out->data, out->len) == 0 && c2.type == c.type);
	}
	bytes_clear(out);
	out->err = 0;
	if (bip_resp_dec(&r, data, len) == 0 && bip_resp_enc(out, &r) == 0)
		FUZZ_CHECK(bip_resp_dec(&r2, out->data + 5, out->len - 5) == 0 && r2.result == r.result);
	bytes_clear(out);
	out->err = 0;
	if (bip_env_dec(&e, data, len) == 0 && bip_env_enc(out, &e) == 0)
		FUZZ_CHECK(bip_env_dec(&e2, out->data + 5, out->len - 5) == 0 && e2.tag == e.tag);
	talloc_free(out);
	return 0;
}

static void commands(struct bytes *out, fuzz_add add)
{
	static const uint8_t types[] = { BIP_REFRESH, BIP_MORE_TIME, BIP_SET_UP_EVENT_LIST, BIP_SEND_SMS, BIP_LOCAL_INFO,
		BIP_TIMER, BIP_OPEN_CHANNEL, BIP_CLOSE_CHANNEL, BIP_RECEIVE_DATA, BIP_SEND_DATA, BIP_CHANNEL_STATUS };
	const struct bip_str few = { (const uint8_t *)"\1\2\3", 3 }, four = { (const uint8_t *)"\x7F\0\0\1", 4 };

	for (size_t i = 0; i < sizeof(types); i++) {
		struct bip_cmd c = { .number = 1, .type = types[i], .src = BIP_DEV_UICC, .dst = BIP_DEV_TERMINAL,
			.bearer = few, .nan = { (const uint8_t *)"\3abc", 4 }, .has_buffer = true, .buffer = 1024,
			.transport = BIP_TCP_CLIENT, .port = 8443, .dest = four, .data = few, .data_len = 200, .events = few,
			.timer_id = 1, .timer_value = few, .tpdu = few, .files = few };

		if (bip_cmd_enc(out, &c) == 0)
			fuzz_add_bytes(add, -1, out);
		out->err = 0;
		bytes_clear(out);
	}
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	static const uint8_t tags[] = { BIP_ENV_SMS_PP, BIP_ENV_EVENT, BIP_ENV_TIMER };
	const struct bip_str few = { (const uint8_t *)"\1\2\3", 3 };
	struct bytes *out = bytes_new(ctx, 0);
	struct bip_resp r = { .number = 1, .type = BIP_RECEIVE_DATA, .has_channel = true, .channel = 0x81, .data = few,
		.has_data_len = true, .data_len = 5, .has_buffer = true, .buffer = 1000 };

	commands(out, add);
	bip_resp_enc(out, &r);
	add(out->data + 5, out->len - 5);
	bytes_clear(out);
	for (size_t i = 0; i < sizeof(tags); i++) {
		struct bip_env e = { .tag = tags[i], .src = BIP_DEV_NETWORK, .dst = BIP_DEV_UICC, .sca = few, .tpdu = few,
			.event = BIP_EV_DATA_AVAILABLE, .has_channel = true, .channel = 0x81, .has_data_len = true,
			.data_len = 9, .timer_id = 1, .timer_value = few };

		if (bip_env_enc(out, &e) == 0)
			add(out->data + 5, out->len - 5);
		out->err = 0;
		bytes_clear(out);
	}
}

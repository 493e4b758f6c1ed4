/* SCP80 packets (TS 102 225): as received, and what our own encoder makes of any payload must come back.
 * First octet: 0 command, 1 response, 2 there and back. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/ota/scp80.h>

#include "fuzz.h"

static const uint8_t kb[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static struct scp80_sec sec_default(void)
{
	return (struct scp80_sec){ SCP80_SPI1, SCP80_SPI2_POR, 0x12, 0x12, SCP80_TAR_ISD_R, 5 };
}

static void command(void *ctx, struct key *kic, struct key *kid, const uint8_t *in, size_t len)
{
	struct bytes *out = bytes_new(ctx, 0);
	struct scp80_sec sec, peek;
	uint64_t stored = 4;

	if (scp80_cmd_peek(&peek, in, len) < 0)
		return;
	scp80_sec_sgp02(&peek);
	scp80_sec_notif(&peek);
	if (scp80_cmd_dec(out, &sec, kic, kid, in, len) < 0) {
		FUZZ_CHECK(!out->len);
		return;
	}
	FUZZ_CHECK(out->len <= len && sec.spi1 == peek.spi1 && sec.tar == peek.tar);
	scp80_cntr_check(sec.spi1, &stored, sec.cntr);
}

static void response(void *ctx, struct key *kic, struct key *kid, const uint8_t *in, size_t len)
{
	struct scp80_sec sec = sec_default();
	struct scp80_rsp rsp;
	struct bytes *out = bytes_new(ctx, 0);

	if (!len)
		return;
	sec.spi2 = in[0];
	scp80_rsp_dec(out, &rsp, &sec, kic, kid, in + 1, len - 1);
}

static void there_and_back(void *ctx, struct key *kic, struct key *kid, const uint8_t *in, size_t len)
{
	struct scp80_sec sec = sec_default(), got;
	struct bytes *packet = bytes_new(ctx, 0), *out = bytes_new(ctx, 0);
	struct scp80_rsp rsp;

	if (len > SCP80_PACKET_MAX - 64)
		return;
	FUZZ_CHECK(scp80_cmd_enc(packet, &sec, kic, kid, in, len) == 0);
	FUZZ_CHECK(scp80_cmd_dec(out, &got, kic, kid, packet->data, packet->len) == 0);
	FUZZ_CHECK(bytes_eq(out, in, len) && got.cntr == sec.cntr);
	bytes_clear(packet);
	bytes_clear(out);
	FUZZ_CHECK(scp80_rsp_enc(packet, &sec, kic, kid, SCP80_ST_OK, in, len) == 0);
	FUZZ_CHECK(scp80_rsp_dec(out, &rsp, &sec, kic, kid, packet->data, packet->len) == 0);
	FUZZ_CHECK(bytes_eq(out, in, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	struct key *kic = key_new(ctx, KEY_TYPE_AES, kb, 16), *kid = key_new(ctx, KEY_TYPE_AES, kb, 16);
	struct key *des = key_new(ctx, KEY_TYPE_DES, kb, 16);

	if (len && data[0] == 0) {
		command(ctx, kic, kid, data + 1, len - 1);
		command(ctx, des, des, data + 1, len - 1);
	} else if (len && data[0] == 1) {
		response(ctx, kic, kid, data + 1, len - 1);
		response(ctx, des, des, data + 1, len - 1);
	} else if (len) {
		there_and_back(ctx, kic, kid, data + 1, len - 1);
	}
	talloc_free(ctx);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct key *kic = key_new(ctx, KEY_TYPE_AES, kb, 16), *kid = key_new(ctx, KEY_TYPE_AES, kb, 16);
	static const uint8_t spi1[] = { SCP80_SPI1, SCP80_SPI1_NOTIF, 0x00, 0x12, 0x04, 0x01 };
	static const uint8_t spi2[] = { SCP80_SPI2_POR, 0x01, 0x21, 0x09, 0x11 };
	struct bytes *out = bytes_new(ctx, 0), *with = bytes_new(ctx, 0);
	struct scp80_sec sec = sec_default();

	for (size_t i = 0; i < sizeof(spi1); i++) {
		sec.spi1 = spi1[i];
		if (scp80_cmd_enc(out, &sec, kic, kid, (const uint8_t *)"payload of a packet", 19) == 0)
			fuzz_add_bytes(add, 0, out);
		out->err = 0;
		bytes_clear(out);
	}
	for (size_t i = 0; i < sizeof(spi2); i++) {
		sec = sec_default();
		sec.spi2 = spi2[i];
		bytes_put_u8(with, spi2[i]);
		if (scp80_rsp_enc(out, &sec, kic, kid, SCP80_ST_OK, (const uint8_t *)"answer", 6) == 0) {
			bytes_put_bytes(with, out);
			fuzz_add_bytes(add, 1, with);
		}
		bytes_clear(with);
		bytes_clear(out);
	}
	add("\2any payload", 12);
}

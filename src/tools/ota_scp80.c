/* osmo-ota: SCP80 command and response packets, TS 102 225, TS 31.115.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <osmocom/rsp/ota/scp80.h>
#include "ota_op.h"

#define KEY_FIELDS \
	{ "kic_key", OTA_HEX, false, 16, 32, "ciphering key" }, \
	{ "kid_key", OTA_HEX, false, 16, 32, "checksum key" }
#define CATTP_FIELD \
	{ "cattp", OTA_BOOL, false, 0, 0, "packet as on CAT_TP: starts at CPI 01 or RPI 02; false" }
#define PACKET_FIELD \
	{ "packet", OTA_HEX, true, 1, SCP80_PACKET_MAX, "from CPL or RPL on; 027000, 027100 in front is skipped" }

static const struct ota_field cmd_enc_fields[] = {
	{ "spi", OTA_HEX, false, 2, 2, "SPI, 1639" },
	{ "kic", OTA_HEX, false, 1, 1, "KIc octet, 12" },
	{ "kid", OTA_HEX, false, 1, 1, "KID octet, 12" },
	{ "tar", OTA_HEX, false, 3, 3, "TAR, 000001 (ISD-R)" },
	{ "cntr", OTA_HEX, false, 5, 5, "counter, zeros" },
	KEY_FIELDS,
	CATTP_FIELD,
	{ "data", OTA_HEX, true, 0, SCP80_PACKET_MAX, "what is secured" },
	{}
};
static const struct ota_field cmd_dec_fields[] = { PACKET_FIELD, KEY_FIELDS, CATTP_FIELD, {} };
static const struct ota_field cmd_peek_fields[] = { PACKET_FIELD, CATTP_FIELD, {} };
static const struct ota_field rsp_enc_fields[] = {
	{ "spi2", OTA_HEX, false, 1, 1, "second octet of the command's SPI, 39" },
	{ "kic", OTA_HEX, false, 1, 1, "KIc octet of the command, 12" },
	{ "kid", OTA_HEX, false, 1, 1, "KID octet of the command, 12" },
	{ "tar", OTA_HEX, false, 3, 3, "TAR, 000001 (ISD-R)" },
	{ "cntr", OTA_HEX, false, 5, 5, "counter of the command, zeros" },
	KEY_FIELDS,
	CATTP_FIELD,
	{ "status", OTA_HEX, false, 1, 1, "response status code, 00" },
	{ "data", OTA_HEX, false, 0, SCP80_PACKET_MAX, "additional response data" },
	{}
};
static const struct ota_field rsp_dec_fields[] = {
	PACKET_FIELD,
	{ "spi2", OTA_HEX, false, 1, 1, "second octet of the command's SPI, 39" },
	{ "kic", OTA_HEX, false, 1, 1, "KIc octet of the command, 12" },
	{ "kid", OTA_HEX, false, 1, 1, "KID octet of the command, 12" },
	KEY_FIELDS,
	CATTP_FIELD,
	{}
};

/* Low nibble of KIc and KID: 5, 9, D and 1 speak of DES, all else is taken for AES (TS 102 225 5.1.2, 5.1.3). */
static int get_keys(struct ota_req *q, const struct scp80_sec *sec, struct key **kic, struct key **kid)
{
	*kic = *kid = NULL;
	if (ota_has(q, "kic_key"))
		*kic = ota_key(q, "kic_key", (sec->kic_octet & 3) == 1 ? KEY_TYPE_DES : KEY_TYPE_AES);
	if (ota_has(q, "kid_key"))
		*kid = ota_key(q, "kid_key", (sec->kid_octet & 3) == 1 ? KEY_TYPE_DES : KEY_TYPE_AES);
	return q->err[0] ? -EINVAL : 0;
}

static void get_sec(struct ota_req *q, struct scp80_sec *sec)
{
	uint16_t spi = ota_be(q, "spi", SCP80_SPI1 << 8 | SCP80_SPI2_POR);

	*sec = (struct scp80_sec) {
		.spi1 = spi >> 8, .spi2 = ota_be(q, "spi2", spi & 0xFF),
		.kic_octet = ota_be(q, "kic", 0x12), .kid_octet = ota_be(q, "kid", 0x12),
		.tar = ota_be(q, "tar", SCP80_TAR_ISD_R), .cntr = ota_be(q, "cntr", 0),
	};
}

static bool on_cattp(const struct ota_req *q)
{
	return ota_bool(q, "cattp", false);
}

/* As it stands in a short message: the third octet of a packet is a header length, never 00. */
static void get_packet(struct ota_req *q, struct rd *r)
{
	struct bytes *b = ota_hex(q, "packet");

	rd_init(r, b->data, b->len);
	if (!on_cattp(q) && b->len > 3 && b->data[0] == 2 && (b->data[1] & 0xFE) == 0x70 && b->data[2] == 0)
		rd_take(r, 3);
}

static void put_sec(json_t *o, const struct scp80_sec *sec, bool cntr)
{
	ota_put_be(o, "spi", sec->spi1 << 8 | sec->spi2, 2);
	ota_put_be(o, "kic", sec->kic_octet, 1);
	ota_put_be(o, "kid", sec->kid_octet, 1);
	ota_put_be(o, "tar", sec->tar, 3);
	if (cntr)
		ota_put_be(o, "cntr", sec->cntr, 5);
	ota_put_bool(o, "sgp02", scp80_sec_sgp02(sec));
	ota_put_bool(o, "notification", scp80_sec_notif(sec));
}

static int cmd_enc(struct ota_req *q)
{
	struct bytes *data = ota_hex(q, "data"), *out = bytes_new(q->ctx, SCP80_PACKET_MAX);
	struct scp80_sec sec;
	struct key *kic, *kid;
	int rc;

	get_sec(q, &sec);
	rc = get_keys(q, &sec, &kic, &kid);
	if (rc == 0)
		rc = (on_cattp(q) ? scp80_cattp_cmd_enc : scp80_cmd_enc)(out, &sec, kic, kid, data->data, data->len);
	if (rc == 0)
		ota_put_bytes(q->out, "packet", out);
	return rc;
}

static int cmd_dec(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, SCP80_PACKET_MAX);
	struct scp80_sec sec;
	struct key *kic, *kid;
	struct rd r;
	int rc;

	get_packet(q, &r);
	rc = (on_cattp(q) ? scp80_cattp_cmd_peek : scp80_cmd_peek)(&sec, r.p, r.left);
	if (rc == 0)
		rc = get_keys(q, &sec, &kic, &kid);
	if (rc == 0)
		rc = (on_cattp(q) ? scp80_cattp_cmd_dec : scp80_cmd_dec)(out, &sec, kic, kid, r.p, r.left);
	if (rc < 0)
		return rc;
	put_sec(q->out, &sec, true);
	ota_put_bytes(q->out, "data", out);
	return 0;
}

static int cmd_peek(struct ota_req *q)
{
	struct scp80_sec sec;
	struct rd r;
	int rc;

	get_packet(q, &r);
	rc = (on_cattp(q) ? scp80_cattp_cmd_peek : scp80_cmd_peek)(&sec, r.p, r.left);
	if (rc == 0)
		put_sec(q->out, &sec, !(sec.spi1 & 0x04));
	return rc;
}

static int rsp_enc(struct ota_req *q)
{
	struct bytes *data = ota_hex(q, "data"), *out = bytes_new(q->ctx, SCP80_PACKET_MAX);
	struct scp80_sec sec;
	struct key *kic, *kid;
	int rc;

	get_sec(q, &sec);
	rc = get_keys(q, &sec, &kic, &kid);
	if (rc == 0)
		rc = (on_cattp(q) ? scp80_cattp_rsp_enc : scp80_rsp_enc)(out, &sec, kic, kid, ota_be(q, "status", 0),
			data ? data->data : NULL, data ? data->len : 0);
	if (rc == 0)
		ota_put_bytes(q->out, "packet", out);
	return rc;
}

static int rsp_dec(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, SCP80_PACKET_MAX);
	struct scp80_sec sec;
	struct key *kic, *kid;
	struct scp80_rsp rsp;
	struct rd r;
	int rc;

	get_packet(q, &r);
	get_sec(q, &sec);
	rc = get_keys(q, &sec, &kic, &kid);
	if (rc == 0)
		rc = (on_cattp(q) ? scp80_cattp_rsp_dec : scp80_rsp_dec)(out, &rsp, &sec, kic, kid, r.p, r.left);
	if (rc < 0)
		return rc;
	ota_put_be(q->out, "tar", rsp.tar, 3);
	ota_put_be(q->out, "cntr", rsp.cntr, 5);
	ota_put_be(q->out, "status", rsp.status, 1);
	ota_put_text(q->out, "status_text", scp80_status_text(rsp.status));
	ota_put_bytes(q->out, "data", out);
	return 0;
}

#define KEYS_EX ",\"kic_key\":\"000102030405060708090A0B0C0D0E0F\",\"kid_key\":\"101112131415161718191A1B1C1D1E1F\""

const struct ota_op ota_scp80_ops[] = {
	{ "scp80_cmd_enc", "secure a command packet", cmd_enc_fields, cmd_enc,
	  "{\"op\":\"scp80_cmd_enc\",\"cntr\":\"0000000001\"" KEYS_EX ",\"data\":\"AA0A220880F24002024F0000\"}" },
	{ "scp80_cmd_dec", "verify and decipher a command packet", cmd_dec_fields, cmd_dec,
	  "{\"op\":\"scp80_cmd_dec\",\"packet\":\"00281516391212000001A38B70195E3AB2387C11376B4CA18DE75312BD8E56"
	  "6CEFCE1574A87D"
	  "AC6EA425\"" KEYS_EX "}" },
	{ "scp80_cmd_peek", "the clear part of a command packet, nothing verified", cmd_peek_fields, cmd_peek,
	  "{\"op\":\"scp80_cmd_peek\",\"packet\":\"00281516391212000001A38B70195E3AB2387C11376B4CA18DE75312BD8E5"
	  "66CEFCE1574A87D"
	  "AC6EA425\"}" },
	{ "scp80_rsp_enc", "secure a response packet (PoR)", rsp_enc_fields, rsp_enc,
	  "{\"op\":\"scp80_rsp_enc\",\"cntr\":\"0000000001\"" KEYS_EX ",\"status\":\"00\",\"data\":\"AB078001012"
	  "3029000\"}" },
	{ "scp80_rsp_dec", "verify and decipher a response packet (PoR)", rsp_dec_fields, rsp_dec,
	  "{\"op\":\"scp80_rsp_dec\",\"packet\":\"0014120000017518AD42D28E6D1FDB4499CF74E59F5B\"" KEYS_EX "}" },
	{}
};

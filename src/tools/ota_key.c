/* osmo-ota: key derivation (GP Amd D 4.1.5, X9.63), ES8 key establishment (SGP.02 4.1.3.1), certificates 7F21.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <osmocom/rsp/crypto/cert.h>
#include <osmocom/rsp/ota/es8_cmd.h>
#include "ota_op.h"

static const struct ota_field scp03_fields[] = {
	{ "key", OTA_HEX, true, 16, 32, "AES key" },
	{ "constant", OTA_HEX, true, 1, 1, "00 card, 01 host cryptogram, 02 challenge, 04 S-ENC, 06 S-MAC, 07 S-RMAC" },
	{ "context", OTA_HEX, true, 1, 64, "context: host and card challenge" },
	{ "bits", OTA_NUM, false, 64, 128, "64 or 128; 128" },
	{}
};

static int do_kdf_scp03(struct ota_req *q)
{
	struct key *k = ota_key(q, "key", KEY_TYPE_AES);
	struct bytes *context = ota_hex(q, "context");
	unsigned bits = ota_num(q, "bits", 128);
	uint8_t out[16];
	int rc;

	if (!k)
		return -EINVAL;
	if (bits != 64 && bits != 128)
		return ota_fail(q, -EINVAL, "bits: not 64 or 128");
	rc = kdf_scp03(k, ota_be(q, "constant", 0), context->data, context->len, bits, out);
	if (rc == 0)
		ota_put_hex(q->out, "result", out, bits / 8);
	return rc;
}

static const struct ota_field x963_fields[] = {
	{ "z", OTA_HEX, true, 1, 64, "shared secret" },
	{ "shared_info", OTA_HEX, false, 0, 256, "SharedInfo" },
	{ "length", OTA_NUM, true, 1, 1024, "octets wanted" },
	{}
};

static int do_kdf_x963(struct ota_req *q)
{
	struct bytes *z = ota_hex(q, "z"), *si = ota_hex(q, "shared_info"), *out = bytes_new(q->ctx, 1024);
	int rc = bytes_fill(out, 0, ota_num(q, "length", 0));

	if (rc == 0)
		rc = kdf_x963(z->data, z->len, si ? si->data : NULL, si ? si->len : 0, out->data, out->len);
	if (rc == 0)
		ota_put_bytes(q->out, "result", out);
	return rc;
}

static const struct ota_field establish_fields[] = {
	{ "crt", OTA_HEX, true, 2, 256, "control reference template, the A6 TLV" },
	{ "z", OTA_HEX, false, 32, 32, "shared secret; or private and public" },
	{ "private", OTA_HEX, false, 32, 32, "own private key, P-256" },
	{ "public", OTA_HEX, false, EC_POINT_LEN, EC_POINT_LEN, "other side's point, 04 X Y" },
	{ "dr", OTA_HEX, false, 1, ES8_DR_MAX, "derivation random of the card" },
	{ "sin", OTA_HEX, false, 1, 32, "SIN, when the CRT holds a HostID" },
	{}
};

static int get_z(struct ota_req *q, uint8_t z[32])
{
	uint8_t d[32], point[EC_POINT_LEN];
	struct ec_key *k;

	if (ota_has(q, "z")) {
		ota_fixed(q, "z", z, 32);
		return 0;
	}
	if (!ota_has(q, "private") || !ota_has(q, "public"))
		return ota_fail(q, -EINVAL, "z, or private and public: missing");
	ota_fixed(q, "private", d, sizeof(d));
	ota_fixed(q, "public", point, sizeof(point));
	k = ec_from_private(q->ctx, d);
	if (!k || ec_ecka(k, point, z) < 0)
		return ota_fail(q, -EINVAL, "private or public: not on the curve");
	ota_put_hex(q->out, "z", z, 32);
	return 0;
}

static int establish(struct ota_req *q)
{
	static const char *const names[] = { "key_enc", "key_mac", "key_dek" };
	struct bytes *a6 = ota_hex(q, "crt"), *dr = ota_hex(q, "dr"), *sin = ota_hex(q, "sin");
	struct es8_keyset ks;
	struct es8_crt crt;
	uint8_t z[32];
	unsigned i;
	int rc = es8_crt_dec(&crt, a6->data, a6->len);

	if (rc < 0)
		return ota_fail(q, rc, "crt: malformed");
	if (sin) {
		memcpy(crt.sin, sin->data, sin->len);
		crt.sin_len = sin->len;
	}
	rc = get_z(q, z);
	if (rc == 0)
		rc = es8_derive(&ks, q->ctx, &crt, a6->data, a6->len, z, dr ? dr->data : NULL, dr ? dr->len : 0);
	if (rc < 0)
		return rc;
	for (i = 0; i < ks.n; i++)
		ota_put_key(q->out, ks.n == 1 ? "base_key" : names[i], ks.k[i]);
	ota_put_hex(q->out, "receipt", ks.receipt, sizeof(ks.receipt));
	return 0;
}

static const struct ota_field cert_fields[] = {
	{ "cert", OTA_HEX, true, 3, 1024, "the 7F21 TLV" },
	{ "issuer", OTA_HEX, false, EC_POINT_LEN, EC_POINT_LEN, "issuer's point: the signature is checked" },
	{ "today", OTA_TEXT, false, 8, 8, "YYYYMMDD: with issuer, dates are checked too" },
	{}
};

static void put_cert(json_t *o, const struct cert_gp *c)
{
	ota_put_hex(o, "serial", c->serial, c->serial_len);
	ota_put_hex(o, "ca_id", c->ca_id, c->ca_id_len);
	ota_put_hex(o, "subject", c->subject, c->subject_len);
	ota_put_hex(o, "usage", c->usage, c->usage_len);
	ota_put_text(o, "effective", c->effective);
	ota_put_text(o, "expiry", c->expiry);
	ota_put_text(o, "role", c->role == CERT_ROLE_DP ? "SM-DP" : c->role == CERT_ROLE_SR ? "SM-SR" : "none");
	if (c->has_aki)
		ota_put_hex(o, "issuer_key_id", c->aki, sizeof(c->aki));
	ota_put_hex(o, "public", c->q, sizeof(c->q));
	ota_put_hex(o, "signature", c->sig, sizeof(c->sig));
}

static int cert_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "cert");
	const char *err = NULL;
	uint8_t issuer[EC_POINT_LEN];
	struct cert_gp c;
	int rc = cert_gp_dec(&c, &err, in->data, in->len);

	if (rc < 0)
		return err ? ota_fail(q, rc, err) : rc;
	put_cert(q->out, &c);
	if (!ota_has(q, "issuer"))
		return 0;
	ota_fixed(q, "issuer", issuer, sizeof(issuer));
	rc = cert_gp_verify(&c, issuer, ota_has(q, "today") ? ota_text(q, "today") : NULL);
	ota_put_text(q->out, "verdict", rc == 0 ? "good" : rc == -ETIME ? "dates do not hold" :
		     rc == -EBADMSG ? "signature wrong" : "issuer is no point of the curve");
	return 0;
}

const struct ota_op ota_key_ops[] = {
	{ "kdf_scp03", "derive by the SCP03 KDF", scp03_fields, do_kdf_scp03,
	  "{\"op\":\"kdf_scp03\",\"key\":\"000102030405060708090A0B0C0D0E0F\",\"constant\":\"04\","
	  "\"context\":\"FDF38259A1E0DE443B1ACA81E821F219\"}" },
	{ "kdf_x963", "derive by X9.63 with SHA-256", x963_fields, do_kdf_x963,
	  "{\"op\":\"kdf_x963\",\"z\":\"5913141EB90FC33D76C019AD7A9CD1BE90A784E162F815B317AEA3E943D379CC\","
	  "\"shared_info\":\"108810\",\"length\":64}" },
	{ "key_establishment", "keys and receipt of ES8 key establishment, scenario 3", establish_fields, establish,
	  "{\"op\":\"key_establishment\",\"crt\":\"A615900203099501108001888101108201018301309100\","
	  "\"z\":\"5913141EB90FC33D76C019AD7A9CD1BE90A784E162F815B317AEA3E943D379CC\"}" },
	{ "cert_dec", "read a GlobalPlatform certificate, check its signature", cert_fields, cert_dec,
	  "{\"op\":\"cert_dec\",\"cert\":\"7F2181D29302020142082B0601040183F00F5F20092B0601040183F00F029501885F2"
	  "504202001015F24"
	  "04203912317319C80101C914C66B47D548664D571485D87BD0D4DB4F70B7F65D7F4946B04104CD5A4EEAE8D83F490FA8CCD4E"
	  "0447F47E48EB46E"
	  "DD8A33D754EF7AC4D83BB4C14C7AF29FE261DDA01623D68241925A780E61DA725056AA207032A6B8BBE7B1AFF001005F37400"
	  "0376041CEF78D57"
	  "9E6FC135978F758000621B121FF2ED06461816864CFC697CBBADCFB2C54EFC5809E113BF5A25CACAA6583BACE5DB88AC434B6"
	  "A273DA48FCE\"}" },
	{}
};

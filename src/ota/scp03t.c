/* SCP03t: profile segments as TLVs 84..87. SGP.02 4.1.3.3. Tag and shortest BER length, MAC included, go into the C-MAC.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/ota/scp03t.h>
#include <osmocom/rsp/util/misc.h>
#include "scp03_priv.h"

#define TLV_MAX_DEFAULT	1024
#define VALUE_MAX	65535	/* what a receiver accepts */
#define KEYS_PLAIN	64	/* chaining value and three AES-128 keys */

size_t scp03t_seg_len(size_t left, size_t max_tlv)
{
	size_t total = max_tlv ? max_tlv : TLV_MAX_DEFAULT;
	size_t head = total <= 129 ? 2 : total <= 258 ? 3 : 4;
	size_t blocks = total > head + 8 ? (total - head - 8) / 16 : 0;
	size_t plain = blocks ? blocks * 16 - 1 : 0;	/* at least one octet of padding */

	return left < plain ? left : plain;
}

/* Tag and length as they go into the MAC. Returns octets written to head. */
static size_t head_make(uint8_t head[4], uint8_t tag, size_t len)
{
	size_t n = 0;

	head[n++] = tag;
	if (len > 0xFF) {
		head[n++] = 0x82;
		head[n++] = len >> 8;
	} else if (len > 0x7F) {
		head[n++] = 0x81;
	}
	head[n++] = len;
	return n;
}

int scp03t_init_enc(struct bytes *out, uint8_t kvn, const uint8_t host_challenge[8])
{
	tlv_put_head(out, SCP03T_TAG_INIT, 10);
	bytes_put_u8(out, kvn);
	bytes_put_u8(out, 0);
	return bytes_put(out, host_challenge, 8);
}

int scp03t_init_dec(uint8_t *kvn, uint8_t host_challenge[8], const struct tlv *t)
{
	if (t->tag != SCP03T_TAG_INIT || t->len != 10)
		return -EINVAL;
	*kvn = t->v[0];
	memcpy(host_challenge, t->v + 2, 8);
	return 0;
}

int scp03t_auth_enc(struct scp03 *s, struct bytes *out)
{
	uint8_t head[3] = { SCP03T_TAG_AUTH, 0x11, SCP03_LEVEL }, mac[16];

	if (s->state != SCP03_NEW || scp03_mac_next(s, head, 3, s->host_cryptogram, 8, mac) < 0)
		return -EINVAL;
	bytes_put(out, head, 3);
	bytes_put(out, s->host_cryptogram, 8);
	bytes_put(out, mac, 8);
	memcpy(s->mcv, mac, 16);
	s->state = SCP03_OPEN;
	return out->err;
}

int scp03t_auth_dec(struct scp03 *s, const struct tlv *t)
{
	const uint8_t head[3] = { SCP03T_TAG_AUTH, 0x11, SCP03_LEVEL };

	if (s->state != SCP03_NEW || t->tag != SCP03T_TAG_AUTH || t->len != 17 || t->v[0] != SCP03_LEVEL)
		return scp03_spoil(s, -EINVAL);
	if (!secret_eq(t->v + 1, s->host_cryptogram, 8) || scp03_mac_check(s, head, 3, t->v + 1, 8, t->v + 9) < 0)
		return scp03_spoil(s, -EBADMSG);
	s->state = SCP03_OPEN;
	return 0;
}

static int secure_enc(struct scp03 *s, struct bytes *out, uint8_t tag, const uint8_t *plain, size_t len)
{
	size_t value = len / 16 * 16 + 16 + 8, n, start;
	uint8_t head[4], mac[16];
	int rc;

	if (s->state != SCP03_OPEN || value > VALUE_MAX)
		return -EINVAL;
	n = head_make(head, tag, value);
	bytes_put(out, head, n);
	start = out->len;
	s->counter++;
	rc = scp03_encrypt(s, out, plain, len, false);
	if (rc >= 0)
		rc = scp03_mac_next(s, head, n, out->data + start, value - 8, mac);
	if (rc < 0)
		return scp03_spoil(s, rc);
	memcpy(s->mcv, mac, 16);
	scp03_answer_next(s);
	rc = bytes_put(out, mac, 8);
	return rc < 0 ? scp03_spoil(s, rc) : 0;
}

int scp03t_data_enc(struct scp03 *s, struct bytes *out, const uint8_t *plain, size_t len)
{
	return secure_enc(s, out, SCP03T_TAG_DATA, plain, len);
}

static int secure_dec(struct scp03 *s, struct bytes *out, uint8_t tag, const struct tlv *t)
{
	uint8_t head[4];
	size_t n;

	if (s->state != SCP03_OPEN)
		return scp03_spoil(s, -EBADMSG);
	if (t->tag != tag || t->len < 24 || t->len > VALUE_MAX || t->len % 16 != 8)
		return scp03_spoil(s, -EINVAL);
	s->counter++;
	n = head_make(head, tag, t->len);
	if (scp03_mac_check(s, head, n, t->v, t->len - 8, t->v + t->len - 8) < 0 ||
	    scp03_decrypt(s, out, t->v, t->len - 8, false) < 0)
		return scp03_spoil(s, -EBADMSG);
	scp03_answer_next(s);
	return 0;
}

int scp03t_data_dec(struct scp03 *s, struct bytes *out, const struct tlv *t)
{
	return secure_dec(s, out, SCP03T_TAG_DATA, t);
}

static void keys_replace(struct scp03 *s, const uint8_t mcv[16], struct key *enc, struct key *mac, struct key *rmac)
{
	talloc_free(s->enc);
	talloc_free(s->mac);
	talloc_free(s->rmac);
	s->enc = enc;
	s->mac = mac;
	s->rmac = rmac;
	memcpy(s->mcv, mcv, 16);
	s->counter = 0;
}

/* Takes both ends over to the profile protection keys in plain. */
static int keys_use(struct scp03 *s, const uint8_t plain[KEYS_PLAIN])
{
	struct key *k[3];
	unsigned i;

	for (i = 0; i < 3; i++) {
		k[i] = key_new(s, KEY_TYPE_AES, plain + 16 + 16 * i, 16);
		if (!k[i])
			return scp03_spoil(s, -ENOMEM);
	}
	keys_replace(s, plain, k[0], k[1], k[2]);
	return 0;
}

int scp03t_keys_enc(struct scp03 *s, struct bytes *out, const uint8_t mcv[16], const struct key *enc,
		    const struct key *mac, const struct key *rmac)
{
	uint8_t plain[KEYS_PLAIN];
	int rc = -EINVAL;

	memcpy(plain, mcv, 16);
	if (key_len(enc) == 16 && key_len(mac) == 16 && key_len(rmac) == 16 && key_export(enc, plain + 16, 16) &&
	    key_export(mac, plain + 32, 16) && key_export(rmac, plain + 48, 16))
		rc = secure_enc(s, out, SCP03T_TAG_KEYS, plain, sizeof(plain));
	if (rc >= 0)
		rc = keys_use(s, plain);
	secret_wipe(plain, sizeof(plain));
	return rc;
}

int scp03t_keys_dec(struct scp03 *s, const struct tlv *t)
{
	struct bytes *plain = bytes_new(NULL, VALUE_MAX + 1);
	int rc;

	if (!plain)
		return -ENOMEM;
	bytes_secret(plain);
	rc = secure_dec(s, plain, SCP03T_TAG_KEYS, t);
	if (rc >= 0)
		rc = plain->len == KEYS_PLAIN ? keys_use(s, plain->data) : scp03_spoil(s, -ERANGE);
	talloc_free(plain);
	return rc;
}

void scp03t_note_take(const struct scp03 *s, struct scp03t_note *n)
{
	memcpy(n->mcv, s->mcv, 16);
	n->counter = s->counter;
}

void scp03t_note_use(struct scp03 *s, const struct scp03t_note *n)
{
	memcpy(s->rsp_mcv, n->mcv, 16);
	s->rsp_counter = n->counter;
}

/* R-MAC over the command's chaining value, tag, length, ciphertext. */
static int rmac(const struct scp03 *s, const uint8_t *ct, size_t len, uint8_t mac[16])
{
	uint8_t head[4];
	size_t n = head_make(head, SCP03T_TAG_DATA, len + 8);
	struct iov iov[3] = { { s->rsp_mcv, 16 }, { head, n }, { ct, len } };

	return sym_cmac(s->rmac, iov, 3, mac);
}

static int data_rsp_dec(struct scp03 *s, struct bytes *out, const struct tlv *t)
{
	uint8_t mac[16];

	if (!t->len)
		return 0;
	if (!s || s->state != SCP03_OPEN || t->len < 8 || t->len % 16 != 8 || rmac(s, t->v, t->len - 8, mac) < 0 ||
	    !secret_eq(mac, t->v + t->len - 8, 8))
		return s ? scp03_spoil(s, -EBADMSG) : -EINVAL;
	if (t->len == 8)	/* an empty answer with R-MAC: stricter cards */
		return 0;
	return scp03_decrypt(s, out, t->v, t->len - 8, true) < 0 ? scp03_spoil(s, -EBADMSG) : 0;
}

int scp03t_rsp_dec(struct scp03 *s, struct bytes *out, uint8_t *err, uint32_t tag, const struct tlv *t)
{
	*err = 0;
	if (t->tag == SCP03T_ERR_TAG(tag)) {
		if (t->len != 1)
			return -EPROTO;
		*err = t->v[0];
		return s ? scp03_spoil(s, -EREMOTEIO) : -EREMOTEIO;
	}
	if (t->tag != tag)
		return -EPROTO;
	switch (tag) {
	case SCP03T_TAG_INIT:
		return t->len == SCP03_INIT_LEN ? bytes_put(out, t->v, t->len) : -EPROTO;
	case SCP03T_TAG_DATA:
		return data_rsp_dec(s, out, t);
	default:
		return t->len ? -EPROTO : 0;
	}
}

int scp03t_init_rsp_enc(struct bytes *out, const struct scp03_init *i)
{
	uint8_t v[SCP03_INIT_LEN];

	scp03_init_enc(v, i);
	return tlv_put(out, SCP03T_TAG_INIT, v, sizeof(v));
}

int scp03t_empty_rsp_enc(struct bytes *out, uint32_t tag)
{
	return tlv_put_head(out, tag, 0);
}

int scp03t_mac_rsp_enc(struct scp03 *s, struct bytes *out)
{
	uint8_t mac[16];

	if (s->state != SCP03_OPEN || rmac(s, NULL, 0, mac) < 0)
		return -EINVAL;
	return tlv_put(out, SCP03T_TAG_DATA, mac, 8);
}

int scp03t_data_rsp_enc(struct scp03 *s, struct bytes *out, const uint8_t *data, size_t len)
{
	size_t start, padded = len / 16 * 16 + 16;
	uint8_t mac[16];
	int rc;

	if (!len)
		return scp03t_empty_rsp_enc(out, SCP03T_TAG_DATA);
	if (s->state != SCP03_OPEN || padded + 8 > VALUE_MAX)
		return -EINVAL;
	tlv_put_head(out, SCP03T_TAG_DATA, padded + 8);
	start = out->len;
	rc = scp03_encrypt(s, out, data, len, true);
	if (rc >= 0)
		rc = rmac(s, out->data + start, padded, mac);
	return rc < 0 ? rc : bytes_put(out, mac, 8);
}

int scp03t_err_enc(struct bytes *out, uint32_t tag, uint8_t value)
{
	return tlv_put_u8(out, SCP03T_ERR_TAG(tag), value);
}

const char *scp03t_err_text(uint32_t tag, uint8_t value)
{
	if (value == SCP03T_ERR_STRUCTURE)
		return tag == SCP03T_TAG_KEYS ? "key length differs" : "length or structure";
	if (value == SCP03T_ERR_SECURITY)
		return "security error";
	if (value == SCP03T_ERR_NO_KEY)
		return "referenced data not found";
	return "unknown error";
}

/* SCP03, i = 70, level 33, S8: GP Amd D 6. One counter and one MAC chaining value run through the session; a failed check
 * spoils it for good.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/util/misc.h>
#include "scp03_priv.h"

#define CONST_CARD_CRYPTOGRAM	0x00
#define CONST_HOST_CRYPTOGRAM	0x01
#define CONST_CARD_CHALLENGE	0x02
#define CONST_S_ENC		0x04
#define CONST_S_MAC		0x06
#define CONST_S_RMAC		0x07

#define CLA_SECURE		0x84

void scp03_init_enc(uint8_t out[SCP03_INIT_LEN], const struct scp03_init *i)
{
	memcpy(out, i->diversification, 10);
	out[10] = i->kvn;
	out[11] = 0x03;
	out[12] = SCP03_I;
	memcpy(out + 13, i->card_challenge, 8);
	memcpy(out + 21, i->card_cryptogram, 8);
	out[29] = i->seq >> 16;
	out[30] = i->seq >> 8;
	out[31] = i->seq;
}

int scp03_init_dec(struct scp03_init *i, const uint8_t *in, size_t len)
{
	memset(i, 0, sizeof(*i));
	if (len != SCP03_INIT_LEN)
		return -EINVAL;
	if (in[11] != 0x03 || in[12] != SCP03_I)
		return -ENOTSUP;
	memcpy(i->diversification, in, 10);
	i->kvn = in[10];
	memcpy(i->card_challenge, in + 13, 8);
	memcpy(i->card_cryptogram, in + 21, 8);
	i->seq = in[29] << 16 | in[30] << 8 | in[31];
	return 0;
}

int scp03_card_challenge(uint8_t out[8], const struct key *enc, uint32_t seq, const struct aid *aid)
{
	uint8_t context[3 + 16] = { seq >> 16, seq >> 8, seq };

	memcpy(context + 3, aid->b, aid->len);
	return kdf_scp03(enc, CONST_CARD_CHALLENGE, context, 3 + aid->len, 64, out);
}

static int scp03_free(struct scp03 *s)
{
	secret_wipe(s, sizeof(*s));
	return 0;
}

struct scp03 *scp03_new(void *ctx, const struct key *enc, const struct key *mac, const uint8_t host_challenge[8],
			const uint8_t card_challenge[8])
{
	struct scp03 *s = talloc_zero(ctx, struct scp03);
	uint8_t context[16];

	if (!s)
		return NULL;
	talloc_set_destructor(s, scp03_free);
	memcpy(context, host_challenge, 8);
	memcpy(context + 8, card_challenge, 8);
	if (kdf_scp03_key(&s->enc, s, enc, CONST_S_ENC, context, 16) < 0 ||
	    kdf_scp03_key(&s->mac, s, mac, CONST_S_MAC, context, 16) < 0 ||
	    kdf_scp03_key(&s->rmac, s, mac, CONST_S_RMAC, context, 16) < 0 ||
	    kdf_scp03(s->mac, CONST_CARD_CRYPTOGRAM, context, 16, 64, s->card_cryptogram) < 0 ||
	    kdf_scp03(s->mac, CONST_HOST_CRYPTOGRAM, context, 16, 64, s->host_cryptogram) < 0) {
		talloc_free(s);
		return NULL;
	}
	return s;
}

void scp03_card_cryptogram(const struct scp03 *s, uint8_t out[8])
{
	memcpy(out, s->card_cryptogram, 8);
}

void scp03_host_cryptogram(const struct scp03 *s, uint8_t out[8])
{
	memcpy(out, s->host_cryptogram, 8);
}

bool scp03_authenticated(const struct scp03 *s)
{
	return s->state == SCP03_OPEN;
}

void scp03_answer_next(struct scp03 *s)
{
	memcpy(s->rsp_mcv, s->mcv, 16);
	s->rsp_counter = s->counter;
}

int scp03_spoil(struct scp03 *s, int rc)
{
	s->state = SCP03_DEAD;
	return rc;
}

int scp03_mac_next(struct scp03 *s, const uint8_t *head, size_t head_len, const uint8_t *data, size_t len, uint8_t mac[16])
{
	struct iov iov[3] = { { s->mcv, 16 }, { head, head_len }, { data, len } };

	return sym_cmac(s->mac, iov, 3, mac);
}

int scp03_mac_check(struct scp03 *s, const uint8_t *head, size_t head_len, const uint8_t *data, size_t len, const uint8_t mac[8])
{
	uint8_t good[16];

	if (scp03_mac_next(s, head, head_len, data, len, good) < 0 || !secret_eq(good, mac, 8))
		return -EBADMSG;
	memcpy(s->mcv, good, 16);
	return 0;
}

/* Initial chaining vector: the counter as a block, for responses with the first octet 80, under S-ENC. */
static int icv(const struct scp03 *s, uint8_t out[16], bool response)
{
	uint64_t counter = response ? s->rsp_counter : s->counter;
	uint8_t block[16] = { response ? 0x80 : 0 };
	unsigned i;

	for (i = 0; i < 8; i++)
		block[15 - i] = counter >> (8 * i);
	return sym_ecb_enc(s->enc, block, 16, out);
}

int scp03_encrypt(struct scp03 *s, struct bytes *out, const uint8_t *in, size_t len, bool response)
{
	size_t start = out->len, padded = len / 16 * 16 + 16;
	uint8_t iv[16];

	if (icv(s, iv, response) < 0)
		return -EIO;
	/* room for all first: out is no secret, and were it to grow with plain text in it, that would stay behind */
	if (bytes_fill(out, 0, padded) < 0)
		return out->err;
	if (len)
		memcpy(out->data + start, in, len);
	out->data[start + len] = 0x80;
	return sym_cbc_enc(s->enc, iv, out->data + start, padded, out->data + start);
}

int scp03_decrypt(struct scp03 *s, struct bytes *out, const uint8_t *in, size_t len, bool response)
{
	size_t start = out->len, n;
	uint8_t iv[16];

	if (!len || len % 16)
		return -EBADMSG;
	if (icv(s, iv, response) < 0)
		return -EIO;
	if (bytes_fill(out, 0, len) < 0)
		return out->err;
	if (sym_cbc_dec(s->enc, iv, in, len, out->data + start) < 0)
		return -EIO;
	for (n = len; n && len - n < 15 && out->data[start + n - 1] == 0; n--)
		;
	if (!n || out->data[start + n - 1] != 0x80) {
		secret_wipe(out->data + start, len);
		out->len = start;
		return -EBADMSG;
	}
	out->len = start + n - 1;
	return 0;
}

int scp03_init_update_enc(struct bytes *out, uint8_t kvn, const uint8_t host_challenge[8])
{
	struct apdu_cmd c = { .cla = 0x80, .ins = 0x50, .p1 = kvn, .data = host_challenge, .lc = 8, .has_le = true };

	return apdu_put(out, &c);
}

int scp03_init_update_dec(uint8_t *kvn, uint8_t host_challenge[8], const struct apdu_cmd *c)
{
	if (c->ins != 0x50 || c->lc != 8)
		return -EINVAL;
	*kvn = c->p1;
	memcpy(host_challenge, c->data, 8);
	return 0;
}

int scp03_start(struct scp03 **s, void *ctx, const struct key *enc, const struct key *mac, const uint8_t host_challenge[8],
		const struct scp03_init *i)
{
	*s = scp03_new(ctx, enc, mac, host_challenge, i->card_challenge);
	if (!*s)
		return -ENOMEM;
	if (secret_eq((*s)->card_cryptogram, i->card_cryptogram, 8))
		return 0;
	talloc_free(*s);
	*s = NULL;
	return -EBADMSG;
}

int scp03_ext_auth_enc(struct scp03 *s, struct bytes *out)
{
	static const uint8_t head[] = { CLA_SECURE, 0x82, SCP03_LEVEL, 0x00, 0x10 };
	uint8_t mac[16];

	if (s->state != SCP03_NEW || scp03_mac_next(s, head, sizeof(head), s->host_cryptogram, 8, mac) < 0)
		return -EINVAL;
	bytes_put(out, head, sizeof(head));
	bytes_put(out, s->host_cryptogram, 8);
	bytes_put(out, mac, 8);
	memcpy(s->mcv, mac, 16);
	s->state = SCP03_OPEN;
	return out->err;
}

int scp03_ext_auth_dec(struct scp03 *s, const struct apdu_cmd *c)
{
	const uint8_t head[] = { (c->cla & ~0x43) | 0x04, c->ins, c->p1, c->p2, c->lc };

	if (s->state != SCP03_NEW || c->ins != 0x82 || c->p1 != SCP03_LEVEL || c->lc != 16)
		return scp03_spoil(s, -EINVAL);
	if (!secret_eq(c->data, s->host_cryptogram, 8))
		return scp03_spoil(s, -EACCES);
	if (scp03_mac_check(s, head, sizeof(head), c->data, 8, c->data + 8) < 0)
		return scp03_spoil(s, -EBADMSG);
	s->state = SCP03_OPEN;
	return 0;
}

int scp03_wrap(struct scp03 *s, struct bytes *out, const struct apdu_cmd *plain)
{
	struct bytes *data;
	struct apdu_cmd c = *plain;
	uint8_t head[5], mac[16];
	int rc = 0;

	if (s->state != SCP03_OPEN || plain->lc > SCP03_PLAIN_MAX)
		return -EINVAL;
	data = bytes_new(NULL, 256);
	if (!data)
		return -ENOMEM;
	s->counter++;
	if (plain->lc)
		rc = scp03_encrypt(s, data, plain->data, plain->lc, false);
	c.cla = (plain->cla & ~0x43) | 0x04;
	memcpy(head, (uint8_t[]){ c.cla, c.ins, c.p1, c.p2, data->len + 8 }, 5);
	if (!rc)
		rc = scp03_mac_next(s, head, 5, data->data, data->len, mac);
	if (!rc) {
		memcpy(s->mcv, mac, 16);
		scp03_answer_next(s);
		rc = bytes_put(data, mac, 8);
	}
	c.data = data->data;
	c.lc = data->len;
	if (rc >= 0)
		rc = apdu_put(out, &c);
	talloc_free(data);
	return rc < 0 ? scp03_spoil(s, rc) : 0;
}

int scp03_unwrap(struct scp03 *s, struct bytes *store, struct apdu_cmd *plain, const struct apdu_cmd *c)
{
	const uint8_t head[] = { c->cla & ~0x43, c->ins, c->p1, c->p2, c->lc };

	bytes_clear(store);
	*plain = *c;
	plain->cla &= ~0x04;
	plain->data = NULL;
	plain->lc = 0;
	if (s->state != SCP03_OPEN || !(c->cla & 0x04) || c->lc < 8)
		return scp03_spoil(s, -EBADMSG);
	s->counter++;
	if (scp03_mac_check(s, head, sizeof(head), c->data, c->lc - 8, c->data + c->lc - 8) < 0)
		return scp03_spoil(s, -EBADMSG);
	scp03_answer_next(s);
	if (c->lc == 8)
		return 0;
	if (scp03_decrypt(s, store, c->data, c->lc - 8, false) < 0)
		return scp03_spoil(s, -EBADMSG);
	plain->data = store->data;
	plain->lc = store->len;
	return 0;
}

/* R-MAC is there after 9000, 62xx and 63xx; an error status word travels bare (GP Amd D 6.2.5). */
static bool rsp_has_mac(uint16_t sw)
{
	return sw == 0x9000 || sw >> 8 == 0x91 || sw >> 8 == 0x62 || sw >> 8 == 0x63;
}

int scp03_rsp_wrap(struct scp03 *s, struct bytes *out, const uint8_t *data, size_t len, uint16_t sw)
{
	const uint8_t trail[2] = { sw >> 8, sw };
	size_t start = out->len;
	uint8_t mac[16];
	int rc;

	if (s->state != SCP03_OPEN || (!rsp_has_mac(sw) && len))
		return -EINVAL;
	if (!rsp_has_mac(sw))
		return bytes_put_u16(out, sw);
	rc = len ? scp03_encrypt(s, out, data, len, true) : 0;
	if (rc < 0)
		return rc;
	struct iov iov[3] = { { s->rsp_mcv, 16 }, { out->data + start, out->len - start }, { trail, 2 } };

	rc = sym_cmac(s->rmac, iov, 3, mac);
	if (rc < 0)
		return rc;
	bytes_put(out, mac, 8);
	return bytes_put_u16(out, sw);
}

int scp03_rsp_unwrap(struct scp03 *s, struct bytes *out, uint16_t *sw, const uint8_t *in, size_t len)
{
	struct apdu_rsp r;
	uint8_t mac[16];

	*sw = 0;
	if (s->state != SCP03_OPEN || apdu_rsp_dec(&r, in, len) < 0)
		return scp03_spoil(s, -EINVAL);
	if (!rsp_has_mac(r.sw)) {
		*sw = r.sw;
		return r.len ? scp03_spoil(s, -EBADMSG) : 0;
	}
	if (r.len < 8)
		return scp03_spoil(s, -EBADMSG);
	struct iov iov[3] = { { s->rsp_mcv, 16 }, { r.data, r.len - 8 }, { in + len - 2, 2 } };

	if (sym_cmac(s->rmac, iov, 3, mac) < 0 || !secret_eq(mac, in + len - 10, 8))
		return scp03_spoil(s, -EBADMSG);
	*sw = r.sw;
	return r.len == 8 ? 0 : scp03_decrypt(s, out, r.data, r.len - 8, true) < 0 ? scp03_spoil(s, -EBADMSG) : 0;
}

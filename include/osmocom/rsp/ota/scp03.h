/* SCP03 with i = 70, level 33, S8 mode: GP Amd D, SGP.02 4.1.3.4. One session object serves either end, and the profile
 * transport of scp03t.h.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/ota/apdu.h>
#include <osmocom/rsp/util/ids.h>

#define SCP03_LEVEL	0x33
#define SCP03_I		0x70
#define SCP03_PLAIN_MAX	239		/* octets of plain command data in one APDU */

struct scp03;	/* talloc object; session keys die with it */

/* Answer to INITIALIZE UPDATE and to SCP03t tag 84, 32 octets. */
struct scp03_init {
	uint8_t diversification[10];
	uint8_t kvn;
	uint8_t card_challenge[8];
	uint8_t card_cryptogram[8];
	uint32_t seq;			/* 24 bits */
};
#define SCP03_INIT_LEN 32
void scp03_init_enc(uint8_t out[SCP03_INIT_LEN], const struct scp03_init *i);
int scp03_init_dec(struct scp03_init *i, const uint8_t *in, size_t len);	/* -ENOTSUP: not SCP 03 i 70 */

/* Pseudo-random challenge: static Key-ENC, counter (already incremented), AID of the security domain. */
int scp03_card_challenge(uint8_t out[8], const struct key *enc, uint32_t seq, const struct aid *aid);
/* Session keys from static Key-ENC, Key-MAC and both challenges. NULL: no memory or no AES keys. */
struct scp03 *scp03_new(void *ctx, const struct key *enc, const struct key *mac, const uint8_t host_challenge[8],
			const uint8_t card_challenge[8]);
void scp03_card_cryptogram(const struct scp03 *s, uint8_t out[8]);
void scp03_host_cryptogram(const struct scp03 *s, uint8_t out[8]);
bool scp03_authenticated(const struct scp03 *s);	/* and not spoilt by a later error */

/* Off-card end. Commands are complete C-APDUs. */
int scp03_init_update_enc(struct bytes *out, uint8_t kvn, const uint8_t host_challenge[8]);
/* The whole server side of the answer: cryptogram checked (-EBADMSG), session made. */
int scp03_start(struct scp03 **s, void *ctx, const struct key *enc, const struct key *mac, const uint8_t host_challenge[8],
		const struct scp03_init *i);
int scp03_ext_auth_enc(struct scp03 *s, struct bytes *out);
int scp03_wrap(struct scp03 *s, struct bytes *out, const struct apdu_cmd *plain);
/* Answer to the last wrapped command; out gets the plain data. -EBADMSG spoils the session. */
int scp03_rsp_unwrap(struct scp03 *s, struct bytes *out, uint16_t *sw, const uint8_t *in, size_t len);

/* Card end. */
int scp03_init_update_dec(uint8_t *kvn, uint8_t host_challenge[8], const struct apdu_cmd *c);
int scp03_ext_auth_dec(struct scp03 *s, const struct apdu_cmd *c);	/* -EACCES cryptogram (6300), -EBADMSG MAC (6982) */
/* plain->data points into store, which is cleared first. -EBADMSG spoils the session (6982). */
int scp03_unwrap(struct scp03 *s, struct bytes *store, struct apdu_cmd *plain, const struct apdu_cmd *c);
int scp03_rsp_wrap(struct scp03 *s, struct bytes *out, const uint8_t *data, size_t len, uint16_t sw);

/* The SM-DP's end of ES8 to one ISD-P: key establishment, then the profile over SCP03t, as scripts for ES3.SendData
 * and the card's answers to them. No transport, no database, no clock in here.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/util/ids.h>

struct es8_session;		/* talloc object; all keys die with it */

#define ES8_SESSION_KVN		0x30	/* card-side.md 11: believed over 03 */
#define ES8_SESSION_ERR_SIZE	200

/* What Master Delete will have to name (SGP.02 4.1.1.6): of issuer, domain, provider. len 0: none. */
struct es8_identity {
	uint8_t sin[16], sdin[16], provider[16];
	size_t sin_len, sdin_len, provider_len;
};

struct es8_session_cfg {
	struct aid isdp;
	const struct bytes *dp_cert;		/* 7F21; alive while the session is */
	const struct ec_key *dp_key;		/* likewise */
	uint8_t ecasd_q[EC_POINT_LEN];		/* PK.ECASD.ECKA, from a checked certificate */
	uint8_t param;				/* 09, 0B: scenario parameter */
	unsigned segment_size;			/* plain octets in a tag 86; SCP03T_SEG_MAX is good for every card */
	unsigned segments_per_script;
	bool point_tlv;				/* ePK.DP.ECKA as B0 04 X Y F0 00 inside 7F49 */
	bool random_keys;			/* the package goes under keys of its own (tag 87, SGP.02 4.1.3.3) */
	/* The ISD-P gets these and a random token key before its profile. Alive while the session is; NULL: none. */
	const struct es8_identity *identity;
	/* For a test with known numbers; NULL: random. Copied. */
	const struct ec_key *eph;
	const uint8_t *host_challenge;		/* 8 octets */
};

struct es8_session *es8_session_new(void *ctx, const struct es8_session_cfg *cfg);

/* SGP.02 4.1.3.1 step 1: INSTALL [for personalization], STORE DATA with CERT.DP.ECDSA. Answer: the random challenge. */
int es8_session_cert_script(struct es8_session *s, struct bytes *script);
int es8_session_cert_answer(struct es8_session *s, const uint8_t *resp, size_t len, char err[ES8_SESSION_ERR_SIZE]);
/* Step 2: ePK and signature. Answer: DR and receipt; then the keys stand. -EBADMSG: wrong receipt. */
int es8_session_keys_script(struct es8_session *s, struct bytes *script);
int es8_session_keys_answer(struct es8_session *s, const uint8_t *resp, size_t len, char err[ES8_SESSION_ERR_SIZE]);

/* SGP.02 4.1.3.3: the package in segments. upp is copied and wiped with the session. */
int es8_session_package(struct es8_session *s, const uint8_t *upp, size_t len);
unsigned es8_session_segments(const struct es8_session *s);	/* in all */
unsigned es8_session_sent(const struct es8_session *s);		/* so far */
bool es8_session_last(const struct es8_session *s);		/* the script made last holds the last segment */
/* Next script: with an identity first the one that brings it; then the package, beginning with 84 and 85, for the card
 * challenges of the first sessions under new keys are known. */
int es8_session_data_script(struct es8_session *s, struct bytes *script);
/* 0: go on, or, after the last script, installed; result then holds the card's words ("ok", or warnings). Negative:
 * err says what the card refused: an aborted installation is -EREMOTEIO. */
int es8_session_data_answer(struct es8_session *s, const uint8_t *resp, size_t len, char err[ES8_SESSION_ERR_SIZE]);
/* Key that this ISD-P's Master Delete tokens are made with, once the card has it. NULL: it has none. */
const struct key *es8_session_token_key(const struct es8_session *s);
const char *es8_session_result(const struct es8_session *s);
/* For the test: static keys' check values, ENC MAC DEK. */
bool es8_session_kcv(const struct es8_session *s, uint8_t kcv[3][3]);

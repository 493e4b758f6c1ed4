/* ES5: commands of the SM-SR to the ISD-R and their answers. SGP.02 4.1.1. Encoders append TLV 22 { C-APDU } to a script
 * (struct bytes of bare command TLVs); the card decodes C-APDUs and encodes response data.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/ota/gp_cmd.h>
#include <osmocom/rsp/ota/notif.h>
#include <osmocom/rsp/ota/scp81_msg.h>

#define ES5_AIDS_MAX	16		/* deleted ISD-Ps in one confirmation answer */
#define ES5_KEEP_MAX	16

enum es5_state {		/* 9F70 */
	ES5_STATE_INSTALLED = 0x03, ES5_STATE_SELECTABLE = 0x07, ES5_STATE_PERSONALIZED = 0x0F,
	ES5_STATE_DISABLED = 0x1F, ES5_STATE_ENABLED = 0x3F,
};
const char *es5_state_text(uint8_t state);

enum es5_fn {
	ES5_CREATE_ISDP,	/* aid, memory */
	ES5_INSTALL_PERSO,	/* aid: ES8 and ES6 follow */
	ES5_ENABLE_PROFILE, ES5_DISABLE_PROFILE, ES5_SET_FALLBACK, ES5_SET_EMERGENCY,	/* aid */
	ES5_DELETE,		/* aid: DeleteProfile */
	ES5_MASTER_DELETE,	/* aid, master */
	ES5_FINALISE_HANDOVER,	/* keep[] */
	ES5_GET_STATUS,		/* aid (len 0: all), tags, next */
	ES5_GET_DATA,		/* get_tag, tags (5C) */
	ES5_UPDATE_SMSR,	/* body: A3, A4, A5, A6 */
	ES5_CONFIRM_NOTIF,	/* seq */
	ES5_UPDATE_POL1,	/* ES6, DGI 3A06: pol1 */
	ES5_STORE_CERT,		/* DGI 3A01: body = 7F21 TLV */
	ES5_STORE_KEYS,		/* DGI 3A02: body = whole DGI and what follows it, for es8_keys_dec() */
	ES5_STORE_SD_DATA,	/* DGI 0070: body */
	ES5_UPDATE_CONN,	/* DGI 3A07 with A0, A1, A2: body */
};

struct es5_key_range { uint8_t kvn, first, last; };	/* F2 */

struct es5_master_delete {
	uint8_t sin[16], sdin[16], provider[16], token_id[16];
	size_t sin_len, sdin_len, provider_len, token_id_len;
	uint8_t token[16];
	uint8_t p2;
	const uint8_t *signed_data;	/* data field without 9E, inside the input */
	size_t signed_len;
};

struct es5_cmd {
	enum es5_fn fn;
	bool response;			/* STORE DATA: P1 b1 */
	struct aid aid;
	uint32_t memory;		/* EF/83, 0 when absent */
	uint16_t seq;
	uint8_t pol1;
	uint16_t get_tag;
	bool next;
	const uint8_t *tags; size_t tags_len;
	struct es5_key_range keep[ES5_KEEP_MAX]; unsigned n_keep;
	struct es5_master_delete master;
	const uint8_t *body; size_t body_len;
};

/* Server: append the command. */
int es5_create_isdp_enc(struct bytes *script, const struct aid *isd_p, uint32_t memory);	/* 0: no quota */
int es5_enable_profile_enc(struct bytes *script, const struct aid *isd_p);
int es5_disable_profile_enc(struct bytes *script, const struct aid *isd_p);
int es5_delete_enc(struct bytes *script, const struct aid *isd_p);
int es5_set_fallback_enc(struct bytes *script, const struct aid *isd_p);
int es5_set_emergency_enc(struct bytes *script, const struct aid *isd_p);	/* its DGI is uncertain [M] */
int es5_confirm_notif_enc(struct bytes *script, uint16_t seq);
int es5_get_status_enc(struct bytes *script, const struct aid *isd_p, bool next);	/* NULL: all, asks 4F 9F70 53 8F 91 */
int es5_get_memory_enc(struct bytes *script);						/* GET DATA FF21 */
int es5_get_ecasd_cert_enc(struct bytes *script);					/* GET DATA BF30 5C 7F21 */
int es5_finalise_handover_enc(struct bytes *script, const struct es5_key_range *keep, unsigned n);
/* dialling_nr: platform address of the SM-SR for SMS ("+49..."; NULL: bearer not changed); https NULL likewise. */
int es5_update_smsr_enc(struct bytes *script, const char *dialling_nr, const struct scp81_params *https);
int es5_master_delete_enc(struct bytes *script, const struct aid *isd_p, const struct es5_master_delete *m,
			  const struct key *token_key);
int es5_token_verify(const struct es5_cmd *c, const struct key *token_key);		/* 0 or -EBADMSG */

/* Card: one C-APDU to *c. 0x9000, or the status word to answer. Of a STORE DATA the DGI must be complete in this block; a
 * card that takes several collects them with gp_store_data_dec() until es5_store_complete(), then es5_dgi_dec(). */
bool es5_store_complete(const uint8_t *data, size_t len, bool last);	/* 3A01 comes without P1 b8, SGP.02 4.1.3.1 */
uint16_t es5_cmd_dec(struct es5_cmd *c, const struct apdu_cmd *apdu);
uint16_t es5_dgi_dec(struct es5_cmd *c, const uint8_t *data, size_t len);
/* Card: A3/A5/A6 content of ES5_UPDATE_SMSR. Fields stay untouched when the bearer is not named: *has_* say so. */
struct es5_smsr_addr {
	bool has_sms, has_https, has_dns;
	char sms[24];			/* "+" and digits */
	struct scp81_params https;
	struct scp81_dns dns;		/* A6 */
};
int es5_smsr_addr_dec(struct es5_smsr_addr *a, const uint8_t *body, size_t len);

/* Answers. Data of one R-APDU, without status word. */
struct es5_isdp_info {			/* E3 */
	struct aid aid;
	uint8_t state;			/* enum es5_state */
	bool has_attr, fallback, emergency;	/* 53 */
	bool has_granted, has_remaining;
	uint32_t granted, remaining;	/* 8F, 91 */
};
int es5_status_rsp_enc(struct bytes *data, const struct es5_isdp_info *i);	/* appends one E3 */
/* 1 and *i, 0 at the end, -EINVAL. */
int es5_status_rsp_next(struct rd *r, struct es5_isdp_info *i);
struct es5_memory { uint32_t apps, free_nvm, free_ram; };			/* FF21 */
int es5_memory_rsp_enc(struct bytes *data, const struct es5_memory *m);
int es5_memory_rsp_dec(struct es5_memory *m, const uint8_t *data, size_t len);
/* ISD-Ps that POL1 deleted; none: no data. Returns the number, or negative. */
int es5_confirm_rsp_enc(struct bytes *data, const struct aid *deleted, unsigned n);
int es5_confirm_rsp_dec(struct aid *deleted, unsigned max, const uint8_t *data, size_t len);

/* Server: what a script of ES5 commands came to, from bare response TLVs: the status word that decides, data of it. */
int es5_rsp(struct apdu_rsp *a, const uint8_t *tlvs, size_t len);
/* SGP.02's meaning of a status word, in words; never NULL. */
const char *es5_sw_text(uint16_t sw);
#define ES5_SW_POL1	0x69E1

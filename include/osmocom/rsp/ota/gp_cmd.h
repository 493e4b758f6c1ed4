/* GlobalPlatform commands that ES5, ES6 and ES8 are made of (GP CS 2.3 clause 11). Encoders append TLV 22 { C-APDU } to a
 * script; with `script` meaning struct bytes of bare command TLVs. Decoders take one C-APDU.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/ota/apdu.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/util/ids.h>

enum gp_ins {
	GP_INS_DELETE = 0xE4, GP_INS_INSTALL = 0xE6, GP_INS_STORE_DATA = 0xE2, GP_INS_GET_STATUS = 0xF2,
	GP_INS_GET_DATA = 0xCA, GP_INS_PUT_KEY = 0xD8, GP_INS_INIT_UPDATE = 0x50, GP_INS_EXT_AUTH = 0x82,
	GP_INS_SELECT = 0xA4,
};

/* STORE DATA of DGI data: as many blocks as needed, P2 from first_block. response: data is expected to come back (P1 b1,
 * Le); more: the last block keeps P1 b8 = 0 (key establishment step 1). Returns blocks written or negative. */
int gp_store_data_enc(struct bytes *script, const uint8_t *data, size_t len, bool response, bool more, uint8_t first_block);

struct gp_store_data {
	bool last;			/* P1 b8 */
	bool response;			/* P1 b1 */
	bool dgi;			/* P1 b5 b4 = 01; else 10 BER-TLV */
	uint8_t block;			/* P2 */
	const uint8_t *data;
	size_t len;
};
/* 0x9000, or the status word to answer. */
uint16_t gp_store_data_dec(struct gp_store_data *s, const struct apdu_cmd *c);

/* INSTALL, all shapes used: fields as LV, in order. */
struct gp_install {
	uint8_t p1;			/* 0C install and make selectable, 20 personalization, 04, 08, 02, .. */
	struct aid load_file, module, app;	/* len 0: empty field */
	uint8_t privileges[3];
	size_t privileges_len;
	const uint8_t *params;		/* install parameters (C9 .., EF ..) */
	size_t params_len;
	const uint8_t *token;
	size_t token_len;
};
int gp_install_enc(struct bytes *script, const struct gp_install *i);
uint16_t gp_install_dec(struct gp_install *i, const struct apdu_cmd *c);

/* GET STATUS: P1 40, criterion 4F (len 0: all), tag list 5C (len 0: none). next: P2 b1, the following block. */
int gp_get_status_enc(struct bytes *script, const struct aid *aid, const uint8_t *tags, size_t tags_len, bool next);
int gp_get_data_enc(struct bytes *script, uint16_t tag, const uint8_t *tag_list, size_t len);
int gp_delete_enc(struct bytes *script, uint8_t p2, const uint8_t *data, size_t len);

/* PUT KEY of one AES key (token key 70/01): plain command, to be wrapped by scp03_wrap(). dek: static Key-DEK. */
int gp_put_key_enc(struct bytes *apdu, uint8_t kvn, uint8_t kid, const struct key *k, const struct key *dek);
/* 0x9000 with *k (the caller's), *kvn new version, *kid; 6A80, 9484 unknown algorithm, 9485 wrong KCV. */
uint16_t gp_put_key_dec(struct key **k, void *ctx, uint8_t *kvn, uint8_t *kid, const struct key *dek,
			const struct apdu_cmd *c);
/* What GP says of a status word, in words; never NULL. */
const char *gp_sw_text(uint16_t sw);

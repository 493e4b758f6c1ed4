/* Master Delete (SGP.02 4.1.1.6): the SM-DP loaded a key into the ISD-P (es8_session.c), and makes the token that its
 * deletion against POL1 takes.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/ota/es5_cmd.h>
#include <osmocom/rsp/util/misc.h>

#include "es8_session.h"
#include "stock_priv.h"

#define TOKEN_ID	0x01
#define AID_LEN		16
#define KEY_LEN		16

int stock_token_set(struct stock *s, const char *iccid, const struct aid *isdp, const struct key *k)
{
	uint8_t plain[AID_LEN + KEY_LEN];
	struct bytes *sealed;
	int rc;

	if (!k)
		return smdp_db_stock_token_set(s->db, iccid, NULL);
	if (isdp->len != AID_LEN || key_export(k, plain + AID_LEN, KEY_LEN) != KEY_LEN)
		return -EINVAL;
	memcpy(plain, isdp->b, AID_LEN);
	sealed = stock_seal(s, s, "token", iccid, plain, sizeof(plain));
	rc = sealed ? smdp_db_stock_token_set(s->db, iccid, sealed) : -EIO;
	secret_wipe(plain, sizeof(plain));
	talloc_free(sealed);
	return rc;
}

int stock_master_delete(struct stock *s, const char *iccid, const struct es8_identity *id, struct bytes *apdu)
{
	struct es5_master_delete m = { .token_id = { TOKEN_ID }, .token_id_len = 1, .sin_len = id->sin_len,
				       .sdin_len = id->sdin_len, .provider_len = id->provider_len };
	void *ctx = talloc_new(s);
	struct bytes *b = smdp_db_stock_token_get(s->db, ctx, iccid), *script = bytes_new(ctx, 300);
	struct aid isdp;
	struct key *k;
	struct tlv t;
	struct rd r;
	int rc = -ENOENT;

	if (!b)
		goto out;
	rc = -EIO;
	b = stock_unseal(s, ctx, "token", iccid, b);
	if (!b || b->len != AID_LEN + KEY_LEN || aid_from_bytes(&isdp, b->data, AID_LEN) < 0)
		goto out;
	k = key_new(ctx, KEY_TYPE_AES, b->data + AID_LEN, KEY_LEN);
	memcpy(m.sin, id->sin, sizeof(m.sin));
	memcpy(m.sdin, id->sdin, sizeof(m.sdin));
	memcpy(m.provider, id->provider, sizeof(m.provider));
	if (!k || es5_master_delete_enc(script, &isdp, &m, k) < 0)
		goto out;
	rd_init(&r, script->data, script->len);
	rc = tlv_next(&r, &t) == 1 ? bytes_put(apdu, t.v, t.len) : -EIO;	/* what is within the script's 22 */
out:
	talloc_free(ctx);
	return rc;
}

/* ISD-P: key establishment, SCP03 commands, profile download by SCP03t into the package interpreter.
 * SGP.02 4.1.3; card-side digest 5 to 8.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp03t.h>

#include "card_db.h"
#include "card_dialect.h"
#include "card_int.h"
#include "ecasd.h"
#include "install.h"
#include "isd_p.h"

#define PACKAGE_MAX (4U << 20)
#define STORE_MAX 4096
#define TOKEN_KVN 0x70

void isd_p_session_drop(struct isd_p *p)
{
	TALLOC_FREE(p->scp03);
	TALLOC_FREE(p->install);
	TALLOC_FREE(p->package);
	TALLOC_FREE(p->store);
	p->store_p2 = 0;
	p->scp03t = false;
}

/* --- key establishment --- */

static void keyset_take(struct isd_p *p, const struct es8_crt *crt, struct es8_keyset *ks)
{
	isd_p_session_drop(p);
	talloc_free(p->enc);
	talloc_free(p->mac);
	talloc_free(p->dek);
	p->enc = ks->k[0];
	p->mac = ks->k[1];
	p->dek = ks->k[2];
	p->kvn = crt->kvn;
	p->scp03_cntr = 0;
	if (p->state == ES5_STATE_SELECTABLE)
		p->state = ES5_STATE_PERSONALIZED;
	card_db_isdp_save(p);
}

static uint16_t establish_keys(struct isd_p *p, const struct es5_cmd *cmd, struct bytes *resp)
{
	const struct ecasd_target t = {.role = 1, .sin = p->sin, .sdin = p->sdin, .kvn_first = 0x30, .kvn_last = 0x3F};
	struct es8_keyset ks = { };
	struct es8_crt crt;
	size_t start = resp->len;
	uint16_t sw = ecasd_step2(p->card, &t, cmd->body, cmd->body_len, p, &crt, &ks, resp);
	unsigned i;

	/* SCP03 needs three AES keys from one version */
	if (sw == SW_OK && (ks.n != 3 || crt.key_type != KEY_TYPE_AES))
		sw = SW_DATA;
	if (sw == SW_OK) {
		keyset_take(p, &crt, &ks);
		p->card->perso.len = 0;
		return sw;
	}
	resp->len = start;
	for (i = 0; i < ks.n; i++)
		talloc_free(ks.k[i]);
	return sw;
}

/* --- STORE DATA --- */

/* Replaces only the bearers named (SGP.02 4.1.3.4). */
static uint16_t update_connectivity(struct isd_p *p, const uint8_t *body, size_t len)
{
	struct bytes *conn = bytes_new(p, 1024);
	struct tlv t, dup;
	struct rd r;
	int rc;

	rd_init(&r, body, len);
	while ((rc = tlv_next(&r, &t)) == 1)
		if (t.tag != 0xA0 && t.tag != 0xA1 && t.tag != 0xA2)
			rc = -EINVAL;
		else
			bytes_put(conn, t.raw, t.raw_len);
	if (rc < 0 || !conn->len) {
		talloc_free(conn);
		return SW_DATA;
	}
	rd_init(&r, p->conn ? p->conn->data : NULL, p->conn ? p->conn->len : 0);
	while (tlv_next(&r, &t) == 1)
		if (tlv_find(body, len, t.tag, &dup) < 0)
			bytes_put(conn, t.raw, t.raw_len);
	if (conn->err) {
		talloc_free(conn);
		return SW_NO_ROOM;
	}
	talloc_free(p->conn);
	p->conn = conn;
	card_db_isdp_save(p);
	return SW_OK;
}

/* DGI 0070: SIN, SDIN, application provider, as Master Delete will have to name them. */
static uint16_t sd_data(struct isd_p *p, const uint8_t *body, size_t len)
{
	struct tlv t;
	struct rd r;
	int rc;

	rd_init(&r, body, len);
	while ((rc = tlv_next(&r, &t)) == 1) {
		struct bytes **to = t.tag == 0x42     ? &p->sin
				    : t.tag == 0x45   ? &p->sdin
				    : t.tag == 0x5F20 ? &p->provider
						      : NULL;

		if (!to)
			continue;
		if (!t.len || t.len > 16)
			return SW_DATA;
		talloc_free(*to);
		*to = bytes_dup(p, t.v, t.len);
	}
	if (rc < 0)
		return SW_DATA;
	card_db_isdp_save(p);
	return SW_OK;
}

uint16_t isd_p_store(struct isd_p *p, const struct es5_cmd *cmd, bool secured, struct bytes *resp)
{
	switch (cmd->fn) {
	case ES5_STORE_CERT:
	case ES5_STORE_KEYS:
		if (p->state != ES5_STATE_SELECTABLE && p->state != ES5_STATE_PERSONALIZED)
			return SW_CONDITIONS;
		if (cmd->fn == ES5_STORE_CERT)
			return ecasd_step1(p->card, 1, cmd->body, cmd->body_len, resp);
		return establish_keys(p, cmd, resp);
	case ES5_UPDATE_CONN:
		return secured ? update_connectivity(p, cmd->body, cmd->body_len) : SW_SECURITY;
	case ES5_STORE_SD_DATA:
		return secured ? sd_data(p, cmd->body, cmd->body_len) : SW_SECURITY;
	default:
		return SW_DATA;
	}
}

static uint16_t store_data(struct isd_p *p, const struct apdu_cmd *a, bool secured, struct bytes *resp)
{
	struct gp_store_data s;
	struct es5_cmd cmd;
	uint16_t sw = gp_store_data_dec(&s, a);

	if (sw != SW_OK)
		return sw;
	if (!p->store)
		p->store = bytes_new(p, STORE_MAX);
	if (s.block != 0 && s.block != p->store_p2)
		return SW_P1P2;
	if (s.block == 0)
		bytes_clear(p->store);
	p->store_p2 = s.block + 1;
	if (bytes_put(p->store, s.data, s.len) < 0)
		return SW_NO_ROOM;
	sw = es5_dgi_dec(&cmd, p->store->data, p->store->len);
	/* step 1 of key establishment is answered though more blocks follow (P1 09) */
	if (!s.last && !(sw == SW_OK && cmd.fn == ES5_STORE_CERT))
		return SW_OK;
	if (sw == SW_OK)
		sw = isd_p_store(p, &cmd, secured, resp);
	if (p->store)
		bytes_clear(p->store);
	return sw;
}

/* --- SCP03 --- */

static uint16_t session_start(struct isd_p *p, uint8_t kvn, const uint8_t hc[8], struct scp03_init *i)
{
	isd_p_session_drop(p);
	if (!p->kvn || !p->enc || (kvn && kvn != p->kvn))
		return SW_NOT_FOUND;
	memset(i, 0, sizeof(*i));
	/* counted even when authentication fails later (digest 6.1); on disk before the answer leaves */
	p->scp03_cntr++;
	card_db_isdp_save(p);
	i->kvn = p->kvn;
	i->seq = p->scp03_cntr;
	if (scp03_card_challenge(i->card_challenge, p->enc, i->seq, &p->aid) < 0)
		return SW_MEMORY;
	p->scp03 = scp03_new(p, p->enc, p->mac, hc, i->card_challenge);
	if (!p->scp03)
		return SW_MEMORY;
	scp03_card_cryptogram(p->scp03, i->card_cryptogram);
	return SW_OK;
}

static uint16_t init_update(struct isd_p *p, const struct apdu_cmd *a, struct bytes *resp)
{
	uint8_t kvn, hc[8], out[SCP03_INIT_LEN];
	struct scp03_init i;
	uint16_t sw;

	if (scp03_init_update_dec(&kvn, hc, a) < 0)
		return SW_DATA;
	sw = session_start(p, kvn, hc, &i);
	if (sw != SW_OK)
		return sw;
	scp03_init_enc(out, &i);
	bytes_put(resp, out, sizeof(out));
	return SW_OK;
}

static uint16_t ext_auth(struct isd_p *p, const struct apdu_cmd *a)
{
	int rc;

	if (!p->scp03 || p->scp03t)
		return SW_CONDITIONS;
	rc = scp03_ext_auth_dec(p->scp03, a);
	if (rc == 0)
		return SW_OK;
	isd_p_session_drop(p);
	return rc == -EACCES ? SW_CRYPTOGRAM : rc == -EBADMSG ? SW_SECURITY : SW_DATA;
}

static uint16_t put_key(struct isd_p *p, const struct apdu_cmd *a, struct bytes *resp)
{
	struct key *k = NULL;
	uint8_t kvn, kid, kcv[3];
	uint16_t sw = gp_put_key_dec(&k, p, &kvn, &kid, p->dek, a);

	if (sw != SW_OK)
		return sw;
	if (kvn != TOKEN_KVN || kid != 1) {
		talloc_free(k);
		return SW_DATA;
	}
	talloc_free(p->token);
	p->token = k;
	p->token_id = kid;
	card_db_isdp_save(p);
	key_kcv(kcv, k);
	bytes_put_u8(resp, kvn);
	bytes_put(resp, kcv, sizeof(kcv));
	return SW_OK;
}

static uint16_t secured(struct isd_p *p, const struct apdu_cmd *a, struct bytes *resp)
{
	switch (a->ins) {
	case GP_INS_STORE_DATA:
		return store_data(p, a, true, resp);
	case GP_INS_PUT_KEY:
		return put_key(p, a, resp);
	default:
		return SW_INS;
	}
}

static void scp03_command(struct isd_p *p, const struct apdu_cmd *a, struct bytes *resp)
{
	struct bytes *plain, *data;
	struct apdu_cmd inner;
	uint16_t sw;

	if (!p->scp03 || p->scp03t || !scp03_authenticated(p->scp03)) {
		card_sw(resp, SW_CONDITIONS);
		return;
	}
	plain = bytes_new(p, 512);
	bytes_secret(plain);
	data = bytes_new(p, 512);
	if (scp03_unwrap(p->scp03, plain, &inner, a) < 0) {
		isd_p_session_drop(p);
		card_sw(resp, SW_SECURITY);
	} else {
		sw = secured(p, &inner, data);
		/* a key establishment may have ended the session it came in */
		if (!p->scp03 || scp03_rsp_wrap(p->scp03, resp, data->data, sw == SW_OK ? data->len : 0, sw) < 0)
			card_sw(resp, sw);
	}
	talloc_free(plain);
	talloc_free(data);
}

void isd_p_apdu(struct isd_p *p, const uint8_t *apdu, size_t len, struct bytes *resp)
{
	size_t start = resp->len;
	struct apdu_cmd a;
	uint16_t sw;

	if (apdu_dec(&a, apdu, len) < 0) {
		sw = SW_LENGTH;
	} else if (a.ins == GP_INS_INIT_UPDATE) {
		sw = init_update(p, &a, resp);
	} else if (a.ins == GP_INS_EXT_AUTH) {
		sw = ext_auth(p, &a);
	} else if (a.cla & 0x04) {
		scp03_command(p, &a, resp);
		return;
	} else if (a.ins == GP_INS_STORE_DATA) {
		sw = store_data(p, &a, false, resp);
	} else {
		sw = SW_INS;
	}
	if (sw != SW_OK)
		resp->len = start;
	card_sw(resp, sw);
}

/* --- SCP03t --- */

static int t_error(struct isd_p *p, const struct tlv *t, uint8_t value, struct bytes *out)
{
	LOGCARD(p->card, LOGL_NOTICE, "SCP03t %02X refused: %s\n", t->tag, scp03t_err_text(t->tag, value));
	isd_p_session_drop(p);
	scp03t_err_enc(out, t->tag, value);
	return -EPROTO;
}

static int t_init(struct isd_p *p, const struct tlv *t, struct bytes *out)
{
	struct scp03_init i;
	uint8_t kvn, hc[8];

	if (scp03t_init_dec(&kvn, hc, t) < 0)
		return t_error(p, t, SCP03T_ERR_STRUCTURE, out);
	if (session_start(p, kvn, hc, &i) != SW_OK)
		return t_error(p, t, SCP03T_ERR_NO_KEY, out);
	p->scp03t = true;
	return scp03t_init_rsp_enc(out, &i);
}

static int t_auth(struct isd_p *p, const struct tlv *t, struct bytes *out)
{
	int rc;

	if (!p->scp03 || !p->scp03t)
		return t_error(p, t, SCP03T_ERR_SECURITY, out);
	rc = scp03t_auth_dec(p->scp03, t);
	if (rc < 0)
		return t_error(p, t, rc == -EBADMSG ? SCP03T_ERR_SECURITY : SCP03T_ERR_STRUCTURE, out);
	return scp03t_empty_rsp_enc(out, t->tag);
}

static size_t room(const struct isd_p *p)
{
	return p->granted ? p->granted : card_memory_free(p->card) + p->used;
}

/* SGP.02 4.1.3.3: the whole package is there: PERSONALIZED -> DISABLED. */
static void installed(struct isd_p *p)
{
	struct usim_fs *fs = install_take(p->install, p);

	card_profile_drop(p);
	osmo_strlcpy(p->iccid, fs->iccid, sizeof(p->iccid));
	p->pol1 = fs->has_pol ? fs->pol1 : 0;
	if (fs->connectivity) {
		talloc_free(p->conn);
		p->conn = bytes_dup(p, fs->connectivity->data, fs->connectivity->len);
	}
	p->used = fs->used ? fs->used : p->package->len;
	p->sqn = 0;
	p->state = ES5_STATE_DISABLED;
	card_db_isdp_save(p);
	card_db_package_save(p, p->package, false);
	talloc_free(fs);
	LOGCARD(p->card, LOGL_INFO, "profile %s installed, %zu octets\n", p->iccid, p->package->len);
}

/* The interpreter has come to an end, good or bad: its EUICCResponse goes back under R-ENC and R-MAC. */
static int t_result(struct isd_p *p, bool ok, struct bytes *out)
{
	struct bytes *r = bytes_new(p, 2048);
	int rc = install_response(p->install, r);

	if (ok)
		installed(p);
	else
		LOGCARD(p->card, LOGL_NOTICE, "profile installation failed\n");
	if (rc == 0)
		rc = scp03t_data_rsp_enc(p->scp03, out, r->data, r->len);
	talloc_free(r);
	TALLOC_FREE(p->install);
	TALLOC_FREE(p->package);
	if (!ok)
		isd_p_session_drop(p);
	return rc;
}

static int t_plain(struct isd_p *p, const struct tlv *t, struct bytes *plain)
{
	struct tlv copy = *t;
	uint8_t *damaged;
	int rc;

	if (!fault(p->card->faults, FAULT_TAMPER) || t->len < 9)
		return scp03t_data_dec(p->scp03, plain, t);
	fault_struck(p->card->faults, FAULT_TAMPER);
	damaged = talloc_memdup(p, t->v, t->len);
	damaged[0] ^= 0x80;
	copy.v = damaged;
	rc = scp03t_data_dec(p->scp03, plain, &copy);
	talloc_free(damaged);
	return rc;
}

static int t_data(struct isd_p *p, const struct tlv *t, struct bytes *out)
{
	struct bytes *plain;
	int rc;

	if (!p->scp03 || !p->scp03t || !scp03_authenticated(p->scp03))
		return t_error(p, t, SCP03T_ERR_SECURITY, out);
	if (p->state != ES5_STATE_PERSONALIZED)
		return t_error(p, t, SCP03T_ERR_STRUCTURE, out);
	if (!p->package) {
		p->package = bytes_new(p, PACKAGE_MAX);
		bytes_secret(p->package);
		p->install = install_new(p, room(p));
	}
	plain = bytes_new(p, 0x10000);
	bytes_secret(plain);
	rc = t_plain(p, t, plain);
	if (rc < 0) {
		talloc_free(plain);
		return t_error(p, t, rc == -EBADMSG ? SCP03T_ERR_SECURITY : SCP03T_ERR_STRUCTURE, out);
	}
	rc = bytes_put_bytes(p->package, plain);
	if (rc == 0)
		rc = install_feed(p->install, plain->data, plain->len);
	talloc_free(plain);
	if (rc == 0 && card_dialect_empty_mac(p->card))
		return scp03t_mac_rsp_enc(p->scp03, out);
	return rc == 0 ? scp03t_empty_rsp_enc(out, t->tag) : t_result(p, rc == 1, out);
}

static int t_keys(struct isd_p *p, const struct tlv *t, struct bytes *out)
{
	int rc;

	/* once, right after 85 (digest 7.3) */
	if (!p->scp03 || !p->scp03t || !scp03_authenticated(p->scp03) || p->package)
		return t_error(p, t, SCP03T_ERR_SECURITY, out);
	rc = scp03t_keys_dec(p->scp03, t);
	if (rc < 0)
		return t_error(p, t, rc == -EBADMSG ? SCP03T_ERR_SECURITY : SCP03T_ERR_STRUCTURE, out);
	return scp03t_empty_rsp_enc(out, t->tag);
}

int isd_p_scp03t(struct isd_p *p, const struct tlv *t, struct bytes *out)
{
	switch (t->tag) {
	case SCP03T_TAG_INIT:
		return t_init(p, t, out);
	case SCP03T_TAG_AUTH:
		return t_auth(p, t, out);
	case SCP03T_TAG_DATA:
		return t_data(p, t, out);
	case SCP03T_TAG_KEYS:
		return t_keys(p, t, out);
	default:
		return t_error(p, t, SCP03T_ERR_STRUCTURE, out);
	}
}

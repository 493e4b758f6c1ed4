/* ES8 by way of ES3.SendData: key establishment (SGP.02 4.1.3.1) and SCP03t (4.1.3.3) as seen by the SM-DP.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/es8_cmd.h>
#include <osmocom/rsp/ota/gp_cmd.h>
#include <osmocom/rsp/ota/scp03t.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/util/misc.h>

#include "es8_session.h"

#define ES8_SESSION_SEQ		1	/* SCP03 counter of the first session under new keys (card-side.md 6.1) */
#define ES8_SESSION_SEG_MAX	65503	/* plain octets: a receiver takes 64 kB, MAC included (card-side.md 7.1) */
#define ES8_SESSION_SCRIPT_MAX	64	/* segments in one script */
#define ES8_SESSION_TOKEN_KVN	0x70	/* key 70/01 of the ISD-P (card-side.md 6.6) */
#define ES8_SESSION_PERSO_CMDS	4	/* wrapped commands at most: PUT KEY, three STORE DATA */
#define ES8_SESSION_PPK		16	/* octets of a profile protection key */
#define ES8_SESSION_RESULT_MAX	2048	/* octets of EUICCResponse we take */

struct es8_session {
	struct es8_session_cfg cfg;
	struct ec_key *eph;
	uint8_t rc[ES8_RC_MAX];
	size_t rc_len;
	int next_block;
	struct es8_crt crt;
	struct es8_keyset keys;
	uint8_t host_challenge[8], card_challenge[8];

	struct bytes *upp;
	size_t offset;			/* octets of it in scripts made so far */
	unsigned sent;
	struct scp03 *scp;
	bool started;			/* 84 and 85 are answered */
	bool opening;			/* the script under way holds them, and 87 where keys are replaced */
	unsigned n_notes;		/* segments in the script under way */
	struct scp03t_note note[ES8_SESSION_SCRIPT_MAX];
	struct key *token;		/* with an identity */
	bool perso_sent, perso_done;
	struct bytes *euicc_rsp;
	char result[ES8_SESSION_ERR_SIZE];
};

struct es8_session *es8_session_new(void *ctx, const struct es8_session_cfg *cfg)
{
	struct es8_session *s = talloc_zero(ctx, struct es8_session);

	if (!s)
		return NULL;
	s->cfg = *cfg;
	if (!s->cfg.segment_size || s->cfg.segment_size > ES8_SESSION_SEG_MAX)
		s->cfg.segment_size = SCP03T_SEG_MAX;
	if (!s->cfg.segments_per_script || s->cfg.segments_per_script > ES8_SESSION_SCRIPT_MAX)
		s->cfg.segments_per_script = 8;
	if (cfg->host_challenge)
		memcpy(s->host_challenge, cfg->host_challenge, sizeof(s->host_challenge));
	else
		rand_bytes(s->host_challenge, sizeof(s->host_challenge));
	s->cfg.host_challenge = NULL;
	s->euicc_rsp = bytes_new(s, ES8_SESSION_RESULT_MAX);
	es8_crt_default(&s->crt, ES8_SESSION_KVN, cfg->param);
	return s;
}

/* The response TLVs, whether the SM-SR left the AB or AF around them or not (off-card.md 2: "raw response"). */
static int es8_session_tlvs(const uint8_t **tlvs, size_t *n, const uint8_t *resp, size_t len,
			    char err[ES8_SESSION_ERR_SIZE])
{
	struct script_rsp r;

	*tlvs = resp;
	*n = len;
	if (len && (resp[0] == 0xAB || resp[0] == 0xAF)) {
		if (script_rsp_dec(&r, resp, len) < 0) {
			snprintf(err, ES8_SESSION_ERR_SIZE, "the card's response cannot be read");
			return -EPROTO;
		}
		*tlvs = r.tlvs;
		*n = r.len;
	}
	if (!*n) {
		snprintf(err, ES8_SESSION_ERR_SIZE, "the card's response is empty");
		return -ENODATA;
	}
	return 0;
}

/* Data of the last R-APDU when every command was carried out; to: what it answers, for a person. */
static int es8_session_rapdu(struct apdu_rsp *a, const uint8_t *resp, size_t len, const char *to,
			     char err[ES8_SESSION_ERR_SIZE])
{
	const uint8_t *tlvs;
	size_t n;

	if (es8_session_tlvs(&tlvs, &n, resp, len, err) < 0)
		return -EPROTO;
	if (script_rapdu_decisive(a, tlvs, n) < 0) {
		snprintf(err, ES8_SESSION_ERR_SIZE, "no R-APDU in the card's response");
		return -EPROTO;
	}
	if (!apdu_sw_ok(a->sw)) {
		snprintf(err, ES8_SESSION_ERR_SIZE, "the card refused %s: %04X %s", to, a->sw,
			 gp_sw_text(a->sw));
		return -EREMOTEIO;
	}
	return 0;
}

/* Key establishment ---------------------------------------------------------------------------------------------- */

int es8_session_cert_script(struct es8_session *s, struct bytes *script)
{
	int rc = es8_install_perso_enc(script, &s->cfg.isdp);

	if (rc < 0)
		return rc;
	s->next_block = es8_cert_enc(script, s->cfg.dp_cert->data, s->cfg.dp_cert->len);
	return s->next_block < 0 ? s->next_block : script->err;
}

int es8_session_cert_answer(struct es8_session *s, const uint8_t *resp, size_t len, char err[ES8_SESSION_ERR_SIZE])
{
	struct apdu_rsp a;
	int rc = es8_session_rapdu(&a, resp, len, "the SM-DP's certificate", err);

	if (rc < 0)
		return rc;
	rc = es8_cert_rsp_dec(s->rc, &s->rc_len, a.data, a.len);
	if (rc < 0)
		snprintf(err, ES8_SESSION_ERR_SIZE, "no random challenge in the card's answer to the certificate");
	return rc;
}

int es8_session_keys_script(struct es8_session *s, struct bytes *script)
{
	const struct ec_key *eph = s->cfg.eph;
	int rc;

	if (!eph)
		eph = s->eph = ec_generate(s);
	if (!eph)
		return -ENOMEM;
	rc = es8_keys_enc(script, &s->crt, eph, s->cfg.point_tlv, s->cfg.dp_key, s->rc, s->rc_len, s->next_block);
	return rc < 0 ? rc : script->err;
}

static int es8_session_derive(struct es8_session *s, const uint8_t *dr, size_t dr_len)
{
	struct bytes *a6 = bytes_new(s, 256);
	uint8_t z[32];
	int rc = es8_crt_enc(a6, &s->crt);

	if (rc >= 0)
		rc = ec_ecka(s->cfg.eph ? : s->eph, s->cfg.ecasd_q, z);
	if (rc >= 0)
		rc = es8_derive(&s->keys, s, &s->crt, a6->data, a6->len, z, dr, dr_len);
	secret_wipe(z, sizeof(z));
	TALLOC_FREE(s->eph);	/* has done its work: forward secrecy */
	talloc_free(a6);
	return rc < 0 ? rc : s->keys.n == 3 ? 0 : -EINVAL;
}

int es8_session_keys_answer(struct es8_session *s, const uint8_t *resp, size_t len, char err[ES8_SESSION_ERR_SIZE])
{
	uint8_t dr[ES8_DR_MAX], receipt[16];
	struct apdu_rsp a;
	size_t dr_len;
	int rc = es8_session_rapdu(&a, resp, len, "the signed key of the SM-DP", err);

	if (rc < 0)
		return rc;
	rc = es8_keys_rsp_dec(dr, &dr_len, receipt, a.data, a.len);
	if (rc < 0 || (dr_len > 0) != !!(s->cfg.param & ES8_PARAM_DR)) {
		snprintf(err, ES8_SESSION_ERR_SIZE, "no receipt, or not the derivation random that was asked for");
		return -EPROTO;
	}
	rc = es8_session_derive(s, dr, dr_len);
	if (rc < 0) {
		snprintf(err, ES8_SESSION_ERR_SIZE, "key derivation failed (the card's public key?)");
		return rc;
	}
	if (!secret_eq(receipt, s->keys.receipt, sizeof(receipt))) {
		snprintf(err, ES8_SESSION_ERR_SIZE, "the card's receipt is wrong: it does not hold the same keys");
		return -EBADMSG;
	}
	return 0;
}

bool es8_session_kcv(const struct es8_session *s, uint8_t kcv[3][3])
{
	for (unsigned i = 0; i < 3 && s->keys.n == 3; i++)
		key_kcv(kcv[i], s->keys.k[i]);
	return s->keys.n == 3;
}

/* The profile ---------------------------------------------------------------------------------------------------- */

/* Session number n under these keys. */
static int es8_session_open(struct es8_session *s, uint32_t n)
{
	TALLOC_FREE(s->scp);
	if (scp03_card_challenge(s->card_challenge, s->keys.k[0], n, &s->cfg.isdp) < 0)
		return -EINVAL;
	s->scp = scp03_new(s, s->keys.k[0], s->keys.k[1], s->host_challenge, s->card_challenge);
	return s->scp ? 0 : -ENOMEM;
}

int es8_session_package(struct es8_session *s, const uint8_t *upp, size_t len)
{
	if (s->keys.n != 3 || !len)
		return -EINVAL;
	s->upp = bytes_dup(s, upp, len);
	bytes_secret(s->upp);
	return s->upp ? es8_session_open(s, ES8_SESSION_SEQ) : -ENOMEM;
}

/* Identification and token key, in a session of their own before the package's: SCP03 on APDUs (card-side.md 6.6) -- */

static int perso_put(struct bytes *script, const struct bytes *apdu)
{
	int rc = apdu->err ? apdu->err : script_put_capdu(script, apdu->data, apdu->len);

	return rc < 0 ? rc : 0;
}

/* Protects this command and takes the note that its answer is read with. */
static int perso_wrap(struct es8_session *s, struct bytes *script, struct bytes *plain)
{
	struct bytes *out = bytes_new(s, 300);
	struct apdu_cmd c;
	int rc = plain->err || s->n_notes >= ES8_SESSION_PERSO_CMDS ? -EINVAL : apdu_dec(&c, plain->data, plain->len);

	if (rc == 0)
		rc = scp03_wrap(s->scp, out, &c);
	if (rc >= 0)
		rc = perso_put(script, out);
	scp03t_note_take(s->scp, &s->note[s->n_notes++]);
	bytes_clear(plain);
	talloc_free(out);
	return rc;
}

/* DGI 0070 with one of the three. */
static int perso_identity(struct es8_session *s, struct bytes *script, struct bytes *plain, uint32_t tag,
			  const uint8_t *v, size_t len)
{
	uint8_t body[20];
	struct apdu_cmd c = { .cla = 0x80, .ins = GP_INS_STORE_DATA, .p1 = 0x88, .has_le = true };
	struct bytes *tlv, *dgi;
	int rc;

	if (!len)
		return 0;
	tlv = bytes_new(s, sizeof(body));
	dgi = bytes_new(s, 64);
	tlv_put(tlv, tag, v, len);
	rc = dgi_put(dgi, 0x0070, tlv->data, tlv->len);
	c.data = dgi->data;
	c.lc = dgi->len;
	if (rc >= 0)
		rc = apdu_put(plain, &c);
	if (rc >= 0)
		rc = perso_wrap(s, script, plain);
	talloc_free(tlv);
	talloc_free(dgi);
	return rc;
}

static int es8_session_perso_script(struct es8_session *s, struct bytes *script)
{
	const struct es8_identity *id = s->cfg.identity;
	struct bytes *apdu = bytes_new(s, 300);
	int rc;

	s->token = key_random(s, KEY_TYPE_AES, 16);
	s->n_notes = 0;
	rc = scp03_init_update_enc(apdu, ES8_SESSION_KVN, s->host_challenge);
	if (rc >= 0)
		rc = perso_put(script, apdu);
	bytes_clear(apdu);
	if (rc >= 0)
		rc = scp03_ext_auth_enc(s->scp, apdu);
	if (rc >= 0)
		rc = perso_put(script, apdu);
	bytes_clear(apdu);
	if (rc >= 0)
		rc = gp_put_key_enc(apdu, ES8_SESSION_TOKEN_KVN, 1, s->token, s->keys.k[2]);
	if (rc >= 0)
		rc = perso_wrap(s, script, apdu);
	if (rc >= 0)
		rc = perso_identity(s, script, apdu, 0x42, id->sin, id->sin_len);
	if (rc >= 0)
		rc = perso_identity(s, script, apdu, 0x45, id->sdin, id->sdin_len);
	if (rc >= 0)
		rc = perso_identity(s, script, apdu, 0x5F20, id->provider, id->provider_len);
	s->perso_sent = true;
	talloc_free(apdu);
	return rc;
}

static int perso_opened(struct es8_session *s, struct rd *r, char err[ES8_SESSION_ERR_SIZE])
{
	struct apdu_rsp a;
	struct scp03_init init;
	uint8_t cryptogram[8];

	scp03_card_cryptogram(s->scp, cryptogram);
	if (script_rapdu_next(r, &a) == 1 && apdu_sw_ok(a.sw) && scp03_init_dec(&init, a.data, a.len) == 0 &&
	    secret_eq(init.card_challenge, s->card_challenge, 8) && secret_eq(init.card_cryptogram, cryptogram, 8) &&
	    script_rapdu_next(r, &a) == 1 && apdu_sw_ok(a.sw))
		return 0;
	snprintf(err, ES8_SESSION_ERR_SIZE, "no SCP03 session for the token key: not the keys just made, or refused");
	return -EREMOTEIO;
}

static int es8_session_perso_answer(struct es8_session *s, const uint8_t *tlvs, size_t n,
				    char err[ES8_SESSION_ERR_SIZE])
{
	struct bytes *raw = bytes_new(s, 300), *out = bytes_new(s, 300);
	struct apdu_rsp a;
	struct rd r;
	uint16_t sw = 0;
	int rc;

	rd_init(&r, tlvs, n);
	rc = perso_opened(s, &r, err);
	for (unsigned i = 0; rc >= 0 && i < s->n_notes; i++) {
		bytes_clear(raw);
		bytes_clear(out);
		rc = script_rapdu_next(&r, &a) == 1 ? 0 : -EPROTO;
		if (rc == 0) {
			bytes_put(raw, a.data, a.len);
			bytes_put_u16(raw, a.sw);
			scp03t_note_use(s->scp, &s->note[i]);
			rc = scp03_rsp_unwrap(s->scp, out, &sw, raw->data, raw->len);
		}
		if (rc >= 0 && !apdu_sw_ok(sw))
			rc = -EREMOTEIO;
		if (rc < 0)
			snprintf(err, ES8_SESSION_ERR_SIZE, "the card refused %s: %04X %s",
				 i ? "its identification (0070)" : "the token key", sw, gp_sw_text(sw));
	}
	talloc_free(raw);
	talloc_free(out);
	if (rc < 0)
		return rc;
	s->perso_done = true;
	rand_bytes(s->host_challenge, sizeof(s->host_challenge));
	return es8_session_open(s, ES8_SESSION_SEQ + 1);
}

const struct key *es8_session_token_key(const struct es8_session *s)
{
	return s->perso_done ? s->token : NULL;
}

unsigned es8_session_segments(const struct es8_session *s)
{
	return s->upp ? (s->upp->len + s->cfg.segment_size - 1) / s->cfg.segment_size : 0;
}

unsigned es8_session_sent(const struct es8_session *s)
{
	return s->sent;
}

bool es8_session_last(const struct es8_session *s)
{
	return s->upp && s->offset == s->upp->len;
}

/* Random keys and chaining value for this package, told to the card under the session keys: tag 87, once, between 85
 * and the first 86 (card-side.md 7.3). */
static int es8_session_protect(struct es8_session *s, struct bytes *script)
{
	struct key *k[3];
	uint8_t mcv[16];
	int rc;

	for (unsigned i = 0; i < ARRAY_SIZE(k); i++)
		k[i] = key_random(s, KEY_TYPE_AES, ES8_SESSION_PPK);
	rand_bytes(mcv, sizeof(mcv));
	rc = scp03t_keys_enc(s->scp, script, mcv, k[0], k[1], k[2]);
	for (unsigned i = 0; i < ARRAY_SIZE(k); i++)
		talloc_free(k[i]);
	return rc;
}

int es8_session_data_script(struct es8_session *s, struct bytes *script)
{
	int rc = 0;

	if (s->cfg.identity && !s->perso_done)
		return s->perso_sent ? -EALREADY : es8_session_perso_script(s, script);
	s->opening = !s->started;
	if (s->opening) {
		rc = scp03t_init_enc(script, ES8_SESSION_KVN, s->host_challenge);
		if (rc >= 0)
			rc = scp03t_auth_enc(s->scp, script);
		if (rc >= 0 && s->cfg.random_keys)
			rc = es8_session_protect(s, script);
	}
	for (s->n_notes = 0; rc >= 0 && s->n_notes < s->cfg.segments_per_script && !es8_session_last(s); s->n_notes++) {
		size_t len = s->upp->len - s->offset;

		if (len > s->cfg.segment_size)
			len = s->cfg.segment_size;
		rc = scp03t_data_enc(s->scp, script, s->upp->data + s->offset, len);
		scp03t_note_take(s->scp, &s->note[s->n_notes]);
		s->offset += len;
		s->sent++;
	}
	return rc < 0 ? rc : script->err;
}

/* Next response TLV as the answer to a command with this tag; its data to out. */
static int es8_session_answer(struct es8_session *s, struct rd *r, uint32_t tag, struct bytes *out,
			      char err[ES8_SESSION_ERR_SIZE])
{
	static const struct { uint32_t tag; const char *name; } cmds[] = {
		{ SCP03T_TAG_INIT, "INITIALIZE UPDATE (84)" }, { SCP03T_TAG_AUTH, "EXTERNAL AUTHENTICATE (85)" },
		{ SCP03T_TAG_KEYS, "profile protection keys (87)" },
	};
	const char *name = "profile segment (86)";
	struct tlv t;
	uint8_t code = 0;
	int rc = tlv_next(r, &t);

	for (unsigned i = 0; i < ARRAY_SIZE(cmds); i++)
		if (cmds[i].tag == tag)
			name = cmds[i].name;
	if (rc != 1) {
		snprintf(err, ES8_SESSION_ERR_SIZE, "the card's response ends before the answer to %s", name);
		return -EPROTO;
	}
	rc = scp03t_rsp_dec(s->scp, out, &code, tag, &t);
	if (rc == -EREMOTEIO)
		snprintf(err, ES8_SESSION_ERR_SIZE, "the card refused %s: %s", name, scp03t_err_text(tag, code));
	else if (rc < 0)
		snprintf(err, ES8_SESSION_ERR_SIZE, "unexpected or forged answer to %s (tag %X)", name, t.tag);
	return rc;
}

/* 84 and 85: the challenge must be the one we computed, the cryptogram the one of our keys. */
static int es8_session_opened(struct es8_session *s, struct rd *r, char err[ES8_SESSION_ERR_SIZE])
{
	struct bytes *out = bytes_new(s, 256);
	uint8_t cryptogram[8];
	struct scp03_init init;
	int rc = es8_session_answer(s, r, SCP03T_TAG_INIT, out, err);

	if (rc >= 0) {
		rc = scp03_init_dec(&init, out->data, out->len);
		scp03_card_cryptogram(s->scp, cryptogram);
		if (rc >= 0 && (!secret_eq(init.card_challenge, s->card_challenge, 8) ||
				!secret_eq(init.card_cryptogram, cryptogram, 8)))
			rc = -EBADMSG;
		if (rc < 0)
			snprintf(err, ES8_SESSION_ERR_SIZE,
				 "INITIALIZE UPDATE (84): not the challenge or cryptogram of the keys just made");
	}
	bytes_clear(out);
	if (rc >= 0)
		rc = es8_session_answer(s, r, SCP03T_TAG_AUTH, out, err);
	if (rc >= 0 && s->cfg.random_keys)
		rc = es8_session_answer(s, r, SCP03T_TAG_KEYS, out, err);
	s->started = rc >= 0;
	talloc_free(out);
	return rc;
}

/* What the card says of the installation, in words: "memory-failure in PE 12, aborted". */
static int es8_session_verdict(struct es8_session *s, char err[ES8_SESSION_ERR_SIZE])
{
	struct es8_euicc_rsp r;
	size_t n = 0;

	if (es8_euicc_rsp_dec(&r, s->euicc_rsp->data, s->euicc_rsp->len) < 0) {
		snprintf(err, ES8_SESSION_ERR_SIZE, "the card's EUICCResponse cannot be read");
		return -EPROTO;
	}
	s->result[0] = '\0';
	for (unsigned i = 0; i < r.n && n < sizeof(s->result); i++) {
		n += snprintf(s->result + n, sizeof(s->result) - n, "%s%s", i ? "; " : "",
			      es8_pe_status_text(r.pe[i].status));
		if (r.pe[i].identification >= 0 && n < sizeof(s->result))
			n += snprintf(s->result + n, sizeof(s->result) - n, " in PE %d", r.pe[i].identification);
		if (r.pe[i].info >= 0 && n < sizeof(s->result))
			n += snprintf(s->result + n, sizeof(s->result) - n, " (additional information %d)",
				      r.pe[i].info);
	}
	if (!r.aborted)
		return 0;
	snprintf(err, ES8_SESSION_ERR_SIZE, "installation aborted by the card: %.150s", s->result);
	return -EREMOTEIO;
}

int es8_session_data_answer(struct es8_session *s, const uint8_t *resp, size_t len, char err[ES8_SESSION_ERR_SIZE])
{
	const uint8_t *tlvs;
	struct rd r;
	size_t n;
	int rc = es8_session_tlvs(&tlvs, &n, resp, len, err);

	if (rc < 0)
		return rc;
	if (s->perso_sent && !s->perso_done)
		return es8_session_perso_answer(s, tlvs, n, err);
	rd_init(&r, tlvs, n);
	if (s->opening)
		rc = es8_session_opened(s, &r, err);
	for (unsigned i = 0; rc >= 0 && i < s->n_notes; i++) {
		scp03t_note_use(s->scp, &s->note[i]);
		rc = es8_session_answer(s, &r, SCP03T_TAG_DATA, s->euicc_rsp, err);
		/* an aborted installation: the card answers the rest of the script with errors, the cause counts */
		if (rc >= 0 && s->euicc_rsp->len && es8_session_verdict(s, err) == -EREMOTEIO)
			return -EREMOTEIO;
	}
	if (rc < 0 || !es8_session_last(s))
		return rc < 0 ? rc : 0;
	if (!s->euicc_rsp->len) {
		snprintf(err, ES8_SESSION_ERR_SIZE, "all segments taken, but no EUICCResponse");
		return -EPROTO;
	}
	return es8_session_verdict(s, err);
}

const char *es8_session_result(const struct es8_session *s)
{
	return s->result;
}

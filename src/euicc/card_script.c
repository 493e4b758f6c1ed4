/* Running a remote command script on a security domain: TS 102 226 5.2, SGP.02 Annex K (chaining), 4.1.3.3 (SCP03t TLVs
 * stand in place of C-APDUs).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>

#include <osmocom/core/talloc.h>
#include <osmocom/rsp/ota/es5_cmd.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/ota/script_compact.h>

#include "card_dialect.h"
#include "card_int.h"
#include "card_ota.h"
#include "isd_p.h"
#include "isd_r.h"

#define SCRIPT_RSP_MAX (256U << 10)

/* INSTALL [for personalization] that names the ISD-P which the script is addressed to: SM-DPs put it in front of the
 * key establishment whichever domain they address (card-side 3.9); the ISD-R carries it out. */
static bool installs_itself(const struct isd_p *p, const struct tlv *t)
{
	struct apdu_cmd a;
	struct es5_cmd cmd;

	return apdu_dec(&a, t->v, t->len) == 0 && a.ins == GP_INS_INSTALL && es5_cmd_dec(&cmd, &a) == 0x9000 &&
	       cmd.fn == ES5_INSTALL_PERSO && aid_eq(&cmd.aid, &p->aid);
}

/* 0: next TLV, negative: the script ends here. */
static int run_capdu(struct card *c, struct isd_p *p, const struct tlv *t, struct bytes *out)
{
	struct bytes *r = bytes_new(c, 4096);
	struct apdu_rsp a;
	int rc;

	if (p && !installs_itself(p, t))
		isd_p_apdu(p, t->v, t->len, r);
	else
		isd_r_apdu(c, t->v, t->len, r);
	rc = apdu_rsp_dec(&a, r->data, r->len);
	if (rc == 0)
		rc = script_put_rapdu(out, a.data, a.len, a.sw);
	if (rc == 0 && !apdu_sw_goes_on(a.sw))
		rc = -ECANCELED;
	talloc_free(r);
	return rc;
}

static int run_tlv(struct card *c, struct isd_p *p, struct script_rd *s, const struct tlv *t, struct bytes *out)
{
	if (t->tag == SCRIPT_TAG_CAPDU)
		return run_capdu(c, p, t, out);
	if (!p && c->perso.len)
		p = card_isdp(c, &c->perso);
	if (p && t->tag >= 0x84 && t->tag <= 0x87)
		return isd_p_scp03t(p, t, out);
	if (t->tag == SCRIPT_TAG_IMMEDIATE || t->tag == SCRIPT_TAG_ERROR_ACTION)
		return 0;	/* not used by SGP.02: accepted without effect */
	s->bad = SCRIPT_BAD_TAG;
	return -EINVAL;
}

static void run_all(struct card *c, struct isd_p *p, struct script_rd *s, struct bytes *tlvs)
{
	struct tlv t;

	while (script_cmd_next(s, &t) == 1)
		if (run_tlv(c, p, s, &t, tlvs) < 0)
			break;
}

/* Before the script: a first one starts anew, a later one needs its beginning. */
static bool chain_open(struct card *c, enum script_chain chain, bool session)
{
	if (chain == SCRIPT_CHAIN_FIRST || chain == SCRIPT_CHAIN_FIRST_KEEP) {
		if (!session)
			card_context_drop(c);
		c->chained = true;
		return true;
	}
	if (chain == SCRIPT_CHAIN_NONE) {
		if (c->chained && !session)	/* stands alone: the open chain is over */
			card_context_drop(c);
		return true;
	}
	return c->chained || session;
}

static void chain_close(struct card *c, enum script_chain chain, bool session)
{
	if (chain == SCRIPT_CHAIN_LAST)
		c->chained = false;
	if (!session && !c->chained)
		card_context_drop(c);
}

int card_script_run(struct card *c, const struct aid *target, const uint8_t *in, size_t len, bool session,
		    struct bytes *out)
{
	struct isd_p *p = aid_eq(target, &aid_isd_r) ? NULL : card_isdp(c, target);
	struct bytes *tlvs;
	struct script_rd s;
	bool definite;
	int rc;

	if (!p && !aid_eq(target, &aid_isd_r))
		return -ENOENT;
	c->scripts++;
	tlvs = bytes_new(c, SCRIPT_RSP_MAX);
	rc = script_cmd_open(&s, in, len);
	if (rc == 0) {
		if (chain_open(c, s.chain, session))
			run_all(c, p, &s, tlvs);
		else
			tlv_put_u8(tlvs, SCRIPT_TAG_CHAINING, 0x01);	/* no previous script */
		chain_close(c, s.chain, session);
	}
	definite = card_dialect_definite(c, s.definite);
	rc = script_rsp_enc(out, definite, s.count, tlvs->data, tlvs->len, s.bad);
	talloc_free(tlvs);
	return rc;
}

/* R-APDU of one command, without its status word. */
static uint16_t run_plain(struct card *c, struct isd_p *p, const struct apdu_cmd *a, struct bytes *r)
{
	struct bytes *apdu = bytes_new(r, 262);
	struct apdu_rsp rsp = { .sw = SW_LENGTH };

	bytes_clear(r);
	if (apdu_put(apdu, a) == 0) {
		if (p)
			isd_p_apdu(p, apdu->data, apdu->len, r);
		else
			isd_r_apdu(c, apdu->data, apdu->len, r);
		if (apdu_rsp_dec(&rsp, r->data, r->len) == 0)
			r->len = rsp.len;
	}
	talloc_free(apdu);
	return rsp.sw;
}

int card_script_compact(struct card *c, const struct aid *target, const uint8_t *in, size_t len, struct bytes *out)
{
	struct isd_p *p = aid_eq(target, &aid_isd_r) ? NULL : card_isdp(c, target);
	struct script_compact_rsp rsp = { .sw = SW_LENGTH };
	struct bytes *r;
	struct apdu_cmd a;
	struct rd rd;

	if (!p && !aid_eq(target, &aid_isd_r))
		return -ENOENT;
	c->scripts++;
	r = bytes_new(c, 4096);
	rd_init(&rd, in, len);
	while (rsp.executed < 0xFF && script_compact_next(&rd, &a) == 1) {
		rsp.sw = run_plain(c, p, &a, r);
		rsp.executed++;
		if (!apdu_sw_goes_on(rsp.sw))
			break;
	}
	rsp.data = r->data;
	rsp.len = r->len;
	script_compact_rsp_enc(out, &rsp);
	talloc_free(r);
	if (!c->chained)
		card_context_drop(c);
	return 0;
}

/* SendData (SGP.02 5.4.4, off-card 4.3): cuts what an SM-DP sends between its outer TLVs to what bearer and card take,
 * says where chaining is due (Annex K), returns the card's response TLVs in order; never deciphers.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdio.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "proc.h"

enum proc_send_state { PROC_SEND_ST_INIT, PROC_SEND_ST_PIECE };

#define PIECE	8192	/* octets of command TLVs in one command; the card session cuts them to what its bearer takes */
#define RESPONSE_MAX	(1U << 20)

#define TAG_SCP03T_FIRST	0x84	/* card-side 7.1 */
#define TAG_SCP03T_SEGMENT	0x86

struct proc_send_data {
	struct bytes *data;		/* copy: the request may be answered before the card session lets go */
	size_t pos, end;		/* the piece that is out */
	bool more;			/* MoreToDo */
	bool isd_r;			/* key establishment: by way of the ISD-R */
	bool chained;			/* this piece: 83 in front */
	struct bytes *rsp;
};

static struct proc_send_data *sd(struct proc *p)
{
	return p->priv;
}

/* Whole TLVs up to the limit, at least one. 0 when the rest is malformed. */
static size_t piece_len(const uint8_t *data, size_t len, size_t limit)
{
	struct rd r;
	struct tlv t;
	size_t used = 0;

	rd_init(&r, data, len);
	while (tlv_next(&r, &t) == 1) {
		if (used && used + t.raw_len > limit)
			return used;
		used += t.raw_len;
	}
	return r.bad ? 0 : used;
}

/* Annex K: chained if more follows after the first half of a key establishment, after 84 or 85, or after a segment. */
static bool wants_chain(const uint8_t *data, size_t len)
{
	struct apdu_cmd last = {};
	bool scp03t = false;
	struct rd r;
	struct tlv t;

	rd_init(&r, data, len);
	while (tlv_next(&r, &t) == 1) {
		if (t.tag >= TAG_SCP03T_FIRST && t.tag <= TAG_SCP03T_SEGMENT)
			scp03t = true;
		else if (t.tag != SCRIPT_TAG_CAPDU || apdu_dec(&last, t.v, t.len) < 0)
			last = (struct apdu_cmd){};
	}
	return scp03t || (last.ins == GP_INS_STORE_DATA && last.p1 == 0x09);
}

/* Key establishment is C-APDUs in the clear (CLA 80) to the ISD-R, which passes them on to the ISD-P after INSTALL [for
 * personalization] (card-side 5); SCP03t and SCP03, which INITIALIZE UPDATE begins, go to the ISD-P itself. Sd-aid may
 * name either. */
static bool for_isd_r(const struct es_body *b)
{
	struct apdu_cmd c;
	struct rd r;
	struct tlv t;

	if (aid_eq(&b->sd_aid, &aid_isd_r))
		return true;
	rd_init(&r, b->data->data, b->data->len);
	return tlv_next(&r, &t) == 1 && t.tag == SCRIPT_TAG_CAPDU && apdu_dec(&c, t.v, t.len) == 0 && c.cla == 0x80 &&
	       c.ins != GP_INS_INIT_UPDATE;
}

/* Nothing but certificate and key data, complete: 3A01, 3A02 and 7F49 and 5F37 behind it (card-side 5.2, 5.3). cert: a
 * certificate may be there, the ISD-P being named before it; else it could begin the establishment of the ISD-R's own
 * keys. The second half needs the random challenge of the first. */
static bool key_data_only(const struct bytes *b, bool cert)
{
	struct rd r;
	struct tlv t;

	rd_init(&r, b->data, b->len);
	while (r.left) {
		int tag = rd_peek(&r, 0);

		if ((tag == 0x3A ? dgi_next(&r, &t) : tlv_next(&r, &t)) != 1)
			return false;
		if (t.tag == 0x3A01 && !cert)
			return false;
		if (t.tag != 0x3A01 && t.tag != 0x3A02 && t.tag != 0x7F49 && t.tag != 0x5F37)
			return false;
	}
	return true;
}

/* The ISD-R obeys whatever comes under our keys: an SM-DP may say to it no more than INSTALL [for personalization] of
 * its own ISD-P and the key establishment itself, else it could enable or delete what others own. */
static bool isd_r_may_hear(const struct es_body *b, const struct aid *isd_p)
{
	struct bytes *stored = bytes_new(NULL, 0);
	struct gp_store_data store;
	struct gp_install inst;
	bool ok = true, perso = false, bare = false;
	struct apdu_cmd c = {};
	struct rd r;
	struct tlv t;

	rd_init(&r, b->data->data, b->data->len);
	while (ok && tlv_next(&r, &t) == 1) {
		if (t.tag != SCRIPT_TAG_CAPDU || apdu_dec(&c, t.v, t.len) < 0 || c.cla != 0x80)
			ok = false;
		else if (c.ins == GP_INS_INSTALL)
			ok = perso = gp_install_dec(&inst, &c) == 0x9000 && inst.p1 == 0x20 && aid_eq(&inst.app, isd_p);
		else if (c.ins == GP_INS_STORE_DATA)
			ok = gp_store_data_dec(&store, &c) == 0x9000 && store.dgi &&
			     bytes_put(stored, store.data, store.len) == 0;
		else
			ok = false;
		bare |= c.ins == GP_INS_STORE_DATA && !perso;
	}
	ok = ok && key_data_only(stored, !bare);
	talloc_free(stored);
	return ok;
}

static bool all_tlvs(const struct bytes *b)
{
	struct rd r;
	struct tlv t;

	if (!b || !b->len)
		return false;
	rd_init(&r, b->data, b->len);
	while (tlv_next(&r, &t) == 1)
		;
	return !r.bad;
}

static void begin(struct proc *p)
{
	const struct policy_caller caller = proc_caller(p);
	const struct es_body *b = proc_body(p);
	struct eis_profile *t = eis_by_iccid(p->e->eis, p->row.iccid);
	enum es_reason r = b ? policy_ask(p->e->eis, t, POLICY_SEND_DATA, &caller, 0) : ES_R_INTERNAL;
	struct proc_send_data *s;

	if (!r && !all_tlvs(b->data)) {
		proc_fail(p, ES_R_PARAM_INVALID, "Data is not a sequence of command TLVs");
		return;
	}
	if (!r && for_isd_r(b) && !isd_r_may_hear(b, &t->i.isdp_aid)) {
		proc_fail(p, ES_R_PARAM_INVALID, "to the ISD-R: key establishment of the own ISD-P only");
		return;
	}
	if (r) {
		proc_fail(p, r, NULL);
		return;
	}
	s = talloc_zero(p, struct proc_send_data);
	OSMO_ASSERT(s);
	s->data = bytes_dup(s, b->data->data, b->data->len);
	s->rsp = bytes_new(s, RESPONSE_MAX);
	s->more = b->more_to_do;
	s->isd_r = for_isd_r(b);
	p->priv = s;
	p->row.aid = t->i.isdp_aid;
	if (s->more || p->e->held)
		euicc_hold(p->e, p->row.requester, p->row.iccid);
	proc_state(p, PROC_SEND_ST_PIECE);
}

static void piece_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct proc *p = fi->priv;
	struct proc_send_data *s = sd(p);
	const uint8_t *from = s->data->data + s->pos;
	struct proc_cmd cmd = { .what = "SendData", .step = PROC_STEP_COMMAND, .changes = true, .target = p->row.aid };
	size_t len = piece_len(from, s->data->len - s->pos, PIECE);

	if (s->isd_r)
		cmd.target = aid_isd_r;
	s->end = s->pos + len;
	cmd.more = s->more || s->end < s->data->len;
	cmd.first_in_chain = !p->e->chain_open;
	cmd.chained = p->e->chain_open || wants_chain(from, len);
	p->e->chain_open = cmd.chained && cmd.more;
	proc_send(p, &cmd, bytes_dup(p, from, len));
}

static void give_response(struct proc *p)
{
	talloc_free(p->resp);
	p->resp = talloc_steal(p, sd(p)->rsp);
	sd(p)->rsp = NULL;
}

/* 9F44..9F47: the card refused an SCP03t TLV (card-side 7.2). */
static bool scp03t_error(const uint8_t *tlvs, size_t len)
{
	struct rd r;
	struct tlv t;

	rd_init(&r, tlvs, len);
	while (tlv_next(&r, &t) == 1)
		if (t.tag >= 0x9F44 && t.tag <= 0x9F47)
			return true;
	return false;
}

static void finished(struct proc *p)
{
	give_response(p);
	if (!sd(p)->more && p->e->held && euicc_hold_admits(p->e, p->row.requester, p->row.iface, p->row.iccid))
		euicc_hold_end(p->e);
	else if (p->e->held)
		euicc_hold(p->e, p->row.requester, p->row.iccid);
	proc_done(p);
}

/* Nothing is resumed in the middle of a chain: what the card answered so far goes back, the SM-DP starts over. */
static void failed(struct proc *p, const struct proc_card *c)
{
	bool in_chain = p->cmd.chained && !p->cmd.first_in_chain;

	p->e->chain_open = false;
	give_response(p);
	if (c->outcome == CARD_REJECTED && in_chain) {	/* what the chain began with is lost, on the card or with us */
		proc_fail(p, ES_R_EXPIRED_NO_RESPONSE, c->detail);
	} else if (c->outcome == CARD_NO_ANSWER) {
		p->row.acked = true;	/* 1.6/5.4: delivered, no response */
		proc_expire(p);
	} else if (c->outcome == CARD_OK && !c->has_rsp) {
		proc_fail(p, ES_R_CARD_ERROR, "the card refused a profile segment");
	} else {
		proc_fail_card(p, c);
	}
}

static void piece(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct proc *p = fi->priv;
	struct proc_send_data *s = sd(p);
	const struct proc_card *c = data;

	if (event == PROC_EV_EXPIRED) {
		p->e->chain_open = false;
		give_response(p);
		proc_expire(p);
		return;
	}
	if (c->outcome == CARD_OK)
		bytes_put(s->rsp, c->resp, c->len);
	if (c->outcome != CARD_OK || (c->has_rsp && !apdu_sw_goes_on(c->rsp.sw)) || scp03t_error(c->resp, c->len)) {
		failed(p, c);
		return;
	}
	s->pos = s->end;
	if (s->pos < s->data->len)
		proc_state(p, PROC_SEND_ST_PIECE);
	else
		finished(p);
}

static void resume(struct proc *p)
{
	if (!p->row.sent) {
		begin(p);
		return;
	}
	proc_fail(p, ES_R_EXPIRED_NO_RESPONSE, "interrupted by a restart of the SM-SR, begin again");
}

#define S(x) (1 << (x))

static const struct osmo_fsm_state states[] = {
	[PROC_SEND_ST_INIT] = { .name = "INIT", .out_state_mask = S(PROC_SEND_ST_PIECE) },
	[PROC_SEND_ST_PIECE] = {
		.name = "PIECE", .in_event_mask = S(PROC_EV_CARD) | S(PROC_EV_EXPIRED),
		.onenter = piece_onenter, .action = piece, .out_state_mask = S(PROC_SEND_ST_PIECE),
	},
};

static struct osmo_fsm fsm = {
	.name = "proc_send_data", .states = states, .num_states = ARRAY_SIZE(states), .log_subsys = DPROC,
	.event_names = proc_event_names,
};

static __attribute__((constructor)) void on_dso_load(void)
{
	OSMO_ASSERT(osmo_fsm_register(&fsm) == 0);
}

const struct proc_ops proc_send_data_ops = { .fsm = &fsm, .begin = begin, .resume = resume };

/* What one command to the card does: SetFallBackAttribute (SGP.02 3.27, 3.28; 4.1.1.7), SetEmergencyProfileAttribute
 * (3.25, 3.26), MasterDelete with the SM-DP's token (3.10, 4.1.1.6), UpdateConnectivityParameters (3.14: SCP03 between
 * SM-DP and ISD-P, carried unread) and
 * UpdateSMSRAddressingParameters (4.1.1.10). Silence is no answer: the card is asked where that tells, else the same is
 * sent again where that does no harm.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "es_notify.h"
#include "proc.h"

/* How the truth is found when no answer came. */
enum silence {
	SILENCE_ASK,	/* GET STATUS of the ISD-P tells */
	SILENCE_AGAIN,	/* the card cannot be asked; doing it twice is doing it once */
	SILENCE_END,	/* neither: what was sent is good for one time only (SCP03) */
};

struct update {
	const char *what;
	enum policy_op op;
	enum silence silence;
	int (*enc)(struct proc *p, struct bytes *script);	/* negative: cannot be */
	bool (*is_done)(bool there, const struct es5_isdp_info *i);	/* SILENCE_ASK */
	void (*done)(struct proc *p);				/* the record follows */
};

/* --- SetFallBackAttribute --- */

static int fallback_enc(struct proc *p, struct bytes *script)
{
	return es5_set_fallback_enc(script, &p->row.aid);
}

static bool fallback_is_done(bool there, const struct es5_isdp_info *i)
{
	return there && i->has_attr && i->fallback;
}

static void fallback_done(struct proc *p)
{
	struct euicc *e = p->e;
	struct eis_profile *t = eis_by_aid(e->eis, &p->row.aid), *old = eis_fallback(e->eis);

	if (!t || t == old)
		return;
	eis_fallback_moved(e->eis, t);
	es_notify(e->reg, e->eis, t, ES_FN_HANDLE_FALLBACK_SET, p->row.requester);
	if (old)
		es_notify(e->reg, e->eis, old, ES_FN_HANDLE_FALLBACK_UNSET, p->row.requester);
}

/* --- SetEmergencyProfileAttribute --- */

static int emergency_enc(struct proc *p, struct bytes *script)
{
	return es5_set_emergency_enc(script, &p->row.aid);
}

static bool emergency_is_done(bool there, const struct es5_isdp_info *i)
{
	return there && i->has_attr && i->emergency;
}

static void emergency_done(struct proc *p)
{
	struct euicc *e = p->e;
	struct eis_profile *t = eis_by_aid(e->eis, &p->row.aid), *old = eis_emergency(e->eis);

	if (!t || t == old)
		return;
	eis_emergency_moved(e->eis, t);
	es_notify(e->reg, e->eis, t, ES_FN_HANDLE_EMERGENCY_SET, p->row.requester);
	if (old)
		es_notify(e->reg, e->eis, old, ES_FN_HANDLE_EMERGENCY_UNSET, p->row.requester);
}

/* --- MasterDelete --- */

/* The ISD-R obeys whatever comes under our keys: nothing but the master deletion of this very profile may leave. */
static int master_enc(struct proc *p, struct bytes *script)
{
	struct apdu_cmd a;
	struct es5_cmd c = {};

	if (!p->data || apdu_dec(&a, p->data->data, p->data->len) < 0 || a.ins != GP_INS_DELETE ||
	    es5_cmd_dec(&c, &a) != 0x9000 || c.fn != ES5_MASTER_DELETE || !aid_eq(&c.aid, &p->row.aid))
		return -EINVAL;
	return script_put_capdu(script, p->data->data, p->data->len);
}

static bool master_is_done(bool there, const struct es5_isdp_info *i)
{
	return !there;
}

static void master_done(struct proc *p)
{
	struct eis_profile *t = eis_by_aid(p->e->eis, &p->row.aid);

	if (!t)
		return;
	es_notify(p->e->reg, p->e->eis, t, ES_FN_HANDLE_DELETED, p->row.requester);
	eis_profile_removed(p->e->eis, t);
}

/* --- UpdateConnectivityParameters --- */

static int connectivity_enc(struct proc *p, struct bytes *script)
{
	const struct es_body *b = proc_body(p);
	struct rd r;
	struct tlv t;

	if (!b || !b->connectivity || !b->connectivity->len)
		return -EINVAL;
	rd_init(&r, b->connectivity->data, b->connectivity->len);
	while (tlv_next(&r, &t) == 1)
		if (t.tag != SCRIPT_TAG_CAPDU)
			return -EINVAL;
	return r.bad ? -EINVAL : bytes_put_bytes(script, b->connectivity);
}

/* --- UpdateSMSRAddressingParameters --- */

static int addressing_enc(struct proc *p, struct bytes *script)
{
	const struct euiccs *reg = p->e->reg;

	return reg->addressing ? reg->addressing(reg->addressing_priv, p->e, script) : -ENOTSUP;
}

static const struct update *update_of(const struct proc *p)
{
	static const struct update fallback = {
		"SetFallBackAttribute", POLICY_FALLBACK, SILENCE_ASK, fallback_enc, fallback_is_done, fallback_done,
	}, emergency = {
		"SetEmergencyProfileAttribute", POLICY_EMERGENCY, SILENCE_ASK, emergency_enc, emergency_is_done,
		emergency_done,
	}, master = {
		"MasterDelete", POLICY_MASTER_DELETE, SILENCE_ASK, master_enc, master_is_done, master_done,
	}, connectivity = {
		"UpdateConnectivityParameters", POLICY_CONNECTIVITY, SILENCE_END, connectivity_enc,
	}, addressing = {
		"UpdateSMSRAddressingParameters", POLICY_ADDRESSING, SILENCE_AGAIN, addressing_enc,
	};

	switch (p->row.kind) {
	case PROC_FALLBACK:
		return &fallback;
	case PROC_EMERGENCY:
		return &emergency;
	case PROC_MASTER_DELETE:
		return &master;
	case PROC_CONNECTIVITY:
		return &connectivity;
	default:
		return &addressing;
	}
}

static enum es_reason ask(struct proc *p)
{
	const struct policy_caller caller = proc_caller(p);

	return policy_ask(p->e->eis, eis_by_iccid(p->e->eis, p->row.iccid), update_of(p)->op, &caller, 0);
}

static void begin(struct proc *p)
{
	const struct eis_profile *t = eis_by_iccid(p->e->eis, p->row.iccid);
	enum es_reason r = ask(p);

	if (r) {
		proc_fail(p, r, NULL);
		return;
	}
	if (t)
		p->row.aid = t->i.isdp_aid;
	proc_state(p, PROC_COMMAND_ST_COMMAND);
}

static void unknown(struct proc *p)
{
	if (p->row.sent && update_of(p)->silence == SILENCE_ASK)
		eis_want_audit(p->e->eis);
	proc_expire(p);
}

static void command(struct proc *p)
{
	struct proc_cmd cmd = {
		.what = update_of(p)->what, .step = PROC_STEP_COMMAND, .changes = true, .keep = true,
	};
	struct bytes *script = bytes_new(p, 0);

	if (p->row.kind == PROC_CONNECTIVITY)
		cmd.target = p->row.aid;
	if (update_of(p)->enc(p, script) >= 0) {
		proc_send(p, &cmd, script);
		return;
	}
	talloc_free(script);
	if (p->row.sent)	/* an earlier one may have done its work */
		unknown(p);
	else
		proc_fail(p, ES_R_PARAM_INVALID, "nothing that may be sent to this card");
}

static void finished(struct proc *p)
{
	const struct update *u = update_of(p);

	proc_say(p, u->what, "confirmed", p->row.iccid[0] ? p->row.iccid : NULL);
	if (u->done)
		u->done(p);
	proc_done(p);
}

static void silence(struct proc *p)
{
	switch (update_of(p)->silence) {
	case SILENCE_ASK:
		proc_state(p, PROC_COMMAND_ST_STATUS);
		return;
	case SILENCE_AGAIN:
		proc_ask_later(p);
		return;
	case SILENCE_END:
		p->row.acked = true;	/* 1.6/5.4: delivered, no response */
		proc_expire(p);
		return;
	}
}

static void answer(struct proc *p, const struct proc_card *c)
{
	if (proc_card_ok(c) || (p->row.kind == PROC_MASTER_DELETE && proc_card_sw(c, 0x6A88)))
		finished(p);
	else
		proc_fail_card(p, c);
}

static void status(struct proc *p, bool there, const struct es5_isdp_info *i)
{
	if (update_of(p)->is_done(there, i)) {
		finished(p);
	} else if (!there) {
		eis_want_audit(p->e->eis);
		proc_fail(p, ES_R_CARD_ERROR, "the card has no such profile");
	} else if (p->row.kind != PROC_MASTER_DELETE || p->data) {
		proc_not_done(p);
		proc_state(p, PROC_COMMAND_ST_COMMAND);
	} else {
		proc_fail(p, ES_R_CARD_ERROR, "not done before a restart of the SM-SR, begin again");
	}
}

static void resume(struct proc *p)
{
	if (!p->row.sent || update_of(p)->silence == SILENCE_AGAIN)
		begin(p);
	else if (update_of(p)->silence == SILENCE_ASK)
		proc_state(p, PROC_COMMAND_ST_STATUS);
	else
		proc_fail(p, ES_R_EXPIRED_NO_RESPONSE, "interrupted by a restart of the SM-SR, begin again");
}

const struct proc_ops proc_update_ops = { .fsm = &proc_command_fsm, .begin = begin, .resume = resume, .ask = ask, .send = command,
					 .answer = answer, .silence = silence, .status = status, .unknown = unknown };

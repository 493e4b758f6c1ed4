/* A notification (SGP.02 4.1.1.11): to the procedure that waits for it, else dealt with on its own. Two rules of P3:
 * what the card reports as final (01, 03, 05) the record follows at once; a change (02) is final only with our
 * confirmation, and one that comes after EXPIRED was answered is never confirmed (off-card 6.13, corrections 5).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>

#include "es_notify.h"
#include "notif_in.h"

struct notif_job {
	struct euicc *e;
	struct notif n;
};

static void say(struct euicc *e, const struct notif *n, const char *outcome)
{
	char op[32], aid[AID_STR_SIZE];
	const struct smsr_audit a = {
		.who = "card",
		.procedure = "notification",
		.operation = op,
		.outcome = outcome,
		.card = aid_str(aid, &n->aid),
	};

	snprintf(op, sizeof(op), "notification %02X", n->type);
	smsr_db_audit(e->reg->db, &e->eis->fix.eid, &a);
}

#define LOG_NOTIF(e, n, level, fmt, args...) \
	LOGP(DPROC, level, "notification#%u EID-%s: %02X, " fmt, (n)->seq, (e)->eis->eid_str, (n)->type, ##args)

/* The record follows; the owners learn what changed without them. */
static void follow(struct euicc *e, const struct notif *n)
{
	struct eis_profile *now = eis_by_aid(e->eis, &n->aid), *before = eis_enabled(e->eis);

	if (!now) {
		LOG_NOTIF(e, n, LOGL_ERROR, "the enabled ISD-P is not in the record, audit due\n");
		eis_want_audit(e->eis);
		return;
	}
	if (now != before) {
		es_notify(e->reg, e->eis, now, ES_FN_HANDLE_ENABLED, NULL);
		if (before)
			es_notify(e->reg, e->eis, before, ES_FN_HANDLE_DISABLED, NULL);
	}
	if (now != before || e->eis->uncertain)
		eis_profile_enabled(e->eis, now);
	euicc_change_end(e);
}

static void deleted_by_card(struct euicc *e, const uint8_t *data, size_t len)
{
	struct aid gone[ES5_AIDS_MAX];
	int n = es5_confirm_rsp_dec(gone, ARRAY_SIZE(gone), data, len);

	for (int i = 0; i < n; i++) {
		struct eis_profile *p = eis_by_aid(e->eis, &gone[i]);

		if (!p || p->state == EIS_PS_ENABLED)
			continue;
		es_notify(e->reg, e->eis, p, ES_FN_HANDLE_DELETED, NULL);
		eis_profile_removed(e->eis, p);
	}
}

static void confirm_done(void *priv, enum card_outcome outcome, const char *detail, const uint8_t *resp, size_t len)
{
	struct notif_job *j = priv;
	struct euicc *e = j->e;
	struct apdu_rsp a = {};
	bool ok = outcome == CARD_OK && es5_rsp(&a, resp, len) == 0 && apdu_sw_ok(a.sw);

	if (ok) {
		LOG_NOTIF(e, &j->n, LOGL_INFO, "confirmed\n");
		say(e, &j->n, "confirmed");
		eis_notif_done(e->eis, j->n.seq);
		if (j->n.type == NOTIF_CHANGED)
			follow(e, &j->n);
		deleted_by_card(e, a.data, a.len);
	} else {
		LOG_NOTIF(e, &j->n, LOGL_NOTICE, "confirmation failed (%s %04X), the card will report again\n",
			  detail ? detail : "card said", a.sw);
		say(e, &j->n, "confirmation failed");
	}
	e->notif_seq = -1;
	e->refs--;
	talloc_free(j);
	proc_wake(e);
}

static int sent(void *priv, const char *bearer)
{
	struct notif_job *j = priv;

	LOG_NOTIF(j->e, &j->n, LOGL_INFO, "confirmation sent to card by %s\n", bearer);
	return 0;
}

static void confirm(struct euicc *e, const struct notif *n)
{
	struct notif_job *j = talloc_zero(e, struct notif_job);
	struct card_cmd cmd = { .target = aid_isd_r, .mark_sent = sent, .done = confirm_done, .priv = j };
	struct bytes *script = bytes_new(j, 0);

	j->e = e;
	j->n = *n;
	es5_confirm_notif_enc(script, n->seq);
	cmd.script = script->data;
	cmd.script_len = script->len;
	if (card_session_send(e->reg->cards, &e->eis->fix.eid, &cmd, euicc_t(EUICC_T_COMMAND)) < 0) {
		LOG_NOTIF(e, n, LOGL_NOTICE, "confirmation cannot be queued, the card will report again\n");
		talloc_free(j);
		return;
	}
	e->notif_seq = n->seq;
	e->refs++;
}

static void on_its_own(struct euicc *e, const struct notif *n)
{
	if (e->notif_seq == n->seq)	/* the card repeats itself until it hears us */
		return;
	switch (n->type) {
	case NOTIF_CHANGED:
		if (e->eis->uncertain && aid_eq(&n->aid, &e->eis->pending_aid)) {
			LOG_NOTIF(e, n, LOGL_NOTICE, "after its request expired: not confirmed, the card rolls back\n");
			say(e, n, "expired, not confirmed");
			return;
		}
		break;
	case NOTIF_FIRST_ATTACH:
		eis_declared(e->eis, n->imei);
		follow(e, n);
		break;
	case NOTIF_ROLLED_BACK:
	case NOTIF_FALLBACK:
		follow(e, n);
		break;
	default:
		LOG_NOTIF(e, n, LOGL_NOTICE, "type unknown, not confirmed\n");
		return;
	}
	confirm(e, n);
}

void notif_in(struct euicc *e, const struct notif *n, const char *bearer)
{
	if (!eis_notif_new(e->eis, n->seq, !strcmp(bearer, "HTTPS"))) {
		LOG_NOTIF(e, n, LOGL_NOTICE, "%s, by %s: old, dropped\n", notif_type_text(n->type), bearer);
		counter_inc(CTR_NOTIF_OLD);
		return;
	}
	LOG_NOTIF(e, n, LOGL_INFO, "%s, by %s\n", notif_type_text(n->type), bearer);
	say(e, n, bearer);
	if (proc_notif(e, n))
		return;
	on_its_own(e, n);
	proc_wake(e);
}

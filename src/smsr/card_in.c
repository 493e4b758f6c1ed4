/* Whatever arrives from cards, by SMS or HTTPS: what the card sessions ask of the record, and what they report.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>

#include "card_in.h"
#include "notif_in.h"

#define IMSI_MIN 14	/* digits; shorter is a number */
#define MSISDN_SIZE 24
#define CANDIDATES_MAX 16	/* eUICCs with one number: shared or handed on (corrections 21) */

static const char *plain_number(const char *msisdn)
{
	return msisdn[0] == '+' ? msisdn + 1 : msisdn;
}

/* An SMSC may name a sender by its IMSI, OsmoMSC with 'deliver-src-imsi' does: the MSISDN that goes with it, where one is
 * known. */
static const char *number_of(const struct card_in *in, const char *from, char *out, size_t size)
{
	struct eid eid;

	from = plain_number(from);
	if (strlen(from) < IMSI_MIN || smsr_db_eids_by_msisdn(in->reg->db, from, &eid, 1) > 0)
		return from;
	return smsr_db_msisdn_of(in->reg->db, from, out, size) == 0 ? out : from;
}

static int info(void *priv, const struct eid *eid, struct card_info *out)
{
	struct card_in *in = priv;
	struct euicc *e = euicc_get(in->reg, eid);

	return e ? euicc_card_info(e, out) : -ENOENT;
}

static int psk(void *priv, const struct eid *eid, uint8_t kvn, uint8_t kid, uint8_t *out, size_t size)
{
	struct card_in *in = priv;
	struct euicc *e = euicc_get(in->reg, eid);

	return e ? euicc_psk(e, kvn, kid, out, size) : -ENOENT;
}

static int counter_next(void *priv, const struct eid *eid, uint8_t kvn, bool exact, uint64_t *cntr)
{
	struct card_in *in = priv;

	return smsr_db_counter_next(in->reg->db, eid, kvn, exact, cntr);
}

static int by_iccid(void *priv, const char *iccid, struct eid *eid)
{
	struct card_in *in = priv;

	return smsr_db_eid_by_iccid(in->reg->db, iccid, eid);
}

static void learned(void *priv, const struct eid *eid, const struct card_learned *l)
{
	struct card_in *in = priv;
	struct euicc *e = euicc_get(in->reg, eid);

	if (!e)
		return;
	e->learned = *l;
	smsr_db_learned_put(in->reg->db, eid, l);
}

/* By number over all profiles, whatever their state: while a change is pending both addresses are live. The MAC
 * decides. */
static bool candidates(void *priv, const char *msisdn, bool (*each)(void *arg, const struct eid *eid), void *arg)
{
	struct card_in *in = priv;
	struct eid eid[CANDIDATES_MAX];
	size_t n = smsr_db_eids_by_msisdn(in->reg->db, plain_number(msisdn), eid, ARRAY_SIZE(eid));

	for (size_t i = 0; i < n; i++)
		if (each(arg, &eid[i]))
			return true;
	return false;
}

static void notification(void *priv, const struct eid *eid, const uint8_t *e1, size_t len, const char *bearer)
{
	struct card_in *in = priv;
	struct euicc *e = euicc_get(in->reg, eid);
	struct notif n;

	if (!e || notif_dec(&n, e1, len) < 0 || memcmp(&n.eid, eid, sizeof(n.eid))) {
		LOGP(DCARD, LOGL_NOTICE, "a notification that is not of its card: dropped\n");
		return;
	}
	notif_in(e, &n, bearer);
}

static void heard(void *priv, const struct eid *eid, const char *bearer)
{
	struct card_in *in = priv;
	struct euicc *e = euicc_get(in->reg, eid);

	if (!e)
		return;
	if (in->from)
		euicc_heard(e, plain_number(in->from));
	euicc_audit_soon(e);
}

const struct card_session_ops card_in_ops = {
	.info = info, .psk = psk, .counter_next = counter_next, .candidates = candidates, .notification = notification,
	.heard = heard, .by_iccid = by_iccid, .learned = learned,
};

void card_in_sms(void *card_in, const char *from, bool response, const uint8_t *packet, size_t len)
{
	struct card_in *in = card_in;
	char number[MSISDN_SIZE];

	in->from = number_of(in, from, number, sizeof(number));
	card_sessions_sms_rx(in->reg->cards, in->from, response, packet, len);
	in->from = NULL;
}

void card_in_alert(void *card_in, const char *msisdn)
{
	struct card_in *in = card_in;
	char number[MSISDN_SIZE];

	card_sessions_sms_alert(in->reg->cards, number_of(in, msisdn, number, sizeof(number)));
}

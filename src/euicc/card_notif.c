/* Notifications: by SMS as an SCP80 packet with a checksum only, or in the URI of an HTTPS session the card opens; sent
 * again until confirmed (SGP.02 3.15.1, 3.15.2; card-side digest 3.11).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp80.h>

#include "card_cat.h"
#include "card_db.h"
#include "card_dialect.h"
#include "card_http.h"
#include "card_int.h"
#include "card_notif.h"
#include "card_ota.h"
#include "card_switch.h"

static int encode(const struct card *c, struct bytes *out)
{
	const struct isd_p *p = card_isdp_enabled(c);
	struct notif n = { .eid = c->eid, .type = c->notif.type, .seq = c->notif.seq };

	if (!p)
		return -1;
	n.aid = p->aid;
	osmo_strlcpy(n.imei, c->device_imei, sizeof(n.imei));
	return notif_enc(out, &n, card_dialect_aid_tag(c));
}

/* The attempt is over; the confirmation has until the timer runs out. */
static void attempt_done(struct card *c)
{
	c->notif.sending = false;
	if (c->notif.type)
		card_cat_timer_start(c, CARD_TIMER_NOTIF, c->env->cfg.repeat_s);
}

/* By which bearer this try goes. */
static bool by_https(const struct card *c)
{
	switch (c->env->cfg.notify) {
	case CARD_NOTIFY_HTTPS:
		return true;
	case CARD_NOTIFY_AUTO:
		return c->notif.tries % 2 == 0 && card_http_able(c);
	default:
		return false;
	}
}

/* Refused by the network: where there is another way it is taken at once, not after the repetition time. */
static void sms_done(struct card *c, bool ok)
{
	bool other = !ok && c->env->cfg.notify == CARD_NOTIFY_AUTO && card_http_able(c);

	LOGCARD(c, LOGL_INFO, "notification %04X %s\n", c->notif.seq, ok ? "sent" : "not sent");
	attempt_done(c);
	if (other)
		card_notif_timeout(c);
}

static int send_sms(struct card *c, const struct bytes *e1)
{
	uint8_t kvn = card_scp80_kvn(c);
	const struct key *kid = card_key(c, kvn, 2);
	const struct scp80_sec sec = {.spi1 = SCP80_SPI1_NOTIF,
				      .kic_octet = card_dialect_notif_kic(c, kvn),
				      .kid_octet = kvn << 4 | (kid ? scp80_alg_of(kid) : 0),
				      .tar = SCP80_TAR_ISD_R};
	struct bytes *packet = bytes_new(NULL, 512);
	int rc = scp80_cmd_enc(packet, &sec, NULL, kid, e1->data, e1->len);

	if (rc == 0)
		rc = card_ota_send(c, c->smsr.number, 0x70, packet, sms_done);
	talloc_free(packet);
	return rc;
}

void card_notif_send(struct card *c)
{
	struct bytes *e1;
	int rc;

	if (!c->notif.type || c->notif.sending || !c->attached)
		return;
	c->notif.tries++;
	c->notif.sending = true;
	e1 = bytes_new(c, NOTIF_MAX);
	rc = encode(c, e1);
	if (rc == 0)
		rc = by_https(c) ? card_http_notify(c, e1) : send_sms(c, e1);
	LOGCARD(c, LOGL_INFO, "notification %02X (%s) number %04X by %s, try %u\n", c->notif.type,
		notif_type_text(c->notif.type), c->notif.seq, by_https(c) ? "HTTPS" : "SMS",
		c->notif.tries);
	talloc_free(e1);
	if (rc < 0)
		attempt_done(c);
}

void card_notif_raise(struct card *c, enum notif_type type)
{
	c->notif = (struct card_notif) { .type = type, .seq = c->notif_seq++ };
	card_db_save(c);
	card_notif_send(c);
}

void card_notif_timeout(struct card *c)
{
	if (!c->notif.type || c->notif.sending)
		return;
	if (c->notif.tries <= c->env->cfg.repeats) {
		card_notif_send(c);
		return;
	}
	LOGCARD(c, LOGL_NOTICE, "notification %04X was not confirmed\n", c->notif.seq);
	if (c->sw.stage == SW_STAGE_CONFIRM) {
		card_switch_notif_failed(c);
		return;
	}
	/* stays owed: sent again after the next attach */
}

void card_notif_https_done(struct card *c, bool ok)
{
	if (c->notif.sending)
		attempt_done(c);
}

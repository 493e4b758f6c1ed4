/* Answering a secured packet: TS 102 225 5.2, TS 31.115 4.4. By SMS the answer is in the ENVELOPE's, or announced there
 * and sent by SMS-SUBMIT (ota-transport digest 2.4, 2.6); on CAT_TP it is an SDU.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "card_cattp.h"
#include "card_int.h"
#include "card_ota.h"
#include "card_por.h"

#define INLINE_MAX 128		/* octets of response data in the ENVELOPE answer (digest 2.4) */
#define SPI2_SUBMIT 0x20
#define LATE_MAX 16

struct late {
	struct llist_head entry;
	char to[24];
	struct bytes *packet;
};

static void inline_rsp(const struct card_por *p, const struct bytes *packet)
{
	static const uint8_t udh[] = { 0x02, 0x71, 0x00 };

	if (!p->resp)
		return;
	bytes_put(p->resp, udh, sizeof(udh));
	bytes_put_bytes(p->resp, packet);
}

static void announce(struct card *c, const struct card_por *p)
{
	struct bytes *b;

	if (!p->resp || !scp80_rsp_wanted(&p->sec, SCP80_ST_BY_SUBMIT))
		return;
	b = bytes_new(c, 512);
	if (scp80_rsp_enc(b, &p->sec, p->kic, p->kid, SCP80_ST_BY_SUBMIT, NULL, 0) == 0)
		inline_rsp(p, b);
	talloc_free(b);
}

void card_por_defer(struct card *c, struct card_por *p)
{
	if (!p->cattp)
		announce(c, p);
	p->resp = NULL;
}

static int submit(struct card *c, const char *to, const struct bytes *packet)
{
	int rc = card_ota_send(c, to, 0x71, packet, NULL);

	if (rc < 0)
		LOGCARD(c, LOGL_ERROR, "proof of receipt not sent: %s\n", strerror(-rc));
	return rc;
}

/* Held back by a fault: until card_por_timeout(). */
static bool hold(struct card *c, const struct card_por *p, const struct bytes *packet)
{
	unsigned seconds = fault(c->faults, FAULT_POR_LATE);
	struct card_por_late *q = card_ota_late(c);
	struct late *l;

	if (!seconds || q->n >= LATE_MAX)
		return false;
	fault_struck(c->faults, FAULT_POR_LATE);
	l = talloc_zero(q->ctx, struct late);
	OSMO_STRLCPY_ARRAY(l->to, p->from);
	l->packet = bytes_dup(l, packet->data, packet->len);
	llist_add_tail(&l->entry, &q->list);
	if (!q->n++)
		card_cat_timer_start(c, CARD_TIMER_POR, seconds);
	return true;
}

void card_por_timeout(struct card *c)
{
	struct card_por_late *q = card_ota_late(c);
	struct late *l;

	if (!q->n)
		return;
	l = llist_first_entry(&q->list, struct late, entry);
	llist_del(&l->entry);
	submit(c, l->to, l->packet);
	talloc_free(l);
	if (--q->n)
		card_cat_timer_start(c, CARD_TIMER_POR, fault(c->faults, FAULT_POR_LATE));
}

static int by_submit(struct card *c, const struct card_por *p, const struct bytes *packet)
{
	int rc;

	announce(c, p);
	if (hold(c, p, packet))
		return 0;
	rc = submit(c, p->from, packet);
	if (rc == 0 && fault_roll(c->faults, FAULT_POR_TWICE))
		submit(c, p->from, packet);
	return rc;
}

static int by_link(struct card *c, const struct bytes *packet)
{
	int rc = card_cattp_send(c, packet->data, packet->len);

	if (rc < 0)
		LOGCARD(c, LOGL_ERROR, "response packet not sent on CAT_TP: %s\n", strerror(-rc));
	return rc;
}

/* In the ENVELOPE's answer when it is asked for there and fits; when it is late, that is said there and the rest
 * follows by SMS-SUBMIT (status 08). */
static int by_sms(struct card *c, struct card_por *p, const struct bytes *packet)
{
	struct bytes *more;

	if ((p->sec.spi2 & SPI2_SUBMIT) || !p->resp || packet->len + 3 > INLINE_MAX)
		return by_submit(c, p, packet);
	if (!hold(c, p, packet)) {
		inline_rsp(p, packet);
		return 0;
	}
	more = bytes_new(c, 512);
	if (scp80_rsp_enc(more, &p->sec, p->kic, p->kid, SCP80_ST_MORE_TIME, NULL, 0) == 0)
		inline_rsp(p, more);
	talloc_free(more);
	return 0;
}

static int response(struct card *c, struct card_por *p, uint8_t status, const uint8_t *d, size_t len)
{
	struct bytes *packet = bytes_new(c, SCP80_PACKET_MAX);
	int rc = p->cattp ? scp80_cattp_rsp_enc(packet, &p->sec, p->kic, p->kid, status, d, len) :
			    scp80_rsp_enc(packet, &p->sec, p->kic, p->kid, status, d, len);

	if (rc == 0)
		rc = p->cattp ? by_link(c, packet) : by_sms(c, p, packet);
	talloc_free(packet);
	return rc;
}

/* An answer that no way takes is replaced by one that says so: what was commanded has been done all the same. */
void card_por_send(struct card *c, struct card_por *p, uint8_t status, const struct bytes *data)
{
	LOGCARD(c, LOGL_INFO, "SCP80 counter %010llX: %s\n", (unsigned long long)p->sec.cntr,
		scp80_status_text(status));
	if (!scp80_rsp_wanted(&p->sec, status) || fault_roll(c->faults, FAULT_POR_NONE))
		return;
	if (response(c, p, status, data ? data->data : NULL, data ? data->len : 0) == -EMSGSIZE) {
		p->resp = NULL;		/* announced already, or too late for it */
		response(c, p, SCP80_ST_MEMORY, NULL, 0);
	}
}

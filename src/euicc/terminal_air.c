/* What happens to a channel's octets between the terminal and the network: by itself nothing; by faults datagrams
 * are lost, doubled, overtaken, TCP connections are cut, and everything takes its time.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>
#include <sys/socket.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "faults.h"
#include "terminal_priv.h"

#define AIR_MAX 64		/* datagrams of a channel on their way, and as many arrived */
#define AIR_OVERTAKEN_MS 60
#define AIR_RESET_WITHIN 40	/* proactive commands */

struct terminal_air {
	struct llist_head entry;	/* on its way, or arrived */
	struct terminal_chan *chan;
	struct osmo_timer_list timer;
	bool up;
	size_t len;
	uint8_t data[];
};

static int air_destroy(struct terminal_air *a)
{
	osmo_timer_del(&a->timer);
	network_forget(a->chan->t->net, a);
	return 0;
}

static unsigned half_trip(const struct terminal_chan *c)
{
	return fault(c->t->faults, FAULT_ROUND_TRIP) / 2;
}

void terminal_air_hold(struct terminal_chan *c, struct osmo_timer_list *timer, bool *held)
{
	unsigned ms = half_trip(c);

	if (!ms || *held)
		return;
	*held = true;
	fault_struck(c->t->faults, FAULT_ROUND_TRIP);
	osmo_timer_schedule(timer, ms / 1000, ms % 1000 * 1000);
}

/* --- datagrams --- */

static void arrived(struct terminal_air *a)
{
	struct terminal_chan *c = a->chan;

	if (a->up) {
		if (c->state == TERMINAL_CHAN_OPEN && send(c->efd.fd, a->data, a->len, MSG_NOSIGNAL) > 0)
			network_carried(c->t->net, a->len);
	} else if (!c->rx_len && llist_empty(&c->arrived)) {
		terminal_chan_datagram(c, a->data, a->len);
	} else if (c->n_arrived < AIR_MAX) {
		llist_move_tail(&a->entry, &c->arrived);
		c->n_arrived++;
		return;
	}
	llist_del(&a->entry);
	c->n_air--;
	talloc_free(a);
}

static void arrived_cb(void *data)
{
	arrived(data);
}

static void depart(struct terminal_chan *c, bool up, const uint8_t *data, size_t len)
{
	unsigned ms = half_trip(c);
	struct terminal_air *a;

	if (ms)
		fault_struck(c->t->faults, FAULT_ROUND_TRIP);
	if (fault_roll(c->t->faults, FAULT_UDP_REORDER))
		ms += AIR_OVERTAKEN_MS + fault_random(c->t->faults, AIR_OVERTAKEN_MS);
	a = c->n_air < 2 * AIR_MAX ? talloc_zero_size(c, sizeof(*a) + len) : NULL;
	if (!a)
		return;
	c->n_air++;
	llist_add_tail(&a->entry, &c->flying);
	a->chan = c;
	a->up = up;
	a->len = len;
	memcpy(a->data, data, len);
	osmo_timer_setup(&a->timer, arrived_cb, a);
	talloc_set_destructor(a, air_destroy);
	if (ms)
		osmo_timer_schedule(&a->timer, ms / 1000, ms % 1000 * 1000);
	else if (up)
		network_after_commit(c->t->net, arrived_cb, a);
	else
		arrived(a);
}

void terminal_air_datagram(struct terminal_chan *c, bool up, const uint8_t *data, size_t len)
{
	if (fault_roll(c->t->faults, FAULT_UDP_LOSS))
		return;
	if (fault_roll(c->t->faults, FAULT_UDP_DUPLICATE))
		depart(c, up, data, len);
	depart(c, up, data, len);
}

void terminal_air_next(struct terminal_chan *c)
{
	struct terminal_air *a = llist_first_entry_or_null(&c->arrived, struct terminal_air, entry);

	if (!a || c->rx_len)
		return;
	llist_del(&a->entry);
	c->n_arrived--;
	c->n_air--;
	terminal_chan_datagram(c, a->data, a->len);
	talloc_free(a);
}

void terminal_air_close(struct terminal_chan *c)
{
	struct terminal_air *a, *a2;

	llist_for_each_entry_safe(a, a2, &c->flying, entry)
		if (a->up)
			arrived(a);	/* CLOSE CHANNEL is a command of its own: what was said is on disk by now */
}

/* --- connections --- */

void terminal_air_opened(struct terminal_chan *c)
{
	struct terminal *t = c->t;
	unsigned cut = fault(t->faults, FAULT_TCP_CUT), within = fault(t->faults, FAULT_TCP_CUT_RANDOM);

	if (!c->udp && cut)
		c->cut_in = cut;
	else if (!c->udp && within && !t->cut_spared)
		c->cut_in = 1 + fault_random(t->faults, within);
	/* after one that was cut, or may have been, the next is left alone: what is resumed can end */
	t->cut_spared = !c->udp && within && c->cut_in;
	if (t->reset_spared)
		t->reset_spared = false;
	else if (fault_roll(t->faults, FAULT_RESET))
		t->reset_in = 1 + fault_random(t->faults, AIR_RESET_WITHIN);
}

bool terminal_air_cut(struct terminal_chan *c, size_t octets)
{
	const struct linger abrupt = { .l_onoff = 1 };

	if (!c->cut_in)
		return false;
	if (octets < c->cut_in) {
		c->cut_in -= octets;
		return false;
	}
	fault_struck(c->t->faults, fault(c->t->faults, FAULT_TCP_CUT) ? FAULT_TCP_CUT : FAULT_TCP_CUT_RANDOM);
	setsockopt(c->efd.fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof(abrupt));
	return true;
}

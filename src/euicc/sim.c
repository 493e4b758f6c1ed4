/* The simulator's parts put together: state file, simulated network, terminals with their cards.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/sqldb.h>

#include "card_db.h"
#include "card_import.h"
#include "card_int.h"
#include "network.h"
#include "sim.h"
#include "terminal.h"

#define START_RATE 50

static void slot_add(void *priv, const struct eid *eid, const char *imei, bool on)
{
	struct sim *s = priv;
	struct sim_slot *slot = talloc_zero(s, struct sim_slot);

	slot->eid = *eid;
	osmo_strlcpy(slot->imei, imei, sizeof(slot->imei));
	slot->on = on;
	llist_add_tail(&slot->entry, &s->slots);
	s->n_slots++;
}

struct sim *sim_new(void *ctx, const char *state_path)
{
	struct sim *s = talloc_zero(ctx, struct sim);

	INIT_LLIST_HEAD(&s->slots);
	INIT_LLIST_HEAD(&s->subscribers);
	INIT_LLIST_HEAD(&s->routes);
	s->start_rate = START_RATE;
	s->env = card_env_new(s, state_path);
	if (!s->env) {
		talloc_free(s);
		return NULL;
	}
	s->net = network_new(s, NULL);
	if (s->net)
		network_set_db(s->net, s->env->db);
	talloc_free(s->env->faults);
	if (s->net)
		s->env->faults = network_faults(s->net);
	return s;
}

void sim_free(struct sim *s)
{
	struct sim_slot *slot;

	osmo_timer_del(&s->start_timer);
	llist_for_each_entry(slot, &s->slots, entry) {
		TALLOC_FREE(slot->terminal);
		TALLOC_FREE(slot->card);
	}
	talloc_free(s->net);
	card_env_free(s->env);
	talloc_free(s);
}

struct sim_slot *sim_slot(const struct sim *s, const struct eid *eid)
{
	struct sim_slot *slot;

	llist_for_each_entry(slot, &s->slots, entry)
		if (!memcmp(&slot->eid, eid, sizeof(*eid)))
			return slot;
	return NULL;
}

static uint64_t slot_seed(const struct sim *s, const struct sim_slot *slot)
{
	uint64_t h = s->fault_seed;
	size_t i;

	for (i = 0; i < sizeof(slot->eid.b); i++)
		h = h * 1099511628211ULL + slot->eid.b[i];
	return h;
}

struct faults *sim_faults(struct sim *s, struct sim_slot *slot)
{
	if (!slot->faults) {
		slot->faults = faults_new(slot, s->env->faults);
		faults_seed(slot->faults, slot_seed(s, slot));
	}
	return slot->faults;
}

void sim_fault_seed(struct sim *s, uint32_t seed)
{
	struct sim_slot *slot;

	s->fault_seed = seed;
	faults_seed(s->env->faults, seed);
	llist_for_each_entry(slot, &s->slots, entry)
		if (slot->faults)
			faults_seed(slot->faults, slot_seed(s, slot));
}

static int slot_start(struct sim *s, struct sim_slot *slot)
{
	slot->card = card_new(s->env, s, &slot->eid);
	if (!slot->card)
		return -EIO;
	TALLOC_FREE(slot->card->faults);
	slot->card->faults = sim_faults(s, slot);
	slot->terminal = terminal_new(s, s->net, slot->card, slot->imei);
	terminal_set_faults(slot->terminal, slot->faults);
	terminal_power_on(slot->terminal);
	s->n_on++;
	return 0;
}

int sim_power(struct sim *s, struct sim_slot *slot, bool on)
{
	if (slot->on != on)
		card_db_power(s->env, &slot->eid, on);
	slot->on = on;
	if (on && !slot->terminal)
		return slot_start(s, slot);
	if (!on && slot->terminal) {
		terminal_power_off(slot->terminal);
		TALLOC_FREE(slot->terminal);
		TALLOC_FREE(slot->card);
		s->n_on--;
	}
	return 0;
}

struct card *sim_peek(struct sim *s, const struct sim_slot *slot)
{
	return slot->card ? NULL : card_new(s->env, s, &slot->eid);
}

/* Some cards a turn, so that the network and the VTY get theirs while 10,000 start. */
static void start_some(void *data)
{
	struct sim *s = data;
	struct sim_slot *slot;
	unsigned n = 0;

	while (s->start_next != &s->slots && n < s->start_rate) {
		slot = llist_entry(s->start_next, struct sim_slot, entry);
		s->start_next = slot->entry.next;
		if (slot->terminal || (!slot->on && !s->autostart))
			continue;
		sim_power(s, slot, true);
		n++;
	}
	if (s->start_next != &s->slots)
		osmo_timer_schedule(&s->start_timer, 0, 1000);
	else
		LOGP(DSIM, LOGL_NOTICE, "%u of %u cards powered on\n", s->n_on, s->n_slots);
}

static void subscriber_add(void *priv, const char *imsi, const char *msisdn, const uint8_t k[16], const uint8_t opc[16])
{
	struct sim *s = priv;
	int rc = network_subscriber_add(s->net, imsi, msisdn, k, opc);

	if (rc < 0 && rc != -EEXIST)
		LOGP(DSIM, LOGL_ERROR, "subscriber %s: %s\n", imsi, strerror(-rc));
}

static int listen_all(struct sim *s)
{
	unsigned i;
	int rc;

	for (i = 0; i < s->n_listen; i++) {
		const struct sim_listen *l = &s->listen[i];

		rc = network_smpp_listen(s->net, l->ip, l->port, l->password[0] ? l->password : NULL);
		if (rc < 0) {
			LOGP(DSIM, LOGL_ERROR, "SMPP on %s port %u: %s\n", l->ip, l->port, strerror(-rc));
			return rc;
		}
		LOGP(DSIM, LOGL_NOTICE, "SMPP on %s port %d\n", l->ip, rc);
	}
	return 0;
}

static int external(struct sim *s)
{
	int rc = s->n_listen ? -EBUSY : network_external(s->net, s->external);

	if (s->n_listen)
		LOGP(DSIM, LOGL_ERROR, "network: 'smpp listen' and 'external' exclude each other\n");
	else if (rc < 0)
		LOGP(DSIM, LOGL_ERROR, "external network at %s: %s\n", s->external, strerror(-rc));
	else
		LOGP(DSIM, LOGL_NOTICE, "external network is awaited at %s\n", s->external);
	return rc;
}

int sim_start(struct sim *s)
{
	int rc = s->external ? external(s) : listen_all(s);

	if (rc < 0)
		return rc;
	card_db_each_subscriber(s->env, subscriber_add, s);
	card_db_each(s->env, slot_add, s);
	s->start_next = s->slots.next;
	osmo_timer_setup(&s->start_timer, start_some, s);
	osmo_timer_schedule(&s->start_timer, 0, 0);
	return 0;
}

int sim_import(struct sim *s, const char *path, unsigned *known)
{
	int n = card_import_file(s->env, path, known);

	if (n > 0)
		txn_commit(s->env->db);
	return n;
}

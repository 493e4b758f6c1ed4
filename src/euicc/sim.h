/* The simulator as a whole: state file, network, one terminal and card for each EID.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>
#include <osmocom/rsp/util/ids.h>

struct card;
struct card_env;
struct faults;
struct network;
struct terminal;

struct sim_slot {
	struct llist_head entry;
	struct eid eid;
	char imei[17];
	bool on;
	struct faults *faults;		/* of its own; NULL: never looked at */
	struct terminal *terminal;	/* while on */
	struct card *card;		/* while on */
};

/* What the configuration says; written back by `write file`. */
#define SIM_LISTEN_MAX 4
struct sim_listen { char ip[48], password[16]; uint16_t port; };
struct sim_subscriber { struct llist_head entry; char imsi[16], msisdn[16]; uint8_t k[16], opc[16]; bool has_key; };
struct sim_route { struct llist_head entry; char prefix[21], system_id[17]; };

struct sim {
	struct card_env *env;
	struct network *net;
	struct llist_head slots;
	unsigned n_slots, n_on;
	bool autostart;
	uint32_t fault_seed;
	unsigned start_rate;		/* cards powered on in one turn of the loop */
	struct osmo_timer_list start_timer;
	struct llist_head *start_next;
	struct sim_listen listen[SIM_LISTEN_MAX];
	unsigned n_listen;
	char *external;			/* socket; NULL: the network is our own */
	struct llist_head subscribers, routes;
};

struct sim *sim_new(void *ctx, const char *state_path);	/* NULL and a log line */
void sim_free(struct sim *s);
/* After the configuration: subscribers, SMPP server, cards that are to be on. 0 or negative with a log line. */
int sim_start(struct sim *s);
/* Import a batch file, commit; number of cards or negative. */
int sim_import(struct sim *s, const char *path, unsigned *known);
struct sim_slot *sim_slot(const struct sim *s, const struct eid *eid);
int sim_power(struct sim *s, struct sim_slot *slot, bool on);
/* What goes wrong with this card; kept while it is off. */
struct faults *sim_faults(struct sim *s, struct sim_slot *slot);
/* The dice of all cards begin anew. */
void sim_fault_seed(struct sim *s, uint32_t seed);
/* The card of a slot that is off, to look at: free with talloc_free(). NULL when on (use slot->card) or unreadable. */
struct card *sim_peek(struct sim *s, const struct sim_slot *slot);

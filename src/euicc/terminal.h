/* A simulated M2M modem: drives one card, attaches to the network, carries SMS and TCP/UDP channels for it.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct terminal;
struct network;
struct card;
struct faults;

/* imei: 14 to 16 digits. Off at first. Frees its network registration and channels with itself (talloc_free), not the
 * card; free it before net. */
struct terminal *terminal_new(void *ctx, struct network *net, struct card *card, const char *imei);
/* What goes wrong with it; stays the caller's. */
void terminal_set_faults(struct terminal *t, struct faults *f);
void terminal_power_on(struct terminal *t);
void terminal_power_off(struct terminal *t);
/* false: as in a cellar, no network until set back. */
void terminal_set_service(struct terminal *t, bool service);
bool terminal_attached(const struct terminal *t);
const char *terminal_imsi(const struct terminal *t);	/* "" when none was read */
/* The card has something of its own (a test's fault, the VTY): give it a STATUS soon. */
void terminal_poke(struct terminal *t);
/* Lines for `show terminal`, talloc'ed under ctx. */
char *terminal_describe(const struct terminal *t, void *ctx);

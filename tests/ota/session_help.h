/* What the tests of the card sessions share: an owner with two cards in memory, a fake SMS port, the loop.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <osmocom/rsp/ota/card_session.h>
#include <osmocom/rsp/sms/sms_port.h>

struct sent_sms {
	char to[20];
	uint8_t packet[1500];
	size_t len, ud_max;
	void (*done)(void *priv, enum sms_outcome outcome);
	void *priv;			/* NULL: forgotten, or its outcome was told */
};

/* One command's owner. */
struct owner {
	unsigned n_done, n_mark;
	enum card_outcome outcome;
	char detail[128], bearer[16];
	uint8_t resp[512];
	size_t resp_len;
	int mark_rc;
};

struct world {
	void *ctx;
	struct sqldb *db;
	struct card_sessions *cs;
	struct card_session_ops ops;
	struct eid eid, eid2;
	char msisdn[20];
	bool https, sms_up, unknown, cattp, compact;
	struct key *kic, *kid;
	uint8_t spi1, spi2;
	uint64_t counter, counter_step;
	struct card_learned learned;
	unsigned n_learned;
	const char *iccid, *apn, *login, *password;
	struct card_bearer_cfg bearer;
	struct sent_sms sms[64];
	unsigned n_sms;
	unsigned n_notif, n_heard;
	uint8_t notif[256];
	size_t notif_len;
	char notif_bearer[16];
	struct card_cmd confirm;	/* queued from inside notification() when it has a script */
	bool confirm_wanted;
};

extern struct world *W;

#define EID "89001012012341234012345678901224"
#define EID2 "89001012012341234012345678901321"
#define IDENTITY "8001028110890010120123412340123456789012244F10A0000005591010FFFFFFFF8900000100820101830140"
#define GET_STATUS "220880F24002024F0000"

int world_setup(void **state);		/* timers of some 10 ms */
int world_teardown(void **state);
void world_start(unsigned sms_max_parts);
void world_turn(void);
void world_spin(unsigned ms);
void world_wait(const unsigned *what, unsigned want);
/* The SMSC's word on the n-th SMS. */
void world_sms(unsigned n, enum sms_outcome outcome);
struct card_cmd world_cmd(struct owner *o, const char *script_hex);
void world_send(struct owner *o, const struct card_cmd *c, unsigned timeout_s);
size_t world_hex(uint8_t *out, size_t size, const char *hex);
/* The card's side: what the n-th SMS says, and a response packet for it. */
struct scp80_sec;
struct bytes *world_open(unsigned n, struct scp80_sec *sec);
void world_por(const struct scp80_sec *sec, uint8_t status, const char *data_hex);
#define assert_hex(data, len, hex) do { \
	uint8_t _b[8192]; size_t _l = world_hex(_b, sizeof(_b), hex); \
	assert_int_equal(len, _l); assert_memory_equal(data, _b, _l); } while (0)

/* A card of a few lines, the simulated network and a terminal between them: for the tests of the terminal. The card's
 * functions here take the place of card.c's. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/crypt/auth.h>

#include <osmocom/rsp/bip/bip_cmd.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/sms/tpdu.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/logging.h>

#include "../sms/loop.h"
#include "euicc/card.h"
#include "euicc/faults.h"
#include "euicc/network.h"
#include "euicc/terminal.h"
#include "euicc/usim.h"

#define IMSI "262420000000001"
#define IMSI2 "262420000000002"
#define MSISDN "491720000001"
#define IMEI "315200000000001"

#define EVENTS "D00F810301050082028182190403090A0B"	/* bip.json: location, data, channel, access technology */

extern const uint8_t terminal_rig_k[16], terminal_rig_opc[16];

struct card {
	struct eid eid;
	const char *imsi_ef;		/* EF.IMSI as hex */
	const char *imsi_ef_after_reset;
	struct osmo_sub_auth_data aud;	/* in step with the network's */
	bool wrong_key;
	unsigned poll_s, resets, profiles, statuses, auths;
	uint16_t fid;
	bool adf;
	char queue[16][600];		/* proactive commands as hex */
	unsigned q_in, q_out;
	struct bytes *resp[32], *env[32];	/* terminal responses, envelopes */
	unsigned n_resp, n_env;
	uint16_t env_sw;
	bool fetching;
};

extern void *root;
extern struct network *net;
extern struct card *card;
extern struct terminal *term;

int terminal_rig_setup(void **state);
int terminal_rig_teardown(void **state);
void terminal_rig_queue(struct card *c, const char *hex);
void terminal_rig_power_on(void);		/* attached, location told */
void terminal_rig_is(const struct bytes *b, const char *hex);
/* The card has a command; waits for the response to it. */
const struct bytes *terminal_rig_do(const char *hex);
const struct bytes *terminal_rig_do_enc(const struct bip_cmd *c);
int terminal_rig_main(const char *name, const struct CMUnitTest *tests, size_t n);

#define T(f) cmocka_unit_test_setup_teardown(f, terminal_rig_setup, terminal_rig_teardown)

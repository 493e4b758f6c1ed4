/* A whole SM-SR without its edges: the ES link and the card sessions are replaced (-Wl,--wrap), the clock is ours.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <talloc.h>

#include "../../src/smsr/es1_srv.h"
#include "../../src/smsr/notif_in.h"
#include "../../src/smsr/plat_srv.h"

#define btw(fmt, args...) printf("    - " fmt "\n", ##args)

#define EID1	"89001012012341234012345678901224"	/* card-side 3.11 */
#define OP	"1.3.6.1.4.1.49999.11"
#define BOOT	"1.3.6.1.4.1.49999.10"
#define OTHER	"1.3.6.1.4.1.49999.12"
#define SMDP	"1.3.6.1.4.1.49999.3"
#define M2M	"1.3.6.1.4.1.49999.13"
#define SMDP2	"1.3.6.1.4.1.49999.5"
#define ICCID_BOOT	"8949000000000000001"
#define ICCID_OP	"8949000000000000019"
#define ICCID_NEW	"8949000000000000027"
#define NR_BOOT	"491700000001"
#define NR_OP	"491700000002"

struct answer {
	int64_t req_id;
	enum es_status status;
	char code[40];		/* "8.2.3/3.8" */
	char data[4096];	/* EuiccResponseData, hex */
	struct aid isdp_aid;
	size_t n_profiles;
	char iccid[ICCID_STR_SIZE];	/* of the first */
	bool isdr, ecasd, signed_info;
};

struct sent {
	struct card_cmd c;
	char script[8192];	/* hex */
	bool open;		/* done() still owed */
};

extern struct flow {
	void *root;
	struct smsr_db *db;
	struct keystore *ks;
	struct euiccs *reg;
	struct euicc *e;
	char path[64];
	struct answer answer[64]; unsigned n_answers;
	struct sent sent[64]; unsigned n_sent;
	char called[64][128]; unsigned n_called;	/* "ES4 HandleProfileEnabledNotification ICCID -> OID" */
	int64_t now;
	int send_rc;
	unsigned releases;
	bool session;		/* the card sessions have one for the eUICC */
	bool unsent;			/* what card_session_forget() says */
} flow;

int flow_setup(void **state); /* database in a file, one eUICC with a boot and an operator's profile */
int flow_teardown(void **state);
void flow_restart(void);			/* kill -9 after the last commit, and start; requests are given again */

/* A request. Returns its id. */
int64_t flow_ask(enum es_iface iface, enum es_func func, const char *party, const char *iccid, unsigned validity_s);
struct es_body *flow_body(void);		/* of the next request: set fields, then flow_ask() */

int64_t flow_register(struct es_msg *m, struct es_party *party, const struct es1_trust *trust);

void flow_pass(unsigned seconds);
/* The card: the newest open command leaves; then what it says. */
void flow_leaves(void);
void flow_card(const char *resp_hex);		/* leaves first if it has not */
void flow_outcome(enum card_outcome outcome);
void flow_notif(unsigned type, unsigned seq, const char *iccid);	/* by SMS */
void flow_notif_by(unsigned type, unsigned seq, const char *iccid, const char *bearer);
const char *flow_script(void);			/* of the newest command, "" none open */

struct answer *flow_answered(int64_t req_id);	/* NULL: not yet */
bool flow_called(const char *what);
int flow_state(const char *iccid);			/* enum eis_pstate, -1: none */
unsigned flow_active(void);			/* rows not ended */
void flow_pol2(const char *iccid, const char *action, const char *qualification);
bool flow_timeline(const char *operation, const char *outcome);

#define assert_answer(id, st, co) do { \
	struct answer *_a = flow_answered(id); \
	assert_non_null(_a); \
	assert_int_equal(_a->status, st); \
	assert_string_equal(_a->code, co); \
} while (0)
#define assert_not_answered(id) assert_null(flow_answered(id))

/* Given by the specification digest, not by our encoder (card-side 3.2 to 3.5, 3.12). */
#define AID_BOOT	"A0000005591010FFFFFFFF8900001100"
#define AID_OP		"A0000005591010FFFFFFFF8900001200"

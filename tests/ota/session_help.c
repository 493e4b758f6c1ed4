/* See session_help.h.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include "session_help.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <time.h>
#include <osmocom/core/application.h>
#include <osmocom/core/fsm.h>
#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/sqldb.h>

struct world *W;

/* --- the SMS port, as the card sessions see it ---------------------------------------------------------------- */

int sms_port_send(struct sms_port *p, const char *msisdn, const uint8_t *packet, size_t len,
		  void (*done)(void *priv, enum sms_outcome outcome), void *priv)
{
	return sms_port_send_cut(p, msisdn, packet, len, 140, done, priv);
}

int sms_port_send_cut(struct sms_port *p, const char *msisdn, const uint8_t *packet, size_t len, size_t ud_max,
		      void (*done)(void *priv, enum sms_outcome outcome), void *priv)
{
	struct sent_sms *s = &W->sms[W->n_sms];

	assert_true(W->n_sms < ARRAY_SIZE(W->sms));
	assert_true(len <= sizeof(s->packet));
	W->n_sms++;
	OSMO_STRLCPY_ARRAY(s->to, msisdn);
	memcpy(s->packet, packet, len);
	s->len = len;
	s->ud_max = ud_max;
	s->done = done;
	s->priv = priv;
	return 0;
}

void sms_port_forget(struct sms_port *p, void *priv)
{
	unsigned i;

	for (i = 0; i < W->n_sms; i++)
		if (W->sms[i].priv == priv)
			W->sms[i].priv = NULL;
}

bool sms_port_up(const struct sms_port *p)
{
	return W->sms_up;
}

void world_sms(unsigned n, enum sms_outcome outcome)
{
	struct sent_sms *s = &W->sms[n];
	void *priv = s->priv;

	assert_true(n < W->n_sms);
	s->priv = NULL;
	if (priv)
		s->done(priv, outcome);
	world_turn();
}

/* --- the owner ------------------------------------------------------------------------------------------------ */

static int op_info(void *priv, const struct eid *eid, struct card_info *info)
{
	if (W->unknown || (memcmp(eid, &W->eid, sizeof(*eid)) && memcmp(eid, &W->eid2, sizeof(*eid))))
		return -ENOENT;
	*info = (struct card_info){ .eid = *eid, .msisdn = W->msisdn, .scp80_kvn = 1, .kic = W->kic, .kid = W->kid,
				    .scp81_kvn = 0x40, .scp81_kid = 1, .https = W->https, .cattp = W->cattp,
				    .spi1 = W->spi1, .spi2 = W->spi2, .compact = W->compact, .learned = W->learned,
				    .apn = W->apn, .login = W->login, .password = W->password };
	return 0;
}

static int op_psk(void *priv, const struct eid *eid, uint8_t kvn, uint8_t kid, uint8_t *psk, size_t size)
{
	unsigned i;

	if (kvn != 0x40 || kid != 1)
		return -ENOENT;
	for (i = 0; i < 16; i++)
		psk[i] = 0x20 + i;
	return 16;
}

static int op_counter_next(void *priv, const struct eid *eid, uint8_t kvn, bool exact, uint64_t *cntr)
{
	assert_int_equal(kvn, 1);
	W->counter += exact ? 1 : W->counter_step;
	*cntr = W->counter;
	return 0;
}

static void op_learned(void *priv, const struct eid *eid, const struct card_learned *l)
{
	W->learned = *l;
	W->n_learned++;
}

static int op_by_iccid(void *priv, const char *iccid, struct eid *eid)
{
	if (strcmp(iccid, W->iccid))
		return -ENOENT;
	*eid = W->eid;
	return 0;
}

static bool op_candidates(void *priv, const char *msisdn, bool (*each)(void *arg, const struct eid *eid), void *arg)
{
	return each(arg, &W->eid2) || each(arg, &W->eid);
}

static void op_notification(void *priv, const struct eid *eid, const uint8_t *e1, size_t len, const char *bearer)
{
	W->n_notif++;
	memcpy(W->notif, e1, len);
	W->notif_len = len;
	OSMO_STRLCPY_ARRAY(W->notif_bearer, bearer);
	if (W->confirm_wanted)
		assert_int_equal(card_session_send(W->cs, eid, &W->confirm, 10), 0);
}

static void op_heard(void *priv, const struct eid *eid, const char *bearer)
{
	W->n_heard++;
}

static int mark_sent(void *priv, const char *bearer)
{
	struct owner *o = priv;

	o->n_mark++;
	OSMO_STRLCPY_ARRAY(o->bearer, bearer);
	return o->mark_rc;
}

static void done(void *priv, enum card_outcome outcome, const char *detail, const uint8_t *resp, size_t len)
{
	struct owner *o = priv;

	o->n_done++;
	o->outcome = outcome;
	OSMO_STRLCPY_ARRAY(o->detail, detail);
	assert_true(len <= sizeof(o->resp));
	if (len)
		memcpy(o->resp, resp, len);
	o->resp_len = len;
}

/* --- helpers -------------------------------------------------------------------------------------------------- */

size_t world_hex(uint8_t *out, size_t size, const char *hex)
{
	int n = hex_dec(out, size, hex);

	assert_true(n >= 0);
	return n;
}

struct card_cmd world_cmd(struct owner *o, const char *script_hex)
{
	struct bytes *b = bytes_from_hex(W->ctx, script_hex);

	assert_non_null(b);
	return (struct card_cmd){ .target = aid_isd_r, .script = b->data, .script_len = b->len, .mark_sent = mark_sent,
				  .done = done, .priv = o };
}

void world_send(struct owner *o, const struct card_cmd *c, unsigned timeout_s)
{
	unsigned n = o->n_done;

	assert_int_equal(card_session_send(W->cs, &W->eid, c, timeout_s), 0);
	assert_int_equal(o->n_done, n);		/* never from inside */
	world_turn();
}

struct bytes *world_open(unsigned n, struct scp80_sec *sec)
{
	struct bytes *b = bytes_new(W->ctx, 0);

	assert_true(n < W->n_sms);
	assert_int_equal(scp80_cmd_dec(b, sec, W->kic, W->kid, W->sms[n].packet, W->sms[n].len), 0);
	return b;
}

void world_por(const struct scp80_sec *sec, uint8_t status, const char *data_hex)
{
	struct bytes *b = bytes_new(W->ctx, 0);
	uint8_t data[600];
	size_t len = world_hex(data, sizeof(data), data_hex);

	assert_int_equal(scp80_rsp_enc(b, sec, W->kic, W->kid, status, data, len), 0);
	card_sessions_sms_rx(W->cs, "4711", true, b->data, b->len);
	world_turn();
}

static void idle_cb(void *data)
{
}

/* one turn of the loop of at most 5 ms, and its commit */
static void turn_once(void)
{
	struct osmo_timer_list t = { 0 };

	osmo_timer_setup(&t, idle_cb, NULL);
	osmo_timer_schedule(&t, 0, 5000);
	osmo_select_main_ctx(0);
	osmo_timer_del(&t);
	txn_commit(W->db);
}

void world_turn(void)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		turn_once();
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void world_spin(unsigned ms)
{
	int64_t end = now_ms() + ms;

	while (now_ms() < end)
		turn_once();
}

void world_wait(const unsigned *what, unsigned want)
{
	int64_t end = now_ms() + 5000;

	while (*what < want && now_ms() < end)
		turn_once();
	assert_int_equal(*what, want);
}

/* --- begin and end -------------------------------------------------------------------------------------------- */

static struct key *test_key(void *ctx, const char *hex)
{
	uint8_t b[16];

	assert_int_equal(world_hex(b, sizeof(b), hex), 16);
	return key_new(ctx, KEY_TYPE_AES, b, 16);
}

int world_setup(void **state)
{
	static const char *const schema[] = { "CREATE TABLE t (x INTEGER)" };

	if (!osmo_stderr_target)
		osmo_init_logging2(NULL, &rsp_log_info);
	log_set_all_filter(osmo_stderr_target, 0);
	for (int i = 0; i < 12; i++)
		log_set_category_filter(osmo_stderr_target, i, 1, getenv("SESSION_DEBUG") ? LOGL_DEBUG : LOGL_FATAL);
	W = talloc_zero(NULL, struct world);
	W->ctx = W;
	assert_int_equal(sqldb_open(&W->db, W, ":memory:", schema, 1), 0);
	assert_int_equal(hex_dec(W->eid.b, 16, EID), 16);
	assert_int_equal(hex_dec(W->eid2.b, 16, EID2), 16);
	/* keys of the worked examples (spec/vectors/scp80.json) */
	W->kic = test_key(W, "000102030405060708090A0B0C0D0E0F");
	W->kid = test_key(W, "101112131415161718191A1B1C1D1E1F");
	W->sms_up = true;
	W->counter_step = 1;
	card_bearer_cfg_default(&W->bearer);
	W->bearer.triggers = 4;
	W->bearer.scp81.polls = 0;
	W->https = true;
	OSMO_STRLCPY_ARRAY(W->msisdn, "49170123");
	W->ops = (struct card_session_ops){ .info = op_info, .psk = op_psk, .counter_next = op_counter_next,
					    .candidates = op_candidates, .notification = op_notification, .heard = op_heard,
					    .learned = op_learned, .by_iccid = op_by_iccid };
	osmo_tdef_set(card_session_tdefs, CARD_T_POR, 1500, OSMO_TDEF_MS);
	osmo_tdef_set(card_session_tdefs, CARD_T_TRIGGER, 200, OSMO_TDEF_MS);
	osmo_tdef_set(card_session_tdefs, CARD_T_HOLD, 1000, OSMO_TDEF_MS);
	osmo_tdef_set(card_session_tdefs, CARD_T_HOLD_NOTIF, 800, OSMO_TDEF_MS);
	osmo_tdef_set(card_session_tdefs, CARD_T_SMS_RETRY, 100, OSMO_TDEF_MS);
	osmo_tdef_set(card_session_tdefs, CARD_T_REOPEN, 400, OSMO_TDEF_MS);
	return 0;
}

void world_start(unsigned sms_max_parts)
{
	struct card_sessions_cfg cfg = {
		.ops = &W->ops, .priv = W, .sms = (struct sms_port *)W, .db = W->db, .scp81_bind_ip = "127.0.0.1",
		.adv_ip = "10.0.0.1", .adv_port = 443, .uri = "/gsma/adminagent", .sms_max_parts = sms_max_parts,
		.bearer = &W->bearer, .cattp_bind_ip = W->cattp ? "127.0.0.1" : NULL,
	};

	W->cs = card_sessions_new(W->ctx, &cfg);
	assert_non_null(W->cs);
}

int world_teardown(void **state)
{
	card_sessions_free(W->cs);
	sqldb_close(W->db);
	talloc_free(W);
	W = NULL;
	return 0;
}

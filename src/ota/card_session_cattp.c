/* SCP80 over CAT_TP with one card: PUSH by SMS asks it for a channel and a link, the identification in its SYN says who
 * it is, then one packet is one SDU (SGP.02 2.4.3, TS 102 226 9, ota-transport 5.1, 7.6). The link proves nothing: the
 * card is believed when a response verifies.
 *
 *	CLOSED -> TRIGGER -> OPEN <-> WAIT -> CLOSED
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/push.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/sqldb.h>
#include "card_session_priv.h"

enum cattp_session_st { ST_CLOSED, ST_TRIGGER, ST_OPEN, ST_WAIT };
#define S(x) (1 << (x))
#define CHANNEL_BUFFER 1400
#define ICCID_OCTETS 10
#define HURRY_MS 3000

static void state_chg(struct card *card, enum cattp_session_st st, unsigned long ms)
{
	card_fsm_chg(card->sct.fi, st, ms);
}

static enum cattp_session_st state(const struct card *card)
{
	return card->sct.fi->state;
}

bool cattp_session_idle(const struct card *card)
{
	return state(card) == ST_CLOSED;
}

static void id_end(struct cattp_session *s)
{
	if (s->id_live)
		hash_del(&s->node);
	s->id_live = false;
}

static uint32_t id_key(const uint8_t *id)
{
	return (uint32_t)id[0] << 24 | id[1] << 16 | id[2] << 8 | id[3];
}

static void id_new(struct card *card)
{
	struct cattp_session *s = &card->sct;

	id_end(s);
	rand_bytes(s->id, sizeof(s->id));
	hash_add(card->cs->cattp_ids, &s->node, id_key(s->id));
	s->id_live = true;
}

/* --- trigger -------------------------------------------------------------------------------------------------- */

static void trigger_wait(struct card *card)
{
	unsigned n = card->sct.triggers;
	unsigned long t = card_tdef_ms(CARD_T_TRIGGER);

	state_chg(card, ST_TRIGGER, card->sct.unreachable ? card_tdef_ms(CARD_T_SMS_RETRY) :
		  t * (n <= 1 ? 1 : n == 2 ? 2 : 4));
}

static void trigger_sms_done(void *priv, enum sms_outcome outcome)
{
	struct cattp_session *s = priv;
	struct card *card = container_of(s, struct card, sct);

	s->trigger_out = false;
	s->unreachable = outcome != SMS_DELIVERED;
	LOG_CARD(card, DCARD, LOGL_INFO, "CAT_TP trigger %s\n", s->unreachable ? "not delivered" : "delivered");
	if (s->unreachable && state(card) == ST_TRIGGER)
		trigger_wait(card);
}

/* Both requests in one packet, the channel first (SGP.02 2.4.3). */
static int push_script(struct card *card, struct bytes *out)
{
	const struct card_sessions_cfg *cfg = &card->cs->cfg;
	const struct card_info *info = &card->info;
	struct scp81_params conn = { .buffer = CHANNEL_BUFFER, .port = cfg->cattp_adv_port };
	struct bytes *channel = bytes_new(card, 0), *link = bytes_new(card, 0), *tlvs = bytes_new(card, 0);
	int rc = channel && link && tlvs ? 0 : -ENOMEM;

	OSMO_STRLCPY_ARRAY(conn.ip, cfg->cattp_adv_ip);
	OSMO_STRLCPY_ARRAY(conn.apn, info->apn ? : "");
	OSMO_STRLCPY_ARRAY(conn.login, info->login ? : "");
	OSMO_STRLCPY_ARRAY(conn.password, info->password ? : "");
	if (rc == 0)
		rc = push_channel_enc(channel, &conn);
	if (rc == 0)
		rc = push_cattp_enc(link, cattp_srv_port(card->cs->cattp), card_bearer_cfg(card)->cattp.link.max_sdu,
				    card->sct.id, sizeof(card->sct.id));
	if (rc == 0 && info->compact) {
		bytes_put(out, channel->data, channel->len);
		rc = bytes_put(out, link->data, link->len);
	} else if (rc == 0) {
		script_put_capdu(tlvs, channel->data, channel->len);
		script_put_capdu(tlvs, link->data, link->len);
		rc = script_cmd_enc(out, tlvs->data, tlvs->len, true, SCRIPT_CHAIN_NONE);
	}
	secret_wipe(conn.password, sizeof(conn.password));
	talloc_free(channel);
	talloc_free(link);
	talloc_free(tlvs);
	return rc;
}

static int push_packet(struct card *card)
{
	struct scp80_out *push = &card->sct.push;
	struct bytes *script = bytes_new(card, 1024);
	int rc = script ? push_script(card, script) : -ENOMEM;

	push->sec = (struct scp80_sec){ .spi2 = card->info.spi2 ? : SCP80_SPI2_POR, .tar = aid_tar(&aid_isd_r) };
	if (rc == 0)
		rc = card_scp80_make(card, push, false, false, script->data, script->len);
	talloc_free(script);
	return rc;
}

static void trigger_send(struct card *card)
{
	struct cattp_session *s = &card->sct;
	struct sms_port *sms = card->cs->cfg.sms;
	int rc = -EAGAIN;

	if (s->trigger_out) {		/* the SMSC still tries the last one */
		trigger_wait(card);
		return;
	}
	if (card_bearer_triggers_used(card, s->triggers, s->unreachable))
		return;
	if (card_refresh(card) == 0 && card->info.msisdn && sms_port_up(sms))
		rc = push_packet(card);
	if (rc == 0)
		rc = sms_port_send_cut(sms, card->info.msisdn, s->push.packet->data, s->push.packet->len,
				       scp80_session_ud(card), trigger_sms_done, s);
	s->unreachable = rc < 0;
	if (rc == 0) {
		s->triggers++;
		s->trigger_out = true;
		LOG_CARD(card, DCARD, LOGL_INFO, "CAT_TP trigger %u by SMS\n", s->triggers);
	}
	trigger_wait(card);
}

static void trigger_end(struct card *card)
{
	struct cattp_session *s = &card->sct;

	if (s->trigger_out)
		sms_port_forget(card->cs->cfg.sms, s);
	s->trigger_out = false;
	card_scp80_end(&s->push);
}

void cattp_session_wake(struct card *card)
{
	if (state(card) == ST_TRIGGER && card->sct.unreachable)
		trigger_send(card);
}

/* What the card says of PUSH: 6F00 and a result when the terminal could not open the channel (TS 102 226 9.2.1). */
static void push_refused(char *out, size_t size, uint8_t status, const struct bytes *data)
{
	struct script_rsp r;
	struct apdu_rsp a;

	out[0] = '\0';
	if (status != SCP80_ST_OK)
		snprintf(out, size, "PUSH: %s", scp80_status_text(status));
	else if (script_rsp_dec(&r, data->data, data->len) < 0)
		return;		/* compact, or nothing: the link will show */
	else if (r.bad_format > 0)
		snprintf(out, size, "PUSH: bad format");
	else if (script_rapdu_decisive(&a, r.tlvs, r.len) == 0 && !apdu_sw_goes_on(a.sw))
		snprintf(out, size, "PUSH: %04X %s", a.sw,
			 a.len ? osmo_hexdump_nospc(a.data, OSMO_MIN(a.len, 8U)) : "");
}

bool cattp_session_por(struct card *card, const uint8_t *packet, size_t len)
{
	struct cattp_session *s = &card->sct;
	enum scp80_answer answer;
	struct bytes *data;
	uint8_t status = 0;
	char why[64];

	if (!s->push.packet)
		return false;
	data = bytes_new(card, SCP80_PACKET_MAX);
	answer = data ? card_scp80_rsp(card, &s->push, false, &status, data, packet, len) : SCP80_FOREIGN;
	if (answer == SCP80_FINAL) {
		card_scp80_end(&s->push);
		push_refused(why, sizeof(why), status, data);
		if (why[0])
			LOG_CARD(card, DCARD, LOGL_NOTICE, "%s\n", why);
		if (why[0] && state(card) == ST_TRIGGER)
			card_bearer_failed(card, why);
	}
	talloc_free(data);
	return answer != SCP80_FOREIGN;
}

/* --- the link ------------------------------------------------------------------------------------------------- */

/* After the commit: the command may leave. */
static void hand_over(void *data)
{
	struct cattp_session *s = data;

	if (!s->conn || !s->out.packet || s->handed)
		return;		/* closed() tells of it */
	txn_crash_point("CAT_TP SDU");
	if (cattp_conn_send(s->conn, s->out.packet->data, s->out.packet->len) == 0)
		s->handed = true;
	else			/* no handlers in this phase */
		card_fsm_chg(s->fi, ST_WAIT, 1);
}

/* cur goes out on the link. */
static void give(struct card *card)
{
	struct cattp_session *s = &card->sct;
	const struct card_cmd *c = &card->cur->c;

	if (card_refresh(card) < 0 || !card_bearer_cut(card) || card_scp80_cmd(card, &s->out, true) < 0) {
		card_cmd_done(card, CARD_NOT_SENT, "no packet could be made", NULL, 0);
		return;
	}
	if (card_cmd_mark(card, CARD_BY_CATTP) < 0) {
		card_scp80_end(&s->out);
		card_cmd_done(card, CARD_NOT_SENT, "stopped before it left", NULL, 0);
		return;
	}
	s->more = false;
	s->chain = c->chained && c->more;
	s->handed = false;
	LOG_CARD(card, DCARD, LOGL_INFO, "script of %zu octets, packet of %zu, counter %010llX, by CAT_TP\n",
		 c->script_len, s->out.packet->len, (unsigned long long)s->out.sec.cntr);
	state_chg(card, ST_WAIT, 0);		/* until the command's deadline */
	txn_after_commit(card->cs->cfg.db, hand_over, s);
}

static void cattp_start(struct card *card)
{
	struct cattp_session *s = &card->sct;

	if (s->conn) {
		give(card);
		return;
	}
	s->triggers = 0;
	s->unreachable = false;
	id_new(card);
	state_chg(card, ST_TRIGGER, 0);
	trigger_send(card);
}

static void link_close(struct card *card)
{
	struct cattp_session *s = &card->sct;

	txn_forget(card->cs->cfg.db, s);
	card_scp80_end(&s->out);
	if (s->conn)
		cattp_conn_close(s->conn);
	s->conn = NULL;
	s->chain = s->more = s->handed = false;
	id_end(s);
	if (state(card) != ST_CLOSED)
		state_chg(card, ST_CLOSED, 0);
}

/* A command whose answer nobody wants any more ends the link: the next one must not meet its response. */
void cattp_session_stop(struct card *card)
{
	trigger_end(card);
	if (state(card) == ST_TRIGGER || state(card) == ST_WAIT)
		link_close(card);
	card_kick(card);
}

void cattp_session_hurry(struct card *card)
{
	if (state(card) == ST_WAIT && card->sct.handed)
		card_fsm_chg(card->sct.fi, ST_WAIT, HURRY_MS);
}

static bool cattp_left(const struct card *card)
{
	return state(card) == ST_WAIT && card->sct.handed;
}

static bool cattp_withdraw(struct card *card)
{
	struct cattp_session *s = &card->sct;

	if (cattp_left(card))
		return false;
	if (state(card) == ST_WAIT) {
		txn_forget(card->cs->cfg.db, s);
		card_scp80_end(&s->out);
		state_chg(card, ST_OPEN, card_tdef_ms(CARD_T_LINK));
	} else {
		cattp_session_stop(card);
	}
	return true;
}

static bool cattp_ready(const struct card *card)
{
	return card->sct.conn && state(card) == ST_OPEN;
}

static bool cattp_chain(const struct card *card)
{
	return card->sct.conn && card->sct.chain;
}

const struct bearer_ops cattp_bearer = {
	.start = cattp_start, .withdraw = cattp_withdraw, .stop = cattp_session_stop,
	.left = cattp_left, .open = cattp_ready, .chain = cattp_chain,
};

/* The server ends the link when there is nothing to do (ota-transport 7.6). */
void cattp_session_nothing_to_do(struct card *card)
{
	if (state(card) != ST_OPEN || card->sct.more)
		return;
	LOG_CARD(card, DCARD, LOGL_INFO, "CAT_TP link is closed, nothing to do\n");
	link_close(card);
	card_kick(card);
}

void cattp_session_release(struct card *card)
{
	card->sct.more = card->sct.chain = false;
	card_kick(card);
}

void cattp_session_free(struct card *card)
{
	trigger_end(card);
	link_close(card);
}

/* --- from the server ------------------------------------------------------------------------------------------- */

static struct card *by_pushed_id(struct card_sessions *cs, const uint8_t *id)
{
	struct cattp_session *s;

	hash_for_each_possible(cs->cattp_ids, s, node, id_key(id))
		if (!memcmp(s->id, id, sizeof(s->id)))
			return container_of(s, struct card, sct);
	return NULL;
}

/* EF-ICCID: ten octets of swapped digits, F at the end when there are nineteen. */
static struct card *by_iccid(struct card_sessions *cs, const uint8_t *id)
{
	char iccid[ICCID_STR_SIZE] = "";
	struct eid eid;
	unsigned i;

	for (i = 0; i < 2 * ICCID_OCTETS; i++) {
		uint8_t digit = i % 2 ? id[i / 2] >> 4 : id[i / 2] & 0x0F;

		if (digit > 9)
			break;
		iccid[i] = '0' + digit;
	}
	iccid[i] = '\0';
	if (i < 2 * ICCID_OCTETS - 2 || !cs->cfg.ops->by_iccid || cs->cfg.ops->by_iccid(cs->cfg.priv, iccid, &eid) < 0)
		return NULL;
	return card_find(cs, &eid);
}

/* Only cards that we have something for: others would cost memory, and there is nothing to tell them. */
static struct card *identify(struct card_sessions *cs, const uint8_t *id, size_t id_len)
{
	struct eid eid;

	switch (id_len) {
	case CARD_CATTP_ID_LEN:
		return by_pushed_id(cs, id);
	case ICCID_OCTETS:
		return by_iccid(cs, id);
	case sizeof(eid.b):
		memcpy(eid.b, id, sizeof(eid.b));
		return card_find(cs, &eid);
	default:
		return NULL;
	}
}

static bool srv_expected(void *priv, const uint8_t *id, size_t id_len)
{
	return identify(priv, id, id_len);
}

/* A second link: the card has forgotten the first. Anybody may know an ICCID, so that one never displaces a link that
 * was opened by the identification we chose. */
static bool displaces(struct card *card, bool by_id)
{
	struct cattp_session *s = &card->sct;
	bool waits = state(card) == ST_WAIT, handed = s->handed;

	if (!s->conn)
		return true;
	if (s->by_id && !by_id)
		return false;
	LOG_CARD(card, DCARD, LOGL_INFO, "newer CAT_TP link, the older one is dismissed\n");
	cattp_conn_close(s->conn);
	s->conn = NULL;
	s->chain = false;
	if (!waits)
		return true;
	txn_forget(card->cs->cfg.db, s);
	card_scp80_end(&s->out);
	state_chg(card, ST_OPEN, 0);
	if (handed)
		card_cmd_done(card, CARD_NO_ANSWER, "the card opened a new link", NULL, 0);
	else
		card->cur->again = true;
	return true;
}

static void *srv_opened(void *priv, struct cattp_conn *conn, const uint8_t *id, size_t id_len)
{
	struct card *card = identify(priv, id, id_len);
	bool by_id = id_len == CARD_CATTP_ID_LEN, waiting;
	struct cattp_session *s;

	if (!card || !displaces(card, by_id))
		return NULL;
	s = &card->sct;
	waiting = state(card) == ST_TRIGGER && card->cur && card->bearer == CARD_BEARER_CATTP;
	s->conn = conn;
	s->by_id = by_id;
	LOG_CARD(card, DCARD, LOGL_INFO, "CAT_TP link from %s\n", cattp_conn_peer(conn));
	if (s->trigger_out)
		sms_port_forget(card->cs->cfg.sms, s);
	s->trigger_out = false;
	state_chg(card, ST_OPEN, card_tdef_ms(CARD_T_LINK));
	if (waiting)
		give(card);
	card_kick(card);
	return card;
}

static void srv_rx_sdu(void *owner, struct cattp_conn *conn, const uint8_t *sdu, size_t len)
{
	struct card *card = owner;
	struct cattp_session *s = &card->sct;
	const struct scp80_sec sec = s->out.sec;
	enum scp80_answer answer = SCP80_FOREIGN;
	struct bytes *data = bytes_new(card, SCP80_PACKET_MAX);
	uint8_t status = 0;
	size_t packet_len;

	if (data && state(card) == ST_WAIT)
		answer = card_scp80_rsp(card, &s->out, true, &status, data, sdu, len);
	if (answer == SCP80_FOREIGN) {
		LOG_CARD(card, DCARD, LOGL_NOTICE, "SDU of %zu octets dropped: not awaited, or not authentic\n", len);
		counter_inc(CTR_CATTP_DROPPED);
	} else if (answer == SCP80_FINAL) {
		packet_len = s->out.packet->len;
		s->more = card->cur && card->cur->c.more;
		card_scp80_end(&s->out);
		s->handed = false;
		state_chg(card, ST_OPEN, card_tdef_ms(CARD_T_LINK));
		card_heard(card, CARD_BY_CATTP);
		card_scp80_finish(card, &sec, packet_len, status, data, false);
	}
	talloc_free(data);
}

static void srv_closed(void *owner, struct cattp_conn *conn, uint8_t reason, bool by_peer)
{
	struct card *card = owner;
	struct cattp_session *s = &card->sct;
	bool waits = state(card) == ST_WAIT, handed = s->handed;
	char why[64];

	snprintf(why, sizeof(why), "CAT_TP link ended%s: %s", by_peer ? " by the card" : "", cattp_reason_text(reason));
	LOG_CARD(card, DCARD, LOGL_INFO, "%s\n", why);
	s->conn = NULL;		/* conn goes by itself */
	link_close(card);
	if (waits && handed)
		card_cmd_done(card, CARD_NO_ANSWER, why, NULL, 0);
	else if (waits && card->cur)
		card->cur->again = true;
	card_kick(card);
}

static const struct cattp_srv_ops srv_ops = {
	.expected = srv_expected, .opened = srv_opened, .rx_sdu = srv_rx_sdu, .closed = srv_closed,
};

int cattp_session_start_srv(struct card_sessions *cs)
{
	struct card_sessions_cfg *cfg = &cs->cfg;

	if (!cfg->cattp_bind_ip)
		return 0;
	cs->cattp = cattp_srv_new(cs, cfg->cattp_bind_ip, cfg->cattp_bind_port, &cfg->bearer->cattp, &srv_ops, cs);
	if (!cs->cattp)
		return -EIO;
	cfg->cattp_adv_ip = talloc_strdup(cs, cfg->cattp_adv_ip ? : cfg->cattp_bind_ip);
	cfg->cattp_bind_ip = NULL;	/* the caller's */
	if (!cfg->cattp_adv_port)
		cfg->cattp_adv_port = cattp_srv_port(cs->cattp);
	return 0;
}

void cattp_session_stop_srv(struct card_sessions *cs)
{
	cattp_srv_free(cs->cattp);
	cs->cattp = NULL;
}

/* --- FSM ------------------------------------------------------------------------------------------------------ */

static int timer_cb(struct osmo_fsm_inst *fi)
{
	struct card *card = fi->priv;

	switch (fi->state) {
	case ST_TRIGGER:
		trigger_send(card);
		break;
	case ST_OPEN:
		card->sct.more = false;
		card_kick(card);
		break;
	case ST_WAIT:
		if (card->sct.handed) {		/* a notification waits for its confirmation */
			link_close(card);
			card_cmd_done(card, CARD_NO_ANSWER, "no response by CAT_TP", NULL, 0);
		} else if (!card_bearer_failed(card, "the CAT_TP link takes no more")) {
			card_cmd_done(card, CARD_NOT_SENT, "the CAT_TP link takes no more", NULL, 0);
		}
		break;
	}
	return 0;
}

static const struct osmo_fsm_state states[] = {
	[ST_CLOSED] = { .name = "CLOSED", .out_state_mask = S(ST_TRIGGER) | S(ST_OPEN) },
	[ST_TRIGGER] = { .name = "TRIGGER", .out_state_mask = S(ST_TRIGGER) | S(ST_OPEN) | S(ST_CLOSED) },
	[ST_OPEN] = { .name = "OPEN", .out_state_mask = S(ST_OPEN) | S(ST_WAIT) | S(ST_CLOSED) },
	[ST_WAIT] = { .name = "WAIT", .out_state_mask = S(ST_WAIT) | S(ST_OPEN) | S(ST_CLOSED) },
};

/* Its neighbours call it; only timers come as events. */
static const struct value_string no_events[] = { { 0, NULL } };

static struct osmo_fsm cattp_fsm = {
	.name = "CAT_TP_SESSION", .states = states, .num_states = ARRAY_SIZE(states), .timer_cb = timer_cb,
	.log_subsys = DCARD, .event_names = no_events,
};

static __attribute__((constructor)) void register_fsm(void)
{
	OSMO_ASSERT(osmo_fsm_register(&cattp_fsm) == 0);
}

int cattp_session_init(struct card *card)
{
	card->sct.fi = osmo_fsm_inst_alloc(&cattp_fsm, card, card, LOGL_DEBUG, card->name);
	return card->sct.fi ? 0 : -ENOMEM;
}

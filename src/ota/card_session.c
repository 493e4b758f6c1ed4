/* All card sessions: who is there, the public calls, and what the SMS port delivers. An SMS is believed only after its
 * MAC under the ISD-R keys of the card it claims to be from (SGP.02 2.4.3, 3.15.1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/tdef.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/notif.h>
#include <osmocom/rsp/util/counters.h>
#include "card_session_priv.h"

#define TDEF(t, ms, text) { .T = t, .default_val = ms, .val = ms, .unit = OSMO_TDEF_MS, .desc = text }
struct osmo_tdef card_session_tdefs[] = {
	TDEF(CARD_T_POR, 30000, "wait for the response packet"),
	TDEF(CARD_T_TRIGGER, 15000, "first repetition of a trigger"),
	TDEF(CARD_T_HOLD, 20000, "hold a POST for the next command"),
	TDEF(CARD_T_HOLD_NOTIF, 5000, "hold a notification's POST"),
	TDEF(CARD_T_SMS_RETRY, 5000, "SMS again after unreachable"),
	TDEF(CARD_T_LINK, 20000, "keep a CAT_TP link for the next command"),
	TDEF(CARD_T_REOPEN, 10000, "wait for the card after its connection broke"),
	{}
};

unsigned long card_tdef_ms(int T)
{
	return osmo_tdef_get(card_session_tdefs, T, OSMO_TDEF_MS, 10000);
}

/* --- cards ---------------------------------------------------------------------------------------------------- */

static struct llist_head *bucket(struct card_sessions *cs, const struct eid *eid)
{
	/* digits 27 to 30: the two last are check digits */
	return &cs->bucket[(uint8_t)(eid->b[13] * 31 + eid->b[14] * 7 + eid->b[12])];
}

struct card *card_find(struct card_sessions *cs, const struct eid *eid)
{
	struct card *card;

	llist_for_each_entry(card, bucket(cs, eid), entry)
		if (!memcmp(&card->eid, eid, sizeof(*eid)))
			return card;
	return NULL;
}

int card_refresh(struct card *card)
{
	struct card_info info = { 0 };
	int rc = card->cs->cfg.ops->info(card->cs->cfg.priv, &card->eid, &info);

	if (rc < 0)
		return rc;
	if (!card->cs->cfg.ops->learned)	/* nobody keeps it but we */
		info.learned = card->info.learned;
	card->info = info;
	card->stored = info.learned;
	if (info.msisdn) {	/* the owner's string may not outlive this turn of the loop */
		OSMO_STRLCPY_ARRAY(card->msisdn, info.msisdn);
		card->info.msisdn = card->msisdn;
	}
	return 0;
}

struct card *card_get(struct card_sessions *cs, const struct eid *eid)
{
	struct card *card = card_find(cs, eid);

	if (card)
		return card;
	card = talloc_zero(cs, struct card);
	if (!card)
		return NULL;
	card->cs = cs;
	card->eid = *eid;
	eid_str(card->name, eid);
	INIT_LLIST_HEAD(&card->queue);
	osmo_timer_setup(&card->kick, card_kick_cb, card);
	if (card_refresh(card) < 0 || scp80_session_init(card) < 0) {
		talloc_free(card);
		return NULL;
	}
	if (scp81_session_init(card) < 0 || cattp_session_init(card) < 0) {
		osmo_fsm_inst_free(card->s80.fi);
		osmo_fsm_inst_free(card->s81.fi);
		talloc_free(card);
		return NULL;
	}
	llist_add(&card->entry, bucket(cs, eid));
	cs->n_cards++;
	return card;
}

void card_free(struct card *card)
{
	struct cmd *cmd, *tmp;

	llist_for_each_entry_safe(cmd, tmp, &card->queue, entry)
		cmd_free(cmd);
	if (card->cur)
		cmd_free(card->cur);
	osmo_timer_del(&card->kick);
	scp80_session_stop(card);
	scp81_session_free(card);
	cattp_session_free(card);
	osmo_fsm_inst_free(card->s80.fi);
	osmo_fsm_inst_free(card->s81.fi);
	osmo_fsm_inst_free(card->sct.fi);
	llist_del(&card->entry);
	card->cs->n_cards--;
	talloc_free(card);
}

static void wake(struct card *card)
{
	scp80_session_wake(card);
	scp81_session_wake(card);
	cattp_session_wake(card);
}

void card_heard(struct card *card, const char *bearer)
{
	const struct card_sessions_cfg *cfg = &card->cs->cfg;

	if (cfg->ops->heard)
		cfg->ops->heard(cfg->priv, &card->eid, bearer);
	if (!strcmp(bearer, CARD_BY_HTTPS))
		return;		/* the session itself takes what waits */
	wake(card);
}

/* --- from the SMS port ---------------------------------------------------------------------------------------- */

struct rx_rsp {
	struct card_sessions *cs;
	const uint8_t *packet;
	size_t len;
};

static bool rx_rsp_card(struct card *card, const struct rx_rsp *rx)
{
	return (card->bearer == CARD_BEARER_SCP80 && scp80_session_rx(card, rx->packet, rx->len)) ||
	       cattp_session_por(card, rx->packet, rx->len);
}

static bool rx_rsp_of(void *arg, const struct eid *eid)
{
	struct rx_rsp *rx = arg;
	struct card *card = card_find(rx->cs, eid);

	return card && rx_rsp_card(card, rx);
}

/* Late, twice, replayed: authentic under this card's keys, and nobody waits for it. */
static bool rx_rsp_late(void *arg, const struct eid *eid)
{
	struct rx_rsp *rx = arg;
	const struct card_sessions_cfg *cfg = &rx->cs->cfg;
	struct card_info info = { 0 };
	struct scp80_sec sec = { .spi2 = SCP80_SPI2_POR };
	struct bytes *data = bytes_new(rx->cs, SCP80_PACKET_MAX);
	struct scp80_rsp rsp;
	char name[EID_STR_SIZE];
	bool authentic = false;

	if (data && cfg->ops->info(cfg->priv, eid, &info) == 0 && info.kic && info.kid) {
		if (info.spi2)
			sec.spi2 = info.spi2;
		authentic = (sec.spi2 & 0x0C) == 0x08 &&
			    scp80_rsp_dec(data, &rsp, &sec, info.kic, info.kid, rx->packet, rx->len) == 0;
	}
	talloc_free(data);
	if (!authentic)
		return false;
	LOGP(DSCP80, LOGL_NOTICE, "EID-%s: response packet, counter %010llX, nobody waits for it\n", eid_str(name, eid),
	     (unsigned long long)rsp.cntr);
	counter_inc(CTR_SCP80_LATE);
	return true;
}

/* A response packet names no card, and its number proves nothing: the MAC under the pending command's keys decides. The
 * cards of that number are tried first, then all. */
static bool rx_response(struct card_sessions *cs, const char *from, const uint8_t *packet, size_t len)
{
	const struct card_session_ops *ops = cs->cfg.ops;
	struct rx_rsp rx = { .cs = cs, .packet = packet, .len = len };
	struct card *card, *tmp;
	unsigned i;

	if (ops->candidates && from && ops->candidates(cs->cfg.priv, from, rx_rsp_of, &rx))
		return true;
	for (i = 0; i < CARD_BUCKETS; i++)
		llist_for_each_entry_safe(card, tmp, &cs->bucket[i], entry)
			if (rx_rsp_card(card, &rx))
				return true;
	return ops->candidates && from && ops->candidates(cs->cfg.priv, from, rx_rsp_late, &rx);
}

struct rx_notif {
	struct card_sessions *cs;
	const uint8_t *packet;
	size_t len;
	struct bytes *e1;		/* NULL: of nobody */
	struct notif n;
};

/* Is it this card's? */
static bool rx_notif_of(void *arg, const struct eid *eid)
{
	struct rx_notif *rx = arg;
	const struct card_sessions_cfg *cfg = &rx->cs->cfg;
	struct card_info info = { 0 };
	struct scp80_sec sec;
	struct bytes *e1 = bytes_new(rx->cs, NOTIF_MAX);

	if (e1 && cfg->ops->info(cfg->priv, eid, &info) == 0 && info.kid &&
	    scp80_cmd_dec(e1, &sec, info.kic, info.kid, rx->packet, rx->len) == 0 &&
	    sec.kid_octet >> 4 == info.scp80_kvn && notif_dec(&rx->n, e1->data, e1->len) == 0 &&
	    !memcmp(&rx->n.eid, eid, sizeof(*eid))) {
		rx->e1 = e1;
		return true;
	}
	talloc_free(e1);
	return false;
}

/* SGP.02 3.15.1: a command packet with checksum only, and E1 in clear. Its EID says whose key to take, its number is
 * not needed; a ciphered one is tried with the cards of that number. */
static void rx_notif_open(struct rx_notif *rx, const char *from)
{
	const struct card_session_ops *ops = rx->cs->cfg.ops;
	struct scp80_sec sec;
	size_t head;

	if (scp80_cmd_peek(&sec, rx->packet, rx->len) < 0 || sec.tar != SCP80_TAR_ISD_R)
		return;
	if (scp80_sec_notif(&sec)) {
		head = 3 + rx->packet[2];
		if (head < rx->len && notif_dec(&rx->n, rx->packet + head, rx->len - head) == 0) {
			struct eid eid = rx->n.eid;

			rx_notif_of(rx, &eid);
		}
	} else if (scp80_sec_sgp02(&sec) && ops->candidates && from) {
		ops->candidates(rx->cs->cfg.priv, from, rx_notif_of, rx);
	}
}

static bool rx_command(struct card_sessions *cs, const char *from, const uint8_t *packet, size_t len)
{
	struct rx_notif rx = { .cs = cs, .packet = packet, .len = len };
	struct card *card;

	rx_notif_open(&rx, from);
	card = rx.e1 ? card_get(cs, &rx.n.eid) : NULL;
	if (card) {
		LOG_CARD(card, DSCP80, LOGL_INFO, "notification %u, %s, by SMS\n", rx.n.seq,
			 notif_type_text(rx.n.type));
		card_notify(card, rx.e1->data, rx.e1->len, CARD_BY_SMS);
		card_heard(card, CARD_BY_SMS);	/* afterwards: what it wakes stands behind the confirmation */
		scp80_session_hurry(card);
		cattp_session_hurry(card);
	}
	talloc_free(rx.e1);
	return card;
}

void card_sessions_sms_rx(struct card_sessions *cs, const char *from, bool response, const uint8_t *packet, size_t len)
{
	if (response ? rx_response(cs, from, packet, len) : rx_command(cs, from, packet, len))
		return;
	cs->sms_dropped++;
	counter_inc(CTR_SMS_DROPPED);
	LOGP(DSCP80, LOGL_NOTICE, "%s packet of %zu octets dropped: of no card known, or not authentic\n",
	     response ? "response" : "command", len);
}

void card_sessions_sms_alert(struct card_sessions *cs, const char *msisdn)
{
	struct card *card, *tmp;
	unsigned i;

	for (i = 0; i < CARD_BUCKETS; i++) {
		llist_for_each_entry_safe(card, tmp, &cs->bucket[i], entry) {
			if (card->info.msisdn && !strcmp(card->info.msisdn, msisdn))
				wake(card);
		}
	}
}

/* --- public --------------------------------------------------------------------------------------------------- */

struct card_sessions *card_sessions_new(void *ctx, const struct card_sessions_cfg *cfg)
{
	struct card_sessions *cs = talloc_zero(ctx, struct card_sessions);
	unsigned i;

	if (!cs)
		return NULL;
	cs->cfg = *cfg;
	cs->cfg.scp81_bind_ip = talloc_strdup(cs, cfg->scp81_bind_ip ? : "127.0.0.1");
	cs->cfg.adv_ip = talloc_strdup(cs, cfg->adv_ip ? : cs->cfg.scp81_bind_ip);
	cs->cfg.uri = talloc_strdup(cs, cfg->uri ? : SCP81_URI_DEFAULT);
	cs->cfg.sms_max_parts = cfg->sms_max_parts ? : 5;
	card_bearer_cfg_default(&cs->bearer_default);
	if (!cfg->bearer)
		cs->cfg.bearer = &cs->bearer_default;
	hash_init(cs->cattp_ids);
	for (i = 0; i < CARD_BUCKETS; i++)
		INIT_LLIST_HEAD(&cs->bucket[i]);
	INIT_LLIST_HEAD(&cs->posts);
	if (cattp_session_start_srv(cs) < 0) {
		talloc_free(cs);
		return NULL;
	}
	if (scp81_http_start(cs) < 0) {
		cattp_session_stop_srv(cs);
		talloc_free(cs);
		return NULL;
	}
	if (!cs->cfg.adv_port)
		cs->cfg.adv_port = http_srv_port(cs->srv);
	return cs;
}

void card_sessions_free(struct card_sessions *cs)
{
	struct card *card, *tmp;
	unsigned i;

	if (!cs)
		return;
	for (i = 0; i < CARD_BUCKETS; i++)
		llist_for_each_entry_safe(card, tmp, &cs->bucket[i], entry)
			card_free(card);
	scp81_http_stop(cs);
	cattp_session_stop_srv(cs);
	talloc_free(cs);
}

uint16_t card_sessions_scp81_port(const struct card_sessions *cs)
{
	return http_srv_port(cs->srv);
}

int card_session_send(struct card_sessions *cs, const struct eid *eid, const struct card_cmd *c, unsigned timeout_s)
{
	struct card *card = card_get(cs, eid);
	struct cmd *cmd;

	if (!card)
		return -ENOENT;
	if (card->n_queued >= CARD_QUEUE_MAX)
		return -EAGAIN;
	cmd = cmd_new(card, c, timeout_s);
	if (!cmd)
		return -ENOMEM;
	cmd->urgent = card->notifying;
	card_enqueue(card, cmd);
	return 0;
}

bool card_session_forget(struct card_sessions *cs, const struct eid *eid, void *priv)
{
	struct card *card = card_find(cs, eid);
	const struct bearer_ops *b;
	struct cmd *cmd, *tmp;
	bool unsent = false, begun;

	if (!card)
		return false;
	llist_for_each_entry_safe(cmd, tmp, &card->queue, entry) {
		if (cmd->c.priv != priv)
			continue;
		llist_del(&cmd->entry);
		card->n_queued--;
		unsent = !cmd->pos;	/* else its first pieces have been there */
		cmd_free(cmd);
	}
	card_kick(card);
	if (!card->cur || card->cur->c.priv != priv)
		return unsent;
	begun = card->cur->pos;
	card->cur->c.done = NULL;	/* what has left keeps its place until its answer or its time is up */
	card->cur->c.priv = NULL;
	b = card_bearer_ops(card->bearer);
	if (b && !b->withdraw(card))
		return false;
	card_cmd_done(card, CARD_NOT_SENT, "no longer wanted", NULL, 0);
	return !begun;
}

void card_session_release(struct card_sessions *cs, const struct eid *eid)
{
	struct card *card = card_find(cs, eid);

	if (!card)
		return;
	scp80_session_release(card);
	scp81_session_release(card);
	cattp_session_release(card);
}

char *card_session_describe(struct card_sessions *cs, void *ctx, const struct eid *eid)
{
	struct card *card = card_find(cs, eid);

	if (!card)
		return talloc_strdup(ctx, "no session");
	return talloc_asprintf(ctx, "%s%s, SMS %s, HTTPS %s, CAT_TP %s%s%s, %u queued",
			       card->cur ? "command outstanding by " : "nothing outstanding",
			       card->cur ? card_bearer_name(card->bearer) : "", osmo_fsm_inst_state_name(card->s80.fi),
			       osmo_fsm_inst_state_name(card->s81.fi), osmo_fsm_inst_state_name(card->sct.fi),
			       card->sct.conn ? " with " : "", card->sct.conn ? cattp_conn_peer(card->sct.conn) : "",
			       card->n_queued);
}

static const char *owner_name(const void *owner)
{
	return ((const struct card *)owner)->name;
}

char *card_sessions_describe_cattp(struct card_sessions *cs, void *ctx, unsigned max)
{
	if (!cs->cattp)
		return talloc_strdup(ctx, "CAT_TP is off\n");
	return cattp_srv_describe(cs->cattp, ctx, max, owner_name);
}

uint16_t card_sessions_cattp_port(const struct card_sessions *cs)
{
	return cs->cattp ? cattp_srv_port(cs->cattp) : 0;
}

bool card_session_exists(struct card_sessions *cs, const struct eid *eid)
{
	return card_find(cs, eid);
}

unsigned card_sessions_count(const struct card_sessions *cs)
{
	return cs->n_cards;
}

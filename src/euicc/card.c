/* The card: which application an APDU is for, security domains and keys, reset. TS 102 221 10, SGP.02 2.2.1.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "card_cat.h"
#include "card_cattp.h"
#include "card_db.h"
#include "card_dns.h"
#include "card_http.h"
#include "card_int.h"
#include "card_ota.h"
#include "card_push.h"
#include "card_switch.h"
#include "card_udp.h"
#include "ecasd.h"
#include "isd_p.h"
#include "usim.h"

void card_sw(struct bytes *resp, uint16_t sw)
{
	bytes_put_u16(resp, sw);
}

void card_cfg_default(struct card_cfg *cfg)
{
	*cfg = (struct card_cfg) {
		.attach_s = 60, .confirm_s = 120, .repeat_s = 30, .repeats = 4, .fallback_s = 0,
		.http_idle_s = 60, .http_retries = 3, .http_delay_s = 3, .cattp_idle_s = 1200,
	};
}

/* --- what it holds --- */

struct isd_p *card_isdp(const struct card *c, const struct aid *aid)
{
	struct isd_p *p;

	llist_for_each_entry(p, &c->isdps, entry)
		if (aid_eq(&p->aid, aid))
			return p;
	return NULL;
}

struct isd_p *card_isdp_by_tar(const struct card *c, uint32_t tar)
{
	struct isd_p *p;

	llist_for_each_entry(p, &c->isdps, entry)
		if (aid_tar(&p->aid) == tar)
			return p;
	return NULL;
}

struct isd_p *card_isdp_enabled(const struct card *c)
{
	struct isd_p *p;

	llist_for_each_entry(p, &c->isdps, entry)
		if (p->state == ES5_STATE_ENABLED)
			return p;
	return NULL;
}

struct isd_p *card_isdp_fallback(const struct card *c)
{
	struct isd_p *p;

	llist_for_each_entry(p, &c->isdps, entry)
		if (p->fallback)
			return p;
	return NULL;
}

uint32_t card_memory_free(const struct card *c)
{
	uint64_t taken = 0;
	struct isd_p *p;

	llist_for_each_entry(p, &c->isdps, entry)
		taken += OSMO_MAX(p->granted, p->used);
	return taken < c->memory ? c->memory - taken : 0;
}

static struct card_key *key_entry(const struct card *c, uint8_t kvn, uint8_t kid)
{
	struct card_key *k;

	llist_for_each_entry(k, &c->keys, entry)
		if (k->kvn == kvn && k->kid == kid)
			return k;
	return NULL;
}

struct key *card_key(const struct card *c, uint8_t kvn, uint8_t kid)
{
	struct card_key *k = key_entry(c, kvn, kid);

	return k ? k->key : NULL;
}

static uint8_t kvn_in(const struct card *c, uint8_t first, uint8_t last)
{
	struct card_key *k;

	llist_for_each_entry(k, &c->keys, entry)
		if (k->kvn >= first && k->kvn <= last)
			return k->kvn;
	return 0;
}

uint8_t card_scp80_kvn(const struct card *c)
{
	uint8_t last = card_ota_last_kvn(c);

	return last && card_key(c, last, 2) ? last : kvn_in(c, 0x01, 0x0F);
}

uint8_t card_scp81_kvn(const struct card *c)
{
	return kvn_in(c, 0x40, 0x4F);
}

void card_key_set(struct card *c, uint8_t kvn, uint8_t kid, struct key *key)
{
	struct card_key *k = key_entry(c, kvn, kid);

	if (!k) {
		k = talloc_zero(c, struct card_key);
		k->kvn = kvn;
		k->kid = kid;
		llist_add_tail(&k->entry, &c->keys);
	}
	talloc_free(k->key);
	k->key = talloc_steal(k, key);
	card_db_key_save(c, kvn, kid, key);
}

void card_key_delete(struct card *c, struct card_key *k)
{
	card_db_key_delete(c, k->kvn, k->kid);
	llist_del(&k->entry);
	talloc_free(k);
}

void card_isdp_delete(struct isd_p *p)
{
	card_profile_drop(p);
	card_db_isdp_delete(p);
	if (aid_eq(&p->card->perso, &p->aid))
		p->card->perso.len = 0;
	llist_del(&p->entry);
	talloc_free(p);
}

/* --- life --- */

static int card_destroy(struct card *c)
{
	struct isd_p *p;

	llist_for_each_entry(p, &c->isdps, entry)
		card_profile_drop(p);
	return 0;
}

struct card *card_new(struct card_env *env, void *ctx, const struct eid *eid)
{
	struct card *c = talloc_zero(ctx, struct card);
	char str[EID_STR_SIZE];
	int rc;

	c->env = env;
	c->eid = *eid;
	INIT_LLIST_HEAD(&c->keys);
	INIT_LLIST_HEAD(&c->isdps);
	rc = card_db_read(c);
	if (rc < 0) {
		LOGP(DSIM, LOGL_ERROR, "EID-%s: not readable from the state file: %s\n", eid_str(str, eid),
		     strerror(-rc));
		talloc_free(c);
		return NULL;
	}
	c->faults = faults_new(c, env->faults);
	c->cat = card_cat_new(c);
	c->ota = card_ota_new(c);
	c->http = card_http_new(c);
	c->cattp = card_cattp_new(c);
	talloc_set_destructor(c, card_destroy);
	return c;
}

const struct eid *card_eid(const struct card *c)
{
	return &c->eid;
}

/* All that happens on this card is asked for by events and timers of the toolkit: no polling. */
unsigned card_poll_s(const struct card *c)
{
	return 0;
}

void card_context_drop(struct card *c)
{
	struct isd_p *p;

	c->ke.pending = false;
	c->perso.len = 0;
	c->chained = false;
	TALLOC_FREE(c->store);
	c->store_p2 = 0;
	TALLOC_FREE(c->status_more);
	llist_for_each_entry(p, &c->isdps, entry)
		isd_p_session_drop(p);
}

void card_reset(struct card *c)
{
	struct isd_p *p = card_isdp_enabled(c);

	card_context_drop(c);
	card_http_reset(c);
	card_ota_reset(c);
	card_push_reset(c);
	card_cattp_reset(c);
	card_udp_reset(c);
	card_dns_reset(c);
	card_cat_reset(c);
	c->selected = NULL;
	c->attached = false;
	c->notif.sending = false;
	if (p && p->usim)
		usim_reset(p->usim);
	card_switch_reset(c);
}

/* --- APDUs --- */

static bool select_aid(struct card *c, const struct apdu_cmd *a, struct bytes *resp)
{
	static const struct aid *const own[] = { &aid_isd_r, &aid_ecasd };
	unsigned i;

	if (a->cla != 0x00 || a->ins != GP_INS_SELECT || a->p1 != 0x04)
		return false;
	c->selected = NULL;
	for (i = 0; i < ARRAY_SIZE(own); i++) {
		if (a->lc != own[i]->len || memcmp(a->data, own[i]->b, a->lc))
			continue;
		c->selected = own[i];
		/* FCI of a security domain, GP CS 2.3 table 11-83 */
		bytes_put_u8(resp, 0x6F);
		bytes_put_u8(resp, own[i]->len + 2);
		tlv_put(resp, 0x84, own[i]->b, own[i]->len);
		card_sw(resp, SW_OK);
		return true;
	}
	return false;
}

/* Outside a secure channel the security domains show public data only. */
static void selected_apdu(struct card *c, const struct apdu_cmd *a, struct bytes *resp)
{
	if (a->ins != GP_INS_GET_DATA) {
		card_sw(resp, a->ins == GP_INS_GET_STATUS ? SW_CONDITIONS : SW_INS);
		return;
	}
	card_sw(resp, ecasd_get_data(c, (a->p1 << 8) | a->p2, a->data, a->lc, resp));
}

static void profile_apdu(struct card *c, const uint8_t *apdu, size_t len, struct bytes *resp)
{
	struct isd_p *p = card_isdp_enabled(c);
	struct usim *u = p ? card_profile_usim(p) : NULL;

	if (!u) {
		card_sw(resp, SW_NO_APP);
		return;
	}
	usim_apdu(u, apdu, len, resp);
	card_profile_sync(p);
}

static void dispatch(struct card *c, const uint8_t *apdu, size_t len, struct bytes *resp)
{
	struct apdu_cmd a;

	if (apdu_dec(&a, apdu, len) < 0) {
		card_sw(resp, SW_LENGTH);
		return;
	}
	if ((a.cla & 0xF0) == 0x80 && card_cat_ins(a.ins)) {
		card_cat_apdu(c, &a, resp);
		return;
	}
	if (select_aid(c, &a, resp))
		return;
	if (c->selected && !(a.cla == 0x80 && a.ins == GP_INS_GET_STATUS && a.p1 != 0x40))
		selected_apdu(c, &a, resp);
	else
		profile_apdu(c, apdu, len, resp);
}

void card_apdu(struct card *c, const uint8_t *apdu, size_t len, struct bytes *resp)
{
	size_t start = resp->len;
	unsigned waiting;

	dispatch(c, apdu, len, resp);
	waiting = card_cat_waiting(c);
	if (waiting && resp->len >= start + 2 && resp->data[resp->len - 2] == 0x90 &&
	    resp->data[resp->len - 1] == 0x00) {
		resp->data[resp->len - 2] = 0x91;
		resp->data[resp->len - 1] = waiting & 0xFF;	/* 00 means 256 */
	}
}

/* ISD-R: what the SM-SR may ask of the card, each with its state checks and status words (SGP.02 4.1.1; card-side
 * digest 3).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "card_db.h"
#include "card_int.h"
#include "card_switch.h"
#include "ecasd.h"
#include "isd_p.h"
#include "isd_r.h"

#define ISDP_MAX 64
#define STORE_MAX 4096
#define STATUS_BLOCK 230	/* octets of E3 objects in one GET STATUS answer */
#define RAM_FREE 8192

/* --- ISD-Ps: create, delete --- */

static uint16_t create_isdp(struct card *c, const struct es5_cmd *cmd, struct bytes *resp)
{
	struct isd_p *p;

	if (card_isdp(c, &cmd->aid) || card_isdp_by_tar(c, aid_tar(&cmd->aid)) || aid_eq(&cmd->aid, &aid_isd_r) ||
	    aid_eq(&cmd->aid, &aid_ecasd))
		return SW_CONDITIONS;
	if (fault(c->faults, FAULT_MEMORY)) {
		fault_struck(c->faults, FAULT_MEMORY);
		return SW_NO_ROOM;
	}
	if (cmd->memory > card_memory_free(c) || llist_count(&c->isdps) >= ISDP_MAX)
		return SW_NO_ROOM;
	p = talloc_zero(c, struct isd_p);
	p->card = c;
	p->aid = cmd->aid;
	p->state = ES5_STATE_SELECTABLE;
	p->granted = cmd->memory;
	llist_add_tail(&p->entry, &c->isdps);
	card_db_isdp_save(p);
	bytes_put_u8(resp, 0x00);	/* no install receipt, GP CS 2.3 11.5.3 */
	return SW_OK;
}

static uint16_t delete_profile(struct card *c, const struct es5_cmd *cmd, struct bytes *resp)
{
	struct isd_p *p = card_isdp(c, &cmd->aid);

	if (!p)
		return SW_NOT_FOUND;
	if (p->state == ES5_STATE_ENABLED || p->fallback || card_switch_involves(c, p))
		return SW_CONDITIONS;
	if (p->pol1 & POL1_NO_DELETE)
		return SW_POL1;
	card_isdp_delete(p);
	bytes_put_u8(resp, 0x00);
	return SW_OK;
}

static bool same(const struct bytes *stored, const uint8_t *v, size_t len)
{
	return !stored ? len == 0 : bytes_eq(stored, v, len);
}

/* SGP.02 4.1.1.6: the token decides, POL1 does not. */
static uint16_t master_delete(struct card *c, const struct es5_cmd *cmd, struct bytes *resp)
{
	const struct es5_master_delete *m = &cmd->master;
	struct isd_p *p = card_isdp(c, &cmd->aid);

	if (!p)
		return SW_NOT_FOUND;
	if (p->state != ES5_STATE_DISABLED || p->fallback || card_switch_involves(c, p))
		return SW_CONDITIONS;
	if (!p->token || es5_token_verify(cmd, p->token) < 0)
		return SW_SECURITY;
	if (!same(p->sin, m->sin, m->sin_len) || !same(p->sdin, m->sdin, m->sdin_len) ||
	    !same(p->provider, m->provider, m->provider_len))
		return SW_DATA;
	card_isdp_delete(p);
	bytes_put_u8(resp, 0x00);
	return SW_OK;
}

static uint16_t set_fallback(struct card *c, const struct es5_cmd *cmd)
{
	struct isd_p *p = card_isdp(c, &cmd->aid), *old = card_isdp_fallback(c);

	if (!p)
		return SW_NOT_FOUND;
	if ((p->state != ES5_STATE_DISABLED && p->state != ES5_STATE_ENABLED) || p->emergency)
		return SW_CONDITIONS;
	if (old == p)
		return SW_OK;
	if (old) {
		old->fallback = false;
		card_db_isdp_save(old);
	}
	p->fallback = true;
	card_db_isdp_save(p);
	return SW_OK;
}

/* One holder; never together with the fall-back attribute (digest 3.8). */
static uint16_t set_emergency(struct card *c, const struct es5_cmd *cmd)
{
	struct isd_p *p = card_isdp(c, &cmd->aid), *old;

	if (!p)
		return SW_NOT_FOUND;
	if (p->state != ES5_STATE_DISABLED || p->fallback || card_switch_involves(c, p))
		return SW_CONDITIONS;
	llist_for_each_entry(old, &c->isdps, entry) {
		if (!old->emergency || old == p)
			continue;
		old->emergency = false;
		card_db_isdp_save(old);
	}
	p->emergency = true;
	card_db_isdp_save(p);
	return SW_OK;
}

static uint16_t install_perso(struct card *c, const struct es5_cmd *cmd, struct bytes *resp)
{
	if (!card_isdp(c, &cmd->aid))
		return SW_NOT_FOUND;
	c->perso = cmd->aid;
	TALLOC_FREE(c->store);
	bytes_put_u8(resp, 0x00);
	return SW_OK;
}

/* --- audit --- */

static bool tag_listed(const struct es5_cmd *cmd, uint16_t tag)
{
	size_t i;

	if (!cmd->tags_len)
		return true;
	for (i = 0; i < cmd->tags_len; i++) {
		uint16_t t = cmd->tags[i];

		if ((t & 0x1F) == 0x1F && i + 1 < cmd->tags_len)
			t = (t << 8) | cmd->tags[++i];
		if (t == tag)
			return true;
	}
	return false;
}

static void status_one(const struct isd_p *p, const struct es5_cmd *cmd, struct bytes *out)
{
	struct es5_isdp_info i = { .aid = p->aid, .state = p->state };

	i.has_attr = tag_listed(cmd, 0x53);
	i.fallback = p->fallback;
	i.emergency = p->emergency;
	i.has_granted = tag_listed(cmd, 0x8F);
	i.granted = p->granted ? p->granted : p->used;
	i.has_remaining = tag_listed(cmd, 0x91);
	i.remaining = p->granted > p->used ? p->granted - p->used : 0;
	es5_status_rsp_enc(out, &i);
}

/* Whole E3 objects up to one block; 6310 while more is left (GP CS 2.3 11.4.3.2). */
static uint16_t status_block(struct card *c, struct bytes *resp)
{
	struct bytes *rest;
	struct tlv t;
	struct rd r;
	size_t taken = 0;

	rd_init(&r, c->status_more->data, c->status_more->len);
	while (tlv_next(&r, &t) == 1 && taken + t.raw_len <= STATUS_BLOCK) {
		bytes_put(resp, t.raw, t.raw_len);
		taken += t.raw_len;
	}
	rest = taken < c->status_more->len ? bytes_dup(c, c->status_more->data + taken, c->status_more->len - taken)
					   : NULL;
	talloc_free(c->status_more);
	c->status_more = rest;
	return rest ? SW_MORE_E3 : SW_OK;
}

static uint16_t get_status(struct card *c, const struct es5_cmd *cmd, struct bytes *resp)
{
	struct isd_p *p;

	if (cmd->next)
		return c->status_more ? status_block(c, resp) : SW_CONDITIONS;
	if (cmd->aid.len && !card_isdp(c, &cmd->aid))
		return SW_NOT_FOUND;
	talloc_free(c->status_more);
	c->status_more = bytes_new(c, 8192);
	llist_for_each_entry(p, &c->isdps, entry)
		if (!cmd->aid.len || aid_eq(&p->aid, &cmd->aid))
			status_one(p, cmd, c->status_more);
	return status_block(c, resp);
}

/* Key information template, GP CS 2.3 table 11-30: key id, version, type, length of each. */
static void key_information(const struct card *c, struct bytes *resp)
{
	struct bytes *list = bytes_new(NULL, 1024);
	struct card_key *k;

	llist_for_each_entry(k, &c->keys, entry) {
		const uint8_t v[] = { k->kid, k->kvn, key_type(k->key), key_len(k->key) };

		tlv_put(list, 0xC0, v, sizeof(v));
	}
	tlv_put(resp, 0xE0, list->data, list->len);
	talloc_free(list);
}

static uint16_t get_data(const struct card *c, const struct es5_cmd *cmd, struct bytes *resp)
{
	struct es5_memory m = { .apps = llist_count((struct llist_head *)&c->isdps), .free_nvm = card_memory_free(c),
				.free_ram = RAM_FREE };
	uint8_t list[2 + 64] = { 0x5C, cmd->tags_len };

	switch (cmd->get_tag) {
	case 0xFF21:
		es5_memory_rsp_enc(resp, &m);
		return SW_OK;
	case 0x00E0:
		key_information(c, resp);
		return SW_OK;
	default:
		if (cmd->tags_len > sizeof(list) - 2)
			return SW_DATA;
		if (cmd->tags_len)
			memcpy(list + 2, cmd->tags, cmd->tags_len);
		return ecasd_get_data(c, cmd->get_tag, list, 2 + cmd->tags_len, resp);
	}
}

/* --- the SM-SR's own keys and addresses --- */

static void keys_delete(struct card *c, uint8_t kvn)
{
	struct card_key *k, *k2;

	llist_for_each_entry_safe(k, k2, &c->keys, entry)
		if (k->kvn == kvn)
			card_key_delete(c, k);
}

/* SGP.02 4.1.1.8: EstablishISDRKeySet, second command. */
static uint16_t establish_keys(struct card *c, const struct es5_cmd *cmd, struct bytes *resp)
{
	const struct ecasd_target t = {
		.role = 2, .kvn_first = 0x01, .kvn_last = 0x0F, .kvn2_first = 0x40, .kvn2_last = 0x4F};
	struct es8_keyset ks = { };
	size_t start = resp->len;
	struct es8_crt crt;
	uint64_t cntr = 0;
	uint16_t sw = ecasd_step2(c, &t, cmd->body, cmd->body_len, c, &crt, &ks, resp);
	unsigned i;

	if (sw != SW_OK) {
		resp->len = start;
		return sw;
	}
	if (crt.param & ES8_PARAM_DELETE)
		keys_delete(c, crt.kvn);
	for (i = 0; i < ks.n; i++)
		card_key_set(c, crt.kvn, crt.kid + i, ks.k[i]);
	for (i = 0; i < crt.counter_len; i++)
		cntr = (cntr << 8) | crt.counter[i];
	if (crt.kvn <= 0x0F) {
		c->cntr[crt.kvn] = cntr & 0xFFFFFFFFFFULL;
		card_db_cntr_save(c, crt.kvn);
	}
	return SW_OK;
}

static bool kept(const struct es5_cmd *cmd, const struct card_key *k)
{
	unsigned i;

	for (i = 0; i < cmd->n_keep; i++)
		if (k->kvn == cmd->keep[i].kvn && k->kid >= cmd->keep[i].first && k->kid <= cmd->keep[i].last)
			return true;
	return false;
}

/* SGP.02 4.1.1.9: all keys of the ISD-R go but the ranges named. */
static uint16_t finalise_handover(struct card *c, const struct es5_cmd *cmd, struct bytes *resp)
{
	struct card_key *k, *k2;
	unsigned i, kid;

	for (i = 0; i < cmd->n_keep; i++)
		for (kid = cmd->keep[i].first; kid <= cmd->keep[i].last; kid++)
			if (!card_key(c, cmd->keep[i].kvn, kid))
				return SW_NOT_FOUND;
	llist_for_each_entry_safe(k, k2, &c->keys, entry)
		if (!kept(cmd, k))
			card_key_delete(c, k);
	bytes_put_u8(resp, 0x00);
	return SW_OK;
}

static uint16_t update_smsr(struct card *c, const struct es5_cmd *cmd)
{
	struct es5_smsr_addr a;

	if (es5_smsr_addr_dec(&a, cmd->body, cmd->body_len) < 0)
		return SW_DATA;
	if (a.has_sms)
		OSMO_STRLCPY_ARRAY(c->smsr.number, a.sms);
	if (a.has_https) {
		if (a.https.has_conn && a.https.port) {
			OSMO_STRLCPY_ARRAY(c->smsr.ip, a.https.ip);
			c->smsr.port = a.https.port;
		}
		if (a.https.host[0])
			OSMO_STRLCPY_ARRAY(c->smsr.host, a.https.host);
		if (a.https.uri[0])
			OSMO_STRLCPY_ARRAY(c->smsr.uri, a.https.uri);
		if (a.https.has_retry) {
			c->smsr.has_retry = true;
			c->smsr.retries = a.https.retry_count;
			c->smsr.retry_s = a.https.retry_delay_s;
		}
	}
	if (a.has_dns) {
		if (a.dns.fqdn[0])
			OSMO_STRLCPY_ARRAY(c->smsr.host, a.dns.fqdn);
		OSMO_STRLCPY_ARRAY(c->smsr.dns, a.dns.ip);
		c->smsr.dns_port = a.dns.port;
	}
	card_db_save(c);
	return SW_OK;
}

static uint16_t confirm(struct card *c, const struct es5_cmd *cmd, struct bytes *resp)
{
	struct aid deleted[ES5_AIDS_MAX];
	unsigned n = 0;
	uint16_t sw = card_switch_confirm(c, cmd->seq, deleted, &n);

	if (sw == SW_OK && n)
		es5_confirm_rsp_enc(resp, deleted, n);
	return sw;
}

/* --- dispatch --- */

static uint16_t run(struct card *c, const struct es5_cmd *cmd, struct bytes *resp)
{
	struct isd_p *p;

	switch (cmd->fn) {
	case ES5_CREATE_ISDP:
		return create_isdp(c, cmd, resp);
	case ES5_INSTALL_PERSO:
		return install_perso(c, cmd, resp);
	case ES5_ENABLE_PROFILE:
		return card_switch_enable(c, &cmd->aid);
	case ES5_DISABLE_PROFILE:
		return card_switch_disable(c, &cmd->aid);
	case ES5_SET_FALLBACK:
		return set_fallback(c, cmd);
	case ES5_SET_EMERGENCY:
		return set_emergency(c, cmd);
	case ES5_DELETE:
		return delete_profile(c, cmd, resp);
	case ES5_MASTER_DELETE:
		return master_delete(c, cmd, resp);
	case ES5_FINALISE_HANDOVER:
		return finalise_handover(c, cmd, resp);
	case ES5_GET_STATUS:
		return get_status(c, cmd, resp);
	case ES5_GET_DATA:
		return get_data(c, cmd, resp);
	case ES5_UPDATE_SMSR:
		return update_smsr(c, cmd);
	case ES5_CONFIRM_NOTIF:
		return confirm(c, cmd, resp);
	case ES5_STORE_CERT:
	case ES5_STORE_KEYS:
	case ES5_STORE_SD_DATA:
	case ES5_UPDATE_CONN:
		p = card_isdp(c, &c->perso);
		if (p)
			return isd_p_store(p, cmd, false, resp);
		if (cmd->fn == ES5_STORE_CERT)
			return ecasd_step1(c, 2, cmd->body, cmd->body_len, resp);
		return cmd->fn == ES5_STORE_KEYS ? establish_keys(c, cmd, resp) : SW_DATA;
	default:	/* ES6 under the SM-SR's keys */
		return SW_CONDITIONS;
	}
}

static const struct value_string fn_names[] = {
	{ ES5_CREATE_ISDP, "CreateISDP" }, { ES5_INSTALL_PERSO, "InstallForPersonalization" },
	{ ES5_ENABLE_PROFILE, "EnableProfile" }, { ES5_DISABLE_PROFILE, "DisableProfile" },
	{ ES5_SET_FALLBACK, "SetFallBackAttribute" }, { ES5_SET_EMERGENCY, "SetEmergencyProfileAttribute" },
	{ ES5_DELETE, "DeleteProfile" }, { ES5_MASTER_DELETE, "MasterDelete" },
	{ ES5_FINALISE_HANDOVER, "FinaliseISDRhandover" }, { ES5_GET_STATUS, "GetStatus" }, { ES5_GET_DATA, "GetData" },
	{ ES5_UPDATE_SMSR, "UpdateSMSRAddressingParameters" }, { ES5_CONFIRM_NOTIF, "HandleNotificationConfirmation" },
	{ ES5_UPDATE_POL1, "UpdatePOL1" }, { ES5_STORE_CERT, "KeyEstablishment(certificate)" },
	{ ES5_STORE_KEYS, "KeyEstablishment(keys)" }, { ES5_STORE_SD_DATA, "StoreSDData" },
	{ ES5_UPDATE_CONN, "UpdateConnectivityParameters" }, { }
};

static uint16_t run_logged(struct card *c, const struct es5_cmd *cmd, struct bytes *resp)
{
	size_t start = resp->len;
	uint16_t sw = run(c, cmd, resp);
	char aid[AID_STR_SIZE] = "";

	if (sw != SW_OK && sw != SW_MORE_E3)
		resp->len = start;
	if (cmd->aid.len)
		aid_str(aid, &cmd->aid);
	LOGCARD(c, LOGL_INFO, "%s%s%s -> %04X\n", get_value_string(fn_names, cmd->fn), aid[0] ? " " : "", aid, sw);
	return sw;
}

/* STORE DATA: blocks are collected up to the last; key establishment step 1 is answered as soon as the certificate is
 * whole, since its last block may leave P1 b8 clear (digest 5.2). */
static uint16_t store_data(struct card *c, const struct apdu_cmd *a, struct bytes *resp)
{
	struct gp_store_data s;
	struct es5_cmd cmd;
	uint16_t sw = gp_store_data_dec(&s, a);

	if (sw != SW_OK)
		return sw;
	if (!c->store)
		c->store = bytes_new(c, STORE_MAX);
	if (s.block != 0 && s.block != c->store_p2)	/* step 2 after its challenge has gone, or plainly wrong */
		return s.len > 2 && s.data[0] == 0x3A && s.data[1] == 0x02 ? SW_CONDITIONS : SW_P1P2;
	if (s.block == 0)
		bytes_clear(c->store);
	c->store_p2 = s.block + 1;
	if (bytes_put(c->store, s.data, s.len) < 0)
		return SW_NO_ROOM;
	sw = es5_dgi_dec(&cmd, c->store->data, c->store->len);
	if (!s.last && !(sw == SW_OK && cmd.fn == ES5_STORE_CERT))
		return SW_OK;
	if (sw == SW_OK)
		sw = run_logged(c, &cmd, resp);
	if (c->store)
		bytes_clear(c->store);
	return sw;
}

void isd_r_apdu(struct card *c, const uint8_t *apdu, size_t len, struct bytes *resp)
{
	struct isd_p *p = card_isdp(c, &c->perso);
	struct es5_cmd cmd;
	struct apdu_cmd a;
	uint16_t sw;

	if (apdu_dec(&a, apdu, len) < 0) {
		sw = SW_LENGTH;
	} else if (p && (a.ins == GP_INS_INIT_UPDATE || a.ins == GP_INS_EXT_AUTH || (a.cla & 0x04))) {
		/* after INSTALL [for personalization] the ISD-P's secure channel runs through the ISD-R */
		isd_p_apdu(p, apdu, len, resp);
		return;
	} else if (a.cla & 0x7F) {
		sw = SW_CLA;
	} else if (a.ins == GP_INS_STORE_DATA) {
		sw = store_data(c, &a, resp);
	} else {
		sw = es5_cmd_dec(&cmd, &a);
		if (sw == SW_OK)
			sw = run_logged(c, &cmd, resp);
	}
	card_sw(resp, sw);
}

/* SCP80 on the card: short messages put together, packets verified, scripts run; card_por.c answers.
 * TS 102 225, TS 31.115, SGP.02 2.4.3; ota-transport digest 1.7 to 1.9, 2.4 to 2.6.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp80.h>
#include <osmocom/rsp/sms/concat.h>
#include <osmocom/rsp/util/misc.h>

#include "card_cat.h"
#include "card_db.h"
#include "card_http.h"
#include "card_int.h"
#include "card_ota.h"
#include "card_por.h"
#include "card_push.h"
#include "card_rfm.h"
#include "card_switch.h"

#define CMD_CLEAR 10		/* octets of a command packet by SMS before what is ciphered */
#define OTA_PARTS_MAX 16

struct card_ota {
	struct concat *concat;
	void *parts;		/* messages not yet sent */
	struct card_por_late late;
	uint8_t last_kvn, ref;
};

struct card_ota *card_ota_new(struct card *c)
{
	struct card_ota *o = talloc_zero(c, struct card_ota);

	INIT_LLIST_HEAD(&o->late.list);
	return o;
}

/* Half a message in RAM does not survive a reset, nor one not yet sent. */
void card_ota_reset(struct card *c)
{
	TALLOC_FREE(c->ota->concat);
	TALLOC_FREE(c->ota->parts);
	TALLOC_FREE(c->ota->late.ctx);
	INIT_LLIST_HEAD(&c->ota->late.list);
	c->ota->late.n = 0;
}

struct card_por_late *card_ota_late(struct card *c)
{
	if (!c->ota->late.ctx)
		c->ota->late.ctx = talloc_named_const(c->ota, 0, "late answers");
	return &c->ota->late;
}

uint8_t card_ota_last_kvn(const struct card *c)
{
	return c->ota ? c->ota->last_kvn : 0;
}

/* --- out: SEND SHORT MESSAGE --- */

struct ota_part {
	struct bytes *tpdu, *sca;
	unsigned tries;
	bool last;
	void (*done)(struct card *c, bool ok);
};

static void part_cb(struct card *c, const struct bip_resp *r, void *priv);

static int part_queue(struct card *c, struct ota_part *p)
{
	struct bip_cmd cmd = {
		.type = BIP_SEND_SMS, .dst = BIP_DEV_NETWORK, .alpha = { (const uint8_t *)"", 0 },
		.tpdu = { p->tpdu->data, p->tpdu->len },
	};

	if (p->sca)
		cmd.sca = (struct bip_str) { p->sca->data, p->sca->len };
	return card_cat_queue(c, &cmd, part_cb, p);
}

/* A refused message is tried once more (digest 2.6), then given up. */
static void part_cb(struct card *c, const struct bip_resp *r, void *priv)
{
	struct ota_part *p = priv;
	bool ok = r->result < 0x20;

	if (!ok && p->tries++ == 0 && part_queue(c, p) == 0)
		return;
	if (p->done && (p->last || !ok))
		p->done(c, ok);
	talloc_free(p);
}

/* SMSC: of the enabled profile's connectivity parameters (A0/06), else the batch's. */
static struct bytes *smsc(const struct card *c, void *ctx)
{
	const struct isd_p *p = card_isdp_enabled(c);
	const char *digits = c->batch->smsc;
	struct tlv a0, addr;
	uint8_t bcd[12];
	struct bytes *b;
	int n;

	if (p && p->conn && tlv_find(p->conn->data, p->conn->len, 0xA0, &a0) == 0 &&
	    tlv_find(a0.v, a0.len, 0x06, &addr) == 0 && addr.len > 1 && addr.len <= 12)
		return bytes_dup(ctx, addr.v, addr.len);
	n = bcd_swapped_enc(bcd, sizeof(bcd), digits[0] == '+' ? digits + 1 : digits);
	if (n <= 0)
		return NULL;
	b = bytes_new(ctx, 16);
	bytes_put_u8(b, 0x91);
	bytes_put(b, bcd, n);
	return b;
}

int card_ota_send(struct card *c, const char *number, uint8_t ota, const struct bytes *packet,
		  void (*done)(struct card *c, bool ok))
{
	struct tpdu_submit t = { .udhi = true, .pid = TPDU_PID_DATA_DOWNLOAD, .dcs = TPDU_DCS_8BIT_CLASS2 };
	struct concat_part parts[OTA_PARTS_MAX];
	unsigned limit = fault(c->faults, FAULT_SMS_LIMIT);
	int i, n = concat_cut_to(parts, OTA_PARTS_MAX, ota, ++c->ota->ref, packet->data, packet->len,
				 limit ? limit : TPDU_UD_MAX);

	if (n < 0)
		return n;
	t.da.toa = number[0] == '+' ? 0x91 : 0x81;
	osmo_strlcpy(t.da.digits, number[0] == '+' ? number + 1 : number, sizeof(t.da.digits));
	if (!c->ota->parts)
		c->ota->parts = talloc_named_const(c->ota, 0, "ota parts");
	for (i = 0; i < n; i++) {
		struct ota_part *p = talloc_zero(c->ota->parts, struct ota_part);
		int rc;

		memcpy(t.ud, parts[i].ud, parts[i].len);
		t.ud_len = parts[i].len;
		p->tpdu = bytes_new(p, TPDU_MAX);
		p->sca = smsc(c, p);
		p->last = i == n - 1;
		p->done = done;
		rc = tpdu_submit_enc(p->tpdu, &t);
		if (rc == 0)
			rc = part_queue(c, p);
		if (rc < 0) {
			talloc_free(p);
			return rc;
		}
	}
	return 0;
}

/* --- in --- */

/* Script or commands one behind the other, for whom the TAR says. */
static void run_script(struct card *c, struct card_por *p, const struct bytes *payload, const struct aid *target)
{
	struct bytes *out = bytes_new(c, 8192);

	if (script_is_expanded(payload->data, payload->len))
		card_script_run(c, target, payload->data, payload->len, false, out);
	else
		card_script_compact(c, target, payload->data, payload->len, out);
	card_por_send(c, p, SCP80_ST_OK, out);
	talloc_free(out);
	if (!p->cattp)	/* on CAT_TP the answer is on its way for longer: the link sees to it */
		card_switch_refresh(c);
}

/* true: p has been taken over, and is answered later. */
static bool run(struct card *c, struct card_por *p, const struct bytes *payload)
{
	const struct isd_p *isdp = card_isdp_by_tar(c, p->sec.tar);
	struct card_rfm rfm;
	struct bytes *out;

	if (card_rfm_find(c, &rfm, p->sec.tar)) {
		out = bytes_new(c, 8192);
		card_rfm_run(c, &rfm, payload->data, payload->len, out);
		card_por_send(c, p, SCP80_ST_OK, out);
		talloc_free(out);
		return false;
	}
	if (p->sec.tar != SCP80_TAR_ISD_R && !isdp) {
		card_por_send(c, p, SCP80_ST_TAR_UNKNOWN, NULL);
		return false;
	}
	if (payload->len && payload->data[0] == 0x81 && fault(c->faults, FAULT_NO_HTTPS))
		fault_struck(c->faults, FAULT_NO_HTTPS);
	if (payload->len && payload->data[0] == 0x81 && card_http_able(c)) {
		card_por_send(c, p, SCP80_ST_OK, NULL);
		card_http_trigger(c, payload->data, payload->len);
		return false;
	}
	if (!isdp && !p->cattp && card_push_run(c, p, payload))
		return true;
	run_script(c, p, payload, isdp ? &isdp->aid : &aid_isd_r);
	return false;
}

/* Counter higher, ciphering, cryptographic checksum (SGP.02 2.4.3), under whatever algorithm the keyset is made for. */
static bool level_ok(const struct card *c, const struct scp80_sec *sec)
{
	if (c->env->cfg.msl_none)
		return true;
	return (sec->spi1 & 0x17) == 0x16;
}

/* Level, then counter; the counter is stored before anything is run (TS 102 225 5.1.4). */
static enum scp80_status admit(struct card *c, const struct scp80_sec *sec, uint8_t kvn)
{
	uint64_t stored = c->cntr[kvn];
	struct card_rfm rfm;
	enum scp80_status st;

	if (card_rfm_find(c, &rfm, sec->tar))
		return card_rfm_admit(c, &rfm, sec);
	if (!level_ok(c, sec))
		return SCP80_ST_LEVEL;
	st = scp80_cntr_check(sec->spi1, &stored, sec->cntr);
	if (st != SCP80_ST_OK)
		return st;
	if (stored != c->cntr[kvn]) {
		c->cntr[kvn] = stored;
		card_db_cntr_save(c, kvn);
	}
	c->ota->last_kvn = kvn;
	return SCP80_ST_OK;
}

static struct key *key_for(const struct card *c, uint8_t kvn, uint8_t kid, void *ctx)
{
	const struct key *k = card_key(c, kvn, kid);

	return k ? key_dup(ctx, k) : NULL;
}

/* The keys that the packet names. Without a checksum, or with one that anybody can make, nothing is authentic: only
 * where the card is set to have no minimum security. */
static int keys_for(struct card *c, struct card_por *p, uint8_t *kvn)
{
	uint8_t check = p->sec.spi1 & 0x03;
	struct card_rfm rfm;

	if (card_rfm_find(c, &rfm, p->sec.tar))
		return card_rfm_keys(&rfm, p);
	p->kic = key_for(c, p->sec.kic_octet >> 4, 1, p);
	p->kid = key_for(c, p->sec.kid_octet >> 4, 2, p);
	*kvn = check == 0x02 ? p->sec.kid_octet >> 4 : p->sec.kic_octet >> 4;
	if (check != 0x02)
		return c->env->cfg.msl_none && (p->kic || !(p->sec.spi1 & 0x04)) ? 0 : -ENOENT;
	return p->kid && (p->kic || !(p->sec.spi1 & 0x04)) ? 0 : -ENOENT;
}

/* What a card without minimum security says of a packet it does not take (TS 102 225 table 5). */
static enum scp80_status refusal(const struct card_por *p, int rc, size_t len)
{
	if (rc == -EBADMSG)
		return SCP80_ST_CC_FAILED;
	if (p->sec.spi1 & 0x04 && p->kic && !p->cattp && (len - CMD_CLEAR) % sym_block(p->kic))
		return SCP80_ST_CIPHER;
	return SCP80_ST_SECURITY;
}

/* What cannot be authenticated is dropped without a word (SGP.02 2.4.3): 9000, so that the SMSC does not send it again.
 * por is taken over. */
static void packet_in(struct card *c, struct card_por *por, const uint8_t *in, size_t len)
{
	struct bytes *payload = bytes_new(c, SCP80_PACKET_MAX);
	enum scp80_status st;
	bool kept = false, headed;
	uint8_t kvn = 0;
	int rc;

	bytes_secret(payload);
	rc = por->cattp ? scp80_cattp_cmd_peek(&por->sec, in, len) : scp80_cmd_peek(&por->sec, in, len);
	headed = rc == 0;
	if (rc == 0)
		rc = keys_for(c, por, &kvn);
	if (rc == 0)
		rc = por->cattp ? scp80_cattp_cmd_dec(payload, &por->sec, por->kic, por->kid, in, len) :
				  scp80_cmd_dec(payload, &por->sec, por->kic, por->kid, in, len);
	if (rc < 0) {
		c->dropped++;
		LOGCARD(c, LOGL_INFO, "SCP80 packet not authentic: dropped\n");
		if (headed && c->env->cfg.msl_none)
			card_por_send(c, por, refusal(por, rc, len), NULL);
	} else {
		st = admit(c, &por->sec, kvn);
		if (st == SCP80_ST_OK)
			kept = run(c, por, payload);
		else
			card_por_send(c, por, st, NULL);
	}
	talloc_free(payload);
	if (!kept)
		talloc_free(por);
}

void card_ota_packet(struct card *c, const uint8_t *in, size_t len)
{
	struct card_por *por = talloc_zero(c, struct card_por);

	por->cattp = true;
	packet_in(c, por, in, len);
}

static void sms_packet(struct card *c, const char *from, const struct concat_msg *msg, struct bytes *resp)
{
	struct card_por *por = talloc_zero(c, struct card_por);

	OSMO_STRLCPY_ARRAY(por->from, from);
	por->resp = resp;
	packet_in(c, por, msg->packet, msg->len);
}

uint16_t card_ota_sms(struct card *c, const uint8_t *tpdu, size_t len, struct bytes *resp)
{
	const struct concat_cfg cfg = { .max_messages = 2, .max_parts = OTA_PARTS_MAX, .max_age_ms = 600000 };
	unsigned limit = fault(c->faults, FAULT_SMS_LIMIT);
	struct tpdu_deliver t;
	struct concat_msg msg;
	char from[TPDU_DIGITS_MAX + 2];

	if (tpdu_deliver_dec(&t, tpdu, len) < 0 || !t.udhi || !tpdu_dcs_class2(t.dcs)) {
		c->dropped++;
		return SW_OK;
	}
	if (limit && t.ud_len > limit) {
		fault_struck(c->faults, FAULT_SMS_LIMIT);
		return SW_LENGTH;
	}
	snprintf(from, sizeof(from), "%s%s", t.oa.toa == 0x91 ? "+" : "", t.oa.digits);
	if (!c->ota->concat)
		c->ota->concat = concat_new(c->ota, &cfg);
	if (concat_add(c->ota->concat, &msg, from, t.ud, t.ud_len, clock_now_ms()) == 1 && msg.ota == 0x70)
		sms_packet(c, from, &msg, resp);
	return SW_OK;
}

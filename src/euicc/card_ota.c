/* SCP80 on the card: short messages put together, packets verified, scripts run, proof of receipt sent.
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
#include "card_switch.h"

#define OTA_PARTS_MAX 8
#define OTA_INLINE_MAX 128	/* octets of response data in the ENVELOPE answer (digest 2.4) */

struct card_ota {
	struct concat *concat;
	void *parts;		/* messages not yet sent */
	uint8_t last_kvn, ref;
};

struct card_ota *card_ota_new(struct card *c)
{
	struct card_ota *o = talloc_zero(c, struct card_ota);

	return o;
}

/* Half a message in RAM does not survive a reset, nor one not yet sent. */
void card_ota_reset(struct card *c)
{
	TALLOC_FREE(c->ota->concat);
	TALLOC_FREE(c->ota->parts);
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
	int i, n = concat_cut(parts, OTA_PARTS_MAX, ota, ++c->ota->ref, packet->data, packet->len);

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

/* --- proof of receipt --- */

struct por {
	const struct scp80_sec *sec;
	const struct key *kic, *kid;
	const char *from;		/* TP-OA of the command */
	struct bytes *resp;		/* ENVELOPE answer */
};

static void inline_rsp(struct card *c, const struct por *p, const struct bytes *packet)
{
	static const uint8_t udh[] = { 0x02, 0x71, 0x00 };

	bytes_put(p->resp, udh, sizeof(udh));
	bytes_put_bytes(p->resp, packet);
}

static void por_by_submit(struct card *c, const struct por *p, const struct bytes *packet)
{
	struct bytes *announce = bytes_new(c, 512);

	if (scp80_rsp_enc(announce, p->sec, p->kic, p->kid, SCP80_ST_BY_SUBMIT, NULL, 0) == 0)
		inline_rsp(c, p, announce);
	talloc_free(announce);
	if (card_ota_send(c, p->from, 0x71, packet, NULL) < 0)
		LOGCARD(c, LOGL_ERROR, "proof of receipt does not fit\n");
}

static void por_send(struct card *c, const struct por *p, uint8_t status, const struct bytes *data)
{
	struct bytes *packet;

	LOGCARD(c, LOGL_INFO, "SCP80 counter %010llX: %s\n", (unsigned long long)p->sec->cntr,
		scp80_status_text(status));
	if (!scp80_rsp_wanted(p->sec, status) || c->env->cfg.fault_no_por)
		return;
	packet = bytes_new(c, SCP80_PACKET_MAX);
	if (scp80_rsp_enc(packet, p->sec, p->kic, p->kid, status, data ? data->data : NULL, data ? data->len : 0) ==
	    0) {
		if ((p->sec->spi2 & 0x20) || packet->len + 3 > OTA_INLINE_MAX)
			por_by_submit(c, p, packet);
		else
			inline_rsp(c, p, packet);
	}
	talloc_free(packet);
}

/* --- in --- */

static void run(struct card *c, const struct por *p, const struct bytes *payload)
{
	const struct isd_p *isdp = card_isdp_by_tar(c, p->sec->tar);
	struct bytes *out;

	if (p->sec->tar != SCP80_TAR_ISD_R && !isdp) {
		por_send(c, p, SCP80_ST_TAR_UNKNOWN, NULL);
		return;
	}
	if (payload->len && payload->data[0] == 0x81) {
		por_send(c, p, SCP80_ST_OK, NULL);
		card_http_trigger(c, payload->data, payload->len);
		return;
	}
	out = bytes_new(c, 8192);
	card_script_run(c, isdp ? &isdp->aid : &aid_isd_r, payload->data, payload->len, false, out);
	por_send(c, p, SCP80_ST_OK, out);
	talloc_free(out);
	card_switch_refresh(c);
}

/* Level, then counter; the counter is stored before anything is run (TS 102 225 5.1.4). */
static enum scp80_status admit(struct card *c, const struct scp80_sec *sec, uint8_t kvn)
{
	uint64_t stored = c->cntr[kvn];
	enum scp80_status st;

	if (!scp80_sec_sgp02(sec))
		return SCP80_ST_LEVEL;
	st = scp80_cntr_check(sec->spi1, &stored, sec->cntr);
	if (st != SCP80_ST_OK)
		return st;
	c->cntr[kvn] = stored;
	card_db_cntr_save(c, kvn);
	c->ota->last_kvn = kvn;
	return SCP80_ST_OK;
}

/* A copy: the script may delete the very keys it came under, and is answered under them all the same. */
static const struct key *key_for(const struct card *c, uint8_t kvn, uint8_t kid, void *ctx)
{
	const struct key *k = card_key(c, kvn, kid);

	return k ? key_dup(ctx, k) : NULL;
}

/* What cannot be authenticated is dropped without a word (SGP.02 2.4.3): 9000, so that the SMSC does not send it again.
 */
static void packet_in(struct card *c, const char *from, const uint8_t *in, size_t len, struct bytes *resp)
{
	struct scp80_sec sec;
	struct por por = { .sec = &sec, .from = from, .resp = resp };
	struct bytes *payload = bytes_new(c, SCP80_PACKET_MAX);
	enum scp80_status st;
	uint8_t kvn = 0;
	int rc;

	bytes_secret(payload);
	rc = scp80_cmd_peek(&sec, in, len);
	if (rc == 0) {
		kvn = sec.kid_octet >> 4;
		por.kic = key_for(c, sec.kic_octet >> 4, 1, payload);
		por.kid = key_for(c, kvn, 2, payload);
		if ((sec.spi1 & 0x03) != 0x02 || !por.kid || ((sec.spi1 & 0x04) && !por.kic))
			rc = -ENOENT;
	}
	if (rc == 0)
		rc = scp80_cmd_dec(payload, &sec, por.kic, por.kid, in, len);
	if (rc < 0) {
		c->dropped++;
		LOGCARD(c, LOGL_INFO, "SCP80 packet not authentic: dropped\n");
	} else {
		st = admit(c, &sec, kvn);
		if (st == SCP80_ST_OK)
			run(c, &por, payload);
		else
			por_send(c, &por, st, NULL);
	}
	talloc_free(payload);
}

void card_ota_sms(struct card *c, const uint8_t *tpdu, size_t len, struct bytes *resp)
{
	const struct concat_cfg cfg = { .max_messages = 2, .max_parts = OTA_PARTS_MAX, .max_age_ms = 600000 };
	struct tpdu_deliver t;
	struct concat_msg msg;
	char from[TPDU_DIGITS_MAX + 2];

	if (tpdu_deliver_dec(&t, tpdu, len) < 0 || !t.udhi || !tpdu_dcs_class2(t.dcs)) {
		c->dropped++;
		return;
	}
	snprintf(from, sizeof(from), "%s%s", t.oa.toa == 0x91 ? "+" : "", t.oa.digits);
	if (!c->ota->concat)
		c->ota->concat = concat_new(c->ota, &cfg);
	if (concat_add(c->ota->concat, &msg, from, t.ud, t.ud_len, clock_now_ms()) != 1)
		return;
	if (msg.ota == 0x70)
		packet_in(c, from, msg.packet, msg.len, resp);
}

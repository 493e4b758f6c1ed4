/* SCP80 packets of one card, by SMS and CAT_TP: script in the card's format, its security, its response (TS 102 225,
 * TS 102 226 5, SGP.02 2.4.3). Key type and length decide the algorithm; the record may ask for another SPI or format.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/script_compact.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/tlv.h>
#include "card_session_priv.h"

#define SPI1_CHECK	0x03
#define SPI1_CC		0x02
#define SPI1_RC		0x01
#define SPI1_CIPHER	0x04
#define SPI1_CNTR	0x18
#define SPI1_CNTR_HIGHER 0x10
#define SPI1_CNTR_EXACT	0x18
#define SPI2_CHECK	0x0C
#define ALG_CRC32	0x05	/* KID when SPI1 asks for a redundancy check */
#define ALG_3DES2	0x05
#define ALG_3DES3	0x09

/* TS 102 225 5.1.2, 5.1.3: low nibble of KIc and KID. */
static uint8_t alg_of(const struct key *k)
{
	if (key_type(k) == KEY_TYPE_AES)
		return SCP80_ALG_AES;
	return key_len(k) == 24 ? ALG_3DES3 : ALG_3DES2;
}

int card_scp80_make(struct card *card, struct scp80_out *out, bool cattp, bool resync, const uint8_t *payload,
		    size_t len)
{
	const struct card_sessions_cfg *cfg = &card->cs->cfg;
	const struct card_info *info = &card->info;
	struct scp80_sec *sec = &out->sec;
	int rc;

	card_scp80_end(out);
	if (!info->kic || !info->kid)
		return -ENOENT;
	sec->spi1 = info->spi1 ? : SCP80_SPI1;
	if (resync)
		sec->spi1 = (sec->spi1 & ~SPI1_CNTR) | SPI1_CNTR_HIGHER;
	sec->kic_octet = info->scp80_kvn << 4 | alg_of(info->kic);
	sec->kid_octet = info->scp80_kvn << 4 | ((sec->spi1 & SPI1_CHECK) == SPI1_RC ? ALG_CRC32 : alg_of(info->kid));
	out->packet = bytes_new(card, SCP80_PACKET_MAX);
	out->kic = key_dup(card, info->kic);
	out->kid = key_dup(card, info->kid);
	rc = out->packet && out->kic && out->kid ? 0 : -ENOMEM;
	if (rc == 0)
		rc = cfg->ops->counter_next(cfg->priv, &card->eid, info->scp80_kvn,
					    (sec->spi1 & SPI1_CNTR) == SPI1_CNTR_EXACT, &sec->cntr);
	if (rc == 0)
		rc = (cattp ? scp80_cattp_cmd_enc : scp80_cmd_enc)(out->packet, sec, out->kic, out->kid, payload, len);
	if (rc < 0)
		card_scp80_end(out);
	return rc;
}

int scp80_session_packet(struct card *card, struct bytes *packet, struct scp80_sec *sec, const uint8_t *payload,
			 size_t len)
{
	struct scp80_out out = { .sec = *sec };
	int rc = card_scp80_make(card, &out, false, false, payload, len);

	if (rc == 0)
		rc = bytes_put(packet, out.packet->data, out.packet->len);
	*sec = out.sec;
	card_scp80_end(&out);
	return rc;
}

void card_scp80_end(struct scp80_out *out)
{
	TALLOC_FREE(out->packet);
	TALLOC_FREE(out->kic);
	TALLOC_FREE(out->kid);
}

/* C-APDUs one behind the other (TS 102 226 5.1); what is no C-APDU cannot be said so. */
static int compact_enc(struct bytes *out, const struct card_cmd *c)
{
	struct apdu_cmd a;
	struct rd r;
	struct tlv t;

	if (c->chained && !(c->first_in_chain && !c->more))
		return -EINVAL;
	rd_init(&r, c->script, c->script_len);
	while (tlv_next(&r, &t) == 1)
		if (t.tag != SCRIPT_TAG_CAPDU || apdu_dec(&a, t.v, t.len) < 0 ||
		    script_compact_put_cmd(out, &a, !r.left) < 0)
			return -EINVAL;
	return r.bad ? -EINVAL : out->err;
}

int card_scp80_cmd(struct card *card, struct scp80_out *out, bool cattp)
{
	const struct card_cmd *c = &card->cur->c;
	struct bytes *payload = bytes_new(card, SCP80_PACKET_MAX);
	int rc;

	if (!payload)
		return -ENOMEM;
	out->sec = (struct scp80_sec){ .spi2 = card->info.spi2 ? : SCP80_SPI2_POR, .tar = aid_tar(&c->target) };
	if (card->info.compact)
		rc = compact_enc(payload, c);
	else
		rc = script_cmd_enc(payload, c->script, c->script_len, !card->info.indefinite, card_cmd_chain(c));
	if (rc >= 0)
		rc = card_scp80_make(card, out, cattp, card->cur->resync, payload->data, payload->len);
	talloc_free(payload);
	return rc;
}

size_t card_scp80_room(const struct card *card, size_t packet_len)
{
	enum script_chain chain = card->cur && card->cur->c.chained ? SCRIPT_CHAIN_FIRST : SCRIPT_CHAIN_NONE;
	size_t max = scp80_payload_max(packet_len), over;

	for (over = 2; over < 16; over++) {
		size_t room = max > over ? max - over : 0;

		if (script_cmd_overhead(room, !card->info.indefinite, chain) <= over)
			return room;
	}
	return 0;
}

/* --- in ------------------------------------------------------------------------------------------------------- */

enum scp80_answer card_scp80_rsp(struct card *card, const struct scp80_out *out, bool cattp, uint8_t *status,
				 struct bytes *data, const uint8_t *packet, size_t len)
{
	struct scp80_rsp rsp;
	bool same;

	if (!out->packet || (cattp ? scp80_cattp_rsp_dec : scp80_rsp_dec)(data, &rsp, &out->sec, out->kic, out->kid,
									  packet, len) < 0)
		return SCP80_FOREIGN;
	same = rsp.tar == out->sec.tar && rsp.cntr == out->sec.cntr;
	if (!same && (out->sec.spi2 & SPI2_CHECK) == 0)
		return SCP80_FOREIGN;	/* without a checksum it is nobody's in particular */
	if (!same) {
		LOG_CARD(card, DSCP80, LOGL_NOTICE, "response packet of another command dropped\n");
		counter_inc(CTR_SCP80_LATE);
		return SCP80_OTHER;
	}
	*status = rsp.status;
	LOG_CARD(card, DSCP80, LOGL_INFO, "response packet: %s, %zu octets\n", scp80_status_text(rsp.status), data->len);
	return rsp.status == SCP80_ST_MORE_TIME || rsp.status == SCP80_ST_BY_SUBMIT ? SCP80_WAIT : SCP80_FINAL;
}

/* n SW data as the script response of one R-APDU. */
static void compact_response(struct card *card, const struct bytes *data)
{
	struct script_compact_rsp c;
	struct bytes *tlvs, *rsp;

	if (script_compact_rsp_dec(&c, data->data, data->len) < 0) {
		card_cmd_response(card, NULL, 0);
		return;
	}
	tlvs = bytes_new(NULL, 0);
	rsp = bytes_new(NULL, 0);
	if (script_put_rapdu(tlvs, c.data, c.len, c.sw) < 0 ||
	    script_rsp_enc(rsp, true, c.executed, tlvs->data, tlvs->len, SCRIPT_BAD_NONE) < 0)
		card_cmd_response(card, NULL, 0);
	else
		card_cmd_response(card, rsp->data, rsp->len);
	talloc_free(tlvs);
	talloc_free(rsp);
}

static bool template(const struct bytes *data)
{
	return data->len && (data->data[0] == 0xAB || data->data[0] == 0xAF);
}

/* Status 02 and 03 to mode 11: the next packet in mode 10 brings both counters together (ota-transport 1.7). */
static bool out_of_step(struct card *card, const struct scp80_sec *sec, uint8_t status, bool resent)
{
	return (status == SCP80_ST_CNTR_LOW || status == SCP80_ST_CNTR_HIGH) && !resent &&
	       (sec->spi1 & SPI1_CNTR) == SPI1_CNTR_EXACT && card->cur && !card->cur->resync;
}

void card_scp80_finish(struct card *card, const struct scp80_sec *sec, size_t packet_len, uint8_t status,
		       const struct bytes *data, bool resent)
{
	struct card_learned *l = &card->info.learned;

	if (status == SCP80_ST_OK && packet_len > l->scp80_took)
		l->scp80_took = packet_len;
	if (status == SCP80_ST_OK && card->info.compact && !template(data)) {
		compact_response(card, data);
	} else if (status == SCP80_ST_OK) {
		card_cmd_response(card, data->data, data->len);
	} else if (out_of_step(card, sec, status, resent)) {
		LOG_CARD(card, DSCP80, LOGL_NOTICE, "%s: the card's counter is elsewhere\n", scp80_status_text(status));
		card->cur->resync = true;
		card_cmd_start(card);
	} else if (status == SCP80_ST_MEMORY && card->cur) {
		l->scp80_limit = packet_len - 1;
		card_learn_keep(card);
		if (resent)	/* an earlier copy may have been run: nobody sends it again under a new counter */
			card_cmd_done(card, CARD_NO_ANSWER, "no memory for a repeated packet", NULL, 0);
		else
			card_cmd_start(card);	/* in smaller pieces, or another way */
	} else if (status == SCP80_ST_CNTR_LOW && resent) {
		/* the first copy was run, its response is lost (ota-transport 1.8) */
		counter_inc(CTR_SCP80_REPLAYED);
		card_cmd_done(card, CARD_NO_ANSWER, "counter low on a repeated packet", NULL, 0);
	} else {
		card_cmd_done(card, CARD_REJECTED, scp80_status_text(status), NULL, 0);
	}
}

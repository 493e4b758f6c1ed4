/* Remote file management: an operator's packet to a TAR of the enabled profile, with the OTA keys of its MNO-SD. The
 * files are those that the terminal sees, through a command context of its own (TS 102 226 7, 8; SAIP PE-RFM).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/ota/script_compact.h>

#include "card_int.h"
#include "card_mno.h"
#include "card_rfm.h"
#include "usim.h"

#define RFM_RSP_MAX 8192

static bool rfm_has_tar(const uint32_t *tar, unsigned n, uint32_t want)
{
	while (n--) {
		if (tar[n] == want)
			return true;
	}
	return false;
}

bool card_rfm_find(struct card *c, struct card_rfm *m, uint32_t tar)
{
	struct isd_p *p = card_isdp_enabled(c);
	const struct usim_rfm *rfm;
	struct usim_sd *sd;
	struct usim_fs *fs;

	*m = (struct card_rfm){ .isdp = p };
	if (!p || tar == SCP80_TAR_ISD_R || card_isdp_by_tar(c, tar))	/* not for the profile: leave it folded */
		return false;
	fs = card_profile_fs(p);
	if (!fs)
		return false;
	llist_for_each_entry(rfm, &fs->rfms, entry) {
		if (rfm_has_tar(rfm->tar, rfm->n_tar, tar)) {
			m->rfm = rfm;
			m->sd = fs_sd(fs, rfm->sd.len ? &rfm->sd : NULL);
			return m->sd;
		}
	}
	llist_for_each_entry(sd, &fs->sds, entry) {
		if (rfm_has_tar(sd->tar, sd->n_tar, tar)) {
			m->sd = sd;
			return true;
		}
	}
	return false;
}

static struct key *rfm_key(const struct card_rfm *m, uint8_t kvn, uint8_t kid, void *ctx)
{
	const struct usim_key *k = fs_sd_key(m->sd, kvn, kid);

	return k && k->key ? key_dup(ctx, k->key) : NULL;
}

/* Without a checksum nobody is authentic, whatever the minimum security level says. */
int card_rfm_keys(const struct card_rfm *m, struct card_por *p)
{
	p->kic = rfm_key(m, p->sec.kic_octet >> 4, 1, p);
	p->kid = rfm_key(m, p->sec.kid_octet >> 4, 2, p);
	if ((p->sec.spi1 & 0x03) != 0x02 || !p->kid)
		return -ENOENT;
	return p->kic || !(p->sec.spi1 & 0x04) ? 0 : -ENOENT;
}

/* Minimum security level: coded like the first octet of the SPI (TS 102 226 8.2.1.3.2.4). */
static bool rfm_level_ok(const struct card_rfm *m, uint8_t spi1)
{
	uint8_t msl = m->rfm ? m->rfm->msl : m->sd->msl;

	return (spi1 & 0x03) >= (msl & 0x03) && (spi1 & 0x04) >= (msl & 0x04) && (spi1 & 0x18) >= (msl & 0x18);
}

enum scp80_status card_rfm_admit(struct card *c, const struct card_rfm *m, const struct scp80_sec *sec)
{
	const struct usim_key *found = fs_sd_key(m->sd, sec->kid_octet >> 4, 2);
	struct usim_key *k = m->sd->keys + (found - m->sd->keys);
	uint64_t stored = 0, before;
	enum scp80_status st;
	unsigned i;

	if (!rfm_level_ok(m, sec->spi1))
		return SCP80_ST_LEVEL;
	for (i = 0; i < sizeof(k->counter); i++)
		stored = stored << 8 | k->counter[i];
	before = stored;
	st = scp80_cntr_check(sec->spi1, &stored, sec->cntr);
	if (st != SCP80_ST_OK || stored == before)
		return st;
	for (i = 0; i < sizeof(k->counter); i++)
		k->counter[i] = stored >> (32 - 8 * i);
	usim_mark(card_profile_usim(m->isdp));
	card_profile_sync(m->isdp);
	return SCP80_ST_OK;
}

/* What a script's commands have in common. */
struct rfm_run {
	const struct card_rfm *m;
	struct usim *u;
	struct card_mno mno;
	bool is_mno;		/* the security domain addressed is the MNO-SD */
};

/* One command; its data stays in r. A security domain has no files; the MNO-SD takes ES6, any other nothing: 6D00. */
static uint16_t rfm_apdu(struct rfm_run *run, const uint8_t *apdu, size_t len, struct bytes *r)
{
	const struct card_rfm *m = run->m;
	struct usim *u = run->u;
	uint16_t sw;

	bytes_clear(r);
	if (!m->rfm)
		return run->is_mno ? card_mno_apdu(&run->mno, r, apdu, len) : SW_INS;
	if (len < 4)
		return SW_LENGTH;
	usim_apdu(u, apdu, len, r);
	if (r->len < 2)
		return 0x6F00;
	sw = r->data[r->len - 2] << 8 | r->data[r->len - 1];
	r->len -= 2;
	return sw;
}

static void rfm_expanded(struct rfm_run *run, const uint8_t *in, size_t len, struct bytes *out)
{
	struct bytes *tlvs = bytes_new(out, RFM_RSP_MAX), *r = bytes_new(out, 512);
	struct script_rd s;
	struct tlv t;
	uint16_t sw = SW_OK;

	if (script_cmd_open(&s, in, len) == 0) {
		while (apdu_sw_goes_on(sw) && script_cmd_next(&s, &t) == 1) {
			if (t.tag != SCRIPT_TAG_CAPDU)
				continue;
			sw = rfm_apdu(run, t.v, t.len, r);
			script_put_rapdu(tlvs, r->data, r->len, sw);
		}
	}
	script_rsp_enc(out, s.definite, s.count, tlvs->data, tlvs->len, s.bad);
	talloc_free(tlvs);
	talloc_free(r);
}

static void rfm_compact(struct rfm_run *run, const uint8_t *in, size_t len, struct bytes *out)
{
	struct bytes *r = bytes_new(out, 512), *apdu = bytes_new(out, 300);
	struct script_compact_rsp rsp = { .sw = SW_LENGTH };
	struct apdu_cmd a;
	struct rd rd;

	rd_init(&rd, in, len);
	while (rsp.executed < 0xFF && script_compact_next(&rd, &a) == 1) {
		bytes_clear(apdu);
		rsp.sw = apdu_put(apdu, &a) == 0 ? rfm_apdu(run, apdu->data, apdu->len, r) : SW_LENGTH;
		rsp.executed++;
		if (!apdu_sw_goes_on(rsp.sw))
			break;
	}
	rsp.data = r->data;
	rsp.len = r->len;
	script_compact_rsp_enc(out, &rsp);
	talloc_free(r);
	talloc_free(apdu);
}

/* Begins in the application of the RFM instance, else in the MF (SAIP adfRFMAccess). */
static void rfm_start(struct usim *u, const struct card_rfm *m)
{
	uint8_t select[5 + 16] = { 0x00, 0xA4, 0x04, 0x0C };
	struct bytes *r = bytes_new(u, 64);

	if (m->rfm && m->rfm->adf.len) {
		select[4] = m->rfm->adf.len;
		memcpy(select + 5, m->rfm->adf.b, m->rfm->adf.len);
		usim_apdu(u, select, 5 + m->rfm->adf.len, r);
	}
	usim_privileged(u, m->rfm && m->rfm->full);
	talloc_free(r);
}

void card_rfm_run(struct card *c, const struct card_rfm *m, const uint8_t *in, size_t len, struct bytes *out)
{
	struct usim_fs *fs = card_profile_fs(m->isdp);
	struct usim *u = usim_new(c, fs);
	struct rfm_run run = { .m = m, .u = u, .mno.isdp = m->isdp, .is_mno = m->sd == fs_sd(fs, NULL) };

	c->scripts++;
	rfm_start(u, m);
	if (script_is_expanded(in, len))
		rfm_expanded(&run, in, len, out);
	else
		rfm_compact(&run, in, len, out);
	if (usim_changed(u)) {
		usim_mark(card_profile_usim(m->isdp));
		card_profile_sync(m->isdp);
	}
	talloc_free(u);
}

/* ES6: the operator changes POL1 and the connectivity parameters of its enabled profile, over the air under the keys of
 * the MNO-SD, which hands them to its ISD-P (SGP.02 4.1.2.1, 4.1.2.2; card-side digest 4).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/core/talloc.h>

#include "card_db.h"
#include "card_mno.h"
#include "isd_p.h"

#define STORE_MAX	1024
#define OWN_ISDP	0x000F	/* the reserved AID: "my ISD-P", good from the MNO-SD only (SGP.02 Annex H) */
#define POL1_ALL	(POL1_NO_DISABLE | POL1_NO_DELETE | POL1_AUTO_DELETE)

static uint16_t update_pol1(struct isd_p *p, uint8_t pol1)
{
	if (pol1 & ~POL1_ALL)
		return SW_DATA;
	LOGCARD(p->card, LOGL_INFO, "POL1 of %s: %02X, was %02X\n", p->iccid, pol1, p->pol1);
	p->pol1 = pol1;
	card_db_isdp_save(p);
	return SW_OK;
}

static uint16_t store_data(struct card_mno *m, void *ctx, const struct apdu_cmd *a)
{
	struct gp_store_data s;
	struct bytes *none;
	struct es5_cmd cmd;
	uint16_t sw = gp_store_data_dec(&s, a);

	if (sw != SW_OK)
		return sw;
	if (!m->store)
		m->store = bytes_new(ctx, STORE_MAX);
	if (s.block == 0)
		bytes_clear(m->store);
	else if (s.block != m->block)
		return SW_P1P2;
	m->block = s.block + 1;
	if (bytes_put(m->store, s.data, s.len) < 0)
		return SW_NO_ROOM;
	if (!s.last)
		return SW_OK;
	sw = es5_dgi_dec(&cmd, m->store->data, m->store->len);
	if (sw == SW_OK && cmd.fn == ES5_UPDATE_POL1) {
		sw = update_pol1(m->isdp, cmd.pol1);
	} else if (sw == SW_OK && cmd.fn == ES5_UPDATE_CONN) {
		none = bytes_new(ctx, 64);
		sw = isd_p_store(m->isdp, &cmd, true, none);	/* the packet's security stands for SCP03 */
		talloc_free(none);
	} else if (sw == SW_OK) {
		sw = SW_DATA;
	}
	bytes_clear(m->store);
	return sw;
}

uint16_t card_mno_apdu(struct card_mno *m, void *ctx, const uint8_t *apdu, size_t len)
{
	struct es5_cmd cmd;
	struct apdu_cmd a;
	struct aid own;
	uint16_t sw;

	if (apdu_dec(&a, apdu, len) < 0)
		return SW_LENGTH;
	if (a.cla & 0x7F)
		return SW_CLA;
	if (a.ins == GP_INS_STORE_DATA)
		return store_data(m, ctx, &a);
	if (a.ins != GP_INS_INSTALL)
		return SW_INS;
	sw = es5_cmd_dec(&cmd, &a);
	if (sw != SW_OK)
		return sw;
	aid_isdp(&own, OWN_ISDP);
	return cmd.fn == ES5_INSTALL_PERSO && aid_eq(&cmd.aid, &own) ? SW_OK : SW_NOT_FOUND;
}

/* VERIFY, CHANGE, DISABLE, ENABLE, UNBLOCK PIN with their counters (TS 102 221 11.1.9 to 11.1.13).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include <osmocom/rsp/util/misc.h>

#include "usim_priv.h"

#define USIM_PIN_LEN 8

enum {
	USIM_INS_VERIFY = 0x20,
	USIM_INS_CHANGE = 0x24,
	USIM_INS_DISABLE = 0x26,
	USIM_INS_ENABLE = 0x28,
	USIM_INS_UNBLOCK = 0x2C
};

/* The MF stands for all that changed outside of files: the card saves when something is dirty. */
static void usim_pin_touch(struct usim *u)
{
	usim_touch(u, u->fs->mf);
}

/* Right code: the counter is whole again. Wrong: one try less. */
static uint16_t usim_pin_compare(struct usim *u, struct usim_pin *pin, const uint8_t *code)
{
	if (!pin->left)
		return USIM_SW_BLOCKED;
	if (secret_eq(pin->value, code, USIM_PIN_LEN)) {
		if (pin->left != pin->max)
			usim_pin_touch(u);
		pin->left = pin->max;
		return USIM_SW_OK;
	}
	pin->left--;
	pin->verified = false;
	usim_pin_touch(u);
	return 0x63C0 | pin->left;
}

static uint16_t usim_pin_change(struct usim *u, struct usim_pin *pin, const uint8_t *data)
{
	uint16_t sw;

	if (!(pin->attr & 1))
		return USIM_SW_REFERENCE_OFF;
	if (!(pin->attr & 2))
		return USIM_SW_SECURITY;
	sw = usim_pin_compare(u, pin, data);
	if (sw != USIM_SW_OK)
		return sw;
	memcpy(pin->value, data + USIM_PIN_LEN, USIM_PIN_LEN);
	pin->verified = true;
	usim_pin_touch(u);
	return USIM_SW_OK;
}

static uint16_t usim_pin_switch(struct usim *u, struct usim_pin *pin, const uint8_t *data, bool on)
{
	uint16_t sw;

	if (!!(pin->attr & 1) == on)
		return USIM_SW_REFERENCE_OFF;
	if (!(pin->attr & 4))
		return USIM_SW_SECURITY;
	sw = usim_pin_compare(u, pin, data);
	if (sw != USIM_SW_OK)
		return sw;
	pin->attr ^= 1;
	pin->verified = on;
	usim_pin_touch(u);
	return USIM_SW_OK;
}

static uint16_t usim_pin_unblock(struct usim *u, struct usim_pin *pin, const struct apdu_cmd *a)
{
	struct usim_puk *puk = pin->puk ? fs_puk(u->fs, pin->puk) : NULL;

	if (!puk)
		return USIM_SW_NO_REFERENCE;
	if (!a->lc)
		return puk->left ? 0x63C0 | puk->left : USIM_SW_BLOCKED;
	if (a->lc != 2 * USIM_PIN_LEN)
		return USIM_SW_LENGTH;
	if (!puk->left)
		return USIM_SW_BLOCKED;
	usim_pin_touch(u);
	if (!secret_eq(puk->value, a->data, USIM_PIN_LEN)) {
		puk->left--;
		return 0x63C0 | puk->left;
	}
	puk->left = puk->max;
	memcpy(pin->value, a->data + USIM_PIN_LEN, USIM_PIN_LEN);
	pin->left = pin->max;
	pin->attr |= 1;
	pin->verified = true;
	return USIM_SW_OK;
}

static uint16_t usim_pin_verify(struct usim *u, struct usim_pin *pin, const struct apdu_cmd *a)
{
	uint16_t sw;

	if (!a->lc) {	/* how many tries are left? */
		if (!(pin->attr & 1))
			return USIM_SW_REFERENCE_OFF;
		return pin->verified ? USIM_SW_OK : pin->left ? 0x63C0 | pin->left : USIM_SW_BLOCKED;
	}
	if (a->lc != USIM_PIN_LEN)
		return USIM_SW_LENGTH;
	if (!(pin->attr & 1))
		return USIM_SW_REFERENCE_OFF;
	sw = usim_pin_compare(u, pin, a->data);
	if (sw == USIM_SW_OK)
		pin->verified = true;
	return sw;
}

uint16_t usim_pin(struct usim *u, const struct apdu_cmd *a, struct bytes *resp)
{
	struct usim_pin *pin = fs_pin(u->df, a->p2);

	if (a->p1 && a->ins != USIM_INS_DISABLE)
		return USIM_SW_P1P2;
	/* Local codes answer from the MF too once their application was chosen */
	if (!pin && u->adf)
		pin = fs_pin(u->adf, a->p2);
	if (!pin)
		return USIM_SW_NO_REFERENCE;
	switch (a->ins) {
	case USIM_INS_VERIFY:
		return usim_pin_verify(u, pin, a);
	case USIM_INS_UNBLOCK:
		return usim_pin_unblock(u, pin, a);
	case USIM_INS_CHANGE:
		return a->lc == 2 * USIM_PIN_LEN ? usim_pin_change(u, pin, a->data) : USIM_SW_LENGTH;
	}
	return a->lc == USIM_PIN_LEN ? usim_pin_switch(u, pin, a->data, a->ins == USIM_INS_ENABLE) : USIM_SW_LENGTH;
}

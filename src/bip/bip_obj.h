/* Objects of TS 102 223 clause 8 and small helpers the bip codecs share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/bip/bip_cmd.h>

enum bip_obj {		/* TS 101 220 table 7.23, without the CR bit */
	BIP_OBJ_DETAILS = 0x01, BIP_OBJ_DEVICES = 0x02, BIP_OBJ_RESULT = 0x03, BIP_OBJ_DURATION = 0x04,
	BIP_OBJ_ALPHA = 0x05, BIP_OBJ_ADDRESS = 0x06, BIP_OBJ_TPDU = 0x0B, BIP_OBJ_TEXT = 0x0D, BIP_OBJ_FILES = 0x12,
	BIP_OBJ_LOCATION = 0x13, BIP_OBJ_IMEI = 0x14, BIP_OBJ_EVENT_LIST = 0x19, BIP_OBJ_SERVICE = 0x1B,
	BIP_OBJ_TIMER_ID = 0x24, BIP_OBJ_TIMER_VALUE = 0x25, BIP_OBJ_AID = 0x2F, BIP_OBJ_BEARER = 0x35,
	BIP_OBJ_CHANNEL_DATA = 0x36, BIP_OBJ_CHANNEL_DATA_LEN = 0x37, BIP_OBJ_CHANNEL_STATUS = 0x38,
	BIP_OBJ_BUFFER = 0x39, BIP_OBJ_TRANSPORT = 0x3C, BIP_OBJ_OTHER_ADDRESS = 0x3E, BIP_OBJ_NAN = 0x47,
};

struct bip_str bip_obj_str(const struct ctlv *t);
void bip_obj_put(struct bytes *b, uint8_t tag, const struct bip_str *s);	/* nothing when s->v is NULL */
uint16_t bip_obj_u16(const struct ctlv *t);
/* Opens the one outer TLV that fills the input (tag 0: any): its tag, r over its value; -EINVAL. */
int bip_obj_template(struct rd *r, uint8_t tag, const uint8_t *in, size_t len);

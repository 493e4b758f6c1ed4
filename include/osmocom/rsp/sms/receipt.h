/* Delivery receipts of SMSCs in store-and-forward mode: text or optional parameters (SMPP 3.4 appendix B, 5.3.2.12,
 * 5.3.2.35). Formats differ from vendor to vendor: read leniently.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/sms/smpp_pdu.h>

struct receipt {
	char id[65];			/* "": none */
	enum smpp_state state;
	bool has_ref;			/* TLV user_message_reference, as OsmoMSC echoes it */
	uint16_t ref;
};

/* What a deliver_sm or data_sm says as a receipt. 0; -EINVAL: no state can be read, or nothing that it belongs to. */
int receipt_dec(struct receipt *r, const struct smpp_sm *sm);
/* The usual text. state: SMPP_STATE_DELIVERED etc. */
int receipt_enc(struct smpp_sm *sm, const char *id, enum smpp_state state);
/* Same message? Some SMSCs answer in hexadecimal and report in decimal, or pad with zeros. */
bool receipt_id_equal(const char *submitted, const char *receipted);

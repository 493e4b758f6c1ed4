/* ISD-P: security domain of one profile. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/tlv.h>

struct isd_p;
struct es5_cmd;

/* One C-APDU addressed to the ISD-P; data and status word appended. */
void isd_p_apdu(struct isd_p *p, const uint8_t *apdu, size_t len, struct bytes *resp);
/* A complete STORE DATA, directly or forwarded by the ISD-R; secured: under SCP03. Data appended, returns the SW. */
uint16_t isd_p_store(struct isd_p *p, const struct es5_cmd *cmd, bool secured, struct bytes *resp);
/* SCP03t TLV 84..87: the answer TLV appended. 0, or negative: the script ends here. */
int isd_p_scp03t(struct isd_p *p, const struct tlv *t, struct bytes *out);
/* Sessions, challenges and an unfinished download are gone. */
void isd_p_session_drop(struct isd_p *p);

/* May and can this profile go to this eUICC? (off-card.md 6.3 steps 5, 5a)
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/cert.h>
#include <osmocom/rsp/es/es_msg.h>

struct eis_check {
	/* in */
	const struct cert_x509 *ci;
	struct cert_x509 *const *eum;	/* configured EUM certificates, for an EIS that carries none */
	unsigned n_eum;
	const char *own_id;		/* SM-DP OID */
	struct eid eid;
	const char *iccid;		/* the profile to be downloaded */
	uint32_t memory;		/* octets it wants */
	int64_t now;			/* UTC seconds */
	/* out */
	uint8_t ecasd_q[EC_POINT_LEN];
	char leftover[ICCID_STR_SIZE];	/* ISD-P of ours in state Created, to be deleted first; else "" */
	char err[200];
};

/* ES_R_NONE: eligible (if leftover is empty). Else why not, err in words. */
enum es_reason eis_check(struct eis_check *c, const struct es_eis *eis);

/* ES1, EUM to SM-SR (SGP.02 5.2).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/cert.h>

#include "euicc.h"

struct es1_trust {
	const char *own_id;		/* Smsr-id */
	const struct cert_x509 *ci;	/* NULL: nothing can be registered */
	const struct crl_x509 *crl;	/* of the CI; NULL: nothing is revoked */
	bool revoked_refuse;		/* else it is said, counted and taken (off-card 7.6, corrections 15) */
	const struct cert_x509 *eum;	/* of this party, from the configuration; NULL: must come in KeyInfo */
	const char *eid_prefix;		/* the EUM's identification number; NULL: not checked */
	bool ecb;			/* keys wrapped the older way */
};

void es1_srv_handle(struct euiccs *reg, const struct es1_trust *trust, struct es_req *req);	/* takes req over */

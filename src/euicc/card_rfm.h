/* Remote file management of the enabled profile, under the keys of its security domain (SAIP PE-RFM; TS 102 226 7).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "card_ota.h"
#include "fs.h"

struct isd_p;

/* What a TAR stands for in the enabled profile. */
struct card_rfm {
	struct isd_p *isdp;
	struct usim_sd *sd;
	const struct usim_rfm *rfm;	/* NULL: the security domain itself */
};
bool card_rfm_find(struct card *c, struct card_rfm *m, uint32_t tar);
/* The keys a packet names, as copies under its owner: 0, -ENOENT. */
int card_rfm_keys(const struct card_rfm *m, struct card_por *p);
/* Minimum security level, then the counter of the key version, which is saved before anything is run. */
enum scp80_status card_rfm_admit(struct card *c, const struct card_rfm *m, const struct scp80_sec *sec);
/* Commands in either format; the answer is appended. */
void card_rfm_run(struct card *c, const struct card_rfm *m, const uint8_t *in, size_t len, struct bytes *out);

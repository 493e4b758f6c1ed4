/* UICC command layer over an installed profile: TS 102 221, TS 31.102.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include "fs.h"

struct usim;

/* fs is borrowed and must outlive it. */
struct usim *usim_new(void *ctx, struct usim_fs *fs);
void usim_reset(struct usim *u);	/* MF selected, verifications gone */
/* One command APDU; data and SW1 SW2 are appended to resp. Case 4 answers come at once. `full` access (an RFM
 * application with access domain 00) is set by usim_privileged(). */
void usim_apdu(struct usim *u, const uint8_t *apdu, size_t len, struct bytes *resp);
void usim_privileged(struct usim *u, bool on);
/* Tells whether the file system has changes not yet saved; reading clears it. */
bool usim_changed(struct usim *u);
void usim_mark(struct usim *u);	/* changed behind its back */
/* "3F00/7FF0/6F07" or "3F00/2FE2" (7FF0: the first USIM, 7FF2: the first ISIM, or temporary FIDs): text for a person,
 * owned by ctx. */
char *usim_show_ef(void *ctx, const struct usim_fs *fs, const char *path);

/* usim_auth.c: 3G AKA on the card. */
enum usim_auth_rc { USIM_AUTH_OK, USIM_AUTH_SYNC, USIM_AUTH_MAC, USIM_AUTH_UNSUPPORTED };
struct usim_auth_out {
	uint8_t res[32]; uint8_t res_len;
	uint8_t ck[16], ik[16], kc[8], auts[14];
};
enum usim_auth_rc usim_auth(struct usim_aka *aka, const uint8_t rand[16], const uint8_t autn[16],
			    struct usim_auth_out *out);
/* Milenage functions for tests: f1, f1*, f2..f5*. op-variant free: opc is given. Other algorithms fill more of res. */
struct milenage { uint8_t mac_a[8], mac_s[8], res[32], ck[16], ik[16], ak[6], ak_s[6]; };
int usim_milenage(struct milenage *m, const struct usim_aka *aka, const uint8_t rand[16], const uint8_t sqn[6],
		  const uint8_t amf[2]);

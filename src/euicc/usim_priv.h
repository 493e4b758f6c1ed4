/* What the parts of the UICC command layer share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/apdu.h>

#include "usim.h"

#define USIM_SW_OK 0x9000
#define USIM_SW_LENGTH 0x6700
#define USIM_SW_SECURITY 0x6982
#define USIM_SW_BLOCKED 0x6983
#define USIM_SW_REFERENCE_OFF 0x6984	/* referenced data invalidated: the code is disabled */
#define USIM_SW_CONDITIONS 0x6985
#define USIM_SW_NO_EF 0x6986
#define USIM_SW_INCOMPATIBLE 0x6981
#define USIM_SW_FUNC 0x6A81
#define USIM_SW_NOT_FOUND 0x6A82
#define USIM_SW_NO_RECORD 0x6A83
#define USIM_SW_P1P2 0x6A86
#define USIM_SW_NO_REFERENCE 0x6A88
#define USIM_SW_OFFSET 0x6B00
#define USIM_SW_WRONG_LE 0x6C00
#define USIM_SW_INS 0x6D00
#define USIM_SW_CLA 0x6E00
#define USIM_SW_MAC 0x9862

struct usim {
	struct usim_fs *fs;
	struct usim_file *df;		/* current directory */
	struct usim_file *adf;		/* current application, NULL: none yet */
	struct usim_file *ef;		/* current elementary file */
	unsigned rec;			/* current record, 0: none */
	bool privileged, changed;
};

/* Each handles one instruction: data goes to resp, the status word is returned. */
uint16_t usim_select(struct usim *u, const struct apdu_cmd *a, struct bytes *resp);
uint16_t usim_status(struct usim *u, const struct apdu_cmd *a, struct bytes *resp);
uint16_t usim_read_binary(struct usim *u, const struct apdu_cmd *a, struct bytes *resp);
uint16_t usim_update_binary(struct usim *u, const struct apdu_cmd *a, struct bytes *resp);
uint16_t usim_read_record(struct usim *u, const struct apdu_cmd *a, struct bytes *resp);
uint16_t usim_update_record(struct usim *u, const struct apdu_cmd *a, struct bytes *resp);
uint16_t usim_increase(struct usim *u, const struct apdu_cmd *a, struct bytes *resp);
uint16_t usim_pin(struct usim *u, const struct apdu_cmd *a, struct bytes *resp);
uint16_t usim_authenticate(struct usim *u, const struct apdu_cmd *a, struct bytes *resp);

/* usim_access.c: access mode octet of EFs (ISO 7816-4) and the two INCREASE has by instruction. */
#define USIM_AM_READ 0x01
#define USIM_AM_UPDATE 0x02
#define USIM_AM_INCREASE 0x100
bool usim_allowed(struct usim *u, const struct usim_file *f, unsigned mode);
/* Verified since reset, or a code that is switched off. */
bool usim_pin_ok(const struct usim_file *df, uint8_t ref);
void usim_touch(struct usim *u, struct usim_file *f);	/* f changed and has to be saved */

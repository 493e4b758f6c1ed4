/* What the tests of the card share: one profile beside the bootstrap one, random numbers and an interpreter as the
 * digest's examples want them. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/application.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/crypto/cert.h>
#include <osmocom/rsp/ota/es5_cmd.h>
#include <osmocom/rsp/ota/es8_cmd.h>
#include <osmocom/rsp/ota/scp03t.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/util/misc.h>

#include "../../src/euicc/card_cat.h"
#include "../../src/euicc/card_db.h"
#include "../../src/euicc/card_ota.h"
#include "../../src/euicc/install.h"
#include "../../src/euicc/isd_p.h"
#include "card_rig.h"

#define AID_1300 "A0000005591010FFFFFFFF8900001300"
#define TAR_1300 0x000013
#define CREATE                                                                                                         \
	"80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010" AID_1300                    \
	"0380C00006C904810203700000"
#define ENABLE "80E28800153A03124F10" AID_1300
#define GET_STATUS "80F24002174F10" AID_1300 "5C034F9F7000"
#define E3(state) "E3164F10" AID_1300 "9F7001" state "9000"
#define RC "000102030405060708090A0B0C0D0E0F"
#define DR "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"

/* assert that there is a text, and that it is this */
#define eq(got, want) do { const char *g_ = (got); assert_non_null(g_); assert_string_equal(g_, want); } while (0)

extern unsigned card_help_rand;		/* random numbers of 16 octets. 0: real; else counts down the fixed values */
extern bool card_help_fake_install;	/* the digest's example package has no file system: taken all the same */
struct isd_p *card_help_isdp(struct rig *r);
struct isd_p *card_help_profile(struct rig *r);		/* installed and disabled */
char *card_help_tlv22(struct rig *r, const char *apdu);
void card_help_enable(struct rig *r);	/* EnableProfile, REFRESH, reset */
int card_help_main(const char *name, const struct CMUnitTest *tests, size_t n);

/* A terminal as small as possible around one card, for tests: APDUs by hand, proactive commands answered and recorded.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <osmocom/rsp/bip/bip_cmd.h>
#include <osmocom/rsp/ota/scp80.h>
#include "../../src/euicc/card_int.h"

#define RIG_SMS_MAX 16

struct rig {
	void *ctx;
	char dir[64], path[96];
	struct card_env *env;
	struct card *card;
	struct key *kic, *kid;
	uint64_t cntr;			/* last SCP80 counter used */
	uint8_t spi2;
	uint16_t sw;			/* of the last APDU */
	/* what the card has asked for since rig_clear() */
	bool refresh;
	unsigned timer[BIP_TIMERS + 1];	/* seconds, 0 stopped */
	struct bytes *sms[RIG_SMS_MAX];	/* SMS-SUBMIT */
	char sms_to[RIG_SMS_MAX][24];
	unsigned n_sms;
	int inline_status;		/* of the response packet in the last ENVELOPE's answer, -1: none */
	uint8_t sms_result;		/* TERMINAL RESPONSE to SEND SHORT MESSAGE */
	bool (*bip)(struct rig *r, const struct bip_cmd *c, struct bip_resp *resp);	/* channels, for http_test */
	void *bip_priv;
};

extern const char rig_upp[];		/* smallest package: header and end (card-side digest 7.4) */
extern const char rig_ci_q[], rig_ci_ski[], rig_cert_dp[];
struct rig *rig_new(const char *eid_kic, const char *kid);	/* NULL NULL: the digest's test key */
struct rig *rig_new_keys(enum key_type type, const char *kic, const char *kid);	/* SCP80 keyset 01 of this kind */
void rig_free(struct rig *r);
/* Process killed and started again on the same state file. */
void rig_restart(struct rig *r);
void rig_clear(struct rig *r);

/* One APDU; data and status word. The caller frees. */
struct bytes *rig_apdu(struct rig *r, const uint8_t *apdu, size_t len);
struct bytes *rig_apdu_hex(struct rig *r, const char *hex);
/* Fetch and answer all that waits. */
void rig_pump(struct rig *r);
void rig_power(struct rig *r);		/* reset, TERMINAL PROFILE */
void rig_location(struct rig *r, uint8_t service);
void rig_timer(struct rig *r, uint8_t id);
/* SMS-PP download of a packet, in as many messages as needed; the last ENVELOPE's answer. */
void rig_ud(struct rig *r, const uint8_t *ud, size_t len);	/* one message with this user data */
struct bytes *rig_packet(struct rig *r, const uint8_t *packet, size_t len);
/* Script TLVs (hex, without AA) to a TAR under SPI 16 39 and the next counter; the response script from the proof of
 * receipt as hex (NULL: none came), *status its status. chain: value of tag 83, 0 none. */
char *rig_script(struct rig *r, uint32_t tar, uint8_t chain, const char *tlvs, int *status);
/* The same with any payload; the additional response data. */
char *rig_payload(struct rig *r, uint32_t tar, const uint8_t *payload, size_t len, int *status);
/* The same with all of the security said; sec->cntr is used as it is. Also of an answer in the ENVELOPE's (the last
 * one, *status then that of the last response packet). */
char *rig_secured(struct rig *r, const struct scp80_sec *sec, const uint8_t *payload, size_t len, int *status);
void rig_envelope(struct rig *r, const struct bip_env *e);
/* One C-APDU to the ISD-R; R-APDU as hex, "-" when no answer came. */
char *rig_isd_r(struct rig *r, const char *apdu);
/* The last SMS-SUBMIT's user data. */
const uint8_t *rig_last_ud(struct rig *r, size_t *len);

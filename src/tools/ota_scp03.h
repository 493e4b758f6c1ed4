/* What SCP03 and SCP03t requests have in common.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/scp03.h>
#include "ota_op.h"

#define OTA_SCP03_SERVER_FIELDS \
	{ "enc_key", OTA_HEX, true, 16, 32, "static Key-ENC" }, \
	{ "mac_key", OTA_HEX, true, 16, 32, "static Key-MAC" }, \
	{ "host_challenge", OTA_HEX, true, 8, 8, "host challenge" }, \
	{ "kvn", OTA_HEX, false, 1, 1, "key version, 30" }, \
	{ "card_answer", OTA_HEX, false, SCP03_INIT_LEN, SCP03_INIT_LEN, \
	  "card's answer without status; absent: first step only" }
#define OTA_SCP03_CARD_FIELDS \
	{ "enc_key", OTA_HEX, true, 16, 32, "static Key-ENC" }, \
	{ "mac_key", OTA_HEX, true, 16, 32, "static Key-MAC" }, \
	{ "host_challenge", OTA_HEX, true, 8, 8, "host challenge" }, \
	{ "card_challenge", OTA_HEX, true, 8, 8, "card challenge" }

/* The session of OTA_SCP03_SERVER_FIELDS, card cryptogram checked; 0 with *s NULL when there is no card_answer. */
int ota_scp03_server(struct ota_req *q, struct scp03 **s);
struct scp03 *ota_scp03_card(struct ota_req *q);	/* of OTA_SCP03_CARD_FIELDS; NULL: keys do not fit */
void ota_scp03_put_keys(struct ota_req *q, const struct key *enc, const struct key *mac, const uint8_t host[8],
			const uint8_t card[8]);

/* Proactive commands, terminal responses and envelopes of the card application toolkit, as far as an eUICC and its modem
 * use them (TS 102 223 6.6, 6.8, 7; TS 31.111 7.1.1). Both directions: the card and the terminal are ours.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/bip/ctlv.h>

enum bip_type {
	BIP_REFRESH = 0x01, BIP_MORE_TIME = 0x02, BIP_POLL_INTERVAL = 0x03, BIP_SET_UP_EVENT_LIST = 0x05,
	BIP_SEND_SMS = 0x13, BIP_LOCAL_INFO = 0x26, BIP_TIMER = 0x27, BIP_OPEN_CHANNEL = 0x40,
	BIP_CLOSE_CHANNEL = 0x41, BIP_RECEIVE_DATA = 0x42, BIP_SEND_DATA = 0x43, BIP_CHANNEL_STATUS = 0x44,
};

enum bip_device { BIP_DEV_UICC = 0x81, BIP_DEV_TERMINAL = 0x82, BIP_DEV_NETWORK = 0x83, BIP_DEV_CHANNEL = 0x20 };

enum bip_event {
	BIP_EV_LOCATION = 0x03, BIP_EV_DATA_AVAILABLE = 0x09, BIP_EV_CHANNEL_STATUS = 0x0A, BIP_EV_ACCESS_TECH = 0x0B,
};

enum bip_result {
	BIP_RES_OK = 0x00, BIP_RES_MISSING_INFO = 0x02, BIP_RES_REFRESH_DONE_FILES = 0x03,
	BIP_RES_TERMINAL_BUSY = 0x20, BIP_RES_NETWORK_BUSY = 0x21, BIP_RES_BEYOND = 0x30, BIP_RES_TYPE_UNKNOWN = 0x31,
	BIP_RES_DATA_UNKNOWN = 0x32, BIP_RES_SMS_RP_ERROR = 0x35, BIP_RES_VALUES_MISSING = 0x36, BIP_RES_BIP_ERROR = 0x3A,
};
enum bip_error {	/* additional information of BIP_RES_BIP_ERROR */
	BIP_ERR_NONE = 0x00, BIP_ERR_NO_CHANNEL = 0x01, BIP_ERR_CLOSED = 0x02, BIP_ERR_CHANNEL_ID = 0x03,
	BIP_ERR_BUFFER = 0x04, BIP_ERR_TRANSPORT = 0x06, BIP_ERR_UNREACHABLE = 0x07,
};

enum bip_refresh {
	BIP_REFRESH_INIT_FULL = 0, BIP_REFRESH_FILES = 1, BIP_REFRESH_INIT_FILES = 2, BIP_REFRESH_INIT = 3,
	BIP_REFRESH_UICC_RESET = 4,
};

enum bip_transport { BIP_UDP_CLIENT = 1, BIP_TCP_CLIENT = 2 };

#define BIP_DATA_MAX 237	/* RECEIVE DATA octets that fit one short TERMINAL RESPONSE */
#define BIP_SEND_MAX 230	/* and SEND DATA octets that fit one FETCH */
#define BIP_TIMERS 8

/* Octet strings point into the input after decoding and may point anywhere for encoding; v NULL: object absent. */
struct bip_str {
	const uint8_t *v;
	size_t len;
};

struct bip_cmd {
	uint8_t number, type, qualifier;
	uint8_t src, dst;		/* enum bip_device; dst 0x21..0x27 a channel */
	struct bip_str alpha;
	/* OPEN CHANNEL */
	struct bip_str bearer, nan, login, password;	/* nan: length-prefixed labels; login, password without DCS octet */
	bool has_buffer;
	uint16_t buffer;
	uint8_t transport;		/* 0: none given */
	uint16_t port;
	struct bip_str local, dest;	/* address octets: 4 or 16; len 0: dynamic */
	/* the others */
	struct bip_str data;		/* SEND DATA */
	uint8_t data_len;		/* RECEIVE DATA */
	struct bip_str events;		/* SET UP EVENT LIST */
	uint8_t timer_id;
	struct bip_str timer_value;	/* 3 octets, swapped semi-octets hh mm ss */
	struct bip_str duration;	/* 2 octets: unit, value */
	struct bip_str sca, tpdu;	/* SEND SHORT MESSAGE */
	struct bip_str files, aid;	/* REFRESH */
};

/* The D0 template as FETCH returns it, no status word. 0, -EINVAL; unknown objects are skipped. */
int bip_cmd_dec(struct bip_cmd *c, const uint8_t *in, size_t len);
int bip_cmd_enc(struct bytes *out, const struct bip_cmd *c);	/* -EMSGSIZE over 256 octets: FETCH cannot return more */

struct bip_resp {
	uint8_t number, type, qualifier;
	uint8_t result;
	struct bip_str info;		/* additional information on the result, often absent */
	bool has_channel;		/* channel status */
	uint8_t channel, channel_info;	/* 8n/0n, 00/05 */
	struct bip_str bearer;
	bool has_buffer;
	uint16_t buffer;
	struct bip_str data;		/* RECEIVE DATA */
	bool has_data_len;
	uint8_t data_len;		/* rest in the Rx buffer, or room in the Tx buffer; FF: more */
	uint8_t timer_id;
	struct bip_str timer_value, duration, imei, location;
};

/* Whole command TERMINAL RESPONSE 80 14 00 00 Lc ... -EMSGSIZE over 255. */
int bip_resp_enc(struct bytes *out, const struct bip_resp *r);
/* Its data field. */
int bip_resp_dec(struct bip_resp *r, const uint8_t *in, size_t len);

/* ENVELOPE. tag: what it is. */
enum bip_env_tag { BIP_ENV_SMS_PP = 0xD1, BIP_ENV_EVENT = 0xD6, BIP_ENV_TIMER = 0xD7 };
struct bip_env {
	uint8_t tag;
	uint8_t src, dst;
	struct bip_str sca, tpdu;	/* SMS-PP */
	uint8_t event;			/* first of the event list */
	bool has_channel;
	uint8_t channel, channel_info;
	bool has_data_len;
	uint8_t data_len;
	bool has_service;
	uint8_t service;		/* location status: 0 normal, 1 limited, 2 none */
	struct bip_str location;
	uint8_t timer_id;
	struct bip_str timer_value;
};

/* Whole command ENVELOPE 80 C2 00 00 Lc ..., without Le. */
int bip_env_enc(struct bytes *out, const struct bip_env *e);
int bip_env_dec(struct bip_env *e, const uint8_t *in, size_t len);	/* its data field */

/* hh mm ss in swapped semi-octets from and to seconds (up to 99:59:59). */
void bip_timer_enc(uint8_t out[3], unsigned seconds);
int bip_timer_dec(unsigned *seconds, struct bip_str value);
/* Duration object to seconds, rounded up, at least 1. */
int bip_duration_dec(unsigned *seconds, struct bip_str value);

/* SCP81: texts of RAM over HTTP (GP Amd B 3.4), PSK identity (SGP.02 2.4.4.1), session trigger (GP Amd B 3.7).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>

#define SCP81_PROTOCOL		"globalplatform-remote-admin/1.0"
#define SCP81_HDR_PROTOCOL	"X-Admin-Protocol"
#define SCP81_HDR_FROM		"X-Admin-From"
#define SCP81_HDR_STATUS	"X-Admin-Script-Status"
#define SCP81_HDR_RESUME	"X-Admin-Resume"
#define SCP81_HDR_NEXT_URI	"X-Admin-Next-URI"
#define SCP81_HDR_TARGET	"X-Admin-Targeted-Application"
#define SCP81_TYPE_CMD		"application/vnd.globalplatform.card-content-mgt;version=1.0"
#define SCP81_TYPE_RSP		"application/vnd.globalplatform.card-content-mgt-response;version=1.0"
#define SCP81_URI_DEFAULT	"/gsma/adminagent"

enum scp81_status {
	SCP81_ST_OK,
	SCP81_ST_UNKNOWN_APPLICATION,
	SCP81_ST_NOT_A_SECURITY_DOMAIN,
	SCP81_ST_SECURITY_ERROR,	/* also any value not known to us */
	/* extension of GP SE remote management */
	SCP81_ST_UNAVAILABLE_SE,
	SCP81_ST_TEMPORARILY_UNAVAILABLE,
	SCP81_ST_SCRIPT_FORMAT_ERROR,
};
const char *scp81_status_text(enum scp81_status st);
enum scp81_status scp81_status_parse(const char *text);

struct scp81_psk_id {
	struct eid eid;
	struct aid sd;			/* ISD-R */
	uint8_t kid, kvn;
};
#define SCP81_PSK_ID_SIZE 128		/* 90 characters with a 16 octet AID, and the NUL */
int scp81_psk_id_enc(char *out, size_t out_size, const struct scp81_psk_id *id);
/* Any order of TLVs, either letter case. -EINVAL: not such an identity. */
int scp81_psk_id_dec(struct scp81_psk_id *id, const char *text);

#define SCP81_FROM_SIZE 128
int scp81_from_enc(char *out, size_t out_size, const struct eid *eid, const struct aid *sd);
int scp81_from_dec(struct eid *eid, struct aid *sd, const char *text);
#define SCP81_TARGET_SIZE 64
int scp81_target_enc(char *out, size_t out_size, const struct aid *aid);	/* "//aid/RID/PIX" */
int scp81_target_dec(struct aid *aid, const char *text);

/* Administration session parameters: in a trigger (83) and stored on the card (A5 of DGI 3A07). Empty string or 0:
 * absent, the card takes what it has stored. */
struct scp81_params {
	bool has_conn;			/* tag 84, with all of the next eight */
	uint16_t buffer;		/* 39 */
	char apn[64];			/* 47, dotted text */
	char login[64], password[64];	/* 0D, 0D */
	char ip[46];			/* 3E, IPv4 or IPv6 text */
	uint16_t port;			/* 3C, TCP */
	char psk_id[SCP81_PSK_ID_SIZE];	/* 85 */
	uint8_t kvn, kid;
	bool has_retry;			/* 86 */
	uint16_t retry_count;
	uint32_t retry_delay_s;		/* less than 24 h */
	char host[128];			/* 8A */
	char agent[SCP81_FROM_SIZE];	/* 8B */
	char uri[256];			/* 8C */
};
/* The value of 84, as in OPEN CHANNEL: bearer, buffer, name, login, transport, address. PUSH says the same of UDP. */
#define SCP81_TRANSPORT_UDP	0x01
#define SCP81_TRANSPORT_TCP	0x02
int scp81_conn_put(struct bytes *b, const struct scp81_params *p, uint8_t transport);
/* 84, 85, 86, 89 without a wrapper; tag of the timer TLV as given by GP Amd B (25). */
int scp81_params_enc(struct bytes *out, const struct scp81_params *p);
int scp81_params_dec(struct scp81_params *p, const uint8_t *in, size_t len);
/* Trigger: 81 { 83 { .. } }; p NULL: 81 00, everything as stored. An undecodable optional part is passed over. */
int scp81_trigger_enc(struct bytes *out, const struct scp81_params *p);
int scp81_trigger_dec(struct scp81_params *p, const uint8_t *in, size_t len);

/* DNS resolution parameters B3 (GP Amd B 3.11, SGP.02 2.4.5): the server's name, and who resolves it. */
struct scp81_dns {
	char fqdn[128];			/* D6 */
	char ip[46];			/* FA: 3E */
	uint16_t port;			/* FA: 3C, UDP; 0 in FA: 53 */
};
/* What stands in A6 of UpdateSMSRAddressingParameters (SGP.02 table 92; inside [M]): 3E server, 3C port, D6 or 8A name. */
int scp81_dns_addr_dec(struct scp81_dns *d, const uint8_t *in, size_t len);
/* The trigger with B3 behind 83. */
int scp81_trigger_dns_enc(struct bytes *out, const struct scp81_params *p, const struct scp81_dns *d);
/* -ENOENT: the trigger has none. D6 may be text or labels. */
int scp81_trigger_dns_dec(struct scp81_dns *d, const uint8_t *in, size_t len);

/* SCP80 secured packets over SMS: TS 102 225, TS 31.115, SGP.02 2.4.3. A packet starts at CPL (command) or RPL
 * (response); the user data header 02 70 00 or 02 71 00 is the SMS codec's. Both ends, both directions.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/key.h>

struct scp80_sec {
	uint8_t spi1, spi2;
	uint8_t kic_octet, kid_octet;	/* key version << 4 | algorithm */
	uint32_t tar;
	uint64_t cntr;			/* 40 bits */
};

/* SGP.02 2.4.3: counter higher, ciphered, CC; proof of receipt always, by SMS-SUBMIT, ciphered, CC. */
#define SCP80_SPI1		0x16
#define SCP80_SPI2_POR		0x39
#define SCP80_SPI2_NO_POR	0x00
#define SCP80_SPI1_NOTIF	0x02	/* SGP.02 3.15.1: CC only, no counter */
#define SCP80_ALG_AES		0x02	/* low nibble of KIc and KID */
#define SCP80_CNTR_MAX		0xFFFFFFFFFFULL
#define SCP80_TAR_ISD_R		0x000001
#define SCP80_PACKET_MAX	4096
/* Largest payload whose ciphered packet fits in n octets (design 5: 137 for one SMS, then 132 + 134 (n - 1)). */
size_t scp80_payload_max(size_t packet_len);

enum scp80_status {
	SCP80_ST_OK = 0x00,
	SCP80_ST_CC_FAILED = 0x01,
	SCP80_ST_CNTR_LOW = 0x02,
	SCP80_ST_CNTR_HIGH = 0x03,
	SCP80_ST_CNTR_BLOCKED = 0x04,
	SCP80_ST_CIPHER = 0x05,
	SCP80_ST_SECURITY = 0x06,
	SCP80_ST_MEMORY = 0x07,
	SCP80_ST_MORE_TIME = 0x08,
	SCP80_ST_TAR_UNKNOWN = 0x09,
	SCP80_ST_LEVEL = 0x0A,
	SCP80_ST_BY_SUBMIT = 0x0B,
	SCP80_ST_BY_USSD = 0x0C,
};
const char *scp80_status_text(uint8_t status);

/* kic may be NULL when SPI1 asks for no ciphering, kid when it asks for no CC. The algorithm is the key's; octets that
 * contradict the key are -EINVAL. */
int scp80_cmd_enc(struct bytes *out, const struct scp80_sec *sec, const struct key *kic, const struct key *kid,
		  const uint8_t *payload, size_t len);
/* Header in clear: to choose keys before scp80_cmd_dec(). cntr is 0 when ciphered. Nothing is verified yet. */
int scp80_cmd_peek(struct scp80_sec *sec, const uint8_t *in, size_t len);
/* Decipher, verify, then append the payload to out. -EINVAL malformed, -EBADMSG checksum wrong (nothing was written).
 * A packet whose SPI1 asks for no checksum passes unverified: check scp80_sec_sgp02() or scp80_sec_notif() first. */
int scp80_cmd_dec(struct bytes *out, struct scp80_sec *sec, const struct key *kic, const struct key *kid,
		  const uint8_t *in, size_t len);
/* At least what SGP.02 2.4.3 asks for: counter 10 or 11, AES ciphering, AES-CMAC. */
bool scp80_sec_sgp02(const struct scp80_sec *sec);
/* Low nibble of KIc and KID for a key: AES, 3DES with two or three keys (TS 102 225 5.1.2, 5.1.3). */
uint8_t scp80_alg_of(const struct key *k);
/* A notification's security: SPI1 02, CC, no ciphering (SGP.02 3.15.1). Payload must then start with E1. */
bool scp80_sec_notif(const struct scp80_sec *sec);
/* Counter rule of SPI1 (TS 102 225 5.1.4): status, and *stored moved on when SCP80_ST_OK. */
enum scp80_status scp80_cntr_check(uint8_t spi1, uint64_t *stored, uint64_t received);

/* Response packet. cmd: what the command said (spi2, octets, tar, cntr). */
struct scp80_rsp {
	uint32_t tar;
	uint64_t cntr;
	uint8_t status;			/* enum scp80_status */
};
bool scp80_rsp_wanted(const struct scp80_sec *cmd, uint8_t status);	/* SPI2 b2 b1 */
int scp80_rsp_enc(struct bytes *out, const struct scp80_sec *cmd, const struct key *kic, const struct key *kid,
		  uint8_t status, const uint8_t *data, size_t len);
/* Decipher and verify under cmd's spi2; out gets the additional response data. -EBADMSG: not made with these keys. The
 * caller compares rsp->tar and rsp->cntr with the command it waits for. cmd->tar, cmd->cntr are not read. */
int scp80_rsp_dec(struct bytes *out, struct scp80_rsp *rsp, const struct scp80_sec *cmd, const struct key *kic,
		  const struct key *kid, const uint8_t *in, size_t len);

/* The same on CAT_TP (and TCP), TS 102 225 5.2: the packet starts at CPI 01 or RPI 02, lengths are BER, one packet is one
 * SDU. Checksums cover CPI or RPI in place of the user data header. */
int scp80_cattp_cmd_enc(struct bytes *out, const struct scp80_sec *sec, const struct key *kic, const struct key *kid,
			const uint8_t *payload, size_t len);
int scp80_cattp_cmd_peek(struct scp80_sec *sec, const uint8_t *in, size_t len);
int scp80_cattp_cmd_dec(struct bytes *out, struct scp80_sec *sec, const struct key *kic, const struct key *kid,
			const uint8_t *in, size_t len);
int scp80_cattp_rsp_enc(struct bytes *out, const struct scp80_sec *cmd, const struct key *kic, const struct key *kid,
			uint8_t status, const uint8_t *data, size_t len);
int scp80_cattp_rsp_dec(struct bytes *out, struct scp80_rsp *rsp, const struct scp80_sec *cmd, const struct key *kic,
			const struct key *kid, const uint8_t *in, size_t len);

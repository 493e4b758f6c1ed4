/* SCP03t, the profile transport: TLVs 84..87 directly in a script. SGP.02 4.1.3.3. Session object of scp03.h.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/scp03.h>
#include <osmocom/rsp/util/tlv.h>

#define SCP03T_TAG_INIT		0x84
#define SCP03T_TAG_AUTH		0x85
#define SCP03T_TAG_DATA		0x86
#define SCP03T_TAG_KEYS		0x87
/* Error answers: 9F, then the command tag with bit 8 cleared and bit 7 set. */
#define SCP03T_ERR_TAG(tag)	(0x9F00u | (((tag) & 0x7Fu) | 0x40u))
#define SCP03T_ERR_STRUCTURE	1	/* for 87: key length differs */
#define SCP03T_ERR_SECURITY	2
#define SCP03T_ERR_NO_KEY	3
const char *scp03t_err_text(uint32_t tag, uint8_t value);

#define SCP03T_SEG_MAX		1007	/* plain octets in a TLV of 1024 */
/* Plain octets to take next from `left` when a TLV may have max_tlv octets in all (1024 when 0). */
size_t scp03t_seg_len(size_t left, size_t max_tlv);

/* Off-card end: append one command TLV. */
int scp03t_init_enc(struct bytes *out, uint8_t kvn, const uint8_t host_challenge[8]);
int scp03t_auth_enc(struct scp03 *s, struct bytes *out);
int scp03t_data_enc(struct scp03 *s, struct bytes *out, const uint8_t *plain, size_t len);
int scp03t_keys_enc(struct scp03 *s, struct bytes *out, const uint8_t mcv[16], const struct key *enc,
		    const struct key *mac, const struct key *rmac);

/* Off-card end: one response TLV, to be read in the order of the commands. tag is the command's; s may be NULL for 84. 0 and data appended to
 * out (84: 32 octets for scp03_init_dec()); -EREMOTEIO and *err for 9F44..9F47; -EBADMSG; -EPROTO another tag. */
int scp03t_rsp_dec(struct scp03 *s, struct bytes *out, uint8_t *err, uint32_t tag, const struct tlv *t);
/* Several 86 may be sent in one script; their answers are unwrapped under the command they answer: take a note after
 * scp03t_data_enc() and give it back before scp03t_rsp_dec(). Without notes the last command counts. */
struct scp03t_note { uint8_t mcv[16]; uint64_t counter; };
void scp03t_note_take(const struct scp03 *s, struct scp03t_note *n);
void scp03t_note_use(struct scp03 *s, const struct scp03t_note *n);

/* Card end: value of the command TLV. */
int scp03t_init_dec(uint8_t *kvn, uint8_t host_challenge[8], const struct tlv *t);
int scp03t_auth_dec(struct scp03 *s, const struct tlv *t);	/* -EINVAL structure, -EBADMSG security */
int scp03t_data_dec(struct scp03 *s, struct bytes *out, const struct tlv *t);	/* appends the plain segment */
int scp03t_keys_dec(struct scp03 *s, const struct tlv *t);	/* also -ERANGE: key length differs */
/* Card end: answers. No data to tag 86: 86 00 without R-MAC. */
int scp03t_init_rsp_enc(struct bytes *out, const struct scp03_init *i);
int scp03t_empty_rsp_enc(struct bytes *out, uint32_t tag);
int scp03t_mac_rsp_enc(struct scp03 *s, struct bytes *out);	/* 86 with no more than an R-MAC: stricter cards */
int scp03t_data_rsp_enc(struct scp03 *s, struct bytes *out, const uint8_t *data, size_t len);
int scp03t_err_enc(struct bytes *out, uint32_t tag, uint8_t value);

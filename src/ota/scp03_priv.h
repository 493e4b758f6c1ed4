/* The inside of an SCP03 session, shared by scp03.c and scp03t.c.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/ota/scp03.h>

enum scp03_state { SCP03_NEW, SCP03_OPEN, SCP03_DEAD };

struct scp03 {
	struct key *enc, *mac, *rmac;
	uint8_t mcv[16];		/* MAC chaining value: the last whole C-MAC */
	uint64_t counter;		/* of the last command */
	uint8_t rsp_mcv[16];		/* of the command whose answer comes next */
	uint64_t rsp_counter;
	uint8_t card_cryptogram[8], host_cryptogram[8];
	enum scp03_state state;
};

void scp03_answer_next(struct scp03 *s);	/* the answer to come belongs to the last command */
int scp03_spoil(struct scp03 *s, int rc);	/* returns rc */
/* C-MAC over the chaining value, head and data. The caller moves s->mcv on. */
int scp03_mac_next(struct scp03 *s, const uint8_t *head, size_t head_len, const uint8_t *data, size_t len, uint8_t mac[16]);
/* The same, compared with 8 octets; s->mcv moves on when equal. */
int scp03_mac_check(struct scp03 *s, const uint8_t *head, size_t head_len, const uint8_t *data, size_t len,
		    const uint8_t mac[8]);
/* Pad with 80 00.., encipher under s->counter; and back (-EBADMSG: no such padding). */
int scp03_encrypt(struct scp03 *s, struct bytes *out, const uint8_t *in, size_t len, bool response);
int scp03_decrypt(struct scp03 *s, struct bytes *out, const uint8_t *in, size_t len, bool response);

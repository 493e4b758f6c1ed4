/* CAT_TP PDUs (TS 102 127 5). The checksum is mended first, else nearly nothing would be looked at.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/bip/cattp.h>

#include "fuzz.h"

static void mend(uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	p[16] = p[17] = 0;
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? p[i] : p[i] << 8;
		sum = (sum & 0xFFFF) + (sum >> 16);
	}
	p[16] = ~sum >> 8;
	p[17] = ~sum;
}

static void pdu(const uint8_t *in, size_t len, int rc_not)
{
	struct bytes *out = bytes_new(NULL, 0);
	struct cattp_pdu p, again;
	int rc = cattp_pdu_dec(&p, in, len);

	FUZZ_CHECK(!rc_not || rc != rc_not);
	if (rc == 0) {
		FUZZ_CHECK(p.eack_count <= CATTP_EACK_MAX && cattp_pdu_len(&p) == len);
		FUZZ_CHECK(!p.data_len || (p.data >= in && p.data + p.data_len <= in + len));
		FUZZ_CHECK(!(p.flags & CATTP_SYN) || !p.id_len || (p.id >= in && p.id + p.id_len <= in + len));
		cattp_reason_text(p.reason);
		FUZZ_CHECK(cattp_pdu_enc(out, &p) == 0);
		FUZZ_CHECK(cattp_pdu_dec(&again, out->data, out->len) == 0);
		FUZZ_CHECK(again.seq == p.seq && again.ack == p.ack && again.data_len == p.data_len);
	}
	talloc_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *copy;

	pdu(data, len, 0);
	if (len < CATTP_HDR_LEN)
		return 0;
	copy = malloc(len);
	memcpy(copy, data, len);
	mend(copy, len);
	pdu(copy, len, -EBADMSG);
	free(copy);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	static const uint8_t flags[] = { CATTP_SYN, CATTP_SYN | CATTP_ACK, CATTP_ACK, CATTP_ACK | CATTP_SEG,
					 CATTP_ACK | CATTP_EAK, CATTP_ACK | CATTP_NUL, CATTP_RST, CATTP_RST | CATTP_ACK };
	struct bytes *out = bytes_new(ctx, 0);

	for (size_t i = 0; i < sizeof(flags); i++) {
		struct cattp_pdu p = { .flags = flags[i], .src = 49153, .dst = 8080, .seq = 2, .ack = 100, .win = 5 };

		if (flags[i] & CATTP_SYN) {
			p.max_pdu = 1400;
			p.max_sdu = 1024;
			p.id = (const uint8_t *)"\x11\x22\x33";
			p.id_len = 3;
		} else if (flags[i] & CATTP_EAK) {
			p.eack[p.eack_count++] = 103;
		} else if (!(flags[i] & (CATTP_RST | CATTP_NUL))) {
			p.data = (const uint8_t *)"0123456";
			p.data_len = 7;
		}
		if (cattp_pdu_enc(out, &p) == 0)
			fuzz_add_bytes(add, -1, out);
		else
			out->err = 0;
	}
}

/* osmo-ota: CAT_TP PDUs, TS 102 127 5.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <talloc.h>
#include <osmocom/rsp/bip/cattp.h>
#include "ota_op.h"

static const struct { const char *name; uint8_t bit; } flags[] = {
	{ "SYN", CATTP_SYN }, { "ACK", CATTP_ACK }, { "EAK", CATTP_EAK }, { "RST", CATTP_RST }, { "NUL", CATTP_NUL },
	{ "SEG", CATTP_SEG },
};
#define N_FLAGS (sizeof(flags) / sizeof(flags[0]))

static const struct ota_field dec_fields[] = {
	{ "pdu", OTA_HEX, true, 1, CATTP_PDU_MAX, "one UDP datagram" },
	{}
};
static const struct ota_field enc_fields[] = {
	{ "flags", OTA_HEX, true, 1, 1, "80 SYN, 40 ACK, 20 EAK, 10 RST, 08 NUL, 04 SEG, added" },
	{ "src", OTA_NUM, true, 0, 65535, "source port" },
	{ "dst", OTA_NUM, true, 0, 65535, "destination port" },
	{ "seq", OTA_NUM, false, 0, 65535, "sequence number, 0" },
	{ "ack", OTA_NUM, false, 0, 65535, "acknowledgement number, 0" },
	{ "win", OTA_NUM, false, 0, 65535, "window size, 0" },
	{ "max_pdu", OTA_NUM, false, 0, 65535, "with SYN: largest PDU" },
	{ "max_sdu", OTA_NUM, false, 0, 65535, "with SYN: largest SDU" },
	{ "id", OTA_HEX, false, 0, CATTP_ID_MAX, "with SYN: identification" },
	{ "eack", OTA_LIST, false, 2, 2, "with EAK: sequence numbers received out of order" },
	{ "reason", OTA_HEX, false, 1, 1, "with RST: reason, 00" },
	{ "data", OTA_HEX, false, 0, CATTP_PDU_MAX, "data" },
	{}
};

static void put_variable(json_t *o, const struct cattp_pdu *p)
{
	struct bytes *b;
	json_t *list;
	unsigned i;

	if (p->flags & CATTP_SYN) {
		ota_put_num(o, "max_pdu", p->max_pdu);
		ota_put_num(o, "max_sdu", p->max_sdu);
		ota_put_hex(o, "id", p->id, p->id_len);
	}
	if (p->flags & CATTP_EAK) {
		list = ota_put_list(o, "eack");
		for (i = 0; i < p->eack_count; i++) {
			b = bytes_new(NULL, 2);
			bytes_put_u16(b, p->eack[i]);
			ota_add_bytes(list, b);
			talloc_free(b);
		}
	}
	if (p->flags & CATTP_RST) {
		ota_put_be(o, "reason", p->reason, 1);
		ota_put_text(o, "reason_text", cattp_reason_text(p->reason));
	}
	ota_put_hex(o, "data", p->data, p->data_len);
}

static int dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "pdu");
	struct cattp_pdu p;
	json_t *list;
	size_t i;
	int rc = cattp_pdu_dec(&p, in->data, in->len);

	if (rc < 0)
		return rc;
	ota_put_be(q->out, "flags", p.flags, 1);
	list = ota_put_list(q->out, "flag_names");
	for (i = 0; i < N_FLAGS; i++) {
		if (p.flags & flags[i].bit)
			json_array_append_new(list, json_string(flags[i].name));
	}
	ota_put_num(q->out, "src", p.src);
	ota_put_num(q->out, "dst", p.dst);
	ota_put_num(q->out, "seq", p.seq);
	ota_put_num(q->out, "ack", p.ack);
	ota_put_num(q->out, "win", p.win);
	put_variable(q->out, &p);
	return 0;
}

static int enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, CATTP_PDU_MAX), *id = ota_hex(q, "id"), *data = ota_hex(q, "data"), *e;
	struct cattp_pdu p = {
		.flags = ota_be(q, "flags", 0), .src = ota_num(q, "src", 0), .dst = ota_num(q, "dst", 0),
		.seq = ota_num(q, "seq", 0), .ack = ota_num(q, "ack", 0), .win = ota_num(q, "win", 0),
		.max_pdu = ota_num(q, "max_pdu", 0), .max_sdu = ota_num(q, "max_sdu", 0),
		.id = id ? id->data : NULL, .id_len = id ? id->len : 0, .reason = ota_be(q, "reason", 0),
		.data = data ? data->data : NULL, .data_len = data ? data->len : 0,
	};
	unsigned n = ota_list_len(q, "eack");
	int rc;

	if (n > CATTP_EACK_MAX)
		return ota_fail(q, -EMSGSIZE, "eack: too many");
	while (p.eack_count < n) {
		e = ota_item(q, "eack", p.eack_count);
		p.eack[p.eack_count++] = e->data[0] << 8 | e->data[1];
	}
	rc = cattp_pdu_enc(out, &p);
	if (rc == 0)
		ota_put_bytes(q->out, "pdu", out);
	return rc;
}

const struct ota_op ota_cattp_ops[] = {
	{ "cattp_dec", "read a CAT_TP PDU, checksum checked", dec_fields, dec,
	  "{\"op\":\"cattp_dec\",\"pdu\":\"8000001FC0011F900000000100000005373704000800081122334455667788\"}" },
	{ "cattp_enc", "write a CAT_TP PDU", enc_fields, enc,
	  "{\"op\":\"cattp_enc\",\"flags\":\"40\",\"src\":49153,\"dst\":8080,\"seq\":2,\"ack\":100,\"win\":5}" },
	{}
};

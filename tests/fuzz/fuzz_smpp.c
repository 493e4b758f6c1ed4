/* SMPP PDUs out of a stream, and the receipts in them (SMPP 3.4). SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/sms/receipt.h>
#include <osmocom/rsp/sms/smpp_pdu.h>

#include "fuzz.h"

static void receipt(const struct smpp_sm *sm)
{
	struct receipt r;

	if (receipt_dec(&r, sm) < 0)
		return;
	FUZZ_CHECK(strnlen(r.id, sizeof(r.id)) < sizeof(r.id) && r.state);
	receipt_id_equal(r.id, "1AF0");
	receipt_id_equal("6896", r.id);
}

static void pdu(const uint8_t *in, size_t len)
{
	struct bytes *out = bytes_new(NULL, 0);
	struct smpp_pdu p, again;

	if (smpp_pdu_dec(&p, in, len) == 0 && smpp_pdu_enc(out, &p) == 0) {
		FUZZ_CHECK(smpp_pdu_dec(&again, out->data, out->len) == 0);
		FUZZ_CHECK(again.id == p.id && again.seq == p.seq && again.status == p.status);
		smpp_id_name(p.id);
		if (p.id == SMPP_DELIVER_SM || p.id == SMPP_DATA_SM)
			receipt(&p.sm);
	}
	talloc_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t at = 0;

	while (at < len) {
		int n = smpp_frame(data + at, len - at);

		if (n <= 0)
			break;
		FUZZ_CHECK(n >= SMPP_PDU_MIN && n <= SMPP_PDU_MAX && (size_t)n <= len - at);
		pdu(data + at, n);
		at += n;
	}
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	static const uint32_t ids[] = { SMPP_BIND_TRX, SMPP_BIND_TRX | SMPP_RESP, SMPP_SUBMIT_SM, SMPP_SUBMIT_SM | SMPP_RESP,
		SMPP_DELIVER_SM, SMPP_DELIVER_SM | SMPP_RESP, SMPP_UNBIND, SMPP_ENQUIRE_LINK, SMPP_ALERT, SMPP_RESP,
		SMPP_DATA_SM, SMPP_DATA_SM | SMPP_RESP };
	struct bytes *out = bytes_new(ctx, 0), *all = bytes_new(ctx, 0);

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct smpp_pdu p = { .id = ids[i], .seq = i + 1 };

		if (ids[i] == SMPP_BIND_TRX) {
			strcpy(p.bind.system_id, "smsr");
			strcpy(p.bind.password, "word");
			p.bind.interface_version = 0x34;
		} else if (ids[i] == SMPP_SUBMIT_SM || ids[i] == SMPP_DELIVER_SM || ids[i] == SMPP_DATA_SM) {
			strcpy(p.sm.dst.digits, "491701234567");
			strcpy(p.sm.src.digits, "1001");
			p.sm.esm_class = SMPP_ESM_UDHI;
			memcpy(p.sm.ud, "\2\x70\0abc", 6);
			p.sm.ud_len = 6;
			p.sm.payload = ids[i] == SMPP_DELIVER_SM;
			p.sm.has_user_ref = true;
		}
		if (smpp_pdu_enc(out, &p) < 0)
			out->err = 0;
		bytes_put_bytes(all, out);
		fuzz_add_bytes(add, -1, out);
	}
	fuzz_add_bytes(add, -1, all);
	for (enum smpp_state st = SMPP_STATE_ENROUTE; st <= SMPP_STATE_REJECTED; st += 3) {
		struct smpp_pdu p = { .id = SMPP_DELIVER_SM, .seq = 9 };

		receipt_enc(&p.sm, "1AF0", st);
		smpp_pdu_enc(out, &p);
		fuzz_add_bytes(add, -1, out);
	}
}

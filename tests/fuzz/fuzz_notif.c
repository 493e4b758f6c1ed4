/* Notifications of the card (SGP.02 4.1.1.11). SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/ota/notif.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes *out = bytes_new(NULL, 0);
	struct notif n, again;

	if (notif_dec(&n, data, len) == 0) {
		notif_type_text(n.type);
		if (notif_enc(out, &n, NOTIF_AID_TAG) == 0) {
			FUZZ_CHECK(notif_dec(&again, out->data, out->len) == 0);
			FUZZ_CHECK(again.seq == n.seq && aid_eq(&again.aid, &n.aid) && !strcmp(again.imei, n.imei));
		}
	}
	talloc_free(out);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	struct bytes *out = bytes_new(ctx, 0);
	struct notif n = { .type = NOTIF_CHANGED, .seq = 258, .imei = "359000000000015", .location = { 1, 2, 3 }, .location_len = 7 };

	eid_from_str(&n.eid, "89001012012341234012345678901224");
	aid_isdp(&n.aid, 0x10);
	notif_enc(out, &n, NOTIF_AID_TAG);
	fuzz_add_bytes(add, -1, out);
	n.meid_len = 7;
	n.imei[0] = 0;
	notif_enc(out, &n, NOTIF_AID_TAG_2016);
	fuzz_add_bytes(add, -1, out);
}

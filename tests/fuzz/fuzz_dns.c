/* What a card resolves names with: answers of a name server (RFC 1035, compression and aliases), and the DNS parameters of a
 * trigger (B3) and of the SM-SR addressing (A6). The question's first octets are mended, else nothing would be looked at.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/rsp/ota/scp81_msg.h>

#include "card_dns.h"
#include "fuzz.h"

#define NAME "smsr.example"

static void answer(const uint8_t *in, size_t len, enum card_dns_type type)
{
	struct card_dns_answer a;
	int rc = card_dns_answer_dec(&a, 0x1234, NAME, type, in, len);

	FUZZ_CHECK(rc == 0 || rc == -EINVAL || rc == -ENOENT || rc == -EAGAIN);
	FUZZ_CHECK(a.n <= CARD_DNS_MAX);
	for (unsigned i = 0; i < a.n; i++)
		FUZZ_CHECK(strlen(a.ip[i]) >= 2 && strlen(a.ip[i]) < sizeof(a.ip[i]));
}

static void mended(const uint8_t *in, size_t len, enum card_dns_type type)
{
	struct bytes *q = bytes_new(NULL, 512), *b = bytes_new(q, 70000);

	card_dns_query_enc(q, 0x1234, NAME, type);
	q->data[2] = 0x81;
	q->data[3] = 0x80;
	q->data[7] = len ? in[0] & 0x0F : 0;	/* so many records */
	bytes_put_bytes(b, q);
	if (len > 1)
		bytes_put(b, in + 1, len - 1);
	answer(b->data, b->len, type);
	talloc_free(q);
}

static void parameters(const uint8_t *in, size_t len)
{
	struct scp81_dns d, again;
	struct bytes *out = bytes_new(NULL, 0);

	if (scp81_dns_addr_dec(&d, in, len) == 0)
		FUZZ_CHECK(strlen(d.fqdn) < sizeof(d.fqdn) && strlen(d.ip) < sizeof(d.ip));
	if (scp81_trigger_dns_dec(&d, in, len) == 0) {
		FUZZ_CHECK(!strpbrk(d.fqdn, "\r\n /:"));	/* it becomes a Host line */
		if (d.fqdn[0] && d.ip[0] && d.port) {
			FUZZ_CHECK(scp81_trigger_dns_enc(out, NULL, &d) == 0);
			FUZZ_CHECK(scp81_trigger_dns_dec(&again, out->data, out->len) == 0);
			FUZZ_CHECK(!strcmp(d.fqdn, again.fqdn) && !strcmp(d.ip, again.ip) && d.port == again.port);
		}
	}
	talloc_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	answer(data, len, CARD_DNS_A);
	mended(data, len, CARD_DNS_A);
	mended(data, len, CARD_DNS_AAAA);
	parameters(data, len);
	return 0;
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	static const char *const hex[] = {
		/* dns.json */
		"12348180000100020000000004736D7372076578616D706C650000010001C00C000100010000012C00040A000001"
		"C00C000100010000012C00040A000002",
		"02C00C000500010000000A00060378797AC0110378797AC011000100010000000500" "04C0000201",
		"01C00C001C00010000012C001020010DB8000000000000000000000001",
		"8114B312D60E04736D7372076578616D706C6500FA00",
		"811AB318D60C736D73722E6578616D706C65FA083E05210A000035",
	};
	const struct scp81_dns d = { .fqdn = NAME, .ip = "2001:db8::53", .port = 5353 };
	struct bytes *b = bytes_new(ctx, 0);

	for (size_t i = 0; i < sizeof(hex) / sizeof(hex[0]); i++) {
		bytes_put_hex(b, hex[i]);
		fuzz_add_bytes(add, -1, b);
	}
	scp81_trigger_dns_enc(b, NULL, &d);
	fuzz_add_bytes(add, -1, b);
}

/* CAT_TP PDUs against cattp.json (checksums confirmed by an independent dissector): there and back, each bit bent, each
 * cut. With an argument: writes PDUs made here as text2pcap input, for cattp_tshark_test.sh.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <osmocom/core/talloc.h>

#include <osmocom/rsp/bip/cattp.h>

#include "../sms/vectors.h"

static void *root;

static int setup(void **state)
{
	root = talloc_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	talloc_free(root);
	return 0;
}

/* Each bit bent, the checksum's own too, is noticed; each cut is refused. */
static void check_damage(const uint8_t *p, size_t len)
{
	struct cattp_pdu pdu;
	size_t i;

	for (i = 0; i < len * 8; i++) {
		uint8_t *bent = vectors_exact(p, len);

		bent[i / 8] ^= 1 << (i % 8);
		assert_int_equal(cattp_pdu_dec(&pdu, bent, len), -EBADMSG);
		free(bent);
	}
	for (i = 0; i < len; i++) {
		uint8_t *cut = vectors_exact(p, i);

		assert_int_not_equal(cattp_pdu_dec(&pdu, cut, i), 0);
		free(cut);
	}
}

static void check_vector(const char *name, const struct bytes *b)
{
	struct bytes *out = bytes_new(root, 0);
	struct cattp_pdu p;

	print_message("%s\n", name);
	assert_int_equal(cattp_pdu_dec(&p, b->data, b->len), 0);
	assert_int_equal(cattp_pdu_len(&p), b->len);
	assert_int_equal(cattp_pdu_enc(out, &p), 0);
	assert_string_equal(bytes_hex(root, out->data, out->len), bytes_hex(root, b->data, b->len));
	check_damage(b->data, b->len);
}

static void test_vectors(void **state)
{
	json_t *j = vectors_load("cattp.json"), *v;
	size_t k, n = 0;

	if (!j)
		skip();
	json_array_foreach(json_object_get(j, "vectors"), k, v) {
		check_vector(vectors_str(v, "name"), vectors_hex(root, v, "pdu"));
		n++;
	}
	assert_int_equal(n, 13);
	json_decref(j);
}

/* The fields of the worked examples of the digest (ota-transport.md 7.1). */
static void test_fields(void **state)
{
	struct bytes *syn = bytes_from_hex(root, "80 0000 1F C001 1F90 0000 0001 0000 0005 3737 0400 0800"
						 "08 1122334455667788");
	struct bytes *eak = bytes_from_hex(root, "60 0000 14 C001 1F90 0000 0002 0065 0005 BF86 0067");
	struct bytes *data = bytes_from_hex(root, "40 0000 12 1F90 C001 0005 0065 0001 000A 105C 0123456789");
	struct bytes *rst = bytes_from_hex(root, "50 0000 13 1F90 C001 0000 0000 0001 0000 CD59 03");
	struct cattp_pdu p;

	assert_int_equal(cattp_pdu_dec(&p, syn->data, syn->len), 0);
	assert_int_equal(p.src, 0xC001);
	assert_int_equal(p.dst, 0x1F90);
	assert_int_equal(p.seq, 1);
	assert_int_equal(p.win, 5);
	assert_int_equal(p.max_pdu, 0x400);
	assert_int_equal(p.max_sdu, 0x800);
	assert_int_equal(p.id_len, 8);
	assert_memory_equal(p.id, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	assert_int_equal(cattp_pdu_dec(&p, eak->data, eak->len), 0);
	assert_int_equal(p.ack, 0x65);
	assert_int_equal(p.eack_count, 1);
	assert_int_equal(p.eack[0], 0x67);
	assert_int_equal(cattp_pdu_dec(&p, data->data, data->len), 0);
	assert_int_equal(p.data_len, 5);
	assert_memory_equal(p.data, "\x01\x23\x45\x67\x89", 5);
	assert_int_equal(cattp_pdu_dec(&p, rst->data, rst->len), 0);
	assert_int_equal(p.reason, CATTP_RST_PORT);
	assert_string_equal(cattp_reason_text(p.reason), "requested port not available");
	assert_string_equal(cattp_reason_text(7), "reserved reason");
}

/* Sets the checksum, so that only the rest can be the reason to refuse. */
static int dec_sealed(struct bytes *b)
{
	struct cattp_pdu p;
	uint32_t sum = 0;

	b->data[16] = b->data[17] = 0;
	for (size_t i = 0; i < b->len; i++)
		sum += i % 2 ? b->data[i] : b->data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	b->data[16] = ~sum >> 8;
	b->data[17] = ~sum;
	return cattp_pdu_dec(&p, b->data, b->len);
}

static void test_malformed(void **state)
{
	static const struct { const char *hex; int rc; } list[] = {
		{ "40 0000 12 0001 0002 0000 0000 0000 0001 0000", 0 },
		{ "48 0000 12 0001 0002 0000 0000 0000 0001 0000", 0 },
		{ "68 0000 14 0001 0002 0000 0000 0000 0001 0000 0001", 0 },	/* EAK with NUL */
		{ "64 0000 14 0001 0002 0001 0000 0000 0001 0000 0001 AA", 0 },	/* EAK with data */
		{ "10 0000 13 0001 0002 0000 0000 0000 0001 0000 7F", 0 },
		{ "41 0000 12 0001 0002 0000 0000 0000 0001 0000", -EPROTONOSUPPORT },
		{ "00 0000 12 0001 0002 0000 0000 0000 0001 0000", -EINVAL },	/* no kind */
		{ "20 0000 14 0001 0002 0000 0000 0000 0001 0000 0001", -EINVAL },	/* EAK without ACK */
		{ "90 0000 13 0001 0002 0000 0000 0000 0001 0000 00", -EINVAL },	/* SYN and RST */
		{ "14 0000 13 0001 0002 0000 0000 0000 0001 0000 00", -EINVAL },	/* RST and SEG */
		{ "08 0000 12 0001 0002 0000 0000 0000 0001 0000", -EINVAL },	/* NUL without ACK */
		{ "48 0000 12 0001 0002 0001 0000 0000 0001 0000 AA", -EINVAL },	/* NUL with data */
		{ "40 0000 11 0001 0002 0001 0000 0000 0001 0000", -EINVAL },	/* header too short */
		{ "40 0000 13 0001 0002 0000 0000 0000 0001 0000 00", -EINVAL },	/* unknown variable part */
		{ "40 0000 12 0001 0002 0002 0000 0000 0001 0000 AA", -EINVAL },	/* data cut */
		{ "40 0000 12 0001 0002 0001 0000 0000 0001 0000 AABB", -EINVAL },	/* octets behind */
		{ "60 0000 15 0001 0002 0000 0000 0000 0001 0000 000100", -EINVAL },	/* half a number */
		{ "80 0000 17 0001 0002 0000 0000 0000 0001 0000 0400 0800 01", -EINVAL },	/* identification cut */
		{ "80 0000 18 0001 0002 0000 0000 0000 0001 0000 0400 0800 00 AA", -EINVAL },	/* longer than it says */
		{ "80 0000 17 0001 0002 0001 0000 0000 0001 0000 0400 0800 00 AA", -EINVAL },	/* SYN with data */
		{ "10 0000 12 0001 0002 0000 0000 0000 0001 0000", -EINVAL },	/* RST without reason */
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct bytes *b = bytes_from_hex(root, list[i].hex);

		if (dec_sealed(b) != list[i].rc)
			fail_msg("%s: not %d", list[i].hex, list[i].rc);
	}
}

static void test_limits(void **state)
{
	struct cattp_pdu p = { .flags = CATTP_ACK | CATTP_EAK, .eack_count = CATTP_EACK_MAX }, got;
	static uint8_t big[CATTP_PDU_MAX];
	struct bytes *out = bytes_new(root, 0);

	assert_int_equal(cattp_pdu_enc(out, &p), 0);
	assert_int_equal(cattp_pdu_dec(&got, out->data, out->len), 0);
	assert_int_equal(got.eack_count, CATTP_EACK_MAX);
	p.eack_count++;
	assert_int_equal(cattp_pdu_enc(out, &p), -EINVAL);
	p = (struct cattp_pdu) { .flags = CATTP_SYN, .id = big, .id_len = CATTP_ID_MAX };
	bytes_clear(out);
	assert_int_equal(cattp_pdu_enc(out, &p), 0);
	assert_int_equal(cattp_pdu_dec(&got, out->data, out->len), 0);
	assert_int_equal(got.id_len, CATTP_ID_MAX);
	p.id_len++;
	assert_int_equal(cattp_pdu_enc(out, &p), -EINVAL);
	p = (struct cattp_pdu) { .flags = CATTP_ACK, .data = big, .data_len = CATTP_PDU_MAX - CATTP_HDR_LEN };
	bytes_clear(out);
	assert_int_equal(cattp_pdu_enc(out, &p), 0);
	assert_int_equal(cattp_pdu_dec(&got, out->data, out->len), 0);
	p.data_len++;
	assert_int_equal(cattp_pdu_enc(out, &p), -EINVAL);
	p = (struct cattp_pdu) { .flags = CATTP_EAK, .eack_count = 1 };
	assert_int_equal(cattp_pdu_enc(out, &p), -EINVAL);
}

static int dump(const struct cattp_pdu *p)
{
	struct bytes *out = bytes_new(NULL, 0);
	int rc = cattp_pdu_enc(out, p);

	printf("000000");
	for (size_t i = 0; i < out->len; i++)
		printf(" %02x", out->data[i]);
	printf("\n");
	talloc_free(out);
	return rc;
}

/* All kinds of PDU, even and odd lengths, sums that carry more than once. */
static int dump_all(void)
{
	static const uint8_t flags[] = { 0x80, 0xC0, 0x40, 0x44, 0x60, 0x68, 0x48, 0x10, 0x50 };
	uint8_t data[64];
	int rc = 0;

	for (unsigned i = 0; i < sizeof(flags) * 32; i++) {
		struct cattp_pdu p = {
			.flags = flags[i % sizeof(flags)], .src = 0xC001 + i, .dst = 0xFFFF - i, .seq = i * 2311, .ack = i * 1777,
			.win = 10, .max_pdu = 1024, .max_sdu = 4096, .reason = i % 7,
		};

		memset(data, 0xFF - i % 3, sizeof(data));
		if (p.flags & CATTP_SYN) {
			p.id = data;
			p.id_len = i % 11;
		} else if (p.flags & CATTP_EAK) {
			p.eack[0] = p.ack + 2;
			p.eack[1] = p.ack + 3;
			p.eack_count = 2;
		}
		if (p.flags == CATTP_ACK || p.flags == (CATTP_ACK | CATTP_SEG)) {
			p.data = data;
			p.data_len = 1 + i % sizeof(data);
		}
		rc |= dump(&p);
	}
	return rc ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vectors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
	};

	if (argc > 1 && !strcmp(argv[1], "dump"))
		return dump_all();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

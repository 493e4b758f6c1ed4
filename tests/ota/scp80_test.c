/* Secured packets: every vector of scp80.json, those of real cards too; damage; counters.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/rsp/ota/scp80.h>
#include "ota_test.h"

static struct key *vector_key(const json_t *v, const char *name)
{
	const char *alg = str(v, "algorithm");
	struct bytes *b = field(v, name);

	return b->len ? key_new(root, strcmp(alg, "3des") ? KEY_TYPE_AES : KEY_TYPE_DES, b->data, b->len) : NULL;
}

static void sec_of(struct scp80_sec *sec, const json_t *v)
{
	bool des = !strcmp(str(v, "algorithm"), "3des");

	*sec = (struct scp80_sec) {
		.spi1 = number(v, "spi") >> 8, .spi2 = str(v, "spi2") ? number(v, "spi2") : number(v, "spi") & 0xFF,
		.kic_octet = str(v, "kic") ? number(v, "kic") : des ? 0x15 : 0x12,
		.kid_octet = str(v, "kid") ? number(v, "kid") : des ? 0x15 : 0x12,
		.tar = number(v, "tar"), .cntr = number(v, "cntr"),
	};
}

/* An independent C soft-SIM pads with 80 00 ..; we write 00 and read anything. */
static bool pads_otherwise(const json_t *v)
{
	const char *pad = str(v, "padding");

	return pad && !strncmp(pad, "80", 2);
}

static void check_command(const json_t *v)
{
	struct key *kic = vector_key(v, "kic_key"), *kid = vector_key(v, "kid_key");
	struct bytes *packet = field(v, "packet"), *data = field(v, "secured_data"), *out = empty();
	struct scp80_sec sec, got;

	sec_of(&sec, v);
	assert_int_equal(scp80_cmd_enc(out, &sec, kic, kid, data->data, data->len), 0);
	assert_int_equal(out->len, packet->len);
	if (!pads_otherwise(v))
		assert_memory_equal(out->data, packet->data, packet->len);
	out = empty();
	assert_int_equal(scp80_cmd_peek(&got, packet->data, packet->len), 0);
	assert_int_equal(got.tar, sec.tar);
	assert_int_equal(got.kic_octet, sec.kic_octet);
	assert_int_equal(scp80_cmd_dec(out, &got, kic, kid, packet->data, packet->len), 0);
	assert_true(bytes_eq(out, data->data, data->len));
	assert_int_equal(got.cntr, sec.cntr);
	assert_int_equal(got.spi1 << 8 | got.spi2, sec.spi1 << 8 | sec.spi2);
}

static void check_response(const json_t *v)
{
	struct key *kic = vector_key(v, "kic_key"), *kid = vector_key(v, "kid_key");
	struct bytes *ud = field(v, "sms_tp_ud"), *data = field(v, "data"), *out = empty();
	const uint8_t *packet = ud->data + 3;
	struct scp80_rsp rsp;
	struct scp80_sec sec;

	sec_of(&sec, v);
	assert_int_equal(scp80_rsp_enc(out, &sec, kic, kid, number(v, "status"), data->data, data->len), 0);
	if (!pads_otherwise(v))
		assert_true(bytes_eq(out, packet, ud->len - 3));
	out = empty();
	assert_int_equal(scp80_rsp_dec(out, &rsp, &sec, kic, kid, packet, ud->len - 3), 0);
	assert_true(bytes_eq(out, data->data, data->len));
	assert_int_equal(rsp.status, number(v, "status"));
	assert_int_equal(rsp.cntr, sec.cntr);
	assert_int_equal(rsp.tar, sec.tar);
}

static void test_vectors(void **state)
{
	static const char *const lists[] = { "vectors", "external" };
	json_t *j = vectors("scp80.json"), *v;
	unsigned i, n = 0;
	size_t k;

	if (!j)
		skip();
	for (i = 0; i < 2; i++) {
		json_array_foreach(json_object_get(j, lists[i]), k, v) {
			print_message("%s\n", str(v, "name"));
			if (!strcmp(str(v, "type"), "command"))
				check_command(v);
			else
				check_response(v);
			n++;
		}
	}
	assert_int_equal(n, 34);
	json_decref(j);
}

static void test_counter_rules(void **state)
{
	json_t *j = vectors("scp80.json"), *v;
	size_t k;

	if (!j)
		skip();
	json_array_foreach(json_object_get(j, "counter_rules"), k, v) {
		uint64_t stored = number(v, "stored");
		uint8_t mode = !strcmp(str(v, "mode"), "11") ? 3 : !strcmp(str(v, "mode"), "10") ? 2 : str(v, "mode")[1] - '0';
		enum scp80_status st = scp80_cntr_check(mode << 3 | 0x06, &stored, number(v, "received"));

		if (json_is_true(json_object_get(v, "accept"))) {
			assert_int_equal(st, SCP80_ST_OK);
			if (mode != 1)
				assert_int_equal(stored, number(v, "new_stored"));
		} else {
			assert_int_equal(st, number(v, "status"));
			assert_int_equal(stored, number(v, "stored"));
		}
	}
	json_decref(j);
}

/* card-side 3.11: a notification of a 2016 card, made by others; its key is in the published library test. */
static void test_published_notification(void **state)
{
	struct bytes *p = hex("004D15020010120000010000000000" "00" "45AAB54EB13D7749"
		"E1354C10890010120123412340123456789012244D01024E0200004F10A0000005591010FFFFFFFF890000130014083A45990057918503");
	struct key *k = aes("11223344556677889910111213141516");
	struct bytes *out = empty();
	struct scp80_sec sec;

	assert_int_equal(scp80_cmd_peek(&sec, p->data, p->len), 0);
	assert_true(scp80_sec_notif(&sec));
	assert_false(scp80_sec_sgp02(&sec));
	assert_int_equal(sec.cntr, 0);
	assert_int_equal(scp80_cmd_dec(out, &sec, NULL, k, p->data, p->len), 0);
	assert_int_equal(out->data[0], 0xE1);
	assert_int_equal(out->len, p->len - 24);
}

/* card-side 0.5. */
static void test_worked_confirmation(void **state)
{
	struct scp80_sec sec = { SCP80_SPI1, SCP80_SPI2_POR, 0x12, 0x12, SCP80_TAR_ISD_R, 1 };
	struct key *k = aes("11223344556677889910111213141516");
	struct bytes *p = hex("AA0F220D80E28900073A08044E02000000"), *out = empty();

	assert_int_equal(scp80_cmd_enc(out, &sec, k, k, p->data, p->len), 0);
	assert_bytes(out, "00281516391212000001092868F393B7B105BD993CEE1FFCADF38A9178B5E74B5D8EFDADED9DF1CF5C5A");
	assert_true(scp80_sec_sgp02(&sec));
}

/* Every prefix and every turned bit of both directions is refused, and nothing is handed out. */
static void test_damage(void **state)
{
	struct scp80_sec sec = { SCP80_SPI1, SCP80_SPI2_POR, 0x12, 0x12, SCP80_TAR_ISD_R, 7 }, got;
	struct key *kic = aes("000102030405060708090A0B0C0D0E0F"), *kid = aes("101112131415161718191A1B1C1D1E1F");
	struct bytes *cmd = empty(), *rsp = empty(), *out = empty();
	struct scp80_rsp r;
	uint8_t *p;
	size_t i;

	assert_int_equal(scp80_cmd_enc(cmd, &sec, kic, kid, (const uint8_t *)"payload", 7), 0);
	assert_int_equal(scp80_rsp_enc(rsp, &sec, kic, kid, 0, (const uint8_t *)"answer", 6), 0);
	for (i = 0; i < cmd->len; i++) {
		p = exact(cmd->data, i);
		assert_int_equal(scp80_cmd_peek(&got, p, i), -EINVAL);
		assert_int_equal(scp80_cmd_dec(out, &got, kic, kid, p, i), -EINVAL);
		free(p);
	}
	for (i = 0; i < rsp->len; i++) {
		p = exact(rsp->data, i);
		assert_int_equal(scp80_rsp_dec(out, &r, &sec, kic, kid, p, i), -EINVAL);
		free(p);
	}
	for (i = 0; i < cmd->len * 8; i++) {
		cmd->data[i / 8] ^= 1 << i % 8;
		/* SPI1 may come to ask for less: that the caller refuses by scp80_sec_sgp02() */
		if (scp80_cmd_dec(out, &got, kic, kid, cmd->data, cmd->len) == 0)
			assert_false(scp80_sec_sgp02(&got));
		assert_int_equal(out->len, 0);
		cmd->data[i / 8] ^= 1 << i % 8;
	}
	for (i = 0; i < rsp->len * 8; i++) {
		rsp->data[i / 8] ^= 1 << i % 8;
		assert_int_not_equal(scp80_rsp_dec(out, &r, &sec, kic, kid, rsp->data, rsp->len), 0);
		rsp->data[i / 8] ^= 1 << i % 8;
	}
	assert_int_equal(out->len, 0);
	assert_int_equal(scp80_cmd_dec(out, &got, kid, kic, cmd->data, cmd->len), -EBADMSG);
	assert_int_equal(scp80_cmd_dec(out, &got, NULL, kid, cmd->data, cmd->len), -EINVAL);
	assert_int_equal(scp80_cmd_dec(out, &got, kic, NULL, cmd->data, cmd->len), -EINVAL);
}

/* ota-transport 2.3: 98 octets fit in one SMS. */
static void test_sizes(void **state)
{
	struct scp80_sec sec = { SCP80_SPI1, SCP80_SPI2_POR, 0x12, 0x12, SCP80_TAR_ISD_R, 7 };
	struct key *k = aes("000102030405060708090A0B0C0D0E0F");
	uint8_t big[SCP80_PACKET_MAX] = { 0 };
	struct bytes *out = empty();

	assert_int_equal(scp80_payload_max(137), 98);
	assert_int_equal(scp80_payload_max(12), 0);
	assert_int_equal(scp80_cmd_enc(out, &sec, k, k, big, 98), 0);
	assert_true(out->len <= 137);
	out = empty();
	assert_int_equal(scp80_cmd_enc(out, &sec, k, k, big, 99), 0);
	assert_true(out->len > 137);
	assert_int_equal(scp80_cmd_enc(empty(), &sec, k, k, big, sizeof(big)), -EMSGSIZE);
	sec.kic_octet = 0x15;	/* 3DES said, AES key given */
	assert_int_equal(scp80_cmd_enc(empty(), &sec, k, k, big, 5), -EINVAL);
}

static void test_por_wanted(void **state)
{
	struct scp80_sec sec = { .spi2 = 0x39 };

	assert_true(scp80_rsp_wanted(&sec, SCP80_ST_OK));
	sec.spi2 = 0x3A;
	assert_false(scp80_rsp_wanted(&sec, SCP80_ST_OK));
	assert_true(scp80_rsp_wanted(&sec, SCP80_ST_CNTR_LOW));
	sec.spi2 = 0;
	assert_false(scp80_rsp_wanted(&sec, SCP80_ST_CNTR_LOW));
	assert_string_equal(scp80_status_text(2), "counter low");
	assert_string_equal(scp80_status_text(0xEE), "unknown status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_vectors), TEST(test_counter_rules), TEST(test_published_notification),
		TEST(test_worked_confirmation), TEST(test_damage), TEST(test_sizes), TEST(test_por_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* PUSH requests against the vectors of ota-transport 5.1 (push.json: layouts equal to published test values), copied.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ota_test.h"
#include <osmocom/rsp/ota/push.h>
#include <osmocom/rsp/ota/script.h>

#define CHANNEL "80EC01012135010339020578470C03696F74076578616D706C653C03019C413E05210A000001"
#define LINK "80EC0102133C03001F903902040036081122334455667788"

static const uint8_t id[] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 };

static void test_vectors(void **state)
{
	struct scp81_params conn = { .buffer = 1400, .apn = "iot.example", .ip = "10.0.0.1", .port = 40001 };
	struct bytes *channel = bytes_new(root, 0), *link = bytes_new(root, 0), *tlvs = bytes_new(root, 0),
		     *script = bytes_new(root, 0), *minimal = bytes_new(root, 0);

	assert_int_equal(push_channel_enc(channel, &conn), 0);
	assert_bytes(channel, CHANNEL);
	assert_int_equal(push_cattp_enc(link, 8080, 1024, id, sizeof(id)), 0);
	assert_bytes(link, LINK);
	assert_int_equal(push_cattp_enc(minimal, 8080, 0, NULL, 0), 0);
	assert_bytes(minimal, "80EC0102053C03001F90");
	script_put_capdu(tlvs, channel->data, channel->len);
	script_put_capdu(tlvs, link->data, link->len);
	assert_int_equal(script_cmd_enc(script, tlvs->data, tlvs->len, true, SCRIPT_CHAIN_NONE), 0);
	assert_bytes(script, "AA422226" CHANNEL "2218" LINK);
}

/* TS 102 226 9.2.1: login and password both or none; IPv6; what is no address or too long is refused. */
static void test_parameters(void **state)
{
	struct scp81_params conn = { .ip = "2001:db8::1", .port = 8445, .login = "u" };
	struct bytes *b = bytes_new(root, 0);

	assert_int_equal(push_channel_enc(b, &conn), 0);
	assert_bytes(b, "80EC010122" "350103" "0D020475" "0D0104" "3C030120FD"
		     "3E115720010DB8000000000000000000000001");
	strcpy(conn.ip, "example.com");
	assert_true(push_channel_enc(b, &conn) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_vectors), TEST(test_parameters) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

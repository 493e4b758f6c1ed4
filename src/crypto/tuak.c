/* TUAK, the Keccak based set of AKA functions (TS 35.231), for TOPc at personalisation and for the simulated USIM.
 * Strings enter the state last octet first. With one iteration this is SHAKE256; more iterations need the permutation
 * itself, which OpenSSL does not hand out.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/util/misc.h>

#define TUAK_ITERATIONS_MAX 255

static uint64_t keccak_rotate(uint64_t v, unsigned n)
{
	return n ? v << n | v >> (64 - n) : v;
}

/* Round constant bits come from an 8 bit LFSR, x^8 + x^6 + x^5 + x^4 + 1 (FIPS 202 3.2.5). */
static uint64_t keccak_constant(uint8_t *lfsr)
{
	uint64_t rc = 0;

	for (unsigned j = 0; j < 7; j++) {
		if (*lfsr & 1)
			rc |= 1ULL << ((1U << j) - 1);
		*lfsr = *lfsr & 0x80 ? *lfsr << 1 ^ 0x71 : *lfsr << 1;
	}
	return rc;
}

static void keccak_round(uint64_t a[25], uint64_t constant)
{
	uint64_t c[5], b[25], d;
	unsigned x, y, t, i;

	for (x = 0; x < 5; x++)
		c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
	for (x = 0; x < 5; x++) {
		d = c[(x + 4) % 5] ^ keccak_rotate(c[(x + 1) % 5], 1);
		for (y = 0; y < 25; y += 5)
			a[y + x] ^= d;
	}
	/* rho and pi: walk (x, y) -> (y, 2x + 3y), the offset grows by t + 1 */
	b[0] = a[0];
	for (x = 1, y = 0, t = 0; t < 24; t++) {
		unsigned next = (2 * x + 3 * y) % 5;

		b[5 * next + y] = keccak_rotate(a[5 * y + x], (t + 1) * (t + 2) / 2 % 64);
		x = y;
		y = next;
	}
	for (i = 0; i < 25; i++)
		a[i] = b[i] ^ (~b[i / 5 * 5 + (i + 1) % 5] & b[i / 5 * 5 + (i + 2) % 5]);
	a[0] ^= constant;
}

static void keccak_f(uint8_t state[200])
{
	uint64_t a[25] = { 0 };
	uint8_t lfsr = 1;
	unsigned i;

	for (i = 0; i < 200; i++)
		a[i / 8] |= (uint64_t)state[i] << 8 * (i % 8);
	for (i = 0; i < 24; i++)
		keccak_round(a, keccak_constant(&lfsr));
	for (i = 0; i < 200; i++)
		state[i] = a[i / 8] >> 8 * (i % 8);
	secret_wipe(a, sizeof(a));
}

static void tuak_put(uint8_t *state, const uint8_t *v, size_t len)
{
	for (size_t i = 0; i < len; i++)
		state[i] = v[len - 1 - i];
}

static int tuak_size(size_t len, size_t max)
{
	return len <= max && (len == 8 || len == 16 || len == 32) ? (int)len : -EINVAL;
}

static int tuak_run(uint8_t state[200], const struct key *k, const uint8_t top[32], unsigned iterations,
		    uint8_t instance, const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2])
{
	uint8_t kb[32];
	size_t len = key_len(k);

	if ((len != 16 && len != 32) || !iterations || iterations > TUAK_ITERATIONS_MAX)
		return -EINVAL;
	key_export(k, kb, sizeof(kb));
	memset(state, 0, 200);
	tuak_put(state, top, 32);
	state[32] = instance | (len == 32);
	tuak_put(state + 33, (const uint8_t *)"TUAK1.0", 7);
	if (rand)
		tuak_put(state + 40, rand, 16);
	if (amf)
		tuak_put(state + 56, amf, 2);
	if (sqn)
		tuak_put(state + 58, sqn, 6);
	tuak_put(state + 64, kb, len);
	secret_wipe(kb, sizeof(kb));
	state[96] = 0x1F;
	state[135] = 0x80;
	while (iterations--)
		keccak_f(state);
	return 0;
}

int tuak_topc(uint8_t out[32], const struct key *k, const uint8_t top[32], unsigned iterations)
{
	uint8_t state[200];
	int rc = tuak_run(state, k, top, iterations, 0x00, NULL, NULL, NULL);

	if (rc == 0)
		tuak_put(out, state, 32);
	secret_wipe(state, sizeof(state));
	return rc;
}

int tuak_f1(const struct tuak *t, bool star, const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2],
	    uint8_t *mac, size_t len)
{
	uint8_t state[200];
	int rc = tuak_size(len, 32);

	if (rc < 0)
		return rc;
	rc = tuak_run(state, t->k, t->topc, t->iterations, (star ? 0x80 : 0x00) | len, rand, sqn, amf);
	if (rc == 0)
		tuak_put(mac, state, len);
	secret_wipe(state, sizeof(state));
	return rc;
}

int tuak_f2345(const struct tuak *t, const uint8_t rand[16], uint8_t *res, size_t res_len, uint8_t *ck, size_t ck_len,
	       uint8_t *ik, size_t ik_len, uint8_t ak[6])
{
	uint8_t state[200], instance = 0x40;
	int rc;

	if ((res_len != 4 && tuak_size(res_len, 32) < 0) || ck_len < 16 || tuak_size(ck_len, 32) < 0 ||
	    ik_len < 16 || tuak_size(ik_len, 32) < 0)
		return -EINVAL;
	instance |= (res_len == 4 ? 0 : res_len) | (ck_len == 32 ? 0x04 : 0) | (ik_len == 32 ? 0x02 : 0);
	rc = tuak_run(state, t->k, t->topc, t->iterations, instance, rand, NULL, NULL);
	if (rc == 0) {
		tuak_put(res, state, res_len);
		tuak_put(ck, state + 32, ck_len);
		tuak_put(ik, state + 64, ik_len);
		tuak_put(ak, state + 96, 6);
	}
	secret_wipe(state, sizeof(state));
	return rc;
}

int tuak_f5star(const struct tuak *t, const uint8_t rand[16], uint8_t ak[6])
{
	uint8_t state[200];
	int rc = tuak_run(state, t->k, t->topc, t->iterations, 0xC0, rand, NULL, NULL);

	if (rc == 0)
		tuak_put(ak, state + 96, 6);
	secret_wipe(state, sizeof(state));
	return rc;
}

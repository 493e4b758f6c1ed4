/* Key derivation: X9.63 as in TR-03111 (SGP.02 4.1.3.1), NIST 800-108 in counter mode with CMAC (GP Amd D 4.1.5).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <string.h>
#include <osmocom/rsp/util/misc.h>
#include "priv.h"

int kdf_x963(const uint8_t *z, size_t z_len, const uint8_t *si, size_t si_len, uint8_t *out, size_t out_len)
{
	uint8_t cnt[4] = { 0 }, h[32];
	struct iov iov[3] = { { z, z_len }, { cnt, 4 }, { si, si_len } };
	size_t done = 0;
	int rc = 0;

	if (out_len > 255 * sizeof(h))
		return -EINVAL;
	while (done < out_len && !rc) {
		size_t part = out_len - done < sizeof(h) ? out_len - done : sizeof(h);

		cnt[3]++;
		rc = sha256(iov, 3, h);
		memcpy(out + done, h, part);
		done += part;
	}
	secret_wipe(h, sizeof(h));
	return rc;
}

int kdf_scp03(const struct key *k, uint8_t constant, const uint8_t *context, size_t context_len, unsigned bits, uint8_t *out)
{
	uint8_t head[16] = { 0 }, block[16];
	struct iov iov[2] = { { head, sizeof(head) }, { context, context_len } };
	size_t left = bits / 8;
	int rc = 0;

	if (!bits || bits % 8 || bits > 256)
		return -EINVAL;
	head[11] = constant;
	head[13] = bits >> 8;
	head[14] = bits & 0xFF;
	while (left && !rc) {
		size_t part = left < sizeof(block) ? left : sizeof(block);

		head[15]++;
		rc = sym_cmac(k, iov, 2, block);
		memcpy(out, block, part);
		out += part;
		left -= part;
	}
	secret_wipe(block, sizeof(block));
	return rc;
}

int kdf_scp03_key(struct key **out, void *ctx, const struct key *k, uint8_t constant, const uint8_t *context, size_t len)
{
	uint8_t b[32];
	int rc;

	*out = NULL;
	if (k->type != KEY_TYPE_AES)
		return -EINVAL;
	rc = kdf_scp03(k, constant, context, len, k->len * 8, b);
	if (!rc)
		*out = key_new(ctx, KEY_TYPE_AES, b, k->len);
	secret_wipe(b, sizeof(b));
	return rc ? rc : *out ? 0 : -ENOMEM;
}

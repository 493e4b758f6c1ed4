/* CAP archives and IJC files: ZIP directories that lie, deflated data that does not end. A load file data block is what
 * comes out, or a reason. SPDX-License-Identifier: AGPL-3.0-or-later */
#include <zlib.h>

#include "../../src/tools/profile_tool.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *ctx = talloc_new(NULL);
	struct bytes *file = bytes_dup(ctx, data, len), *block;
	const char *err = NULL;

	block = cap_load_block(ctx, file, &err);
	FUZZ_CHECK(block ? block->len > 0 : err != NULL);
	talloc_free(ctx);
	return 0;
}

static void put_le(struct bytes *b, uint32_t v, unsigned n)
{
	for (; n; n--, v >>= 8)
		bytes_put_u8(b, v);
}

void fuzz_seeds(void *ctx, fuzz_add add)
{
	static const char *const names[] = { "Header", "Directory", "Import", "Class", "Method", "ConstantPool" };
	static const uint8_t ijc[] = { 0x01, 0x00, 0x0F, 0xDE, 0xCA, 0xFF, 0xED, 1, 2, 4, 0, 1, 6, 0xA0, 0, 0, 0, 1, 1 };
	struct bytes *zip = bytes_new(ctx, 0), *dir = bytes_new(ctx, 0);
	char name[40];

	for (unsigned i = 0; i < 6; i++) {
		int n = snprintf(name, sizeof(name), "x/javacard/%s.cap", names[i]);
		uint32_t at = zip->len, crc = crc32(0, ijc, sizeof(ijc));

		put_le(zip, 0x04034B50, 4);
		bytes_fill(zip, 0, 22);
		put_le(zip, n, 2);
		put_le(zip, 0, 2);
		bytes_put(zip, name, n);
		bytes_put(zip, ijc, sizeof(ijc));
		put_le(dir, 0x02014B50, 4);
		bytes_fill(dir, 0, 12);
		put_le(dir, crc, 4);
		put_le(dir, sizeof(ijc), 4);
		put_le(dir, sizeof(ijc), 4);
		put_le(dir, n, 2);
		bytes_fill(dir, 0, 12);
		put_le(dir, at, 4);
		bytes_put(dir, name, n);
	}
	put_le(dir, 0x06054B50, 4);
	bytes_fill(dir, 0, 6);
	put_le(dir, 6, 2);
	put_le(dir, dir->len - 12, 4);
	put_le(dir, zip->len, 4);
	put_le(dir, 0, 2);
	bytes_put_bytes(zip, dir);
	fuzz_add_bytes(add, -1, zip);
	add(ijc, sizeof(ijc));
}

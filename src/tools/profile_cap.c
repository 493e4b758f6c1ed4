/* Java Card code for a package: a CAP archive (ZIP; Java Card VM specification 6) becomes the load file data block that
 * GlobalPlatform LOAD and SAIP carry, its components in their order; an IJC file is that already.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "profile_tool.h"

#define CAP_BLOCK_MAX (2U << 20)
#define CAP_ENTRIES_MAX 1000

/* Loading order (JCVM 6.2); Descriptor and Debug stay outside. */
static const char *const cap_components[] = {
	"Header", "Directory", "Import", "Applet", "Class", "Method", "StaticField", "Export", "ConstantPool",
	"RefLocation",
};

static uint32_t le(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

struct entry {
	const char *name;
	size_t name_len;
	unsigned method;
	uint32_t crc, packed, size, offset;
};

/* Central directory of a ZIP archive (no ZIP64, no encryption). Found backwards from the end. */
static const uint8_t *zip_directory(const struct bytes *zip, unsigned *n, const char **err)
{
	size_t at;
	uint32_t off;

	*err = "no ZIP archive";
	for (at = zip->len >= 22 ? zip->len - 22 : 0; at && zip->len - at < 65558; at--) {
		if (le(zip->data + at, 4) != 0x06054B50)
			continue;
		*n = le(zip->data + at + 10, 2);
		off = le(zip->data + at + 16, 4);
		return off < at && *n <= CAP_ENTRIES_MAX ? zip->data + off : NULL;
	}
	return NULL;
}

static int zip_entry(struct entry *e, const struct bytes *zip, const uint8_t **at)
{
	const uint8_t *p = *at;
	size_t left = zip->data + zip->len - p, skip;

	if (left < 46 || le(p, 4) != 0x02014B50)
		return -EINVAL;
	*e = (struct entry){ (const char *)p + 46, le(p + 28, 2), le(p + 10, 2), le(p + 16, 4), le(p + 20, 4),
			     le(p + 24, 4), le(p + 42, 4) };
	skip = 46 + e->name_len + le(p + 30, 2) + le(p + 32, 2);
	if (le(p + 8, 2) & 1 || skip > left)
		return -EINVAL;
	*at = p + skip;
	return 0;
}

static int zip_inflate(uint8_t *out, size_t out_len, const uint8_t *in, size_t len)
{
	z_stream z = { .next_in = (uint8_t *)in, .avail_in = len, .next_out = out, .avail_out = out_len };
	int rc;

	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		return -ENOMEM;
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return rc == Z_STREAM_END && !z.avail_out ? 0 : -EINVAL;
}

/* Appends the contents of an entry. */
static int zip_read(struct bytes *block, const struct bytes *zip, const struct entry *e)
{
	size_t start = block->len, head;
	const uint8_t *p;

	if (e->offset > zip->len || zip->len - e->offset < 30 || !e->size || e->size > CAP_BLOCK_MAX)
		return -EINVAL;
	p = zip->data + e->offset;
	head = 30 + le(p + 26, 2) + le(p + 28, 2);
	if (le(p, 4) != 0x04034B50 || head > zip->len - e->offset || e->packed > zip->len - e->offset - head)
		return -EINVAL;
	p += head;
	if ((e->method != 0 && e->method != 8) || (e->method == 0 && e->packed != e->size) ||
	    bytes_fill(block, 0, e->size) < 0)
		return -EINVAL;
	if (e->method == 0)
		memcpy(block->data + start, p, e->size);
	else if (zip_inflate(block->data + start, e->size, p, e->packed) < 0)
		return -EINVAL;
	return crc32(0, block->data + start, e->size) == e->crc ? 0 : -EINVAL;
}

/* ".../Header.cap" */
static bool cap_is(const struct entry *e, const char *component)
{
	size_t n = strlen(component);

	return e->name_len >= n + 4 && !memcmp(e->name + e->name_len - 4, ".cap", 4) &&
	       !memcmp(e->name + e->name_len - 4 - n, component, n) &&
	       (e->name_len == n + 4 || e->name[e->name_len - 5 - n] == '/');
}

static struct bytes *cap_archive(void *ctx, const struct bytes *zip, const char **err)
{
	struct bytes *block = bytes_new(ctx, CAP_BLOCK_MAX);
	const uint8_t *dir, *at;
	unsigned n = 0, i, c, found = 0;
	struct entry e;

	dir = zip_directory(zip, &n, err);
	if (!dir)
		return NULL;
	for (c = 0; c < ARRAY_SIZE(cap_components); c++) {
		at = dir;
		for (i = 0; i < n; i++) {
			*err = "a damaged ZIP archive";
			if (zip_entry(&e, zip, &at) < 0)
				return NULL;
			if (!cap_is(&e, cap_components[c]))
				continue;
			if (zip_read(block, zip, &e) < 0)
				return NULL;
			found |= 1U << c;
			break;
		}
	}
	*err = "not a CAP file: Header, Directory, Import, Class, Method or ConstantPool is missing";
	return (found & 0x137) == 0x137 ? block : NULL;
}

struct bytes *cap_load_block(void *ctx, const struct bytes *file, const char **err)
{
	static const uint8_t magic[] = { 0xDE, 0xCA, 0xFF, 0xED };

	if (file->len > 4 && le(file->data, 4) == 0x04034B50)
		return cap_archive(ctx, file, err);
	*err = "neither a CAP archive nor an IJC file";
	if (file->len < 7 || file->data[0] != 0x01 || memcmp(file->data + 3, magic, sizeof(magic)))
		return NULL;
	return bytes_dup(ctx, file->data, file->len);
}

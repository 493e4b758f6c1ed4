/* Files in a package: the Fcp and how a body comes to be (SAIP 8.3; digest 3.1 to 3.3). Used by both who edits and who
 * installs.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/profile/upp.h>
#include <osmocom/rsp/util/ids.h>

struct upp_fcp {
	bool has_fd, has_fid, has_lcsi, has_arr, has_size, has_sfi, has_special, has_link, repeat;
	uint8_t fd;			/* UPP_FD_* (shareable bit dropped: 38 39 41 42 46 become 78 79 41..) */
	uint16_t rec_len;
	uint16_t fid;
	struct aid aid;
	uint8_t lcsi;
	uint16_t arr_fid;		/* 0: implied by the place (2F06 or 6F06) */
	uint8_t arr_rec;
	uint32_t size;
	uint8_t pin_do[20], pin_do_len;
	uint8_t sfi;			/* 0: none */
	uint8_t special;
	const uint8_t *fill;		/* fillPattern or repeatPattern, NULL: none */
	size_t fill_len;
	uint32_t max_size;		/* BER-TLV EF */
	const uint8_t *link;		/* linkPath; may be empty */
	size_t link_len;
};
/* Contents of A1 / 62. -EINVAL malformed, -ERANGE a value out of range. */
int upp_fcp_dec(struct upp_fcp *f, const uint8_t *v, size_t len);

/* What a file will be: the template's attributes overridden by the Fcp (either may be NULL). content: octets the
 * element writes, for files whose size nobody states. -EINVAL: kind or size unknown, records do not fit. */
struct upp_file_shape {
	uint8_t fd;
	uint16_t fid, rec_len, recs;
	uint32_t size;
	uint8_t sfi;
};
int upp_file_shape(struct upp_file_shape *s, const struct upp_file_def *def, const struct upp_fcp *fcp, size_t content);
/* The body before any content: fill or repeat pattern, else the template's default, else FF; for each record apart. */
void upp_file_init(uint8_t *body, const struct upp_file_shape *s, const struct upp_file_def *def,
		   const struct upp_fcp *fcp);

/* A template `File` (contents of its component). */
struct upp_file {
	bool do_not_create, has_fcp;
	struct upp_fcp fcp;
	size_t content;		/* end of the last content */
	const uint8_t *items;	/* fillFileOffset / fillFileContent TLVs, NULL: none */
	size_t items_len;
};
int upp_file_dec(struct upp_file *f, const uint8_t *v, size_t len);
/* Run the items over a body: tags 82/83 (File) or 02/81 (generic file management). -ENOSPC: past the end. */
int upp_file_write(uint8_t *body, size_t size, const uint8_t *items, size_t len);
/* The whole body of a template file as installed; NULL with links or when it does not fit together. */
struct bytes *upp_file_body(void *ctx, struct upp_file_shape *s, const struct upp_file_def *def, const uint8_t *v,
			    size_t len);

/* Free bindings: octets into any file of the package, by the names or FIDs of where it stands (digest 9.1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/util/ids.h>

#include "upp_perso_priv.h"

static int bind_into(struct perso *s, const struct upp_perso_bind *b, const struct upp_file_shape *shape,
		     struct bytes *body)
{
	size_t at = b->offset, end = shape->rec_len ? shape->rec_len : shape->size;

	if (!!b->record != !!shape->rec_len)
		return perso_fail(s, "file: a record is for record files, and they need one");
	if (b->record > shape->recs || b->offset > end || b->len > end - b->offset)
		return perso_fail(s, "file: past the end of the file or record");
	if (b->record)
		at += (size_t)(b->record - 1) * shape->rec_len;
	memcpy(body->data + at, b->b, b->len);
	return 0;
}

static int bind_template(struct perso *s, const struct upp_perso_bind *b, const char *slash)
{
	char name[32];
	uint32_t tag, pe_tag;
	struct upp_file_shape shape;
	struct der *pe, *file;
	struct bytes *body;

	if ((size_t)(slash - b->file) >= sizeof(name))
		return perso_fail(s, "file: no such element");
	memcpy(name, b->file, slash - b->file);
	name[slash - b->file] = '\0';
	pe_tag = upp_pe_tag(name);
	tag = pe_tag ? upp_file_tag(pe_tag, slash + 1) : 0;
	pe = tag ? der_child(s->root, pe_tag) : NULL;
	if (!pe)
		return perso_fail(s, "file: not in the package");
	for (; pe; pe = der_again(pe)) {
		if (perso_file(s, &file, &shape, &body, pe, tag) < 0)
			return perso_fail(s, "file: not in the package, or without a body of its own");
		if (bind_into(s, b, &shape, body) < 0)
			return -EINVAL;
		if (perso_file_set(file, body->data, body->len) < 0)
			return perso_fail(s, "out of memory");
	}
	return 0;
}

/* A file of generic file management: its createFCP and the fill items behind it, in one list. */
static int bind_gfm_file(struct perso *s, const struct upp_perso_bind *b, struct der *fcp_node)
{
	struct der *n, *next;
	struct upp_file_shape shape;
	struct bytes *items = bytes_new(s->root, 0), *body;
	size_t content = 0;
	struct upp_fcp fcp;
	uint32_t off;

	bytes_secret(items);
	if (upp_fcp_dec(&fcp, fcp_node->v, fcp_node->len) < 0)
		return perso_fail(s, "file: malformed");
	for (n = fcp_node->next; n && (n->tag == 0x02 || n->tag == 0x81); n = n->next) {
		content += n->tag == 0x81 ? n->len : der_uint(&off, n) == 0 ? off : 0;
		der_write(items, n);
	}
	if (!items || (fcp.has_link && fcp.link_len) || upp_file_shape(&shape, NULL, &fcp, content) < 0)
		return perso_fail(s, "file: without a body of its own");
	body = bytes_new(s->root, 0);
	bytes_secret(body);
	if (!body || bytes_fill(body, 0xFF, shape.size) < 0)
		return perso_fail(s, "out of memory");
	upp_file_init(body->data, &shape, NULL, &fcp);
	if (upp_file_write(body->data, body->len, items->data, items->len) < 0)
		return perso_fail(s, "file: malformed");
	if (bind_into(s, b, &shape, body) < 0)
		return -EINVAL;
	for (n = fcp_node->next; n && (n->tag == 0x02 || n->tag == 0x81); n = next) {
		next = n->next;
		der_remove(n);
	}
	n = der_insert(fcp_node->parent, fcp_node->next, 0x81, body->data, body->len);
	talloc_free(body);
	talloc_free(items);
	return n ? 0 : perso_fail(s, "out of memory");
}

static int bind_gfm(struct perso *s, const struct upp_perso_bind *b)
{
	uint8_t want[10], path[10] = { 0 };
	size_t want_len = 0, path_len = 0;
	struct der *pe, *cmd, *n, *fid;
	char hex[24] = "";

	for (const char *c = b->file; *c && want_len < sizeof(hex) - 1; c++) {
		if (*c != '/')
			hex[want_len++] = *c;
	}
	want_len /= 2;
	if (!want_len || want_len % 2 || hex_dec(want, sizeof(want), hex) != (int)want_len)
		return perso_fail(s, "file: ELEMENT/FILE or a path of FIDs");
	for (pe = der_child(s->root, UPP_PE_GFM); pe; pe = der_again(pe)) {
		for (cmd = der_path(pe, 0xA1, 0x30, 0); cmd; cmd = der_again(cmd)) {
			path_len = 0;
			for (n = der_first(cmd); n; n = n->next) {
				if (n->tag == 0x80 && n->len <= 8) {
					path_len = n->len;
					memcpy(path, n->v, path_len);
				}
				fid = n->tag == 0x62 ? der_child(n, 0x83) : NULL;
				if (!fid || fid->len != 2 || path_len + 2 != want_len ||
				    memcmp(path, want, path_len) || memcmp(fid->v, want + path_len, 2))
					continue;
				return bind_gfm_file(s, b, n);
			}
		}
	}
	return perso_fail(s, "file: not in the package");
}

int perso_binds(struct perso *s)
{
	const struct upp_perso_bind *b;
	const char *slash;
	unsigned i;
	int rc = 0;

	for (i = 0; i < s->p->n_binds && rc == 0; i++) {
		b = &s->p->binds[i];
		slash = strstr(b->file, "/ef-");
		rc = slash ? bind_template(s, b, slash) : bind_gfm(s, b);
	}
	return rc;
}

/* Lines of files: Fcp words, contents as octets or as a word and a value (doc/formats/upp-text.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/profile/upp_file.h>

#include "upp_content.h"
#include "upp_text_priv.h"

struct der *text_sub(struct der *parent, uint32_t tag)
{
	struct der *n = der_child(parent, tag);

	return n ? n : der_add(parent, tag, NULL, 0);
}

/* Contents ------------------------------------------------------------ */

size_t text_content_size(const struct der *fcp, const struct upp_file_def *def)
{
	struct bytes *enc = bytes_new(NULL, 0);
	struct upp_file_shape shape = {};
	struct upp_fcp f = {};
	size_t size = 0;

	for (const struct der *n = fcp ? fcp->first : NULL; n && enc; n = n->next)
		der_write(enc, n);
	if (enc && upp_fcp_dec(&f, enc->data, enc->len) == 0 && upp_file_shape(&shape, def, &f, 0) == 0) {
		if (shape.rec_len)
			size = shape.rec_len;
		else if (f.has_size || (def && def->size))
			size = shape.size;
	}
	talloc_free(enc);
	return size;
}

/* WORD:VALUE for the whole file, or for a record. Without a size it takes what it needs. */
static int text_typed(struct text *t, const struct der *fcp, const struct upp_file_def *def, uint32_t tag, char *word)
{
	char *v = strchr(word, ':');
	uint8_t body[UPP_CONTENT_FILE_MAX];
	const struct upp_content *c;
	const char *err = "";
	size_t size;
	bool open;

	*v++ = '\0';
	c = upp_content(word);
	if (!c)
		return text_fail(t, "no kind of contents has this name");
	size = text_content_size(fcp, def);
	if (!size)
		size = c->natural;
	open = !size;
	if (open)
		size = sizeof(body);
	if (size > sizeof(body))
		return text_fail(t, "file too long for typed contents");
	memset(body, 0xFF, size);
	if (c->enc(body, size, v, &err) < 0)
		return text_fail(t, "%s", err);
	while (open && size > 1 && body[size - 1] == 0xFF)
		size--;
	return der_add(t->file, tag, body, size) ? 0 : text_fail(t, "out of memory");
}

static const struct der *text_last_fcp(const struct text *t, bool gfm)
{
	const struct der *n, *fcp = NULL;

	for (n = t->file->first; n; n = n->next) {
		if (n->tag == (gfm ? 0x62 : 0xA1))
			fcp = n;
	}
	return fcp;
}

/* What stands behind "|": hex is content, +N an offset, WORD:VALUE typed content. */
int text_items(struct text *t, unsigned from)
{
	bool gfm = t->pe->tag == UPP_PE_GFM;
	const struct upp_file_def *def;
	unsigned long off;
	unsigned i;

	if (!t->file)
		return text_fail(t, "content without a file");
	def = gfm ? NULL : upp_template_file(upp_template(t->pe->tag), t->file->tag);
	for (i = from; i < t->n; i++) {
		if (*t->words[i] == '+') {
			if (text_uint(&off, t->words[i] + 1, 10, 65535) < 0 ||
			    !der_add_uint(t->file, gfm ? 0x02 : 0x82, off))
				return text_fail(t, "offset: 0 to 65535");
		} else if (strchr(t->words[i], ':')) {
			if (text_typed(t, text_last_fcp(t, gfm), def, gfm ? 0x81 : 0x83, t->words[i]) < 0)
				return -EINVAL;
		} else if (text_hex(t, t->file, gfm ? 0x81 : 0x83, t->words[i], "content") < 0) {
			return -EINVAL;
		}
	}
	return 0;
}

/* Files ------------------------------------------------------------ */

/* Fcp words up to the bar, then items. */
static int text_file(struct text *t, struct der *file, uint32_t fcp_tag)
{
	unsigned bar, all = t->n, i;
	struct der *fcp;

	t->file = file;
	for (bar = 1; bar < all && strcmp(t->words[bar], "|"); bar++)
		;
	t->n = bar;
	if (bar == 2 && !strcmp(t->words[1], "none"))
		return der_add(file, 0x80, NULL, 0) ? 0 : text_fail(t, "out of memory");
	fcp = der_add(file, fcp_tag, NULL, 0);
	if (!fcp || text_put_fields(t, fcp, text_fcp) < 0)
		return -EINVAL;
	if (!text_word(t, "fcp") && !fcp->first)
		der_remove(fcp);
	for (i = 1; i < bar; i++) {
		if (!t->used[i])
			return text_fail(t, "not understood: word %u of the line", i + 1);
	}
	t->n = all;
	return bar < all ? text_items(t, bar + 1) : 0;
}

/* With "change", a line that has only contents keeps the Fcp there was. */
static int text_change_file(struct text *t, struct der *file)
{
	bool contents = t->n > 1 && !strcmp(t->words[1], "|");
	struct der *n, *next;

	for (n = file->first; n; n = next) {
		next = n->next;
		if (!contents || n->tag != 0xA1)
			der_remove(n);
	}
	t->file = file;
	return contents ? text_items(t, 2) : text_file(t, file, 0xA1);
}

int text_template_file(struct text *t)
{
	unsigned long tag = upp_file_tag(t->pe->tag, t->words[0]);
	struct der *file, *at;

	if (!tag && (strncmp(t->words[0], "0x", 2) || text_uint(&tag, t->words[0] + 2, 16, 0xBFFF) < 0 ||
		     ((tag & 0xE0) != 0xA0 && tag >> 8 != 0xBF)))
		return text_fail(t, "no file of this name in the template");
	file = t->changing ? der_child(t->pe, tag) : NULL;
	if (file)
		return text_change_file(t, file);
	for (at = t->changing ? t->pe->first : NULL; at; at = at->next) {	/* where its component belongs */
		if (at->tag != 0xA0 && at->tag != 0x81 && at->tag > tag)
			break;
	}
	file = der_insert(t->pe, at, tag, NULL, 0);
	return file ? text_file(t, file, 0xA1) : text_fail(t, "out of memory");
}

int text_gfm(struct text *t)
{
	struct der *list = text_sub(t->pe, 0xA1);

	if (list && (!t->cmd || !strcmp(t->words[0], "command")))
		t->cmd = der_add(list, 0x30, NULL, 0);
	if (!t->cmd)
		return text_fail(t, "out of memory");
	if (!strcmp(t->words[0], "command"))
		return 0;
	if (!strcmp(t->words[0], "path"))
		return text_hex(t, t->cmd, 0x80, t->n > 1 ? t->words[1] : "", "path");
	if (!strcmp(t->words[0], "file"))
		return text_file(t, t->cmd, 0x62);
	return text_fail(t, "genericFileManagement has path, file, command");
}

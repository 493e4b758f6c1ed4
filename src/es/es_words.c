/* A request or notification from words as people type them: Element=value, with dots between an element and its parts.
 * They become the XML that a peer would send and go through the same tables, so every function has its words, and what
 * is missing or wrong is named as a peer is told.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include "es_fields.h"
#include "es_soap.h"

#define DEPTH 6

struct words {
	struct bytes *out;
	char *open[DEPTH];	/* groups */
	char *first[DEPTH];	/* the first leaf of each */
	unsigned depth;
};

static bool name_ok(const char *s, size_t len)
{
	return len && len < ES_NAME_SIZE &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") >= len;
}

static void close_to(struct words *w, unsigned depth)
{
	while (w->depth > depth) {
		w->depth--;
		es_out_close(w->out, w->open[w->depth]);
		TALLOC_FREE(w->open[w->depth]);
		TALLOC_FREE(w->first[w->depth]);
	}
}

static void open_group(struct words *w, const char *name)
{
	w->open[w->depth] = talloc_strdup(w->out, name);
	w->first[w->depth++] = NULL;
	es_out_open(w->out, name);
}

/* The groups of the word are those open now; what differs is closed and opened. */
static void groups(struct words *w, char **seg, unsigned n, const char *leaf)
{
	unsigned same = 0;

	while (same < n && same < w->depth && es_name_eq(seg[same], w->open[same]))
		same++;
	close_to(w, same);
	if (n && same == n && w->first[n - 1] && es_name_eq(w->first[n - 1], leaf))
		close_to(w, n - 1);	/* its first part again: another one of it */
	while (w->depth < n)
		open_group(w, seg[w->depth]);
	if (n && !w->first[n - 1])
		w->first[n - 1] = talloc_strdup(w->out, leaf);
}

static int one_word(struct words *w, const char *word)
{
	char *path = talloc_strndup(w->out, word, strcspn(word, "=")), *seg[DEPTH + 1], *s = path;
	const char *value = strchr(word, '=');
	unsigned n = 0;

	for (; s && n <= DEPTH; n++) {
		seg[n] = s;
		s = strchr(s, '.');
		if (s)
			*s++ = 0;
		if (!name_ok(seg[n], strlen(seg[n])))
			return -EINVAL;
	}
	if (!value || s || n == 0 || n > DEPTH)
		return -EINVAL;
	groups(w, seg, n - 1, seg[n - 1]);
	value++;
	if (*value == '<') {	/* an element as XML, an Eis for one */
		es_out_raw(w->out, value);
		return 0;
	}
	es_out_open(w->out, seg[n - 1]);
	es_out_text(w->out, value);
	es_out_close(w->out, seg[n - 1]);
	return 0;
}

struct es_msg *es_msg_from_words(void *ctx, const char *function, const char *const *word, size_t n, char **err)
{
	struct words w = { .out = bytes_new(ctx, ES_XML_MAX) };
	struct es_msg *m = NULL;
	const char *dash = strchr(function, '-');
	const char *tail;
	char *root;

	*err = NULL;
	tail = dash && strlen(dash) > 12 && !strcmp(function + strlen(function) - 12, "Notification") ? "" : "Request";
	root = talloc_asprintf(w.out, "%s%s", function, tail);
	if (!dash || !name_ok(root, strlen(root))) {
		*err = talloc_asprintf(ctx, "no such function: %s", function);
		talloc_free(w.out);
		return NULL;
	}
	es_out_raw(w.out, "<soap:Envelope xmlns:soap=\"" NS_SOAP "\" xmlns:rps=\"" NS_RPS "\"><soap:Body>");
	es_out_open(w.out, root);
	for (size_t i = 0; i < n && !*err; i++)
		if (one_word(&w, word[i]) < 0)
			*err = talloc_asprintf(ctx, "not Element=value: %s", word[i]);
	close_to(&w, 0);
	es_out_close(w.out, root);
	es_out_raw(w.out, "</soap:Body></soap:Envelope>");
	if (!*err && w.out->err)
		*err = talloc_strdup(ctx, "too long");
	if (!*err)
		es_soap_dec(&m, err, ctx, w.out->data, w.out->len);
	talloc_free(w.out);
	return m;
}

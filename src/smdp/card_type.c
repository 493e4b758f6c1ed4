/* Kinds of eUICC, told apart by the first digits of the EID.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/scp03t.h>

#include "card_type.h"

void card_types_init(struct card_types *t)
{
	INIT_LLIST_HEAD(&t->list);
	t->other = (struct card_type){ .segment_size = SCP03T_SEG_MAX, .segments_per_script = 8 };
}

static struct card_type *card_type_find(const struct card_types *t, const char *prefix)
{
	struct card_type *c;

	llist_for_each_entry(c, &t->list, entry)
		if (!strcmp(c->prefix, prefix))
			return c;
	return NULL;
}

struct card_type *card_type_get(struct card_types *t, void *ctx, const char *prefix)
{
	struct card_type *c = card_type_find(t, prefix);

	if (c || !digits_valid(prefix, 1, 32) || llist_count(&t->list) >= CARD_TYPES_MAX)
		return c;
	c = talloc(ctx, struct card_type);
	OSMO_ASSERT(c);
	*c = t->other;
	OSMO_STRLCPY_ARRAY(c->prefix, prefix);
	llist_add_tail(&c->entry, &t->list);
	return c;
}

void card_type_del(struct card_types *t, const char *prefix)
{
	struct card_type *c = card_type_find(t, prefix);

	if (!c)
		return;
	llist_del(&c->entry);
	talloc_free(c);
}

const struct card_type *card_type_of(const struct card_types *t, const char *eid)
{
	const struct card_type *c, *best = &t->other;

	llist_for_each_entry(c, &t->list, entry)
		if (strlen(c->prefix) > strlen(best->prefix) && !strncmp(eid, c->prefix, strlen(c->prefix)))
			best = c;
	return best;
}

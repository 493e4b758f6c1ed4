/* What the parts of personalisation share.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/profile/der.h>
#include <osmocom/rsp/profile/upp_file.h>
#include <osmocom/rsp/profile/upp_perso.h>

struct perso {
	struct der *root;
	const struct upp_perso *p;
	const char **err;
};

static inline int perso_fail(struct perso *s, const char *what)
{
	*s->err = what;
	return -EINVAL;
}

int perso_secrets(struct perso *s);	/* upp_perso_code.c: codes, security domain keys */
int perso_aka(struct perso *s);		/* upp_perso_aka.c: akaParameters and the services they need */
int perso_binds(struct perso *s);	/* upp_perso_bind.c */
/* upp_perso.c: the File of one component, with the body it leads to; and its contents as a whole in place
 * of all that was written before (digest 9.1 rule 3). */
int perso_file(struct perso *s, struct der **file, struct upp_file_shape *shape, struct bytes **body, struct der *pe,
	       uint32_t tag);
int perso_file_set(struct der *file, const void *v, size_t len);
/* A child where the order of its tag wants it, new or not. */
int perso_put(struct der *parent, uint32_t tag, const void *v, size_t len);

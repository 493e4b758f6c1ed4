/* WS-Security UsernameToken with a password digest, for peers that insist (off-card.md 1.9 B, corrections 8): over TLS,
 * fresh within five minutes, each nonce once.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/crypto/key.h>

#include "es_link_priv.h"

#define FRESH_S 300
#define NONCES_MAX 100000

struct es_nonce {
	struct llist_head entry;
	struct hlist_node node;
	int64_t seen;
	uint8_t hash[32];
};

/* Base64(SHA-1(nonce | created | password)), created as it is on the wire */
static int token_digest(uint8_t out[20], const struct es_token *t, const char *password)
{
	const struct iov iov[] = {
		{ t->nonce->data, t->nonce->len }, { t->created, strlen(t->created) }, { password, strlen(password) },
	};

	return sha1(iov, 3, out);
}

struct es_token *es_wss_make(void *ctx, const struct es_party *p)
{
	struct es_token *t = talloc_zero(ctx, struct es_token);
	char created[CLOCK_STR_SIZE];
	uint8_t nonce[16], digest[20];

	rand_bytes(nonce, sizeof(nonce));
	t->user = p->set.user;
	t->created = talloc_strdup(t, clock_str(created, clock_now()));
	t->nonce = bytes_dup(t, nonce, sizeof(nonce));
	if (token_digest(digest, t, p->set.password ? : "") < 0) {
		talloc_free(t);
		return NULL;
	}
	t->digest = bytes_dup(t, digest, sizeof(digest));
	return t;
}

static void forget_old(struct es_link *l, int64_t now)
{
	struct es_nonce *n, *tmp;

	llist_for_each_entry_safe(n, tmp, &l->nonces, entry) {
		if (n->seen + 2 * FRESH_S > now)
			break;
		llist_del(&n->entry);
		hash_del(&n->node);
		talloc_free(n);
		l->n_nonces--;
	}
}

static bool nonce_seen(struct es_link *l, const struct es_party *p, const struct es_token *t)
{
	const struct iov iov[] = { { p->id, strlen(p->id) }, { t->nonce->data, t->nonce->len } };
	struct es_nonce *n;
	uint8_t hash[32];
	uint32_t key;

	forget_old(l, clock_now());
	if (sha256(iov, 2, hash) < 0 || l->n_nonces >= NONCES_MAX)	/* better refuse than forget one */
		return true;
	memcpy(&key, hash, sizeof(key));
	hash_for_each_possible(l->nonce_hash, n, node, key)
		if (!memcmp(n->hash, hash, sizeof(hash)))
			return true;
	n = talloc_zero(l, struct es_nonce);
	memcpy(n->hash, hash, sizeof(hash));
	n->seen = clock_now();
	llist_add_tail(&n->entry, &l->nonces);
	hash_add(l->nonce_hash, &n->node, key);
	l->n_nonces++;
	return false;
}

const char *es_wss_check(struct es_link *l, const struct es_party *p, const struct es_token *t)
{
	int64_t created, now = clock_now();
	uint8_t digest[20];

	if (!t || !t->user || !t->nonce || !t->created || !t->digest)
		return "UsernameToken with PasswordDigest, Nonce and Created is wanted of this party";
	if (clock_parse(&created, t->created) < 0 || created > now + FRESH_S || created + FRESH_S < now)
		return "UsernameToken: Created is not of now";
	if (strcmp(t->user, p->set.user) || t->digest->len != sizeof(digest) ||
	    token_digest(digest, t, p->set.password ? : "") < 0 || !secret_eq(digest, t->digest->data, sizeof(digest)))
		return "UsernameToken: wrong user or password";
	return nonce_seen(l, p, t) ? "UsernameToken: Nonce was used before" : NULL;
}

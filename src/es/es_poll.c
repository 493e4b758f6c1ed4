/* Answers fetched with WS-MakeConnection (off-card.md 1.5.3), for a caller that cannot be called: while calls wait,
 * their peers are asked once a second, and at once again as long as more is pending. A poll whose reply was lost is
 * repeated under its MessageID, so that nothing fetched is lost. SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include <string.h>
#include <talloc.h>

#include "es_link_priv.h"
#include "es_soap.h"
#include "es_xml.h"

struct es_poll {
	struct llist_head entry;	/* es_link.polls */
	struct es_link *l;
	char *party;
	char *message_id;		/* of the poll under way or to be repeated */
	bool inflight;
};

static struct es_poll *poll_get(struct es_link *l, const char *party)
{
	struct es_poll *p;

	llist_for_each_entry(p, &l->polls, entry)
		if (!strcmp(p->party, party))
			return p;
	p = talloc_zero(l, struct es_poll);
	p->l = l;
	p->party = talloc_strdup(p, party);
	llist_add_tail(&p->entry, &l->polls);
	return p;
}

static void poll_answer(struct es_poll *p, const uint8_t *body, size_t len)
{
	const struct es_party *party = es_party_find(p->l, p->party);
	struct es_msg *m = NULL;
	char *err = NULL;

	if (p->l->cfg.trace)
		p->l->cfg.trace(p->l->cfg.priv, true, body, len);
	if (es_soap_dec(&m, &err, p->l, body, len) < 0 || m->kind != ES_RESPONSE || !party ||
	    es_outbox_callback(p->l, party, m) < 0)
		LOGP(DES, LOGL_NOTICE, "what %s had for us is no answer to an open call%s%s\n", p->party,
		     err ? ": " : "", err ?: "");
	talloc_free(m);
	talloc_free(err);
}

static void poll_done(void *priv, int status, const uint8_t *body, size_t len)
{
	struct es_poll *p = priv;
	bool more = false;

	p->inflight = false;
	if (status < 200 || status >= 300)
		return;		/* the same again with the next tick */
	TALLOC_FREE(p->message_id);
	if (!len)
		return;
	more = memmem(body, len, "pending=\"true\"", 14) || memmem(body, len, "pending='true'", 14);
	txn_event_begin(p->l->db);
	poll_answer(p, body, len);
	txn_event_end(p->l->db, 1);
	if (more)
		es_poll(p->l, p->party);
}

char *es_poll_address(struct es_link *l, void *ctx)
{
	return talloc_asprintf(ctx, NS_WSMC "/anonymous?id=%s", l->cfg.own_id);
}

void es_poll(struct es_link *l, const char *party)
{
	const struct es_party *to = es_party_find(l, party);
	struct es_poll *p = poll_get(l, party);
	struct bytes *body;
	char *address;

	if (p->inflight || !to || !to->url || !l->cli)
		return;
	if (!p->message_id)
		p->message_id = es_link_new_message_id(l, p, NULL, &to->set.dialect);
	address = es_poll_address(l, p);
	body = es_soap_poll_enc(p, l->own_addr, to->url, p->message_id, address);
	talloc_free(address);
	if (body && to->set.user)
		body = es_soap_add_token(body, es_wss_make(body, to));
	if (body && l->cfg.trace)
		l->cfg.trace(l->cfg.priv, false, body->data, body->len);
	p->inflight =
		body && http_cli_post(l->cli, to->url, ES_SOAP_CONTENT_TYPE, body->data, body->len, poll_done, p) == 0;
	talloc_free(body);
}

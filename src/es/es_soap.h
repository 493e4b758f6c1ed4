/* Parts of addressing headers. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

/* Value of a query parameter, separators & and ?, key without case, %XX decoded (off-card.md 1.4); NULL if absent. */
char *es_query_param(void *ctx, const char *uri, const char *key);
char *es_message_id_base(void *ctx, const char *message_id);	/* up to the query */
/* A written envelope with one more header; text is freed. */
struct bytes *es_soap_add_header(struct bytes *text, const struct bytes *element);
struct bytes *es_soap_add_token(struct bytes *text, const struct es_token *t);
/* WS-MakeConnection: what waits at this address? */
struct bytes *es_soap_poll_enc(void *ctx, const char *from, const char *to, const char *message_id, const char *address);

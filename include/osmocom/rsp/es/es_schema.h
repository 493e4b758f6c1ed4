/* XML schema, WSDL and tables for people, printed from the field tables that encode and decode (off-card.md 8).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_msg.h>

/* All types and messages. old_ns: of namespace /1. */
struct bytes *es_schema_xsd(void *ctx, bool old_ns);

/* Off-card.md 1.7, 8.3. callbacks: responses and notifications, as one-way operations. */
struct es_service {
	const char *name, *port, *port_type;	/* ES4SmSrService, SmSrES4Port, ES4SmSr */
	enum es_iface iface;
	const char *owner;			/* "sm-sr" "sm-dp" "operator": who provides it */
	bool callbacks;
};
const struct es_service *es_service_next(const struct es_service *s);	/* NULL starts and ends */
const struct es_service *es_service_find(const char *name);
/* service NULL: all that owner provides. xsd: location of the schema. */
struct bytes *es_schema_wsdl(void *ctx, const struct es_service *service, const char *owner, const char *url,
			     const char *xsd);

/* Does a message fit the schema of its namespace? 0, or -1 and *err. The envelope around it is not judged. */
struct es_validator;
struct es_validator *es_validator_new(void *ctx, char **err);
int es_validate(struct es_validator *v, char **err, void *ctx, const uint8_t *in, size_t len);

/* The functions with their fields as Markdown. */
struct bytes *es_schema_manual(void *ctx);

/* The stock over HTTP: mutual TLS, JSON, each operator sees its own.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/es/es_link.h>

#include "stock_batch.h"

struct http_srv;
struct stock_srv;

struct stock_srv_cfg {
	const char *ip;
	uint16_t port;
	const char *cert_file, *key_file, *ca_file, *crl_file;
	struct es_link *link;		/* who is who */
	struct smdp_db *db;
	struct stock_batches *batches;
};
struct stock_srv *stock_srv_new(void *ctx, const struct stock_srv_cfg *cfg);	/* NULL and a log line */
uint16_t stock_srv_port(const struct stock_srv *s);

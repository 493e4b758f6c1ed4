/* The SM-DP: configuration and parts.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/cert.h>

#include "es2_srv.h"
#include "es8_session.h"
#include "hlr.h"
#include "stock_batch.h"
#include "stock_srv.h"

#define SMDP_EUM_CERTS_MAX 16

struct smdp_cfg {		/* strings: talloc children of struct smdp, NULL until configured */
	char *own_id, *own_name, *database, *kek, *ci_cert, *dp_cert, *dp_key;
	char *eum_cert[SMDP_EUM_CERTS_MAX];
	unsigned n_eum_certs;
	char *json_ip;
	unsigned json_port;
	char *es_ip, *es_url, *tls_cert, *tls_key, *tls_ca, *tls_crl;
	struct es_link_limits es_limits;
	unsigned es_port, validity_s, cleanup_s;
	unsigned memory_percent, memory_extra, import_slice_ms;
	struct stock_cfg stock;
	struct es8_identity identity;
	bool has_identity;
	struct hlr_cfg hlr;
};

/* A peer as configured; handed to es_link when that starts, and again when the VTY changes it. */
struct smdp_party {
	struct llist_head entry;	/* struct smdp.parties */
	struct smdp *smdp;
	char id[OID_STR_SIZE];
	enum es_role role;
	char *fpr, *url;
	struct es_party_set set;
};

struct smdp {
	struct smdp_cfg cfg;
	struct smdp_db *db;
	struct keystore *ks;
	struct stock *stock;
	struct stock_batches *batches;
	struct hlr *hlr;
	struct es_link *link;
	struct stock_srv *json;
	struct llist_head parties;
	struct proc_download_env dl;
	struct proc_relay_env relay;
};

extern struct smdp *g_smdp;		/* smdp_main.c, smdp.c, smdp_vty.c only */

struct smdp *smdp_new(void *ctx);
struct smdp_party *smdp_party_get(struct smdp *s, const char *id);	/* found or new; NULL: not an OID */
void smdp_party_del(struct smdp *s, const char *id);
void smdp_party_apply(struct smdp_party *p);
void smdp_apply(struct smdp *s);	/* the settings that may change at run time */
/* Database, key store, stock: enough for an import. 0 or negative with a log line. */
int smdp_open(struct smdp *s);
/* Certificates, ES interface, unfinished work. */
int smdp_start(struct smdp *s);
void smdp_stop(struct smdp *s);
void smdp_commit(struct smdp *s);	/* once a loop iteration */

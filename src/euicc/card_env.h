/* What all simulated cards of a process share: the state file, the batches they came from, settings.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/linuxlist.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/util/bytes.h>

struct sqldb;
struct sqldb_stmts;
struct card_tls_ctx;
struct faults;

enum card_dialect { CARD_DIALECT_BOOK, CARD_DIALECT_WHTY_2016, CARD_DIALECT_ODD, CARD_DIALECT_MIXED };

enum card_notify { CARD_NOTIFY_SMS, CARD_NOTIFY_HTTPS, CARD_NOTIFY_AUTO };	/* AUTO: in turn, SMS first */

/* Settings (VTY node `sim`), seconds; they hold for every card. */
struct card_cfg {
	unsigned attach_s;		/* new profile must be attached by then, else roll-back */
	unsigned confirm_s;		/* notification must be confirmed by then, else roll-back */
	unsigned repeat_s;		/* notification is sent again after this time */
	unsigned repeats;		/* at most this often */
	unsigned fallback_s;		/* no service for so long: fall-back; 0 = never */
	unsigned http_idle_s;		/* silent server: close and resume */
	unsigned http_retries, http_delay_s;	/* when the trigger has no retry policy */
	enum card_notify notify;
	enum card_dialect dialect;
	bool msl_none;			/* cards take packets of any security, for tests of all variants */
	unsigned cattp_idle_s;		/* CAT_TP link without data: closed; 0 = never */
};
void card_cfg_default(struct card_cfg *cfg);

#define CARD_CI_MAX 4
struct card_batch {
	struct llist_head entry;
	int64_t id;
	struct bytes *upp;		/* bootstrap profile template, shared by all cards of the batch */
	struct { uint8_t q[EC_POINT_LEN]; uint8_t ski[20]; } ci[CARD_CI_MAX];
	unsigned n_ci;
	char smsc[24];
	char number[24], host[128], ip[48], uri[128];
	uint16_t port;
	char dns[48];			/* who resolves host when ip is empty; "": nobody */
	uint16_t dns_port;
};

#define CARD_LRU_MAX 512
struct card_env {
	struct sqldb *db;
	struct sqldb_stmts *st;
	struct keystore *ks;
	struct card_tls_ctx *tls;	/* made with the first HTTPS session */
	struct llist_head batches;
	struct card_cfg cfg;
	struct faults *faults;		/* what holds for all cards */
	struct llist_head lru;		/* cards with an interpreted profile, least recently used last */
	unsigned lru_len, lru_max;
};

/* Open or create the state file. Keys in it are sealed under PATH.kek, made when absent. NULL and a log line. */
struct card_env *card_env_new(void *ctx, const char *path);
void card_env_free(struct card_env *env);

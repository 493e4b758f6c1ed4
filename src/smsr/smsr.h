/* The SM-SR: its configuration and its parts, wired in smsr.c.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/rsp/crypto/cert.h>
#include <osmocom/rsp/es/es_link.h>
#include <osmocom/rsp/sms/sms_port.h>

#include "audit_bg.h"
#include "card_in.h"
#include "json_srv.h"

struct smsr_party {			/* as configured; copied to the ES link when that is there */
	struct llist_head entry;
	char id[OID_STR_SIZE];
	enum es_role role;
	char *fpr, *url, *eum_cert_file, *eid_prefix;
	char *apn, *login, *password;	/* operator: packet data of its cards */
	bool ecb;
	struct cert_x509 *eum_cert;
	struct es_party_set set;
};

struct smsr_smsc {			/* as configured; copied to the SMS port when that is there */
	struct llist_head entry;
	struct smsc_cfg cfg;
};

struct smsr_cfg {
	char *own_id, *own_name, *database, *kek, *ci_cert, *ci_crl;
	bool revoked_refuse;		/* not a warning only (off-card 7.6) */
	struct es_link_limits es_limits;
	char *es_ip, *es_url, *tls_cert, *tls_key, *tls_ca, *tls_crl;
	char *scp81_ip, *adv_ip, *sms_number;
	uint16_t es_port, scp81_port, adv_port;
	char *cattp_ip, *cattp_adv_ip;	/* NULL: no CAT_TP, as bound */
	uint16_t cattp_port, cattp_adv_port;
	struct card_bearer_cfg bearer;
	unsigned default_validity_s, sms_max_parts, live_max;
	bool allow_operate;
	struct audit_bg_cfg audit_bg;
	struct llist_head parties;	/* struct smsr_party.entry */
	struct llist_head smscs;	/* struct smsr_smsc.entry */
	struct sms_port_limits sms_limits;
};

struct smsr {
	struct smsr_cfg cfg;
	struct json_cfg json;
	struct json_srv *json_srv;	/* NULL: not configured */
	struct keystore *ks;
	struct cert_x509 *ci;
	struct crl_x509 *crl;
	struct smsr_db *db;
	struct es_link *link;
	struct euiccs *euiccs;
	struct sms_port *sms;
	struct card_sessions *cards;
	struct card_in card_in;
	struct audit_bg *audit_bg;
};

struct smsr *smsr_alloc(void *ctx);
int smsr_check(struct smsr *s);			/* --check-config: what must be there is there, files can be read */
int smsr_open(struct smsr *s);			/* keystore and database: enough for --import-key */
int smsr_start(struct smsr *s);			/* everything; then unfinished business goes on */
int smsr_load_crl(struct smsr *s);		/* anew; 0, or the old one stays */
void smsr_turn(struct smsr *s);			/* after each loop iteration: commit, then what waited for it */
void smsr_stop(struct smsr *s);			/* procedures keep their rows, the database is closed */
/* FILE: 16, 24 or 32 octets, or the same as hex. Prints the key check value. */
int smsr_import_key(struct smsr *s, const char *eum_id, const char *file);
/* Beside a running daemon: the timeline's chain and checkpoints (log: a file with checkpoints, or NULL), report on stdout;
 * a consistent copy of the database. 0 or negative and a line on stderr. */
int smsr_verify_audit(struct smsr *s, const char *log);
int smsr_backup(struct smsr *s, const char *copy);

struct smsr_party *smsr_party_get(struct smsr *s, const char *id);	/* made when needed; NULL: not an OID */
void smsr_party_del(struct smsr *s, const char *id);
void smsr_party_apply(struct smsr *s, struct smsr_party *p);	/* its settings have changed */
struct smsr_smsc *smsr_smsc_new(struct smsr *s, const char *name);	/* NULL: too long, or too many */
void smsr_smsc_del(struct smsr *s, struct smsr_smsc *c);
int smsr_smsc_apply(struct smsr *s, const struct smsr_smsc *c);	/* 0 or negative errno */

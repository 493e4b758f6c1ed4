/* Download and installation of a profile (SGP.02 3.1, off-card.md 6.3): ES2.DownloadProfile to its answer.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/linuxlist.h>
#include <osmocom/rsp/crypto/cert.h>
#include <osmocom/rsp/es/es_link.h>

#include "card_type.h"
#include "smdp_db.h"
#include "stock.h"

/* What the procedure works on; filled by smdp.c. */
struct proc_download_env {
	struct smdp_db *db;
	struct stock *stock;
	struct es_link *link;
	const char *own_id;
	const struct cert_x509 *ci;
	struct cert_x509 **eum;
	unsigned n_eum;
	const struct bytes *dp_cert;
	const struct ec_key *dp_key;
	struct card_types cards;
	unsigned memory_percent, memory_extra;	/* RequiredMemory: percent of the package, and this on top */
	unsigned cleanup_s;		/* validity of a DeleteISDP after a failure */
	const struct es8_identity *identity;	/* the ISD-P gets it, and a token key for Master Delete; NULL: not */
	/* Seconds that a new download of this profile waits for proc_download_go(); NULL: none does. */
	unsigned (*hold)(void *priv, const char *iccid);
	void *hold_priv;
	struct llist_head downloads;	/* struct proc_download.entry */
};

/* An ES2.DownloadProfile: checked, then a row and a running procedure; or answered here and now. */
void proc_download_start(struct proc_download_env *env, struct es_req *req);
/* What it waited for has happened. */
void proc_download_go(struct proc_download_env *env, const char *iccid);
/* The request of an unfinished download, given again after a restart: true if it is one. */
bool proc_download_knows(struct proc_download_env *env, const struct es_req *req);
/* After a restart, before es_link_resume(): all unfinished downloads. */
void proc_download_resume(struct proc_download_env *env);
/* An answer to one of our calls; tag "dl:<id>:<n>". */
void proc_download_response(struct proc_download_env *env, const char *tag, const struct es_msg *msg, const char *why);
/* At exit: memory only, the rows stay as they are. */
void proc_download_stop(struct proc_download_env *env);
const char *proc_download_step_name(int step);

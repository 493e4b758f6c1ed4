/* What the files of the simulated card share: its non-volatile record, its volatile state, its helpers.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <osmocom/core/linuxlist.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/ota/apdu.h>
#include <osmocom/rsp/ota/es5_cmd.h>
#include <osmocom/rsp/ota/scp03.h>
#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/logging.h>
#include "card.h"
#include "card_env.h"
#include "faults.h"

#define LOGCARD(c, lvl, fmt, args...) do { \
		char log_eid_[EID_STR_SIZE]; \
		LOGP(DSIM, lvl, "EID-%s: " fmt, eid_str(log_eid_, &(c)->eid), ## args); \
	} while (0)

/* Status words, card-side digest 3.13. */
#define SW_OK		0x9000
#define SW_MORE_E3	0x6310
#define SW_CRYPTOGRAM	0x6300
#define SW_MEMORY	0x6581
#define SW_LENGTH	0x6700
#define SW_SECURITY	0x6982
#define SW_CONDITIONS	0x6985
#define SW_POL1		0x69E1
#define SW_DATA		0x6A80
#define SW_NO_APP	0x6A82
#define SW_NO_ROOM	0x6A84
#define SW_P1P2		0x6A86
#define SW_NOT_FOUND	0x6A88
#define SW_INS		0x6D00
#define SW_CLA		0x6E00
#define SW_KCV		0x9485

/* POL1, SGP.02 3.6.1 */
#define POL1_NO_DISABLE	0x01
#define POL1_NO_DELETE	0x02
#define POL1_AUTO_DELETE 0x04

struct card_cattp;
struct card_dns;
struct card_push;
struct card_udp;
struct install;
struct usim;
struct usim_fs;

/* One profile's security domain. */
struct isd_p {
	struct llist_head entry;
	struct card *card;
	/* non-volatile: card_db_isdp_save() after each change */
	struct aid aid;
	uint8_t state;				/* enum es5_state */
	bool fallback, emergency;		/* in the state file as the attributes octet of GET STATUS: 1, 2 */
	uint32_t granted, used;			/* octets; granted 0: takes what is free */
	uint8_t pol1;
	char iccid[ICCID_STR_SIZE];
	struct bytes *conn;			/* A0, A1, A2 TLVs, SGP.02 table 92 */
	uint8_t kvn;				/* SCP03 key version, 0: none */
	struct key *enc, *mac, *dek, *token;
	uint32_t scp03_cntr;
	uint8_t token_id;
	struct bytes *sin, *sdin, *provider;
	uint64_t sqn;				/* of the profile's USIM */
	/* volatile */
	struct scp03 *scp03;
	bool scp03t;				/* opened by tag 84, not by INITIALIZE UPDATE */
	struct install *install;
	struct bytes *package;			/* the plain profile elements of the download so far */
	struct llist_head lru;			/* in env->lru while the profile is interpreted: */
	struct usim_fs *fs;
	struct usim *usim;
	struct bytes *store;			/* STORE DATA blocks of an SCP03 session */
	uint8_t store_p2;
};

struct card_key {
	struct llist_head entry;
	uint8_t kvn, kid;
	struct key *key;
};

/* A profile change that is under way (SGP.02 3.2, 3.3, 3.4). */
enum card_sw_kind { SW_KIND_NONE, SW_KIND_ENABLE, SW_KIND_DISABLE, SW_KIND_ROLLBACK, SW_KIND_FALLBACK };
enum card_sw_stage { SW_STAGE_NONE, SW_STAGE_REFRESH, SW_STAGE_ATTACH, SW_STAGE_CONFIRM };
struct card_switch {
	enum card_sw_kind kind;
	enum card_sw_stage stage;
	struct aid from, to;
};

/* Notification owed to the SM-SR: kept and repeated until confirmed (SGP.02 3.15). */
struct card_notif {
	uint8_t type;				/* enum notif_type, 0: none owed */
	uint16_t seq;
	unsigned tries;				/* volatile */
	bool sending;				/* volatile: handed to the terminal, no TERMINAL RESPONSE yet */
};

/* SM-SR addressing, as made by the EUM or set by UpdateSMSRAddressingParameters. */
struct card_smsr {
	char number[24], host[128], ip[48], uri[128];
	uint16_t port;
	char dns[48];				/* server that resolves host when ip is empty */
	uint16_t dns_port;
	bool has_retry;				/* 86 of table 92's A5 */
	uint16_t retries;
	uint32_t retry_s;
};

/* Key establishment between its two commands (SGP.02 4.1.3.1): lost at reset. */
struct card_ke {
	bool pending;
	uint8_t q[EC_POINT_LEN];
	uint8_t rc[16];
	int role;
};

struct card {
	struct card_env *env;
	struct card_batch *batch;
	/* non-volatile */
	struct eid eid;
	char imei[17];				/* of the device it sits in */
	uint32_t memory;
	bool has_cattp;
	struct ec_key *ecasd_sk;
	struct bytes *ecasd_cert;
	struct llist_head keys;			/* struct card_key of the ISD-R */
	uint64_t cntr[16];			/* SCP80 counter by key version */
	struct llist_head isdps;
	struct card_smsr smsr;
	uint16_t notif_seq;			/* next number */
	bool declared;				/* notification 01 has been raised */
	struct card_notif notif;
	struct card_switch sw;
	/* volatile */
	bool attached;
	char device_imei[17];			/* PROVIDE LOCAL INFORMATION; "" not told */
	const struct aid *selected;		/* aid_isd_r, aid_ecasd or NULL: the profile */
	struct card_ke ke;
	struct aid perso;			/* INSTALL [for personalization]: len 0 none */
	struct bytes *store;			/* STORE DATA blocks to the ISD-R so far */
	uint8_t store_p2;			/* next block number */
	struct bytes *status_more;		/* rest of a GET STATUS answer */
	bool chained;				/* a script chain is open: context survives the script */
	struct card_cat *cat;
	struct card_ota *ota;
	struct card_http *http;
	struct card_cattp *cattp;
	struct card_dns *dns;			/* once a name was to be resolved */
	struct card_push *push;			/* PUSH whose channel is being opened */
	struct card_udp *udp[2];		/* by enum card_udp_user */
	uintptr_t udp_ids;
	struct faults *faults;			/* never NULL */
	unsigned long scripts, sms_in, dropped;	/* for `show` */
};

/* The simulated eUICC with this EID, not powered yet; NULL and a log line when it is not in the state file or cannot be
 * read. Free by talloc_free(). */
struct card *card_new(struct card_env *env, void *ctx, const struct eid *eid);

void card_sw(struct bytes *resp, uint16_t sw);
struct isd_p *card_isdp(const struct card *c, const struct aid *aid);
struct isd_p *card_isdp_by_tar(const struct card *c, uint32_t tar);
struct isd_p *card_isdp_enabled(const struct card *c);
struct isd_p *card_isdp_fallback(const struct card *c);
uint32_t card_memory_free(const struct card *c);
struct key *card_key(const struct card *c, uint8_t kvn, uint8_t kid);
uint8_t card_scp80_kvn(const struct card *c);	/* version the card itself uses, 0: none */
uint8_t card_scp81_kvn(const struct card *c);
/* Takes key over; replaces one of the same version and id; stored. */
void card_key_set(struct card *c, uint8_t kvn, uint8_t kid, struct key *key);
void card_key_delete(struct card *c, struct card_key *k);
/* What ends with a script chain or a session: challenge, target of personalization, SCP03, unfinished download. */
void card_context_drop(struct card *c);
/* Removes the ISD-P and all it holds, also from the state file. */
void card_isdp_delete(struct isd_p *p);

/* card_profile.c: the interpreted profile of an ISD-P, made when needed; NULL: no or a broken package. */
struct usim *card_profile_usim(struct isd_p *p);
struct usim_fs *card_profile_fs(struct isd_p *p);
void card_profile_sync(struct isd_p *p);	/* what usim_apdu() changed goes into the state file */
void card_profile_drop(struct isd_p *p);

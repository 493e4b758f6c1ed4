/* The simulated mobile network: who is attached under which IMSI, an SMSC with an SMPP 3.4 server, authentication.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct network;
struct network_ue;
struct epollset;
struct faults;

struct network_cfg {
	unsigned attach_ms;		/* latency of an attach; default 10 */
	unsigned queue_max;		/* stored messages a subscriber; default 20 */
	unsigned esme_max;		/* bound or connecting ESMEs; default 16 */
	unsigned mo_timeout_s;		/* wait for deliver_sm_resp; default 5 */
	uint64_t seed;			/* of faults and RAND */
};

/* cfg may be NULL. free by talloc_free() after its terminals. */
struct network *network_new(void *ctx, const struct network_cfg *cfg);

/* The cards' state file: what they have written is on disk before the network hears of it (design P1). */
struct sqldb;
void network_set_db(struct network *net, struct sqldb *db);
/* Run cb(data) after the commit of this turn, or now where there is no state file. network_forget(): data goes. */
void network_after_commit(struct network *net, void (*cb)(void *data), void *data);
void network_forget(struct network *net, void *data);

/* k, opc: 16 octets each, or both NULL: no authentication. 0, -EEXIST (IMSI or MSISDN known), -EINVAL. */
int network_subscriber_add(struct network *net, const char *imsi, const char *msisdn, const uint8_t *k,
			   const uint8_t *opc);
int network_subscriber_del(struct network *net, const char *imsi);
/* An attached one is thrown out: its attached() is told, and its ue is gone. */
int network_subscriber_refuse(struct network *net, const char *imsi, bool refuse);
/* MSISDN of an IMSI, NULL when unknown. */
const char *network_msisdn(const struct network *net, const char *imsi);
bool network_attached(const struct network *net, const char *imsi);

/* SMPP server, up to four addresses; port 0: any. The port, or negative errno. password NULL: every ESME is let in. */
int network_smpp_listen(struct network *net, const char *ip, uint16_t port, const char *password);
/* Mobile originated: destination starting with prefix goes to the ESME of this system_id. "" is the default route;
 * without any route for it a message goes to the ESME bound first. */
int network_route_add(struct network *net, const char *prefix, const char *system_id);
/* ESMEs are told IMSIs, not MSISDNs: who sent, who is there (OsmoMSC's deliver-src-imsi). */
void network_src_imsi_set(struct network *net, bool on);
bool network_src_imsi(const struct network *net);
/* What a card answers at once (SMS-DELIVER-REPORT) goes back in submit_sm_resp, as some SMSCs do; others drop it. */
void network_report_set(struct network *net, bool on);
bool network_report(const struct network *net);

/* The SMSC goes down with all connections, and is back after so many seconds; what it has stored it keeps. */
void network_smsc_restart(struct network *net, unsigned seconds);

/* Another program is the network, by way of a Unix socket at this path (osmo-euicc-sim(1), EXTERNAL NETWORK).
 * Subscribers, faults, SMSC and routes of this one have no part in it. 0 or negative errno. */
int network_external(struct network *net, const char *path);

/* A name server on UDP, port 0: any; the port, or negative errno. Names it knows: a name may be given several
 * addresses. */
int network_dns_listen(struct network *net, const char *ip, uint16_t port);
int network_dns_name(struct network *net, const char *name, const char *ip);
int network_dns_forget(struct network *net, const char *name);	/* all its addresses */
char *network_dns_config(const struct network *net, void *ctx);	/* lines as the configuration has them */

/* Mobile terminated by hand, as from `from`: user data as it is in the TPDU, PID 7F, DCS F6, UDHI when udhi.
 * 0 queued or under way, -ENOENT no such number, -EAGAIN queue full, -ENOTSUP the network is another program. */
int network_inject_mt(struct network *net, const char *msisdn, const char *from, bool udhi, const uint8_t *ud, size_t len);

/* The faults of all cards, the default of each. */
struct faults *network_faults(struct network *net);
/* By short names. Percent: "loss" (MT does not reach the terminal, the SMSC says FE), "loss-ack" (it does, FE all
 * the same), "loss-mo" (MO is acknowledged and vanishes), "duplicate" (MT delivered twice). Milliseconds: "delay"
 * (each MT and MO). Also "seed". 0 or -ENOENT. */
int network_fault_set(struct network *net, const char *name, unsigned value);

/* Text for `show network`, talloc'ed under ctx. */
char *network_describe(struct network *net, void *ctx);

/* --- the terminal's side of the radio --- */

struct network_ue_ops {
	/* Run AKA on the USIM: 0 and res filled (up to 16 octets), 1 and auts filled (synchronisation failure),
	 * negative: the card refused. */
	int (*auth)(void *priv, const uint8_t rand[16], const uint8_t autn[16], uint8_t res[16], size_t *res_len,
		    uint8_t auts[14]);
	/* Outcome of the attach; not ok: the ue is gone, cause from TS 24.008 10.5.3.6. */
	void (*attached)(void *priv, bool ok, uint8_t cause);
	/* SMS-DELIVER; answer by network_mt_done(), one outstanding at a time. */
	void (*mt_sms)(void *priv, const uint8_t *tpdu, size_t len);
	/* What goes wrong with this one; may be NULL or return NULL: what goes wrong with all. */
	struct faults *(*faults)(void *priv);
};

/* Starts an attach; the outcome comes later, never inside this call. */
struct network_ue *network_attach(struct network *net, const char *imsi, const struct network_ue_ops *ops, void *priv);
/* Also when the attach is still under way. No callback of this ue comes any more; ue is gone. */
void network_detach(struct network_ue *ue);
void network_mt_done(struct network_ue *ue, bool ok);
/* The same with the SMS-DELIVER-REPORT of RP-ACK or RP-ERROR. SMPP has no place for it (OsmoMSC passes it on by GSUP
 * only). */
void network_mt_done_report(struct network_ue *ue, bool ok, const uint8_t *tpdu, size_t len);
/* SMS-SUBMIT. done(priv, cause): 0 taken by the SMSC, else RP cause; never inside this call. -EBUSY: one is under way;
 * -EINVAL: not an SMS-SUBMIT. */
int network_mo_sms(struct network_ue *ue, const uint8_t *tpdu, size_t len, void (*done)(void *priv, uint8_t cause));
/* The one epoll set all sockets of terminals share (osmo_select is poll(): one descriptor there, not 10,000). */
struct epollset *network_epollset(struct network *net);
/* A channel of a terminal carried so many octets, either way. */
void network_carried(struct network *net, size_t octets);

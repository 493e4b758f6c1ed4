/* The simulated network: subscribers, attach with authentication. Short messages: network_sms.c.
 * TS 24.008 4.4.4 (attach, reduced to its outcome), TS 33.102 6.3 (AKA, by libosmogsm: not the code the card runs).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <osmocom/rsp/util/ids.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/sqldb.h>

#include "epollset.h"
#include "faults.h"
#include "network_priv.h"

#define NETWORK_CAUSE_IMSI_UNKNOWN 2	/* TS 24.008 10.5.3.6 */
#define NETWORK_CAUSE_ILLEGAL_MS 3
#define NETWORK_CAUSE_PLMN_NOT_ALLOWED 11
#define NETWORK_CAUSE_MAC_FAILURE 20

/* Of RAND and of the faults that are of no card; nothing secret hangs on it. */
static uint8_t network_octet(struct network *net)
{
	return fault_random(net->faults, 256);
}

struct network *network_new(void *ctx, const struct network_cfg *cfg)
{
	struct network *net = talloc_zero(ctx, struct network);

	if (!net)
		return NULL;
	if (cfg)
		net->cfg = *cfg;
	net->cfg.attach_ms = net->cfg.attach_ms ? net->cfg.attach_ms : 10;
	net->cfg.queue_max = net->cfg.queue_max ? net->cfg.queue_max : 20;
	net->cfg.esme_max = net->cfg.esme_max ? net->cfg.esme_max : 16;
	net->cfg.mo_timeout_s = net->cfg.mo_timeout_s ? net->cfg.mo_timeout_s : 5;
	net->faults = faults_new(net, NULL);
	faults_seed(net->faults, net->cfg.seed);
	hash_init(net->by_imsi);
	hash_init(net->by_msisdn);
	net->epollset = epollset_new(net);
	net->smsc = network_smsc_new(net, net);
	if (net->epollset && net->smsc)
		return net;
	talloc_free(net);
	return NULL;
}

void network_set_db(struct network *net, struct sqldb *db)
{
	net->db = db;
}

void network_after_commit(struct network *net, void (*cb)(void *data), void *data)
{
	if (net->db)
		txn_after_commit(net->db, cb, data);
	else
		cb(data);
}

void network_forget(struct network *net, void *data)
{
	if (net->db)
		txn_forget(net->db, data);
}

struct epollset *network_epollset(struct network *net)
{
	return net->epollset;
}

/* --- subscribers --- */

struct network_sub *network_sub_by_imsi(struct network *net, const char *imsi)
{
	struct network_sub *s;

	hash_for_each_possible(net->by_imsi, s, by_imsi, strtoull(imsi, NULL, 10)) {
		if (!strcmp(s->imsi, imsi))
			return s;
	}
	return NULL;
}

struct network_sub *network_sub_by_msisdn(struct network *net, const char *msisdn)
{
	struct network_sub *s;

	hash_for_each_possible(net->by_msisdn, s, by_msisdn, strtoull(msisdn, NULL, 10)) {
		if (!strcmp(s->msisdn, msisdn))
			return s;
	}
	return NULL;
}

int network_subscriber_add(struct network *net, const char *imsi, const char *msisdn, const uint8_t *k,
			   const uint8_t *opc)
{
	struct network_sub *s;

	if (!digits_valid(imsi, 6, 15) || !digits_valid(msisdn, 3, 15) || !k != !opc)
		return -EINVAL;
	if (network_sub_by_imsi(net, imsi) || network_sub_by_msisdn(net, msisdn))
		return -EEXIST;
	s = talloc_zero(net, struct network_sub);
	if (!s)
		return -ENOMEM;
	osmo_strlcpy(s->imsi, imsi, sizeof(s->imsi));
	osmo_strlcpy(s->msisdn, msisdn, sizeof(s->msisdn));
	INIT_LLIST_HEAD(&s->mt);
	if (k) {
		s->has_key = true;
		s->aud.type = OSMO_AUTH_TYPE_UMTS;
		s->aud.algo = OSMO_AUTH_ALG_MILENAGE;
		memcpy(s->aud.u.umts.k, k, 16);
		memcpy(s->aud.u.umts.opc, opc, 16);
		s->aud.u.umts.amf[0] = 0x80;	/* EPS (TS 33.401 6.1.1) */
		s->aud.u.umts.ind_bitlen = 5;
	}
	hash_add(net->by_imsi, &s->by_imsi, strtoull(imsi, NULL, 10));
	hash_add(net->by_msisdn, &s->by_msisdn, strtoull(msisdn, NULL, 10));
	net->subs++;
	return 0;
}

const char *network_msisdn(const struct network *net, const char *imsi)
{
	struct network_sub *s = network_sub_by_imsi((struct network *)net, imsi);

	return s ? s->msisdn : NULL;
}

bool network_attached(const struct network *net, const char *imsi)
{
	struct network_sub *s = network_sub_by_imsi((struct network *)net, imsi);

	if (net->external)
		return network_external_attached(net->external, imsi);
	return s && s->ue;
}

/* --- attach --- */

/* The message the terminal had taken but not answered is still the first of the queue. */
static void network_ue_unlink(struct network_ue *ue)
{
	struct network_sub *sub = ue->sub;
	struct network_mt *mt, *mt2;

	if (!sub)
		return;
	ue->sub = NULL;
	ue->attached = ue->mt_busy = false;
	sub->ue = NULL;
	ue->net->attached--;
	llist_for_each_entry_safe(mt, mt2, &sub->mt, entry) {
		if (mt->done && !mt->stored)
			network_mt_end(ue->net, sub, mt, NETWORK_MT_FAILED);
	}
}

/* AKA with the terminal's USIM; a synchronisation failure is resolved once (TS 33.102 6.3.5). 0 or a reject cause. */
static uint8_t network_auth(struct network_ue *ue, struct network_sub *sub)
{
	struct osmo_auth_vector vec = {};
	uint8_t rand[16], rand2[16], res[16] = {}, auts[14];
	size_t res_len = 0;
	int rc;

	for (int i = 0; i < 16; i++) {
		rand[i] = network_octet(ue->net);
		rand2[i] = network_octet(ue->net);
	}
	if (osmo_auth_gen_vec(&vec, &sub->aud, rand) < 0)
		return NETWORK_CAUSE_ILLEGAL_MS;
	rc = ue->ops->auth(ue->priv, vec.rand, vec.autn, res, &res_len, auts);
	if (rc == 1) {
		LOGP(DSIM, LOGL_INFO, "IMSI %s: synchronisation failure, once more\n", sub->imsi);
		if (osmo_auth_gen_vec_auts(&vec, &sub->aud, auts, rand, rand2) < 0)
			return NETWORK_CAUSE_MAC_FAILURE;
		rc = ue->ops->auth(ue->priv, vec.rand, vec.autn, res, &res_len, auts);
	}
	if (rc != 0)
		return NETWORK_CAUSE_MAC_FAILURE;
	/* a profile may cut RES to 4 octets (AlgoParameter options): the first ones */
	res_len = OSMO_MIN(res_len, (size_t)vec.res_len);
	return res_len >= 4 && secret_eq(res, vec.res, res_len) ? 0 : NETWORK_CAUSE_ILLEGAL_MS;
}

static uint8_t network_admit(struct network_ue *ue, struct network_sub *sub)
{
	uint8_t cause = 0;

	if (!sub)
		return NETWORK_CAUSE_IMSI_UNKNOWN;
	if (sub->refuse)
		return NETWORK_CAUSE_PLMN_NOT_ALLOWED;
	if (sub->has_key)
		cause = network_auth(ue, sub);
	if (cause)
		ue->net->auth_failed++;
	return cause;
}

static void network_attach_cb(void *data)
{
	struct network_ue *ue = data;
	struct network *net = ue->net;
	struct network_sub *sub = network_sub_by_imsi(net, ue->imsi);
	uint8_t cause = network_admit(ue, sub);

	if (cause) {
		const struct network_ue_ops *ops = ue->ops;
		void *priv = ue->priv;

		LOGP(DSIM, LOGL_NOTICE, "IMSI %s: attach refused, cause %u\n", ue->imsi, cause);
		net->refused++;
		network_detach(ue);
		ops->attached(priv, false, cause);
		return;
	}
	if (sub->ue)	/* the same IMSI elsewhere: the newest wins, as in an HLR */
		network_ue_unlink(sub->ue);
	ue->sub = sub;
	ue->attached = true;
	sub->ue = ue;
	net->attached++;
	net->attaches++;
	LOGP(DSIM, LOGL_INFO, "IMSI %s attached as %s\n", sub->imsi, sub->msisdn);
	ue->ops->attached(ue->priv, true, 0);
	if (sub->ue != ue)
		return;
	network_smsc_alert(net->smsc, sub, 0);
	network_mt_start(net, sub);
}

struct network_ue *network_attach(struct network *net, const char *imsi, const struct network_ue_ops *ops, void *priv)
{
	struct network_ue *ue = talloc_zero(net, struct network_ue);

	if (!ue)
		return NULL;
	ue->net = net;
	ue->ops = ops;
	ue->priv = priv;
	osmo_strlcpy(ue->imsi, imsi, sizeof(ue->imsi));
	if (net->external) {
		if (network_external_attach(net->external, ue) < 0)
			TALLOC_FREE(ue);
		return ue;
	}
	osmo_timer_setup(&ue->timer, network_attach_cb, ue);
	osmo_timer_schedule(&ue->timer, net->cfg.attach_ms / 1000, net->cfg.attach_ms % 1000 * 1000);
	return ue;
}

int network_subscriber_refuse(struct network *net, const char *imsi, bool refuse)
{
	struct network_sub *s = network_sub_by_imsi(net, imsi);
	const struct network_ue_ops *ops;
	struct network_ue *ue;
	void *priv;

	if (!s)
		return -ENOENT;
	s->refuse = refuse;
	ue = s->ue;
	if (!refuse || !ue)
		return 0;
	LOGP(DSIM, LOGL_NOTICE, "IMSI %s: detached by the network\n", imsi);
	ops = ue->ops;
	priv = ue->priv;
	network_detach(ue);
	ops->attached(priv, false, NETWORK_CAUSE_PLMN_NOT_ALLOWED);
	return 0;
}

void network_detach(struct network_ue *ue)
{
	if (!ue)
		return;
	osmo_timer_del(&ue->timer);
	osmo_timer_del(&ue->mo_timer);
	network_forget(ue->net, ue);
	if (ue->mo_sent)
		network_smsc_mo_forget(ue->mo_sent);
	network_external_detach(ue);
	network_ue_unlink(ue);
	talloc_free(ue);
}

int network_subscriber_del(struct network *net, const char *imsi)
{
	struct network_sub *s = network_sub_by_imsi(net, imsi);

	if (!s)
		return -ENOENT;
	if (s->ue)
		network_ue_unlink(s->ue);
	while (!llist_empty(&s->mt))
		network_mt_end(net, s, llist_first_entry(&s->mt, struct network_mt, entry), NETWORK_MT_FAILED);
	hash_del(&s->by_imsi);
	hash_del(&s->by_msisdn);
	net->subs--;
	talloc_free(s);
	return 0;
}

/* --- faults, description --- */

struct faults *network_faults(struct network *net)
{
	return net->faults;
}

void network_carried(struct network *net, size_t octets)
{
	net->channel_octets += octets;
}

char *network_describe(struct network *net, void *ctx)
{
	char *s = talloc_asprintf(ctx, "%u subscribers, %u attached, %lu attaches, %lu refused "
				  "(%lu by authentication)\n"
				  "MT %lu delivered, %lu failed; MO %lu taken, %lu failed; %lu lost on purpose; "
				  "%lu reports with data; %u channels open\n"
				  "octets: SMS %lu, channels %lu\n",
				  net->subs, net->attached, net->attaches, net->refused, net->auth_failed, net->mt_ok,
				  net->mt_failed, net->mo_ok, net->mo_failed, net->lost, net->reports,
				  epollset_count(net->epollset), net->sms_octets, net->channel_octets);

	if (s && net->external)
		return network_external_describe(net->external, s);
	s = s ? network_smsc_describe(net->smsc, s) : NULL;
	return s ? network_dns_describe(net, s) : NULL;
}

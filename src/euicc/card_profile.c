/* The interpreted profile of an ISD-P: made from its package when an APDU needs it, dropped again when too many are in
 * memory. Bootstrap profiles are the batch's template with the card's own values (upp_perso.h).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/profile/upp_perso.h>
#include <osmocom/rsp/util/misc.h>

#include "card_db.h"
#include "card_int.h"
#include "install.h"
#include "usim.h"

#define PROFILE_MEMORY (8U << 20)

static struct bytes *from_template(struct isd_p *p, void *ctx, const struct card_perso *v)
{
	const struct upp_perso perso = { .iccid = v->iccid, .imsi = v->imsi, .k = v->k, .opc = v->opc };
	const struct upp_perso with_msisdn = { .msisdn = v->msisdn };
	const struct bytes *t = p->card->batch->upp;
	struct bytes *upp, *full;
	const char *err = NULL;

	upp = upp_personalise(ctx, t->data, t->len, &perso, &err);
	if (!upp) {
		LOGCARD(p->card, LOGL_ERROR, "bootstrap profile template does not take the card's values: %s\n", err);
		return NULL;
	}
	/* EF.MSISDN is not in every template */
	full = v->msisdn[0] ? upp_personalise(ctx, upp->data, upp->len, &with_msisdn, &err) : NULL;
	return full ? full : upp;
}

static struct usim_fs *interpret(struct isd_p *p, void *ctx, const struct bytes *upp)
{
	struct install *inst = install_new(ctx, PROFILE_MEMORY);

	if (install_feed(inst, upp->data, upp->len) != 1) {
		LOGCARD(p->card, LOGL_ERROR, "profile %s does not install\n", p->iccid);
		return NULL;
	}
	return install_take(inst, p);
}

static struct usim_fs *fs_make(struct isd_p *p)
{
	void *ctx = talloc_named_const(p, 0, "profile being interpreted");
	struct card_perso v = { };
	struct bytes *package = NULL;
	struct usim_fs *fs = NULL;
	bool saved = false;

	if (card_db_package_row(p, ctx, &package, &saved, &v) == 0) {
		if (!package)
			package = from_template(p, ctx, &v);
		if (package)
			fs = saved ? fs_load(p, package->data, package->len) : interpret(p, ctx, package);
	}
	secret_wipe(&v, sizeof(v));
	talloc_free(ctx);
	return fs;
}

/* One number per USIM is kept: the highest sequence number of all indices, with the index behind it. */
static void sqn_walk(struct usim_file *f, uint64_t *highest, uint64_t set)
{
	struct usim_file *child;
	unsigned i;

	for (i = 0; f->aka && i < ARRAY_SIZE(f->aka->sqn); i++) {
		if (set > f->aka->sqn[i])
			f->aka->sqn[i] = set;
		*highest = OSMO_MAX(*highest, f->aka->sqn[i]);
	}
	llist_for_each_entry(child, &f->children, entry)
		sqn_walk(child, highest, set);
}

static bool dirty_walk(const struct usim_file *f)
{
	struct usim_file *child;

	if (f->dirty)
		return true;
	llist_for_each_entry(child, &f->children, entry)
		if (dirty_walk(child))
			return true;
	return false;
}


static void lru_touch(struct isd_p *p)
{
	struct card_env *env = p->card->env;
	struct isd_p *old;

	llist_del(&p->lru);
	llist_add(&p->lru, &env->lru);
	while (env->lru_len > env->lru_max) {
		old = llist_entry(env->lru.prev, struct isd_p, lru);
		if (old == p)	/* the one in use stays */
			break;
		card_profile_drop(old);
	}
}

struct usim *card_profile_usim(struct isd_p *p)
{
	uint64_t highest = 0;

	if (p->usim) {
		lru_touch(p);
		return p->usim;
	}
	p->fs = fs_make(p);
	if (!p->fs)
		return NULL;
	sqn_walk(p->fs->mf, &highest, p->sqn);
	p->usim = usim_new(p, p->fs);
	INIT_LLIST_HEAD(&p->lru);
	p->card->env->lru_len++;
	lru_touch(p);
	return p->usim;
}

struct usim_fs *card_profile_fs(struct isd_p *p)
{
	return card_profile_usim(p) ? p->fs : NULL;
}

void card_profile_sync(struct isd_p *p)
{
	uint64_t highest = 0;
	struct bytes *save;

	if (!p->usim || !usim_changed(p->usim))
		return;
	sqn_walk(p->fs->mf, &highest, 0);
	if (highest != p->sqn) {
		p->sqn = highest;
		card_db_isdp_save(p);
	}
	if (!dirty_walk(p->fs->mf))
		return;
	save = bytes_new(p, 0);
	bytes_secret(save);
	if (fs_save(save, p->fs) == 0) {
		card_db_package_save(p, save, true);
	}
	talloc_free(save);
}

void card_profile_drop(struct isd_p *p)
{
	if (!p->usim)
		return;
	llist_del(&p->lru);
	p->card->env->lru_len--;
	TALLOC_FREE(p->usim);
	TALLOC_FREE(p->fs);
}

/* Reading eum-batch.json, the exchange file between an EUM (osmo-rsp-ca eum-batch) and the simulator: one JSON object a
 * line, first the batch, then its cards (doc/formats/eum-batch.md).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "card_db.h"
#include "card_env.h"
#include "card_import.h"

#define LINE_MAX_OCTETS (16U << 20)
#define MEMORY_DEFAULT (512U << 10)

static const char *str(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static int hex(const json_t *o, const char *name, uint8_t *out, size_t len)
{
	return hex_dec(out, len, str(o, name)) == (int)len ? 0 : -EINVAL;
}

static void copy(const json_t *o, const char *name, char *out, size_t size)
{
	osmo_strlcpy(out, str(o, name), size);
}

static struct card_batch *batch_line(struct card_env *env, const json_t *o)
{
	struct card_batch *b = talloc_zero(env, struct card_batch);
	const json_t *ci = json_object_get(o, "ci"), *smsr = json_object_get(o, "smsr");
	size_t i;

	b->upp = bytes_from_hex(b, str(o, "upp"));
	bytes_secret(b->upp);
	if (!b->upp || !b->upp->len || !json_is_array(ci) || !json_array_size(ci) || json_array_size(ci) > CARD_CI_MAX)
		goto bad;
	for (i = 0; i < json_array_size(ci); i++) {
		const json_t *one = json_array_get(ci, i);

		if (hex(one, "q", b->ci[i].q, EC_POINT_LEN) < 0 || hex(one, "ski", b->ci[i].ski, 20) < 0)
			goto bad;
		b->n_ci++;
	}
	copy(o, "smsc", b->smsc, sizeof(b->smsc));
	copy(smsr, "number", b->number, sizeof(b->number));
	copy(smsr, "host", b->host, sizeof(b->host));
	copy(smsr, "ip", b->ip, sizeof(b->ip));
	copy(smsr, "uri", b->uri, sizeof(b->uri));
	b->port = json_integer_value(json_object_get(smsr, "port"));
	copy(smsr, "dns", b->dns, sizeof(b->dns));
	b->dns_port = json_integer_value(json_object_get(smsr, "dns_port"));
	b->dns_port = b->dns_port ? b->dns_port : 53;
	if (!b->number[0] || card_db_batch_add(env, b) < 0)
		goto bad;
	return b;
bad:
	talloc_free(b);
	return NULL;
}

static struct key *key(void *ctx, const json_t *o, const char *name, enum key_type type)
{
	uint8_t b[64];
	int n = hex_dec(b, sizeof(b), str(o, name));
	struct key *k = n > 0 ? key_new(ctx, type, b, n) : NULL;

	secret_wipe(b, sizeof(b));
	return k;
}

static uint8_t small(const json_t *o, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(o, name));

	return v >= 0 && v <= 0x7F ? v : 0;
}

static int card_keys(void *ctx, struct card_import *i, const json_t *o)
{
	const json_t *scp80 = json_object_get(o, "scp80"), *scp81 = json_object_get(o, "scp81");
	enum key_type type = strcmp(str(scp80, "type"), "3des") ? KEY_TYPE_AES : KEY_TYPE_DES;

	i->scp80_kvn = small(scp80, "kvn");
	i->kic = key(ctx, scp80, "kic", type);
	i->kid = key(ctx, scp80, "kid", type);
	i->kik = key(ctx, scp80, "kik", type);
	if (!i->kic || !i->kid || i->scp80_kvn < 1 || i->scp80_kvn > 0x0F)
		return -EINVAL;
	if (!scp81)
		return 0;
	i->scp81_kvn = small(scp81, "kvn");
	i->scp81_kid = small(scp81, "kid");
	i->psk = key(ctx, scp81, "psk", KEY_TYPE_PSK);
	i->dek = key(ctx, scp81, "dek", KEY_TYPE_AES);
	return i->psk && i->scp81_kid && i->scp81_kvn >= 0x40 && i->scp81_kvn <= 0x4F ? 0 : -EINVAL;
}

static int card_fill(void *ctx, struct card_import *i, const json_t *o)
{
	const json_t *p = json_object_get(o, "profile");
	json_int_t memory = json_integer_value(json_object_get(o, "memory"));
	uint8_t aid[16];

	i->imei = str(o, "imei");
	i->memory = memory > 0 && memory <= UINT32_MAX ? memory : MEMORY_DEFAULT;
	i->ecasd_cert = bytes_from_hex(ctx, str(o, "ecasd_cert"));
	i->iccid = str(p, "iccid");
	i->imsi = str(p, "imsi");
	i->msisdn = str(p, "msisdn");
	i->cattp = !json_is_false(json_object_get(o, "cattp"));
	i->fallback = json_is_true(json_object_get(p, "fallback"));
	if (eid_from_str(&i->eid, str(o, "eid")) < 0 || !digits_valid(i->imei, 14, 16) || !i->ecasd_cert ||
	    !i->ecasd_cert->len || !digits_valid(i->imsi, 6, 15) || !digits_valid(i->msisdn, 3, 15) ||
	    !digits_valid(i->iccid, 18, 20))
		return -EINVAL;
	if (hex(o, "ecasd_sk", i->ecasd_sk, 32) < 0 || hex(p, "k", i->k, 16) < 0 || hex(p, "opc", i->opc, 16) < 0 ||
	    hex(p, "isdp_aid", aid, sizeof(aid)) < 0 || aid_from_bytes(&i->isdp, aid, sizeof(aid)) < 0)
		return -EINVAL;
	return card_keys(ctx, i, o);
}

static int card_line(struct card_env *env, const struct card_batch *b, const json_t *o)
{
	void *ctx = talloc_named_const(env, 0, "card being imported");
	struct card_import i = { };
	int rc = card_fill(ctx, &i, o);

	if (rc == 0)
		rc = card_db_card_add(env, b, &i);
	secret_wipe(&i, sizeof(i));
	talloc_free(ctx);
	return rc;
}

/* 1 a card was added, 0 nothing, negative: the file is wrong here. */
static int one_line(struct card_env *env, struct card_batch **b, const char *text, unsigned *known)
{
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int rc = -EINVAL;

	if (!strcmp(str(o, "type"), "batch")) {
		*b = batch_line(env, o);
		rc = *b ? 0 : -EINVAL;
	} else if (!strcmp(str(o, "type"), "card") && *b) {
		rc = card_line(env, *b, o);
		if (rc == -EEXIST) {
			(*known)++;
			rc = 0;
		} else if (rc == 0) {
			rc = 1;
		}
	}
	json_decref(o);
	return rc;
}

int card_import_file(struct card_env *env, const char *path, unsigned *known)
{
	FILE *f = fopen(path, "r");
	struct card_batch *b = NULL;
	char *text = NULL;
	unsigned line = 0;
	int n = 0, rc = 0;
	size_t size = 0;
	ssize_t len;

	*known = 0;
	if (!f) {
		LOGP(DSIM, LOGL_ERROR, "%s: %s\n", path, strerror(errno));
		return -errno;
	}
	while (rc >= 0 && (len = getline(&text, &size, f)) > 0) {
		line++;
		if (len > LINE_MAX_OCTETS)
			rc = -EMSGSIZE;
		else if (text[strspn(text, " \t\r\n")])
			rc = one_line(env, &b, text, known);
		n += rc > 0;
		secret_wipe(text, len);
	}
	free(text);
	fclose(f);
	if (rc < 0) {
		LOGP(DSIM, LOGL_ERROR, "%s line %u: %s\n", path, line, strerror(-rc));
		return rc;
	}
	return n;
}

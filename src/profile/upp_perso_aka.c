/* akaParameter: key, OPc, algorithm, sequence numbers; a change of the algorithm is one of the header's services too
 * (digest 2, 5).
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/rsp/crypto/key.h>
#include <osmocom/rsp/util/misc.h>

#include "upp_perso_priv.h"

int upp_opc(uint8_t out[32], enum upp_algo algo, const uint8_t *k, size_t k_len, const uint8_t *op, unsigned keccak)
{
	struct key *key = key_new(NULL, KEY_TYPE_AES, k, k_len);
	int rc = -EINVAL;

	if (key && algo == UPP_ALGO_TUAK && tuak_topc(out, key, op, keccak ? keccak : 1) == 0) {
		rc = 32;
	} else if (key && algo == UPP_ALGO_MILENAGE && k_len == 16 && sym_ecb_enc(key, op, 16, out) == 0) {
		for (unsigned i = 0; i < 16; i++)	/* TS 35.206 5: OPc = E(OP) xor OP */
			out[i] ^= op[i];
		rc = 16;
	}
	talloc_free(key);
	return rc;
}

static unsigned aka_algo(const struct der *algo)
{
	uint32_t id;

	return der_uint(&id, der_child(algo, 0x80)) < 0 ? 0 : id;
}

static unsigned aka_keccak(const struct perso *s, const struct der *algo)
{
	uint32_t n;

	if (s->p->keccak)
		return s->p->keccak;
	return der_uint(&n, der_child(algo, 0x87)) < 0 ? 1 : n;
}

/* Milenage's constants mean nothing to TUAK and the other way round. */
static int aka_set_algo(struct perso *s, struct der *algo)
{
	static const uint32_t milenage_only[] = { 0x84, 0x85 };
	const uint8_t id = s->p->algo, options = id == UPP_ALGO_XOR ? 0x02 : 0x01;
	struct der *n;

	if (aka_algo(algo) == id)
		return 0;
	for (unsigned i = 0; i < 2 && id != UPP_ALGO_MILENAGE; i++) {
		n = der_child(algo, milenage_only[i]);
		if (n)
			der_remove(n);
	}
	n = der_child(algo, 0x87);
	if (n && id != UPP_ALGO_TUAK)
		der_remove(n);
	if (perso_put(algo, 0x80, &id, 1) < 0 || perso_put(algo, 0x81, &options, 1) < 0)
		return perso_fail(s, "out of memory");
	return 0;
}

static int aka_set_keys(struct perso *s, struct der *algo)
{
	const struct upp_perso *p = s->p;
	unsigned id = aka_algo(algo);
	size_t k_len = p->k_len ? p->k_len : 16, opc_len = id == UPP_ALGO_TUAK ? 32 : 16;
	const struct der *k;
	uint8_t opc[32];
	int n;

	if (p->k && ((k_len != 16 && (k_len != 32 || id != UPP_ALGO_TUAK)) || !der_child(algo, 0x82) ||
		     perso_put(algo, 0x82, p->k, k_len) < 0))
		return perso_fail(s, "k: a wrong length for the algorithm");
	if (p->op) {
		n = p->k && (p->op_len ? p->op_len : 16) == opc_len ?
		    upp_opc(opc, id, p->k, k_len, p->op, aka_keccak(s, algo)) : -EINVAL;
		if (n < 0 || perso_put(algo, 0x83, opc, n) < 0)
			return perso_fail(s, "op: needs k, and the length of Milenage or TUAK");
		secret_wipe(opc, sizeof(opc));
	}
	if (p->opc && ((p->opc_len ? p->opc_len : 16) != opc_len || perso_put(algo, 0x83, p->opc, opc_len) < 0))
		return perso_fail(s, "opc: a wrong length for the algorithm");
	/* an OPc of the old algorithm's length would be left over */
	if (p->algo && (!der_child(algo, 0x83) || der_child(algo, 0x83)->len != opc_len))
		return perso_fail(s, "algo: opc or op is needed with it");
	k = der_child(algo, 0x82);
	if (p->algo == UPP_ALGO_MILENAGE && (!k || k->len != 16))
		return perso_fail(s, "algo: k is needed with it");
	return 0;
}

static int aka_set_sqn(struct perso *s, struct der *pe)
{
	const struct upp_perso *p = s->p;
	struct der *list = der_child(pe, 0xA5);

	if ((p->sqn_options && perso_put(pe, 0x82, p->sqn_options, 1) < 0) ||
	    (p->sqn_delta && perso_put(pe, 0x83, p->sqn_delta, 6) < 0) ||
	    (p->sqn_age && perso_put(pe, 0x84, p->sqn_age, 6) < 0))
		return perso_fail(s, "out of memory");
	if (!p->sqn_init)
		return 0;
	if (list)
		der_remove(list);
	list = der_add(pe, 0xA5, NULL, 0);
	for (unsigned i = 0; i < 32; i++) {
		if (!der_add(list, 0x04, p->sqn_init, 6))
			return perso_fail(s, "out of memory");
	}
	return 0;
}

/* The header's promise: the services of the algorithms that the package has now, no others. */
static int aka_services(struct perso *s)
{
	static const uint32_t tags[] = { 0x80 | UPP_SVC_MILENAGE, 0x80 | UPP_SVC_TUAK128, 0x80 | UPP_SVC_TUAK256,
					 0x80 | UPP_SVC_TEST_ALGO };
	struct der *list = der_path(s->root, UPP_PE_HEADER, 0xA5, 0), *pe, *algo, *n;
	bool used[4] = { false };

	for (pe = der_child(s->root, UPP_PE_AKA); pe; pe = der_again(pe)) {
		algo = der_path(pe, 0xA1, 0xA1, 0);
		n = der_child(algo, 0x82);
		switch (aka_algo(algo)) {
		case UPP_ALGO_MILENAGE:
			used[0] = true;
			break;
		case UPP_ALGO_TUAK:
			used[n && n->len == 32 ? 2 : 1] = true;
			break;
		case UPP_ALGO_XOR:
			used[3] = true;
			break;
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		n = der_child(list, tags[i]);
		if (used[i] && !n && (!list || perso_put(list, tags[i], NULL, 0) < 0))
			return perso_fail(s, "algo: no list of services in the header");
		if (!used[i] && n)
			der_remove(n);
	}
	return 0;
}

int perso_aka(struct perso *s)
{
	const struct upp_perso *p = s->p;
	const uint8_t keccak = p->keccak;
	unsigned found = 0;
	struct der *pe, *algo;

	if (p->keccak > 127)
		return perso_fail(s, "keccak: 1 to 127");
	for (pe = der_child(s->root, UPP_PE_AKA); pe; pe = der_again(pe)) {
		algo = der_path(pe, 0xA1, 0xA1, 0);
		if (!algo)	/* mappingParameter: another NAA's keys */
			continue;
		found++;
		if ((p->algo && aka_set_algo(s, algo) < 0) ||
		    (p->aka_options && perso_put(algo, 0x81, p->aka_options, 1) < 0) ||
		    (p->keccak && perso_put(algo, 0x87, &keccak, 1) < 0) || aka_set_keys(s, algo) < 0 ||
		    aka_set_sqn(s, pe) < 0)
			return -EINVAL;
	}
	if (!found)
		return perso_fail(s, "k: no akaParameter");
	return p->algo ? aka_services(s) : 0;
}

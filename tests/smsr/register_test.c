/* RegisterEIS with real signatures and certificates: what is accepted, and each thing that is refused
 * (off-card 4.1, 5.4).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdlib.h>

#include <osmocom/rsp/util/misc.h>

#include "flow.h"

#define EUM	"1.3.6.1.4.1.49999.4"

/* the harness has no EUM: the link's answer is watched here */
static struct es_msg *msg;
static struct es_party eum_party = { .id = EUM, .role = ES_ROLE_EUM };

static struct world {
	struct ec_key *ci_key, *eum_key, *other_key;
	struct cert_x509 *ci, *eum, *other_ci;
	struct key *transport, *kic, *kid, *psk;
	struct es1_trust trust;
	struct es_eis *eis;
} w;

static void key(struct es_keyset *ks, uint8_t index, enum key_type type, const struct key *k)
{
	struct es_keyset_key *e = &ks->key[ks->n_keys++];

	e->index = index;
	e->type = type;
	e->value = bytes_new(w.eis, 0);
	assert_int_equal(key_wrap(w.transport, k, e->value), 0);
}

static struct bytes *ecasd_cert(const struct eid *eid, const struct ec_key *issuer)
{
	struct cert_gp c = {.serial = {1},
			    .serial_len = 1,
			    .ca_id = {2},
			    .ca_id_len = 1,
			    .usage = {0, 0x80},
			    .usage_len = 2,
			    .expiry = "20991231",
			    .role = -1,
			    .subject_len = 16};
	struct bytes *b = bytes_new(w.eis, 0);

	memcpy(c.subject, eid->b, 16);
	ec_public(w.other_key, c.q);
	assert_int_equal(cert_gp_issue(b, &c, issuer), 0);
	return b;
}

static void make_eis(void)
{
	struct es_eis *e = w.eis = talloc_zero(flow.root, struct es_eis);
	struct eid eid;

	memset(&eid, 0x11, sizeof(eid));
	eid.b[0] = 0x89;
	eid_set_check_digits(&eid);
	e->eid = eid;
	strcpy(e->eum_id, EUM);
	strcpy(e->smsr_id, "1.3.6.1.4.1.49999.2");
	e->production_date = flow.now - 1000;
	strcpy(e->platform_type, "test");
	strcpy(e->platform_version, "1.0.0");
	strcpy(e->secure_packet_version, "1.0.0");
	strcpy(e->remote_provisioning_version, "3.1.0");
	e->isdp_file_aid = aid_isdp_file;
	e->isdp_module_aid = aid_isdp_module;
	e->ecasd.aid = aid_ecasd;
	strcpy(e->ecasd.role, "ECASD");
	e->ecasd.keyset[0] = (struct es_keyset){ .version = 0x74, .type = "CA", .ca_id = EUM };
	e->ecasd.keyset[0].cert = ecasd_cert(&e->eid, w.eum_key);
	e->ecasd.n_keysets = 1;
	e->isd_r.aid = aid_isd_r;
	strcpy(e->isd_r.role, "ISD-R");
	e->isd_r.keyset[0] = (struct es_keyset){ .version = 1, .type = "SCP80", .cntr = 0 };
	e->isd_r.keyset[1] = (struct es_keyset){ .version = 0x40, .type = "SCP81" };
	e->isd_r.n_keysets = 2;
	key(&e->isd_r.keyset[0], 1, KEY_TYPE_AES, w.kic);
	key(&e->isd_r.keyset[0], 2, KEY_TYPE_AES, w.kid);
	key(&e->isd_r.keyset[1], 1, KEY_TYPE_PSK, w.psk);
	e->remaining_memory = e->available_memory = 100000;
	e->profile = talloc_zero_array(e, struct es_profile_info, 2);
	e->n_profiles = 1;
	strcpy(e->profile[0].iccid, ICCID_BOOT);
	aid_from_hex(&e->profile[0].isdp_aid, AID_BOOT);
	strcpy(e->profile[0].mno_id, BOOT);
	e->profile[0].state = ES_PS_ENABLED;
	e->profile[0].fallback = true;
}

static void sign(void)
{
	assert_int_equal(es_dsig_sign(w.eis, w.eum_key, w.eum), 0);
}

static int setup(void **state)
{
	flow_setup(state);
	memset(&w, 0, sizeof(w));
	w.ci_key = ec_generate(flow.root);
	w.eum_key = ec_generate(flow.root);
	w.other_key = ec_generate(flow.root);
	w.ci = cert_x509_issue(flow.root, CERT_X509_CI, "CI", NULL, NULL, w.ci_key, NULL, w.ci_key, 3650);
	w.eum = cert_x509_issue(flow.root, CERT_X509_EUM, "EUM", EUM, NULL, w.eum_key, w.ci, w.ci_key, 3650);
	w.other_ci =
		cert_x509_issue(flow.root, CERT_X509_CI, "other", NULL, NULL, w.other_key, NULL, w.other_key, 3650);
	assert_non_null(w.eum);
	w.transport = key_random(flow.root, KEY_TYPE_AES, 16);
	w.kic = key_random(flow.root, KEY_TYPE_AES, 16);
	w.kid = key_random(flow.root, KEY_TYPE_AES, 16);
	w.psk = key_random(flow.root, KEY_TYPE_PSK, 16);
	assert_int_equal(smsr_db_transport_put(flow.db, EUM, w.transport), 0);
	w.trust = (struct es1_trust){ .own_id = "1.3.6.1.4.1.49999.2", .ci = w.ci, .eum = w.eum };
	clock_override(-1);	/* certificates are valid from now */
	make_eis();
	return 0;
}


static const struct answer *ask(void)
{
	msg = es_msg_new(flow.root, ES1, ES_FN_REGISTER_EIS, ES_REQUEST);
	msg->b.eis = w.eis;
	return flow_answered(flow_register(msg, &eum_party, &w.trust));
}

static void accepted(void **state)
{
	const struct answer *a;
	struct euicc *e;
	struct card_info info;
	struct key *k;
	uint8_t psk[64], want[16];

	sign();
	a = ask();
	assert_int_equal(a->status, ES_EXECUTED_SUCCESS);
	e = euicc_get(flow.reg, &w.eis->eid);
	assert_non_null(e);
	assert_int_equal(euicc_card_info(e, &info), 0);
	assert_true(key_eq(info.kic, w.kic) && key_eq(info.kid, w.kid));
	assert_int_equal(info.scp80_kvn, 1);
	assert_int_equal(info.scp81_kvn, 0x40);
	assert_int_equal(euicc_psk(e, 0x40, 1, psk, sizeof(psk)), 16);
	key_export(w.psk, want, sizeof(want));
	assert_memory_equal(psk, want, 16);
	assert_true(euicc_psk(e, 0x41, 1, psk, sizeof(psk)) < 0);
	assert_true(euicc_psk(e, 1, 1, psk, sizeof(psk)) < 0);	/* an SCP80 key is no PSK */
	k = smsr_db_key_get(flow.db, flow.root, &w.eis->eid, 1, 3);
	assert_null(k);
	assert_int_equal(e->eis->n_profiles, 1);
	btw("a second time");
	a = ask();
	assert_string_equal(a->code, "8.1.1/3.3");
}

#define refused(what) do { const struct answer *_a = ask(); assert_int_equal(_a->status, ES_FAILED); \
	assert_string_equal(_a->code, what); assert_null(euicc_get(flow.reg, &w.eis->eid)); } while (0)

static void signature(void **state)
{
	refused("1.6/2.2");	/* unsigned */
	sign();
	w.eis->signed_info->data[w.eis->signed_info->len / 2] ^= 1;
	refused("8.5.2/6.1");
}

static void chain(void **state)
{
	sign();
	btw("another CI is trusted here");
	w.trust.ci = w.other_ci;
	refused("8.5.2/6.1");
	w.trust.ci = NULL;
	refused("8.5.2/6.1");
	w.trust.ci = w.ci;
	btw("the EUM's certificate has run out");
	clock_override((flow.now + 20LL * 365 * 86400) * 1000);
	refused("8.5.2/6.3");
	clock_override(-1);
}

static void names(void **state)
{
	btw("an EUM registers under its own name only");
	strcpy(w.eis->eum_id, "1.3.6.1.4.1.49999.9");
	sign();
	refused("1.1/1.2");
	strcpy(w.eis->eum_id, EUM);
	sign();
	btw("and EIDs of its own number only");
	w.trust.eid_prefix = "8904";
	refused("8.1/1.2");
	w.trust.eid_prefix = "8911";
	strcpy(w.eis->smsr_id, "1.3.6.1.4.1.49999.99");
	refused("8.1/3.8");
}

static void ecasd(void **state)
{
	struct eid other = w.eis->eid;

	btw("a certificate of another card");
	other.b[5] ^= 1;
	w.eis->ecasd.keyset[0].cert = ecasd_cert(&other, w.eum_key);
	sign();
	refused("8.5.2/6.1");
	btw("not signed by the EUM");
	w.eis->ecasd.keyset[0].cert = ecasd_cert(&w.eis->eid, w.other_key);
	sign();
	refused("8.5.2/6.1");
	w.eis->ecasd.keyset[0].cert = NULL;
	sign();
	refused("8.5.2/6.1");
}

static void keysets(void **state)
{
	struct es_keyset *ks = &w.eis->isd_r.keyset[0];

	sign();
	btw("a bit of a wrapped key is wrong");
	ks->key[1].value->data[3] ^= 1;
	refused("1.6/2.1");
	ks->key[1].value->data[3] ^= 1;
	btw("no key 2");
	ks->n_keys = 1;
	refused("1.6/2.2");
	ks->n_keys = 2;
	btw("a key of another kind");
	ks->key[0].type = 0x90;
	refused("8.1/3.8");
	ks->key[0].type = KEY_TYPE_AES;
	btw("twice the same key");
	ks->key[1].index = 1;
	refused("1.6/2.1");
	ks->key[1].index = 2;
	btw("what the database does not take leaves nothing behind: the same ECASD keyset twice");
	w.eis->ecasd.keyset[1] = w.eis->ecasd.keyset[0];
	w.eis->ecasd.n_keysets = 2;
	sign();
	{
		const struct answer *a = ask();

		assert_int_equal(a->status, ES_FAILED);
		assert_null(euicc_get(flow.reg, &w.eis->eid));
	}
	w.eis->ecasd.n_keysets = 1;
	sign();
	btw("no transport key for this EUM");
	strcpy(eum_party.id, EUM);
	w.eis->isd_r.keyset[1].version = 1;
	refused("1.6/2.1");	/* the same version twice */
}

/* A list made by openssl on which c stands; NULL when it is none of issuer. */
static struct crl_x509 *revoke(const struct cert_x509 *c, const struct cert_x509 *issuer)
{
	char dir[] = "/tmp/register-XXXXXX", cmd[1024];
	struct crl_x509 *l;

	assert_non_null(mkdtemp(dir));
	snprintf(cmd, sizeof(cmd), "%s/ci.pem", dir);
	assert_int_equal(cert_x509_write(w.ci, cmd), 0);
	snprintf(cmd, sizeof(cmd), "%s/ci.key", dir);
	assert_int_equal(ec_write_pem(w.ci_key, cmd), 0);
	snprintf(cmd, sizeof(cmd), "%s/c.pem", dir);
	assert_int_equal(cert_x509_write(c, cmd), 0);
	snprintf(cmd, sizeof(cmd),
		 "cd %s && printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=i\\ndefault_md=sha256\\ncrlnumber=n\\n"
		 "default_crl_days=30\\n' >cnf && : >i && echo 01 >n && exec 2>/dev/null && openssl ca -config cnf -revoke c.pem"
		 " -keyfile ci.key -cert ci.pem && openssl ca -config cnf -gencrl -keyfile ci.key -cert ci.pem -out crl.pem", dir);
	assert_int_equal(system(cmd), 0);
	snprintf(cmd, sizeof(cmd), "%s/crl.pem", dir);
	l = crl_x509_load(flow.root, cmd, issuer);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
	return l;
}

/* Off-card 7.6, corrections 15: said and taken, unless told otherwise; a list of another CI is none. */
static void revoked(void **state)
{
	struct crl_x509 *l = revoke(w.eum, w.ci);

	assert_non_null(l);
	assert_true(crl_x509_lists(l, w.eum));
	assert_false(crl_x509_lists(l, w.ci));
	assert_null(revoke(w.eum, w.other_ci));
	sign();
	w.trust.crl = l;
	w.trust.revoked_refuse = true;
	refused("8.5.2/6.1");
	w.trust.revoked_refuse = false;
	assert_int_equal(ask()->status, ES_EXECUTED_SUCCESS);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, flow_teardown)
	const struct CMUnitTest tests[] = { T(accepted), T(signature), T(chain), T(names), T(ecasd), T(keysets), T(revoked) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

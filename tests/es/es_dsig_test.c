/* EumSignature against signatures made with lxml and openssl (108 variants: both spellings, with and without URI,
 * namespaces declared in three places, three prefixes, both canonicalisations), and our signature judged by them.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include "es_help.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/rsp/crypto/cert.h>

static char *dir;
static void *root;

static int setup(void **state)
{
	root = talloc_new(NULL);
	if (!help_python())
		return 0;
	dir = help_tmpdir(root);
	return help_foreign("vectors %s", dir);
}

static int teardown(void **state)
{
	if (dir)
		help_rmdir(dir);
	talloc_free(root);
	return 0;
}

static struct cert_x509 *cert(void *ctx, const char *name)
{
	struct cert_x509 *c = cert_x509_load(ctx, talloc_asprintf(ctx, "%s/%s", dir, name));

	assert_non_null(c);
	return c;
}

static struct es_msg *message(void *ctx, const char *name)
{
	struct bytes *b = help_read(ctx, talloc_asprintf(ctx, "%s/%s", dir, name));
	struct es_msg *m;
	char *err;

	assert_non_null(b);
	if (es_soap_dec(&m, &err, ctx, b->data, b->len) < 0)
		fail_msg("%s: %s", name, err);
	return m;
}

/* Flip one octet of the text: the signature must fall. */
static void tampered(void *ctx, struct es_eis *e, struct bytes *part, const char *at, const struct cert_x509 *c)
{
	uint8_t *p = memmem(part->data, part->len, at, strlen(at));
	char *err;

	assert_non_null(p);
	p = memchr(p, '>', part->len - (p - part->data));
	p[2] ^= 1;
	assert_int_equal(es_dsig_verify(e, c, &err, ctx), -EBADMSG);
	p[2] ^= 1;
}

static unsigned failed;

static void one_vector(const char *name)
{
	void *ctx = talloc_new(root);
	struct cert_x509 *c = cert(ctx, "eum.pem");
	struct es_msg *m = message(ctx, name), *again;
	struct es_eis *e = m->b.eis;
	struct bytes *text;
	char *err = NULL;

	assert_string_equal(e->eum_id, "1.3.6.1.4.1.99");
	if (es_dsig_verify(e, c, &err, ctx) < 0) {
		print_error("%s: %s\n", name, err);
		failed++;
		talloc_free(ctx);
		return;
	}
	assert_int_equal(es_dsig_verify(e, cert(ctx, "other.pem"), &err, ctx), -EBADMSG);
	tampered(ctx, e, e->signed_info, "PlatformType", c);
	tampered(ctx, e, e->signature, "DigestValue", c);
	tampered(ctx, e, e->signature, "SignatureValue", c);
	/* passed on in another message it still holds, unless the namespaces in scope were signed with it */
	m->message_id = talloc_strdup(m, "x");
	text = es_soap_enc(ctx, m);
	assert_int_equal(es_soap_dec(&again, &err, ctx, text->data, text->len), 0);
	if (strstr(name, "-exc.xml")) {
		assert_true(bytes_eq(again->b.eis->signed_info, e->signed_info->data, e->signed_info->len));
		assert_int_equal(es_dsig_verify(again->b.eis, c, &err, ctx), 0);
	}
	talloc_free(ctx);
}

static void test_vectors(void **state)
{
	struct dirent *de;
	unsigned n = 0;
	DIR *d;

	if (!dir)
		skip();
	d = opendir(dir);
	while ((de = readdir(d))) {
		if (!strstr(de->d_name, ".xml") || *de->d_name < '0' || *de->d_name > '9')
			continue;
		one_vector(de->d_name);
		n++;
	}
	closedir(d);
	assert_int_equal(n, 108);
	assert_int_equal(failed, 0);
}

static void test_rsa(void **state)
{
	void *ctx = talloc_new(root);
	struct es_msg *m;
	char *err;

	if (!dir)
		skip();
	m = message(ctx, "rsa.xml");
	assert_int_equal(es_dsig_verify(m->b.eis, cert(ctx, "rsa.pem"), &err, ctx), 0);
	assert_int_equal(es_dsig_verify(m->b.eis, cert(ctx, "eum.pem"), &err, ctx), -EBADMSG);
	talloc_free(ctx);
}

static void test_key_info(void **state)
{
	void *ctx = talloc_new(root);
	struct cert_x509 *c;
	uint8_t a[EC_POINT_LEN], b[EC_POINT_LEN];

	if (!dir)
		skip();
	c = es_dsig_cert(ctx, message(ctx, "000-rps-envelope-rps-nouri-exc.xml")->b.eis);
	assert_non_null(c);
	assert_int_equal(cert_x509_point(c, a), 0);
	assert_int_equal(cert_x509_point(cert(ctx, "eum.pem"), b), 0);
	assert_memory_equal(a, b, sizeof(a));
	talloc_free(ctx);
}

/* A second Reference, a Reference elsewhere, none: nothing but EumSignedInfo may be what was signed. */
static void test_wrapping(void **state)
{
	void *ctx = talloc_new(root);
	struct es_msg *m;
	struct es_eis *e;
	char *err, *text, *ref, *end;

	if (!dir)
		skip();
	m = message(ctx, "000-rps-envelope-rps-nouri-exc.xml");
	e = m->b.eis;
	text = talloc_strndup(ctx, (char *)e->signature->data, e->signature->len);
	ref = strstr(text, "<ds:Reference");
	end = strstr(ref, "</ds:Reference>") + 15;
	e->signature->len = 0;
	bytes_put(e->signature, text, end - text);
	bytes_put(e->signature, ref, strlen(ref));
	assert_int_equal(es_dsig_verify(e, cert(ctx, "eum.pem"), &err, ctx), -EBADMSG);
	assert_non_null(strstr(err, "more than one Reference"));
	e->signature->len = 0;
	bytes_put(e->signature, text, ref - text);
	bytes_put(e->signature, "<ds:Reference URI=\"#x\"", 22);
	bytes_put(e->signature, ref + 13, strlen(ref + 13));
	assert_int_equal(es_dsig_verify(e, cert(ctx, "eum.pem"), &err, ctx), -EBADMSG);
	assert_non_null(strstr(err, "does not name"));
	e->signature->len = 0;
	bytes_put(e->signature, text, ref - text);
	bytes_put(e->signature, end, strlen(end));
	assert_int_equal(es_dsig_verify(e, cert(ctx, "eum.pem"), &err, ctx), -EBADMSG);
	e->signature = NULL;
	assert_int_equal(es_dsig_verify(e, cert(ctx, "eum.pem"), &err, ctx), -EBADMSG);
	talloc_free(ctx);
}

static void test_ours(void **state)
{
	void *ctx = talloc_new(root);
	struct es_eis *e = help_eis(ctx), *back;
	struct ec_key *key;
	struct bytes *text;
	char *err = NULL;

	if (!dir)
		skip();
	key = ec_from_pem_file(ctx, talloc_asprintf(ctx, "%s/eum.key", dir));
	assert_non_null(key);
	assert_int_equal(es_dsig_sign(e, key, cert(ctx, "eum.pem")), 0);
	assert_int_equal(es_dsig_verify(e, cert(ctx, "eum.pem"), &err, ctx), 0);
	text = es_eis_enc(ctx, e);
	help_write(talloc_asprintf(ctx, "%s/ours.eis", dir), text->data, text->len);
	assert_int_equal(help_foreign("dsigcheck %s/ours.eis %s/eum.pem", dir, dir), 0);
	assert_int_not_equal(help_foreign("dsigcheck %s/ours.eis %s/other.pem 2>/dev/null", dir, dir), 0);
	assert_int_equal(es_eis_dec(&back, &err, ctx, text->data, text->len), 0);
	assert_int_equal(es_dsig_verify(back, cert(ctx, "eum.pem"), &err, ctx), 0);
	assert_non_null(es_dsig_cert(ctx, back));
	assert_string_equal(back->platform_type, e->platform_type);
	talloc_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_rsa), cmocka_unit_test(test_key_info),
		cmocka_unit_test(test_wrapping), cmocka_unit_test(test_ours),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

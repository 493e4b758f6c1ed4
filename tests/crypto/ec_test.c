/* P-256, 7F21 certificates and X.509. Certificates and keys: card-side 5.2 (published by a third party), 5.8.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <time.h>
#include "crypto_test.h"

static const char whty_cert[] = "7F2181A5930102420102" "5F200102950188" "5F240421450101" "7303C80101"
	"7F4946B041046466E042804FAAC48F839EA53E85D0B8B93F2F015028A472F07F3227AF408170ACFB39D198BA7D0DCFF3DE5032A6CC8F6ACC84EF556BFE530DEC0FF75F2AF59AF00100"
	"5F3740F7BA7DE1E625D5721A5756F9B9D8D1A25D1667300801BE063AE1FED8CA9E0107B12F00500EEE49D82A5065542E0A38FDD86E276A804BF859CB5528C0457CC830";
static const char whty_ci[] = "04F5D2FFB5293ED953053DAF0865F7FCAEE9790216AD861246777B3CCBE4077BA261BB8A999DD9D56F987E5AC8548AFBA5B11A91A786ACFCA4982B18C5192D15CA";
static const char whty_ci_d[] = "CCF97608A5081B8F478FBAB00CFE6F5A50B1C23C4B42E95EFFDDFB2DD1AD6676";

static const char ci_q[] = "04D72BE7A3C7464482E3ABB9E6D2C8FDA5E4760F6B98FFA6D915640F4ED36B255FD02423739D617B9AD6C05F5107B300F4789181A89CC1B197DD1FF646B438F09D";
static const char eum_d[] = "46336E7C01B9D4549870CF2F211A7C0E2D23DF12AAE49796D559036781FC0FEC";
static const char eum_q[] = "04924DC4C07EA30631FB6F748FA4758CCAA8C31BE9D6D6ED2E653CB050752A710C2543B48FD29D55058E4C6FEC424731A17A37CBF0D1FDEA35AC3DCA87D39E5D3A";
static const char dp_cert[] = "7F2181D29302020142082B0601040183F00F5F20092B0601040183F00F029501885F2504202001015F2404203912317319C80101"
	"C914C66B47D548664D571485D87BD0D4DB4F70B7F65D7F4946B04104CD5A4EEAE8D83F490FA8CCD4E0447F47E48EB46EDD8A33D754"
	"EF7AC4D83BB4C14C7AF29FE261DDA01623D68241925A780E61DA725056AA207032A6B8BBE7B1AFF00100"
	"5F374000376041CEF78D579E6FC135978F758000621B121FF2ED06461816864CFC697CBBADCFB2C54EFC5809E113BF5A25CACAA6583BACE5DB88AC434B6A273DA48FCE";
static const char ecasd_cert[] = "7F2181DE9302030142092B0601040183F00F015F201089001012012341234012345678901224950200805F2504202001015F2404"
	"20391231731CC00101C10101C914A0143D3A1B06A3B7368F8E52F5699E4D5C1489FD7F4946B04104618BFA4B4E7BFE09BBAA7FFC"
	"1E71441C5CCCD2DCE0430B37003AC2B8B1FE939A249C4B2E116A737D615402E06DFF792DC12BBCB5A328C6287F6036064DBCF6AD"
	"F001005F37403E5C24F53667EF4E3F6AA54E3F3D58A6C46D8D9B2D465D177C60A62EF57A2D88EB7AB9E0D6F2242D50D52625A7AF41AD384AC071FE72E55DC6B70DD8527E723E";

static void test_published_certificate(void **state)
{
	struct bytes *in = hex(whty_cert);
	struct cert_gp c;
	const char *err;

	assert_int_equal(cert_gp_dec(&c, &err, in->data, in->len), 0);
	assert_int_equal(c.role, CERT_ROLE_DP);
	assert_string_equal(c.expiry, "21450101");
	assert_false(c.has_aki);
	assert_int_equal(cert_gp_verify(&c, hex(whty_ci)->data, "20261124"), 0);
	assert_int_equal(cert_gp_verify(&c, hex(whty_ci)->data, "21450102"), -ETIME);
	assert_int_equal(cert_gp_verify(&c, hex(ci_q)->data, NULL), -EBADMSG);
	/* the CI's private key gives its published point */
	uint8_t q[EC_POINT_LEN];

	assert_int_equal(ec_public(ec_from_private(root, hex(whty_ci_d)->data), q), 0);
	assert_hex(q, sizeof(q), whty_ci);
}

static void test_own_tree(void **state)
{
	struct bytes *in = hex(dp_cert);
	struct cert_gp c;
	const char *err;

	assert_int_equal(cert_gp_dec(&c, &err, in->data, in->len), 0);
	assert_int_equal(cert_gp_verify(&c, hex(ci_q)->data, "20261124"), 0);
	assert_int_equal(cert_gp_verify(&c, hex(ci_q)->data, "20191231"), -ETIME);
	assert_true(c.has_aki);
	assert_hex(c.aki, 20, "C66B47D548664D571485D87BD0D4DB4F70B7F65D");
	in = hex(ecasd_cert);
	assert_int_equal(cert_gp_dec(&c, &err, in->data, in->len), 0);
	assert_int_equal(cert_gp_verify(&c, hex(eum_q)->data, NULL), 0);
	assert_hex(c.subject, c.subject_len, "89001012012341234012345678901224");
	assert_int_equal(c.role, -1);
}

/* The octets we would sign for the ECASD are those of the example. */
static void test_issue(void **state)
{
	struct bytes *in = hex(ecasd_cert), *out = bytes_new(root, 0);
	struct ec_key *eum = ec_from_private(root, hex(eum_d)->data);
	struct cert_gp c, d;
	const char *err;

	assert_int_equal(cert_gp_dec(&c, &err, in->data, in->len), 0);
	c.role = CERT_ROLE_ECASD;
	assert_int_equal(cert_gp_issue(out, &c, eum), 0);
	assert_int_equal(out->len, in->len);
	assert_memory_equal(out->data, in->data, in->len - EC_SIG_LEN);
	assert_int_equal(cert_gp_dec(&d, &err, out->data, out->len), 0);
	assert_int_equal(cert_gp_verify(&d, hex(eum_q)->data, "20261124"), 0);
	strcpy(c.expiry, "2039123");
	assert_int_equal(cert_gp_issue(bytes_new(root, 0), &c, eum), -EINVAL);
}

/* Every prefix is refused; every single bit turned is refused or does not verify. */
static void test_damaged(void **state)
{
	struct bytes *in = hex(dp_cert), *ci = hex(ci_q);
	struct cert_gp c;
	const char *err;
	size_t i;

	for (i = 0; i < in->len; i++) {
		uint8_t *cut = talloc_memdup(root, in->data, i + 1);

		assert_int_equal(cert_gp_dec(&c, &err, cut, i), -EINVAL);
		assert_non_null(err);
		talloc_free(cut);
	}
	for (i = 0; i < in->len * 8; i += 3) {
		in->data[i / 8] ^= 1 << i % 8;
		if (cert_gp_dec(&c, &err, in->data, in->len) == 0)
			assert_int_not_equal(cert_gp_verify(&c, ci->data, NULL), 0);
		in->data[i / 8] ^= 1 << i % 8;
	}
}

/* RFC 6979 A.2.5, P-256 with SHA-256, message "sample": key, signature. */
static void test_ecdsa(void **state)
{
	struct bytes *d = hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
	struct bytes *sig = hex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
				"F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8");
	struct ec_key *k = ec_from_private(root, d->data);
	struct iov iov[2] = { { "sam", 3 }, { "ple", 3 } };
	uint8_t q[EC_POINT_LEN], own[EC_SIG_LEN], back[32];

	assert_int_equal(ec_public(k, q), 0);
	assert_hex(q, 65, "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
			  "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
	assert_int_equal(ec_verify(q, iov, 2, sig->data), 0);
	assert_int_equal(ec_verify(q, iov, 1, sig->data), -EBADMSG);
	assert_int_equal(ec_sign(k, iov, 2, own), 0);
	assert_int_equal(ec_verify(q, iov, 2, own), 0);
	memset(own, 0, sizeof(own));
	assert_int_equal(ec_verify(q, iov, 2, own), -EBADMSG);
	q[64] ^= 1;	/* not on the curve */
	assert_int_equal(ec_verify(q, iov, 2, sig->data), -EINVAL);
	assert_int_equal(ec_export_private(k, back), 0);
	assert_memory_equal(back, d->data, 32);
	memset(back, 0, 32);
	assert_null(ec_from_private(root, back));
	memset(back, 0xFF, 32);
	assert_null(ec_from_private(root, back));
}

/* RFC 5903 8.1, and card-side 5.8; invalid points are refused. */
static void test_ecka(void **state)
{
	struct ec_key *k = ec_from_private(root, hex("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433")->data);
	struct bytes *q = hex("04D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF6356FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB");
	uint8_t z[32];

	assert_int_equal(ec_ecka(k, q->data, z), 0);
	assert_hex(z, 32, "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE");
	k = ec_from_private(root, hex("E9A454DC406455C4215B22CA581E6E30740576E0EAB9363B728D4F0224E678FC")->data);
	q = hex("04DE94D945FD70A76253C6EC43F34A50069175A02C320FE52DF2CDAFD28352D0F6BB81E7D69A715F2B80DE0558CD2066ADA2C731A76E9D018EBDBA0AFB010CC38B");
	assert_int_equal(ec_ecka(k, q->data, z), 0);
	assert_hex(z, 32, "5913141EB90FC33D76C019AD7A9CD1BE90A784E162F815B317AEA3E943D379CC");
	q->data[10] ^= 1;
	assert_int_equal(ec_ecka(k, q->data, z), -EINVAL);
	memset(q->data, 0, 65);
	assert_int_equal(ec_ecka(k, q->data, z), -EINVAL);
	q->data[0] = 4;
	assert_int_equal(ec_ecka(k, q->data, z), -EINVAL);
}

static void test_x509(void **state)
{
	struct ec_key *ci = ec_generate(root), *eum = ec_generate(root), *tls = ec_generate(root);
	struct cert_x509 *cci, *ceum, *ctls, *other;
	char oid[64];
	uint8_t q[EC_POINT_LEN], q2[EC_POINT_LEN], ski[20];
	struct bytes *der;
	size_t i;

	cci = cert_x509_issue(root, CERT_X509_CI, "Test CI, with a comma", NULL, NULL, ci, NULL, ci, 30);
	ceum = cert_x509_issue(root, CERT_X509_EUM, "EUM", "1.3.6.1.4.1.31727.1", NULL, eum, cci, ci, 30);
	ctls = cert_x509_issue(root, CERT_X509_TLS, "smsr.example", NULL, "smsr.example", tls, cci, ci, 30);
	other = cert_x509_issue(root, CERT_X509_CI, "Test CI, with a comma", NULL, NULL, eum, NULL, eum, 30);
	assert_non_null(cci);
	assert_non_null(ceum);
	assert_non_null(ctls);
	assert_non_null(other);
	assert_null(cert_x509_issue(root, CERT_X509_EUM, "EUM", "no oid", NULL, eum, cci, ci, 30));
	assert_int_equal(cert_x509_verify(cci, cci, -1), 0);
	assert_int_equal(cert_x509_verify(ceum, cci, time(NULL)), 0);
	assert_int_equal(cert_x509_verify(ctls, cci, time(NULL)), 0);
	assert_int_equal(cert_x509_verify(ceum, cci, time(NULL) + 31 * 86400), -ETIME);
	assert_int_equal(cert_x509_verify(ceum, cci, time(NULL) - 86400), -ETIME);
	assert_int_equal(cert_x509_verify(ceum, other, -1), -EBADMSG);
	cert_x509_oid(ceum, oid, sizeof(oid));
	assert_string_equal(oid, "1.3.6.1.4.1.31727.1");
	cert_x509_oid(ctls, oid, sizeof(oid));
	assert_string_equal(oid, "");
	assert_int_equal(cert_x509_point(ceum, q), 0);
	assert_int_equal(ec_public(eum, q2), 0);
	assert_memory_equal(q, q2, sizeof(q));
	assert_int_equal(cert_x509_ski(cci, ski), 0);
	der = cert_x509_der(root, ceum);
	for (i = 0; i < der->len; i++)
		assert_null(cert_x509_from_der(root, der->data, i));
	assert_non_null(cert_x509_from_der(root, der->data, der->len));
}

/* A certificate of an end entity issues nothing, even with the right name and signature. */
static void test_x509_not_a_ca(void **state)
{
	struct ec_key *a = ec_generate(root), *b = ec_generate(root);
	struct cert_x509 *ca = cert_x509_issue(root, CERT_X509_CI, "CI", NULL, NULL, a, NULL, a, 1), *leaf, *below;

	leaf = cert_x509_issue(root, CERT_X509_TLS, "leaf", NULL, NULL, b, ca, a, 1);
	below = cert_x509_issue(root, CERT_X509_TLS, "below", NULL, NULL, a, leaf, b, 1);
	assert_non_null(below);
	assert_int_not_equal(cert_x509_verify(below, leaf, -1), 0);
}

static void test_pem_files(void **state)
{
	char dir[] = "/tmp/rsp-ec-XXXXXX", *path, *crt;
	struct ec_key *k = ec_generate(root), *l;
	struct cert_x509 *c = cert_x509_issue(root, CERT_X509_CI, "CI", NULL, NULL, k, NULL, k, 1), *d;
	uint8_t q[EC_POINT_LEN], q2[EC_POINT_LEN];

	assert_non_null(mkdtemp(dir));
	path = talloc_asprintf(root, "%s/key.pem", dir);
	crt = talloc_asprintf(root, "%s/crt.pem", dir);
	assert_int_equal(ec_write_pem(k, path), 0);
	assert_int_not_equal(ec_write_pem(k, path), 0);	/* never overwritten */
	assert_int_equal(cert_x509_write(c, crt), 0);
	l = ec_from_pem_file(root, path);
	d = cert_x509_load(root, crt);
	assert_non_null(l);
	assert_non_null(d);
	ec_public(k, q);
	ec_public(l, q2);
	assert_memory_equal(q, q2, sizeof(q));
	assert_int_equal(cert_x509_verify(d, c, -1), 0);
	assert_null(ec_from_pem_file(root, crt));
	assert_null(cert_x509_load(root, path));
	unlink(path);
	unlink(crt);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_published_certificate), TEST(test_own_tree), TEST(test_issue), TEST(test_damaged), TEST(test_ecdsa),
		TEST(test_ecka), TEST(test_x509), TEST(test_x509_not_a_ca), TEST(test_pem_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

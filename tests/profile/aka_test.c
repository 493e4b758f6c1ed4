/* Authentication of the simulated USIM: every test set of TS 35.208 (Milenage) and TS 35.233 (TUAK), the values as
 * published; then the whole of AUTHENTICATE with TUAK on an installed profile.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <cmocka.h>

#include <osmocom/rsp/profile/upp_perso.h>

#include "install.h"
#include "packages.h"
#include "usim.h"

static const struct {
	const char *k, *rand, *sqn, *amf, *op, *opc, *f1, *f1s, *f2, *f3, *f4, *f5, *f5s;
} milenage_sets[] = {
	{ /* Test Set 2 */
	  "465b5ce8b199b49faa5f0a2ee238a6bc", "23553cbe9637a89d218ae64dae47bf35", "ff9bb4d0b607", "b9b9",
	  "cdc202d5123e20f62b6d676ac72cb318", "cd63cb71954a9f4e48a5994e37a02baf",
	  "4a9ffac354dfafb3", "01cfaf9ec4e871e9", "a54211d5e3ba50bf",
	  "b40ba9a3c58b2a05bbf0d987b21bf8cb", "f769bcd751044604127672711c6d3441",
	  "aa689c648370", "451e8beca43b" },
	{ /* Test Set 3 */
	  "fec86ba6eb707ed08905757b1bb44b8f", "9f7c8d021accf4db213ccff0c7f71a6a", "9d0277595ffc", "725c",
	  "dbc59adcb6f9a0ef735477b7fadf8374", "1006020f0a478bf6b699f15c062e42b3",
	  "9cabc3e99baf7281", "95814ba2b3044324", "8011c48c0c214ed2",
	  "5dbdbb2954e8f3cde665b046179a5098", "59a92d3b476a0443487055cf88b2307b",
	  "33484dc2136b", "deacdd848cc6" },
	{ /* Test Set 4 */
	  "9e5944aea94b81165c82fbf9f32db751", "ce83dbc54ac0274a157c17f80d017bd6", "0b604a81eca8", "9e09",
	  "223014c5806694c007ca1eeef57f004f", "a64a507ae1a2a98bb88eb4210135dc87",
	  "74a58220cba84c49", "ac2cc74a96871837", "f365cd683cd92e96",
	  "e203edb3971574f5a94b0d61b816345d", "0c4524adeac041c4dd830d20854fc46b",
	  "f0b9c08ad02e", "6085a86c6f63" },
	{ /* Test Set 5 */
	  "4ab1deb05ca6ceb051fc98e77d026a84", "74b0cd6031a1c8339b2b6ce2b8c4a186", "e880a1b580b6", "9f07",
	  "2d16c5cd1fdf6b22383584e3bef2a8d8", "dcf07cbd51855290b92a07a9891e523e",
	  "49e785dd12626ef2", "9e85790336bb3fa2", "5860fc1bce351e7e",
	  "7657766b373d1c2138f307e3de9242f9", "1c42e960d89b8fa99f2744e0708ccb53",
	  "31e11a609118", "fe2555e54aa9" },
	{ /* Test Set 6 */
	  "6c38a116ac280c454f59332ee35c8c4f", "ee6466bc96202c5a557abbeff8babf63", "414b98222181", "4464",
	  "1ba00a1a7c6700ac8c3ff3e96ad08725", "3803ef5363b947c6aaa225e58fae3934",
	  "078adfb488241a57", "80246b8d0186bcf1", "16c8233f05a0ac28",
	  "3f8c7587fe8e4b233af676aede30ba3b", "a7466cc1e6b2a1337d49d3b66e95d7b4",
	  "45b0f69ab06c", "1f53cd2b1113" },
	{ /* Test Set 7 */
	  "2d609d4db0ac5bf0d2c0de267014de0d", "194aa756013896b74b4a2a3b0af4539e", "6bf69438c2e4", "5f67",
	  "460a48385427aa39264aac8efc9e73e8", "c35a0ab0bcbfc9252caff15f24efbde0",
	  "bd07d3003b9e5cc3", "bcb6c2fcad152250", "8c25a16cd918a1df",
	  "4cd0846020f8fa0731dd47cbdc6be411", "88ab80a415f15c73711254a1d388f696",
	  "7e6455f34cf3", "dc6dd01e8f15" },
	{ /* Test Set 8 */
	  "a530a7fe428fad1082c45eddfce13884", "3a4c2b3245c50eb5c71d08639395764d", "f63f5d768784", "b90e",
	  "511c6c4e83e38c89b1c5d8dde62426fa", "27953e49bc8af6dcc6e730eb80286be3",
	  "53761fbd679b0bad", "21adfd334a10e7ce", "a63241e1ffc3e5ab",
	  "10f05bab75a99a5fbb98a9c287679c3b", "f9ec0865eb32f22369cade40c59c3a44",
	  "88196c47986f", "c987a3d23115" },
	{ /* Test Set 9 */
	  "d9151cf04896e25830bf2e08267b8360", "f761e5e93d603feb730e27556cb8a2ca", "47ee0199820a", "9113",
	  "75fc2233a44294ee8e6de25c4353d26b", "c4c93effe8a08138c203d4c27ce4e3d9",
	  "66cc4be44862af1f", "7a4b8d7a8753f246", "4a90b2171ac83a76",
	  "71236b7129f9b22ab77ea7a54c96da22", "90527ebaa5588968db41727325a04d9e",
	  "82a0f5287a71", "527dbf41f35f" },
	{ /* Test Set 10 */
	  "a0e2971b6822e8d354a18cc235624ecb", "08eff828b13fdb562722c65c7f30a9b2", "db5c066481e0", "716b",
	  "323792faca21fb4d5d6f13c145a9d2c1", "82a26f22bba9e9488f949a10d98e9cc4",
	  "9485fe24621cb9f6", "bce325ce03e2e9b9", "4bc2212d8624910a",
	  "08cef6d004ec61471a3c3cda048137fa", "ed0318ca5deb9206272f6e8fa64ba411",
	  "a2f858aa9e5d", "74e76fbbec38" },
	{ /* Test Set 11 */
	  "0da6f7ba86d5eac8a19cf563ac58642d", "679ac4dbacd7d233ff9d6806f4149ce3", "6e2331d692ad", "224a",
	  "4b9a26fa459e3acbff36f4015de3bdc1", "0db1071f8767562ca43a0a64c41e8d08",
	  "2831d7ae9088e492", "9b2e16951135d523", "6fc30fee6d123523",
	  "69b1cae7c7429d975e245cacb05a517c", "74f24e8c26df58e1b38d7dcd4f1b7fbd",
	  "4c539a26e1fa", "07861e126928" },
	{ /* Test Set 12 */
	  "77b45843c88e58c10d202684515ed430", "4c47eb3076dc55fe5106cb2034b8cd78", "fe1a8731005d", "ad25",
	  "bf3286c7a51409ce95724d503bfe6e70", "d483afae562409a326b5bb0b20c4d762",
	  "08332d7e9f484570", "ed41b734489d5207", "aefa357beac2a87a",
	  "908c43f0569cb8f74bc971e706c36c5f", "c251df0d888dd9329bcf46655b226e40",
	  "30ff25cdadf6", "e84ed0d4677e" },
	{ /* Test Set 13 */
	  "729b17729270dd87ccdf1bfe29b4e9bb", "311c4c929744d675b720f3b7e9b1cbd0", "c85c4cf65916", "5bb2",
	  "d04c9c35bd2262fa810d2924d036fd13", "228c2f2f06ac3268a9e616ee16db4ba1",
	  "ff794fe2f827ebf8", "24fe4dc61e874b52", "98dbbd099b3b408d",
	  "44c0f23c5493cfd241e48f197e1d1012", "0c9fb81613884c2535dd0eabf3b440d8",
	  "5380d158cfe3", "87ac3b559fb6" },
	{ /* Test Set 14 */
	  "d32dd23e89dc662354ca12eb79dd32fa", "cf7d0ab1d94306950bf12018fbd46887", "484107e56a43", "b5e6",
	  "fe75905b9da47d356236d0314e09c32e", "d22a4b4180a5325708a5ff70d9f67ec7",
	  "cf19d62b6a809866", "5d269537e45e2ce6", "af4a411e1139f2c2",
	  "5af86b80edb70df5292cc1121cbad50c", "7f4d6ae7440e18789a8b75ad3f42f03a",
	  "217af49272ad", "900e101c677e" },
	{ /* Test Set 15 */
	  "af7c65e1927221de591187a2c5987a53", "1f0f8578464fd59b64bed2d09436b57a", "3d627b01418d", "84f6",
	  "0c7acb8d95b7d4a31c5aca6d26345a88", "a4cf5c8155c08a7eff418e5443b98e55",
	  "c37cae7805642032", "68cd09a452d8db7c", "7bffa5c2f41fbc05",
	  "3f8c3f3ccf7625bf77fc94bcfd22fd26", "abcbae8fd46115e9961a55d0da5f2078",
	  "837fd7b74419", "56e97a6090b1" },
	{ /* Test Set 16 */
	  "5bd7ecd3d3127a41d12539bed4e7cf71", "59b75f14251c75031d0bcbac1c2c04c7", "a298ae8929dc", "d056",
	  "f967f76038b920a9cd25e10c08b49924", "76089d3c0ff3efdc6e36721d4fceb747",
	  "c3f25cd94309107e", "b0c8ba343665afcc", "7e3f44c7591f6f45",
	  "d42b2d615e49a03ac275a5aef97af892", "0b3f8d024fe6bfafaa982b8f82e319c2",
	  "5be11495525d", "4d6a34a1e4eb" },
	{ /* Test Set 17 */
	  "6cd1c6ceb1e01e14f1b82316a90b7f3d", "f69b78f300a0568bce9f0cb93c4be4c9", "b4fce5feb059", "e4bb",
	  "078bfca9564659ecd8851e84e6c59b48", "a219dc37f1dc7d66738b5843c799f206",
	  "69a90869c268cb7b", "2e0fdcf9fd1cfa6a", "70f6bdb9ad21525f",
	  "6edaf99e5bd9f85d5f36d91c1272fb4b", "d61c853c280dd9c46f297baec386de17",
	  "1c408a858b3e", "aa4ae52daa30" },
	{ /* Test Set 18 */
	  "b73a90cbcf3afb622dba83c58a8415df", "b120f1c1a0102a2f507dd543de68281f", "f1e8a523a36d", "471b",
	  "b672047e003bb952dca6cb8af0e5b779", "df0c67868fa25f748b7044c6e7c245b8",
	  "ebd70341bcd415b0", "12359f5d82220c14", "479dd25c20792d63",
	  "66195dbed0313274c5ca7766615fa25e", "66bec707eb2afc476d7408a8f2927b36",
	  "aefdaa5ddd99", "12ec2b87fbb1" },
	{ /* Test Set 19 */
	  "5122250214c33e723a5dd523fc145fc0", "81e92b6c0ee0e12ebceba8d92a99dfa5", "16f3b3f70fc2", "c3ab",
	  "c9e8763286b5b9ffbdf56e1297d0887b", "981d464c7c52eb6e5036234984ad0bcf",
	  "2a5c23d15ee351d5", "62dae3853f3af9d2", "28d7b0f2a2ec3de5",
	  "5349fbe098649f948f5d2e973a81c00f", "9744871ad32bf9bbd1dd5ce54e3e2e5a",
	  "ada15aeb7bb8", "d461bc15475d" },
	{ /* Test Set 20 */
	  "90dca4eda45b53cf0f12d7c9c3bc6a89", "9fddc72092c6ad036b6e464789315b78", "20f813bd4141", "61df",
	  "3ffcfe5b7b1111589920d3528e84e655", "cb9cccc4b9258e6dca4760379fb82581",
	  "09db94eab4f8149e", "a29468aa9775b527", "a95100e2760952cd",
	  "b5f2da03883b69f96bf52e029ed9ac45", "b4721368bc16ea67875c5598688bb0ef",
	  "83cfd54db913", "4f2039392ddc" },
};

static const struct {
	const char *k, *rand, *sqn, *amf, *top;
	unsigned iterations;
	const char *topc, *f1, *f1s, *f2, *f3, *f4, *f5, *f5s;
} tuak_sets[] = {
	{ /* Test Set 1 */
	  "abababababababababababababababab",
	  "42424242424242424242424242424242", "111111111111", "ffff",
	  "5555555555555555555555555555555555555555555555555555555555555555", 1,
	  "bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff",
	  "f9a54e6aeaa8618d",
	  "e94b4dc6c7297df3",
	  "657acd64",
	  "d71a1e5c6caffe986a26f783e5c78be1",
	  "be849fa2564f869aecee6f62d4337e72",
	  "719f1e9b9054", "e7af6b3d0e38" },
	{ /* Test Set 2 */
	  "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
	  "0123456789abcdef0123456789abcdef", "0123456789ab", "abcd",
	  "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", 1,
	  "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
	  "c0b8c2d4148ec7aa5f1d78a97e4d1d58",
	  "ef81af7290f7842c6ceafa537fa0745b",
	  "e9d749dc4eea0035",
	  "a4cb6f6529ab17f8337f27baa8234d47",
	  "2274155ccf4199d5e2abcbf621907f90",
	  "480a9345cc1e", "f84eb338848c" },
	{ /* Test Set 3 */
	  "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
	  "0123456789abcdef0123456789abcdef", "0123456789ab", "abcd",
	  "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", 1,
	  "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
	  "d97b75a1776065271b1e212bc3b1bf173f438b21e6c64a55a96c372e085e5cc5",
	  "427bbf07c6e3a86c54f8c5216499f3909a6fd4a164c9fe235b1550258111b821",
	  "07021c73e7635c7d",
	  "4d59ac796834eb85d11fa148a5058c3c",
	  "126d47500136fdc5ddfd14f19ebf16749ce4b6435323fbb5715a3a796a6082bd",
	  "1d6622c4e59a", "f84eb338848c" },
	{ /* Test Set 4 */
	  "b8da837a50652d6ac7c97da14f6acc61",
	  "6887e55425a966bd86c9661a5fa72be8", "0dea2ee2c5af", "df1e",
	  "0952be13556c32ebc58195d9dd930493e12a9003669988ffde5fa1f0fe35cc01", 1,
	  "2bc16eb657a68e1f446f08f57c0efb1d493527a2e652ce281eb6ca0e4487760a",
	  "749214087958dd8f58bfcdf869d8ae3f",
	  "619e865afe80e382aee13063f9dfb56d",
	  "4041ce438e3e38e8aa96562eed83ac43",
	  "3e3bc01bea0cd914c4c2c83ce2d92757",
	  "666a8e6f577b1aa77b7fd53cebb8a3d6",
	  "1f880d005119", "45e617d77fe5" },
	{ /* Test Set 5 */
	  "1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5",
	  "c570aac68cde651fb1e3088322498bef", "c89bb71f3a41", "297d",
	  "e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e", 1,
	  "3c6052e41532a28a47aa3cbb89f223e8f3aaa976aecd48bc3e7d6165a55eff62",
	  "d7340dad02b4cb01",
	  "c6021e2e66accb15",
	  "84d89b41db1867ffd4c7ba1d82163f4d526a20fbae5418fbb526940b1eeb905c",
	  "d419676afe5ab58c1d8bee0d43523a4d2f52ef0b31a4676a0c334427a988fe65",
	  "205533e505661b61d05cc0eac87818f4",
	  "d7b3d2d4980a", "ca9655264986" },
	{ /* Test Set 6 */
	  "1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5",
	  "c570aac68cde651fb1e3088322498bef", "c89bb71f3a41", "297d",
	  "e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e", 2,
	  "b04a66f26c62fcd6c82de22a179ab65506ecf47f56245cd149966cfa9cec7a51",
	  "90d2289ed1ca1c3dbc2247bb480d431ac71d2e4a7677f6e997cfddb0cbad88b7",
	  "427355dbac30e825063aba61b556e87583abac638e3ab01c4c884ad9d458dc2f",
	  "d67e6e64590d22eecba7324afa4af4460c93f01b24506d6e12047d789a94c867",
	  "ede57edfc57cdffe1aae75066a1b7479bbc3837438e88d37a801cccc9f972b89",
	  "48ed9299126e5057402fe01f9201cf25249f9c5c0ed2afcf084755daff1d3999",
	  "6aae8d18c448", "8c5f33b61f4e" },
};

static int setup(void **state)
{
	*state = talloc_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

static const uint8_t *hex(void *ctx, const char *h)
{
	return bytes_from_hex(ctx, h)->data;
}

static void assert_hex(void *ctx, const uint8_t *have, const char *want)
{
	struct bytes *w = bytes_from_hex(ctx, want);

	assert_memory_equal(have, w->data, w->len);
}

static void test_milenage(void **state)
{
	static const uint8_t r[5] = { 0x40, 0x00, 0x20, 0x40, 0x60 };

	for (unsigned i = 0; i < sizeof(milenage_sets) / sizeof(milenage_sets[0]); i++) {
		struct usim_aka aka = { .algo = USIM_ALGO_MILENAGE };
		struct milenage m;
		uint8_t opc[32];

		memcpy(aka.r, r, sizeof(r));
		for (unsigned c = 1; c < 5; c++)
			aka.c[c][15] = 1 << (c - 1);
		aka.k = key_new(*state, KEY_TYPE_AES, hex(*state, milenage_sets[i].k), 16);
		assert_int_equal(upp_opc(opc, UPP_ALGO_MILENAGE, hex(*state, milenage_sets[i].k), 16,
					 hex(*state, milenage_sets[i].op), 1), 16);
		assert_hex(*state, opc, milenage_sets[i].opc);
		memcpy(aka.opc, opc, 16);
		assert_int_equal(usim_milenage(&m, &aka, hex(*state, milenage_sets[i].rand),
					       hex(*state, milenage_sets[i].sqn), hex(*state, milenage_sets[i].amf)), 0);
		assert_hex(*state, m.mac_a, milenage_sets[i].f1);
		assert_hex(*state, m.mac_s, milenage_sets[i].f1s);
		assert_hex(*state, m.res, milenage_sets[i].f2);
		assert_hex(*state, m.ck, milenage_sets[i].f3);
		assert_hex(*state, m.ik, milenage_sets[i].f4);
		assert_hex(*state, m.ak, milenage_sets[i].f5);
		assert_hex(*state, m.ak_s, milenage_sets[i].f5s);
	}
}

static void test_tuak(void **state)
{
	for (unsigned i = 0; i < sizeof(tuak_sets) / sizeof(tuak_sets[0]); i++) {
		size_t k_len = strlen(tuak_sets[i].k) / 2;
		const uint8_t *rand = hex(*state, tuak_sets[i].rand), *sqn = hex(*state, tuak_sets[i].sqn);
		const uint8_t *amf = hex(*state, tuak_sets[i].amf), *k = hex(*state, tuak_sets[i].k);
		struct tuak t = { .iterations = tuak_sets[i].iterations };
		uint8_t a[32], b[32], c[32], ak[6];

		t.k = key_new(*state, KEY_TYPE_AES, k, k_len);
		assert_int_equal(upp_opc(t.topc, UPP_ALGO_TUAK, k, k_len, hex(*state, tuak_sets[i].top),
					 t.iterations), 32);
		assert_hex(*state, t.topc, tuak_sets[i].topc);
		assert_int_equal(tuak_f1(&t, false, rand, sqn, amf, a, strlen(tuak_sets[i].f1) / 2), 0);
		assert_hex(*state, a, tuak_sets[i].f1);
		assert_int_equal(tuak_f1(&t, true, rand, sqn, amf, a, strlen(tuak_sets[i].f1s) / 2), 0);
		assert_hex(*state, a, tuak_sets[i].f1s);
		assert_int_equal(tuak_f2345(&t, rand, a, strlen(tuak_sets[i].f2) / 2, b, strlen(tuak_sets[i].f3) / 2, c,
					    strlen(tuak_sets[i].f4) / 2, ak), 0);
		assert_hex(*state, a, tuak_sets[i].f2);
		assert_hex(*state, b, tuak_sets[i].f3);
		assert_hex(*state, c, tuak_sets[i].f4);
		assert_hex(*state, ak, tuak_sets[i].f5);
		assert_int_equal(tuak_f5star(&t, rand, ak), 0);
		assert_hex(*state, ak, tuak_sets[i].f5s);
	}
}

static void test_tuak_bounds(void **state)
{
	struct tuak t = { .k = key_new(*state, KEY_TYPE_AES, (const uint8_t *)"0123456789abcdef", 16) };
	uint8_t buf[32] = { 0 };

	assert_true(tuak_topc(buf, t.k, buf, 0) < 0);
	assert_true(tuak_topc(buf, t.k, buf, 256) < 0);
	t.iterations = 1;
	assert_true(tuak_f1(&t, false, buf, buf, buf, buf, 4) < 0);
	assert_true(tuak_f1(&t, false, buf, buf, buf, buf, 33) < 0);
	assert_true(tuak_f2345(&t, buf, buf, 5, buf, 16, buf, 16, buf) < 0);
	assert_true(tuak_f2345(&t, buf, buf, 8, buf, 8, buf, 16, buf) < 0);
}

static struct usim_fs *card(void *ctx, const struct upp_perso *p)
{
	struct bytes *demo = packages_demo(ctx), *upp;
	struct install *inst = install_new(ctx, 1 << 20);
	const char *err = NULL;

	upp = upp_personalise(ctx, demo->data, demo->len, p, &err);
	if (!upp)
		fail_msg("%s", err);
	assert_int_equal(install_feed(inst, upp->data, upp->len), 1);
	return install_take(inst, ctx);
}

/* A profile of Milenage personalised to TUAK with TOP; the network's AUTN made from test set 4's values. */
static void test_tuak_card(void **state)
{
	const unsigned set = 3;
	struct upp_perso p = { .algo = UPP_ALGO_TUAK, .k = hex(*state, tuak_sets[set].k), .k_len = 16,
			       .op = hex(*state, tuak_sets[set].top), .op_len = 32 };
	struct usim_fs *fs = card(*state, &p);
	struct usim_aka *aka = fs_adf_fid(fs, 0x7FD0)->aka;
	const uint8_t *rand = hex(*state, tuak_sets[set].rand);
	struct tuak net = { .iterations = 1 };
	struct usim_auth_out out;
	uint8_t autn[16] = { 0 }, sqn[6] = { 0, 0, 0, 0, 0, 0x21 }, ak[6], mac[8];

	assert_int_equal(aka->algo, USIM_ALGO_TUAK);
	assert_hex(*state, aka->opc, tuak_sets[set].topc);
	net.k = key_new(*state, KEY_TYPE_AES, p.k, 16);
	memcpy(net.topc, hex(*state, tuak_sets[set].topc), 32);
	assert_int_equal(tuak_f1(&net, false, rand, sqn, autn + 6, autn + 8, 8), 0);
	for (unsigned i = 0; i < 6; i++)
		autn[i] = sqn[i] ^ hex(*state, "5D05A3BDFCE0")[i];	/* wrong AK: refused */
	assert_int_equal(usim_auth(aka, rand, autn, &out), USIM_AUTH_MAC);
	tuak_f2345(&net, rand, mac, 8, (uint8_t[16]){ 0 }, 16, (uint8_t[16]){ 0 }, 16, ak);
	for (unsigned i = 0; i < 6; i++)
		autn[i] = sqn[i] ^ ak[i];
	assert_int_equal(usim_auth(aka, rand, autn, &out), USIM_AUTH_OK);
	assert_int_equal(out.res_len, 8);
	assert_memory_equal(out.res, mac, 8);
	/* the replay is answered with AUTS: SQN under AK of f5*, MAC-S with AMF 0000 */
	assert_int_equal(usim_auth(aka, rand, autn, &out), USIM_AUTH_SYNC);
	tuak_f5star(&net, rand, ak);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(out.auts[i] ^ ak[i], sqn[i]);
	tuak_f1(&net, true, rand, sqn, (uint8_t[2]){ 0 }, mac, 8);
	assert_memory_equal(out.auts + 6, mac, 8);
}

static void apdu(struct usim *u, const char *cmd, const char *want)
{
	struct bytes *c = bytes_from_hex(u, cmd), *r = bytes_new(u, 0);

	usim_apdu(u, c->data, c->len, r);
	assert_string_equal(bytes_hex(u, r->data, r->len), want);
}

/* The codes that personalisation set are the ones the card takes. */
static void test_codes(void **state)
{
	struct upp_perso p = { .pin1 = "471147", .pin2 = "12345678", .puk1 = "87654321", .puk2 = "11223344",
			       .adm1 = "0123456789ABCDEF" };
	struct usim *u = usim_new(*state, card(*state, &p));

	apdu(u, "00A4040C0CA0000000871002FF49FF0589", "9000");
	apdu(u, "002800010830303030FFFFFFFF", "63C2");			/* enable PIN1: not with the old one */
	apdu(u, "0028000108343731313437FFFF", "9000");
	apdu(u, "0020000108343731313437FFFF", "9000");
	apdu(u, "002000810839393939FFFFFFFF", "63C2");
	apdu(u, "00200081083132333435363738", "9000");
	apdu(u, "0020000A083535353535353535", "63C9");
	apdu(u, "0020000A080123456789ABCDEF", "9000");
	apdu(u, "002C0001103131313131313131" "30303030FFFFFFFF", "63C9");
	apdu(u, "002C0001103837363534333231" "30303030FFFFFFFF", "9000");
	apdu(u, "002C0081103131323233333434" "30303030FFFFFFFF", "9000");
	apdu(u, "002000810830303030FFFFFFFF", "9000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_milenage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tuak, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tuak_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tuak_card, setup, teardown),
		cmocka_unit_test_setup_teardown(test_codes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

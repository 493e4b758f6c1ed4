/* See card_rig.h. Keys, certificates and identities are those of the card-side digest, 5.8 and 10.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/sms/concat.h>
#include <osmocom/rsp/util/sqldb.h>

#include "../../src/euicc/card_db.h"
#include "card_rig.h"

#define TEST_KEY "11223344556677889910111213141516"
#define TEST_EID "89001012012341234012345678901224"

const char rig_upp[] = "A01F80010281010382074578616D706C65830A89019990001234567893A500A600AA07A0058000810102";
const char rig_ci_q[] =
	"04D72BE7A3C7464482E3ABB9E6D2C8FDA5E4760F6B98FFA6D915640F4ED36B255FD02423739D617B9AD6C05F5107B300F4789181A8"
	"9CC1B197DD1FF646B438F09D";
const char rig_ci_ski[] = "C66B47D548664D571485D87BD0D4DB4F70B7F65D";
const char rig_cert_dp[] =
	"7F2181D29302020142082B0601040183F00F5F20092B0601040183F00F029501885F2504202001015F2404203912317319C80101"
	"C914C66B47D548664D571485D87BD0D4DB4F70B7F65D7F4946B04104CD5A4EEAE8D83F490FA8CCD4E0447F47E48EB46EDD8A33D754"
	"EF7AC4D83BB4C14C7AF29FE261DDA01623D68241925A780E61DA725056AA207032A6B8BBE7B1AFF00100"
	"5F374000376041CEF78D579E6FC135978F758000621B121FF2ED06461816864CFC697CBBADCFB2C54EFC5809E113BF5A25CACAA6583BAC"
	"E5DB88AC434B6A273DA48FCE";
static const char cert_ecasd[] =
	"7F2181DE9302030142092B0601040183F00F015F201089001012012341234012345678901224950200805F2504202001015F2404"
	"20391231731CC00101C10101C914A0143D3A1B06A3B7368F8E52F5699E4D5C1489FD7F4946B04104618BFA4B4E7BFE09BBAA7FFC"
	"1E71441C5CCCD2DCE0430B37003AC2B8B1FE939A249C4B2E116A737D615402E06DFF792DC12BBCB5A328C6287F6036064DBCF6AD"
	"F001005F37403E5C24F53667EF4E3F6AA54E3F3D58A6C46D8D9B2D465D177C60A62EF57A2D88EB7AB9E0D6F2242D50D52625A7AF41AD"
	"384AC071FE72E55DC6B70DD8527E723E";

static struct key *hex_key(void *ctx, enum key_type type, const char *hex)
{
	uint8_t b[32];
	int n = hex_dec(b, sizeof(b), hex);

	assert_true(n >= 16);
	return key_new(ctx, type, b, n);
}

static void fill(struct rig *r, enum key_type type, const char *kic, const char *kid)
{
	struct card_batch *b = talloc_zero(r->env, struct card_batch);
	struct card_import i = { .imei = "354990075195830", .memory = 200000, .scp80_kvn = 1, .scp81_kvn = 0x40,
				 .scp81_kid = 1, .iccid = "8901999000123456789", .imsi = "001010000000001",
				 .msisdn = "491510000001", .fallback = true, .cattp = true };

	b->upp = bytes_from_hex(b, rig_upp);
	hex_dec(b->ci[0].q, EC_POINT_LEN, rig_ci_q);
	hex_dec(b->ci[0].ski, 20, rig_ci_ski);
	b->n_ci = 1;
	strcpy(b->smsc, "33689924111");
	strcpy(b->number, "1001");
	strcpy(b->host, "smsr");
	strcpy(b->ip, "127.0.0.1");
	strcpy(b->uri, "/gsma/adminagent");
	b->port = 8443;
	assert_int_equal(card_db_batch_add(r->env, b), 0);

	assert_int_equal(eid_from_str(&i.eid, TEST_EID), 0);
	hex_dec(i.ecasd_sk, 32, "E9A454DC406455C4215B22CA581E6E30740576E0EAB9363B728D4F0224E678FC");
	i.ecasd_cert = bytes_from_hex(r->ctx, cert_ecasd);
	i.kic = r->kic = hex_key(r->ctx, type, kic);
	i.kid = r->kid = hex_key(r->ctx, type, kid);
	i.psk = hex_key(r->ctx, KEY_TYPE_PSK, "202122232425262728292A2B2C2D2E2F");
	aid_isdp(&i.isdp, 0x0010);
	assert_int_equal(card_db_card_add(r->env, b, &i), 0);
	txn_commit(r->env->db);
}

static void card_open(struct rig *r)
{
	struct eid eid;

	eid_from_str(&eid, TEST_EID);
	r->card = card_new(r->env, r->ctx, &eid);
	assert_non_null(r->card);
}

struct rig *rig_new(const char *kic, const char *kid)
{
	return rig_new_keys(KEY_TYPE_AES, kic, kid);
}

struct rig *rig_new_keys(enum key_type type, const char *kic, const char *kid)
{
	void *ctx = talloc_named_const(NULL, 0, "rig");
	struct rig *r = talloc_zero(ctx, struct rig);

	r->ctx = ctx;
	r->spi2 = SCP80_SPI2_POR;
	strcpy(r->dir, "/tmp/rsp-card-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/sim.db", r->dir);
	r->env = card_env_new(ctx, r->path);
	assert_non_null(r->env);
	fill(r, type, kic ? kic : TEST_KEY, kid ? kid : TEST_KEY);
	card_open(r);
	return r;
}

void rig_free(struct rig *r)
{
	static const char *const suffix[] = { "", ".kek", "-wal", "-shm" };
	void *ctx = r->ctx;
	char path[128], dir[64];
	unsigned i;

	talloc_free(r->card);
	card_env_free(r->env);
	for (i = 0; i < ARRAY_SIZE(suffix); i++) {
		snprintf(path, sizeof(path), "%s%s", r->path, suffix[i]);
		unlink(path);
	}
	strcpy(dir, r->dir);
	rmdir(dir);
	talloc_free(ctx);
}

void rig_restart(struct rig *r)
{
	txn_commit(r->env->db);
	talloc_free(r->card);
	card_env_free(r->env);
	r->env = card_env_new(r->ctx, r->path);
	assert_non_null(r->env);
	card_open(r);
	rig_clear(r);
}

void rig_clear(struct rig *r)
{
	unsigned i;

	for (i = 0; i < r->n_sms; i++)
		TALLOC_FREE(r->sms[i]);
	r->n_sms = 0;
	r->refresh = false;
}

struct bytes *rig_apdu(struct rig *r, const uint8_t *apdu, size_t len)
{
	struct bytes *resp = bytes_new(r->ctx, 0);

	card_apdu(r->card, apdu, len, resp);
	assert_true(resp->len >= 2);
	r->sw = resp->data[resp->len - 2] << 8 | resp->data[resp->len - 1];
	txn_commit(r->env->db);
	return resp;
}

struct bytes *rig_apdu_hex(struct rig *r, const char *hex)
{
	struct bytes *a = bytes_from_hex(r->ctx, hex), *resp;

	assert_non_null(a);
	resp = rig_apdu(r, a->data, a->len);
	talloc_free(a);
	return resp;
}

static void take_sms(struct rig *r, const struct bip_cmd *c)
{
	struct tpdu_submit t;

	assert_true(r->n_sms < RIG_SMS_MAX);
	assert_int_equal(tpdu_submit_dec(&t, c->tpdu.v, c->tpdu.len), 0);
	snprintf(r->sms_to[r->n_sms], sizeof(r->sms_to[0]), "%s%s", t.da.toa == 0x91 ? "+" : "", t.da.digits);
	r->sms[r->n_sms++] = bytes_dup(r->ctx, t.ud, t.ud_len);
}

static void answer(struct rig *r, const struct bip_cmd *c)
{
	static const uint8_t imei[] = { 0x3A, 0x45, 0x99, 0x00, 0x57, 0x91, 0x85, 0x03 };
	struct bip_resp resp = { .number = c->number, .type = c->type, .qualifier = c->qualifier };
	struct bytes *tr = bytes_new(r->ctx, 0);
	unsigned seconds = 0;

	switch (c->type) {
	case BIP_LOCAL_INFO:
		resp.imei = (struct bip_str) { imei, sizeof(imei) };
		break;
	case BIP_TIMER:
		if (c->qualifier == 0)
			assert_int_equal(bip_timer_dec(&seconds, c->timer_value), 0);
		assert_in_range(c->timer_id, 1, BIP_TIMERS);
		r->timer[c->timer_id] = seconds;
		resp.timer_id = c->timer_id;
		break;
	case BIP_SEND_SMS:
		take_sms(r, c);
		resp.result = r->sms_result;
		break;
	case BIP_REFRESH:
		assert_int_equal(c->qualifier, BIP_REFRESH_UICC_RESET);
		r->refresh = true;
		talloc_free(tr);
		return;		/* the reset is the answer */
	case BIP_SET_UP_EVENT_LIST:
		break;
	default:
		assert_non_null(r->bip);
		if (!r->bip(r, c, &resp)) {
			talloc_free(tr);
			return;
		}
	}
	assert_int_equal(bip_resp_enc(tr, &resp), 0);
	talloc_free(rig_apdu(r, tr->data, tr->len));
	talloc_free(tr);
}

void rig_pump(struct rig *r)
{
	uint8_t fetch[] = { 0x80, 0x12, 0x00, 0x00, 0x00 };
	unsigned guard = 0;
	struct bytes *resp;
	struct bip_cmd c;

	while (!r->refresh && (r->sw >> 8) == 0x91) {
		assert_true(guard++ < 5000);
		fetch[4] = r->sw & 0xFF;
		resp = rig_apdu(r, fetch, sizeof(fetch));
		assert_int_equal(r->sw, 0x9000);
		assert_int_equal(resp->len - 2, fetch[4] ? fetch[4] : 256);
		assert_int_equal(bip_cmd_dec(&c, resp->data, resp->len - 2), 0);
		answer(r, &c);
		talloc_free(resp);
	}
}

void rig_power(struct rig *r)
{
	card_reset(r->card);
	rig_clear(r);
	memset(r->timer, 0, sizeof(r->timer));
	talloc_free(rig_apdu_hex(r, "80100000163301E842111C00070000001F42000000434000000000"));
	rig_pump(r);
}

void rig_envelope(struct rig *r, const struct bip_env *e)
{
	struct bytes *a = bytes_new(r->ctx, 0);

	assert_int_equal(bip_env_enc(a, e), 0);
	talloc_free(rig_apdu(r, a->data, a->len));
	talloc_free(a);
	rig_pump(r);
}

void rig_location(struct rig *r, uint8_t service)
{
	struct bip_env e = {.tag = BIP_ENV_EVENT,
			    .src = BIP_DEV_TERMINAL,
			    .dst = BIP_DEV_UICC,
			    .event = BIP_EV_LOCATION,
			    .has_service = true,
			    .service = service};

	rig_envelope(r, &e);
}

void rig_timer(struct rig *r, uint8_t id)
{
	static const uint8_t zero[3];
	struct bip_env e = { .tag = BIP_ENV_TIMER, .src = BIP_DEV_TERMINAL, .dst = BIP_DEV_UICC, .timer_id = id,
			     .timer_value = { zero, 3 } };

	assert_true(r->timer[id] > 0);
	r->timer[id] = 0;
	rig_envelope(r, &e);
}

static struct bytes *deliver(struct rig *r, const uint8_t *ud, size_t len)
{
	struct tpdu_deliver t = { .udhi = true, .oa = { 0x81, "1001" }, .pid = TPDU_PID_DATA_DOWNLOAD,
				  .dcs = TPDU_DCS_8BIT_CLASS2, .ud_len = len };
	struct bip_env e = { .tag = BIP_ENV_SMS_PP, .src = BIP_DEV_NETWORK, .dst = BIP_DEV_UICC };
	struct bytes *tpdu = bytes_new(r->ctx, 0), *a = bytes_new(r->ctx, 0), *resp;

	memcpy(t.ud, ud, len);
	assert_int_equal(tpdu_deliver_enc(tpdu, &t), 0);
	e.tpdu = (struct bip_str) { tpdu->data, tpdu->len };
	assert_int_equal(bip_env_enc(a, &e), 0);
	resp = rig_apdu(r, a->data, a->len);
	talloc_free(a);
	talloc_free(tpdu);
	return resp;
}

void rig_ud(struct rig *r, const uint8_t *ud, size_t len)
{
	talloc_free(deliver(r, ud, len));
}

struct bytes *rig_packet(struct rig *r, const uint8_t *packet, size_t len)
{
	unsigned limit = fault(r->card->faults, FAULT_SMS_LIMIT);
	static uint8_t ref;
	struct concat_part parts[8];
	int i, n = concat_cut_to(parts, 8, 0x70, ++ref, packet, len, limit ? limit : TPDU_UD_MAX);
	struct bytes *last = NULL;

	assert_true(n > 0);
	for (i = 0; i < n; i++) {
		talloc_free(last);
		last = deliver(r, parts[i].ud, parts[i].len);
	}
	return last;
}

/* The proof of receipt among the messages sent: all of them, put together. */
static char *por(struct rig *r, const struct scp80_sec *sec, int *status)
{
	const struct concat_cfg cfg = { .max_messages = 2, .max_parts = 8, .max_age_ms = 1000 };
	struct concat *cc = concat_new(r->ctx, &cfg);
	struct concat_msg m;
	struct bytes *out = bytes_new(r->ctx, 0);
	struct scp80_rsp rsp;
	char *hex = NULL;
	unsigned i;

	for (i = 0; i < r->n_sms && !hex; i++) {
		if (concat_add(cc, &m, "card", r->sms[i]->data, r->sms[i]->len, 0) != 1 || m.ota != 0x71)
			continue;
		assert_int_equal(scp80_rsp_dec(out, &rsp, sec, r->kic, r->kid, m.packet, m.len), 0);
		assert_int_equal(rsp.tar, sec->tar);
		assert_true(rsp.cntr == sec->cntr);
		*status = rsp.status;
		hex = bytes_hex(r->ctx, out->data, out->len);
	}
	talloc_free(out);
	talloc_free(cc);
	return hex;
}

char *rig_payload(struct rig *r, uint32_t tar, const uint8_t *payload, size_t len, int *status)
{
	const struct scp80_sec sec = {.spi1 = SCP80_SPI1,
				      .spi2 = r->spi2,
				      .kic_octet = 0x10 | scp80_alg_of(r->kic),
				      .kid_octet = 0x10 | scp80_alg_of(r->kid),
				      .tar = tar,
				      .cntr = ++r->cntr};

	return rig_secured(r, &sec, payload, len, status);
}

/* The response packet in the ENVELOPE's answer. */
static char *inline_por(struct rig *r, const struct scp80_sec *sec, const struct bytes *resp)
{
	static const uint8_t udh[] = { 0x02, 0x71, 0x00 };
	struct bytes *out = bytes_new(r->ctx, 0);
	struct scp80_rsp rsp;
	char *hex = NULL;

	r->inline_status = -1;
	if (resp->len > 2) {
		assert_memory_equal(resp->data, udh, 3);
		assert_true(resp->len - 2 <= 131);
		assert_int_equal(scp80_rsp_dec(out, &rsp, sec, r->kic, r->kid, resp->data + 3, resp->len - 5), 0);
		assert_true(rsp.cntr == sec->cntr && rsp.tar == sec->tar);
		r->inline_status = rsp.status;
		hex = bytes_hex(r->ctx, out->data, out->len);
	}
	talloc_free(out);
	return hex;
}

char *rig_secured(struct rig *r, const struct scp80_sec *sec, const uint8_t *payload, size_t len, int *status)
{
	struct bytes *packet = bytes_new(r->ctx, 0), *resp;
	char *first, *second;

	*status = -1;
	assert_int_equal(scp80_cmd_enc(packet, sec, r->kic, r->kid, payload, len), 0);
	rig_clear(r);
	resp = rig_packet(r, packet->data, packet->len);
	first = inline_por(r, sec, resp);
	talloc_free(packet);
	talloc_free(resp);
	rig_pump(r);
	second = por(r, sec, status);
	if (!second)
		*status = r->inline_status;
	return second ? second : first;
}

char *rig_script(struct rig *r, uint32_t tar, uint8_t chain, const char *tlvs, int *status)
{
	struct bytes *body = bytes_from_hex(r->ctx, tlvs), *script = bytes_new(r->ctx, 0);
	char *hex;

	assert_non_null(body);
	assert_int_equal(script_cmd_enc(script, body->data, body->len, true,
					chain ? (enum script_chain)chain : SCRIPT_CHAIN_NONE),
			 0);
	hex = rig_payload(r, tar, script->data, script->len, status);
	talloc_free(body);
	talloc_free(script);
	return hex;
}

char *rig_isd_r(struct rig *r, const char *apdu)
{
	struct bytes *a = bytes_from_hex(r->ctx, apdu), *tlvs = bytes_new(r->ctx, 0);
	char *hex, *script, *ret;
	struct bytes *resp;
	struct script_rsp s;
	struct apdu_rsp ra;
	struct rd rd;
	int status;

	script_put_capdu(tlvs, a->data, a->len);
	hex = bytes_hex(r->ctx, tlvs->data, tlvs->len);
	script = rig_script(r, SCP80_TAR_ISD_R, 0, hex, &status);
	if (!script)
		return talloc_strdup(r->ctx, "-");
	assert_int_equal(status, SCP80_ST_OK);
	resp = bytes_from_hex(r->ctx, script);
	assert_int_equal(script_rsp_dec(&s, resp->data, resp->len), 0);
	assert_int_equal(s.executed, s.definite ? 1 : -1);
	rd_init(&rd, s.tlvs, s.len);
	assert_int_equal(script_rapdu_next(&rd, &ra), 1);
	ret = bytes_hex(r->ctx, ra.data, ra.len);
	ret = talloc_asprintf_append(ret, "%04X", ra.sw);
	return ret;
}

const uint8_t *rig_last_ud(struct rig *r, size_t *len)
{
	assert_true(r->n_sms > 0);
	*len = r->sms[r->n_sms - 1]->len;
	return r->sms[r->n_sms - 1]->data;
}

/* osmo-ota: HTTPS session trigger (GP Amd B 3.7), PSK identity (SGP.02 2.4.4.1), notification (SGP.02 4.1.1.11).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <osmocom/rsp/ota/notif.h>
#include <osmocom/rsp/ota/scp81_msg.h>
#include "ota_op.h"

static const struct ota_field trigger_fields[] = {
	{ "ip", OTA_TEXT, false, 1, 45, "server address, IPv4 or IPv6" },
	{ "port", OTA_NUM, false, 1, 65535, "TCP port" },
	{ "buffer", OTA_NUM, false, 1, 65535, "buffer size" },
	{ "apn", OTA_TEXT, false, 1, 63, "network access name, dotted" },
	{ "login", OTA_TEXT, false, 1, 63, "user name for the APN" },
	{ "password", OTA_TEXT, false, 1, 63, "password for the APN" },
	{ "psk_id", OTA_TEXT, false, 1, SCP81_PSK_ID_SIZE - 1, "PSK identity" },
	{ "kvn", OTA_HEX, false, 1, 1, "key version of the PSK" },
	{ "kid", OTA_HEX, false, 1, 1, "key identifier of the PSK" },
	{ "retry_count", OTA_NUM, false, 0, 65535, "retries" },
	{ "retry_delay", OTA_NUM, false, 0, 86399, "seconds between them" },
	{ "host", OTA_TEXT, false, 1, 127, "HTTP Host" },
	{ "agent", OTA_TEXT, false, 1, SCP81_FROM_SIZE - 1, "X-Admin-From" },
	{ "uri", OTA_TEXT, false, 1, 255, "administration URI" },
	{ "fqdn", OTA_TEXT, false, 1, 127, "server's name, which the card resolves" },
	{ "dns_ip", OTA_TEXT, false, 1, 45, "with fqdn: name server" },
	{ "dns_port", OTA_NUM, false, 1, 65535, "with fqdn: its UDP port, 53" },
	{}
};
static const struct ota_field trigger_dec_fields[] = { { "trigger", OTA_HEX, true, 2, 4096, "the 81 TLV" }, {} };

#define GET_TEXT(q, p, field) snprintf((p)->field, sizeof((p)->field), "%s", ota_text(q, #field))

static int trigger_enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, 4096);
	struct scp81_params p = {
		.has_conn = ota_has(q, "ip") || ota_has(q, "port") || ota_has(q, "buffer") || ota_has(q, "apn"),
		.buffer = ota_num(q, "buffer", 0), .port = ota_num(q, "port", 0),
		.kvn = ota_be(q, "kvn", 0), .kid = ota_be(q, "kid", 0),
		.has_retry = ota_has(q, "retry_count") || ota_has(q, "retry_delay"),
		.retry_count = ota_num(q, "retry_count", 0), .retry_delay_s = ota_num(q, "retry_delay", 0),
	};
	struct scp81_dns dns = { .port = ota_num(q, "dns_port", 0) };
	int rc;

	GET_TEXT(q, &p, ip);
	GET_TEXT(q, &p, apn);
	GET_TEXT(q, &p, login);
	GET_TEXT(q, &p, password);
	GET_TEXT(q, &p, psk_id);
	GET_TEXT(q, &p, host);
	GET_TEXT(q, &p, agent);
	GET_TEXT(q, &p, uri);
	GET_TEXT(q, &dns, fqdn);
	snprintf(dns.ip, sizeof(dns.ip), "%s", ota_text(q, "dns_ip"));
	if (dns.fqdn[0])
		rc = scp81_trigger_dns_enc(out, &p, &dns);
	else	/* only "op": all as the card has it */
		rc = scp81_trigger_enc(out, json_object_size(q->in) > 1 ? &p : NULL);
	if (rc == 0)
		ota_put_bytes(q->out, "trigger", out);
	return rc;
}

#define PUT_TEXT(q, p, field) do { if ((p)->field[0]) ota_put_text((q)->out, #field, (p)->field); } while (0)

static void put_dns(struct ota_req *q, const struct bytes *in)
{
	struct scp81_dns dns;

	if (scp81_trigger_dns_dec(&dns, in->data, in->len) < 0)
		return;
	ota_put_text(q->out, "fqdn", dns.fqdn);
	ota_put_text(q->out, "dns_ip", dns.ip);
	ota_put_num(q->out, "dns_port", dns.port);
}

static int trigger_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "trigger");
	struct scp81_params p;
	int rc = scp81_trigger_dec(&p, in->data, in->len);

	if (rc < 0)
		return rc;
	PUT_TEXT(q, &p, ip);
	if (p.port)
		ota_put_num(q->out, "port", p.port);
	if (p.buffer)
		ota_put_num(q->out, "buffer", p.buffer);
	PUT_TEXT(q, &p, apn);
	PUT_TEXT(q, &p, login);
	PUT_TEXT(q, &p, password);
	if (p.psk_id[0]) {
		ota_put_text(q->out, "psk_id", p.psk_id);
		ota_put_be(q->out, "kvn", p.kvn, 1);
		ota_put_be(q->out, "kid", p.kid, 1);
	}
	if (p.has_retry) {
		ota_put_num(q->out, "retry_count", p.retry_count);
		ota_put_num(q->out, "retry_delay", p.retry_delay_s);
	}
	PUT_TEXT(q, &p, host);
	PUT_TEXT(q, &p, agent);
	PUT_TEXT(q, &p, uri);
	put_dns(q, in);
	return 0;
}

static const struct ota_field psk_enc_fields[] = {
	{ "eid", OTA_HEX, true, 16, 16, "EID" },
	{ "aid", OTA_HEX, false, 5, 16, "security domain; the ISD-R" },
	{ "kvn", OTA_HEX, true, 1, 1, "key version" },
	{ "kid", OTA_HEX, true, 1, 1, "key identifier" },
	{}
};
static const struct ota_field psk_dec_fields[] = {
	{ "identity", OTA_TEXT, true, 1, SCP81_PSK_ID_SIZE - 1, "identity as sent in TLS" },
	{}
};

static int get_aid(struct ota_req *q, struct aid *aid, const char *name)
{
	struct bytes *b = ota_hex(q, name);

	*aid = aid_isd_r;
	return b ? aid_from_bytes(aid, b->data, b->len) : 0;
}

static int psk_enc(struct ota_req *q)
{
	struct scp81_psk_id id = { .kid = ota_be(q, "kid", 0), .kvn = ota_be(q, "kvn", 0) };
	char text[SCP81_PSK_ID_SIZE];
	int rc = get_aid(q, &id.sd, "aid");

	ota_fixed(q, "eid", id.eid.b, 16);
	if (rc >= 0)
		rc = scp81_psk_id_enc(text, sizeof(text), &id);
	if (rc < 0)
		return rc;
	ota_put_text(q->out, "identity", text);
	return 0;
}

static int psk_dec(struct ota_req *q)
{
	struct scp81_psk_id id;
	int rc = scp81_psk_id_dec(&id, ota_text(q, "identity"));

	if (rc < 0)
		return rc;
	ota_put_hex(q->out, "eid", id.eid.b, 16);
	ota_put_hex(q->out, "aid", id.sd.b, id.sd.len);
	ota_put_be(q->out, "kvn", id.kvn, 1);
	ota_put_be(q->out, "kid", id.kid, 1);
	return 0;
}

static const struct ota_field from_enc_fields[] = {
	{ "eid", OTA_HEX, true, 16, 16, "EID" },
	{ "aid", OTA_HEX, false, 5, 16, "security domain; the ISD-R" },
	{}
};
static const struct ota_field from_dec_fields[] = {
	{ "from", OTA_TEXT, true, 1, SCP81_FROM_SIZE - 1, "value of X-Admin-From" },
	{}
};
static const struct ota_field target_enc_fields[] = {
	{ "aid", OTA_HEX, true, 5, 16, "application, such as an ISD-P" },
	{}
};
static const struct ota_field target_dec_fields[] = {
	{ "target", OTA_TEXT, true, 1, SCP81_TARGET_SIZE - 1, "value of X-Admin-Targeted-Application" },
	{}
};

static int from_enc(struct ota_req *q)
{
	char text[SCP81_FROM_SIZE];
	struct eid eid;
	struct aid sd;
	int rc = get_aid(q, &sd, "aid");

	ota_fixed(q, "eid", eid.b, 16);
	if (rc >= 0)
		rc = scp81_from_enc(text, sizeof(text), &eid, &sd);
	if (rc < 0)
		return rc;
	ota_put_text(q->out, "from", text);
	return 0;
}

static int from_dec(struct ota_req *q)
{
	struct eid eid;
	struct aid sd;
	int rc = scp81_from_dec(&eid, &sd, ota_text(q, "from"));

	if (rc < 0)
		return rc;
	ota_put_hex(q->out, "eid", eid.b, 16);
	ota_put_hex(q->out, "aid", sd.b, sd.len);
	return 0;
}

static int target_enc(struct ota_req *q)
{
	char text[SCP81_TARGET_SIZE];
	struct aid aid;
	int rc = get_aid(q, &aid, "aid");

	if (rc >= 0)
		rc = scp81_target_enc(text, sizeof(text), &aid);
	if (rc < 0)
		return rc;
	ota_put_text(q->out, "target", text);
	return 0;
}

static int target_dec(struct ota_req *q)
{
	struct aid aid;
	int rc = scp81_target_dec(&aid, ota_text(q, "target"));

	if (rc < 0)
		return rc;
	ota_put_hex(q->out, "aid", aid.b, aid.len);
	return 0;
}

static const struct ota_field notif_enc_fields[] = {
	{ "eid", OTA_HEX, true, 16, 16, "EID" },
	{ "type", OTA_HEX, true, 1, 1, "01 first attach, 02 changed, 03 rolled back, 05 fall-back" },
	{ "seq", OTA_HEX, true, 2, 2, "sequence number" },
	{ "aid", OTA_HEX, true, 5, 16, "ISD-P now enabled" },
	{ "aid_tag", OTA_HEX, false, 1, 1, "2F; 4F on cards of 2016" },
	{ "imei", OTA_TEXT, false, 15, 15, "IMEI" },
	{ "location", OTA_HEX, false, 1, 9, "location information" },
	{ "meid", OTA_HEX, false, 1, 8, "MEID" },
	{}
};
static const struct ota_field notif_dec_fields[] = {
	{ "notification", OTA_HEX, true, 2, NOTIF_MAX, "the E1 TLV" },
	{}
};

static int do_notif_enc(struct ota_req *q)
{
	struct bytes *out = bytes_new(q->ctx, NOTIF_MAX), *loc = ota_hex(q, "location"), *meid = ota_hex(q, "meid");
	struct notif n = { .type = ota_be(q, "type", 0), .seq = ota_be(q, "seq", 0) };
	int rc = get_aid(q, &n.aid, "aid");

	ota_fixed(q, "eid", n.eid.b, 16);
	snprintf(n.imei, sizeof(n.imei), "%s", ota_text(q, "imei"));
	ota_fixed(q, "location", n.location, sizeof(n.location));
	n.location_len = loc ? loc->len : 0;
	ota_fixed(q, "meid", n.meid, sizeof(n.meid));
	n.meid_len = meid ? meid->len : 0;
	if (rc >= 0)
		rc = notif_enc(out, &n, ota_be(q, "aid_tag", NOTIF_AID_TAG));
	if (rc < 0)
		return rc;
	ota_put_bytes(q->out, "notification", out);
	return 0;
}

static int do_notif_dec(struct ota_req *q)
{
	struct bytes *in = ota_hex(q, "notification");
	struct notif n;
	int rc = notif_dec(&n, in->data, in->len);

	if (rc < 0)
		return rc;
	ota_put_hex(q->out, "eid", n.eid.b, 16);
	ota_put_be(q->out, "type", n.type, 1);
	ota_put_text(q->out, "type_text", notif_type_text(n.type));
	ota_put_be(q->out, "seq", n.seq, 2);
	ota_put_hex(q->out, "aid", n.aid.b, n.aid.len);
	if (n.imei[0])
		ota_put_text(q->out, "imei", n.imei);
	if (n.location_len)
		ota_put_hex(q->out, "location", n.location, n.location_len);
	if (n.meid_len)
		ota_put_hex(q->out, "meid", n.meid, n.meid_len);
	return 0;
}

const struct ota_op ota_admin_ops[] = {
	{ "trigger_enc", "write an HTTPS session trigger (81); no fields: all as stored in the card", trigger_fields,
	  trigger_enc,
	  "{\"op\":\"trigger_enc\",\"ip\":\"10.0.0.1\",\"port\":443,\"uri\":\"/gsma/adminagent\"}" },
	{ "trigger_dec", "read an HTTPS session trigger (81)", trigger_dec_fields, trigger_dec,
	  "{\"op\":\"trigger_dec\",\"trigger\":\"81278325840F3501033C030201BB3E05210A00000189128C102F67736D612F6"
	  "1646D696E6167656E74\"}" },
	{ "psk_identity_enc", "write a PSK identity", psk_enc_fields, psk_enc,
	  "{\"op\":\"psk_identity_enc\",\"eid\":\"89001012012341234012345678901224\",\"kvn\":\"40\",\"kid\":\"01\"}" },
	{ "psk_identity_dec", "read a PSK identity", psk_dec_fields, psk_dec,
	  "{\"op\":\"psk_identity_dec\",\"identity\":\"8001028110890010120123412340123456789012244F10A0000005591"
	  "010FFFFFFFF89000"
	  "00100820101830140\"}" },
	{ "admin_from_enc", "write an X-Admin-From header", from_enc_fields, from_enc,
	  "{\"op\":\"admin_from_enc\",\"eid\":\"89001012012341234012345678901224\"}" },
	{ "admin_from_dec", "read an X-Admin-From header", from_dec_fields, from_dec,
	  "{\"op\":\"admin_from_dec\",\"from\":\"//se-id/eid/89001012012341234012345678901224;//aa-id/aid/A000000559/"
	  "1010FFFFFFFF8900000100\"}" },
	{ "admin_target_enc", "write an X-Admin-Targeted-Application header", target_enc_fields, target_enc,
	  "{\"op\":\"admin_target_enc\",\"aid\":\"A0000005591010FFFFFFFF8900001000\"}" },
	{ "admin_target_dec", "read an X-Admin-Targeted-Application header", target_dec_fields, target_dec,
	  "{\"op\":\"admin_target_dec\",\"target\":\"//aid/A000000559/1010FFFFFFFF8900001000\"}" },
	{ "notif_enc", "write a card's notification (E1)", notif_enc_fields, do_notif_enc,
	  "{\"op\":\"notif_enc\",\"eid\":\"89001012012341234012345678901224\",\"type\":\"02\",\"seq\":\"0001\","
	  "\"aid\":\"A0000005591010FFFFFFFF8900001000\"}" },
	{ "notif_dec", "read a card's notification (E1)", notif_dec_fields, do_notif_dec,
	  "{\"op\":\"notif_dec\",\"notification\":\"E1354C10890010120123412340123456789012244D01024E0200012F10A0"
	  "000005591010FFFF"
	  "FFFF890000100014083A51020000000010\"}" },
	{}
};

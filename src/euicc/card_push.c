/* PUSH: TS 102 226 9.2, SGP.02 2.4.3 (both commands in one message, the channel first); ota-transport digest 5.1. The
 * answer to the opening of a channel is only known when the terminal has opened it: the proof of receipt waits.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/bip/ctlv.h>
#include <osmocom/rsp/ota/script.h>
#include <osmocom/rsp/ota/script_compact.h>

#include "card_cattp.h"
#include "card_dialect.h"
#include "card_http.h"
#include "card_int.h"
#include "card_ota.h"
#include "card_push.h"

#define INS_PUSH 0xEC
#define PUSH_MAX 4		/* commands in one script */
#define SW_NOT_OPENED 0x6F00

enum push_p2 { PUSH_CHANNEL = 0x01, PUSH_LINK = 0x02 };

struct card_push {
	struct card_por *por;
	struct bytes *script;		/* what the commands point into */
	bool expanded, definite;
	struct apdu_cmd cmd[PUSH_MAX];
	unsigned n, at;			/* at: the one that is being carried out */
	struct bytes *rsp;		/* R-APDU TLVs so far; compact: the last one's data */
	uint16_t sw;
	uint8_t bearer[32], login[64], password[64], dest[16], nan[101];
};

static void go_on(struct card *c);

void card_push_reset(struct card *c)
{
	TALLOC_FREE(c->push);
}

/* --- reading --- */

static bool is_push(const struct apdu_cmd *a)
{
	return (a->cla & 0xF0) == 0x80 && a->ins == INS_PUSH && a->p1 == 0x01;
}

static int take(struct card_push *p, const struct apdu_cmd *a)
{
	if (p->n == PUSH_MAX || !is_push(a))
		return -EINVAL;
	p->cmd[p->n++] = *a;
	return 0;
}

static int read_expanded(struct card_push *p)
{
	struct script_rd s;
	struct apdu_cmd a;
	struct tlv t;
	int rc = script_cmd_open(&s, p->script->data, p->script->len);

	p->definite = s.definite;
	while (rc == 0 && script_cmd_next(&s, &t) == 1)
		rc = t.tag == SCRIPT_TAG_CAPDU && apdu_dec(&a, t.v, t.len) == 0 ? take(p, &a) : -EINVAL;
	return rc;
}

static int read_compact(struct card_push *p)
{
	struct apdu_cmd a;
	struct rd r;
	int rc = 0;

	rd_init(&r, p->script->data, p->script->len);
	while (rc == 0 && script_compact_next(&r, &a) == 1)
		rc = take(p, &a);
	return r.bad ? -EINVAL : rc;
}

/* --- answering --- */

static void result(struct card_push *p, const void *data, size_t len, uint16_t sw)
{
	p->sw = sw;
	if (p->expanded) {
		script_put_rapdu(p->rsp, data, len, sw);
	} else {
		bytes_clear(p->rsp);
		if (len)
			bytes_put(p->rsp, data, len);
	}
	p->at++;
}

static void answer(struct card *c)
{
	struct card_push *p = c->push;
	struct bytes *out = bytes_new(c, 1024);
	const struct script_compact_rsp compact = { .executed = p->at, .sw = p->sw, .data = p->rsp->data,
						    .len = p->rsp->len };

	c->push = NULL;
	if (p->expanded)
		script_rsp_enc(out, card_dialect_definite(c, p->definite), p->at, p->rsp->data, p->rsp->len,
			       SCRIPT_BAD_NONE);
	else
		script_compact_rsp_enc(out, &compact);
	card_por_send(c, p->por, SCP80_ST_OK, out);
	talloc_free(out);
	talloc_free(p);
}

/* --- P2 01: the channel --- */

static struct bip_str copy(uint8_t *room, size_t size, const struct ctlv *t, size_t skip)
{
	if (t->len < skip || t->len - skip > size)
		return (struct bip_str) { };
	memcpy(room, t->v + skip, t->len - skip);
	return (struct bip_str) { room, t->len - skip };
}

static int channel_object(struct card_push *p, struct bip_cmd *cmd, const struct ctlv *t, unsigned *texts)
{
	switch (t->tag) {
	case 0x35:
		cmd->bearer = copy(p->bearer, sizeof(p->bearer), t, 0);
		return 0;
	case 0x39:
		cmd->buffer = t->len == 2 ? t->v[0] << 8 | t->v[1] : 0;
		return cmd->buffer ? 0 : -EINVAL;
	case 0x47:
		cmd->nan = copy(p->nan, sizeof(p->nan), t, 0);
		return 0;
	case 0x0D:	/* login, then password; the first octet is the coding scheme */
		if (++*texts > 2)
			return -EINVAL;
		if (*texts == 1)
			cmd->login = copy(p->login, sizeof(p->login), t, 1);
		else
			cmd->password = copy(p->password, sizeof(p->password), t, 1);
		return 0;
	case 0x3C:
		cmd->transport = t->len == 3 ? t->v[0] : 0;
		cmd->port = t->len == 3 ? t->v[1] << 8 | t->v[2] : 0;
		return cmd->transport == BIP_UDP_CLIENT ? 0 : -EINVAL;
	case 0x3E:	/* after the transport level the destination; before it a local address, which may not be */
		if (!cmd->transport || (t->len != 5 && t->len != 17))
			return -EINVAL;
		cmd->dest = copy(p->dest, sizeof(p->dest), t, 1);
		return 0;
	default:
		return 0;
	}
}

static void channel_opened(struct card *c, const struct bip_resp *r)
{
	struct card_push *p = c->push;
	uint8_t tlv[2 + 8] = { 0x83, 0, r->result };
	size_t n = OSMO_MIN(r->info.len, sizeof(tlv) - 3);

	if (!p)
		return;
	if (r->result < 0x10) {
		result(p, NULL, 0, SW_OK);
		go_on(c);
		return;
	}
	if (n)
		memcpy(tlv + 3, r->info.v, n);
	tlv[1] = 1 + n;
	result(p, tlv, 3 + n, SW_NOT_OPENED);
	answer(c);
}

/* What the server leaves out the card knows: bearer, buffer, access point, the server's address and port. */
static uint16_t open_channel(struct card *c, const struct apdu_cmd *a)
{
	struct card_push *p = c->push;
	struct bip_cmd cmd;
	unsigned texts = 0;
	struct ctlv t;
	struct rd r;
	int rc;

	card_open_defaults(c, &cmd, p->dest);
	cmd.transport = 0;
	rd_init(&r, a->data, a->lc);
	while ((rc = ctlv_next(&r, &t)) == 1)
		if (channel_object(p, &cmd, &t, &texts) < 0)
			return SW_DATA;
	if (rc < 0 || texts == 1)
		return SW_DATA;
	if (!cmd.transport) {
		cmd.transport = BIP_UDP_CLIENT;
		cmd.port = c->smsr.port;
	}
	if (!cmd.dest.len)
		return SW_DATA;
	return card_cattp_channel(c, &cmd, channel_opened) < 0 ? SW_NOT_OPENED : SW_OK;
}

/* --- P2 02: the link --- */

static uint16_t open_link(struct card *c, const struct apdu_cmd *a)
{
	struct ctlv port, sdu, id = { };
	uint16_t max = 0;

	if (ctlv_find(a->data, a->lc, 0x3C, &port) < 0 || port.len != 3)
		return SW_DATA;
	if (ctlv_find(a->data, a->lc, 0x39, &sdu) == 0) {
		if (sdu.len != 2)
			return SW_DATA;
		max = sdu.v[0] << 8 | sdu.v[1];
	}
	ctlv_find(a->data, a->lc, 0x36, &id);
	if (card_cattp_link(c, port.v[1] << 8 | port.v[2], max, id.v, id.tag == 0x36 ? id.len : 0) < 0)
		return SW_CONDITIONS;
	return SW_OK;
}

/* --- one after the other --- */

static void go_on(struct card *c)
{
	struct card_push *p = c->push;

	while (p->at < p->n) {
		const struct apdu_cmd *a = &p->cmd[p->at];
		uint16_t sw = SW_P1P2;

		if (a->p2 == PUSH_CHANNEL) {
			sw = open_channel(c, a);
			if (sw == SW_OK)
				return;		/* channel_opened() goes on */
		} else if (a->p2 == PUSH_LINK) {
			sw = open_link(c, a);
		}
		result(p, NULL, 0, sw);
		if (sw != SW_OK)
			break;
	}
	answer(c);
}

bool card_push_run(struct card *c, struct card_por *por, const struct bytes *payload)
{
	struct card_push *p = talloc_zero(c, struct card_push);
	bool push;

	p->script = bytes_dup(p, payload->data, payload->len);
	p->expanded = script_is_expanded(payload->data, payload->len);
	push = (p->expanded ? read_expanded(p) : read_compact(p)) == 0 && p->n;
	if (push && c->has_cattp && fault(c->faults, FAULT_NO_CATTP))
		fault_struck(c->faults, FAULT_NO_CATTP);
	if (!push || !c->has_cattp || fault(c->faults, FAULT_NO_CATTP)) {
		talloc_free(p);
		return false;
	}
	TALLOC_FREE(c->push);	/* an older one is not answered any more */
	c->push = p;
	p->por = talloc_steal(p, por);
	p->rsp = bytes_new(p, 512);
	card_por_defer(c, por);
	go_on(c);
	return true;
}

/* PUSH of remote application management, TS 102 226 9 (ota-transport 5.1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <talloc.h>
#include <osmocom/rsp/bip/ctlv.h>
#include <osmocom/rsp/ota/apdu.h>
#include <osmocom/rsp/ota/push.h>

#define CTLV_CHANNEL_DATA	0x36
#define CTLV_BUFFER		0x39
#define CTLV_TRANSPORT		0x3C
#define TRANSPORT_IGNORED	0x00	/* protocol type of a link: only the port is looked at */

static int push_put(struct bytes *out, uint8_t p2, const struct bytes *data)
{
	const struct apdu_cmd c = {
		.cla = 0x80, .ins = PUSH_INS, .p1 = PUSH_P1, .p2 = p2, .data = data->data, .lc = data->len,
	};

	return data->err ? data->err : apdu_put(out, &c);
}

int push_channel_enc(struct bytes *out, const struct scp81_params *conn)
{
	struct bytes *data = bytes_new(NULL, 255);
	int rc;

	if (!data)
		return -ENOMEM;
	rc = scp81_conn_put(data, conn, SCP81_TRANSPORT_UDP);
	if (rc >= 0)
		rc = push_put(out, PUSH_P2_CHANNEL, data);
	talloc_free(data);
	return rc;
}

int push_cattp_enc(struct bytes *out, uint16_t port, uint16_t max_sdu, const uint8_t *id, size_t id_len)
{
	const uint8_t transport[] = { TRANSPORT_IGNORED, port >> 8, port & 0xFF };
	struct bytes *data = bytes_new(NULL, 255);
	int rc;

	if (!data)
		return -ENOMEM;
	ctlv_put(data, CTLV_TRANSPORT, transport, sizeof(transport));
	if (max_sdu)
		ctlv_put_u16(data, CTLV_BUFFER, max_sdu);
	if (id_len)
		ctlv_put(data, CTLV_CHANNEL_DATA, id, id_len);
	rc = push_put(out, PUSH_P2_CATTP, data);
	talloc_free(data);
	return rc;
}

/* Prints what really crosses the wire between sms_port and the simulator's SMSC, for text2pcap: two messages out, one
 * in, one by data_sm with its receipt, and the end.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <osmocom/core/application.h>
#include <osmocom/core/talloc.h>

#include <osmocom/rsp/sms/sms_port.h>
#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/logging.h>

#include "euicc/network.h"
#include "loop.h"

#define IMSI "262420000000001"
#define MSISDN "491720000001"

static int smsc_port, done, received, mo_cause = -1;
static bool attached;
static struct network_ue *ue;

ssize_t __real_send(int fd, const void *buf, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags);

/* "O" from the ESME, "I" from the SMSC; a line of hex for each write */
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags)
{
	struct sockaddr_in peer;
	socklen_t plen = sizeof(peer);
	const uint8_t *p = buf;

	if (getpeername(fd, (struct sockaddr *)&peer, &plen) < 0)
		exit(1);
	printf("%c 000000", ntohs(peer.sin_port) == smsc_port ? 'O' : 'I');
	for (size_t i = 0; i < len; i++)
		printf(" %02x", p[i]);
	printf("\n");
	return __real_send(fd, buf, len, flags);
}

static void phone_attached(void *priv, bool ok, uint8_t cause)
{
	attached = ok;
}

static void phone_mt(void *priv, const uint8_t *tpdu, size_t len)
{
	network_mt_done(ue, true);
}

static void phone_mo_done(void *priv, uint8_t cause)
{
	mo_cause = cause;
}

static void port_done(void *priv, enum sms_outcome outcome)
{
	done += outcome == SMS_DELIVERED;
}

static void port_rx(void *priv, const char *from, bool response, const uint8_t *packet, size_t len)
{
	received++;
}

static const struct network_ue_ops phone_ops = { .attached = phone_attached, .mt_sms = phone_mt };

int main(void)
{
	struct smsc_cfg smsc = { .name = "a", .link = { .host = "127.0.0.1", .system_id = "smsr", .password = "secret" } };
	struct sms_port_cfg cfg = { .own_number = "1001", .rx = port_rx };
	void *root = talloc_named_const(NULL, 0, "smpp_dump");
	struct network *net;
	struct sms_port *port;
	struct bytes *por;
	uint8_t packet[200] = { 0x00, 0xC6, 0x15 };

	osmo_init_logging2(root, &rsp_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	net = network_new(root, NULL);
	smsc.link.port = smsc_port = network_smpp_listen(net, "127.0.0.1", 0, "secret");
	network_subscriber_add(net, IMSI, MSISDN, NULL, NULL);
	port = sms_port_new(root, &cfg);
	sms_port_smsc_set(port, &smsc);
	if (!LOOP_UNTIL(NULL, 5000, sms_port_up(port)))
		return 1;
	ue = network_attach(net, IMSI, &phone_ops, NULL);
	if (!LOOP_UNTIL(NULL, 5000, attached))
		return 1;
	sms_port_send(port, MSISDN, packet, 40, port_done, NULL);
	sms_port_send(port, MSISDN, packet, 200, port_done, NULL);
	if (!LOOP_UNTIL(NULL, 5000, done == 2))
		return 1;
	/* the PoR of sms.json, to 1001 */
	por = bytes_from_hex(root, "41000481" "0110" "7FF629027100002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB6"
			     "0062F12D02A9");
	network_mo_sms(ue, por->data, por->len, phone_mo_done);
	if (!LOOP_UNTIL(NULL, 5000, mo_cause == 0 && received == 1))
		return 1;
	smsc.mode = SMSC_STORE;
	smsc.data_sm = true;
	sms_port_smsc_set(port, &smsc);
	sms_port_send(port, MSISDN, packet, 40, port_done, NULL);	/* by data_sm; its receipt */
	if (!LOOP_UNTIL(NULL, 5000, done == 3))
		return 1;
	smsc.data_sm = false;
	smsc.shutdown = true;
	sms_port_smsc_set(port, &smsc);	/* unbind */
	LOOP_FOR(NULL, 50);
	sms_port_free(port);
	network_detach(ue);
	talloc_free(net);
	log_fini();
	talloc_free(root);
	return 0;
}

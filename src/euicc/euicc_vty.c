/* VTY of the simulator: configuration nodes `network` and `sim`, commands that act on a card or the network.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

#include "card_dialect.h"
#include "card_env.h"
#include "euicc_vty.h"
#include "network.h"
#include "sim.h"
#include "terminal.h"

#define EUICC_STR "One simulated eUICC\nEID, 32 digits\n"

enum { NETWORK_NODE = _LAST_OSMOVTY_NODE + 1, SIM_NODE };

static struct sim *g_sim;	/* set once at start */

static struct cmd_node network_node = { NETWORK_NODE, "%s(config-network)# ", 1 };
static struct cmd_node sim_node = { SIM_NODE, "%s(config-sim)# ", 1 };

static int result(struct vty *vty, int rc)
{
	if (rc >= 0)
		return CMD_SUCCESS;
	vty_out(vty, "%% %s%s", strerror(-rc), VTY_NEWLINE);
	return CMD_WARNING;
}

/* --- network --- */

DEFUN(cfg_network, cfg_network_cmd, "network", "The simulated mobile network\n")
{
	vty->node = NETWORK_NODE;
	return CMD_SUCCESS;
}

static int listen_add(struct vty *vty, const char *ip, const char *port, const char *password)
{
	struct sim_listen *l = &g_sim->listen[g_sim->n_listen];

	if (g_sim->n_listen == SIM_LISTEN_MAX || strlen(password) > 8) {
		vty_out(vty, "%% too many listeners, or password longer than 8%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	OSMO_STRLCPY_ARRAY(l->ip, ip);
	OSMO_STRLCPY_ARRAY(l->password, password);
	l->port = atoi(port);
	g_sim->n_listen++;
	return CMD_SUCCESS;
}

#define SMPP_STR                                                                                                       \
	"SMPP server of the SMSC\nAccept connections, from the next start on\nIPv4 address\nIPv6 address\nTCP port, "  \
	"0: any\n"

DEFUN(cfg_smpp, cfg_smpp_cmd, "smpp listen " VTY_IPV46_CMD " <0-65535> password WORD",
      SMPP_STR "ESMEs must give this password\nUp to 8 characters\n")
{
	return listen_add(vty, argv[0], argv[1], argv[2]);
}

DEFUN(cfg_smpp_open, cfg_smpp_open_cmd, "smpp listen " VTY_IPV46_CMD " <0-65535>", SMPP_STR)
{
	return listen_add(vty, argv[0], argv[1], "");
}

static int subscriber(struct vty *vty, const char *imsi, const char *msisdn, const char *k, const char *opc)
{
	struct sim_subscriber *s = talloc_zero(g_sim, struct sim_subscriber);
	int rc;

	OSMO_STRLCPY_ARRAY(s->imsi, imsi);
	OSMO_STRLCPY_ARRAY(s->msisdn, msisdn);
	s->has_key = k != NULL;
	if (k && (hex_dec(s->k, 16, k) != 16 || hex_dec(s->opc, 16, opc) != 16))
		rc = -EINVAL;
	else
		rc = network_subscriber_add(g_sim->net, imsi, msisdn, k ? s->k : NULL, k ? s->opc : NULL);
	if (rc < 0)
		talloc_free(s);
	else
		llist_add_tail(&s->entry, &g_sim->subscribers);
	return result(vty, rc);
}

#define SUBSCRIBER_STR                                                                                                 \
	"Subscriber of the network, besides those of the imported cards\nIMSI\n6 to 15 digits\nMSISDN\n3 to 15 "       \
	"digits\n"

DEFUN(cfg_subscriber, cfg_subscriber_cmd, "subscriber imsi IMSI msisdn MSISDN", SUBSCRIBER_STR)
{
	return subscriber(vty, argv[0], argv[1], NULL, NULL);
}

DEFUN(cfg_subscriber_key, cfg_subscriber_key_cmd, "subscriber imsi IMSI msisdn MSISDN k HEX opc HEX",
      SUBSCRIBER_STR
      "Milenage key: the card is authenticated\n32 hex digits\nMilenage operator constant\n32 hex digits\n")
{
	return subscriber(vty, argv[0], argv[1], argv[2], argv[3]);
}

DEFUN(cfg_no_subscriber, cfg_no_subscriber_cmd, "no subscriber imsi IMSI", NO_STR SUBSCRIBER_STR)
{
	struct sim_subscriber *s, *s2;

	llist_for_each_entry_safe(s, s2, &g_sim->subscribers, entry) {
		if (strcmp(s->imsi, argv[0]))
			continue;
		llist_del(&s->entry);
		talloc_free(s);
	}
	return result(vty, network_subscriber_del(g_sim->net, argv[0]));
}

DEFUN(cfg_src_imsi, cfg_src_imsi_cmd, "deliver-src-imsi", "ESMEs are told IMSIs instead of numbers\n")
{
	network_src_imsi_set(g_sim->net, true);
	return CMD_SUCCESS;
}

DEFUN(cfg_no_src_imsi, cfg_no_src_imsi_cmd, "no deliver-src-imsi", NO_STR "ESMEs are told numbers\n")
{
	network_src_imsi_set(g_sim->net, false);
	return CMD_SUCCESS;
}

DEFUN(cfg_report, cfg_report_cmd, "report-in-response",
      "What a card answers at once goes to the ESME in submit_sm_resp; without, it is dropped\n")
{
	network_report_set(g_sim->net, true);
	return CMD_SUCCESS;
}

DEFUN(cfg_no_report, cfg_no_report_cmd, "no report-in-response", NO_STR "What a card answers at once is dropped\n")
{
	network_report_set(g_sim->net, false);
	return CMD_SUCCESS;
}

DEFUN(cfg_route, cfg_route_cmd, "route prefix DIGITS system-id ID",
      "Where mobile originated messages go\nDestination numbers starting with\nDigits\nESME that gets them\nIts system "
      "id\n")
{
	struct sim_route *r = talloc_zero(g_sim, struct sim_route);
	int rc = network_route_add(g_sim->net, argv[0], argv[1]);

	OSMO_STRLCPY_ARRAY(r->prefix, argv[0]);
	OSMO_STRLCPY_ARRAY(r->system_id, argv[1]);
	if (rc < 0)
		talloc_free(r);
	else
		llist_add_tail(&r->entry, &g_sim->routes);
	return result(vty, rc);
}

DEFUN(cfg_external, cfg_external_cmd, "external SOCKET",
      "Another program is the network, from the next start on\nUnix socket it connects to\n")
{
	osmo_talloc_replace_string(g_sim, &g_sim->external, argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_no_external, cfg_no_external_cmd, "no external", NO_STR "The network is our own, from the next start on\n")
{
	TALLOC_FREE(g_sim->external);
	return CMD_SUCCESS;
}

DEFUN(cfg_dns, cfg_dns_cmd, "dns listen A.B.C.D <0-65535>",
      "Name server for the cards\nAnswer queries, from now on\nIPv4 address\nUDP port, 0: any\n")
{
	return result(vty, network_dns_listen(g_sim->net, argv[0], atoi(argv[1])));
}

#define DNS_NAME_STR "Name server for the cards\nA name it knows\nHost name\n"

DEFUN(cfg_dns_name, cfg_dns_name_cmd, "dns name NAME " VTY_IPV46_CMD,
      DNS_NAME_STR "Its address, or one more of them\nIts address, or one more of them\n")
{
	return result(vty, network_dns_name(g_sim->net, argv[0], argv[1]));
}

DEFUN(cfg_no_dns_name, cfg_no_dns_name_cmd, "no dns name NAME", NO_STR DNS_NAME_STR)
{
	return result(vty, network_dns_forget(g_sim->net, argv[0]));
}

static void dns_write(struct vty *vty)
{
	char *text = network_dns_config(g_sim->net, g_sim), *line, *save = NULL;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		vty_out(vty, " %s%s", line, VTY_NEWLINE);
	talloc_free(text);
}

static int network_write(struct vty *vty)
{
	const struct sim_subscriber *s;
	const struct sim_route *r;
	unsigned i;

	vty_out(vty, "network%s", VTY_NEWLINE);
	if (g_sim->external)
		vty_out(vty, " external %s%s", g_sim->external, VTY_NEWLINE);
	for (i = 0; i < g_sim->n_listen; i++) {
		const struct sim_listen *l = &g_sim->listen[i];

		vty_out(vty, " smpp listen %s %u%s%s%s", l->ip, l->port, l->password[0] ? " password " : "",
			l->password, VTY_NEWLINE);
	}
	if (network_src_imsi(g_sim->net))
		vty_out(vty, " deliver-src-imsi%s", VTY_NEWLINE);
	if (network_report(g_sim->net))
		vty_out(vty, " report-in-response%s", VTY_NEWLINE);
	dns_write(vty);
	llist_for_each_entry(r, &g_sim->routes, entry)
		vty_out(vty, " route prefix %s system-id %s%s", r->prefix, r->system_id, VTY_NEWLINE);
	llist_for_each_entry(s, &g_sim->subscribers, entry) {
		vty_out(vty, " subscriber imsi %s msisdn %s", s->imsi, s->msisdn);
		/* a test network's keys, which its owner typed in, go back only into the file they came from: what a
		 * terminal is shown stays in its scrollback and in pastes (design P6) */
		if (s->has_key && vty->type != VTY_FILE) {
			vty_out(vty, " k (hidden) opc (hidden)");
		} else if (s->has_key) {
			vty_out(vty, " k %s", osmo_hexdump_nospc(s->k, 16));
			vty_out(vty, " opc %s", osmo_hexdump_nospc(s->opc, 16));
		}
		vty_out(vty, "%s", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

/* --- sim --- */

DEFUN(cfg_sim, cfg_sim_cmd, "sim", "The simulated terminals and eUICCs\n")
{
	vty->node = SIM_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_autostart, cfg_autostart_cmd, "autostart", "Power on all cards of the state file at start\n")
{
	g_sim->autostart = true;
	return CMD_SUCCESS;
}

DEFUN(cfg_no_autostart, cfg_no_autostart_cmd, "no autostart", NO_STR "Power on only the cards that were on before\n")
{
	g_sim->autostart = false;
	return CMD_SUCCESS;
}

DEFUN(cfg_start_rate, cfg_start_rate_cmd, "start-rate <1-10000>",
      "Cards powered on in one turn of the loop\nNumber of cards\n")
{
	g_sim->start_rate = atoi(argv[0]);
	return CMD_SUCCESS;
}

static const struct { const char *name; size_t off;
} timers[] = {
	{"attach", offsetof(struct card_cfg, attach_s)},
	{"confirm", offsetof(struct card_cfg, confirm_s)},
	{"repeat", offsetof(struct card_cfg, repeat_s)},
	{"fall-back", offsetof(struct card_cfg, fallback_s)},
	{"https-idle", offsetof(struct card_cfg, http_idle_s)},
	{"https-retry", offsetof(struct card_cfg, http_delay_s)},
	{"cat-tp-idle", offsetof(struct card_cfg, cattp_idle_s)},
};

static unsigned *timer_value(unsigned i)
{
	return (unsigned *)((char *)&g_sim->env->cfg + timers[i].off);
}

DEFUN(cfg_timer, cfg_timer_cmd, "timer (attach|confirm|repeat|fall-back|https-idle|https-retry|cat-tp-idle) <0-86400>",
      "Timers of the cards\n"
      "Roll-back when an enabled profile has not attached by then\n"
      "Roll-back when the notification of a profile change has not been confirmed by then\n"
      "A notification is sent again after this time\n"
      "Fall-back after this time without service, 0: never\n"
      "HTTPS: a silent server is given up\n"
      "HTTPS: wait before a new attempt\n"
      "CAT_TP: a link without data is closed, 0: never\nSeconds\n")
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(timers); i++)
		if (!strcmp(argv[0], timers[i].name))
			*timer_value(i) = atoi(argv[1]);
	return CMD_SUCCESS;
}

DEFUN(cfg_repeats, cfg_repeats_cmd, "notification repeats <0-100>",
      "Notifications to the SM-SR\nHow often one is sent again before it counts as lost\nTimes\n")
{
	g_sim->env->cfg.repeats = atoi(argv[0]);
	return CMD_SUCCESS;
}

static const struct value_string notify_names[] = {
	{ CARD_NOTIFY_SMS, "sms" }, { CARD_NOTIFY_HTTPS, "https" }, { CARD_NOTIFY_AUTO, "auto" }, { }
};

DEFUN(cfg_bearer, cfg_bearer_cmd, "notification bearer (sms|https|auto)",
      "Notifications to the SM-SR\nHow they are sent\nShort message (SGP.02 3.15.1)\nHTTPS session (SGP.02 3.15.2)\n"
      "Short message first, HTTPS when that is refused or not confirmed\n")
{
	g_sim->env->cfg.notify = get_string_value(notify_names, argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_level, cfg_level_cmd, "card security-level (sgp02|none)",
      "Cards\nMinimum security of packets for the ISD-R\nCounter higher, ciphered, with checksum (SGP.02 2.4.3)\n"
      "Any, for tests of SCP80: whoever reaches the card commands it\n")
{
	g_sim->env->cfg.msl_none = argv[0][0] == 'n';
	return CMD_SUCCESS;
}

DEFUN(cfg_dialect, cfg_dialect_cmd, "card dialect (book|whty-2016|odd|mixed)",
      "Cards\nWhat they do where the specification leaves a choice\nAs recommended\nAs cards of 2016: AID tag 4F, AF "
      "answers\n"
      "The choices less made, each card its own by its EID\nEach card one of these, by its EID\n")
{
	g_sim->env->cfg.dialect = get_string_value(card_dialect_names, argv[0]);
	return CMD_SUCCESS;
}

static int sim_write(struct vty *vty)
{
	const struct card_cfg *cfg = &g_sim->env->cfg;
	struct card_cfg def;
	unsigned i;

	card_cfg_default(&def);
	vty_out(vty, "sim%s", VTY_NEWLINE);
	vty_out(vty, " %sautostart%s", g_sim->autostart ? "" : "no ", VTY_NEWLINE);
	vty_out(vty, " start-rate %u%s", g_sim->start_rate, VTY_NEWLINE);
	for (i = 0; i < ARRAY_SIZE(timers); i++)
		if (*timer_value(i) != *(unsigned *)((char *)&def + timers[i].off))
			vty_out(vty, " timer %s %u%s", timers[i].name, *timer_value(i), VTY_NEWLINE);
	if (cfg->repeats != def.repeats)
		vty_out(vty, " notification repeats %u%s", cfg->repeats, VTY_NEWLINE);
	if (cfg->notify != def.notify)
		vty_out(vty, " notification bearer %s%s", get_value_string(notify_names, cfg->notify), VTY_NEWLINE);
	if (cfg->msl_none)
		vty_out(vty, " card security-level none%s", VTY_NEWLINE);
	if (cfg->dialect != def.dialect)
		vty_out(vty, " card dialect %s%s", get_value_string(card_dialect_names, cfg->dialect), VTY_NEWLINE);
	euicc_vty_fault_write(vty);
	return CMD_SUCCESS;
}

/* --- commands --- */

static struct sim_slot *slot_arg(struct vty *vty, const char *text)
{
	struct sim_slot *slot = NULL;
	struct eid eid;

	if (eid_from_str(&eid, text) == 0)
		slot = sim_slot(g_sim, &eid);
	if (!slot)
		vty_out(vty, "%% no such eUICC%s", VTY_NEWLINE);
	return slot;
}

DEFUN(euicc_power, euicc_power_cmd, "euicc EID power (on|off)",
      EUICC_STR "Switch its terminal\nOn: resets the card, attaches\nOff: as if the battery were taken out\n")
{
	struct sim_slot *slot = slot_arg(vty, argv[0]);

	return slot ? result(vty, sim_power(g_sim, slot, !strcmp(argv[1], "on"))) : CMD_WARNING;
}

DEFUN(euicc_service, euicc_service_cmd, "euicc EID service (on|off)",
      EUICC_STR "Radio coverage\nThe terminal attaches again\nNo network reaches the terminal\n")
{
	struct sim_slot *slot = slot_arg(vty, argv[0]);

	if (!slot || !slot->terminal)
		return CMD_WARNING;
	terminal_set_service(slot->terminal, !strcmp(argv[1], "on"));
	return CMD_SUCCESS;
}

DEFUN(inject_sms, inject_sms_cmd, "inject sms MSISDN FROM HEX",
      "Put something into the network by hand\nMobile terminated short message for the card\nReceiver\nSender\n"
      "User data with its header, hex digits\n")
{
	uint8_t ud[140];
	int n = hex_dec(ud, sizeof(ud), argv[2]);

	return result(vty, n < 0 ? n : network_inject_mt(g_sim->net, argv[0], argv[1], true, ud, n));
}

static void commands_init(void)
{
	install_element(ENABLE_NODE, &euicc_power_cmd);
	install_element(ENABLE_NODE, &euicc_service_cmd);
	install_element(ENABLE_NODE, &inject_sms_cmd);
}

void euicc_vty_init(struct sim *s)
{
	g_sim = s;
	install_element(CONFIG_NODE, &cfg_network_cmd);
	install_node(&network_node, network_write);
	install_element(NETWORK_NODE, &cfg_smpp_cmd);
	install_element(NETWORK_NODE, &cfg_smpp_open_cmd);
	install_element(NETWORK_NODE, &cfg_subscriber_cmd);
	install_element(NETWORK_NODE, &cfg_subscriber_key_cmd);
	install_element(NETWORK_NODE, &cfg_no_subscriber_cmd);
	install_element(NETWORK_NODE, &cfg_src_imsi_cmd);
	install_element(NETWORK_NODE, &cfg_no_src_imsi_cmd);
	install_element(NETWORK_NODE, &cfg_report_cmd);
	install_element(NETWORK_NODE, &cfg_no_report_cmd);
	install_element(NETWORK_NODE, &cfg_route_cmd);
	install_element(NETWORK_NODE, &cfg_external_cmd);
	install_element(NETWORK_NODE, &cfg_dns_cmd);
	install_element(NETWORK_NODE, &cfg_dns_name_cmd);
	install_element(NETWORK_NODE, &cfg_no_dns_name_cmd);
	install_element(NETWORK_NODE, &cfg_no_external_cmd);
	install_element(CONFIG_NODE, &cfg_sim_cmd);
	install_node(&sim_node, sim_write);
	install_element(SIM_NODE, &cfg_autostart_cmd);
	install_element(SIM_NODE, &cfg_no_autostart_cmd);
	install_element(SIM_NODE, &cfg_start_rate_cmd);
	install_element(SIM_NODE, &cfg_timer_cmd);
	install_element(SIM_NODE, &cfg_repeats_cmd);
	install_element(SIM_NODE, &cfg_bearer_cmd);
	install_element(SIM_NODE, &cfg_dialect_cmd);
	install_element(SIM_NODE, &cfg_level_cmd);
	commands_init();
	euicc_vty_fault_init(s, SIM_NODE);
	euicc_vty_show_init(s);
}

/* Configuration of the way to cards by SMS: node smsc, one for each SMSC, and the limits under node smsr; their state
 * on CTRL.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/core/utils.h>
#include <osmocom/ctrl/control_cmd.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/misc.h>
#include <osmocom/vty/vty.h>

#include "smsr.h"
#include "smsr_vty.h"

/* --- node smsc ---------------------------------------------------------------------------------------------------- */

static struct cmd_node smsc_node = { SMSC_NODE, "%s(config-smsc)# ", 1 };

static struct smsr_smsc *find(const char *name)
{
	struct smsr_smsc *c;

	llist_for_each_entry(c, &g_smsr->cfg.smscs, entry)
		if (!strcmp(c->cfg.name, name))
			return c;
	return NULL;
}

/* Settings count at once, those of the connection itself with the next one. */
static int apply(struct vty *vty)
{
	const struct smsr_smsc *c = vty->index;
	int rc = smsr_smsc_apply(g_smsr, c);

	if (rc == 0)
		return CMD_SUCCESS;
	vty_out(vty, "%% smsc %s: %s%s", c->cfg.name, strerror(-rc), VTY_NEWLINE);
	return CMD_WARNING;
}

static struct smsc_cfg *cur(struct vty *vty)
{
	struct smsr_smsc *c = vty->index;

	return &c->cfg;
}

static int text(struct vty *vty, char *field, size_t size, const char *value)
{
	if (strlen(value) >= size) {
		vty_out(vty, "%% longer than %zu characters%s", size - 1, VTY_NEWLINE);
		return CMD_WARNING;
	}
	osmo_strlcpy(field, value, size);
	return apply(vty);
}

#define SMSC_HELP "Link to an SMSC\nName\n"

DEFUN(cfg_smsc, cfg_smsc_cmd, "smsc NAME", SMSC_HELP)
{
	struct smsr_smsc *c = find(argv[0]);

	if (!c)
		c = smsr_smsc_new(g_smsr, argv[0]);
	if (!c) {
		vty_out(vty, "%% name too long, or more than %u of them%s", SMSC_MAX, VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty->index = c;
	vty->node = SMSC_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_no_smsc, cfg_no_smsc_cmd, "no smsc NAME", NO_STR SMSC_HELP)
{
	struct smsr_smsc *c = find(argv[0]);

	if (!c) {
		vty_out(vty, "%% no such SMSC: %s%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	smsr_smsc_del(g_smsr, c);
	return CMD_SUCCESS;
}

DEFUN(cfg_smsc_host, cfg_smsc_host_cmd, "host (A.B.C.D|X:X::X:X) <1-65535>",
      "Where it listens\nIPv4\nIPv6\nPort\n")
{
	cur(vty)->link.port = atoi(argv[1]);
	return text(vty, cur(vty)->link.host, sizeof(cur(vty)->link.host), argv[0]);
}

DEFUN(cfg_smsc_id, cfg_smsc_id_cmd, "system-id NAME", "Name we bind with\nName\n")
{
	return text(vty, cur(vty)->link.system_id, sizeof(cur(vty)->link.system_id), argv[0]);
}

DEFUN(cfg_smsc_type, cfg_smsc_type_cmd, "system-type TYPE", "system_type we bind with\nType\n")
{
	return text(vty, cur(vty)->link.system_type, sizeof(cur(vty)->link.system_type), argv[0]);
}

DEFUN(cfg_smsc_password, cfg_smsc_password_cmd, "password WORD",
      "Password we bind with\nPassword, 8 characters at most\n")
{
	if (!strcmp(argv[0], SMSR_VTY_MASKED)) {
		vty_out(vty, "%% that is how a password is shown, not one: the old one stays%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	return text(vty, cur(vty)->link.password, sizeof(cur(vty)->link.password), argv[0]);
}

DEFUN(cfg_smsc_number, cfg_smsc_number_cmd, "number NUMBER", "Our number there, instead of 'sms number'\nDigits\n")
{
	if (!digits_valid(argv[0], 1, 20)) {
		vty_out(vty, "%% not digits%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	return text(vty, cur(vty)->number, sizeof(cur(vty)->number), argv[0]);
}

DEFUN(cfg_smsc_mode, cfg_smsc_mode_cmd, "mode (transaction|store-and-forward)",
      "What an answer of the SMSC means\nThe card has the message\nThe SMSC has it; a delivery receipt follows\n")
{
	cur(vty)->mode = argv[0][0] == 's' ? SMSC_STORE : SMSC_TRANSACTION;
	return apply(vty);
}

DEFUN(cfg_smsc_operation, cfg_smsc_operation_cmd, "operation (submit-sm|data-sm)",
      "PDU for messages\nAs usual\nInstead\n")
{
	cur(vty)->data_sm = argv[0][0] == 'd';
	return apply(vty);
}

static int route(struct vty *vty, const char *prefix, int priority)
{
	struct smsc_cfg *c = cur(vty);
	unsigned i;

	if (prefix[0] && !digits_valid(prefix, 1, 15)) {
		vty_out(vty, "%% not 1 to 15 digits%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	for (i = 0; i < c->n_routes && strcmp(c->routes[i].prefix, prefix); i++)
		;
	if (priority < 0) {
		if (i == c->n_routes) {
			vty_out(vty, "%% no such route%s", VTY_NEWLINE);
			return CMD_WARNING;
		}
		c->routes[i] = c->routes[--c->n_routes];
		return apply(vty);
	}
	if (i == SMSC_ROUTES_MAX) {
		vty_out(vty, "%% %u routes are the most%s", SMSC_ROUTES_MAX, VTY_NEWLINE);
		return CMD_WARNING;
	}
	if (i == c->n_routes)
		c->n_routes++;
	OSMO_STRLCPY_ARRAY(c->routes[i].prefix, prefix);
	c->routes[i].priority = priority;
	return apply(vty);
}

#define ROUTE_HELP "Numbers that go here; without any, every number that no other SMSC serves\n" \
	"Numbers that begin so\nDigits\n"
#define PRIORITY_HELP "Which of several: lower first, the next when it is not bound\nPriority\n"

DEFUN(cfg_smsc_route, cfg_smsc_route_cmd, "route prefix DIGITS priority <0-255>", ROUTE_HELP PRIORITY_HELP)
{
	return route(vty, argv[0], atoi(argv[1]));
}

DEFUN(cfg_smsc_no_route, cfg_smsc_no_route_cmd, "no route prefix DIGITS", NO_STR ROUTE_HELP)
{
	return route(vty, argv[0], -1);
}

DEFUN(cfg_smsc_default, cfg_smsc_default_cmd, "default-route priority <0-255>",
      "Numbers that no longer prefix has\n" PRIORITY_HELP)
{
	return route(vty, "", atoi(argv[0]));
}

DEFUN(cfg_smsc_no_default, cfg_smsc_no_default_cmd, "no default-route", NO_STR "Numbers that no longer prefix has\n")
{
	return route(vty, "", -1);
}

#define SMSC_NUMBER(name, cmd, help, field) \
	DEFUN(cfg_smsc_##name, cfg_smsc_##name##_cmd, cmd, help) \
	{ \
		cur(vty)->field = atoi(argv[0]); \
		return apply(vty); \
	}

SMSC_NUMBER(window, "window <1-1000>", "Messages that may be unanswered\nMessages\n", link.window)
SMSC_NUMBER(enquire, "enquire-link <1-3600>",
	    "Ask whether it is there after so much silence; two unanswered end the link\nSeconds\n", link.enquire_s)
SMSC_NUMBER(resp, "response-timeout <1-300>", "For its answers; transaction mode includes paging\nSeconds\n",
	    link.resp_timeout_s)
SMSC_NUMBER(rate, "rate <0-10000>", "Messages it takes\nA second, 0: as many as the window lets through\n", rate)
SMSC_NUMBER(validity, "validity <60-604800>", "In store-and-forward mode, how long it tries\nSeconds\n", validity_s)

DEFUN(cfg_smsc_shutdown, cfg_smsc_shutdown_cmd, "shutdown", "Unbind; its numbers go by the next route\n")
{
	cur(vty)->shutdown = true;
	return apply(vty);
}

DEFUN(cfg_smsc_no_shutdown, cfg_smsc_no_shutdown_cmd, "no shutdown", NO_STR "Connect\n")
{
	cur(vty)->shutdown = false;
	return apply(vty);
}

static void write_number(struct vty *vty, const char *key, unsigned v)
{
	if (v)
		vty_out(vty, " %s %u%s", key, v, VTY_NEWLINE);
}

static void write_text(struct vty *vty, const char *key, const char *v)
{
	if (v[0])
		vty_out(vty, " %s %s%s", key, v, VTY_NEWLINE);
}

static void write_smsc(struct vty *vty, const struct smsc_cfg *c)
{
	vty_out(vty, "smsc %s%s", c->name, VTY_NEWLINE);
	if (c->link.host[0])
		vty_out(vty, " host %s %u%s", c->link.host, c->link.port, VTY_NEWLINE);
	write_text(vty, "system-id", c->link.system_id);
	if (c->link.password[0])	/* for the file, not for a screen */
		write_text(vty, "password", vty->type == VTY_FILE ? c->link.password : SMSR_VTY_MASKED);
	write_text(vty, "system-type", c->link.system_type);
	write_text(vty, "number", c->number);
	if (c->mode == SMSC_STORE)
		vty_out(vty, " mode store-and-forward%s", VTY_NEWLINE);
	if (c->data_sm)
		vty_out(vty, " operation data-sm%s", VTY_NEWLINE);
	for (unsigned i = 0; i < c->n_routes; i++) {
		const struct smsc_route *r = &c->routes[i];

		vty_out(vty, r->prefix[0] ? " route prefix %s" : " default-route", r->prefix);
		vty_out(vty, " priority %u%s", r->priority, VTY_NEWLINE);
	}
	write_number(vty, "window", c->link.window);
	write_number(vty, "enquire-link", c->link.enquire_s);
	write_number(vty, "response-timeout", c->link.resp_timeout_s);
	write_number(vty, "rate", c->rate);
	write_number(vty, "validity", c->validity_s);
	if (c->shutdown)
		vty_out(vty, " shutdown%s", VTY_NEWLINE);
}

static int config_write_smscs(struct vty *vty)
{
	const struct smsr_smsc *c;

	llist_for_each_entry(c, &g_smsr->cfg.smscs, entry)
		write_smsc(vty, &c->cfg);
	return CMD_SUCCESS;
}

/* --- limits, under node smsr --------------------------------------------------------------------------------------- */

#define SMS_LIMIT(name, cmd, help, field) \
	DEFUN(cfg_sms_##name, cfg_sms_##name##_cmd, "sms " cmd, "SMS to cards\n" help) \
	{ \
		g_smsr->cfg.sms_limits.field = atoi(argv[0]); \
		if (g_smsr->sms) \
			sms_port_limits_set(g_smsr->sms, &g_smsr->cfg.sms_limits); \
		return CMD_SUCCESS; \
	}

SMS_LIMIT(queue, "queue <1-1000000>", "Messages waiting or on their way, of all cards\nMessages (20000)\n", queue)
SMS_LIMIT(per_number, "queue-per-number <1-1000>", "The same, of one number\nMessages (16)\n", per_number)
SMS_LIMIT(rate, "rate-per-number <0-6000>", "Messages to one number\nA minute, 0: no limit\n", number_rate)
SMS_LIMIT(halves, "reassembly-max <1-100000>",
	  "Half-received packets, the oldest makes room; takes effect at the next start\nPackets (1000)\n", halves)
SMS_LIMIT(age, "reassembly-age <1-86400>",
	  "How long a half-received packet is kept; takes effect at the next start\nSeconds (120)\n", half_age_s)

void smsr_vty_smsc_write_limits(struct vty *vty)
{
	const struct sms_port_limits *l = &g_smsr->cfg.sms_limits;

	write_number(vty, "sms queue", l->queue);
	write_number(vty, "sms queue-per-number", l->per_number);
	write_number(vty, "sms rate-per-number", l->number_rate);
	write_number(vty, "sms reassembly-max", l->halves);
	write_number(vty, "sms reassembly-age", l->half_age_s);
}

/* --- CTRL ---------------------------------------------------------------------------------------------------------- */

CTRL_CMD_DEFINE_RO(smsc, "smsc");
static int get_smsc(struct ctrl_cmd *cmd, void *data)
{
	cmd->reply = g_smsr->sms ? sms_port_states(g_smsr->sms, cmd) : talloc_strdup(cmd, "");
	return CTRL_CMD_REPLY;
}

void smsr_vty_smsc_ctrl(void)
{
	ctrl_cmd_install(CTRL_NODE_ROOT, &cmd_smsc);
}

void smsr_vty_smsc_init(void)
{
	install_element(CONFIG_NODE, &cfg_smsc_cmd);
	install_element(CONFIG_NODE, &cfg_no_smsc_cmd);
	install_node(&smsc_node, config_write_smscs);
	install_element(SMSC_NODE, &cfg_smsc_host_cmd);
	install_element(SMSC_NODE, &cfg_smsc_id_cmd);
	install_element(SMSC_NODE, &cfg_smsc_type_cmd);
	install_element(SMSC_NODE, &cfg_smsc_password_cmd);
	install_element(SMSC_NODE, &cfg_smsc_number_cmd);
	install_element(SMSC_NODE, &cfg_smsc_mode_cmd);
	install_element(SMSC_NODE, &cfg_smsc_operation_cmd);
	install_element(SMSC_NODE, &cfg_smsc_route_cmd);
	install_element(SMSC_NODE, &cfg_smsc_no_route_cmd);
	install_element(SMSC_NODE, &cfg_smsc_default_cmd);
	install_element(SMSC_NODE, &cfg_smsc_no_default_cmd);
	install_element(SMSC_NODE, &cfg_smsc_window_cmd);
	install_element(SMSC_NODE, &cfg_smsc_enquire_cmd);
	install_element(SMSC_NODE, &cfg_smsc_resp_cmd);
	install_element(SMSC_NODE, &cfg_smsc_rate_cmd);
	install_element(SMSC_NODE, &cfg_smsc_validity_cmd);
	install_element(SMSC_NODE, &cfg_smsc_shutdown_cmd);
	install_element(SMSC_NODE, &cfg_smsc_no_shutdown_cmd);
	install_element(SMSR_NODE, &cfg_sms_queue_cmd);
	install_element(SMSR_NODE, &cfg_sms_per_number_cmd);
	install_element(SMSR_NODE, &cfg_sms_rate_cmd);
	install_element(SMSR_NODE, &cfg_sms_halves_cmd);
	install_element(SMSR_NODE, &cfg_sms_age_cmd);
}

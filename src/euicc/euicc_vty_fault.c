/* VTY of the simulator: what goes wrong on purpose, with all cards, with one, in the network.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/ids.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

#include "card_env.h"
#include "euicc_vty.h"
#include "faults.h"
#include "network.h"
#include "sim.h"

#define FAULT_STR "Something goes wrong\n"
#define NAME_STR "Name, as `show faults` lists them\n"
#define VALUE_STR "Value, unit as `show faults` says, 0: off\n"

static struct sim *g_sim;	/* set once at start */

static int result(struct vty *vty, int rc)
{
	if (rc >= 0)
		return CMD_SUCCESS;
	vty_out(vty, "%% %s%s", strerror(-rc), VTY_NEWLINE);
	return CMD_WARNING;
}

/* enum fault_id, or negative and said so. */
static int fault_arg(struct vty *vty, const char *name)
{
	int id = fault_find(name);

	if (id < 0)
		vty_out(vty, "%% no fault is called %s: see `show faults`%s", name, VTY_NEWLINE);
	return id;
}

/* --- all cards --- */

DEFUN(fault_all, fault_all_cmd, "fault NAME <0-1000000>", FAULT_STR NAME_STR VALUE_STR)
{
	int id = fault_arg(vty, argv[0]);

	if (id < 0)
		return CMD_WARNING;
	fault_set(g_sim->env->faults, id, atoi(argv[1]));
	return CMD_SUCCESS;
}

DEFUN(fault_seed, fault_seed_cmd, "fault-seed <0-2147483647>",
      "The dice of all faults begin anew, so that a run can be repeated\nSeed\n")
{
	sim_fault_seed(g_sim, atoi(argv[0]));
	return CMD_SUCCESS;
}

/* --- shorter words for some of them --- */

DEFUN(fault_network, fault_network_cmd, "fault network NAME <0-1000000>",
      FAULT_STR "In the network\nloss, loss-ack, loss-mo, duplicate (percent), delay (ms), seed\nValue, 0: off\n")
{
	return result(vty, network_fault_set(g_sim->net, argv[0], atoi(argv[1])));
}

DEFUN(fault_refuse, fault_refuse_cmd, "fault refuse IMSI (on|off)",
      FAULT_STR "The network does not let this subscriber attach, or stay\nIMSI\nFrom now on\nNo longer\n")
{
	return result(vty, network_subscriber_refuse(g_sim->net, argv[0], !strcmp(argv[1], "on")));
}

DEFUN(fault_card, fault_card_cmd, "fault card (receipt|memory|tamper|no-por) (on|off)",
      FAULT_STR "On every card\nKey establishment receipt is wrong\nCreateISDP finds no memory\n"
      "Profile segments are damaged before they are checked\nNo proof of receipt is sent\nFrom now on\nNo longer\n")
{
	int id = strcmp(argv[0], "no-por") ? fault_find(argv[0]) : FAULT_POR_NONE;

	fault_set(g_sim->env->faults, id, strcmp(argv[1], "on") ? 0 : id == FAULT_POR_NONE ? 100 : 1);
	return CMD_SUCCESS;
}

/* --- one card --- */

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

DEFUN(euicc_fault, euicc_fault_cmd, "euicc EID fault NAME (<0-1000000>|default)",
      "One simulated eUICC\nEID, 32 digits\nSomething goes wrong with this one\n" NAME_STR VALUE_STR
      "What holds for all\n")
{
	struct sim_slot *slot = slot_arg(vty, argv[0]);
	int id = slot ? fault_arg(vty, argv[1]) : -ENOENT;

	if (id < 0)
		return CMD_WARNING;
	if (id >= FAULT_SMSC_THROTTLE) {
		vty_out(vty, "%% of the SMSC, not of one card%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	if (!strcmp(argv[2], "default"))
		fault_unset(sim_faults(g_sim, slot), id);
	else
		fault_set(sim_faults(g_sim, slot), id, atoi(argv[2]));
	return CMD_SUCCESS;
}

/* --- the SMSC --- */

DEFUN(smsc_restart, smsc_restart_cmd, "smsc restart <0-3600>",
      "The network's SMSC\nIt closes all connections\nSeconds until it takes connections again\n")
{
	network_smsc_restart(g_sim->net, atoi(argv[0]));
	return CMD_SUCCESS;
}

/* --- show, write --- */

static void faults_out(struct vty *vty, const struct faults *f, bool all)
{
	int i;

	for (i = 0; i < FAULT_COUNT; i++)
		if (all || fault(f, i) || fault_count(f, i))
			vty_out(vty, "%-16s %7u%s struck %lu: %s%s", fault_name(i), fault(f, i),
				!all && fault_is_set(f, i) ? " (own)" : "", fault_count(f, i), fault_text(i),
				VTY_NEWLINE);
}

DEFUN(show_faults, show_faults_cmd, "show faults",
      SHOW_STR "What goes wrong on purpose with all cards, and how often it has\n")
{
	faults_out(vty, g_sim->env->faults, true);
	return CMD_SUCCESS;
}

DEFUN(show_faults_eid, show_faults_eid_cmd, "show faults EID",
      SHOW_STR "What goes wrong on purpose, and how often it has\nEID, 32 digits\n")
{
	struct sim_slot *slot = slot_arg(vty, argv[0]);

	if (!slot)
		return CMD_WARNING;
	faults_out(vty, sim_faults(g_sim, slot), false);
	return CMD_SUCCESS;
}

void euicc_vty_fault_write(struct vty *vty)
{
	int i;

	if (g_sim->fault_seed)
		vty_out(vty, " fault-seed %u%s", g_sim->fault_seed, VTY_NEWLINE);
	for (i = 0; i < FAULT_COUNT; i++)
		if (fault(g_sim->env->faults, i))
			vty_out(vty, " fault %s %u%s", fault_name(i), fault(g_sim->env->faults, i), VTY_NEWLINE);
}

void euicc_vty_fault_init(struct sim *s, int node)
{
	g_sim = s;
	install_element(node, &fault_all_cmd);
	install_element(node, &fault_seed_cmd);
	install_element(ENABLE_NODE, &fault_all_cmd);
	install_element(ENABLE_NODE, &fault_seed_cmd);
	install_element(ENABLE_NODE, &fault_network_cmd);
	install_element(ENABLE_NODE, &fault_refuse_cmd);
	install_element(ENABLE_NODE, &fault_card_cmd);
	install_element(ENABLE_NODE, &euicc_fault_cmd);
	install_element(ENABLE_NODE, &smsc_restart_cmd);
	install_element_ve(&show_faults_cmd);
	install_element_ve(&show_faults_eid_cmd);
}

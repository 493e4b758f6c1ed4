/* Show and operate: eUICCs, procedures, links. Keys appear as key check values only. A command that changes a card goes
 * the way ES4 goes, as party 'vty', and only with allow-operate (corrections 8).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/sms/sms_port.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

#include "proc.h"
#include "smsr.h"
#include "smsr_vty.h"

#define LIST_MAX	1000
#define TIMELINE_MAX	200
#define PROCS_MAX	10

#define EUICC_HELP "eUICCs\n"
#define EID_HELP "32 digits\n"

static bool started(struct vty *vty)
{
	if (!g_smsr->euiccs)
		vty_out(vty, "%% not started%s", VTY_NEWLINE);
	return g_smsr->euiccs;
}

struct euicc *smsr_vty_euicc_find(struct vty *vty, const char *text)
{
	struct euicc *e = NULL;
	struct eid eid;

	if (!started(vty))
		return NULL;
	if (eid_from_str(&eid, text) < 0)
		vty_out(vty, "%% not an EID: %s%s", text, VTY_NEWLINE);
	else if (!(e = euicc_get(g_smsr->euiccs, &eid)))
		vty_out(vty, "%% unknown: %s%s", text, VTY_NEWLINE);
	return e;
}

DEFUN(show_euiccs, show_euiccs_cmd, "show euicc", SHOW_STR EUICC_HELP)
{
	struct eid eid[64], *after = NULL;
	char text[EID_STR_SIZE];
	unsigned total = 0;
	size_t n;

	if (!started(vty))
		return CMD_WARNING;
	while (total < LIST_MAX && (n = smsr_db_eids(g_smsr->db, after, eid, ARRAY_SIZE(eid))) > 0) {
		struct eid last = eid[n - 1];

		for (size_t i = 0; i < n; i++)
			vty_out(vty, "%s%s", eid_str(text, &eid[i]), VTY_NEWLINE);
		total += n;
		eid[0] = last;
		after = &eid[0];
	}
	vty_out(vty, "%u eUICC(s)%s%s", total, total >= LIST_MAX ? ", the list is cut" : "", VTY_NEWLINE);
	return CMD_SUCCESS;
}

static void show_record(struct vty *vty, const struct euicc *e)
{
	const struct eis_fix *f = &e->eis->fix;
	char t[CLOCK_STR_SIZE];

	vty_out(vty, "EID %s%s", e->eis->eid_str, VTY_NEWLINE);
	vty_out(vty, " EUM %s, produced %s, %s %s, remote provisioning %s%s", f->eum_id,
		clock_str(t, f->production_date), f->platform_type, f->platform_version, f->remote_provisioning_version,
		VTY_NEWLINE);
	vty_out(vty, " bearers: SMS%s%s%s", f->http ? ", HTTPS" : "", f->cattp ? ", CAT_TP" : "",
		VTY_NEWLINE);
	vty_out(vty, " memory: %u remaining, %u for profiles%s", f->remaining_memory, f->available_memory, VTY_NEWLINE);
	vty_out(vty, " %s%s%s%s", e->eis->declared ? "declared" : "not yet declared", e->eis->imei[0] ? ", IMEI " : "",
		e->eis->imei, VTY_NEWLINE);
	if (f->last_audit)
		vty_out(vty, " last audit %s%s", clock_str(t, f->last_audit), VTY_NEWLINE);
	if (e->eis->uncertain)
		vty_out(vty, " UNCERTAIN since %s%s", clock_str(t, e->eis->uncertain_since), VTY_NEWLINE);
	if (e->eis->audit_due)
		vty_out(vty, " audit due%s", VTY_NEWLINE);
	if (e->held)
		vty_out(vty, " held for the download of %s by %s until %s%s", e->hold.iccid, e->hold.party,
			clock_str(t, e->hold.until), VTY_NEWLINE);
}

static void show_profiles(struct vty *vty, const struct euicc *e)
{
	const struct eis_profile *p;
	char aid[AID_STR_SIZE];

	vty_out(vty, "Profiles%s", VTY_NEWLINE);
	llist_for_each_entry(p, &e->eis->profiles, entry) {
		vty_out(vty, " %s %s%s, AID %s, owner %s%s%s%s", p->i.iccid, eis_pstate_name(p->state),
			p->i.fallback ? " (fall-back)" : p->emergency ? " (emergency)" : "",
			aid_str(aid, &p->i.isdp_aid), p->i.mno_id,
			p->i.smdp_id[0] ? ", SM-DP " : "", p->i.smdp_id, VTY_NEWLINE);
		vty_out(vty, "  IMSI %s, MSISDN %s, type '%s', %u octets%s", p->i.addr.imsi[0] ? p->i.addr.imsi : "-",
			p->i.addr.msisdn[0] ? p->i.addr.msisdn : "-", p->i.profile_type, p->i.allocated_memory,
			VTY_NEWLINE);
		for (size_t i = 0; i < p->i.n_pol2; i++)
			vty_out(vty, "  POL2 %s %s %s%s", p->i.pol2[i].subject, p->i.pol2[i].action,
				p->i.pol2[i].qualification, VTY_NEWLINE);
	}
}

static void show_keys(struct vty *vty, const struct euicc *e)
{
	struct smsr_db_key_info k[32];
	size_t n = smsr_db_key_list(g_smsr->db, &e->eis->fix.eid, k, ARRAY_SIZE(k));

	vty_out(vty, "Keys of the ISD-R%s", VTY_NEWLINE);
	for (size_t i = 0; i < n; i++)
		vty_out(vty, " version %02X key %u type %02X KCV %02X%02X%02X counter %" PRIu64 "%s", k[i].kvn,
			k[i].kid, k[i].type, k[i].kcv[0], k[i].kcv[1], k[i].kcv[2], k[i].cntr, VTY_NEWLINE);
}

static void show_proc_row(struct vty *vty, const struct smsr_proc_row *r)
{
	static const char *const state[] = { "waits", "active", "ended" };
	char from[CLOCK_STR_SIZE], to[CLOCK_STR_SIZE];

	vty_out(vty, " %s#%" PRId64 " %s %s %s, by %s, until %s%s%s%s%s", proc_kind_name(r->kind), r->id,
		clock_str(from, r->started), r->iccid, state[OSMO_MIN(r->state, 2)], r->requester,
		clock_str(to, r->deadline), r->sent ? ", sent" : "", r->outcome[0] ? ": " : "", r->outcome,
		VTY_NEWLINE);
}

static void show_line(void *arg, const struct smsr_audit *a)
{
	struct vty *vty = arg;
	char t[CLOCK_STR_SIZE];

	vty_out(vty, " %s %s", clock_str(t, a->at), a->procedure);
	if (a->proc_id)
		vty_out(vty, "#%" PRId64, a->proc_id);
	vty_out(vty, " %s", a->operation);
	if (!strcmp(a->operation, "asked") && a->who)
		vty_out(vty, " by %s", a->who);
	vty_out(vty, "%s%s%s%s%s", a->outcome ? ": " : "", a->outcome ? a->outcome : "", a->card ? " " : "",
		a->card ? a->card : "", VTY_NEWLINE);
}

DEFUN(show_euicc, show_euicc_cmd, "show euicc EID", SHOW_STR EUICC_HELP EID_HELP)
{
	struct smsr_proc_row rows[PROCS_MAX];
	struct euicc *e = smsr_vty_euicc_find(vty, argv[0]);
	size_t n;

	if (!e)
		return CMD_WARNING;
	show_record(vty, e);
	show_profiles(vty, e);
	show_keys(vty, e);
	vty_out(vty, "Card session: %s, SMS to %s%s",
		card_session_describe(g_smsr->cards, OTC_SELECT, &e->eis->fix.eid), e->msisdn[0] ? e->msisdn : "-",
		VTY_NEWLINE);
	smsr_vty_bearer_show(vty, e);
	n = smsr_db_proc_recent(g_smsr->db, &e->eis->fix.eid, rows, ARRAY_SIZE(rows));
	vty_out(vty, "Procedures%s", VTY_NEWLINE);
	for (size_t i = 0; i < n; i++)
		show_proc_row(vty, &rows[i]);
	vty_out(vty, "Timeline%s", VTY_NEWLINE);
	smsr_db_audit_each(g_smsr->db, &e->eis->fix.eid, TIMELINE_MAX, show_line, vty);
	return CMD_SUCCESS;
}

DEFUN(show_procedures, show_procedures_cmd, "show procedures", SHOW_STR "Procedures that have not ended\n")
{
	const struct proc *p;
	unsigned n = 0;

	if (!started(vty))
		return CMD_WARNING;
	llist_for_each_entry(p, &g_smsr->euiccs->procs, all) {
		if (n++ >= LIST_MAX)
			continue;
		vty_out(vty, " EID-%s%s%s", p->e->eis->eid_str, p->fi ? " " : "",
			p->fi ? osmo_fsm_inst_state_name(p->fi) : "");
		show_proc_row(vty, &p->row);
	}
	vty_out(vty, "%u procedure(s)%s%s", n, n > LIST_MAX ? ", the list is cut" : "", VTY_NEWLINE);
	return CMD_SUCCESS;
}

void smsr_vty_lines(struct vty *vty, const char *indent, char *text)
{
	char *line, *save = NULL;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save))
		vty_out(vty, "%s%s%s", indent, line, VTY_NEWLINE);
}

DEFUN(show_smsc, show_smsc_cmd, "show smsc", SHOW_STR "Links to SMSCs, their routes, and what is on its way\n")
{
	if (!started(vty))
		return CMD_WARNING;
	smsr_vty_lines(vty, "", sms_port_describe(g_smsr->sms, OTC_SELECT));
	return CMD_SUCCESS;
}

ALIAS(show_smsc, show_smpp_cmd, "show smpp", SHOW_STR "The same: SMPP links to SMSCs\n")

DEFUN(show_outbox, show_outbox_cmd, "show outbox", SHOW_STR "Messages to peers that are not delivered yet\n")
{
	if (!started(vty))
		return CMD_WARNING;
	smsr_vty_lines(vty, "", es_link_describe_outbox(g_smsr->link, OTC_SELECT));
	vty_out(vty, "%u message(s)%s", es_link_outbox_len(g_smsr->link), VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(show_parties, show_parties_cmd, "show parties", SHOW_STR "Peers on the ES interfaces\n")
{
	const struct smsr_party *p;

	llist_for_each_entry(p, &g_smsr->cfg.parties, entry) {
		vty_out(vty, " %s %s%s%s%s%s", p->id, es_role_name(p->role), p->url ? " " : "", p->url ? p->url : "",
			p->fpr ? "" : " (no fingerprint: cannot call us)", VTY_NEWLINE);
		if (p->role == ES_ROLE_EUM)
			vty_out(vty, "  EUM certificate %s%s", p->eum_cert ? "loaded" : "must come in the EIS",
				VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

static int operate_with(struct vty *vty, const char *eid, enum proc_kind kind, const char *iccid_text,
			const struct bytes *data)
{
	struct euicc *e = smsr_vty_euicc_find(vty, eid);
	char iccid[ICCID_STR_SIZE] = "";
	struct proc_want w = { .kind = kind, .requester = POLICY_PARTY_VTY, .iface = ES4, .iccid = iccid,
			       .data = data };
	int64_t id;

	if (!e)
		return CMD_WARNING;
	if (!g_smsr->cfg.allow_operate) {
		vty_out(vty, "%% not allowed: 'allow-operate' is not set in node smsr%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	if (iccid_text && iccid_from_str(iccid, iccid_text) < 0) {
		vty_out(vty, "%% not an ICCID: %s%s", iccid_text, VTY_NEWLINE);
		return CMD_WARNING;
	}
	w.deadline = clock_now() + g_smsr->euiccs->default_validity_s;
	id = proc_request(e, &w);
	if (id < 0) {
		vty_out(vty, "%% busy%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty_out(vty, "%s#%" PRId64 ": see 'show euicc %s'%s", proc_kind_name(kind), id, e->eis->eid_str, VTY_NEWLINE);
	return CMD_SUCCESS;
}

static int operate(struct vty *vty, const char *eid, enum proc_kind kind, const char *iccid_text)
{
	return operate_with(vty, eid, kind, iccid_text, NULL);
}

#define OPERATE_HELP "Change an eUICC (needs allow-operate)\n" EID_HELP

DEFUN(euicc_enable, euicc_enable_cmd, "euicc EID enable-profile ICCID", OPERATE_HELP "As ES4.EnableProfile\nProfile\n")
{
	return operate(vty, argv[0], PROC_ENABLE, argv[1]);
}

DEFUN(euicc_disable, euicc_disable_cmd, "euicc EID disable-profile ICCID",
      OPERATE_HELP "As ES4.DisableProfile\nProfile\n")
{
	return operate(vty, argv[0], PROC_DISABLE, argv[1]);
}

DEFUN(euicc_delete, euicc_delete_cmd, "euicc EID delete-profile ICCID", OPERATE_HELP "As ES4.DeleteProfile\nProfile\n")
{
	return operate(vty, argv[0], PROC_DELETE, argv[1]);
}

DEFUN(euicc_audit, euicc_audit_cmd, "euicc EID audit", OPERATE_HELP "As ES4.AuditEIS: ask the card, mend the record\n")
{
	return operate(vty, argv[0], PROC_AUDIT, NULL);
}

DEFUN(euicc_fallback, euicc_fallback_cmd, "euicc EID set-fallback ICCID",
      OPERATE_HELP "As ES4.SetFallBackAttribute\nProfile\n")
{
	return operate(vty, argv[0], PROC_FALLBACK, argv[1]);
}

DEFUN(euicc_master_delete, euicc_master_delete_cmd, "euicc EID master-delete ICCID COMMAND",
      OPERATE_HELP "Delete an orphaned profile whatever POL1 and POL2 say (SGP.02 3.10)\nProfile\n"
      "The command with its token, hexadecimal, as its SM-DP gave it\n")
{
	struct bytes *data = bytes_from_hex(OTC_SELECT, argv[2]);

	if (!data) {
		vty_out(vty, "%% not hexadecimal%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	return operate_with(vty, argv[0], PROC_MASTER_DELETE, argv[1], data);
}

DEFUN(euicc_addressing, euicc_addressing_cmd, "euicc EID update-addressing",
      OPERATE_HELP "Tell the card where it reaches this SM-SR: SMS number, HTTPS server (SGP.02 4.1.1.10)\n")
{
	return operate(vty, argv[0], PROC_ADDRESSING, NULL);
}

void smsr_vty_euicc_init(void)
{
	install_element_ve(&show_euiccs_cmd);
	install_element_ve(&show_euicc_cmd);
	install_element_ve(&show_procedures_cmd);
	install_element_ve(&show_smsc_cmd);
	install_element_ve(&show_smpp_cmd);
	install_element_ve(&show_outbox_cmd);
	install_element_ve(&show_parties_cmd);
	install_element(ENABLE_NODE, &euicc_enable_cmd);
	install_element(ENABLE_NODE, &euicc_disable_cmd);
	install_element(ENABLE_NODE, &euicc_delete_cmd);
	install_element(ENABLE_NODE, &euicc_audit_cmd);
	install_element(ENABLE_NODE, &euicc_fallback_cmd);
	install_element(ENABLE_NODE, &euicc_master_delete_cmd);
	install_element(ENABLE_NODE, &euicc_addressing_cmd);
}

/* The process's counters. Like the loggers they are one per process: a count decides nothing.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>

static const struct rate_ctr_desc descs[] = {
	[CTR_PROC_STARTED] = { "proc:started", "Procedures asked for" },
	[CTR_PROC_SUCCESS] = { "proc:success", "Procedures answered EXECUTED_SUCCESS" },
	[CTR_PROC_WARNING] = { "proc:warning", "Procedures answered EXECUTED_WITHWARNING" },
	[CTR_PROC_FAILED] = { "proc:failed", "Procedures answered FAILED" },
	[CTR_PROC_EXPIRED] = { "proc:expired", "Procedures answered EXPIRED" },
	[CTR_SMS_DELIVERED] = { "sms:delivered", "Messages to cards that were acknowledged" },
	[CTR_SMS_UNREACHABLE] = { "sms:unreachable", "Messages to cards that are not there" },
	[CTR_SMS_FAILED] = { "sms:failed", "Messages to cards refused by the SMSC, or lost with its link" },
	[CTR_SMS_DROPPED] = { "sms:dropped", "Packets received that are of no card, or not authentic" },
	[CTR_SCP81_SESSIONS] = { "scp81:sessions", "HTTPS sessions of cards" },
	[CTR_SCP81_REFUSED] = { "scp81:refused", "HTTPS requests of cards refused" },
	[CTR_ES_ACCEPTED] = { "es:accepted", "Requests of peers accepted" },
	[CTR_ES_REFUSED] = { "es:refused", "Requests of peers refused at the door" },
	[CTR_ES_STRANGER] = { "es:stranger", "Connections whose certificate is no party's" },
	[CTR_ES_DEAD] = { "es:dead", "Messages to peers given up" },
	[CTR_ALARM_UNCERTAIN] = { "alarm:uncertain", "Changes of which nobody knows whether the card made them" },
	[CTR_ALARM_DRIFT] = { "alarm:drift", "Profiles that an audit found otherwise than recorded" },
	[CTR_ALARM_KEY] = { "alarm:key", "Stored keys that do not open" },
	[CTR_ALARM_CLOCK] = { "alarm:clock", "SCP80 counters that the clock is too far ahead of" },
};
osmo_static_assert(ARRAY_SIZE(descs) == _CTR_COUNT, each_counter_has_a_name);

static const struct rate_ctr_group_desc group_desc = {
	.group_name_prefix = "rsp", .group_description = "Remote provisioning", .num_ctr = _CTR_COUNT, .ctr_desc = descs,
};
static struct rate_ctr_group *group;

void counters_init(void *ctx)
{
	rate_ctr_init(ctx);
	group = rate_ctr_group_alloc(ctx, &group_desc, 0);
}

void counter_inc(enum counter c)
{
	if (group)
		rate_ctr_inc(rate_ctr_group_get_ctr(group, c));
}

unsigned long long counter_get(enum counter c)
{
	return group ? rate_ctr_group_get_ctr(group, c)->current : 0;
}

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
	[CTR_SCP80_LATE] = { "scp80:late", "Authentic response packets nobody waited for: late, twice or replayed" },
	[CTR_SCP80_REPLAYED] = { "scp80:replayed", "Packets sent again that the card had run before" },
	[CTR_SMS_QUEUE_FULL] = { "sms:queue_full", "Messages to cards not taken: too many wait, in all or for that number" },
	[CTR_SMS_HALVES] = { "sms:halves", "Half-received packets given up: too old, or too many" },
	[CTR_SCP81_SESSIONS] = { "scp81:sessions", "HTTPS sessions of cards" },
	[CTR_SCP81_REFUSED] = { "scp81:refused", "HTTPS requests of cards refused" },
	[CTR_SCP81_RESUMED] = { "scp81:resumed", "HTTPS dialogs resumed by the card after a cut" },
	[CTR_SCP81_LOST] = { "scp81:lost", "Scripts whose result never came because the HTTPS connection broke" },
	[CTR_SCP81_POLLED] = { "scp81:polled", "Cards asked to POST anew because nothing was ready for them" },
	[CTR_SCP81_DISMISSED] = { "scp81:dismissed", "HTTPS connections ended because the card has a newer one" },
	[CTR_SCP81_OLD] = { "scp81:old", "POSTs of an older step or session, answered with 204" },
	[CTR_CATTP_LINKS] = { "cattp:links", "CAT_TP links of cards" },
	[CTR_CATTP_REFUSED] = { "cattp:refused", "CAT_TP links refused because there are too many" },
	[CTR_CATTP_UNKNOWN] = { "cattp:unknown", "CAT_TP links refused because nobody waits for them" },
	[CTR_CATTP_HALF_OPEN] = { "cattp:half-open", "CAT_TP handshakes not completed" },
	[CTR_CATTP_DROPPED] = { "cattp:dropped", "Datagrams that are no CAT_TP, or of no link" },
	[CTR_CATTP_DUP] = { "cattp:dup", "CAT_TP PDUs received again" },
	[CTR_CATTP_RESENT] = { "cattp:resent", "CAT_TP PDUs sent again" },
	[CTR_BEARER_FALLBACK] = { "bearer:fallback", "Commands that went another way because the first one failed" },
	[CTR_NOTIF_OLD] = { "notif:old", "Notifications that had been dealt with" },
	[CTR_ES_ACCEPTED] = { "es:accepted", "Requests of peers accepted" },
	[CTR_ES_REFUSED] = { "es:refused", "Requests of peers refused at the door" },
	[CTR_ES_STRANGER] = { "es:stranger", "Connections whose certificate is no party's" },
	[CTR_ES_CONNS] = { "es:conns", "Connections of a peer beyond its limit" },
	[CTR_ES_RATE] = { "es:rate", "Messages of a peer beyond its limit a second" },
	[CTR_ES_OPEN] = { "es:open", "Requests of a peer beyond its limit of open ones" },
	[CTR_ES_TOKEN] = { "es:token", "UsernameTokens that are missing or wrong" },
	[CTR_ES_XML] = { "es:xml", "Bodies that are no message: not XML, too deep, too many elements, DOCTYPE" },
	[CTR_ES_QUEUE] = { "es:queue", "Messages not queued because too many wait for that peer" },
	[CTR_JSON_REQUESTS] = { "json:requests", "Requests at the JSON interface" },
	[CTR_JSON_DENIED] = { "json:denied", "JSON requests without a certificate or token of a party" },
	[CTR_JSON_RATE] = { "json:rate", "JSON requests of a party beyond its limit a second, answered 429" },
	[CTR_JSON_STREAMS] = { "json:streams", "Waits for events refused because too many wait" },
	[CTR_JSON_HOOKED] = { "json:hooked", "Events that webhooks took" },
	[CTR_JSON_HOOK_RETRY] = { "json:hook_retry", "Tries to deliver an event to a webhook that failed" },
	[CTR_ALARM_HOOK] = { "alarm:hook", "Events that a webhook did not take in time, given up" },
	[CTR_ALARM_REVOKED] = { "alarm:revoked", "Revoked certificates of the GSMA tree that were met" },
	[CTR_ES_DEAD] = { "es:dead", "Messages to peers given up" },
	[CTR_ALARM_UNCERTAIN] = { "alarm:uncertain", "Changes of which nobody knows whether the card made them" },
	[CTR_ALARM_DRIFT] = { "alarm:drift", "Profiles that an audit found otherwise than recorded" },
	[CTR_ALARM_KEY] = { "alarm:key", "Stored keys that do not open" },
	[CTR_ALARM_CLOCK] = { "alarm:clock", "SCP80 counters that the clock is too far ahead of" },
	[CTR_STOCK_IMPORTED] = { "stock:imported", "Profiles that batches brought" },
	[CTR_STOCK_REFUSED] = { "stock:refused", "Batches refused" },
	[CTR_ALARM_STOCK] = { "alarm:stock", "Profile types that ran low" },
	[CTR_HLR_DONE] = { "hlr:done", "Subscribers that OsmoHLR was told of" },
	[CTR_HLR_RETRY] = { "hlr:retry", "Tries to tell OsmoHLR that failed" },
	[CTR_HLR_FULL] = { "hlr:full", "Subscribers it was not told of: the queue was full" },
	[CTR_ALARM_HLR] = { "alarm:hlr", "Subscribers it was not told of: given up" },
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

void counter_add(enum counter c, int n)
{
	if (group)
		rate_ctr_add(rate_ctr_group_get_ctr(group, c), n);
}

void counter_inc(enum counter c)
{
	counter_add(c, 1);
}

unsigned long long counter_get(enum counter c)
{
	return group ? rate_ctr_group_get_ctr(group, c)->current : 0;
}

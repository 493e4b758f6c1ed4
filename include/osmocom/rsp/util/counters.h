/* What a daemon counts: one rate counter group "rsp", in the VTY ('show stats', 'show rate-counters') and on CTRL.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

enum counter {
	CTR_PROC_STARTED, CTR_PROC_SUCCESS, CTR_PROC_WARNING, CTR_PROC_FAILED, CTR_PROC_EXPIRED,
	CTR_SMS_DELIVERED, CTR_SMS_UNREACHABLE, CTR_SMS_FAILED, CTR_SMS_DROPPED,
	CTR_SCP80_LATE, CTR_SCP80_REPLAYED,
	CTR_SCP81_SESSIONS, CTR_SCP81_REFUSED,
	CTR_CATTP_LINKS, CTR_CATTP_REFUSED, CTR_CATTP_UNKNOWN, CTR_CATTP_HALF_OPEN, CTR_CATTP_DROPPED, CTR_CATTP_DUP,
	CTR_CATTP_RESENT,
	CTR_BEARER_FALLBACK, CTR_NOTIF_OLD,
	CTR_ES_ACCEPTED, CTR_ES_REFUSED, CTR_ES_STRANGER, CTR_ES_DEAD,
	CTR_ALARM_UNCERTAIN, CTR_ALARM_DRIFT, CTR_ALARM_KEY, CTR_ALARM_CLOCK,
	CTR_STOCK_IMPORTED, CTR_STOCK_REFUSED, CTR_ALARM_STOCK,
	CTR_HLR_DONE, CTR_HLR_RETRY, CTR_HLR_FULL, CTR_ALARM_HLR,
	_CTR_COUNT
};

void counters_init(void *ctx);		/* once; before it, counting does nothing */
void counter_inc(enum counter c);
void counter_add(enum counter c, int n);
unsigned long long counter_get(enum counter c);

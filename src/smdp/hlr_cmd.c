/* OsmoHLR's VTY, the four commands that a subscriber's life takes. What is not exactly the answer that the command has
 * when it worked is a failure.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/rsp/util/misc.h>

#include "hlr_cmd.h"

static void hex(char *out, const uint8_t b[16])
{
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", b[i]);
}

static int auc(char *out, const struct hlr_subscriber *s)
{
	bool xor = s->algo == HLR_ALGO_XOR || (s->algo == HLR_ALGO_AUTO && !s->has_opc);
	char k[33], opc[33] = "";
	int n;

	if (!s->has_k || (!xor && !s->has_opc))
		return -ENODATA;
	hex(k, s->k);
	if (!xor)
		hex(opc, s->opc);
	n = snprintf(out, HLR_CMD_SIZE, "subscriber imsi %s update aud3g %s k %s%s%s", s->imsi,
		     xor ? "xor" : "milenage", k, xor ? "" : " opc ", opc);
	if (s->ind_bitlen >= 0)
		snprintf(out + n, HLR_CMD_SIZE - n, " ind-bitlen %d", s->ind_bitlen);
	secret_wipe(k, sizeof(k));
	secret_wipe(opc, sizeof(opc));
	return 0;
}

int hlr_cmd(char out[HLR_CMD_SIZE], enum hlr_step step, const struct hlr_subscriber *s)
{
	switch (step) {
	case HLR_STEP_CREATE:
		snprintf(out, HLR_CMD_SIZE, "subscriber imsi %s create", s->imsi);
		return 0;
	case HLR_STEP_MSISDN:
		snprintf(out, HLR_CMD_SIZE, "subscriber imsi %s update msisdn %s", s->imsi,
			 s->msisdn[0] ? s->msisdn : "none");
		return 0;
	case HLR_STEP_AUC:
		return auc(out, s);
	default:
		snprintf(out, HLR_CMD_SIZE, "subscriber imsi %s delete", s->imsi);
		return 0;
	}
}

/* First line of the answer is exactly this? */
static bool is(const char *answer, const char *fmt, const char *a, const char *b)
{
	char want[HLR_CMD_SIZE];
	size_t n = strcspn(answer, "\r\n");

	snprintf(want, sizeof(want), fmt, a, b);
	return strlen(want) == n && !memcmp(answer, want, n);
}

static bool good(enum hlr_step step, const struct hlr_subscriber *s, const char *a)
{
	switch (step) {
	case HLR_STEP_CREATE:
		return is(a, "%% Created subscriber %s", s->imsi, "") ||
		       is(a, "%% Subscriber already exists for IMSI = %s", s->imsi, "");
	case HLR_STEP_MSISDN:
		if (!s->msisdn[0])
			return is(a, "%% Updated subscriber IMSI='%s': removed MSISDN%s", s->imsi, "");
		return is(a, "%% Updated subscriber IMSI='%s' to MSISDN='%s'", s->imsi, s->msisdn);
	case HLR_STEP_AUC:
		return !a[0];	/* it says nothing when it worked */
	default:
		return is(a, "%% Deleted subscriber for IMSI '%s'%s", s->imsi, "") ||
		       is(a, "%% No subscriber for imsi = '%s'%s", s->imsi, "");
	}
}

int hlr_answer(enum hlr_step step, const struct hlr_subscriber *s, const char *answer, char why[HLR_WHY_SIZE])
{
	why[0] = '\0';
	if (good(step, s, answer))
		return 0;
	if (step == HLR_STEP_AUC) {	/* its refusals quote the key */
		snprintf(why, HLR_WHY_SIZE, "OsmoHLR refused the authentication data");
		return answer[0] == '%' ? -EREMOTEIO : -EPROTO;
	}
	if (!answer[0])
		answer = "no answer to the command";
	snprintf(why, HLR_WHY_SIZE, "%.*s", (int)strcspn(answer, "\r\n"), answer);
	return answer[0] == '%' ? -EREMOTEIO : -EPROTO;
}

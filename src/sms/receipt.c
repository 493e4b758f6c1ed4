/* Delivery receipts: "id:... sub:... dlvrd:... submit date:... done date:... stat:DELIVRD err:... text:..." or optional
 * parameters (SMPP 3.4 appendix B). Keys in any case and order, blanks after the colon allowed.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <osmocom/core/utils.h>

#include <osmocom/rsp/sms/receipt.h>
#include <osmocom/rsp/sms/tpdu.h>

static const struct {
	const char *word;	/* its first six letters, as spellings differ behind them */
	enum smpp_state state;
} receipt_words[] = {
	{ "DELIVR", SMPP_STATE_DELIVERED }, { "DELIVE", SMPP_STATE_DELIVERED }, { "EXPIRE", SMPP_STATE_EXPIRED },
	{ "DELETE", SMPP_STATE_DELETED }, { "UNDELI", SMPP_STATE_UNDELIVERABLE }, { "ACCEPT", SMPP_STATE_ACCEPTED },
	{ "UNKNOW", SMPP_STATE_UNKNOWN }, { "REJECT", SMPP_STATE_REJECTED }, { "ENROUT", SMPP_STATE_ENROUTE },
	{ "BUFFER", SMPP_STATE_ENROUTE },
};

static enum smpp_state receipt_state(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(receipt_words); i++) {
		if (!strncasecmp(word, receipt_words[i].word, 6))
			return receipt_words[i].state;
	}
	if (word[0] >= '1' && word[0] <= '8' && !word[1])
		return word[0] - '0';
	return SMPP_STATE_NONE;
}

/* The word behind "key:", which stands at the start or behind a blank; "" when it is not there. */
static void receipt_word(char *out, size_t size, const char *text, const char *key)
{
	size_t klen = strlen(key), n = 0;
	const char *p;

	out[0] = '\0';
	for (p = text; *p; p++) {
		if (strncasecmp(p, key, klen) || p[klen] != ':' || (p > text && !isspace((unsigned char)p[-1])))
			continue;
		for (p += klen + 1; *p == ' '; p++)
			;
		while (*p && !isspace((unsigned char)*p) && n < size - 1)
			out[n++] = *p++;
		out[n] = '\0';
		return;
	}
}

int receipt_dec(struct receipt *r, const struct smpp_sm *sm)
{
	const uint8_t *ud = sm->ud;
	char text[SMPP_SM_MAX + 1], word[24];
	size_t len = sm->ud_len;
	struct tpdu_udh u;

	memset(r, 0, sizeof(*r));
	if ((sm->esm_class & SMPP_ESM_UDHI) && tpdu_udh_dec(&u, sm->ud, sm->ud_len) == 0) {
		ud = u.body;
		len = u.body_len;
	}
	for (size_t i = 0; i < len; i++)
		text[i] = ud[i] ? ud[i] : ' ';
	text[len] = '\0';
	r->state = sm->state;
	if (!r->state) {
		receipt_word(word, sizeof(word), text, "stat");
		if (!word[0])
			receipt_word(word, sizeof(word), text, "status");
		r->state = receipt_state(word);
	}
	if (sm->receipt_id[0])
		osmo_strlcpy(r->id, sm->receipt_id, sizeof(r->id));
	else
		receipt_word(r->id, sizeof(r->id), text, "id");
	r->has_ref = sm->has_user_ref;
	r->ref = sm->user_ref;
	return r->state ? 0 : -EINVAL;
}

int receipt_enc(struct smpp_sm *sm, const char *id, enum smpp_state state)
{
	static const char *const words[] = { "UNKNOWN", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV",
					     "ACCEPTD", "UNKNOWN", "REJECTD" };
	int n;

	if (state >= ARRAY_SIZE(words))
		return -EINVAL;
	n = snprintf((char *)sm->ud, sizeof(sm->ud), "id:%s sub:001 dlvrd:%03d submit date:0000000000 "
		     "done date:0000000000 stat:%s err:000 text:", id, state == SMPP_STATE_DELIVERED, words[state]);
	if (n < 0 || (size_t)n >= sizeof(sm->ud))
		return -EMSGSIZE;
	sm->ud_len = n;
	sm->esm_class = SMPP_ESM_RECEIPT;
	return 0;
}

static bool receipt_number(unsigned long long *v, const char *s, int base)
{
	char *end;

	if (!isxdigit((unsigned char)*s) || strlen(s) > 16)
		return false;
	errno = 0;
	*v = strtoull(s, &end, base);
	return !errno && !*end;
}

bool receipt_id_equal(const char *submitted, const char *receipted)
{
	unsigned long long a, b;

	while (*submitted == '0' && submitted[1])
		submitted++;
	while (*receipted == '0' && receipted[1])
		receipted++;
	if (!strcasecmp(submitted, receipted))
		return true;
	return (receipt_number(&a, submitted, 16) && receipt_number(&b, receipted, 10) && a == b) ||
	       (receipt_number(&a, submitted, 10) && receipt_number(&b, receipted, 16) && a == b);
}

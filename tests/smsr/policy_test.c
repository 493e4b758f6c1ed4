/* policy.c exhaustively: every caller, state, attribute and POL2 combination against the rules as the digest words them
 * (off-card 3.4, 5.4, 6.4 to 6.8), written down here a second time in another shape.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "../../src/smsr/policy.h"

#define OP	"1.2.3.1"
#define OTHER	"1.2.3.2"
#define SMDP	"1.2.3.3"

enum { R_NO_ENABLE = 1, R_NO_DISABLE = 2, R_NO_DELETE = 4, R_AUTO_DELETE = 8, R_ALL = 16 };

static void rules(struct eis_profile *p, unsigned r)
{
	static const struct es_pol2_rule rule[] = {
		{ "PROFILE", "ENABLE", "Not-Allowed" }, { "PROFILE", "DISABLE", "Not-Allowed" },
		{ "PROFILE", "DELETE", "Not-Allowed" }, { "PROFILE", "DISABLE", "Auto-Delete" },
	};

	p->i.n_pol2 = 0;
	for (int b = 0; b < 4; b++)
		if (r & (1 << b))
			p->i.pol2[p->i.n_pol2++] = rule[b];
}

struct world {
	struct eis eis;
	struct eis_profile t, boot;	/* the target, and one more that is fall-back or not */
};

static void world(struct world *w, enum eis_pstate state, bool t_fallback, bool boot_enabled, unsigned t_rules,
		  unsigned b_rules)
{
	memset(w, 0, sizeof(*w));
	INIT_LLIST_HEAD(&w->eis.profiles);
	w->t.state = state;
	w->t.i.fallback = t_fallback;
	strcpy(w->t.i.iccid, "1");
	strcpy(w->t.i.mno_id, OP);
	strcpy(w->t.i.smdp_id, SMDP);
	rules(&w->t, t_rules);
	w->boot.state = boot_enabled ? EIS_PS_ENABLED : EIS_PS_DISABLED;
	w->boot.i.fallback = !t_fallback;
	strcpy(w->boot.i.iccid, "2");
	rules(&w->boot, b_rules);
	llist_add(&w->t.entry, &w->eis.profiles);
	llist_add(&w->boot.entry, &w->eis.profiles);
	w->eis.n_profiles = 2;
	w->eis.fix.available_memory = 1000;
}

static const struct policy_caller callers[] = {
	{ OP, ES4 }, { OTHER, ES4 }, { SMDP, ES3, ES_ROLE_SMDP }, { OTHER, ES3, ES_ROLE_SMDP }, { POLICY_PARTY_VTY, ES4 },
	{ SMDP, ES4 }, { OP, ES3, ES_ROLE_SMDP }, { OP, ES1, ES_ROLE_EUM },	/* right name, wrong interface */
	{ OP, ES4, ES_ROLE_M2M_SP }, { SMDP, ES3 },				/* right name, wrong role */
};

static bool owner(size_t c)
{
	return c == 0 || c == 2 || c == 4;
}

/* Off-card 6.4 step 2, 6.6 step 2, 6.7 step 2, in the order of their words. */
static enum es_reason want(const struct world *w, enum policy_op op, size_t c, unsigned tr, unsigned br,
			   bool boot_enabled)
{
	enum eis_pstate s = w->t.state;

	if (op == POLICY_ADDRESSING)	/* between us and the card */
		return c == 4 ? ES_R_NONE : ES_R_EUICC_NOT_ALLOWED;
	if (op == POLICY_MASTER_DELETE && c != 4)
		return ES_R_EUICC_NOT_ALLOWED;
	if (s == EIS_PS_IN_CREATION && c != 4)
		return ES_R_ICCID_UNKNOWN;
	if (!owner(c) || (c == 0 && op == POLICY_CONNECTIVITY) || (c == 0 && (op == POLICY_SEND_DATA || op == POLICY_COMPLETED)))	/* not on ES4 */
		return ES_R_ICCID_NOT_ALLOWED;
	switch (op) {
	case POLICY_ENABLE:
		if (s != EIS_PS_DISABLED)
			return ES_R_WRONG_STATE;
		return (tr & R_NO_ENABLE) || (boot_enabled && (br & R_NO_DISABLE)) ? ES_R_POL2 : ES_R_NONE;
	case POLICY_DISABLE:
		if (s != EIS_PS_ENABLED)
			return ES_R_WRONG_STATE;
		if (w->t.i.fallback)
			return ES_R_FALLBACK_PROFILE;
		return tr & R_NO_DISABLE ? ES_R_POL2 : ES_R_NONE;
	case POLICY_DELETE:
		if (s == EIS_PS_CREATED)
			return c == 0 ? ES_R_WRONG_STATE : ES_R_NONE;
		if (w->t.i.fallback)
			return ES_R_FALLBACK_PROFILE;
		if (tr & R_NO_DELETE)
			return ES_R_POL2;
		return s == EIS_PS_ENABLED && (tr & R_NO_DISABLE) ? ES_R_POL2 : ES_R_NONE;
	case POLICY_COMPLETED:
		return s == EIS_PS_CREATED ? ES_R_NONE : ES_R_WRONG_STATE;
	case POLICY_FALLBACK:		/* the other profile is another operator's: by its PLMA only, POL2 says nothing */
		if (s < EIS_PS_DISABLED)
			return ES_R_WRONG_STATE;
		return w->t.i.fallback || c == 4 ? ES_R_NONE : ES_R_ATTRIBUTE_REFUSED;
	case POLICY_EMERGENCY:		/* nobody has it */
		if (s != EIS_PS_DISABLED)
			return ES_R_WRONG_STATE;
		return w->t.i.fallback ? ES_R_ATTRIBUTE_REFUSED : ES_R_NONE;
	case POLICY_MASTER_DELETE:	/* the token decides, POL2 does not */
		if (w->t.i.fallback)
			return ES_R_FALLBACK_PROFILE;
		return s == EIS_PS_DISABLED ? ES_R_NONE : ES_R_WRONG_STATE;
	case POLICY_CONNECTIVITY:
		return s < EIS_PS_DISABLED ? ES_R_WRONG_STATE : ES_R_NONE;
	case POLICY_POLICY_RULES:
		return s == EIS_PS_CREATED ? ES_R_WRONG_STATE : ES_R_NONE;
	default:
		return ES_R_NONE;
	}
}

static void everything(void **state)
{
	static const enum policy_op ops[] = {
		POLICY_ENABLE, POLICY_DISABLE, POLICY_DELETE, POLICY_SEND_DATA, POLICY_COMPLETED, POLICY_AUDIT,
		POLICY_POLICY_RULES, POLICY_SUBSCRIPTION, POLICY_FALLBACK, POLICY_MASTER_DELETE, POLICY_CONNECTIVITY,
		POLICY_ADDRESSING, POLICY_EMERGENCY,
	};
	unsigned long n = 0;
	struct world w;

	for (int s = EIS_PS_IN_CREATION; s <= EIS_PS_ENABLED; s++)
	for (int fb = 0; fb < 2; fb++)
	for (int be = 0; be < 2; be++)
	for (unsigned tr = 0; tr < R_ALL; tr++)
	for (unsigned br = 0; br < R_ALL; br++) {
		if (s == EIS_PS_ENABLED && be)
			continue;	/* at most one */
		world(&w, s, fb, be, tr, br);
		for (size_t o = 0; o < sizeof(ops) / sizeof(ops[0]); o++)
			for (size_t c = 0; c < sizeof(callers) / sizeof(callers[0]); c++, n++) {
				enum es_reason got = policy_ask(&w.eis, &w.t, ops[o], &callers[c], 0);
				enum es_reason exp = want(&w, ops[o], c, tr, br, be);

				if (got != exp)
					fail_msg(
						"state %d fallback %d boot %d rules %x/%x op %d caller %zu: %s, not %s",
						s, fb, be, tr, br, ops[o], c, es_reason_text(got), es_reason_text(exp));
			}
	}
	printf("    - %lu combinations\n", n);
	assert_true(n > 100000);
}

static void no_such_profile(void **state)
{
	struct world w;

	world(&w, EIS_PS_DISABLED, false, true, 0, 0);
	for (size_t c = 0; c < sizeof(callers) / sizeof(callers[0]); c++)
		assert_int_equal(policy_ask(&w.eis, NULL, POLICY_ENABLE, &callers[c], 0), ES_R_ICCID_UNKNOWN);
	assert_int_equal(policy_ask(&w.eis, NULL, POLICY_CREATE_ISDP, &callers[2], 1000), ES_R_NONE);
	assert_int_equal(policy_ask(&w.eis, NULL, POLICY_CREATE_ISDP, &callers[2], 1001), ES_R_NO_MEMORY);
	assert_int_equal(policy_ask(&w.eis, &w.t, POLICY_CREATE_ISDP, &callers[2], 1), ES_R_ICCID_IN_USE);
	w.eis.n_profiles = EIS_PROFILES_MAX;
	assert_int_equal(policy_ask(&w.eis, NULL, POLICY_CREATE_ISDP, &callers[2], 1), ES_R_NO_MEMORY);
}

static void auto_delete(void **state)
{
	struct world w;

	world(&w, EIS_PS_DISABLED, false, true, R_AUTO_DELETE, R_AUTO_DELETE);
	assert_true(policy_auto_delete(&w.t));
	assert_false(policy_auto_delete(&w.boot));	/* the fall-back profile stays (card-side 9.2) */
	rules(&w.t, R_NO_DELETE | R_NO_DISABLE);
	assert_false(policy_auto_delete(&w.t));
}

/* Without a profile that could take over, the enabled one cannot be disabled. */
static void no_fallback_anywhere(void **state)
{
	struct world w;

	world(&w, EIS_PS_ENABLED, false, false, 0, 0);
	assert_int_equal(policy_ask(&w.eis, &w.t, POLICY_DISABLE, &callers[0], 0), ES_R_NONE);
	w.boot.i.fallback = false;
	assert_int_equal(policy_ask(&w.eis, &w.t, POLICY_DISABLE, &callers[0], 0), ES_R_FALLBACK_PROFILE);
	assert_int_equal(policy_ask(&w.eis, &w.t, POLICY_DELETE, &callers[0], 0), ES_R_FALLBACK_PROFILE);
}

/* Both profiles are one operator's: no PLMA is needed to move the attribute between them. */
static void own_fallback(void **state)
{
	struct world w;

	world(&w, EIS_PS_DISABLED, false, true, R_ALL - 1, R_ALL - 1);
	strcpy(w.boot.i.mno_id, OP);
	assert_int_equal(policy_ask(&w.eis, &w.t, POLICY_FALLBACK, &callers[0], 0), ES_R_NONE);
	assert_int_equal(policy_ask(&w.eis, &w.t, POLICY_FALLBACK, &callers[2], 0), ES_R_NONE);
	assert_int_equal(policy_ask(&w.eis, &w.t, POLICY_FALLBACK, &callers[1], 0), ES_R_ICCID_NOT_ALLOWED);
	w.boot.i.fallback = false;	/* nobody has it */
	strcpy(w.boot.i.mno_id, OTHER);
	assert_int_equal(policy_ask(&w.eis, &w.t, POLICY_FALLBACK, &callers[0], 0), ES_R_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything), cmocka_unit_test(no_such_profile), cmocka_unit_test(auto_delete),
		cmocka_unit_test(no_fallback_anywhere), cmocka_unit_test(own_fallback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

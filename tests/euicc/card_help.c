/* See card_help.h. SPDX-License-Identifier: AGPL-3.0-or-later */
#include "card_help.h"

/* --- randomness: what the examples were computed with --- */

unsigned card_help_rand;
void __real_rand_bytes(uint8_t *out, size_t len);
void __wrap_rand_bytes(uint8_t *out, size_t len);
void __wrap_rand_bytes(uint8_t *out, size_t len)
{
	size_t i;

	if (!card_help_rand || len != 16) {
		__real_rand_bytes(out, len);
		return;
	}
	for (i = 0; i < len; i++)
		out[i] = (card_help_rand == 2 ? 0x00 : 0xA0) + i;
	card_help_rand--;
}

/* --- the digest's example package has no file system: an interpreter that takes it --- */

bool card_help_fake_install;
int __real_install_feed(struct install *inst, const uint8_t *data, size_t len);
int __wrap_install_feed(struct install *inst, const uint8_t *data, size_t len);
int __real_install_response(const struct install *inst, struct bytes *out);
int __wrap_install_response(const struct install *inst, struct bytes *out);
struct usim_fs *__real_install_take(struct install *inst, void *ctx);
struct usim_fs *__wrap_install_take(struct install *inst, void *ctx);

int __wrap_install_feed(struct install *inst, const uint8_t *data, size_t len)
{
	return card_help_fake_install ? len == 9 : __real_install_feed(inst, data, len);
}

int __wrap_install_response(const struct install *inst, struct bytes *out)
{
	return card_help_fake_install ? bytes_put_hex(out, "3007A0053003800100") : __real_install_response(inst, out);
}

struct usim_fs *__wrap_install_take(struct install *inst, void *ctx)
{
	struct usim_fs *fs;

	if (!card_help_fake_install)
		return __real_install_take(inst, ctx);
	fs = talloc_zero(ctx, struct usim_fs);
	strcpy(fs->iccid, "89019990001234567893");
	fs->has_pol = true;
	fs->pol1 = POL1_NO_DELETE;
	return fs;
}

struct isd_p *card_help_isdp(struct rig *r)
{
	struct aid aid;

	aid_from_hex(&aid, AID_1300);
	return card_isdp(r->card, &aid);
}

struct isd_p *card_help_profile(struct rig *r)
{
	struct isd_p *p;

	eq(rig_isd_r(r, CREATE), "009000");
	p = card_help_isdp(r);
	p->state = ES5_STATE_DISABLED;
	card_db_isdp_save(p);
	return p;
}

char *card_help_tlv22(struct rig *r, const char *apdu)
{
	struct bytes *a = bytes_from_hex(r->ctx, apdu), *t = bytes_new(r->ctx, 0);

	assert_non_null(a);
	script_put_capdu(t, a->data, a->len);
	return bytes_hex(r->ctx, t->data, t->len);
}

void card_help_enable(struct rig *r)
{
	eq(rig_isd_r(r, ENABLE), "9000");
	/* the answer went out first, then REFRESH; nothing has changed before the reset */
	assert_true(r->refresh);
	assert_int_equal(r->n_sms, 1);
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_DISABLED);
	rig_power(r);
	assert_int_equal(card_help_isdp(r)->state, ES5_STATE_ENABLED);
	assert_int_equal(r->timer[CARD_TIMER_SWITCH], r->env->cfg.attach_s);
}

int card_help_main(const char *name, const struct CMUnitTest *tests, size_t n)
{
	osmo_init_logging2(talloc_named_const(NULL, 0, "logging"), &rsp_log_info);
	return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
}

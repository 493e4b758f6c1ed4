/* VTY: kinds of eUICC, what the stock does with what comes back, types, batches.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <osmocom/vty/vty.h>
#include <osmocom/rsp/util/misc.h>

#include "smdp.h"
#include "smdp_vty.h"

/* Node card-type ------------------------------------------------------------------------------------------------- */

static struct cmd_node card_type_node = { SMDP_CARD_TYPE_NODE, "%s(config-smdp-card-type)# ", 1 };

/* In node smdp they are about all eUICCs of no listed type. */
static struct card_type *card_type_here(struct vty *vty)
{
	return vty->node == SMDP_CARD_TYPE_NODE ? vty->index : &g_smdp->dl.cards.other;
}

#define CARD_TYPE_STR "A kind of eUICC, told by the first digits of its EID\nDigits\n"
DEFUN(cfg_card_type, cfg_card_type_cmd, "card-type PREFIX", CARD_TYPE_STR)
{
	struct card_type *c = card_type_get(&g_smdp->dl.cards, g_smdp, argv[0]);

	if (!c) {
		vty_out(vty, "%% 1 to 32 digits are wanted, of at most %d kinds%s", CARD_TYPES_MAX, VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty->index = c;
	vty->node = SMDP_CARD_TYPE_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_no_card_type, cfg_no_card_type_cmd, "no card-type PREFIX", NO_STR CARD_TYPE_STR)
{
	card_type_del(&g_smdp->dl.cards, argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_segment_size, cfg_segment_size_cmd, "segment-size <16-65503>",
      "Profile octets in one SCP03t command; every eUICC takes 1007\nOctets before encryption\n")
{
	card_type_here(vty)->segment_size = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_segments, cfg_segments_cmd, "segments-per-script <1-64>", "SCP03t commands in one SendData\nCommands\n")
{
	card_type_here(vty)->segments_per_script = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_protection, cfg_protection_cmd, "protection (session-keys|random-keys)",
      "Keys that protect the profile package\nThose of the SCP03t session\nRandom ones made for it, sent to the eUICC "
      "under those of the session (tag 87)\n")
{
	card_type_here(vty)->random_keys = !strcmp(argv[0], "random-keys");
	return CMD_SUCCESS;
}

DEFUN(cfg_public_key, cfg_public_key_cmd, "public-key (plain|tlv)",
      "Form of the SM-DP's ephemeral key in 7F49\nThe point alone, as most eUICCs want it\nIn B0, with F0 behind it\n")
{
	card_type_here(vty)->point_tlv = argv[0][0] == 't';
	return CMD_SUCCESS;
}

static void write_card_type(struct vty *vty, const struct card_type *c, const char *indent)
{
	vty_out(vty, "%ssegment-size %u%s%ssegments-per-script %u%s%sprotection %s%s", indent, c->segment_size,
		VTY_NEWLINE, indent, c->segments_per_script, VTY_NEWLINE, indent,
		c->random_keys ? "random-keys" : "session-keys", VTY_NEWLINE);
	if (c->point_tlv || g_smdp->dl.cards.other.point_tlv)
		vty_out(vty, "%spublic-key %s%s", indent, c->point_tlv ? "tlv" : "plain", VTY_NEWLINE);
}

/* Settings of the stock ------------------------------------------------------------------------------------------ */

static const char *const reuse_names[] = {
	[STOCK_REUSE_ANY_CARD] = "any-card", [STOCK_REUSE_SAME_CARD] = "same-card", [STOCK_REUSE_NEVER] = "never",
};

DEFUN(cfg_reuse, cfg_reuse_cmd, "reuse (failed|deleted) (any-card|same-card|never)",
      "What becomes of a profile that was on an eUICC\nIts download failed\nIt was deleted there\nIt may be ordered "
      "for "
      "any eUICC again\nFor the one that had it\nNot at all\n")
{
	struct stock_cfg *p = &g_smdp->cfg.stock;
	enum stock_reuse *which = !strcmp(argv[0], "failed") ? &p->failed : &p->deleted;

	for (size_t i = 0; i < ARRAY_SIZE(reuse_names); i++)
		if (!strcmp(reuse_names[i], argv[1]))
			*which = i;
	return CMD_SUCCESS;
}

#define LOW_STR "Alarm when few profiles of a type are left\nOwner, an object identifier\nName of the type\n"
DEFUN(cfg_low, cfg_low_cmd, "low-stock OID TYPE <1-1000000>", LOW_STR "Fewer than this many\n")
{
	if (!oid_valid(argv[0]) || strlen(argv[1]) > 100 ||
	    stock_low_set(&g_smdp->cfg.stock, argv[0], argv[1], atoi(argv[2])) < 0) {
		vty_out(vty, "%% an object identifier and a type are wanted, at most %d times%s", STOCK_LOW_MAX,
			VTY_NEWLINE);
		return CMD_WARNING;
	}
	return CMD_SUCCESS;
}

DEFUN(cfg_no_low, cfg_no_low_cmd, "no low-stock OID TYPE", NO_STR LOW_STR)
{
	stock_low_set(&g_smdp->cfg.stock, argv[0], argv[1], 0);
	return CMD_SUCCESS;
}

DEFUN(cfg_slice, cfg_slice_cmd, "import-slice <1-1000>",
      "How long a batch is read before everything else is served\nMilliseconds\n")
{
	g_smdp->cfg.import_slice_ms = atoi(argv[0]);
	smdp_apply(g_smdp);
	return CMD_SUCCESS;
}

static int identity_part(uint8_t out[16], size_t *len, const char *hex)
{
	int n = hex_dec(out, 16, hex);

	*len = n > 0 ? n : 0;
	return n > 0 ? 0 : -EINVAL;
}

#define MASTER_STR "Give each ISD-P a token key and what Master Delete has to name (SGP.02 4.1.1.6)\n"
DEFUN(cfg_master, cfg_master_cmd, "master-delete sin HEX sdin HEX provider HEX",
      MASTER_STR "Issuer's identification number\n1 to 16 octets\nSecurity domain's\n1 to 16 octets\n"
      "Application provider's\n1 to 16 octets\n")
{
	struct es8_identity id = {};

	if (identity_part(id.sin, &id.sin_len, argv[0]) < 0 || identity_part(id.sdin, &id.sdin_len, argv[1]) < 0 ||
	    identity_part(id.provider, &id.provider_len, argv[2]) < 0) {
		vty_out(vty, "%% 1 to 16 octets each, hexadecimal%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	g_smdp->cfg.identity = id;
	g_smdp->cfg.has_identity = true;
	smdp_apply(g_smdp);
	return CMD_SUCCESS;
}

DEFUN(cfg_no_master, cfg_no_master_cmd, "no master-delete", NO_STR MASTER_STR)
{
	g_smdp->cfg.has_identity = false;
	smdp_apply(g_smdp);
	return CMD_SUCCESS;
}

static void write_hex(struct vty *vty, const char *name, const uint8_t *b, size_t len)
{
	vty_out(vty, " %s ", name);
	for (size_t i = 0; i < len; i++)
		vty_out(vty, "%02X", b[i]);
}

static void write_master(struct vty *vty, const struct es8_identity *id)
{
	vty_out(vty, " master-delete");
	write_hex(vty, "sin", id->sin, id->sin_len);
	write_hex(vty, "sdin", id->sdin, id->sdin_len);
	write_hex(vty, "provider", id->provider, id->provider_len);
	vty_out(vty, "%s", VTY_NEWLINE);
}

#define JSON_STR "Stock and batches as JSON over mutual TLS, for operators; from the next start on\n"
DEFUN(cfg_json, cfg_json_cmd, "json bind ADDR <0-65535>",
      JSON_STR "Listen\nIPv4 or IPv6 address\nTCP port, usually 8456; 0: any\n")
{
	osmo_talloc_replace_string(g_smdp, &g_smdp->cfg.json_ip, argv[0]);
	g_smdp->cfg.json_port = atoi(argv[1]);
	return CMD_SUCCESS;
}

DEFUN(cfg_no_json, cfg_no_json_cmd, "no json", NO_STR JSON_STR)
{
	TALLOC_FREE(g_smdp->cfg.json_ip);
	return CMD_SUCCESS;
}

void smdp_vty_stock_write(struct vty *vty)
{
	const struct smdp_cfg *c = &g_smdp->cfg;
	const struct card_type *t;

	if (c->json_ip)
		vty_out(vty, " json bind %s %u%s", c->json_ip, c->json_port, VTY_NEWLINE);
	if (c->has_identity)
		write_master(vty, &c->identity);
	write_card_type(vty, &g_smdp->dl.cards.other, " ");
	vty_out(vty, " reuse failed %s%s reuse deleted %s%s import-slice %u%s", reuse_names[c->stock.failed],
		VTY_NEWLINE, reuse_names[c->stock.deleted], VTY_NEWLINE, c->import_slice_ms, VTY_NEWLINE);
	for (unsigned i = 0; i < c->stock.n_low; i++)
		vty_out(vty, " low-stock %s %s %u%s", c->stock.low[i].owner, c->stock.low[i].type,
			c->stock.low[i].limit, VTY_NEWLINE);
	llist_for_each_entry(t, &g_smdp->dl.cards.list, entry) {
		vty_out(vty, " card-type %s%s", t->prefix, VTY_NEWLINE);
		write_card_type(vty, t, "  ");
	}
}

/* Types ---------------------------------------------------------------------------------------------------------- */

static int type_option(struct stock_type_new *n, void *ctx, const char *name, const char *value)
{
	uint8_t pol1;

	if (!strcmp(name, "plmn")) {
		n->plmn = value;
	} else if (!strcmp(name, "pol1") && hex_dec(&pol1, 1, value) == 1) {
		n->pol1 = pol1;
	} else if (!strcmp(name, "connectivity")) {
		n->connectivity = bytes_from_hex(ctx, value);
		return n->connectivity ? 0 : -EINVAL;
	} else if (!strcmp(name, "check") && (!strcmp(value, "no") || !strcmp(value, "yes"))) {
		n->unchecked = value[0] == 'n';
	} else {
		return -EINVAL;
	}
	return 0;
}

static int type_add(struct vty *vty, int argc, const char *argv[])
{
	struct stock_type_new n = { .owner = argv[0], .name = argv[1], .pol1 = -1 };
	void *ctx = talloc_new(g_smdp);
	struct bytes *upp = bytes_from_file(ctx, argv[2], STOCK_UPP_MAX);
	const char *err = "the file cannot be read, or is too large";
	int rc = upp ? 0 : -ENOENT;

	for (int i = 3; rc == 0 && i < argc; i += 2) {
		err = "options are: plmn DIGITS, pol1 HEX, connectivity HEX, check no";
		rc = i + 1 < argc ? type_option(&n, ctx, argv[i], argv[i + 1]) : -EINVAL;
	}
	if (rc == 0) {
		n.upp = upp->data;
		n.upp_len = upp->len;
		rc = stock_type_add(g_smdp->stock, &n, &err);
	}
	if (rc < 0)
		vty_out(vty, "%% %s%s", err, VTY_NEWLINE);
	else
		vty_out(vty, "Type %s, version %d%s", argv[1], rc, VTY_NEWLINE);
	talloc_free(ctx);
	return rc < 0 ? CMD_WARNING : CMD_SUCCESS;
}

#define TYPE_ADD_STR                                                                                                   \
	"Profile types\nA new type, or a new version of it\nOwner, an object identifier\nName\nPackage (DER) on this " \
	"machine\n"
DEFUN(type_add_plain, type_add_plain_cmd, "profile-type add OID NAME FILE", TYPE_ADD_STR)
{
	return type_add(vty, argc, argv);
}

DEFUN(type_add_opts, type_add_opts_cmd, "profile-type add OID NAME FILE .OPTIONS",
      TYPE_ADD_STR
      "plmn DIGITS: each IMSI begins with it; pol1 HEX; connectivity HEX: as in the package unless given; check no: "
      "even if it breaks rules of the format\n")
{
	return type_add(vty, argc, argv);
}

static void show_type(void *data, const struct stock_type *t)
{
	struct vty *vty = data;
	char at[CLOCK_STR_SIZE];

	vty_out(vty, "%s version %u of %s: %s%s%s, since %s%s", t->name, t->version, t->owner,
		t->keys ? "each profile has its keys" : "keys are in the package", t->plmn[0] ? ", PLMN " : "", t->plmn,
		clock_str(at, t->created), VTY_NEWLINE);
}

DEFUN(show_types, show_types_cmd, "show profile-types", SHOW_STR "Profile types in their versions\n")
{
	smdp_db_type_walk(g_smdp->db, NULL, show_type, vty);
	return CMD_SUCCESS;
}

/* Batches -------------------------------------------------------------------------------------------------------- */

static int batch_import(struct vty *vty, const char *owner, const char *type, const char *path, unsigned version)
{
	const char *err;
	int64_t id = stock_batches_import(g_smdp->batches, owner, type, version, path, &err);

	if (id < 0) {
		vty_out(vty, "%% %s%s", err, VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty_out(vty, "Batch %" PRId64 " is being read%s", id, VTY_NEWLINE);
	return CMD_SUCCESS;
}

#define IMPORT_STR                                                                                                     \
	"Batches of profiles\nRead subscribers from a file, in the background, all or none\n"                          \
	"Owner, an object identifier\nName of the profile type\nCSV, absolute path on this machine\n"
DEFUN(import, import_cmd, "batch import OID TYPE FILE", IMPORT_STR)
{
	return batch_import(vty, argv[0], argv[1], argv[2], 0);
}

DEFUN(import_version, import_version_cmd, "batch import OID TYPE FILE version <1-1000000>",
      IMPORT_STR "Not the newest version of the type\nNumber\n")
{
	return batch_import(vty, argv[0], argv[1], argv[2], atoi(argv[3]));
}

DEFUN(cancel, cancel_cmd, "batch cancel <1-2147483647>",
      "Batches of profiles\nTake back one that is not read to its end\nNumber from show batches\n")
{
	int rc = stock_batches_cancel(g_smdp->batches, atoll(argv[0]));

	if (rc < 0)
		vty_out(vty, "%% %s%s", rc == -ENOENT ? "no such batch" : "it has come to its end", VTY_NEWLINE);
	return rc < 0 ? CMD_WARNING : CMD_SUCCESS;
}

static void show_batch_line(void *data, const struct batch_row *b)
{
	struct vty *vty = data;
	char at[CLOCK_STR_SIZE];

	vty_out(vty, "%6" PRId64 " %s %s of %s: %s, %" PRId64 " profiles", b->id, clock_str(at, b->started), b->type,
		b->owner, stock_batch_state_name(b->state), b->rows);
	if (b->state == BATCH_READING && b->size)
		vty_out(vty, ", %d %% read", (int)(b->offset * 100 / b->size));
	if (b->bad)
		vty_out(vty, ", %" PRId64 " bad rows", b->bad);
	vty_out(vty, "%s", VTY_NEWLINE);
}

DEFUN(show_batches, show_batches_cmd, "show batches", SHOW_STR "The newest batches and how far they are\n")
{
	smdp_db_batch_walk(g_smdp->db, NULL, 50, show_batch_line, vty);
	return CMD_SUCCESS;
}

DEFUN(show_batch, show_batch_cmd, "show batch <1-2147483647>",
      SHOW_STR "One batch, and what is wrong with it\nNumber from show batches\n")
{
	struct batch_row b;
	char *line, *save = NULL;

	if (smdp_db_batch_get(g_smdp->db, atoll(argv[0]), &b) < 0) {
		vty_out(vty, "%% no batch %s%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	show_batch_line(vty, &b);
	for (line = strtok_r(b.message, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		vty_out(vty, "  %s%s", line, VTY_NEWLINE);
	return CMD_SUCCESS;
}

/* Stock ---------------------------------------------------------------------------------------------------------- */

static void show_sum(void *data, const char *owner, const char *type, enum stock_state state, int64_t n)
{
	struct vty *vty = data;

	vty_out(vty, "%s of %s: %" PRId64 " %s%s", type[0] ? type : "(no type)", owner, n, stock_state_name(state),
		VTY_NEWLINE);
}

DEFUN(show_stock, show_stock_cmd, "show stock", SHOW_STR "How many profiles of each type are in which state\n")
{
	smdp_db_stock_summary(g_smdp->db, NULL, show_sum, vty);
	return CMD_SUCCESS;
}

DEFUN(profile_reuse, profile_reuse_cmd, "profile ICCID reuse",
      "One profile on stock\nICCID\nReleased, failed or uncertain: from now on it may be ordered for any eUICC\n")
{
	int rc = stock_reuse(g_smdp->stock, argv[0]);

	if (rc < 0)
		vty_out(vty, "%% %s%s", rc == -ENOENT ? "not on stock" : "it is neither released, failed nor uncertain",
			VTY_NEWLINE);
	return rc < 0 ? CMD_WARNING : CMD_SUCCESS;
}

DEFUN(profile_master, profile_master_cmd, "profile ICCID master-delete",
      "One profile on stock\nICCID\nThe command, with its token, that deletes it from its eUICC whatever its POL1 "
      "says\n")
{
	struct bytes *apdu = bytes_new(g_smdp, 300);
	int rc = stock_master_delete(g_smdp->stock, argv[0], &g_smdp->cfg.identity, apdu);

	if (rc < 0)
		vty_out(vty, "%% %s%s",
			rc == -ENOENT ? "its ISD-P has no token key of ours" : "its key cannot be unsealed",
			VTY_NEWLINE);
	else
		vty_out(vty, "%s%s", bytes_hex(apdu, apdu->data, apdu->len), VTY_NEWLINE);
	talloc_free(apdu);
	return rc < 0 ? CMD_WARNING : CMD_SUCCESS;
}

void smdp_vty_stock_init(void)
{
	static struct cmd_element *const both[] = { &cfg_segment_size_cmd, &cfg_segments_cmd, &cfg_protection_cmd,
		&cfg_public_key_cmd };
	static struct cmd_element *const smdp[] = {
		&cfg_card_type_cmd, &cfg_no_card_type_cmd, &cfg_reuse_cmd,   &cfg_low_cmd,    &cfg_no_low_cmd,
		&cfg_slice_cmd,	    &cfg_json_cmd,	   &cfg_no_json_cmd, &cfg_master_cmd, &cfg_no_master_cmd,
	};
	static struct cmd_element *const enable[] = {
		&type_add_plain_cmd, &type_add_opts_cmd, &import_cmd,	      &import_version_cmd,
		&cancel_cmd,	     &profile_reuse_cmd, &profile_master_cmd,
	};

	install_node(&card_type_node, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		install_element(SMDP_NODE, both[i]);
		install_element(SMDP_CARD_TYPE_NODE, both[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(smdp); i++)
		install_element(SMDP_NODE, smdp[i]);
	for (size_t i = 0; i < ARRAY_SIZE(enable); i++)
		install_element(ENABLE_NODE, enable[i]);
	install_element_ve(&show_types_cmd);
	install_element_ve(&show_batches_cmd);
	install_element_ve(&show_batch_cmd);
	install_element_ve(&show_stock_cmd);
}

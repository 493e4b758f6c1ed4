/* VTY commands of a party: dialect, certificates, limits, token (off-card.md 8.5, 9; corrections 8, 10); and of the
 * link: what was given up, certificates anew.  SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <osmocom/rsp/es/es_party_vty.h>
#include <osmocom/rsp/util/bytes.h>
#include <osmocom/rsp/util/misc.h>

#define MASKED "<hidden>"

static const struct es_party_vty *door;		/* like the VTY itself, one per process */

static struct es_party_set *cur(struct vty *vty)
{
	return door->set(vty->index);
}

static int done(struct vty *vty)
{
	door->apply(vty->index);
	return CMD_SUCCESS;
}

/* --- certificates ------------------------------------------------------------------------------------------------ */

static int bind_add(struct vty *vty, enum es_bind_how how, const char *value, const char *anchor)
{
	struct es_party_set *s = cur(vty);
	struct es_bind *b;

	for (unsigned i = 0; i < s->n_binds; i++)
		if (s->bind[i].how == how && !strcasecmp(s->bind[i].value, value))
			return CMD_SUCCESS;
	if (s->n_binds == ES_BINDS_MAX) {
		vty_out(vty, "%% %u are known already, remove one first%s", s->n_binds, VTY_NEWLINE);
		return CMD_WARNING;
	}
	b = &s->bind[s->n_binds++];
	b->how = how;
	b->value = talloc_strdup(vty->index, value);
	b->anchor = talloc_strdup(vty->index, anchor);
	return done(vty);
}

#define CERT_STR "Its TLS client certificate; several at a time while one is renewed\n"

DEFUN(cfg_cert_hash, cfg_cert_hash_cmd, "certificate (fingerprint|spki) HEX",
      CERT_STR "SHA-256 of the certificate\nSHA-256 of its public key, which may outlive the certificate\n64 digits\n")
{
	uint8_t raw[32];

	if (hex_dec(raw, sizeof(raw), argv[1]) != sizeof(raw)) {
		vty_out(vty, "%% not 64 hexadecimal digits%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	return bind_add(vty, !strcmp(argv[0], "spki") ? ES_BIND_SPKI : ES_BIND_FINGERPRINT, argv[1], NULL);
}

DEFUN(cfg_cert_san, cfg_cert_san_cmd, "certificate san NAME issued-by FILE",
      CERT_STR "By name\nDNS name, URI, IP address or mail address in its subjectAltName\nWho may issue it\n"
      "Path of a PEM file\n")
{
	if (access(argv[1], R_OK) < 0) {
		vty_out(vty, "%% %s: %s%s", argv[1], strerror(errno), VTY_NEWLINE);
		return CMD_WARNING;
	}
	return bind_add(vty, ES_BIND_SAN, argv[0], argv[1]);
}

DEFUN(cfg_no_cert, cfg_no_cert_cmd, "no certificate VALUE", NO_STR CERT_STR "The hash or name as it was given\n")
{
	struct es_party_set *s = cur(vty);

	for (unsigned i = 0; i < s->n_binds; i++) {
		if (strcasecmp(s->bind[i].value, argv[0]))
			continue;
		talloc_free(s->bind[i].value);
		talloc_free(s->bind[i].anchor);
		memmove(&s->bind[i], &s->bind[i + 1], (--s->n_binds - i) * sizeof(s->bind[0]));
		return done(vty);
	}
	vty_out(vty, "%% none is known so%s", VTY_NEWLINE);
	return CMD_WARNING;
}

/* --- token ------------------------------------------------------------------------------------------------------- */

DEFUN(cfg_user, cfg_user_cmd, "username NAME password WORD",
      "WS-Security UsernameToken with digest, in what it sends and what it gets\nUser\nShared secret\nPassword\n")
{
	struct es_party_set *s = cur(vty);

	if (!strcmp(argv[1], MASKED)) {
		vty_out(vty, "%% that is how a password is shown, not one: the old one stays%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	osmo_talloc_replace_string(vty->index, &s->user, argv[0]);
	if (s->password)
		secret_wipe(s->password, strlen(s->password));
	osmo_talloc_replace_string(vty->index, &s->password, argv[1]);
	return done(vty);
}

DEFUN(cfg_no_user, cfg_no_user_cmd, "no username", NO_STR "No UsernameToken\n")
{
	struct es_party_set *s = cur(vty);

	TALLOC_FREE(s->user);
	TALLOC_FREE(s->password);
	s->no_certificate = false;
	return done(vty);
}

DEFUN(cfg_no_client_cert, cfg_no_client_cert_cmd, "without-certificate",
      "ES2 and ES4: the UsernameToken is enough, no TLS client certificate is wanted\n")
{
	cur(vty)->no_certificate = true;
	return done(vty);
}

DEFUN(cfg_with_client_cert, cfg_with_client_cert_cmd, "no without-certificate",
      NO_STR "A TLS client certificate is wanted\n")
{
	cur(vty)->no_certificate = false;
	return done(vty);
}

/* --- dialect ----------------------------------------------------------------------------------------------------- */

#define CHOICE(name, cmd, help, member, yes) \
	DEFUN(cfg_##name, cfg_##name##_cmd, cmd, help) \
	{ \
		cur(vty)->member = !strcmp(argv[0], yes); \
		return done(vty); \
	}

CHOICE(ns, "namespace (3|1)",
       "Namespace of our calls; answers follow the request\nesim-messaging/3\nesim-messaging/1\n", dialect.old_ns, "1")
CHOICE(sep, "query-separator (ampersand|question-mark)",
       "Between the parameters of an address we write\n&, as v3 peers do\n?, as v4 says\n", dialect.question_mark,
       "question-mark")
CHOICE(managent, "action-spelling (management|managent)",
       "wsa:Action we write\nProfileManagement\nProfileManagent, as a list of the specification had it\n",
       dialect.managent, "managent")
CHOICE(platform, "action-group (profile|platform)",
       "wsa:Action of enable, disable, delete\nProfileManagement\nPlatformManagement\n", dialect.platform, "platform")
CHOICE(auth, "authenticate-smsr (eid|eis)", "How ES7 AuthenticateSMSR names the eUICC\nBy its EID\nBy an EIS\n",
       dialect.authenticate_eis, "eis")
CHOICE(strict, "immediate-failure (reply|callback)",
       "Where a refusal goes that is known at once, when there is a ReplyTo\nThe HTTP reply\nReplyTo, as any answer\n",
       strict_callback, "callback")

DEFUN(cfg_suffix, cfg_suffix_cmd, "action-suffix (by-function|always|never)",
      "'Request' at the end of wsa:Action\nAs the function has it\nAlways\nNever\n")
{
	cur(vty)->dialect.suffix = argv[0][0] == 'b' ? ES_SUFFIX_BY_FUNCTION :
				   argv[0][0] == 'a' ? ES_SUFFIX_ALWAYS : ES_SUFFIX_NEVER;
	return done(vty);
}

DEFUN(cfg_spelling, cfg_spelling_cmd,
      "spelling (smsr-id|target-smsr-id|host-id|completion-timestamp|euicc-response-data) NAME",
      "Element names that peers disagree about\nIn ES2 DownloadProfile\nIn ES4 SMSRChange\nIn ES7 "
      "CreateAdditionalKeySet\n"
      "In notifications\nIn responses\nOne of the spellings known, see doc/interfaces.md\n")
{
	for (int s = ES_SPELL_NONE + 1; s < _ES_SPELLS; s++) {
		if (strcmp(es_spell_name(s), argv[0]))
			continue;
		for (unsigned w = 0; es_spelling(s, w); w++) {
			if (strcmp(es_spelling(s, w), argv[1]))
				continue;
			cur(vty)->dialect.spell[s] = w;
			return done(vty);
		}
		vty_out(vty, "%% known are");
		for (unsigned w = 0; es_spelling(s, w); w++)
			vty_out(vty, " %s", es_spelling(s, w));
		vty_out(vty, "%s", VTY_NEWLINE);
	}
	return CMD_WARNING;
}

/* --- limits ------------------------------------------------------------------------------------------------------ */

static const struct limit {
	const char *name;
	size_t off;
} limits[] = {
	{ "outbox-window", offsetof(struct es_party_set, max_inflight) },
	{ "outbox-queue", offsetof(struct es_party_set, max_queued) },
	{ "give-up", offsetof(struct es_party_set, give_up_s) },
	{ "max-open", offsetof(struct es_party_set, max_open) },
	{ "max-connections", offsetof(struct es_party_set, max_conns) },
	{ "max-rate", offsetof(struct es_party_set, max_rate) },
};

static unsigned *limit_at(struct es_party_set *s, const struct limit *l)
{
	return (unsigned *)((uint8_t *)s + l->off);
}

static int limit_set(struct vty *vty, unsigned which, const char *value)
{
	*limit_at(cur(vty), &limits[which]) = atoi(value);
	return done(vty);
}

#define LIMIT(n, name, range, help) \
	DEFUN(cfg_limit_##n, cfg_limit_##n##_cmd, name " " range, help) \
	{ \
		return limit_set(vty, n, argv[0]); \
	}

LIMIT(0, "outbox-window", "<1-256>", "Transfers to it at a time (16)\nNumber\n")
LIMIT(1, "outbox-queue", "<1-1000000>", "Calls and notifications that may wait for it (100000)\nNumber\n")
LIMIT(2, "give-up", "<60-2592000>", "What it does not take is given up after this long (86400)\nSeconds\n")
LIMIT(3, "max-open", "<1-100000>", "Its unanswered requests (4096)\nNumber\n")
LIMIT(4, "max-connections", "<1-10000>", "Its connections (256)\nNumber\n")
LIMIT(5, "max-rate", "<1-100000>", "Its messages a second (5000)\nNumber\n")

DEFUN(cfg_max_validity, cfg_max_validity_cmd, "max-validity <60-31536000>",
      "Longest ValidityPeriod that is accepted (604800), at the next start\nSeconds\n")
{
	door->limits()->max_validity_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_max_conns, cfg_max_conns_cmd, "es max-connections <1-65535>",
      "ES interfaces\nConnections of all peers together (1024), at the next start\nNumber\n")
{
	door->limits()->max_conns = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(cfg_read, cfg_read_cmd, "es read-timeout <1-3600>",
      "ES interfaces\nA message that takes longer to come is cut off (60), at the next start\nSeconds\n")
{
	door->limits()->read_s = atoi(argv[0]);
	return CMD_SUCCESS;
}

void es_link_vty_write(struct vty *vty, const struct es_link_limits *l)
{
	if (l->max_validity_s)
		vty_out(vty, " max-validity %u%s", l->max_validity_s, VTY_NEWLINE);
	if (l->max_conns)
		vty_out(vty, " es max-connections %u%s", l->max_conns, VTY_NEWLINE);
	if (l->read_s)
		vty_out(vty, " es read-timeout %u%s", l->read_s, VTY_NEWLINE);
}

/* --- written ----------------------------------------------------------------------------------------------------- */

static void write_binds(struct vty *vty, const struct es_party_set *s)
{
	static const char *const how[] = {
		[ES_BIND_FINGERPRINT] = "fingerprint", [ES_BIND_SPKI] = "spki", [ES_BIND_SAN] = "san",
	};

	for (unsigned i = 0; i < s->n_binds; i++)
		vty_out(vty, "  certificate %s %s%s%s%s", how[s->bind[i].how], s->bind[i].value,
			s->bind[i].anchor ? " issued-by " : "", s->bind[i].anchor ? : "", VTY_NEWLINE);
}

static void write_dialect(struct vty *vty, const struct es_dialect *d)
{
	if (d->old_ns)
		vty_out(vty, "  namespace 1%s", VTY_NEWLINE);
	if (d->question_mark)
		vty_out(vty, "  query-separator question-mark%s", VTY_NEWLINE);
	if (d->managent)
		vty_out(vty, "  action-spelling managent%s", VTY_NEWLINE);
	if (d->platform)
		vty_out(vty, "  action-group platform%s", VTY_NEWLINE);
	if (d->suffix != ES_SUFFIX_BY_FUNCTION)
		vty_out(vty, "  action-suffix %s%s", d->suffix == ES_SUFFIX_ALWAYS ? "always" : "never", VTY_NEWLINE);
	if (d->authenticate_eis)
		vty_out(vty, "  authenticate-smsr eis%s", VTY_NEWLINE);
	for (int s = ES_SPELL_NONE + 1; s < _ES_SPELLS; s++)
		if (d->spell[s])
			vty_out(vty, "  spelling %s %s%s", es_spell_name(s), es_spelling(s, d->spell[s]), VTY_NEWLINE);
}

void es_party_vty_write(struct vty *vty, const struct es_party_set *s)
{
	write_binds(vty, s);
	write_dialect(vty, &s->dialect);
	if (s->strict_callback)
		vty_out(vty, "  immediate-failure callback%s", VTY_NEWLINE);
	if (s->user)	/* for the file, not for a screen */
		vty_out(vty, "  username %s password %s%s", s->user,
			vty->type == VTY_FILE && s->password ? s->password : MASKED, VTY_NEWLINE);
	if (s->no_certificate)
		vty_out(vty, "  without-certificate%s", VTY_NEWLINE);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (*limit_at((struct es_party_set *)s, &limits[i]))
			vty_out(vty, "  %s %u%s", limits[i].name, *limit_at((struct es_party_set *)s, &limits[i]),
				VTY_NEWLINE);
}

/* --- the link ---------------------------------------------------------------------------------------------------- */

static struct es_link *started(struct vty *vty)
{
	struct es_link *l = door->link();

	if (!l)
		vty_out(vty, "%% not started yet%s", VTY_NEWLINE);
	return l;
}

#define OUTBOX_STR "Messages to peers that were given up\n"

DEFUN(outbox_retry, outbox_retry_cmd, "outbox retry [OID]", OUTBOX_STR "Send them again\nOnly to this peer\n")
{
	struct es_link *l = started(vty);

	if (!l)
		return CMD_WARNING;
	vty_out(vty, "%u message(s) are sent again%s", es_link_outbox_retry(l, argc ? argv[0] : NULL), VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(outbox_drop, outbox_drop_cmd, "outbox drop [OID]", OUTBOX_STR "Throw them away\nOnly to this peer\n")
{
	struct es_link *l = started(vty);

	if (!l)
		return CMD_WARNING;
	vty_out(vty, "%u message(s) thrown away%s", es_link_outbox_drop(l, argc ? argv[0] : NULL), VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(tls_reload, tls_reload_cmd, "tls reload",
      "TLS of the ES interfaces\nRead certificate, key, trust list and revocation list anew; connections stay\n")
{
	struct es_link *l = started(vty);

	if (!l)
		return CMD_WARNING;
	if (es_link_reload(l) == 0 && (!door->reload || door->reload() == 0))
		return CMD_SUCCESS;
	vty_out(vty, "%% a file cannot be read: the old ones stay, see the log%s", VTY_NEWLINE);
	return CMD_WARNING;
}

void es_party_vty_init(const struct es_party_vty *v)
{
	struct cmd_element *const elements[] = {
		&cfg_cert_hash_cmd, &cfg_cert_san_cmd, &cfg_no_cert_cmd, &cfg_user_cmd, &cfg_no_user_cmd,
		&cfg_no_client_cert_cmd, &cfg_with_client_cert_cmd, &cfg_ns_cmd, &cfg_sep_cmd, &cfg_managent_cmd,
		&cfg_platform_cmd, &cfg_auth_cmd, &cfg_strict_cmd, &cfg_suffix_cmd, &cfg_spelling_cmd, &cfg_limit_0_cmd,
		&cfg_limit_1_cmd, &cfg_limit_2_cmd, &cfg_limit_3_cmd, &cfg_limit_4_cmd, &cfg_limit_5_cmd,
	};

	door = v;
	for (size_t i = 0; i < ARRAY_SIZE(elements); i++)
		install_element(v->node, elements[i]);
	install_element(v->link_node, &cfg_max_validity_cmd);
	install_element(v->link_node, &cfg_max_conns_cmd);
	install_element(v->link_node, &cfg_read_cmd);
	install_element(ENABLE_NODE, &outbox_retry_cmd);
	install_element(ENABLE_NODE, &outbox_drop_cmd);
	install_element(ENABLE_NODE, &tls_reload_cmd);
}

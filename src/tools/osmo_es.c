/* osmo-es: the operator's, fleet owner's and EUM's command line: sends one ES1, ES2 or ES4 function, waits for the answer
 * (in the HTTP reply or by callback) with visible progress, prints it as text or JSON.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/msgb.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/es/es_link.h>
#include <osmocom/rsp/es/es_rights.h>
#include <osmocom/rsp/es/es_schema.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>
#include <osmocom/rsp/util/sqldb.h>

#include "es_tool.h"

static const char help[] =
	"osmo-es -c CONFIG [OPTIONS] FUNCTION [ELEMENT=VALUE ...]\n"
	"  FUNCTION  any of ES1, ES2, ES3, ES4, ES4A, ES7 by its name on the wire, ES4-EnableProfile for one; notifications\n"
	"            too. --manual lists them with their elements.\n"
	"            ES1-RegisterEIS FILE.xml ...\n"
	"            listen   print notifications as they come, until interrupted\n"
	"  ELEMENT   name in any case, hyphens do not count; parts of an element with dots: pol2.Rule.Action=DELETE;\n"
	"            ELEMENT=@FILE takes it from an XML file\n"
	"  -p, --peer NAME       which `peer` of the configuration is called (default: the first)\n"
	"  -b, --batch FILE      the same function for each line \"EID ICCID\" of FILE, up to 1000 open at once\n"
	"  -v, --validity SEC    ValidityPeriod of the request (default 300)\n"
	"  -j, --json            print JSON\n"
	"  -r, --raw             print what is sent and received on stderr\n"
	"  -s, --strict          what is received must fit the schema, else exit 4\n"
	"  -q, --quiet           no progress\n"
	"  -D, --debug           log at DEBUG on stderr\n"
	"osmo-es --schema DIR | --manual | --rights     write XSD and WSDL; print the functions; print who may call what\n"
	"Exit: 0 EXECUTED_SUCCESS or EXECUTED_WITHWARNING, 1 FAILED or EXPIRED, 2 usage, 3 no answer, 4 not as the schema says.\n"
	"CONFIG has lines: id OID | name TEXT | cert FILE | key FILE | ca FILE | listen IP PORT (without: answers are fetched) |\n"
	"                  peer NAME sm-sr|sm-dp|operator|m2m-sp|eum OID URL CERTFILE\n";

static struct es_tool tool;

static void print_answer(const char *tag, const struct es_msg *m, const char *why)
{
	tool.open--;
	if (!m) {
		tool.unanswered++;
		fprintf(stderr, "\nosmo-es: %s: no answer: %s\n", tag, why ? : "unknown");
		return;
	}
	if (m->b.result.status == ES_FAILED || m->b.result.status == ES_EXPIRED)
		tool.failed++;
	else
		tool.succeeded++;
	if (tool.n_files > 1 && !tool.batch && m->b.result.status == ES_EXECUTED_SUCCESS)
		return;
	if (tool.progress && !tool.json)
		fputc('\n', stderr);
	es_tool_print(&tool, m);
	fflush(stdout);
}

static void rx_response(void *priv, const char *tag, const struct es_msg *m, const char *why)
{
	print_answer(tag, m, why);
}

static void rx_notification(void *priv, const struct es_party *from, const struct es_msg *m)
{
	es_tool_print(&tool, m);
	fflush(stdout);
}

static void rx_trace(void *priv, bool in, const uint8_t *data, size_t len)
{
	char *err = NULL;

	if (tool.raw)
		fprintf(stderr, "%s %.*s\n", in ? "<-" : "->", (int)len, (const char *)data);
	if (!in || !tool.validator || !len || es_validate(tool.validator, &err, tool.ctx, data, len) == 0)
		return;
	tool.invalid++;
	fprintf(stderr, "osmo-es: what came does not fit the schema: %s\n", err);
	talloc_free(err);
}

/* Nobody calls functions of a command line. */
static void rx_request(void *priv, struct es_req *req, bool resumed)
{
	es_req_respond_err(req, ES_R_UNSUPPORTED, NULL, NULL);
}

static int send_one(struct es_msg *m, const char *tag)
{
	bool request = m->kind == ES_REQUEST;
	int rc;

	if (!m->b.fcid)
		m->b.fcid = talloc_strdup(m, tag);
	if (!m->b.validity_s)
		m->b.validity_s = tool.validity;
	rc = es_call(tool.link, tool.peer->id, m, tag, clock_now() + tool.validity + 30);
	if (rc < 0)
		fprintf(stderr, "osmo-es: cannot call %s: %s\n", tool.peer->id, strerror(-rc));
	else
		tool.open += request;
	return rc;
}

static int send_function(int argc, char **argv)
{
	struct es_msg *m = es_tool_request(tool.ctx, argc, argv, false);

	return m ? send_one(m, argv[0]) : -EINVAL;
}

/* One more of the many: an EIS file to register, or a line "EID ICCID" for the function of the command line. */
static struct es_msg *next_request(const char *what)
{
	struct es_msg *m;

	if (!tool.batch)
		return es_tool_register(tool.ctx, what);
	m = es_tool_request(tool.ctx, tool.argc, tool.argv, true);
	if (m && es_tool_batch_line(m, what) == 0)
		return m;
	talloc_free(m);
	return NULL;
}

/* Keep a window of requests open. */
static int send_more(void)
{
	unsigned window = tool.batch ? 1000 : 16;
	struct es_msg *m;
	int rc;

	while (tool.next_file < tool.n_files && tool.open < window) {
		m = next_request(tool.files[tool.next_file]);
		if (!m)
			return -EINVAL;
		rc = send_one(m, tool.files[tool.next_file++]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void progress_cb(void *data)
{
	if (tool.n_files > 1)
		fprintf(stderr, "\rosmo-es: %u of %u done, %u failed", tool.succeeded, tool.n_files, tool.failed);
	else if (tool.open)
		fprintf(stderr, "\rosmo-es: waiting for the answer, %u s ", tool.waited++);
	osmo_timer_schedule(&tool.tick, 1, 0);
}

static void stop(int sig)
{
	tool.quit = 1;
}

static void linger_cb(void *data)
{
	tool.lingered = true;
}

/* A callback's sender waits for our 202: without it, it would send the answer again and again. */
static void linger(void)
{
	osmo_timer_setup(&tool.tick, linger_cb, NULL);
	osmo_timer_schedule(&tool.tick, 0, 100000);
	while (!tool.lingered && !tool.quit) {
		osmo_select_main_ctx(0);
		txn_commit(tool.db);
	}
	osmo_timer_del(&tool.tick);
}

static int run(void)
{
	int rc = 0;

	if (tool.progress) {
		osmo_timer_setup(&tool.tick, progress_cb, NULL);
		osmo_timer_schedule(&tool.tick, 2, 0);
	}
	while (!tool.quit && rc == 0) {
		rc = send_more();
		txn_commit(tool.db);
		if (!tool.listen && tool.open == 0 && tool.next_file >= tool.n_files && !es_link_outbox_len(tool.link))
			break;
		osmo_select_main_ctx(0);
		txn_commit(tool.db);
	}
	osmo_timer_del(&tool.tick);
	linger();
	if (tool.n_files > 1)
		fprintf(stderr, "\rosmo-es: %u of %u done, %u failed\n", tool.succeeded, tool.n_files, tool.failed);
	return rc;
}

static int link_open(void)
{
	static const char *const schema[] = { es_link_schema, es_link_schema_2 };
	struct es_link_cfg cfg = { .own_id = tool.id, .own_name = tool.name, .bind_ip = tool.ip, .bind_port = tool.port,
				   .cert_file = tool.cert, .key_file = tool.key, .ca_file = tool.ca, .default_validity_s = 300,
				   .request = rx_request, .response = rx_response, .notification = rx_notification,
				   .trace = rx_trace };

	if (sqldb_open(&tool.db, tool.ctx, ":memory:", schema, 2) < 0)
		return -EIO;
	cfg.db = tool.db;
	tool.link = es_link_new(tool.ctx, tool.db);
	if (!tool.link || es_tool_parties(&tool) < 0)
		return -EINVAL;
	cfg.poll = !tool.ip;	/* cannot be called: fetches its answers */
	if (tool.ip)
		cfg.own_url = talloc_asprintf(tool.ctx, "https://%s:%u/es", tool.ip, tool.port);
	return es_link_start(tool.link, &cfg);
}

static int print_text(const struct bytes *b)
{
	return b && fwrite(b->data, 1, b->len, stdout) == b->len ? 0 : 2;
}

enum { OPT_SCHEMA = 256, OPT_MANUAL, OPT_RIGHTS };

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "peer", required_argument, NULL, 'p' },
		{ "validity", required_argument, NULL, 'v' }, { "batch", required_argument, NULL, 'b' }, { "json", no_argument, NULL, 'j' },
		{ "raw", no_argument, NULL, 'r' }, { "strict", no_argument, NULL, 's' }, { "quiet", no_argument, NULL, 'q' }, { "debug", no_argument, NULL, 'D' },
		{ "schema", required_argument, NULL, OPT_SCHEMA }, { "manual", no_argument, NULL, OPT_MANUAL },
		{ "rights", no_argument, NULL, OPT_RIGHTS }, { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, {}
	};
	const char *config = NULL;
	bool strict = false;
	char *err;
	int c, rc;

	tool.ctx = talloc_named_const(NULL, 0, "osmo-es");
	tool.validity = 300;
	tool.progress = isatty(2);
	msgb_talloc_ctx_init(tool.ctx, 0);
	osmo_init_logging2(tool.ctx, &rsp_log_info);
	log_set_all_filter(osmo_stderr_target, 1);
	log_set_log_level(osmo_stderr_target, LOGL_ERROR);
	while ((c = getopt_long(argc, argv, "c:p:v:b:jrsqDhV", options, NULL)) != -1) {
		switch (c) {
		case 'c': config = optarg; break;
		case 'p': tool.peer_name = optarg; break;
		case 'v': tool.validity = atoi(optarg); break;
		case 'b': tool.batch = optarg; break;
		case 'j': tool.json = true; break;
		case 'r': tool.raw = true; break;
		case 's': strict = true; break;
		case 'q': tool.progress = false; break;
		case OPT_SCHEMA: return es_tool_schema(tool.ctx, optarg);
		case OPT_MANUAL: return print_text(es_schema_manual(tool.ctx));
		case OPT_RIGHTS: fputs(es_rights_manual(tool.ctx), stdout); return 0;
		case 'D': log_set_log_level(osmo_stderr_target, LOGL_DEBUG); break;
		case 'h': fputs(help, stdout); return 0;
		case 'V': puts("osmo-es " PACKAGE_VERSION); return 0;
		default: return 2;
		}
	}
	if (!config || optind >= argc) {
		fputs(help, stderr);
		return 2;
	}
	if (strict) {
		tool.validator = es_validator_new(tool.ctx, &err);
		if (!tool.validator) {
			fprintf(stderr, "osmo-es: %s\n", err);
			return 2;
		}
	}
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	signal(SIGPIPE, SIG_IGN);
	if (es_tool_config(&tool, config) < 0 || link_open() < 0)
		return 2;
	argc -= optind;
	argv += optind;
	if (!strcmp(argv[0], "listen")) {
		tool.listen = true;
	} else if (tool.batch) {
		tool.argc = argc;
		tool.argv = argv;
		if (es_tool_batch(&tool) < 0)
			return 2;
	} else if (!strcmp(argv[0], "ES1-RegisterEIS")) {
		tool.files = argv + 1;
		tool.n_files = argc - 1;
	} else if (send_function(argc, argv) < 0) {
		return 2;
	}
	tool.started_ms = clock_now_ms();
	rc = run();
	sqldb_close(tool.db);
	if (rc < 0)
		return 2;
	return tool.invalid ? 4 : tool.unanswered ? 3 : tool.failed ? 1 : 0;
}

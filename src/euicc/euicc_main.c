/* osmo-euicc-sim: options, configuration, select loop.
 * SPDX-License-Identifier: AGPL-3.0-or-later */
#include "config.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/application.h>
#include <osmocom/core/fsm.h>
#include <osmocom/core/msgb.h>
#include <osmocom/core/select.h>
#include <osmocom/core/stats.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/sqldb.h>
#include <osmocom/rsp/util/http_vty.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/logging.h>
#include <osmocom/vty/misc.h>
#include <osmocom/vty/telnet_interface.h>
#include <osmocom/vty/vty.h>

#include "card_env.h"
#include "euicc_vty.h"
#include "sim.h"

#define VTY_PORT 4284

static struct {
	const char *config, *state, *import;
	uint16_t vty_port;
} opt = {.config = "/etc/osmocom/osmo-euicc-sim.cfg",
	 .state = "/var/lib/osmocom/osmo-euicc-sim.db",
	 .vty_port = VTY_PORT};

static volatile sig_atomic_t quit;

static void on_signal(int sig)
{
	quit = 1;
}

static void print_help(void)
{
	printf("Usage: osmo-euicc-sim [options]\n"
	       "  -c, --config-file FILE   configuration (default %s)\n"
	       "  -s, --state FILE         cards' memory, SQLite (default %s)\n"
	       "      --import FILE        take in a batch of cards (eum-batch.json) and exit\n"
	       "      --vty-port PORT      VTY port (default %u; 0: any)\n"
	       "  -h, --help               this text\n"
	       "  -V, --version            version\n", opt.config, opt.state, VTY_PORT);
}

static int parse_port(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	return *text && !*end && v <= 65535 ? (int)v : -1;
}

static void parse_options(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "config-file", required_argument, NULL, 'c' }, { "state", required_argument, NULL, 's' },
		{ "import", required_argument, NULL, 'i' }, { "vty-port", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { }
	};
	int o, port;

	while ((o = getopt_long(argc, argv, "c:s:hV", long_options, NULL)) != -1) {
		switch (o) {
		case 'c':
			opt.config = optarg;
			break;
		case 's':
			opt.state = optarg;
			break;
		case 'i':
			opt.import = optarg;
			break;
		case 'p':
			port = parse_port(optarg);
			if (port < 0) {
				fprintf(stderr, "osmo-euicc-sim: bad port %s\n", optarg);
				exit(2);
			}
			opt.vty_port = port;
			break;
		case 'h':
			print_help();
			exit(0);
		case 'V':
			print_version(1);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "osmo-euicc-sim: unexpected argument %s\n", argv[optind]);
		exit(2);
	}
}

static int do_import(struct sim *s)
{
	unsigned known;
	int n = sim_import(s, opt.import, &known);

	if (n < 0)
		return 1;
	printf("%d cards imported, %u were known\n", n, known);
	return 0;
}

static int run(void *ctx, struct sim *s)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int rc;

	rc = vty_read_config_file(opt.config, NULL);
	if (rc < 0) {
		fprintf(stderr, "osmo-euicc-sim: cannot use %s\n", opt.config);
		return 1;
	}
	if (telnet_init_default(ctx, NULL, opt.vty_port) < 0 || sim_start(s) < 0)
		return 1;
	txn_commit(s->env->db);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	while (!quit) {
		osmo_select_main_ctx(0);
		txn_commit(s->env->db);
	}
	return 0;
}

int main(int argc, char **argv)
{
	void *ctx = talloc_named_const(NULL, 1, "osmo-euicc-sim");
	struct vty_app_info vty_info = {
		.name = "osmo-euicc-sim", .version = PACKAGE_VERSION, .copyright = "AGPL-3.0-or-later\n"};
	struct sim *s;
	int rc;

	vty_info.tall_ctx = ctx;
	msgb_talloc_ctx_init(ctx, 0);
	osmo_init_logging2(ctx, &rsp_log_info);
	osmo_fsm_term_safely(true);
	osmo_fsm_set_dealloc_ctx(OTC_SELECT);
	vty_init(&vty_info);
	parse_options(argc, argv);
	logging_vty_add_cmds();
	osmo_fsm_log_addr(false);
	s = sim_new(ctx, opt.state);
	if (!s)
		return 1;
	euicc_vty_init(s);
	http_vty_init();
	rc = opt.import ? do_import(s) : run(ctx, s);
	sim_free(s);
	return rc;
}

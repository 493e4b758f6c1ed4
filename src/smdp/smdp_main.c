/* osmo-smdp: options, signals, select loop.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "config.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/rsp/util/daemon_main.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/vty/misc.h>
#include <osmocom/vty/telnet_interface.h>
#include <osmocom/vty/vty.h>

#include "smdp.h"
#include "smdp_vty.h"

#define SMDP_VTY_PORT 4282
#define SMDP_CTRL_PORT 4283

struct smdp *g_smdp;

static struct {
	const char *config, *import, *export, *owner;
	int vty_port, ctrl_port;
	bool daemonize, check;
} opt = { .config = "/etc/osmocom/osmo-smdp.cfg", .vty_port = SMDP_VTY_PORT };

static void usage(void)
{
	printf("Usage: osmo-smdp [options]\n"
	       "  -h, --help                  this text\n"
	       "  -V, --version               version\n"
	       "  -c, --config-file FILE      configuration (default %s)\n"
	       "  -p, --vty-port PORT         telnet VTY (default %d)\n"
	       "      --ctrl-port PORT        CTRL interface (default %d)\n"
	       "  -D, --daemonize             go to the background\n"
	       "      --check-config          read the configuration, say whether it is good, end\n"
	       "      --import-profile FILE   put profiles on stock (JSON lines, file mode 0600), end\n"
	       "      --export-subscribers FILE  write ICCID, IMSI, MSISDN and keys of the stock as CSV, end\n"
	       "      --owner OID             only of this operator's profiles\n",
	       opt.config, SMDP_VTY_PORT, SMDP_CTRL_PORT);
}

enum { OPT_IMPORT = 256, OPT_EXPORT, OPT_OWNER, OPT_CHECK, OPT_CTRL_PORT };

static void options(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "help", 0, NULL, 'h' }, { "version", 0, NULL, 'V' }, { "config-file", 1, NULL, 'c' },
		{ "vty-port", 1, NULL, 'p' }, { "daemonize", 0, NULL, 'D' }, { "import-profile", 1, NULL, OPT_IMPORT },
		{ "export-subscribers", 1, NULL, OPT_EXPORT }, { "owner", 1, NULL, OPT_OWNER },
		{ "check-config", 0, NULL, OPT_CHECK }, { "ctrl-port", 1, NULL, OPT_CTRL_PORT }, {},
	};
	int c;

	while ((c = getopt_long(argc, argv, "hVc:p:D", longopts, NULL)) >= 0) {
		switch (c) {
		case 'h':
			usage();
			exit(0);
		case 'V':
			print_version(1);
			exit(0);
		case 'c':
			opt.config = optarg;
			break;
		case 'p':
			opt.vty_port = atoi(optarg);
			break;
		case OPT_CTRL_PORT:
			opt.ctrl_port = atoi(optarg);
			break;
		case 'D':
			opt.daemonize = true;
			break;
		case OPT_IMPORT:
			opt.import = optarg;
			break;
		case OPT_EXPORT:
			opt.export = optarg;
			break;
		case OPT_OWNER:
			opt.owner = optarg;
			break;
		case OPT_CHECK:
			opt.check = true;
			break;
		default:
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "osmo-smdp: '%s' is too much on the command line\n", argv[optind]);
		exit(2);
	}
}

static int import(void)
{
	int n;

	if (smdp_open(g_smdp) < 0)
		return 1;
	n = stock_import(g_smdp->stock, opt.import);
	if (n < 0) {
		fprintf(stderr, "osmo-smdp: nothing of %s was imported\n", opt.import);
		_exit(1);	/* without COMMIT: all or nothing */
	}
	smdp_stop(g_smdp);
	printf("%d profiles imported\n", n);
	return 0;
}

static int export(void)
{
	int64_t n;

	if (smdp_open(g_smdp) < 0)
		return 1;
	n = stock_export(g_smdp->stock, opt.owner, opt.export);
	smdp_stop(g_smdp);
	if (n < 0) {
		fprintf(stderr, "osmo-smdp: %s: %s\n", opt.export,
			n == -EEXIST ? "is there already" : "cannot be written");
		return 1;
	}
	printf("%lld subscribers written: keys in clear\n", (long long)n);
	return 0;
}

static int run(void *ctx)
{
	if (smdp_open(g_smdp) < 0 || smdp_start(g_smdp) < 0)
		return 1;
	if (telnet_init_default(ctx, NULL, opt.vty_port) < 0) {
		LOGP(DMAIN, LOGL_FATAL, "VTY port %d cannot be opened\n", opt.vty_port);
		return 1;
	}
	if (!daemon_main_ctrl(opt.ctrl_port, SMDP_CTRL_PORT, NULL))
		return 1;
	daemon_main_signals();
	while (!daemon_main_quit()) {
		osmo_select_main_ctx(0);
		smdp_commit(g_smdp);
	}
	LOGP(DMAIN, LOGL_NOTICE, "ending\n");
	smdp_stop(g_smdp);
	return 0;
}

int main(int argc, char **argv)
{
	void *ctx;

	talloc_enable_null_tracking();
	ctx = talloc_named_const(NULL, 0, "osmo-smdp");
	smdp_vty_info.version = PACKAGE_VERSION;
	daemon_main_init(ctx, &smdp_vty_info);
	smdp_vty_init();
	options(argc, argv);
	g_smdp = smdp_new(ctx);
	if (vty_read_config_file(opt.config, NULL) < 0) {
		fprintf(stderr, "osmo-smdp: cannot read the configuration %s\n", opt.config);
		return 1;
	}
	if (opt.check) {
		printf("%s: good\n", opt.config);
		return 0;
	}
	if (opt.import)
		return import();
	if (opt.export)
		return export();
	if (opt.daemonize && osmo_daemonize() < 0) {
		perror("osmo-smdp: daemonize");
		return 1;
	}
	return run(ctx);
}

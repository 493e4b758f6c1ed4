/* osmo-smsr: options, signals, select loop.
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <talloc.h>

#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/daemon_main.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/misc.h>
#include <osmocom/vty/telnet_interface.h>
#include <osmocom/vty/vty.h>

#include "smsr.h"
#include "smsr_vty.h"

#define VTY_PORT 4280
#define CTRL_PORT 4281

struct smsr *g_smsr;

static struct {
	const char *config, *key_kind, *key_id, *key_file, *backup, *checkpoint;
	int vty_port, ctrl_port;
	bool daemonize, check, verify;
} opt = { .config = "osmo-smsr.cfg", .vty_port = VTY_PORT };

static struct vty_app_info vty_info = {
	.name = "OsmoSMSR",
	.version = PACKAGE_VERSION,
	.copyright = "SM-SR of SGP.02. License AGPLv3+: GNU AGPL version 3 or later\r\n",
};

static void usage(void)
{
	printf("Usage: osmo-smsr [options]\n"
	       "  -h, --help                     this text\n"
	       "  -V, --version                  version\n"
	       "  -c, --config-file FILE         configuration (osmo-smsr.cfg)\n"
	       "  -D, --daemonize                go to the background\n"
	       "      --vty-port PORT            telnet port of the VTY (%d)\n"
	       "      --ctrl-port PORT           port of the CTRL interface (%d)\n"
	       "      --check-config             read the configuration, look for the files it names, end\n"
	       "      --import-key eum OID FILE  store the transport key of this EUM, sealed; end\n"
	       "      --verify-audit             is the timeline as it was written? report, end (1: it is not)\n"
	       "      --checkpoint FILE          with it: a log that holds checkpoints of the timeline\n"
	       "      --backup FILE              a consistent copy of the database, also of a running daemon; end\n", VTY_PORT, CTRL_PORT);
}

enum { OPT_CHECK = 256, OPT_IMPORT, OPT_VTY_PORT, OPT_CTRL_PORT, OPT_VERIFY, OPT_CHECKPOINT, OPT_BACKUP };

static void handle_options(int argc, char **argv)
{
	static const struct option longs[] = {{"help", 0, 0, 'h'},
					      {"version", 0, 0, 'V'},
					      {"config-file", 1, 0, 'c'},
					      {"daemonize", 0, 0, 'D'},
					      {"check-config", 0, 0, OPT_CHECK},
					      {"import-key", 1, 0, OPT_IMPORT},
					      {"verify-audit", 0, 0, OPT_VERIFY},
					      {"checkpoint", 1, 0, OPT_CHECKPOINT},
					      {"backup", 1, 0, OPT_BACKUP},
					      {"vty-port", 1, 0, OPT_VTY_PORT},
					      {"ctrl-port", 1, 0, OPT_CTRL_PORT},
					      {}};
	int c;

	while ((c = getopt_long(argc, argv, "hVc:D", longs, NULL)) >= 0) {
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
		case 'D':
			opt.daemonize = true;
			break;
		case OPT_CHECK:
			opt.check = true;
			break;
		case OPT_VERIFY:
			opt.verify = true;
			break;
		case OPT_CHECKPOINT:
			opt.checkpoint = optarg;
			break;
		case OPT_BACKUP:
			opt.backup = optarg;
			break;
		case OPT_VTY_PORT:
			opt.vty_port = atoi(optarg);
			break;
		case OPT_CTRL_PORT:
			opt.ctrl_port = atoi(optarg);
			break;
		case OPT_IMPORT:	/* three words: the other two follow it */
			opt.key_kind = optarg;
			if (optind + 1 < argc) {
				opt.key_id = argv[optind++];
				opt.key_file = argv[optind++];
			}
			break;
		default:
			usage();
			exit(2);
		}
	}
	if (optind < argc || opt.vty_port <= 0 || opt.vty_port > 65535 || opt.ctrl_port < 0 || opt.ctrl_port > 65535 ||
	    (opt.key_kind && (strcmp(opt.key_kind, "eum") || !opt.key_file))) {
		usage();
		exit(2);
	}
}

static void *init(void)
{
	void *ctx = talloc_named_const(NULL, 0, "osmo-smsr");

	daemon_main_init(ctx, &vty_info);
	g_smsr = smsr_alloc(ctx);
	smsr_vty_init();
	return ctx;
}

static int run(void *ctx)
{
	bool ctrl;

	if (smsr_check(g_smsr) < 0)
		return 1;
	if (opt.daemonize && osmo_daemonize() < 0) {	/* before the database: its locks do not survive a fork */
		perror("daemonize");
		return 1;
	}
	if (telnet_init_default(ctx, NULL, opt.vty_port) < 0)
		return 1;
	if (smsr_start(g_smsr) < 0) {
		fprintf(stderr, "osmo-smsr: cannot start, see above\n");
		smsr_stop(g_smsr);
		return 1;
	}
	if (!daemon_main_ctrl(opt.ctrl_port, CTRL_PORT, &ctrl)) {
		smsr_stop(g_smsr);
		return 1;
	}
	if (ctrl)
		smsr_vty_smsc_ctrl();
	while (!daemon_main_quit()) {
		osmo_select_main_ctx(0);
		smsr_turn(g_smsr);
	}
	LOGP(DMAIN, LOGL_NOTICE, "ending, closing the database\n");
	smsr_stop(g_smsr);
	return 0;
}

/* A descriptor per session of a card: the soft limit is for programs that use select(). */
static void raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

int main(int argc, char **argv)
{
	void *ctx = init();
	int rc;

	handle_options(argc, argv);
	if (vty_read_config_file(opt.config, NULL) < 0) {
		fprintf(stderr, "osmo-smsr: cannot read the configuration %s\n", opt.config);
		return 1;
	}
	if (opt.check) {
		rc = smsr_check(g_smsr) < 0;
		printf("%s: %s\n", opt.config, rc ? "not usable" : "ok");
	} else if (opt.verify) {
		rc = smsr_verify_audit(g_smsr, opt.checkpoint) < 0;
		smsr_stop(g_smsr);
	} else if (opt.backup) {
		rc = smsr_backup(g_smsr, opt.backup) < 0;
	} else if (opt.key_kind) {
		rc = smsr_import_key(g_smsr, opt.key_id, opt.key_file) < 0;
		smsr_stop(g_smsr);
	} else {
		daemon_main_signals();
		raise_descriptors();
		rc = run(ctx);
	}
	talloc_free(ctx);
	return rc;
}

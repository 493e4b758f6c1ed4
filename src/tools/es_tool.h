/* Parts of osmo-es. SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

#include <signal.h>
#include <osmocom/core/timer.h>
#include <osmocom/rsp/es/es_link.h>

struct es_tool {
	void *ctx;
	struct sqldb *db;
	struct es_link *link;
	struct es_party *peer;
	/* configuration */
	const char *id, *name, *cert, *key, *ca, *ip, *peer_name;
	unsigned port;
	char *peers[8]; unsigned n_peers;	/* "NAME ROLE OID URL CERT" */
	/* options and state */
	int64_t started_ms;
	unsigned validity, open, failed, succeeded, unanswered, waited;
	bool json, progress, listen, raw;
	struct es_validator *validator;	/* NULL: answers are not judged */
	unsigned invalid;
	char **files; unsigned n_files, next_file;	/* EIS files, or lines of the batch */
	const char *batch;
	int argc; char **argv;		/* the function with its fields, for each line of the batch */
	struct osmo_timer_list tick;
	volatile sig_atomic_t quit;
	bool lingered;
};

int es_tool_config(struct es_tool *t, const char *path);
/* The configured peers as parties of the link; t->peer is the one chosen. */
int es_tool_parties(struct es_tool *t);
/* "ES4-EnableProfile eid=... iccid=..." as a request; NULL and a line on stderr when it does not fit. */
struct es_msg *es_tool_request(void *ctx, int argc, char **argv, bool batch);
struct es_msg *es_tool_register(void *ctx, const char *eis_file);
/* Lines of t->batch into t->files. */
int es_tool_batch(struct es_tool *t);
int es_tool_batch_line(struct es_msg *m, const char *line);
/* Schema files and WSDL into a directory; 0 or an exit status. */
int es_tool_schema(void *ctx, const char *dir);
void es_tool_print(const struct es_tool *t, const struct es_msg *m);

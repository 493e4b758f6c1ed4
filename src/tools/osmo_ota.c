/* osmo-ota: the card-side layers by hand, one operation a call, or one JSON request a line (design 1).
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ota_op.h"

static void usage(void)
{
	const struct ota_op *op;
	unsigned i;

	printf("osmo-ota OP [NAME=VALUE ...]\nosmo-ota help OP\nosmo-ota --json < REQUESTS > ANSWERS\n"
	       "osmo-ota --examples\n\nVALUE: hex, or @FILE (@-: standard input); a list is given entry by entry. "
	       "For your own keys only.\n\n");
	for (i = 0; (op = ota_op_nth(i)); i++)
		printf("  %-20s %s\n", op->name, op->help);
}

static int help(const char *name)
{
	static const char *const kinds[] = { "hex", "text", "number", "true|false", "list of hex" };
	const struct ota_op *op = ota_op_find(name);
	const struct ota_field *f;

	if (!op) {
		fprintf(stderr, "osmo-ota: no such operation\n");
		return 1;
	}
	printf("%s: %s\n", op->name, op->help);
	for (f = op->fields; f->name; f++)
		printf("  %-16s %-12s %s%s\n", f->name, kinds[f->kind], f->help, f->need ? " (needed)" : "");
	printf("example: %s\n", op->example);
	return 0;
}

/* The answer as "path: value" lines. Decoded text holds printable ASCII only, see ota_put_text(). */
static void print_value(const char *path, json_t *v)
{
	char sub[256];
	const char *name;
	json_t *e;
	size_t i;

	if (json_is_object(v)) {
		json_object_foreach(v, name, e) {
			snprintf(sub, sizeof(sub), "%s%s%s", path, *path ? "." : "", name);
			print_value(sub, e);
		}
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, e) {
			snprintf(sub, sizeof(sub), "%s[%zu]", path, i);
			print_value(sub, e);
		}
	} else if (json_is_integer(v)) {
		printf("%-18s %lld\n", path, (long long)json_integer_value(v));
	} else if (json_is_boolean(v)) {
		printf("%-18s %s\n", path, json_is_true(v) ? "yes" : "no");
	} else {
		printf("%-18s %s\n", path, json_is_string(v) ? json_string_value(v) : "-");
	}
}

static int one(int argc, char **argv)
{
	const struct ota_op *op = ota_op_find(argv[0]);
	json_t *in = json_object(), *out = NULL;
	char err[160] = "no such operation";
	int i, rc = op ? 0 : -1;

	json_object_set_new(in, "op", json_string(argv[0]));
	for (i = 1; rc == 0 && i < argc; i++)
		rc = ota_op_arg(in, op, argv[i], err, sizeof(err));
	if (rc == 0) {
		out = ota_op_run(in);
		if (json_object_get(out, "error")) {
			snprintf(err, sizeof(err), "%s", json_string_value(json_object_get(out, "error")));
			rc = -1;
		}
	}
	if (rc == 0) {
		json_object_del(out, "op");
		print_value("", out);
	} else {
		fprintf(stderr, "osmo-ota: %s\n", err);
	}
	json_decref(in);
	json_decref(out);
	return rc == 0 ? 0 : 1;
}

static void answer(json_t *out)
{
	char *text = json_dumps(out, JSON_COMPACT | JSON_PRESERVE_ORDER);

	printf("%s\n", text ? text : "{\"op\":null,\"error\":\"answer cannot be written\"}");
	fflush(stdout);
	free(text);
	json_decref(out);
}

/* One line into buf: its length, -1 at the end of the input, OTA_LINE_MAX when it was longer (the rest is skipped). */
static long line_read(char *buf)
{
	long n = 0;
	int c;

	while ((c = getchar()) != EOF && c != '\n') {
		if (n < (long)OTA_LINE_MAX)
			buf[n++] = c;
	}
	return c == EOF && n == 0 ? -1 : n;
}

static int batch(void)
{
	char *buf = malloc(OTA_LINE_MAX);
	json_t *in;
	long n;

	if (!buf)
		return 1;
	while ((n = line_read(buf)) >= 0) {
		if (n == (long)OTA_LINE_MAX) {
			answer(ota_op_error(NULL, "line too long"));
			continue;
		}
		in = json_loadb(buf, n, JSON_REJECT_DUPLICATES, NULL);
		answer(in ? ota_op_run(in) : ota_op_error(NULL, "not JSON"));
		json_decref(in);
	}
	free(buf);
	return ferror(stdin) || ferror(stdout) ? 1 : 0;
}

static int examples(void)
{
	const struct ota_op *op;
	unsigned i;

	for (i = 0; (op = ota_op_nth(i)); i++)
		printf("%s\n", op->example);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--json"))
		return batch();
	if (argc == 2 && !strcmp(argv[1], "--examples"))
		return examples();
	if (argc == 3 && !strcmp(argv[1], "help"))
		return help(argv[2]);
	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage();
		return argc < 2 ? 1 : 0;
	}
	return one(argc - 1, argv + 1);
}

/* Import of batches. A row is checked, its secrets sealed and its package made once for a trial; it is staged, which
 * nobody sees. When all are good the batch is released; if one is bad, all are taken back. A slice at a time, with the
 * place in the file in the same transaction as the rows: after a crash it goes on there.
 *
 *	READING -> RELEASING -> DONE
 *	READING -> UNDOING -> REFUSED
 * SPDX-License-Identifier: AGPL-3.0-or-later */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>
#include <osmocom/rsp/util/counters.h>
#include <osmocom/rsp/util/logging.h>
#include <osmocom/rsp/util/misc.h>

#include "stock_batch.h"
#include "stock_priv.h"

#define SLICE_MS	20
#define BAD_MAX		20	/* mistakes named before the rest of the file is left unread */
#define MOVE_MAX	500	/* rows that change their state in one slice */
#define TEXT_MAX	(8U << 20)	/* in memory, waiting */

struct batch_text {		/* a batch that came over the network */
	struct llist_head entry;
	int64_t id;
	struct bytes *b;
};

struct stock_batches {
	struct stock *stock;
	struct smdp_db *db;
	unsigned slice_ms;
	struct osmo_timer_list timer;
	struct llist_head texts;
	size_t texts_len;

	/* the one under way; f NULL: none is open */
	struct batch_row row;
	struct stock_type type;
	struct upp_cols *cols;
	struct bytes *upp;
	FILE *f;
};

const char *stock_batch_state_name(enum batch_state s)
{
	static const char *const names[] = {
		[BATCH_READING] = "reading", [BATCH_RELEASING] = "releasing", [BATCH_DONE] = "done",
		[BATCH_UNDOING] = "undoing", [BATCH_REFUSED] = "refused",
	};

	return s < ARRAY_SIZE(names) ? names[s] : "?";
}

static struct batch_text *text_find(struct stock_batches *b, int64_t id)
{
	struct batch_text *t;

	llist_for_each_entry(t, &b->texts, entry)
		if (t->id == id)
			return t;
	return NULL;
}

static void close_source(struct stock_batches *b)
{
	struct batch_text *t = text_find(b, b->row.id);

	if (b->f)
		fclose(b->f);
	b->f = NULL;
	TALLOC_FREE(b->upp);
	TALLOC_FREE(b->cols);
	if (t) {
		b->texts_len -= t->b->len;
		llist_del(&t->entry);
		talloc_free(t);
	}
}

static int batches_free(struct stock_batches *b)
{
	osmo_timer_del(&b->timer);
	if (b->f)
		fclose(b->f);
	return 0;
}

/* One more mistake, for a person; the last one allowed ends the reading. */
static void bad(struct stock_batches *b, unsigned column, const char *name, const char *why)
{
	size_t n = strlen(b->row.message), left = sizeof(b->row.message) - n;
	char *to = b->row.message + n;

	b->row.bad++;
	if (column)
		snprintf(to, left, "line %" PRId64 ", column %u%s%s%s: %s\n", b->row.line, column, name[0] ? " (" : "",
			 name, name[0] ? ")" : "", why);
	else
		snprintf(to, left, "line %" PRId64 ": %s\n", b->row.line, why);
}

static void bad_row(struct stock_batches *b, const struct upp_row_err *e)
{
	bad(b, e->column, e->name, e->msg);
}

/* A column that the row has, by its name. */
static void bad_column(struct stock_batches *b, const char *name, const char *why)
{
	unsigned i = 0;

	while (i < upp_cols_count(b->cols) && strcmp(upp_cols_name(b->cols, i), name))
		i++;
	bad(b, i < upp_cols_count(b->cols) ? i + 1 : 0, name, why);
}

static void refuse(struct stock_batches *b, const char *why)
{
	size_t n = strlen(b->row.message);

	if (why)
		snprintf(b->row.message + n, sizeof(b->row.message) - n, "%s\n", why);
	b->row.state = BATCH_UNDOING;
	close_source(b);
}

/* One line into buf. 1; 0 at the end; -EMSGSIZE longer than any row may be (read to its end). */
static int line_read(struct stock_batches *b, char *buf, size_t size)
{
	size_t n;
	int c;

	if (!fgets(buf, size, b->f))
		return ferror(b->f) ? -EIO : 0;
	b->row.line++;
	n = strlen(buf);
	if (n && buf[n - 1] == '\n')
		return 1;
	if (n < size - 1)
		return feof(b->f) ? 1 : -EMSGSIZE;	/* a NUL in it */
	while ((c = fgetc(b->f)) != EOF && c != '\n')
		;
	return -EMSGSIZE;
}

static bool cols_have(const struct upp_cols *c, const char *name)
{
	for (unsigned i = 0; i < upp_cols_count(c); i++)
		if (!strcmp(upp_cols_name(c, i), name))
			return true;
	return false;
}

/* Only numbers, of profiles whose keys come another day. */
static bool cols_numbers_only(const struct upp_cols *c)
{
	for (unsigned i = 0; i < upp_cols_count(c); i++)
		if (!stock_point_is_number(upp_cols_name(c, i)) && upp_cols_name(c, i)[0] != '-')
			return false;
	return true;
}

static int header_read(struct stock_batches *b)
{
	struct upp_row_err e = {};
	char line[UPP_ROW_MAX];

	b->cols = upp_cols_new(b);
	upp_cols_plmn(b->cols, b->type.plmn[0] ? b->type.plmn : NULL);
	if (line_read(b, line, sizeof(line)) != 1)
		bad(b, 0, "", "the file is empty, or its first line too long");
	else if (upp_cols_header(b->cols, line, &e) < 0)
		bad_row(b, &e);
	else if (!cols_have(b->cols, "iccid"))
		bad(b, 0, "", "the first line names the columns, and iccid must be one");
	else if (b->type.keys && !cols_have(b->cols, "k") && !cols_numbers_only(b->cols))
		bad(b, 0, "", "profiles of this type have keys, and the column k is missing");
	return b->row.bad ? -EINVAL : 0;
}

/* The file as it was when the batch began? Its place is only good in that one. */
static int source_open(struct stock_batches *b)
{
	struct batch_text *t = text_find(b, b->row.id);
	int64_t line = b->row.line;
	const char *err;
	struct stat st;

	if (smdp_db_type_get(b->db, b->row.ptype, &b->type) < 0 ||
	    !(b->upp = stock_type_package(b->stock, b, &b->type, &err))) {
		refuse(b, "the type's package cannot be unsealed");
		return -EIO;
	}
	b->f = t ? fmemopen(t->b->data, t->b->len, "r") : b->row.path[0] ? fopen(b->row.path, "r") : NULL;
	if (!b->f || (!t && (fstat(fileno(b->f), &st) < 0 || st.st_size != b->row.size ||
			     st.st_mtime != b->row.mtime))) {
		refuse(b, "the file is gone or has changed");
		return -ENOENT;
	}
	b->row.line = 0;
	if (header_read(b) < 0) {
		refuse(b, NULL);
		return -EINVAL;
	}
	if (b->row.offset && fseek(b->f, b->row.offset, SEEK_SET) < 0) {
		refuse(b, "the file cannot be read");
		return -EIO;
	}
	if (line)
		b->row.line = line;
	return 0;
}

/* Two cards cannot have one IMSI at the same time. */
static int imsi_check(struct stock_batches *b, const struct upp_perso *p)
{
	struct stock_row other;
	char why[100];

	if (!p->imsi || smdp_db_stock_by_imsi(b->db, p->imsi, &other) < 0 || !strcmp(other.iccid, p->iccid) ||
	    other.state == STOCK_RELEASED || other.state == STOCK_FAILED)
		return 0;
	if (other.batch == b->row.id)
		snprintf(why, sizeof(why), "the same IMSI is in line %" PRId64, other.line);
	else
		snprintf(why, sizeof(why), "ICCID %s on stock has the same IMSI", other.iccid);
	bad_column(b, "imsi", why);
	return -EEXIST;
}

static void duplicate(struct stock_batches *b, const char *iccid, const char *err)
{
	struct stock_row other;
	char why[160];

	snprintf(why, sizeof(why), "%s", err);
	if (smdp_db_stock_get(b->db, iccid, &other) == 0 && other.batch == b->row.id)
		snprintf(why, sizeof(why), "the same ICCID is in line %" PRId64, other.line);
	bad_column(b, "iccid", why);
}

static void row_stage(struct stock_batches *b, const struct upp_perso *p)
{
	struct stock_new n = {
		.upp = b->upp->data, .upp_len = b->upp->len, .upp_id = b->type.upp, .iccid = p->iccid, .imsi = p->imsi,
		.msisdn = p->msisdn, .smsc = p->smsc, .owner = b->row.owner, .type = b->row.type, .cols = b->cols,
		.perso = p, .batch = b->row.id, .line = b->row.line,
	};
	char iccid[ICCID_STR_SIZE];
	struct upp_row_err e;
	const char *err = "";
	int rc;

	if (imsi_check(b, p) < 0)
		return;
	rc = stock_add(b->stock, &n, iccid, &err);
	if (rc == 0) {
		b->row.rows++;
	} else if (rc == -EEXIST) {
		duplicate(b, iccid, err);
	} else {
		upp_row_blame(b->cols, err, &e);
		bad_row(b, &e);
	}
}

static void row_take(struct stock_batches *b, const char *line)
{
	const struct upp_perso *p;
	struct upp_row_err e;

	p = upp_row_csv(b->cols, line, &e);
	if (!p)
		bad_row(b, &e);
	else if (!p->iccid)
		bad_column(b, "iccid", "each profile has one");
	else if (b->type.keys && !p->k && !cols_numbers_only(b->cols))
		bad_column(b, "k", "each profile of this type has one");
	else
		row_stage(b, p);
}

/* One row. false: nothing more to read. */
static bool row_read(struct stock_batches *b)
{
	char line[UPP_ROW_MAX];
	int rc = line_read(b, line, sizeof(line));

	if (rc == 0 || rc == -EIO)
		return false;
	if (rc < 0)
		bad(b, 0, "", "the line is too long, or not text");
	else if (line[strspn(line, " \t\r\n")])
		row_take(b, line);
	secret_wipe(line, strnlen(line, sizeof(line)));
	b->row.offset = ftell(b->f);
	return b->row.bad < BAD_MAX;
}

static void slice_read(struct stock_batches *b)
{
	int64_t end = clock_now_ms() + b->slice_ms;

	if (!b->f && source_open(b) < 0)
		return;
	while (row_read(b))
		if (clock_now_ms() >= end)
			return;
	if (ferror(b->f)) {
		refuse(b, "the file cannot be read");
	} else if (b->row.bad) {
		refuse(b, b->row.bad < BAD_MAX ? NULL : "the rest was not read");
	} else {
		close_source(b);
		b->row.state = BATCH_RELEASING;
	}
}

static void slice_release(struct stock_batches *b)
{
	struct stock_type t;
	int rc = smdp_db_type_get(b->db, b->row.ptype, &t);

	if (rc == 0)
		rc = smdp_db_stock_release(b->db, b->row.id, t.keys, MOVE_MAX);
	if (rc == 0)
		b->row.state = BATCH_DONE;
}

static void finished(struct stock_batches *b)
{
	close_source(b);	/* cancelled before its turn: nobody has opened it */
	b->row.finished = clock_now();
	if (b->row.state == BATCH_DONE) {
		counter_add(CTR_STOCK_IMPORTED, b->row.rows);
		LOGP(DMAIN, LOGL_NOTICE, "batch %" PRId64 " of type %s: %" PRId64 " profiles on stock, %" PRId64 " s\n",
		     b->row.id, b->row.type, b->row.rows, b->row.finished - b->row.started);
	} else {
		counter_inc(CTR_STOCK_REFUSED);
		b->row.rows = 0;
		LOGP(DMAIN, LOGL_ERROR, "batch %" PRId64 " of type %s refused: %s", b->row.id, b->row.type,
		     b->row.message);
	}
}

bool stock_batches_step(struct stock_batches *b)
{
	if ((!b->row.id || b->row.finished) && smdp_db_batch_open(b->db, &b->row) < 0) {
		b->row = (struct batch_row){};
		return false;
	}
	switch (b->row.state) {
	case BATCH_READING:
		slice_read(b);
		break;
	case BATCH_RELEASING:
		slice_release(b);
		break;
	default:
		if (smdp_db_stock_unstage(b->db, b->row.id, MOVE_MAX) == 0)
			b->row.state = BATCH_REFUSED;
	}
	if (b->row.state == BATCH_DONE || b->row.state == BATCH_REFUSED)
		finished(b);
	smdp_db_batch_save(b->db, &b->row);
	return true;
}

int stock_batches_cancel(struct stock_batches *b, int64_t id)
{
	struct batch_row other;
	int rc;

	if (b->row.id == id && !b->row.finished) {
		if (b->row.state != BATCH_READING)
			return -EBUSY;
		refuse(b, "cancelled");
		return smdp_db_batch_save(b->db, &b->row);
	}
	rc = smdp_db_batch_get(b->db, id, &other);
	if (rc < 0 || other.state != BATCH_READING)
		return rc < 0 ? rc : -EBUSY;
	other.state = BATCH_UNDOING;	/* its turn has not come */
	OSMO_STRLCPY_ARRAY(other.message, "cancelled\n");
	return smdp_db_batch_save(b->db, &other);
}

static void tick(void *data)
{
	struct stock_batches *b = data;

	if (stock_batches_step(b))
		osmo_timer_schedule(&b->timer, 0, 0);	/* all that waits is served between two slices */
}

struct stock_batches *stock_batches_new(void *ctx, struct stock *s, struct smdp_db *db)
{
	struct stock_batches *b = talloc_zero(ctx, struct stock_batches);

	OSMO_ASSERT(b);
	b->stock = s;
	b->db = db;
	b->slice_ms = SLICE_MS;
	INIT_LLIST_HEAD(&b->texts);
	osmo_timer_setup(&b->timer, tick, b);
	talloc_set_destructor(b, batches_free);
	return b;
}

void stock_batches_slice(struct stock_batches *b, unsigned ms)
{
	b->slice_ms = ms;
}

void stock_batches_resume(struct stock_batches *b)
{
	osmo_timer_schedule(&b->timer, 0, 0);
}

static int64_t batch_add(struct stock_batches *b, struct batch_row *row, const char *owner, const char *type,
			 unsigned version, const char **err)
{
	struct stock_type t;
	int64_t id;

	*err = "no such type of this owner: it comes first";
	if (smdp_db_type_find(b->db, owner, type, version, &t) < 0)
		return -ENOENT;
	OSMO_STRLCPY_ARRAY(row->owner, owner);
	OSMO_STRLCPY_ARRAY(row->type, type);
	row->ptype = t.id;
	row->started = clock_now();
	*err = "database";
	id = smdp_db_batch_add(b->db, row);
	if (id > 0) {
		*err = NULL;
		stock_batches_resume(b);
	}
	return id;
}

int64_t stock_batches_import(struct stock_batches *b, const char *owner, const char *type, unsigned version,
			     const char *path, const char **err)
{
	struct batch_row row = {};
	struct stat st;

	*err = "the file is named by an absolute path of at most 255 characters";
	if (path[0] != '/' || strlen(path) >= sizeof(row.path))
		return -EINVAL;
	*err = "the file cannot be read, or is no plain file";
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	*err = "the file holds keys and is open to others: chmod 600";
	if (st.st_mode & 077)
		return -EACCES;
	OSMO_STRLCPY_ARRAY(row.path, path);
	row.size = st.st_size;
	row.mtime = st.st_mtime;
	return batch_add(b, &row, owner, type, version, err);
}

int64_t stock_batches_import_text(struct stock_batches *b, const char *owner, const char *type, const void *text,
				  size_t len, const char **err)
{
	struct batch_row row = { .size = len };
	struct batch_text *t;
	int64_t id;

	*err = "too much is waiting already, or nothing came";
	if (!len || b->texts_len + len > TEXT_MAX)
		return -ENOSPC;
	id = batch_add(b, &row, owner, type, 0, err);
	if (id < 0)
		return id;
	t = talloc_zero(b, struct batch_text);
	OSMO_ASSERT(t);
	t->id = id;
	t->b = bytes_dup(t, text, len);
	bytes_secret(t->b);
	b->texts_len += len;
	llist_add_tail(&t->entry, &b->texts);
	return id;
}

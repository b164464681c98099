/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Recordings: what a source answers, with pseudonyms, as JSON lines under zstd. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>
#include <ucluster/source.h>
#include "base/base64.h"
#include "base/file.h"
#include "base/utf8.h"
#include "slurm/record.h"

#define LEVEL 6 /* of zstd: a tenth of the size at disk speed */

struct recorder {
	json_t *names[UC_MASK_PATH + 1]; /* name -> number, one object a mask */
	ZSTD_CStream *zstd;
	struct uc_buf file;
	bool failed; /* out of memory */
};

/* The number of this name, given in order of appearance. */
static long long number_of(struct recorder *rec, enum uc_mask mask, const char *name)
{
	json_t *known = json_object_get(rec->names[mask], name);
	long long n;

	if (known)
		return json_integer_value(known);
	n = (long long)json_object_size(rec->names[mask]) + 1;
	if (json_object_set_new_nocheck(rec->names[mask], name, json_integer(n)) < 0)
		rec->failed = true;
	return n;
}

static void mask_word(struct recorder *rec, enum uc_mask mask, const char *word,
		      struct uc_buf *out)
{
	static const char *const forms[] = {
		[UC_MASK_USER] = "user",   [UC_MASK_ACCOUNT] = "account",
		[UC_MASK_GROUP] = "group", [UC_MASK_NAME] = "job",
		[UC_MASK_TEXT] = "text",   [UC_MASK_PATH] = "/path",
	};

	if (!strcmp(word, "root")) /* nobody's name */
		uc_buf_add(out, word);
	else
		uc_buf_addf(out, "%s%lld", forms[mask], number_of(rec, mask, word));
}

/* Accounts, groups and users also come as lists; "-bob" is all but bob. */
static void mask_text(struct recorder *rec, enum uc_mask mask, const char *text,
		      struct uc_buf *out)
{
	if (mask != UC_MASK_ACCOUNT && mask != UC_MASK_GROUP && mask != UC_MASK_USER) {
		mask_word(rec, mask, text, out);
		return;
	}
	for (;;) {
		size_t len = strcspn(text, ",");
		const size_t minus = *text == '-';
		uc_auto(buf) struct uc_buf word = { 0 };

		uc_buf_addn(out, text, minus);
		uc_buf_addn(&word, text + minus, len - minus);
		rec->failed = rec->failed || word.failed;
		mask_word(rec, mask, uc_buf_text(&word), out);
		if (!text[len])
			return;
		uc_buf_addc(out, ',');
		text += len + 1;
	}
}

/* NULL from jansson is out of memory, never "not set". */
static json_t *made(struct recorder *rec, json_t *value)
{
	if (!value)
		rec->failed = true;
	return value;
}

static bool is_utf8(const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	uint32_t rune;

	while (p < end) {
		size_t n = uc_utf8_decode(p, (size_t)(end - p), &rune);

		if (!n)
			return false;
		p += n;
	}
	return true;
}

static json_t *text_value(struct recorder *rec, const char *text)
{
	uc_auto(buf) struct uc_buf encoded = { 0 };

	if (is_utf8(text, strlen(text)))
		return made(rec, json_string(text));
	uc_base64_encode(&encoded, text, strlen(text));
	rec->failed = rec->failed || encoded.failed;
	return made(rec, json_pack("{ss}", "base64", uc_buf_text(&encoded)));
}

static json_t *raw_value(struct recorder *rec, struct uc_raw raw, enum uc_mask mask)
{
	uc_auto(buf) struct uc_buf masked = { 0 };

	if (!raw.bytes || mask == UC_MASK_NONE)
		return raw.bytes ? text_value(rec, raw.bytes) : json_null();
	mask_text(rec, mask, raw.bytes, &masked);
	rec->failed = rec->failed || masked.failed;
	return text_value(rec, uc_buf_text(&masked));
}

static json_t *list_value(struct recorder *rec, const struct uc_raw_list *list,
			  enum uc_mask mask)
{
	json_t *array = made(rec, json_array());

	for (size_t i = 0; i < list->count; i++)
		if (json_array_append_new(array, raw_value(rec, list->item[i], mask)) < 0)
			rec->failed = true;
	return array;
}

static json_t *number_value(struct recorder *rec, uint64_t n, enum uc_mask mask)
{
	char text[24];

	if (mask == UC_MASK_NONE || !n) /* 0 is root */
		return made(rec, json_integer((json_int_t)n));
	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return made(rec, json_integer(10000 + number_of(rec, mask, text)));
}

/* NULL: not set. */
static json_t *field_value(struct recorder *rec, const void *row,
			   const struct uc_field *f)
{
	const void *at = uc_row_field(row, f);
	const struct uc_raw *raw = at;
	const struct uc_raw_list *list = at;
	uint64_t n = 0;

	switch ((enum uc_field_type)f->type) {
	case UC_FIELD_RAW:
		return raw->bytes ? raw_value(rec, *raw, f->mask) : NULL;
	case UC_FIELD_LIST:
		return list->count ? list_value(rec, list, f->mask) : NULL;
	case UC_FIELD_BOOL:
		return *(const bool *)at ? json_true() : NULL;
	case UC_FIELD_U32:
		n = *(const uint32_t *)at;
		break;
	case UC_FIELD_U64:
	case UC_FIELD_I64:
		n = *(const uint64_t *)at;
		break;
	}
	return n == f->unset ? NULL : number_value(rec, n, f->mask);
}

static void compress(struct recorder *rec, const char *text, size_t len,
		     ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = { text, len, 0 };
	size_t left;

	do {
		char chunk[32768];
		ZSTD_outBuffer out = { chunk, sizeof(chunk), 0 };

		left = ZSTD_compressStream2(rec->zstd, &out, &in, end);
		if (ZSTD_isError(left)) {
			rec->failed = true;
			return;
		}
		uc_buf_addn(&rec->file, chunk, out.pos);
	} while (in.pos < in.size || (end == ZSTD_e_end && left));
}

static void add_row(struct recorder *rec, const struct uc_rows_type *type,
		    const void *row)
{
	json_t *object = json_object();
	char *line;

	for (size_t i = 0; i < type->field_count; i++) {
		json_t *value = field_value(rec, row, &type->fields[i]);

		if (value && json_object_set_new(object, type->fields[i].name, value) < 0)
			rec->failed = true;
	}
	line = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!line) {
		rec->failed = true;
		return;
	}
	compress(rec, line, strlen(line), ZSTD_e_continue);
	compress(rec, "\n", 1, ZSTD_e_continue);
	free(line);
}

static int write_table(struct recorder *rec, const char *dir, enum uc_rows_kind kind,
		       const struct uc_rows *rows, struct uc_error *err)
{
	const struct uc_rows_type *type = uc_rows_type(kind);
	uc_auto(buf) struct uc_buf path = { 0 };

	uc_buf_reset(&rec->file);
	ZSTD_CCtx_reset(rec->zstd, ZSTD_reset_session_only);
	for (size_t i = 0; i < rows->count && !rec->failed; i++)
		add_row(rec, type, uc_rows_at(rows, type->row_size, i));
	compress(rec, "", 0, ZSTD_e_end);
	uc_buf_addf(&path, "%s/%s.jsonl.zst", dir, type->name);
	if (rec->failed || rec->file.failed || path.failed)
		return uc_fail(err, UC_FAILED, "out of memory for a recording of %s",
			       type->name);
	return uc_file_write(path.data, rec->file.data, rec->file.len, 0600, err);
}

static int load_table(struct uc_source *src, enum uc_rows_kind kind,
		      struct uc_rows **rows, struct uc_error *err)
{
	switch (kind) {
	case UC_ROWS_JOBS:
		return uc_jobs_load(src, &(struct uc_job_query){ .detail = true },
				    (struct uc_jobs **)rows, err);
	case UC_ROWS_NODES:
		return uc_nodes_load(src, (struct uc_nodes **)rows, err);
	case UC_ROWS_PARTITIONS:
		return uc_partitions_load(src, (struct uc_partitions **)rows, err);
	case UC_ROWS_RESERVATIONS:
		return uc_reservations_load(src, (struct uc_reservations **)rows, err);
	case UC_ROWS_LIMITS:  /* one user's */
	case UC_ROWS_STEPS:   /* one job's */
	case UC_ROWS_HISTORY: /* where there is one: write_history() */
		break;
	}
	return -1;
}

static int check_empty(const char *path, struct uc_error *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool empty = true;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			empty = false;
	if (dir)
		closedir(dir);
	if (empty)
		return 0;
	return uc_fail(err, UC_USAGE, "'%s' is not empty: expected a new folder", path);
}

static int add_table(struct recorder *rec, const char *dir, json_t *tables,
		     enum uc_rows_kind kind, const struct uc_rows *rows,
		     struct uc_error *err)
{
	json_t *times = json_pack("{sI sI}", "now", (json_int_t)rows->now, "updated",
				  (json_int_t)rows->updated);

	if (write_table(rec, dir, kind, rows, err) < 0) {
		json_decref(times);
		return -1;
	}
	if (json_object_set_new(tables, uc_rows_type(kind)->name, times) < 0)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

/* A day of accounting; a cluster without it is recorded without it. */
static int write_history(struct recorder *rec, struct uc_source *src, const char *dir,
			 json_t *tables, struct uc_error *err)
{
	const struct uc_history_query day = { .since = uc_source_now(src) - 86400,
					      .steps = true };
	uc_auto(history) struct uc_history *history = NULL;
	struct uc_history_facts facts;

	if (uc_history_load(src, &day, &facts, &history, err) < 0)
		return -1;
	if (facts.origin != UC_HISTORY_ACCOUNTING)
		return 0;
	return add_table(rec, dir, tables, UC_ROWS_HISTORY, (struct uc_rows *)history,
			 err);
}

static int write_all(struct recorder *rec, struct uc_source *src, const char *dir,
		     struct uc_error *err)
{
	static const enum uc_rows_kind kinds[] = { UC_ROWS_JOBS, UC_ROWS_NODES,
						   UC_ROWS_PARTITIONS,
						   UC_ROWS_RESERVATIONS };
	json_t *tables = json_object();
	json_t *manifest =
		json_pack("{si sI so}", "ucluster_record", UC_RECORD_VERSION, "now",
			  (json_int_t)uc_source_now(src), "tables", tables);
	uc_auto(buf) struct uc_buf path = { 0 };
	char *text = NULL;
	int rc = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !rc; i++) {
		uc_auto(rows) struct uc_rows *rows = NULL;

		rc = load_table(src, kinds[i], &rows, err);
		if (!rc)
			rc = add_table(rec, dir, tables, kinds[i], rows, err);
	}
	if (!rc)
		rc = write_history(rec, src, dir, tables, err);
	uc_buf_addf(&path, "%s/manifest.json", dir);
	if (!rc)
		text = json_dumps(manifest, JSON_INDENT(1));
	if (!rc && (!text || path.failed))
		rc = uc_fail(err, UC_FAILED, "out of memory");
	/* Last: a recording without a manifest is none. */
	if (!rc)
		rc = uc_file_write(path.data, text, strlen(text), 0600, err);
	free(text);
	json_decref(manifest);
	return rc;
}

/* What one that failed has left in the folder, which was empty; and the folder, if made.
 */
static void remove_all(const char *dir, bool made)
{
	static const enum uc_rows_kind kinds[] = { UC_ROWS_JOBS, UC_ROWS_NODES,
						   UC_ROWS_PARTITIONS,
						   UC_ROWS_RESERVATIONS,
						   UC_ROWS_HISTORY };
	uc_auto(buf) struct uc_buf path = { 0 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uc_buf_reset(&path);
		uc_buf_addf(&path, "%s/%s.jsonl.zst", dir, uc_rows_type(kinds[i])->name);
		if (!path.failed)
			unlink(path.data);
	}
	if (made)
		rmdir(dir);
}

int uc_record_write(struct uc_source *src, const char *dir, struct uc_error *err)
{
	const bool made = access(dir, F_OK) < 0;
	struct recorder rec = { 0 };
	int rc = -1;

	if (uc_file_mkdirs(dir, 0700, err) < 0 || check_empty(dir, err) < 0)
		return -1;
	for (size_t i = 0; i <= UC_MASK_PATH; i++) {
		rec.names[i] = json_object();
		rec.failed = rec.failed || !rec.names[i];
	}
	rec.zstd = ZSTD_createCStream();
	if (rec.failed || !rec.zstd ||
	    ZSTD_isError(
		    ZSTD_CCtx_setParameter(rec.zstd, ZSTD_c_compressionLevel, LEVEL)))
		uc_fail(err, UC_FAILED, "out of memory");
	else
		rc = write_all(&rec, src, dir, err);
	if (rc < 0)
		remove_all(dir, made);
	for (size_t i = 0; i <= UC_MASK_PATH; i++)
		json_decref(rec.names[i]);
	ZSTD_freeCStream(rec.zstd);
	uc_buf_free(&rec.file);
	return rc;
}

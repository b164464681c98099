/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* "record:DIR": recordings come from bug reports, so nothing in them is believed. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "base/base64.h"
#include "base/file.h"
#include "slurm/history.h"
#include "slurm/record.h"
#include "slurm/source_ops.h"

struct record {
	char *dir;
	int64_t now;
	json_t *tables;
};

static int read_raw(struct uc_arena *arena, const json_t *value, struct uc_raw *raw)
{
	const char *encoded = json_string_value(json_object_get(value, "base64"));
	uc_auto(buf) struct uc_buf bytes = { 0 };

	if (json_is_null(value)) {
		raw->bytes = NULL;
		return 0;
	}
	if (json_is_string(value)) {
		raw->bytes = uc_arena_strdup(arena, json_string_value(value));
		return 0;
	}
	if (!encoded || !uc_base64_decode(&bytes, encoded) ||
	    (bytes.len && memchr(bytes.data, '\0', bytes.len)))
		return -1;
	raw->bytes = uc_arena_strdup(arena, uc_buf_text(&bytes));
	return 0;
}

static int read_list(struct uc_arena *arena, const json_t *value,
		     struct uc_raw_list *list)
{
	size_t count = json_array_size(value);
	struct uc_raw *items;

	if (!json_is_array(value))
		return -1;
	items = count ? uc_arena_array(arena, count, sizeof(*items)) : NULL;
	for (size_t i = 0; items && i < count; i++)
		if (read_raw(arena, json_array_get(value, i), &items[i]) < 0)
			return -1;
	list->item = items;
	list->count = items ? count : 0;
	return 0;
}

static int read_field(struct uc_arena *arena, const json_t *value,
		      const struct uc_field *f, void *at)
{
	json_int_t n = json_integer_value(value);

	switch ((enum uc_field_type)f->type) {
	case UC_FIELD_RAW:
		return read_raw(arena, value, at);
	case UC_FIELD_LIST:
		return read_list(arena, value, at);
	case UC_FIELD_BOOL:
		if (!json_is_boolean(value))
			return -1;
		*(bool *)at = json_is_true(value);
		return 0;
	case UC_FIELD_U32:
		if (!json_is_integer(value) || n < 0 || n > UINT32_MAX)
			return -1;
		*(uint32_t *)at = (uint32_t)n;
		return 0;
	case UC_FIELD_U64:
		if (!json_is_integer(value) || n < 0)
			return -1;
		*(uint64_t *)at = (uint64_t)n;
		return 0;
	case UC_FIELD_I64:
		if (!json_is_integer(value))
			return -1;
		*(int64_t *)at = n;
		return 0;
	}
	return -1;
}

static int read_row(struct uc_arena *arena, const struct uc_rows_type *type,
		    const json_t *object, void *row, struct uc_error *err)
{
	for (size_t i = 0; i < type->field_count; i++) {
		const struct uc_field *f = &type->fields[i];
		const json_t *value = json_object_get(object, f->name);

		if (value && read_field(arena, value, f, uc_row_field(row, f)) < 0)
			return uc_fail(err, UC_INVALID,
				       "'%s' has a value of a wrong type", f->name);
	}
	return 0;
}

static json_t *read_line(const char *line, size_t len, struct uc_error *err)
{
	json_error_t fault;
	json_t *object;

	if (len > UC_RECORD_LINE_MAX) {
		uc_fail(err, UC_INVALID, "a line is longer than %zu bytes",
			UC_RECORD_LINE_MAX);
		return NULL;
	}
	object = json_loadb(line, len, 0, &fault);
	if (json_is_object(object))
		return object;
	if (!object && !fault.text[0])
		uc_fail(err, UC_FAILED, "out of memory");
	else
		uc_fail(err, UC_INVALID, "expected a JSON object%s%s", object ? "" : ": ",
			object ? "" : fault.text);
	json_decref(object);
	return NULL;
}

static size_t count_lines(const char *text, size_t len)
{
	size_t count = 0;

	for (const char *p = text, *end = text + len; p < end; count++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return count + 1;
		p++;
	}
	return count;
}

int uc_record_parse(const struct uc_record_text *text, struct uc_rows **out,
		    struct uc_error *err)
{
	const struct uc_rows_type *type = uc_rows_type(text->kind);
	size_t count = count_lines(text->at, text->len);
	uc_auto(rows) struct uc_rows *rows = NULL;
	const char *line = text->at, *end = text->at + text->len;

	if (count > UC_RECORD_ROWS_MAX)
		return uc_fail(err, UC_INVALID, "'%s' has more than %zu rows", text->path,
			       UC_RECORD_ROWS_MAX);
	rows = uc_rows_new(text->kind, count, 0, err);
	if (!rows)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop ? stop : end) - line);
		json_t *object = read_line(line, len, err);
		int rc = !object ? -1
				 : read_row(rows->owner->arena, type, object,
					    uc_rows_at(rows, type->row_size, i), err);

		json_decref(object);
		if (rc < 0)
			return uc_at(err, text->path, (int)i + 1, 1);
		line += len + (stop != NULL);
	}
	if (uc_arena_failed(rows->owner->arena))
		return uc_fail(err, UC_FAILED, "out of memory");
	*out = uc_take(&rows);
	return 0;
}

/* A bomb ends at UC_RECORD_TEXT_MAX. */
static int decompress(const struct uc_buf *file, const char *path, struct uc_buf *text,
		      struct uc_error *err)
{
	ZSTD_DStream *zstd = ZSTD_createDStream();
	ZSTD_inBuffer in = { file->data, file->len, 0 };
	size_t left = zstd ? 1 : 0;
	int rc = 0;

	if (!zstd)
		return uc_fail(err, UC_FAILED, "out of memory");
	ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, 27); /* 128 MiB */
	while (in.pos < in.size && !rc) {
		char chunk[65536];
		ZSTD_outBuffer out = { chunk, sizeof(chunk), 0 };

		left = ZSTD_decompressStream(zstd, &out, &in);
		if (ZSTD_isError(left))
			rc = uc_fail(err, UC_INVALID, "'%s' is no zstd file: %s", path,
				     ZSTD_getErrorName(left));
		else if (text->len + out.pos > UC_RECORD_TEXT_MAX)
			rc = uc_fail(err, UC_INVALID, "'%s' holds more than %zu MiB",
				     path, UC_RECORD_TEXT_MAX >> 20);
		else
			uc_buf_addn(text, chunk, out.pos);
	}
	ZSTD_freeDStream(zstd);
	if (!rc && left)
		return uc_fail(err, UC_INVALID, "'%s' is cut off", path);
	if (!rc && text->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return rc;
}

static void record_close(void *self)
{
	struct record *record = self;

	json_decref(record->tables);
	free(record->dir);
	free(record);
}

static int read_manifest(struct record *record, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 };
	json_error_t fault;
	json_t *manifest;
	json_int_t version;

	uc_buf_addf(&path, "%s/manifest.json", record->dir);
	if (uc_file_read(uc_buf_text(&path), UC_RECORD_MANIFEST_MAX, &text, err) < 0)
		return uc_context(err, "no recording in '%s'", record->dir);
	manifest = json_loadb(uc_buf_text(&text), text.len, 0, &fault);
	if (!manifest) {
		if (!fault.text[0])
			return uc_fail(err, UC_FAILED, "out of memory");
		uc_fail(err, UC_INVALID, "%s", fault.text);
		return uc_at(err, uc_buf_text(&path), fault.line, fault.column);
	}
	version = json_integer_value(json_object_get(manifest, "ucluster_record"));
	record->now = json_integer_value(json_object_get(manifest, "now"));
	record->tables = json_incref(json_object_get(manifest, "tables"));
	json_decref(manifest);
	if (version == UC_RECORD_VERSION && json_is_object(record->tables))
		return 0;
	return uc_fail(err, UC_INVALID, "'%s' is no recording of version %d",
		       uc_buf_text(&path), UC_RECORD_VERSION);
}

static int record_open(const char *words, const struct uc_source_options *options,
		       void **self, struct uc_error *err)
{
	struct record *record;

	(void)options;
	if (!*words)
		return uc_fail(err, UC_USAGE,
			       "'record:' names no folder: expected record:DIR");
	record = calloc(1, sizeof(*record));
	if (!record)
		return uc_fail(err, UC_FAILED, "out of memory");
	record->dir = strdup(words);
	if (!record->dir) {
		record_close(record);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	if (read_manifest(record, err) < 0) {
		record_close(record);
		return -1;
	}
	*self = record;
	return 0;
}

static int64_t record_now(void *self)
{
	return ((struct record *)self)->now;
}

static int record_load(void *self, enum uc_rows_kind kind,
		       const struct uc_job_query *query, struct uc_rows **out,
		       struct uc_error *err)
{
	struct record *record = self;
	const char *name = uc_rows_type(kind)->name;
	const json_t *table = json_object_get(record->tables, name);
	uc_auto(buf) struct uc_buf path = { 0 }, file = { 0 }, text = { 0 };

	(void)query;
	/* recordings of before had none */
	if (!table && kind == UC_ROWS_RESERVATIONS) {
		*out = uc_rows_new(kind, 0, record->now, err);
		return *out ? 0 : -1;
	}
	uc_buf_addf(&path, "%s/%s.jsonl.zst", record->dir, name);
	if (!table)
		return uc_fail(err, UC_NOTFOUND, "the recording '%s' has no %s",
			       record->dir, name);
	if (uc_file_read(uc_buf_text(&path), UC_RECORD_FILE_MAX, &file, err) < 0 ||
	    decompress(&file, path.data, &text, err) < 0 ||
	    uc_record_parse(&(struct uc_record_text){ uc_buf_text(&text), text.len, kind,
						      path.data },
			    out, err) < 0)
		return -1;
	(*out)->now = json_integer_value(json_object_get(table, "now"));
	(*out)->updated = json_integer_value(json_object_get(table, "updated"));
	return 0;
}

static int record_history(void *self, const struct uc_history_query *query,
			  struct uc_history_facts *facts, struct uc_rows **out,
			  struct uc_error *err)
{
	const struct record *record = self;
	const struct uc_past *row;

	if (!json_object_get(record->tables, uc_rows_type(UC_ROWS_HISTORY)->name)) {
		snprintf(facts->why, sizeof(facts->why),
			 "this recording has nothing of accounting");
		return 0;
	}
	if (record_load(self, UC_ROWS_HISTORY, NULL, out, err) < 0)
		return -1;
	row = (*out)->row;
	for (size_t i = 0; i < (*out)->count; i++)
		facts->measured = facts->measured || row[i].memory_peak != UC_NONE64;
	uc_history_narrow(query, *out);
	return 0;
}

const struct uc_source_ops uc_source_record = {
	.name = "record",
	.open = record_open,
	.close = record_close,
	.now = record_now,
	.load = record_load,
	.history = record_history,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The reader of what scan_encode.c writes: a file that anything may have happened to. */
#include <jansson.h>
#include <string.h>
#include "base/arena.h"
#include "base/base64.h"
#include "disk/scan_json.h"

enum {
	ROWS_MAX = 100000,
};

static int wrong(const char *name, const char *expected, struct uc_error *err)
{
	return uc_fail(err, UC_INVALID, "'%s' is wrong: expected %s", name, expected);
}

static int read_text(struct uc_arena *arena, const json_t *value, const char *name,
		     struct uc_raw *out, struct uc_error *err)
{
	const char *text = json_string_value(value);
	const char *exact = json_string_value(json_object_get(value, "base64"));
	uc_auto(buf) struct uc_buf bytes = { 0 };

	if (!value || json_is_null(value))
		return 0;
	if (!text && exact) {
		if (!uc_base64_decode(&bytes, exact) || bytes.failed ||
		    strlen(uc_buf_text(&bytes)) != bytes.len)
			return wrong(name, "base64 without NUL", err);
		text = uc_buf_text(&bytes);
	}
	if (!text)
		return wrong(name, "a text", err);
	*out = uc_raw(uc_arena_strdup(arena, text));
	return 0;
}

static int read_field(const json_t *value, const struct uc_scan_field *field, void *to,
		      struct uc_error *err)
{
	void *at = (char *)to + field->offset;
	json_int_t number = json_integer_value(value);

	if (!value)
		return 0;
	if (field->kind == UC_SCAN_BOOL) {
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value) ? 0
					      : wrong(field->name, "true or false", err);
	}
	if (!json_is_integer(value) || (number < 0 && field->kind != UC_SCAN_TIME) ||
	    (field->kind == UC_SCAN_INT && number > INT32_MAX) ||
	    (field->kind == UC_SCAN_U32 && number > UINT32_MAX))
		return wrong(field->name, "a whole number in its range", err);
	if (field->kind == UC_SCAN_INT)
		*(int *)at = (int)number;
	else if (field->kind == UC_SCAN_U32)
		*(uint32_t *)at = (uint32_t)number;
	else if (field->kind == UC_SCAN_TIME)
		*(int64_t *)at = number;
	else
		*(uint64_t *)at = (uint64_t)number;
	return 0;
}

static int read_fields(const json_t *object, const struct uc_scan_field *field, void *to,
		       struct uc_error *err)
{
	for (; field->name; field++)
		if (read_field(json_object_get(object, field->name), field, to, err) < 0)
			return -1;
	return 0;
}

/* The length of a list of objects; -1 when it is something else. */
static int read_list(const json_t *root, const char *name, size_t *count,
		     struct uc_error *err)
{
	const json_t *list = json_object_get(root, name);

	*count = json_array_size(list);
	if (list && !json_is_array(list))
		return wrong(name, "a list", err);
	for (size_t i = 0; i < *count; i++)
		if (!json_is_object(json_array_get(list, i)))
			return wrong(name, "objects in a list", err);
	return *count <= ROWS_MAX ? 0 : wrong(name, "fewer rows", err);
}

static int read_rows(const json_t *root, enum uc_disk_by by, struct uc_disk_scan *out,
		     struct uc_error *err)
{
	static const struct uc_scan_field uid = { "uid", UC_SCAN_U32,
						  offsetof(struct uc_disk_row, id) };
	const json_t *list = json_object_get(root, uc_scan_groups[by]);
	struct uc_disk_rows *rows = &out->by[by];

	if (read_list(root, uc_scan_groups[by], &rows->count, err) < 0)
		return -1;
	rows->row = uc_arena_array(out->arena, rows->count + 1, sizeof(*rows->row));
	for (size_t i = 0; rows->row && i < rows->count; i++) {
		const json_t *from = json_array_get(list, i);
		struct uc_disk_row *row = &rows->row[i];

		if (read_text(out->arena, json_object_get(from, "name"), "name",
			      &row->name, err) < 0 ||
		    read_field(json_object_get(from, "uid"), &uid, row, err) < 0 ||
		    read_fields(from, uc_scan_sum_fields, &row->sum, err) < 0)
			return -1;
		if (!row->name.bytes && by != UC_DISK_BY_OWNER)
			return wrong("name", "a text", err);
	}
	return 0;
}

static int read_largest(const json_t *root, struct uc_disk_scan *out,
			struct uc_error *err)
{
	const json_t *list = json_object_get(root, "largest");

	if (read_list(root, "largest", &out->largest_count, err) < 0)
		return -1;
	out->largest =
		uc_arena_array(out->arena, out->largest_count + 1, sizeof(*out->largest));
	for (size_t i = 0; out->largest && i < out->largest_count; i++) {
		const json_t *from = json_array_get(list, i);

		if (read_text(out->arena, json_object_get(from, "path"), "path",
			      &out->largest[i].path, err) < 0 ||
		    read_fields(from, uc_scan_file_fields, &out->largest[i], err) < 0)
			return -1;
		if (!out->largest[i].path.bytes)
			return wrong("path", "a text", err);
	}
	return 0;
}

static int read_faults(const json_t *root, struct uc_disk_scan *out, struct uc_error *err)
{
	const json_t *list = json_object_get(root, "faults");

	if (read_list(root, "faults", &out->fault_count, err) < 0)
		return -1;
	out->fault =
		uc_arena_array(out->arena, out->fault_count + 1, sizeof(*out->fault));
	for (size_t i = 0; out->fault && i < out->fault_count; i++) {
		const json_t *from = json_array_get(list, i);

		if (read_text(out->arena, json_object_get(from, "path"), "path",
			      &out->fault[i].path, err) < 0 ||
		    read_text(out->arena, json_object_get(from, "error"), "error",
			      &out->fault[i].text, err) < 0)
			return -1;
		if (!out->fault[i].path.bytes || !out->fault[i].text.bytes)
			return wrong("faults", "a path and a text", err);
	}
	return 0;
}

static int read_root(const json_t *root, struct uc_disk_scan *out, struct uc_error *err)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));
	json_int_t version = json_integer_value(json_object_get(root, "version"));

	if (!schema || strcmp(schema, UC_DISK_SCAN_SCHEMA) != 0 ||
	    version != UC_DISK_SCAN_VERSION)
		return uc_fail(err, UC_INVALID, "it is no scan of this version");
	if (read_text(out->arena, json_object_get(root, "root"), "root", &out->root,
		      err) < 0 ||
	    read_fields(root, uc_scan_fields, out, err) < 0 ||
	    read_fields(json_object_get(root, "total"), uc_scan_sum_fields, &out->total,
			err) < 0)
		return -1;
	if (!out->root.bytes || out->root.bytes[0] != '/')
		return wrong("root", "an absolute path", err);
	for (int by = 0; by < UC_DISK_BY_COUNT; by++)
		if (read_rows(root, (enum uc_disk_by)by, out, err) < 0)
			return -1;
	if (read_largest(root, out, err) < 0 || read_faults(root, out, err) < 0)
		return -1;
	if (uc_arena_failed(out->arena))
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

int uc_disk_scan_parse(const char *text, size_t len, struct uc_disk_scan **out,
		       struct uc_error *err)
{
	struct uc_arena *arena = uc_arena_new();
	struct uc_disk_scan *scan = arena ? uc_arena_alloc(arena, sizeof(*scan)) : NULL;
	json_error_t fault;
	json_t *root;
	int rc;

	if (!scan) {
		uc_arena_free(arena);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	scan->arena = arena;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &fault);
	rc = root ? read_root(root, scan, err)
		  : uc_fail(err, UC_INVALID, "it is no JSON: %s", fault.text);
	json_decref(root);
	if (rc < 0)
		uc_arena_free(arena);
	else
		*out = scan;
	return rc;
}

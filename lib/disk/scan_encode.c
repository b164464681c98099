/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A scan as JSON. Names that are not UTF-8 are {"text": readable, "base64": exact}. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/base64.h"
#include "disk/scan_json.h"

#define FIELD(type, member, kind)                                                        \
	{                                                                                \
#member, UC_SCAN_##kind, offsetof(struct type, member)                   \
	}

const struct uc_scan_field uc_scan_fields[] = {
	FIELD(uc_disk_scan, time, TIME),
	FIELD(uc_disk_scan, elapsed_ms, TIME),
	FIELD(uc_disk_scan, threads, INT),
	FIELD(uc_disk_scan, partial, BOOL),
	FIELD(uc_disk_scan, approximate, BOOL),
	FIELD(uc_disk_scan, denied, NUMBER),
	FIELD(uc_disk_scan, failed, NUMBER),
	FIELD(uc_disk_scan, vanished, NUMBER),
	FIELD(uc_disk_scan, mounts, NUMBER),
	FIELD(uc_disk_scan, links, NUMBER),
	{ NULL, UC_SCAN_INT, 0 },
};
const struct uc_scan_field uc_scan_sum_fields[] = {
	FIELD(uc_disk_sum, bytes, NUMBER), FIELD(uc_disk_sum, apparent, NUMBER),
	FIELD(uc_disk_sum, files, NUMBER), FIELD(uc_disk_sum, folders, NUMBER),
	{ NULL, UC_SCAN_INT, 0 },
};
const struct uc_scan_field uc_scan_file_fields[] = {
	FIELD(uc_disk_file, bytes, NUMBER), FIELD(uc_disk_file, apparent, NUMBER),
	FIELD(uc_disk_file, mtime, TIME),   FIELD(uc_disk_file, uid, U32),
	{ NULL, UC_SCAN_INT, 0 },
};
const char *const uc_scan_groups[UC_DISK_BY_COUNT] = {
	[UC_DISK_BY_FOLDER] = "folders",
	[UC_DISK_BY_OWNER] = "owners",
	[UC_DISK_BY_AGE] = "ages",
	[UC_DISK_BY_KIND] = "kinds",
};

/* A value or NULL when out of memory, which json_*_set_new() passes on. */
static json_t *text_value(struct uc_raw raw)
{
	uc_auto(buf) struct uc_buf safe = { 0 }, exact = { 0 };
	json_t *value = raw.bytes ? json_string(raw.bytes) : json_null();

	if (value)
		return value;
	uc_buf_safe(&safe, raw, 0);
	uc_base64_encode(&exact, raw.bytes, strlen(raw.bytes));
	if (safe.failed || exact.failed)
		return NULL;
	return json_pack("{s:s, s:s}", "text", uc_buf_text(&safe), "base64",
			 uc_buf_text(&exact));
}

static json_t *number_value(uint64_t number)
{
	return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

static json_t *field_value(const struct uc_scan_field *field, const void *from)
{
	const void *at = (const char *)from + field->offset;

	switch (field->kind) {
	case UC_SCAN_BOOL:
		return json_boolean(*(const bool *)at);
	case UC_SCAN_INT:
		return json_integer(*(const int *)at);
	case UC_SCAN_U32:
		return json_integer(*(const uint32_t *)at);
	case UC_SCAN_TIME:
		return json_integer(*(const int64_t *)at);
	case UC_SCAN_NUMBER:
		return number_value(*(const uint64_t *)at);
	}
	return NULL;
}

static int set_fields(json_t *object, const struct uc_scan_field *field, const void *from)
{
	int rc = 0;

	for (; field->name; field++)
		rc |= json_object_set_new(object, field->name, field_value(field, from));
	return rc;
}

static json_t *rows_value(const struct uc_disk_rows *rows, bool owners)
{
	json_t *array = json_array();
	int rc = 0;

	for (size_t i = 0; i < rows->count && rc == 0; i++) {
		const struct uc_disk_row *row = &rows->row[i];
		json_t *object = json_object();

		rc |= json_object_set_new(object, "name", text_value(row->name));
		if (owners)
			rc |= json_object_set_new(object, "uid", json_integer(row->id));
		rc |= set_fields(object, uc_scan_sum_fields, &row->sum);
		rc |= json_array_append_new(array, object);
	}
	if (rc == 0)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *largest_value(const struct uc_disk_scan *scan)
{
	json_t *array = json_array();
	int rc = 0;

	for (size_t i = 0; i < scan->largest_count && rc == 0; i++) {
		json_t *object = json_object();

		rc |= json_object_set_new(object, "path",
					  text_value(scan->largest[i].path));
		rc |= set_fields(object, uc_scan_file_fields, &scan->largest[i]);
		rc |= json_array_append_new(array, object);
	}
	if (rc == 0)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *faults_value(const struct uc_disk_scan *scan)
{
	json_t *array = json_array();
	int rc = 0;

	for (size_t i = 0; i < scan->fault_count && rc == 0; i++) {
		json_t *object = json_object();

		rc |= json_object_set_new(object, "path",
					  text_value(scan->fault[i].path));
		rc |= json_object_set_new(object, "error",
					  text_value(scan->fault[i].text));
		rc |= json_array_append_new(array, object);
	}
	if (rc == 0)
		return array;
	json_decref(array);
	return NULL;
}

int uc_disk_scan_encode(const struct uc_disk_scan *scan, struct uc_buf *out,
			struct uc_error *err)
{
	json_t *root = json_object(), *total = json_object();
	char *text;
	int rc = set_fields(total, uc_scan_sum_fields, &scan->total);

	rc |= json_object_set_new(root, "schema", json_string(UC_DISK_SCAN_SCHEMA));
	rc |= json_object_set_new(root, "version", json_integer(UC_DISK_SCAN_VERSION));
	rc |= json_object_set_new(root, "root", text_value(scan->root));
	rc |= set_fields(root, uc_scan_fields, scan);
	rc |= json_object_set_new(root, "total", total);
	for (int by = 0; by < UC_DISK_BY_COUNT; by++)
		rc |= json_object_set_new(
			root, uc_scan_groups[by],
			rows_value(&scan->by[by], by == UC_DISK_BY_OWNER));
	rc |= json_object_set_new(root, "largest", largest_value(scan));
	rc |= json_object_set_new(root, "faults", faults_value(scan));
	text = rc == 0 ? json_dumps(root, JSON_INDENT(1)) : NULL;
	json_decref(root);
	if (text)
		uc_buf_add(out, text);
	free(text);
	if (!text || out->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

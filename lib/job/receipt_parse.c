/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Reading a receipt: nothing in the file is believed. */
#include "job/receipt.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define CODE_MOST 255

/* What a reader of receipts holds; the receipt is its first member. */
struct kept {
	struct uc_receipt receipt;
	struct uc_arena *arena;
};

void uc_receipt_free(struct uc_receipt *receipt)
{
	if (receipt)
		uc_arena_free(((struct kept *)receipt)->arena);
}

static int wrong(const char *name, const char *expected, struct uc_error *err)
{
	return uc_fail(err, UC_INVALID, "'%s': expected %s", name, expected);
}

/* Text in either form; NULL for null or nothing. */
static int read_text(struct uc_arena *arena, const json_t *value, const char *name,
		     const char **out, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf exact = { 0 };
	const char *coded = json_string_value(json_object_get(value, "base64"));

	*out = NULL;
	if (!value || json_is_null(value))
		return 0;
	if (json_is_string(value)) {
		*out = uc_arena_strdup(arena, json_string_value(value));
		return 0;
	}
	if (!coded || !uc_base64_decode(&exact, coded) ||
	    (exact.len > 0 && memchr(exact.data, '\0', exact.len)))
		return wrong(name, "text", err);
	*out = uc_arena_strdup(arena, uc_buf_text(&exact));
	return exact.failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static int read_list(struct uc_arena *arena, const json_t *value, const char *name,
		     const char *const **out, struct uc_error *err)
{
	size_t count = json_array_size(value);
	const char **list;

	*out = NULL;
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_array(value))
		return wrong(name, "a list", err);
	list = uc_arena_array(arena, count + 1, sizeof(*list));
	for (size_t i = 0; list && i < count; i++) {
		if (read_text(arena, json_array_get(value, i), name, &list[i], err) < 0)
			return -1;
		if (!list[i])
			return wrong(name, "a list of texts", err);
	}
	*out = list;
	return 0;
}

static bool is_name(const char *text)
{
	return *text && !(*text >= '0' && *text <= '9') &&
	       text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789_")] == '\0';
}

static int check_names(const char *const *list, const char *name, struct uc_error *err)
{
	for (; list && *list; list++)
		if (!is_name(*list))
			return wrong(name, "names of variables", err);
	return 0;
}

/* A whole number of [least, most]; missing and null are 0. */
static int read_number(const json_t *value, const struct uc_receipt_field *field,
		       int64_t *out, struct uc_error *err)
{
	int64_t least = field->kind == UC_RECEIPT_ID, most = INT64_MAX;

	if (field->kind == UC_RECEIPT_ID)
		most = UINT32_MAX;
	if (field->kind == UC_RECEIPT_CODE)
		most = CODE_MOST;
	*out = json_integer_value(value);
	if (value && !json_is_null(value) && !json_is_integer(value))
		return wrong(field->name, "a whole number", err);
	if (*out < least || *out > most)
		return wrong(field->name,
			     least               ? "a job's number"
			     : most == CODE_MOST ? "an exit code"
						 : "0 or more",
			     err);
	return 0;
}

static int read_field(struct kept *kept, const struct uc_receipt_field *field,
		      const json_t *value, struct uc_error *err)
{
	void *at = (char *)&kept->receipt + field->offset;
	int64_t number;

	switch (field->kind) {
	case UC_RECEIPT_TEXT:
		return read_text(kept->arena, value, field->name, at, err);
	case UC_RECEIPT_LIST:
		return read_list(kept->arena, value, field->name, at, err);
	case UC_RECEIPT_NAMES:
		if (read_list(kept->arena, value, field->name, at, err) < 0)
			return -1;
		return check_names(*(const char *const **)at, field->name, err);
	case UC_RECEIPT_BOOL:
		if (value && !json_is_null(value) && !json_is_boolean(value))
			return wrong(field->name, "true or false", err);
		*(bool *)at = json_is_true(value);
		return 0;
	case UC_RECEIPT_ID:
	case UC_RECEIPT_TIME:
	case UC_RECEIPT_SIZE:
	case UC_RECEIPT_CODE:
		break;
	}
	if (read_number(value, field, &number, err) < 0)
		return -1;
	if (field->kind == UC_RECEIPT_ID || field->kind == UC_RECEIPT_CODE)
		*(uint32_t *)at = (uint32_t)number;
	else if (field->kind == UC_RECEIPT_SIZE)
		*(uint64_t *)at = (uint64_t)number;
	else
		*(int64_t *)at = number;
	return 0;
}

static int read_option(struct uc_arena *arena, const json_t *row,
		       struct uc_receipt_option *option, struct uc_error *err)
{
	const struct {
		const char *name;
		const char **at;
	} part[] = { { "name", &option->name },
		     { "value", &option->value },
		     { "layer", &option->layer },
		     { "from", &option->from } };

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		if (read_text(arena, json_object_get(row, part[i].name), part[i].name,
			      part[i].at, err) < 0)
			return -1;
	if (!option->name || !option->name[0] ||
	    option->name[strspn(option->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_0123456789"
					      "abcdefghijklmnopqrstuvwxyz")])
		return wrong("options", "the name of an option", err);
	return 0;
}

static int read_options(struct kept *kept, const json_t *rows, struct uc_error *err)
{
	size_t count = json_array_size(rows);
	struct uc_receipt_option *option;

	if (!rows || json_is_null(rows))
		return 0;
	if (!json_is_array(rows))
		return wrong("options", "a list", err);
	option = uc_arena_array(kept->arena, count ? count : 1, sizeof(*option));
	if (!option)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < count; i++)
		if (read_option(kept->arena, json_array_get(rows, i), &option[i], err) <
		    0)
			return -1;
	kept->receipt.options = option;
	kept->receipt.option_count = count;
	return 0;
}

static int read_root(struct kept *kept, const json_t *root, struct uc_error *err)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));
	json_int_t version = json_integer_value(json_object_get(root, "version"));

	if (!schema || strcmp(schema, UC_RECEIPT_SCHEMA) != 0 || version < 1)
		return uc_fail(err, UC_INVALID, "it is not a receipt");
	if (version > UC_RECEIPT_VERSION)
		return uc_fail(err, UC_INVALID,
			       "a newer ucluster wrote it (version %lld, known is %d)",
			       (long long)version, UC_RECEIPT_VERSION);
	for (const struct uc_receipt_field *f = uc_receipt_fields; f->name; f++) {
		const json_t *section =
			f->section ? json_object_get(root, f->section) : root;

		if (section && !json_is_null(section) && !json_is_object(section))
			return wrong(f->section, "an object", err);
		if (read_field(kept, f, json_object_get(section, f->name), err) < 0)
			return -1;
	}
	return read_options(kept, json_object_get(root, "options"), err);
}

int uc_receipt_parse(const char *path, const char *bytes, size_t len,
		     struct uc_receipt **out, struct uc_error *err)
{
	uc_auto(arena) struct uc_arena *arena = uc_arena_new();
	json_error_t why;
	json_t *root;
	struct kept *kept;
	int rc;

	*out = NULL;
	root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &why);
	if (!root) {
		uc_fail(err, UC_INVALID, "damaged receipt: %s", why.text);
		return uc_at(err, path, why.line > 0 ? why.line : 1,
			     why.column > 0 ? why.column : 1);
	}
	kept = arena ? uc_arena_alloc(arena, sizeof(*kept)) : NULL;
	if (!kept) {
		json_decref(root);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	kept->arena = arena;
	rc = read_root(kept, root, err);
	json_decref(root);
	if (rc == 0 && uc_arena_failed(arena))
		rc = uc_fail(err, UC_FAILED, "out of memory");
	if (rc < 0)
		return uc_context(err, "receipt %s", path);
	(void)uc_take(&arena);
	*out = &kept->receipt;
	return 0;
}

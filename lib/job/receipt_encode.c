/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A receipt as JSON. Text that is not UTF-8 is {"text": readable, "base64": exact}. */
#include "job/receipt.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/ucluster.h>

#define FIELD(section, name, kind, member)                                               \
	{                                                                                \
		section, name, UC_RECEIPT_##kind, offsetof(struct uc_receipt, member)    \
	}

const struct uc_receipt_field uc_receipt_fields[] = {
	FIELD(NULL, "ucluster", TEXT, version),
	FIELD(NULL, "job_id", ID, job_id),
	FIELD(NULL, "cluster", TEXT, cluster),
	FIELD(NULL, "submit_time", TIME, submit_time),
	FIELD(NULL, "cwd", TEXT, cwd),
	FIELD(NULL, "batch", BOOL, batch),
	FIELD(NULL, "command", LIST, command),
	FIELD(NULL, "runtime", TEXT, runtime),
	FIELD("container", "image", TEXT, container.image),
	FIELD("container", "image_is_path", BOOL, container.image_is_path),
	FIELD("container", "size", SIZE, container.size),
	FIELD("container", "mtime", TIME, container.mtime),
	FIELD("container", "mounts", LIST, container.mounts),
	FIELD("container", "workdir", TEXT, container.workdir),
	FIELD("container", "name", TEXT, container.name),
	FIELD("container", "save", TEXT, container.save),
	FIELD(NULL, "env", NAMES, env),
	FIELD(NULL, "secrets", NAMES, secrets),
	FIELD("git", "toplevel", TEXT, git.toplevel),
	FIELD("git", "commit", TEXT, git.commit),
	FIELD("git", "branch", TEXT, git.branch),
	FIELD("git", "dirty", BOOL, git.dirty),
	FIELD("git", "untracked", BOOL, git.untracked),
	FIELD(NULL, "snapshot", TEXT, snapshot),
	FIELD(NULL, "ended", TIME, ended),
	FIELD(NULL, "exit_code", CODE, exit_code),
	{ NULL, NULL, UC_RECEIPT_TEXT, 0 },
};

/* A value or NULL when out of memory, which json_*_set_new() passes on. */
static json_t *text_value(const char *text)
{
	uc_auto(buf) struct uc_buf safe = { 0 };
	uc_auto(buf) struct uc_buf exact = { 0 };
	json_t *value;

	if (!text)
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	uc_buf_safen(&safe, text, strlen(text), 0);
	uc_base64_encode(&exact, text, strlen(text));
	if (safe.failed || exact.failed)
		return NULL;
	return json_pack("{s:s, s:s}", "text", uc_buf_text(&safe), "base64",
			 uc_buf_text(&exact));
}

static json_t *list_value(const char *const *list)
{
	json_t *array = json_array();

	for (; array && list && *list; list++)
		if (json_array_append_new(array, text_value(*list)) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *field_value(const struct uc_receipt *receipt,
			   const struct uc_receipt_field *field)
{
	const void *at = (const char *)receipt + field->offset;

	switch (field->kind) {
	case UC_RECEIPT_TEXT:
		return text_value(*(const char *const *)at);
	case UC_RECEIPT_LIST:
	case UC_RECEIPT_NAMES:
		return list_value(*(const char *const *const *)at);
	case UC_RECEIPT_BOOL:
		return json_boolean(*(const bool *)at);
	case UC_RECEIPT_ID:
		return json_integer(*(const uint32_t *)at);
	case UC_RECEIPT_TIME:
		return json_integer(*(const int64_t *)at);
	case UC_RECEIPT_SIZE:
		return json_integer((json_int_t) * (const uint64_t *)at);
	case UC_RECEIPT_CODE:
		return receipt->ended ? json_integer(*(const uint32_t *)at) : json_null();
	}
	return NULL;
}

static json_t *options_value(const struct uc_receipt *receipt)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < receipt->option_count; i++) {
		const struct uc_receipt_option *option = &receipt->options[i];
		json_t *row = json_object();

		if (json_object_set_new(row, "name", text_value(option->name)) < 0 ||
		    json_object_set_new(row, "value", text_value(option->value)) < 0 ||
		    json_object_set_new(row, "layer", text_value(option->layer)) < 0 ||
		    json_object_set_new(row, "from", text_value(option->from)) < 0 ||
		    json_array_append(array, row) < 0) {
			json_decref(array);
			array = NULL;
		}
		json_decref(row);
	}
	return array;
}

/* The object a field stands in, made when it is not there. */
static json_t *section_of(json_t *root, const char *name)
{
	json_t *section = name ? json_object_get(root, name) : root;

	if (!section && json_object_set_new(root, name, json_object()) == 0)
		section = json_object_get(root, name);
	return section;
}

static bool fill(json_t *root, const struct uc_receipt *receipt)
{
	struct uc_receipt whole = *receipt;

	whole.version = uc_version();
	if (json_object_set_new(root, "schema", json_string(UC_RECEIPT_SCHEMA)) < 0 ||
	    json_object_set_new(root, "version", json_integer(UC_RECEIPT_VERSION)) < 0)
		return false;
	for (const struct uc_receipt_field *f = uc_receipt_fields; f->name; f++)
		if (json_object_set_new(section_of(root, f->section), f->name,
					field_value(&whole, f)) < 0)
			return false;
	return json_object_set_new(root, "options", options_value(&whole)) == 0;
}

int uc_receipt_encode(const struct uc_receipt *receipt, struct uc_buf *out,
		      struct uc_error *err)
{
	json_t *root = json_object();
	char *text = NULL;

	if (root && fill(root, receipt))
		text = json_dumps(root, JSON_INDENT(2));
	json_decref(root);
	if (text) {
		uc_buf_add(out, text);
		uc_buf_addc(out, '\n');
	}
	free(text);
	return !text || out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

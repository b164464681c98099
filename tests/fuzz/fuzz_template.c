/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * template.yaml up to a line "%%", then a file of the template: faults have places, and
 * what is filled in is what a reader of the language gets back.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "config/yaml.h"
#include "template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Is it text that YAML may hold as it is? */
static bool is_text(const char *value)
{
	struct uc_place at;

	return uc_bytes_check(value, strlen(value), &at, NULL) == 0 &&
	       !strpbrk(value, "\n\r\t");
}

static void check_yaml(struct uc_arena *arena, const char *value)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	uc_auto(errors) struct uc_errors faults = { 0 };
	struct uc_yaml_file file = { "fuzz", NULL, 0 };
	struct uc_node *root = NULL;

	uc_buf_add(&out, "a: [");
	uc_template_quote(&out, UC_CONTEXT_YAML, UC_TEMPLATE_TEXT, value);
	uc_buf_add(&out, "]\nb: ");
	uc_template_quote(&out, UC_CONTEXT_YAML, UC_TEMPLATE_TEXT, value);
	uc_buf_add(&out, " # @\n");
	file.bytes = uc_buf_text(&out);
	file.len = out.len;
	if (out.len > UC_YAML_SCALAR)
		return;
	check(uc_yaml_read(arena, &file, &root, &faults) == 0 && root && root->first);
	check(root->first->kind == UC_NODE_LIST && !root->first->first->next);
	check(strcmp(root->first->first->text, value) == 0);
	check(strcmp(root->first->next->text, value) == 0 && !root->first->next->next);
}

static void check_json(const char *value)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	json_t *read;

	uc_template_quote(&out, UC_CONTEXT_JSON, UC_TEMPLATE_TEXT, value);
	read = json_loads(uc_buf_text(&out), JSON_DECODE_ANY, NULL);
	check(read && json_is_string(read) &&
	      strcmp(json_string_value(read), value) == 0);
	json_decref(read);
}

static void check_quotes(struct uc_arena *arena, const char *value)
{
	uc_auto(buf) struct uc_buf text = { 0 }, python = { 0 };

	uc_template_quote(&text, UC_CONTEXT_TEXT, UC_TEMPLATE_TEXT, value);
	check(!strpbrk(uc_buf_text(&text), "\n\r"));
	uc_template_quote(&python, UC_CONTEXT_PY, UC_TEMPLATE_TEXT, value);
	check(!python.failed && !strpbrk(uc_buf_text(&python), "\n\r") &&
	      python.data[0] == '"');
	if (!is_text(value))
		return;
	check_json(value);
	check_yaml(arena, value);
}

/* A script with values: the same places with harmless ones are at the same places. */
static void check_script(const struct uc_template *t,
			 const struct uc_template_entry *file)
{
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_hole hole;

	uc_holes_check(t, file, &faults);
	for (size_t i = 0; i < faults.count; i++)
		check(faults.item[i].at.line >= 1 && faults.item[i].at.column >= 1);
	if (faults.count || faults.dropped)
		return;
	uc_holes_fill(t, file, &out);
	check(!out.failed);
	if (uc_hole_next(t, file, 0, &hole, NULL) == 0)
		check(out.len == file->len &&
		      memcmp(uc_buf_text(&out), file->bytes, out.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uc_auto(arena) struct uc_arena *arena = uc_arena_new();
	struct uc_template t = { .arena = arena, .folder = "t", .name = "t" };
	struct uc_template_entry file = { .path = "a.sh" };
	uc_auto(errors) struct uc_errors faults = { 0 };
	const uint8_t *cut = size ? memmem(data, size, "\n%%\n", 4) : NULL;
	const size_t head = cut ? (size_t)(cut - data) + 1 : size;

	if (!arena)
		return 0;
	if (uc_manifest_read(&t, "template.yaml", (const char *)data, head, &faults) <
	    0) {
		for (size_t i = 0; i < faults.count; i++)
			check(faults.item[i].at.line >= 1);
		check(faults.count > 0);
		return 0;
	}
	for (size_t i = 0; i < t.key_count; i++)
		check_quotes(arena, t.keys[i].value);
	if (!cut)
		return 0;
	file.len = size - head - 3;
	file.bytes = uc_arena_strndup(arena, (const char *)cut + 4, file.len);
	if (!file.bytes || strlen(file.bytes) != file.len)
		return 0;
	check_quotes(arena, file.bytes);
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { "a.sh", "b.yaml", "c.py" };

		file.path = names[i];
		check_script(&t, &file);
	}
	return 0;
}

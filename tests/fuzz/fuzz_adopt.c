/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Any script: the profile is YAML that configuration takes, each line is one command of a
 * shell that begins with usrun, and every note has a place in the script.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "adopt/adopt.h"
#include "config/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_yaml(const struct uc_buf *yaml)
{
	const struct uc_yaml_file file = { "fuzz", uc_buf_text(yaml), yaml->len };
	uc_auto(arena) struct uc_arena *arena = uc_arena_new();
	uc_auto(errors) struct uc_errors faults = { 0 };
	struct uc_node *root = NULL;

	if (!arena || !yaml->len || yaml->len > UC_YAML_BYTES)
		return;
	check(uc_yaml_read(arena, &file, &root, &faults) == 0 && root && root->first);
	check(strcmp(root->first->key, "profiles") == 0 && !root->first->next);
	for (struct uc_node *n = root->first->first; n; n = n->next)
		check(n->kind == UC_NODE_MAP);
}

static void check_line(const char *line)
{
	uc_auto(arena) struct uc_arena *arena = uc_arena_new();
	struct uc_lexer lex = {
		.arena = arena,
		.bytes = line,
		.end = line + strlen(line),
		.p = line,
		.counted = line,
		.line = 1,
	};
	enum uc_token token;

	if (!arena)
		return;
	token = uc_lex(&lex);
	check(token == UC_TOKEN_WORD && lex.word && lex.word->first &&
	      strcmp(lex.word->first->text, "usrun") == 0 && !lex.word->first->next);
	while ((token = uc_lex(&lex)) != UC_TOKEN_END)
		check(token == UC_TOKEN_WORD || token == UC_TOKEN_REDIRECT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uc_auto(adopted) struct uc_adopted got = { 0 };
	struct uc_error err = { 0 };
	int lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (uc_adopt("fuzz.sh", (const char *)data, size, &got, &err) < 0) {
		check(err.code == UC_NOTFOUND || err.code == UC_USAGE);
		return 0;
	}
	check(got.lines.count > 0);
	check_yaml(&got.yaml);
	for (size_t i = 0; i < got.lines.count; i++)
		check_line(got.lines.item[i]);
	for (size_t i = 0; i < got.notes.count; i++)
		check(got.notes.item[i].at.line >= 1 &&
		      got.notes.item[i].at.line <= lines &&
		      got.notes.item[i].at.column >= 1);
	return 0;
}

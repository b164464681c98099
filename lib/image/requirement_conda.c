/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * conda's environment.yml. Its "=1.2" is pip's "==1.2.*"; builds and channels say nothing
 * that an image could be asked for.
 */
#include "image/requirement.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "config/yaml.h"
#include "image/image.h"
#include "image/version.h"

enum {
	TEXT_MAX = 500, /* bytes of one dependency */
};

static bool is_equality(const char *op, size_t len)
{
	return len == 0 || *op == '=' || *op == '!';
}

/* One of "1.2.*", "=1.2", ">=1.2"; `fuzzy`: without an operator it is "=". */
static void add_specifier(struct uc_buf *out, const char *text, size_t len, bool fuzzy)
{
	const char *op = text;
	size_t op_len = 0, end = len;
	bool single;

	while (op_len < len && strchr("=<>!~", text[op_len]))
		op_len++;
	single = op_len == 0 || (op_len == 1 && *op == '=');
	while (end > op_len && (text[end - 1] == '*' || text[end - 1] == '.'))
		end--;
	if (end == op_len)
		return; /* "*": any */
	if (out->len)
		uc_buf_addc(out, ',');
	if (single)
		uc_buf_add(out, "==");
	else
		uc_buf_addn(out, op, op_len);
	uc_buf_addn(out, text + op_len, end - op_len);
	/* ">=1.2.*" is ">=1.2" to conda */
	if (is_equality(op, op_len) && (end < len || op_len == 1 || (single && fuzzy)))
		uc_buf_add(out, ".*");
}

/* ">=1.2, <2" */
static void add_specifiers(struct uc_buf *out, const char *text, size_t len, bool fuzzy)
{
	while (len > 0) {
		const char *comma = memchr(text, ',', len);
		size_t here = comma ? (size_t)(comma - text) : len;
		size_t blanks = 0;

		while (blanks < here && text[blanks] == ' ')
			blanks++;
		add_specifier(out, text + blanks, here - blanks, fuzzy);
		text += here + (comma != NULL);
		len -= here + (comma != NULL);
	}
}

/* Length of what is said of the version; a build may follow behind a blank or '='. */
static size_t version_length(const char *text)
{
	size_t len = 0;

	for (; text[len]; len++)
		if ((text[len] == ' ' || text[len] == '=') && len > 0 &&
		    !strchr(", <>=!~", text[len - 1]))
			break;
	return len;
}

static size_t name_length(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) ||
	       (text[len] && strchr("-_.", text[len])))
		len++;
	return len;
}

/* The part behind "channel::", with blanks before it left out. */
static const char *behind_channel(const char *text)
{
	const char *colons = strstr(text, "::");

	text = colons ? colons + 2 : text;
	return text + strspn(text, " \t");
}

static bool is_known(const char *specifiers)
{
	struct uc_specifier one;
	int got;

	while ((got = uc_specifier_next(&specifiers, &one, NULL)) > 0)
		;
	return got == 0;
}

int uc_requirement_conda(struct uc_requirement_list *list, const char *text,
			 struct uc_requirement_place place, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf name = { 0 }, specifiers = { 0 };
	const char *at = behind_channel(text);
	size_t len = name_length(at);
	struct uc_requirement row = { .conda = true, .line = place.line };
	bool fuzzy;

	if (len == 0 || len > UC_PACKAGE_NAME_MAX || strlen(text) > TEXT_MAX) {
		uc_fail(err, UC_USAGE, "'%.120s' is no dependency", text);
		return uc_requirement_at(err, place);
	}
	uc_package_normalise(&name, at, len);
	at += len + strspn(at + len, " \t");
	fuzzy = at[0] == '=' && at[1] != '=';
	at += fuzzy;
	if (strpbrk(at, "|[("))
		uc_requirement_ignore(list, text, place, "any version of it counts");
	else
		add_specifiers(&specifiers, at, version_length(at), fuzzy);
	if (!is_known(uc_buf_text(&specifiers))) {
		uc_requirement_ignore(list, text, place,
				      "its version is none, any of it counts");
		uc_buf_reset(&specifiers);
	}
	row.path = uc_arena_strdup(list->arena, place.path);
	row.text = uc_arena_strdup(list->arena, text);
	row.name = uc_arena_strdup(list->arena, uc_buf_text(&name));
	row.specifiers = uc_arena_strdup(list->arena,
					 specifiers.len ? uc_buf_text(&specifiers) : "");
	if (name.failed || specifiers.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_requirement_append(list, &row, err);
}

/* "pip: [...]" among the dependencies: lines of a requirements.txt. */
static int take_pip(struct uc_requirement_list *list, const char *path,
		    const struct uc_node *node, struct uc_error *err)
{
	for (const struct uc_node *n = node->first; n; n = n->next) {
		const struct uc_requirement_place place = { path, n->at.line };

		if (n->kind != UC_NODE_TEXT || n->text[0] == '-') {
			uc_requirement_ignore(list, n->text ? n->text : "pip", place,
					      "it is no package");
			continue;
		}
		if (uc_requirement_take(list, n->text, place, err) < 0)
			return -1;
	}
	return 0;
}

static int take_dependency(struct uc_requirement_list *list, const char *path,
			   const struct uc_node *node, struct uc_error *err)
{
	const struct uc_requirement_place place = { path, node->at.line };

	if (node->kind == UC_NODE_TEXT)
		return uc_requirement_conda(list, node->text, place, err);
	for (const struct uc_node *n = node->first; n; n = n->next)
		if (n->kind == UC_NODE_LIST && n->key && strcmp(n->key, "pip") == 0) {
			if (take_pip(list, path, n, err) < 0)
				return -1;
		} else {
			uc_requirement_ignore(list, n->key ? n->key : "a list", place,
					      "it is no package");
		}
	return 0;
}

int uc_requirement_environment(struct uc_requirement_list *list, const char *path,
			       const char *bytes, size_t len, struct uc_error *err)
{
	const struct uc_yaml_file file = { path, bytes, len };
	uc_auto(arena) struct uc_arena *arena = uc_arena_new();
	uc_auto(errors) struct uc_errors faults = { 0 };
	struct uc_node *root = NULL;

	if (!arena)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_yaml_read(arena, &file, &root, &faults) > 0 && faults.count > 0) {
		if (err)
			*err = faults.item[0];
		return -1;
	}
	if (!root || uc_arena_failed(arena))
		return uc_fail(err, UC_FAILED, "out of memory");
	for (const struct uc_node *key = root->first; key; key = key->next) {
		if (!key->key || strcmp(key->key, "dependencies") != 0 ||
		    key->kind != UC_NODE_LIST)
			continue;
		for (const struct uc_node *n = key->first; n; n = n->next)
			if (take_dependency(list, path, n, err) < 0)
				return -1;
		return 0;
	}
	uc_fail(err, UC_USAGE, "there is no list of 'dependencies'");
	return uc_at(err, path, 1, 1);
}

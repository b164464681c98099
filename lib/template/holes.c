/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Places for values in the files of a template: finding, checking, filling them. */
#include "template/template.h"

#include <string.h>

/* Of a place; "if" is none, and stands at the beginning of a line. */
static const struct {
	const char *name;
	enum uc_template_context context;
	const char *files; /* ends of names of files that may have it; NULL: any */
} contexts[] = {
	{ "sh", UC_CONTEXT_SH, NULL },
	{ "yaml", UC_CONTEXT_YAML, ".yaml .yml" },
	{ "json", UC_CONTEXT_JSON, ".json .ipynb" },
	{ "py", UC_CONTEXT_PY, ".py" },
	{ "text", UC_CONTEXT_TEXT, NULL },
	{ "if", UC_CONTEXT_TEXT, NULL },
};
#define CONTEXTS (sizeof(contexts) / sizeof(contexts[0]))
#define IF       (CONTEXTS - 1)

static bool ends_in(const char *path, const char *ends)
{
	const size_t len = strlen(path);

	for (const char *end = ends; *end; end += strspn(end, " ")) {
		const size_t n = strcspn(end, " ");

		if (len > n && memcmp(path + len - n, end, n) == 0)
			return true;
		end += n;
	}
	return false;
}

static bool is_script(const struct uc_template_entry *file)
{
	const char *line = memchr(file->bytes, '\n', file->len);
	const size_t len = line ? (size_t)(line - file->bytes) : file->len;

	return ends_in(file->path, ".sh .bash") ||
	       (len >= 4 && memcmp(file->bytes, "#!", 2) == 0 &&
		memcmp(file->bytes + len - 2, "sh", 2) == 0);
}

static int place_at(const struct uc_template *t, const struct uc_template_entry *file,
		    size_t at, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	int line = 1, column = 1;

	for (size_t i = 0; i < at; i++) {
		column = file->bytes[i] == '\n'
				 ? 1
				 : column + ((file->bytes[i] & 0xc0) != 0x80);
		line += file->bytes[i] == '\n';
	}
	uc_buf_addf(&path, "%s/%s", t->folder, file->path);
	return uc_at(err, uc_buf_text(&path), line, column);
}

/* "@" and letters and ":" and a name and "@": its two parts, or false. */
static bool looks_like_hole(const struct uc_template_entry *file, size_t at, size_t *word,
			    size_t *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	const char *p = file->bytes + at + 1; /* a NUL is behind the bytes */

	*word = strspn(p, letters);
	if (!*word || p[*word] != ':')
		return false;
	*name = strspn(p + *word + 1, letters);
	return *name && p[*word + 1 + *name] == '@';
}

static bool begins_line(const struct uc_template_entry *file, size_t at)
{
	while (at > 0 && (file->bytes[at - 1] == ' ' || file->bytes[at - 1] == '\t'))
		at--;
	return at == 0 || file->bytes[at - 1] == '\n';
}

static int unknown_key(const struct uc_template *t, const char *name, size_t len,
		       struct uc_error *err)
{
	const char *names[UC_TEMPLATE_KEYS_MAX + 1] = { NULL };
	uc_auto(buf) struct uc_buf word = { 0 };
	const char *near;

	for (size_t i = 0; i < t->key_count; i++)
		names[i] = t->keys[i].name;
	uc_buf_addn(&word, name, len);
	uc_fail(err, UC_NOTFOUND, "template '%s' has no key '%s'", t->name,
		uc_buf_text(&word));
	near = uc_text_nearest(uc_buf_text(&word), names);
	if (near)
		return uc_hint(err, "did you mean '%s'?", near);
	return uc_hint(err, "ucluster init %s --list-keys", t->name);
}

static int read_hole(const struct uc_template *t, const struct uc_template_entry *file,
		     size_t word, size_t name, struct uc_hole *hole, struct uc_error *err)
{
	const char *p = file->bytes + hole->at + 1;
	size_t c = 0;

	while (c < CONTEXTS &&
	       (strlen(contexts[c].name) != word || memcmp(p, contexts[c].name, word)))
		c++;
	if (c == CONTEXTS) {
		uc_fail(err, UC_USAGE, "'%.*s' is no way to write a value", (int)word, p);
		return uc_hint(err, "sh, yaml, json, py, text; or if at the beginning of "
				    "a line");
	}
	hole->context = contexts[c].context;
	hole->condition = c == IF;
	hole->key = uc_template_key_find(t, p + word + 1, name);
	if (!hole->key)
		return unknown_key(t, p + word + 1, name, err);
	if (contexts[c].files && !ends_in(file->path, contexts[c].files))
		return uc_fail(err, UC_USAGE, "a value as '%s' belongs into files of %s",
			       contexts[c].name, contexts[c].files);
	if (hole->condition && !begins_line(file, hole->at))
		return uc_fail(err, UC_USAGE, "'@if' stands at the beginning of a line");
	return 1;
}

int uc_hole_next(const struct uc_template *t, const struct uc_template_entry *file,
		 size_t from, struct uc_hole *hole, struct uc_error *err)
{
	const char *at;

	while (from < file->len &&
	       (at = memchr(file->bytes + from, '@', file->len - from))) {
		size_t word, name;

		hole->at = (size_t)(at - file->bytes);
		from = hole->at + 1;
		if (!looks_like_hole(file, hole->at, &word, &name))
			continue;
		hole->end = hole->at + word + name + 3;
		if (read_hole(t, file, word, name, hole, err) > 0)
			return 1;
		return place_at(t, file, hole->at, err);
	}
	return 0;
}

/* In YAML, JSON, Python: a value of its own, not in quotes that are open on the line. */
static int check_value(const struct uc_template_entry *file, const struct uc_hole *hole,
		       struct uc_error *err)
{
	const char before = hole->at ? file->bytes[hole->at - 1] : '\n';
	const char after = file->bytes[hole->end];
	size_t from = hole->at, single = 0, twice = 0;

	while (from > 0 && file->bytes[from - 1] != '\n')
		from--;
	for (; from < hole->at; from++) {
		single += file->bytes[from] == '\'';
		twice += file->bytes[from] == '"';
	}
	if (strchr(" \t\n@[{(,=:", before) && strchr(" \t\r\n@]}),:;", after) &&
	    single % 2 == 0 && twice % 2 == 0)
		return 0;
	return uc_fail(err, UC_USAGE,
		       "a value stands by itself, not in quotes or a word");
}

static int check_word(const struct uc_template_entry *file, const struct uc_hole *hole,
		      const struct uc_shell_place *place, struct uc_error *err)
{
	const char before = hole->at ? file->bytes[hole->at - 1] : '\n';

	if (uc_shell_takes_word(place) && !strchr("$\\`", before))
		return 0;
	uc_fail(err, UC_USAGE,
		"a value of a shell stands outside of quotes, backquotes, "
		"${...}, comments and here-documents");
	return uc_hint(err, "it is quoted when it is filled in: set a variable to it");
}

void uc_holes_check(const struct uc_template *t, const struct uc_template_entry *file,
		    struct uc_errors *faults)
{
	const bool script = is_script(file);
	struct uc_shell_place place = { 0 };
	struct uc_hole hole = { 0 };
	size_t from = 0;
	int rc;

	for (;; from = hole.end) {
		struct uc_error err = { 0 };

		rc = uc_hole_next(t, file, from, &hole, &err);
		if (rc == 0)
			return;
		if (script)
			uc_shell_step(&place, file->bytes, from, hole.at);
		if (rc > 0 && script && hole.context == UC_CONTEXT_SH)
			rc = check_word(file, &hole, &place, &err);
		else if (rc > 0 && script && !hole.condition && !place.comment)
			rc = uc_fail(&err, UC_USAGE,
				     "in a script '@text' stands in comments");
		else if (rc > 0 && hole.context != UC_CONTEXT_SH &&
			 hole.context != UC_CONTEXT_TEXT)
			rc = check_value(file, &hole, &err);
		if (rc < 0) {
			place_at(t, file, hole.at, &err);
			uc_errors_add(faults, &err);
		}
	}
}

static bool is_set(const struct uc_template_key *key)
{
	return key->value[0] &&
	       !(key->type == UC_TEMPLATE_BOOL && strcmp(key->value, "no") == 0) &&
	       !(key->type == UC_TEMPLATE_NUMBER && strcmp(key->value, "0") == 0);
}

void uc_holes_fill(const struct uc_template *t, const struct uc_template_entry *file,
		   struct uc_buf *out)
{
	struct uc_hole hole;
	size_t from = 0;

	while (uc_hole_next(t, file, from, &hole, NULL) > 0) {
		const char *end;

		uc_buf_addn(out, file->bytes + from, hole.at - from);
		from = hole.end;
		if (!hole.condition) {
			uc_template_quote(out, hole.context, hole.key->type,
					  hole.key->value);
			continue;
		}
		if (is_set(hole.key))
			continue;
		/* with the blanks that are written already */
		while (out->len && strchr(" \t", out->data[out->len - 1]))
			out->data[--out->len] = '\0';
		end = memchr(file->bytes + from, '\n', file->len - from);
		from = end ? (size_t)(end - file->bytes) + 1 : file->len;
	}
	uc_buf_addn(out, file->bytes + from, file->len - from);
}

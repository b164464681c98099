/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/scope.h"

#include <stdlib.h>
#include <string.h>

/* ---- The paths that were named ---- */

/* Its words in a row, "." left out. -1: it leaves the folder. */
static int clean(struct uc_buf *out, const char *path, struct uc_error *err)
{
	const char *at = path;

	if (*path == '/')
		return uc_fail(err, UC_USAGE,
			       "'%s' is absolute: expected a path in the folder", path);
	while (*at) {
		size_t len = strcspn(at, "/");

		if (len == 2 && at[0] == '.' && at[1] == '.')
			return uc_fail(err, UC_USAGE, "'%s' leaves the folder by '..'",
				       path);
		if (len > 0 && !(len == 1 && *at == '.')) {
			if (out->len)
				uc_buf_addc(out, '/');
			uc_buf_addn(out, at, len);
		}
		at += len + (at[len] == '/');
	}
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

/* Is `path` at or below `top`? */
static bool below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static int compare(const void *a, const void *b)
{
	return uc_sync_path_compare(*(const char *const *)a, *(const char *const *)b);
}

/* In order, and without those that another one has within. */
static void tidy(struct uc_strv *only)
{
	size_t kept = 0;

	if (only->count == 0)
		return;
	qsort(only->item, only->count, sizeof(*only->item), compare);
	for (size_t i = 0; i < only->count; i++) {
		if (kept && below(only->item[i], only->item[kept - 1]))
			free(only->item[i]);
		else
			only->item[kept++] = only->item[i];
	}
	only->count = kept;
	only->item[kept] = NULL;
}

static int read_only(struct uc_sync_scope *scope, const char *const *only,
		     struct uc_error *err)
{
	for (size_t i = 0; only && only[i]; i++) {
		uc_auto(buf) struct uc_buf path = { 0 };

		if (clean(&path, only[i], err) < 0)
			return -1;
		if (path.len == 0) { /* the folder itself: all of it */
			uc_strv_free(&scope->only);
			break;
		}
		uc_strv_add(&scope->only, uc_buf_text(&path));
	}
	tidy(&scope->only);
	scope->seen = calloc(scope->only.count + 1, sizeof(*scope->seen));
	scope->seen_far = calloc(scope->only.count + 1, sizeof(*scope->seen_far));
	if (scope->only.failed || !scope->seen || !scope->seen_far)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

/* ---- As rules ---- */

static void add_line(struct uc_sync_scope *scope, const char *before, const char *path,
		     size_t len, const char *after)
{
	uc_buf_add(&scope->rules, before);
	for (size_t i = 0; i < len; i++) {
		if (strchr("*?[\\ ", path[i]))
			uc_buf_addc(&scope->rules, '\\');
		uc_buf_addc(&scope->rules, path[i]);
	}
	uc_buf_add(&scope->rules, after);
	uc_buf_addc(&scope->rules, '\n');
	scope->lines++;
}

/* The end of the first `words` words; NULL when there are not so many. */
static const char *cut(const char *path, size_t words)
{
	const char *at = path;

	for (; words > 0; words--) {
		if (!*at)
			return NULL;
		at += at != path;
		at += strcspn(at, "/");
	}
	return at;
}

/*
 * Level by level: nothing in the folders above the paths but the next word of each. A
 * later line wins.
 */
static void add_only(struct uc_sync_scope *scope)
{
	bool more = scope->only.count > 0;

	for (size_t i = 0; i < scope->only.count; i++)
		if (strpbrk(scope->only.item[i], "\n\r"))
			return; /* cannot be said in a line */
	for (size_t level = 0; more; level++) {
		more = false;
		for (size_t i = 0; i < scope->only.count; i++) {
			const char *path = scope->only.item[i];
			const char *end = cut(path, level);

			if (end && *end)
				add_line(scope, "/", path, (size_t)(end - path),
					 end == path ? "*" : "/*");
		}
		for (size_t i = 0; i < scope->only.count; i++) {
			const char *path = scope->only.item[i];
			const char *end = cut(path, level + 1);

			if (!end)
				continue;
			add_line(scope, "!/", path, (size_t)(end - path),
				 *end ? "/" : "");
			more = more || *end;
		}
	}
}

/* What is selected is not left behind, nor the folders that the pattern names. */
static void add_pattern(struct uc_sync_scope *scope, const char *pattern)
{
	const char *at = pattern + (*pattern == '/');
	const char *slash;

	for (slash = at; (slash = strchr(slash, '/')) && slash[1]; slash++) {
		if (strcspn(at, "*?[\\") < (size_t)(slash - at))
			break;
		uc_buf_add(&scope->rules, "!/");
		uc_buf_addn(&scope->rules, at, (size_t)(slash - at));
		uc_buf_add(&scope->rules, "/\n");
		scope->lines++;
	}
	uc_buf_addf(&scope->rules, "!%s\n", pattern);
	scope->lines++;
}

static int add_alone(struct uc_sync_scope *scope, const char *text, struct uc_error *err)
{
	struct uc_sync_pattern *more = reallocarray(scope->pattern, scope->patterns + 1,
						    sizeof(*scope->pattern));

	if (!more)
		return uc_fail(err, UC_FAILED, "out of memory");
	scope->pattern = more;
	more[scope->patterns] = (struct uc_sync_pattern){ .text = text };
	return uc_ignore_list_read(&more[scope->patterns++].list, "patterns", "", text,
				   strlen(text), err);
}

static int read_select(struct uc_sync_scope *scope, const struct uc_sync_request *request,
		       struct uc_error *err)
{
	const char *const *select = request->select;
	uc_auto(buf) struct uc_buf text = { 0 };

	for (size_t i = 0; select && select[i]; i++) {
		const char *pattern = select[i];

		if (!*pattern || strpbrk(pattern, "\n\r"))
			return uc_fail(
				err, UC_USAGE,
				"'%s' is no pattern: expected one as in .gitignore",
				pattern);
		scope->selecting = true;
		uc_buf_addf(&text, "%s\n", pattern);
		if (*pattern == '!' || *pattern == '#')
			continue;
		add_pattern(scope, pattern);
		if (!request->select_may_miss && add_alone(scope, pattern, err) < 0)
			return -1;
	}
	if (text.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (!scope->selecting)
		return 0;
	return uc_ignore_list_read(&scope->select, "patterns", "", text.data, text.len,
				   err);
}

int uc_sync_scope_make(struct uc_sync_scope *scope, const struct uc_sync_request *request,
		       struct uc_error *err)
{
	if (read_only(scope, request->only, err) < 0)
		return -1;
	add_only(scope);
	if (read_select(scope, request, err) < 0)
		return -1;
	if (request->command_rules)
		uc_buf_add(&scope->rules, request->command_rules);
	return scope->rules.failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

void uc_sync_scope_free(struct uc_sync_scope *scope)
{
	uc_strv_free(&scope->only);
	free(scope->seen);
	free(scope->seen_far);
	uc_ignore_list_free(&scope->select);
	for (size_t i = 0; i < scope->patterns; i++)
		uc_ignore_list_free(&scope->pattern[i].list);
	free(scope->pattern);
	uc_buf_free(&scope->rules);
	*scope = (struct uc_sync_scope){ 0 };
}

/* ---- Looking ---- */

static enum uc_sync_within look_only(const struct uc_sync_scope *scope, const char *path)
{
	for (size_t i = 0; i < scope->only.count; i++) {
		if (below(path, scope->only.item[i])) {
			scope->seen[i] = true;
			return UC_SYNC_INSIDE;
		}
		if (below(scope->only.item[i], path))
			return UC_SYNC_ABOVE;
	}
	return scope->only.count ? UC_SYNC_OUTSIDE : UC_SYNC_INSIDE;
}

/* Does a pattern match it, or a folder above it? */
static bool selected(const struct uc_ignore_list *list, const char *path, bool is_folder)
{
	char above[UC_SYNC_PATH_MAX + 1];
	const char *slash = path;
	const struct uc_ignore_rule *rule;

	while ((slash = strchr(slash, '/')) && slash - path < UC_SYNC_PATH_MAX) {
		memcpy(above, path, (size_t)(slash - path));
		above[slash++ - path] = '\0';
		rule = uc_ignore_find(list, above, true, NULL);
		if (rule && !rule->keep)
			return true;
	}
	rule = uc_ignore_find(list, path, is_folder, NULL);
	return rule && !rule->keep;
}

static void see(const struct uc_sync_scope *scope, const char *path, bool is_folder)
{
	for (size_t i = 0; i < scope->patterns; i++)
		if (!scope->pattern[i].seen)
			scope->pattern[i].seen =
				selected(&scope->pattern[i].list, path, is_folder);
}

enum uc_sync_within uc_sync_scope_look(const struct uc_sync_scope *scope,
				       const char *path, bool is_folder)
{
	enum uc_sync_within within = look_only(scope, path);

	if (within == UC_SYNC_ABOVE)
		return is_folder ? UC_SYNC_ABOVE : UC_SYNC_OUTSIDE;
	if (within == UC_SYNC_OUTSIDE || !scope->selecting)
		return within;
	see(scope, path, is_folder);
	if (is_folder)
		return UC_SYNC_ABOVE;
	return selected(&scope->select, path, false) ? UC_SYNC_INSIDE : UC_SYNC_OUTSIDE;
}

const char *uc_sync_scope_missing(const struct uc_sync_scope *scope, bool *pattern)
{
	*pattern = false;
	for (size_t i = 0; i < scope->only.count; i++)
		if (!scope->seen[i])
			return scope->only.item[i];
	*pattern = true;
	for (size_t i = 0; i < scope->patterns; i++)
		if (!scope->pattern[i].seen)
			return scope->pattern[i].text;
	return NULL;
}

void uc_sync_scope_see_far(const struct uc_sync_scope *scope, const char *path)
{
	for (size_t i = 0; i < scope->only.count; i++)
		if (!scope->seen_far[i] && below(path, scope->only.item[i]))
			scope->seen_far[i] = true;
}

const char *uc_sync_scope_not_far(const struct uc_sync_scope *scope)
{
	for (size_t i = 0; i < scope->only.count; i++)
		if (!scope->seen_far[i])
			return scope->only.item[i];
	return NULL;
}

bool uc_sync_scope_names(const struct uc_sync_scope *scope, const char *path)
{
	for (size_t i = 0; i < scope->only.count; i++)
		if (strcmp(scope->only.item[i], path) == 0)
			return true;
	return scope->selecting;
}

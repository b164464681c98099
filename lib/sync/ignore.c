/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/ignore.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sync/matcher.h"

/* Blanks at the end do not count, unless after a backslash. */
static size_t trim(const char *line, size_t len)
{
	size_t end = 0;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == ' ')
			continue;
		if (line[i] == '\\' && i + 1 < len)
			i++;
		end = i + 1;
	}
	return end;
}

static size_t literal_length(const char *pattern, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr("*?[\\", pattern[i]))
			return i;
	return len;
}

/* A pattern without the marks around it. */
struct pattern {
	const char *text;
	size_t len;
};

/* Split "!" and "/" off. A pattern with a slash in it holds from the list's folder on. */
static struct pattern read_marks(struct uc_ignore_rule *rule, const char *line,
				 size_t len)
{
	if (len && *line == '!') {
		rule->keep = true;
		line++, len--;
	}
	if (len && line[len - 1] == '/') {
		rule->folder_only = true;
		len--;
	}
	rule->name_only = !memchr(line, '/', len);
	if (!rule->name_only && *line == '/')
		line++, len--;
	return (struct pattern){ line, len };
}

/*
 * The wildcards of a pattern with slashes are read from where its literal part ends, as
 * git reads them: in "a/b**" + "/c" the stars begin a pattern of their own.
 */
static int add_pattern(struct uc_ignore_list *list, const struct uc_ignore_rule *rule,
		       const struct pattern *pattern)
{
	const size_t literal = literal_length(pattern->text, pattern->len);
	const size_t from = rule->name_only && literal < pattern->len ? 0 : literal;
	struct uc_glob rest = { 0 };
	struct uc_matcher_pattern add = { .literal = pattern->text,
					  .len = from,
					  .rest = &rest,
					  .folder_only = rule->folder_only,
					  .value = list->count + 1 };
	int status = uc_glob_compile(&rest, pattern->text + from, pattern->len - from);

	if (status == 0 && !rest.never)
		status =
			uc_matcher_add(rule->name_only ? list->names : list->paths, &add);
	uc_glob_free(&rest);
	return status;
}

static int read_line(struct uc_ignore_list *list, char *line, size_t len, int number)
{
	struct uc_ignore_rule *rule = &list->rule[list->count];
	struct pattern pattern;

	if (len == 0 || *line == '#')
		return 0;
	if (line[len - 1] == '\r')
		len--;
	len = trim(line, strnlen(line, len));
	line[len] = '\0';
	*rule = (struct uc_ignore_rule){ .text = line, .line = number };
	pattern = read_marks(rule, line, len);
	if (len == 0 || pattern.len > UC_GLOB_MAX)
		return 0;
	if (add_pattern(list, rule, &pattern) < 0)
		return -1;
	list->count++;
	return 0;
}

static size_t count_lines(const char *text, size_t len)
{
	size_t lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

static int read_lines(struct uc_ignore_list *list, size_t len)
{
	char *line = list->text, *end = list->text + len;

	if (len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3;
	for (int number = 1; line < end; number++) {
		char *stop = memchr(line, '\n', (size_t)(end - line));

		if (!stop)
			stop = end;
		if (read_line(list, line, (size_t)(stop - line), number) < 0)
			return -1;
		line = stop + 1;
	}
	return uc_matcher_finish(list->names) < 0 || uc_matcher_finish(list->paths) < 0
		       ? -1
		       : 0;
}

int uc_ignore_list_read(struct uc_ignore_list *list, const char *origin,
			const char *folder, const char *text, size_t len,
			struct uc_error *err)
{
	if (len > UC_IGNORE_FILE_MAX)
		return uc_fail(err, UC_USAGE,
			       "'%s' has more than 1 MiB of rules: not read", origin);
	list->text = malloc(len + 1);
	list->origin = strdup(origin);
	list->folder = strdup(folder);
	list->rule = calloc(count_lines(text, len), sizeof(*list->rule));
	list->names = uc_matcher_new();
	list->paths = uc_matcher_new();
	if (list->text && list->origin && list->folder && list->rule && list->names &&
	    list->paths) {
		memcpy(list->text, text, len);
		list->text[len] = '\0';
		list->bytes = len;
		if (read_lines(list, len) == 0)
			return 0;
	}
	uc_ignore_list_free(list);
	return uc_fail(err, UC_FAILED, "out of memory reading '%s'", origin);
}

void uc_ignore_list_free(struct uc_ignore_list *list)
{
	uc_matcher_free(list->names);
	uc_matcher_free(list->paths);
	free(list->text);
	free(list->origin);
	free(list->folder);
	free(list->outside);
	free(list->rule);
	*list = (struct uc_ignore_list){ 0 };
}

/* `path` as seen from the list's folder; NULL when it is not below. */
static const char *below(const struct uc_ignore_list *list, const char *path)
{
	size_t len = strlen(list->folder);

	if (len == 0)
		return path;
	return strncmp(path, list->folder, len) == 0 && path[len] == '/' ? path + len + 1
									 : NULL;
}

static size_t find_from_outside(const struct uc_ignore_list *list, const char *path,
				size_t len, bool is_folder)
{
	const size_t before = strlen(list->outside);
	char whole[2 * PATH_MAX];

	if (before + len >= sizeof(whole)) /* no path of this system */
		return 0;
	memcpy(whole, list->outside, before);
	memcpy(whole + before, path, len);
	return uc_matcher_find(list->paths, whole, before + len, is_folder);
}

/* The last rule that matches, from 1; 0 when none does. */
static size_t find(const struct uc_ignore_list *list, const char *path, bool is_folder)
{
	const size_t len = strlen(path);
	const char *slash = memrchr(path, '/', len);
	const char *name = slash ? slash + 1 : path;
	size_t by_name = uc_matcher_find(list->names, name, len - (size_t)(name - path),
					 is_folder);
	size_t by_path = list->outside
				 ? find_from_outside(list, path, len, is_folder)
				 : uc_matcher_find(list->paths, path, len, is_folder);

	return by_name > by_path ? by_name : by_path;
}

const struct uc_ignore_rule *uc_ignore_find(const struct uc_ignore_list *list,
					    const char *path, bool is_folder,
					    const struct uc_ignore_list **where)
{
	for (; list; list = list->above) {
		const char *inside = below(list, path);
		size_t rule = inside ? find(list, inside, is_folder) : 0;

		if (!rule)
			continue;
		if (where)
			*where = list;
		return &list->rule[rule - 1];
	}
	return NULL;
}

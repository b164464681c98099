/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/ignore.h"

#include <stdlib.h>
#include <string.h>

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

/* Split "!" and "/" off. A pattern with a slash in it holds from the list's folder on. */
static void read_marks(struct uc_ignore_rule *rule, const char *line, size_t len)
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
	rule->pattern = line;
	rule->length = len;
	rule->literal = literal_length(line, len);
}

/*
 * The wildcards of a pattern with slashes are read from where its literal part ends, as
 * git reads them: in "a/b**" + "/c" the stars begin a pattern of their own.
 */
static int compile(struct uc_ignore_rule *rule)
{
	size_t from = rule->name_only ? 0 : rule->literal;

	if (rule->literal == rule->length)
		return 0;
	return uc_glob_compile(&rule->rest, rule->pattern + from, rule->length - from);
}

static int read_line(struct uc_ignore_list *list, char *line, size_t len, int number)
{
	struct uc_ignore_rule *rule = &list->rule[list->count];

	if (len == 0 || *line == '#')
		return 0;
	if (line[len - 1] == '\r')
		len--;
	len = trim(line, strnlen(line, len));
	line[len] = '\0';
	*rule = (struct uc_ignore_rule){ .text = line, .line = number };
	read_marks(rule, line, len);
	if (len == 0 || rule->length > UC_GLOB_MAX)
		return 0;
	if (compile(rule) < 0)
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
	return 0;
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
	if (list->text && list->origin && list->folder && list->rule) {
		memcpy(list->text, text, len);
		list->text[len] = '\0';
		if (read_lines(list, len) == 0)
			return 0;
	}
	uc_ignore_list_free(list);
	return uc_fail(err, UC_FAILED, "out of memory reading '%s'", origin);
}

void uc_ignore_list_free(struct uc_ignore_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		uc_glob_free(&list->rule[i].rest);
	free(list->text);
	free(list->origin);
	free(list->folder);
	free(list->rule);
	*list = (struct uc_ignore_list){ 0 };
}

static bool matches(const struct uc_ignore_rule *rule, const char *path, size_t len,
		    bool is_folder)
{
	size_t literal = rule->literal;

	if (rule->folder_only && !is_folder)
		return false;
	if (rule->name_only) {
		const char *slash = memrchr(path, '/', len);

		if (slash) {
			len -= (size_t)(slash + 1 - path);
			path = slash + 1;
		}
	}
	if (len < literal || memcmp(path, rule->pattern, literal) != 0)
		return false;
	if (literal == rule->length)
		return len == literal;
	if (rule->name_only)
		return uc_glob_match(&rule->rest, path, len);
	return uc_glob_match(&rule->rest, path + literal, len - literal);
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

const struct uc_ignore_rule *uc_ignore_find(const struct uc_ignore_list *list,
					    const char *path, bool is_folder,
					    const struct uc_ignore_list **where)
{
	for (; list; list = list->above) {
		const char *inside = below(list, path);
		size_t len = inside ? strlen(inside) : 0;

		for (size_t i = inside ? list->count : 0; i-- > 0;) {
			if (!matches(&list->rule[i], inside, len, is_folder))
				continue;
			if (where)
				*where = list;
			return &list->rule[i];
		}
	}
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Rules of what stays behind: the first line of the input is a path, the rest are rules.
 * A rule that is the path itself, all bytes escaped, matches it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sync/ignore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void match_itself(const char *path, size_t len)
{
	uc_auto(ignore_list) struct uc_ignore_list list = { 0 };
	uc_auto(buf) struct uc_buf rule = { 0 };

	/* a carriage return at the end of a line is not part of it */
	if (len == 0 || len > 1000 || path[0] == '/' || strchr("/\r", path[len - 1]))
		return;
	uc_buf_addc(&rule, '/');
	for (size_t i = 0; i < len; i++) {
		uc_buf_addc(&rule, '\\');
		uc_buf_addc(&rule, path[i]);
	}
	check(!rule.failed);
	check(uc_ignore_list_read(&list, "fuzz", "", rule.data, rule.len, NULL) == 0);
	check(list.count == 1);
	check(uc_ignore_find(&list, path, false, NULL) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uc_auto(ignore_list) struct uc_ignore_list list = { 0 }, inner = { 0 };
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	const uint8_t *rules = end ? end + 1 : data + size;
	uc_auto(buf) struct uc_buf path = { 0 };
	const struct uc_ignore_list *where = NULL;
	const struct uc_ignore_rule *rule;
	struct uc_error err = { 0 };

	uc_buf_addn(&path, data, end ? (size_t)(end - data) : size);
	uc_buf_addc(&path, '\0');
	if (path.failed)
		return 0;
	path.len = strlen(path.data);
	if (uc_ignore_list_read(&list, "fuzz", "", (const char *)rules,
				(size_t)(data + size - rules), &err) < 0)
		return 0;
	check(uc_ignore_list_read(&inner, "fuzz", "a", "*\n!b\n", 5, &err) == 0);
	inner.above = &list;
	rule = uc_ignore_find(&inner, path.data, false, &where);
	check(!rule || (rule->line > 0 && where));
	check(!rule || !rule->folder_only);
	match_itself(path.data, path.len);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Rules of gitignore(5), by hand and with git as the judge. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ucluster/units.h>

#include "judge_unit.h"
#include "sync/glob.h"
#include "sync/ignore.h"

static void read_list(struct uc_ignore_list *list, const char *folder, const char *text)
{
	struct uc_error err = { 0 };

	assert_int_equal(
		uc_ignore_list_read(list, "rules", folder, text, strlen(text), &err), 0);
}

static void test_lines(void **state)
{
	static const struct {
		const char *rules, *path;
		bool is_folder;
		int line; /* of the rule that decides; 0 = none */
		bool keep;
	} cases[] = {
		{ "*.pyc", "a/b.pyc", false, 1, false },
		{ "# *.pyc\n\\#x", "#x", false, 2, false },
		{ "*.log\n!keep.log", "d/keep.log", false, 2, true },
		{ "\\!x", "!x", false, 1, false },
		{ "out/", "out", true, 1, false },
		{ "out/", "out", false, 0, false },
		{ "/out", "a/out", false, 0, false },
		{ "/out", "out", false, 1, false },
		{ "a/b", "x/a/b", false, 0, false },
		{ "**/b", "b", false, 1, false },
		{ "**/b", "x/y/b", false, 1, false },
		{ "a/**", "a", true, 0, false },
		{ "a/**", "a/x/y", false, 1, false },
		{ "a/**/z", "a/z", false, 1, false },
		{ "a/**/z", "a/b/c/z", false, 1, false },
		{ "a/*/z", "a/b/c/z", false, 0, false },
		{ "x ", "x", false, 1, false },
		{ "x\\ ", "x ", false, 1, false },
		{ "x\r\ny\r\n", "y", false, 2, false },
		{ "\xef\xbb\xbfx", "x", false, 1, false },
		{ "[a-c]x", "bx", false, 1, false },
		{ "[!a-c]x", "bx", false, 0, false },
		{ "[]]x", "]x", false, 1, false },
		{ "[[:digit:]]*", "7z", false, 1, false },
		{ "[[:nothing:]]", "n", false, 0, false },
		{ "[a", "[a", false, 0, false },
		{ "a\\", "a\\", false, 0, false },
		{ "!\n/\n//\n", "a", true, 0, false },
		{ "\xff*", "\xff\xfe", false, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(ignore_list) struct uc_ignore_list list = { 0 };
		const struct uc_ignore_rule *rule;

		read_list(&list, "", cases[i].rules);
		rule = uc_ignore_find(&list, cases[i].path, cases[i].is_folder, NULL);
		if ((rule ? rule->line : 0) != cases[i].line ||
		    (rule && rule->keep) != cases[i].keep)
			fail_msg("'%s' and '%s': line %d", cases[i].rules, cases[i].path,
				 rule ? rule->line : 0);
	}
}

static void test_nearest_list_decides(void **state)
{
	uc_auto(ignore_list) struct uc_ignore_list root = { 0 }, inner = { 0 };
	const struct uc_ignore_list *where = NULL;

	(void)state;
	read_list(&root, "", "*.bin\n");
	read_list(&inner, "src/model", "!/best.bin\n");
	inner.above = &root;
	assert_true(uc_ignore_find(&inner, "src/model/best.bin", false, &where)->keep);
	assert_ptr_equal(where, &inner);
	assert_false(uc_ignore_find(&inner, "src/model/d/best.bin", false, &where)->keep);
	assert_ptr_equal(where, &root);
	assert_null(uc_ignore_find(&inner, "src/models/best.py", false, NULL));
}

/* A pattern that costs a backtracking matcher for ever. */
static void test_time_is_bounded(void **state)
{
	uc_auto(ignore_list) struct uc_ignore_list list = { 0 };
	char path[4096];

	(void)state;
	read_list(&list, "",
		  "**/a*a*a*a*/**/a*a*a*a*/**/a*a*a*a*/**/a*a*a*a*/**/a*a*a*a*b\n");
	memset(path, 'a', sizeof(path) - 1);
	for (size_t i = 40; i < sizeof(path) - 1; i += 40)
		path[i] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_null(uc_ignore_find(&list, path, false, NULL));
}

/* What no index of names or endings helps against, in all forms. */
static void add_hostile(struct uc_buf *rules, int i)
{
	static const char *const begin[] = {
		"*a", "**/a*a*/**/a", "[a-f]*", "a/**/x", "x", "*.x", "!*a*", "/a/a/**/?"
	};
	static const char *const end[] = { "*a*a*b", "*b", "?*z", "", "", "", "", "/" };

	uc_buf_addf(rules, "%s%d%s\n", begin[i % 8], i, end[i % 8]);
}

#define HOSTILE_RULES 5000
#define HOSTILE_PATHS 20000
#define HOSTILE_MS                                                                       \
	60000 /* with sanitizers, on a busy machine; one by one it is hours              \
	       */

/* Deep folders, each with 20 names, and rules that all have to be looked at. */
static void test_many_rules_and_paths(void **state)
{
	uc_auto(buf) struct uc_buf rules = { 0 }, path = { 0 };
	uc_auto(ignore_list) struct uc_ignore_list list = { 0 };
	const int64_t begin = uc_monotonic_ms();
	int64_t ms;
	int decided = 0;

	(void)state;
	for (int i = 0; i < HOSTILE_RULES; i++)
		add_hostile(&rules, i);
	uc_buf_add(&rules, "last-*-19\n");
	read_list(&list, "", rules.data);
	for (int i = 0; i < HOSTILE_PATHS; i++) {
		uc_buf_reset(&path);
		for (int depth = 0; depth < 60; depth++)
			uc_buf_addf(&path, "aaaa%d/", depth < 50 ? 0 : i / 20);
		uc_buf_addf(&path, "last-aaa-%d", i % 20);
		decided += uc_ignore_find(&list, path.data, false, NULL) != NULL;
	}
	ms = uc_monotonic_ms() - begin;
	print_message("# %d ms\n", (int)ms);
	assert_true(decided >= HOSTILE_PATHS / 20);
	assert_true(ms < HOSTILE_MS);
}

static void test_too_long(void **state)
{
	uc_auto(ignore_list) struct uc_ignore_list list = { 0 };
	static char text[UC_IGNORE_FILE_MAX + 1];
	struct uc_error err = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(
		uc_ignore_list_read(&list, ".gitignore", "", text, sizeof(text), &err),
		-1);
	assert_string_equal(err.text,
			    "'.gitignore' has more than 1 MiB of rules: not read");
	/* a pattern longer than any path is no rule */
	assert_int_equal(
		uc_ignore_list_read(&list, ".gitignore", "", text, UC_GLOB_MAX + 1, &err),
		0);
	assert_int_equal(list.count, 0);
}

/* git as the judge */

#define ROUNDS 150
#define RULES  25
#define PATHS  120

static void add_rules(struct uc_buf *text, unsigned *seed)
{
	static const char *const piece[] = {
		"a", "b",  "ab", "a",  "b",  "/",   "/",    "*",    "**",         "?",
		"[", "]",  "-",  "!",  "\\", "[ab", "[!a]", "**/",  "/**",        "/*/",
		" ", ".a", "#",  "^a", "]b", "b/",  "a-b]", "[a-]", "[[:alpha:]]"
	};

	for (int i = 0; i < RULES; i++) {
		add_random(text, seed, piece, ARRAY_SIZE(piece), 6);
		uc_buf_addc(text, '\n');
	}
}

/* Names that are never "." nor "..", nor begin with a colon (git's magic). */
static void add_path(struct uc_buf *path, unsigned *seed)
{
	static const char *const piece[] = { "a", "b",  "ab", "-", "]", "[",
					     "!", ".a", "#",  "^", "*", "\\" };

	for (unsigned depth = random_below(seed, 4);; depth--) {
		add_random(path, seed, piece, ARRAY_SIZE(piece), 3);
		if (depth == 0)
			return;
		uc_buf_addc(path, '/');
	}
}

static void write_file(const char *path, const struct uc_buf *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text->data, text->len), (ssize_t)text->len);
	close(fd);
}

static void run_git(const char *const *words, const char *in, struct uc_buf *out)
{
	const struct judge git = { .words = words, .in = in };

	assert_true(judge_run(&git, out) <= 1);
}

/* The line that decides as git reports it: a folder above that is ignored decides first.
 */
static int decide(const struct uc_ignore_list *list, char *path)
{
	const struct uc_ignore_rule *rule;

	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rule = uc_ignore_find(list, path, true, NULL);
		*slash = '/';
		if (rule && !rule->keep)
			return rule->line;
	}
	rule = uc_ignore_find(list, path, false, NULL);
	return rule ? rule->line : 0;
}

/* One answer of four words: file, line, rule, path. Returns what follows. */
static const char *compare(const struct uc_ignore_list *list, const char *answer,
			   int *decided)
{
	const char *line = answer + strlen(answer) + 1;
	const char *rule = line + strlen(line) + 1;
	const char *path = rule + strlen(rule) + 1;
	char copy[256];
	int ours;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	ours = decide(list, copy);
	if (ours != atoi(line))
		fail_msg("'%s': git says line %s '%s', we say %d '%s'", path, line, rule,
			 ours, ours ? list->text : "");
	*decided += ours != 0;
	return path + strlen(path) + 1;
}

static void one_round(const char *folder, unsigned *seed, int *answers, int *decided)
{
	uc_auto(buf) struct uc_buf rules = { 0 }, paths = { 0 }, out = { 0 },
				   file = { 0 };
	uc_auto(ignore_list) struct uc_ignore_list list = { 0 };
	const char *words[] = { "git", "-C", folder, "check-ignore", "--no-index",
				"-v",  "-n", "-z",   "--stdin",      NULL };

	add_rules(&rules, seed);
	for (int i = 0; i < PATHS; i++) {
		add_path(&paths, seed);
		uc_buf_addc(&paths, '\0');
	}
	uc_buf_addf(&file, "%s/.gitignore", folder);
	write_file(file.data, &rules);
	uc_buf_reset(&file);
	uc_buf_addf(&file, "%s/paths", folder);
	write_file(file.data, &paths);
	run_git(words, file.data, &out);
	read_list(&list, "", rules.data);
	for (const char *at = out.data; at && at < out.data + out.len; ++*answers)
		at = compare(&list, at, decided);
}

static void test_git_agrees(void **state)
{
	char folder[] = "/tmp/uc-ignore-XXXXXX";
	const char *init[] = { "git", "init", "-q", folder, NULL };
	uc_auto(buf) struct uc_buf out = { 0 };
	int answers = 0, decided = 0;
	unsigned seed = 7;

	(void)state;
	assert_non_null(mkdtemp(folder));
	run_git(init, NULL, &out);
	for (int i = 0; i < ROUNDS; i++)
		one_round(folder, &seed, &answers, &decided);
	assert_int_equal(answers, ROUNDS * PATHS);
	assert_true(decided > answers / 10 && decided < answers);
	assert_int_equal(remove_folder(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_nearest_list_decides),
		cmocka_unit_test(test_time_is_bounded),
		cmocka_unit_test(test_many_rules_and_paths),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_git_agrees),
	};

	return cmocka_run_group_tests_name("ignore", tests, NULL, NULL);
}

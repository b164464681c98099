/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <ucluster/error.h>

static void test_an_error_tells_what_where_and_a_hint(void **state)
{
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_fail(&err, UC_USAGE, "unknown key '%s'", "gpsu"), -1);
	uc_hint(&err, "did you mean '%s'?", "gpus");
	uc_at(&err, "/home/me/.ucluster.yaml", 3, 7);
	uc_context(&err, "profile '%s'", "train");
	assert_int_equal(err.code, UC_USAGE);
	assert_string_equal(err.text, "profile 'train': unknown key 'gpsu'");
	assert_string_equal(err.hint, "did you mean 'gpus'?");
	assert_string_equal(err.at.path, "/home/me/.ucluster.yaml");
	assert_int_equal(err.at.line, 3);
	assert_int_equal(err.at.column, 7);
	assert_non_null(strstr(err.from.path, "test_error.c"));
	assert_true(err.from.line > 0);
}

static void test_nobody_has_to_ask_for_the_error(void **state)
{
	(void)state;
	assert_int_equal(uc_fail(NULL, UC_FAILED, "x"), -1);
	assert_int_equal(uc_hint(NULL, "x"), -1);
	assert_int_equal(uc_at(NULL, "x", 1, 1), -1);
	assert_int_equal(uc_context(NULL, "x"), -1);
	uc_errors_add(NULL, &(struct uc_error){ 0 });
}

static void test_long_and_hostile_text_is_tamed(void **state)
{
	struct uc_error err = { 0 };
	char path[1000];

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	memcpy(path + sizeof(path) - 5, "/end", 4);
	uc_fail(&err, UC_FAILED, "a\x1b[2Jb\n%s", path);
	uc_at(&err, path, 1, 1);
	assert_true(strncmp(err.text, "a\\x1b[2Jb\\x0a", 12) == 0);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_string_equal(err.text + sizeof(err.text) - 4, "...");
	assert_true(strncmp(err.at.path, "...", 3) == 0);
	assert_string_equal(err.at.path + strlen(err.at.path) - 4, "/end");
}

static void test_errno_is_told_in_words(void **state)
{
	struct uc_error err = { 0 };

	(void)state;
	uc_fail_errno(&err, UC_NOTFOUND, ENOENT, "cannot open %s", "x");
	assert_string_equal(err.text, "cannot open x: No such file or directory");
}

static void test_a_list_is_capped_and_counts_the_rest(void **state)
{
	uc_auto(errors) struct uc_errors list = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	for (int i = 0; i < UC_ERRORS_MAX + 7; i++) {
		uc_fail(&err, UC_USAGE, "fault %d", i);
		uc_errors_add(&list, &err);
	}
	assert_int_equal(list.count, UC_ERRORS_MAX);
	assert_int_equal(list.dropped, 7);
	assert_string_equal(list.item[42].text, "fault 42");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_error_tells_what_where_and_a_hint),
		cmocka_unit_test(test_nobody_has_to_ask_for_the_error),
		cmocka_unit_test(test_long_and_hostile_text_is_tamed),
		cmocka_unit_test(test_errno_is_told_in_words),
		cmocka_unit_test(test_a_list_is_capped_and_counts_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

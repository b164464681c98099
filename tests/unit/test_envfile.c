/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <ucluster/environment.h>
#include <unistd.h>

static const char *const caller[] = { "HOME=/home/ann", "EMPTY=", "TOKEN=abc=def", NULL };

/* Parse text that is sound and compare all variables, joined with "|". */
static void check_text(const char *text, const char *expected)
{
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	uc_auto(buf) struct uc_buf all = { 0 };

	if (uc_env_parse(&env, "a.env", text, strlen(text), &faults) < 0)
		fail_msg("%s: %s", text, faults.item[0].text);
	for (size_t i = 0; i < env.count; i++)
		uc_buf_addf(&all, "%s%s", i ? "|" : "", env.item[i]);
	assert_string_equal(uc_buf_text(&all), expected);
}

static void test_envfile_reads_every_form(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "", "" },
		{ "\n\n# only a comment\n  # another", "" },
		{ "A=1", "A=1" },
		{ "A=1\nB=2\n", "A=1|B=2" },
		{ "A=1\r\nB=2\r\n", "A=1|B=2" },
		{ "\xef\xbb\xbf"
		  "A=1",
		  "A=1" },
		{ "export A=1\nexport\tB=2", "A=1|B=2" },
		{ "export=1", "export=1" },
		{ "exported=1", "exported=1" },
		{ "  A=1", "A=1" },
		{ "A=", "A=" },
		{ "A= # nothing", "A=" },
		{ "A=x y  z \t", "A=x y  z" },
		{ "A=x # comment", "A=x" },
		{ "A=x#y", "A=x#y" },
		{ "A=#x", "A=#x" },
		{ "A=b=c==", "A=b=c==" },
		{ "A=$HOME `id` $(id) ${B}", "A=$HOME `id` $(id) ${B}" },
		{ "A=back\\slash\\n", "A=back\\slash\\n" },
		{ "A=' # $x \\n \" '", "A= # $x \\n \" " },
		{ "A='x' # c", "A=x" },
		{ "A=''", "A=" },
		{ "A=\"\"", "A=" },
		{ "A=\"a\\nb\\tc\\rd\\\\e\\\"f\\$g\"", "A=a\nb\tc\rd\\e\"f$g" },
		{ "A=\"it's $HOME\"  ", "A=it's $HOME" },
		{ "_a1=\xff\xfe", "_a1=\xff\xfe" },
		{ "A=\xc3\xa4", "A=\xc3\xa4" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_text(rows[i].text, rows[i].expected);
}

static void test_envfile_names_the_place_of_each_fault(void **state)
{
	static const struct {
		const char *text;
		int line, column;
	} rows[] = {
		{ "A", 1, 2 },
		{ "A=1\nB", 2, 2 },
		{ "=x", 1, 1 },
		{ "1A=x", 1, 1 },
		{ "A B=x", 1, 2 },
		{ "A =x", 1, 2 },
		{ "A= x", 1, 3 },
		{ "A-B=x", 1, 2 },
		{ "\xc3\xa4=x", 1, 1 },
		{ "export A", 1, 9 },
		{ "export ", 1, 8 },
		{ "A='x", 1, 3 },
		{ "A=\"x\nB=\"", 1, 3 },
		{ "A=\"x\\", 1, 3 },
		{ "A=\"x\\q\"", 1, 5 },
		{ "A=\"\xc3\xa4\\q\"", 1, 5 },
		{ "A=x\"y\"", 1, 4 },
		{ "A=it's", 1, 5 },
		{ "A='x'y", 1, 6 },
		{ "A='x'#y", 1, 6 },
		{ "A=1\nB=2\nA=3", 3, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uc_auto(errors) struct uc_errors faults = { 0 };
		uc_auto(strv) struct uc_strv env = { 0 };

		assert_int_equal(uc_env_parse(&env, "a.env", rows[i].text,
					      strlen(rows[i].text), &faults),
				 -1);
		assert_int_equal(env.count, 0);
		assert_true(faults.count >= 1);
		if (faults.item[0].at.line != rows[i].line ||
		    faults.item[0].at.column != rows[i].column)
			fail_msg("'%s': %d:%d %s", rows[i].text, faults.item[0].at.line,
				 faults.item[0].at.column, faults.item[0].text);
		assert_string_equal(faults.item[0].at.path, "a.env");
		assert_int_equal(faults.item[0].code, UC_USAGE);
	}
}

static void test_envfile_reports_all_faults_and_sets_nothing(void **state)
{
	static const char text[] = "GOOD=1\nbad\nX='\nA=\0b\n";
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	struct uc_error err;

	(void)state;
	assert_int_equal(uc_env_set(&env, "OLD=1", NULL, &err), 0);
	assert_int_equal(uc_env_parse(&env, "f", text, sizeof(text) - 1, &faults), -1);
	assert_int_equal(faults.count, 3);
	assert_int_equal(faults.item[2].at.line, 4);
	assert_int_equal(faults.item[2].at.column, 3);
	assert_non_null(strstr(faults.item[2].text, "NUL"));
	assert_int_equal(env.count, 1);
}

static void test_envfile_has_limits(void **state)
{
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };

	(void)state;
	for (int i = 0; i < UC_ENV_VARS_MAX; i++)
		uc_buf_addf(&text, "A%d=1\n", i);
	assert_int_equal(uc_env_parse(&env, "f", text.data, text.len, &faults), 0);
	assert_int_equal(env.count, UC_ENV_VARS_MAX);
	uc_buf_add(&text, "B=1\n");
	assert_int_equal(uc_env_parse(&env, "f", text.data, text.len, &faults), -1);
	uc_buf_reset(&text);
	uc_buf_add(&text, "A=");
	while (text.len < UC_ENV_BYTES_MAX - 1)
		uc_buf_addc(&text, 'x');
	assert_int_equal(uc_env_parse(&env, "f", text.data, text.len, &faults), 0);
	uc_buf_addc(&text, 'x');
	assert_int_equal(uc_env_parse(&env, "f", text.data, text.len, &faults), -1);
	while (text.len <= UC_ENV_FILE_MAX)
		uc_buf_addc(&text, 'x');
	assert_int_equal(uc_env_parse(&env, "f", text.data, text.len, &faults), -1);
	assert_non_null(strstr(faults.item[faults.count - 1].text, "256 KiB"));
}

static void test_env_set_takes_the_callers_value(void **state)
{
	uc_auto(strv) struct uc_strv env = { 0 };
	struct uc_error err;

	(void)state;
	assert_int_equal(uc_env_set(&env, "TOKEN", caller, &err), 0);
	assert_int_equal(uc_env_set(&env, "EMPTY", caller, &err), 0);
	assert_string_equal(env.item[0], "TOKEN=abc=def");
	assert_string_equal(env.item[1], "EMPTY=");
	assert_int_equal(uc_env_set(&env, "UNSET", caller, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_non_null(strstr(err.text, "'UNSET'"));
	assert_non_null(strstr(err.hint, "--env UNSET=VALUE"));
	assert_int_equal(env.count, 2);
}

static void test_env_set_refuses_bad_names(void **state)
{
	static const char *const bad[] = { "",  "=x",   "1=x",  "A-B=x",
					   "A", " A=x", "A =x", "A\n=x" };
	uc_auto(strv) struct uc_strv env = { 0 };
	struct uc_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(uc_env_set(&env, bad[i], NULL, &err), -1);
	assert_int_equal(env.count, 0);
}

static void test_env_the_later_wins_in_place(void **state)
{
	static const char text[] = "A=file\nC=file\n";
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	struct uc_error err;

	(void)state;
	assert_int_equal(uc_env_set(&env, "A=1", NULL, &err), 0);
	assert_int_equal(uc_env_set(&env, "AB=1", NULL, &err), 0);
	assert_int_equal(uc_env_parse(&env, "f", text, strlen(text), &faults), 0);
	assert_int_equal(uc_env_set(&env, "C=last", NULL, &err), 0);
	assert_int_equal(env.count, 3);
	assert_string_equal(env.item[0], "A=file");
	assert_string_equal(env.item[1], "AB=1");
	assert_string_equal(env.item[2], "C=last");
	assert_null(env.item[3]);
}

static void test_envfile_reads_files_only(void **state)
{
	char dir[] = "/tmp/uc-env.XXXXXX";
	uc_auto(buf) struct uc_buf path = { 0 };
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	uc_buf_addf(&path, "%s/a", dir);
	assert_int_equal(uc_env_file(&env, path.data, &faults), -1);
	assert_int_equal(faults.item[0].code, UC_NOTFOUND);
	assert_int_equal(mkfifo(path.data, 0600), 0);
	assert_int_equal(uc_env_file(&env, path.data, &faults), -1);
	unlink(path.data);
	f = fopen(path.data, "w");
	assert_non_null(f);
	fputs("A='1 2'\n", f);
	fclose(f);
	assert_int_equal(uc_env_file(&env, path.data, &faults), 0);
	assert_string_equal(env.item[0], "A=1 2");
	unlink(path.data);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envfile_reads_every_form),
		cmocka_unit_test(test_envfile_names_the_place_of_each_fault),
		cmocka_unit_test(test_envfile_reports_all_faults_and_sets_nothing),
		cmocka_unit_test(test_envfile_has_limits),
		cmocka_unit_test(test_env_set_takes_the_callers_value),
		cmocka_unit_test(test_env_set_refuses_bad_names),
		cmocka_unit_test(test_env_the_later_wins_in_place),
		cmocka_unit_test(test_envfile_reads_files_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

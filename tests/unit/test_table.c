/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Listings of hostile text: aligned, with bars, on a terminal, as JSON. */
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include "common/json.h"
#include "common/table.h"
#include "unit.h"

static void get_name(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(*(const char *const *)row);
}

static void get_length(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_SIZE;
	out->number = (int64_t)strlen(*(const char *const *)row) << 30;
	out->blank = out->number == 0;
}

static const struct uc_column columns[] = {
	{ "NAME", "name", UC_COLUMN_DEFAULT | UC_COLUMN_CUT, 4, "a name", get_name },
	{ "SIZE", "size", UC_COLUMN_DEFAULT | UC_COLUMN_RIGHT, 0, "how large",
	  get_length },
	{ 0 }
};
static const struct uc_selection both = { { &columns[0], &columns[1] }, 2 };

static const char *const names[] = {
	"plain", "a|b", "\033[31m", "x\xff\xc3y", "训练", ""
};

/* What printing the names gave, to be freed. */
static char *print(const struct uc_listing *listing, bool tty, unsigned safe)
{
	const struct uc_table table = { .name = "names",
					.rows = names,
					.count = ARRAY_SIZE(names),
					.row_size = sizeof(names[0]),
					.now = 7 };
	struct uc_run run = {
		.prog = "test", .stdout_tty = tty, .columns = 40, .safe = safe
	};
	int saved = dup(STDOUT_FILENO);
	FILE *file = tmpfile();
	char *text = calloc(1, 4096);

	assert_true(saved >= 0 && file && text);
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	assert_int_equal(uc_table_print(&run, &table, &both, listing), 0);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	assert_true(fread(text, 1, 4095, file) > 0);
	fclose(file);
	return text;
}

static void check(const struct uc_listing *listing, bool tty, unsigned safe,
		  const char *want)
{
	char *got = print(listing, tty, safe);

	assert_string_equal(got, want);
	free(got);
}

static void test_pipe_is_aligned_and_safe(void **state)
{
	(void)state;
	check(&(struct uc_listing){ 0 }, false, 0,
	      "NAME      SIZE\n"
	      "plain       5G\n"
	      "a|b         3G\n"
	      "\\x1b[31m    5G\n"
	      "x\xef\xbf\xbd\xef\xbf\xbdy        4G\n"
	      "训练        6G\n"
	      "-            -\n");
}

static void test_bars_inside_fields_are_escaped_and_blanks_empty(void **state)
{
	(void)state;
	check(&(struct uc_listing){ .parsable = true, .noheader = true }, false,
	      UC_SAFE_ASCII,
	      "plain|5G\n"
	      "a\\x7cb|3G\n"
	      "\\x1b[31m|5G\n"
	      "x\\xff\\xc3y|4G\n"
	      "\\u8bad\\u7ec3|6G\n"
	      "|\n");
}

static void test_json_is_unicode_with_raw_values(void **state)
{
	(void)state;
	check(&(struct uc_listing){ .json = true }, false, 0,
	      "{\"version\": 1, \"now\": 7, \"names\": [\n"
	      "{\"name\": \"plain\", \"size\": 5368709120},\n"
	      "{\"name\": \"a|b\", \"size\": 3221225472},\n"
	      "{\"name\": \"\\u001B[31m\", \"size\": 5368709120},\n"
	      "{\"name\": \"x\xef\xbf\xbd\xef\xbf\xbdy\", \"size\": 4294967296},\n"
	      "{\"name\": \"训练\", \"size\": 6442450944},\n"
	      "{\"name\": \"\", \"size\": 0}\n"
	      "]}\n");
}

/* Every character that the sanitiser hides is its number in JSON, which is no other text.
 */
static void test_json_has_no_character_that_is_obeyed_or_hidden(void **state)
{
	(void)state;
	for (wchar_t code = 1; code < 0x110000; code++) {
		uc_auto(buf) struct uc_buf json = { 0 }, safe = { 0 };
		char text[MB_LEN_MAX + 1] = "";
		mbstate_t begin = { 0 };

		if (wcrtomb(text, code, &begin) == (size_t)-1)
			continue;
		uc_buf_safe(&safe, uc_raw(text), 0);
		uc_buf_json(&json, text);
		if (code == '"' || code == '\\' || strcmp(uc_buf_text(&safe), text) != 0)
			assert_true(uc_buf_text(&json)[1] == '\\');
		else
			assert_memory_equal(uc_buf_text(&json) + 1, text, strlen(text));
	}
}

static void test_json_writes_what_is_beyond_as_two_halves(void **state)
{
	uc_auto(buf) struct uc_buf json = { 0 };

	(void)state;
	uc_buf_json(&json, "a\u061c\xf3\xa0\x80\x81\u202e");
	assert_string_equal(uc_buf_text(&json), "\"a\\u061C\\uDB40\\uDC01\\u202E\"");
}

static void test_terminal_gets_no_control_bytes(void **state)
{
	char *got = print(&(struct uc_listing){ 0 }, true, 0);

	(void)state;
	for (const char *p = got; *p; p++)
		assert_true(*p == '\n' || (unsigned char)*p >= ' ');
	assert_non_null(strstr(got, "\\x1b[31m"));
	assert_non_null(strstr(got, "训练"));
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipe_is_aligned_and_safe),
		cmocka_unit_test(test_bars_inside_fields_are_escaped_and_blanks_empty),
		cmocka_unit_test(test_json_is_unicode_with_raw_values),
		cmocka_unit_test(test_json_has_no_character_that_is_obeyed_or_hidden),
		cmocka_unit_test(test_json_writes_what_is_beyond_as_two_halves),
		cmocka_unit_test(test_terminal_gets_no_control_bytes),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

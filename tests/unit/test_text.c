/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/text.h>

static void expect_safe(const char *raw, size_t len, unsigned flags, const char *expected)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	uc_buf_safen(&buf, raw, len, flags);
	assert_false(buf.failed);
	assert_string_equal(uc_buf_text(&buf), expected);
}

static void test_foreign_bytes_become_visible(void **state)
{
	static const struct {
		const char *raw, *utf8, *ascii;
	} cases[] = {
		{ "train", "train", "train" },
		{ "a b\tc", "a b\\x09c", "a b\\x09c" },
		{ "\x1b[31mred", "\\x1b[31mred", "\\x1b[31mred" },
		{ "\x1b]0;title\a", "\\x1b]0;title\\x07", "\\x1b]0;title\\x07" },
		{ "line\nfake 4711", "line\\x0afake 4711", "line\\x0afake 4711" },
		{ "\x7f", "\\x7f", "\\x7f" },
		{ "\xc2\x9b"
		  "2J",
		  "\\x9b2J", "\\x9b2J" },
		{ "\x9b"
		  "2J",
		  "\xef\xbf\xbd"
		  "2J",
		  "\\x9b2J" },
		{ "caf\xc3\xa9", "caf\xc3\xa9", "caf\\xe9" },
		{ "\xe5\x90\x8d", "\xe5\x90\x8d", "\\u540d" },
		{ "\xe2\x80\xae"
		  "abc",
		  "\\u202e"
		  "abc",
		  "\\u202e"
		  "abc" },
		{ "a\xe2\x80\x8b"
		  "b",
		  "a\\u200bb", "a\\u200bb" },
		{ "\xef\xbb\xbf"
		  "x",
		  "\\ufeffx", "\\ufeffx" },
		{ "\xf3\xa0\x80\x81", "\\U000e0001", "\\U000e0001" },
		{ "\xf0\x9f\x9a\x80", "\xf0\x9f\x9a\x80", "\\U0001f680" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", "\\xc0\\xaf" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		  "\\xed\\xa0\\x80" },
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		  "\\xf4\\x90\\x80\\x80" },
		{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd", "\\xe2\\x82" },
		{ "a\xcc\x81\xcc\x81\xcc\x81", "a\xcc\x81\xcc\x81\\u0301",
		  "a\\u0301\\u0301\\u0301" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		expect_safe(cases[i].raw, strlen(cases[i].raw), 0, cases[i].utf8);
		expect_safe(cases[i].raw, strlen(cases[i].raw), UC_SAFE_ASCII,
			    cases[i].ascii);
	}
	expect_safe("a\0b", 3, 0, "a\\x00b");
}

/* Whatever the bytes: what comes out holds no control byte and is well-formed. */
static void test_no_two_bytes_get_a_control_byte_through(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++) {
			uc_auto(buf) struct uc_buf buf = { 0 };
			char raw[2] = { (char)a, (char)b };

			uc_buf_safen(&buf, raw, 2, 0);
			for (size_t i = 0; i < buf.len; i++)
				if ((unsigned char)buf.data[i] < 0x20 ||
				    buf.data[i] == 0x7f)
					fail_msg("%02x %02x", a, b);
			if (mbstowcs(NULL, uc_buf_text(&buf), 0) == (size_t)-1)
				fail_msg("%02x %02x is not UTF-8", a, b);
		}
}

static void test_colours_pass_only_when_asked_and_well_formed(void **state)
{
	(void)state;
	expect_safe("\x1b[1;31mx\x1b[m", 11, UC_SAFE_COLOUR, "\x1b[1;31mx\x1b[m");
	expect_safe("\x1b[2J", 4, UC_SAFE_COLOUR, "\\x1b[2J");
	expect_safe("\x1b[31", 4, UC_SAFE_COLOUR, "\\x1b[31");
	expect_safe("\x1b[?25h", 6, UC_SAFE_COLOUR, "\\x1b[?25h");
	expect_safe("a\tb\n", 4, UC_SAFE_NEWLINE, "a\tb\n");
	expect_safe("a\rb\n", 4, UC_SAFE_NEWLINE, "a\\x0db\n");
}

static void test_width_and_clip_count_columns(void **state)
{
	(void)state;
	assert_int_equal(uc_text_width("train"), 5);
	assert_int_equal(uc_text_width("caf\xc3\xa9"), 4);
	assert_int_equal(uc_text_width("\xe5\x90\x8d\xe5\x89\x8d"), 4);
	assert_int_equal(uc_text_width("e\xcc\x81"), 1);
	assert_int_equal(uc_text_clip("\xe5\x90\x8d\xe5\x89\x8d", 3), 3);
	assert_int_equal(uc_text_clip("\xe5\x90\x8d\xe5\x89\x8d", 4), 6);
	assert_int_equal(uc_text_clip("abc", 0), 0);
	assert_int_equal(uc_text_clip("abc", 99), 3);
}

static void test_a_buffer_grows_and_is_handed_over(void **state)
{
	uc_auto(buf) struct uc_buf buf = { 0 };
	char *text;

	(void)state;
	assert_string_equal(uc_buf_text(&buf), "");
	for (int i = 0; i < 1000; i++)
		uc_buf_addf(&buf, "%d,", i);
	uc_buf_addc(&buf, '!');
	uc_buf_add(&buf, NULL);
	assert_int_equal(buf.len, 10 + 90 * 2 + 900 * 3 + 1000 + 1);
	text = uc_buf_take(&buf);
	assert_true(strncmp(text, "0,1,2,", 6) == 0);
	assert_int_equal(buf.len, 0);
	free(text);
	text = uc_buf_take(&buf);
	assert_string_equal(text, "");
	free(text);
}

static void test_numbers_and_formats_of_any_length(void **state)
{
	uc_auto(buf) struct uc_buf buf = { 0 };
	char wide[300];

	(void)state;
	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	uc_buf_addi(&buf, 0);
	uc_buf_addc(&buf, ' ');
	uc_buf_addi(&buf, INT64_MAX);
	uc_buf_addc(&buf, ' ');
	uc_buf_addi(&buf, INT64_MIN);
	assert_string_equal(uc_buf_text(&buf),
			    "0 9223372036854775807 -9223372036854775808");
	/* just fits, is one too long, is much too long for the room there is */
	for (size_t len = 60; len < 68; len++) {
		uc_auto(buf) struct uc_buf one = { 0 };

		uc_buf_addf(&one, "%.*s", (int)len, wide);
		assert_int_equal(one.len, len);
		assert_int_equal(strlen(uc_buf_text(&one)), len);
		uc_buf_addf(&one, "%s|", wide);
		assert_int_equal(one.len, len + sizeof(wide));
		assert_int_equal(one.data[one.len - 1], '|');
	}
}

static void test_a_vector_of_strings_is_null_terminated(void **state)
{
	uc_auto(strv) struct uc_strv v = { 0 };

	(void)state;
	assert_null(v.item);
	for (int i = 0; i < 100; i++)
		uc_strv_addf(&v, "w%d", i);
	uc_strv_addn(&v, "last one", 4);
	assert_int_equal(v.count, 101);
	assert_null(v.item[101]);
	assert_int_equal(uc_strv_find(&v, "last"), 100);
	assert_int_equal(uc_strv_find(&v, "las"), -1);
	assert_false(v.failed);
}

static void test_the_nearest_word_is_found_or_none(void **state)
{
	static const char *const words[] = { "gpus",   "mem",       "image",
					     "mounts", "partition", NULL };

	(void)state;
	assert_string_equal(uc_text_nearest("gpsu", words), "gpus");
	assert_string_equal(uc_text_nearest("imgae", words), "image");
	assert_string_equal(uc_text_nearest("partitoin", words), "partition");
	assert_string_equal(uc_text_nearest("men", words), "mem");
	assert_null(uc_text_nearest("x", words));
	assert_null(uc_text_nearest("", words));
	assert_null(uc_text_nearest("completely-else", words));
	assert_null(uc_text_nearest(
		"ggggggggggggggggggggggggggggggggggggggggggggggggggggggg", words));
}

/* Text that comes in two pieces, cut anywhere, looks as it does in one. */
static void test_text_in_pieces(void **state)
{
	static const char *const texts[] = {
		"plain",
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		"a\x1b[1;31mred\x1b[0m b",
		"\x1b[2J\x1b]0;t\x07",
		"\xe2\x82",
		"\xf0\x9f\x98",
		"\x1b",
		"\x1b[",
		"\x1b[1;",
		"\xff\xfe\xc3",
		"\xc3(\xc3",
		"\x80\x80\x80\x80",
		"a\rb\n\tc",
		"\x1b[111111111111111111111111111111111m",
		"\x1b\x1b[1m",
	};
	const unsigned flags = UC_SAFE_COLOUR | UC_SAFE_NEWLINE | UC_SAFE_RETURN;

	(void)state;
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		const size_t len = strlen(texts[t]);
		uc_auto(buf) struct uc_buf whole = { 0 };

		uc_buf_safen(&whole, texts[t], len, flags);
		for (size_t cut = 0; cut <= len; cut++) {
			uc_auto(buf) struct uc_buf pieces = { 0 };
			const size_t held = uc_text_unfinished(texts[t], cut);

			assert_true(held <= cut && held <= 32);
			uc_buf_safen(&pieces, texts[t], cut - held, flags);
			uc_buf_safen(&pieces, texts[t] + cut - held, len - cut + held,
				     flags);
			assert_string_equal(uc_buf_text(&pieces), uc_buf_text(&whole));
		}
	}
	assert_int_equal(uc_text_unfinished("ab", 2), 0);
	assert_int_equal(uc_text_unfinished("ab\x1b[3", 5), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_in_pieces),
		cmocka_unit_test(test_numbers_and_formats_of_any_length),
		cmocka_unit_test(test_foreign_bytes_become_visible),
		cmocka_unit_test(test_no_two_bytes_get_a_control_byte_through),
		cmocka_unit_test(test_colours_pass_only_when_asked_and_well_formed),
		cmocka_unit_test(test_width_and_clip_count_columns),
		cmocka_unit_test(test_a_buffer_grows_and_is_handed_over),
		cmocka_unit_test(test_a_vector_of_strings_is_null_terminated),
		cmocka_unit_test(test_the_nearest_word_is_found_or_none),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

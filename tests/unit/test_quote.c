/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <locale.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucluster/text.h>
#include <unistd.h>

extern char **environ;

static void expect_quoted(const char *word, enum uc_quote_style style,
			  const char *expected)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	uc_buf_quote(&buf, word, style);
	assert_string_equal(uc_buf_text(&buf), expected);
}

static void test_words_are_quoted_only_where_needed(void **state)
{
	(void)state;
	expect_quoted("train.py", UC_QUOTE_EXACT, "train.py");
	expect_quoted("--gpus=1", UC_QUOTE_EXACT, "--gpus=1");
	expect_quoted("A=1", UC_QUOTE_EXACT, "'A=1'");
	expect_quoted("", UC_QUOTE_EXACT, "''");
	expect_quoted("a b", UC_QUOTE_EXACT, "'a b'");
	expect_quoted("it's", UC_QUOTE_EXACT, "'it'\\''s'");
	expect_quoted("~", UC_QUOTE_EXACT, "'~'");
	expect_quoted("$(x)", UC_QUOTE_EXACT, "'$(x)'");
	expect_quoted("a\x1b[m", UC_QUOTE_EXACT, "'a\x1b[m'");
	expect_quoted("a\x1b[m", UC_QUOTE_VISIBLE, "$'a\\033[m'");
	expect_quoted("a\nb", UC_QUOTE_VISIBLE, "$'a\\nb'");
	expect_quoted("it's\n\\", UC_QUOTE_VISIBLE, "$'it\\'s\\n\\\\'");
	expect_quoted("caf\xc3\xa9", UC_QUOTE_VISIBLE, "'caf\xc3\xa9'");
	expect_quoted("\xff", UC_QUOTE_VISIBLE, "$'\\377'");
}

/* What SHELL makes of the quoted words, each followed by a NUL byte. */
static void read_back(const char *shell, const char *script, struct uc_buf *out)
{
	char *argv[] = { (char *)shell, (char *)"-s", NULL };
	posix_spawn_file_actions_t actions;
	FILE *in = tmpfile(), *back = tmpfile();
	int status, c;
	pid_t pid;

	fputs(script, in);
	rewind(in);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fileno(in), 0);
	posix_spawn_file_actions_adddup2(&actions, fileno(back), 1);
	assert_int_equal(posix_spawnp(&pid, shell, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	rewind(back);
	while ((c = getc(back)) != EOF)
		uc_buf_addc(out, (char)c);
	fclose(in);
	fclose(back);
}

static void random_word(struct uc_buf *word)
{
	static const char nasty[] =
		" \t\n'\"\\$`!*?[]{}()<>|&;#~=-%a0\x1b\x7f\x80\xc3\xa9\xff";
	size_t len = (size_t)(rand() % 12);

	uc_buf_reset(word);
	while (len--)
		uc_buf_addc(word, rand() % 3 ? nasty[(size_t)rand() % (sizeof(nasty) - 1)]
					     : (char)(1 + rand() % 255));
}

static void check_shell(const char *shell, enum uc_quote_style style)
{
	uc_auto(buf) struct uc_buf script = { 0 }, expected = { 0 }, got = { 0 },
				   word = { 0 };

	for (int line = 0; line < 500; line++) {
		uc_auto(strv) struct uc_strv words = { 0 };

		uc_strv_add(&words, "printf");
		uc_strv_add(&words, "%s\\0");
		for (int i = 0; i < 10; i++) {
			random_word(&word);
			uc_strv_add(&words, uc_buf_text(&word));
			uc_buf_addn(&expected, uc_buf_text(&word), word.len + 1);
		}
		uc_buf_quote_argv(&script, (const char *const *)words.item, style);
		uc_buf_addc(&script, '\n');
	}
	read_back(shell, uc_buf_text(&script), &got);
	assert_int_equal(got.len, expected.len);
	assert_memory_equal(got.data, expected.data, expected.len);
}

static void test_shells_read_5000_random_words_back(void **state)
{
	(void)state;
	srand(20261121);
	check_shell("dash", UC_QUOTE_EXACT);
	check_shell("bash", UC_QUOTE_EXACT);
	check_shell("bash", UC_QUOTE_VISIBLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_are_quoted_only_where_needed),
		cmocka_unit_test(test_shells_read_5000_random_words_back),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

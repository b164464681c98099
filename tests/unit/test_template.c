/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Templates: values in every language, read back by a shell; names, places, keys. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucluster/spawn.h>
#include <unistd.h>

#include "template/template.h"

#define VALUES 400

/* Bytes that mean something to a shell, and any others; no NUL. */
static void random_value(unsigned *seed, char *out, size_t max)
{
	static const char special[] = "'\"\\$`!*?[]{}()<>|&;~#%=- \n\t@:";
	size_t len = (size_t)rand_r(seed) % max;

	for (size_t i = 0; i < len; i++)
		out[i] = rand_r(seed) % 2
				 ? special[(size_t)rand_r(seed) % (sizeof(special) - 1)]
				 : (char)(1 + rand_r(seed) % 255);
	out[len] = '\0';
}

/* All that a shell prints for a script; a temporary file takes it. */
static void run_shell(const char *shell, const struct uc_buf *script, struct uc_buf *out)
{
	char path[] = "template-XXXXXX", result[] = "template-XXXXXX", chunk[4096];
	int in = mkstemp(path), to = mkstemp(result), status;
	char *words[] = { (char *)shell, path, NULL };
	char *environment[] = { (char *)"LC_ALL=C", (char *)"HOME=/the home", NULL };
	const struct uc_spawn spawn = {
		.program = shell,
		.words = words,
		.environment = environment,
		.fd = { -1, to, STDERR_FILENO },
	};
	ssize_t n;
	pid_t pid;

	assert_true(in >= 0 && to >= 0);
	assert_int_equal(write(in, script->data, script->len), (ssize_t)script->len);
	assert_int_equal(uc_spawn(&spawn, &pid), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	lseek(to, 0, SEEK_SET);
	while ((n = read(to, chunk, sizeof(chunk))) > 0)
		uc_buf_addn(out, chunk, (size_t)n);
	close(in);
	close(to);
	unlink(path);
	unlink(result);
}

static void check_shell(const char *shell)
{
	uc_auto(buf) struct uc_buf script = { 0 }, expected = { 0 }, got = { 0 };
	unsigned seed = 20261121;
	char value[40];

	if (access(shell, X_OK) < 0)
		return;
	for (int i = 0; i < VALUES; i++) {
		random_value(&seed, value, sizeof(value));
		uc_buf_add(&script, "printf '%s\\0' ");
		uc_template_quote(&script, UC_CONTEXT_SH, UC_TEMPLATE_TEXT, value);
		uc_buf_add(&script, " x");
		uc_template_quote(&script, UC_CONTEXT_SH, UC_TEMPLATE_TEXT, value);
		uc_buf_add(&script, "x # ");
		uc_template_quote(&script, UC_CONTEXT_TEXT, UC_TEMPLATE_TEXT, value);
		uc_buf_addc(&script, '\n');
		uc_buf_addn(&expected, value, strlen(value) + 1);
		uc_buf_addf(&expected, "x%sx", value);
		uc_buf_addn(&expected, "", 1);
	}
	run_shell(shell, &script, &got);
	assert_int_equal(got.len, expected.len);
	assert_memory_equal(got.data, expected.data, got.len);
}

static void test_shells_get_back_what_was_put_in(void **state)
{
	(void)state;
	check_shell("/bin/bash");
	check_shell("/bin/sh");
	check_shell("/usr/bin/zsh");
}

static void quoted(enum uc_template_context context, enum uc_template_type type,
		   const char *value, const char *expected)
{
	uc_auto(buf) struct uc_buf out = { 0 };

	uc_template_quote(&out, context, type, value);
	assert_string_equal(uc_buf_text(&out), expected);
}

static void test_values_as_each_language_has_them(void **state)
{
	(void)state;
	quoted(UC_CONTEXT_SH, UC_TEMPLATE_PATH, "~/a b", "\"$HOME\"'/a b'");
	quoted(UC_CONTEXT_SH, UC_TEMPLATE_PATH, "~", "\"$HOME\"");
	quoted(UC_CONTEXT_SH, UC_TEMPLATE_PATH, "~user/x", "'~user/x'");
	quoted(UC_CONTEXT_SH, UC_TEMPLATE_TEXT, "~/x", "'~/x'");
	quoted(UC_CONTEXT_SH, UC_TEMPLATE_TEXT, "", "''");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_TEXT, "python", "python");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_TEXT, "24G", "24G");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_TEXT, "1e3", "\"1e3\"");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_TEXT, "No", "\"No\"");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_TEXT, "2026-11-21", "\"2026-11-21\"");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_TEXT, "a: b", "\"a: b\"");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_TEXT, "it's", "\"it\\x27s\"");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_TEXT, "\xe2\x80\xa8", "\"\\u2028\"");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_NUMBER, "12", "12");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_NUMBER, "010", "10");
	quoted(UC_CONTEXT_JSON, UC_TEMPLATE_NUMBER, "-007", "-7");
	quoted(UC_CONTEXT_PY, UC_TEMPLATE_NUMBER, "000", "0");
	quoted(UC_CONTEXT_SH, UC_TEMPLATE_NUMBER, "08", "8");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_NUMBER, "", "null");
	quoted(UC_CONTEXT_YAML, UC_TEMPLATE_BOOL, "yes", "true");
	quoted(UC_CONTEXT_PY, UC_TEMPLATE_BOOL, "no", "False");
	quoted(UC_CONTEXT_PY, UC_TEMPLATE_NUMBER, "", "None");
	quoted(UC_CONTEXT_PY, UC_TEMPLATE_TEXT, "a\\\"\n", "\"a\\\\\\\"\\n\"");
	quoted(UC_CONTEXT_JSON, UC_TEMPLATE_TEXT, "\xf3\xa0\x80\x81'",
	       "\"\xf3\xa0\x80\x81'\"");
	quoted(UC_CONTEXT_TEXT, UC_TEMPLATE_TEXT, "a\nb\x1b", "a\\x0ab\\x1b");
}

/* Offsets of "@" in the text where a word may stand, as a mask. */
static void check_places(const char *text, const char *expected)
{
	struct uc_shell_place place = { 0 };
	size_t from = 0, count = 0;

	for (size_t i = 0; text[i]; i++) {
		if (text[i] != '@')
			continue;
		uc_shell_step(&place, text, from, i);
		from = i;
		assert_int_equal(uc_shell_takes_word(&place) ? '1' : '0',
				 expected[count]);
		count++;
	}
	assert_int_equal(strlen(expected), count);
}

static void test_places_of_a_shell(void **state)
{
	(void)state;
	check_places("a @ 'b @' \"c @\" @", "1001");
	check_places("x=@ `@` ${x:-@} $((@)) $(@) \"$(@)\" @", "1000111");
	check_places("echo a#@ # @\n@", "101");
	check_places("cat <<E @\n@\n E\n@\nE\n@", "1001");
	check_places("cat <<-'E'\n\t@\n\tE\n@", "01");
	check_places("cat <<<@ @", "11");
	check_places("echo \\' @ \"\\\"@\" @", "101");
	check_places("((x = @)) @", "01");
	check_places("f() { @; } @", "11");
	check_places("'a\nb @' @", "01");
	check_places("echo $'a\\'@' @", "00"); /* not followed: none may stand there */
}

static void test_names(void **state)
{
	static const char *const folders[] = { NULL };
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_template_find(folders, "../x", &path, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
	assert_int_equal(uc_template_find(folders, "", &path, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
	assert_int_equal(uc_template_find(folders, "x", &path, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shells_get_back_what_was_put_in),
		cmocka_unit_test(test_values_as_each_language_has_them),
		cmocka_unit_test(test_places_of_a_shell),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What jobs print, on its way to a terminal, a pipe, or events. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/printer.h"

struct world {
	struct uc_run run;
	struct uc_printer printer;
	struct uc_channel out, error;
	int saved[2], file[2];
};

static int redirect(int fd, int *saved)
{
	char path[] = "/tmp/uc-printer-XXXXXX";
	int file = mkstemp(path);

	assert_true(file >= 0);
	unlink(path);
	fflush(NULL);
	*saved = dup(fd);
	dup2(file, fd);
	return file;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->printer.run = &w->run;
	w->error.error = true;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	uc_channel_free(&w->out);
	uc_channel_free(&w->error);
	uc_printer_close(&w->printer);
	free(w);
	return 0;
}

/* What descriptor 1 and 2 get of the bytes, given in pieces of `piece`. */
static char *print(struct world *w, struct uc_channel *channel, const char *bytes,
		   size_t len, size_t piece)
{
	const int fd = channel->error ? 2 : 1;
	int saved, file = redirect(fd, &saved), rc = 0;
	char *got = calloc(1, len * 6 + 200000);
	struct uc_error err;

	if (!w->printer.has_pattern)
		rc = uc_printer_open(&w->printer, &err);
	for (size_t at = 0; at < len && rc == 0; at += piece)
		rc = uc_printer_put(&w->printer, channel, bytes + at,
				    len - at < piece ? len - at : piece);
	if (rc == 0)
		rc = uc_printer_flush(&w->printer, channel);
	dup2(saved, fd);
	close(saved);
	assert_int_equal(rc, 0);
	assert_true(pread(file, got, len * 6 + 199999, 0) >= 0);
	close(file);
	return got;
}

static void check(struct world *w, struct uc_channel *channel, const char *bytes,
		  const char *expected)
{
	for (size_t piece = 1; piece <= strlen(bytes); piece++) {
		char *got = print(w, channel, bytes, strlen(bytes), piece);

		assert_string_equal(got, expected);
		free(got);
	}
}

static void test_a_pipe_gets_the_bytes(void **state)
{
	struct world *w = *state;

	check(w, &w->out, "a\x1b[31m\x1b[2J\r\n\xff\xc3", "a\x1b[31m\x1b[2J\r\n\xff\xc3");
	check(w, &w->error, "e\x07", "e\x07");
}

static void test_a_terminal_gets_colours_only(void **state)
{
	struct world *w = *state;

	w->run.stdout_tty = true;
	check(w, &w->out, "a\x1b[31mred\x1b[0m\tb\r50%\r100%\n",
	      "a\x1b[31mred\x1b[0m\tb\r50%\r100%\n");
	check(w, &w->out, "\x1b[2J\x1b]0;t\x07\n", "\\x1b[2J\\x1b]0;t\\x07\n");
	check(w, &w->out, "\xc3\xa9\xe2\x82\xac \xc3\n",
	      "\xc3\xa9\xe2\x82\xac \xef\xbf\xbd\n");
	/* errors go elsewhere, which is no terminal */
	check(w, &w->error, "\x1b[2J", "\x1b[2J");
}

static void test_raw_lets_all_of_it_pass(void **state)
{
	struct world *w = *state;

	w->run.stdout_tty = true;
	w->printer.raw = true;
	check(w, &w->out, "\x1b[2J\x1b]0;t\x07\n", "\x1b[2J\x1b]0;t\x07\n");
}

static void test_labels_begin_lines(void **state)
{
	struct world *w = *state;

	uc_buf_add(&w->out.label, "[3] ");
	check(w, &w->out, "one\ntwo\n\nend", "[3] one\n[3] two\n[3] \n[3] end\n");
	w->run.stdout_tty = true;
	/* of a progress bar the last state; a colour ends with its line */
	check(w, &w->out, "10%\r50%\r100%\r\n", "[3] 100%\n");
	check(w, &w->out, "\x1b[31mred\n", "[3] \x1b[31mred\x1b[0m\n");
}

static void test_lines_are_chosen(void **state)
{
	struct world *w = *state;

	w->printer.grep = "^loss: [0-9]+$";
	check(w, &w->out, "loss: 1\nnoise\n\x1b[1mloss: 2\x1b[0m\r\nloss: x\n",
	      "loss: 1\n\x1b[1mloss: 2\x1b[0m\r\n");
}

static void test_events(void **state)
{
	struct world *w = *state;
	char *got;

	w->printer.json = true;
	uc_buf_add(&w->out.job, "4711_3");
	got = print(w, &w->out, "a \"b\"\n\0c\n", 9, 3);
	assert_non_null(strstr(got, "\"event\": \"output\""));
	assert_non_null(strstr(got, "\"job\": \"4711_3\""));
	assert_non_null(strstr(got, "\"text\": \"a \\\"b\\\"\"}\n"));
	assert_non_null(strstr(got, "\"text\": \"\xef\xbf\xbd"
				    "c\"}\n"));
	free(got);
}

/* A line without an end is not kept as a whole. */
static void test_long_lines_come_in_pieces(void **state)
{
	struct world *w = *state;
	const size_t len = 200000;
	char *line = malloc(len + 1), *got;

	memset(line, 'x', len);
	line[len] = '\0';
	uc_buf_add(&w->out.label, "> ");
	got = print(w, &w->out, line, len, 5000);
	assert_true(w->out.held.cap < 200000);
	/* three pieces, each with its label and its end */
	assert_int_equal(strlen(got), len + 3 * 3);
	free(got);
	free(line);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_a_pipe_gets_the_bytes),     T(test_a_terminal_gets_colours_only),
		T(test_raw_lets_all_of_it_pass),   T(test_labels_begin_lines),
		T(test_lines_are_chosen),          T(test_events),
		T(test_long_lines_come_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

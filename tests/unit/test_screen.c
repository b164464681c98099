/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A session's screen: what is drawn from it shows the same in another one. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vterm.h>
#include "session/screen.h"

/* Another terminal, and the text of its rows. */
struct glass {
	VTerm *vt;
	VTermScreen *cells;
	struct uc_session_size size;
	struct uc_buf gone; /* rows that left it, each with a line break */
};

static void add_row(struct uc_buf *out, const VTermScreenCell *cells, int columns)
{
	const size_t start = out->len;

	for (int i = 0; i < columns; i++)
		if (cells[i].chars[0] != UINT32_MAX)
			uc_buf_addc(out,
				    cells[i].chars[0] ? (char)cells[i].chars[0] : ' ');
	while (out->len > start && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	uc_buf_addc(out, '\n');
}

static int gone(int columns, const VTermScreenCell *cells, void *arg)
{
	add_row(&((struct glass *)arg)->gone, cells, columns);
	return 1;
}

static const VTermScreenCallbacks callbacks = { .sb_pushline = gone };

static void glass_open(struct glass *g, uint16_t columns, uint16_t rows)
{
	*g = (struct glass){ .vt = vterm_new(rows, columns), .size = { columns, rows } };
	vterm_set_utf8(g->vt, 1);
	g->cells = vterm_obtain_screen(g->vt);
	vterm_screen_set_callbacks(g->cells, &callbacks, g);
	vterm_screen_enable_altscreen(g->cells, 1);
	vterm_screen_reset(g->cells, 1);
}

static void glass_close(struct glass *g)
{
	vterm_free(g->vt);
	uc_buf_free(&g->gone);
}

static void glass_write(struct glass *g, const char *text)
{
	vterm_input_write(g->vt, text, strlen(text));
}

static char *glass_text(const struct glass *g)
{
	struct uc_buf out = { 0 };
	VTermScreenCell cells[200];

	for (int row = 0; row < g->size.rows; row++) {
		for (int column = 0; column < g->size.columns; column++)
			vterm_screen_get_cell(g->cells, (VTermPos){ row, column },
					      &cells[column]);
		add_row(&out, cells, g->size.columns);
	}
	/* rows below the last text do not matter */
	while (out.len > 1 && out.data[out.len - 2] == '\n')
		out.data[--out.len] = '\0';
	return uc_buf_take(&out);
}

static void glass_draw(struct glass *g, struct uc_screen *s,
		       const struct uc_screen_draw *how)
{
	uc_auto(buf) struct uc_buf out = { 0 };

	uc_screen_draw(s, how, &out);
	assert_false(out.failed);
	vterm_input_write(g->vt, out.data, out.len);
}

static struct uc_screen *screen(uint16_t columns, uint16_t rows, size_t history)
{
	const struct uc_session_size size = { columns, rows };
	struct uc_screen *s = uc_screen_new(&size, history);

	assert_non_null(s);
	return s;
}

static void put(struct uc_screen *s, const char *text)
{
	uc_screen_write(s, text, strlen(text));
}

/* Drawn in a fresh terminal of the same size it looks like `text`, with `gone` above. */
static void expect_drawn(struct uc_screen *s, uint16_t columns, uint16_t rows,
			 const char *above, const char *text)
{
	struct glass g;
	char *seen;

	glass_open(&g, columns, rows);
	glass_draw(&g, s, &(struct uc_screen_draw){ .size = { columns, rows } });
	seen = glass_text(&g);
	assert_string_equal(seen, text);
	assert_string_equal(uc_buf_text(&g.gone), above);
	free(seen);
	glass_close(&g);
}

static void test_the_screen_and_what_left_it(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(10, 3, 100);

	(void)state;
	put(s, "one\r\ntwo\r\nthree\r\nfour\r\nfive");
	assert_int_equal(uc_screen_lines(s), 2);
	expect_drawn(s, 10, 3, "one\ntwo\n", "three\nfour\nfive\n");
	/* in a larger window the screen is at the top as well */
	expect_drawn(s, 20, 6, "one\ntwo\n", "three\nfour\nfive\n");
}

static void test_its_last_lines_as_text(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(10, 3, 100);
	uc_auto(buf) struct uc_buf text = { 0 };

	(void)state;
	uc_screen_text(s, 5, &text);
	assert_int_equal(text.len, 0);
	put(s, "one\r\ntwo\r\nlonger than it is wide\r\n\r\nfive\r\n");
	uc_screen_text(s, 100, &text);
	assert_string_equal(uc_buf_text(&text),
			    "one\ntwo\nlonger than it is wide\n\nfive\n");
	uc_buf_reset(&text);
	uc_screen_text(s, 0, &text);
	assert_string_equal(uc_buf_text(&text), "\nfive\n");
	/* what a program draws in the alternate screen is no text of lines */
	uc_buf_reset(&text);
	put(s, "\x1b[?1049h\x1b[Hdrawn");
	uc_screen_text(s, 1, &text);
	assert_null(strstr(uc_buf_text(&text), "drawn"));
}

static void test_only_lines_that_are_missing(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(10, 2, 100);
	struct glass g;
	char *seen;

	(void)state;
	glass_open(&g, 10, 2);
	put(s, "1\r\n2\r\n3");
	glass_draw(&g, s, &(struct uc_screen_draw){ .size = { 10, 2 } });
	assert_string_equal(uc_buf_text(&g.gone), "1\n");
	put(s, "\r\n4\r\n5\r\n6");
	glass_draw(
		&g, s,
		&(struct uc_screen_draw){ .size = { 10, 2 }, .from = 1, .clear = true });
	seen = glass_text(&g);
	assert_string_equal(uc_buf_text(&g.gone), "1\n2\n3\n4\n");
	assert_string_equal(seen, "5\n6\n");
	free(seen);
	glass_close(&g);
}

static void test_what_was_there_before_stays_above(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(10, 3, 100);
	struct glass g;
	char *seen;

	(void)state;
	glass_open(&g, 10, 3);
	glass_write(&g, "login$ \r\n");
	put(s, "1\r\n2\r\n3\r\n4");
	glass_draw(&g, s, &(struct uc_screen_draw){ .size = { 10, 3 } });
	seen = glass_text(&g);
	assert_string_equal(uc_buf_text(&g.gone), "login$\n1\n");
	assert_string_equal(seen, "2\n3\n4\n");
	free(seen);
	glass_close(&g);
}

static void test_scrollback_is_bounded(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(10, 2, 3);
	uc_auto(screen) struct uc_screen *none = screen(10, 2, 0);
	char line[16];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(line, sizeof(line), "%d\r\n", i);
		put(s, line);
		put(none, line);
	}
	assert_int_equal(uc_screen_lines(s), 19);
	expect_drawn(s, 10, 2, "16\n17\n18\n", "19\n");
	assert_int_equal(uc_screen_lines(none), 19);
	expect_drawn(none, 10, 2, "", "19\n");
}

static void test_long_lines_stay_lines(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(4, 2, 100);

	(void)state;
	put(s, "abcdefghij\r\nx\r\ny");
	/* in a wider window the line is whole again */
	expect_drawn(s, 20, 2, "abcdefghij\n", "x\ny\n");
	expect_drawn(s, 4, 2, "abcd\nefgh\nij\n", "x\ny\n");
}

static void test_the_alternate_screen_and_the_one_behind(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(10, 3, 100);
	struct glass g;
	char *seen;

	(void)state;
	put(s, "1\r\n2\r\n3\r\n$ vi\x1b[?1049h\x1b[H\x1b[J~text\r\n~\r\n~\r\n~\r\n~");
	/* what a full-screen program scrolls is no history */
	assert_int_equal(uc_screen_lines(s), 1);
	glass_open(&g, 10, 3);
	glass_draw(&g, s, &(struct uc_screen_draw){ .size = { 10, 3 } });
	seen = glass_text(&g);
	assert_string_equal(seen, "~\n~\n~\n");
	free(seen);
	/* the program ends */
	glass_write(&g, "\x1b[?1049l");
	seen = glass_text(&g);
	assert_string_equal(seen, "2\n3\n$ vi\n");
	assert_string_equal(uc_buf_text(&g.gone), "1\n");
	free(seen);
	glass_close(&g);
}

static void test_lines_before_the_switch_in_one_piece(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(10, 2, 100);

	(void)state;
	put(s, "1\r\n2\r\n3\r\n4\x1b[?1049hX\x1b[?1049l\r\n5\r\n6");
	expect_drawn(s, 10, 2, "1\n2\n3\n4\n", "5\n6\n");
}

/* The cells of two terminals are the same, colours and all. */
static void expect_same(const struct glass *a, const struct glass *b)
{
	for (int row = 0; row < a->size.rows; row++)
		for (int column = 0; column < a->size.columns; column++) {
			const VTermPos at = { row, column };
			VTermScreenCell x, y;

			vterm_screen_get_cell(a->cells, at, &x);
			vterm_screen_get_cell(b->cells, at, &y);
			if (x.chars[0] == ' ')
				x.chars[0] = 0;
			if (y.chars[0] == ' ')
				y.chars[0] = 0;
			for (int c = 0; c < VTERM_MAX_CHARS_PER_CELL; c++) {
				assert_int_equal(x.chars[c], y.chars[c]);
				if (!x.chars[c])
					break;
			}
			assert_int_equal(x.attrs.bold, y.attrs.bold);
			assert_int_equal(x.attrs.underline, y.attrs.underline);
			assert_int_equal(x.attrs.reverse, y.attrs.reverse);
			assert_int_equal(x.attrs.italic, y.attrs.italic);
			assert_true(vterm_color_is_equal(&x.fg, &y.fg));
			assert_true(vterm_color_is_equal(&x.bg, &y.bg));
		}
}

/* After the same words, and then the same again after a redraw in the middle. */
static void expect_goes_on(const char *first, const char *then)
{
	uc_auto(screen) struct uc_screen *s = screen(20, 5, 100);
	struct glass there, here;

	glass_open(&there, 20, 5);
	glass_write(&there, first);
	put(s, first);
	glass_open(&here, 20, 5);
	glass_draw(&here, s, &(struct uc_screen_draw){ .size = { 20, 5 } });
	glass_write(&there, then);
	glass_write(&here, then);
	expect_same(&there, &here);
	glass_close(&there);
	glass_close(&here);
}

static void test_colours_are_drawn(void **state)
{
	(void)state;
	expect_goes_on("\x1b[1;31mred\x1b[0m \x1b[4;3mline\x1b[m\r\n"
		       "\x1b[48;5;200m pink \x1b[7mreverse\x1b[m\r\n"
		       "\x1b[38;2;1;2;3mrgb\x1b[95mbright\x1b[m",
		       "");
	expect_goes_on("\xe4\xb8\xad\xe6\x96\x87 e\xcc\x81 \xf0\x9f\x98\x80", "x");
}

static void test_output_goes_on_where_it_was(void **state)
{
	(void)state;
	expect_goes_on("\x1b[31mred", " still red\x1b[m no");
	expect_goes_on("a\x1b[3", "1mred");                  /* in a sequence */
	expect_goes_on("\xe4\xb8", "\xad!");                 /* in a character */
	expect_goes_on("x\x1b]0;ti", "tle\x07y");            /* in a string */
	expect_goes_on("\x1b(0", "lqk\x1b(Bx");              /* line drawing */
	expect_goes_on("\x1b[2;4r\x1b[4;1H", "a\r\nb\r\nc"); /* a scroll region */
	expect_goes_on("abc\x1b[4h\r", "X");                 /* insert mode */
	expect_goes_on("x\x1b[4b|", "y\x1b[b.");             /* repeated */
	expect_goes_on("one\x1b[3;5Htwo", "\x1b[Athree");
}

/* What libvterm 0.1.4 does not survive; found by fuzz_screen. */
static void test_what_no_program_writes_is_left_out(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(20, 5, 10);
	uc_auto(screen) struct uc_screen *narrow = screen(1, 1, 10);

	(void)state;
	put(s, "\x1b[1b");
	put(s, "\x1b[>48;::::::::::::::::::::::::::::::::::::::::u");
	put(s, "\x1b[99999999999999999999C");
	put(s, "ok");
	expect_drawn(s, 20, 5, "", "ok\n");
	put(narrow, "\xe4\xb8\xad\xe6\x96\x87");
}

/* libvterm took the cursor back for each, out of the screen. */
static void test_controls_as_characters_move_nothing(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(20, 3, 10);
	const char *pieces[] = {
		"\xc2\x8c\xc2\x80\xc2\x9f", "\xc2", "\r", "\x8c\xff", "\xc2",
		"\x8dok\xe2\x82",           "\xac"
	};
	uc_auto(buf) struct uc_buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		put(s, pieces[i]);
	uc_screen_draw(s, &(struct uc_screen_draw){ .size = { 20, 3 } }, &out);
	assert_non_null(
		strstr(uc_buf_text(&out), "\xef\xbf\xbd\xef\xbf\xbdok\xe2\x82\xac"));
	assert_non_null(strstr(uc_buf_text(&out), "\x1b[1;6H"));
}

static void test_questions_are_answered(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(20, 5, 0);

	(void)state;
	put(s, "ab\x1b[6n");
	assert_string_equal(uc_buf_text(uc_screen_answers(s)), "\x1b[1;3R");
	uc_screen_answered(s);
	assert_int_equal(uc_screen_answers(s)->len, 0);
	for (int i = 0; i < 10000; i++)
		put(s, "\x1b[6n");
	assert_true(uc_screen_answers(s)->len < 5000);
}

static void test_another_size(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(10, 5, 100);

	(void)state;
	put(s, "1\r\n2\r\n3\r\n4\r\n5");
	uc_screen_resize(s, &(struct uc_session_size){ 10, 2 });
	expect_drawn(s, 10, 2, "1\n2\n3\n", "4\n5\n");
	uc_screen_resize(s, &(struct uc_session_size){ 30, 6 });
	put(s, "\r\n6");
	expect_drawn(s, 30, 6, "1\n2\n3\n", "4\n5\n6\n");
	for (int i = 0; i < 200; i++)
		uc_screen_resize(
			s, &(struct uc_session_size){ (uint16_t)(1 + i * 37 % 150),
						      (uint16_t)(1 + i * 13 % 60) });
}

/* Where the cursor was, or was saved, there is no row any more. */
static void test_the_cursor_stays_in_a_smaller_window(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(20, 10, 100);
	uc_auto(screen) struct uc_screen *vi = screen(20, 30, 100);

	(void)state;
	for (int i = 0; i < 10; i++)
		put(s, i ? "\r\nrow" : "row");
	put(s, "\x1b[1;1H");
	uc_screen_resize(s, &(struct uc_session_size){ 20, 3 });
	put(s, "\x1b[4hfirst\x1b[4l");
	put(vi, "\x1b[30;1H\x1b"
		"7\x1b[?1049h");
	uc_screen_resize(vi, &(struct uc_session_size){ 20, 4 });
	put(vi, "\x1b[?1049ltext\x1b"
		"8text\r\n");
}

static void test_a_narrow_window_and_back_lose_nothing(void **state)
{
	uc_auto(screen) struct uc_screen *s = screen(20, 4, 100);

	(void)state;
	put(s, "abcdefghijklmnop\r\nshort\r\n$ ");
	uc_screen_resize(s, &(struct uc_session_size){ 6, 5 });
	expect_drawn(s, 6, 5, "", "abcdef\nghijkl\nmnop\nshort\n$\n");
	uc_screen_resize(s, &(struct uc_session_size){ 20, 5 });
	put(s, "ls");
	expect_drawn(s, 20, 5, "", "abcdefghijklmnop\nshort\n$ ls\n");
	/* the cursor in the middle of it */
	put(s, "\x1b[2;3H");
	uc_screen_resize(s, &(struct uc_session_size){ 8, 2 });
	put(s, "X");
	expect_drawn(s, 8, 2, "abcdefgh\nijklmnop\n", "shXrt\n$ ls\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_screen_and_what_left_it),
		cmocka_unit_test(test_its_last_lines_as_text),
		cmocka_unit_test(test_only_lines_that_are_missing),
		cmocka_unit_test(test_what_was_there_before_stays_above),
		cmocka_unit_test(test_scrollback_is_bounded),
		cmocka_unit_test(test_long_lines_stay_lines),
		cmocka_unit_test(test_the_alternate_screen_and_the_one_behind),
		cmocka_unit_test(test_lines_before_the_switch_in_one_piece),
		cmocka_unit_test(test_colours_are_drawn),
		cmocka_unit_test(test_output_goes_on_where_it_was),
		cmocka_unit_test(test_what_no_program_writes_is_left_out),
		cmocka_unit_test(test_controls_as_characters_move_nothing),
		cmocka_unit_test(test_questions_are_answered),
		cmocka_unit_test(test_another_size),
		cmocka_unit_test(test_the_cursor_stays_in_a_smaller_window),
		cmocka_unit_test(test_a_narrow_window_and_back_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

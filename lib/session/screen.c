/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "session/screen.h"

#include <stdlib.h>
#include <string.h>
#include <vterm.h>
#include "session/modes.h"
#include "session/paint.h"
#include "session/plain.h"

/* Of a sequence that libvterm is given. */
#define PARAMETERS_MOST 14
#define DIGITS_MOST     5

/* A line that left the screen, as it is drawn again. */
struct line {
	char *text;
	size_t len;
	bool goes_on; /* in the next one */
};

struct uc_screen {
	VTerm *vt;
	VTermScreen *cells;
	VTermState *state;
	struct uc_session_size size;
	struct uc_modes modes;
	bool alternate; /* libvterm is in that screen */
	bool region;    /* it may have a scroll region, whatever modes say */
	struct uc_buf answers;
	char sequence[96]; /* that is not yet over */
	size_t sequence_len;
	bool dropped;
	struct uc_plain plain;
	struct uc_buf text;
	char last[4]; /* the character that was printed last, in UTF-8 */
	size_t last_len;

	struct line *line; /* a ring */
	size_t room, first, count, bytes;
	uint64_t gone; /* lines that were dropped from it */

	struct uc_buf main; /* the screen behind the alternate one */
};

static struct line *line_at(const struct uc_screen *s, size_t index)
{
	return &s->line[(s->first + index) % s->room];
}

static void drop_line(struct uc_screen *s)
{
	struct line *line = line_at(s, 0);

	s->bytes -= line->len;
	free(line->text);
	s->first = (s->first + 1) % s->room;
	s->count--;
	s->gone++;
}

/* --- what libvterm tells --- */

static int push_line(int columns, const VTermScreenCell *cells, void *arg)
{
	struct uc_screen *s = arg;
	uc_auto(buf) struct uc_buf text = { 0 };
	struct line line;

	/* nobody scrolls back in the alternate screen */
	if (s->alternate)
		return 1;
	line.goes_on = uc_paint_line(&text, cells, columns);
	line.len = text.len;
	line.text = uc_buf_take(&text);
	if (s->room == 0 || (line.len > 0 && !line.text)) {
		free(line.text);
		s->gone++;
		return 1;
	}
	if (s->count == s->room)
		drop_line(s);
	*line_at(s, s->count++) = line;
	s->bytes += line.len;
	while (s->bytes > UC_SCREEN_BYTES && s->count > 0)
		drop_line(s);
	return 1;
}

static void take_answer(const char *bytes, size_t len, void *arg)
{
	struct uc_screen *s = arg;

	/* nobody reads them: the program asks and asks */
	if (s->answers.len < 4096)
		uc_buf_addn(&s->answers, bytes, len);
}

static const VTermScreenCallbacks callbacks = { .sb_pushline = push_line };

/* --- */

/* In one column libvterm 0.1.4 writes wide characters beyond its memory. */
static struct uc_session_size bounded(const struct uc_session_size *size)
{
	return (struct uc_session_size){ .columns = size->columns < 2 ? 2 : size->columns,
					 .rows = size->rows < 1 ? 1 : size->rows };
}

struct uc_screen *uc_screen_new(const struct uc_session_size *size, size_t history)
{
	struct uc_screen *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->size = bounded(size);
	s->vt = vterm_new(s->size.rows, s->size.columns);
	s->line = history ? calloc(history, sizeof(*s->line)) : NULL;
	s->room = s->line ? history : 0;
	if (!s->vt || (history && !s->line)) {
		uc_screen_free(s);
		return NULL;
	}
	vterm_set_utf8(s->vt, 1);
	vterm_output_set_callback(s->vt, take_answer, s);
	s->state = vterm_obtain_state(s->vt);
	s->cells = vterm_obtain_screen(s->vt);
	vterm_screen_set_callbacks(s->cells, &callbacks, s);
	vterm_screen_enable_altscreen(s->cells, 1);
	vterm_screen_set_damage_merge(s->cells, VTERM_DAMAGE_SCREEN);
	vterm_screen_reset(s->cells, 1);
	return s;
}

void uc_screen_free(struct uc_screen *s)
{
	if (!s)
		return;
	while (s->count > 0)
		drop_line(s);
	free(s->line);
	if (s->vt)
		vterm_free(s->vt);
	uc_buf_free(&s->answers);
	uc_buf_free(&s->main);
	uc_buf_free(&s->text);
	free(s);
}

uint64_t uc_screen_lines(const struct uc_screen *s)
{
	return s->gone + s->count;
}

const struct uc_buf *uc_screen_answers(struct uc_screen *s)
{
	return &s->answers;
}

void uc_screen_answered(struct uc_screen *s)
{
	uc_buf_reset(&s->answers);
}

/* --- drawing --- */

static void get_row(const struct uc_screen *s, int row, VTermScreenCell *cells)
{
	for (int column = 0; column < s->size.columns; column++)
		vterm_screen_get_cell(s->cells, (VTermPos){ row, column },
				      &cells[column]);
}

/* Every row where it belongs; one that goes on in the next is written on. */
static void paint_rows(struct uc_screen *s, const struct uc_session_size *size,
		       struct uc_buf *out)
{
	VTermScreenCell *cells = calloc(s->size.columns, sizeof(*cells));
	bool goes_on = false;

	if (!cells) {
		out->failed = true;
		return;
	}
	for (int row = 0; row < s->size.rows && row < size->rows; row++) {
		get_row(s, row, cells);
		if (!goes_on || size->columns != s->size.columns ||
		    uc_paint_is_blank(&cells[0]))
			uc_buf_addf(out, "\x1b[%d;1H", row + 1);
		goes_on = uc_paint_line(out, cells, s->size.columns);
	}
	free(cells);
}

static void put_cursor(struct uc_screen *s, struct uc_buf *out)
{
	VTermPos cursor;

	vterm_state_get_cursorpos(s->state, &cursor);
	uc_buf_addf(out, "\x1b[%d;%dH", cursor.row + 1, cursor.col + 1);
}

/* From here on the alternate screen is shown: keep what is behind it. */
static void keep_main(struct uc_screen *s)
{
	uc_buf_reset(&s->main);
	paint_rows(s, &s->size, &s->main);
	put_cursor(s, &s->main);
}

/*
 * libvterm 0.1.4 counts parameters wrong and writes beyond them, and keeps strings of any
 * length. Sequences that no program uses are left out, strings (titles, clipboards) mean
 * nothing here.
 */
static bool is_harmless(const char *sequence, size_t len)
{
	size_t parameters = 0, digits = 0;

	/* lines of double width, in which a wide character may not fit */
	if (len > 1 && sequence[1] == '#')
		return false;
	for (size_t i = 0; i < len; i++) {
		parameters += sequence[i] == ';' || sequence[i] == ':';
		/* libvterm and the modes end sequences of such bytes in two ways */
		if (i > 0 && ((unsigned char)sequence[i] < 0x20 ||
			      (unsigned char)sequence[i] > 0x7e))
			return false;
		digits = sequence[i] >= '0' && sequence[i] <= '9' ? digits + 1 : 0;
		if (parameters > PARAMETERS_MOST || digits > DIGITS_MOST)
			return false;
	}
	return true;
}

/* What ends a run of text: a character that can be repeated, or none. */
static void remember_last(struct uc_screen *s, const char *text, size_t len)
{
	size_t begin = len;

	if (len == 0)
		return;
	do
		begin--;
	while (begin > 0 && len - begin < sizeof(s->last) &&
	       (text[begin] & 0xc0) == 0x80);
	s->last_len = (unsigned char)text[begin] >= ' ' ? len - begin : 0;
	memcpy(s->last, text + begin, s->last_len);
}

/*
 * Where a C1 control comes as a character of UTF-8 the cursor of libvterm 0.1.4 goes
 * back, and beyond the beginning of a row.
 */
static void put_text(struct uc_screen *s, const char *bytes, size_t len)
{
	uc_buf_reset(&s->text);
	uc_plain_add(&s->plain, bytes, len, &s->text);
	vterm_input_write(s->vt, uc_buf_text(&s->text), s->text.len);
}

/* CSI N b: libvterm 0.1.4 never ends where nothing was printed before. */
static void repeat(struct uc_screen *s)
{
	const long wanted = strtol(s->sequence + 2, NULL, 10);

	for (long i = 0; i < (wanted > 0 ? wanted : 1) && i < s->size.columns; i++)
		put_text(s, s->last, s->last_len);
}

static bool is_repeat(const struct uc_screen *s)
{
	const char *at = s->sequence + 2;

	if (s->sequence_len < 3 || s->sequence[1] != '[')
		return false;
	while (at < s->sequence + s->sequence_len - 1 && *at >= '0' && *at <= '9')
		at++;
	return at == s->sequence + s->sequence_len - 1 && *at == 'b';
}

/* Of a region that ends where it begins libvterm 0.1.4 moves less than nothing. */
static bool is_bad_region(const struct uc_screen *s)
{
	const char *at = s->sequence + 2;
	char *end;
	unsigned long top, bottom;

	if (s->sequence[s->sequence_len - 1] != 'r')
		return false;
	top = strtoul(at, &end, 10);
	bottom = *end == ';' ? strtoul(end + 1, NULL, 10) : 0;
	return !uc_modes_is_region((unsigned)top, (unsigned)bottom) ||
	       top >= s->size.rows;
}

static int within(int at, int end)
{
	if (at < 0)
		return 0;
	return at < end ? at : end - 1;
}

/*
 * libvterm 0.1.4 leaves the cursor outside of a screen that became smaller, or puts it
 * back there when it is restored, and writes where it is.
 */
static void bound_cursor(struct uc_screen *s)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	VTermPos at;
	int row, column;

	vterm_state_get_cursorpos(s->state, &at);
	row = within(at.row, s->size.rows);
	column = within(at.col, s->size.columns);
	if (row == at.row && column == at.col)
		return;
	uc_buf_addf(&text, "\x1b[?6l\x1b[%d;%dH", row + 1, column + 1);
	vterm_input_write(s->vt, text.data, text.len);
}

static void end_sequence(struct uc_screen *s)
{
	s->sequence[s->sequence_len] = '\0';
	if (s->dropped || !is_harmless(s->sequence, s->sequence_len) || is_bad_region(s))
		return;
	if (s->sequence[s->sequence_len - 1] == 'b') {
		if (is_repeat(s))
			repeat(s);
		return;
	}
	if (uc_modes_alternate(&s->modes) != s->alternate) {
		s->alternate = !s->alternate;
		if (s->alternate)
			keep_main(s);
	}
	s->region |= s->sequence[s->sequence_len - 1] == 'r';
	vterm_input_write(s->vt, s->sequence, s->sequence_len);
	/* what is over here is over there, too */
	vterm_input_write(s->vt, "\x18", 1);
	bound_cursor(s);
}

static bool is_string(int state)
{
	return state == UC_MODES_STRING || state == UC_MODES_STRING_END;
}

/* One byte of a sequence, which was in state `before`. */
static void take_byte(struct uc_screen *s, char c, int before)
{
	const bool over = s->modes.state == UC_MODES_GROUND;

	if (before == UC_MODES_GROUND || (c == 0x1b && !is_string(before))) {
		s->sequence_len = 0;
		s->dropped = false;
	}
	if (s->sequence_len < sizeof(s->sequence) - 1)
		s->sequence[s->sequence_len++] = c;
	else
		s->dropped = true;
	s->dropped |= is_string(before) || is_string(s->modes.state) ||
		      (over && (c == 0x18 || c == 0x1a));
	if (over)
		end_sequence(s);
}

void uc_screen_write(struct uc_screen *s, const char *bytes, size_t len)
{
	size_t done = 0;

	for (size_t i = 0; i < len; i++) {
		const int before = s->modes.state;

		uc_modes_feed(&s->modes, bytes + i, 1);
		if (before == UC_MODES_GROUND && s->modes.state == UC_MODES_GROUND)
			continue;
		put_text(s, bytes + done, i - done);
		/* what was not whole never will be */
		s->plain.len = 0;
		remember_last(s, bytes + done, i - done);
		done = i + 1;
		take_byte(s, bytes[i], before);
	}
	put_text(s, bytes + done, len - done);
	remember_last(s, bytes + done, len - done);
}

/* Lines that left the screen go where the terminal's own went: out of it at the top. */
static void draw_history(struct uc_screen *s, const struct uc_screen_draw *how,
			 struct uc_buf *out)
{
	size_t index = how->from > s->gone ? (size_t)(how->from - s->gone) : 0;

	uc_buf_add(out, "\r");
	for (; index < s->count; index++) {
		const struct line *line = line_at(s, index);

		uc_buf_addn(out, line->text, line->len);
		if (!line->goes_on)
			uc_buf_add(out, "\r\n");
	}
	if (s->count > 0 && line_at(s, s->count - 1)->goes_on)
		uc_buf_add(out, "\r\n");
	for (int row = 1; row < how->size.rows; row++)
		uc_buf_addc(out, '\n');
}

static void put_pen(struct uc_screen *s, struct uc_buf *out)
{
	struct uc_paint_pen pen = { 0 };

	uc_paint_state_pen(s->state, &pen);
	uc_paint_pen(out, &pen);
}

void uc_screen_draw(struct uc_screen *s, const struct uc_screen_draw *how,
		    struct uc_buf *out)
{
	const struct uc_modes *m = &s->modes;

	if (how->clear)
		uc_buf_add(out, "\x1b[H\x1b[J");
	if (!how->clear || how->from < uc_screen_lines(s))
		draw_history(s, how, out);
	uc_buf_add(out, "\x1b[H");
	if (s->alternate) {
		uc_buf_addn(out, s->main.data, s->main.len);
		uc_buf_add(out, "\x1b[?1049h\x1b[H\x1b[J");
	}
	paint_rows(s, &how->size, out);
	if (m->region)
		uc_buf_addf(out, "\x1b[%u;%ur", m->top,
			    m->bottom ? m->bottom : s->size.rows);
	uc_modes_set(m, out);
	put_cursor(s, out);
	put_pen(s, out);
	uc_modes_unfinished(m, out);
}

/* --- another size --- */

static bool is_empty(const VTermScreenCell *cells, int columns)
{
	while (columns > 0 && cells[columns - 1].chars[0] == 0 &&
	       uc_paint_is_blank(&cells[columns - 1]))
		columns--;
	return columns == 0;
}

/* The lines of the screen as they were written, before and after the cursor. */
static void collect(const struct uc_screen *s, VTermScreenCell *cells,
		    const VTermPos *cursor, struct uc_buf parts[2])
{
	struct uc_buf *part = &parts[0];
	int breaks = 0;
	bool goes_on = false;

	for (int row = 0; row < s->size.rows; row++) {
		get_row(s, row, cells);
		if (row > 0 && (!goes_on || uc_paint_is_blank(&cells[0])))
			breaks++;
		goes_on = false;
		/* empty rows at the end are no lines */
		if (row > cursor->row && is_empty(cells, s->size.columns))
			continue;
		for (; breaks > 0; breaks--)
			uc_buf_add(part, "\r\n");
		if (row == cursor->row) {
			uc_paint_cells(part, cells, cursor->col);
			part = &parts[1];
			goes_on = uc_paint_line(part, cells + cursor->col,
						s->size.columns - cursor->col);
		} else {
			goes_on = uc_paint_line(part, cells, s->size.columns);
		}
	}
}

void uc_screen_text(const struct uc_screen *s, size_t most, struct uc_buf *out)
{
	VTermScreenCell *cells = calloc(s->size.columns, sizeof(*cells));
	struct uc_buf parts[2] = { { 0 }, { 0 } };
	const size_t begin = out->len;
	VTermPos cursor;

	for (size_t i = s->count > most ? s->count - most : 0; i < s->count; i++) {
		const struct line *line = line_at(s, i);

		uc_buf_addn(out, line->text, line->len);
		if (!line->goes_on)
			uc_buf_addc(out, '\n');
	}
	vterm_state_get_cursorpos(s->state, &cursor);
	/* in the alternate one are no lines */
	if (cells && !s->alternate)
		collect(s, cells, &cursor, parts);
	for (size_t i = 0; i < 2; i++)
		for (size_t at = 0; at < parts[i].len; at++)
			if (parts[i].data[at] != '\r')
				uc_buf_addc(out, parts[i].data[at]);
	uc_buf_free(&parts[0]);
	uc_buf_free(&parts[1]);
	free(cells);
	while (!out->failed && out->len > begin && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	if (out->len > begin)
		uc_buf_addc(out, '\n');
}

static void feed(struct uc_screen *s, const struct uc_buf *text)
{
	vterm_input_write(s->vt, text->data, text->len);
}

/*
 * libvterm cuts lines that are too long for a narrower screen; written anew they wrap,
 * and what does not fit goes where it belongs, to the lines above.
 */
static void rewrite(struct uc_screen *s, const struct uc_session_size *size,
		    const struct uc_buf parts[2])
{
	static const char clear[] =
		"\x0f\x1b(B\x1b[4l\x1b[?6l\x1b[?7h\x1b[r\x1b[m\x1b[H\x1b[J";
	uc_auto(buf) struct uc_buf rest = { 0 };
	VTermPos cursor;
	uint64_t lines;

	put_pen(s, &rest);
	vterm_input_write(s->vt, clear, strlen(clear));
	vterm_set_size(s->vt, size->rows, size->columns);
	s->size = *size;
	/* an accent would go to where the last character was in the other size */
	vterm_input_write(s->vt, " \r\x1b[K", 5);
	feed(s, &parts[0]);
	vterm_state_get_cursorpos(s->state, &cursor);
	lines = uc_screen_lines(s);
	feed(s, &parts[1]);
	cursor.row -= (int)(uc_screen_lines(s) - lines);
	uc_modes_set(&s->modes, &rest);
	uc_buf_addf(&rest, "\x1b[%d;%dH", cursor.row > 0 ? cursor.row + 1 : 1,
		    cursor.col + 1);
	feed(s, &rest);
}

/* Terminals forget the scroll region with their size; the cursor stays. */
static void keep_cursor(struct uc_screen *s, const VTermPos *cursor)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	if (!s->modes.region && !s->region)
		return;
	uc_buf_addf(&text, "\x18\x1b[r\x1b[%d;%dH", cursor->row + 1, cursor->col + 1);
	feed(s, &text);
}

void uc_screen_resize(struct uc_screen *s, const struct uc_session_size *wanted)
{
	const struct uc_session_size bound = bounded(wanted), *size = &bound;
	struct uc_buf parts[2] = { { 0 }, { 0 } };
	VTermScreenCell *cells;
	VTermPos cursor;

	if (size->rows == s->size.rows && size->columns == s->size.columns)
		return;
	cells = calloc(s->size.columns, sizeof(*cells));
	vterm_state_get_cursorpos(s->state, &cursor);
	/* full-screen programs write all of it anew by themselves */
	if (cells && size->columns != s->size.columns && !s->alternate &&
	    s->modes.held == 0 && s->modes.state == UC_MODES_GROUND) {
		collect(s, cells, &cursor, parts);
		rewrite(s, size, parts);
	} else {
		keep_cursor(s, &cursor);
		vterm_set_size(s->vt, size->rows, size->columns);
		s->size = *size;
	}
	bound_cursor(s);
	s->modes.region = s->region = false;
	uc_buf_free(&parts[0]);
	uc_buf_free(&parts[1]);
	free(cells);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Boxes on top of a view, messages, and lines that are typed. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucluster/units.h>
#include "udash/dash.h"

#define MESSAGE_MS  5000
#define PROMPT_MAX  200 /* bytes */
#define BOX_COLUMNS 100

/* --- boxes --- */

void dash_box_open(struct dash *d, const char *safe_title)
{
	dash_box_close(d);
	snprintf(d->box.title, sizeof(d->box.title), "%s", safe_title);
	d->box.open = true;
}

void dash_box_close(struct dash *d)
{
	uc_strv_free(&d->box.line);
	d->box = (struct dash_box){ 0 };
}

void dash_box_addf(struct dash *d, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	uc_strv_add(&d->box.line, uc_buf_text(&text));
}

void dash_box_add_raw(struct dash *d, const char *name, struct uc_raw text)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	if (uc_raw_empty(text))
		return;
	uc_buf_safe(&safe, text, d->grid.safe);
	dash_box_addf(d, "%-12s %s", name, uc_buf_text(&safe));
}

/* Lines that are above and below what is shown, by so many. */
static void scroll(struct dash_box *box, int64_t by)
{
	const int64_t last = (int64_t)box->line.count - 1;
	int64_t to = (int64_t)(box->picks ? box->at : box->top) + by;

	if (by > 0 && !box->picks && !box->more)
		return;
	to = to > last ? last : to;
	to = to < 0 ? 0 : to;
	if (box->picks)
		box->at = (size_t)to;
	else
		box->top = (size_t)to;
}

static bool scrolls(struct dash_box *box, int key)
{
	const int64_t page = box->inside.rows > 1 ? box->inside.rows - 1 : 1;

	if (key == DASH_KEY_DOWN || key == 'j' || key == DASH_KEY_WHEEL_DOWN)
		scroll(box, 1);
	else if (key == DASH_KEY_UP || key == 'k' || key == DASH_KEY_WHEEL_UP)
		scroll(box, -1);
	else if (key == DASH_KEY_PAGE_DOWN || (key == ' ' && !box->picks))
		scroll(box, page);
	else if (key == DASH_KEY_PAGE_UP)
		scroll(box, -page);
	else if (key == DASH_KEY_HOME || key == 'g')
		scroll(box, INT32_MIN);
	else
		return false;
	return true;
}

/* Outside of it: it goes. In a list: that one is chosen. */
static int clicked(struct dash_box *box, const struct dash_event *event)
{
	const int row = event->row - box->inside.row;
	const int column = event->column - box->inside.column;

	if (row < -1 || row > box->inside.rows || column < -2 ||
	    column > box->inside.columns + 1)
		return DASH_KEY_ESC;
	if (!box->picks || row < 0 || box->top + (size_t)row >= box->line.count)
		return DASH_KEY_NONE;
	box->at = box->top + (size_t)row;
	return DASH_KEY_ENTER;
}

void dash_box_key(struct dash *d, const struct dash_event *event)
{
	const int key =
		event->key == DASH_KEY_CLICK ? clicked(&d->box, event) : event->key;

	if (key == DASH_KEY_NONE || key == DASH_KEY_RESIZE || scrolls(&d->box, key))
		return;
	if (d->box.key && d->box.key(d, key))
		return;
	/* what is typed at a list without looking does nothing */
	if (!d->box.picks || key == DASH_KEY_ESC || key == 'q' ||
	    key == DASH_KEY_F + 10 || key == DASH_CTRL('c'))
		dash_box_close(d);
}

/* Lines of the box that are wider than it go on in the next one. */
static int draw_line(struct dash_area inside, int row, const char *safe)
{
	do {
		char part[4 * BOX_COLUMNS + 1];
		size_t len = uc_text_clip(safe, (size_t)inside.columns);

		if (!len && *safe)
			return row + 1; /* not even one character fits */
		if (safe[len]) {        /* break at a blank where there is one */
			size_t at = len;

			while (at > len / 2 && safe[at] != ' ')
				at--;
			len = safe[at] == ' ' ? at : len;
		}
		snprintf(part, sizeof(part), "%.*s", (int)len, safe);
		dash_put(inside, row++, 0, DASH_PLAIN, part);
		safe += len;
		while (*safe == ' ')
			safe++;
	} while (*safe && row < inside.rows);
	return row;
}

/* Rows that the lines take in so many columns. */
static int count_rows(const struct dash_box *box, int columns)
{
	int rows = 0;

	for (size_t i = 0; i < box->line.count; i++) {
		rows++;
		if (!box->picks && columns > 0)
			rows += (int)(uc_text_width(box->line.item[i]) /
				      ((size_t)columns + 1));
	}
	return rows;
}

static void draw_lines(struct dash_box *box)
{
	const struct dash_area inside = box->inside;
	size_t i = box->top;
	int row = 0;

	for (; i < box->line.count && row < inside.rows; i++) {
		if (!box->picks) {
			row = draw_line(inside, row, box->line.item[i]);
			continue;
		}
		dash_put(inside, row, 0, DASH_PLAIN, box->line.item[i]);
		if (i == box->at)
			dash_flag_row(inside, row, DASH_SELECTED);
		row++;
	}
	box->more = i < box->line.count;
}

void dash_box_draw(struct dash *d, struct dash_area screen)
{
	const int columns =
		screen.columns > BOX_COLUMNS + 8 ? BOX_COLUMNS : screen.columns - 4;
	struct dash_box *box = &d->box;
	int rows = count_rows(box, columns - 4) + 2;
	struct dash_area all;

	if (rows > screen.rows - 2)
		rows = screen.rows - 2;
	all = dash_area_part(screen, (screen.rows - rows) / 2,
			     (screen.columns - columns) / 2, rows, columns);
	box->inside = dash_box(all, box->title);
	if (box->picks && box->inside.rows > 0) {
		const size_t page = (size_t)box->inside.rows;

		if (box->at < box->top)
			box->top = box->at;
		if (box->at >= box->top + page)
			box->top = box->at - page + 1;
	}
	draw_lines(box);
	if (box->more || box->top)
		dash_put_right(dash_span(all, all.rows - 1, all.columns - 15, 13),
			       DASH_FAINT, box->more ? " PgDn: more " : " PgUp ");
}

void dash_say(struct dash *d, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 }, safe = { 0 };
	va_list ap;

	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	uc_buf_safe(&safe, uc_raw(uc_buf_text(&text)), d->grid.safe);
	snprintf(d->message, sizeof(d->message), "%s", uc_buf_text(&safe));
	d->message_ms = uc_monotonic_ms() + MESSAGE_MS;
}

/* --- lines that are typed --- */

void dash_prompt_open(struct dash *d, const char *title, const char *text,
		      void (*done)(struct dash *d))
{
	uc_buf_reset(&d->prompt.text);
	uc_buf_add(&d->prompt.text, text);
	d->prompt.title = title;
	d->prompt.done = done;
	d->prompt.typed = NULL;
	d->prompt.gone = NULL;
}

static void add_character(struct uc_buf *text, int key)
{
	const unsigned c = (unsigned)key;

	if (text->len + 4 > PROMPT_MAX)
		return;
	if (c < 0x80) {
		uc_buf_addc(text, (char)c);
	} else if (c < 0x800) {
		uc_buf_addc(text, (char)(0xc0 | c >> 6));
		uc_buf_addc(text, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		uc_buf_addc(text, (char)(0xe0 | c >> 12));
		uc_buf_addc(text, (char)(0x80 | (c >> 6 & 0x3f)));
		uc_buf_addc(text, (char)(0x80 | (c & 0x3f)));
	} else {
		uc_buf_addc(text, (char)(0xf0 | c >> 18));
		uc_buf_addc(text, (char)(0x80 | (c >> 12 & 0x3f)));
		uc_buf_addc(text, (char)(0x80 | (c >> 6 & 0x3f)));
		uc_buf_addc(text, (char)(0x80 | (c & 0x3f)));
	}
}

static void take_character(struct uc_buf *text)
{
	while (text->len && ((unsigned char)text->data[text->len - 1] & 0xc0) == 0x80)
		text->len--;
	text->len -= text->len > 0;
	if (text->data)
		text->data[text->len] = '\0';
}

void dash_prompt_key(struct dash *d, int key)
{
	struct dash_prompt *prompt = &d->prompt;

	if (key == DASH_KEY_ESC || key == DASH_CTRL('c') ||
	    (key == DASH_KEY_BACKSPACE && !prompt->text.len)) {
		prompt->title = NULL;
		if (prompt->gone)
			prompt->gone(d);
		return;
	}
	if (key == DASH_KEY_ENTER) {
		prompt->title = NULL;
		prompt->done(d);
		return;
	}
	if (key == DASH_KEY_BACKSPACE)
		take_character(&prompt->text);
	else if (key == DASH_CTRL('u'))
		uc_buf_reset(&prompt->text);
	else if (key >= ' ' && key < DASH_KEY_FIRST && key != 0x7f)
		add_character(&prompt->text, key);
	if (prompt->typed)
		prompt->typed(d);
}

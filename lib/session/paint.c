/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "session/paint.h"

#include <stdint.h>
#include <string.h>

/* The right half of a wide character. */
#define HALF UINT32_MAX

static void add_utf8(struct uc_buf *out, uint32_t c)
{
	char bytes[4];
	size_t len;

	if (c < ' ' || c == 0x7f || c > 0x10ffff)
		c = ' ';
	if (c < 0x80) {
		uc_buf_addc(out, (char)c);
		return;
	}
	len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--, c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)((0xf00u >> len & 0xff) | c);
	uc_buf_addn(out, bytes, len);
}

static void add_colour(struct uc_buf *out, const VTermColor *colour, bool background)
{
	if (!VTERM_COLOR_IS_INDEXED(colour))
		uc_buf_addf(out, ";%d;2;%u;%u;%u", background ? 48 : 38, colour->rgb.red,
			    colour->rgb.green, colour->rgb.blue);
	else if (colour->indexed.idx < 8)
		uc_buf_addf(out, ";%u", (background ? 40u : 30u) + colour->indexed.idx);
	else if (colour->indexed.idx < 16)
		uc_buf_addf(out, ";%u",
			    (background ? 100u : 90u) + colour->indexed.idx - 8);
	else
		uc_buf_addf(out, ";%d;5;%u", background ? 48 : 38, colour->indexed.idx);
}

static bool same_colour(const VTermColor *a, const VTermColor *b)
{
	if (VTERM_COLOR_IS_INDEXED(a) != VTERM_COLOR_IS_INDEXED(b))
		return false;
	if (VTERM_COLOR_IS_INDEXED(a))
		return a->indexed.idx == b->indexed.idx;
	return a->rgb.red == b->rgb.red && a->rgb.green == b->rgb.green &&
	       a->rgb.blue == b->rgb.blue;
}

static bool same_pen(const struct uc_paint_pen *a, const struct uc_paint_pen *b)
{
	return a->attrs.bold == b->attrs.bold &&
	       a->attrs.underline == b->attrs.underline &&
	       a->attrs.italic == b->attrs.italic && a->attrs.blink == b->attrs.blink &&
	       a->attrs.reverse == b->attrs.reverse &&
	       a->attrs.strike == b->attrs.strike && a->coloured[0] == b->coloured[0] &&
	       a->coloured[1] == b->coloured[1] &&
	       (!a->coloured[0] || same_colour(&a->fg, &b->fg)) &&
	       (!a->coloured[1] || same_colour(&a->bg, &b->bg));
}

static struct uc_paint_pen cell_pen(const VTermScreenCell *cell)
{
	return (struct uc_paint_pen){
		.attrs = cell->attrs,
		.fg = cell->fg,
		.bg = cell->bg,
		.coloured = { !VTERM_COLOR_IS_DEFAULT_FG(&cell->fg),
			      !VTERM_COLOR_IS_DEFAULT_BG(&cell->bg) },
	};
}

static void add_pen(struct uc_buf *out, const struct uc_paint_pen *pen)
{
	static const char *const lines[] = { "", ";4", ";21", ";4:3" };

	uc_buf_add(out, "\x1b[0");
	if (pen->attrs.bold)
		uc_buf_add(out, ";1");
	if (pen->attrs.italic)
		uc_buf_add(out, ";3");
	uc_buf_add(out, lines[pen->attrs.underline & 3]);
	if (pen->attrs.blink)
		uc_buf_add(out, ";5");
	if (pen->attrs.reverse)
		uc_buf_add(out, ";7");
	if (pen->attrs.strike)
		uc_buf_add(out, ";9");
	if (pen->coloured[0])
		add_colour(out, &pen->fg, false);
	if (pen->coloured[1])
		add_colour(out, &pen->bg, true);
	uc_buf_addc(out, 'm');
}

void uc_paint_pen(struct uc_buf *out, const struct uc_paint_pen *pen)
{
	if (!same_pen(pen, &(struct uc_paint_pen){ 0 }))
		add_pen(out, pen);
}

static int state_number(const VTermState *state, VTermAttr attr)
{
	VTermValue value = { 0 };

	if (!vterm_state_get_penattr(state, attr, &value))
		return 0;
	return vterm_get_attr_type(attr) == VTERM_VALUETYPE_BOOL ? !!value.boolean
								 : value.number;
}

void uc_paint_state_pen(const VTermState *state, struct uc_paint_pen *pen)
{
	VTermValue value = { 0 };

	pen->attrs.bold = (unsigned)state_number(state, VTERM_ATTR_BOLD) & 1;
	pen->attrs.underline = (unsigned)state_number(state, VTERM_ATTR_UNDERLINE) & 3;
	pen->attrs.italic = (unsigned)state_number(state, VTERM_ATTR_ITALIC) & 1;
	pen->attrs.blink = (unsigned)state_number(state, VTERM_ATTR_BLINK) & 1;
	pen->attrs.reverse = (unsigned)state_number(state, VTERM_ATTR_REVERSE) & 1;
	pen->attrs.strike = (unsigned)state_number(state, VTERM_ATTR_STRIKE) & 1;
	if (vterm_state_get_penattr(state, VTERM_ATTR_FOREGROUND, &value)) {
		pen->fg = value.color;
		pen->coloured[0] = !VTERM_COLOR_IS_DEFAULT_FG(&pen->fg);
	}
	if (vterm_state_get_penattr(state, VTERM_ATTR_BACKGROUND, &value)) {
		pen->bg = value.color;
		pen->coloured[1] = !VTERM_COLOR_IS_DEFAULT_BG(&pen->bg);
	}
}

bool uc_paint_is_blank(const VTermScreenCell *cell)
{
	const struct uc_paint_pen pen = cell_pen(cell);

	return (cell->chars[0] == 0 || cell->chars[0] == ' ') && !pen.attrs.reverse &&
	       !pen.attrs.underline && !pen.attrs.strike && !pen.coloured[1];
}

void uc_paint_cells(struct uc_buf *out, const VTermScreenCell *cells, int count)
{
	const struct uc_paint_pen none = { 0 };
	struct uc_paint_pen pen = none;

	for (int i = 0; i < count; i++) {
		const VTermScreenCell *cell = &cells[i];
		const struct uc_paint_pen wanted = cell_pen(cell);

		if (cell->chars[0] == HALF)
			continue;
		if (!same_pen(&wanted, &pen))
			add_pen(out, &wanted);
		pen = wanted;
		add_utf8(out, cell->chars[0] ? cell->chars[0] : ' ');
		/* behind the last one there is nothing in particular */
		for (int c = 1; cell->chars[0] && c < VTERM_MAX_CHARS_PER_CELL; c++) {
			if (!cell->chars[c])
				break;
			add_utf8(out, cell->chars[c]);
		}
	}
	if (!same_pen(&pen, &none))
		uc_buf_add(out, "\x1b[m");
}

bool uc_paint_line(struct uc_buf *out, const VTermScreenCell *cells, int columns)
{
	int end = columns;

	/* a blank that was written has a character */
	while (end > 0 && cells[end - 1].chars[0] == 0 &&
	       uc_paint_is_blank(&cells[end - 1]))
		end--;
	uc_paint_cells(out, cells, end);
	return columns > 0 && !uc_paint_is_blank(&cells[columns - 1]);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "udash/cells.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- the grid --- */

int dash_grid_size(struct dash_grid *grid, int rows, int columns)
{
	struct dash_cell *cell;
	size_t count;

	rows = rows < 1 ? 1 : rows > DASH_ROWS_MAX ? DASH_ROWS_MAX : rows;
	columns = columns < 1                  ? 1
		  : columns > DASH_COLUMNS_MAX ? DASH_COLUMNS_MAX
					       : columns;
	count = (size_t)rows * (size_t)columns;
	if (count > grid->room) {
		cell = reallocarray(grid->cell, count, sizeof(*cell));
		if (!cell)
			return -1;
		grid->cell = cell;
		grid->room = count;
	}
	grid->rows = rows;
	grid->columns = columns;
	dash_grid_clear(grid);
	return 0;
}

void dash_grid_clear(struct dash_grid *grid)
{
	const size_t count = (size_t)grid->rows * (size_t)grid->columns;

	for (size_t i = 0; i < count; i++)
		grid->cell[i] = (struct dash_cell){ .width = 1 };
}

void dash_grid_free(struct dash_grid *grid)
{
	free(grid->cell);
	*grid = (struct dash_grid){ 0 };
}

static struct dash_cell *grid_at(const struct dash_grid *grid, int row, int column)
{
	return &grid->cell[(size_t)row * (size_t)grid->columns + (size_t)column];
}

void dash_grid_text(const struct dash_grid *grid, struct uc_buf *out)
{
	for (int row = 0; row < grid->rows; row++) {
		int blanks = 0;

		for (int column = 0; column < grid->columns; column++) {
			const struct dash_cell *cell = grid_at(grid, row, column);

			if (!cell->width)
				continue;
			if (!cell->text[0] || strcmp(cell->text, " ") == 0) {
				blanks++;
				continue;
			}
			for (; blanks; blanks--)
				uc_buf_addc(out, ' ');
			uc_buf_add(out, cell->text);
		}
		uc_buf_addc(out, '\n');
	}
}

/* --- areas --- */

struct dash_area dash_grid_area(struct dash_grid *grid)
{
	return (struct dash_area){ grid, 0, 0, grid->rows, grid->columns };
}

static int within(int value, int most)
{
	return value < 0 ? 0 : value > most ? most : value;
}

struct dash_area dash_area_part(struct dash_area area, int row, int column, int rows,
				int columns)
{
	const int top = within(row, area.rows), left = within(column, area.columns);

	return (struct dash_area){
		area.grid,
		area.row + top,
		area.column + left,
		within(rows, area.rows - top),
		within(columns, area.columns - left),
	};
}

struct dash_area dash_area_top(struct dash_area *area, int rows)
{
	const struct dash_area top = dash_area_part(*area, 0, 0, rows, area->columns);

	area->row += top.rows;
	area->rows -= top.rows;
	return top;
}

struct dash_area dash_area_bottom(struct dash_area *area, int rows)
{
	const int cut = within(rows, area->rows);

	area->rows -= cut;
	return (struct dash_area){ area->grid, area->row + area->rows, area->column, cut,
				   area->columns };
}

/* NULL outside. */
static struct dash_cell *cell_at(struct dash_area area, int row, int column)
{
	if (row < 0 || column < 0 || row >= area.rows || column >= area.columns)
		return NULL;
	return grid_at(area.grid, area.row + row, area.column + column);
}

/* --- text --- */

/* A wide character of which half is overwritten leaves a blank. */
static void mend_halves(struct dash_area area, int row, int column, int width)
{
	const int y = area.row + row, x = area.column + column;
	const struct dash_grid *grid = area.grid;

	if (!grid_at(grid, y, x)->width && x > 0) {
		grid_at(grid, y, x - 1)->text[0] = '\0';
		grid_at(grid, y, x - 1)->width = 1;
	}
	if (x + width < grid->columns && !grid_at(grid, y, x + width)->width) {
		grid_at(grid, y, x + width)->text[0] = '\0';
		grid_at(grid, y, x + width)->width = 1;
	}
}

/* A character and its marks. */
struct glyph {
	const char *text;
	size_t len;
	int width;
	enum dash_role role;
};

static void set_cell(struct dash_area area, int row, int column,
		     const struct glyph *glyph)
{
	struct dash_cell *cell = cell_at(area, row, column);
	const size_t len = glyph->len < DASH_CELL_TEXT ? glyph->len : DASH_CELL_TEXT - 1;
	const uint8_t flags = cell->flags, role = (uint8_t)glyph->role;

	mend_halves(area, row, column, glyph->width);
	*cell = (struct dash_cell){ .width = (uint8_t)glyph->width,
				    .role = role,
				    .flags = flags };
	memcpy(cell->text, glyph->text, len);
	if (glyph->width == 2)
		*cell_at(area, row, column + 1) =
			(struct dash_cell){ .role = role, .flags = flags };
}

static void blank_cell(struct dash_area area, int row, int column, enum dash_role role)
{
	set_cell(area, row, column,
		 &(struct glyph){ .text = "", .width = 1, .role = role });
}

/* The first character of safe text with its marks: bytes, and columns in *width. */
static size_t next_cluster(const char *text, int *width)
{
	char one[DASH_CELL_TEXT];
	size_t len = 0;

	*width = 0;
	while (text[len]) {
		size_t next = len + 1;
		size_t columns;

		while (((unsigned char)text[next] & 0xc0) == 0x80)
			next++;
		if (next - len >= sizeof(one))
			return next;
		memcpy(one, text + len, next - len);
		one[next - len] = '\0';
		columns = uc_text_width(one);
		if (len && columns)
			return len;
		if (columns)
			*width = (int)columns;
		if (next >= DASH_CELL_TEXT)
			return len ? len : next;
		len = next;
	}
	return len;
}

int dash_put(struct dash_area area, int row, int column, enum dash_role role,
	     const char *safe)
{
	if (row < 0 || row >= area.rows || column < 0)
		return column;
	while (*safe && column < area.columns) {
		int width;
		const size_t len = next_cluster(safe, &width);

		safe += len;
		if (width < 1)
			continue; /* a mark without anything to sit on */
		if (column + width > area.columns) {
			blank_cell(area, row, column, role);
			return area.columns;
		}
		set_cell(area, row, column,
			 &(struct glyph){ safe - len, len, width, role });
		column += width;
	}
	return column;
}

struct dash_area dash_span(struct dash_area area, int row, int column, int width)
{
	return dash_area_part(area, row, column, row < 0 || column < 0 ? 0 : 1, width);
}

struct dash_area dash_from(struct dash_area area, int row, int column)
{
	return dash_span(area, row, column, area.columns);
}

int dash_put_raw(struct dash_area span, enum dash_role role, struct uc_raw raw)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	const bool ascii = span.grid->safe & UC_SAFE_ASCII;
	int end;

	if (span.rows < 1 || span.columns < 1)
		return span.columns;
	uc_buf_safe(&text, raw, span.grid->safe);
	if ((int)uc_text_width(uc_buf_text(&text)) > span.columns && text.data) {
		text.data[uc_text_clip(text.data, (size_t)span.columns - 1)] = '\0';
		end = dash_put(span, 0, 0, role, text.data);
		end = dash_put(span, 0, end, role, ascii ? "~" : "\xe2\x80\xa6");
	} else {
		end = dash_put(span, 0, 0, role, uc_buf_text(&text));
	}
	for (; end < span.columns; end++)
		blank_cell(span, 0, end, role);
	return span.columns;
}

int dash_put_right(struct dash_area span, enum dash_role role, const char *safe)
{
	const int wide = (int)uc_text_width(safe);

	if (wide > span.columns)
		safe += uc_text_clip(safe, (size_t)(wide - span.columns));
	dash_put(span, 0, wide > span.columns ? 0 : span.columns - wide, role, safe);
	return span.columns;
}

int dash_putf(struct dash_area span, enum dash_role role, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	return dash_put(span, 0, 0, role, uc_buf_text(&text));
}

void dash_flag_row(struct dash_area area, int row, unsigned flags)
{
	for (int column = 0; column < area.columns && row >= 0 && row < area.rows;
	     column++)
		cell_at(area, row, column)->flags |= (uint8_t)flags;
}

void dash_role_row(struct dash_area area, int row, enum dash_role role)
{
	for (int column = 0; column < area.columns && row >= 0 && row < area.rows;
	     column++)
		cell_at(area, row, column)->role = (uint8_t)role;
}

/* --- boxes and plots --- */

enum {
	EDGE_ACROSS,
	EDGE_DOWN,
	CORNERS, /* top left, top right, bottom left, bottom right */
};
static const char *const edges[][2] = {
	[EDGE_ACROSS] = { "\xe2\x94\x80", "-" }, [EDGE_DOWN] = { "\xe2\x94\x82", "|" },
	[CORNERS] = { "\xe2\x94\x8c", "+" },     [CORNERS + 1] = { "\xe2\x94\x90", "+" },
	[CORNERS + 2] = { "\xe2\x94\x94", "+" }, [CORNERS + 3] = { "\xe2\x94\x98", "+" },
};

static void put_edge(struct dash_area area, int row, int column, int which)
{
	const bool ascii = area.grid->safe & UC_SAFE_ASCII;

	dash_put(area, row, column, DASH_FAINT, edges[which][ascii]);
}

struct dash_area dash_box(struct dash_area area, const char *safe_title)
{
	const int last_row = area.rows - 1, last_column = area.columns - 1;

	for (int row = 0; row < area.rows; row++)
		for (int column = 0; column < area.columns; column++) {
			struct dash_cell *cell = cell_at(area, row, column);

			blank_cell(area, row, column, DASH_PLAIN);
			cell->flags = 0;
		}
	if (area.rows < 2 || area.columns < 2)
		return area;
	for (int column = 1; column < last_column; column++) {
		put_edge(area, 0, column, EDGE_ACROSS);
		put_edge(area, last_row, column, EDGE_ACROSS);
	}
	for (int row = 1; row < last_row; row++) {
		put_edge(area, row, 0, EDGE_DOWN);
		put_edge(area, row, last_column, EDGE_DOWN);
	}
	put_edge(area, 0, 0, CORNERS);
	put_edge(area, 0, last_column, CORNERS + 1);
	put_edge(area, last_row, 0, CORNERS + 2);
	put_edge(area, last_row, last_column, CORNERS + 3);
	dash_putf(dash_span(area, 0, 2, area.columns - 4), DASH_STRONG, " %s ",
		  safe_title);
	return dash_area_part(area, 1, 2, area.rows - 2, area.columns - 4);
}

/* U+258F (an eighth) to U+2588 (all of it). */
static void put_eighths(struct dash_area span, int column, enum dash_role role,
			unsigned eighths)
{
	const char block[] = { '\xe2', '\x96', (char)(0x90 - eighths), '\0' };

	dash_put(span, 0, column, role, block);
}

int dash_put_bar(struct dash_area span, enum dash_role role, uint64_t part,
		 uint64_t whole)
{
	const bool ascii = span.grid->safe & UC_SAFE_ASCII;
	double share = whole ? (double)part / (double)whole : 0;
	unsigned eighths;

	share = share > 1 ? 1 : share;
	eighths = (unsigned)(share * span.columns * 8 + 0.5);
	if (part && !eighths)
		eighths = 1;
	for (int i = 0; i < span.columns; i++) {
		const unsigned here = eighths > 8 ? 8 : eighths;

		eighths -= here;
		if (!here || (ascii && here < 4))
			dash_put(span, 0, i, DASH_FAINT, ascii ? "." : "\xc2\xb7");
		else if (ascii)
			dash_put(span, 0, i, role, "#");
		else
			put_eighths(span, i, role, here);
	}
	return span.columns;
}

void dash_put_spark(struct dash_area span, enum dash_role role, const uint64_t *value,
		    size_t count, uint64_t whole)
{
	static const char levels[] = "_.-=+*#@";
	const bool ascii = span.grid->safe & UC_SAFE_ASCII;

	for (int i = 0; i < span.columns && (size_t)i < count; i++) {
		const uint64_t v = value[count - 1 - (size_t)i];
		const double share = whole ? (double)v / (double)whole : 0;
		const unsigned level = share >= 1 ? 7 : (unsigned)(share * 8);
		const char block[] = { '\xe2', '\x96', (char)(0x81 + level), '\0' };
		const char letter[] = { levels[level], '\0' };

		dash_put(span, 0, span.columns - 1 - i, role, ascii ? letter : block);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_CELLS_H
#define UC_UDASH_CELLS_H
/*
 * A screen that is nowhere: rows of cells with text and a role. Views draw into areas of
 * it and cannot leave them; term.c shows it, tests compare it as text.
 */
#include <stdbool.h>
#include <stdint.h>
#include <ucluster/text.h>

/* What a cell means; term.c has the colours. */
enum dash_role {
	DASH_PLAIN,
	DASH_FAINT,
	DASH_STRONG,
	DASH_GOOD,
	DASH_WAIT,
	DASH_BAD,
	DASH_MINE,
	DASH_HEAD,   /* headings */
	DASH_SORTED, /* the one that rows are in the order of */
	DASH_BAR,    /* names of function keys */
	DASH_ROLES
};
enum dash_flags {
	DASH_SELECTED = 1, /* the cursor is on it */
	DASH_MARKED = 2,
	DASH_FOUND = 4, /* what was searched for */
};

#define DASH_CELL_TEXT 16
struct dash_cell {
	char text[DASH_CELL_TEXT]; /* a character and its marks; "" is a blank */
	uint8_t width;             /* 1 or 2; 0: the right half of the one before */
	uint8_t role, flags;
};

/* Zero-initialise. */
struct dash_grid {
	int rows, columns;
	struct dash_cell *cell;
	size_t room;
	unsigned safe; /* flags of the sanitiser: UC_SAFE_ASCII where it must be */
};
#define DASH_ROWS_MAX    1000
#define DASH_COLUMNS_MAX 2000
/* Another size, cut to the maxima; all blank then. -1: out of memory, it is as it was. */
int dash_grid_size(struct dash_grid *grid, int rows, int columns) UC_MUST_CHECK;
void dash_grid_clear(struct dash_grid *grid);
void dash_grid_free(struct dash_grid *grid);
/* Add it as lines, blanks at their ends left out. */
void dash_grid_text(const struct dash_grid *grid, struct uc_buf *out);

/* A part of a grid; may be empty. Rows and columns count from its corner. */
struct dash_area {
	struct dash_grid *grid;
	int row, column, rows, columns;
};
struct dash_area dash_grid_area(struct dash_grid *grid);
/* What of it is inside; negative sizes: nothing. */
struct dash_area dash_area_part(struct dash_area area, int row, int column, int rows,
				int columns);
/* Cut `rows` off its top or bottom and return them. */
struct dash_area dash_area_top(struct dash_area *area, int rows);
struct dash_area dash_area_bottom(struct dash_area *area, int rows);

/*
 * Write safe text from `column` on, cut at the area's end, and return the column behind
 * it. A wide character that does not fit leaves a blank.
 */
int dash_put(struct dash_area area, int row, int column, enum dash_role role,
	     const char *safe);
/* A piece of a row: `width` columns of it, or all that follow. */
struct dash_area dash_span(struct dash_area area, int row, int column, int width);
struct dash_area dash_from(struct dash_area area, int row, int column);
/* Fill a piece with foreign bytes, cut with a mark, then blanks. Returns its width. */
int dash_put_raw(struct dash_area span, enum dash_role role, struct uc_raw raw);
/* Right-aligned; what is too wide loses its start. Returns its width. */
int dash_put_right(struct dash_area span, enum dash_role role, const char *safe);
/* Returns the columns that it took. */
int dash_putf(struct dash_area span, enum dash_role role, const char *fmt, ...)
	UC_PRINTF(3, 4);
/* Add flags to a row, or give all of its cells a role. */
void dash_flag_row(struct dash_area area, int row, unsigned flags);
void dash_role_row(struct dash_area area, int row, enum dash_role role);
/* Clear it, draw a frame with a title on its edge; returns what is inside. */
struct dash_area dash_box(struct dash_area area, const char *safe_title);

/*
 * A bar, `part` of `whole` filled, in eighths of a column where the terminal has them.
 * Returns its width.
 */
int dash_put_bar(struct dash_area span, enum dash_role role, uint64_t part,
		 uint64_t whole);
/* `count` values as a line of plots, the last at the right end. */
void dash_put_spark(struct dash_area span, enum dash_role role, const uint64_t *value,
		    size_t count, uint64_t whole);

#endif

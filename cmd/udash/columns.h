/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_COLUMNS_H
#define UC_UDASH_COLUMNS_H
/*
 * Columns of a list: a constant table says what there is, `on` what is wanted, and the
 * width of the terminal what has room.
 */
#include "udash/cells.h"

struct dash_column {
	const char *name; /* in the state file and in ":columns" */
	const char *head, *help;
	uint8_t width, least; /* columns it likes, and can do with */
	uint8_t rank;         /* the highest is left out first; 0: never */
	uint8_t grows;        /* its share of what is left */
	bool right;
	bool extra; /* there without being asked for, where the terminal is wide */
};

#define DASH_COLUMNS 24
/* Zero-initialise, then dash_columns_set(). */
struct dash_columns {
	const struct dash_column *table;
	size_t count;
	uint32_t usual, on;           /* by index in the table */
	uint8_t wanted[DASH_COLUMNS]; /* as wide as what is in it; 0: table's width */
	int width[DASH_COLUMNS];      /* as they were drawn; 0: not */
	int start[DASH_COLUMNS];      /* where */
};

void dash_columns_set(struct dash_columns *columns, const struct dash_column *table,
		      size_t count, uint32_t usual);
/* Give each a width and a place in `room` columns. */
void dash_columns_fit(struct dash_columns *columns, int room);
/* The piece of a row that column `which` has; empty when it is not shown. */
struct dash_area dash_columns_cell(const struct dash_columns *columns,
				   struct dash_area area, int row, size_t which);
/* The line of headings; `sorted` is the one that rows are in the order of, or count. */
void dash_columns_head(const struct dash_columns *columns, struct dash_area line,
		       size_t sorted);
/* The column at a place on the screen; count: none. */
size_t dash_columns_at(const struct dash_columns *columns, int column);
/*
 * "id,user,name", those that are on; and back, where any that is unknown is left out.
 * False: there was one.
 */
void dash_columns_names(const struct dash_columns *columns, struct uc_buf *out);
bool dash_columns_choose(struct dash_columns *columns, const char *names);

struct dash;
/* The box of F2, for the columns of the view. */
void dash_columns_show(struct dash *d);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A listing on a terminal: columns are left out where it is too narrow. */
#include "common/table.h"

#include <string.h>

/* The least a column needs: all of its widest cell, or its hint where it may be cut. */
static size_t least_width(const struct uc_run *run, const struct uc_table *table,
			  const struct uc_column *column)
{
	uc_auto(value) struct uc_value value = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	size_t widest = strlen(column->heading), hint = (size_t)column->width;

	for (size_t r = 0; r < table->count; r++) {
		size_t width;

		uc_buf_reset(&text);
		uc_value_get(table, r, column, &value);
		uc_value_text(&text, &value, run->safe);
		width = uc_text_width(uc_buf_text(&text));
		widest = width > widest ? width : widest;
		if ((column->flags & UC_COLUMN_CUT) && widest >= hint)
			return hint;
	}
	return widest;
}

/* Leave out columns that can be spared, the last first, until the rest fits. */
static void spare_columns(const struct uc_run *run, const struct uc_table *table,
			  struct uc_selection *shown)
{
	size_t least[UC_SELECTION_MAX], total = 0;

	for (size_t c = 0; c < shown->count; c++) {
		least[c] = least_width(run, table, shown->column[c]) + 2;
		total += least[c];
	}
	for (size_t c = shown->count; c-- > 0 && total > (size_t)run->columns + 2;) {
		if (!(shown->column[c]->flags & UC_COLUMN_SPARE))
			continue;
		total -= least[c];
		shown->count--;
		memmove(&shown->column[c], &shown->column[c + 1],
			(shown->count - c) * sizeof(shown->column[0]));
	}
}

int uc_table_tty(const struct uc_run *run, const struct uc_table *table,
		 const struct uc_selection *wanted, const struct uc_listing *listing,
		 struct uc_error *err)
{
	struct uc_selection fitted = *wanted;

	if (!listing->format)
		spare_columns(run, table, &fitted);
	return uc_table_plain(run, table, &fitted, listing, err);
}

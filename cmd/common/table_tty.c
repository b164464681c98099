/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A listing on a terminal: libsmartcols fits it to the width, cutting what may be cut. */
#include "common/table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <string.h>

static int add_columns(struct libscols_table *out, const struct uc_selection *shown)
{
	for (size_t c = 0; c < shown->count; c++) {
		const struct uc_column *column = shown->column[c];
		int flags = (column->flags & UC_COLUMN_RIGHT ? SCOLS_FL_RIGHT : 0) |
			    (column->flags & UC_COLUMN_CUT ? SCOLS_FL_TRUNC : 0);

		if (!scols_table_new_column(out, column->heading, column->width, flags))
			return -1;
	}
	return 0;
}

static int add_row(struct libscols_table *out, const struct uc_run *run,
		   const struct uc_table *table, const struct uc_selection *shown,
		   size_t row)
{
	uc_auto(value) struct uc_value value = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct libscols_line *line = scols_table_new_line(out, NULL);

	for (size_t c = 0; line && c < shown->count; c++) {
		const char *sgr;

		uc_buf_reset(&text);
		uc_value_get(table, row, shown->column[c], &value);
		uc_value_text(&text, &value, run->safe);
		if (!text.len)
			uc_buf_addc(&text, '-');
		if (text.failed || scols_line_set_data(line, c, uc_buf_text(&text)) != 0)
			return -1;
		sgr = run->color ? uc_role_sgr(value.role) : NULL;
		if (!sgr)
			continue;
		uc_buf_reset(&text);
		uc_buf_addf(&text, "\033[%sm", sgr);
		if (scols_cell_set_color(scols_line_get_cell(line, c),
					 uc_buf_text(&text)) != 0)
			return -1;
	}
	return line ? 0 : -1;
}

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
	const struct uc_selection *shown = &fitted;
	struct libscols_table *out = scols_new_table();
	int rc;

	if (!listing->format)
		spare_columns(run, table, &fitted);
	rc = out ? add_columns(out, shown) : -1;
	for (size_t r = 0; rc == 0 && r < table->count; r++)
		rc = add_row(out, run, table, shown, r);
	if (rc == 0) {
		/* the text is safe already: "\\x1b" must not become "\\x5cx1b" */
		scols_table_enable_noencoding(out, 1);
		scols_table_enable_noheadings(out, listing->noheader);
		scols_table_enable_colors(out, run->color);
		scols_table_set_termforce(out, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(out, run->columns);
		scols_table_set_column_separator(out, "  ");
		scols_table_set_stream(out, stdout);
		rc = scols_print_table(out);
	}
	scols_unref_table(out);
	return rc == 0 ? 0 : uc_fail(err, UC_FAILED, "cannot lay out the table");
}

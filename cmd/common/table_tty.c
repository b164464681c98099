/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A listing on a terminal: what may be cut is, until libsmartcols can lay it out. */
#include "common/table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <string.h>

/* Columns that are shown, and how wide each is made. */
struct layout {
	struct uc_selection shown;
	size_t width[UC_SELECTION_MAX];
};

static bool is_empty(const struct uc_table *table, const struct uc_column *column)
{
	uc_auto(value) struct uc_value value = { 0 };

	for (size_t r = 0; r < table->count; r++) {
		uc_value_get(table, r, column, &value);
		if (value.type != UC_VALUE_NONE && !value.blank)
			return false;
	}
	return true;
}

/* Leave out columns that nobody would miss: no row has a value. */
static void drop_empty(const struct uc_table *table, struct uc_selection *shown)
{
	size_t kept = 0;

	for (size_t c = 0; c < shown->count; c++)
		if (!(shown->column[c]->flags & UC_COLUMN_ANY) ||
		    !is_empty(table, shown->column[c]))
			shown->column[kept++] = shown->column[c];
	shown->count = kept;
}

static size_t natural_width(const struct uc_run *run, const struct uc_table *table,
			    const struct uc_column *column)
{
	uc_auto(value) struct uc_value value = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	size_t widest = strlen(column->heading);

	for (size_t r = 0; r < table->count; r++) {
		size_t width;

		uc_buf_reset(&text);
		uc_value_get(table, r, column, &value);
		uc_value_text(&text, &value, run->safe);
		width = uc_text_width(uc_buf_text(&text));
		widest = width > widest ? width : widest;
	}
	return widest;
}

/* All of its widest cell; or its hint where it may be cut, but for the heading. */
static size_t least_width(const struct layout *layout, size_t c)
{
	const struct uc_column *column = layout->shown.column[c];
	const size_t heading = strlen(column->heading);
	size_t least = (size_t)column->width;

	if (!(column->flags & UC_COLUMN_CUT))
		return layout->width[c];
	least = least < heading ? heading : least;
	return least < layout->width[c] ? least : layout->width[c];
}

/* Leave out columns that can be spared, the last first, until the rest fits. */
static void spare_columns(struct layout *layout, size_t columns)
{
	struct uc_selection *shown = &layout->shown;
	size_t total = 0;

	for (size_t c = 0; c < shown->count; c++)
		total += least_width(layout, c) + 2;
	for (size_t c = shown->count; c-- > 0 && total > columns + 2;) {
		if (!(shown->column[c]->flags & UC_COLUMN_SPARE))
			continue;
		total -= least_width(layout, c) + 2;
		shown->count--;
		memmove(&shown->column[c], &shown->column[c + 1],
			(shown->count - c) * sizeof(shown->column[0]));
		memmove(&layout->width[c], &layout->width[c + 1],
			(shown->count - c) * sizeof(layout->width[0]));
	}
}

/* Take from the widest column that may be cut, until the line fits or nothing is left. */
static void cut_columns(struct layout *layout, size_t columns)
{
	size_t total = 0;

	for (size_t c = 0; c < layout->shown.count; c++)
		total += layout->width[c] + 2;
	while (total > columns + 2) {
		size_t widest = layout->shown.count;

		for (size_t c = 0; c < layout->shown.count; c++)
			if (layout->width[c] > least_width(layout, c) &&
			    (widest == layout->shown.count ||
			     layout->width[c] > layout->width[widest]))
				widest = c;
		if (widest == layout->shown.count)
			return;
		layout->width[widest]--;
		total--;
	}
}

static int add_columns(struct libscols_table *out, const struct uc_selection *shown)
{
	for (size_t c = 0; c < shown->count; c++) {
		const struct uc_column *column = shown->column[c];
		int flags = column->flags & UC_COLUMN_RIGHT ? SCOLS_FL_RIGHT : 0;

		if (!scols_table_new_column(out, column->heading, 0, flags))
			return -1;
	}
	return 0;
}

/* The cell as text that fits its column; what was cut ends in a mark. */
static const char *cell_text(struct uc_buf *text, const struct uc_run *run,
			     const struct uc_value *value, size_t width)
{
	const char *mark = run->safe & UC_SAFE_ASCII ? "~" : "\xe2\x80\xa6";

	uc_buf_reset(text);
	uc_value_text(text, value, run->safe);
	if (!text->len)
		uc_buf_addc(text, '-');
	if (text->data && width && uc_text_width(text->data) > width) {
		text->len = uc_text_clip(text->data, width - 1);
		text->data[text->len] = '\0';
		uc_buf_add(text, mark);
	}
	return uc_buf_text(text);
}

static int add_row(struct libscols_table *out, const struct uc_run *run,
		   const struct uc_table *table, const struct layout *layout, size_t row)
{
	uc_auto(value) struct uc_value value = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct libscols_line *line = scols_table_new_line(out, NULL);

	for (size_t c = 0; line && c < layout->shown.count; c++) {
		const char *sgr, *shown;

		uc_value_get(table, row, layout->shown.column[c], &value);
		shown = cell_text(&text, run, &value, layout->width[c]);
		if (text.failed || scols_line_set_data(line, c, shown) != 0)
			return -1;
		sgr = run->color ? uc_role_sgr(value.role) : NULL;
		if (!sgr)
			continue;
		uc_buf_reset(&text);
		uc_buf_addf(&text, "\033[%sm", sgr);
		if (text.failed || scols_cell_set_color(scols_line_get_cell(line, c),
							uc_buf_text(&text)) != 0)
			return -1;
	}
	return line ? 0 : -1;
}

int uc_table_tty(const struct uc_run *run, const struct uc_table *table,
		 const struct uc_selection *wanted, const struct uc_listing *listing,
		 struct uc_error *err)
{
	struct layout layout = { .shown = *wanted };
	size_t columns = (size_t)run->columns;
	struct libscols_table *out = scols_new_table();
	int rc;

	if (!listing->format)
		drop_empty(table, &layout.shown);
	for (size_t c = 0; c < layout.shown.count; c++)
		layout.width[c] = natural_width(run, table, layout.shown.column[c]);
	if (!listing->format)
		spare_columns(&layout, columns);
	cut_columns(&layout, columns);
	rc = out ? add_columns(out, &layout.shown) : -1;
	for (size_t r = 0; rc == 0 && r < table->count; r++)
		rc = add_row(out, run, table, &layout, r);
	if (rc == 0) {
		/* the text is safe already: "\\x1b" must not become "\\x5cx1b" */
		scols_table_enable_noencoding(out, 1);
		scols_table_enable_noheadings(out, listing->noheader);
		scols_table_enable_colors(out, run->color);
		scols_table_set_termforce(out, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(out, (size_t)run->columns);
		scols_table_set_column_separator(out, "  ");
		scols_table_set_stream(out, stdout);
		rc = scols_print_table(out);
	}
	scols_unref_table(out);
	return rc == 0 ? 0 : uc_fail(err, UC_FAILED, "cannot lay out the table");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A listing in a pipe or file: one record a line, aligned but never cut, or with '|'. */
#include "common/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cells one after the other in `text`, and what is known of each. */
struct cell {
	uint32_t len, width;
	uint8_t role;
};
struct cells {
	struct uc_buf text;
	struct cell *cell;
	size_t column_width[UC_SELECTION_MAX];
};

static void free_cells(struct cells *cells)
{
	uc_buf_free(&cells->text);
	free(cells->cell);
}

/* '|' inside a field would end it. */
static void escape_bar(struct uc_buf *text, size_t from)
{
	uc_auto(buf) struct uc_buf rest = { 0 };

	if (text->failed || text->len == from ||
	    !memchr(text->data + from, '|', text->len - from))
		return;
	uc_buf_addn(&rest, text->data + from, text->len - from);
	text->failed = rest.failed;
	text->len = from;
	for (size_t i = 0; i < rest.len; i++)
		if (rest.data[i] == '|')
			uc_buf_add(text, "\\x7c");
		else
			uc_buf_addc(text, rest.data[i]);
}

static void render(const struct uc_run *run, const struct uc_table *table,
		   const struct uc_selection *shown, bool parsable, struct cells *cells)
{
	uc_auto(value) struct uc_value value = { 0 };
	struct cell *cell = cells->cell;

	for (size_t c = 0; c < shown->count; c++)
		cells->column_width[c] = strlen(shown->column[c]->heading);
	for (size_t r = 0; r < table->count; r++) {
		for (size_t c = 0; c < shown->count; c++, cell++) {
			size_t start = cells->text.len;

			uc_value_get(table, r, shown->column[c], &value);
			uc_value_text(&cells->text, &value, run->safe);
			if (parsable)
				escape_bar(&cells->text, start);
			else if (cells->text.len == start)
				uc_buf_addc(&cells->text, '-');
			if (cells->text.failed)
				return;
			cell->len = (uint32_t)(cells->text.len - start);
			cell->role = value.role;
			if (!parsable)
				cell->width = (uint32_t)uc_text_width(
					uc_buf_text(&cells->text) + start);
			if (cell->width > cells->column_width[c])
				cells->column_width[c] = cell->width;
		}
	}
}

static void add_blanks(struct uc_buf *line, size_t count)
{
	static const char blanks[] = "                                ";

	for (size_t part; count > 0; count -= part) {
		part = count < sizeof(blanks) - 1 ? count : sizeof(blanks) - 1;
		uc_buf_addn(line, blanks, part);
	}
}

/* Blanks are added in front of the next cell: none end a line. */
struct line {
	struct uc_buf text;
	size_t blanks;
	bool color;
};

static void add_cell(struct line *line, const struct uc_column *column,
		     size_t column_width, const struct cell *cell, const char *text)
{
	const char *sgr = line->color ? uc_role_sgr((enum uc_role)cell->role) : NULL;
	bool right = column->flags & UC_COLUMN_RIGHT;
	size_t pad = column_width - cell->width;

	add_blanks(&line->text, line->blanks + (right ? pad : 0));
	if (sgr)
		uc_buf_addf(&line->text, "\033[%sm", sgr);
	uc_buf_addn(&line->text, text, cell->len);
	if (sgr)
		uc_buf_add(&line->text, "\033[0m");
	line->blanks = 2 + (right ? 0 : pad);
}

static void put_line(struct line *line)
{
	uc_buf_addc(&line->text, '\n');
	if (line->text.failed)
		return;
	fwrite(line->text.data, 1, line->text.len, stdout);
	uc_buf_reset(&line->text);
	line->blanks = 0;
}

static void add_headings(struct line *line, const struct cells *cells,
			 const struct uc_selection *shown)
{
	for (size_t c = 0; c < shown->count; c++) {
		const struct uc_column *column = shown->column[c];
		uint32_t len = (uint32_t)strlen(column->heading);

		add_cell(line, column, cells->column_width[c],
			 &(struct cell){ len, len, UC_ROLE_PLAIN }, column->heading);
	}
	put_line(line);
}

static bool print_aligned(const struct cells *cells, const struct uc_table *table,
			  const struct uc_selection *shown, bool heading, bool color)
{
	const struct cell *cell = cells->cell;
	const char *text = uc_buf_text(&cells->text);
	struct line line = { .color = color };
	bool ok;

	if (heading)
		add_headings(&line, cells, shown);
	for (size_t r = 0; r < table->count && !line.text.failed; r++) {
		for (size_t c = 0; c < shown->count; text += cell++->len, c++)
			add_cell(&line, shown->column[c], cells->column_width[c], cell,
				 text);
		put_line(&line);
	}
	ok = !line.text.failed;
	uc_buf_free(&line.text);
	return ok;
}

static void print_bars(const struct cells *cells, const struct uc_table *table,
		       const struct uc_selection *shown, bool heading)
{
	const struct cell *cell = cells->cell;
	const char *text = uc_buf_text(&cells->text);

	for (size_t c = 0; heading && c < shown->count; c++)
		printf("%s%s", c ? "|" : "", shown->column[c]->heading);
	if (heading)
		putchar('\n');
	for (size_t r = 0; r < table->count; r++) {
		for (size_t c = 0; c < shown->count; text += cell++->len, c++) {
			if (c)
				putchar('|');
			fwrite(text, 1, cell->len, stdout);
		}
		putchar('\n');
	}
}

int uc_table_plain(const struct uc_run *run, const struct uc_table *table,
		   const struct uc_selection *shown, const struct uc_listing *listing,
		   struct uc_error *err)
{
	struct cells cells = { .cell = calloc(table->count * shown->count,
					      sizeof(struct cell)) };
	bool ok = cells.cell != NULL;

	if (ok)
		render(run, table, shown, listing->parsable, &cells);
	ok = ok && !cells.text.failed;
	if (ok && listing->parsable)
		print_bars(&cells, table, shown, !listing->noheader);
	else if (ok)
		ok = print_aligned(&cells, table, shown, !listing->noheader, run->color);
	free_cells(&cells);
	return ok ? 0 : uc_fail(err, UC_FAILED, "out of memory");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A listing in a pipe or file: one record a line, aligned but never cut, or with '|'. */
#include "common/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cells one after the other, each NUL-terminated, with widths and roles beside them. */
struct cells {
	struct uc_buf text;
	uint32_t *width; /* of each cell */
	uint8_t *role;
	size_t column_width[UC_SELECTION_MAX];
};

static void free_cells(struct cells *cells)
{
	uc_buf_free(&cells->text);
	free(cells->width);
	free(cells->role);
}

/* '|' inside a field would end it. */
static void escape_bar(struct uc_buf *text, size_t from)
{
	uc_auto(buf) struct uc_buf rest = { 0 };

	if (text->failed || text->len == from ||
	    !memchr(text->data + from, '|', text->len - from))
		return;
	uc_buf_addn(&rest, text->data + from, text->len - from);
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
	size_t at = 0;

	for (size_t c = 0; c < shown->count; c++)
		cells->column_width[c] = strlen(shown->column[c]->heading);
	for (size_t r = 0; r < table->count; r++) {
		for (size_t c = 0; c < shown->count; c++, at++) {
			size_t start = cells->text.len, width = 0;

			uc_value_get(table, r, shown->column[c], &value);
			uc_value_text(&cells->text, &value, run->safe);
			if (parsable)
				escape_bar(&cells->text, start);
			else if (cells->text.len == start)
				uc_buf_addc(&cells->text, '-');
			if (!parsable && !cells->text.failed)
				width = uc_text_width(cells->text.data + start);
			uc_buf_addc(&cells->text, '\0');
			cells->role[at] = value.role;
			cells->width[at] = (uint32_t)width;
			if (width > cells->column_width[c])
				cells->column_width[c] = width;
		}
	}
}

/* One cell of a column, padded. */
struct cell {
	const char *text, *sgr;
	size_t width;
};

static void add_blanks(struct uc_buf *line, size_t count)
{
	static const char blanks[] = "                                ";

	for (size_t part; count > 0; count -= part) {
		part = count < sizeof(blanks) - 1 ? count : sizeof(blanks) - 1;
		uc_buf_addn(line, blanks, part);
	}
}

static void add_cell(struct uc_buf *line, const struct cells *cells,
		     const struct uc_selection *shown, size_t c, const struct cell *cell)
{
	size_t pad = cells->column_width[c] - cell->width;
	bool right = shown->column[c]->flags & UC_COLUMN_RIGHT;

	add_blanks(line, (c > 0 ? 2 : 0) + (right ? pad : 0));
	if (cell->sgr)
		uc_buf_addf(line, "\033[%sm%s\033[0m", cell->sgr, cell->text);
	else
		uc_buf_add(line, cell->text);
	if (!right && c + 1 < shown->count)
		add_blanks(line, pad);
}

static void put_line(struct uc_buf *line)
{
	uc_buf_addc(line, '\n');
	if (!line->failed)
		fwrite(line->data, 1, line->len, stdout);
	uc_buf_reset(line);
}

static bool print_aligned(const struct cells *cells, const struct uc_table *table,
			  const struct uc_selection *shown, bool color)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	const char *text = cells->text.data;
	size_t at = 0;

	for (size_t r = 0; r < table->count && !line.failed; r++) {
		for (size_t c = 0; c < shown->count; c++, at++) {
			const struct cell cell = { text,
						   color ? uc_role_sgr(cells->role[at])
							 : NULL,
						   cells->width[at] };

			add_cell(&line, cells, shown, c, &cell);
			text += strlen(text) + 1;
		}
		put_line(&line);
	}
	return !line.failed;
}

static bool print_headings(const struct cells *cells, const struct uc_selection *shown)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	for (size_t c = 0; c < shown->count; c++) {
		const char *name = shown->column[c]->heading;

		add_cell(&line, cells, shown, c,
			 &(struct cell){ name, NULL, strlen(name) });
	}
	put_line(&line);
	return !line.failed;
}

static void print_bars(const struct cells *cells, const struct uc_table *table,
		       const struct uc_selection *shown, bool heading)
{
	const char *text = cells->text.data;

	for (size_t c = 0; heading && c < shown->count; c++)
		printf("%s%s", c ? "|" : "", shown->column[c]->heading);
	if (heading)
		putchar('\n');
	for (size_t r = 0; r < table->count; r++) {
		for (size_t c = 0; c < shown->count; c++) {
			printf("%s%s", c ? "|" : "", text);
			text += strlen(text) + 1;
		}
		putchar('\n');
	}
}

int uc_table_plain(const struct uc_run *run, const struct uc_table *table,
		   const struct uc_selection *shown, const struct uc_listing *listing,
		   struct uc_error *err)
{
	size_t count = table->count * shown->count;
	struct cells cells = { .width = calloc(count, sizeof(uint32_t)),
			       .role = calloc(count, sizeof(uint8_t)) };
	bool ok = cells.width && cells.role;

	if (ok)
		render(run, table, shown, listing->parsable, &cells);
	ok = ok && !cells.text.failed;
	if (ok && listing->parsable)
		print_bars(&cells, table, shown, !listing->noheader);
	if (ok && !listing->parsable && !listing->noheader)
		ok = print_headings(&cells, shown);
	if (ok && !listing->parsable)
		ok = print_aligned(&cells, table, shown, run->color);
	free_cells(&cells);
	return ok ? 0 : uc_fail(err, UC_FAILED, "out of memory");
}

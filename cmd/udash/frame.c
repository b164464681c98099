/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* One frame: header, tabs, the view, the bar of keys; boxes on top. */
#include <stdio.h>
#include <string.h>
#include <ucluster/units.h>
#include "udash/dash.h"

/* Below so many rows the header is one line, below so many there is no bar. */
enum {
	ROWS_SMALL = 12,
	ROWS_TINY = 6,
	SPARK_LEAST = 8, /* columns */
	SPARK_MOST = 40,
	QUIT = DASH_KEY_F + 10,
	QUIT_WIDE = 8,
};

/* --- the tabs --- */

static void add_hot(struct dash *d, struct dash_area line, int column, int columns,
		    int key)
{
	if (d->hots < DASH_HOTS && column < line.columns)
		d->hot[d->hots++] =
			(struct dash_hot){ line.row, line.column + column, columns, key };
}

/* How many GPUs are in use, and were, as far back as there is room. */
static void draw_use(struct dash_area line, const struct dash *d)
{
	uc_auto(buf) struct uc_buf label = { 0 };
	int left, spark;

	uc_buf_addf(&label, "GPUs in use %ju ", (uintmax_t)d->sums.used);
	left = line.columns - (int)label.len;
	spark = left > SPARK_MOST ? SPARK_MOST : left;
	if (!d->sums.gpus || spark < SPARK_LEAST)
		return;
	dash_put(line, 0, left - spark, DASH_FAINT, uc_buf_text(&label));
	dash_put_spark(dash_span(line, 0, line.columns - spark, spark), DASH_GOOD,
		       d->used, d->used_count, d->sums.gpus);
}

static void draw_tabs(struct dash_area line, struct dash *d)
{
	const bool brief = line.columns < 60;
	int column = 0;

	for (int i = 0; i < DASH_VIEWS; i++) {
		const enum dash_role role = i == (int)d->view ? DASH_BAR : DASH_PLAIN;
		const int wide = dash_putf(dash_from(line, 0, column), role,
					   brief ? "%d %s " : " %d %s ", i + 1,
					   dash_panes[i]->name);

		add_hot(d, line, column, wide, '1' + i);
		column += wide;
	}
	if (uc_buf_text(&d->filter)[0]) {
		uc_auto(buf) struct uc_buf safe = { 0 };

		uc_buf_safe(&safe, uc_raw(uc_buf_text(&d->filter)), line.grid->safe);
		column += 1 + dash_putf(dash_from(line, 0, column + 1), DASH_WAIT,
					"only: %s", uc_buf_text(&safe));
	}
	if (d->marks.count)
		column += 1 + dash_putf(dash_from(line, 0, column + 1), DASH_STRONG,
					"%zu marked", d->marks.count);
	if (d->options.read_only)
		column = dash_put(line, 0, column + 1, DASH_FAINT, "read-only");
	draw_use(dash_span(line, 0, column + 2, line.columns), d);
}

/* --- the bar --- */

/* What is typed; of a long line its end. */
static void draw_prompt(struct dash_area line, const struct dash *d)
{
	uc_auto(buf) struct uc_buf safe = { 0 };
	int column = dash_put(line, 0, 0, DASH_STRONG, d->prompt.title), wide;
	const char *text;

	uc_buf_safe(&safe, uc_raw(uc_buf_text(&d->prompt.text)), line.grid->safe);
	text = uc_buf_text(&safe);
	wide = (int)uc_text_width(text) + 1;
	if (wide > line.columns - column && column < line.columns)
		text += uc_text_clip(text, (size_t)(wide - (line.columns - column)));
	column = dash_put(line, 0, column, DASH_PLAIN, text);
	dash_put(line, 0, column, DASH_BAR, " ");
}

static void draw_bar(struct dash_area line, struct dash *d)
{
	uc_auto(buf) struct uc_buf key = { 0 };
	const char *name;
	int column = 0, code;

	if (d->prompt.title) {
		draw_prompt(line, d);
		return;
	}
	if (d->message[0] && uc_monotonic_ms() < d->message_ms) {
		dash_put(line, 0, 0, DASH_STRONG, d->message);
		return;
	}
	for (size_t i = 0; dash_keys_bar(d, i, &key, &name, &code); i++) {
		const int wide = (int)key.len + (int)strlen(name);

		/* how to get out of it is always there */
		if (column + wide > line.columns - (code == QUIT ? 0 : QUIT_WIDE)) {
			uc_buf_reset(&key);
			continue;
		}
		add_hot(d, line, column, wide, code);
		column = dash_put(line, 0, column, DASH_STRONG, uc_buf_text(&key));
		column = dash_put(line, 0, column, DASH_BAR, name) + 1;
		uc_buf_reset(&key);
	}
}

/* --- all of it --- */

void dash_draw_none(const struct dash *d, struct dash_area area, const char *what,
		    const char *none)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	if (!uc_buf_text(&d->filter)[0]) {
		dash_put(area, 0, 2, DASH_FAINT, none);
		return;
	}
	uc_buf_safe(&safe, uc_raw(uc_buf_text(&d->filter)), area.grid->safe);
	dash_putf(dash_from(area, 0, 2), DASH_FAINT, "no %s with '%s'", what,
		  uc_buf_text(&safe));
	dash_put(area, 1, 2, DASH_FAINT, "F4 and then Esc: all of them");
}

/* Instead of a view that has nothing to show yet. */
static void draw_nothing(struct dash_area area, const struct dash *d)
{
	if (!d->err.text[0]) {
		dash_put(area, 1, 2, DASH_FAINT, "asking slurmctld...");
		return;
	}
	dash_put(area, 1, 2, DASH_BAD, d->err.text);
	if (d->err.hint[0])
		dash_putf(dash_from(area, 2, 2), DASH_PLAIN, "hint: %s", d->err.hint);
	dash_put(area, 4, 2, DASH_FAINT, "It is asked again; q ends udash.");
}

void dash_draw(struct dash *d)
{
	const struct dash_pane *pane = dash_panes[d->view];
	struct dash_area area = dash_grid_area(&d->grid), bar = { 0 };

	dash_freshen(d);
	dash_grid_clear(&d->grid);
	d->hots = 0;
	if (area.rows >= ROWS_TINY) {
		dash_draw_header(d, dash_area_top(&area, 1));
		if (area.rows >= ROWS_SMALL)
			draw_tabs(dash_area_top(&area, 1), d);
	}
	if (area.rows >= ROWS_TINY || d->prompt.title)
		bar = dash_area_bottom(&area, 1);
	d->body = area;
	if (d->data || d->view == DASH_DISK)
		pane->draw(d, area);
	else
		draw_nothing(area, d);
	if (bar.grid)
		draw_bar(bar, d);
	if (d->box.open)
		dash_box_draw(d, dash_grid_area(&d->grid));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The map: a letter a GPU, nodes side by side where there is room; who holds what. */
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include "udash/gpus.h"

enum {
	SIDE = 29,      /* columns of the list of users, with the gap before it */
	SIDE_FROM = 72, /* columns that it takes to have one */
	FOOT_TWO = 70,  /* columns below which the cursor's words may take two rows */
	ROWS_FOOT = 9,  /* and only from so many rows on */
};

/* --- one node --- */

static char letter_of(const struct dash *d, const struct gpus_pane *p,
		      const struct uc_gpu_slot *slot)
{
	if (slot->holder == UC_GPU_OTHER && slot->job)
		return gpus_user_letter(d, p, slot->job->user_id);
	return gpus_holders[slot->holder].letter;
}

/* The `at`th of those to be seen, in its part of a line. */
static void draw_node(const struct dash *d, struct dash_area part,
		      const struct gpus_group *group, size_t at)
{
	const struct gpus_pane *p = d->pane[DASH_GPUS];
	const struct uc_gpu_node *node = &d->data->map->node[p->node[at]];
	const int across = (group->slots + group->rows - 1) / group->rows;
	const int name = part.columns - across - 1;

	dash_put_raw(dash_span(part, 0, 0, name),
		     uc_node_is_usable(node->node->state) ? DASH_PLAIN : DASH_BAD,
		     node->node->name);
	for (size_t i = 0; i < node->count; i++) {
		const struct uc_gpu_slot *slot = &node->slot[i];
		const char text[] = { letter_of(d, p, slot), '\0' };
		const int row = (int)i / across, column = name + 1 + (int)i % across;

		dash_put(part, row, column, gpus_holders[slot->holder].role, text);
		if (at == p->at && i == p->slot)
			dash_flag_row(dash_span(part, row, column, 1), 0, DASH_SELECTED);
	}
}

/* The cell at the cursor in words. */
static void add_cursor(struct uc_buf *text, const struct dash *d,
		       const struct gpus_pane *p)
{
	const struct uc_gpu_node *node;
	const struct uc_gpu_slot *slot;

	if (!p->count)
		return;
	node = &d->data->map->node[p->node[p->at]];
	if (p->slot >= node->count)
		return;
	slot = &node->slot[p->slot];
	uc_buf_safe(text, node->node->name, d->grid.safe);
	uc_buf_addf(text, ":%zu ", p->slot);
	uc_buf_safe(text, slot->type, d->grid.safe);
	uc_buf_add(text, "  ");
	if (slot->holder != UC_GPU_OTHER || !slot->job)
		uc_buf_add(text, gpus_holders[slot->holder].meaning);
	if (slot->job) {
		uc_buf_add(text, slot->holder == UC_GPU_OTHER ? "job " : ": job ");
		uc_buf_job_id(text, slot->job, UC_NONE32);
		uc_buf_add(text, " of ");
		uc_buf_safe(text, slot->job->user, d->grid.safe);
		uc_buf_add(text, " ");
		uc_buf_safe(text, slot->job->name, d->grid.safe);
		if (slot->job->end_time) {
			uc_buf_add(text, ", until ");
			uc_buf_clock(text, slot->job->end_time, d->data->now);
		}
		if (node->guessed)
			uc_buf_add(text, " (which GPU is a guess)");
	} else if (slot->holder == UC_GPU_OUT) {
		uc_buf_addf(text, ": %s ", uc_node_state_word(node->node->state));
		uc_buf_safe(text, node->node->reason, d->grid.safe);
	} else if (slot->holder == UC_GPU_RESERVED && node->reservation) {
		uc_buf_add(text, ": ");
		uc_buf_safe(text, node->reservation->name, d->grid.safe);
	}
}

static void draw_foot(const struct dash *d, const struct gpus_pane *p,
		      struct dash_area foot)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	const char *rest;

	add_cursor(&text, d, p);
	rest = uc_buf_text(&text);
	for (int row = 0; row < foot.rows && *rest; row++) {
		dash_put(foot, row, 0, DASH_STRONG, rest);
		rest += uc_text_clip(rest, (size_t)foot.columns);
		rest += *rest == ' ';
	}
}

/* --- lines --- */

/* "gpu,long  a100  8 of 96 free, 8 out of service" */
static void draw_heading(const struct dash *d, const struct gpus_group *group,
			 struct dash_area line)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_buf_safe(&text, group->partitions, d->grid.safe);
	if (!uc_raw_empty(group->type)) {
		uc_buf_add(&text, "  ");
		uc_buf_safe(&text, group->type, d->grid.safe);
	}
	uc_buf_addf(&text, "  %ju of %ju free", (uintmax_t)group->free,
		    (uintmax_t)group->total);
	if (group->out)
		uc_buf_addf(&text, ", %ju out", (uintmax_t)group->out);
	dash_put(line, 0, 0, DASH_HEAD, uc_buf_text(&text));
}

/* Rows that lines [from, to] take. */
static int rows_of(const struct gpus_pane *p, size_t from, size_t to)
{
	int rows = 0;

	for (size_t i = from; i <= to && i < p->lines; i++)
		rows += p->line[i].count ? p->group[p->line[i].group].rows : 1;
	return rows;
}

/* Scroll so that the cursor's line is there, its heading too when that is next to it. */
static void scroll(struct gpus_pane *p, int rows)
{
	const size_t at = gpus_line_at(p);

	if (at < p->top)
		p->top = at;
	if (p->top == at && at && !p->line[at - 1].count &&
	    rows_of(p, at - 1, at) <= rows)
		p->top = at - 1;
	while (p->top < at && rows_of(p, p->top, at) > rows)
		p->top++;
	/* no blank rows below as long as there is something above */
	while (p->top && rows_of(p, p->top - 1, p->lines - 1) <= rows)
		p->top--;
}

static void draw_map(struct dash *d, struct gpus_pane *p, struct dash_area map)
{
	int row = 0;

	for (size_t i = p->top; i < p->lines && row < map.rows; i++) {
		const struct gpus_line *line = &p->line[i];
		const struct gpus_group *group = &p->group[line->group];
		const int rows = line->count ? group->rows : 1;

		if (!line->count)
			draw_heading(d, group, dash_from(map, row, 0));
		for (size_t k = 0; k < line->count; k++)
			draw_node(d,
				  dash_area_part(map, row, (int)k * group->each, rows,
						 group->each - 2),
				  group, line->first + k);
		row += rows;
	}
}

struct dash_area gpus_map_area(struct dash_area area)
{
	if (area.columns >= SIDE_FROM)
		area.columns -= SIDE;
	return area;
}

void gpus_draw(struct dash *d, struct dash_area area)
{
	struct gpus_pane *p = d->pane[DASH_GPUS];
	const bool two = area.columns < FOOT_TWO && area.rows >= ROWS_FOOT;
	const struct dash_area foot = dash_area_bottom(&area, area.rows < 3 ? 0
							      : two         ? 2
									    : 1);
	const struct dash_area map = gpus_map_area(area);

	d->page = (size_t)(map.rows > 0 ? map.rows : 1);
	if (map.columns < area.columns)
		gpus_draw_side(
			d, p,
			dash_area_part(area, 0, map.columns + 2, area.rows, SIDE - 2));
	if (!p->count) {
		dash_draw_none(d, map, "node", "no GPUs");
		return;
	}
	if (!gpus_lines_make(d, p, map.columns))
		return;
	scroll(p, map.rows);
	draw_map(d, p, map);
	draw_foot(d, p, foot);
}

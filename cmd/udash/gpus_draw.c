/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The map: a letter a GPU, nodes side by side where there is room; who holds what. */
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include "udash/gpus.h"

/* The terms of the map; other users have a letter each, those with most GPUs first. */
static const struct {
	char letter;
	enum dash_role role;
	const char *meaning;
} holders[] = {
	[UC_GPU_FREE] = { '.', DASH_GOOD, "free" },
	[UC_GPU_MINE] = { '#', DASH_MINE, "yours" },
	[UC_GPU_OTHER] = { '?', DASH_PLAIN, "others'" },
	[UC_GPU_RESERVED] = { '=', DASH_WAIT, "reserved" },
	[UC_GPU_OUT] = { '-', DASH_BAD, "out of service" },
};
#define HOLDERS (sizeof(holders) / sizeof(holders[0]))
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

enum {
	SIDE = 28,      /* columns of the list of users */
	NAME_WIDE = 16, /* columns of a node's name */
	SLOTS_MAX = 16, /* of a node in a line; more go on in the next */
	GAP = 2,
};

static char letter_of(const struct dash *d, const struct gpus_pane *p,
		      const struct uc_gpu_slot *slot)
{
	if (slot->holder != UC_GPU_OTHER || !slot->job)
		return holders[slot->holder].letter;
	for (size_t i = 0, letter = 0; i < p->users && letter < sizeof(letters) - 1;
	     i++) {
		if (p->user[i].id == d->me)
			continue;
		if (p->user[i].id == slot->job->user_id)
			return letters[letter];
		letter++;
	}
	return '?';
}

struct shape {
	int name, slots, across, each; /* columns; nodes in a line */
};

static struct shape shape_of(const struct dash *d, const struct gpus_pane *p, int columns)
{
	struct shape s = { .name = 4, .slots = 1 };

	for (size_t i = 0; i < p->count; i++) {
		const struct uc_gpu_node *node = &d->data->map->node[p->node[i]];
		const int name =
			(int)(node->node->name.bytes ? strlen(node->node->name.bytes)
						     : 0);

		s.name = name > s.name ? name : s.name;
		s.slots = (int)node->count > s.slots ? (int)node->count : s.slots;
	}
	s.name = s.name > NAME_WIDE ? NAME_WIDE : s.name;
	s.slots = s.slots > SLOTS_MAX ? SLOTS_MAX : s.slots;
	s.each = s.name + 1 + s.slots + GAP;
	s.across = (columns + GAP) / s.each;
	s.across = s.across < 1 ? 1 : s.across;
	return s;
}

/* The `at`th of those to be seen, in a piece of a line. */
static void draw_node(const struct dash *d, struct dash_area part, const struct shape *s,
		      size_t at)
{
	const struct gpus_pane *p = d->pane[DASH_GPUS];
	const struct uc_gpu_node *node = &d->data->map->node[p->node[at]];

	dash_put_raw(dash_span(part, 0, 0, s->name),
		     uc_node_is_usable(node->node->state) ? DASH_PLAIN : DASH_BAD,
		     node->node->name);
	for (size_t i = 0; i < node->count && i < SLOTS_MAX; i++) {
		const struct uc_gpu_slot *slot = &node->slot[i];
		const char text[] = { letter_of(d, p, slot), '\0' };
		const int column = s->name + 1 + (int)i;

		dash_put(part, 0, column, holders[slot->holder].role, text);
		if (at == p->at && i == p->slot)
			dash_flag_row(dash_span(part, 0, column, 1), 0, DASH_SELECTED);
	}
}

/* The cell at the cursor in words. */
static void draw_cursor(const struct dash *d, const struct gpus_pane *p,
			struct dash_area line)
{
	const struct uc_gpu_node *node;
	const struct uc_gpu_slot *slot;
	uc_auto(buf) struct uc_buf text = { 0 };

	if (!p->count)
		return;
	node = &d->data->map->node[p->node[p->at]];
	if (p->slot >= node->count)
		return;
	slot = &node->slot[p->slot];
	uc_buf_safe(&text, node->node->name, d->grid.safe);
	uc_buf_addf(&text, ":%zu ", p->slot);
	uc_buf_safe(&text, slot->type, d->grid.safe);
	uc_buf_addf(&text, "  %s", holders[slot->holder].meaning);
	if (slot->job) {
		uc_buf_add(&text, ": job ");
		uc_buf_job_id(&text, slot->job, UC_NONE32);
		uc_buf_add(&text, " of ");
		uc_buf_safe(&text, slot->job->user, d->grid.safe);
		uc_buf_add(&text, " ");
		uc_buf_safe(&text, slot->job->name, d->grid.safe);
		if (slot->job->end_time) {
			uc_buf_add(&text, ", until ");
			uc_buf_clock(&text, slot->job->end_time, d->data->now);
		}
		if (node->guessed)
			uc_buf_add(&text, " (which GPU is a guess)");
	} else if (slot->holder == UC_GPU_OUT) {
		uc_buf_addf(&text, ": %s ", uc_node_state_word(node->node->state));
		uc_buf_safe(&text, node->node->reason, d->grid.safe);
	} else if (slot->holder == UC_GPU_RESERVED && node->reservation) {
		uc_buf_add(&text, ": ");
		uc_buf_safe(&text, node->reservation->name, d->grid.safe);
	}
	dash_put(line, 0, 0, DASH_STRONG, uc_buf_text(&text));
}

static void draw_side(const struct dash *d, const struct gpus_pane *p,
		      struct dash_area side)
{
	int line = 0;
	size_t letter = 0;

	for (size_t i = 0; i < HOLDERS; i++)
		dash_putf(dash_from(side, line++, 0), holders[i].role, "%c %6ju %s",
			  holders[i].letter, (uintmax_t)p->total[i], holders[i].meaning);
	line++;
	for (size_t i = 0; i < p->users && line < side.rows; i++, line++) {
		const bool mine = p->user[i].id == d->me;
		const char mark = mine                           ? '#'
				  : letter < sizeof(letters) - 1 ? letters[letter++]
								 : '?';

		dash_putf(dash_from(side, line, 0), mine ? DASH_MINE : DASH_PLAIN,
			  "%c %6ju ", mark, (uintmax_t)p->user[i].gpus);
		dash_put_raw(dash_span(side, line, 9, side.columns - 9),
			     mine ? DASH_MINE : DASH_PLAIN, p->user[i].name);
	}
}

void gpus_draw(struct dash *d, struct dash_area area)
{
	struct gpus_pane *p = d->pane[DASH_GPUS];
	const struct dash_area foot = dash_area_bottom(&area, 1);
	struct dash_area map = area;
	struct shape s;
	size_t line;

	if (area.columns >= 80) {
		map = dash_area_part(area, 0, 0, area.rows, area.columns - SIDE);
		draw_side(d, p,
			  dash_area_part(area, 0, area.columns - SIDE + 2, area.rows,
					 SIDE - 2));
	}
	if (!p->count) {
		dash_put(map, 1, 2, DASH_FAINT,
			 d->data->map->count ? "no node has this text" : "no GPUs");
		return;
	}
	s = shape_of(d, p, map.columns);
	p->across = (size_t)s.across;
	d->page = (size_t)(map.rows > 0 ? map.rows : 1);
	line = p->at / p->across;
	if (line < p->top)
		p->top = line;
	if (line >= p->top + d->page)
		p->top = line - d->page + 1;
	for (size_t i = p->top * p->across; i < p->count; i++) {
		const int row = (int)(i / p->across - p->top);

		if (row >= map.rows)
			break;
		draw_node(d, dash_span(map, row, (int)(i % p->across) * s.each, s.each),
			  &s, i);
	}
	draw_cursor(d, p, foot);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The map: a letter a GPU, nodes side by side where there is room; who holds what. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "udash/dash.h"

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

struct user {
	uint32_t id;
	struct uc_raw name;
	uint64_t gpus;
};

struct gpus {
	size_t *node; /* indices into the map: those to be seen */
	size_t count, room;
	size_t at, slot;   /* the cursor: of `node`, and of its GPUs */
	size_t top;        /* first line that is shown */
	struct dash_id id; /* of the node at the cursor */
	struct user *user; /* with the most GPUs first */
	size_t users;
	uint64_t total[HOLDERS];
	size_t across; /* nodes in a line, as it was drawn */
};

static struct gpus *gpus_of(const struct dash *d)
{
	return d->pane[DASH_GPUS];
}

/* --- what there is --- */

static struct dash_id node_id(const struct uc_node *node)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *p = node->name.bytes; p && *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
	return (struct dash_id){ hash | 1, 0 };
}

static bool matches(const struct dash *d, const struct uc_gpu_node *node)
{
	const char *part = uc_buf_text(&d->filter);

	if (!part[0] || dash_text_has(node->node->name.bytes, part) ||
	    dash_text_has(node->node->partitions.bytes, part) ||
	    dash_text_has(node->node->gpu_types.bytes, part))
		return true;
	for (size_t i = 0; i < node->count; i++)
		if (node->slot[i].job &&
		    dash_text_has(node->slot[i].job->user.bytes, part))
			return true;
	return false;
}

static int compare_ids(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int compare_most(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	return x->gpus != y->gpus ? (x->gpus < y->gpus ? 1 : -1) : compare_ids(a, b);
}

/* One row for each GPU that somebody holds, then one for each of these users. */
static void count_users(struct dash *d, struct gpus *p)
{
	const struct uc_gpu_map *map = d->data->map;
	size_t count = 0, kept = 0;

	memset(p->total, 0, sizeof(p->total));
	for (size_t n = 0; n < map->count; n++)
		for (size_t i = 0; i < map->node[n].count; i++) {
			p->total[map->node[n].slot[i].holder]++;
			count += map->node[n].slot[i].job != NULL;
		}
	free(p->user);
	p->user = calloc(count + 1, sizeof(*p->user));
	p->users = 0;
	for (size_t n = 0; p->user && n < map->count; n++)
		for (size_t i = 0; i < map->node[n].count; i++) {
			const struct uc_job *job = map->node[n].slot[i].job;

			if (job)
				p->user[p->users++] =
					(struct user){ job->user_id, job->user, 1 };
		}
	if (!p->users)
		return;
	qsort(p->user, p->users, sizeof(*p->user), compare_ids);
	for (size_t i = 1; i < p->users; i++) {
		if (p->user[i].id == p->user[kept].id)
			p->user[kept].gpus++;
		else
			p->user[++kept] = p->user[i];
	}
	p->users = kept + 1;
	qsort(p->user, p->users, sizeof(*p->user), compare_most);
}

static void take(struct dash *d)
{
	struct gpus *p = gpus_of(d);
	const struct uc_gpu_map *map = d->data ? d->data->map : NULL;
	bool found = false;

	if (!map)
		return;
	if (map->count > p->room) {
		size_t *node = reallocarray(p->node, map->count, sizeof(*node));

		if (!node)
			return;
		p->node = node;
		p->room = map->count;
	}
	p->count = 0;
	for (size_t i = 0; i < map->count; i++) {
		if (!matches(d, &map->node[i]))
			continue;
		if (dash_id_same(node_id(map->node[i].node), p->id)) {
			p->at = p->count;
			found = true;
		}
		p->node[p->count++] = i;
	}
	if (!found && p->at >= p->count)
		p->at = p->count ? p->count - 1 : 0;
	if (p->count)
		p->id = node_id(map->node[p->node[p->at]].node);
	count_users(d, p);
}

/* --- drawing --- */

static char letter_of(const struct dash *d, const struct gpus *p,
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

static struct shape shape_of(const struct dash *d, const struct gpus *p, int columns)
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

static void draw_node(const struct dash *d, const struct gpus *p, struct dash_area area,
		      int line, int column, const struct shape *s, size_t at)
{
	const struct uc_gpu_node *node = &d->data->map->node[p->node[at]];
	const struct dash_area part = dash_area_part(area, line, column, 1, s->each);

	if (line < 0 || line >= area.rows)
		return;
	dash_put_cell(part, 0, 0, s->name,
		      uc_node_is_usable(node->node->state) ? DASH_PLAIN : DASH_BAD,
		      node->node->name);
	for (size_t i = 0; i < node->count && i < SLOTS_MAX; i++) {
		const struct uc_gpu_slot *slot = &node->slot[i];
		const char text[] = { letter_of(d, p, slot), '\0' };

		dash_put(part, 0, s->name + 1 + (int)i, holders[slot->holder].role, text);
		if (at == p->at && i == p->slot)
			dash_flag_row(dash_area_part(part, 0, s->name + 1 + (int)i, 1, 1),
				      0, DASH_SELECTED);
	}
}

/* The cell at the cursor in words. */
static void draw_cursor(const struct dash *d, const struct gpus *p, struct dash_area line)
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

static void draw_side(const struct dash *d, const struct gpus *p, struct dash_area side)
{
	int line = 0;
	size_t letter = 0;

	for (size_t i = 0; i < HOLDERS; i++)
		dash_putf(side, line++, 0, holders[i].role, "%c %6ju %s",
			  holders[i].letter, (uintmax_t)p->total[i], holders[i].meaning);
	line++;
	for (size_t i = 0; i < p->users && line < side.rows; i++, line++) {
		const bool mine = p->user[i].id == d->me;
		const char mark = mine                           ? '#'
				  : letter < sizeof(letters) - 1 ? letters[letter++]
								 : '?';

		dash_putf(side, line, 0, mine ? DASH_MINE : DASH_PLAIN, "%c %6ju ", mark,
			  (uintmax_t)p->user[i].gpus);
		dash_put_cell(side, line, 9, side.columns - 9,
			      mine ? DASH_MINE : DASH_PLAIN, p->user[i].name);
	}
}

static void draw(struct dash *d, struct dash_area area)
{
	struct gpus *p = gpus_of(d);
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
	for (size_t i = p->top * p->across; i < p->count; i++)
		draw_node(d, p, map, (int)(i / p->across - p->top),
			  (int)(i % p->across) * s.each, &s, i);
	draw_cursor(d, p, foot);
}

/* --- keys --- */

static const struct uc_job *job_at(struct dash *d)
{
	const struct gpus *p = gpus_of(d);
	const struct uc_gpu_node *node;

	if (!p->count)
		return NULL;
	node = &d->data->map->node[p->node[p->at]];
	return p->slot < node->count ? node->slot[p->slot].job : NULL;
}

static void move_node(struct dash *d, int64_t by)
{
	struct gpus *p = gpus_of(d);
	int64_t at = (int64_t)p->at + by;
	const struct uc_gpu_node *node;

	if (!p->count)
		return;
	at = at >= (int64_t)p->count ? (int64_t)p->count - 1 : at;
	p->at = at < 0 ? 0 : (size_t)at;
	node = &d->data->map->node[p->node[p->at]];
	p->id = node_id(node->node);
	if (p->slot >= node->count)
		p->slot = node->count ? node->count - 1 : 0;
}

static void move_slot(struct dash *d, int by)
{
	struct gpus *p = gpus_of(d);
	const size_t count = p->count ? d->data->map->node[p->node[p->at]].count : 0;

	if (by > 0 && p->slot + 1 < count) {
		p->slot++;
	} else if (by < 0 && p->slot > 0) {
		p->slot--;
	} else if (by > 0 && p->at + 1 < p->count) {
		p->slot = 0;
		move_node(d, 1);
	} else if (by < 0 && p->at > 0) {
		p->slot = SIZE_MAX;
		move_node(d, -1);
	}
}

static void find_next(struct dash *d, bool back)
{
	struct gpus *p = gpus_of(d);
	const char *text = uc_buf_text(&d->search);

	for (size_t i = 1; text[0] && i <= p->count; i++) {
		const size_t at = (p->at + (back ? p->count - i : i)) % p->count;
		const struct uc_gpu_node *node = &d->data->map->node[p->node[at]];

		for (size_t k = 0; k < node->count; k++)
			if (dash_text_has(node->node->name.bytes, text) ||
			    (node->slot[k].job &&
			     dash_text_has(node->slot[k].job->user.bytes, text))) {
				p->slot = k;
				move_node(d, (int64_t)at - (int64_t)p->at);
				return;
			}
	}
	dash_say(d, text[0] ? "not found: %s" : "nothing to search for%s", text);
}

static bool key(struct dash *d, const struct dash_event *event)
{
	struct gpus *p = gpus_of(d);
	const int64_t across = p->across ? (int64_t)p->across : 1;

	switch (event->key) {
	case 'h':
	case DASH_KEY_LEFT:
		move_slot(d, -1);
		return true;
	case DASH_KEY_RIGHT:
		move_slot(d, 1);
		return true;
	case 'j':
	case DASH_KEY_DOWN:
		move_node(d, across);
		return true;
	case 'k':
	case DASH_KEY_UP:
		move_node(d, -across);
		return true;
	case DASH_KEY_PAGE_DOWN:
		move_node(d, across * (int64_t)d->page);
		return true;
	case DASH_KEY_PAGE_UP:
		move_node(d, -across * (int64_t)d->page);
		return true;
	case 'g':
	case DASH_KEY_HOME:
		move_node(d, -(int64_t)p->count);
		return true;
	case 'G':
	case DASH_KEY_END:
		move_node(d, (int64_t)p->count);
		return true;
	case 'n':
	case 'N':
		find_next(d, event->key == 'N');
		return true;
	default:
		return false;
	}
}

static int open_pane(struct dash *d)
{
	d->pane[DASH_GPUS] = calloc(1, sizeof(struct gpus));
	return d->pane[DASH_GPUS] ? 0 : -1;
}

static void close_pane(struct dash *d)
{
	struct gpus *p = gpus_of(d);

	if (!p)
		return;
	free(p->node);
	free(p->user);
	free(p);
}

const struct dash_pane dash_pane_gpus = {
	.name = "GPUs",
	.open = open_pane,
	.close = close_pane,
	.take = take,
	.draw = draw,
	.key = key,
	.job = job_at,
};

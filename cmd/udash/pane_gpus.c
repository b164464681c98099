/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The map of GPUs: which nodes are in it, who holds how many, where the cursor is. */
#include <stdlib.h>
#include <string.h>
#include "udash/gpus.h"

static struct gpus_pane *gpus_of(const struct dash *d)
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
	const struct gpus_user *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int compare_most(const void *a, const void *b)
{
	const struct gpus_user *x = a, *y = b;

	return x->gpus != y->gpus ? (x->gpus < y->gpus ? 1 : -1) : compare_ids(a, b);
}

/* One row for each GPU that somebody holds, then one for each of these users. */
static void count_users(struct dash *d, struct gpus_pane *p)
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
					(struct gpus_user){ job->user_id, job->user, 1 };
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
	struct gpus_pane *p = gpus_of(d);
	const struct uc_gpu_map *map = d->data ? d->data->map : NULL;
	bool found = false;

	if (!map)
		return;
	p->count = p->groups = p->lines = 0; /* what they are places in may be gone */
	p->columns = 0;
	if (map->count > p->room) {
		size_t *node = reallocarray(p->node, map->count, sizeof(*node));

		if (!node)
			return;
		p->node = node;
		p->room = map->count;
	}
	for (size_t i = 0; i < map->count; i++)
		if (matches(d, &map->node[i]))
			p->node[p->count++] = i;
	gpus_groups_make(d, p);
	for (size_t i = 0; i < p->count && !found; i++)
		if (dash_id_same(node_id(map->node[p->node[i]].node), p->id)) {
			p->at = i;
			found = true;
		}
	if (!found && p->at >= p->count)
		p->at = p->count ? p->count - 1 : 0;
	if (p->count)
		p->id = node_id(map->node[p->node[p->at]].node);
	count_users(d, p);
}

/* --- keys --- */

static const struct uc_job *job_at(struct dash *d)
{
	const struct gpus_pane *p = gpus_of(d);
	const struct uc_gpu_node *node;

	if (!p->count)
		return NULL;
	node = &d->data->map->node[p->node[p->at]];
	return p->slot < node->count ? node->slot[p->slot].job : NULL;
}

static void move_node(struct dash *d, int64_t by)
{
	struct gpus_pane *p = gpus_of(d);
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
	struct gpus_pane *p = gpus_of(d);
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

/* To the node above or below, in lines; from one group into the next. */
static void move_lines(struct dash *d, int64_t by)
{
	struct gpus_pane *p = gpus_of(d);
	size_t at, to, column;

	if (!p->count || !p->columns || (at = gpus_line_at(p)) >= p->lines)
		return;
	column = p->at - p->line[at].first;
	to = at;
	while (by && (by > 0 ? to + 1 < p->lines : to > 0)) {
		to = by > 0 ? to + 1 : to - 1;
		if (!p->line[to].count)
			continue;
		at = to;
		by += by > 0 ? -1 : 1;
	}
	if (column >= p->line[at].count)
		column = p->line[at].count - 1;
	move_node(d, (int64_t)(p->line[at].first + column) - (int64_t)p->at);
}

static const struct uc_node *node_at(struct dash *d)
{
	const struct gpus_pane *p = gpus_of(d);

	return p->count ? d->data->map->node[p->node[p->at]].node : NULL;
}

/* The GPU that was clicked on; a second time: its job. */
static bool click(struct dash *d, const struct dash_event *event)
{
	struct gpus_pane *p = gpus_of(d);
	int row = 0;

	if (!p->columns || event->column >= p->columns)
		return false;
	for (size_t i = p->top; i < p->lines; i++) {
		const struct gpus_line *line = &p->line[i];
		const struct gpus_group *group = &p->group[line->group];
		const int rows = line->count ? group->rows : 1;

		if (event->row >= row && event->row < row + rows) {
			const size_t k = (size_t)(event->column / group->each);
			const int across = (group->slots + group->rows - 1) / group->rows;
			const int slot = event->column % group->each -
					 (group->each - 2 - across) +
					 (event->row - row) * across;
			const size_t before = p->slot;
			const size_t node = p->at;

			if (k >= line->count)
				return false;
			p->slot = slot < 0 ? 0 : (size_t)slot;
			move_node(d, (int64_t)(line->first + k) - (int64_t)p->at);
			if (p->at == node && p->slot == before)
				dash_show_details(d);
			return true;
		}
		row += rows;
	}
	return false;
}

static void find_next(struct dash *d, bool back)
{
	struct gpus_pane *p = gpus_of(d);
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
	struct gpus_pane *p = gpus_of(d);

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
		move_lines(d, 1);
		return true;
	case 'k':
	case DASH_KEY_UP:
		move_lines(d, -1);
		return true;
	case DASH_KEY_WHEEL_DOWN:
		move_lines(d, 3);
		return true;
	case DASH_KEY_WHEEL_UP:
		move_lines(d, -3);
		return true;
	case DASH_CTRL('d'):
		move_lines(d, (int64_t)d->page / 2);
		return true;
	case DASH_CTRL('u'):
		move_lines(d, -(int64_t)d->page / 2);
		return true;
	case DASH_KEY_CLICK:
		return click(d, event);
	case DASH_KEY_PAGE_DOWN:
		move_lines(d, (int64_t)d->page);
		return true;
	case DASH_KEY_PAGE_UP:
		move_lines(d, -(int64_t)d->page);
		return true;
	case 'g':
	case DASH_KEY_HOME:
		p->slot = 0;
		move_node(d, -(int64_t)p->count);
		return true;
	case 'G':
	case DASH_KEY_END:
		p->slot = 0;
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
	d->pane[DASH_GPUS] = calloc(1, sizeof(struct gpus_pane));
	return d->pane[DASH_GPUS] ? 0 : -1;
}

static void close_pane(struct dash *d)
{
	struct gpus_pane *p = gpus_of(d);

	if (!p)
		return;
	free(p->node);
	free(p->user);
	free(p->group);
	free(p->line);
	free(p);
}

const struct dash_pane dash_pane_gpus = {
	.name = "GPUs",
	.open = open_pane,
	.close = close_pane,
	.take = take,
	.draw = gpus_draw,
	.key = key,
	.job = job_at,
	.node = node_at,
};

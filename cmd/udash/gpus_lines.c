/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The map's lines: nodes by partition and model, side by side as many as fit. */
#include <stdlib.h>
#include <string.h>
#include "udash/gpus.h"

enum {
	NAME_WIDE = 16, /* columns of a node's name */
	GAP = 2,
};

/* --- groups --- */

static const struct uc_gpu_node *node_of(const struct dash *d, size_t index)
{
	return &d->data->map->node[index];
}

static struct uc_raw type_of(const struct uc_gpu_node *node)
{
	return node->count ? node->slot[0].type : (struct uc_raw){ 0 };
}

static int compare_raw(struct uc_raw a, struct uc_raw b)
{
	return strverscmp(a.bytes ? a.bytes : "", b.bytes ? b.bytes : "");
}

static int compare_groups(const struct uc_gpu_node *a, const struct uc_gpu_node *b)
{
	const int order = compare_raw(a->node->partitions, b->node->partitions);

	return order ? order : compare_raw(type_of(a), type_of(b));
}

static int compare_nodes(const void *a, const void *b, void *arg)
{
	const struct uc_gpu_node *x = node_of(arg, *(const size_t *)a);
	const struct uc_gpu_node *y = node_of(arg, *(const size_t *)b);
	const int order = compare_groups(x, y);

	return order ? order : compare_raw(x->node->name, y->node->name);
}

static void count_node(struct gpus_group *group, const struct uc_gpu_node *node)
{
	const int name = node->node->name.bytes ? (int)strlen(node->node->name.bytes) : 0;

	group->count++;
	group->name = name > group->name ? name : group->name;
	group->slots = (int)node->count > group->slots ? (int)node->count : group->slots;
	for (size_t i = 0; i < node->count; i++) {
		group->total++;
		group->free += node->slot[i].holder == UC_GPU_FREE;
		group->out += node->slot[i].holder == UC_GPU_OUT;
	}
}

static bool add_group(struct gpus_pane *p, size_t first, const struct uc_gpu_node *node)
{
	if (p->groups == p->groups_room) {
		const size_t room = p->groups_room ? 2 * p->groups_room : 16;
		struct gpus_group *more = reallocarray(p->group, room, sizeof(*more));

		if (!more)
			return false;
		p->group = more;
		p->groups_room = room;
	}
	p->group[p->groups++] = (struct gpus_group){ .first = first,
						     .partitions = node->node->partitions,
						     .type = type_of(node) };
	return true;
}

bool gpus_groups_make(struct dash *d, struct gpus_pane *p)
{
	p->groups = p->lines = 0;
	p->columns = 0;
	if (p->count)
		qsort_r(p->node, p->count, sizeof(*p->node), compare_nodes, d);
	for (size_t i = 0; i < p->count; i++) {
		const struct uc_gpu_node *node = node_of(d, p->node[i]);

		if ((!i || compare_groups(node_of(d, p->node[i - 1]), node) != 0) &&
		    !add_group(p, i, node)) {
			p->count = p->groups = 0;
			return false;
		}
		count_node(&p->group[p->groups - 1], node);
	}
	return true;
}

/* --- lines --- */

/* What of a node's GPUs does not fit goes on below. */
static void shape(struct gpus_group *group, const struct gpus_pane *p, int columns)
{
	int most = 1, name = group->name < 4 ? 4 : group->name;

	for (size_t i = 0; i < p->groups; i++)
		if (p->group[i].slots > most)
			most = p->group[i].slots;
	name = name > NAME_WIDE ? NAME_WIDE : name;
	if (name > columns / 2)
		name = columns / 2;
	if (columns - name - 1 < most) /* of all groups alike: GPUs stand in columns */
		most = columns - name - 1 > 0 ? columns - name - 1 : 1;
	if (most > group->slots)
		most = group->slots > 0 ? group->slots : 1;
	group->rows = (group->slots + most - 1) / most;
	group->rows = group->rows < 1 ? 1 : group->rows;
	group->each = name + 1 + most + GAP;
	group->across = (size_t)((columns + GAP) / group->each);
	group->across = group->across < 1 ? 1 : group->across;
}

static bool add_line(struct gpus_pane *p, const struct gpus_line *line)
{
	if (p->lines == p->lines_room) {
		const size_t room = p->lines_room ? 2 * p->lines_room : 64;
		struct gpus_line *more = reallocarray(p->line, room, sizeof(*more));

		if (!more)
			return false;
		p->line = more;
		p->lines_room = room;
	}
	p->line[p->lines++] = *line;
	return true;
}

static bool add_group_lines(struct gpus_pane *p, size_t which)
{
	const struct gpus_group *group = &p->group[which];

	if (!add_line(p, &(struct gpus_line){ .group = which, .first = group->first }))
		return false;
	for (size_t i = 0; i < group->count; i += group->across) {
		const size_t left = group->count - i;

		if (!add_line(p, &(struct gpus_line){ .group = which,
						      .first = group->first + i,
						      .count = left < group->across
								       ? left
								       : group->across }))
			return false;
	}
	return true;
}

bool gpus_lines_make(struct dash *d, struct gpus_pane *p, int columns)
{
	(void)d;
	if (p->columns == columns)
		return true;
	p->lines = 0;
	p->columns = 0;
	for (size_t i = 0; i < p->groups; i++) {
		shape(&p->group[i], p, columns);
		if (!add_group_lines(p, i)) {
			p->lines = 0;
			return false;
		}
	}
	p->columns = columns;
	return true;
}

size_t gpus_line_at(const struct gpus_pane *p)
{
	size_t low = 0, high = p->lines;

	/* the last line that begins at or before it: a heading begins where its nodes do
	 */
	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (p->line[middle].first <= p->at)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : p->lines;
}

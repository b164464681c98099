/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Nodes: state, load, memory, GPUs, reasons; a line for each partition above them. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include "udash/nodes.h"

static struct nodes_pane *nodes_of(const struct dash *d)
{
	return d->pane[DASH_NODES];
}

static struct dash_id id_of(const void *rows, size_t index)
{
	const struct uc_node *node = ((const struct uc_node *const *)rows)[index];
	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *p = node->name.bytes; p && *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
	return (struct dash_id){ hash | 1, 0 };
}

static bool matches(const struct dash *d, const struct uc_node *node)
{
	const char *part = uc_buf_text(&d->filter);

	return !part[0] || dash_text_has(node->name.bytes, part) ||
	       dash_text_has(node->partitions.bytes, part) ||
	       dash_text_has(node->gpu_types.bytes, part) ||
	       dash_text_has(node->features.bytes, part) ||
	       dash_text_has(node->reason.bytes, part) ||
	       dash_text_has(uc_node_state_word(node->state), part);
}

/* The most first; nodes that do not say so come last. */
static uint64_t number_of(const struct uc_node *node, enum nodes_sort sort)
{
	switch (sort) {
	case NODES_BY_STATE:
		return (uint64_t)!uc_node_is_usable(node->state) << 8 |
		       (node->state & UC_NODE_BASE);
	case NODES_BY_LOAD:
		return node->load == UC_NONE32 ? 0 : node->load;
	case NODES_BY_MEMORY:
		return node->memory_used;
	case NODES_BY_GPUS:
		return node->gpus_used == UC_NONE32 ? 0 : node->gpus_used;
	default:
		return 0;
	}
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct uc_node *x = *(const struct uc_node *const *)a;
	const struct uc_node *y = *(const struct uc_node *const *)b;
	const struct nodes_pane *p = arg;
	const uint64_t m = number_of(x, p->sort), n = number_of(y, p->sort);
	int order = m == n ? strverscmp(x->name.bytes ? x->name.bytes : "",
					y->name.bytes ? y->name.bytes : "")
		    : m < n ? 1
			    : -1;

	return p->inverted ? -order : order;
}

/* --- what partitions have --- */

static void add_node(struct nodes_partition *to, const struct uc_node *node)
{
	to->nodes++;
	to->out += !uc_node_is_usable(node->state);
	to->cpus += node->cpus;
	to->cpus_used += node->cpus_used;
	to->gpus += node->gpus == UC_NONE32 ? 0 : node->gpus;
	to->gpus_used += node->gpus_used == UC_NONE32 ? 0 : node->gpus_used;
}

static void count_partitions(const struct dash_data *data, struct nodes_pane *p)
{
	const struct uc_partitions *from = data->partitions;

	p->partitions = 0;
	if (from->count > p->partitions_room) {
		struct nodes_partition *more =
			reallocarray(p->partition, from->count, sizeof(*more));

		if (!more)
			return;
		p->partition = more;
		p->partitions_room = from->count;
	}
	for (size_t i = 0; i < from->count; i++) {
		struct nodes_partition *to = &p->partition[p->partitions++];
		const char *name = from->row[i].name.bytes;

		*to = (struct nodes_partition){ .partition = &from->row[i] };
		for (size_t n = 0; name && n < data->nodes->count; n++) {
			const struct uc_node *node = &data->nodes->row[n];

			if (node->partitions.bytes &&
			    uc_hosts_has(node->partitions.bytes, name))
				add_node(to, node);
		}
	}
}

/* --- the rows --- */

static void take(struct dash *d)
{
	struct nodes_pane *p = nodes_of(d);
	const struct uc_nodes *nodes = d->data ? d->data->nodes : NULL;
	size_t count = 0, name = 4, models = 6;

	if (!nodes)
		return;
	p->list.count = 0; /* what it borrows from may be gone */
	if (nodes->count > p->room) {
		const struct uc_node **row =
			reallocarray(p->row, nodes->count, sizeof(*row));

		if (!row)
			return;
		p->row = row;
		p->room = nodes->count;
	}
	for (size_t i = 0; i < nodes->count; i++) {
		const struct uc_node *node = &nodes->row[i];
		const size_t len = node->name.bytes ? strlen(node->name.bytes) : 0;

		const size_t wide =
			node->gpu_types.bytes ? strlen(node->gpu_types.bytes) : 0;

		name = len > name ? len : name;
		models = wide > models ? wide : models;
		if (matches(d, node))
			p->row[count++] = node;
	}
	d->columns[DASH_NODES].wanted[NODES_NAME] = (uint8_t)(name > 24 ? 24 : name);
	d->columns[DASH_NODES].wanted[NODES_MODELS] =
		(uint8_t)(models > 20 ? 20 : models);
	if (count)
		qsort_r(p->row, count, sizeof(struct uc_node *), compare, p);
	dash_list_sync(&p->list, p->row, count, id_of);
	if (p->counted != d->taken) /* not at every letter of a filter */
		count_partitions(d->data, p);
	p->counted = d->taken;
}

/* --- keys --- */

static void find_next(struct dash *d, bool back)
{
	struct nodes_pane *p = nodes_of(d);
	const char *text = uc_buf_text(&d->search);
	const size_t count = p->list.count;

	for (size_t i = 1; text[0] && i <= count; i++) {
		const size_t at = (p->list.at + (back ? count - i : i)) % count;

		if (dash_text_has(p->row[at]->name.bytes, text) ||
		    dash_text_has(p->row[at]->reason.bytes, text)) {
			dash_list_go(&p->list, p->row, id_of, (int64_t)at);
			return;
		}
	}
	dash_say(d, text[0] ? "not found: %s" : "nothing to search for%s", text);
}

static const char *const sort_names[NODES_SORTS] = {
	"name", "state", "load", "memory", "GPUs",
};

static void sort_by(struct dash *d, enum nodes_sort sort)
{
	nodes_of(d)->sort = sort;
	dash_say(d, "sorted by %s", sort_names[sort]);
	take(d);
}

static bool sort_named(struct dash *d, const char *name)
{
	for (int i = 0; i < NODES_SORTS; i++)
		if (name[0] && strncasecmp(sort_names[i], name, strlen(name)) == 0) {
			sort_by(d, (enum nodes_sort)i);
			return true;
		}
	return false;
}

/* A heading sorts by it, the other way round when it is by it already. */
static void click_head(struct dash *d, int column)
{
	struct nodes_pane *p = nodes_of(d);
	const size_t which = dash_columns_at(&d->columns[DASH_NODES], column);

	for (int i = 0; i < NODES_SORTS; i++)
		if (nodes_sort_column((enum nodes_sort)i) == which) {
			p->inverted = p->sort == (enum nodes_sort)i && !p->inverted;
			sort_by(d, (enum nodes_sort)i);
			return;
		}
}

static bool click(struct dash *d, const struct dash_event *event)
{
	struct nodes_pane *p = nodes_of(d);
	const int row = event->row - p->above - 1;
	const size_t at = p->list.top + (size_t)row;

	if (row == -1)
		click_head(d, event->column);
	if (row < 0 || at >= p->list.count)
		return row == -1;
	if (at == p->list.at)
		dash_show_details(d);
	dash_list_go(&p->list, p->row, id_of, (int64_t)at);
	return true;
}

static const struct uc_node *node_at(struct dash *d)
{
	const struct nodes_pane *p = nodes_of(d);

	return p->list.count ? p->row[p->list.at] : NULL;
}

static bool key(struct dash *d, const struct dash_event *event)
{
	struct nodes_pane *p = nodes_of(d);

	if (dash_list_key(&p->list, p->row, id_of, event->key, d->page))
		return true;
	switch (event->key) {
	case DASH_KEY_CLICK:
		return click(d, event);
	case 'n':
	case 'N':
		find_next(d, event->key == 'N');
		return true;
	case 's':
	case DASH_KEY_F + 6:
		sort_by(d, (enum nodes_sort)((p->sort + 1) % NODES_SORTS));
		return true;
	case 'I':
		p->inverted = !p->inverted;
		take(d);
		return true;
	default:
		return false;
	}
}

static int open_pane(struct dash *d)
{
	d->pane[DASH_NODES] = calloc(1, sizeof(struct nodes_pane));
	nodes_columns_open(&d->columns[DASH_NODES]);
	return d->pane[DASH_NODES] ? 0 : -1;
}

static void close_pane(struct dash *d)
{
	struct nodes_pane *p = nodes_of(d);

	if (!p)
		return;
	free(p->row);
	free(p->partition);
	free(p);
}

const struct dash_pane dash_pane_nodes = {
	.name = "Nodes",
	.open = open_pane,
	.close = close_pane,
	.take = take,
	.draw = nodes_draw,
	.key = key,
	.sort = sort_named,
	.node = node_at,
};

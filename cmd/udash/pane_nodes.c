/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Nodes: state, load, memory, GPUs, reasons; a line for each partition above them. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "udash/dash.h"

enum sort {
	BY_NAME,
	BY_STATE,
	BY_LOAD,
	BY_MEMORY,
	BY_GPUS,
	SORTS
};

struct nodes {
	struct dash_list list;
	const struct uc_node **row;
	size_t room;
	enum sort sort;
	bool inverted;
};

static struct nodes *nodes_of(const struct dash *d)
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
static uint64_t number_of(const struct uc_node *node, enum sort sort)
{
	switch (sort) {
	case BY_STATE:
		return (uint64_t)!uc_node_is_usable(node->state) << 8 |
		       (node->state & UC_NODE_BASE);
	case BY_LOAD:
		return node->load == UC_NONE32 ? 0 : node->load;
	case BY_MEMORY:
		return node->memory_used;
	case BY_GPUS:
		return node->gpus_used == UC_NONE32 ? 0 : node->gpus_used;
	default:
		return 0;
	}
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct uc_node *x = *(const struct uc_node *const *)a;
	const struct uc_node *y = *(const struct uc_node *const *)b;
	const struct nodes *p = arg;
	const uint64_t m = number_of(x, p->sort), n = number_of(y, p->sort);
	int order = m == n ? strverscmp(x->name.bytes ? x->name.bytes : "",
					y->name.bytes ? y->name.bytes : "")
		    : m < n ? 1
			    : -1;

	return p->inverted ? -order : order;
}

static void take(struct dash *d)
{
	struct nodes *p = nodes_of(d);
	const struct uc_nodes *nodes = d->data ? d->data->nodes : NULL;
	size_t count = 0;

	if (!nodes)
		return;
	if (nodes->count > p->room) {
		const struct uc_node **row =
			reallocarray(p->row, nodes->count, sizeof(*row));

		if (!row)
			return;
		p->row = row;
		p->room = nodes->count;
	}
	for (size_t i = 0; i < nodes->count; i++)
		if (matches(d, &nodes->row[i]))
			p->row[count++] = &nodes->row[i];
	if (count)
		qsort_r(p->row, count, sizeof(struct uc_node *), compare, p);
	dash_list_sync(&p->list, p->row, count, id_of);
}

/* --- drawing --- */

/* "gpu   GPUs ▇▇▇▇··  20/32   CPUs ▇▇···· 100/512": of its nodes. */
static void draw_partition(const struct dash *d, struct dash_area area, int line,
			   const struct uc_partition *partition)
{
	uint64_t cpus = 0, cpus_used = 0, gpus = 0, gpus_used = 0;
	uint32_t nodes = 0, out = 0;

	for (size_t i = 0; i < d->data->nodes->count; i++) {
		const struct uc_node *node = &d->data->nodes->row[i];

		if (!node->partitions.bytes || !partition->name.bytes ||
		    !uc_hosts_has(node->partitions.bytes, partition->name.bytes))
			continue;
		nodes++;
		out += !uc_node_is_usable(node->state);
		cpus += node->cpus;
		cpus_used += node->cpus_used;
		gpus += node->gpus == UC_NONE32 ? 0 : node->gpus;
		gpus_used += node->gpus_used == UC_NONE32 ? 0 : node->gpus_used;
	}
	dash_put_raw(dash_span(area, line, 0, 12),
		     partition->state == UC_PARTITION_UP ? DASH_PLAIN : DASH_BAD,
		     partition->name);
	dash_putf(dash_from(area, line, 13), DASH_PLAIN, "%u nodes", nodes);
	if (out)
		dash_putf(dash_from(area, line, 24), DASH_BAD, "%u out", out);
	dash_put(area, line, 33, DASH_FAINT, "CPUs");
	dash_put_bar(dash_span(area, line, 38, 10), DASH_GOOD, cpus_used, cpus);
	dash_putf(dash_from(area, line, 49), DASH_PLAIN, "%ju/%ju", (uintmax_t)cpus_used,
		  (uintmax_t)cpus);
	if (!gpus)
		return;
	dash_put(area, line, 62, DASH_FAINT, "GPUs");
	dash_put_bar(dash_span(area, line, 67, 10), DASH_GOOD, gpus_used, gpus);
	dash_putf(dash_from(area, line, 78), DASH_PLAIN, "%ju/%ju", (uintmax_t)gpus_used,
		  (uintmax_t)gpus);
}

static void draw_node(struct dash_area area, int line, const struct uc_node *node)
{
	const bool usable = uc_node_is_usable(node->state);
	uc_auto(buf) struct uc_buf memory = { 0 };
	int column = 0;

	column += dash_put_raw(dash_span(area, line, 0, 14), DASH_PLAIN, node->name) + 1;
	column += dash_put_raw(dash_span(area, line, column, 12),
			       usable ? DASH_PLAIN : DASH_BAD,
			       uc_raw(uc_node_state_word(node->state))) +
		  1;
	dash_putf(dash_from(area, line, column), DASH_PLAIN, "%u/%u", node->cpus_used,
		  node->cpus);
	column += 10;
	if (node->load != UC_NONE32)
		dash_putf(dash_from(area, line, column), DASH_PLAIN, "%u.%02u",
			  node->load / 100, node->load % 100);
	column += 8;
	uc_size_words(&memory, node->memory_used);
	uc_buf_addc(&memory, '/');
	uc_size_words(&memory, node->memory);
	dash_put(area, line, column, DASH_PLAIN, uc_buf_text(&memory));
	column += 13;
	if (node->gpus && node->gpus != UC_NONE32)
		dash_putf(dash_from(area, line, column),
			  node->gpus_used < node->gpus && usable ? DASH_GOOD : DASH_PLAIN,
			  "%u/%u", node->gpus_used == UC_NONE32 ? 0 : node->gpus_used,
			  node->gpus);
	column += 7;
	dash_put_raw(dash_span(area, line, column, area.columns - column),
		     usable ? DASH_PLAIN : DASH_BAD,
		     uc_raw_empty(node->reason) ? node->gpu_types : node->reason);
}

static void draw_head(struct dash_area head)
{
	dash_role_row(head, 0, DASH_HEAD);
	dash_putf(dash_from(head, 0, 0), DASH_HEAD, "%-14s %-12s %-9s %-7s %-12s %-6s %s",
		  "NODE", "STATE", "CPUS", "LOAD", "MEMORY", "GPUS", "MODELS OR REASON");
}

static void draw(struct dash *d, struct dash_area area)
{
	struct nodes *p = nodes_of(d);
	const struct uc_partitions *partitions = d->data->partitions;
	const int most = area.rows / 3;
	const char *wanted = uc_buf_text(&d->search);

	for (size_t i = 0; i < partitions->count && (int)i < most; i++)
		draw_partition(d, dash_area_top(&area, 1), 0, &partitions->row[i]);
	draw_head(dash_area_top(&area, 1));
	d->page = (size_t)(area.rows > 0 ? area.rows : 0);
	dash_list_show(&p->list, d->page);
	for (int line = 0; line < area.rows; line++) {
		const size_t at = p->list.top + (size_t)line;

		if (at >= p->list.count)
			break;
		draw_node(area, line, p->row[at]);
		if (wanted[0] && dash_text_has(p->row[at]->name.bytes, wanted))
			dash_flag_row(area, line, DASH_FOUND);
		if (at == p->list.at)
			dash_flag_row(area, line, DASH_SELECTED);
	}
}

/* --- keys --- */

static void find_next(struct dash *d, bool back)
{
	struct nodes *p = nodes_of(d);
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

static bool key(struct dash *d, const struct dash_event *event)
{
	static const char *const names[SORTS] = { "name", "state", "load", "memory",
						  "GPUs" };
	struct nodes *p = nodes_of(d);

	if (dash_list_key(&p->list, p->row, id_of, event->key, d->page))
		return true;
	switch (event->key) {
	case 'n':
	case 'N':
		find_next(d, event->key == 'N');
		return true;
	case 's':
	case DASH_KEY_F + 6:
		p->sort = (enum sort)((p->sort + 1) % SORTS);
		dash_say(d, "sorted by %s", names[p->sort]);
		take(d);
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
	d->pane[DASH_NODES] = calloc(1, sizeof(struct nodes));
	return d->pane[DASH_NODES] ? 0 : -1;
}

static void close_pane(struct dash *d)
{
	struct nodes *p = nodes_of(d);

	if (!p)
		return;
	free(p->row);
	free(p);
}

const struct dash_pane dash_pane_nodes = {
	.name = "Nodes",
	.open = open_pane,
	.close = close_pane,
	.take = take,
	.draw = draw,
	.key = key,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A line for each partition, then the nodes. */
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "udash/nodes.h"

// clang-format off
static const struct dash_column table[NODES_COLUMNS] = {
	[NODES_NAME] = { "name", "NODE", "its name", 12, 8, 0, 0, false },
	[NODES_STATE] = { "state", "STATE", "what it does", 10, 8, 0, 0, false },
	[NODES_PARTITIONS] = { "partitions", "PARTITIONS", "what it is in", 14, 8, 9, 0, false, true },
	[NODES_CPUS] = { "cpus", "CPUS", "CPUs in use, of how many", 8, 7, 3, 0, true },
	[NODES_LOAD] = { "load", "LOAD", "processes that run, as its system says", 6, 6, 5, 0, true },
	[NODES_MEMORY] = { "memory", "MEMORY", "memory in use, of how much", 11, 11, 4, 0, true },
	[NODES_GPUS] = { "gpus", "GPUS", "GPUs in use, of how many", 5, 5, 1, 0, true },
	[NODES_MODELS] = { "models", "MODELS", "models of GPUs", 6, 6, 6, 0, false },
	[NODES_FEATURES] = { "features", "FEATURES", "for --constraint", 20, 8, 10, 0, false, true },
	[NODES_REASON] = { "reason", "REASON", "why it is out of service", 24, 6, 2, 2, false },
};
// clang-format on

void nodes_columns_open(struct dash_columns *columns)
{
	const uint32_t usual = 1u << NODES_NAME | 1u << NODES_STATE | 1u << NODES_CPUS |
			       1u << NODES_LOAD | 1u << NODES_MEMORY | 1u << NODES_GPUS |
			       1u << NODES_MODELS | 1u << NODES_REASON;

	dash_columns_set(columns, table, NODES_COLUMNS, usual);
}

enum nodes_column nodes_sort_column(enum nodes_sort sort)
{
	static const enum nodes_column columns[NODES_SORTS] = {
		[NODES_BY_NAME] = NODES_NAME, [NODES_BY_STATE] = NODES_STATE,
		[NODES_BY_LOAD] = NODES_LOAD, [NODES_BY_MEMORY] = NODES_MEMORY,
		[NODES_BY_GPUS] = NODES_GPUS,
	};

	return columns[sort];
}

/* --- partitions --- */

/* "CPUs ██████···· 768/1920", shorter where there is less room; columns it took. */
static int draw_use(struct dash_area span, const char *what, uint64_t used, uint64_t all)
{
	const int bar = span.columns >= 29 ? 10 : span.columns >= 24 ? 5 : 0;
	int column = dash_put(span, 0, 0, DASH_FAINT, what) + 1;

	if (bar)
		column += dash_put_bar(dash_span(span, 0, column, bar), DASH_GOOD, used,
				       all) +
			  1;
	dash_putf(dash_from(span, 0, column), DASH_PLAIN, "%ju/%ju", (uintmax_t)used,
		  (uintmax_t)all);
	return span.columns;
}

static void draw_partition(const struct nodes_partition *p, struct dash_area line,
			   int name)
{
	const bool wide = line.columns >= name + 80;
	const int each = wide ? 31 : (line.columns - name - 20) / 2;
	int column = name + 1;

	dash_put_raw(dash_span(line, 0, 0, name),
		     p->partition->state == UC_PARTITION_UP ? DASH_PLAIN : DASH_BAD,
		     p->partition->name);
	dash_putf(dash_span(line, 0, column, 10), DASH_PLAIN, "%u node%s", p->nodes,
		  p->nodes == 1 ? "" : "s");
	column += 11;
	if (line.columns < name + 50) { /* GPUs are what matters */
		dash_putf(dash_from(line, 0, column), DASH_PLAIN, "%s%ju/%ju",
			  p->gpus ? "GPUs " : "CPUs ",
			  (uintmax_t)(p->gpus ? p->gpus_used : p->cpus_used),
			  (uintmax_t)(p->gpus ? p->gpus : p->cpus));
		return;
	}
	if (p->out)
		dash_putf(dash_span(line, 0, column, 8), DASH_BAD, "%u out", p->out);
	column += 9;
	column += draw_use(dash_span(line, 0, column, each - 1), "CPUs", p->cpus_used,
			   p->cpus) +
		  1;
	if (p->gpus)
		draw_use(dash_span(line, 0, column, each), "GPUs", p->gpus_used, p->gpus);
}

static void draw_partitions(const struct nodes_pane *p, struct dash_area area)
{
	size_t name = 4;

	for (size_t i = 0; i < p->partitions; i++) {
		const char *bytes = p->partition[i].partition->name.bytes;

		if (bytes && strlen(bytes) > name)
			name = strlen(bytes);
	}
	name = name > 16 ? 16 : name;
	if (area.columns < 60 && name > 8)
		name = 8;
	for (int i = 0; i < area.rows && (size_t)i < p->partitions; i++)
		draw_partition(&p->partition[i], dash_from(area, i, 0), (int)name);
}

/* --- nodes --- */

static void add_memory(struct uc_buf *out, const struct uc_node *node)
{
	uc_size_words(out, node->memory_used);
	uc_buf_addc(out, '/');
	uc_size_words(out, node->memory);
}

static void add_models(struct uc_buf *out, const struct uc_node *node)
{
	if (!uc_raw_empty(node->gpu_types))
		uc_buf_add(out, node->gpu_types.bytes);
}

static void add_raw(struct uc_buf *out, struct uc_raw raw)
{
	if (!uc_raw_empty(raw))
		uc_buf_add(out, raw.bytes);
}

/* What a column says; the role is plain unless there is a reason. */
static enum dash_role fill(struct uc_buf *out, const struct uc_node *node,
			   enum nodes_column which)
{
	const bool usable = uc_node_is_usable(node->state);
	const bool gpus = node->gpus && node->gpus != UC_NONE32;
	const uint32_t used = node->gpus_used == UC_NONE32 ? 0 : node->gpus_used;

	switch (which) {
	case NODES_NAME:
		add_raw(out, node->name);
		return DASH_PLAIN;
	case NODES_STATE:
		uc_buf_add(out, uc_node_state_word(node->state));
		return usable ? DASH_PLAIN : DASH_BAD;
	case NODES_PARTITIONS:
		add_raw(out, node->partitions);
		return DASH_PLAIN;
	case NODES_CPUS:
		uc_buf_addf(out, "%u/%u", node->cpus_used, node->cpus);
		return DASH_PLAIN;
	case NODES_LOAD:
		if (node->load != UC_NONE32)
			uc_buf_addf(out, "%u.%02u", node->load / 100, node->load % 100);
		return DASH_PLAIN;
	case NODES_MEMORY:
		add_memory(out, node);
		return DASH_PLAIN;
	case NODES_GPUS:
		if (gpus)
			uc_buf_addf(out, "%u/%u", used, node->gpus);
		return gpus && used < node->gpus && usable ? DASH_GOOD : DASH_PLAIN;
	case NODES_MODELS:
		add_models(out, node);
		return DASH_PLAIN;
	case NODES_FEATURES:
		add_raw(out, node->features);
		return DASH_PLAIN;
	default:
		add_raw(out, node->reason);
		return usable ? DASH_PLAIN : DASH_BAD;
	}
}

static void draw_node(const struct dash_columns *columns, struct dash_area area, int line,
		      const struct uc_node *node)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	for (size_t i = 0; i < NODES_COLUMNS; i++) {
		const struct dash_area span = dash_columns_cell(columns, area, line, i);
		enum dash_role role;

		if (!span.columns)
			continue;
		uc_buf_reset(&text);
		role = fill(&text, node, (enum nodes_column)i);
		if (table[i].right)
			dash_put_right(span, role, uc_buf_text(&text));
		else
			dash_put_raw(span, role, uc_raw(uc_buf_text(&text)));
	}
}

void nodes_draw(struct dash *d, struct dash_area area)
{
	struct nodes_pane *p = d->pane[DASH_NODES];
	struct dash_columns *columns = &d->columns[DASH_NODES];
	const char *wanted = uc_buf_text(&d->search);
	const int most = area.rows / 3;

	p->above = (int)p->partitions < most ? (int)p->partitions : most;
	draw_partitions(p, dash_area_top(&area, p->above));
	dash_columns_fit(columns, area.columns);
	dash_columns_head(columns, dash_area_top(&area, 1), nodes_sort_column(p->sort));
	d->page = (size_t)(area.rows > 0 ? area.rows : 0);
	dash_list_show(&p->list, d->page);
	if (!p->list.count)
		dash_draw_none(d, area, "node", "no nodes");
	for (int line = 0; line < area.rows; line++) {
		const size_t at = p->list.top + (size_t)line;

		if (at >= p->list.count)
			break;
		draw_node(columns, area, line, p->row[at]);
		if (wanted[0] && dash_text_has(p->row[at]->name.bytes, wanted))
			dash_flag_row(area, line, DASH_FOUND);
		if (at == p->list.at)
			dash_flag_row(area, line, DASH_SELECTED);
	}
}

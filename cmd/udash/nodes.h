/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_NODES_H
#define UC_UDASH_NODES_H
/* The pane of nodes: rows and keys (pane_nodes.c), lines and cells (nodes_draw.c). */
#include "udash/dash.h"

enum nodes_column {
	NODES_NAME,
	NODES_STATE,
	NODES_PARTITIONS,
	NODES_CPUS,
	NODES_LOAD,
	NODES_MEMORY,
	NODES_GPUS,
	NODES_MODELS,
	NODES_FEATURES,
	NODES_REASON,
	NODES_COLUMNS
};

enum nodes_sort {
	NODES_BY_NAME,
	NODES_BY_STATE,
	NODES_BY_LOAD,
	NODES_BY_MEMORY,
	NODES_BY_GPUS,
	NODES_SORTS
};

/* What the nodes of a partition have. */
struct nodes_partition {
	const struct uc_partition *partition;
	uint64_t cpus, cpus_used, gpus, gpus_used;
	uint32_t nodes, out;
};

struct nodes_pane {
	struct dash_list list;
	const struct uc_node **row;
	size_t room;
	struct nodes_partition *partition;
	size_t partitions, partitions_room;
	uint64_t counted; /* d->taken, when they were */
	enum nodes_sort sort;
	bool inverted;
	int above; /* rows above the list, as they were drawn */
};

/* nodes_draw.c */
void nodes_columns_open(struct dash_columns *columns);
void nodes_draw(struct dash *d, struct dash_area area);
/* The column whose heading tells the order. */
enum nodes_column nodes_sort_column(enum nodes_sort sort);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_NODE_INDEX_H
#define UC_SLURM_NODE_INDEX_H
/* From names of nodes to their rows, without a walk for each. */
#include <ucluster/node.h>
#include "base/arena.h"

struct uc_node_index {
	const struct uc_nodes *nodes;
	uint32_t *slot; /* row + 1, 0 = free; in the arena */
	size_t mask;
};
/* Out of memory is the arena's to tell; finds nothing then. */
void uc_node_index_make(struct uc_node_index *index, const struct uc_nodes *nodes,
			struct uc_arena *arena);
/* The row of this name, -1 without one. */
long uc_node_index_find(const struct uc_node_index *index, const char *name);
/* Names in a host list of a job or reservation; more mean harm. */
#define UC_NODE_INDEX_MAX 100000

#endif

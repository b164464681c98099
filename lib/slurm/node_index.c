/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/node_index.h"

#include <string.h>

static size_t hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3; /* FNV-1a */
	return (size_t)(h ^ h >> 32);
}

void uc_node_index_make(struct uc_node_index *index, const struct uc_nodes *nodes,
			struct uc_arena *arena)
{
	size_t size = 16;

	while (size < nodes->count * 2)
		size *= 2;
	*index = (struct uc_node_index){ .nodes = nodes, .mask = size - 1 };
	index->slot = uc_arena_array(arena, size, sizeof(*index->slot));
	for (size_t i = 0; index->slot && i < nodes->count; i++) {
		const char *name = nodes->row[i].name.bytes;
		size_t at = name ? hash(name) & index->mask : 0;

		while (name && index->slot[at])
			at = (at + 1) & index->mask;
		if (name)
			index->slot[at] = (uint32_t)i + 1;
	}
}

long uc_node_index_find(const struct uc_node_index *index, const char *name)
{
	if (!index->slot)
		return -1;
	for (size_t at = hash(name) & index->mask; index->slot[at];
	     at = (at + 1) & index->mask)
		if (!strcmp(index->nodes->row[index->slot[at] - 1].name.bytes, name))
			return (long)index->slot[at] - 1;
	return -1;
}

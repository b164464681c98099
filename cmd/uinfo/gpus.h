/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UINFO_GPUS_H
#define UC_UINFO_GPUS_H
/* The parts of uinfo gpus: tables (gpus_columns.c) and the picture (gpus_map.c). */
#include "uinfo/cluster.h"

/* A row by node, type or partition. */
struct gpu_row {
	const struct uc_gpu_node *node; /* NULL: of several */
	struct uc_raw partition, type;
	uint64_t nodes, total, used, mine, free, reserved, out, waiting;
};
/* A row a GPU. */
struct gpu_slot_row {
	const struct uc_gpu_node *node;
	uint32_t index;
};
extern const struct uc_column gpu_node_columns[], gpu_type_columns[],
	gpu_partition_columns[], gpu_slot_columns[];

/* One cell a GPU, and what the letters mean. */
int gpu_map_print(const struct uc_run *run, const struct uc_gpu_map *map,
		  const struct uinfo_filter *filter, int64_t now,
		  struct uc_error *err) UC_MUST_CHECK;

#endif

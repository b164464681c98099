/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_NODE_H
#define UCLUSTER_NODE_H
/* Nodes and partitions as snapshots of plain rows; see source.h for how to load them. */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uc_nodes;
struct uc_partitions;
void uc_nodes_free(struct uc_nodes *nodes);
void uc_partitions_free(struct uc_partitions *partitions);
UC_DEFINE_AUTO(nodes, struct uc_nodes *)
UC_DEFINE_AUTO(partitions, struct uc_partitions *)

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UINFO_NODES_H
#define UC_UINFO_NODES_H
#include "uinfo/cluster.h"

/* Of rows that are pointers to struct uc_node. */
extern const struct uc_column uinfo_node_columns[];

#endif

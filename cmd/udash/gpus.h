/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_GPUS_H
#define UC_UDASH_GPUS_H
/* The map of GPUs: what it is of and how it is moved in (pane_gpus.c), how it looks. */
#include "udash/dash.h"

struct gpus_user {
	uint32_t id;
	struct uc_raw name;
	uint64_t gpus;
};

struct gpus_pane {
	size_t *node; /* indices into the map: those to be seen */
	size_t count, room;
	size_t at, slot;        /* the cursor: of `node`, and of its GPUs */
	size_t top;             /* first line that is shown */
	struct dash_id id;      /* of the node at the cursor */
	struct gpus_user *user; /* with the most GPUs first */
	size_t users;
	uint64_t total[UC_GPU_OUT + 1];
	size_t across; /* nodes in a line, as it was drawn */
};

/* gpus_draw.c */
void gpus_draw(struct dash *d, struct dash_area area);

#endif

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

/* Nodes of the same partitions and model, under a heading. */
struct gpus_group {
	size_t first, count; /* of gpus_pane.node */
	struct uc_raw partitions, type;
	uint64_t total, free, out;
	int name, slots; /* columns of a node's name, and of its GPUs */
	int rows;        /* that a node takes */
	int each;        /* columns of a node, with the gap behind it */
	size_t across;   /* nodes in a line */
};

/* A heading (count 0), or nodes side by side. */
struct gpus_line {
	size_t group, first, count;
};

struct gpus_pane {
	size_t *node; /* indices into the map: those to be seen, group by group */
	size_t count, room;
	size_t at, slot;        /* the cursor: of `node`, and of its GPUs */
	size_t top;             /* first line that is shown */
	struct dash_id id;      /* of the node at the cursor */
	struct gpus_user *user; /* with the most GPUs first */
	size_t users;
	uint64_t total[UC_GPU_OUT + 1];
	struct gpus_group *group;
	size_t groups, groups_room;
	struct gpus_line *line;
	size_t lines, lines_room;
	int columns; /* that the lines were made for */
};

/* gpus_lines.c: which nodes are in which line; false: out of memory, there are none. */
bool gpus_groups_make(struct dash *d, struct gpus_pane *p);
bool gpus_lines_make(struct dash *d, struct gpus_pane *p, int columns);
/* The line that the cursor is in; lines: there is none. */
size_t gpus_line_at(const struct gpus_pane *p);

/* gpus_draw.c */
void gpus_draw(struct dash *d, struct dash_area area);
/* The part of the area that the map has, the rest being the side's. */
struct dash_area gpus_map_area(struct dash_area area);
/* gpus_side.c: how many are free, of which models; who holds how many. */
void gpus_draw_side(const struct dash *d, const struct gpus_pane *p,
		    struct dash_area side);

/* The terms of the map; other users have a letter each, those with most GPUs first. */
struct gpus_holder {
	char letter;
	enum dash_role role;
	const char *meaning;
};
extern const struct gpus_holder gpus_holders[UC_GPU_OUT + 1];
char gpus_user_letter(const struct dash *d, const struct gpus_pane *p, uint32_t user_id);

#endif

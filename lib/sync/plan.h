/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_PLAN_H
#define UC_SYNC_PLAN_H
/*
 * What is to be done: the near folder's list, held whole, is merged with the far one as
 * it arrives and with what both had after the last run. What is the same on both sides
 * leaves nothing behind; everything else is a row, in the order of a walk.
 */
#include "sync/decide.h"
#include "sync/far.h"
#include "sync/scope.h"
#include "sync/state.h"

enum uc_sync_row_state {
	UC_SYNC_ROW_OPEN,  /* nothing was done */
	UC_SYNC_ROW_EQUAL, /* is at the destination what it is at the source */
	UC_SYNC_ROW_GONE,  /* was removed there */
	UC_SYNC_ROW_BAD,   /* failed */
};

struct uc_sync_row {
	const struct uc_sync_entry *near, *far; /* NULL: not there */
	const char *why;
	uint8_t action; /* enum uc_sync_action; UC_SYNC_ACTIONS: of no concern */
	uint8_t state;
	bool above : 1;            /* a folder that is made when something in it is */
	bool time : 1;             /* a folder whose time alone differs: not told */
	bool touched : 1;          /* a folder in which something is done */
	bool keep : 1, linger : 1; /* see decide.h */
	bool twin : 1;             /* another name of an earlier file, at the source */
	bool linked : 1;           /* and at the destination */
	bool again : 1; /* what was put together of it was wrong: once more, whole */
};

struct uc_sync_far_twin {
	uint32_t index, first;
};

/* Zero-initialise; set the first block. */
struct uc_sync_planner {
	const struct uc_sync_request *request;
	const struct uc_sync_scope *scope;
	struct uc_sync_state *state;
	const struct uc_far_info *info;          /* known when the far list begins */
	int root;                                /* the near folder, -1: none */
	const struct uc_sync_walk_options *walk; /* of the walk here */

	struct uc_sync_list near;
	uint32_t *map;      /* of the walk's indices to 1 + those of `near`; or NULL */
	uint32_t walked;    /* entries told by the walk */
	uint32_t *near_far; /* 1 + index of the far entry, for each near one */
	unsigned char *touched; /* for each near entry that has no row: a folder */

	uint32_t
		*far_map; /* 1 + index in `near`, or FAR_ROW + that of the row; 0: none */
	uint32_t listed, far_room;
	struct uc_sync_far_twin *far_twin;
	size_t far_twins;
	struct uc_arena *strings; /* and entries of the far side */

	struct uc_sync_row **block;
	size_t rows, blocks;
	size_t at;    /* in `near` */
	char *closed; /* nothing below it is written: what is there is no folder */
	uint64_t same, same_bytes, there; /* entries; `there`: at the destination */
	bool rules_differ; /* a file of rules is not the same on both sides */
};

#define UC_SYNC_FAR_ROW 0x80000000u

/* Take an entry of the walk here. */
int uc_sync_plan_near(struct uc_sync_planner *planner, const struct uc_sync_entry *entry,
		      struct uc_error *err) UC_MUST_CHECK;
/* Merge with an entry of the far list. */
int uc_sync_plan_far(struct uc_sync_planner *planner, const struct uc_sync_entry *entry,
		     uint64_t sum, struct uc_error *err) UC_MUST_CHECK;
/* The far list ended: the rest here. */
int uc_sync_plan_end(struct uc_sync_planner *planner, struct uc_error *err) UC_MUST_CHECK;
/* Forget the far list, to begin it again. */
int uc_sync_plan_restart(struct uc_sync_planner *planner,
			 struct uc_error *err) UC_MUST_CHECK;
void uc_sync_plan_free(struct uc_sync_planner *planner);

struct uc_sync_row *uc_sync_plan_row(const struct uc_sync_planner *planner, size_t index);
/* By halving; NULL when the path has none. */
struct uc_sync_row *uc_sync_plan_find(const struct uc_sync_planner *planner,
				      const char *path);
/* The first name of the file that is a twin, NULL: it is out of the run's scope. */
const char *uc_sync_plan_twin(const struct uc_sync_planner *planner,
			      const struct uc_sync_row *row);

static inline bool uc_sync_is_push(const struct uc_sync_planner *planner)
{
	return planner->request->direction == UC_SYNC_PUSH;
}
static inline const struct uc_sync_entry *
uc_sync_row_here(const struct uc_sync_planner *planner, const struct uc_sync_row *row)
{
	return uc_sync_is_push(planner) ? row->near : row->far;
}
static inline const struct uc_sync_entry *
uc_sync_row_there(const struct uc_sync_planner *planner, const struct uc_sync_row *row)
{
	return uc_sync_is_push(planner) ? row->far : row->near;
}
static inline const char *uc_sync_row_path(const struct uc_sync_row *row)
{
	return row->near ? row->near->path : row->far->path;
}

/*
 * After the lists: leave out what is not selected, secrets, and removals that are not
 * safe; then count. `complete`: both lists are.
 */
int uc_sync_plan_settle(struct uc_sync_planner *planner, bool complete,
			struct uc_sync_plan *plan, struct uc_error *err) UC_MUST_CHECK;
/* Refuse a plan that removes too much, or for which there is no room. */
int uc_sync_plan_check(const struct uc_sync_planner *planner,
		       const struct uc_sync_plan *plan, uint64_t files_free,
		       struct uc_error *err) UC_MUST_CHECK;
/* Fill what a watcher is told about a row. */
void uc_sync_plan_item(const struct uc_sync_planner *planner,
		       const struct uc_sync_row *row, struct uc_sync_item *item);
/* Write the state after the run. */
int uc_sync_plan_save(struct uc_sync_planner *planner,
		      struct uc_error *err) UC_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_JOBS_H
#define UC_UDASH_JOBS_H
/* The pane of jobs: its rows (jobs_rows.c), its columns (jobs_columns.c). */
#include "udash/dash.h"

/* One line: a job, or an array that is folded. */
struct jobs_row {
	const struct uc_job *job;       /* of an array: one of it, the rest first */
	uint32_t records;               /* that it stands for */
	const struct dash_brief *brief; /* of that job */
	struct dash_id id;    /* of an array: its id, and when it was submitted first */
	uint32_t first, last; /* of these, by their place in d->data->jobs */
	uint32_t running, waiting;
	uint64_t gpus;
	bool inside; /* of an array that is unfolded */
};

/* In the order that they have on the screen. */
enum jobs_column {
	JOBS_ID,
	JOBS_USER,
	JOBS_ACCOUNT,
	JOBS_NAME,
	JOBS_PARTITION,
	JOBS_QOS,
	JOBS_STATE,
	JOBS_TIME,
	JOBS_USED,
	JOBS_GPUS,
	JOBS_CPUS,
	JOBS_MEMORY,
	JOBS_NODES,
	JOBS_PRIORITY,
	JOBS_SUBMITTED,
	JOBS_START,
	JOBS_END,
	JOBS_WHERE,
	JOBS_FOLDER,
	JOBS_COLUMNS
};

enum jobs_sort {
	JOBS_BY_STATE,
	JOBS_BY_ID,
	JOBS_BY_USER,
	JOBS_BY_NAME,
	JOBS_BY_PARTITION,
	JOBS_BY_TIME,
	JOBS_BY_GPUS,
	JOBS_BY_PRIORITY,
	JOBS_SORTS
};

struct jobs_pane {
	struct dash_list list;
	struct jobs_row *row; /* in the order on the screen */
	struct jobs_row *all; /* the same by their ids */
	struct dash_item *item;
	uint32_t *next; /* of each job: the next one of its row */
	size_t room;
	struct dash_set unfolded; /* arrays: what = their id */
	enum jobs_sort sort;
	bool inverted;
};

/* jobs_columns.c */
void jobs_columns_open(struct dash_columns *columns);
void jobs_draw_row(const struct dash *d, struct dash_area area, int line,
		   const struct jobs_row *row);

/* The rows of d->data that are to be seen, in their order. */
void jobs_rows_take(struct dash *d, struct jobs_pane *p);
/* The same ones by another order. */
void jobs_rows_sort(struct jobs_pane *p);
struct dash_id jobs_row_id(const void *rows, size_t index);
/* It stands for several tasks: an array that is folded, or the rest of one. */
bool jobs_row_is_array(const struct jobs_row *row);
/* Its number; an array that is folded: "100012[+]". */
void jobs_row_name(struct uc_buf *out, const struct jobs_row *row);
/* Its records, one after the other; NULL: the first, and the end. */
const struct uc_job *jobs_row_next(const struct dash *d, const struct jobs_pane *p,
				   const struct jobs_row *row, const struct uc_job *job);
/* What is unfolded is named by this. */
struct dash_id jobs_array_id(const struct uc_job *job);

#endif

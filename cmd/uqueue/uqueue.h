/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UQUEUE_UQUEUE_H
#define UC_UQUEUE_UQUEUE_H
/*
 * The parts of uqueue: of which jobs (filter.c), in which order (sort.c), what is shown
 * of them (columns.c, cells.c), and the commands made of these (list.c, totals.c, why.c,
 * show.c).
 */
#include <ucluster/action.h>
#include <ucluster/job.h>
#include "common/table.h"

struct uqueue_args {
	bool me, array, longer, start;
	int64_t iterate, watch;
	int by; /* enum uqueue_by, -1 = list jobs */
	const char *why, *finished;
	bool cancel, hold, release, requeue, yes, dry_run; /* actions: act.h */
	const char *signal;
	struct uc_strv set;
	struct uc_strv users, jobs, partitions, states, accounts, qos, names, nodes, sort;
	struct uc_listing listing;
};

/* A row of the listing: a job, or one task out of those that a record stands for. */
struct uqueue_row {
	const struct uc_job *job;
	uint32_t task; /* UC_NONE32: the record as it is */
};

/* How many tasks of an array the snapshot has. */
struct uqueue_array {
	uint32_t id, ended, known;
};

/* What cells are computed from besides the row. Zero-initialise; free it. */
struct uqueue_context {
	int64_t now;
	bool ascii;                  /* this locale has no multiplication sign */
	bool mark;                   /* one's own jobs */
	uint32_t me;                 /* user id */
	struct uqueue_array *arrays; /* by id */
	size_t array_count;
};
extern const struct uc_column uqueue_columns[];
int uqueue_context_fill(struct uqueue_context *context, const struct uc_run *run,
			const struct uc_jobs *jobs, struct uc_error *err) UC_MUST_CHECK;
void uqueue_context_free(struct uqueue_context *context);

/* Cells that are put together (cells.c). */
#define UQUEUE_CELL(name)                                                                \
	void name(const void *row, const void *context, struct uc_value *out)
UQUEUE_CELL(uqueue_get_id);
UQUEUE_CELL(uqueue_get_user);
UQUEUE_CELL(uqueue_get_mine);
UQUEUE_CELL(uqueue_get_state);
UQUEUE_CELL(uqueue_get_elapsed);
UQUEUE_CELL(uqueue_get_time_left);
UQUEUE_CELL(uqueue_get_gpus);
UQUEUE_CELL(uqueue_get_gpu_ids);
UQUEUE_CELL(uqueue_get_mig);
UQUEUE_CELL(uqueue_get_where);
UQUEUE_CELL(uqueue_get_why);
UQUEUE_CELL(uqueue_get_reason);
UQUEUE_CELL(uqueue_get_memory);
UQUEUE_CELL(uqueue_get_memory_total);
UQUEUE_CELL(uqueue_get_progress);
UQUEUE_CELL(uqueue_get_sharing);

/* Of all its nodes together; 0 = not known. */
uint64_t uqueue_job_memory(const struct uc_job *job);

/* The jobs asked for. Zero-initialise; lists that are empty ask for nothing special. */
struct uqueue_filter {
	struct uqueue_user {
		const char *name; /* compared when id is UC_NONE32 */
		uint32_t id;
	} * users;
	struct uc_job_id *ids;
	const struct uc_strv *words; /* borrowed: the ids as they were written */
	int64_t *states;             /* UC_JOB_..., one value each */
	size_t user_count, id_count, state_count;
	const struct uc_strv *partitions, *accounts, *qos, *names; /* borrowed */
	struct uc_strv nodes;
	bool all_states, by_task; /* by_task: some ids are of one task */
};
void uqueue_filter_free(struct uqueue_filter *filter);

/*
 * Understand what the options ask for; strings stay borrowed. Users of a cluster that is
 * live are looked up. UC_USAGE, UC_NOTFOUND: no such user.
 */
int uqueue_filter_make(struct uqueue_filter *filter, const struct uqueue_args *args,
		       bool live, struct uc_error *err) UC_MUST_CHECK;
int uqueue_id_parse(const char *word, const char *option, struct uc_job_id *id,
		    struct uc_error *err) UC_MUST_CHECK;
bool uqueue_filter_match(const struct uqueue_filter *filter, const struct uc_job *job);
/* Whether task `task` of a record that stands for many is among the ids asked for. */
bool uqueue_filter_task(const struct uqueue_filter *filter, const struct uc_job *job,
			uint32_t task);
/* UC_NOTFOUND naming the first id that no job has. */
int uqueue_filter_found(const struct uqueue_filter *filter, const struct uc_jobs *jobs,
			struct uc_error *err) UC_MUST_CHECK;

/* Of the jobs that may match the filter. */
struct uqueue_wants {
	bool detail;        /* GPUs by number */
	bool ended;         /* with those that wait also those that have ended */
	const char *fields; /* as in uc_job_query, and so are these: */
	int64_t since, max_age_ms;
};
/* Ask for no more than is needed, where the source can tell the difference. */
int uqueue_load(struct uc_source *source, const struct uqueue_filter *filter,
		const struct uqueue_wants *wants, struct uc_jobs **out,
		struct uc_error *err) UC_MUST_CHECK;
/* Add the fields that a column, or the filter, needs (fields.c). */
void uqueue_fields_add(struct uc_buf *fields, const struct uc_column *column);
void uqueue_fields_add_filter(struct uc_buf *fields, const struct uqueue_filter *filter);

/* What --sort asks for; "-priority", "P". Keys are checked before anything is loaded. */
struct uqueue_sort {
	struct {
		const struct uc_column *column;
		bool descending;
	} key[8];
	size_t count;
};
int uqueue_sort_parse(const struct uc_strv *words, struct uqueue_sort *out,
		      struct uc_error *err) UC_MUST_CHECK;
int uqueue_sort_rows(const struct uqueue_sort *sort, const struct uc_table *table,
		     struct uqueue_row *rows, struct uc_error *err) UC_MUST_CHECK;

enum uqueue_by {
	UQUEUE_BY_USER,
	UQUEUE_BY_ACCOUNT,
	UQUEUE_BY_PARTITION,
	UQUEUE_BY_NODE,
	UQUEUE_BY_GPU
};
extern const char *const uqueue_by_names[];

/* The work; each returns the exit status. */
/* The option that asks to do something to jobs, without dashes; NULL: none does. */
const char *uqueue_acting(const struct uqueue_args *args);
int uqueue_do(struct uc_run *run, const struct uqueue_args *args);
int uqueue_watch(struct uc_run *run, const struct uqueue_args *args);
int uqueue_list(struct uc_run *run, const struct uqueue_args *args);
int uqueue_totals(struct uc_run *run, const struct uqueue_args *args);
int uqueue_finished(struct uc_run *run, const struct uqueue_args *args);
int uqueue_why(struct uc_run *run, const struct uqueue_args *args);
extern const struct uc_cmd uqueue_show, uqueue_eff;

#endif

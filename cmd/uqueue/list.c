/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The listing: load, narrow down, sort, print; once or again and again. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/state.h>
#include "uqueue/list.h"

/* Slurm's own limit of MaxArraySize. */
#define TASKS_MAX 4000001

static const char long_columns[] =
	"id,user,account,partition,qos,name,state,progress,submit_time,start_time,"
	"elapsed,time_limit,node_count,cpus,memory_total,gpus,priority,where";
static const char start_columns[] = "id,user,name,partition,state,start_time,time_limit,"
				    "node_count,cpus,gpus,sched_nodes,why";

/* What the filter is sure not to match need not travel. */
static void ask_for_states(const struct uqueue_filter *filter,
			   const struct uqueue_wants *wants, struct uc_job_query *query)
{
	const uint32_t current =
		1u << UC_JOB_PENDING | 1u << UC_JOB_RUNNING | 1u << UC_JOB_SUSPENDED;

	/* an id that is given is looked for among all */
	if (filter->all_states || filter->id_count)
		return;
	for (size_t i = 0; i < filter->state_count; i++) {
		uint32_t state = (uint32_t)filter->states[i];

		if (state > UC_JOB_BASE)
			query->state_flags |= state;
		else
			query->states |= 1u << state;
	}
	if (!filter->state_count) {
		query->states = current;
		query->state_flags = UC_JOB_COMPLETING;
	}
	/* how far an array got is said of what waits of it */
	if (wants->ended && query->states & 1u << UC_JOB_PENDING)
		query->states = query->state_flags = 0;
}

int uqueue_load(struct uc_source *source, const struct uqueue_filter *filter,
		const struct uqueue_wants *wants, struct uc_jobs **out,
		struct uc_error *err)
{
	size_t users = filter->user_count, ids = filter->id_count;
	uint32_t *numbers = calloc(users + ids + 1, sizeof(*numbers));
	struct uc_job_query query = { .detail = wants->detail,
				      .fields = wants->fields,
				      .since = wants->since,
				      .max_age_ms = wants->max_age_ms };
	bool by_id = true;
	int rc;

	if (!numbers)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < users; i++) {
		numbers[i] = filter->users[i].id;
		by_id = by_id && numbers[i] != UC_NONE32;
	}
	for (size_t i = 0; i < ids; i++)
		numbers[users + i] = filter->ids[i].job;
	query.user_ids = numbers;
	query.user_count = by_id ? users : 0;
	query.job_ids = numbers + users;
	query.job_count = ids;
	ask_for_states(filter, wants, &query);
	rc = uc_jobs_load(source, &query, out, err);
	free(numbers);
	return rc;
}

static int add_row(struct uqueue_rows *rows, const struct uc_job *job, uint32_t task)
{
	if (rows->count == rows->size) {
		size_t size = rows->size ? 2 * rows->size : 1024;
		struct uqueue_row *bigger =
			reallocarray(rows->row, size, sizeof(*bigger));

		if (!bigger)
			return -1;
		rows->row = bigger;
		rows->size = size;
	}
	rows->row[rows->count++] = (struct uqueue_row){ job, task };
	return 0;
}

/* Each task that the record stands for, of those asked for. */
static int add_tasks(const struct uqueue_listing *list, const struct uc_job *job,
		     struct uqueue_rows *rows)
{
	const char *rest = job->array_tasks.bytes;
	struct uc_tasks range;

	while (uc_tasks_next(&rest, &range))
		for (uint64_t task = range.first; task <= range.last; task += range.step)
			if (uqueue_filter_task(&list->filter, job, (uint32_t)task) &&
			    add_row(rows, job, (uint32_t)task) < 0)
				return -1;
	return 0;
}

/* The whole record was asked for, by its own id or by everything else. */
static bool is_whole(const struct uqueue_listing *list, const struct uc_job *job)
{
	return !list->filter.by_task ||
	       uqueue_filter_task(&list->filter, job, UC_NONE32 - 1);
}

int uqueue_listing_rows(const struct uqueue_listing *list, const struct uc_jobs *jobs,
			struct uqueue_rows *rows)
{
	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];
		bool countable, split;

		if (!uqueue_filter_match(&list->filter, job))
			continue;
		countable = !uc_raw_empty(job->array_tasks) &&
			    uc_array_count(job->array_tasks.bytes) <= TASKS_MAX;
		split = countable && (list->array || !is_whole(list, job));
		if ((split ? add_tasks(list, job, rows) : add_row(rows, job, UC_NONE32)) <
		    0)
			return -1;
	}
	return 0;
}

/* One that there is not has no jobs either, and is a mistake all the same. */
static int check_partitions(struct uc_source *source, const struct uc_strv *names,
			    struct uc_error *err)
{
	uc_auto(partitions) struct uc_partitions *all = NULL;
	uc_auto(strv) struct uc_strv known = { 0 };
	struct uc_error why = { 0 };

	if (!names->count || uc_partitions_load(source, &all, &why) < 0)
		return 0;
	for (size_t i = 0; i < all->count; i++)
		if (!uc_raw_empty(all->row[i].name))
			uc_strv_add(&known, all->row[i].name.bytes);
	for (size_t i = 0; i < names->count && !known.failed; i++) {
		const char *near;

		if (uc_strv_find(&known, names->item[i]) >= 0)
			continue;
		near = uc_text_nearest(names->item[i], (const char *const *)known.item);
		uc_fail(err, UC_NOTFOUND, "no partition '%s'", names->item[i]);
		return near ? uc_hint(err, "did you mean '%s'?", near) : -1;
	}
	return 0;
}

static int print(struct uc_run *run, const struct uqueue_listing *list,
		 const struct uc_jobs *jobs, const struct uqueue_context *context,
		 bool *none)
{
	struct uqueue_rows rows = { 0 };
	struct uc_table table = { .name = "jobs",
				  .row_size = sizeof(*rows.row),
				  .context = context,
				  .now = jobs->now };
	struct uc_error err = { 0 };
	int status;

	if (uqueue_listing_rows(list, jobs, &rows) < 0) {
		uc_fail(&err, UC_FAILED, "out of memory");
		free(rows.row);
		return uc_run_error(run, &err);
	}
	table.rows = rows.row;
	table.count = rows.count;
	if (rows.count && uqueue_sort_rows(&list->sort, &table, rows.row, &err) < 0) {
		free(rows.row);
		return uc_run_error(run, &err);
	}
	status = uc_table_print(run, &table, &list->shown, &list->listing);
	free(rows.row);
	*none = !table.count;
	if (status == 0 && uqueue_filter_found(&list->filter, jobs, &err) < 0)
		return uc_run_error(run, &err);
	return status;
}

static int once(struct uc_run *run, const struct uqueue_listing *list,
		struct uc_source *source)
{
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	struct uqueue_context context = { 0 };
	struct uc_error err = { 0 };
	bool none = false;
	int status;

	if (uqueue_load(source, &list->filter, &list->wants, &jobs, &err) < 0 ||
	    uqueue_context_fill(&context, run, jobs, &err) < 0)
		return uc_run_error(run, &err);
	uc_source_rest(source);
	status = print(run, list, jobs, &context, &none);
	uqueue_context_free(&context);
	if (status != 0 || !none)
		return status;
	if (check_partitions(source, list->filter.partitions, &err) < 0)
		return uc_run_error(run, &err);
	if (run->stdout_tty && !list->listing.json)
		uc_run_say(run, 0, "no jobs");
	return 0;
}

/*
 * Until somebody stops it or stdout is gone; a cluster that does not answer for a while
 * is said and asked again.
 */
static int again(struct uc_run *run, const struct uqueue_listing *list,
		 struct uc_source *source, int64_t seconds)
{
	for (;;) {
		struct timespec pause = { .tv_sec = (time_t)seconds };
		time_t now = (time_t)uc_source_now(source);
		struct tm tm;
		char text[64] = "";

		if (localtime_r(&now, &tm))
			strftime(text, sizeof(text), "%FT%T", &tm);
		puts(text);
		run->status = once(run, list, source);
		if (fflush(stdout) != 0 || ferror(stdout))
			return run->status;
		nanosleep(&pause, NULL);
		putchar('\n');
	}
}

/* What the columns that are shown, and those that are sorted by, need. */
static int find_needs(struct uqueue_listing *list, struct uc_error *err)
{
	for (size_t i = 0; i < list->shown.count; i++) {
		const struct uc_column *column = list->shown.column[i];

		list->wants.detail |= column->get == uqueue_get_gpu_ids;
		list->wants.ended |= column->get == uqueue_get_progress;
		uqueue_fields_add(&list->fields, column);
	}
	for (size_t i = 0; i < list->sort.count; i++)
		uqueue_fields_add(&list->fields, list->sort.key[i].column);
	uqueue_fields_add_filter(&list->fields, &list->filter);
	list->wants.fields = list->fields.data;
	return list->fields.failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

int uqueue_listing_select(struct uc_run *run, const struct uqueue_args *args,
			  struct uqueue_listing *list)
{
	char start_time[] = "start_time", *keys[] = { start_time, NULL };
	struct uc_strv sort = args->sort;
	struct uc_error err = { 0 };

	list->listing = args->listing;
	list->array = args->array;
	if (args->start)
		list->listing.usual = start_columns;
	if (args->longer)
		list->listing.usual = long_columns;
	if (args->start && !sort.count)
		sort = (struct uc_strv){ .item = keys, .count = 1 };
	if (uqueue_sort_parse(&sort, &list->sort, &err) < 0) {
		uc_run_error(run, &err);
		return -1;
	}
	return uc_listing_select(run, uqueue_columns, &list->listing, &list->shown);
}

int uqueue_listing_make(const struct uqueue_args *args, const struct uc_source *source,
			struct uqueue_listing *list, struct uc_error *err)
{
	if (uqueue_filter_make(&list->filter, args, uc_source_is_live(source), err) < 0)
		return -1;
	return find_needs(list, err);
}

void uqueue_listing_free(struct uqueue_listing *list)
{
	uqueue_filter_free(&list->filter);
	uc_buf_free(&list->fields);
}

int uqueue_list(struct uc_run *run, const struct uqueue_args *args)
{
	uc_auto(source) struct uc_source *source = NULL;
	struct uqueue_listing list = { 0 };
	struct uc_error err = { 0 };
	int status;

	if (uqueue_listing_select(run, args, &list) < 0 || uc_run_config(run, NULL) < 0 ||
	    uc_run_source(run, 0, &source) < 0)
		return run->status;
	if (uqueue_listing_make(args, source, &list, &err) < 0)
		status = uc_run_error(run, &err);
	else if (args->iterate)
		status = again(run, &list, source, args->iterate);
	else
		status = once(run, &list, source);
	uqueue_listing_free(&list);
	return status;
}

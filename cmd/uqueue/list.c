/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The listing: load, narrow down, sort, print; once or again and again. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "uqueue/uqueue.h"

/* Slurm's own limit of MaxArraySize. */
#define TASKS_MAX 4000001

static const char long_columns[] =
	"id,user,account,partition,qos,name,state,progress,submit_time,start_time,"
	"elapsed,time_limit,node_count,cpus,memory_total,gpus,priority,where";
static const char start_columns[] = "id,user,name,partition,state,start_time,time_limit,"
				    "node_count,cpus,gpus,sched_nodes,why";

struct job_list {
	struct uqueue_filter filter;
	struct uqueue_sort sort;
	struct uc_listing listing;
	struct uc_selection shown;
	bool array;  /* one row a task */
	bool detail; /* some column needs it */
};

struct rows {
	struct uqueue_row *row;
	size_t count, size;
};

/* Ask the source for no more than is needed, where it can tell the difference. */
int uqueue_load(struct uc_source *source, const struct uqueue_filter *filter, bool detail,
		struct uc_jobs **out, struct uc_error *err)
{
	size_t users = filter->user_count, ids = filter->id_count;
	uint32_t *numbers = calloc(users + ids + 1, sizeof(*numbers));
	struct uc_job_query query = { .detail = detail };
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
	rc = uc_jobs_load(source, &query, out, err);
	free(numbers);
	return rc;
}

static int add_row(struct rows *rows, const struct uc_job *job, uint32_t task)
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
static int add_tasks(const struct job_list *list, const struct uc_job *job,
		     struct rows *rows)
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
static bool is_whole(const struct job_list *list, const struct uc_job *job)
{
	return !list->filter.by_task ||
	       uqueue_filter_task(&list->filter, job, UC_NONE32 - 1);
}

static int collect(const struct job_list *list, const struct uc_jobs *jobs,
		   struct rows *rows)
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

static int print(struct uc_run *run, const struct job_list *list,
		 const struct uc_jobs *jobs, const struct uqueue_context *context)
{
	struct rows rows = { 0 };
	struct uc_table table = { .name = "jobs",
				  .row_size = sizeof(*rows.row),
				  .context = context,
				  .now = jobs->now };
	struct uc_error err = { 0 };
	int status;

	if (collect(list, jobs, &rows) < 0) {
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
	if (status == 0 && uqueue_filter_found(&list->filter, jobs, &err) < 0)
		return uc_run_error(run, &err);
	if (!table.count && run->stdout_tty && !list->listing.json)
		uc_run_say(run, 0, "no jobs");
	return status;
}

static int once(struct uc_run *run, const struct job_list *list, struct uc_source *source)
{
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	struct uqueue_context context = { 0 };
	struct uc_error err = { 0 };
	int status;

	if (uqueue_load(source, &list->filter, list->detail, &jobs, &err) < 0 ||
	    uqueue_context_fill(&context, run, jobs, &err) < 0)
		return uc_run_error(run, &err);
	status = print(run, list, jobs, &context);
	uqueue_context_free(&context);
	return status;
}

/*
 * Until somebody stops it or stdout is gone; a cluster that does not answer for a while
 * is said and asked again.
 */
static int again(struct uc_run *run, const struct job_list *list,
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

static bool needs_detail(const struct uc_selection *shown)
{
	for (size_t i = 0; i < shown->count; i++)
		if (shown->column[i]->get == uqueue_get_gpu_ids)
			return true;
	return false;
}

int uqueue_list(struct uc_run *run, const struct uqueue_args *args)
{
	uc_auto(source) struct uc_source *source = NULL;
	struct job_list list = { .listing = args->listing, .array = args->array };
	char start_time[] = "start_time", *keys[] = { start_time, NULL };
	struct uc_strv sort = args->sort;
	struct uc_error err = { 0 };
	int status;

	if (args->start)
		list.listing.usual = start_columns;
	if (args->longer)
		list.listing.usual = long_columns;
	if (args->start && !sort.count)
		sort = (struct uc_strv){ .item = keys, .count = 1 };
	if (uqueue_sort_parse(&sort, &list.sort, &err) < 0)
		return uc_run_error(run, &err);
	if (uc_listing_select(run, uqueue_columns, &list.listing, &list.shown) < 0 ||
	    uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0)
		return run->status;
	list.detail = needs_detail(&list.shown);
	if (uqueue_filter_make(&list.filter, args, uc_source_is_live(source), &err) < 0)
		status = uc_run_error(run, &err);
	else if (args->iterate)
		status = again(run, &list, source, args->iterate);
	else
		status = once(run, &list, source);
	uqueue_filter_free(&list.filter);
	return status;
}

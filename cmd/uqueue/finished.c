/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uqueue --finished: jobs that have ended, from accounting where there is one. */
#include <stdlib.h>
#include <unistd.h>
#include <ucluster/state.h>
#include "uqueue/finished.h"

#define DAY 86400
/* Terminals narrower than this get the few words of how a job ended, uncut. */
#define WIDE 110
static const char narrow_columns[] =
	"id,user,name,partition,end_time,elapsed,cpus,gpus,exit_code,ended_brief";

struct finished {
	struct uqueue_filter filter;
	struct uc_listing listing;
	struct uc_selection shown;
	int64_t since; /* ended then or later */
};

static int load(struct uc_source *source, const struct finished *what,
		struct uc_history_facts *facts, struct uc_history **out,
		struct uc_error *err)
{
	const struct uqueue_filter *filter = &what->filter;
	uint32_t *numbers =
		calloc(filter->user_count + filter->id_count + 1, sizeof(*numbers));
	struct uc_history_query query = { .since = what->since };
	bool by_id = true;
	int rc;

	if (!numbers)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < filter->user_count; i++) {
		numbers[i] = filter->users[i].id;
		by_id = by_id && numbers[i] != UC_NONE32;
	}
	for (size_t i = 0; i < filter->id_count; i++)
		numbers[filter->user_count + i] = filter->ids[i].job;
	query.user_ids = numbers;
	query.user_count = by_id ? filter->user_count : 0;
	query.job_ids = numbers + filter->user_count;
	query.job_count = filter->id_count;
	rc = uc_history_load(source, &query, facts, out, err);
	free(numbers);
	return rc;
}

/* Each run of it: also one after which it was requeued. */
static bool is_over(const struct finished *what, const struct uc_past *past)
{
	return past->end_time && past->end_time >= what->since &&
	       (uc_job_is_finished(past->state) || (past->state & UC_JOB_REQUEUE));
}

static int compare_rows(const void *a, const void *b)
{
	const struct uc_past *x = ((const struct finished_row *)a)->past;
	const struct uc_past *y = ((const struct finished_row *)b)->past;

	if (x->end_time != y->end_time)
		return x->end_time < y->end_time ? -1 : 1;
	return x->job_id < y->job_id ? -1 : x->job_id > y->job_id;
}

static size_t collect(const struct finished *what, const struct uc_history *history,
		      struct finished_row *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < history->count; i++) {
		struct finished_row *row = &rows[count];

		row->past = &history->row[i];
		if (row->past->step.bytes || !is_over(what, row->past))
			continue;
		uc_job_of_past(&row->job, row->past);
		count += uqueue_filter_match(&what->filter, &row->job);
	}
	qsort(rows, count, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < count; i++)
		rows[i].row = (struct uqueue_row){ &rows[i].job, UC_NONE32 };
	return count;
}

static int print(struct uc_run *run, const struct finished *what,
		 const struct uc_history *history)
{
	struct uqueue_context context = { .now = history->now,
					  .ascii = run->safe & UC_SAFE_ASCII,
					  .me = getuid() };
	struct uc_table table = { .name = "finished",
				  .row_size = sizeof(struct finished_row),
				  .context = &context,
				  .now = history->now };
	struct finished_row *rows = calloc(history->count + 1, sizeof(*rows));
	struct uc_error err = { 0 };
	int status;

	if (!rows) {
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(run, &err);
	}
	table.rows = rows;
	table.count = collect(what, history, rows);
	status = uc_table_print(run, &table, &what->shown, &what->listing);
	if (!table.count && run->stdout_tty && !what->listing.json)
		uc_run_say(run, 0, "no jobs ended since then");
	free(rows);
	return status;
}

static int list(struct uc_run *run, struct finished *what, struct uc_source *source)
{
	uc_auto(history) struct uc_history *history = NULL;
	struct uc_history_facts facts;
	struct uc_error err = { 0 };

	if (load(source, what, &facts, &history, &err) < 0)
		return uc_run_error(run, &err);
	if (facts.origin == UC_HISTORY_MEMORY)
		uc_run_say(run, 0,
			   "%s: only what slurmctld remembers, the last minutes, is "
			   "shown",
			   facts.why);
	return print(run, what, history);
}

int uqueue_finished(struct uc_run *run, const struct uqueue_args *args)
{
	uc_auto(source) struct uc_source *source = NULL;
	struct finished what = { .listing = args->listing };
	struct uc_error err = { 0 };
	int64_t now;
	int status;

	if (run->stdout_tty && run->columns < WIDE)
		what.listing.usual = narrow_columns;
	if (uc_listing_select(run, uqueue_finished_columns, &what.listing, &what.shown) <
		    0 ||
	    uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0)
		return run->status;
	now = uc_source_now(source);
	what.since = args->jobs.count ? 0 : now - DAY;
	if (args->finished[0] &&
	    uc_since_parse(args->finished, now, &what.since, &err) < 0) {
		uc_context(&err, "option '--finished'");
		return uc_run_error(run, &err);
	}
	if (uqueue_filter_make(&what.filter, args, uc_source_is_live(source), &err) < 0) {
		status = uc_run_error(run, &err);
	} else {
		what.filter.all_states = what.filter.all_states || !args->states.count;
		status = list(run, &what, source);
	}
	uqueue_filter_free(&what.filter);
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uqueue: the jobs of the cluster. */
#include <stdlib.h>
#include <unistd.h>
#include <ucluster/state.h>
#include "common/run.h"
#include "uqueue/uqueue.h"

struct args {
	bool me;
	struct uc_strv users, jobs, partitions, states;
	struct uc_listing listing;
};

// clang-format off
static const struct uc_opt options[] = {
	{ "me", .type = UC_OPT_FLAG, .offset = offsetof(struct args, me),
	  .group = "Which jobs", .help = "my own" },
	{ "user", 'u', UC_OPT_LIST, .metavar = "USER", .offset = offsetof(struct args, users),
	  .help = "of these users, by name or number" },
	{ "jobs", 'j', UC_OPT_LIST, .metavar = "JOBID", .offset = offsetof(struct args, jobs),
	  .help = "these: 4711 or 4711_3, ended ones too",
	  .doc = "These jobs, also when they have ended but slurmctld still knows them.\n"
		 "The id of an array stands for all of its tasks,\n"
		 ".Ar 4711_3\nfor one of them." },
	{ "partition", 'p', UC_OPT_LIST, .metavar = "PARTITION",
	  .offset = offsetof(struct args, partitions), .help = "in these partitions" },
	{ "states", 't', UC_OPT_LIST, .metavar = "STATE",
	  .offset = offsetof(struct args, states),
	  .help = "in these states: PD, R, ..., or all of them",
	  .doc = "Jobs in these states, by Slurm's short or long names in any case,\nor\n"
		 ".Cm all .\nWithout it and without\n.Fl -jobs :\njobs that have not ended." },
	UC_LISTING_OPTIONS(struct args, listing),
	{ 0 }
};
// clang-format on

/* Order: what runs, what waits (the next to start first), what has ended; then by id. */
static int rank(const struct uc_job *job)
{
	if (uc_job_is_finished(job->state))
		return 2;
	return (job->state & UC_JOB_BASE) == UC_JOB_PENDING;
}

static int compare(const void *a, const void *b)
{
	const struct uc_job *x = *(const struct uc_job *const *)a;
	const struct uc_job *y = *(const struct uc_job *const *)b;

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	if (rank(x) == 1 && x->priority != y->priority)
		return x->priority < y->priority ? 1 : -1;
	return x->job_id < y->job_id ? -1 : x->job_id > y->job_id;
}

static int make_filter(const struct args *args, bool live, struct uqueue_filter *filter,
		       struct uc_error *err)
{
	if (uqueue_filter_ids(filter, &args->jobs, err) < 0 ||
	    uqueue_filter_states(filter, &args->states, err) < 0 ||
	    uqueue_filter_users(filter, &args->users, live, err) < 0)
		return -1;
	filter->partitions = &args->partitions;
	if (args->me)
		filter->users[filter->user_count++] =
			(struct uqueue_user){ "", getuid() };
	return 0;
}

/* Ask the source for no more than is needed, where it can tell the difference. */
static int load(struct uc_source *source, const struct uqueue_filter *filter,
		struct uc_jobs **out, struct uc_error *err)
{
	size_t users = filter->user_count, ids = filter->id_count;
	uint32_t *numbers = calloc(users + ids + 1, sizeof(*numbers));
	struct uc_job_query query = { 0 };
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

/* A job that was asked for by its id and is not there is an error, an empty list is not.
 */
static int check_found(const struct uqueue_filter *filter, const struct uc_jobs *jobs,
		       struct uc_error *err)
{
	for (size_t i = 0; i < filter->id_count; i++) {
		const struct uqueue_id *id = &filter->ids[i];
		bool found = false;

		for (size_t r = 0; !found && r < jobs->count; r++)
			found = uqueue_id_match(id, &jobs->row[r]);
		if (!found && id->task != UC_NONE32)
			return uc_fail(err, UC_NOTFOUND, "job %u_%u is not in the queue",
				       id->job, id->task);
		if (!found)
			return uc_fail(err, UC_NOTFOUND, "job %u is not in the queue",
				       id->job);
	}
	return 0;
}

static int show(struct uc_run *run, const struct uc_jobs *jobs,
		const struct uqueue_filter *filter, const struct args *args,
		const struct uc_selection *shown)
{
	const struct uqueue_context context = { jobs->now, run->safe & UC_SAFE_ASCII };
	const struct uc_job **rows = calloc(jobs->count + 1, sizeof(*rows));
	struct uc_error err = { 0 };
	size_t count = 0;
	int status;

	if (!rows) {
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(run, &err);
	}
	for (size_t i = 0; i < jobs->count; i++)
		if (uqueue_filter_match(filter, &jobs->row[i]))
			rows[count++] = &jobs->row[i];
	qsort(rows, count, sizeof(*rows), compare);
	status = uc_table_print(run,
				&(struct uc_table){ .name = "jobs",
						    .rows = rows,
						    .count = count,
						    .row_size = sizeof(*rows),
						    .context = &context,
						    .now = jobs->now },
				shown, &args->listing);
	free(rows);
	if (status == 0 && check_found(filter, jobs, &err) < 0)
		return uc_run_error(run, &err);
	if (!count && run->stdout_tty && !args->listing.json)
		uc_run_say(run, 0, "no jobs");
	return status;
}

static int list(struct uc_run *run, const struct args *args)
{
	uc_auto(source) struct uc_source *source = NULL;
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	struct uqueue_filter filter = { 0 };
	struct uc_selection shown;
	struct uc_error err = { 0 };
	int status;

	if (uc_listing_select(run, uqueue_columns, &args->listing, &shown) < 0 ||
	    uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0)
		return run->status;
	if (make_filter(args, uc_source_is_live(source), &filter, &err) < 0 ||
	    load(source, &filter, &jobs, &err) < 0)
		status = uc_run_error(run, &err);
	else
		status = show(run, jobs, &filter, args, &shown);
	uqueue_filter_free(&filter);
	return status;
}

static int run_uqueue(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct args args = { 0 };
	int status;

	(void)argc;
	status = uc_run_parse(run, cmd, argv, &args) ? list(run, &args) : run->status;
	uc_strv_free(&args.users);
	uc_strv_free(&args.jobs);
	uc_strv_free(&args.partitions);
	uc_strv_free(&args.states);
	return status;
}

static const struct uc_cmd uqueue = {
	.name = "uqueue",
	.summary = "list the jobs that wait and run on the cluster",
	.usage = (const char *const[]){ "[OPTION...]", NULL },
	.options = options,
	.columns = uqueue_columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.fn = run_uqueue,
};

int main(int argc, char **argv)
{
	return uc_run_main(&uqueue, argc, argv);
}

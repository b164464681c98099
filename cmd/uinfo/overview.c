/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo alone: what is free for me, my jobs, my limits, my disks; one screen. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <ucluster/state.h>
#include "uinfo/overview.h"

enum {
	LINES = 24,
	LIMITS = 3,     /* lines about limits */
	NOTES = 4,      /* lines about rows */
	LEAST_ROWS = 5, /* of the table, however low the terminal is */
};

static void free_all(struct overview *all)
{
	for (size_t i = 0; i < all->disks.count; i++)
		uc_buf_free(&all->disks.row[i].why);
	free(all->disks.row);
	uc_disk_list_free(all->disks.list);
	disk_paths_free(&all->disks.paths);
	free(all->limits.row);
	free(all->row);
	uc_capacity_free(all->capacity);
	uc_world_free(&all->world);
}

/* Rows one may use come first; hidden partitions only when asked for. */
static int choose_rows(struct overview *all, const struct overview_args *args)
{
	all->row = calloc(all->capacity->count + 1, sizeof(*all->row));
	if (!all->row)
		return -1;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < all->capacity->count; i++) {
			const struct uc_capacity_row *row = &all->capacity->row[i];
			const bool barred =
				row->bar >= UC_BAR_STATE && row->bar <= UC_BAR_QOS;

			if (row->partition->flags & UC_PARTITION_HIDDEN && !args->all &&
			    !args->filter.partitions.count)
				continue;
			if (barred == (pass == 1) &&
			    uinfo_filter_partition(&args->filter, row->partition->name))
				all->row[all->count++] = *row;
		}
	return 0;
}

static void count_job(struct overview_jobs *sum, const struct uc_job *job, bool waits)
{
	uint32_t tasks = 1;
	const int64_t next = waits ? job->start_time : job->end_time;

	if (waits && !uc_raw_empty(job->array_tasks))
		tasks = uc_array_count(job->array_tasks.bytes);
	if (tasks == UC_NONE32)
		tasks = 1;
	sum->jobs += tasks;
	sum->cpus += (uint64_t)tasks * job->cpus;
	if (job->gpus != UC_NONE32)
		sum->gpus += (uint64_t)tasks * job->gpus;
	if (next && (!sum->next || next < sum->next)) {
		sum->next = next;
		sum->next_job = job->job_id;
	}
}

static void count_jobs(struct overview *all)
{
	const struct uc_jobs *jobs = all->world.jobs;

	all->jobs[OVERVIEW_RUN].state = "running";
	all->jobs[OVERVIEW_WAIT].state = "pending";
	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];

		if (job->user_id != getuid())
			continue;
		if (uc_job_holds(job))
			count_job(&all->jobs[OVERVIEW_RUN], job, false);
		else if (uc_job_waits(job))
			count_job(&all->jobs[OVERVIEW_WAIT], job, true);
	}
}

static int find_disks(struct uc_run *run, struct overview *all, struct uc_error *err)
{
	struct overview_disks *disks = &all->disks;

	if (disk_paths_find(run, &disks->paths, err) < 0 ||
	    disk_paths_load(run, &disks->paths, &disks->list, err) < 0)
		return -1;
	disks->row = calloc(disks->paths.count + 1, sizeof(*disks->row));
	if (!disks->row)
		return uc_fail(err, UC_FAILED, "out of memory");
	disks->count = disk_rows_make(disks->row, &disks->paths, disks->list, true);
	return 0;
}

static int load(struct uc_run *run, struct overview *all,
		const struct overview_args *args, struct uc_error *err)
{
	uc_auto(source) struct uc_source *source = NULL;

	if (uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0) {
		/* it has been said */
		err->code = UC_OK;
		return -1;
	}
	if (uc_world_load(&all->world, run, source,
			  UINFO_JOBS | UINFO_RESERVATIONS | UINFO_LIMITS, err) < 0 ||
	    uinfo_filter_check(&args->filter, all->world.partitions, err) < 0 ||
	    uc_capacity_make(&all->world.facts, &all->capacity, err) < 0)
		return -1;
	if (choose_rows(all, args) < 0)
		return uc_fail(err, UC_FAILED, "out of memory");
	count_jobs(all);
	uinfo_limits_make(&all->limits, all->world.limits, false);
	if (find_disks(run, all, err) < 0) {
		/* the rest is worth to be seen */
		uc_run_say(run, 0, "disks: %s", err->text);
		err->code = UC_OK;
	}
	return 0;
}

/* Rows of the table that fit on the screen together with what is below it. */
static size_t rows_that_fit(const struct uc_run *run, const struct overview *all)
{
	const char *text = uc_run_env(run, "LINES");
	struct winsize size;
	size_t lines = text ? (size_t)strtoul(text, NULL, 10) : 0;
	size_t below = 2 + LIMITS + NOTES + all->disks.count;

	if (!lines && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		lines = size.ws_row;
	if (!lines)
		lines = LINES;
	/* the heading, an empty line, "... more", and the prompt */
	below += 4;
	return lines > below + LEAST_ROWS ? lines - below : LEAST_ROWS;
}

static int print_all(struct uc_run *run, const struct overview *all,
		     const struct overview_args *args, const struct uc_selection *shown)
{
	const bool alone = args->listing.format || args->listing.parsable;
	const bool screen = run->stdout_tty && !alone;
	struct uc_selection columns = *shown;
	size_t count = all->count;
	int status;

	if (screen && count > rows_that_fit(run, all))
		count = rows_that_fit(run, all);
	/* the last one, in words below the table */
	columns.count -= screen;
	status = uc_table_print(run,
				&(struct uc_table){ .name = "capacity",
						    .rows = all->row,
						    .count = count,
						    .row_size = sizeof(*all->row),
						    .context = &all->world.facts.now,
						    .now = all->world.facts.now },
				&columns, &args->listing);
	if (status || alone)
		return status;
	if (count < all->count)
		printf("... %zu more: uinfo | less, or uinfo -p PARTITION\n",
		       all->count - count);
	if (screen)
		overview_print_notes(run, all, count, NOTES);
	putchar('\n');
	overview_print_jobs(run, all);
	overview_print_limits(run, all, LIMITS);
	overview_print_disks(run, all);
	return 0;
}

int overview_run(struct uc_run *run, const struct overview_args *args)
{
	struct overview all = { 0 };
	struct uc_selection shown;
	struct uc_error err = { 0 };
	int status;

	if (uc_listing_select(run, overview_columns, &args->listing, &shown) < 0)
		return run->status;
	if (load(run, &all, args, &err) < 0)
		status = err.code ? uc_run_error(run, &err) : run->status;
	else if (args->listing.json)
		status = overview_json(&all, &shown, &err) < 0 ? uc_run_error(run, &err)
							       : 0;
	else
		status = print_all(run, &all, args, &shown);
	free_all(&all);
	return status;
}

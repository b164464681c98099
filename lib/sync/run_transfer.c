/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Doing what is planned: folders, then files and links back to back, other names of files
 * after their first, removals (what is in a folder before it). Whoever makes folders
 * gives them bits that would be in the way, and their times, at the end.
 */
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>

#include "sync/run.h"

#define LARGE    ((uint64_t)1 << 20) /* files for any lane */
#define JOBS_MAX 8192u               /* under way */
#define TICK     100                 /* ms */

static bool is_push(const struct uc_sync_run *run)
{
	return uc_sync_run_push(run);
}

static const struct uc_sync_entry *here_of(const struct uc_sync_run *run,
					   const struct uc_sync_row *row)
{
	return uc_sync_row_here(&run->planner, row);
}

static const struct uc_sync_entry *there_of(const struct uc_sync_run *run,
					    const struct uc_sync_row *row)
{
	return uc_sync_row_there(&run->planner, row);
}

/* ---- Moving on ---- */

static struct uc_sync_job *take_ended(struct uc_sync_run *run)
{
	struct uc_sync_job *jobs;

	pthread_mutex_lock(&run->lock);
	jobs = run->ended;
	run->ended = NULL;
	run->ended_end = &run->ended;
	pthread_mutex_unlock(&run->lock);
	return jobs;
}

static void settle_ended(struct uc_sync_run *run)
{
	struct uc_sync_job *job = take_ended(run), *next;

	for (; job; job = next) {
		next = job->next;
		uc_sync_ended(run, job);
	}
}

static bool is_helped(struct uc_sync_run *run)
{
	bool busy = false;

	pthread_mutex_lock(&run->lock);
	for (unsigned i = 1; i < run->lanes; i++)
		busy = busy || !run->lane[i].over;
	busy = busy || run->ended;
	pthread_mutex_unlock(&run->lock);
	return busy;
}

/* Only the other lanes are at work. */
static void wait_for_lanes(struct uc_sync_run *run)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&run->lock);
	if (!run->ended)
		pthread_cond_timedwait(&run->some, &run->lock, &until);
	pthread_mutex_unlock(&run->lock);
}

/* Let what is under way go on. -1: the connection is gone, or the user stopped it. */
static int go_on(struct uc_sync_run *run, struct uc_error *err)
{
	struct uc_sync_lane *lane = &run->lane[0];

	(void)uc_sync_asked_to_stop(run);
	if (lane->count > 0) {
		if (lane->far->ops->step(lane->far, TICK, err) < 0) {
			run->lost = true;
			return -1;
		}
	} else if (is_helped(run)) {
		wait_for_lanes(run);
	}
	settle_ended(run);
	uc_sync_tell(run, false);
	return 0;
}

/* Hand a job in, or do it here; it is done with when this fails. */
static int submit(struct uc_sync_run *run, struct uc_sync_job *job, struct uc_error *err)
{
	struct uc_sync_lane *lane = &run->lane[0];
	int status = -1;

	if (!job)
		return uc_fail(err, UC_FAILED, "out of memory");
	run->busy = true;
	if (!is_push(run) && job->far.what != UC_FAR_GET) {
		uc_sync_here(lane->store, &job->far);
		uc_sync_ended(run, job);
		uc_sync_tell(run, false);
		(void)uc_sync_asked_to_stop(run);
		return 0;
	}
	while (lane->count >= JOBS_MAX)
		if (go_on(run, err) < 0)
			goto out;
	uc_sync_job_begin(job);
	while ((status = lane->far->ops->submit(lane->far, &job->far, err)) > 0)
		if (go_on(run, err) < 0)
			break;
	if (status != 0)
		uc_sync_job_end(job);
	else
		return 0;
out:
	run->lost = true;
	free(job);
	return -1;
}

static int submit_content(struct uc_sync_run *run, struct uc_sync_row *row,
			  struct uc_error *err)
{
	const struct uc_sync_entry *here = here_of(run, row);
	struct uc_sync_job *job;
	enum uc_far_what what = is_push(run) ? UC_FAR_PUT : UC_FAR_GET;

	if (row->linger) {
		job = uc_sync_job_new(&run->lane[0], row, UC_FAR_REMOVE);
		if (job) {
			job->far.entry = job->far.expect;
			job->clears = true;
		}
		return submit(run, job, err);
	}
	if (here->kind == UC_SYNC_LINK)
		what = UC_FAR_LINK;
	else if (row->action == UC_SYNC_META)
		what = UC_FAR_META;
	return submit(run, uc_sync_job_new(&run->lane[0], row, what), err);
}

/* Rows whose place is clear now, or whose content arrived wrong. */
static int submit_again(struct uc_sync_run *run, struct uc_error *err)
{
	while (run->cleared_count > 0 && !run->stopping) {
		struct uc_sync_row *row = run->cleared[--run->cleared_count];
		enum uc_far_what what = is_push(run) ? UC_FAR_PUT : UC_FAR_GET;
		struct uc_sync_job *job;

		if (here_of(run, row)->kind == UC_SYNC_LINK)
			what = UC_FAR_LINK;
		job = uc_sync_job_new(&run->lane[0], row, what);
		if (job && row->again)
			job->far.whole = true;
		else if (job)
			job->far.expect = NULL;
		if (submit(run, job, err) < 0)
			return -1;
	}
	return 0;
}

/* All that was handed in is done. */
static int wait_all(struct uc_sync_run *run, struct uc_error *err)
{
	do {
		if (submit_again(run, err) < 0)
			return -1;
		while (run->lane[0].count > 0 || is_helped(run))
			if (go_on(run, err) < 0)
				return -1;
	} while (run->cleared_count > 0 && !run->stopping);
	return 0;
}

/* ---- Folders ---- */

/* Where `path` is in the list here, or its end. */
static size_t near_index(const struct uc_sync_list *list, const char *path)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int where =
			uc_sync_path_compare(path, uc_sync_list_at(list, middle)->path);

		if (where == 0)
			return middle;
		if (where < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return list->count;
}

static bool is_work(const struct uc_sync_row *row)
{
	return row->action == UC_SYNC_NEW || row->action == UC_SYNC_UPDATE ||
	       row->action == UC_SYNC_META || row->action == UC_SYNC_DELETE;
}

/* The folders in which something is done: their times are set anew. */
static void mark_touched(struct uc_sync_run *run)
{
	struct uc_sync_planner *planner = &run->planner;
	char folder[UC_SYNC_PATH_MAX + 1] = "";

	for (size_t i = 0; i < planner->rows; i++) {
		struct uc_sync_row *row = uc_sync_plan_row(planner, i), *above;
		const char *path = uc_sync_row_path(row);
		const char *slash = strrchr(path, '/');
		size_t len = slash ? (size_t)(slash - path) : 0, index;

		if (!is_work(row) || len == 0 || len > UC_SYNC_PATH_MAX ||
		    (strncmp(folder, path, len) == 0 && folder[len] == '\0'))
			continue;
		memcpy(folder, path, len);
		folder[len] = '\0';
		above = uc_sync_plan_find(planner, folder);
		if (above) {
			above->touched = true;
			continue;
		}
		index = near_index(&planner->near, folder);
		if (index < planner->near.count)
			planner->touched[index] = 1;
	}
}

/* For its time alone, its bits are those that it has there. */
static int submit_folder(struct uc_sync_run *run, struct uc_sync_row *row,
			 const struct uc_sync_entry *entry, struct uc_error *err)
{
	struct uc_sync_job *job = uc_sync_job_new(&run->lane[0], row, UC_FAR_FOLDER);

	if (!job)
		return uc_fail(err, UC_FAILED, "out of memory");
	job->entry = *entry;
	job->far.entry = &job->entry;
	job->quiet = !row || row->action == UC_SYNC_SAME;
	if (row && job->quiet)
		job->entry.mode = job->far.expect->mode;
	return submit(run, job, err);
}

/* A folder's row that has something to do, and is its own. */
static bool is_folder_work(const struct uc_sync_run *run, const struct uc_sync_row *row)
{
	const struct uc_sync_entry *here = here_of(run, row);

	if (!here || here->kind != UC_SYNC_FOLDER || row->action == UC_SYNC_ACTIONS ||
	    row->action == UC_SYNC_CONFLICT || row->action == UC_SYNC_KEEP)
		return false;
	return row->time || row->touched || row->action != UC_SYNC_SAME;
}

static int make_folders(struct uc_sync_run *run, struct uc_error *err)
{
	struct uc_sync_planner *planner = &run->planner;

	for (size_t i = 0; i < planner->near.count && !run->stopping; i++)
		if (planner->touched[i] &&
		    submit_folder(run, NULL, uc_sync_list_at(&planner->near, i), err) < 0)
			return -1;
	for (size_t i = 0; i < planner->rows && !run->stopping; i++) {
		struct uc_sync_row *row = uc_sync_plan_row(planner, i);

		if (is_folder_work(run, row) &&
		    submit_folder(run, row, here_of(run, row), err) < 0)
			return -1;
	}
	return 0;
}

/* ---- Files and links ---- */

static bool is_content(const struct uc_sync_run *run, const struct uc_sync_row *row)
{
	return (row->action == UC_SYNC_NEW || row->action == UC_SYNC_UPDATE ||
		row->action == UC_SYNC_META) &&
	       here_of(run, row)->kind != UC_SYNC_FOLDER;
}

static bool is_large(const struct uc_sync_run *run, const struct uc_sync_row *row)
{
	const struct uc_sync_entry *here = here_of(run, row);

	return row->action != UC_SYNC_META && here->kind == UC_SYNC_FILE &&
	       here->size >= LARGE;
}

/* The large ones are put aside for all lanes. */
static int set_large_aside(struct uc_sync_run *run, struct uc_error *err)
{
	size_t count = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < run->planner.rows; i++) {
			struct uc_sync_row *row = uc_sync_plan_row(&run->planner, i);

			if (!is_content(run, row) || row->twin || row->linger ||
			    !is_large(run, row))
				continue;
			if (pass)
				run->large[run->larges++] = row;
			else
				count++;
		}
		if (pass)
			continue;
		run->large = calloc(count + 1, sizeof(struct uc_sync_row *));
		if (!run->large)
			return uc_fail(err, UC_FAILED, "out of memory");
	}
	return 0;
}

static int move_small(struct uc_sync_run *run, struct uc_error *err)
{
	for (size_t i = 0; i < run->planner.rows && !run->stopping; i++) {
		struct uc_sync_row *row = uc_sync_plan_row(&run->planner, i);

		if (!is_content(run, row) || row->twin || row->linger ||
		    is_large(run, row))
			continue;
		if (submit_content(run, row, err) < 0)
			return -1;
	}
	return 0;
}

static int move_large(struct uc_sync_run *run, struct uc_error *err)
{
	for (;;) {
		struct uc_sync_row *row =
			run->stopping ? NULL : uc_sync_lane_take(&run->lane[0]);

		if (row) {
			if (submit_content(run, row, err) < 0)
				return -1;
			continue;
		}
		if (run->lane[0].count == 0 && !is_helped(run)) {
			if (run->stopping || run->next_large == run->larges)
				return 0;
			continue; /* a lane gave some back */
		}
		if (go_on(run, err) < 0)
			return -1;
	}
}

/* ---- Other names of files ---- */

/* Is the first name of this file at the destination what it is here? */
static const char *twin_there(const struct uc_sync_run *run,
			      const struct uc_sync_row *row)
{
	const char *path = uc_sync_plan_twin(&run->planner, row);
	const struct uc_sync_row *first =
		path ? uc_sync_plan_find(&run->planner, path) : NULL;

	if (first && first->action != UC_SYNC_SAME && first->state != UC_SYNC_ROW_EQUAL)
		return NULL;
	return path;
}

/* Its time and bits were set through its first name. */
static bool is_set_already(const struct uc_sync_run *run, const struct uc_sync_row *row)
{
	const char *path = twin_there(run, row);
	const struct uc_sync_row *first =
		path ? uc_sync_plan_find(&run->planner, path) : NULL;

	return row->linked && first && first->action == UC_SYNC_META;
}

static int move_twins(struct uc_sync_run *run, struct uc_error *err)
{
	for (size_t i = 0; i < run->planner.rows && !run->stopping; i++) {
		struct uc_sync_row *row = uc_sync_plan_row(&run->planner, i);
		bool meta = row->action == UC_SYNC_META;
		struct uc_sync_job *job;
		const char *twin;

		if (!is_content(run, row) || !row->twin || row->linger)
			continue;
		twin = twin_there(run, row);
		if (!twin || (meta && row->linked)) {
			if (meta && is_set_already(run, row))
				row->state = UC_SYNC_ROW_EQUAL;
			else if (submit_content(run, row, err) < 0)
				return -1;
			continue;
		}
		job = uc_sync_job_new(&run->lane[0], row, UC_FAR_TWIN);
		if (job)
			job->far.twin = twin;
		if (submit(run, job, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- Removals ---- */

static int submit_removal(struct uc_sync_run *run, struct uc_sync_row *row,
			  struct uc_error *err)
{
	struct uc_sync_job *job = uc_sync_job_new(&run->lane[0], row, UC_FAR_REMOVE);

	if (job) {
		job->far.entry = job->far.expect;
		job->clears = row->linger;
	}
	return submit(run, job, err);
}

static bool is_removal(const struct uc_sync_run *run, const struct uc_sync_row *row,
		       bool folders)
{
	const struct uc_sync_entry *there = there_of(run, row);

	return (row->action == UC_SYNC_DELETE || row->linger) &&
	       (there->kind == UC_SYNC_FOLDER) == folders;
}

static int remove_all(struct uc_sync_run *run, bool folders, struct uc_error *err)
{
	const char *last = "";

	for (size_t i = run->planner.rows; i-- > 0 && !run->stopping;) {
		struct uc_sync_row *row = uc_sync_plan_row(&run->planner, i);
		const char *path = uc_sync_row_path(row);
		size_t len = strlen(path);

		if (!is_removal(run, row, folders))
			continue;
		/* one in it comes before it, also where answers come in any order */
		if (folders && strncmp(last, path, len) == 0 && last[len] == '/' &&
		    wait_all(run, err) < 0)
			return -1;
		last = path;
		if (submit_removal(run, row, err) < 0)
			return -1;
	}
	return wait_all(run, err);
}

/* ---- All of it ---- */

static int finish(struct uc_sync_run *run, struct uc_error *err)
{
	struct uc_sync_lane *lane = &run->lane[0];
	struct uc_error why = { 0 };

	uc_sync_tell(run, true);
	if (!run->busy)
		return 0; /* no round trip for nothing */
	if (run->watcher->phase)
		run->watcher->phase(run->watcher->arg, "finishing");
	if (lane->far->ops->finish(lane->far, &why) < 0) {
		/* what it refuses it refuses again */
		run->lost = why.code == UC_OK || why.code == UC_UNREACHABLE;
		if (err)
			*err = why;
		return -1;
	}
	if (lane->store && uc_store_finish(lane->store, err) != UC_STORE_OK)
		return -1;
	uc_sync_tell(run, true);
	return 0;
}

static int move_files(struct uc_sync_run *run, struct uc_error *err)
{
	unsigned lanes;

	if (set_large_aside(run, err) < 0 || make_folders(run, err) < 0)
		return -1;
	lanes = uc_sync_lanes_count(run);
	if ((lanes > 1 || !run->info.deltas) && wait_all(run, err) < 0)
		return -1;
	uc_sync_lanes_start(run, lanes);
	if (move_small(run, err) < 0 || move_large(run, err) < 0 ||
	    wait_all(run, err) < 0)
		return -1;
	return move_twins(run, err) < 0 ? -1 : wait_all(run, err);
}

int uc_sync_transfer(struct uc_sync_run *run, struct uc_error *err)
{
	int status;

	mark_touched(run);
	status = move_files(run, err);
	if (status == 0)
		status = remove_all(run, false, err);
	if (status == 0)
		status = remove_all(run, true, err);
	if (status < 0)
		atomic_store(&run->stop, true);
	if (uc_sync_lanes_join(run, status < 0 ? NULL : err) < 0 && status == 0) {
		run->lost = true;
		status = -1;
	}
	settle_ended(run);
	return status < 0 ? -1 : finish(run, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What became of jobs: counted, told, and remembered in their rows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>

#include "sync/run.h"

#define TELL_MS 100

/* ---- At the destination here ---- */

static enum uc_far_outcome outcome_of(int outcome)
{
	static const enum uc_far_outcome table[] = {
		[UC_STORE_OK] = UC_FAR_DONE,
		[UC_STORE_CHANGED] = UC_FAR_CHANGED,
		[UC_STORE_REFUSED] = UC_FAR_REFUSED,
		[UC_STORE_FAILED] = UC_FAR_FAILED,
	};

	return outcome >= 0 && (size_t)outcome < sizeof(table) / sizeof(table[0])
		       ? table[outcome]
		       : UC_FAR_FAILED;
}

void uc_sync_here(struct uc_store *store, struct uc_far_job *job)
{
	struct uc_error err = { 0 };
	int outcome = UC_STORE_REFUSED;

	errno = 0;
	switch (job->what) {
	case UC_FAR_FOLDER:
		outcome = uc_store_folder(store, job->entry, job->expect, &err);
		break;
	case UC_FAR_LINK:
		outcome = uc_store_link(store, job->entry, job->expect, &err);
		break;
	case UC_FAR_TWIN:
		outcome = uc_store_twin(store, job->entry, job->twin, job->expect, &err);
		break;
	case UC_FAR_META:
		outcome = uc_store_meta(store, job->entry, job->expect, &err);
		break;
	case UC_FAR_REMOVE:
		outcome = uc_store_remove(store, job->expect, &err);
		break;
	case UC_FAR_PUT:
	case UC_FAR_GET:
		break;
	}
	job->errno_value = outcome == UC_STORE_FAILED ? errno : 0;
	job->outcome = outcome_of(outcome);
	if (job->outcome != UC_FAR_DONE) {
		strncpy(job->text, err.text, sizeof(job->text) - 1);
		job->text[sizeof(job->text) - 1] = '\0';
	}
}

/* ---- Telling ---- */

bool uc_sync_asked_to_stop(struct uc_sync_run *run)
{
	if (run->stopping)
		return true;
	if (!run->watcher->stop || !run->watcher->stop(run->watcher->arg))
		return false;
	run->stopping = true;
	run->stop_ms = uc_monotonic_ms();
	run->result->interrupted = true;
	atomic_store(&run->stop, true);
	return true;
}

void uc_sync_tell(struct uc_sync_run *run, bool now)
{
	struct uc_sync_progress *progress = &run->result->progress;
	int64_t ms = uc_monotonic_ms();

	if (!now && ms - run->told_ms < TELL_MS)
		return;
	run->told_ms = ms;
	progress->seconds = (double)(ms - run->began) / 1000;
	progress->bytes = run->bytes_done + uc_sync_lane_moving(&run->lane[0]);
	progress->wire = 0;
	if (run->lane[0].far)
		progress->wire = run->lane[0].far->bytes_in + run->lane[0].far->bytes_out;
	pthread_mutex_lock(&run->lock);
	for (unsigned i = 1; i < run->lanes; i++) {
		progress->bytes += run->lane[i].moving;
		progress->wire += run->lane[i].wire;
	}
	pthread_mutex_unlock(&run->lock);
	if (progress->bytes > progress->bytes_all)
		progress->bytes = progress->bytes_all;
	if (run->watcher->progress)
		run->watcher->progress(run->watcher->arg, progress);
}

static void tell_done(struct uc_sync_run *run, const struct uc_sync_row *row,
		      const char *text)
{
	struct uc_sync_item item;

	if (!run->watcher->done)
		return;
	uc_sync_plan_item(&run->planner, row, &item);
	run->watcher->done(run->watcher->arg, &item, text);
}

static void count_done(struct uc_sync_run *run, struct uc_sync_row *row)
{
	const struct uc_sync_entry *here = uc_sync_row_here(&run->planner, row);

	run->result->done++;
	run->result->progress.files++;
	if (row->action != UC_SYNC_META && here && here->kind == UC_SYNC_FILE)
		run->bytes_done += here->size;
	tell_done(run, row, NULL);
}

/* Its content is sent as soon as all that is under way is done. */
static bool add_cleared(struct uc_sync_run *run, struct uc_sync_row *row)
{
	struct uc_sync_row **more =
		reallocarray(run->cleared, run->cleared_count + 1, sizeof(*more));

	if (!more)
		return false;
	run->cleared = more;
	run->cleared[run->cleared_count++] = row;
	return true;
}

static void succeed(struct uc_sync_run *run, struct uc_sync_job *job)
{
	struct uc_sync_row *row = job->row;
	bool first = row->state == UC_SYNC_ROW_OPEN;

	if (job->clears) {
		row->linger = false;
		row->state = UC_SYNC_ROW_GONE;
		(void)add_cleared(run, row);
		return;
	}
	row->state =
		job->far.what == UC_FAR_REMOVE ? UC_SYNC_ROW_GONE : UC_SYNC_ROW_EQUAL;
	run->result->progress.kept += job->far.kept;
	if (!job->quiet && (first || job->far.what != UC_FAR_FOLDER))
		count_done(run, row);
}

static const char *reason(const struct uc_sync_job *job)
{
	switch (job->far.outcome) {
	case UC_FAR_CHANGED:
		return "changed while syncing: left as it is there";
	case UC_FAR_VANISHED:
		return "vanished or changed while it was read";
	default:
		break;
	}
	if (job->far.text[0])
		return job->far.text;
	return job->far.errno_value ? strerror(job->far.errno_value) : "failed";
}

static void fail(struct uc_sync_run *run, struct uc_sync_job *job)
{
	struct uc_sync_result *result = run->result;
	struct uc_sync_row *row = job->row;

	if (job->far.what == UC_FAR_REMOVE && !job->clears &&
	    job->far.expect->kind == UC_SYNC_FOLDER &&
	    (job->far.outcome == UC_FAR_CHANGED || job->far.errno_value == ENOTEMPTY))
		return; /* it holds what rules leave behind: it stays */
	row->state = UC_SYNC_ROW_BAD;
	if (job->far.outcome == UC_FAR_CHANGED)
		result->changed++;
	else if (job->far.outcome == UC_FAR_VANISHED)
		result->vanished++;
	else
		result->failed++;
	result->progress.failed++;
	tell_done(run, row, reason(job));
}

/* A lane went: another does what it had begun. */
static bool give_to_others(struct uc_sync_run *run, const struct uc_sync_job *job)
{
	if (job->lane->index == 0 || job->far.outcome != UC_FAR_LOST)
		return false;
	pthread_mutex_lock(&run->lock);
	run->large[--run->next_large] = job->row;
	pthread_mutex_unlock(&run->lock);
	return true;
}

/*
 * Put together from pieces that were there, and its checksum was wrong: blocks that only
 * seem to be the same, or what is there changed meanwhile. Once more, all of it.
 */
static bool send_again(struct uc_sync_run *run, const struct uc_sync_job *job)
{
	bool content = job->far.what == UC_FAR_PUT || job->far.what == UC_FAR_GET;
	bool cleared =
		!job->far.expect && uc_sync_row_there(&run->planner, job->row) != NULL;

	if (!content || cleared || job->far.outcome != UC_FAR_FAILED ||
	    job->far.errno_value || job->far.kept == 0 || job->far.whole ||
	    job->row->again)
		return false;
	job->row->again = true;
	return add_cleared(run, job->row);
}

void uc_sync_ended(struct uc_sync_run *run, struct uc_sync_job *job)
{
	if (give_to_others(run, job) || !job->row || job->far.outcome == UC_FAR_LOST) {
		free(job);
		return;
	}
	if (job->far.outcome == UC_FAR_DONE)
		succeed(run, job);
	else if (!send_again(run, job) && !job->quiet)
		fail(run, job);
	free(job);
}

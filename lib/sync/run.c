/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <time.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "base/file.h"

static void phase(const struct uc_sync_run *run, const char *text)
{
	if (run->watcher->phase)
		run->watcher->phase(run->watcher->arg, text);
}

/* ---- This side ---- */

void uc_sync_run_name(char name[UC_SYNC_RUN_NAME])
{
	time_t now = time(NULL);
	unsigned short random = 0;
	struct tm utc;

	if (getentropy(&random, sizeof(random)) < 0)
		random = (unsigned short)getpid();
	gmtime_r(&now, &utc);
	(void)snprintf(name, UC_SYNC_RUN_NAME, "%04d%02d%02d-%02d%02d%02d-%04x",
		       (utc.tm_year + 1900) % 10000, utc.tm_mon + 1, utc.tm_mday,
		       utc.tm_hour, utc.tm_min, utc.tm_sec, random);
}

static int open_near(struct uc_sync_run *run, struct uc_error *err)
{
	const struct uc_sync_request *request = run->request;
	bool make = !uc_sync_run_push(run) && request->create;

	run->made = make && !request->dry_run && access(request->near, F_OK) < 0;
	if (make && !request->dry_run && uc_file_mkdirs(request->near, 0777, err) < 0)
		return -1;
	run->planner.root = open(request->near, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run->planner.root >= 0)
		return 0;
	if (errno == ENOENT && make)
		return 0; /* a dry run: as if it were empty */
	return uc_fail_errno(err,
			     errno == ENOENT || errno == ENOTDIR ? UC_NOTFOUND
			     : errno == EACCES                   ? UC_DENIED
								 : UC_FAILED,
			     errno, "cannot open the folder '%s'", request->near);
}

static int open_state(struct uc_sync_run *run, struct uc_error *err)
{
	const struct uc_sync_request *request = run->request;
	struct uc_sync_state_name name = { request->state_folder, request->host,
					   request->near, request->far };
	bool damaged;

	if (uc_sync_state_open(&run->planner.state, &name, !request->dry_run, &damaged,
			       err) < 0)
		return -1;
	if (damaged && run->watcher->note)
		run->watcher->note(run->watcher->arg, uc_raw(request->state_folder),
				   "holds a damaged state of the last run: not used", 0);
	return 0;
}

static void tell_walked(struct uc_sync_run *run)
{
	const struct uc_sync_walked *walked = &run->walking.walked;
	struct uc_sync_plan *plan = &run->result->plan;

	for (size_t i = 0; i < run->walking.count; i++) {
		const struct uc_sync_noted *noted = &run->walking.noted[i];

		if (run->watcher->note)
			run->watcher->note(run->watcher->arg, uc_raw(noted->path),
					   uc_sync_note_text(noted->note),
					   noted->errno_value);
	}
	run->special += walked->notes[UC_SYNC_SPECIAL];
	for (int i = 0; i < UC_SYNC_NOTES; i++)
		if (i != UC_SYNC_SPECIAL && i != UC_SYNC_VANISHED)
			run->unreadable += walked->notes[i];
	for (size_t i = 0; i < walked->skips; i++) {
		const struct uc_sync_skip *skip = &walked->skip[i];
		int line = skip->line;

		if (strcmp(skip->origin, "command line") == 0)
			line -= run->scope.lines;
		if (line < 0 || (line == 0 && skip->line > 0))
			continue; /* what was not asked for */
		plan->skipped_files += skip->files + skip->folders;
		plan->skipped_bytes += skip->bytes;
		plan->rules++;
		if (run->watcher->skip)
			run->watcher->skip(
				run->watcher->arg,
				&(struct uc_sync_skipped){ .origin = uc_raw(skip->origin),
							   .rule = uc_raw(skip->rule),
							   .line = line,
							   .files = skip->files,
							   .folders = skip->folders,
							   .bytes = skip->bytes });
	}
}

/* ---- The other side ---- */

static int take_far(void *arg, const struct uc_sync_entry *entry, uint64_t sum,
		    struct uc_error *err)
{
	struct uc_sync_run *run = arg;

	return uc_sync_plan_far(&run->planner, entry, sum, err);
}

static void take_far_note(void *arg, enum uc_sync_note note, const char *path,
			  int errno_value)
{
	struct uc_sync_run *run = arg;

	if (note == UC_SYNC_SPECIAL)
		run->special++;
	else if (note != UC_SYNC_VANISHED)
		run->unreadable++;
	if (run->watcher->note)
		run->watcher->note(run->watcher->arg, uc_raw(path),
				   uc_sync_note_text(note), errno_value);
}

static int ask_far(struct uc_sync_run *run, struct uc_error *err)
{
	const struct uc_sync_request *request = run->request;
	const struct uc_far_list_options options = {
		.command_rules = run->scope.rules.len ? run->scope.rules.data : NULL,
		.config_rules = request->config_rules,
		.no_defaults = request->no_defaults,
		.no_gitignore = request->no_gitignore,
		.cross = request->cross,
		.sums = request->checksum,
		.entry = take_far,
		.note = take_far_note,
		.arg = run,
	};
	struct uc_sync_lane *lane = &run->lane[0];

	if (uc_sync_lane_open(run, 0, err) < 0)
		return -1;
	run->planner.info = &lane->far->info;
	return lane->far->ops->list_ask(lane->far, &options, err);
}

/* The helper said nothing: SFTP from the start. */
static bool try_sftp(struct uc_sync_run *run, struct uc_error *err)
{
	struct uc_sync_lane *lane = &run->lane[0];
	struct uc_error second = { 0 };

	if (!lane->far || !lane->far->silent || run->sftp || run->stopping)
		return false;
	uc_sync_lane_close(lane);
	run->planner.info = &run->info;
	run->sftp = true;
	run->unreadable = run->special = 0;
	if (uc_sync_plan_restart(&run->planner, &second) == 0 &&
	    ask_far(run, &second) == 0)
		return true;
	if (err && (second.code != UC_NOTFOUND || lane->far))
		*err = second; /* else there is no SFTP to try: the first error */
	return false;
}

/* A folder that would be made is empty until then; SFTP is not even opened there. */
static bool is_to_be_made(const struct uc_sync_run *run, const struct uc_error *err)
{
	return err->code == UC_NOTFOUND && run->request->dry_run &&
	       run->request->create && uc_sync_run_push(run) &&
	       (run->lane[0].far ? !run->lane[0].far->silent : run->sftp);
}

static void say_where(const struct uc_sync_run *run, struct uc_error *err)
{
	const struct uc_sync_request *request = run->request;
	const struct uc_far *far = run->lane[0].far;

	/* what it says of a folder is of one there */
	if (far && !far->silent && request->host &&
	    (err->code == UC_NOTFOUND || err->code == UC_DENIED))
		(void)uc_context(err, "%s", request->host);
	/* NULL: there was no helper, and no SFTP to try after it */
	if (err->hint[0] || (far && !far->silent))
		return;
	if (request->helper)
		uc_hint(err, "is '%s' the helper's command line there?", request->helper);
	else if (request->host)
		uc_hint(err, "usync install-helper %s", request->host);
}

static int list_far(struct uc_sync_run *run, struct uc_error *err)
{
	struct uc_error failure = { 0 };

	for (;;) {
		struct uc_far *far = run->lane[0].far;

		if (!far) {
			run->listed.complete = true; /* to be made */
			return 0;
		}
		if (far->ops->list_run(far, &run->listed, &failure) == 0)
			return 0;
		if (is_to_be_made(run, &failure)) {
			run->listed.complete = true;
			return 0;
		}
		if (!try_sftp(run, &failure)) {
			say_where(run, &failure);
			if (err)
				*err = failure;
			return -1;
		}
	}
}

static int merge(struct uc_sync_run *run, struct uc_error *err)
{
	if (uc_sync_walking_join(run, err) < 0)
		return -1;
	phase(run, "comparing");
	if (list_far(run, err) < 0 || uc_sync_plan_end(&run->planner, err) < 0)
		return -1;
	if (run->lane[0].far)
		run->info = run->lane[0].far->info;
	return uc_sync_missing(run, err);
}

/* ---- The plan ---- */

static void take_room(struct uc_sync_run *run, uint64_t *files)
{
	struct uc_sync_plan *plan = &run->result->plan;
	struct statvfs fs;

	plan->bytes_free = run->info.bytes_free;
	plan->quota_free = run->info.quota_free;
	*files = run->info.files_free;
	if (uc_sync_run_push(run))
		return;
	plan->bytes_free = plan->quota_free = *files = UINT64_MAX;
	if (run->planner.root < 0 || fstatvfs(run->planner.root, &fs) < 0)
		return;
	plan->bytes_free = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (fs.f_files > 0)
		*files = fs.f_favail;
}

static void tell_items(struct uc_sync_run *run)
{
	struct uc_sync_item item;

	for (size_t i = 0; run->watcher->item && i < run->planner.rows; i++) {
		const struct uc_sync_row *row = uc_sync_plan_row(&run->planner, i);

		if (row->action == UC_SYNC_SAME || row->action == UC_SYNC_ACTIONS)
			continue;
		uc_sync_plan_item(&run->planner, row, &item);
		run->watcher->item(run->watcher->arg, &item);
	}
}

static int make_plan(struct uc_sync_run *run, struct uc_error *err)
{
	struct uc_sync_plan *plan = &run->result->plan;
	struct uc_sync_progress *progress = &run->result->progress;
	bool complete = run->walking.walked.complete && run->listed.complete;
	uint64_t files;

	tell_walked(run);
	if (uc_sync_plan_settle(&run->planner, complete, plan, err) < 0)
		return -1;
	plan->special = run->special;
	plan->unreadable = run->unreadable;
	take_room(run, &files);
	progress->files_all = plan->entries[UC_SYNC_NEW] + plan->entries[UC_SYNC_UPDATE] +
			      plan->entries[UC_SYNC_META] + plan->entries[UC_SYNC_DELETE];
	progress->bytes_all = plan->bytes[UC_SYNC_NEW] + plan->bytes[UC_SYNC_UPDATE];
	tell_items(run);
	if (uc_sync_plan_check(&run->planner, plan, files, err) < 0)
		return -1;
	if (run->watcher->plan && run->watcher->plan(run->watcher->arg, plan) < 0) {
		if (err)
			*err = (struct uc_error){ .code = UC_FAILED };
		return -1;
	}
	return 0;
}

/* ---- All of it ---- */

static void describe(struct uc_sync_run *run)
{
	const char *how = run->opener->how ? run->opener->how(run->opener->arg) : NULL;
	unsigned lanes = run->lanes ? run->lanes : 1;

	(void)snprintf(run->result->how, sizeof(run->result->how), "%s%s%s, %u %s",
		       how ? how : "", how ? ", " : "",
		       run->info.how ? run->info.how : "", lanes,
		       lanes == 1 ? "connection" : "connections");
}

static int judge(struct uc_sync_run *run, int status, struct uc_error *err)
{
	const struct uc_sync_result *result = run->result;
	uint64_t bad = result->failed + result->changed + result->vanished;

	if (result->interrupted) {
		uc_fail(err, UC_FAILED, "interrupted");
		return uc_hint(err, "run it again: it goes on where it stopped");
	}
	if (status < 0 && run->lost) {
		if (err && err->code == UC_OK)
			uc_fail(err, UC_UNREACHABLE, "the connection was lost");
		if (err && !err->hint[0])
			uc_hint(err, "run it again: it goes on where it stopped");
		return -1;
	}
	if (status < 0)
		return -1;
	if (bad == 0)
		return 0;
	return uc_fail(err, UC_FAILED, "%llu of %llu entries could not be synced",
		       (unsigned long long)bad,
		       (unsigned long long)result->progress.files_all);
}

static int connect_far(struct uc_sync_run *run, struct uc_error *err)
{
	struct uc_error failure = { 0 };

	if (ask_far(run, &failure) == 0 || try_sftp(run, &failure) ||
	    is_to_be_made(run, &failure))
		return 0;
	if (err)
		*err = failure;
	return -1;
}

static int do_run(struct uc_sync_run *run, struct uc_error *err)
{
	struct uc_error saving = { 0 };
	int status;

	if (uc_sync_scope_make(&run->scope, run->request, err) < 0 ||
	    open_near(run, err) < 0 || open_state(run, err) < 0 ||
	    uc_sync_walking_start(&run->walking, &run->planner, &run->stop, err) < 0)
		return -1;
	phase(run, "connecting");
	if (connect_far(run, err) < 0)
		return -1;
	if (merge(run, err) < 0 || make_plan(run, err) < 0)
		return -1;
	describe(run);
	if (run->request->dry_run)
		return 0;
	if (run->planner.rows > 0 && run->result->progress.files_all > 0)
		phase(run, "sending");
	status = uc_sync_transfer(run, err);
	describe(run);
	if (uc_sync_plan_save(&run->planner, &saving) < 0 && status == 0) {
		if (err)
			*err = saving;
		status = -1;
	}
	return judge(run, status, err);
}

static void end_run(struct uc_sync_run *run)
{
	atomic_store(&run->stop, true);
	uc_sync_walking_free(&run->walking);
	uc_sync_lane_close(&run->lane[0]);
	if (run->planner.root >= 0)
		close(run->planner.root);
	uc_sync_state_free(run->planner.state);
	uc_sync_plan_free(&run->planner);
	uc_sync_scope_free(&run->scope);
	free(run->large);
	free(run->cleared);
	pthread_mutex_destroy(&run->lock);
	pthread_cond_destroy(&run->some);
	free(run);
}

int uc_sync_run_with(const struct uc_sync_request *request,
		     const struct uc_sync_watcher *watcher,
		     const struct uc_sync_opener *opener, struct uc_sync_result *result,
		     struct uc_error *err)
{
	static const struct uc_sync_watcher nobody = { 0 };
	struct uc_sync_run *run = calloc(1, sizeof(*run));
	pthread_condattr_t clock;
	int status;

	if (!run)
		return uc_fail(err, UC_FAILED, "out of memory");
	*result = (struct uc_sync_result){ .plan = { .bytes_free = UINT64_MAX,
						     .quota_free = UINT64_MAX } };
	run->request = request;
	run->watcher = watcher ? watcher : &nobody;
	run->opener = opener;
	run->result = result;
	run->sftp = request->sftp;
	run->planner.request = request;
	run->planner.scope = &run->scope;
	run->planner.root = -1;
	run->planner.info = &run->info; /* until there is a far end */
	run->info = (struct uc_far_info){ .bytes_free = UINT64_MAX,
					  .files_free = UINT64_MAX,
					  .quota_free = UINT64_MAX };
	run->began = uc_monotonic_ms();
	run->ended_end = &run->ended;
	pthread_mutex_init(&run->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&run->some, &clock);
	pthread_condattr_destroy(&clock);
	uc_sync_run_name(run->name);
	status = do_run(run, err);
	/* nothing came of it: only an empty one goes */
	if (status < 0 && run->made)
		(void)rmdir(request->near);
	end_run(run);
	return status;
}

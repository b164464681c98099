/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo disk --scan: what fills a disk, now or as it was found before. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucluster/units.h>
#include "uinfo/uinfo.h"

enum {
	ROWS_TTY = 20,
	NAMED_MAX = 5, /* folders that could not be read */
	STATUS_INTERRUPTED = 130,
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* A second one ends the process: a thread may hang in the kernel. */
static void catch_interrupt(void)
{
	struct sigaction old, action = { .sa_handler = on_interrupt,
					 .sa_flags = (int)SA_RESETHAND | SA_RESTART };

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGINT, &action, NULL);
}

/* All of the work on one command line. */
struct work {
	struct uc_run *run;
	const struct disk_args *args;
	struct uc_selection shown;
	struct uc_buf json;
	int status;
};

static bool show_progress(void *arg, const struct uc_disk_progress *now)
{
	const struct work *work = arg;
	uc_auto(buf) struct uc_buf line = { 0 };
	int64_t ms = now->elapsed_ms ? now->elapsed_ms : 1;

	if (!work->run->stderr_tty)
		return !interrupted;
	uc_buf_addf(&line, "%llu files, ", (unsigned long long)now->files);
	uc_size_words(&line, now->bytes);
	uc_buf_addf(&line, ", %llu files/s, %llu folders to go",
		    (unsigned long long)(now->files * 1000 / (uint64_t)ms),
		    (unsigned long long)now->waiting);
	fprintf(stderr, "\r%.*s\033[K",
		(int)uc_text_clip(uc_buf_text(&line), (size_t)work->run->columns - 1),
		uc_buf_text(&line));
	return !interrupted;
}

static void wipe_progress(const struct work *work)
{
	if (work->run->stderr_tty)
		fputs("\r\033[K", stderr);
}

static void say_result(const struct work *work, const struct uc_disk_scan *scan)
{
	const struct uc_run *run = work->run;
	uc_auto(buf) struct uc_buf size = { 0 };

	uc_size_words(&size, scan->total.bytes);
	uc_run_say(run, run->stderr_tty ? 0 : 1,
		   "%s: %s in %llu files and %llu folders, %lld.%lld s, %d threads",
		   scan->root.bytes, uc_buf_text(&size),
		   (unsigned long long)scan->total.files,
		   (unsigned long long)scan->total.folders,
		   (long long)scan->elapsed_ms / 1000,
		   (long long)scan->elapsed_ms / 100 % 10, scan->threads);
	if (scan->mounts)
		uc_run_say(run, 1, "%llu other file systems were not entered",
			   (unsigned long long)scan->mounts);
	if (scan->links)
		uc_run_say(run, 1, "%llu hard links to files counted already",
			   (unsigned long long)scan->links);
	if (scan->approximate)
		uc_run_say(run, 0, "so many hard links that some count twice");
	if (scan->partial)
		uc_run_say(run, 0, "%s: stopped early, this is a part of it",
			   scan->root.bytes);
}

/* As du: what could not be read is named, and makes the status 1. */
static void say_faults(struct work *work, const struct uc_disk_scan *scan)
{
	uint64_t all = scan->denied + scan->failed;
	size_t named = scan->fault_count < NAMED_MAX ? scan->fault_count : NAMED_MAX;

	for (size_t i = 0; i < named; i++)
		uc_run_say(work->run, 0, "cannot read '%s/%s': %s", scan->root.bytes,
			   scan->fault[i].path.bytes, scan->fault[i].text.bytes);
	if (all > named)
		uc_run_say(work->run, 0, "and %llu more could not be read",
			   (unsigned long long)(all - named));
	if (all && !work->status)
		work->status = UC_FAILED;
}

/* A stopped scan does not replace a whole one. */
static void keep(const struct work *work, const struct uc_disk_scan *scan)
{
	uc_auto(disk_scan) struct uc_disk_scan *old = NULL;
	uc_auto(buf) struct uc_buf state = { 0 };
	struct uc_error err = { 0 };

	uc_run_state_dir(work->run, &state);
	if (!state.len || state.failed)
		return;
	if (scan->partial &&
	    uc_disk_scan_load(scan->root.bytes, state.data, &old, NULL) == 0 &&
	    !old->partial)
		return;
	if (uc_disk_scan_save(scan, state.data, &err) < 0)
		uc_run_say(work->run, 1, "the result is not kept: %s", err.text);
}

static size_t rows_of_files(const struct uc_disk_scan *scan, struct disk_scan_row *rows,
			    struct uc_buf *owners)
{
	for (size_t i = 0; i < scan->largest_count; i++) {
		const struct uc_disk_file *file = &scan->largest[i];
		const struct uc_disk_rows *known = &scan->by[UC_DISK_BY_OWNER];

		rows[i] = (struct disk_scan_row){ .name = file->path,
						  .mtime = file->mtime,
						  .sum = { file->bytes, file->apparent, 1,
							   0 } };
		for (size_t o = 0; o < known->count; o++)
			if (known->row[o].id == file->uid)
				rows[i].owner = known->row[o].name;
		if (rows[i].owner.bytes)
			continue;
		uc_buf_addf(&owners[i], "%u", file->uid);
		rows[i].owner = uc_raw(uc_buf_text(&owners[i]));
	}
	return scan->largest_count;
}

static size_t rows_of(const struct uc_disk_scan *scan, int by, struct disk_scan_row *rows,
		      struct uc_buf *names)
{
	const struct uc_disk_rows *from;

	if (by == DISK_BY_FILE)
		return rows_of_files(scan, rows, names);
	from = &scan->by[by];
	for (size_t i = 0; i < from->count; i++) {
		rows[i] = (struct disk_scan_row){ .name = from->row[i].name,
						  .sum = from->row[i].sum };
		if (rows[i].name.bytes)
			continue;
		uc_buf_addf(&names[i], "%u", from->row[i].id);
		rows[i].name = uc_raw(uc_buf_text(&names[i]));
	}
	return from->count;
}

static size_t shown_rows(const struct work *work, int by, size_t count)
{
	size_t most = (size_t)work->args->top;

	if (!most && work->run->stdout_tty && by != UC_DISK_BY_AGE)
		most = ROWS_TTY;
	return most && count > most ? most : count;
}

static void print(struct work *work, const struct uc_disk_scan *scan)
{
	int by = work->args->by < 0 ? (int)UC_DISK_BY_FOLDER : work->args->by;
	size_t max = (by == DISK_BY_FILE ? scan->largest_count : scan->by[by].count) + 1;
	struct disk_scan_row *rows = calloc(max, sizeof(*rows));
	struct uc_buf *names = calloc(max, sizeof(*names));
	const struct disk_context context = {
		.bar = work->run->stdout_tty && !work->args->listing.parsable,
		.ascii = work->run->safe & UC_SAFE_ASCII,
		.total = scan->total.bytes,
	};
	size_t count = rows && names ? rows_of(scan, by, rows, names) : 0;
	size_t shown = shown_rows(work, by, count);
	struct uc_table table = { .name = "rows",
				  .rows = rows,
				  .count = shown,
				  .row_size = sizeof(*rows),
				  .context = &context,
				  .now = time(NULL) };
	int status = rows && names ? uc_table_print(work->run, &table, &work->shown,
						    &work->args->listing)
				   : UC_FAILED;

	if (status && !work->status)
		work->status = status;
	if (shown < count && work->run->stdout_tty)
		uc_run_say(work->run, 0, "%zu more: --top=%d lists them", count - shown,
			   count < UC_DISK_TOP_MAX ? (int)count : UC_DISK_TOP_MAX);
	for (size_t i = 0; names && i < max; i++)
		uc_buf_free(&names[i]);
	free(names);
	free(rows);
}

static int add_json(struct work *work, const struct uc_disk_scan *scan)
{
	struct uc_error err = { 0 };

	if (work->json.len)
		uc_buf_add(&work->json, ",\n");
	if (uc_disk_scan_encode(scan, &work->json, &err) == 0)
		return 0;
	work->status = uc_run_error(work->run, &err);
	return -1;
}

static void show(struct work *work, const struct uc_disk_scan *scan)
{
	if (work->args->listing.json) {
		add_json(work, scan);
	} else {
		say_result(work, scan);
		print(work, scan);
	}
	say_faults(work, scan);
}

static void scan_now(struct work *work, const char *root)
{
	uc_auto(disk_scan) struct uc_disk_scan *scan = NULL;
	const struct uc_disk_how how = {
		.threads = (int)work->args->threads,
		.depth = (int)work->args->depth,
		.top = (int)work->args->top,
		.progress = show_progress,
		.arg = work,
	};
	struct uc_error err = { 0 };
	int rc;

	rc = uc_disk_scan_run(root, &how, &scan, &err);
	wipe_progress(work);
	if (rc < 0) {
		work->status = uc_run_error(work->run, &err);
		return;
	}
	if (scan->partial)
		work->status = STATUS_INTERRUPTED;
	keep(work, scan);
	show(work, scan);
}

static void show_kept(struct work *work, const char *root)
{
	uc_auto(disk_scan) struct uc_disk_scan *scan = NULL;
	uc_auto(buf) struct uc_buf state = { 0 }, age = { 0 };
	struct uc_error err = { 0 };
	int64_t seconds;

	uc_run_state_dir(work->run, &state);
	if (uc_disk_scan_load(root, uc_buf_text(&state), &scan, &err) < 0) {
		if (err.code == UC_NOTFOUND) {
			uc_fail(&err, UC_NOTFOUND, "no scan of '%s' is kept", root);
			uc_hint(&err, "make one by: uinfo disk --scan");
		}
		work->status = uc_run_error(work->run, &err);
		return;
	}
	seconds = time(NULL) - scan->time;
	uc_duration_words(&age, seconds < 0 ? 0 : seconds);
	uc_run_say(work->run, 0, "as it was %s ago; --scan looks again",
		   uc_buf_text(&age));
	show(work, scan);
}

/* Nothing is opened on a file system that does not answer: that could not be stopped. */
static int check_answers(struct work *work, const struct disk_paths *paths)
{
	uc_auto(disk_list) struct uc_disk_list *list = NULL;
	struct uc_error err = { 0 };

	if (disk_paths_load(work->run, paths, &list, &err) < 0)
		return uc_run_error(work->run, &err);
	for (size_t i = 0; i < list->count; i++) {
		if (list->row[i].state != UC_DISK_SILENT)
			continue;
		uc_fail(&err, UC_UNREACHABLE, "the file system of '%s' does not answer",
			list->row[i].path.bytes);
		return uc_run_error(work->run, &err);
	}
	return 0;
}

int disk_scan(struct uc_run *run, const struct disk_args *args,
	      const struct disk_paths *paths)
{
	struct work work = { .run = run, .args = args };
	struct uc_listing listing = args->listing;

	if (args->by == DISK_BY_FILE && !listing.format)
		listing.format = "size,changed,owner,name";
	if (uc_listing_select(run, disk_scan_columns, &listing, &work.shown) < 0)
		return run->status;
	if (args->scan && check_answers(&work, paths))
		return run->status;
	if (args->scan)
		catch_interrupt();
	for (size_t i = 0; i < paths->count && !interrupted; i++)
		if (args->scan)
			scan_now(&work, paths->item[i].path);
		else
			show_kept(&work, paths->item[i].path);
	if (args->listing.json)
		printf("{\"version\": 1, \"now\": %lld, \"scans\": [%s%s]}\n",
		       (long long)time(NULL), work.json.len ? "\n" : "",
		       uc_buf_text(&work.json));
	uc_buf_free(&work.json);
	return work.status;
}

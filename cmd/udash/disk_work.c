/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "udash/disk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	DEPTH = 4, /* levels of folders that a scan tells */
	TOP = 100, /* largest files */
};

enum task {
	NOTHING,
	LIST,
	LOAD,
	SCAN,
	DONE,
	END,
};

struct disk_work {
	const struct uc_run *run;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum task task;
	bool busy, stop; /* busy: the caller's */
	int event;
	struct uc_disk_progress progress; /* under the lock */
	char *path;

	struct disk_paths paths;
	struct uc_disk_list *fs;
	struct uc_disk_scan *scan;
	struct uc_error err;
};

/* --- in the thread --- */

static bool note_progress(void *arg, const struct uc_disk_progress *now)
{
	struct disk_work *w = arg;
	bool stop;

	pthread_mutex_lock(&w->lock);
	w->progress = *now;
	stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	return !stop;
}

static void list(struct disk_work *w)
{
	uc_disk_list_free(w->fs);
	w->fs = NULL;
	if (!w->paths.count && disk_paths_find(w->run, &w->paths, &w->err) < 0)
		return;
	if (disk_paths_load(w->run, &w->paths, &w->fs, &w->err) < 0)
		w->fs = NULL;
}

static void scan(struct disk_work *w, bool now)
{
	const struct uc_disk_how how = {
		.depth = DEPTH, .top = TOP, .progress = note_progress, .arg = w
	};
	uc_auto(buf) struct uc_buf state = { 0 };
	struct uc_error ignored = { 0 };

	uc_disk_scan_free(w->scan);
	w->scan = NULL;
	uc_run_state_dir(w->run, &state);
	if (!now) {
		if (uc_disk_scan_load(w->path, uc_buf_text(&state), &w->scan, &w->err) <
		    0)
			w->scan = NULL;
		return;
	}
	if (uc_disk_scan_run(w->path, &how, &w->scan, &w->err) < 0) {
		w->scan = NULL;
		return;
	}
	/* a scan that cannot be kept is shown all the same */
	if (uc_disk_scan_save(w->scan, uc_buf_text(&state), &ignored) < 0)
		return;
}

static void *serve(void *arg)
{
	struct disk_work *w = arg;
	const uint64_t one = 1;

	for (;;) {
		enum task task;
		ssize_t done;

		pthread_mutex_lock(&w->lock);
		while (w->task == NOTHING || w->task == DONE)
			pthread_cond_wait(&w->changed, &w->lock);
		task = w->task;
		pthread_mutex_unlock(&w->lock);
		if (task == END)
			return NULL;
		w->err = (struct uc_error){ 0 };
		if (task == LIST)
			list(w);
		else
			scan(w, task == SCAN);
		pthread_mutex_lock(&w->lock);
		w->task = DONE;
		pthread_mutex_unlock(&w->lock);
		done = write(w->event, &one, sizeof(one));
		(void)done; /* a counter at 0 takes a 1 */
	}
}

/* --- for the caller --- */

struct disk_work *disk_work_new(const struct uc_run *run)
{
	struct disk_work *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->run = run;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->event >= 0 && pthread_create(&w->thread, NULL, serve, w) == 0)
		return w;
	if (w->event >= 0)
		close(w->event);
	free(w);
	return NULL;
}

static void begin(struct disk_work *w, enum task task)
{
	w->busy = true;
	pthread_mutex_lock(&w->lock);
	w->task = task;
	w->stop = false;
	w->progress = (struct uc_disk_progress){ 0 };
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

bool disk_work_take(struct disk_work *w)
{
	uint64_t count;

	if (!w->busy || read(w->event, &count, sizeof(count)) < 0)
		return false;
	w->busy = false;
	return true;
}

bool disk_work_free(struct disk_work *w)
{
	if (!w)
		return true;
	disk_work_stop(w);
	if (w->busy && !disk_work_take(w))
		return false;
	begin(w, END);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->changed);
	close(w->event);
	disk_paths_free(&w->paths);
	uc_disk_list_free(w->fs);
	uc_disk_scan_free(w->scan);
	free(w->path);
	free(w);
	return true;
}

static void begin_path(struct disk_work *w, enum task task, const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return;
	free(w->path);
	w->path = copy;
	begin(w, task);
}

void disk_work_list(struct disk_work *w)
{
	begin(w, LIST);
}

void disk_work_load(struct disk_work *w, const char *path)
{
	begin_path(w, LOAD, path);
}

void disk_work_scan(struct disk_work *w, const char *path)
{
	begin_path(w, SCAN, path);
}

void disk_work_stop(struct disk_work *w)
{
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_mutex_unlock(&w->lock);
}

bool disk_work_is_busy(const struct disk_work *w)
{
	return w->busy;
}

int disk_work_fd(const struct disk_work *w)
{
	return w->event;
}

const struct disk_paths *disk_work_paths(const struct disk_work *w)
{
	return &w->paths;
}

const struct uc_disk_list *disk_work_fs(const struct disk_work *w)
{
	return w->fs;
}

const struct uc_disk_scan *disk_work_result(const struct disk_work *w)
{
	return w->scan;
}

const struct uc_error *disk_work_error(const struct disk_work *w)
{
	return &w->err;
}

void disk_work_progress(struct disk_work *w, struct uc_disk_progress *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->progress;
	pthread_mutex_unlock(&w->lock);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Reading many images: what is not kept is read by several processes at once. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "uimage/uimage.h"

enum {
	THREADS_MAX = 4,   /* disks and servers have others to serve */
	SAY_FROM_MS = 500, /* what is quicker needs no progress */
	SAY_EVERY_MS = 200,
};

struct work {
	const struct uc_image_reader *how;
	const struct uc_image_files *files;
	struct uc_image **images;
	struct uc_error *errors;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	size_t next, done;
};

static void *work_on(void *data)
{
	struct work *w = data;

	pthread_mutex_lock(&w->lock);
	while (w->next < w->files->count) {
		size_t i = w->next++;
		int rc;

		pthread_mutex_unlock(&w->lock);
		rc = uc_image_load(w->how, &w->files->row[i], &w->images[i],
				   &w->errors[i]);
		pthread_mutex_lock(&w->lock);
		if (rc < 0)
			w->images[i] = NULL;
		w->done++;
		pthread_cond_signal(&w->ended);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void wait_a_little(struct work *w)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += SAY_EVERY_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&w->ended, &w->lock, &until);
}

static void watch(struct uc_run *run, struct work *w)
{
	struct timespec start, now;
	bool said = false;

	clock_gettime(CLOCK_MONOTONIC, &start);
	pthread_mutex_lock(&w->lock);
	while (w->done < w->files->count) {
		wait_a_little(w);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (!run->stderr_tty ||
		    (now.tv_sec - start.tv_sec) * 1000 +
				    (now.tv_nsec - start.tv_nsec) / 1000000 <
			    SAY_FROM_MS)
			continue;
		fprintf(stderr, "\r%s: %zu of %zu images are read", run->prog, w->done,
			w->files->count);
		fflush(stderr);
		said = true;
	}
	pthread_mutex_unlock(&w->lock);
	if (said)
		fputs("\r\033[K", stderr);
}

static void report(struct uc_run *run, const struct work *w)
{
	for (size_t i = 0; i < w->files->count; i++) {
		if (w->images[i])
			continue;
		/* what is somebody's own is no fault of this user's */
		if (w->errors[i].code == UC_DENIED)
			uc_run_say(run, 1, "%s", w->errors[i].text);
		else
			uc_run_error(run, &w->errors[i]);
	}
	run->status = 0;
}

void uimage_load_all(struct uc_run *run, const struct uimage_reader *reader,
		     const struct uc_image_files *files, struct uc_image **images)
{
	struct work w = { .how = &reader->how, .files = files, .images = images };
	pthread_t thread[THREADS_MAX];
	size_t count = 0;

	w.errors = calloc(files->count + 1, sizeof(*w.errors));
	if (!w.errors) {
		uc_run_say(run, 0, "out of memory: images are not looked into");
		return;
	}
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.ended, NULL);
	while (count < THREADS_MAX && count < files->count &&
	       pthread_create(&thread[count], NULL, work_on, &w) == 0)
		count++;
	if (count == 0)
		work_on(&w);
	else
		watch(run, &w);
	while (count > 0)
		pthread_join(thread[--count], NULL);
	pthread_cond_destroy(&w.ended);
	pthread_mutex_destroy(&w.lock);
	report(run, &w);
	free(w.errors);
}

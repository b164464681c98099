/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The thread that asks, and does what is to be done. */
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "udash/fetch.h"

enum {
	MMAP_BYTES = 256 * 1024
};

static void act(struct dash_fetch *f)
{
	for (size_t i = 0; i < f->deed_count; i++) {
		struct dash_deed *deed = &f->deeds[i];
		const struct uc_target target = { .id = deed->id,
						  .job_id = deed->job_id,
						  .submit_time = deed->submit_time,
						  .user_id = deed->user_id,
						  .limit = deed->limit };
		struct uc_action action = deed->action;
		uc_auto(buf) struct uc_buf safe = { 0 };
		char *note = NULL;

		if (action.kind == UC_ACTION_CHANGE) {
			action.changes = &deed->change;
			action.change_count = 1;
		}
		deed->done = uc_act(f->src, &action, &target, &note, &deed->err) == 0;
		uc_buf_safe(&safe, uc_raw(note), 0);
		snprintf(deed->note, sizeof(deed->note), "%s", uc_buf_text(&safe));
		free(note);
	}
}

/* --- the thread --- */

/* The source's worker ends with the thread that started it: this one. */
static void *serve(void *arg)
{
	struct dash_fetch *f = arg;
	const uint64_t one = 1;

	for (;;) {
		enum fetch_step step;
		ssize_t done;

		pthread_mutex_lock(&f->lock);
		while (f->step == FETCH_IDLE || f->step == FETCH_ANSWERED)
			pthread_cond_wait(&f->changed, &f->lock);
		step = f->step;
		if (step == FETCH_TAKEN)
			f->step = FETCH_IDLE;
		pthread_mutex_unlock(&f->lock);
		if (step == FETCH_QUIT)
			return NULL;
		/* here, where no key waits for it */
		fetch_drop_parts(&f->old);
		if (step == FETCH_TAKEN) {
			uc_source_tidy(f->src);
			continue;
		}
		if (step == FETCH_ACTING)
			act(f);
		else
			f->answer = fetch_answer(f);
		pthread_mutex_lock(&f->lock);
		f->step = FETCH_ANSWERED;
		pthread_mutex_unlock(&f->lock);
		done = write(f->event, &one, sizeof(one));
		(void)done; /* a counter at 0 takes a 1 */
	}
}

static int start(struct dash_fetch *f, struct uc_run *run, struct uc_error *err)
{
	if (uc_run_share(run, f->src, "udash", err) < 0)
		return -1;
	f->slurm_conf = uc_config_string(run->config, "slurm.conf");
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->event < 0 || pthread_create(&f->thread, NULL, serve, f) != 0)
		return uc_fail(err, UC_FAILED, "no thread can be started");
	return 0;
}

struct dash_fetch *dash_fetch_new(struct uc_run *run)
{
	struct dash_fetch *f = calloc(1, sizeof(*f));
	struct uc_error err = { 0 };

	if (!f) {
		uc_fail(&err, UC_FAILED, "out of memory");
		uc_run_error(run, &err);
		return NULL;
	}
	f->event = -1;
	f->me = getuid();
	/* what a hundred thousand jobs took goes back to the system with them */
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	if (uc_run_source(run, 0, &f->src) < 0) {
		free(f);
		return NULL;
	}
	if (start(f, run, &err) == 0)
		return f;
	uc_run_error(run, &err);
	if (f->event >= 0)
		close(f->event);
	uc_source_free(f->src);
	free(f);
	return NULL;
}

static void set_step(struct dash_fetch *f, enum fetch_step step)
{
	pthread_mutex_lock(&f->lock);
	f->step = step;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static bool answered(struct dash_fetch *f)
{
	uint64_t count;

	return f->busy && read(f->event, &count, sizeof(count)) > 0;
}

bool dash_fetch_free(struct dash_fetch *f)
{
	if (!f)
		return true;
	if (f->busy && !answered(f))
		return false;
	set_step(f, FETCH_QUIT);
	pthread_join(f->thread, NULL);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->changed);
	close(f->event);
	fetch_drop_parts(&f->now);
	fetch_drop_parts(&f->old);
	uc_self_free(&f->self);
	uc_source_free(f->src);
	free(f);
	return true;
}

void dash_fetch_ask(struct dash_fetch *f, const struct dash_question *question)
{
	f->question = *question;
	f->busy = true;
	f->acted = false;
	set_step(f, FETCH_ASKED);
}

void dash_fetch_do(struct dash_fetch *f, struct dash_deed *deeds, size_t count)
{
	f->deeds = deeds;
	f->deed_count = count;
	f->busy = true;
	f->acted = true;
	set_step(f, FETCH_ACTING);
}

bool dash_fetch_is_busy(const struct dash_fetch *f)
{
	return f->busy;
}

void dash_fetch_wait(const struct dash_fetch *f)
{
	poll(&(struct pollfd){ .fd = f->event, .events = POLLIN }, 1, -1);
}

int dash_fetch_fd(const struct dash_fetch *f)
{
	return f->event;
}

int dash_fetch_take(struct dash_fetch *f, const struct dash_data **data,
		    struct uc_error *err)
{
	if (f->acted || !answered(f))
		return 0;
	f->busy = false;
	if (f->answer < 0) {
		*err = f->err;
		return -1;
	}
	f->newest = !f->newest;
	*data = &f->data[f->newest];
	return 1;
}

void dash_fetch_taken(struct dash_fetch *f)
{
	if (!f->busy)
		set_step(f, FETCH_TAKEN);
}

bool dash_fetch_did(struct dash_fetch *f)
{
	if (!f->acted || !answered(f))
		return false;
	f->busy = false;
	f->acted = false;
	return true;
}

void dash_fetch_as(struct dash_fetch *f, uint32_t user_id)
{
	f->me = user_id;
}

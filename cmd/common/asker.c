/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/asker.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <ucluster/units.h>

enum step {
	IDLE,
	ASKED,
	ANSWERED,
	QUIT,
};

struct uc_asker {
	struct uc_source *src;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum step step;
	bool busy; /* from the question until its answer is taken; the asking thread's */
	int event;
	uint32_t job_id;
	uc_ask *ask; /* or NULL: about job_id */
	void *arg;
	struct uc_answer answer;
};

static int load(struct uc_asker *a)
{
	const struct uc_job_query one = { .job_ids = &a->job_id, .job_count = 1 };

	if (a->ask)
		return a->ask(a->src, a->arg, &a->answer.jobs, &a->answer.error);
	return uc_jobs_load(a->src, a->job_id ? &one : NULL, &a->answer.jobs,
			    &a->answer.error);
}

static void answer(struct uc_asker *a)
{
	const int64_t start = uc_monotonic_ms();
	const uint64_t event = 1;
	ssize_t done;

	a->answer = (struct uc_answer){ .everybody = a->job_id == 0 };
	if (load(a) < 0)
		a->answer.jobs = NULL;
	a->answer.took = uc_monotonic_ms() - start;
	uc_source_asked(a->src, &a->answer.asked);
	pthread_mutex_lock(&a->lock);
	a->step = ANSWERED;
	pthread_mutex_unlock(&a->lock);
	done = write(a->event, &event, sizeof(event));
	(void)done; /* a counter at 0 takes a 1 */
}

/* The source's worker ends with the thread that started it: this one. */
static void *serve(void *arg)
{
	struct uc_asker *a = arg;

	for (;;) {
		enum step step;

		pthread_mutex_lock(&a->lock);
		while (a->step != ASKED && a->step != QUIT)
			pthread_cond_wait(&a->changed, &a->lock);
		step = a->step;
		pthread_mutex_unlock(&a->lock);
		if (step == QUIT)
			return NULL;
		answer(a);
	}
}

struct uc_asker *uc_asker_new(struct uc_run *run)
{
	struct uc_asker *a = calloc(1, sizeof(*a));
	struct uc_error err = { 0 };

	if (!a) {
		uc_fail(&err, UC_FAILED, "out of memory");
		uc_run_error(run, &err);
		return NULL;
	}
	if (uc_run_source(run, 0, &a->src) < 0) {
		free(a);
		return NULL;
	}
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	a->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->event >= 0 && pthread_create(&a->thread, NULL, serve, a) == 0)
		return a;
	uc_fail(&err, UC_FAILED, "no thread can be started");
	uc_run_error(run, &err);
	if (a->event >= 0)
		close(a->event);
	uc_source_free(a->src);
	free(a);
	return NULL;
}

static void set_step(struct uc_asker *a, enum step step)
{
	pthread_mutex_lock(&a->lock);
	a->step = step;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

bool uc_asker_free(struct uc_asker *a)
{
	struct uc_answer last = { 0 };

	if (!a)
		return true;
	if (a->busy && !uc_asker_take(a, &last))
		return false;
	uc_jobs_free(last.jobs);
	set_step(a, QUIT);
	pthread_join(a->thread, NULL);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->changed);
	close(a->event);
	uc_source_free(a->src);
	free(a);
	return true;
}

void uc_asker_ask(struct uc_asker *a, uint32_t job_id)
{
	a->job_id = job_id;
	a->ask = NULL;
	a->busy = true;
	set_step(a, ASKED);
}

void uc_asker_do(struct uc_asker *a, uc_ask *question, void *arg)
{
	a->job_id = 0;
	a->ask = question;
	a->arg = arg;
	a->busy = true;
	set_step(a, ASKED);
}

struct uc_source *uc_asker_source(struct uc_asker *a)
{
	return a->src;
}

bool uc_asker_is_busy(const struct uc_asker *a)
{
	return a->busy;
}

int uc_asker_fd(const struct uc_asker *a)
{
	return a->event;
}

bool uc_asker_take(struct uc_asker *a, struct uc_answer *out)
{
	uint64_t count;

	if (!a->busy || read(a->event, &count, sizeof(count)) < 0)
		return false;
	*out = a->answer;
	a->busy = false;
	return true;
}

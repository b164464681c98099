/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The state of the job. slurmctld is asked as rarely as can be: what prints runs. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "common/stay_state.h"

/* Between two questions, in ms: at first, in the end, while it prints, and after a pause
 * in its output. */
#define ASK_LEAST 1000
#define ASK_MOST  30000
#define ASK_QUIET 10000
#define QUIET     700
/* A question may take this part of the time. */
#define SHARE 50

/* srun's way of saying it: the code, 128 and the signal, 143 when it was cancelled. */
static int exit_status(const struct uc_job *job)
{
	const int status = (int)job->exit_status;
	const uint32_t base = job->state & UC_JOB_BASE;

	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	if (WEXITSTATUS(status))
		return WEXITSTATUS(status);
	if (base == UC_JOB_COMPLETED)
		return 0;
	return base == UC_JOB_CANCELLED ? 128 + SIGTERM : UC_FAILED;
}

static struct stay_task *find_task(struct stay *s, const struct uc_job *job)
{
	struct stay_task **grown, *task;

	for (size_t i = 0; i < s->task_count; i++)
		if (s->task[i]->job_id == job->job_id)
			return s->task[i];
	grown = realloc(s->task, (s->task_count + 1) * sizeof(*grown));
	task = calloc(1, sizeof(*task));
	if (grown)
		s->task = grown;
	if (!grown || !task) {
		free(task);
		return NULL;
	}
	task->job_id = job->job_id;
	task->file[0] = task->file[1] = -1;
	s->task[s->task_count++] = task;
	return task;
}

static bool is_over(uint32_t state)
{
	return uc_job_is_finished(state) && !(state & UC_JOB_COMPLETING);
}

static void tell_change(struct stay *s, const struct stay_task *task,
			const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf name = { 0 }, nodes = { 0 };

	uc_buf_job_id(&name, job, UC_NONE32);
	if (job->restarts > task->restarts && s->what->ending)
		stay_say(s, "job %s was requeued, and begins anew", uc_buf_text(&name));
	if (!task->started && task->watched && s->what->waiting &&
	    (job->state & UC_JOB_BASE) == UC_JOB_RUNNING) {
		uc_buf_safe(&nodes, job->nodes, s->run->safe);
		stay_say(s, "job %s runs on %s", uc_buf_text(&name), uc_buf_text(&nodes));
	}
}

static void take_task(struct stay *s, const struct uc_job *job)
{
	struct stay_task *task = find_task(s, job);
	const bool pending = (job->state & UC_JOB_BASE) == UC_JOB_PENDING;

	if (!task)
		return;
	task->array_job_id = job->array_job_id;
	task->array_task_id = job->array_task_id;
	if (pending) {
		task->watched = true;
		stay_files_measure(s, task, job);
	}
	if (s->seen && task->state != job->state)
		tell_change(s, task, job);
	if ((!s->seen || task->state != job->state) && stay_event(s, "state", job) < 0)
		s->printer.json = false;
	if (task->state != job->state || job->restarts != task->restarts)
		s->pause = ASK_LEAST;
	task->restarts = job->restarts;
	task->state = job->state;
	task->start_time = job->start_time;
	task->over = is_over(job->state);
	/* one that was cancelled while it waited never had a node */
	task->started = !pending && !uc_raw_empty(job->nodes);
	s->started |= task->started && !task->over;
}

/* Those of an array that ended before anybody looked are not shown. */
static bool wants_files(const struct stay *s, const struct stay_task *task, bool first,
			size_t rows)
{
	return s->what->output && task->started && !task->listed &&
	       (s->what->fresh || !first || !task->over || rows == 1);
}

/* The batch script runs in the first component, and prints for all. */
static void tell_component(struct stay *s, struct stay_task *task,
			   const struct uc_job *job, size_t rows)
{
	task->listed = true;
	if (rows == 1 && job->batch && !s->printer.json)
		stay_say(s,
			 "%" PRIu32 "+%" PRIu32 " has no output of its own: its script "
			 "runs in %" PRIu32 "+0",
			 job->het_job_id, job->het_offset, job->het_job_id);
}

static void add_files(struct stay *s, bool first, size_t rows)
{
	size_t open = 0;

	for (size_t i = 0; i < s->task_count; i++)
		open += s->task[i]->listed && s->task[i]->file[0] >= 0;
	for (size_t i = 0; i < s->jobs->count; i++) {
		const struct uc_job *job = &s->jobs->row[i];
		struct stay_task *task = NULL;

		for (size_t t = 0; t < s->task_count; t++)
			if (s->task[t]->job_id == job->job_id)
				task = s->task[t];
		if (!task || !wants_files(s, task, first, rows))
			continue;
		if (job->het_offset > 0 && (!s->what->log || rows > 1)) {
			tell_component(s, task, job, rows);
			continue;
		}
		if (open >= STAY_TASKS_MAX) {
			if (!s->crowded)
				stay_say(s,
					 "more than %d tasks run: the output of the "
					 "others is shown as soon as some of them end",
					 STAY_TASKS_MAX);
			s->crowded = true;
			return;
		}
		stay_files_add(s, task, job);
		open++;
	}
}

static void plan(struct stay *s, const struct uc_answer *answer, int64_t end)
{
	const int64_t now = uc_monotonic_ms();
	const int64_t share = answer->took * SHARE;

	if (s->waiting.in_line && s->pending && answer->everybody)
		s->queue_at = now + (share * 4 > 60000 ? share * 4 : 60000);
	s->asked_at = now;
	s->ask_at = now + (s->pause > share ? s->pause : share);
	s->pause = s->pause * 3 / 2 > ASK_MOST ? ASK_MOST : s->pause * 3 / 2;
	/* its time limit */
	if (end > s->jobs->now && now + (end - s->jobs->now + 1) * 1000 < s->ask_at)
		s->ask_at = now + (end - s->jobs->now + 1) * 1000;
}

static void take_jobs(struct stay *s, const struct uc_answer *answer)
{
	const bool first = !s->seen;
	const struct uc_job *waits = NULL;
	size_t rows = 0, open = 0;
	int64_t end = 0;
	int worst = 0;

	s->pending = s->started = false;
	s->everybody = answer->everybody;
	for (size_t i = 0; i < s->jobs->count; i++) {
		const struct uc_job *job = &s->jobs->row[i];

		if (!uc_job_id_match(&s->what->id, job))
			continue;
		rows++;
		if ((job->state & UC_JOB_BASE) == UC_JOB_PENDING) {
			s->pending = true;
			waits = waits ? waits : job;
		} else if (!uc_job_is_finished(job->state)) {
			end = job->end_time;
		}
		open += !is_over(job->state);
		if (uc_raw_empty(job->array_tasks))
			take_task(s, job);
		if (is_over(job->state) && exit_status(job) > worst)
			worst = exit_status(job);
	}
	if (rows > 0)
		s->status = worst;
	s->seen |= rows > 0;
	s->over = open == 0;
	add_files(s, first, rows);
	stay_line(s, s->started ? NULL : waits);
	plan(s, answer, end);
}

int stay_ask(struct stay *s)
{
	const int64_t now = uc_monotonic_ms();

	if (s->over || uc_asker_is_busy(s->asker))
		return 0;
	if (s->busy && now - s->news_at > QUIET) {
		const int64_t soon =
			s->asked_at + (s->pause < ASK_QUIET ? s->pause : ASK_QUIET);

		s->busy = false;
		if (soon < s->ask_at)
			s->ask_at = soon;
	}
	if (now < s->ask_at)
		return 0;
	if (s->busy && now - s->asked_at < ASK_MOST && !s->pending) {
		s->ask_at = now + QUIET;
		return 0;
	}
	uc_asker_ask(s->asker, s->pending && !s->started && s->what->waiting &&
					       s->waiting.in_line && now >= s->queue_at
				       ? 0
				       : s->what->id.job);
	return 1;
}

int stay_take(struct stay *s, struct uc_error *err)
{
	struct uc_answer answer = { 0 };

	if (!uc_asker_take(s->asker, &answer))
		return 0;
	if (!answer.jobs) {
		if (answer.error.code != UC_UNREACHABLE) {
			*err = answer.error;
			return -1;
		}
		if (!s->unreachable)
			stay_say(s, "slurmctld does not answer; the job goes on, and so "
				    "does this");
		s->unreachable = true;
		s->ask_at = uc_monotonic_ms() + ASK_QUIET;
		return 0;
	}
	s->unreachable = false;
	return stay_take_jobs(s, &answer, err);
}

int stay_take_jobs(struct stay *s, const struct uc_answer *answer, struct uc_error *err)
{
	uc_jobs_free(s->jobs);
	s->jobs = answer->jobs;
	take_jobs(s, answer);
	if (s->over && !s->seen)
		return uc_fail(err, UC_NOTFOUND, "slurmctld does not know job %" PRIu32,
			       s->what->id.job);
	return 0;
}

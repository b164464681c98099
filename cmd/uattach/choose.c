/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which job is meant. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/receipt.h>
#include <ucluster/state.h>
#include "uattach/uattach.h"

static bool runs(const struct uc_job *job)
{
	const uint32_t base = job->state & UC_JOB_BASE;

	return base == UC_JOB_RUNNING || base == UC_JOB_SUSPENDED;
}

static void mean(struct uattach *u, const struct uc_job *job)
{
	u->job = job;
	u->id = (struct uc_job_id){ .job = job->job_id,
				    .task = UC_NONE32,
				    .component = UC_NONE32 };
	if (job->array_job_id) {
		u->id.job = job->array_job_id;
		if (uc_raw_empty(job->array_tasks))
			u->id.task = job->array_task_id;
	} else if (job->het_job_id) {
		u->id.job = job->het_job_id;
	}
}

static int load_mine(struct uattach *u, struct uc_error *err)
{
	const uint32_t me = getuid();
	const struct uc_job_query query = { .user_ids = &me, .user_count = 1 };

	uc_jobs_free(u->jobs);
	u->jobs = NULL;
	return uc_jobs_load(u->src, &query, &u->jobs, err);
}

/* One of these, the only one that runs, or the one that the user picks. */
static int pick_of(struct uattach *u, const struct uc_job **row, size_t count,
		   struct uc_error *err)
{
	size_t running = 0;
	int which = 0;

	for (size_t i = 0; i < count; i++)
		running += runs(row[i]);
	if (running > 1 || (running == 0 && count > 1))
		which = uattach_pick(u, row, running ? running : count, err);
	if (which < 0)
		return -1;
	mean(u, row[which]);
	return 0;
}

/* One row for each array: its name is that of all tasks. */
static size_t fold_arrays(const struct uc_job **row, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		const uint32_t array = row[i]->array_job_id;
		size_t j = 0;

		while (j < kept && !(array && row[j]->array_job_id == array))
			j++;
		if (j == kept)
			row[kept++] = row[i];
	}
	return kept;
}

/* "train": one that has not ended, or the last that has; of an array, all of it. */
static int choose_name(struct uattach *u, const char *name, struct uc_error *err)
{
	const struct uc_job **row = NULL;
	const struct uc_job *last = NULL;
	size_t count;
	int rc;

	if (load_mine(u, err) < 0)
		return -1;
	count = uattach_mine(u->jobs, name, &row);
	count = fold_arrays(row, count);
	rc = count ? pick_of(u, row, count, err) : 0;
	free(row);
	u->id.task = UC_NONE32;
	if (count)
		return rc;
	for (size_t i = 0; i < u->jobs->count; i++) {
		const struct uc_job *job = &u->jobs->row[i];

		if (job->user_id == getuid() && job->name.bytes &&
		    strcmp(job->name.bytes, name) == 0 &&
		    (!last || job->end_time >= last->end_time))
			last = job;
	}
	if (last) {
		mean(u, last);
		u->id.task = UC_NONE32;
		return 0;
	}
	uc_fail(err, UC_NOTFOUND, "none of your jobs is called '%s'", name);
	return uc_hint(err, "'uattach --list' shows them");
}

static int choose_any(struct uattach *u, struct uc_error *err)
{
	const struct uc_job **row = NULL;
	size_t count;
	int rc = -1;

	if (load_mine(u, err) < 0)
		return -1;
	count = uattach_mine(u->jobs, NULL, &row);
	if (count > 0) {
		rc = pick_of(u, row, count, err);
	} else {
		uc_fail(err, UC_NOTFOUND, "none of your jobs waits or runs");
		uc_hint(err, "'uattach JOBID' shows the end of one that is over");
	}
	free(row);
	return rc;
}

/* "-" */
static int choose_last(struct uattach *u, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf dir = { 0 };
	uc_auto(receipt) struct uc_receipt *receipt = NULL;

	uc_run_state_dir(u->run, &dir);
	if (dir.len == 0 ||
	    uc_receipt_newest(uc_buf_text(&dir), NULL, &receipt, err) < 0) {
		if (dir.len > 0 && err->code != UC_NOTFOUND)
			return -1;
		uc_fail(err, UC_NOTFOUND, "usrun has submitted nothing yet");
		return uc_hint(err, "'uattach --list' shows your jobs");
	}
	u->id = (struct uc_job_id){ .job = receipt->job_id,
				    .task = UC_NONE32,
				    .component = UC_NONE32 };
	return uattach_reload(u, err);
}

/* The row that stands for the rest: one that runs, the newest. */
static const struct uc_job *best(const struct uattach *u)
{
	const struct uc_job *found = NULL;

	for (size_t i = 0; i < u->jobs->count; i++) {
		const struct uc_job *job = &u->jobs->row[i];

		if (!uc_job_id_match(&u->id, job))
			continue;
		if (!found || (runs(job) && !runs(found)) ||
		    (runs(job) == runs(found) && job->het_offset == 0 &&
		     job->start_time > found->start_time))
			found = job;
	}
	return found;
}

int uattach_reload(struct uattach *u, struct uc_error *err)
{
	const struct uc_job_query query = { .job_ids = &u->id.job, .job_count = 1 };

	uc_jobs_free(u->jobs);
	u->jobs = NULL;
	u->job = NULL;
	if (uc_jobs_load(u->src, &query, &u->jobs, err) < 0)
		return -1;
	u->job = best(u);
	if (u->job)
		return 0;
	if (u->id.task != UC_NONE32 && u->jobs->count > 0)
		return uc_fail(err, UC_NOTFOUND, "job %" PRIu32 " has no task %" PRIu32,
			       u->id.job, u->id.task);
	u->forgotten = true;
	uc_fail(err, UC_NOTFOUND, "slurmctld does not know job %" PRIu32, u->id.job);
	return uc_hint(err, "it forgets jobs some minutes after they ended; what is left "
			    "is their output files");
}

/* "4711.0": the job, and the step. */
static int split_step(struct uattach *u, const char *word, struct uc_error *err)
{
	const char *dot = strrchr(word, '.');

	u->step = UC_NONE32;
	if (dot && word[0] >= '0' && word[0] <= '9') {
		if (!uc_step_parse(dot + 1, &u->step))
			return uc_fail(err, UC_USAGE,
				       "'%s' is no step: a number, batch, interactive or "
				       "extern is expected",
				       dot + 1);
		uc_strv_addn(&u->words, word, (size_t)(dot - word));
	} else {
		uc_strv_add(&u->words, word);
	}
	return u->words.failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

int uattach_choose(struct uattach *u, const char *word, struct uc_error *err)
{
	const char *id;

	u->step = UC_NONE32;
	if (!word)
		return choose_any(u, err);
	if (strcmp(word, "-") == 0)
		return choose_last(u, err);
	if (split_step(u, word, err) < 0)
		return -1;
	id = u->words.item[u->words.count - 1];
	/* a name may begin with a digit: only what is wholly a number is one */
	if (id[0] < '0' || id[0] > '9' || id[strspn(id, "0123456789_+[]%,:-")])
		return choose_name(u, word, err);
	if (uc_job_id_parse(id, &u->id, err) < 0)
		return -1;
	return uattach_reload(u, err);
}

int uattach_choose_running(struct uattach *u, struct uc_error *err)
{
	const struct uc_job **row = calloc(u->jobs->count + 1, sizeof(*row));
	uc_auto(buf) struct uc_buf name = { 0 };
	size_t count = 0;
	int which = 0;

	if (!row)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < u->jobs->count; i++)
		if (uc_job_id_match(&u->id, &u->jobs->row[i]) && runs(&u->jobs->row[i]) &&
		    u->jobs->row[i].het_offset == 0)
			row[count++] = &u->jobs->row[i];
	if (count > 1)
		which = uattach_pick(u, row, count, err);
	if (count > 0 && which >= 0)
		mean(u, row[which]);
	free(row);
	if (count > 0)
		return which < 0 ? -1 : 0;
	uattach_job_name(&name, u->job);
	return uc_fail(err, UC_NOTFOUND, "job %s does not run: it is %s",
		       uc_buf_text(&name), uc_job_state_name(u->job->state));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uqueue show: everything about one job, from slurmctld, accounting and receipts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/gres.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include "common/own.h"
#include "uqueue/about.h"
#include "uqueue/show.h"

/* A host list of a job is not longer than this; who writes more means harm. */
#define NODES_MAX 100000

bool show_ending(const struct show *show, const struct uc_job *job,
		 struct uc_ending *ending)
{
	const struct uc_history *history = show->eff.history;

	if (!uc_job_is_finished(job->state))
		return false;
	uc_ending_of_job(ending, job, show->now);
	for (size_t i = 0; history && i < history->count; i++) {
		const struct uc_past *past = &history->row[i];

		if (past->step.bytes || past->job_id != job->job_id ||
		    !uc_job_is_finished(past->state))
			continue;
		ending->cancelled_by = past->cancelled_by;
		ending->failed_node = past->failed_node;
		ending->elapsed = past->elapsed;
	}
	return true;
}

int show_output(const struct show *show, size_t row, bool error, struct uc_buf *path)
{
	struct uc_job job = *show->rows[row].job;

	if (job.array_job_id && job.array_task_id == UC_NONE32)
		job.array_task_id = show->rows[row].task;
	if (job.array_job_id && job.array_task_id == UC_NONE32)
		return -1;
	return uc_job_output(&job, error, NULL, path, NULL);
}

void show_node_names(const struct uc_job *job, struct uc_strv *names)
{
	if (job->gres_detail.count && uc_job_holds(job))
		uc_hosts_expand(job->nodes.bytes, NODES_MAX, names);
}

/* "waits", "runs", "exit code 1": for tasks that are one line together. */
static void add_manner(struct uc_buf *out, const struct show *show,
		       const struct uc_job *job)
{
	struct uc_ending ending;

	if (!show_ending(show, job, &ending))
		uc_ending_of_job(&ending, job, show->now);
	uc_ending_brief(out, &ending, show->run->safe);
}

static void add_task(struct show_group *group, const struct uc_job *job)
{
	uint32_t count = 1;

	if (group->tasks.len)
		uc_buf_addc(&group->tasks, ',');
	if (!uc_raw_empty(job->array_tasks)) {
		size_t len = strcspn(job->array_tasks.bytes, "%");

		uc_buf_safen(&group->tasks, job->array_tasks.bytes, len, 0);
		count = uc_array_count(job->array_tasks.bytes);
	} else {
		uc_buf_addf(&group->tasks, "%u", job->array_task_id);
	}
	group->count += count == UC_NONE32 ? 1 : count;
}

static void group_task(struct show *show, const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf words = { 0 };
	size_t i;

	add_manner(&words, show, job);
	for (i = 0; i < show->group_count; i++)
		if (!strcmp(uc_buf_text(&show->group[i].words), uc_buf_text(&words)))
			break;
	if (i == SHOW_GROUPS)
		return;
	if (i == show->group_count) {
		show->group_count++;
		uc_buf_add(&show->group[i].words, uc_buf_text(&words));
	}
	add_task(&show->group[i], job);
}

/* Jobs that only accounting knows, as rows like slurmctld's. */
static int remember(struct show *show, struct uc_error *err)
{
	const struct uc_history *history = show->eff.history;

	show->forgotten = calloc(history->count + 1, sizeof(*show->forgotten));
	show->rows = calloc(history->count + 1, sizeof(*show->rows));
	if (!show->forgotten || !show->rows)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < history->count; i++) {
		struct uc_job *job = &show->forgotten[show->row_count];

		if (history->row[i].step.bytes)
			continue;
		uc_job_of_past(job, &history->row[i]);
		/* a job that was requeued: its last run */
		if (show->row_count && job[-1].job_id == job->job_id) {
			job[-1] = *job;
			continue;
		}
		show->rows[show->row_count++] = (struct uqueue_row){ job, UC_NONE32 };
	}
	show->now = history->now;
	return 0;
}

static int pick_rows(struct show *show, struct uc_error *err)
{
	show->rows = calloc(show->jobs->count + 1, sizeof(*show->rows));
	if (!show->rows)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < show->jobs->count; i++) {
		const struct uc_job *job = &show->jobs->row[i];
		uint32_t task = UC_NONE32;

		if (!uc_job_id_match(&show->id, job))
			continue;
		if (!uc_raw_empty(job->array_tasks))
			task = show->id.task;
		show->rows[show->row_count++] = (struct uqueue_row){ job, task };
	}
	show->now = show->jobs->now;
	return 0;
}

/* What waits has no history worth a question to slurmdbd. */
static bool needs_history(const struct show *show)
{
	for (size_t i = 0; i < show->row_count; i++)
		if (!uc_job_waits(show->rows[i].job))
			return true;
	return !show->row_count;
}

static int load(struct show *show, struct uc_source *source, struct uc_error *err)
{
	const struct uc_job_query query = { .job_ids = &show->id.job,
					    .job_count = 1,
					    .detail = true };
	struct uc_error why = { 0 };

	if (uc_jobs_load(source, &query, &show->jobs, err) < 0 ||
	    pick_rows(show, err) < 0)
		return -1;
	if (!needs_history(show))
		return 0;
	if (uqueue_eff_load(source, &show->id, &show->eff, &why) < 0) {
		if (show->row_count) {
			uc_run_say(show->run, 0, "accounting: %s", why.text);
			return 0;
		}
		*err = why;
		return -1;
	}
	if (show->row_count)
		return 0;
	if (!show->eff.history->count)
		return uc_fail(err, UC_NOTFOUND, "job %s is not in the queue%s%s",
			       show->word,
			       show->eff.facts.why[0] ? ", and " : ", nor in accounting",
			       show->eff.facts.why);
	free(show->rows);
	show->rows = NULL;
	return remember(show, err);
}

/* Of an array: how its tasks fare, and one of them to stand for all. */
static void gather_array(struct show *show)
{
	size_t best = 0;

	if (show->row_count < 2 || !show->rows[0].job->array_job_id)
		return;
	for (size_t i = 0; i < show->row_count; i++) {
		group_task(show, show->rows[i].job);
		if (!uc_raw_empty(show->rows[i].job->array_tasks))
			best = i;
	}
	show->rows[0] = show->rows[best];
	show->row_count = 1;
}

static void show_free(struct show *show)
{
	for (size_t i = 0; i < show->group_count; i++) {
		uc_buf_free(&show->group[i].words);
		uc_buf_free(&show->group[i].tasks);
	}
	uqueue_context_free(&show->context);
	uqueue_eff_free(&show->eff);
	uc_receipt_free(show->receipt);
	uc_jobs_free(show->jobs);
	free(show->forgotten);
	free(show->rows);
}

static int load_all(struct show *show, struct uc_source *source, struct uc_error *err)
{
	if (uqueue_id_parse(show->word, NULL, &show->id, err) < 0 ||
	    load(show, source, err) < 0 ||
	    uqueue_context_fill(&show->context, show->run, show->jobs, err) < 0)
		return -1;
	show->context.mark = false;
	show->context.now = show->now;
	gather_array(show);
	show->receipt = uc_run_receipt(show->run, show->rows[0].job);
	return 0;
}

static int add_job(struct uqueue_about *about, const char *word, struct uc_error *err)
{
	struct show show = { .word = word, .run = about->run };
	int rc = load_all(&show, about->source, err);

	if (rc == 0 && about->as_json)
		show_json(&show, &about->json);
	else if (rc == 0)
		show_sections(&show, about->json.out);
	show_free(&show);
	return rc;
}

static int run_show(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	(void)argc;
	return uqueue_about_jobs(run, cmd, argv, add_job);
}

const struct uc_cmd uqueue_show = {
	.name = "uqueue show",
	.summary = "say everything about some jobs",
	.usage = (const char *const[]){ "JOBID...", NULL },
	.options = uqueue_about_options,
	.operands = "JOBID",
	.min_operands = 1,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.fn = run_show,
	.doc = "Show everything that is known of these jobs, in sections:\n"
	       "what they are and how they ended, what they ask for,\n"
	       "where and when they run, which GPUs they hold on which node, their files,\n"
	       "what they used, and how\n.Xr usrun 1\nwas called for them.\n"
	       "Jobs that slurmctld has forgotten are looked for in accounting.\n"
	       "An array is shown as one: how many of its tasks fare how, and one of them.\n"
	       "What is not known or not set is left out.",
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The output of the job: which files, and where they go. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "common/stay_state.h"

/* Milliseconds: a shared file system may show the last lines, and the file itself, late.
 */
#define SETTLE 1000
#define LATE   5000
/* A line without an end is shown after that. */
#define HOLD 500

static bool same_file(const struct uc_job *job)
{
	return uc_raw_empty(job->std_err) ||
	       (job->std_out.bytes &&
		strcmp(job->std_out.bytes, job->std_err.bytes) == 0);
}

/* slurmd calls its host as the host does, which slurmctld may not know: a node
 * "localhost" is this host. */
static void find_host(struct stay *s, const struct uc_job *job)
{
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(nodes) struct uc_nodes *nodes = NULL;
	char own[256];

	if (s->host || !uc_job_output_names_host(job) || uc_raw_empty(job->batch_host) ||
	    uc_run_source(s->run, 0, &src) < 0 || uc_nodes_load(src, &nodes, NULL) < 0)
		return;
	for (size_t i = 0; i < nodes->count; i++) {
		const struct uc_node *node = &nodes->row[i];

		if (!node->name.bytes ||
		    strcmp(node->name.bytes, job->batch_host.bytes) != 0 ||
		    uc_raw_empty(node->hostname))
			continue;
		if (strcmp(node->hostname.bytes, "localhost") == 0 &&
		    gethostname(own, sizeof(own)) == 0)
			s->host = strdup(own);
		else
			s->host = strdup(node->hostname.bytes);
	}
}

static int find_path(const struct stay *s, const struct uc_job *job, bool error,
		     struct uc_buf *path)
{
	struct uc_error err = { 0 };
	int rc;

	if (s->what->log)
		rc = uc_job_file(job, s->what->log, s->host, path, &err);
	else
		rc = uc_job_output(job, error, s->host, path, &err);
	if (rc < 0)
		uc_run_say(s->run, 1, "%s", err.text);
	return rc;
}

void stay_files_measure(struct stay *s, struct stay_task *task, const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat st;

	if (!s->what->append || !job->batch || uc_job_output_names_host(job) ||
	    find_path(s, job, false, &path) < 0)
		return;
	task->skip = stat(uc_buf_text(&path), &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void add_label(const struct stay *s, const struct stay_task *task,
		      const struct uc_job *job, struct uc_channel *channel)
{
	const bool tasks = task->array_job_id && s->what->id.task == UC_NONE32 &&
			   s->what->id.job == task->array_job_id;

	uc_buf_job_id(&channel->job, job, UC_NONE32);
	if (tasks)
		uc_buf_addf(&channel->label, "[%" PRIu32 "] ", task->array_task_id);
	/* where both go to one screen */
	if (channel->error && s->run->stdout_tty && s->run->stderr_tty)
		uc_buf_add(&channel->label, "stderr: ");
}

void stay_files_add(struct stay *s, struct stay_task *task, const struct uc_job *job)
{
	const bool fresh = task->watched || s->what->fresh;
	size_t files = s->what->log || same_file(job) ? 1 : 2;

	task->listed = true;
	task->quiet = uc_monotonic_ms();
	if (!job->batch && !s->what->log)
		return;
	find_host(s, job);
	for (size_t i = 0; i < files; i++) {
		uc_auto(buf) struct uc_buf path = { 0 };
		struct uc_follow_rules rules = { .lines = s->what->lines };

		if (find_path(s, job, i == 1, &path) < 0)
			continue;
		rules.path = uc_buf_text(&path);
		if (fresh && !s->what->log) {
			rules.lines = UC_FOLLOW_ALL;
			rules.not_before = job->start_time;
			rules.skip = i > 0           ? 0
				     : task->watched ? task->skip
						     : s->what->skip;
		}
		task->channel[i].error = i == 1;
		add_label(s, task, job, &task->channel[i]);
		task->file[i] = uc_follow_add(s->follow, &rules);
		if (task->over && task->file[i] >= 0)
			uc_follow_claim(s->follow, task->file[i]);
		uc_run_say(s->run, 1, "output of job %" PRIu32 ": '%s'", job->job_id,
			   rules.path);
	}
}

static struct uc_channel *find_channel(struct stay *s, int file, struct stay_task **task)
{
	for (size_t i = 0; i < s->task_count; i++)
		for (size_t k = 0; k < 2; k++)
			if (s->task[i]->file[k] == file) {
				*task = s->task[i];
				return &s->task[i]->channel[k];
			}
	return NULL;
}

static void tell_news(struct stay *s, struct stay_task *task,
		      const struct uc_follow_news *news)
{
	const struct uc_channel *first = &task->channel[0];
	const char *name =
		uc_buf_text(first->job.len ? &first->job : &task->channel[1].job);

	if (news->kind == UC_FOLLOW_FAILED)
		for (size_t k = 0; k < 2; k++)
			if (task->file[k] == news->which)
				task->file[k] = -1;
	if (news->kind == UC_FOLLOW_FAILED)
		stay_say(s, "the output of job %s cannot be followed: %s", name,
			 news->error.text);
	else if (s->what->ending)
		stay_say(s,
			 news->kind == UC_FOLLOW_CUT
				 ? "the output of job %s was emptied or rewritten"
				 : "the output of job %s is in a new file from here on",
			 name);
}

static int flush(struct stay *s, struct stay_task *task)
{
	for (size_t i = 0; i < 2; i++)
		if (uc_printer_flush(&s->printer, &task->channel[i]) < 0)
			return -1;
	return 0;
}

/* Lines that nobody ends, and files of tasks that have ended. */
static int tidy(struct stay *s)
{
	const int64_t now = uc_monotonic_ms();

	for (size_t i = 0; i < s->task_count; i++) {
		struct stay_task *task = s->task[i];

		if (now - task->quiet > HOLD && !s->printer.json && flush(s, task) < 0)
			return -1;
		if (!task->over || s->over || now - task->quiet < SETTLE)
			continue;
		if (flush(s, task) < 0)
			return -1;
		for (size_t k = 0; k < 2; k++)
			if (task->file[k] >= 0)
				uc_follow_drop(s->follow, task->file[k]);
		task->file[0] = task->file[1] = -1;
	}
	return 0;
}

int stay_files_copy(struct stay *s, struct uc_error *err)
{
	struct uc_follow_news news;
	struct stay_task *task = NULL;
	struct uc_channel *channel;
	int rc = 0;

	if (!uc_follow_next(s->follow, &news))
		return tidy(s) < 0 ? uc_fail_errno(err, UC_FAILED, errno,
						   "cannot write the job's output")
				   : 0;
	channel = find_channel(s, news.which, &task);
	if (!channel)
		return 1;
	s->news_at = task->quiet = uc_monotonic_ms();
	switch (news.kind) {
	case UC_FOLLOW_BYTES:
		s->busy = true;
		stay_line_erase(s);
		rc = uc_printer_put(&s->printer, channel, news.bytes, news.len);
		s->midline = news.bytes[news.len - 1] != '\n';
		break;
	case UC_FOLLOW_CLOSED:
		/* slurmstepd does that last of all */
		if (!s->what->log && s->ask_at > s->asked_at + SETTLE)
			s->ask_at = s->asked_at + SETTLE;
		break;
	default:
		rc = flush(s, task);
		tell_news(s, task, &news);
	}
	if (rc < 0)
		return uc_fail_errno(err, UC_FAILED, errno,
				     "cannot write the job's output");
	return 1;
}

void stay_files_claim(struct stay *s)
{
	for (size_t i = 0; i < s->task_count; i++)
		for (size_t k = 0; k < 2; k++)
			if (s->task[i]->file[k] >= 0)
				uc_follow_claim(s->follow, s->task[i]->file[k]);
}

/* What the end of a job may leave to be seen later. */
bool stay_files_done(struct stay *s)
{
	const int64_t now = uc_monotonic_ms();
	bool done = true;

	for (size_t i = 0; i < s->task_count; i++) {
		struct stay_task *task = s->task[i];

		for (size_t k = 0; k < 2; k++) {
			const int file = task->file[k];

			if (file < 0)
				continue;
			if (!uc_follow_is_shared(s->follow, file) &&
			    uc_follow_seen(s->follow, file))
				continue;
			done = done &&
			       now - task->quiet >
				       (uc_follow_seen(s->follow, file) ? SETTLE : LATE);
		}
	}
	return done;
}

int stay_files_end(struct stay *s, struct uc_error *err)
{
	for (size_t i = 0; i < s->task_count; i++) {
		struct stay_task *task = s->task[i];

		if (flush(s, task) < 0)
			return uc_fail_errno(err, UC_FAILED, errno,
					     "cannot write the job's output");
		if (task->started && task->file[0] >= 0 &&
		    !uc_follow_seen(s->follow, task->file[0]))
			stay_say(s,
				 "the output of job %" PRIu32 " is not seen here: '%s'",
				 task->job_id, uc_follow_path(s->follow, task->file[0]));
	}
	return 0;
}

void stay_files_free(struct stay *s)
{
	for (size_t i = 0; i < s->task_count; i++) {
		uc_channel_free(&s->task[i]->channel[0]);
		uc_channel_free(&s->task[i]->channel[1]);
		free(s->task[i]);
	}
	free(s->task);
	free(s->host);
	uc_follow_free(s->follow);
	uc_printer_close(&s->printer);
}

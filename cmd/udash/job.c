/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What all views say about a job in the same way, and boxes about one. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <ucluster/ending.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "udash/dash.h"

struct dash_id dash_job_id(const struct uc_job *job)
{
	/* the rest of an array has the id of a task once that starts */
	return (struct dash_id){ job->job_id, (uint64_t)job->submit_time << 1 };
}

bool dash_is_mine(const struct dash *d, const struct uc_job *job)
{
	return job->user_id == d->me;
}

const struct uc_job *dash_job(struct dash *d)
{
	const struct dash_pane *pane = dash_panes[d->view];

	dash_freshen(d);
	return d->data && pane->job ? pane->job(d) : NULL;
}

const struct uc_job *dash_job_next(struct dash *d, const struct uc_job *job)
{
	const struct dash_pane *pane = dash_panes[d->view];

	if (d->data && pane->next)
		return pane->next(d, job);
	return job ? NULL : dash_job(d);
}

enum dash_role dash_job_role(const struct uc_job *job)
{
	const uint32_t base = job->state & UC_JOB_BASE;

	if (job->state & UC_JOB_COMPLETING)
		return DASH_FAINT;
	if (base == UC_JOB_RUNNING)
		return DASH_GOOD;
	if (base == UC_JOB_PENDING || base == UC_JOB_SUSPENDED)
		return DASH_WAIT;
	return base == UC_JOB_COMPLETED ? DASH_FAINT : DASH_BAD;
}

bool dash_text_has(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

/* --- boxes --- */

static void add_text(struct dash *d, const char *name, const struct uc_buf *text)
{
	dash_box_add_raw(d, name, uc_raw(uc_buf_text(text)));
}

static void add_clock(struct dash *d, const char *name, int64_t when, const char *more)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	if (!when)
		return;
	uc_buf_clock(&text, when, d->data->now);
	uc_buf_add(&text, more);
	add_text(d, name, &text);
}

static void add_times(struct dash *d, const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf time = { 0 };

	add_clock(d, "submitted", job->submit_time, "");
	add_clock(d, uc_job_waits(job) ? "may start" : "started", job->start_time,
		  uc_job_waits(job) ? " (Slurm's estimate)" : "");
	if (uc_job_holds(job))
		add_clock(d, "ends", job->end_time, " at the latest");
	else if (!uc_job_waits(job))
		add_clock(d, "ended", job->end_time, "");
	if (!uc_job_waits(job))
		uc_duration_words(&time, uc_job_elapsed(job, d->data->now));
	if (job->time_limit != UC_NOT_SET) {
		uc_buf_add(&time, time.len ? " of " : "at most ");
		if (job->time_limit == UC_DURATION_INFINITE)
			uc_buf_add(&time, "no limit");
		else
			uc_duration_words(&time, job->time_limit);
	}
	add_text(d, "time", &time);
}

static void add_resources(struct dash *d, const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf text = { 0 }, memory = { 0 };

	uc_buf_addf(&text, "%" PRIu32 " node%s, %" PRIu32 " CPU%s", job->node_count,
		    job->node_count == 1 ? "" : "s", job->cpus,
		    job->cpus == 1 ? "" : "s");
	if (job->gpus && job->gpus != UC_NONE32) {
		uc_buf_add(&text, ", GPUs: ");
		if (uc_raw_empty(job->gpu_types))
			uc_buf_addf(&text, "%" PRIu32, job->gpus);
		else
			uc_buf_job_gpus(&text, job, d->options.ascii);
	}
	if (job->memory) {
		uc_size_words(&memory, job->memory);
		uc_buf_addf(&text, ", %s a %s", uc_buf_text(&memory),
			    job->memory_per_cpu ? "CPU" : "node");
	}
	add_text(d, "resources", &text);
}

/* How it ended, or why it waits. */
static void add_state(struct dash *d, const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	const char *name = uc_job_state_name(job->state);
	struct uc_ending ending;

	uc_buf_addf(&text, "%s", name ? name : "?");
	if (uc_job_waits(job)) {
		uc_buf_addf(&text, ": %s", uc_reason_short(job->reason));
	} else if (!uc_job_holds(job)) {
		uc_ending_of_job(&ending, job, d->data->now);
		uc_buf_add(&text, ": ");
		uc_ending_brief(&text, &ending, d->grid.safe);
	}
	add_text(d, "state", &text);
}

static void add_paths(struct dash *d, const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf out = { 0 }, errors = { 0 };
	struct uc_error ignored = { 0 };

	dash_box_add_raw(d, "command", job->command);
	dash_box_add_raw(d, "folder", job->workdir);
	if (uc_job_output(job, false, NULL, &out, &ignored) == 0)
		add_text(d, "output", &out);
	if (uc_job_output(job, true, NULL, &errors, &ignored) == 0 &&
	    strcmp(uc_buf_text(&errors), uc_buf_text(&out)) != 0)
		add_text(d, "errors", &errors);
}

static void open_about(struct dash *d, const struct uc_job *job, const char *what)
{
	uc_auto(buf) struct uc_buf title = { 0 };

	uc_buf_addf(&title, "%s ", what);
	uc_buf_job_id(&title, job, UC_NONE32);
	uc_buf_add(&title, "  ");
	uc_buf_safe(&title, job->name, d->grid.safe);
	dash_box_open(d, uc_buf_text(&title));
}

void dash_show_details(struct dash *d)
{
	const struct dash_pane *pane = dash_panes[d->view];
	const struct uc_job *job = dash_job(d);

	if (!job && d->data && pane->node)
		dash_show_node(d, pane->node(d));
	if (!job)
		return;
	open_about(d, job, "Job");
	dash_box_add_raw(d, "user", job->user);
	dash_box_add_raw(d, "account", job->account);
	dash_box_add_raw(d, "partition", job->partition);
	dash_box_add_raw(d, "QOS", job->qos);
	add_state(d, job);
	add_times(d, job);
	add_resources(d, job);
	dash_box_add_raw(d, "nodes",
			 uc_raw_empty(job->nodes) ? job->sched_nodes : job->nodes);
	for (size_t i = 0; i < job->gres_detail.count && i < 8; i++)
		dash_box_add_raw(d, i ? "" : "GPUs", job->gres_detail.item[i]);
	dash_box_add_raw(d, "features", job->features);
	dash_box_add_raw(d, "dependency", job->dependency);
	dash_box_add_raw(d, "reservation", job->reservation);
	add_paths(d, job);
	dash_box_add_raw(d, "comment", job->comment);
}

/* The first GPUs that it could use and that become free. */
static void add_releases(struct dash *d, const struct uc_job *job)
{
	struct uc_release next[5];
	const size_t count =
		job->gpus && job->gpus != UC_NONE32
			? uc_job_releases(d->data->jobs, d->data->nodes, job, next, 5)
			: 0;

	for (size_t i = 0; i < count; i++) {
		uc_auto(buf) struct uc_buf text = { 0 };

		uc_buf_job_id(&text, next[i].job, UC_NONE32);
		uc_buf_add(&text, " of ");
		uc_buf_safe(&text, next[i].job->user, d->grid.safe);
		uc_buf_addf(&text, " holds %" PRIu32 " GPU%s ", next[i].gpus,
			    next[i].gpus == 1 ? "" : "s");
		if (next[i].at) {
			uc_buf_add(&text, "until ");
			uc_buf_clock(&text, next[i].at, d->data->now);
		} else {
			uc_buf_add(&text, "without a limit");
		}
		add_text(d, i ? "" : "in the way", &text);
	}
}

void dash_show_why(struct dash *d)
{
	const struct uc_job *job = dash_job(d);
	uc_auto(buf) struct uc_buf why = { 0 }, action = { 0 };
	const struct dash_data *data = d->data;
	struct uc_reason_limit limit;
	struct uc_rank rank;
	struct uc_reason_context context;

	if (!job)
		return;
	if (!uc_job_waits(job)) {
		dash_say(d, "it does not wait");
		return;
	}
	context = (struct uc_reason_context){ .now = data->now,
					      .partitions = data->partitions,
					      .nodes = data->nodes,
					      .not_mine = !dash_is_mine(d, job),
					      .safe = d->grid.safe };
	if (data->everybody && uc_job_rank(data->jobs, job, &rank))
		context.rank = &rank;
	if (!context.not_mine &&
	    uc_reason_limit_find(
		    job,
		    &(struct uc_reason_facts){ .limits = data->limits,
					       .partitions = data->partitions,
					       .jobs = data->jobs },
		    &limit))
		context.limit = &limit;
	open_about(d, job, "Why");
	uc_reason_sentence(&why, job, &context);
	dash_box_addf(d, "%s", uc_buf_text(&why));
	uc_reason_action(&action, job, &context);
	if (action.len)
		dash_box_addf(d, "%s", uc_buf_text(&action));
	dash_box_addf(d, "%s", "");
	if (context.rank && rank.counts)
		add_releases(d, job);
	add_clock(d, "may start", job->start_time, " (Slurm's estimate)");
	dash_box_addf(d, "'uqueue --why' also tries what would start sooner.");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of the list of jobs, and what is in them. */
#include <stdio.h>
#include <string.h>
#include <ucluster/ending.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "udash/jobs.h"

/* One row while it is drawn. */
struct cell {
	const struct dash *d;
	const struct jobs_row *row;
	const struct uc_job *job; /* row->job */
	enum dash_role role;
	struct dash_area span;
	struct uc_buf text; /* foreign bytes: what the column shows */
};

/* --- what is in them --- */

static void fill_id(struct cell *c)
{
	jobs_row_name(&c->text, c->row);
	c->role = dash_is_mine(c->d, c->job) ? DASH_MINE : DASH_PLAIN;
}

static void fill_raw(struct cell *c, struct uc_raw raw)
{
	uc_buf_add(&c->text, uc_raw_empty(raw) ? "" : raw.bytes);
}

static void fill_user(struct cell *c)
{
	fill_raw(c, c->job->user);
	c->role = dash_is_mine(c->d, c->job) ? DASH_MINE : DASH_PLAIN;
}

static void fill_account(struct cell *c)
{
	fill_raw(c, c->job->account);
}

static void fill_name(struct cell *c)
{
	fill_raw(c, c->job->name);
}

static void fill_partition(struct cell *c)
{
	fill_raw(c, c->job->partition);
}

static void fill_qos(struct cell *c)
{
	fill_raw(c, c->job->qos);
}

static void fill_state(struct cell *c)
{
	const char *state = uc_job_state_short(c->job->state);

	uc_buf_add(&c->text, state ? state : "?");
	c->role = dash_job_role(c->job);
}

/* "2d06h", "5h42m", "43m", "51s"; "1d" when nothing is left. */
static void add_short(struct uc_buf *out, int64_t seconds)
{
	const int64_t days = seconds / 86400, hours = seconds / 3600 % 24;
	const int64_t minutes = seconds / 60 % 60;

	if (days)
		uc_buf_addf(out, "%jdd", (intmax_t)days);
	if (days && hours)
		uc_buf_addf(out, "%02jdh", (intmax_t)hours);
	else if (!days && hours)
		uc_buf_addf(out, "%jdh", (intmax_t)hours);
	if (!days && hours && minutes)
		uc_buf_addf(out, "%02jdm", (intmax_t)minutes);
	else if (!days && !hours && seconds >= 60)
		uc_buf_addf(out, "%jdm", (intmax_t)minutes);
	else if (seconds < 60)
		uc_buf_addf(out, "%jds", (intmax_t)seconds);
}

static void fill_time(struct cell *c)
{
	const struct uc_job *job = c->job;

	if (!uc_job_waits(job))
		add_short(&c->text, uc_job_elapsed(job, c->d->data->now));
	if (job->time_limit == UC_NOT_SET)
		return;
	uc_buf_addc(&c->text, '/');
	if (job->time_limit == UC_DURATION_INFINITE)
		uc_buf_add(&c->text, "-");
	else
		add_short(&c->text, job->time_limit);
}

static void fill_used(struct cell *c)
{
	const struct uc_job *job = c->job;
	uint64_t elapsed, limit;

	if (!uc_job_holds(job) || job->time_limit <= 0 ||
	    job->time_limit == UC_DURATION_INFINITE)
		return;
	elapsed = (uint64_t)uc_job_elapsed(job, c->d->data->now);
	limit = (uint64_t)job->time_limit;
	dash_put_bar(c->span, 10 * elapsed > 9 * limit ? DASH_BAD : DASH_GOOD, elapsed,
		     limit);
}

static void fill_gpus(struct cell *c)
{
	const struct uc_job *job = c->job;

	if (c->row->records > 1 && c->row->gpus)
		uc_buf_addf(&c->text, "%ju", (uintmax_t)c->row->gpus);
	else if (c->row->records == 1)
		uc_buf_job_gpus(&c->text, job, c->d->options.ascii);
	if (c->row->records == 1 && !c->text.len && job->gpus && job->gpus != UC_NONE32)
		uc_buf_addf(&c->text, "%u", job->gpus);
}

static void fill_cpus(struct cell *c)
{
	uc_buf_addi(&c->text, c->job->cpus);
}

static void fill_memory(struct cell *c)
{
	if (!c->job->memory)
		return;
	uc_size_words(&c->text, c->job->memory);
	if (c->job->memory_per_cpu)
		uc_buf_add(&c->text, "/CPU");
}

static void fill_nodes(struct cell *c)
{
	uc_buf_addi(&c->text, c->job->node_count);
}

static void fill_priority(struct cell *c)
{
	uc_buf_addi(&c->text, c->job->priority);
}

static void fill_clock(struct cell *c, int64_t when)
{
	if (when)
		uc_buf_clock(&c->text, when, c->d->data->now);
}

static void fill_submitted(struct cell *c)
{
	fill_clock(c, c->job->submit_time);
}

static void fill_start(struct cell *c)
{
	fill_clock(c, c->job->start_time);
}

static void fill_end(struct cell *c)
{
	fill_clock(c, uc_job_waits(c->job) ? 0 : c->job->end_time);
}

/* Where it runs, why it waits, how it ended. */
static void fill_where(struct cell *c)
{
	const struct uc_job *job = c->job;

	if (c->row->running && jobs_row_is_array(c->row))
		uc_buf_addf(&c->text, "%u run%s", c->row->running,
			    c->row->waiting ? ", " : "  ");
	if (c->row->waiting && jobs_row_is_array(c->row))
		uc_buf_addf(&c->text, "%u wait  ", c->row->waiting);
	if (uc_job_waits(job)) {
		uc_buf_add(&c->text, uc_reason_short(job->reason));
	} else if (uc_job_holds(job)) {
		fill_raw(c, job->nodes);
	} else {
		struct uc_ending ending;

		uc_ending_of_job(&ending, job, c->d->data->now);
		uc_ending_brief(&c->text, &ending, c->d->grid.safe);
	}
	if (uc_job_waits(job) && uc_reason_never_starts(job->reason))
		c->role = DASH_BAD;
}

static void fill_folder(struct cell *c)
{
	fill_raw(c, c->job->workdir);
}

// clang-format off
static const struct dash_column table[JOBS_COLUMNS] = {
	[JOBS_ID] = { "id", "JOB", "its number; [+]: an array, folded", 9, 9, 0, 0, false },
	[JOBS_USER] = { "user", "USER", "whose it is", 9, 8, 4, 0, false },
	[JOBS_ACCOUNT] = { "account", "ACCOUNT", "whom it is charged to", 10, 6, 11, 0, false, true },
	[JOBS_NAME] = { "name", "NAME", "its name", 14, 8, 1, 1, false },
	[JOBS_PARTITION] = { "partition", "PARTITION", "where it was sent", 9, 5, 6, 0, false },
	[JOBS_QOS] = { "qos", "QOS", "its quality of service", 8, 5, 19, 0, false },
	[JOBS_STATE] = { "state", "ST", "its state, as squeue writes it", 2, 2, 0, 0, false },
	[JOBS_TIME] = { "time", "TIME", "how long it has run, of how long it may", 9, 9, 2, 0, true },
	[JOBS_USED] = { "used", "", "that as a bar", 10, 6, 7, 0, false },
	[JOBS_GPUS] = { "gpus", "GPUS", "GPUs, asked for or held", 7, 7, 3, 0, false },
	[JOBS_CPUS] = { "cpus", "CPUS", "CPUs", 5, 4, 12, 0, true, true },
	[JOBS_MEMORY] = { "memory", "MEMORY", "memory on a node, or for a CPU", 9, 6, 13, 0, true, true },
	[JOBS_NODES] = { "nodes", "NODES", "how many nodes", 5, 5, 16, 0, true },
	[JOBS_PRIORITY] = { "priority", "PRIORITY", "its priority", 10, 8, 15, 0, true },
	[JOBS_SUBMITTED] = { "submitted", "SUBMITTED", "when it was submitted", 14, 12, 17, 0, false },
	[JOBS_START] = { "start", "START", "when it started, or may", 14, 12, 18, 0, false },
	[JOBS_END] = { "end", "END", "when it ends at the latest, or did", 14, 12, 10, 0, false, true },
	[JOBS_WHERE] = { "where", "WHERE OR WHY", "its nodes, or why it waits", 24, 8, 1, 2, false },
	[JOBS_FOLDER] = { "folder", "FOLDER", "its working directory", 30, 12, 21, 1, false, true },
};
// clang-format on

static void (*const fill[JOBS_COLUMNS])(struct cell *c) = {
	[JOBS_ID] = fill_id,
	[JOBS_USER] = fill_user,
	[JOBS_ACCOUNT] = fill_account,
	[JOBS_NAME] = fill_name,
	[JOBS_PARTITION] = fill_partition,
	[JOBS_QOS] = fill_qos,
	[JOBS_STATE] = fill_state,
	[JOBS_TIME] = fill_time,
	[JOBS_USED] = fill_used,
	[JOBS_GPUS] = fill_gpus,
	[JOBS_CPUS] = fill_cpus,
	[JOBS_MEMORY] = fill_memory,
	[JOBS_NODES] = fill_nodes,
	[JOBS_PRIORITY] = fill_priority,
	[JOBS_SUBMITTED] = fill_submitted,
	[JOBS_START] = fill_start,
	[JOBS_END] = fill_end,
	[JOBS_WHERE] = fill_where,
	[JOBS_FOLDER] = fill_folder,
};

void jobs_columns_open(struct dash_columns *columns)
{
	const uint32_t usual = 1u << JOBS_ID | 1u << JOBS_USER | 1u << JOBS_NAME |
			       1u << JOBS_PARTITION | 1u << JOBS_STATE | 1u << JOBS_TIME |
			       1u << JOBS_USED | 1u << JOBS_GPUS | 1u << JOBS_WHERE;

	dash_columns_set(columns, table, JOBS_COLUMNS, usual);
}

void jobs_draw_row(const struct dash *d, struct dash_area area, int line,
		   const struct jobs_row *row)
{
	const struct dash_columns *columns = &d->columns[DASH_JOBS];
	struct cell c = { .d = d, .row = row, .job = row->job };

	for (size_t i = 0; i < JOBS_COLUMNS; i++) {
		c.span = dash_columns_cell(columns, area, line, i);
		if (!c.span.columns)
			continue;
		c.role = DASH_PLAIN;
		uc_buf_reset(&c.text);
		fill[i](&c);
		if (i == JOBS_USED)
			continue;
		if (table[i].right)
			dash_put_right(c.span, c.role, uc_buf_text(&c.text));
		else
			dash_put_raw(c.span, c.role, uc_raw(uc_buf_text(&c.text)));
	}
	uc_buf_free(&c.text);
}

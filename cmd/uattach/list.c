/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The jobs that can be attached to. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include "uattach/session.h"
#include "uattach/uattach.h"

static const struct uc_job *job_of(const void *row)
{
	return *(const struct uc_job *const *)row;
}

void uattach_job_name(struct uc_buf *out, const struct uc_job *job)
{
	uc_buf_job_id(out, job, UC_NONE32);
}

static void put_text(struct uc_value *out, struct uc_raw text)
{
	if (uc_raw_empty(text))
		return;
	out->type = UC_VALUE_TEXT;
	out->text = text;
}

static void get_id(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	uattach_job_name(&out->scratch, job_of(row));
	put_text(out, uc_raw(uc_buf_text(&out->scratch)));
}

static void get_name(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_text(out, job_of(row)->name);
}

static void get_state(const void *row, const void *context, struct uc_value *out)
{
	const uint32_t state = job_of(row)->state;

	(void)context;
	put_text(out, uc_raw(uc_job_state_name(state)));
	out->role = (state & UC_JOB_BASE) == UC_JOB_PENDING ? UC_ROLE_WAIT : UC_ROLE_GOOD;
}

static void get_time(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_jobs *jobs = context;

	out->type = UC_VALUE_SECONDS;
	out->number = uc_job_elapsed(job_of(row), jobs->now);
}

static void get_where(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_job *job = job_of(row);

	(void)context;
	if ((job->state & UC_JOB_BASE) == UC_JOB_PENDING)
		put_text(out, uc_raw(uc_reason_short(job->reason)));
	else
		put_text(out, job->nodes);
}

static void get_way(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_job *job = job_of(row);

	(void)context;
	put_text(out, uc_raw(uattach_is_session(job) ? "session"
			     : job->batch            ? "output"
						     : "terminal"));
}

static void get_output(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_job *job = job_of(row);

	(void)context;
	if (uc_job_output(job, false, NULL, &out->scratch, NULL) == 0)
		put_text(out, uc_raw(uc_buf_text(&out->scratch)));
}

// clang-format off
const struct uc_column uattach_columns[] = {
	{ "JOBID", "id", UC_COLUMN_DEFAULT, 0, "job, task of an array, component", get_id },
	{ "NAME", "name", UC_COLUMN_DEFAULT | UC_COLUMN_CUT, 8, "its name", get_name },
	{ "STATE", "state", UC_COLUMN_DEFAULT, 0, "its state", get_state },
	{ "TIME", "elapsed", UC_COLUMN_DEFAULT | UC_COLUMN_RIGHT, 0, "how long it runs",
	  get_time },
	{ "WHERE", "where", UC_COLUMN_DEFAULT | UC_COLUMN_CUT, 10,
	  "its nodes, or what it waits for", get_where },
	{ "SHOWS", "shows", UC_COLUMN_DEFAULT, 0,
	  "what uattach shows of it: output, terminal or session", get_way },
	{ "OUTPUT", "output", UC_COLUMN_DEFAULT | UC_COLUMN_CUT | UC_COLUMN_SPARE, 12,
	  "the file that it prints to", get_output },
	{ 0 }
};
// clang-format on

int uattach_list(struct uattach *u, const struct uc_job *const *row, size_t count,
		 bool json)
{
	const struct uc_listing listing = { .json = json };
	const struct uc_table table = { .name = "jobs",
					.rows = row,
					.count = count,
					.row_size = sizeof(*row),
					.context = u->jobs,
					.now = u->jobs->now };
	struct uc_selection shown;

	if (uc_listing_select(u->run, uattach_columns, &listing, &shown) < 0)
		return u->run->status;
	return uc_table_print(u->run, &table, &shown, &listing);
}

/* What runs comes first, and of these the newest. */
static int compare(const void *a, const void *b)
{
	const struct uc_job *x = job_of(a), *y = job_of(b);
	const bool x_waits = (x->state & UC_JOB_BASE) == UC_JOB_PENDING;
	const bool y_waits = (y->state & UC_JOB_BASE) == UC_JOB_PENDING;

	if (x_waits != y_waits)
		return x_waits ? 1 : -1;
	if (!x_waits && x->start_time != y->start_time)
		return x->start_time > y->start_time ? -1 : 1;
	return x->job_id > y->job_id ? -1 : 1;
}

size_t uattach_mine(const struct uc_jobs *jobs, const char *name,
		    const struct uc_job ***rows)
{
	const struct uc_job **found = calloc(jobs->count + 1, sizeof(*found));
	const uint32_t me = getuid();
	size_t count = 0;

	*rows = found;
	for (size_t i = 0; found && i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];

		/* of a heterogeneous job the first component is the one with output */
		if (job->user_id != me || uc_job_is_finished(job->state) ||
		    job->het_offset > 0 ||
		    (name && (!job->name.bytes || strcmp(job->name.bytes, name) != 0)))
			continue;
		found[count++] = job;
	}
	if (count > 1)
		qsort(found, count, sizeof(*found), compare);
	return count;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of uqueue. Keys are for ever; add, never rename. */
#include "uqueue/uqueue.h"

#include <string.h>
#include <ucluster/state.h>
#include <ucluster/units.h>

static const struct uc_job *job_of(const void *row)
{
	return *(const struct uc_job *const *)row;
}

static void put_raw(struct uc_value *out, struct uc_raw raw)
{
	if (uc_raw_empty(raw))
		return;
	out->type = UC_VALUE_TEXT;
	out->text = raw;
}

static void put_scratch(struct uc_value *out)
{
	if (out->scratch.failed || !out->scratch.len)
		return;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_buf_text(&out->scratch));
}

static void put_number(struct uc_value *out, uint32_t number)
{
	if (number == UC_NONE32)
		return;
	out->type = UC_VALUE_NUMBER;
	out->number = number;
}

static void put_time(struct uc_value *out, int64_t when)
{
	out->type = UC_VALUE_TIME;
	out->number = when;
}

/* "4711", "4711_3", "4711_[5-99%4]", "4711+1": as squeue writes it. */
static void get_id(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_job *job = job_of(row);

	(void)context;
	if (job->array_job_id && !uc_raw_empty(job->array_tasks))
		uc_buf_addf(&out->scratch, "%u_[%s]", job->array_job_id,
			    job->array_tasks.bytes);
	else if (job->array_job_id && job->array_task_id != UC_NONE32)
		uc_buf_addf(&out->scratch, "%u_%u", job->array_job_id,
			    job->array_task_id);
	else if (job->het_job_id)
		uc_buf_addf(&out->scratch, "%u+%u", job->het_job_id, job->het_offset);
	else
		uc_buf_addf(&out->scratch, "%u", job->job_id);
	put_scratch(out);
}

static enum uc_role state_role(uint32_t state)
{
	uint32_t base = state & UC_JOB_BASE;

	if (state & UC_JOB_COMPLETING)
		return UC_ROLE_FAINT;
	if (base == UC_JOB_RUNNING)
		return UC_ROLE_GOOD;
	if (base == UC_JOB_PENDING || base == UC_JOB_SUSPENDED)
		return UC_ROLE_WAIT;
	return base == UC_JOB_COMPLETED ? UC_ROLE_FAINT : UC_ROLE_BAD;
}

static void get_state(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_job *job = job_of(row);
	const char *name = uc_job_state_name(job->state);

	(void)context;
	out->role = state_role(job->state);
	if (name)
		uc_buf_add(&out->scratch, name);
	else
		uc_buf_addf(&out->scratch, "%u", job->state);
	put_scratch(out);
}

static void get_elapsed(const void *row, const void *context, struct uc_value *out)
{
	const struct uqueue_context *ctx = context;
	const struct uc_job *job = job_of(row);

	out->type = UC_VALUE_SECONDS;
	out->number = uc_job_elapsed(job, ctx->now);
	out->blank = (job->state & UC_JOB_BASE) == UC_JOB_PENDING;
}

static void put_duration(struct uc_value *out, int64_t seconds)
{
	if (seconds == UC_NOT_SET)
		return;
	out->type = UC_VALUE_SECONDS;
	out->number = seconds;
}

static void get_time_left(const void *row, const void *context, struct uc_value *out)
{
	const struct uqueue_context *ctx = context;
	const struct uc_job *job = job_of(row);

	if (job->time_limit == UC_NOT_SET || job->time_limit == UC_DURATION_INFINITE)
		put_duration(out, job->time_limit);
	else
		put_duration(out, job->time_limit - uc_job_elapsed(job, ctx->now));
	if (out->type == UC_VALUE_SECONDS && out->number < 0)
		out->number = 0; /* over its limit, about to be ended */
}

/* "2×a100", "4×a100,2×h100", or the number alone; types are "a100:4,h100:2". */
static void add_gpus(struct uc_buf *shown, const struct uc_job *job, bool ascii)
{
	const char *types = job->gpu_types.bytes;

	while (types && *types) {
		size_t len = strcspn(types, ",");
		const char *colon = memrchr(types, ':', len);
		size_t name = colon ? (size_t)(colon - types) : len;

		if (shown->len)
			uc_buf_addc(shown, ',');
		if (colon)
			uc_buf_addf(shown, "%.*s%s", (int)(len - name - 1), colon + 1,
				    ascii ? "x" : "\xc3\x97");
		uc_buf_addn(shown, types, name);
		types += len + (types[len] == ',');
	}
}

static void get_gpus(const void *row, const void *context, struct uc_value *out)
{
	const struct uqueue_context *ctx = context;
	const struct uc_job *job = job_of(row);

	put_number(out, job->gpus);
	out->blank = !job->gpus;
	if (out->type == UC_VALUE_NUMBER)
		add_gpus(&out->shown, job, ctx->ascii);
}

static void put_reason(struct uc_value *out, const struct uc_job *job)
{
	const char *name = uc_reason_name(job->reason);

	if (!uc_raw_empty(job->reason_text))
		uc_buf_add(&out->scratch, job->reason_text.bytes);
	else if (name && strcmp(name, "None") != 0)
		uc_buf_add(&out->scratch, name);
	else if (!name)
		uc_buf_addf(&out->scratch, "%u", job->reason);
}

static void get_reason(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_reason(out, job_of(row));
	put_scratch(out);
}

/* Where it runs; while it waits, why. */
static void get_where(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_job *job = job_of(row);

	(void)context;
	if (!uc_raw_empty(job->nodes)) {
		put_raw(out, job->nodes);
		return;
	}
	put_reason(out, job);
	if (!out->scratch.len)
		return;
	uc_buf_addf(&out->shown, "(%s)", uc_buf_text(&out->scratch));
	put_scratch(out);
}

static void get_memory(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_job *job = job_of(row);

	(void)context;
	if (!job->memory || job->memory > INT64_MAX)
		return;
	out->type = UC_VALUE_SIZE;
	out->number = (int64_t)job->memory;
}

#define GETTER(function, put, field)                                                     \
	static void function(const void *row, const void *context, struct uc_value *out) \
	{                                                                                \
		(void)context;                                                           \
		put(out, job_of(row)->field);                                            \
	}
GETTER(get_job_id, put_number, job_id)
GETTER(get_array_task, put_number, array_task_id)
GETTER(get_array_tasks, put_raw, array_tasks)
GETTER(get_user, put_raw, user)
GETTER(get_user_id, put_number, user_id)
GETTER(get_account, put_raw, account)
GETTER(get_name, put_raw, name)
GETTER(get_partition, put_raw, partition)
GETTER(get_qos, put_raw, qos)
GETTER(get_limit, put_duration, time_limit)
GETTER(get_node_count, put_number, node_count)
GETTER(get_cpus, put_number, cpus)
GETTER(get_gpu_types, put_raw, gpu_types)
GETTER(get_nodes, put_raw, nodes)
GETTER(get_priority, put_number, priority)
GETTER(get_submit, put_time, submit_time)
GETTER(get_start, put_time, start_time)
GETTER(get_end, put_time, end_time)
GETTER(get_dependency, put_raw, dependency)
GETTER(get_features, put_raw, features)
GETTER(get_reservation, put_raw, reservation)
GETTER(get_command, put_raw, command)
GETTER(get_workdir, put_raw, workdir)
GETTER(get_std_out, put_raw, std_out)
GETTER(get_std_err, put_raw, std_err)

static void get_array_id(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	if (job_of(row)->array_job_id)
		put_number(out, job_of(row)->array_job_id);
}

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
#define CUT   UC_COLUMN_CUT
#define SPARE UC_COLUMN_SPARE
// clang-format off
const struct uc_column uqueue_columns[] = {
	{ "JOBID", "id", SHOWN, 0, "job id, with array task or component", get_id },
	{ "USER", "user", SHOWN | CUT, 8, "whose it is", get_user },
	{ "NAME", "name", SHOWN | CUT, 8, "its name", get_name },
	{ "PARTITION", "partition", SHOWN | CUT | SPARE, 5, "partition, or those it may go to",
	  get_partition },
	{ "STATE", "state", SHOWN, 0, "state", get_state },
	{ "TIME", "elapsed", SHOWN | RIGHT, 0, "how long it has run", get_elapsed },
	{ "LIMIT", "time_limit", SHOWN | RIGHT | SPARE, 0, "how long it may run", get_limit },
	{ "NODES", "node_count", SHOWN | RIGHT | SPARE, 0, "number of nodes", get_node_count },
	{ "CPUS", "cpus", SHOWN | RIGHT | SPARE, 0, "number of CPUs", get_cpus },
	{ "GPUS", "gpus", SHOWN | RIGHT, 0, "number of GPUs, with their type", get_gpus },
	{ "WHERE", "where", SHOWN | CUT, 10, "nodes, or (why it waits)", get_where },
	{ "ID", "job_id", RIGHT, 0, "plain number of the job", get_job_id },
	{ "ARRAY", "array_job_id", RIGHT, 0, "job id of its array", get_array_id },
	{ "TASK", "array_task_id", RIGHT, 0, "its index in the array", get_array_task },
	{ "TASKS", "array_tasks", 0, 0, "indices not started yet", get_array_tasks },
	{ "UID", "user_id", RIGHT, 0, "number of the user", get_user_id },
	{ "ACCOUNT", "account", CUT, 6, "account that is charged", get_account },
	{ "QOS", "qos", CUT, 6, "quality of service", get_qos },
	{ "PRIORITY", "priority", RIGHT, 0, "priority", get_priority },
	{ "LEFT", "time_left", RIGHT, 0, "time until its limit", get_time_left },
	{ "SUBMITTED", "submit_time", 0, 0, "when it was submitted", get_submit },
	{ "START", "start_time", 0, 0, "when it started, or will at the latest estimate",
	  get_start },
	{ "END", "end_time", 0, 0, "when it ended, or must end", get_end },
	{ "NODELIST", "nodes", CUT, 10, "nodes it runs on", get_nodes },
	{ "REASON", "reason", CUT, 10, "why it waits, or ended", get_reason },
	{ "GPUTYPES", "gpu_types", 0, 0, "GPUs by type", get_gpu_types },
	{ "MEMORY", "memory", RIGHT, 0, "memory on each node, or each CPU", get_memory },
	{ "DEPENDENCY", "dependency", CUT, 10, "jobs it waits for", get_dependency },
	{ "FEATURES", "features", CUT, 8, "features of nodes it asks for", get_features },
	{ "RESERVATION", "reservation", CUT, 8, "reservation it runs in", get_reservation },
	{ "COMMAND", "command", CUT, 10, "what it runs", get_command },
	{ "WORKDIR", "workdir", CUT, 10, "its working directory", get_workdir },
	{ "STDOUT", "std_out", CUT, 10, "file of its output", get_std_out },
	{ "STDERR", "std_err", CUT, 10, "file of its error output", get_std_err },
	{ 0 }
};
// clang-format on

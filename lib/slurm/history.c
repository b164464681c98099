/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/history.h"

#include <stdlib.h>
#include <string.h>
#include <ucluster/limits.h>
#include <ucluster/state.h>
#include "slurm/source_ops.h"

void uc_history_free(struct uc_history *history)
{
	uc_rows_free((struct uc_rows *)history);
}

void uc_ending_of_past(struct uc_ending *ending, const struct uc_past *past)
{
	*ending = (struct uc_ending){
		.state = past->state,
		.reason = past->reason,
		.exit_status = past->exit_status,
		.derived_status = past->derived_status,
		.start_time = past->start_time,
		.elapsed = past->elapsed,
		.time_limit = past->time_limit,
		.memory = past->memory,
		.memory_per_cpu = past->memory_per_cpu,
		.cancelled_by = past->cancelled_by,
		.failed_node = past->failed_node,
	};
	if (!past->nodes.bytes && !past->elapsed)
		ending->start_time = 0;
}

void uc_job_of_past(struct uc_job *job, const struct uc_past *past)
{
	uc_row_clear(uc_rows_type(UC_ROWS_JOBS), job);
	job->job_id = past->job_id;
	job->array_job_id = past->array_job_id;
	job->array_task_id = past->array_task_id;
	job->array_tasks = past->array_tasks;
	job->het_job_id = past->het_job_id;
	job->het_offset = past->het_offset;
	job->user_id = past->user_id;
	job->group_id = past->group_id;
	job->user = past->user;
	job->account = past->account;
	job->partition = past->partition;
	job->qos = past->qos;
	job->name = past->name;
	job->wckey = past->wckey;
	job->cluster = past->cluster;
	job->state = past->state;
	job->reason = past->reason;
	job->priority = past->priority;
	job->restarts = past->restarts;
	job->exit_status = past->exit_status;
	job->derived_status = past->derived_status;
	job->submit_time = past->submit_time;
	job->eligible_time = past->eligible_time;
	job->start_time = past->start_time;
	job->end_time = past->end_time;
	job->time_limit = past->time_limit;
	job->nodes = past->nodes;
	job->node_count = past->node_count;
	job->cpus = past->cpus;
	job->tasks = past->tasks;
	job->memory = past->memory;
	job->memory_per_cpu = past->memory_per_cpu;
	job->gpus = past->gpus;
	job->gpu_types = past->gpu_types;
	job->tres_req = past->tres_req;
	job->tres_alloc = past->tres_alloc;
	job->reservation = past->reservation;
	job->features = past->features;
	job->licenses = past->licenses;
	job->container = past->container;
	job->workdir = past->workdir;
	job->std_in = past->std_in;
	job->std_out = past->std_out;
	job->std_err = past->std_err;
	job->submit_line = past->submit_line;
	job->comment = past->comment;
	job->admin_comment = past->admin_comment;
}

static bool has_id(const uint32_t *ids, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static bool is_asked_for(const struct uc_history_query *query, const struct uc_past *past,
			 int64_t now)
{
	const uint32_t *ids = query->job_ids;

	if (query->user_count &&
	    !has_id(query->user_ids, query->user_count, past->user_id))
		return false;
	if (query->job_count && !has_id(ids, query->job_count, past->job_id) &&
	    !(past->array_job_id && has_id(ids, query->job_count, past->array_job_id)) &&
	    !(past->het_job_id && has_id(ids, query->job_count, past->het_job_id)))
		return false;
	if (!query->steps && past->step.bytes)
		return false;
	/* steps go with their job, whatever their own times */
	if (past->step.bytes)
		return true;
	if (past->submit_time > (query->until ? query->until : now))
		return false;
	return !uc_job_is_finished(past->state) || past->end_time >= query->since;
}

void uc_history_narrow(const struct uc_history_query *query, struct uc_rows *rows)
{
	struct uc_past *row = (struct uc_past *)(uintptr_t)rows->row;
	size_t kept = 0;
	bool with = false;

	for (size_t i = 0; i < rows->count; i++) {
		if (is_asked_for(query, &row[i], rows->now) &&
		    (!row[i].step.bytes || with))
			row[kept++] = row[i];
		if (!row[i].step.bytes)
			with = kept && row[kept - 1].job_id == row[i].job_id;
	}
	rows->count = kept;
}

static void copy_job(struct uc_past *to, const struct uc_job *from, int64_t now)
{
	uint64_t each = from->memory_per_cpu ? from->cpus : from->node_count;

	*to = (struct uc_past){
		.job_id = from->job_id,
		.array_job_id = from->array_job_id,
		.array_task_id = from->array_task_id,
		.het_job_id = from->het_job_id,
		.het_offset = from->het_offset,
		.array_tasks = from->array_tasks,
		.user_id = from->user_id,
		.group_id = from->group_id,
		.user = from->user,
		.account = from->account,
		.partition = from->partition,
		.qos = from->qos,
		.name = from->name,
		.wckey = from->wckey,
		.cluster = from->cluster,
		.reservation = from->reservation,
		.state = from->state,
		.reason = from->reason,
		.exit_status = from->exit_status,
		.derived_status = from->derived_status,
		.cancelled_uid = UC_NONE32,
		.priority = from->priority,
		.restarts = from->restarts,
		.submit_time = from->submit_time,
		.eligible_time = from->eligible_time,
		.start_time = from->start_time,
		.end_time = from->end_time,
		.elapsed = uc_job_elapsed(from, now),
		.suspended = 0,
		.time_limit = from->time_limit,
		.nodes = from->nodes,
		.node_count = from->node_count,
		.cpus = from->cpus,
		.tasks = from->tasks,
		.memory = from->memory,
		.memory_per_cpu = from->memory_per_cpu,
		.gpus = from->gpus,
		.gpu_types = from->gpu_types,
		.tres_req = from->tres_req,
		.tres_alloc = from->tres_alloc,
		.features = from->features,
		.licenses = from->licenses,
		.container = from->container,
		.workdir = from->workdir,
		.std_in = from->std_in,
		.std_out = from->std_out,
		.std_err = from->std_err,
		.submit_line = from->submit_line,
		.comment = from->comment,
		.admin_comment = from->admin_comment,
		.cpu_ms = UC_NONE64,
		.cpu_user_ms = UC_NONE64,
		.cpu_system_ms = UC_NONE64,
		.memory_peak = UC_NONE64,
		.memory_sum = UC_NONE64,
		.bytes_read = UC_NONE64,
		.bytes_written = UC_NONE64,
		.gpu_percent = UC_NONE64,
		.gpu_memory = UC_NONE64,
	};
	/* as exact as it was asked for; Slurm rounds "mem=62.50G" */
	if (!from->memory ||
	    __builtin_mul_overflow(from->memory, each, &to->memory_total))
		if (!uc_tres_get(from->tres_alloc.bytes, "mem", "", &to->memory_total))
			to->memory_total = 0;
}

/* Strings into the arena: a history outlives the jobs it was made of. */
static void own_strings(struct uc_arena *arena, struct uc_past *row)
{
	const struct uc_rows_type *type = uc_rows_type(UC_ROWS_HISTORY);

	for (size_t i = 0; i < type->field_count; i++) {
		struct uc_raw *raw = uc_row_field(row, &type->fields[i]);

		if (type->fields[i].type == UC_FIELD_RAW && raw->bytes)
			raw->bytes = uc_arena_strdup(arena, raw->bytes);
	}
}

static int by_submission(const void *a, const void *b)
{
	const struct uc_past *x = a, *y = b;

	if (x->submit_time != y->submit_time)
		return x->submit_time < y->submit_time ? -1 : 1;
	return x->job_id < y->job_id ? -1 : x->job_id > y->job_id;
}

struct uc_history *uc_history_of_jobs(const struct uc_jobs *jobs,
				      const struct uc_history_query *query,
				      struct uc_error *err)
{
	uc_auto(rows) struct uc_rows *rows =
		uc_rows_new(UC_ROWS_HISTORY, jobs->count, jobs->now, err);
	struct uc_past *row;

	if (!rows)
		return NULL;
	row = uc_rows_at(rows, sizeof(*row), 0);
	for (size_t i = 0; i < jobs->count; i++)
		copy_job(&row[i], &jobs->row[i], jobs->now);
	uc_history_narrow(query, rows);
	qsort(row, rows->count, sizeof(*row), by_submission);
	for (size_t i = 0; i < rows->count; i++)
		own_strings(rows->owner->arena, &row[i]);
	if (uc_arena_failed(rows->owner->arena)) {
		uc_fail(err, UC_FAILED, "out of memory");
		return NULL;
	}
	return (struct uc_history *)uc_take(&rows);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Cells that are put together from several fields. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/limits.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "uqueue/uqueue.h"

static const struct uc_job *job_of(const void *row)
{
	return ((const struct uqueue_row *)row)->job;
}

static void put_scratch(struct uc_value *out)
{
	if (out->scratch.failed || !out->scratch.len)
		return;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_buf_text(&out->scratch));
}

/* "4711", "4711_3", "4711_[5-99%4]", "4711+1": as squeue writes it. */
UQUEUE_CELL(uqueue_get_id)
{
	const struct uqueue_row *one = row;

	(void)context;
	uc_buf_job_id(&out->scratch, one->job, one->task);
	put_scratch(out);
}

UQUEUE_CELL(uqueue_get_user)
{
	const struct uqueue_context *ctx = context;
	const struct uc_job *job = job_of(row);

	if (uc_raw_empty(job->user))
		return;
	out->type = UC_VALUE_TEXT;
	out->text = job->user;
	if (ctx->mark && job->user_id == ctx->me)
		uc_buf_addf(&out->shown, "%s*", job->user.bytes);
}

UQUEUE_CELL(uqueue_get_mine)
{
	const struct uqueue_context *ctx = context;

	out->type = UC_VALUE_BOOL;
	out->number = job_of(row)->user_id == ctx->me;
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

UQUEUE_CELL(uqueue_get_state)
{
	const struct uc_job *job = job_of(row);
	const char *name = uc_job_state_name(job->state);

	(void)context;
	out->role = state_role(job->state);
	if (name) {
		out->type = UC_VALUE_TEXT;
		out->text = uc_raw(name);
		return;
	}
	uc_buf_addf(&out->scratch, "%u", job->state);
	put_scratch(out);
}

UQUEUE_CELL(uqueue_get_elapsed)
{
	const struct uqueue_context *ctx = context;
	const struct uc_job *job = job_of(row);

	out->type = UC_VALUE_SECONDS;
	out->number = uc_job_elapsed(job, ctx->now);
	out->blank = (job->state & UC_JOB_BASE) == UC_JOB_PENDING;
}

UQUEUE_CELL(uqueue_get_time_left)
{
	const struct uqueue_context *ctx = context;
	const struct uc_job *job = job_of(row);

	if (job->time_limit == UC_NOT_SET || uc_job_is_finished(job->state))
		return;
	out->type = UC_VALUE_SECONDS;
	out->number = job->time_limit;
	if (job->time_limit != UC_DURATION_INFINITE)
		out->number -= uc_job_elapsed(job, ctx->now);
	if (out->number < 0)
		out->number = 0; /* over its limit, about to be ended */
}

static const char *short_reason(const struct uc_job *job)
{
	if (uc_job_holds(job) || (!job->reason && !uc_job_waits(job)))
		return "";
	return uc_reason_short(job->reason);
}

UQUEUE_CELL(uqueue_get_why)
{
	const char *words = short_reason(job_of(row));

	(void)context;
	if (!words[0])
		return;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(words);
}

UQUEUE_CELL(uqueue_get_reason)
{
	const struct uc_job *job = job_of(row);
	const char *name = uc_reason_name(job->reason);

	(void)context;
	if (!job->reason && !uc_job_waits(job))
		return;
	if (name)
		uc_buf_add(&out->scratch, name);
	else
		uc_buf_addf(&out->scratch, "%u", job->reason);
	put_scratch(out);
}

/* Where it runs; while it waits, why. */
UQUEUE_CELL(uqueue_get_where)
{
	const struct uc_job *job = job_of(row);
	const char *words;

	(void)context;
	if (!uc_raw_empty(job->nodes)) {
		out->type = UC_VALUE_TEXT;
		out->text = job->nodes;
		return;
	}
	words = short_reason(job);
	if (!words[0])
		return;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(words);
	if (uc_reason_never_starts(job->reason))
		out->role = UC_ROLE_BAD;
	uc_buf_addc(&out->shown, '(');
	uc_buf_add(&out->shown, words);
	uc_buf_addc(&out->shown, ')');
}

static void put_size(struct uc_value *out, uint64_t bytes)
{
	if (!bytes || bytes > INT64_MAX)
		return;
	out->type = UC_VALUE_SIZE;
	out->number = (int64_t)bytes;
}

UQUEUE_CELL(uqueue_get_memory)
{
	const struct uc_job *job = job_of(row);

	(void)context;
	put_size(out, job->memory);
	if (out->type == UC_VALUE_NONE || !job->memory_per_cpu)
		return;
	uc_size_words(&out->shown, job->memory);
	uc_buf_add(&out->shown, "/cpu");
}

uint64_t uqueue_job_memory(const struct uc_job *job)
{
	uint64_t each = job->memory_per_cpu ? job->cpus : job->node_count, total;

	/* exact; Slurm rounds "mem=62.50G" */
	if (job->memory && !__builtin_mul_overflow(job->memory, each, &total))
		return total;
	if (uc_tres_get(uc_job_waits(job) ? job->tres_req.bytes : job->tres_alloc.bytes,
			"mem", "", &total))
		return total;
	return 0;
}

UQUEUE_CELL(uqueue_get_memory_total)
{
	(void)context;
	put_size(out, uqueue_job_memory(job_of(row)));
}

static int compare_arrays(const void *a, const void *b)
{
	const struct uqueue_array *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* On the line of the tasks that wait: "12/50". */
UQUEUE_CELL(uqueue_get_progress)
{
	const struct uqueue_context *ctx = context;
	const struct uc_job *job = job_of(row);
	const struct uqueue_array *found;

	if (uc_raw_empty(job->array_tasks) || !ctx->array_count)
		return;
	found = bsearch(&(struct uqueue_array){ job->array_job_id, 0, 0 }, ctx->arrays,
			ctx->array_count, sizeof(*ctx->arrays), compare_arrays);
	if (!found)
		return;
	uc_buf_addf(&out->scratch, "%u/%u", found->ended, found->known);
	put_scratch(out);
}

UQUEUE_CELL(uqueue_get_sharing)
{
	static const char *const words[] = {
		[UC_SHARING_NONE] = "exclusive", [UC_SHARING_OK] = "anybody",
		[UC_SHARING_USER] = "user",      [UC_SHARING_MCS] = "mcs",
		[UC_SHARING_TOPO] = "topo",
	};
	uint32_t sharing = job_of(row)->sharing;

	(void)context;
	if (sharing >= sizeof(words) / sizeof(words[0]))
		return;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(words[sharing]);
}

int uqueue_context_fill(struct uqueue_context *context, const struct uc_run *run,
			const struct uc_jobs *jobs, struct uc_error *err)
{
	size_t count = 0, kept = 0;
	struct uqueue_array *arrays;

	*context = (struct uqueue_context){ .now = jobs->now,
					    .ascii = run->safe & UC_SAFE_ASCII,
					    .mark = run->stdout_tty,
					    .me = getuid() };
	for (size_t i = 0; i < jobs->count; i++)
		count += jobs->row[i].array_job_id != 0;
	arrays = calloc(count + 1, sizeof(*arrays));
	if (!arrays)
		return uc_fail(err, UC_FAILED, "out of memory");
	count = 0;
	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];
		uint32_t tasks = 1;

		if (!job->array_job_id)
			continue;
		if (!uc_raw_empty(job->array_tasks))
			tasks = uc_array_count(job->array_tasks.bytes);
		arrays[count++] = (struct uqueue_array){ job->array_job_id,
							 uc_job_is_finished(job->state),
							 tasks == UC_NONE32 ? 0 : tasks };
	}
	qsort(arrays, count, sizeof(*arrays), compare_arrays);
	for (size_t i = 0; i < count; i++) {
		if (kept && arrays[kept - 1].id == arrays[i].id) {
			arrays[kept - 1].ended += arrays[i].ended;
			arrays[kept - 1].known += arrays[i].known;
		} else {
			arrays[kept++] = arrays[i];
		}
	}
	context->arrays = arrays;
	context->array_count = kept;
	return 0;
}

void uqueue_context_free(struct uqueue_context *context)
{
	free(context->arrays);
	context->arrays = NULL;
}

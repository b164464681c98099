/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/efficiency.h>

#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include <ucluster/units.h>

/* One figure of each run. */
struct figures {
	int64_t *item;
	size_t count;
};

/* One run while it is added up. */
struct run {
	const struct uc_past *job;
	uint64_t cpu_ms;
	uint64_t batch_memory, step_memory; /* bytes on all nodes */
	uint64_t node_memory;               /* of a task, or a node's part */
	uint64_t gpu_percent, gpu_memory;
	uint32_t tasks;
	bool has_cpu, has_memory;
};

enum {
	ELAPSED,
	CPU_SHARE,
	MEMORY,
	MEMORY_SHARE,
	GPU_PERCENT,
	GPU_MEMORY,
	FIGURES
};

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX / 2 : sum;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX / 2 : product;
}

/* Thousandths, rounded; more than all is possible (threads, shared pages). */
static int64_t share(uint64_t used, uint64_t given)
{
	double part = given ? 1000.0 * (double)used / (double)given : 0;

	return part > 1e9 ? (int64_t)1e9 : (int64_t)(part + 0.5);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void add_step(struct run *run, const struct uc_past *step)
{
	uint64_t nodes = step->node_count ? step->node_count : 1;
	uint64_t peak = step->memory_peak, sum = step->memory_sum;

	if (step->cpu_ms != UC_NONE64) {
		run->cpu_ms = add(run->cpu_ms, step->cpu_ms);
		run->has_cpu = true;
	}
	if (step->gpu_percent != UC_NONE64 &&
	    (run->gpu_percent == UC_NONE64 || step->gpu_percent > run->gpu_percent))
		run->gpu_percent = step->gpu_percent;
	if (step->gpu_memory != UC_NONE64 &&
	    (run->gpu_memory == UC_NONE64 || step->gpu_memory > run->gpu_memory))
		run->gpu_memory = step->gpu_memory;
	if (step->tasks != UC_NONE32 && step->tasks > run->tasks)
		run->tasks = step->tasks;
	if (peak == UC_NONE64 || !strcmp(step->step.bytes, "extern"))
		return;
	if (sum == UC_NONE64 || sum < peak)
		sum = peak;
	run->has_memory = true;
	run->node_memory = larger(run->node_memory, larger(peak, sum / nodes));
	/* the script waits while a step of it runs: both count at the same time */
	if (!strcmp(step->step.bytes, "batch"))
		run->batch_memory = larger(run->batch_memory, sum);
	else
		run->step_memory = larger(run->step_memory, sum);
}

static void note(struct figures *figures, int64_t value)
{
	figures->item[figures->count++] = value;
}

static void note_largest(struct uc_efficiency *out, const struct run *run)
{
	const struct uc_past *job = run->job;

	if (job->cpus > out->cpus)
		out->cpus = job->cpus;
	if (run->tasks > out->tasks)
		out->tasks = run->tasks;
	if (job->node_count > out->node_count)
		out->node_count = job->node_count;
	if (job->gpus != UC_NONE32 && job->gpus > out->gpus)
		out->gpus = job->gpus;
	out->gpus_known = out->gpus_known || job->gpus != UC_NONE32;
	out->memory_given = larger(out->memory_given, job->memory_total);
	if (job->memory > out->memory_asked) {
		out->memory_asked = job->memory;
		out->memory_per_cpu = job->memory_per_cpu;
	}
	out->memory_node =
		larger(out->memory_node,
		       add(run->node_memory, run->step_memory ? run->batch_memory : 0));
	if (job->time_limit != UC_NOT_SET && job->time_limit > out->time_limit)
		out->time_limit = job->time_limit;
}

static void end_run(struct uc_efficiency *out, const struct run *run,
		    struct figures *figures)
{
	const struct uc_past *job = run->job;
	uint64_t elapsed, memory = add(run->batch_memory, run->step_memory);

	if (!job)
		return;
	note_largest(out, run);
	if ((job->state & UC_JOB_BASE) == UC_JOB_PENDING || !job->start_time) {
		out->waiting += (job->state & UC_JOB_BASE) == UC_JOB_PENDING;
		return;
	}
	elapsed = job->elapsed > 0 ? (uint64_t)job->elapsed : 0;
	out->runs++;
	out->running += (job->state & UC_JOB_BASE) == UC_JOB_RUNNING ||
			(job->state & UC_JOB_BASE) == UC_JOB_SUSPENDED;
	out->completed += (job->state & UC_JOB_BASE) == UC_JOB_COMPLETED;
	out->sampled += run->has_memory;
	out->core_seconds = add(out->core_seconds, times(job->cpus, elapsed));
	if (job->gpus != UC_NONE32)
		out->gpu_seconds = add(out->gpu_seconds, times(job->gpus, elapsed));
	note(&figures[ELAPSED], (int64_t)elapsed);
	if (run->has_cpu && elapsed && job->cpus) {
		out->cpu_seconds = add(out->cpu_seconds, times(job->cpus, elapsed));
		out->cpu_used_ms = add(out->cpu_used_ms, run->cpu_ms);
		note(&figures[CPU_SHARE],
		     share(run->cpu_ms, times(times(job->cpus, elapsed), 1000)));
	}
	if (run->has_memory) {
		note(&figures[MEMORY], (int64_t)memory);
		if (job->memory_total)
			note(&figures[MEMORY_SHARE], share(memory, job->memory_total));
	}
	if (run->gpu_percent != UC_NONE64)
		note(&figures[GPU_PERCENT], (int64_t)run->gpu_percent);
	if (run->gpu_memory != UC_NONE64)
		note(&figures[GPU_MEMORY], (int64_t)run->gpu_memory);
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static struct uc_spread spread_of(const struct figures *figures)
{
	size_t count = figures->count;

	if (!count)
		return (struct uc_spread){ 0 };
	qsort(figures->item, count, sizeof(*figures->item), compare);
	return (struct uc_spread){ count, figures->item[0], figures->item[count / 2],
				   figures->item[count - 1] };
}

int uc_efficiency_of(const struct uc_history *history, struct uc_efficiency *out,
		     struct uc_error *err)
{
	int64_t *items = calloc(history->count * FIGURES + 1, sizeof(*items));
	struct figures figures[FIGURES];
	struct run run = { 0 };

	*out = (struct uc_efficiency){ .time_limit = UC_NOT_SET };
	if (!items)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < FIGURES; i++)
		figures[i] = (struct figures){ items + i * history->count, 0 };
	for (size_t i = 0; i < history->count; i++) {
		const struct uc_past *row = &history->row[i];

		if (row->step.bytes) {
			if (run.job)
				add_step(&run, row);
			continue;
		}
		end_run(out, &run, figures);
		run = (struct run){ .job = row,
				    .gpu_percent = UC_NONE64,
				    .gpu_memory = UC_NONE64 };
	}
	end_run(out, &run, figures);
	out->elapsed = spread_of(&figures[ELAPSED]);
	out->cpu_share = spread_of(&figures[CPU_SHARE]);
	out->memory = spread_of(&figures[MEMORY]);
	out->memory_share = spread_of(&figures[MEMORY_SHARE]);
	out->gpu_percent = spread_of(&figures[GPU_PERCENT]);
	out->gpu_memory = spread_of(&figures[GPU_MEMORY]);
	free(items);
	return 0;
}

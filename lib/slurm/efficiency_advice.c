/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/efficiency.h>

#include <stdio.h>
#include <ucluster/units.h>

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* Under these shares, in thousandths, less is asked for the next time. */
#define MEMORY_LITTLE 500
#define CPU_LITTLE    500
#define TIME_LITTLE   250
#define GPU_LITTLE    30 /* per cent */
/* Over this one the next run may not fit. */
#define MEMORY_TIGHT 950
/* Shorter runs are over before samples and averages say anything. */
#define RUN_SHORT 60
/* Less than this nobody else misses. */
#define MEMORY_SMALL (2 * GIB)
#define LIMIT_SHORT  3600

struct list {
	struct uc_advice *item;
	size_t count, max;
};

/* A quarter more than was used, in steps that people would write. */
static uint64_t with_margin(uint64_t bytes)
{
	uint64_t wanted = bytes / 4 < UINT64_MAX - bytes ? bytes + bytes / 4 : bytes;
	uint64_t step = wanted < 4 * GIB ? 256 * MIB : wanted < 64 * GIB ? GIB : 8 * GIB;

	return (wanted + step - 1) / step * step;
}

static struct uc_advice *next(struct list *list)
{
	if (list->count == list->max)
		return NULL;
	list->item[list->count] = (struct uc_advice){ 0 };
	return &list->item[list->count++];
}

static const char *size_text(struct uc_buf *buf, uint64_t bytes)
{
	uc_buf_reset(buf);
	uc_size_words(buf, bytes);
	return uc_buf_text(buf);
}

static void advise_memory(const struct uc_efficiency *eff, struct list *list)
{
	uc_auto(buf) struct uc_buf option = { 0 }, used = { 0 }, given = { 0 };
	const int64_t most = eff->memory_share.most;
	uint64_t parts = eff->memory_per_cpu ? eff->cpus : eff->node_count;
	uint64_t wanted;
	struct uc_advice *advice;

	if (!eff->memory_share.count || !parts ||
	    (most >= MEMORY_LITTLE && most < MEMORY_TIGHT) ||
	    (most < MEMORY_LITTLE && eff->memory_given < MEMORY_SMALL) ||
	    eff->elapsed.most < RUN_SHORT)
		return;
	/* a node's part may be more than the mean of all */
	wanted = (uint64_t)eff->memory.most / parts;
	if (!eff->memory_per_cpu && eff->memory_node > wanted)
		wanted = eff->memory_node;
	wanted = with_margin(wanted);
	if (most < MEMORY_LITTLE && wanted >= eff->memory_given / parts)
		return;
	advice = next(list);
	if (!advice)
		return;
	uc_size_format(&option, wanted);
	snprintf(advice->option, sizeof(advice->option), "--%s=%s",
		 eff->memory_per_cpu ? "mem-per-cpu" : "mem", uc_buf_text(&option));
	snprintf(advice->words, sizeof(advice->words), "it used at most %s of its %s%s",
		 size_text(&used, (uint64_t)eff->memory.most),
		 size_text(&given, eff->memory_given),
		 most < MEMORY_LITTLE ? "" : ", and may not fit the next time");
}

static void advise_cpus(const struct uc_efficiency *eff, struct list *list)
{
	const uint32_t tasks = eff->tasks ? eff->tasks : 1;
	double busy = (double)eff->cpu_share.most / 1000 * eff->cpus;
	uint32_t wanted;
	struct uc_advice *advice;

	if (!eff->cpu_share.count || eff->cpu_share.most >= CPU_LITTLE ||
	    eff->elapsed.most < RUN_SHORT || eff->cpus < 2)
		return;
	wanted = (uint32_t)(busy * 1.2 / tasks + 1);
	if ((uint64_t)wanted * tasks >= eff->cpus)
		return;
	advice = next(list);
	if (!advice)
		return;
	snprintf(advice->option, sizeof(advice->option), "--cpus-per-task=%u", wanted);
	snprintf(advice->words, sizeof(advice->words),
		 "on average %.1f of its %u CPUs were busy", busy, eff->cpus);
}

static void advise_gpus(const struct uc_efficiency *eff, struct list *list)
{
	struct uc_advice *advice;

	if (!eff->gpus || !eff->gpu_percent.count || eff->gpu_percent.most >= GPU_LITTLE)
		return;
	advice = next(list);
	if (!advice)
		return;
	if (eff->gpus > 1)
		snprintf(advice->option, sizeof(advice->option), "--gpus=1");
	snprintf(advice->words, sizeof(advice->words),
		 "its GPUs were busy for %lld%% of the time",
		 (long long)eff->gpu_percent.most);
}

/* Limits that are far too long keep a job out of the gaps that it would fit into. */
static void advise_time(const struct uc_efficiency *eff, struct list *list)
{
	uc_auto(buf) struct uc_buf option = { 0 }, used = { 0 };
	int64_t wanted;
	struct uc_advice *advice;

	if (!eff->elapsed.count || eff->completed != eff->runs ||
	    eff->time_limit == UC_DURATION_INFINITE || eff->time_limit <= LIMIT_SHORT ||
	    eff->elapsed.most >= eff->time_limit / 1000 * TIME_LITTLE)
		return;
	advice = next(list);
	if (!advice)
		return;
	/* half as long again, in steps of a quarter of an hour */
	wanted = (eff->elapsed.most * 3 / 2 + 899) / 900 * 900;
	uc_duration_format(&option, wanted ? wanted : 900);
	uc_duration_words(&used, eff->elapsed.most);
	snprintf(advice->option, sizeof(advice->option), "--time=%s",
		 uc_buf_text(&option));
	snprintf(advice->words, sizeof(advice->words),
		 "it took %s at most; jobs with shorter limits start sooner",
		 uc_buf_text(&used));
}

size_t uc_efficiency_advice(const struct uc_efficiency *efficiency, struct uc_advice *out,
			    size_t max)
{
	struct list list = { .item = out, .max = max };

	if (!efficiency->runs || efficiency->running)
		return 0;
	advise_gpus(efficiency, &list);
	advise_memory(efficiency, &list);
	advise_cpus(efficiency, &list);
	advise_time(efficiency, &list);
	return list.count;
}

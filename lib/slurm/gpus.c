/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* GPU numbers: which of Slurm's strings to believe, and how to add them up. */
#include <string.h>
#include <ucluster/gres.h>
#include <ucluster/state.h>

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static void add_type(struct uc_gpus *gpus, struct uc_span name, uint64_t count)
{
	size_t i = 0;

	while (i < gpus->type_count && (gpus->type[i].name.len != name.len ||
					memcmp(gpus->type[i].name.at, name.at, name.len)))
		i++;
	if (i == UC_GPU_TYPES)
		return;
	if (i == gpus->type_count) {
		gpus->type[i].name = name;
		gpus->type[i].count = 0;
		gpus->type_count++;
	}
	gpus->type[i].count = add(gpus->type[i].count, count);
}

void uc_gpus_add(struct uc_gpus *gpus, const char *text)
{
	struct uc_gres_walk walk = { .rest = text };
	struct uc_gres item;
	uint64_t plain = 0, total = 0, typed = 0;

	while (uc_gres_next(&walk, &item)) {
		if (!item.is_gres)
			continue;
		if (uc_span_is(item.name, "shard"))
			gpus->shards = add(gpus->shards, item.count);
		if (!uc_span_is(item.name, "gpu"))
			continue;
		if (item.type.len)
			add_type(gpus, item.type, item.count);
		if (!item.is_total)
			plain = add(plain, item.count);
		else if (item.type.len)
			typed = add(typed, item.count);
		else
			total = add(total, item.count);
		if (!item.indices.len)
			continue;
		gpus->indexed = uc_index_set_add(&gpus->used, item.indices) == 0;
	}
	/* In NAME=COUNT lists the untyped one is the sum of the typed ones. */
	gpus->count = add(gpus->count, add(plain, total > typed ? total : typed));
}

void uc_gpus_multiply(struct uc_gpus *gpus, uint64_t factor)
{
	gpus->count = multiply(gpus->count, factor);
	gpus->shards = multiply(gpus->shards, factor);
	for (size_t i = 0; i < gpus->type_count; i++)
		gpus->type[i].count = multiply(gpus->type[i].count, factor);
}

void uc_buf_gpu_types(struct uc_buf *buf, const struct uc_gpus *gpus)
{
	bool first = true;

	for (size_t i = 0; i < gpus->type_count; i++) {
		if (!gpus->type[i].count)
			continue;
		if (!first)
			uc_buf_addc(buf, ',');
		uc_buf_addn(buf, gpus->type[i].name.at, gpus->type[i].name.len);
		uc_buf_addf(buf, ":%llu", (unsigned long long)gpus->type[i].count);
		first = false;
	}
}

static bool try_string(struct uc_gpus *gpus, struct uc_raw text, uint64_t factor)
{
	if (uc_raw_empty(text))
		return false;
	*gpus = (struct uc_gpus){ 0 };
	uc_gpus_add(gpus, text.bytes);
	uc_gpus_multiply(gpus, factor);
	return gpus->count || gpus->shards;
}

static uint64_t at_least_one(uint32_t n)
{
	return n && n != UC_NONE32 ? n : 1;
}

/* As many tasks as slurmctld will make of it when --ntasks is not given. */
static uint64_t task_count(const struct uc_job *job)
{
	uint64_t nodes = at_least_one(job->node_count);

	if (job->tasks && job->tasks != UC_NONE32)
		return job->tasks;
	if (job->tasks_per_node && job->tasks_per_node != UC_NONE32)
		return nodes * job->tasks_per_node;
	return nodes;
}

static uint64_t socket_count(const struct uc_job *job)
{
	uint64_t sockets = job->sockets_per_node != UC_NONE32 ? job->sockets_per_node : 1;

	return at_least_one(job->node_count) * (sockets ? sockets : 1);
}

void uc_job_gpus(const struct uc_job *job, struct uc_gpus *gpus)
{
	bool pending = (job->state & UC_JOB_BASE) == UC_JOB_PENDING;

	if (!pending && (try_string(gpus, job->gres_total, 1) ||
			 try_string(gpus, job->tres_alloc, 1)))
		return;
	if (try_string(gpus, job->tres_req, 1) ||
	    try_string(gpus, job->tres_per_job, 1) ||
	    try_string(gpus, job->tres_per_node, at_least_one(job->node_count)) ||
	    try_string(gpus, job->tres_per_task, task_count(job)) ||
	    try_string(gpus, job->tres_per_socket, socket_count(job)))
		return;
	*gpus = (struct uc_gpus){ 0 };
}

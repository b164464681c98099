/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Jobs in short words: their ids, their GPUs. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/job.h>

void uc_buf_job_id(struct uc_buf *buf, const struct uc_job *job, uint32_t task)
{
	const bool one = task != UC_NONE32;

	if (!one)
		task = job->array_task_id;
	if (job->array_job_id && !one && !uc_raw_empty(job->array_tasks))
		uc_buf_addf(buf, "%u_[%s]", job->array_job_id, job->array_tasks.bytes);
	else if (job->array_job_id && task != UC_NONE32)
		uc_buf_addf(buf, "%u_%u", job->array_job_id, task);
	else if (job->het_job_id)
		uc_buf_addf(buf, "%u+%u", job->het_job_id, job->het_offset);
	else
		uc_buf_addi(buf, job->job_id);
}

void uc_buf_job_gpus(struct uc_buf *buf, const struct uc_job *job, bool ascii)
{
	const char *times = ascii ? "x" : "\xc3\x97";
	const char *types = job->gpu_types.bytes;
	uint64_t typed = 0;
	size_t start = buf->len;

	while (types && *types) {
		size_t len = strcspn(types, ",");
		const char *colon = memrchr(types, ':', len);
		size_t name = colon ? (size_t)(colon - types) : len;

		if (buf->len > start)
			uc_buf_addc(buf, ',');
		if (colon) {
			typed += strtoull(colon + 1, NULL, 10);
			uc_buf_addn(buf, colon + 1, len - name - 1);
			uc_buf_add(buf, times);
		}
		uc_buf_addn(buf, types, name);
		types += len + (types[len] == ',');
	}
	if (buf->len > start && typed < job->gpus)
		uc_buf_addf(buf, ",%u%sgpu", job->gpus - (uint32_t)typed, times);
	if (job->shards && job->shards != UC_NONE32 && (buf->len > start || !job->gpus))
		uc_buf_addf(buf, "%s%u%sshard", buf->len > start ? "," : "", job->shards,
			    times);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Cells about GPUs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/gres.h>
#include "uqueue/uqueue.h"

/* A host list of a job is not longer than this; who writes more means harm. */
#define NODES_MAX 100000

static const struct uc_job *job_of(const void *row)
{
	return ((const struct uqueue_row *)row)->job;
}

UQUEUE_CELL(uqueue_get_gpus)
{
	const struct uqueue_context *ctx = context;
	const struct uc_job *job = job_of(row);

	if (job->gpus == UC_NONE32)
		return;
	out->type = UC_VALUE_NUMBER;
	out->number = job->gpus;
	uc_buf_job_gpus(&out->shown, job, ctx->ascii);
	out->blank = !job->gpus && !out->shown.len;
}

/* Profiles of MIG are called 1g.5gb, 3g.40gb, 1g.10gb.me, perhaps behind "a100_". */
static bool is_mig(struct uc_span name)
{
	const char *p = memmem(name.at, name.len, "g.", 2);
	size_t rest;

	if (!p || p == name.at || p[-1] < '1' || p[-1] > '9')
		return false;
	rest = name.len - (size_t)(p + 2 - name.at);
	return rest && p[2] >= '0' && p[2] <= '9' && memmem(p + 2, rest, "gb", 2);
}

UQUEUE_CELL(uqueue_get_mig)
{
	struct uc_gpus gpus;
	uint64_t slices = 0;

	(void)context;
	uc_job_gpus(job_of(row), &gpus);
	for (size_t i = 0; i < gpus.type_count; i++)
		if (is_mig(gpus.type[i].name))
			slices += gpus.type[i].count;
	if (!slices)
		return;
	out->type = UC_VALUE_NUMBER;
	out->number = (int64_t)slices;
}

/* "gpu1:0-1,gpu2:0": known when the source was asked for details. */
UQUEUE_CELL(uqueue_get_gpu_ids)
{
	const struct uc_job *job = job_of(row);
	uc_auto(strv) struct uc_strv names = { 0 };

	(void)context;
	if (!job->gres_detail.count || !uc_job_holds(job))
		return;
	uc_hosts_expand(job->nodes.bytes, NODES_MAX, &names);
	out->scratch.failed = names.failed;
	for (size_t i = 0; i < job->gres_detail.count && i < names.count; i++) {
		struct uc_gpus gpus = { 0 };

		uc_gpus_add(&gpus, job->gres_detail.item[i].bytes);
		if (!gpus.indexed || !uc_index_set_count(&gpus.used))
			continue;
		uc_buf_addf(&out->scratch, "%s%s:", out->scratch.len ? "," : "",
			    names.item[i]);
		uc_buf_index_set(&out->scratch, &gpus.used);
	}
	if (out->scratch.failed || !out->scratch.len)
		return;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_buf_text(&out->scratch));
}

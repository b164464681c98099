/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The box about a node: what it has, what is wrong with it, whose jobs are on it. */
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "udash/dash.h"

enum {
	JOBS_MOST = 200, /* of a node, in the box */
};

static void add_used(struct dash *d, const struct uc_node *node)
{
	uc_auto(buf) struct uc_buf used = { 0 }, all = { 0 };

	dash_box_addf(d, "%-12s %u of %u in use", "CPUs", node->cpus_used, node->cpus);
	uc_size_words(&used, node->memory_used);
	uc_size_words(&all, node->memory);
	dash_box_addf(d, "%-12s %s of %s in use", "memory", uc_buf_text(&used),
		      uc_buf_text(&all));
	if (node->load != UC_NONE32)
		dash_box_addf(d, "%-12s %u.%02u", "load", node->load / 100,
			      node->load % 100);
	if (node->gpus && node->gpus != UC_NONE32 && node->gpus_used != UC_NONE32)
		dash_box_addf(d, "%-12s %u of %u in use", "GPUs", node->gpus_used,
			      node->gpus);
	dash_box_add_raw(d, "models", node->gpu_types);
}

static void add_job(struct dash *d, const struct uc_job *job, bool first)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_buf_job_id(&text, job, UC_NONE32);
	uc_buf_add(&text, " of ");
	uc_buf_safe(&text, job->user, d->grid.safe);
	uc_buf_add(&text, ", ");
	uc_buf_safe(&text, job->name, d->grid.safe);
	if (job->gpus && job->gpus != UC_NONE32)
		uc_buf_addf(&text, ", %u GPU%s%s", job->gpus, job->gpus == 1 ? "" : "s",
			    job->node_count > 1 ? " on all its nodes" : "");
	if (job->end_time) {
		uc_buf_add(&text, ", until ");
		uc_buf_clock(&text, job->end_time, d->data->now);
	}
	dash_box_addf(d, "%-12s %s", first ? "jobs" : "", uc_buf_text(&text));
}

static void add_jobs(struct dash *d, const struct uc_node *node)
{
	const struct uc_jobs *jobs = d->data->jobs;
	size_t found = 0;

	for (size_t i = 0; i < jobs->count && node->name.bytes; i++) {
		const struct uc_job *job = &jobs->row[i];

		if (!uc_job_holds(job) || !job->nodes.bytes ||
		    !uc_hosts_has(job->nodes.bytes, node->name.bytes))
			continue;
		if (found++ < JOBS_MOST)
			add_job(d, job, found == 1);
	}
	if (!found)
		dash_box_addf(d, "%-12s none", "jobs");
	if (found > JOBS_MOST)
		dash_box_addf(d, "%-12s and %zu more", "", found - JOBS_MOST);
}

void dash_show_node(struct dash *d, const struct uc_node *node)
{
	uc_auto(buf) struct uc_buf title = { 0 };

	if (!node)
		return;
	uc_buf_add(&title, "Node ");
	uc_buf_safe(&title, node->name, d->grid.safe);
	dash_box_open(d, uc_buf_text(&title));
	dash_box_addf(d, "%-12s %s", "state", uc_node_state_word(node->state));
	dash_box_add_raw(d, "reason", node->reason);
	dash_box_add_raw(d, "partitions", node->partitions);
	dash_box_add_raw(d, "features", node->features);
	add_used(d, node);
	add_jobs(d, node);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/synthetic.h"

#include <stdlib.h>
#include <ucluster/gres.h>
#include <ucluster/reservation.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include <ucluster/units.h>

#define GIB ((uint64_t)1 << 30)

static const char *const job_names[16] = {
	"train",     "finetune-llm", "eval",    "sweep",      "preprocess", "interactive",
	"bash",      "resnet50",     "größe-µ", "训练",       "jupyter",    "gromacs",
	"diffusion", "papermill",    "run.sh",  "a b c \"x\""
};
static const char *const accounts[4] = { "vision", "nlp", "physics", "teaching" };

/* What all rows of one snapshot share. */
struct dress {
	const struct uc_synth *synth;
	struct uc_arena *arena;
	char **users;
	bool failed; /* out of memory for a string */
};

static struct uc_raw node_name(struct dress *d, const struct uc_synth_node *node)
{
	return uc_raw(
		uc_arena_printf(d->arena, "%s%03u", node->kind->prefix, node->number));
}

static struct uc_raw index_text(struct dress *d, uint32_t bits)
{
	struct uc_index_set set = { .bits = { bits } };
	uc_auto(buf) struct uc_buf buf = { 0 };

	uc_buf_index_set(&buf, &set);
	d->failed = d->failed || buf.failed;
	return uc_raw(uc_arena_strdup(d->arena, uc_buf_text(&buf)));
}

static struct uc_raw node_list(struct dress *d, const struct uc_synth_job *job)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	for (uint32_t i = 0; i < job->node_count; i++) {
		const struct uc_synth_node *node = &d->synth->nodes[job->node + i];

		uc_buf_addf(&buf, "%s%s%03u", i ? "," : "", node->kind->prefix,
			    node->number);
	}
	d->failed = d->failed || buf.failed;
	return uc_raw(uc_arena_strdup(d->arena, uc_buf_text(&buf)));
}

static void dress_gpus(struct dress *d, const struct uc_synth_job *spec,
		       struct uc_job *job)
{
	const struct uc_synth_kind *kind = &uc_synth_kinds[spec->kind];
	uint32_t total = (uint32_t)spec->gpus * spec->node_count;
	struct uc_raw *detail;

	job->gpus = total;
	if (!total)
		return;
	job->tres_per_node = uc_raw(
		uc_arena_printf(d->arena, "gres/gpu:%s:%u", kind->gpu, spec->gpus));
	job->gpu_types = uc_raw(uc_arena_printf(d->arena, "%s:%u", kind->gpu, total));
	if (!spec->started)
		return;
	job->gres_total =
		uc_raw(uc_arena_printf(d->arena, "gpu:%s:%u", kind->gpu, total));
	detail = uc_arena_array(d->arena, spec->node_count, sizeof(*detail));
	if (!detail || !spec->gpu_bits || uc_job_is_finished(spec->state))
		return;
	for (uint32_t i = 0; i < spec->node_count; i++)
		detail[i] = uc_raw(uc_arena_printf(d->arena, "gpu:%s:%u(IDX:%s)",
						   kind->gpu, spec->gpus,
						   index_text(d, spec->gpu_bits).bytes));
	job->gres_detail = (struct uc_raw_list){ detail, spec->node_count };
}

static void dress_times(const struct uc_synth_job *spec, struct uc_job *job)
{
	int64_t limit = (int64_t)spec->limit_minutes * 60;

	job->submit_time = UC_SYNTH_NOW - spec->submitted;
	job->eligible_time = job->accrue_time = job->submit_time;
	job->time_limit = limit;
	job->last_tried = UC_SYNTH_NOW - 30;
	if (!spec->started)
		return;
	job->start_time = UC_SYNTH_NOW - spec->started;
	job->end_time = job->start_time + limit;
	if (uc_job_is_finished(spec->state))
		job->end_time = job->start_time + spec->started / 2;
	if ((spec->state & UC_JOB_BASE) == UC_JOB_SUSPENDED) {
		job->suspended = spec->started / 2;
		job->suspend_time = UC_SYNTH_NOW - spec->started + job->suspended;
	}
}

static uint32_t exit_status(uint32_t state)
{
	return state == UC_JOB_FAILED ? 1 << 8 : state == UC_JOB_OOM ? 9 : 0;
}

static void dress_job(struct dress *d, const struct uc_synth_job *spec,
		      struct uc_job *job)
{
	const char *user = d->users[spec->user];

	job->job_id = spec->id;
	job->array_job_id = spec->array_id;
	if (spec->array_id) {
		job->array_task_id = spec->task_id;
		job->array_max_tasks = 4;
		if (spec->task_id == UC_NONE32)
			job->array_tasks = uc_raw("7-99%4");
	}
	job->user_id = 20000u + spec->user;
	job->group_id = 20000;
	job->user = uc_raw(user);
	job->account = uc_raw(accounts[spec->user % 4]);
	job->partition =
		uc_raw(spec->long_queue ? "long" : uc_synth_kinds[spec->kind].partition);
	job->qos = uc_raw("normal");
	job->name = uc_raw(job_names[spec->name]);
	job->state = spec->state;
	job->reason = spec->reason;
	job->priority = 4000000u - spec->id;
	job->exit_status = exit_status(spec->state);
	job->node_count = spec->node_count;
	job->cpus = (uint32_t)spec->cpus * spec->node_count;
	job->tasks = spec->node_count;
	job->cpus_per_task = spec->cpus;
	job->memory = spec->memory_gib * GIB;
	job->batch = job->requeue = spec->name % 4 != 1;
	job->workdir = uc_raw(uc_arena_printf(d->arena, "/home/%s/work", user));
	job->command = uc_raw(
		uc_arena_printf(d->arena, "/home/%s/work/run-%u.sh", user, spec->id));
	job->submit_host = uc_raw("login1");
	if (spec->started) {
		job->nodes = node_list(d, spec);
		job->batch_host = node_name(d, &d->synth->nodes[spec->node]);
	}
	dress_times(spec, job);
	dress_gpus(d, spec, job);
}

static void dress_node(struct dress *d, const struct uc_synth_node *spec,
		       struct uc_node *node)
{
	const struct uc_synth_kind *kind = spec->kind;
	uint32_t used = (uint32_t)__builtin_popcount(spec->gpus_used);

	node->name = node->hostname = node->address = node_name(d, spec);
	node->arch = uc_raw("x86_64");
	node->os = uc_raw("Linux 6.1.0");
	node->slurm_version = uc_raw("22.05.8");
	node->partitions = uc_raw(kind->gpus ? "gpu,long" : "batch,long");
	node->features = node->active_features = uc_raw(kind->gpu ? kind->gpu : "cpu");
	node->state = spec->flags | (spec->flags & UC_NODE_NO_RESPOND ? UC_NODE_DOWN
				     : !spec->cpus_used               ? UC_NODE_IDLE
				     : spec->cpus_used < kind->cpus   ? UC_NODE_MIXED
								    : UC_NODE_ALLOCATED);
	if (spec->flags & UC_NODE_DRAIN) {
		node->reason = uc_raw("GPU 3 fell off the bus");
		node->reason_user = uc_raw("root");
		node->reason_uid = 0;
		node->reason_time = UC_SYNTH_NOW - 7200;
	}
	node->boot_time = node->start_time = UC_SYNTH_NOW - 30 * 86400;
	node->last_busy = UC_SYNTH_NOW;
	node->cpus = node->cpus_usable = kind->cpus;
	node->cpus_used = spec->cpus_used;
	node->sockets = 2;
	node->cores = kind->cpus / 4;
	node->threads = 2;
	node->boards = 1;
	node->load = spec->cpus_used * 97;
	node->memory = kind->memory_gib * GIB;
	node->memory_used = spec->memory_used_gib * GIB;
	node->memory_free = node->memory - node->memory_used;
	node->gpus = kind->gpus;
	node->gpus_used = used;
	if (!kind->gpus)
		return;
	node->gpu_types =
		uc_raw(uc_arena_printf(d->arena, "%s:%u", kind->gpu, kind->gpus));
	node->gres = uc_raw(
		uc_arena_printf(d->arena, "gpu:%s:%u(S:0-1)", kind->gpu, kind->gpus));
	if (used)
		node->gpu_indices = index_text(d, spec->gpus_used);
	node->gres_used =
		uc_raw(uc_arena_printf(d->arena, "gpu:%s:%u(IDX:%s)", kind->gpu, used,
				       used ? node->gpu_indices.bytes : "N/A"));
}

static void dress_partitions(struct dress *d, struct uc_partition *row)
{
	static const char *const names[] = { "gpu", "batch", "long" };

	for (size_t p = 0; p < 3; p++) {
		uc_auto(buf) struct uc_buf nodes = { 0 };

		for (uint32_t i = 0; i < d->synth->node_count; i++) {
			const struct uc_synth_node *node = &d->synth->nodes[i];

			if ((p == 0 && !node->kind->gpus) || (p == 1 && node->kind->gpus))
				continue;
			uc_buf_addf(&nodes, "%s%s%03u", nodes.len ? "," : "",
				    node->kind->prefix, node->number);
			row[p].total_nodes++;
			row[p].total_cpus += node->kind->cpus;
		}
		d->failed = d->failed || nodes.failed;
		row[p].name = uc_raw(names[p]);
		row[p].nodes = uc_raw(uc_arena_strdup(d->arena, uc_buf_text(&nodes)));
		row[p].state = UC_PARTITION_UP;
		row[p].flags = p ? 0 : UC_PARTITION_DEFAULT;
		row[p].time_limit = p == 2 ? UC_DURATION_INFINITE : 2 * 86400;
		row[p].default_time = 3600;
		row[p].node_min = 1;
		row[p].share_max = 1;
		row[p].priority_tier = p == 2 ? 1 : 10;
		row[p].memory_default = 4 * GIB;
		row[p].memory_default_per_cpu = true;
	}
}

/* The usual maintenance window: all nodes, in a day and a half. */
static void dress_reservation(struct dress *d, struct uc_reservation *row)
{
	struct uc_partition partitions[3] = { 0 };

	dress_partitions(d, partitions);
	row->name = uc_raw("maintenance");
	row->nodes = partitions[2].nodes;
	row->users = uc_raw("root");
	row->start_time = UC_SYNTH_NOW + 36 * 3600;
	row->end_time = row->start_time + 8 * 3600;
	row->node_count = partitions[2].total_nodes;
	row->flags = UC_RESERVATION_MAINT;
}

static void dress_all(struct dress *d, enum uc_rows_kind kind, struct uc_rows *rows)
{
	const struct uc_synth *synth = d->synth;

	if (kind == UC_ROWS_PARTITIONS) {
		dress_partitions(d, uc_rows_at(rows, 0, 0));
		return;
	}
	if (kind == UC_ROWS_RESERVATIONS) {
		dress_reservation(d, uc_rows_at(rows, 0, 0));
		return;
	}
	if (kind == UC_ROWS_NODES) {
		for (uint32_t i = 0; i < synth->node_count; i++)
			dress_node(d, &synth->nodes[i],
				   uc_rows_at(rows, sizeof(struct uc_node), i));
		return;
	}
	d->users = uc_arena_array(d->arena, synth->user_count, sizeof(*d->users));
	if (!d->users)
		return;
	for (uint32_t i = 0; i < synth->user_count; i++)
		d->users[i] = uc_arena_printf(d->arena, "user%03u", i + 1);
	for (uint32_t i = 0; i < synth->job_count && !uc_arena_failed(d->arena); i++)
		dress_job(d, &synth->jobs[i], uc_rows_at(rows, sizeof(struct uc_job), i));
}

int uc_synth_rows(const struct uc_synth *synth, enum uc_rows_kind kind,
		  struct uc_rows **out, struct uc_error *err)
{
	size_t count = kind == UC_ROWS_JOBS           ? synth->job_count
		       : kind == UC_ROWS_NODES        ? synth->node_count
		       : kind == UC_ROWS_RESERVATIONS ? 1
						      : 3;
	struct uc_rows *rows = uc_rows_new(kind, count, UC_SYNTH_NOW, err);
	struct dress dress = { .synth = synth };

	if (!rows)
		return -1;
	dress.arena = rows->owner->arena;
	dress_all(&dress, kind, rows);
	rows->updated = UC_SYNTH_NOW - 5;
	if (dress.failed || uc_arena_failed(dress.arena)) {
		uc_rows_free(rows);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	*out = rows;
	return 0;
}

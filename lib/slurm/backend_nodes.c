/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Nodes (two RPCs: a node's partitions come from the partition table) and partitions. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <ucluster/gres.h>
#include "slurm/compat.h"
#include "slurm/backend.h"
#include "slurm/wire.h"

#define NODE_FLAGS (SHOW_ALL | SHOW_DETAIL | SHOW_MIXED)

static struct uc_raw set_or_null(const char *text)
{
	return uc_raw(text && *text ? text : NULL);
}

/* Strings made for one row; the wire copies them. */
struct scratch {
	struct uc_buf types, indices;
};

static uint32_t small(uint64_t n)
{
	return n < UC_NONE32 ? (uint32_t)n : UC_NONE32;
}

static void fill_gpus(struct scratch *scratch, const node_info_t *from,
		      struct uc_node *to)
{
	struct uc_gpus all = { 0 }, used = { 0 };

	to->gres = set_or_null(from->gres);
	to->gres_used = set_or_null(from->gres_used);
	to->gres_drain = set_or_null(from->gres_drain);
	uc_gpus_add(&all, from->gres);
	uc_gpus_add(&used, from->gres_used);
	to->gpus = small(all.count);
	to->gpus_used = small(used.count);
	to->shards = small(all.shards);
	to->shards_used = small(used.shards);
	uc_buf_reset(&scratch->types);
	uc_buf_reset(&scratch->indices);
	uc_buf_gpu_types(&scratch->types, &all);
	if (used.indexed)
		uc_buf_index_set(&scratch->indices, &used.used);
	to->gpu_types = set_or_null(uc_buf_text(&scratch->types));
	to->gpu_indices = set_or_null(uc_buf_text(&scratch->indices));
}

static void fill_texts(const node_info_t *from, struct uc_node *to)
{
	to->name = set_or_null(from->name);
	to->hostname = set_or_null(from->node_hostname);
	to->address = set_or_null(from->node_addr);
	to->arch = set_or_null(from->arch);
	to->os = set_or_null(from->os);
	to->slurm_version = set_or_null(from->version);
	to->partitions = set_or_null(from->partitions);
	to->features = set_or_null(from->features);
	to->active_features = set_or_null(from->features_act);
	to->reason = set_or_null(from->reason);
	to->comment = set_or_null(from->comment);
	to->extra = set_or_null(uc_node_extra(from));
	to->reservation = set_or_null(uc_node_reservation(from));
	to->mcs_label = set_or_null(from->mcs_label);
	to->tres = set_or_null(from->tres_fmt_str);
}

static void fill_node(struct scratch *scratch, const node_info_t *from,
		      struct uc_node *to)
{
	uint64_t used_mib;
	char *tres;

	fill_texts(from, to);
	fill_gpus(scratch, from, to);
	uc_node_used(from, &to->cpus_used, &used_mib, &tres);
	to->tres_used = set_or_null(tres);
	to->state = uc_node_state(from);
	to->weight = from->weight;
	to->owner = backend_u32(from->owner);
	if (from->reason && *from->reason) {
		to->reason_uid = backend_u32(from->reason_uid);
		if (to->reason_uid != UC_NONE32)
			to->reason_user = uc_raw(backend_user_name(to->reason_uid));
		to->reason_time = from->reason_time;
	}
	to->boot_time = from->boot_time;
	to->start_time = from->slurmd_start_time;
	to->last_busy = uc_node_last_busy(from);
	to->cpus = from->cpus;
	to->cpus_usable = uc_node_cpus_usable(from);
	to->sockets = from->sockets;
	to->cores = from->cores;
	to->threads = from->threads;
	to->boards = from->boards;
	to->load = backend_u32(from->cpu_load);
	to->memory = from->real_memory << 20;
	to->memory_used = used_mib << 20;
	to->memory_reserved = from->mem_spec_limit << 20;
	to->memory_free = backend_mib(from->free_mem);
	to->tmp_disk = (uint64_t)from->tmp_disk << 20;
}

static int pack_nodes(const node_info_msg_t *msg, struct uc_error *err)
{
	const struct uc_rows_type *type = uc_rows_type(UC_ROWS_NODES);
	uc_auto(wire) struct uc_wire *wire = uc_wire_new(UC_ROWS_NODES);
	struct scratch scratch = { 0 };
	int fd;

	if (!wire)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (uint32_t i = 0; i < msg->record_count; i++) {
		struct uc_node row;

		/* Removed and hidden nodes leave records without a name. */
		if (!msg->node_array[i].name)
			continue;
		uc_row_clear(type, &row);
		fill_node(&scratch, &msg->node_array[i], &row);
		uc_wire_add(wire, &row);
	}
	if (scratch.types.failed || scratch.indices.failed)
		fd = uc_fail(err, UC_FAILED, "out of memory");
	else
		fd = uc_wire_finish(wire, (int64_t)time(NULL), msg->last_update, err);
	uc_buf_free(&scratch.types);
	uc_buf_free(&scratch.indices);
	return fd;
}

/* Of a question for partitions a moment ago: one RPC less for nodes. */
static struct {
	partition_info_msg_t *msg;
	time_t at;
} last;

static void keep_last(partition_info_msg_t *msg)
{
	if (last.msg)
		slurm_free_partition_info_msg(last.msg);
	last.msg = msg;
	last.at = time(NULL);
}

static int load_partitions(partition_info_msg_t **msg)
{
	if (!last.msg || time(NULL) - last.at > 1)
		return slurm_load_partitions(0, msg, SHOW_ALL);
	*msg = last.msg;
	last.msg = NULL;
	return SLURM_SUCCESS;
}

int backend_nodes(const struct uc_frame *question, struct uc_frame *answer,
		  struct uc_error *err)
{
	node_info_msg_t *nodes = NULL;
	partition_info_msg_t *partitions = NULL;

	(void)question;
	if (load_partitions(&partitions) != SLURM_SUCCESS)
		return backend_fail(err, errno, "loading partitions");
	if (slurm_load_node(0, &nodes, NODE_FLAGS) != SLURM_SUCCESS) {
		int errnum = errno;

		slurm_free_partition_info_msg(partitions);
		return backend_fail(err, errnum, "loading nodes");
	}
	slurm_populate_node_partitions(nodes, partitions);
	answer->fd = pack_nodes(nodes, err);
	slurm_free_node_info_msg(nodes);
	slurm_free_partition_info_msg(partitions);
	return answer->fd < 0 ? -1 : 0;
}

static uint32_t partition_flags(uint32_t flags)
{
	static const struct {
		uint32_t slurm, ours;
	} map[] = {
		{ PART_FLAG_DEFAULT, UC_PARTITION_DEFAULT },
		{ PART_FLAG_HIDDEN, UC_PARTITION_HIDDEN },
		{ PART_FLAG_ROOT_ONLY, UC_PARTITION_ROOT_ONLY },
		{ PART_FLAG_REQ_RESV, UC_PARTITION_REQUIRES_RESERVATION },
		{ PART_FLAG_EXCLUSIVE_USER, UC_PARTITION_EXCLUSIVE_USER },
		{ PART_FLAG_LLN, UC_PARTITION_LEAST_LOADED },
	};
	uint32_t ours = 0;

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (flags & map[i].slurm)
			ours |= map[i].ours;
	return ours;
}

static uint32_t partition_state(uint16_t state)
{
	switch (state) {
	case PARTITION_UP:
		return UC_PARTITION_UP;
	case PARTITION_DOWN:
		return UC_PARTITION_DOWN;
	case PARTITION_DRAIN:
		return UC_PARTITION_DRAIN;
	default:
		return UC_PARTITION_INACTIVE;
	}
}

/* MiB with MEM_PER_CPU as a flag; 0 and NO_VAL64 = not set. */
static void fill_memory(uint64_t from, uint64_t *to, bool *per_cpu)
{
	if (from >= NO_VAL64 - 1)
		from = 0;
	*per_cpu = (from & MEM_PER_CPU) != 0;
	*to = (from & ~MEM_PER_CPU) << 20;
}

static void fill_partition(const partition_info_t *from, struct uc_partition *to)
{
	to->name = set_or_null(from->name);
	to->nodes = set_or_null(from->nodes);
	to->nodesets = set_or_null(uc_partition_nodesets(from));
	to->cluster = set_or_null(from->cluster_name);
	to->allow_accounts = set_or_null(from->allow_accounts);
	to->allow_groups = set_or_null(from->allow_groups);
	to->allow_qos = set_or_null(from->allow_qos);
	to->deny_accounts = set_or_null(from->deny_accounts);
	to->deny_qos = set_or_null(from->deny_qos);
	to->allow_submit_hosts = set_or_null(from->allow_alloc_nodes);
	to->qos = set_or_null(from->qos_char);
	to->alternate = set_or_null(from->alternate);
	to->tres = set_or_null(from->tres_fmt_str);
	to->billing = set_or_null(from->billing_weights_str);
	to->job_defaults = set_or_null(from->job_defaults_str);
	to->state = partition_state(from->state_up);
	to->flags = partition_flags(from->flags);
	to->total_nodes = from->total_nodes;
	to->total_cpus = from->total_cpus;
	to->time_limit = backend_minutes(from->max_time);
	to->default_time = backend_minutes(from->default_time);
	to->grace_time = from->grace_time;
	to->node_min = from->min_nodes;
	to->node_max = backend_u32(from->max_nodes);
	to->cpus_per_node_max = backend_u32(from->max_cpus_per_node);
	to->share_max = from->max_share;
	to->priority_tier = from->priority_tier;
	to->priority_factor = from->priority_job_factor;
	to->preempt_mode = from->preempt_mode;
	fill_memory(from->def_mem_per_cpu, &to->memory_default,
		    &to->memory_default_per_cpu);
	fill_memory(from->max_mem_per_cpu, &to->memory_max, &to->memory_max_per_cpu);
}

int backend_partitions(const struct uc_frame *question, struct uc_frame *answer,
		       struct uc_error *err)
{
	const struct uc_rows_type *type = uc_rows_type(UC_ROWS_PARTITIONS);
	uc_auto(wire) struct uc_wire *wire = uc_wire_new(UC_ROWS_PARTITIONS);
	partition_info_msg_t *msg = NULL;

	(void)question;
	if (!wire)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (slurm_load_partitions(0, &msg, SHOW_ALL) != SLURM_SUCCESS)
		return backend_fail(err, errno, "loading partitions");
	for (uint32_t i = 0; i < msg->record_count; i++) {
		struct uc_partition row;

		if (!msg->partition_array[i].name)
			continue;
		uc_row_clear(type, &row);
		fill_partition(&msg->partition_array[i], &row);
		uc_wire_add(wire, &row);
	}
	answer->fd = uc_wire_finish(wire, (int64_t)time(NULL), msg->last_update, err);
	keep_last(msg);
	return answer->fd < 0 ? -1 : 0;
}

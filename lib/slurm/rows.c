/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/rows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucluster/state.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define N32          UC_NONE32
#define N64          UC_NONE64
#define NT           ((uint64_t)UC_NOT_SET)
#define F(row, field, type, mask, unset)                                                 \
	{                                                                                \
#field, offsetof(struct row, field), UC_FIELD_##type, UC_MASK_##mask,    \
			unset                                                            \
	}

// clang-format off
static const struct uc_field job_fields[] = {
	F(uc_job, job_id, U32, NONE, 0),
	F(uc_job, array_job_id, U32, NONE, 0),
	F(uc_job, array_task_id, U32, NONE, N32),
	F(uc_job, array_max_tasks, U32, NONE, 0),
	F(uc_job, het_job_id, U32, NONE, 0),
	F(uc_job, het_offset, U32, NONE, 0),
	F(uc_job, user_id, U32, USER_ID, N32),
	F(uc_job, group_id, U32, GROUP, N32),
	F(uc_job, array_tasks, RAW, NONE, 0),
	F(uc_job, het_ids, RAW, NONE, 0),
	F(uc_job, user, RAW, USER, 0),
	F(uc_job, account, RAW, ACCOUNT, 0),
	F(uc_job, partition, RAW, NONE, 0),
	F(uc_job, qos, RAW, NONE, 0),
	F(uc_job, name, RAW, NAME, 0),
	F(uc_job, wckey, RAW, TEXT, 0),
	F(uc_job, cluster, RAW, NONE, 0),
	F(uc_job, state, U32, NONE, 0),
	F(uc_job, reason, U32, NONE, 0),
	F(uc_job, reason_text, RAW, NONE, 0),
	F(uc_job, priority, U32, NONE, 0),
	F(uc_job, restarts, U32, NONE, 0),
	F(uc_job, nice, I64, NONE, 0),
	F(uc_job, exit_status, U32, NONE, 0),
	F(uc_job, derived_status, U32, NONE, 0),
	F(uc_job, submit_time, I64, NONE, 0),
	F(uc_job, eligible_time, I64, NONE, 0),
	F(uc_job, accrue_time, I64, NONE, 0),
	F(uc_job, start_time, I64, NONE, 0),
	F(uc_job, end_time, I64, NONE, 0),
	F(uc_job, suspend_time, I64, NONE, 0),
	F(uc_job, suspended, I64, NONE, 0),
	F(uc_job, preempt_time, I64, NONE, 0),
	F(uc_job, resize_time, I64, NONE, 0),
	F(uc_job, deadline, I64, NONE, 0),
	F(uc_job, last_tried, I64, NONE, 0),
	F(uc_job, time_limit, I64, NONE, NT),
	F(uc_job, time_min, I64, NONE, NT),
	F(uc_job, nodes, RAW, NONE, 0),
	F(uc_job, batch_host, RAW, NONE, 0),
	F(uc_job, sched_nodes, RAW, NONE, 0),
	F(uc_job, required_nodes, RAW, NONE, 0),
	F(uc_job, excluded_nodes, RAW, NONE, 0),
	F(uc_job, submit_host, RAW, TEXT, 0),
	F(uc_job, submit_session, U32, NONE, 0),
	F(uc_job, node_count, U32, NONE, 0),
	F(uc_job, node_max, U32, NONE, 0),
	F(uc_job, cpus, U32, NONE, 0),
	F(uc_job, cpu_max, U32, NONE, 0),
	F(uc_job, tasks, U32, NONE, N32),
	F(uc_job, cpus_per_task, U32, NONE, N32),
	F(uc_job, tasks_per_node, U32, NONE, N32),
	F(uc_job, tasks_per_socket, U32, NONE, N32),
	F(uc_job, tasks_per_core, U32, NONE, N32),
	F(uc_job, sockets_per_node, U32, NONE, N32),
	F(uc_job, cores_per_socket, U32, NONE, N32),
	F(uc_job, threads_per_core, U32, NONE, N32),
	F(uc_job, cpus_per_node_min, U32, NONE, 0),
	F(uc_job, sharing, U32, NONE, UC_SHARING_SITE),
	F(uc_job, memory, U64, NONE, 0),
	F(uc_job, tmp_disk, U64, NONE, 0),
	F(uc_job, memory_per_cpu, BOOL, NONE, 0),
	F(uc_job, contiguous, BOOL, NONE, 0),
	F(uc_job, batch, BOOL, NONE, 0),
	F(uc_job, requeue, BOOL, NONE, 0),
	F(uc_job, reboot, BOOL, NONE, 0),
	F(uc_job, gpus, U32, NONE, N32),
	F(uc_job, shards, U32, NONE, 0),
	F(uc_job, gpu_types, RAW, NONE, 0),
	F(uc_job, gres_detail, LIST, NONE, 0),
	F(uc_job, gres_total, RAW, NONE, 0),
	F(uc_job, tres_req, RAW, NONE, 0),
	F(uc_job, tres_alloc, RAW, NONE, 0),
	F(uc_job, tres_per_job, RAW, NONE, 0),
	F(uc_job, tres_per_node, RAW, NONE, 0),
	F(uc_job, tres_per_socket, RAW, NONE, 0),
	F(uc_job, tres_per_task, RAW, NONE, 0),
	F(uc_job, cpus_per_tres, RAW, NONE, 0),
	F(uc_job, memory_per_tres, RAW, NONE, 0),
	F(uc_job, features, RAW, NONE, 0),
	F(uc_job, prefer, RAW, NONE, 0),
	F(uc_job, dependency, RAW, NONE, 0),
	F(uc_job, licenses, RAW, NONE, 0),
	F(uc_job, reservation, RAW, NONE, 0),
	F(uc_job, network, RAW, NONE, 0),
	F(uc_job, burst_buffer, RAW, TEXT, 0),
	F(uc_job, mcs_label, RAW, NONE, 0),
	F(uc_job, container, RAW, PATH, 0),
	F(uc_job, command, RAW, PATH, 0),
	F(uc_job, workdir, RAW, PATH, 0),
	F(uc_job, std_in, RAW, PATH, 0),
	F(uc_job, std_out, RAW, PATH, 0),
	F(uc_job, std_err, RAW, PATH, 0),
	F(uc_job, submit_line, RAW, TEXT, 0),
	F(uc_job, comment, RAW, TEXT, 0),
	F(uc_job, admin_comment, RAW, TEXT, 0),
	F(uc_job, system_comment, RAW, TEXT, 0),
	F(uc_job, extra, RAW, TEXT, 0),
	F(uc_job, mail_user, RAW, TEXT, 0),
};

static const struct uc_field node_fields[] = {
	F(uc_node, name, RAW, NONE, 0),
	F(uc_node, hostname, RAW, NONE, 0),
	F(uc_node, address, RAW, NONE, 0),
	F(uc_node, arch, RAW, NONE, 0),
	F(uc_node, os, RAW, NONE, 0),
	F(uc_node, slurm_version, RAW, NONE, 0),
	F(uc_node, partitions, RAW, NONE, 0),
	F(uc_node, features, RAW, NONE, 0),
	F(uc_node, active_features, RAW, NONE, 0),
	F(uc_node, state, U32, NONE, 0),
	F(uc_node, reason_uid, U32, USER_ID, N32),
	F(uc_node, weight, U32, NONE, 0),
	F(uc_node, owner, U32, NONE, N32),
	F(uc_node, reason, RAW, TEXT, 0),
	F(uc_node, reason_user, RAW, USER, 0),
	F(uc_node, comment, RAW, TEXT, 0),
	F(uc_node, extra, RAW, TEXT, 0),
	F(uc_node, reservation, RAW, NONE, 0),
	F(uc_node, mcs_label, RAW, NONE, 0),
	F(uc_node, boot_time, I64, NONE, 0),
	F(uc_node, start_time, I64, NONE, 0),
	F(uc_node, reason_time, I64, NONE, 0),
	F(uc_node, last_busy, I64, NONE, 0),
	F(uc_node, cpus, U32, NONE, 0),
	F(uc_node, cpus_usable, U32, NONE, 0),
	F(uc_node, cpus_used, U32, NONE, 0),
	F(uc_node, sockets, U32, NONE, 0),
	F(uc_node, cores, U32, NONE, 0),
	F(uc_node, threads, U32, NONE, 0),
	F(uc_node, boards, U32, NONE, 0),
	F(uc_node, load, U32, NONE, N32),
	F(uc_node, memory, U64, NONE, 0),
	F(uc_node, memory_used, U64, NONE, 0),
	F(uc_node, memory_reserved, U64, NONE, 0),
	F(uc_node, memory_free, U64, NONE, N64),
	F(uc_node, tmp_disk, U64, NONE, 0),
	F(uc_node, gpus, U32, NONE, N32),
	F(uc_node, gpus_used, U32, NONE, N32),
	F(uc_node, gpu_types, RAW, NONE, 0),
	F(uc_node, gpu_indices, RAW, NONE, 0),
	F(uc_node, shards, U32, NONE, 0),
	F(uc_node, shards_used, U32, NONE, 0),
	F(uc_node, gres, RAW, NONE, 0),
	F(uc_node, gres_used, RAW, NONE, 0),
	F(uc_node, gres_drain, RAW, NONE, 0),
	F(uc_node, tres, RAW, NONE, 0),
	F(uc_node, tres_used, RAW, NONE, 0),
};

static const struct uc_field partition_fields[] = {
	F(uc_partition, name, RAW, NONE, 0),
	F(uc_partition, nodes, RAW, NONE, 0),
	F(uc_partition, nodesets, RAW, NONE, 0),
	F(uc_partition, cluster, RAW, NONE, 0),
	F(uc_partition, state, U32, NONE, 0),
	F(uc_partition, flags, U32, NONE, 0),
	F(uc_partition, total_nodes, U32, NONE, 0),
	F(uc_partition, total_cpus, U32, NONE, 0),
	F(uc_partition, time_limit, I64, NONE, NT),
	F(uc_partition, default_time, I64, NONE, NT),
	F(uc_partition, grace_time, I64, NONE, 0),
	F(uc_partition, node_min, U32, NONE, 0),
	F(uc_partition, node_max, U32, NONE, N32),
	F(uc_partition, cpus_per_node_max, U32, NONE, N32),
	F(uc_partition, share_max, U32, NONE, 0),
	F(uc_partition, priority_tier, U32, NONE, 0),
	F(uc_partition, priority_factor, U32, NONE, 0),
	F(uc_partition, preempt_mode, U32, NONE, 0),
	F(uc_partition, memory_default, U64, NONE, 0),
	F(uc_partition, memory_max, U64, NONE, 0),
	F(uc_partition, memory_default_per_cpu, BOOL, NONE, 0),
	F(uc_partition, memory_max_per_cpu, BOOL, NONE, 0),
	F(uc_partition, allow_accounts, RAW, ACCOUNT, 0),
	F(uc_partition, allow_groups, RAW, GROUP, 0),
	F(uc_partition, allow_qos, RAW, NONE, 0),
	F(uc_partition, deny_accounts, RAW, ACCOUNT, 0),
	F(uc_partition, deny_qos, RAW, NONE, 0),
	F(uc_partition, allow_submit_hosts, RAW, TEXT, 0),
	F(uc_partition, qos, RAW, NONE, 0),
	F(uc_partition, alternate, RAW, NONE, 0),
	F(uc_partition, tres, RAW, NONE, 0),
	F(uc_partition, billing, RAW, NONE, 0),
	F(uc_partition, job_defaults, RAW, NONE, 0),
};

static const struct uc_field limit_fields[] = {
	F(uc_limit, kind, U32, NONE, UC_NONE32),
	F(uc_limit, flags, U32, NONE, 0),
	F(uc_limit, user_id, U32, USER_ID, N32),
	F(uc_limit, is_default, BOOL, NONE, 0),
	F(uc_limit, name, RAW, NONE, 0),
	F(uc_limit, user, RAW, USER, 0),
	F(uc_limit, account, RAW, ACCOUNT, 0),
	F(uc_limit, parent, RAW, ACCOUNT, 0),
	F(uc_limit, partition, RAW, NONE, 0),
	F(uc_limit, qos, RAW, NONE, 0),
	F(uc_limit, default_qos, RAW, NONE, 0),
	F(uc_limit, priority, U32, NONE, 0),
	F(uc_limit, wall_max, I64, NONE, NT),
	F(uc_limit, tres_job, RAW, NONE, 0),
	F(uc_limit, tres_job_min, RAW, NONE, 0),
	F(uc_limit, tres_node, RAW, NONE, 0),
	F(uc_limit, tres_minutes, RAW, NONE, 0),
	F(uc_limit, user_jobs, U32, NONE, N32),
	F(uc_limit, user_submit, U32, NONE, N32),
	F(uc_limit, account_jobs, U32, NONE, N32),
	F(uc_limit, account_submit, U32, NONE, N32),
	F(uc_limit, tres_user, RAW, NONE, 0),
	F(uc_limit, tres_account, RAW, NONE, 0),
	F(uc_limit, user_jobs_used, U32, NONE, 0),
	F(uc_limit, user_submit_used, U32, NONE, 0),
	F(uc_limit, tres_user_used, RAW, NONE, 0),
	F(uc_limit, jobs_max, U32, NONE, N32),
	F(uc_limit, submit_max, U32, NONE, N32),
	F(uc_limit, group_jobs, U32, NONE, N32),
	F(uc_limit, group_submit, U32, NONE, N32),
	F(uc_limit, group_wall, I64, NONE, NT),
	F(uc_limit, tres_group, RAW, NONE, 0),
	F(uc_limit, tres_group_minutes, RAW, NONE, 0),
	F(uc_limit, tres_running_minutes, RAW, NONE, 0),
	F(uc_limit, jobs_used, U32, NONE, 0),
	F(uc_limit, submit_used, U32, NONE, 0),
	F(uc_limit, tres_group_used, RAW, NONE, 0),
	F(uc_limit, share, U32, NONE, 0),
	F(uc_limit, usage, U32, NONE, 0),
	F(uc_limit, factor, U32, NONE, 0),
};

static const struct uc_field reservation_fields[] = {
	F(uc_reservation, name, RAW, NONE, 0),
	F(uc_reservation, nodes, RAW, NONE, 0),
	F(uc_reservation, partition, RAW, NONE, 0),
	F(uc_reservation, features, RAW, NONE, 0),
	F(uc_reservation, licenses, RAW, NONE, 0),
	F(uc_reservation, tres, RAW, NONE, 0),
	F(uc_reservation, users, RAW, USER, 0),
	F(uc_reservation, accounts, RAW, ACCOUNT, 0),
	F(uc_reservation, groups, RAW, GROUP, 0),
	F(uc_reservation, start_time, I64, NONE, 0),
	F(uc_reservation, end_time, I64, NONE, 0),
	F(uc_reservation, node_count, U32, NONE, 0),
	F(uc_reservation, cores, U32, NONE, 0),
	F(uc_reservation, flags, U32, NONE, 0),
};

static const struct uc_field step_fields[] = {
	F(uc_step, job_id, U32, NONE, 0),
	F(uc_step, step_id, U32, NONE, N32),
	F(uc_step, het_component, U32, NONE, N32),
	F(uc_step, state, U32, NONE, 0),
	F(uc_step, user_id, U32, USER_ID, 0),
	F(uc_step, tasks, U32, NONE, N32),
	F(uc_step, cpus, U32, NONE, N32),
	F(uc_step, srun_pid, U32, NONE, 0),
	F(uc_step, start_time, I64, NONE, 0),
	F(uc_step, run_time, I64, NONE, 0),
	F(uc_step, time_limit, I64, NONE, NT),
	F(uc_step, name, RAW, NAME, 0),
	F(uc_step, nodes, RAW, NONE, 0),
	F(uc_step, tres, RAW, NONE, 0),
	F(uc_step, submit_line, RAW, TEXT, 0),
};
static const struct uc_field history_fields[] = {
	F(uc_past, job_id, U32, NONE, 0),
	F(uc_past, array_job_id, U32, NONE, 0),
	F(uc_past, array_task_id, U32, NONE, N32),
	F(uc_past, het_job_id, U32, NONE, 0),
	F(uc_past, het_offset, U32, NONE, 0),
	F(uc_past, array_tasks, RAW, NONE, 0),
	F(uc_past, step, RAW, NONE, 0),
	F(uc_past, user_id, U32, USER_ID, N32),
	F(uc_past, group_id, U32, GROUP, N32),
	F(uc_past, user, RAW, USER, 0),
	F(uc_past, account, RAW, ACCOUNT, 0),
	F(uc_past, partition, RAW, NONE, 0),
	F(uc_past, qos, RAW, NONE, 0),
	F(uc_past, name, RAW, NAME, 0),
	F(uc_past, wckey, RAW, TEXT, 0),
	F(uc_past, cluster, RAW, NONE, 0),
	F(uc_past, reservation, RAW, NONE, 0),
	F(uc_past, state, U32, NONE, 0),
	F(uc_past, reason, U32, NONE, 0),
	F(uc_past, exit_status, U32, NONE, 0),
	F(uc_past, derived_status, U32, NONE, 0),
	F(uc_past, cancelled_uid, U32, USER_ID, N32),
	F(uc_past, cancelled_by, RAW, USER, 0),
	F(uc_past, failed_node, RAW, NONE, 0),
	F(uc_past, priority, U32, NONE, 0),
	F(uc_past, restarts, U32, NONE, 0),
	F(uc_past, submit_time, I64, NONE, 0),
	F(uc_past, eligible_time, I64, NONE, 0),
	F(uc_past, start_time, I64, NONE, 0),
	F(uc_past, end_time, I64, NONE, 0),
	F(uc_past, elapsed, I64, NONE, 0),
	F(uc_past, suspended, I64, NONE, 0),
	F(uc_past, time_limit, I64, NONE, NT),
	F(uc_past, nodes, RAW, NONE, 0),
	F(uc_past, node_count, U32, NONE, 0),
	F(uc_past, cpus, U32, NONE, 0),
	F(uc_past, tasks, U32, NONE, N32),
	F(uc_past, memory, U64, NONE, 0),
	F(uc_past, memory_total, U64, NONE, 0),
	F(uc_past, memory_per_cpu, BOOL, NONE, 0),
	F(uc_past, gpus, U32, NONE, N32),
	F(uc_past, gpu_types, RAW, NONE, 0),
	F(uc_past, tres_req, RAW, NONE, 0),
	F(uc_past, tres_alloc, RAW, NONE, 0),
	F(uc_past, features, RAW, NONE, 0),
	F(uc_past, licenses, RAW, NONE, 0),
	F(uc_past, container, RAW, PATH, 0),
	F(uc_past, workdir, RAW, PATH, 0),
	F(uc_past, std_in, RAW, PATH, 0),
	F(uc_past, std_out, RAW, PATH, 0),
	F(uc_past, std_err, RAW, PATH, 0),
	F(uc_past, submit_line, RAW, TEXT, 0),
	F(uc_past, comment, RAW, TEXT, 0),
	F(uc_past, admin_comment, RAW, TEXT, 0),
	F(uc_past, cpu_ms, U64, NONE, N64),
	F(uc_past, cpu_user_ms, U64, NONE, N64),
	F(uc_past, cpu_system_ms, U64, NONE, N64),
	F(uc_past, memory_peak, U64, NONE, N64),
	F(uc_past, memory_sum, U64, NONE, N64),
	F(uc_past, bytes_read, U64, NONE, N64),
	F(uc_past, bytes_written, U64, NONE, N64),
	F(uc_past, gpu_percent, U64, NONE, N64),
	F(uc_past, gpu_memory, U64, NONE, N64),
};
// clang-format on

static const struct uc_rows_type types[] = {
	{ "jobs", UC_ROWS_JOBS, sizeof(struct uc_job), job_fields, COUNT(job_fields) },
	{ "nodes", UC_ROWS_NODES, sizeof(struct uc_node), node_fields,
	  COUNT(node_fields) },
	{ "partitions", UC_ROWS_PARTITIONS, sizeof(struct uc_partition), partition_fields,
	  COUNT(partition_fields) },
	{ "limits", UC_ROWS_LIMITS, sizeof(struct uc_limit), limit_fields,
	  COUNT(limit_fields) },
	{ "reservations", UC_ROWS_RESERVATIONS, sizeof(struct uc_reservation),
	  reservation_fields, COUNT(reservation_fields) },
	{ "steps", UC_ROWS_STEPS, sizeof(struct uc_step), step_fields,
	  COUNT(step_fields) },
	{ "history", UC_ROWS_HISTORY, sizeof(struct uc_past), history_fields,
	  COUNT(history_fields) },
};

_Static_assert(COUNT(job_fields) <= UC_FIELDS_MAX, "one bit a field");

#define SAME_LAYOUT(type)                                                                \
	_Static_assert(                                                                  \
		sizeof(struct type) == sizeof(struct uc_rows) &&                         \
			offsetof(struct type, row) == offsetof(struct uc_rows, row) &&   \
			offsetof(struct type, owner) == offsetof(struct uc_rows, owner), \
		#type " is a struct uc_rows")
SAME_LAYOUT(uc_jobs);
SAME_LAYOUT(uc_nodes);
SAME_LAYOUT(uc_partitions);
SAME_LAYOUT(uc_limits);
SAME_LAYOUT(uc_reservations);
SAME_LAYOUT(uc_steps);
SAME_LAYOUT(uc_history);

const struct uc_rows_type *uc_rows_type(enum uc_rows_kind kind)
{
	return kind >= UC_ROWS_JOBS && kind <= UC_ROWS_HISTORY ? &types[kind - 1] : NULL;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3; /* FNV-1a */
	return hash;
}

uint64_t uc_rows_checksum(const struct uc_rows_type *type)
{
	uint64_t hash = mix(0xcbf29ce484222325, &type->row_size, sizeof(type->row_size));

	for (size_t i = 0; i < type->field_count; i++) {
		const struct uc_field *f = &type->fields[i];

		hash = mix(hash, f->name, strlen(f->name));
		hash = mix(hash, &f->offset, sizeof(f->offset));
		hash = mix(hash, &f->type, sizeof(f->type));
	}
	return hash;
}

void uc_fields_all(const struct uc_rows_type *type, struct uc_fields *out)
{
	*out = (struct uc_fields){ 0 };
	for (size_t i = 0; i < type->field_count; i++)
		out->word[i / 64] |= (uint64_t)1 << i % 64;
}

int uc_fields_parse(const struct uc_rows_type *type, const char *names,
		    struct uc_fields *out, struct uc_error *err)
{
	*out = (struct uc_fields){ 0 };
	while (*names) {
		size_t len = strcspn(names, ","), i = 0;

		while (i < type->field_count &&
		       (strncmp(type->fields[i].name, names, len) ||
			type->fields[i].name[len]))
			i++;
		if (i == type->field_count)
			return uc_fail(err, UC_USAGE, "'%.*s' is no field of %s",
				       (int)len, names, type->name);
		out->word[i / 64] |= (uint64_t)1 << i % 64;
		names += len + (names[len] == ',');
	}
	return 0;
}

void uc_row_clear(const struct uc_rows_type *type, void *row)
{
	memset(row, 0, type->row_size);
	for (size_t i = 0; i < type->field_count; i++) {
		const struct uc_field *f = &type->fields[i];

		if (!f->unset)
			continue;
		if (f->type == UC_FIELD_U32)
			*(uint32_t *)uc_row_field(row, f) = (uint32_t)f->unset;
		else
			*(uint64_t *)uc_row_field(row, f) = f->unset;
	}
}

void uc_row_copy_field(const struct uc_field *field, const void *from, void *to)
{
	static const size_t sizes[] = {
		[UC_FIELD_U32] = sizeof(uint32_t),
		[UC_FIELD_U64] = sizeof(uint64_t),
		[UC_FIELD_I64] = sizeof(int64_t),
		[UC_FIELD_BOOL] = sizeof(bool),
		[UC_FIELD_RAW] = sizeof(struct uc_raw),
		[UC_FIELD_LIST] = sizeof(struct uc_raw_list),
	};

	memcpy(uc_row_field(to, field), uc_row_field(from, field), sizes[field->type]);
}

bool uc_job_query_has_state(const struct uc_job_query *query, uint32_t state)
{
	uint32_t base = state & UC_JOB_BASE;

	if (!query->states && !query->state_flags)
		return true;
	return (base < 32 && query->states >> base & 1) || (state & query->state_flags);
}

struct uc_rows *uc_rows_new(enum uc_rows_kind kind, size_t count, int64_t now,
			    struct uc_error *err)
{
	const struct uc_rows_type *type = uc_rows_type(kind);
	struct uc_arena *arena = uc_arena_new();
	struct uc_rows *rows = calloc(1, sizeof(*rows));
	struct uc_owner *owner = calloc(1, sizeof(*owner));
	char *row = arena ? uc_arena_array(arena, count, type->row_size) : NULL;

	if (!rows || !owner || !row) {
		uc_fail(err, UC_FAILED, "out of memory");
		free(rows);
		free(owner);
		uc_arena_free(arena);
		return NULL;
	}
	owner->arena = arena;
	*rows = (struct uc_rows){
		.count = count, .row = row, .now = now, .owner = owner
	};
	for (size_t i = 0; i < count; i++)
		uc_row_clear(type, row + i * type->row_size);
	return rows;
}

void uc_rows_free(struct uc_rows *rows)
{
	if (!rows)
		return;
	if (rows->owner) {
		uc_arena_free(rows->owner->arena);
		free(rows->owner->rows);
		if (rows->owner->map)
			munmap(rows->owner->map, rows->owner->map_size);
		free(rows->owner);
	}
	free(rows);
}

void uc_jobs_free(struct uc_jobs *jobs)
{
	uc_rows_free((struct uc_rows *)jobs);
}

void uc_nodes_free(struct uc_nodes *nodes)
{
	uc_rows_free((struct uc_rows *)nodes);
}

void uc_partitions_free(struct uc_partitions *partitions)
{
	uc_rows_free((struct uc_rows *)partitions);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_NODE_H
#define UCLUSTER_NODE_H
/*
 * Nodes and partitions as snapshots of plain rows; source.h loads them, state.h names
 * node states. Sizes are bytes, times seconds since 1970 (0 = not set); see job.h for the
 * marks of "not set".
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uc_node {
	struct uc_raw name, hostname, address, arch, os, slurm_version;
	struct uc_raw partitions; /* "batch,gpu" */
	struct uc_raw features, active_features;
	uint32_t state; /* Slurm's word, base and flags: state.h */
	uint32_t reason_uid, weight, owner;
	struct uc_raw reason, reason_user, comment, extra, reservation, mcs_label;
	int64_t boot_time, start_time, reason_time, last_busy;

	uint32_t cpus, cpus_usable; /* usable: without those kept for the system */
	uint32_t cpus_used, sockets, cores, threads, boards;
	uint32_t load; /* x 100; UC_NONE32 = not known */
	uint64_t memory, memory_used, memory_reserved;
	uint64_t memory_free; /* as the system says; UC_NONE64 = not known */
	uint64_t tmp_disk;

	uint32_t gpus, gpus_used;  /* UC_NONE32 = the strings make no sense */
	struct uc_raw gpu_types;   /* "a100:8"; unset when no type is known */
	struct uc_raw gpu_indices; /* in use, "0-2,5"; unset: none or not known */
	uint32_t shards, shards_used;
	struct uc_raw gres, gres_used, gres_drain, tres, tres_used;
};

struct uc_nodes {
	size_t count;
	const struct uc_node *row;
	int64_t now, updated; /* as in uc_jobs */
	struct uc_owner *owner;
};

enum uc_partition_flags {
	UC_PARTITION_DEFAULT = 1,
	UC_PARTITION_HIDDEN = 2,
	UC_PARTITION_ROOT_ONLY = 4,
	UC_PARTITION_REQUIRES_RESERVATION = 8,
	UC_PARTITION_EXCLUSIVE_USER = 16,
	UC_PARTITION_LEAST_LOADED = 32,
};
enum uc_partition_state {
	UC_PARTITION_INACTIVE, /* takes no jobs, starts none */
	UC_PARTITION_DOWN,     /* takes jobs, starts none */
	UC_PARTITION_DRAIN,    /* takes no jobs, starts those it has */
	UC_PARTITION_UP,
};

struct uc_partition {
	struct uc_raw name, nodes, nodesets, cluster;
	uint32_t state; /* enum uc_partition_state */
	uint32_t flags; /* of enum uc_partition_flags */
	uint32_t total_nodes, total_cpus;
	int64_t time_limit, default_time, grace_time; /* seconds, UC_DURATION_INFINITE */
	uint32_t node_min, node_max, cpus_per_node_max; /* UC_NONE32 = no limit */
	uint32_t share_max; /* jobs on one CPU; bit 15: always shared */
	uint32_t priority_tier, priority_factor, preempt_mode;
	uint64_t memory_default, memory_max; /* 0 = not set */
	bool memory_default_per_cpu, memory_max_per_cpu;
	struct uc_raw allow_accounts, allow_groups, allow_qos; /* unset = all */
	struct uc_raw deny_accounts, deny_qos, allow_submit_hosts;
	struct uc_raw qos, alternate, tres, billing, job_defaults;
};

struct uc_partitions {
	size_t count;
	const struct uc_partition *row;
	int64_t now, updated; /* as in uc_jobs */
	struct uc_owner *owner;
};

/*
 * Is `name` in a host list, "gpu[1-3,07],login,r[1-2]n[01-16]"? False for NULL and for
 * what is malformed. Nothing is expanded.
 */
bool uc_hosts_has(const char *list, const char *name);
/*
 * Add the names in a host list to `out`, in order, at most `max` altogether; what is
 * malformed is added as it stands.
 */
void uc_hosts_expand(const char *list, size_t max, struct uc_strv *out);

void uc_nodes_free(struct uc_nodes *nodes);
void uc_partitions_free(struct uc_partitions *partitions);
UC_DEFINE_AUTO(nodes, struct uc_nodes *)
UC_DEFINE_AUTO(partitions, struct uc_partitions *)

#ifdef __cplusplus
}
#endif
#endif

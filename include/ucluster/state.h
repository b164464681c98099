/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_STATE_H
#define UCLUSTER_STATE_H
/*
 * Names of job states, node states and reasons. Numbers are Slurm's, the same from 20.11
 * to 26.05; tables are our own, so that any source can be read without Slurm installed.
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Base state of a job: uc_job.state & UC_JOB_BASE. */
enum uc_job_state {
	UC_JOB_PENDING,
	UC_JOB_RUNNING,
	UC_JOB_SUSPENDED,
	UC_JOB_COMPLETED,
	UC_JOB_CANCELLED,
	UC_JOB_FAILED,
	UC_JOB_TIMEOUT,
	UC_JOB_NODE_FAIL,
	UC_JOB_PREEMPTED,
	UC_JOB_BOOT_FAIL,
	UC_JOB_DEADLINE,
	UC_JOB_OOM,
	UC_JOB_BASE = 0xff,
};
enum uc_job_flags {
	UC_JOB_LAUNCH_FAILED = 1 << 8,
	UC_JOB_REQUEUE = 1 << 10,
	UC_JOB_REQUEUE_HOLD = 1 << 11,
	UC_JOB_SPECIAL_EXIT = 1 << 12,
	UC_JOB_RESIZING = 1 << 13,
	UC_JOB_CONFIGURING = 1 << 14,
	UC_JOB_COMPLETING = 1 << 15,
	UC_JOB_STOPPED = 1 << 16,
	UC_JOB_RECONFIG_FAIL = 1 << 17,
	UC_JOB_POWER_UP_NODE = 1 << 18,
	UC_JOB_REVOKED = 1 << 19,
	UC_JOB_REQUEUE_FED = 1 << 20,
	UC_JOB_RESV_DEL_HOLD = 1 << 21,
	UC_JOB_SIGNALING = 1 << 22,
	UC_JOB_STAGE_OUT = 1 << 23,
	UC_JOB_EXPEDITING = 1 << 24, /* since 25.11 */
};

/*
 * "RUNNING" and "R": what squeue shows for the whole word, so COMPLETING wins over the
 * base state; of two letters EXPEDITING has none. NULL for a base state that no release
 * has: show the number then.
 */
const char *uc_job_state_name(uint32_t state);
const char *uc_job_state_short(uint32_t state);
/* The state of either name in any case ("pd", "Pending"), -1 when there is none. */
int64_t uc_job_state_find(const char *name);
/* It ended and will not run again by itself. */
bool uc_job_is_finished(uint32_t state);

/* Base state of a node: uc_node.state & UC_NODE_BASE. */
enum uc_node_state {
	UC_NODE_UNKNOWN,
	UC_NODE_DOWN,
	UC_NODE_IDLE,
	UC_NODE_ALLOCATED,
	UC_NODE_ERROR,
	UC_NODE_MIXED,
	UC_NODE_FUTURE,
	UC_NODE_BASE = 0xf,
};
enum uc_node_flags {
	UC_NODE_EXTERNAL = 1 << 4, /* since 25.05 */
	UC_NODE_RESERVED = 1 << 5,
	UC_NODE_CLOUD = 1 << 7,
	UC_NODE_DRAIN = 1 << 9,
	UC_NODE_COMPLETING = 1 << 10,
	UC_NODE_NO_RESPOND = 1 << 11,
	UC_NODE_POWERED_DOWN = 1 << 12,
	UC_NODE_FAIL = 1 << 13,
	UC_NODE_POWERING_UP = 1 << 14,
	UC_NODE_MAINT = 1 << 15,
	UC_NODE_REBOOT_REQUESTED = 1 << 16,
	UC_NODE_REBOOT_CANCEL = 1 << 17,
	UC_NODE_POWERING_DOWN = 1 << 18,
	UC_NODE_DYNAMIC_FUTURE = 1 << 19,
	UC_NODE_REBOOT_ISSUED = 1 << 20,
	UC_NODE_PLANNED = 1 << 21,
	UC_NODE_INVALID_REG = 1 << 22,
	UC_NODE_POWER_DOWN = 1 << 23,
	UC_NODE_POWER_UP = 1 << 24,
	UC_NODE_POWER_DRAIN = 1 << 25,
	UC_NODE_DYNAMIC_NORM = 1 << 26,
	UC_NODE_BLOCKED = 1 << 27,
	UC_NODE_PERFCTRS = 1 << 30, /* here; EXTERNAL's bit to Slurm, until 23.11 */
};
/* "IDLE+DRAIN+MAINT", as scontrol; an unknown base state is its number. */
void uc_buf_node_state(struct uc_buf *buf, uint32_t state);
/* The word that matters most: "idle", "drained", "draining", "maintenance", ... */
const char *uc_node_state_word(uint32_t state);
/*
 * Is it in a state as sinfo's --states names them ("idle", "mix", "alloc", "drain", ...),
 * or "usable", "all"? -1: there is no such state.
 */
int uc_node_state_is(uint32_t state, const char *word);
/* New jobs can start on it now, as far as its state says. */
bool uc_node_is_usable(uint32_t state);

/* "Priority"; NULL when no release has it. */
const char *uc_reason_name(uint32_t reason);
/* The code of a name in any case, -1 when there is none. */
int64_t uc_reason_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_HISTORY_H
#define UCLUSTER_HISTORY_H
/*
 * Jobs as accounting remembers them, those that ended among them, and what they used.
 *
 *	struct uc_history_facts facts;
 *	uc_auto(history) struct uc_history *past = NULL;
 *	uc_history_load(src, &(struct uc_history_query){ .since = now - 86400 }, &facts,
 *			&past, &err);
 *	if (facts.origin == UC_HISTORY_MEMORY)
 *		warn(facts.why);
 *
 * Without accounting slurmctld remembers jobs for some minutes (MinJobAge): these are
 * what one gets then, without what they used.
 */
#include <stdint.h>
#include <ucluster/ending.h>
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/source.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A job (one run of it: a requeued job has several), a task of an array, the rest of an
 * array, a component of a heterogeneous job; or, with uc_history_query.steps, a step,
 * which stands after its job and has its ids. What is not known is as in job.h.
 */
struct uc_past {
	/* who and what */
	uint32_t job_id;
	uint32_t array_job_id, array_task_id;
	uint32_t het_job_id, het_offset;
	struct uc_raw array_tasks; /* not started: "2-9" */
	struct uc_raw step;        /* "batch", "extern", "0"; unset: it is a job */
	uint32_t user_id, group_id;
	struct uc_raw user, account, partition, qos, name, wckey, cluster, reservation;

	/* how it ended */
	uint32_t state;       /* state.h */
	uint32_t reason;      /* from slurmctld: why it failed; from accounting: 0 */
	uint32_t exit_status; /* as wait(2) gives it */
	uint32_t derived_status;
	uint32_t cancelled_uid; /* UC_NONE32: nobody, or not known */
	struct uc_raw cancelled_by, failed_node;
	uint32_t priority, restarts;

	/* when */
	int64_t submit_time, eligible_time, start_time, end_time;
	int64_t elapsed, suspended, time_limit;

	/* how much it was given, or asked for while it has not started */
	struct uc_raw nodes;
	uint32_t node_count, cpus, tasks; /* tasks: of a step */
	uint64_t memory;                  /* asked for: a node, or a CPU */
	uint64_t memory_total;            /* given, on all nodes; 0 = not known */
	bool memory_per_cpu;
	uint32_t gpus; /* UC_NONE32: the site does not account for them */
	struct uc_raw gpu_types, tres_req, tres_alloc; /* "cpu=2,mem=512M,gres/gpu=1" */
	struct uc_raw features, licenses, container, workdir, std_in, std_out, std_err;
	struct uc_raw submit_line, comment, admin_comment;

	/* what a step used, as sampled on its nodes; UC_NONE64 = not measured */
	uint64_t cpu_ms, cpu_user_ms, cpu_system_ms; /* CPU time of all tasks */
	uint64_t memory_peak; /* bytes; the most that one task had at one time */
	uint64_t memory_sum;  /* of each task the most */
	uint64_t bytes_read, bytes_written;
	uint64_t gpu_percent; /* mean use of a task's GPUs */
	uint64_t gpu_memory;  /* bytes; the most of one task */
};

/* Immutable; owns all its strings. */
struct uc_history {
	size_t count;
	const struct uc_past *row;
	int64_t now, updated; /* as in uc_jobs */
	struct uc_owner *owner;
};
void uc_history_free(struct uc_history *history);
UC_DEFINE_AUTO(history, struct uc_history *)

struct uc_history_query {
	const uint32_t *user_ids; /* none = everybody's that one may see */
	size_t user_count;
	const uint32_t *job_ids; /* of an array or heterogeneous job: all of it */
	size_t job_count;
	int64_t since, until; /* in the queue or running then; 0 = ever, now */
	bool steps;
};

enum uc_history_origin {
	UC_HISTORY_ACCOUNTING,
	UC_HISTORY_MEMORY, /* what slurmctld has not forgotten */
};
struct uc_history_facts {
	enum uc_history_origin origin;
	char why[160];    /* it is not from accounting, a clause */
	bool measured;    /* nodes take samples of what jobs use (JobAcctGatherType) */
	int64_t interval; /* seconds between samples, 0 = not known */
};

/*
 * What there is, in the order of submission. A recording without a history, and a made-up
 * cluster, answer from their jobs. Fails as all questions of source.h do; a slurmdbd that
 * refuses the connection is no failure but facts->why, one that hangs is UC_UNREACHABLE.
 */
int uc_history_load(struct uc_source *src, const struct uc_history_query *query,
		    struct uc_history_facts *facts, struct uc_history **out,
		    struct uc_error *err) UC_MUST_CHECK;

/* For the words of ending.h; strings are borrowed. */
void uc_ending_of_past(struct uc_ending *ending, const struct uc_past *past);
/* What of it a row of job.h can say; strings are borrowed. */
void uc_job_of_past(struct uc_job *job, const struct uc_past *past);

/*
 * A point in time that has passed: "24h" or "7d" ago (units.h), "14:00", "today",
 * "yesterday", "2026-11-20", "2026-11-20T14:00". Local time.
 */
int uc_since_parse(const char *text, int64_t now, int64_t *since,
		   struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

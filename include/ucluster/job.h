/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_JOB_H
#define UCLUSTER_JOB_H
/*
 * Jobs as a snapshot of plain rows; source.h loads them, state.h names states and
 * reasons, gres.h reads GPU strings.
 *
 *	for (size_t i = 0; i < jobs->count; i++)
 *		printf("%u %s\n", jobs->row[i].job_id,
 *		       uc_job_state_short(jobs->row[i].state));
 *
 * One row is what slurmctld keeps as one record: a job, a started array task, the rest of
 * an array that has not started yet, or a component of a heterogeneous job.
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * "Not known" or "not set". Times are seconds since 1970, 0 = not set; durations are
 * seconds, UC_NOT_SET or UC_DURATION_INFINITE (units.h); sizes are bytes.
 */
#define UC_NONE32  UINT32_MAX
#define UC_NONE64  UINT64_MAX
#define UC_NOT_SET INT64_MIN

struct uc_raw_list {
	const struct uc_raw *item;
	size_t count;
};

enum uc_job_sharing {
	UC_SHARING_NONE,          /* whole nodes (--exclusive) */
	UC_SHARING_OK,            /* may share (--oversubscribe) */
	UC_SHARING_USER,          /* only with jobs of the same user */
	UC_SHARING_MCS,           /* only with the same MCS label */
	UC_SHARING_TOPO,          /* whole topology blocks */
	UC_SHARING_SITE = 0xffff, /* as the partition says */
};

struct uc_job {
	/* who and what */
	uint32_t job_id;
	uint32_t array_job_id;    /* 0 = not of an array */
	uint32_t array_task_id;   /* UC_NONE32: not a single task */
	uint32_t array_max_tasks; /* running at once, 0 = no limit */
	uint32_t het_job_id;      /* 0 = not of a heterogeneous job */
	uint32_t het_offset;      /* which component */
	uint32_t user_id, group_id;
	struct uc_raw array_tasks; /* not yet started: "2-9%2"; unset otherwise */
	struct uc_raw het_ids;     /* all components: "12-14" */
	struct uc_raw user, account, partition, qos, name, wckey, cluster;

	/* state */
	uint32_t state;            /* Slurm's word, base and flags: state.h */
	uint32_t reason;           /* why it waits or failed: state.h */
	struct uc_raw reason_text; /* Slurm's own words, when it says more */
	uint32_t priority, restarts;
	int64_t nice;
	uint32_t exit_status, derived_status; /* as wait(2) gives them */

	/* when */
	int64_t submit_time, eligible_time, accrue_time;
	int64_t start_time;              /* of a pending job: estimated, or 0 */
	int64_t end_time;                /* of a running job: at the latest */
	int64_t suspend_time, suspended; /* last change; seconds that ran before it */
	int64_t preempt_time, resize_time, deadline, last_tried;
	int64_t time_limit, time_min;

	/* where */
	struct uc_raw nodes; /* allocated */
	struct uc_raw batch_host;
	struct uc_raw sched_nodes; /* foreseen by the backfill scheduler */
	struct uc_raw required_nodes, excluded_nodes;
	struct uc_raw submit_host;
	uint32_t submit_session; /* session id there */

	/* how much: asked for while pending, given while running */
	uint32_t node_count, node_max; /* node_max 0 = no limit */
	uint32_t cpus, cpu_max;
	uint32_t tasks, cpus_per_task; /* UC_NONE32: not set */
	uint32_t tasks_per_node, tasks_per_socket, tasks_per_core;
	uint32_t sockets_per_node, cores_per_socket, threads_per_core;
	uint32_t cpus_per_node_min;
	uint32_t sharing;  /* enum uc_job_sharing */
	uint64_t memory;   /* a node, or a CPU when memory_per_cpu; 0 = all of the node */
	uint64_t tmp_disk; /* a node */
	bool memory_per_cpu, contiguous, batch, requeue, reboot;

	/* GPUs, counted from the strings below (uc_job_gpus); UC_NONE32: not known */
	uint32_t gpus, shards;
	struct uc_raw gpu_types;        /* "a100:4,h100:2"; unset when no type is known */
	struct uc_raw_list gres_detail; /* one a node, in order: "gpu:a100:2(IDX:0-1)";
					   only with uc_job_query.detail */
	struct uc_raw gres_total;
	struct uc_raw tres_req, tres_alloc; /* "cpu=2,mem=200M,node=1,gres/gpu=1" */
	struct uc_raw tres_per_job, tres_per_node, tres_per_socket, tres_per_task;
	struct uc_raw cpus_per_tres, memory_per_tres;

	/* the rest of the request */
	struct uc_raw features, prefer, dependency, licenses, reservation, network;
	struct uc_raw burst_buffer, mcs_label, container;
	struct uc_raw command, workdir, std_in, std_out, std_err, submit_line;
	struct uc_raw comment, admin_comment, system_comment, extra, mail_user;
};

/* Immutable; owns all its strings. */
struct uc_jobs {
	size_t count;
	const struct uc_job *row;
	int64_t now;     /* the source's present when it was asked */
	int64_t updated; /* when the controller last changed any job, 0 = not known */
	struct uc_owner *owner;
};

struct uc_job_query {
	const uint32_t *user_ids; /* only these users' jobs; none = everybody's */
	size_t user_count;
	const uint32_t *job_ids; /* only these jobs; array elements by their own id */
	size_t job_count; /* the id of an array or heterogeneous job gives all of it */
	/*
	 * Not 0: `updated` of an earlier answer to the same question; when no job has
	 * changed since, the answer is no snapshot (NULL). Cheap for slurmctld when all
	 * jobs are asked for; other questions, and other sources, are always answered.
	 */
	int64_t since;
	/* What a cache before the source knows will do when it is no older. */
	int64_t max_age_ms;
	bool detail; /* gres_detail: exact GPU indices per node (costs slurmctld more) */
	/* Only these fields are wanted, "job_id,user,state"; the others are as if unset.
	   NULL: all. The fewer of a long queue, the sooner it is there. */
	const char *fields;
	/* Only jobs in these states: bits 1 << UC_JOB_RUNNING, ..., or with one of these
	   flags, UC_JOB_COMPLETING, ...; both 0: any. */
	uint32_t states, state_flags;
};

void uc_jobs_free(struct uc_jobs *jobs);
UC_DEFINE_AUTO(jobs, struct uc_jobs *)

/* Its base state is pending, and it is not what is left of a job that ended. */
bool uc_job_waits(const struct uc_job *job);
/* It has nodes now. */
bool uc_job_holds(const struct uc_job *job);
/* Seconds it ran until `now` (suspended time left out), 0 while pending. */
int64_t uc_job_elapsed(const struct uc_job *job, int64_t now);

/*
 * The file that a batch job's output (or, `error`: its errors) goes to, from the pattern
 * it was submitted with; as slurmstepd does, "%4j" and "\\" too. Errors without a file of
 * their own go with the output. `host` is what the node of the batch step calls itself,
 * for %N; NULL: as Slurm calls it. UC_NOTFOUND: not known before the job starts (%N), or
 * no batch job's.
 */
int uc_job_output(const struct uc_job *job, bool error, const char *host,
		  struct uc_buf *path, struct uc_error *err) UC_MUST_CHECK;
/* Does `host` matter? */
bool uc_job_output_names_host(const struct uc_job *job);
/* Another file of the job, by such a pattern; relative to its working directory. */
int uc_job_file(const struct uc_job *job, const char *pattern, const char *host,
		struct uc_buf *path, struct uc_error *err) UC_MUST_CHECK;

/*
 * Add its id as squeue writes it: "4711", "4711_3", "4711_[5-99%4]", "4711+1"; of `task`
 * where the record stands for several, or UC_NONE32.
 */
void uc_buf_job_id(struct uc_buf *buf, const struct uc_job *job, uint32_t task);
/* Add its GPUs for people, raw: "4×a100", ASCII "4xa100"; nothing without types. */
void uc_buf_job_gpus(struct uc_buf *buf, const struct uc_job *job, bool ascii);

/* Tasks in "2-9%2", "1,3,5-9:2"; UC_NONE32 when abbreviated ("...") or malformed. */
uint32_t uc_array_count(const char *tasks);

#ifdef __cplusplus
}
#endif
#endif

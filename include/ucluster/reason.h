/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_REASON_H
#define UCLUSTER_REASON_H
/*
 * Why a job waits or failed, in words; its rank among those that wait; what ends next.
 *
 *	struct uc_rank rank;
 *	uc_job_rank(jobs, job, &rank);
 *	uc_reason_sentence(&text, job, &(struct uc_reason_context){
 *				.now = jobs->now, .partitions = parts, .rank = &rank });
 *
 * Every reason of Slurm 20.11 to 26.05 has words, a sentence and an action.
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/limits.h>
#include <ucluster/node.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Who or what holds the job back. */
enum uc_reason_cause {
	UC_CAUSE_UNKNOWN,   /* a code that no release has */
	UC_CAUSE_QUEUE,     /* it waits its turn */
	UC_CAUSE_PLAN,      /* as its owner asked: begin time, dependency, held */
	UC_CAUSE_USER,      /* a limit of the user's own */
	UC_CAUSE_GROUP,     /* a limit shared with others: account, QOS */
	UC_CAUSE_PARTITION, /* the partition's state or limits */
	UC_CAUSE_NODE,      /* state of nodes */
	UC_CAUSE_REQUEST,   /* it asks for what cannot be */
	UC_CAUSE_SITE,      /* administrators, the system */
	UC_CAUSE_ENDED,     /* no reason to wait: how it ended */
};

/* At most 26 columns, plain ASCII, never NULL: "no free nodes", "your limit". */
const char *uc_reason_short(uint32_t reason);
enum uc_reason_cause uc_reason_cause(uint32_t reason);
/* As it is, the job never starts: somebody must change the job or a limit. */
bool uc_reason_never_starts(uint32_t reason);

/* Use of the limit that a job waits for; UC_NONE64: not known. Memory in bytes. */
struct uc_reason_limit {
	uint64_t allowed, used, asked;
	uint32_t next_job;         /* frees some of it, 0 = not known */
	int64_t next_time;         /* when, 0 = not known */
	const struct uc_limit *of; /* a QOS, association or account; borrowed */
};

/* Is it a limit on what is counted, so that its numbers can be found? */
bool uc_reason_is_limit(uint32_t reason);
/* Snapshots to find them in; without `limits` nothing is found, others may be NULL. */
struct uc_reason_facts {
	const struct uc_limits *limits; /* of the job's owner */
	const struct uc_partitions *partitions;
	const struct uc_jobs *jobs;
};
/* The limit that a pending job waits for, and its use. False: none, or not known. */
bool uc_reason_limit_find(const struct uc_job *job, const struct uc_reason_facts *facts,
			  struct uc_reason_limit *out);
/* Add, for the job's owner, "QOS 'short' gives you 8 GPUs, you hold 8"; safe text. */
void uc_reason_limit_words(struct uc_buf *buf, const struct uc_job *job,
			   const struct uc_reason_limit *limit, unsigned safe);

/*
 * What is known besides the job; any may be missing (NULL, 0) and the sentence says less
 * then. Rows of the nodes that the job wants are looked up by name.
 */
struct uc_reason_context {
	int64_t now; /* of the snapshot; 0 = not known: no times of day */
	const struct uc_partitions *partitions;
	const struct uc_nodes *nodes;
	const struct uc_rank *rank;
	const struct uc_reason_limit *limit;
	bool not_mine; /* the reader is not the job's owner */
	unsigned safe; /* enum uc_safe_flags */
};
/*
 * Add one clause that begins with a small letter and has no full stop: "it waits its
 * turn: 3 jobs are ahead of it in gpu". Foreign text in it went through uc_buf_safe().
 */
void uc_reason_sentence(struct uc_buf *buf, const struct uc_job *job,
			const struct uc_reason_context *context);
/* Add what its owner can do, with the exact command where there is one. */
void uc_reason_action(struct uc_buf *buf, const struct uc_job *job,
		      const struct uc_reason_context *context);

/*
 * Add a point in time as people say it on that day: "14:20", "tomorrow 14:20",
 * "Tue 14:20", "24 Nov 14:20", "2027-01-05". Local time.
 */
void uc_buf_clock(struct uc_buf *buf, int64_t when, int64_t now);
/* The same behind a verb: "at 14:20", "tomorrow 14:20", "on Tue 14:20". */
void uc_buf_clock_at(struct uc_buf *buf, int64_t when, int64_t now);

/* Where a pending job stands among those of its partition(s). */
struct uc_rank {
	bool counts;      /* it takes part: not held, nor for a dependency or time */
	uint32_t ahead;   /* jobs that go first; an array counts once */
	uint32_t limited; /* of these: wait for limits of theirs, and may be overtaken */
	uint32_t behind;  /* jobs that come after it */
	uint64_t tasks;   /* as `ahead`, each task of an array counted */
	uint64_t gpus;    /* GPUs that those ahead ask for, all tasks; known ones */
};
/*
 * By priority, then age, as slurmctld sorts within a partition. `jobs` must hold
 * everybody's; false, and nothing known, when `job` is not pending. O(n).
 */
bool uc_job_rank(const struct uc_jobs *jobs, const struct uc_job *job,
		 struct uc_rank *rank);

/* A running job that holds GPUs where another could use them. */
struct uc_release {
	const struct uc_job *job; /* borrowed from the snapshot */
	int64_t at;               /* its end by time limit; 0 = no limit */
	uint32_t gpus;
};
/*
 * The first `max` releases of GPUs that `job` could use, soonest first: of its partitions
 * and GPU type, and with `nodes`, also of jobs of other partitions on shared nodes.
 * Returns how many. O(n x max).
 */
size_t uc_job_releases(const struct uc_jobs *jobs, const struct uc_nodes *nodes,
		       const struct uc_job *job, struct uc_release *out, size_t max);

#ifdef __cplusplus
}
#endif
#endif

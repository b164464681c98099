/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_ENDING_H
#define UCLUSTER_ENDING_H
/*
 * How a job, or a step of one, ended: in words, in short, and what can be done.
 *
 *	struct uc_ending ending;
 *	uc_ending_of_job(&ending, job, jobs->now);
 *	uc_buf_addf(&line, "job %u ", job->job_id);
 *	uc_ending_sentence(&line, &ending, run->safe);
 *	-> "job 4711 failed with exit code 137: signal 9 (KILL) ended a command in it"
 *
 * Exit codes are wait(2)'s words, as slurmctld and accounting keep them.
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

enum uc_ending_kind {
	UC_ENDING_NONE,      /* it has not ended: waits, runs, is suspended */
	UC_ENDING_COMPLETED, /* exit code 0 */
	UC_ENDING_CODE,      /* failed with an exit code */
	UC_ENDING_SIGNAL,    /* a signal ended it */
	UC_ENDING_SYSTEM, /* failed for no fault of its command: launch, account, ... */
	UC_ENDING_MEMORY,
	UC_ENDING_TIME,
	UC_ENDING_DEADLINE,
	UC_ENDING_PREEMPTED,
	UC_ENDING_CANCELLED,
	UC_ENDING_NODE,      /* a node failed, or did not boot */
	UC_ENDING_REQUEUED,  /* this run of it is over, it waits again */
	UC_ENDING_ELSEWHERE, /* it went on under another record: resized, federation */
	UC_ENDING_UNKNOWN,   /* a state that no release has */
};

/* What is known; zero-initialise, and fill in the rest where it is known. */
struct uc_ending {
	uint32_t state, reason;      /* of state.h */
	uint32_t exit_status;        /* of the script, or of the step */
	uint32_t derived_status;     /* the worst of the job's steps */
	int64_t start_time;          /* 0 = it never started */
	int64_t elapsed, time_limit; /* seconds; 0 or UC_NOT_SET = not known */
	uint64_t memory;             /* limit in bytes, a node or CPU; 0 = not known */
	bool memory_per_cpu;
	struct uc_raw cancelled_by; /* the user's name; slurmctld does not keep it */
	struct uc_raw failed_node;
};
void uc_ending_of_job(struct uc_ending *ending, const struct uc_job *job, int64_t now);
enum uc_ending_kind uc_ending_kind(const struct uc_ending *ending);

/*
 * What a shell would say: the code, or 128 + signal; for a job that completed although a
 * step of it failed, 0. -1 while it has not ended.
 */
int uc_ending_code(const struct uc_ending *ending);

/* Add a few words: "exit code 3", "out of memory", "cancelled by anna". */
void uc_ending_brief(struct uc_buf *buf, const struct uc_ending *ending, unsigned safe);
/*
 * Add what follows the job's name in a sentence, without a full stop: "reached its time
 * limit of 2h".
 */
void uc_ending_sentence(struct uc_buf *buf, const struct uc_ending *ending,
			unsigned safe);
/* Add what its owner can do; nothing where there is nothing to do. */
void uc_ending_action(struct uc_buf *buf, const struct uc_ending *ending);

/* "signal 9 (KILL)"; numbers without a name as such. */
void uc_buf_signal(struct uc_buf *buf, int number);

#ifdef __cplusplus
}
#endif
#endif

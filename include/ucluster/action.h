/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_ACTION_H
#define UCLUSTER_ACTION_H
/*
 * What can be done to jobs that are in the queue: end, hold, release, requeue, change.
 *
 *	struct uc_action action = { .kind = UC_ACTION_CANCEL };
 *	struct uc_target target = { .id = "4711_[3-5]", .job_id = job->job_id,
 *				    .submit_time = job->submit_time,
 *				    .user_id = job->user_id };
 *	if (uc_act(src, &action, &target, &note, &err) < 0)
 *		return report(&err);
 *
 * A target is bound to the job that was seen: where its number has been given anew since,
 * or it was requeued, nothing is done.
 */
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/source.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A job as people and Slurm name it; see uc_job_id_parse(). */
struct uc_job_id {
	uint32_t job;
	uint32_t task;      /* UC_NONE32: not a single one */
	uint32_t component; /* UC_NONE32: not one of a heterogeneous job */
	const char *tasks;  /* borrowed: "3-9,12]"; NULL: not several */
};

/*
 * "4711", "4711_7", "4711_[3-9,12-20:2%4]" (as a listing shows what is left of an array;
 * %4 says nothing here), "4711+1". The result borrows `text`. UC_USAGE.
 */
int uc_job_id_parse(const char *text, struct uc_job_id *out,
		    struct uc_error *err) UC_MUST_CHECK;
/* Whether the record is this job, one of it, or stands for one of these tasks. */
bool uc_job_id_match(const struct uc_job_id *id, const struct uc_job *job);
/* Whether task `task` of array `array` is meant, by the array's id or by its own. */
bool uc_job_id_has_task(const struct uc_job_id *id, uint32_t array, uint32_t task);

/* Tasks first, first + step, ... last. */
struct uc_tasks {
	uint32_t first, last, step;
};
/* The next of "2-9,12-20:4%2"; false at the end, or at what is none (*rest stays). */
bool uc_tasks_next(const char **rest, struct uc_tasks *out);

/* One new value of a job: "time=+1h". */
enum uc_change_key {
	UC_CHANGE_TIME,
	UC_CHANGE_PARTITION,
	UC_CHANGE_NAME,
	UC_CHANGE_COMMENT,
	UC_CHANGE_NICE,
	UC_CHANGE_DEPENDENCY,
};
struct uc_change {
	enum uc_change_key key;
	const char *value; /* borrowed: what follows the '=' */
	int sign;          /* TIME: 1 more, -1 less, 0 that much */
	int64_t number;    /* TIME: seconds or UC_DURATION_INFINITE; NICE */
};
/* UC_USAGE: no such key (the nearest is named), or not a value of it. */
int uc_change_parse(const char *text, struct uc_change *out,
		    struct uc_error *err) UC_MUST_CHECK;
/* "time", and scontrol's word for it: "TimeLimit". */
const char *uc_change_name(enum uc_change_key key);
const char *uc_change_slurm_name(enum uc_change_key key);
/* All names, NULL-terminated. */
const char *const *uc_change_names(void);
/*
 * The limit that a job has after a change of its time: whole minutes, as Slurm counts
 * them. UC_USAGE: it has no limit that could be made longer or shorter, or nothing of it
 * would be left.
 */
int uc_change_limit(const struct uc_change *change, const struct uc_job *job,
		    int64_t *seconds, struct uc_error *err) UC_MUST_CHECK;

/* "TERM", "SIGTERM", "15". UC_USAGE. */
int uc_signal_parse(const char *text, int *number, struct uc_error *err) UC_MUST_CHECK;

enum uc_action_kind {
	UC_ACTION_CANCEL, /* or send it a signal */
	UC_ACTION_HOLD,
	UC_ACTION_RELEASE,
	UC_ACTION_REQUEUE,
	UC_ACTION_CHANGE,
};
struct uc_action {
	enum uc_action_kind kind;
	int signal;     /* CANCEL: 0 = end it: SIGTERM, SIGKILL later */
	bool user_hold; /* HOLD: one that the owner may end; else only an operator */
	const struct uc_change *changes; /* CHANGE */
	size_t change_count;
};

/* What it is done to; strings are borrowed. */
struct uc_target {
	const char *id;  /* as Slurm understands it: "4711", "4711_[3-5]", "4711+1" */
	uint32_t job_id; /* of a record of it */
	int64_t submit_time;
	uint32_t user_id;
	int64_t limit; /* seconds; for a change of the time (uc_change_limit) */
};

/* UC_DENIED where the source is not a live cluster, on which nothing can be done. */
int uc_act_check(const struct uc_source *src, struct uc_error *err) UC_MUST_CHECK;

/*
 * Do it to one target: its records are looked at, then the request is sent; two RPCs.
 * *note (free() it) is what is to be said although it was done, or NULL. UC_NOTFOUND: it
 * is not there any more, or is another job by now; UC_DENIED, UC_USAGE, UC_FAILED:
 * slurmctld refuses, in its own words; UC_UNREACHABLE: with a hint when the answer was
 * lost and it may have been done.
 */
int uc_act(struct uc_source *src, const struct uc_action *action,
	   const struct uc_target *target, char **note,
	   struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USRUN_WATCH_H
#define UC_USRUN_WATCH_H
#include <sys/types.h>
#include "common/waiting.h"
#include "usrun/usrun.h"

/* Before becoming srun: start the process that shows what it waits for. */
void usrun_watch(const struct usrun *u);

/* waiting.c: the job that srun waits for, as slurmctld sees it. */
enum usrun_waiting_state {
	USRUN_WAITING_UNKNOWN, /* no answer */
	USRUN_WAITING_UNSEEN,  /* there is no such job (yet) */
	USRUN_WAITING,
	USRUN_WAITING_OVER, /* it runs, or it is not clear which one it is */
};
#define USRUN_OTHERS 256 /* jobs of the session that are told apart */
#define USRUN_MISSES 3   /* answers without our job before giving up */
struct usrun_waiting {
	pid_t srun;         /* its process */
	bool alive, ended;  /* it is known to run; to have ended */
	int64_t begun;      /* when srun did */
	int64_t since;      /* it was submitted after that */
	struct uc_buf line; /* srun's words, as slurmctld has them; empty: not compared */
	struct uc_buf name; /* of the job, when nobody says otherwise */
	uint32_t other[USRUN_OTHERS]; /* jobs that could be ours, and are not */
	size_t other_count;
	bool sure; /* no other job could be ours */
	int64_t submit_time;
	int64_t limit_at;        /* when limits were asked for */
	struct uc_waiting shown; /* job_id 0 = not yet found */
};
/* One RPC: about the user's own jobs, or everybody's; now and then one about limits. */
enum usrun_waiting_state usrun_waiting_ask(struct usrun_waiting *job, struct uc_run *run,
					   bool whole_queue);
/* The words of srun, as slurmctld has them: joined by blanks; and its job's name. */
void usrun_waiting_line(struct usrun_waiting *job, const struct usrun *u);
/*
 * Write its receipt, once srun's output is nobody's matter any more. Which of several
 * that wait it is may be known only when it has begun: until then, or until srun (a
 * pidfd) ends.
 */
void usrun_waiting_record(struct usrun_waiting *job, const struct usrun *u, int srun);
/* Between two questions: the longer it waits, the less is new. */
int64_t usrun_waiting_pause_ms(const struct usrun_waiting *job);
/*
 * One RPC: the job of srun that runs, a row of *jobs, when it is clear which one that is.
 */
const struct uc_job *usrun_waiting_running(const struct usrun_waiting *job,
					   struct uc_run *run, struct uc_jobs **jobs);

/*
 * whose.c: a job of our session that may be our srun's; and where several may be, find
 * out which are not: one RPC, about steps.
 */
bool usrun_waiting_could_be(const struct usrun_waiting *ours, const struct uc_job *job);
void usrun_waiting_tell_apart(struct usrun_waiting *ours, struct uc_run *run,
			      struct uc_source *src, const struct uc_jobs *jobs);

/*
 * idle.c: the terminal that is to be guarded, opened anew; -1: none is.
 */
int usrun_idle_terminal(const struct usrun *u);
/* Until srun (a pidfd) ends, or was made to. */
void usrun_idle_guard(const struct usrun *u, struct usrun_waiting *job, int srun,
		      int terminal);

#endif

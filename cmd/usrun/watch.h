/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USRUN_WATCH_H
#define UC_USRUN_WATCH_H
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
struct usrun_waiting {
	int64_t begun;      /* when srun did */
	int64_t since;      /* it was submitted after that */
	struct uc_buf line; /* srun's words, as slurmctld has them; empty: not compared */
	int64_t submit_time;
	int64_t limit_at;        /* when limits were asked for */
	struct uc_waiting shown; /* job_id 0 = not yet found */
};
/* One RPC: about the user's own jobs, or everybody's; now and then one about limits. */
enum usrun_waiting_state usrun_waiting_ask(struct usrun_waiting *job, struct uc_run *run,
					   bool whole_queue);
/* The words of srun, as slurmctld has them: joined by blanks. */
void usrun_waiting_line(struct usrun_waiting *job, const struct usrun *u);
/* Write its receipt, once srun's output is nobody's matter any more. */
void usrun_waiting_record(struct usrun_waiting *job, const struct usrun *u);
/*
 * One RPC: the job of srun that runs, a row of *jobs, when it is clear which one that is.
 */
const struct uc_job *usrun_waiting_running(const struct usrun_waiting *job,
					   struct uc_run *run, struct uc_jobs **jobs);

/*
 * idle.c: the terminal that is to be guarded, opened anew; -1: none is.
 */
int usrun_idle_terminal(const struct usrun *u);
/* Until srun (a pidfd) ends, or was made to. */
void usrun_idle_guard(const struct usrun *u, struct usrun_waiting *job, int srun,
		      int terminal);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_STAY_STATE_H
#define UC_COMMON_STAY_STATE_H
/* What the parts of stay.c share. */
#include <signal.h>
#include "common/asker.h"
#include "common/printer.h"
#include "common/stay.h"
#include "common/waiting.h"

#define STAY_TASKS_MAX 64 /* whose files are followed at once */

/* A job, or a task of an array that has a record of its own. */
struct stay_task {
	uint32_t job_id, array_job_id, array_task_id;
	uint32_t state, restarts;
	int64_t start_time;
	bool started, over;
	bool watched;  /* it was seen before it started */
	bool listed;   /* has files: `file` */
	int file[2];   /* of the follower; output, errors; -1: none */
	uint64_t skip; /* bytes of before; with append */
	int64_t quiet; /* ms: no news since */
	struct uc_channel channel[2];
};

struct stay {
	const struct uc_stay *what;
	struct uc_run *run;
	int signals;
	sigset_t mask; /* of the caller; with signals */

	/* the job (stay_jobs.c) */
	struct uc_asker *asker;
	struct uc_jobs *jobs; /* the last answer; NULL: none yet */
	struct stay_task **task;
	size_t task_count;
	int64_t ask_at, asked_at, pause; /* ms */
	bool seen, unreachable, over, pending, started, crowded;
	int status;
	char *host; /* %N of output files; NULL: as Slurm calls it */

	/* its output (stay_files.c) */
	struct uc_follow *follow;
	struct uc_printer printer;
	bool busy;       /* something came since the last look at the job */
	int64_t news_at; /* ms */
	bool midline;    /* the cursor is not at the beginning of a line */

	/* the line (stay_line.c) */
	struct uc_waiting waiting;
	bool drawn, said;
	bool everybody;      /* the last answer has everybody's jobs */
	int64_t queue_at;    /* ms: they are asked for */
	int64_t waits_since; /* seconds of our own clock */
};

/* A remark, after the line that is being written. */
void stay_say(struct stay *s, const char *fmt, ...) UC_PRINTF(2, 3);

/* --- stay_jobs.c --- */
/* Ask when it is time to; take an answer that is there. -1: it is over with an error. */
int stay_ask(struct stay *s);
int stay_take(struct stay *s, struct uc_error *err);
/* The same with jobs that are given; they become ours. */
int stay_take_jobs(struct stay *s, const struct uc_answer *answer, struct uc_error *err);

/* --- stay_files.c --- */
/* The files of a task that started. */
void stay_files_add(struct stay *s, struct stay_task *task, const struct uc_job *job);
/* What is in its file before it starts is another's. */
void stay_files_measure(struct stay *s, struct stay_task *task, const struct uc_job *job);
/* Copy some of what is new: 1, or 0 when there is nothing. -1: it cannot be written. */
int stay_files_copy(struct stay *s, struct uc_error *err);
/* The job is over: nobody else writes to them. */
void stay_files_claim(struct stay *s);
/* Everything of what has ended is there, or never comes. */
bool stay_files_done(struct stay *s);
/* What is left of lines, and what never came. */
int stay_files_end(struct stay *s, struct uc_error *err);
void stay_files_free(struct stay *s);

/* --- stay_line.c --- */
/* Show what a pending job waits for; erase it when `job` is NULL. */
void stay_line(struct stay *s, const struct uc_job *job);
void stay_line_erase(struct stay *s);
/* A second is over. */
void stay_line_tick(struct stay *s);

/* --- stay_end.c --- */
/* How it ended, and what can be done. */
void stay_end(struct stay *s);
/* Ctrl-C: how to come back; asked to, end the job. */
void stay_detach(struct stay *s, int signal_number);
/* An event of a task, with --json. */
int stay_event(struct stay *s, const char *event, const struct uc_job *job);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_STAY_H
#define UC_COMMON_STAY_H
/*
 * Stay until a job ends and exit as it did; print its output meanwhile. The job does not
 * know of it; Ctrl-C leaves it alone. Of an array, all tasks that run.
 *
 *	struct uc_stay what = { .run = run, .id = { .job = 4711, .task = UC_NONE32,
 *						    .component = UC_NONE32 },
 *				.output = true, .lines = UC_FOLLOW_ALL };
 *	return uc_stay(&what, &err);
 */
#include <ucluster/action.h>
#include <ucluster/follow.h>
#include <ucluster/source.h>
#include "common/run.h"

struct uc_stay {
	struct uc_run *run;
	struct uc_job_id id;
	struct uc_jobs *first; /* what is known already, taken over; or NULL */
	bool output;           /* print it */
	bool fresh;       /* it was submitted just now: all of its output is wanted */
	bool append;      /* what is in the file before it starts is another job's */
	bool waiting;     /* say what it waits for */
	bool ending;      /* say how it ended */
	bool until_start; /* that is all: 0 when it runs, -1 when it is over */
	uint64_t skip;    /* with append: its size then, should it have started already */
	bool raw, json;
	int64_t lines;    /* of what is there already; UC_FOLLOW_ALL */
	const char *grep; /* lines that match, NULL: all */
	const char *log; /* this file instead, from the working directory; patterns too */
};
/*
 * run->status is the job's exit status in srun's way. -1 without a text in err when that
 * is not 0.
 */
int uc_stay(const struct uc_stay *what, struct uc_error *err);
/* Keep in its receipt, where it has one, how a job ended; uc_stay() does. */
void uc_stay_keep(const struct uc_run *run, const struct uc_job *job, int status);

#endif

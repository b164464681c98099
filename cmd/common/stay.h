/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_STAY_H
#define UC_COMMON_STAY_H
/*
 * Stay until a job ends and exit as it did; print its output meanwhile. The job does not
 * know of it; Ctrl-C leaves it alone.
 *
 *	struct uc_stay what = { .run = run, .src = src, .job_id = 4711, .output = true };
 *	return uc_stay(&what, &err);
 */
#include <ucluster/source.h>
#include "common/run.h"

struct uc_stay {
	struct uc_run *run;
	struct uc_source *src;
	uint32_t job_id;
	bool output; /* print it */
	bool append; /* what is in the file now is another job's */
};
/*
 * run->status is the job's exit status in srun's way. -1 without a text in err when that
 * is not 0.
 */
int uc_stay(const struct uc_stay *what, struct uc_error *err);

#endif

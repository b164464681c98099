/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_WAITING_H
#define UC_COMMON_WAITING_H
/* What a pending job waits for, in one line. */
#include <ucluster/reason.h>
#include "common/run.h"

/* Zero-initialise; free with uc_waiting_free. */
struct uc_waiting {
	uint32_t job_id;
	uint32_t reason;
	int64_t start, now; /* foreseen start or 0; present of the snapshot */
	bool in_line;       /* its rank matters */
	bool ranked;        /* `rank` is known */
	struct uc_rank rank;
	struct uc_buf partition; /* safe text */
	struct uc_buf limit;     /* that it waits for, in words; safe text */
};
void uc_waiting_free(struct uc_waiting *shown);
UC_DEFINE_AUTO_VALUE(waiting, struct uc_waiting)

/* From a row of a snapshot; the rank only where that has everybody's jobs. */
void uc_waiting_fill(struct uc_waiting *shown, const struct uc_run *run,
		     const struct uc_jobs *jobs, const struct uc_job *job,
		     bool whole_queue);
/* What limit it waits for, where that is its reason. */
void uc_waiting_limit(struct uc_waiting *shown, const struct uc_run *run,
		      const struct uc_job *job, const struct uc_limits *limits);
/* "job 4711 waits 0:42: ..."; elapsed -1: without the time. */
void uc_waiting_line(struct uc_buf *line, const struct uc_waiting *shown,
		     int64_t elapsed);

#endif

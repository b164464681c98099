/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UQUEUE_SHOW_H
#define UC_UQUEUE_SHOW_H
/*
 * Everything about one job: what slurmctld and accounting know of it (show.c), as
 * sections (show_sections.c) and as JSON (show_json.c).
 */
#include <ucluster/receipt.h>
#include "uqueue/eff.h"

/* Tasks of an array that are, or ended, the same way. */
struct show_group {
	struct uc_buf words, tasks; /* "exit code 1"; "3,7-9" */
	size_t count;
};
#define SHOW_GROUPS 12

struct show {
	const char *word; /* as it was asked for */
	struct uc_run *run;
	struct uc_job_id id;

	struct uc_jobs *jobs;     /* slurmctld's */
	struct uqueue_eff eff;    /* accounting's; history NULL: it was not asked */
	struct uc_job *forgotten; /* made of the history, when slurmctld knows no more */
	struct uqueue_row *rows;  /* what is shown; of an array one of its tasks */
	size_t row_count;
	int64_t now;
	struct uqueue_context context;

	struct show_group group[SHOW_GROUPS];
	size_t group_count;
	struct uc_receipt *receipt;
};

/* How it ended; what accounting knows of that, too. False: it has not. */
bool show_ending(const struct show *show, const struct uc_job *job,
		 struct uc_ending *ending);
/*
 * Where the output, or the errors, of row i go, with what stands for %j and the like; -1:
 * not known, or a file for each task.
 */
int show_output(const struct show *show, size_t row, bool error, struct uc_buf *path);
/* Names of the nodes of a job whose GPUs are known, in the order of gres_detail. */
void show_node_names(const struct uc_job *job, struct uc_strv *names);

void show_sections(const struct show *show, struct uc_buf *out);
void show_json(const struct show *show, struct uc_json *json);

#endif

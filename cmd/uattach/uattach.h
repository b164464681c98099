/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UATTACH_H
#define UC_UATTACH_H
#include <ucluster/job.h>
#include <ucluster/source.h>
#include "common/run.h"

/* The command line's own options. */
struct uattach_args {
	bool from_start, raw;
	bool read_only; /* of a session */
	int64_t lines;
};

/* One run of uattach. */
struct uattach {
	struct uc_run *run;
	struct uattach_args args;
	struct uc_source *src;
	struct uc_jobs *jobs; /* the job's own rows */
};

/*
 * Functions return -1 with err filled; an empty err->text: it has been said already, and
 * run->status is set.
 */

/* Find the job that is meant by `word`; u->jobs has it then. */
int uattach_choose(struct uattach *u, const char *word, struct uc_error *err);

/* A way to attach, and whether it is the one for a job. */
struct uattach_way {
	const char *name;
	bool (*fits)(const struct uattach *u, const struct uc_job *job);
	int (*go)(struct uattach *u, const struct uc_job *job, struct uc_error *err);
};
/* The first one that fits, else NULL. */
const struct uattach_way *uattach_way(const struct uattach *u, const struct uc_job *job);

#endif

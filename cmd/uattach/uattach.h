/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UATTACH_H
#define UC_UATTACH_H
#include <ucluster/action.h>
#include <ucluster/job.h>
#include <ucluster/source.h>
#include <ucluster/step.h>
#include "common/run.h"
#include "common/table.h"

/* The command line's own options. */
struct uattach_args {
	bool from_start, raw, json, list;
	bool read_only; /* of a session */
	int64_t lines;  /* -1: as is usual */
	const char *grep, *log;
	bool shell, host, top, gpu, input;
	const char *node;
	int64_t task; /* -1: any */
	struct uc_strv forward;
};

/* One run of uattach. */
struct uattach {
	struct uc_run *run;
	struct uattach_args args;
	const char *const *command; /* of --shell; NULL-terminated, may be empty */
	struct uc_source *src;
	struct uc_jobs *jobs;     /* among them the job's own rows */
	const struct uc_job *job; /* the row that matters most */
	struct uc_job_id id;      /* what is meant: a job, a task, a whole array */
	struct uc_strv words;     /* what `id` borrows from */
	uint32_t step;            /* UC_NONE32: none was named */
	bool forgotten;           /* slurmctld does not know it; accounting may */
};

/*
 * Functions return -1 with err filled; an empty err->text: it has been said already, and
 * run->status is set.
 */

/* choose.c: find the job that is meant by `word`, or without one; fills u->jobs, ... */
int uattach_choose(struct uattach *u, const char *word, struct uc_error *err);
/* Load what is known of it now. UC_NOTFOUND. */
int uattach_reload(struct uattach *u, struct uc_error *err);
/* For what needs one job that runs: one task of an array. */
int uattach_choose_running(struct uattach *u, struct uc_error *err);
/* "4711_3" */
void uattach_job_name(struct uc_buf *out, const struct uc_job *job);

/* pick.c: let the user pick one of several rows; its index, or -1 as above. */
int uattach_pick(struct uattach *u, const struct uc_job *const *row, size_t count,
		 struct uc_error *err);

/* list.c: --list, and lists to choose from. */
extern const struct uc_column uattach_columns[];
int uattach_list(struct uattach *u, const struct uc_job *const *row, size_t count,
		 bool json);
/* My jobs that have not ended, the newest that run first; free() them. */
size_t uattach_mine(const struct uc_jobs *jobs, const char *name,
		    const struct uc_job ***rows);

/* ways.c: a way to attach, and whether it is the one for a job. */
struct uattach_way {
	const char *name;
	bool (*fits)(const struct uattach *u, const struct uc_job *job);
	int (*go)(struct uattach *u, const struct uc_job *job, struct uc_error *err);
};
/* The first one that fits. */
const struct uattach_way *uattach_way(const struct uattach *u, const struct uc_job *job);
/* Wait until it runs; -1 without a text when it ended meanwhile. */
int uattach_wait(struct uattach *u, struct uc_error *err);

/* past.c: a job that slurmctld has forgotten, from accounting; `err` says that it has. */
int uattach_past(struct uattach *u, struct uc_error *err);

/* attach.c: the terminal of a step. */
int uattach_step(struct uattach *u, const struct uc_job *job, struct uc_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UINFO_OVERVIEW_H
#define UC_UINFO_OVERVIEW_H
/* The parts of the overview: its table (overview_columns.c) and what is below it. */
#include "uinfo/cluster.h"
#include "uinfo/limits.h"
#include "uinfo/uinfo.h"

struct overview_args {
	bool all;
	struct uinfo_filter filter;
	struct uc_listing listing;
};

/* The user's jobs that run, or wait. */
struct overview_jobs {
	const char *state;
	uint64_t jobs, gpus, cpus;
	int64_t next; /* the first to end, or to start as foreseen; 0 = not known */
	uint32_t next_job;
};
enum {
	OVERVIEW_RUN,
	OVERVIEW_WAIT,
	OVERVIEW_STATES,
};

struct overview_disks {
	struct disk_paths paths;
	struct uc_disk_list *list;
	struct disk_fs_row *row;
	size_t count;
};

struct overview {
	struct uc_world world;
	struct uc_capacity *capacity;
	struct uc_capacity_row *row; /* those shown */
	size_t count;
	struct overview_jobs jobs[OVERVIEW_STATES];
	struct uinfo_limits limits;
	struct overview_disks disks;
};
extern const struct uc_column overview_columns[];

/* Returns the exit status. */
int overview_run(struct uc_run *run, const struct overview_args *args);
/* What is below the table. */
/* The notes of the first `count` rows, each once, in at most `most` lines. */
void overview_print_notes(const struct uc_run *run, const struct overview *all,
			  size_t count, size_t most);
void overview_note(struct uc_buf *out, const struct uc_capacity_row *row, int64_t now);
void overview_print_jobs(const struct uc_run *run, const struct overview *all);
void overview_print_limits(const struct uc_run *run, const struct overview *all,
			   size_t most);
void overview_print_disks(const struct uc_run *run, const struct overview *all);
/* All of it as one JSON object. */
int overview_json(const struct overview *all, const struct uc_selection *shown,
		  struct uc_error *err) UC_MUST_CHECK;

#endif

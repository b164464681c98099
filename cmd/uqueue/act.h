/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UQUEUE_ACT_H
#define UC_UQUEUE_ACT_H
/*
 * --cancel, --hold, --release, --requeue, --set: which records of slurmctld are hit
 * (act_targets.c), how that is shown (act_print.c), and doing it (act.c).
 */
#include "uqueue/uqueue.h"

/* --set may be given as often as there are keys. */
#define UQUEUE_CHANGES_MAX 6

/* A record, or some tasks of one, that is hit. The columns' getters see the row. */
struct uqueue_hit {
	struct uqueue_row row;
	struct uc_job *narrowed; /* row.job, when not all of its tasks are hit */
	char *tasks;             /* of that: "3-5,7" */
	size_t target;
};

/* One request to slurmctld, or an id that nothing was found for. */
struct uqueue_goal {
	char *id;
	struct uc_target target;
	const struct uc_job *job; /* the first that it hits; NULL: none */
	uint64_t jobs;            /* that it hits, each task of an array for itself */
	bool done;
	struct uc_error err; /* when not done */
	char *note;
};

struct uqueue_act {
	struct uc_run *run;
	const struct uqueue_args *args;
	struct uc_source *source;
	struct uc_action action;
	struct uc_change changes[UQUEUE_CHANGES_MAX];
	struct uqueue_filter filter;
	struct uc_jobs *jobs;
	struct uqueue_context context;
	struct uqueue_hit *hits;
	size_t hit_count;
	struct uqueue_goal *goals;
	size_t goal_count;
};

/* act_targets.c: fill hits and goals from the jobs. */
int uqueue_act_choose(struct uqueue_act *act, struct uc_error *err) UC_MUST_CHECK;
/* The tasks a hit stands for; 1 for all but the rest of an array. */
uint64_t uqueue_hit_jobs(const struct uqueue_hit *hit);

/* act_print.c */
/* The jobs that are hit: the first of them, and how many there are. */
int uqueue_act_list(const struct uqueue_act *act);
/* "12 jobs: 3 run, 9 wait; 8 GPUs become free", and whose they are besides. */
void uqueue_act_summary(const struct uqueue_act *act);
/* What Slurm's own commands would be called with; one a line. */
void uqueue_act_native(const struct uqueue_act *act, const struct uqueue_goal *goal,
		       struct uc_buf *out);
/* What became of it, as JSON. */
int uqueue_act_json(const struct uqueue_act *act);
/* "cancel", "cancelled" */
const char *uqueue_act_verb(const struct uc_action *action, bool past);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UATTACH_INSIDE_H
#define UC_UATTACH_INSIDE_H
/* Steps of our own beside those of the job, which take nothing away from it. */
#include <sys/types.h>
#include "common/overlap.h"
#include "uattach/uattach.h"

/* Was it started by uattach? */
bool uattach_is_own_step(const struct uc_step *step);
/* As wait(2) gives it: the code, or 128 and the signal. */
int uattach_exit_status(int status);

/* Where a step of our own goes. */
struct uattach_place {
	struct uc_steps *steps;
	const struct uc_step *step; /* beside this one; NULL: beside the batch script */
	struct uc_buf node;         /* its name */
};
/* Wait until the job runs, choose a task of an array, the step and the node. */
int uattach_place(struct uattach *u, struct uattach_place *place, struct uc_error *err);
void uattach_place_free(struct uattach_place *place);

/* "srun --jobid=... --overlap ...", to be followed by a command. */
void uattach_srun(const struct uattach *u, const struct uattach_place *place,
		  struct uc_strv *argv);
/*
 * The helper on the node, job-inside: its path as a word of such a step. A step of its
 * own asks whether it is there: a file that srun would copy to a folder of everybody's
 * could be somebody else's by the time it runs.
 */
int uattach_helper(struct uattach *u, const struct uattach_place *place,
		   struct uc_strv *argv, struct uc_error *err);

/* A child with pipes. */
struct uattach_child {
	pid_t pid;
	int to, from, errors; /* -1: closed */
};
int uattach_spawn(const struct uc_run *run, const struct uc_strv *argv,
		  struct uattach_child *child, struct uc_error *err);
/* Its exit status, once it ended by itself; it is ended where it does not within `ms`. */
int uattach_child_end(struct uattach_child *child, int ms);

/* --shell [CMD...]; becomes srun, returns only on failure. */
int uattach_shell(struct uattach *u, struct uc_error *err);
/* --top, --gpu */
int uattach_top(struct uattach *u, struct uc_error *err);
/* --forward */
int uattach_forward(struct uattach *u, struct uc_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UQUEUE_ABOUT_H
#define UC_UQUEUE_ABOUT_H
/* What "uqueue eff" and "uqueue show" share: something said about each job named. */
#include "common/json.h"
#include "uqueue/uqueue.h"

struct uqueue_about {
	struct uc_run *run;
	struct uc_source *source;
	bool as_json;
	struct uc_json json; /* json.out: all that is printed in the end */
};

/* Add one job, as lines or as an object of the array that is open. */
typedef int uqueue_about_fn(struct uqueue_about *about, const char *word,
			    struct uc_error *err);

/* Parse the options, ask `add` about every job of the command line, print it. */
int uqueue_about_jobs(struct uc_run *run, const struct uc_cmd *cmd, char **argv,
		      uqueue_about_fn *add);
extern const struct uc_opt uqueue_about_options[];

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_SOURCE_OPS_H
#define UC_SLURM_SOURCE_OPS_H
/* What a kind of source implements; source.c is the front that all callers use. */
#include <ucluster/action.h>
#include <ucluster/history.h>
#include <ucluster/source.h>
#include "slurm/rows.h"

struct uc_source_ops {
	const char *name; /* "record" */
	bool live;        /* false: the front refuses every action */

	/* `words` is what follows "name:". Fills *self, which close() frees. */
	int (*open)(const char *words, const struct uc_source_options *options,
		    void **self, struct uc_error *err);
	void (*close)(void *self);
	void (*rest)(void *self); /* may be NULL */
	void (*tidy)(void *self); /* may be NULL */
	int64_t (*now)(void *self);
	int (*ping)(void *self, struct uc_error *err);

	/*
	 * A snapshot. `query` is for jobs only, never NULL then. With `filters` the
	 * source applies it itself; otherwise the front does, and rows must be in an
	 * arena.
	 */
	bool filters;
	int (*load)(void *self, enum uc_rows_kind kind, const struct uc_job_query *query,
		    struct uc_rows **out, struct uc_error *err);

	/*
	 * What accounting has; *out NULL and facts->why: there is none. NULL: it never
	 * has any.
	 */
	int (*history)(void *self, const struct uc_history_query *query,
		       struct uc_history_facts *facts, struct uc_rows **out,
		       struct uc_error *err);

	/* Answers "name=value" (health.c); NULL: it has nothing to be probed. */
	int (*probe)(void *self, uint32_t what, struct uc_strv *facts,
		     struct uc_error *err);

	/* NULL when it cannot act. */
	int (*submit)(void *self, const struct uc_submission *job,
		      struct uc_submitted *result, struct uc_error *err);
	int (*task_node)(void *self, const struct uc_step *step, uint32_t task,
			 struct uc_buf *node, struct uc_error *err);
	int (*estimate)(void *self, const struct uc_submission *job,
			struct uc_estimate *result, struct uc_error *err);
	int (*act)(void *self, const struct uc_action *action,
		   const struct uc_target *target, char **note, struct uc_error *err);
};

extern const struct uc_source_ops uc_source_slurm, uc_source_record, uc_source_synthetic;

/* UC_DENIED when the source is not live. */
int uc_source_probe(struct uc_source *src, uint32_t what, struct uc_strv *facts,
		    struct uc_error *err);

/* For the sources that ignore where they are asked from: the clock. */
int64_t uc_clock_now(void);

#endif

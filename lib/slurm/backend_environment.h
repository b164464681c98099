/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_BACKEND_ENVIRONMENT_H
#define UC_SLURM_BACKEND_ENVIRONMENT_H
#include "slurm/backend_options.h"

/* Of the caller's variables those that --export lets through, and what belongs to it. */
int backend_export(const struct backend_draft *draft, const struct uc_strv *from,
		   struct uc_strv *env, struct uc_error *err);
/*
 * The variables that sbatch adds and slurm_submit_batch_job(3) does not
 * (SLURM_SUBMIT_DIR, SLURM_JOB_NAME, limits, umask, ...) put over those in `env`, then
 * `own`, which nothing takes away, and all of it into the description.
 */
int backend_environment(struct backend_draft *draft, const struct uc_strv *own,
			struct uc_strv *env, struct uc_error *err);

#endif

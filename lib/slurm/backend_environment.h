/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_BACKEND_ENVIRONMENT_H
#define UC_SLURM_BACKEND_ENVIRONMENT_H
#include "slurm/backend_options.h"

/*
 * The variables that sbatch adds and slurm_submit_batch_job(3) does not
 * (SLURM_SUBMIT_DIR, SLURM_JOB_NAME, limits, umask, ...) put over those in `env`, and all
 * of it into the description.
 */
int backend_environment(struct backend_draft *draft, struct uc_strv *env,
			struct uc_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_OVERLAP_H
#define UC_COMMON_OVERLAP_H
/* Steps of our own beside those of a job, which take nothing away from it. */
#include "common/run.h"

/* What they are called: they are none of the job's. */
#define UC_OVERLAP_NAME "uattach"

/* The caller's, without what srun would take for options of such a step. */
void uc_overlap_environment(const struct uc_run *run, struct uc_strv *env);
/* "srun --jobid=... --overlap ...", to be followed by options and a command. */
void uc_overlap_srun(uint32_t job_id, const char *node, struct uc_strv *argv);

#endif

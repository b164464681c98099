/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_BACKEND_HISTORY_H
#define UC_SLURM_BACKEND_HISTORY_H
/* What compat.h is for slurm.h, for records of accounting. */
#include "slurm/compat.h"
#include <slurm/slurmdb.h>

/* Members that came in some release: NULL or 0 before. */
#if UC_SLURM_SINCE(21, 8)
#define uc_past_container(job)   ((job)->container)
#define uc_past_submit_line(job) ((job)->submit_line)
#define uc_past_step_line(step)  ((step)->submit_line)
#else
#define uc_past_container(job)   NULL
#define uc_past_submit_line(job) NULL
#define uc_past_step_line(step)  NULL
#endif
#if UC_SLURM_SINCE(23, 2)
#define uc_past_failed_node(job) ((job)->failed_node)
#define uc_past_licenses(job)    ((job)->licenses)
#else
#define uc_past_failed_node(job) NULL
#define uc_past_licenses(job)    NULL
#endif
#if UC_SLURM_SINCE(24, 5)
#define uc_past_std_in(job)  ((job)->std_in)
#define uc_past_std_out(job) ((job)->std_out)
#define uc_past_std_err(job) ((job)->std_err)
#else
#define uc_past_std_in(job)  NULL
#define uc_past_std_out(job) NULL
#define uc_past_std_err(job) NULL
#endif
#if UC_SLURM_SINCE(24, 11)
#define uc_past_restarts(job) ((job)->restart_cnt)
#else
#define uc_past_restarts(job) 0
#endif

/* A whole job, array or heterogeneous job, for a condition; free() it. */
static inline slurm_selected_step_t *uc_selected_job(uint32_t job_id)
{
	slurm_selected_step_t *selected = calloc(1, sizeof(*selected));

	if (!selected)
		return NULL;
	selected->array_task_id = NO_VAL;
	selected->het_job_offset = NO_VAL;
	selected->step_id.job_id = job_id;
	selected->step_id.step_id = NO_VAL;
	selected->step_id.step_het_comp = NO_VAL;
	return selected;
}

#endif

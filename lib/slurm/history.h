/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_HISTORY_H
#define UC_SLURM_HISTORY_H
/* Histories that are made of what there is. */
#include <ucluster/history.h>
#include "slurm/rows.h"

/* Of the jobs that slurmctld remembers, those asked for. */
struct uc_history *uc_history_of_jobs(const struct uc_jobs *jobs,
				      const struct uc_history_query *query,
				      struct uc_error *err);
/* Leave only what the query asks for, in the order of submission; in an arena. */
void uc_history_narrow(const struct uc_history_query *query, struct uc_rows *rows);

#endif

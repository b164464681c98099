/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_BACKEND_OPTIONS_H
#define UC_SLURM_BACKEND_OPTIONS_H
/* sbatch's options into a job description: one table, one setter a form of value. */
#include "slurm/compat.h"
#include "base/arena.h"
#include <ucluster/text.h>

struct backend_draft {
	job_desc_msg_t desc;
	struct uc_arena *arena; /* all strings of desc */
	int64_t now;
	bool tasks_set, cpus_set, nodes_set, held;
	char *gpus, *gpus_per_node, *gpus_per_task,
		*propagate; /* as given, for variables */
};

/* The table's names in order, NULL at the end. */
const char *backend_option_name(size_t i);
/* Set one option; UC_USAGE names option, value, and what was expected. */
int backend_option_set(struct backend_draft *draft, const char *name, const char *value,
		       struct uc_error *err);
/* Settings that depend on several options. */
void backend_options_finish(struct backend_draft *draft);

/* Setters of more than a few lines (backend_values.c); -1: malformed. */
int backend_value_gpus(struct backend_draft *draft, const char *value, char mark,
		       char **field);
int backend_value_gres(struct backend_draft *draft, const char *value);
int backend_value_mail(struct backend_draft *draft, const char *value);
int backend_value_signal(struct backend_draft *draft, const char *value);
int backend_value_nodes(struct backend_draft *draft, const char *value);
int backend_value_distribution(struct backend_draft *draft, const char *value);
int backend_value_switches(struct backend_draft *draft, const char *value);
bool backend_value_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

#endif

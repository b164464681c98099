/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/overlap.h"

#include <inttypes.h>
#include <string.h>

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Of an outer job's variables srun would make options of this step. */
void uc_overlap_environment(const struct uc_run *run, struct uc_strv *env)
{
	for (const char *const *e = run->environment; *e; e++)
		if (begins(*e, "SLURM_CONF") ||
		    (!begins(*e, "SLURM") && !begins(*e, "_SLURM") &&
		     !begins(*e, "PYXIS_") && !begins(*e, "PMI")))
			uc_strv_add(env, *e);
}

void uc_overlap_srun(uint32_t job_id, const char *node, struct uc_strv *argv)
{
	static const char *const options[] = {
		"--overlap", "--nodes=1",  "--ntasks=1",
		"--mem=0",   "--mpi=none", "--job-name=" UC_OVERLAP_NAME,
		NULL
	};

	uc_strv_add(argv, "srun");
	uc_strv_addf(argv, "--jobid=%" PRIu32, job_id);
	uc_strv_addf(argv, "--nodelist=%s", node);
	uc_strv_add_all(argv, options);
}

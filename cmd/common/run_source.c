/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The source of a command, which it opens with one call. usync has none. */
#include "common/run.h"

int uc_run_source(struct uc_run *run, int timeout_ms, struct uc_source **out)
{
	struct uc_error err = { 0 };
	struct uc_source_options options = { .libexec_dir = run->libexec_dir,
					     .timeout_ms = timeout_ms };
	const char *name = run->parsed.source;

	if (!name)
		name = uc_run_env(run, "UC_SOURCE");
	if (run->config) {
		options.slurm_conf = uc_config_string(run->config, "slurm.conf");
		if (!timeout_ms)
			options.timeout_ms =
				(int)(1000 *
				      uc_config_number(run->config, "slurm.timeout", 10));
	}
	if (uc_source_open(name ? name : "slurm:", &options, out, &err) == 0)
		return 0;
	uc_run_error(run, &err);
	return -1;
}

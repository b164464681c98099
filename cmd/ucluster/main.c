/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster: what concerns the cluster as a whole and ucluster itself. */
#include "common/run.h"
#include "ucluster/commands.h"

static const struct uc_cmd *const subcommands[] = {
	&uc_cmd_init,
	&uc_cmd_templates,
	&uc_cmd_adopt,
	&uc_cmd_config,
	&uc_cmd_doctor,
	&uc_cmd_record,
	&uc_cmd_sandbox,
	&uc_cmd_completion,
	&uc_cmd_version,
	&uc_cmd_complete,
	NULL,
};

static const struct uc_cmd ucluster = {
	.name = "ucluster",
	.summary =
		"begin projects; configuration, recordings and a sandbox of Slurm clusters",
	.usage = (const char *const[]){ "COMMAND [OPTION...]", "COMMAND --help", NULL },
	.subcommands = subcommands,
	.epilog = "Jobs: usrun(1) starts them, uqueue(1) lists them; see ucluster(7).",
};

int main(int argc, char **argv)
{
	return uc_run_main(&ucluster, argc, argv);
}

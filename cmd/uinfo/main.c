/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo: what there is, and how much of it is free. */
#include "common/run.h"
#include "uinfo/cluster.h"
#include "uinfo/uinfo.h"

static const struct uc_cmd *const subcommands[] = {
	&uinfo_cmd_gpus,   &uinfo_cmd_nodes, &uinfo_cmd_partitions,
	&uinfo_cmd_limits, &uinfo_cmd_disk,  NULL,
};

static const struct uc_cmd uinfo = {
	.name = "uinfo",
	.summary = "how full disks are, and what fills them",
	.usage = (const char *const[]){ "COMMAND [OPTION...]", "COMMAND --help", NULL },
	.subcommands = subcommands,
};

int main(int argc, char **argv)
{
	return uc_run_main(&uinfo, argc, argv);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo: what there is, and how much of it is free. */
#include "common/run.h"
#include "uinfo/overview.h"

// clang-format off
static const struct uc_opt options[] = {
	UINFO_PARTITION_OPTION(struct overview_args, filter),
	{ "all", 'a', UC_OPT_FLAG, .offset = offsetof(struct overview_args, all),
	  .help = "hidden partitions too" },
	UC_LISTING_OPTIONS(struct overview_args, listing),
	{ 0 }
};
// clang-format on

static const struct uc_cmd *const subcommands[] = {
	&uinfo_cmd_gpus,  &uinfo_cmd_nodes, &uinfo_cmd_partitions, &uinfo_cmd_limits,
	&uinfo_cmd_usage, &uinfo_cmd_disk,  &uinfo_cmd_health,     NULL,
};

static int run_overview(struct uc_run *run, const struct uc_cmd *cmd, int argc,
			char **argv)
{
	struct overview_args args = { 0 };
	struct uc_error err = { 0 };
	int status;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args)) {
		status = run->status;
	} else if (run->parsed.operands.count) {
		if (uc_cmd_find(cmd, run->parsed.operands.item[0], &err))
			uc_fail(&err, UC_USAGE, "the command comes before all options");
		status = uc_run_error(run, &err);
	} else {
		status = overview_run(run, &args);
	}
	uinfo_filter_free(&args.filter);
	return status;
}

static const struct uc_cmd uinfo = {
	.name = "uinfo",
	.summary = "what is free, for whom, and how full disks are",
	.usage = (const char *const[]){ "[OPTION...]", "COMMAND [OPTION...]",
					"COMMAND --help", NULL },
	.options = options,
	.subcommands = subcommands,
	.columns = overview_columns,
	.operands = "WORD", /* none: to say what was meant */
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.fn = run_overview,
};

int main(int argc, char **argv)
{
	return uc_run_main(&uinfo, argc, argv);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster record: a recording that a bug report can carry and a test can replay. */
#include <stdio.h>
#include "common/run.h"
#include "ucluster/commands.h"

static int run_record(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	uc_auto(source) struct uc_source *source = NULL;
	struct uc_error err = { 0 };
	const char *dir;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, NULL))
		return run->status;
	dir = run->parsed.operands.item[0];
	if (uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0)
		return run->status;
	if (uc_record_write(source, dir, &err) < 0)
		return uc_run_error(run, &err);
	uc_run_say(run, 0, "recorded in '%s'; look at it: UC_SOURCE=record:%s uqueue",
		   dir, dir);
	return 0;
}

const struct uc_cmd uc_cmd_record = {
	.name = "ucluster record",
	.summary = "record what the cluster says now, for a bug report or a test",
	.usage = (const char *const[]){ "[OPTION...] DIR", NULL },
	.doc = "Write what the cluster says now to\n.Ar DIR ,\nwhich must be empty or not "
	       "exist: jobs, nodes and partitions.\nUsers, accounts and job names are "
	       "replaced by pseudonyms,\nthe same for the same name.\nA bug report can carry "
	       "the recording, and commands can read it\ninstead of a cluster:\n"
	       ".Ev UC_SOURCE Ns = Ns Cm record : Ns Ar DIR .",
	.operands = "DIR",
	.min_operands = 1,
	.max_operands = 1,
	.shared = UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.fn = run_record,
};

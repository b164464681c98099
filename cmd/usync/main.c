/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* usync: make two folders equal, over SSH. */
#include <string.h>
#include "common/run.h"
#include "usync/usync.h"

static int run_usync(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct uc_error err = { 0 };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, NULL))
		return run->status;
	uc_fail(&err, UC_USAGE, "what to do is missing");
	return uc_run_error(run, &err);
}

static const struct uc_cmd usync = {
	.name = "usync",
	.summary = "make two folders equal, over SSH",
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE,
	.fn = run_usync,
};

int main(int argc, char **argv)
{
	/* Before anything is read: what it needs comes over the stream. */
	if (argc == 2 && strcmp(argv[1], "--serve") == 0)
		return usync_serve();
	return uc_run_main(&usync, argc, argv);
}

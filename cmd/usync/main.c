/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* usync: make two folders equal, over SSH. */
#include <string.h>
#include "usync/command.h"
#include "usync/usync.h"

static const struct uc_cmd *const subcommands[] = {
	&usync_cmd_push,      &usync_cmd_pull,
	&usync_cmd_status,    &usync_cmd_diff,
	&usync_cmd_watch,     &usync_cmd_init,
	&usync_cmd_snapshots, &usync_cmd_log,
	&usync_cmd_restore,   &usync_cmd_prune,
	&usync_cmd_trash,     &usync_cmd_install,
	&usync_cmd_complete,  NULL,
};

static const struct uc_cmd usync = {
	.name = "usync",
	.summary = "code and data between here and a cluster, over SSH",
	.usage = (const char *const[]){ "COMMAND [OPTION...]",
					"[OPTION...] SRC... [HOST:]DST",
					"[OPTION...] HOST:SRC... DST", "COMMAND --help",
					NULL },
	.options = usync_copy_options,
	.subcommands = subcommands,
	.operands = "REMOTE",
	.shared = UC_SHARED_VERBOSE,
	.epilog = "Nothing is deleted or overwritten that changed on the other side; see "
		  "usync(1).",
	.fn = usync_copy,
};

int main(int argc, char **argv)
{
	/* Before anything is read: what it needs comes over the stream. */
	if (argc == 2 && strcmp(argv[1], "--serve") == 0)
		return usync_serve();
	return uc_run_main(&usync, argc, argv);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* usync push, pull, status, diff: the project's folder and the one that belongs to it. */
#include "usync/options.h"
#include "usync/snapshot.h"

const char *const usync_transports[] = { "auto", "ssh", "libssh2", NULL };

// clang-format off
static const struct uc_opt push_options[] = {
	USYNC_HOW_OPTIONS,
	{ "snapshot", .type = UC_OPT_FLAG, USYNC_AT(snapshot),
	  .help = "then keep a copy there that nobody changes",
	  .doc = "Then keep a copy there that nobody changes, and print its id.\n"
		 "Files that are as in the snapshot before take no room." },
	{ "message", 'm', UC_OPT_STRING, .metavar = "TEXT", USYNC_AT(message),
	  .help = "what the snapshot is" },
	USYNC_WHAT_OPTIONS,
	USYNC_RULES_OPTIONS,
	USYNC_SECRET_OPTION,
	USYNC_SELECT_OPTION,
	USYNC_LINK_OPTIONS,
	USYNC_PRESET_OPTION,
	USYNC_SPEED_OPTIONS,
	USYNC_SHOW_OPTIONS,
	{ 0 }
};
static const struct uc_opt pull_options[] = {
	USYNC_HOW_OPTIONS,
	{ "outputs", .type = UC_OPT_FLAG, USYNC_AT(outputs), .group = "What travels",
	  .help = "what sync.outputs lists",
	  .doc = "Bring what\n.Ic sync.outputs\nof the configuration lists." },
	USYNC_WHAT_OPTIONS,
	USYNC_RULES_OPTIONS,
	USYNC_SECRET_OPTION,
	USYNC_SELECT_OPTION,
	USYNC_LINK_OPTIONS,
	USYNC_PRESET_OPTION,
	USYNC_SPEED_OPTIONS,
	USYNC_SHOW_OPTIONS,
	{ 0 }
};
static const struct uc_opt status_options[] = {
	{ "checksum", .type = UC_OPT_FLAG, USYNC_AT(checksum), .group = "What is compared",
	  .help = "compare contents, not only size and time" },
	{ "yes", 'y', UC_OPT_FLAG, USYNC_AT(yes), .help = "ask nothing" },
	USYNC_WHAT_OPTIONS,
	USYNC_RULES_OPTIONS,
	USYNC_SECRET_OPTION,
	USYNC_LINK_OPTIONS,
	USYNC_PRESET_OPTION,
	USYNC_SHOW_OPTIONS,
	{ 0 }
};
// clang-format on

static int run_push(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	uc_auto(usync) struct usync u = { .run = run, .args = USYNC_ARGS };
	struct uc_error err = { 0 };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &u.args))
		return run->status;
	u.show.verb = "push";
	if (u.args.message && !u.args.snapshot) {
		uc_fail(&err, UC_USAGE, "option '--message' goes with '--snapshot'");
		return uc_run_error(run, &err);
	}
	if (u.args.snapshot)
		return usync_snapshot_push(&u);
	return usync_do_project(&u, UC_SYNC_PUSH);
}

static int run_pull(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	uc_auto(usync) struct usync u = { .run = run, .args = USYNC_ARGS };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &u.args))
		return run->status;
	u.show.verb = "pull";
	return usync_do_project(&u, UC_SYNC_PULL);
}

static int run_status(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	uc_auto(usync) struct usync u = { .run = run, .args = USYNC_ARGS };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &u.args))
		return run->status;
	u.show.verb = "status";
	u.show.status = true;
	u.args.dry_run = true;
	return usync_do_project(&u, UC_SYNC_PUSH);
}

const struct uc_cmd usync_cmd_push = {
	.name = "usync push",
	.summary = "bring what changed here to the host",
	.usage = (const char *const[]){ "[OPTION...] [PATH...]",
					"--snapshot -m TEXT [OPTION...]", NULL },
	.options = push_options,
	.operands = "FILE",
	.shared = UC_SHARED_VERBOSE,
	.doc = "Bring what changed here since the last time to the project's folder on the "
	       "host,\nall of it or only what is in\n.Ar FILE .",
	.fn = run_push,
};

const struct uc_cmd usync_cmd_pull = {
	.name = "usync pull",
	.summary = "bring what changed on the host here",
	.usage = (const char *const[]){ "[OPTION...] [PATH|PATTERN...]", NULL },
	.options = pull_options,
	.operands = "FILE",
	.shared = UC_SHARED_VERBOSE,
	.doc = "Bring what changed on the host here: all of it, a path,\nor the files that "
	       "match a quoted pattern, which is one of\n.Xr gitignore 5 :\n"
	       ".Ql *.pt\nin any folder,\n.Ql logs/*\nin this one.\n"
	       "What is named so comes although a\n.Pa .gitignore\nor the default list "
	       "leaves it behind.",
	.fn = run_pull,
};

const struct uc_cmd usync_cmd_status = {
	.name = "usync status",
	.summary = "say how both sides differ",
	.usage = (const char *const[]){ "[OPTION...] [PATH...]", NULL },
	.options = status_options,
	.operands = "FILE",
	.shared = UC_SHARED_VERBOSE,
	.doc = "Say how both sides differ, and do nothing:\n.Cm new ,\n.Cm update\n"
	       "and\n.Cm meta\nis what\n.Ic push\nwould bring,\n.Cm newer\nchanged on the "
	       "host only,\n.Cm extra\nis only there,\n.Cm conflict\nchanged on both sides.",
	.fn = run_status,
};

const struct uc_cmd usync_cmd_diff = {
	.name = "usync diff",
	.summary = "the same as status",
	.usage = (const char *const[]){ "[OPTION...] [PATH...]", NULL },
	.options = status_options,
	.operands = "FILE",
	.shared = UC_SHARED_VERBOSE,
	.fn = run_status,
};

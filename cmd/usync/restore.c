/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* usync restore and prune: snapshots on the host brought back, and taken away. */
#include "usync/snapshot.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "usync/options.h"

#define SPARE_DAYS 14 /* of a snapshot: a job that was submitted from it may wait */

static int run_restore(struct uc_run *run, const struct uc_cmd *cmd, int argc,
		       char **argv)
{
	uc_auto(usync) struct usync u = { .run = run, .args = USYNC_ARGS };
	uc_auto(buf) struct uc_buf question = { 0 };
	struct uc_error err = { 0 };
	json_t *answer;
	const char *id;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &u.args) ||
	    uc_run_config(run, u.args.preset) < 0)
		return run->status;
	id = run->parsed.operands.item[0];
	if (usync_ask_project(&u, &err) < 0)
		return uc_run_error(run, &err);
	/* is it there at all, before anything is asked */
	answer = usync_call(&u, "snapshot-show", json_pack("{s:s}", "id", id));
	if (!answer)
		return run->status;
	json_decref(answer);
	uc_buf_addf(&question,
		    "make the folder on %s as in snapshot %s%s (what is replaced goes to "
		    "the trash)",
		    u.host, id,
		    u.args.remove ? ", and remove what it does not have" : "");
	if (usync_may(&u, uc_buf_text(&question), &err) < 0)
		return uc_run_error(run, &err);
	answer = usync_call(&u, "snapshot-restore",
			    json_pack("{s:s, s:b}", "id", id, "remove", u.args.remove));
	if (!answer)
		return run->status;
	uc_run_say(run, 0,
		   "%" JSON_INTEGER_FORMAT " files restored on %s; 'usync pull' brings "
		   "them here",
		   json_integer_value(json_object_get(answer, "restored")), u.host);
	run->status =
		json_integer_value(json_object_get(answer, "failed")) ? UC_FAILED : 0;
	if (run->status)
		uc_run_say(run, 0, "%" JSON_INTEGER_FORMAT " could not be restored",
			   json_integer_value(json_object_get(answer, "failed")));
	json_decref(answer);
	return run->status;
}

struct prune_args {
	struct usync_args all; /* first: rows of other commands have its offsets */
	bool force;
};

/* What is beyond the `keep` latest, as it is seen from here; *young: and is spared. */
static size_t count_old(const json_t *list, int64_t keep, bool force, json_int_t *young)
{
	const size_t count = json_array_size(list);
	const size_t most = count > (size_t)keep ? count - (size_t)keep : 0;
	const time_t since = time(NULL) - (time_t)SPARE_DAYS * 86400;
	json_t *when;

	*young = 0;
	for (size_t i = 0; i < most && !force; i++) {
		when = json_object_get(json_array_get(list, i), "time");
		*young += json_integer_value(when) > since;
	}
	return most - (size_t)*young;
}

static void say_spared(const struct uc_run *run, json_int_t spared)
{
	if (spared > 0)
		uc_run_say(run, 0,
			   "%" JSON_INTEGER_FORMAT
			   " younger than %d days stay, for jobs may wait for them; "
			   "'--force' removes them, too",
			   spared, SPARE_DAYS);
}

/* False: nothing is to be removed, or only this was asked. */
static bool say_plan(const struct usync *u, size_t old, size_t count, json_int_t young)
{
	if (old > 0 && !u->args.dry_run)
		return true;
	if (old == 0)
		uc_run_say(u->run, 0, "nothing to remove: %zu snapshot%s", count,
			   count == 1 ? "" : "s");
	else
		uc_run_say(u->run, 0, "would remove the %zu oldest of %zu snapshots", old,
			   count);
	say_spared(u->run, young);
	return false;
}

static void say_pruned(const struct uc_run *run, const json_t *answer)
{
	const size_t count = json_array_size(json_object_get(answer, "removed"));

	uc_run_say(run, 0, "removed %zu snapshot%s", count, count == 1 ? "" : "s");
	say_spared(run, json_integer_value(json_object_get(answer, "spared")));
}

static int run_prune(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct prune_args args = { .all = USYNC_ARGS };
	uc_auto(usync) struct usync u = { .run = run };
	uc_auto(buf) struct uc_buf question = { 0 };
	struct uc_error err = { 0 };
	json_t *answer;
	size_t count, old;
	json_int_t young;
	int64_t keep;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_run_config(run, args.all.preset) < 0)
		return run->status;
	u.args = args.all;
	keep = u.args.keep ? u.args.keep : uc_config_number(run->config, "sync.keep", 10);
	if (usync_ask_project(&u, &err) < 0)
		return uc_run_error(run, &err);
	answer = usync_call(&u, "snapshots", json_object());
	if (!answer)
		return run->status;
	count = json_array_size(json_object_get(answer, "snapshots"));
	old = count_old(json_object_get(answer, "snapshots"), keep, args.force, &young);
	json_decref(answer);
	if (!say_plan(&u, old, count, young))
		return 0;
	uc_buf_addf(&question, "remove the %zu oldest of %zu snapshots for good", old,
		    count);
	if (usync_may(&u, uc_buf_text(&question), &err) < 0)
		return uc_run_error(run, &err);
	answer = usync_call(
		&u, "prune",
		json_pack("{s:I, s:I}", "keep", (json_int_t)keep, "spare",
			  args.force ? (json_int_t)0 : (json_int_t)SPARE_DAYS * 86400));
	if (!answer)
		return run->status;
	say_pruned(run, answer);
	json_decref(answer);
	return 0;
}

// clang-format off
static const struct uc_opt restore_options[] = {
	{ "delete", .type = UC_OPT_FLAG, USYNC_AT(remove), .group = "What is done",
	  .help = "also remove what the snapshot does not have" },
	{ "yes", 'y', UC_OPT_FLAG, USYNC_AT(yes), .help = "ask nothing" },
	USYNC_LINK_OPTIONS,
	USYNC_PRESET_OPTION,
	{ 0 }
};
static const struct uc_opt prune_options[] = {
	{ "keep", .type = UC_OPT_NUMBER, .metavar = "N", .min = 1, .max = 10000,
	  USYNC_AT(keep), .group = "What is done", .help = "leave the N latest",
	  .doc = "Leave the\n.Ar N\nlatest, as\n.Ic sync.keep\nsays otherwise." },
	{ "force", .type = UC_OPT_FLAG, .offset = offsetof(struct prune_args, force),
	  .help = "also those of the last 14 days",
	  .doc = "Remove also those that were made in the last 14 days,\nwhich jobs that "
		 "wait or run may need." },
	{ "dry-run", 'n', UC_OPT_FLAG, USYNC_AT(dry_run), .help = "only say how many" },
	{ "yes", 'y', UC_OPT_FLAG, USYNC_AT(yes), .help = "ask nothing" },
	USYNC_LINK_OPTIONS,
	USYNC_PRESET_OPTION,
	{ 0 }
};
// clang-format on

const struct uc_cmd usync_cmd_restore = {
	.name = "usync restore",
	.summary = "make the folder on the host as a snapshot has it",
	.usage = (const char *const[]){ "[OPTION...] ID", NULL },
	.options = restore_options,
	.operands = "ID",
	.min_operands = 1,
	.max_operands = 1,
	.shared = UC_SHARED_VERBOSE,
	.doc = "Make the project's folder on the host as the snapshot has it; what is "
	       "replaced goes to the trash.\n.Ic pull\nbrings it here then.",
	.fn = run_restore,
};

const struct uc_cmd usync_cmd_prune = {
	.name = "usync prune",
	.summary = "remove old snapshots",
	.usage = (const char *const[]){ "[OPTION...]", NULL },
	.options = prune_options,
	.shared = UC_SHARED_VERBOSE,
	.doc = "Remove all snapshots on the host but the latest, and those of the last 14 "
	       "days,\nwhich a job may still need.",
	.fn = run_prune,
};

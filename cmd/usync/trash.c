/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* usync trash: what runs have replaced and deleted on the host, or here. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "usync/answer.h"
#include "usync/options.h"
#include "usync/snapshot.h"

struct trash_args {
	struct usync_args all;
	struct uc_listing listing;
	bool here;
	int64_t older; /* seconds */
};

static void get_run(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_text(row, "run", out);
}

static void get_time(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_number(row, "time", UC_VALUE_TIME, out);
}

static void get_files(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_number(row, "files", UC_VALUE_NUMBER, out);
}

static void get_size(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_number(row, "bytes", UC_VALUE_SIZE, out);
}

// clang-format off
static const struct uc_column columns[] = {
	{ "RUN", "run", UC_COLUMN_DEFAULT, 8, "the run that put it there", get_run },
	{ "WHEN", "time", UC_COLUMN_DEFAULT, 8, "when it began", get_time },
	{ "FILES", "files", UC_COLUMN_DEFAULT | UC_COLUMN_RIGHT, 5, "how many", get_files },
	{ "SIZE", "bytes", UC_COLUMN_DEFAULT | UC_COLUMN_RIGHT, 4, "of all of them", get_size },
	{ 0 }
};

#define HERE_OPTION                                                                      \
	{ "here", .type = UC_OPT_FLAG, .offset = offsetof(struct trash_args, here),          \
	  .group = "Which", .help = "the trash of this side, which pull fills" }

static const struct uc_opt list_options[] = {
	HERE_OPTION,
	USYNC_LINK_OPTIONS,
	USYNC_PRESET_OPTION,
	{ "yes", 'y', UC_OPT_FLAG, USYNC_AT(yes), .help = "ask nothing" },
	UC_LISTING_OPTIONS(struct trash_args, listing),
	{ 0 }
};
static const struct uc_opt restore_options[] = {
	HERE_OPTION,
	{ "yes", 'y', UC_OPT_FLAG, USYNC_AT(yes), .help = "ask nothing" },
	USYNC_LINK_OPTIONS,
	USYNC_PRESET_OPTION,
	{ 0 }
};
static const struct uc_opt empty_options[] = {
	HERE_OPTION,
	{ "older", .type = UC_OPT_DURATION, .metavar = "TIME", .min = 0,
	  .max = INT64_C(100) * 365 * 86400, .offset = offsetof(struct trash_args, older),
	  .help = "only what is older, such as 30d" },
	{ "yes", 'y', UC_OPT_FLAG, USYNC_AT(yes), .help = "ask nothing" },
	USYNC_LINK_OPTIONS,
	USYNC_PRESET_OPTION,
	{ 0 }
};
// clang-format on

/* The folders to ask about: with --here this side's, served by this machine. */
static int open_trash(struct usync *u, const struct trash_args *args,
		      struct uc_error *err)
{
	u->args = args->all;
	u->args.json = args->listing.json;
	if (uc_run_config(u->run, args->all.preset) < 0) {
		err->text[0] = '\0';
		return -1;
	}
	if (args->here)
		u->args.yes = true;
	if (usync_ask_project(u, err) < 0)
		return -1;
	u->args.yes = args->all.yes;
	if (args->here) {
		u->request.host = NULL;
		u->request.far = u->request.near;
	}
	return 0;
}

static int report(struct uc_run *run, const struct uc_error *err)
{
	return err->text[0] ? uc_run_error(run, err) : run->status;
}

static int run_list(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct trash_args args = { .all = USYNC_ARGS };
	uc_auto(usync) struct usync u = { .run = run };
	struct uc_selection shown;
	struct uc_error err = { 0 };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_listing_select(run, columns, &args.listing, &shown) < 0)
		return run->status;
	if (open_trash(&u, &args, &err) < 0)
		return report(run, &err);
	return usync_answer_table(&u, usync_call(&u, "trash", json_object()), "runs",
				  &shown, &args.listing);
}

static int run_restore(struct uc_run *run, const struct uc_cmd *cmd, int argc,
		       char **argv)
{
	struct trash_args args = { .all = USYNC_ARGS };
	uc_auto(usync) struct usync u = { .run = run };
	const struct uc_strv *words = &run->parsed.operands;
	struct uc_error err = { 0 };
	json_t *answer, *paths = json_array();
	json_int_t kept, count;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) || open_trash(&u, &args, &err) < 0) {
		json_decref(paths);
		return report(run, &err);
	}
	for (size_t i = 1; i < words->count; i++)
		json_array_append_new(paths, json_string(words->item[i]));
	answer =
		usync_call(&u, "trash-restore",
			   json_pack("{s:s,s:o}", "run", words->item[0], "paths", paths));
	if (!answer)
		return run->status;
	kept = json_integer_value(json_object_get(answer, "kept"));
	count = json_integer_value(json_object_get(answer, "restored"));
	uc_run_say(run, 0, "%" JSON_INTEGER_FORMAT " file%s put back", count,
		   count == 1 ? "" : "s");
	if (kept)
		uc_run_say(run, 0,
			   "%" JSON_INTEGER_FORMAT
			   " stay in the trash: there is something "
			   "in their place",
			   kept);
	json_decref(answer);
	return kept ? UC_FAILED : 0;
}

/* All runs, or those that are old enough; counted before it is asked. */
static int empty(struct usync *u, const struct trash_args *args, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf question = { 0 };
	json_t *answer = usync_call(u, "trash", json_object());
	const json_t *runs;
	json_int_t files = 0, bytes = 0;
	size_t i;

	if (!answer)
		return -1;
	runs = json_object_get(answer, "runs");
	for (i = 0; i < json_array_size(runs); i++) {
		const json_t *row = json_array_get(runs, i);

		files += json_integer_value(json_object_get(row, "files"));
		bytes += json_integer_value(json_object_get(row, "bytes"));
	}
	json_decref(answer);
	if (!i) {
		uc_run_say(u->run, 0, "the trash is empty");
		return 0;
	}
	uc_buf_addf(&question, "remove %s of the trash, %" JSON_INTEGER_FORMAT " files, ",
		    args->older ? "what is old" : "all", files);
	usync_bytes(&question, (uint64_t)bytes);
	uc_buf_addf(&question, "%s, for good", args->older ? " in all" : "");
	if (usync_may(u, uc_buf_text(&question), err) < 0)
		return -1;
	answer = usync_call(u, "trash-empty",
			    json_pack("{s:I}", "older", (json_int_t)args->older));
	if (!answer)
		return -1;
	uc_run_say(u->run, 0, "%" JSON_INTEGER_FORMAT " files removed",
		   json_integer_value(json_object_get(answer, "removed")));
	json_decref(answer);
	return 0;
}

static int run_empty(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct trash_args args = { .all = USYNC_ARGS };
	uc_auto(usync) struct usync u = { .run = run };
	struct uc_error err = { 0 };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args))
		return run->status;
	if (open_trash(&u, &args, &err) < 0 || empty(&u, &args, &err) < 0)
		return report(run, &err);
	return 0;
}

static const struct uc_cmd list = {
	.name = "usync trash list",
	.summary = "list what is in the trash, run by run",
	.options = list_options,
	.columns = columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE,
	.fn = run_list,
};

static const struct uc_cmd restore = {
	.name = "usync trash restore",
	.summary = "put back what a run moved to the trash",
	.usage = (const char *const[]){ "[OPTION...] RUN [PATH...]", NULL },
	.options = restore_options,
	.operands = "RUN",
	.min_operands = 1,
	.shared = UC_SHARED_VERBOSE,
	.doc = "Put back what a run moved to the trash, all of it or these paths.\n"
	       "What has the same name now is not replaced.",
	.fn = run_restore,
};

static const struct uc_cmd empty_trash = {
	.name = "usync trash empty",
	.summary = "remove what is in the trash for good",
	.options = empty_options,
	.shared = UC_SHARED_VERBOSE,
	.fn = run_empty,
};

static const struct uc_cmd *const subcommands[] = { &list, &restore, &empty_trash, NULL };

const struct uc_cmd usync_cmd_trash = {
	.name = "usync trash",
	.summary = "what runs have replaced or deleted",
	.usage = (const char *const[]){ "COMMAND [OPTION...]", NULL },
	.subcommands = subcommands,
};

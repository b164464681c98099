/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Snapshots on the host: copies of the project that nobody changes. push --snapshot makes
 * one; snapshots and log list them.
 */
#include "usync/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/ask.h"
#include "usync/answer.h"
#include "usync/options.h"

int usync_ask_project(struct usync *u, struct uc_error *err)
{
	u->show.run = u->run;
	u->args.quiet = true;
	return usync_request(u, UC_SYNC_PUSH, err) < 0 ? -1 : usync_project(u, err);
}

int usync_may(const struct usync *u, const char *question, struct uc_error *err)
{
	if (u->args.yes)
		return 0;
	if (u->args.json || !uc_ask_possible(u->run)) {
		uc_fail(err, UC_USAGE, "this asks first, and there is no terminal");
		return uc_hint(err, "'--yes' does it without asking");
	}
	return uc_ask_yes(u->run, question) ? 0
					    : uc_fail(err, UC_FAILED, "nothing was done");
}

/* What is to be left out of it is what a push would leave out. */
static json_t *snapshot_arguments(const struct usync *u)
{
	const struct uc_sync_request *request = &u->request;
	uc_auto(buf) struct uc_buf rules = { 0 };
	const char *user = uc_run_env(u->run, "USER");
	char host[256] = "";

	/* the later ones decide, and those of the command line over the configured */
	uc_buf_addf(&rules, "%s%s", request->config_rules ? request->config_rules : "",
		    request->command_rules ? request->command_rules : "");
	if (rules.failed || gethostname(host, sizeof(host) - 1) < 0)
		return NULL;
	return json_pack("{s:s, s:s*, s:s*, s:s, s:b, s:b}", "message",
			 u->args.message ? u->args.message : "", "user", user, "host",
			 host[0] ? host : NULL, "rules", uc_buf_text(&rules),
			 "no_gitignore", request->no_gitignore, "no_defaults",
			 request->no_defaults);
}

int usync_snapshot_push(struct usync *u)
{
	uc_auto(buf) struct uc_buf id = { 0 };
	const char *text;
	json_t *answer;
	int status;

	if (u->args.dry_run)
		return usync_do_project(u, UC_SYNC_PUSH);
	status = usync_do_project(u, UC_SYNC_PUSH);
	/* what is not as it is here is no copy of it */
	if (status != 0) {
		if (status != 128 + 2)
			uc_run_say(u->run, 0, "no snapshot: not everything went there");
		return status;
	}
	answer = usync_call(u, "snapshot", snapshot_arguments(u));
	text = json_string_value(json_object_get(answer, "id"));
	if (answer && !text) {
		struct uc_error err = { 0 };

		uc_fail(&err, UC_INVALID, "the host's answer names no snapshot");
		status = uc_run_error(u->run, &err);
	} else if (!answer) {
		status = u->run->status;
	} else if (!u->args.json) {
		uc_buf_safe(&id, uc_raw(text), u->run->safe);
		puts(uc_buf_text(&id));
	} else {
		usync_json_snapshot(text);
	}
	json_decref(answer);
	return status;
}

/* --- lists --- */

static void get_id(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_text(row, "id", out);
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

static void get_folders(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_number(row, "folders", UC_VALUE_NUMBER, out);
}

static void get_links(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_number(row, "links", UC_VALUE_NUMBER, out);
}

static void get_copied(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_number(row, "copied", UC_VALUE_SIZE, out);
}

static void get_unread(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_number(row, "unread", UC_VALUE_NUMBER, out);
}

static void get_user(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_text(row, "user", out);
}

static void get_host(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_text(row, "host", out);
}

static void get_git(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_text(row, "git", out);
}

static void get_message(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	usync_answer_text(row, "message", out);
}

// clang-format off
static const struct uc_column columns[] = {
	{ "SNAPSHOT", "id", UC_COLUMN_DEFAULT, 8, "its name", get_id },
	{ "MADE", "time", UC_COLUMN_DEFAULT, 8, "when", get_time },
	{ "FILES", "files", UC_COLUMN_DEFAULT | UC_COLUMN_RIGHT, 5, "how many", get_files },
	{ "SIZE", "bytes", UC_COLUMN_DEFAULT | UC_COLUMN_RIGHT, 4,
	  "of all files; what is as in another snapshot takes no room of its own", get_size },
	{ "FOLDERS", "folders", UC_COLUMN_RIGHT, 7, "how many", get_folders },
	{ "LINKS", "links", UC_COLUMN_RIGHT, 5, "symbolic links", get_links },
	{ "OWN", "own", UC_COLUMN_RIGHT, 4, "room of its own when it was made", get_copied },
	{ "UNREAD", "unread", UC_COLUMN_RIGHT, 6, "files that could not be read", get_unread },
	{ "USER", "user", 0, 8, "who made it", get_user },
	{ "HOST", "host", 0, 8, "from where", get_host },
	{ "GIT", "git", 0, 8, "the commit that was checked out", get_git },
	{ "MESSAGE", "message", UC_COLUMN_DEFAULT | UC_COLUMN_CUT, 10,
	  "what --message said", get_message },
	{ 0 }
};

struct list_args {
	struct usync_args all;
	struct uc_listing listing;
};
static const struct uc_opt list_options[] = {
	USYNC_LINK_OPTIONS,
	USYNC_PRESET_OPTION,
	{ "yes", 'y', UC_OPT_FLAG, USYNC_AT(yes), .help = "ask nothing" },
	UC_LISTING_OPTIONS(struct list_args, listing),
	{ 0 }
};
// clang-format on

static int run_snapshots(struct uc_run *run, const struct uc_cmd *cmd, int argc,
			 char **argv)
{
	struct list_args args = { .all = USYNC_ARGS };
	uc_auto(usync) struct usync u = { .run = run };
	struct uc_selection shown;
	struct uc_error err = { 0 };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_listing_select(run, columns, &args.listing, &shown) < 0 ||
	    uc_run_config(run, args.all.preset) < 0)
		return run->status;
	u.args = args.all;
	u.args.json = args.listing.json;
	if (usync_ask_project(&u, &err) < 0)
		return uc_run_error(run, &err);
	return usync_answer_table(&u, usync_call(&u, "snapshots", json_object()),
				  "snapshots", &shown, &args.listing);
}

static void put_entry(const struct uc_run *run, const json_t *row)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	const time_t when = (time_t)json_integer_value(json_object_get(row, "time"));
	const char *id = json_string_value(json_object_get(row, "id"));
	const char *message = json_string_value(json_object_get(row, "message"));
	const char *host = json_string_value(json_object_get(row, "host"));
	char stamp[32] = "";
	struct tm tm;

	if (localtime_r(&when, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &tm);
	uc_buf_safe(&line, uc_raw(id), run->safe);
	uc_buf_addf(&line, "  %s  %" JSON_INTEGER_FORMAT " files, ", stamp,
		    json_integer_value(json_object_get(row, "files")));
	usync_bytes(&line, (uint64_t)json_integer_value(json_object_get(row, "bytes")));
	if (host) {
		uc_buf_add(&line, ", from ");
		uc_buf_safe(&line, uc_raw(host), run->safe);
	}
	for (const char *p = message; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
		uc_buf_add(&line, "\n    ");
		uc_buf_safen(&line, p, strcspn(p, "\n"), run->safe);
	}
	puts(uc_buf_text(&line));
}

static void reverse(json_t *list)
{
	for (size_t i = 1; i < json_array_size(list); i++) {
		json_t *row = json_incref(json_array_get(list, i));

		(void)json_array_remove(list, i);
		(void)json_array_insert_new(list, 0, row);
	}
}

/* The latest first, with all that was said. */
static int run_log(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	uc_auto(usync) struct usync u = { .run = run, .args = USYNC_ARGS };
	struct uc_listing listing = { 0 };
	struct uc_selection shown;
	struct uc_error err = { 0 };
	json_t *answer, *list;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &u.args) ||
	    uc_run_config(run, u.args.preset) < 0)
		return run->status;
	listing.json = u.args.json;
	if (uc_listing_select(run, columns, &listing, &shown) < 0)
		return run->status;
	if (usync_ask_project(&u, &err) < 0)
		return uc_run_error(run, &err);
	answer = usync_call(&u, "snapshots", json_object());
	if (!answer)
		return run->status;
	list = json_object_get(answer, "snapshots");
	if (listing.json) {
		reverse(list);
		return usync_answer_table(&u, answer, "snapshots", &shown, &listing);
	}
	for (size_t i = json_array_size(list); i-- > 0;)
		put_entry(run, json_array_get(list, i));
	json_decref(answer);
	return 0;
}

// clang-format off
static const struct uc_opt log_options[] = {
	{ "json", .type = UC_OPT_FLAG, USYNC_AT(json), .group = "Output",
	  .help = "JSON, as of snapshots" },
	USYNC_LINK_OPTIONS,
	USYNC_PRESET_OPTION,
	{ "yes", 'y', UC_OPT_FLAG, USYNC_AT(yes), .help = "ask nothing" },
	{ 0 }
};
// clang-format on

const struct uc_cmd usync_cmd_snapshots = {
	.name = "usync snapshots",
	.summary = "list the snapshots of the project",
	.options = list_options,
	.columns = columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE,
	.doc = "List the project's snapshots on the host, the oldest first.",
	.fn = run_snapshots,
};

const struct uc_cmd usync_cmd_log = {
	.name = "usync log",
	.summary = "snapshots with their messages, the latest first",
	.options = log_options,
	.shared = UC_SHARED_VERBOSE,
	.fn = run_log,
};

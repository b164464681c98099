/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * usync watch: push, and again whenever something changed here. One change seldom comes
 * alone: it is waited until nothing happens for a moment, but not for ever.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>
#include "usync/options.h"
#include "usync/watch_tree.h"

enum {
	SETTLE_MS = 300,
	SETTLE_MOST_MS = 5000, /* of a program that writes without a pause */
	LOOK_S = 2,
	RETRY_FIRST_MS = 1000,
	RETRY_MOST_MS = 60000,
};

struct watch_args {
	struct usync_args all; /* first: rows of other commands have its offsets */
	bool poll;
};

// clang-format off
static const struct uc_opt options[] = {
	{ "settle", .type = UC_OPT_NUMBER, .metavar = "MS", .min = 1, .max = SETTLE_MOST_MS,
	  USYNC_AT(settle), .group = "When",
	  .help = "push when nothing changed for so many milliseconds",
	  .doc = "Push when nothing changed for so many milliseconds, 300 as a rule;\n"
		 "at the latest 5 seconds after the first change." },
	{ "poll", .type = UC_OPT_FLAG, .offset = offsetof(struct watch_args, poll),
	  .help = "look for changes instead of being told by inotify" },
	{ "interval", .type = UC_OPT_DURATION, .metavar = "TIME", .min = 1, .max = 86400,
	  USYNC_AT(interval), .help = "time between looks; 2 seconds",
	  .doc = "Time between looks, where inotify does not see all changes: on network\n"
		 "file systems, and where there are more folders than the system lets watch.\n"
		 "2 seconds as a rule." },
	USYNC_HOW_OPTIONS,
	USYNC_WHAT_OPTIONS,
	USYNC_RULES_OPTIONS,
	USYNC_SECRET_OPTION,
	USYNC_LINK_OPTIONS,
	USYNC_PRESET_OPTION,
	USYNC_SPEED_OPTIONS,
	USYNC_SHOW_OPTIONS,
	{ 0 }
};
// clang-format on

struct watch {
	struct uc_run *run;
	const struct watch_args *args;
	struct usync_tree tree;
	struct usync looks;     /* what the tree is looked at by, once there is one */
	struct usync_said said; /* in the push before: not again */
	bool ready;
	int retry_ms; /* 0: the last push went well */
};

/* Where to, and by which rules. The lists stay the caller's. */
static int ask_for(const struct watch *watch, struct usync *u, struct uc_error *err)
{
	u->run = watch->run;
	u->args = watch->args->all;
	return usync_request(u, UC_SYNC_PUSH, err) < 0 || usync_project(u, err) < 0 ||
			       usync_words(u, err) < 0
		       ? -1
		       : 0;
}

/* One push; its exit status. */
static int push(struct watch *watch)
{
	uc_auto(usync) struct usync u = { 0 };
	struct uc_error err = { 0 };
	int status;

	u.show.verb = "watch";
	u.show.idle_quiet = true;
	u.show.said = &watch->said;
	if (ask_for(watch, &u, &err) < 0) {
		status = uc_run_error(watch->run, &err);
	} else {
		status = usync_do(&u);
		watch->ready = true;
	}
	memset(&u.args, 0, sizeof(u.args));
	return status;
}

/* True: try it again after a while, although nothing changed here. */
static bool is_worth_retrying(struct watch *watch, int status)
{
	if (status != UC_UNREACHABLE) {
		watch->retry_ms = 0;
		return false;
	}
	watch->retry_ms = watch->retry_ms ? watch->retry_ms * 2 : RETRY_FIRST_MS;
	if (watch->retry_ms > RETRY_MOST_MS)
		watch->retry_ms = RETRY_MOST_MS;
	uc_run_say(watch->run, 0, "it is tried again in %d s", watch->retry_ms / 1000);
	return true;
}

/* 1: push now; -1. */
static int wait_for_change(struct watch *watch, struct uc_error *err)
{
	const int64_t settle =
		watch->args->all.settle ? watch->args->all.settle : SETTLE_MS;
	int64_t end;
	int changed;

	if (watch->retry_ms) {
		poll(NULL, 0, watch->retry_ms);
		return 1;
	}
	changed = usync_tree_wait(&watch->tree, -1, err);
	end = uc_monotonic_ms() + SETTLE_MOST_MS;
	while (changed > 0 && uc_monotonic_ms() < end)
		changed = usync_tree_wait(&watch->tree, (int)settle, err);
	usync_tree_refresh(&watch->tree);
	return changed < 0 ? -1 : 1;
}

static int watch_on(struct watch *watch)
{
	struct uc_error err = { 0 };
	int status = push(watch);
	bool missed;

	if (!watch->ready || status == 128 + 2 || status == UC_USAGE ||
	    status == UC_DENIED)
		return status;
	(void)is_worth_retrying(watch, status);
	watch->tree.request = &watch->looks.request;
	if (ask_for(watch, &watch->looks, &err) < 0 ||
	    usync_tree_open(&watch->tree, watch->args->poll, &err) < 0)
		return uc_run_error(watch->run, &err);
	if (watch->tree.why)
		uc_run_say(watch->run, watch->args->poll ? 1 : 0,
			   "looking for changes every %lld s: %s",
			   (long long)watch->tree.interval_ms / 1000, watch->tree.why);
	if (!watch->args->all.json && !watch->args->all.quiet)
		uc_run_say(watch->run, 0, "watching %s", watch->looks.near.data);
	/* what changed during the first push, which nobody watched */
	missed = !watch->retry_ms;
	for (;;) {
		if (!missed && wait_for_change(watch, &err) < 0)
			return uc_run_error(watch->run, &err);
		missed = false;
		status = push(watch);
		if (status == 128 + 2)
			return status;
		(void)is_worth_retrying(watch, status);
	}
}

static int run_watch(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct watch_args args = { .all = USYNC_ARGS };
	struct watch watch = { .run = run, .args = &args, .tree.inotify = -1 };
	/* for its lists */
	uc_auto(usync) struct usync owner = { .run = run };
	struct uc_error err = { 0 };
	bool parsed = uc_run_parse(run, cmd, argv, &args);
	int status;

	(void)argc;
	owner.args = args.all;
	if (!parsed)
		return run->status;
	if (args.all.dry_run) {
		uc_fail(&err, UC_USAGE, "'--dry-run' is for one push, not for watching");
		return uc_run_error(run, &err);
	}
	watch.tree.interval_ms = 1000 * (args.all.interval ? args.all.interval : LOOK_S);
	if (uc_run_config(run, args.all.preset) < 0)
		return run->status;
	status = watch_on(&watch);
	usync_tree_close(&watch.tree);
	memset(&watch.looks.args, 0, sizeof(watch.looks.args));
	uc_usync_free(&watch.looks);
	uc_strv_free(&watch.said.before);
	uc_strv_free(&watch.said.now);
	return status;
}

const struct uc_cmd usync_cmd_watch = {
	.name = "usync watch",
	.summary = "push, and again whenever something changes here",
	.usage = (const char *const[]){ "[OPTION...] [PATH...]", NULL },
	.options = options,
	.operands = "FILE",
	.shared = UC_SHARED_VERBOSE,
	.doc = "Push, and again whenever something changes here, until Ctrl-C.\n"
	       "A host that cannot be reached is tried again, at the latest every minute.",
	.fn = run_watch,
};

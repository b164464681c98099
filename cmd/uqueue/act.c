/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --cancel, --hold, --release, --requeue, --set: list, ask, do, say what became of it. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "uqueue/act.h"

/* --- what is asked for --- */

static const struct {
	const char *option;
	enum uc_action_kind kind;
	size_t offset; /* of a bool; --set is a list */
} verbs[] = {
	{ "cancel", UC_ACTION_CANCEL, offsetof(struct uqueue_args, cancel) },
	{ "hold", UC_ACTION_HOLD, offsetof(struct uqueue_args, hold) },
	{ "release", UC_ACTION_RELEASE, offsetof(struct uqueue_args, release) },
	{ "requeue", UC_ACTION_REQUEUE, offsetof(struct uqueue_args, requeue) },
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

const char *uqueue_acting(const struct uqueue_args *args)
{
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (*(const bool *)((const char *)args + verbs[i].offset))
			return verbs[i].option;
	return args->set.count ? "set" : NULL;
}

static int check_alone(const struct uqueue_args *args, struct uc_error *err)
{
	const char *first = uqueue_acting(args), *other = NULL;
	const struct {
		bool given;
		const char *option;
	} others[] = {
		{ args->why, "why" },
		{ args->by >= 0, "by" },
		{ args->iterate, "iterate" },
		{ args->watch, "watch" },
		{ args->finished, "finished" },
		{ args->start, "start" },
		{ args->sort.count > 0, "sort" },
		{ args->array, "array" },
		{ args->longer, "long" },
		{ args->listing.parsable, "parsable2" },
		{ args->set.count > 0 && strcmp(first, "set") != 0, "set" },
	};

	for (size_t i = 0; i < VERB_COUNT; i++)
		if (*(const bool *)((const char *)args + verbs[i].offset) &&
		    strcmp(verbs[i].option, first) != 0)
			other = verbs[i].option;
	for (size_t i = 0; !other && i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].given)
			other = others[i].option;
	return other ? uc_fail(err, UC_USAGE,
			       "options '--%s' and '--%s' exclude each other", first,
			       other)
		     : 0;
}

static bool is_narrowed(const struct uqueue_args *args)
{
	return args->me || args->users.count || args->jobs.count || args->names.count ||
	       args->partitions.count || args->qos.count || args->states.count ||
	       args->accounts.count || args->nodes.count;
}

static int check(const struct uqueue_act *act, struct uc_error *err)
{
	const struct uqueue_args *args = act->args;
	const char *option = uqueue_acting(args);

	if (check_alone(args, err) < 0)
		return -1;
	if (args->signal && !args->cancel)
		return uc_fail(err, UC_USAGE, "option '--signal' goes with '--cancel'");
	if (!is_narrowed(args)) {
		uc_fail(err, UC_USAGE,
			"option '--%s' needs job ids, or options that say which jobs",
			option);
		return uc_hint(err, "all of your own: uqueue --me --%s", option);
	}
	if (args->yes || args->dry_run)
		return 0;
	if (args->listing.json)
		return uc_fail(
			err, UC_USAGE,
			"options '--%s' and '--json' ask nobody: they need '--yes'",
			option);
	if (act->run->stdin_tty && act->run->stderr_tty)
		return 0;
	uc_fail(err, UC_USAGE, "option '--%s' asks first, and there is no terminal",
		option);
	return uc_hint(err, "'--yes' does it without asking, '--dry-run' only says what");
}

static int make_action(struct uqueue_act *act, struct uc_error *err)
{
	const struct uqueue_args *args = act->args;

	act->action.kind = UC_ACTION_CHANGE;
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (*(const bool *)((const char *)args + verbs[i].offset))
			act->action.kind = verbs[i].kind;
	if (args->signal && uc_signal_parse(args->signal, &act->action.signal, err) < 0)
		return uc_context(err, "option '--signal'");
	for (size_t i = 0; i < args->set.count; i++) {
		struct uc_change *change = &act->changes[act->action.change_count];

		/* a key a second time would leave no room either */
		if (act->action.change_count == UQUEUE_CHANGES_MAX)
			return uc_fail(err, UC_USAGE,
				       "option '--set' is given too often");
		if (uc_change_parse(args->set.item[i], change, err) < 0)
			return uc_context(err, "option '--set'");
		for (size_t k = 0; k < act->action.change_count; k++)
			if (act->changes[k].key == change->key)
				return uc_fail(err, UC_USAGE,
					       "option '--set': '%s' is given twice",
					       uc_change_name(change->key));
		act->action.change_count++;
	}
	act->action.changes = act->changes;
	return 0;
}

/* --- asking --- */

/* What was typed before the question was seen is no answer to it. */
static bool is_agreed(const struct uqueue_act *act)
{
	char answer[16] = "";
	size_t len = 0;
	char c;

	fflush(stdout);
	fprintf(stderr, "%s: %s %s? [y/N] ", act->run->prog,
		uqueue_act_verb(&act->action, false),
		act->hit_count == 1 && uqueue_hit_jobs(act->hits) == 1 ? "this job"
								       : "these jobs");
	tcflush(STDIN_FILENO, TCIFLUSH);
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		if (len < sizeof(answer) - 1)
			answer[len++] = c;
	return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

/* --- doing --- */

static void hint_limit(const struct uqueue_act *act, struct uqueue_goal *goal)
{
	if (goal->err.code != UC_DENIED || goal->target.user_id != act->context.me ||
	    goal->target.limit <= goal->job->time_limit)
		return;
	uc_hint(&goal->err, "once a job runs, only operators make its limit longer");
}

static void do_one(struct uqueue_act *act, struct uqueue_goal *goal)
{
	struct uc_action action = act->action;

	action.user_hold = goal->target.user_id == act->context.me;
	goal->done =
		uc_act(act->source, &action, &goal->target, &goal->note, &goal->err) == 0;
	if (!goal->done)
		hint_limit(act, goal);
}

static bool is_interrupted(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM));
}

/* What waits goes first: nothing of it is to start on what the others leave. */
static int do_all(struct uqueue_act *act)
{
	bool stopped = false, interrupted = false;
	sigset_t signals, before;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < act->goal_count; i++) {
			struct uqueue_goal *goal = &act->goals[i];

			if (!goal->job || uc_job_waits(goal->job) != (pass == 0))
				continue;
			interrupted = interrupted || is_interrupted();
			if (interrupted || stopped) {
				uc_fail(&goal->err,
					interrupted ? UC_FAILED : UC_UNREACHABLE,
					"not tried any more");
				continue;
			}
			do_one(act, goal);
			stopped = !goal->done && goal->err.code == UC_UNREACHABLE;
		}
	}
	/* what is pending is answered here, by saying what was done */
	while (is_interrupted())
		sigwaitinfo(&signals, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return interrupted;
}

/* --- what became of it --- */

static void report_goal(const struct uqueue_act *act, const struct uqueue_goal *goal)
{
	struct uc_error err = goal->err;

	if (goal->note)
		uc_run_say(act->run, 0, "job %s: %s", goal->id, goal->note);
	if (!err.text[0])
		return;
	if (goal->job)
		uc_context(&err, "job %s", goal->id);
	uc_run_error(act->run, &err);
}

/* The same failure for all: its code; for some: 1. */
static int exit_status(const struct uqueue_act *act)
{
	int status = -1;
	bool mixed = false;

	for (size_t i = 0; i < act->goal_count; i++) {
		const enum uc_code code = act->goals[i].err.code;
		const int one = code == UC_INVALID ? UC_FAILED : (int)code;

		mixed = mixed || (status >= 0 && one != status);
		status = one;
	}
	return mixed ? UC_FAILED : status < 0 ? 0 : status;
}

static void report(const struct uqueue_act *act)
{
	uint64_t done = 0, all = 0;

	for (size_t i = 0; i < act->goal_count; i++) {
		const struct uqueue_goal *goal = &act->goals[i];

		all += goal->jobs;
		done += goal->done ? goal->jobs : 0;
		if (!goal->job)
			continue; /* was said before the question */
		report_goal(act, goal);
	}
	if (done == all)
		uc_run_say(act->run, 0, "%s %" PRIu64 " job%s",
			   uqueue_act_verb(&act->action, true), done,
			   done == 1 ? "" : "s");
	else
		uc_run_say(act->run, 0, "%s %" PRIu64 " of %" PRIu64 " jobs",
			   uqueue_act_verb(&act->action, true), done, all);
}

static int show_commands(const struct uqueue_act *act)
{
	uc_auto(buf) struct uc_buf line = { 0 }, safe = { 0 };

	for (size_t i = 0; i < act->goal_count; i++) {
		if (!act->goals[i].job)
			continue;
		uc_buf_reset(&line);
		uc_buf_reset(&safe);
		uqueue_act_native(act, &act->goals[i], &line);
		if (act->run->stdout_tty)
			uc_buf_safen(&safe, uc_buf_text(&line), line.len, act->run->safe);
		puts(uc_buf_text(act->run->stdout_tty ? &safe : &line));
	}
	return exit_status(act);
}

/* Between the list and the end; the exit status. */
static int carry_out(struct uqueue_act *act)
{
	const bool json = act->args->listing.json;
	bool interrupted;
	int status;

	for (size_t i = 0; i < act->goal_count; i++)
		if (!act->goals[i].job)
			report_goal(act, &act->goals[i]);
	if (act->args->dry_run && json)
		return uqueue_act_json(act) ? act->run->status : exit_status(act);
	if (act->args->dry_run)
		return show_commands(act);
	if (!act->hit_count && json)
		return uqueue_act_json(act) ? act->run->status : exit_status(act);
	if (!act->hit_count) {
		if (!act->goal_count)
			uc_run_say(act->run, 0, "no jobs to %s",
				   uqueue_act_verb(&act->action, false));
		return exit_status(act);
	}
	if (!json && (status = uqueue_act_list(act)) != 0)
		return status;
	uqueue_act_summary(act);
	if (!act->args->yes && !is_agreed(act)) {
		uc_run_say(act->run, 0, "nothing was done");
		return UC_FAILED;
	}
	interrupted = do_all(act);
	if (json && uqueue_act_json(act) != 0)
		return act->run->status;
	report(act);
	return interrupted ? 128 + SIGINT : exit_status(act);
}

static int prepare(struct uqueue_act *act, struct uc_error *err)
{
	const struct uqueue_wants wants = { .ended = true };
	struct uqueue_filter *filter = &act->filter;

	if (!act->args->dry_run && uc_act_check(act->source, err) < 0)
		return -1;
	if (uqueue_filter_make(filter, act->args, uc_source_is_live(act->source), err) <
		    0 ||
	    uqueue_load(act->source, filter, &wants, &act->jobs, err) < 0 ||
	    uqueue_context_fill(&act->context, act->run, act->jobs, err) < 0)
		return -1;
	act->context.me = getuid();
	return uqueue_act_choose(act, err);
}

static void free_act(struct uqueue_act *act)
{
	for (size_t i = 0; i < act->goal_count; i++) {
		free(act->goals[i].id);
		free(act->goals[i].note);
	}
	for (size_t i = 0; i < act->hit_count; i++) {
		free(act->hits[i].narrowed);
		free(act->hits[i].tasks);
	}
	free(act->goals);
	free(act->hits);
	uqueue_context_free(&act->context);
	uqueue_filter_free(&act->filter);
	uc_jobs_free(act->jobs);
	uc_source_free(act->source);
}

int uqueue_do(struct uc_run *run, const struct uqueue_args *args)
{
	struct uqueue_act act = { .run = run, .args = args };
	struct uc_error err = { 0 };
	int status;

	if (check(&act, &err) < 0 || make_action(&act, &err) < 0)
		return uc_run_error(run, &err);
	if (uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &act.source) < 0)
		return run->status;
	status = prepare(&act, &err) < 0 ? uc_run_error(run, &err) : carry_out(&act);
	free_act(&act);
	return status;
}

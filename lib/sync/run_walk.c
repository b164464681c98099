/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The walk here, in a thread of its own: it is done while the other side is connected. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucluster/units.h>

#include "sync/run.h"
#include "sync/skip.h"

#define NOTES_MAX 10000u
#define STACK     ((size_t)4 << 20)
#define ASK_MS    100
#define GIT_MS    10000 /* for git to tell what it tracks */

const char *uc_sync_note_text(enum uc_sync_note note)
{
	static const char *const text[UC_SYNC_NOTES] = {
		[UC_SYNC_UNREADABLE] = "cannot be read",
		[UC_SYNC_SPECIAL] = "is no file, folder or link",
		[UC_SYNC_OTHER_FS] = "is another file system",
		[UC_SYNC_TOO_DEEP] = "is too deep",
		[UC_SYNC_TOO_LONG] = "has too long a path",
		[UC_SYNC_BAD_RULES] = "holds rules and cannot be read",
		[UC_SYNC_VANISHED] = "vanished",
	};

	return note < UC_SYNC_NOTES ? text[note] : "cannot be read";
}

static int take_entry(void *arg, int folder, const struct uc_sync_entry *entry,
		      struct uc_error *err)
{
	struct uc_sync_walking *walking = arg;

	(void)folder;
	return uc_sync_plan_near(walking->planner, entry, err);
}

static void take_note(void *arg, enum uc_sync_note note, const char *path,
		      int errno_value)
{
	struct uc_sync_walking *walking = arg;
	size_t count = walking->count;

	if (count == NOTES_MAX)
		return;
	if ((count & (count - 1)) == 0) {
		struct uc_sync_noted *more = reallocarray(
			walking->noted, count ? count * 2 : 1, sizeof(*more));

		if (!more)
			return;
		walking->noted = more;
	}
	walking->noted[count] =
		(struct uc_sync_noted){ strdup(path), (int)note, errno_value };
	walking->count += walking->noted[count].path != NULL;
}

static bool is_stopped(void *arg)
{
	struct uc_sync_walking *walking = arg;

	return atomic_load_explicit(walking->stop, memory_order_relaxed);
}

static void *walk(void *arg)
{
	static const char *const nothing[] = { NULL };
	struct uc_sync_walking *walking = arg;
	const struct uc_sync_request *request = walking->planner->request;

	if (!request->no_gitignore) {
		walking->options.work_tree = &walking->tree;
		walking->status = uc_work_tree_load(
			&walking->tree, walking->planner->root,
			request->ssh.environment ? request->ssh.environment : nothing,
			uc_monotonic_ms() + GIT_MS, &walking->err);
		if (walking->status < 0)
			return NULL;
	}
	walking->status = uc_sync_walk(walking->planner->root, &walking->options,
				       &walking->walked, &walking->err);
	return NULL;
}

static int read_rules(struct uc_ignore_list *list, const char *origin, const char *text,
		      struct uc_error *err)
{
	if (!text || !*text)
		return 0;
	return uc_ignore_list_read(list, origin, "", text, strlen(text), err);
}

int uc_sync_thread(pthread_t *thread, void *(*body)(void *arg), void *arg)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int failed;

	/* signals are for the threads of the program */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK); /* a walk is 64 folders deep */
	failed = pthread_create(thread, &attributes, body, arg);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

int uc_sync_walking_start(struct uc_sync_walking *walking,
			  struct uc_sync_planner *planner, atomic_bool *stop,
			  struct uc_error *err)
{
	const struct uc_sync_request *request = planner->request;
	int failed;

	if (read_rules(&walking->command, "command line",
		       uc_buf_text(&planner->scope->rules), err) < 0 ||
	    read_rules(&walking->config, "configuration", request->config_rules, err) <
		    0 ||
	    (!request->no_defaults && uc_sync_skip_read(&walking->defaults, err) < 0))
		return -1;
	walking->planner = planner;
	walking->stop = stop;
	walking->options = (struct uc_sync_walk_options){
		.command = walking->command.origin ? &walking->command : NULL,
		.config = walking->config.origin ? &walking->config : NULL,
		.defaults = walking->defaults.origin ? &walking->defaults : NULL,
		.no_gitignore = request->no_gitignore,
		.cross = request->cross,
		.entry = take_entry,
		.note = take_note,
		.stop = is_stopped,
		.arg = walking,
	};
	planner->walk = &walking->options;
	walking->walked.complete = true;
	if (planner->root < 0)
		return 0;
	failed = uc_sync_thread(&walking->thread, walk, walking);
	if (failed)
		return uc_fail_errno(err, UC_FAILED, failed, "cannot start a thread");
	walking->started = true;
	return 0;
}

/* Until it is done; the user is asked meanwhile whether to stop. */
static void wait_for_walk(struct uc_sync_run *run)
{
	struct timespec until;

	do {
		(void)uc_sync_asked_to_stop(run);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += ASK_MS * 1000000L;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
	} while (pthread_timedjoin_np(run->walking.thread, NULL, &until) == ETIMEDOUT);
}

int uc_sync_walking_join(struct uc_sync_run *run, struct uc_error *err)
{
	struct uc_sync_walking *walking = &run->walking;

	if (!walking->started)
		return 0;
	wait_for_walk(run);
	walking->started = false;
	if (walking->status < 0) {
		if (err)
			*err = walking->err;
		return uc_context(err, "'%s'", walking->planner->request->near);
	}
	return 0;
}

void uc_sync_walking_free(struct uc_sync_walking *walking)
{
	if (walking->started)
		pthread_join(walking->thread, NULL);
	walking->started = false;
	for (size_t i = 0; i < walking->count; i++)
		free(walking->noted[i].path);
	free(walking->noted);
	uc_sync_walked_free(&walking->walked);
	uc_work_tree_free(&walking->tree);
	uc_ignore_list_free(&walking->command);
	uc_ignore_list_free(&walking->config);
	uc_ignore_list_free(&walking->defaults);
}

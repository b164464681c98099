/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A run over two folders that are known, and over those of a project. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "usync/command.h"

int usync_do(struct usync *u)
{
	struct uc_sync_result result = { 0 };
	struct uc_sync_watcher watcher;
	struct uc_error err = { 0 };
	bool failed;

	u->show.run = u->run;
	u->show.request = &u->request;
	u->show.json = u->args.json;
	u->show.quiet = u->args.quiet;
	u->show.yes = u->args.yes;
	u->show.list = u->show.list || u->args.dry_run || u->run->parsed.verbose;
	signal(SIGPIPE, SIG_IGN); /* a connection that ends is told in words */
	signal(SIGXFSZ, SIG_IGN); /* so is a file beyond the limit of sizes */
	usync_show_begin(&u->show, &watcher);
	failed = uc_sync_run(&u->request, &watcher, &result, &err) < 0;
	if (!failed && result.how[0])
		uc_run_say(u->run, 1, "%s", result.how);
	u->run->status = usync_show_end(&u->show, &result, failed, &err);
	fflush(stdout);
	usync_stop_late(&u->show);
	return u->run->status;
}

int usync_do_project(struct usync *u, enum uc_sync_direction direction)
{
	struct uc_error err = { 0 };

	if (uc_run_config(u->run, u->args.preset) < 0)
		return u->run->status;
	if (usync_request(u, direction, &err) < 0 || usync_project(u, &err) < 0 ||
	    usync_words(u, &err) < 0)
		return uc_run_error(u->run, &err);
	return usync_do(u);
}

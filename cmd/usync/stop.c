/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The first Ctrl-C ends a run so that the next one goes on; the second ends at once. */
#include <signal.h>
#include <time.h>
#include "usync/show.h"

static void signals_to_stop(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

void usync_stop_arm(struct usync_show *show)
{
	sigset_t set;

	if (show->armed || show->stopping)
		return;
	signals_to_stop(&set);
	show->armed = sigprocmask(SIG_BLOCK, &set, NULL) == 0;
}

/* From here on signals do what they always do. */
void usync_stop_disarm(struct usync_show *show)
{
	sigset_t set;

	if (!show->armed)
		return;
	signals_to_stop(&set);
	show->armed = false;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

bool usync_stop_asked(struct usync_show *show)
{
	const struct timespec now = { 0, 0 };
	sigset_t set;

	if (show->stopping || !show->armed)
		return show->stopping;
	signals_to_stop(&set);
	if (sigtimedwait(&set, NULL, &now) < 0)
		return false;
	show->stopping = true;
	usync_progress_clear(show);
	if (!show->json)
		uc_run_say(show->run, 0, "stopping; once more ends it at once");
	usync_stop_disarm(show);
	return true;
}

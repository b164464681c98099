/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The first Ctrl-C ends a run so that the next one goes on; the second ends at once. A
 * thread waits for signals, and all others have them blocked: none is interrupted by one,
 * and none that is busy keeps the second from being heard.
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include "common/signals.h"
#include "usync/show.h"

/* Ends the thread: pthread_cancel() loads libgcc_s, and aborts where that fails. */
#define OVER SIGUSR1

static void signals_to_hear(sigset_t *set)
{
	uc_signals_ending(set);
	sigaddset(set, OVER);
}

/* As if nobody had waited for it. */
static void end_by(int signal)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, signal);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	kill(getpid(), signal);
	_exit(128 + signal);
}

static void *wait_for_signals(void *arg)
{
	struct usync_stop *stop = arg;
	sigset_t set;
	int signal;

	signals_to_hear(&set);
	for (;;) {
		if (sigwait(&set, &signal) != 0)
			continue;
		if (signal == OVER && atomic_load(&stop->over))
			return NULL;
		atomic_store(&stop->signal, signal);
		if (signal == OVER || !atomic_load(&stop->gently) ||
		    atomic_exchange(&stop->asked, true))
			end_by(signal);
	}
}

void usync_stop_begin(struct usync_show *show)
{
	struct usync_stop *stop = &show->stop;
	sigset_t set;

	signals_to_hear(&set);
	atomic_init(&stop->over, false);
	atomic_init(&stop->gently, false);
	atomic_init(&stop->asked, false);
	atomic_init(&stop->signal, 0);
	pthread_sigmask(SIG_BLOCK, &set, &stop->before);
	stop->running = pthread_create(&stop->thread, NULL, wait_for_signals, stop) == 0;
	if (!stop->running)
		pthread_sigmask(SIG_SETMASK, &stop->before, NULL);
}

void usync_stop_end(struct usync_show *show)
{
	struct usync_stop *stop = &show->stop;

	if (!stop->running)
		return;
	atomic_store(&stop->over, true);
	pthread_kill(stop->thread, OVER);
	pthread_join(stop->thread, NULL);
	stop->running = false;
	pthread_sigmask(SIG_SETMASK, &stop->before, NULL);
}

void usync_stop_late(struct usync_show *show)
{
	if (atomic_load(&show->stop.asked) && !show->stop.said)
		end_by(atomic_load(&show->stop.signal));
}

void usync_stop_gently(struct usync_show *show, bool gently)
{
	atomic_store(&show->stop.gently, gently);
}

bool usync_stop_asked(struct usync_show *show)
{
	if (!show->stop.running || !atomic_load(&show->stop.asked))
		return false;
	if (!show->stop.said) {
		show->stop.said = true;
		usync_progress_clear(show);
		if (!show->json)
			uc_run_say(show->run, 0, "stopping; once more ends it at once");
	}
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/stay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "common/signals.h"
#include "common/stay_state.h"

#define CHUNKS 64 /* of output between two looks at signals and answers */

enum {
	SIGNALS,
	ANSWER,
	FILES,
	EVENTS
};

void stay_say(struct stay *s, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	stay_line_erase(s);
	if (s->midline && s->run->stdout_tty && s->run->stderr_tty)
		fputc('\n', stderr);
	s->midline = false;
	uc_run_say(s->run, 0, "%s", uc_buf_text(&text));
}

/* True: a signal came, and this is over. */
static bool take_signal(struct stay *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	stay_detach(s, (int)info.ssi_signo);
	return true;
}

static int pause_ms(const struct stay *s)
{
	const int64_t now = uc_monotonic_ms();
	int64_t pause = uc_follow_pause(s->follow);
	const int64_t ask = s->ask_at > now ? s->ask_at - now : 0;

	if (!uc_asker_is_busy(s->asker) && !s->over && (pause < 0 || ask < pause))
		pause = ask;
	/* a line without an end, the line's clock, a pause in the output */
	if ((s->drawn || s->busy || s->midline || s->over) && (pause < 0 || pause > 250))
		pause = 250;
	return (int)pause;
}

/* 1: a signal ended it. */
static int wait_for_news(struct stay *s, struct uc_error *err)
{
	struct pollfd on[EVENTS] = {
		[SIGNALS] = { .fd = s->signals, .events = POLLIN },
		[ANSWER] = { .fd = uc_asker_fd(s->asker), .events = POLLIN },
		[FILES] = { .fd = uc_follow_fd(s->follow), .events = POLLIN },
	};

	if (poll(on, EVENTS, pause_ms(s)) < 0 && errno != EINTR)
		return uc_fail_errno(err, UC_FAILED, errno, "poll");
	if (on[SIGNALS].revents && take_signal(s))
		return 1;
	stay_line_tick(s);
	return on[ANSWER].revents ? stay_take(s, err) : 0;
}

/* Copy what there is, a part of it when there is much: 1, 0, -1. */
static int copy(struct stay *s, struct uc_error *err)
{
	int rc = 1;

	for (int i = 0; i < CHUNKS && rc > 0; i++)
		rc = stay_files_copy(s, err);
	return rc;
}

/* The end of the output may be seen later than the end of the job. */
static int finish(struct stay *s, struct uc_error *err)
{
	stay_files_claim(s);
	for (;;) {
		struct pollfd on = { .fd = s->signals, .events = POLLIN };
		const int rc = copy(s, err);

		if (rc < 0)
			return -1;
		if (rc == 0 && stay_files_done(s))
			return stay_files_end(s, err);
		if (poll(&on, 1, rc > 0 ? 0 : 100) > 0 && take_signal(s))
			return 1;
	}
}

/* 0: the job ended, or runs where that is all; 1: a signal; -1. */
static int stay_on(struct stay *s, struct uc_error *err)
{
	for (;;) {
		int rc;

		stay_ask(s);
		rc = wait_for_news(s, err);
		if (rc)
			return rc;
		if (s->what->until_start && s->seen && s->started && !s->over)
			return 0;
		rc = copy(s, err);
		if (rc < 0)
			return -1;
		if (s->over && s->seen)
			return finish(s, err);
	}
}

static int open_all(struct stay *s, struct uc_error *err)
{
	sigset_t set;

	fflush(stdout);
	if (uc_printer_open(&s->printer, err) < 0)
		return -1;
	s->follow = uc_follow_new();
	if (!s->follow)
		return uc_fail(err, UC_FAILED, "out of memory");
	uc_signals_ending(&set);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (s->signals < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "signalfd");
	sigprocmask(SIG_BLOCK, &set, &s->mask);
	/* its thread must have them blocked, too */
	s->asker = uc_asker_new(s->run);
	if (!s->asker)
		return -1;
	return 0;
}

/* A question that is still open is left to a thread, with all that it uses. */
static void close_all(struct stay *s)
{
	const bool idle = uc_asker_free(s->asker);

	stay_line_erase(s);
	stay_files_free(s);
	uc_jobs_free(s->jobs);
	uc_waiting_free(&s->waiting);
	if (!idle) {
		fflush(NULL);
		_exit(s->status);
	}
	if (s->signals < 0)
		return;
	/* what comes after it may be long, too, and ended by a signal */
	close(s->signals);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

int uc_stay(const struct uc_stay *what, struct uc_error *err)
{
	struct stay s = { .what = what,
			  .run = what->run,
			  .signals = -1,
			  .pause = 1000,
			  .printer = { .run = what->run,
				       .raw = what->raw,
				       .json = what->json,
				       .grep = what->grep } };
	int rc = open_all(&s, err);
	bool started;

	if (what->first && rc == 0)
		rc = stay_take_jobs(&s, &(struct uc_answer){ .jobs = what->first }, err);
	else
		uc_jobs_free(what->first);
	if (rc == 0)
		rc = stay_on(&s, err);
	if (rc < 0 && s.asker)
		s.status = err->code;
	if (rc < 0 && s.asker && uc_asker_is_busy(s.asker))
		uc_run_error(s.run, err);
	started = rc == 0 && what->until_start && !s.over;
	if (started)
		s.status = 0;
	else if (rc == 0)
		stay_end(&s);
	close_all(&s);
	if (rc < 0)
		return -1;
	what->run->status = s.status;
	err->text[0] = '\0';
	return s.status || (what->until_start && !started) ? -1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The line that is shown while srun waits for its job to start:
 *
 *	job 4711 waits 0:42: 3 jobs ahead in gpu, probably starts at 14:20 (no free nodes)
 *
 * usrun becomes srun, so a process beside it shows the line: no child of srun's (it would
 * have to wait for it), but of its process group, so that Ctrl-C and the shell's job
 * control mean both. It ends when the job starts or srun ends, whatever comes first, and
 * does nothing at all in the first two seconds.
 *
 * The cursor stays in an empty row above the line. What srun says when the job starts
 * goes there; inotify tells of it, and the line is gone before the job's first output.
 */
#include "usrun/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/units.h>

#define QUIET_MS     2000  /* nothing is asked or shown before */
#define QUEUE_MS     60000 /* between two looks at everybody's jobs, */
#define QUEUE_SHARE  200   /* each of which may take this part of the time */
#define SUBMIT_SLACK 30    /* seconds between the clocks of two hosts */

enum {
	SRUN,
	SIGNALS,
	TERMINAL,
	ANSWER,
	EVENTS
};

struct watch {
	const struct usrun *u;
	struct pollfd on[EVENTS];
	int guarded; /* the terminal whose idle time counts; -1: none */
	int64_t begun, ask_at, queue_at; /* ms */
	bool terminal, drawn, asking, disturbed, silent, remarked;
	int misses;
	pthread_t asker;
	struct usrun_waiting job;
	bool whole_queue; /* the question is about everybody's jobs */
	int64_t took;     /* ms */
	int found;        /* what the answer says: enum usrun_waiting_state */
};

/* --- the terminal
 * -----------------------------------------------------------------------*/

/* Somebody else wrote to the terminal since the last look. */
static bool was_written(struct watch *w)
{
	char events[4096];
	bool any = false;

	while (w->terminal && read(w->on[TERMINAL].fd, events, sizeof(events)) > 0)
		any = true;
	return any;
}

/* In one piece; our own writing is no event. */
static void put(struct watch *w, const struct uc_buf *text)
{
	if (!text->failed && write(STDERR_FILENO, text->data, text->len) < 0)
		w->terminal = false;
	was_written(w);
}

/* All of the screen below what is written: our line. */
static void erase(struct watch *w)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	if (!w->drawn)
		return;
	w->drawn = false;
	uc_buf_add(&text, "\x1b[J");
	put(w, &text);
}

static bool in_foreground(void)
{
	pid_t front = tcgetpgrp(STDERR_FILENO);

	return front < 0 || front == getpgrp();
}

static size_t columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 2)
		return 79;
	return size.ws_col - 1u;
}

/* Once, where it stays: the job does not start at once, and its code may change. */
static void remark(struct watch *w)
{
	uc_auto(buf) struct uc_buf note = { 0 }, text = { 0 };

	if (w->remarked)
		return;
	w->remarked = true;
	if (!usrun_code_note(w->u, &note))
		return;
	uc_buf_addf(&text, "\r%s: %s\r\n", w->u->run->prog, uc_buf_text(&note));
	put(w, &text);
}

static void draw(struct watch *w)
{
	uc_auto(buf) struct uc_buf line = { 0 }, text = { 0 };

	if (was_written(w) || w->disturbed || !in_foreground()) {
		erase(w);
		return;
	}
	remark(w);
	uc_waiting_line(&line, &w->job.shown, (uc_monotonic_ms() - w->begun) / 1000);
	uc_buf_add(&text, "\r\n");
	uc_buf_addn(&text, uc_buf_text(&line),
		    uc_text_clip(uc_buf_text(&line), columns()));
	uc_buf_add(&text, "\x1b[K\x1b[A\r");
	text.failed |= line.failed;
	put(w, &text);
	w->drawn = true;
}

/* Into a file or a pipe: once. */
static void say(struct watch *w)
{
	uc_auto(buf) struct uc_buf line = { 0 }, note = { 0 };

	uc_waiting_line(&line, &w->job.shown, -1);
	uc_run_say(w->u->run, 0, "%s", uc_buf_text(&line));
	if (usrun_code_note(w->u, &note))
		uc_run_say(w->u->run, 0, "%s", uc_buf_text(&note));
}

/* --- questions
 * --------------------------------------------------------------------------*/

/* In a thread of its own: the answer may take slurm.timeout, srun's end does not wait. */
static void *ask(void *arg)
{
	struct watch *w = arg;
	const uint64_t one = 1;
	const int64_t start = uc_monotonic_ms();

	w->found = usrun_waiting_ask(&w->job, w->u->run, w->whole_queue);
	w->took = uc_monotonic_ms() - start;
	if (write(w->on[ANSWER].fd, &one, sizeof(one)) < 0)
		return NULL;
	return w;
}

static bool start_asking(struct watch *w, bool whole_queue)
{
	w->whole_queue = whole_queue;
	w->disturbed = false;
	w->job.since = w->job.begun - SUBMIT_SLACK;
	w->asking = pthread_create(&w->asker, NULL, ask, w) == 0;
	return w->asking;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* A slow controller is asked less. */
static void plan(struct watch *w)
{
	const int64_t now = uc_monotonic_ms();

	w->ask_at =
		now + larger(usrun_waiting_pause_ms(&w->job), w->took * QUEUE_SHARE / 4);
	if (w->whole_queue)
		w->queue_at = now + larger(QUEUE_MS, w->took * QUEUE_SHARE);
}

/* True while there is something to wait for. */
static bool take_answer(struct watch *w)
{
	uint64_t count;

	if (read(w->on[ANSWER].fd, &count, sizeof(count)) < 0)
		return true;
	pthread_join(w->asker, NULL);
	w->asking = false;
	if (w->found == USRUN_WAITING_OVER)
		return false;
	if (w->found == USRUN_WAITING_UNSEEN && ++w->misses >= USRUN_MISSES)
		return false;
	if (w->found == USRUN_WAITING)
		w->misses = 0;
	if (w->found == USRUN_WAITING && !w->terminal) {
		say(w);
		return false;
	}
	if (w->found == USRUN_WAITING && !w->whole_queue && w->job.shown.in_line &&
	    uc_monotonic_ms() >= w->queue_at)
		return start_asking(w, true);
	plan(w);
	if (w->found == USRUN_WAITING)
		draw(w);
	return true;
}

/* --- waiting
 * ----------------------------------------------------------------------------*/

/* False: Ctrl-C and the like. srun gives the job back. */
static bool take_signal(struct watch *w)
{
	struct signalfd_siginfo info;

	erase(w);
	return read(w->on[SIGNALS].fd, &info, sizeof(info)) == sizeof(info) &&
	       info.ssi_signo == SIGTSTP;
}

static void wait_for_start(struct watch *w)
{
	/* what srun said so far */
	was_written(w);
	for (;;) {
		int64_t left = w->ask_at - uc_monotonic_ms();

		if (w->asking)
			left = -1;
		else if (left <= 0 && !start_asking(w, false))
			return;
		if (poll(w->on, EVENTS, (int)(w->asking ? -1 : left)) < 0 &&
		    errno != EINTR)
			return;
		if (w->on[TERMINAL].revents && was_written(w)) {
			w->disturbed = true;
			erase(w);
		}
		if (w->on[SRUN].revents)
			return;
		if (w->on[SIGNALS].revents && !take_signal(w))
			return;
		if (w->asking && w->on[ANSWER].revents && !take_answer(w))
			return;
	}
}

/* Keep nothing that is not needed: somebody may wait for the end of a pipe. */
static int keep_only(struct watch *w)
{
	enum {
		FIRST = 3,
		SECOND,
		HIGH = FIRST + EVENTS
	};
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -1;
	w->on[SRUN].fd = fcntl(w->on[SRUN].fd, F_DUPFD_CLOEXEC, HIGH);
	if (w->guarded >= 0)
		w->guarded = fcntl(w->guarded, F_DUPFD_CLOEXEC, HIGH);
	if (w->on[SRUN].fd < 0 || dup3(w->on[SRUN].fd, FIRST, O_CLOEXEC) < 0)
		return -1;
	w->on[SRUN].fd = FIRST;
	if (w->guarded >= 0)
		w->guarded = dup3(w->guarded, SECOND, O_CLOEXEC);
	closefrom(w->guarded >= 0 ? SECOND + 1 : SECOND);
	return 0;
}

static int open_events(struct watch *w)
{
	/* the last one: who is in the background writes to the terminal, too */
	const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTOU };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&set, ends[i]);
	if (keep_only(w) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	sigdelset(&set, SIGTTOU);
	w->on[SIGNALS].fd = signalfd(-1, &set, SFD_CLOEXEC);
	w->on[ANSWER].fd = eventfd(0, EFD_CLOEXEC);
	for (size_t i = 0; i < EVENTS; i++)
		w->on[i].events = POLLIN;
	w->on[TERMINAL].fd = -1;
	if (w->on[SIGNALS].fd < 0 || w->on[ANSWER].fd < 0)
		return -1;
	if (!w->terminal)
		return 0;
	/* without it the line could not be erased in time */
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	w->terminal = fd >= 0 && inotify_add_watch(fd, "/proc/self/fd/2", IN_MODIFY) >= 0;
	w->on[TERMINAL].fd = w->terminal ? fd : -1;
	return 0;
}

/*
 * Who waits for the end of srun's output does not wait for this. A terminal that is
 * closed with srun's end hangs up on its foreground group, and would on the process that
 * asks slurmctld.
 */
static bool step_aside(struct watch *w)
{
	if (dup2(STDIN_FILENO, STDERR_FILENO) < 0 || setpgid(0, 0) < 0)
		return false;
	if (w->asking)
		pthread_join(w->asker, NULL);
	w->asking = false;
	return true;
}

static void watch(struct watch *w)
{
	struct pollfd srun = w->on[SRUN];

	srun.events = POLLIN;
	if (open_events(w) < 0)
		return;
	usrun_waiting_line(&w->job, w->u);
	w->job.alive = true;
	srun.fd = w->on[SRUN].fd;
	/* most jobs start at once, and most of what is above was for nothing */
	if (poll(&srun, 1, QUIET_MS) == 0 && !w->silent)
		wait_for_start(w);
	erase(w);
	if (!step_aside(w))
		return;
	w->job.since = w->job.begun - SUBMIT_SLACK;
	w->job.alive = false;
	usrun_waiting_record(&w->job, w->u, srun.fd);
	if (w->guarded >= 0)
		usrun_idle_guard(w->u, &w->job, srun.fd, w->guarded);
}

/* Does srun make a job? */
static bool is_wanted(const struct usrun *u)
{
	return uc_spec_command(u->spec)[0] && !uc_spec_get(u->spec, "jobid") &&
	       !uc_run_env(u->run, "SLURM_JOB_ID") && !uc_run_env(u->run, "SLURM_JOBID");
}

void usrun_watch(const struct usrun *u)
{
	const char *term = uc_run_env(u->run, "TERM");
	struct watch w = { .u = u,
			   .guarded = -1,
			   .begun = uc_monotonic_ms(),
			   .job.begun = time(NULL),
			   .job.srun = getpid() };
	pid_t child;

	if (!is_wanted(u))
		return;
	w.silent = uc_spec_get(u->spec, "quiet");
	w.guarded = usrun_idle_terminal(u);
	if (w.silent && w.guarded < 0 && !usrun_keeps_receipts(u))
		return;
	w.terminal = u->run->stderr_tty && term && strcmp(term, "dumb") != 0;
	/* close-on-exec by itself; Linux 5.3 */
	w.on[SRUN].fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	child = w.on[SRUN].fd < 0 ? -1 : fork();
	if (child == 0) {
		/* the second one is nobody's child that could be waited for */
		if (fork() == 0)
			watch(&w);
		_exit(0);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	close(w.guarded);
	close(w.on[SRUN].fd);
}

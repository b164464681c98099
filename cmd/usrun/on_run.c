/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --on: a child, what it prints, and signals meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucluster/spawn.h>
#include <unistd.h>
#include "common/printer.h"
#include "common/signals.h"
#include "usrun/on.h"

#define RS       '\036'
#define TAIL_MAX 64 /* a mark and a number have less */

struct relay {
	const struct usrun_on *on;
	struct usrun_on_child *child;
	struct uc_printer printer;
	struct uc_channel out, err;
	char tail[TAIL_MAX]; /* from the last RS on: it may be the mark */
	size_t tail_len;
	uint64_t seen; /* bytes, with those of an earlier connection */
};

int usrun_on_signals(void)
{
	sigset_t set;

	uc_signals_ending(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * The signal that came, 0: none. The child has one of the terminal's itself; one that
 * somebody sent is handed on, and what only shows output ends.
 */
static int take_signal(const struct usrun_on *on, pid_t pid, bool ends)
{
	struct signalfd_siginfo info;

	if (on->signals < 0 ||
	    read(on->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	if (pid > 0 && (ends || info.ssi_code == SI_USER))
		kill(pid, ends ? SIGTERM : (int)info.ssi_signo);
	return (int)info.ssi_signo;
}

int usrun_on_rest(const struct usrun_on *on, int milliseconds)
{
	struct pollfd poll_on = { .fd = on->signals, .events = POLLIN };

	return poll(&poll_on, 1, milliseconds) > 0 ? take_signal(on, 0, false) : 0;
}

/* --- the output of a job --- */

/* What was not shown before. */
static int show(struct relay *r, const char *bytes, size_t len)
{
	const uint64_t from = r->seen;

	r->seen += len;
	if (r->seen <= r->child->skip)
		return 0;
	if (from < r->child->skip) {
		bytes += r->child->skip - from;
		len -= (size_t)(r->child->skip - from);
	}
	r->child->shown = r->seen;
	return uc_printer_put(&r->printer, &r->out, bytes, len);
}

static int show_tail(struct relay *r)
{
	const size_t len = r->tail_len;

	r->tail_len = 0;
	return len ? show(r, r->tail, len) : 0;
}

static bool may_be_mark(const struct relay *r)
{
	const size_t len = strlen(r->child->mark), had = r->tail_len - 1;

	return memcmp(r->tail + 1, r->child->mark, had < len ? had : len) == 0;
}

/* The last RS and what is behind it is held back as long as it may be the mark. */
static int relay_bytes(struct relay *r, const char *bytes, size_t len)
{
	while (len > 0) {
		const char *rs = memchr(bytes, RS, len);
		size_t plain = rs ? (size_t)(rs - bytes) : len;

		if (r->tail_len && plain && r->tail_len + plain < TAIL_MAX) {
			memcpy(r->tail + r->tail_len, bytes, plain);
			r->tail_len += plain;
			if (!may_be_mark(r) && show_tail(r) < 0)
				return -1;
		} else if (plain && (show_tail(r) < 0 || show(r, bytes, plain) < 0)) {
			return -1;
		}
		bytes += plain;
		len -= plain;
		if (!rs)
			break;
		if (show_tail(r) < 0)
			return -1;
		r->tail[r->tail_len++] = RS;
		bytes++;
		len--;
	}
	return 0;
}

/* Is the tail the mark? Then its number; -1: no. */
static int read_mark(struct relay *r)
{
	const char *mark = r->child->mark;
	const size_t len = mark ? strlen(mark) : 0;
	char *end;
	long number;

	if (!mark || r->tail_len < len + 4 || r->tail_len >= TAIL_MAX ||
	    memcmp(r->tail + 1, mark, len) != 0 || r->tail[len + 1] != ' ')
		return -1;
	r->tail[r->tail_len] = '\0';
	number = strtol(r->tail + len + 2, &end, 10);
	if (end == r->tail + len + 2 || strcmp(end, "\n") != 0 || number < 0 ||
	    number > 255)
		return -1;
	r->tail_len = 0;
	return (int)number;
}

static int take_bytes(struct relay *r, int which, const char *bytes, size_t len)
{
	struct usrun_on_child *child = r->child;

	if (which == 1)
		return uc_printer_put(&r->printer, &r->err, bytes, len);
	if (child->relay && !child->capture)
		return relay_bytes(r, bytes, len);
	if (child->out.len + len <= USRUN_ON_OUT)
		uc_buf_addn(&child->out, bytes, len);
	return 0;
}

/* Until standard output is at its end; what holds the other may be there for long. */
static int pump(struct relay *r, int out, int err, pid_t pid)
{
	struct pollfd on[3] = { { .fd = out, .events = POLLIN },
				{ .fd = err, .events = POLLIN },
				{ .fd = r->on->signals, .events = POLLIN } };
	char bytes[16384];

	while (on[0].fd >= 0) {
		if (poll(on, 3, -1) < 0 && errno != EINTR)
			return -1;
		if (on[2].revents)
			r->child->signal = take_signal(r->on, pid, r->child->relay);
		/* its errors first: they may say why it ended */
		for (int i = 1; i >= 0; i--) {
			ssize_t got;

			if (on[i].fd < 0 || !on[i].revents)
				continue;
			got = read(on[i].fd, bytes, sizeof(bytes));
			if (got < 0 && errno == EINTR)
				continue;
			if (got <= 0)
				on[i].fd = -1;
			else if (take_bytes(r, i, bytes, (size_t)got) < 0)
				return -1;
		}
	}
	return 0;
}

/* Until the child ends, whose outputs are ours. */
static void attend(struct relay *r, pid_t pid)
{
	struct pollfd on[2] = { { .fd = (int)syscall(SYS_pidfd_open, pid, 0),
				  .events = POLLIN },
				{ .fd = r->on->signals, .events = POLLIN } };

	while (on[0].fd >= 0 && !on[0].revents)
		if (poll(on, 2, -1) > 0 && on[1].revents)
			r->child->signal = take_signal(r->on, pid, false);
	if (on[0].fd >= 0)
		close(on[0].fd);
}

/* What is there already of its errors. */
static int drain(struct relay *r, int err)
{
	char bytes[16384];
	ssize_t got;

	if (err < 0 || fcntl(err, F_SETFL, O_NONBLOCK) < 0)
		return 0;
	while ((got = read(err, bytes, sizeof(bytes))) > 0)
		if (take_bytes(r, 1, bytes, (size_t)got) < 0)
			return -1;
	return 0;
}

/* --- a child --- */

struct pipes {
	int out[2], err[2];
};

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int start(const struct usrun_on *on, const struct uc_strv *words,
		 const struct usrun_on_child *child, struct pipes *pipes, pid_t *pid,
		 struct uc_error *err)
{
	struct uc_spawn spawn = { .words = words->item,
				  .environment = (char *const *)on->u->run->environment,
				  .fd = { child->relay ? -1 : STDIN_FILENO, STDOUT_FILENO,
					  STDERR_FILENO } };
	int rc;

	if (((child->capture || child->relay) && pipe2(pipes->out, O_CLOEXEC) < 0) ||
	    (child->relay && pipe2(pipes->err, O_CLOEXEC) < 0))
		return uc_fail_errno(err, UC_FAILED, errno, "pipe");
	if (pipes->out[1] >= 0)
		spawn.fd[1] = pipes->out[1];
	if (pipes->err[1] >= 0)
		spawn.fd[2] = pipes->err[1];
	rc = uc_spawn(&spawn, pid);
	close_one(&pipes->out[1]);
	close_one(&pipes->err[1]);
	if (rc)
		return uc_fail_errno(err, rc == ENOENT ? UC_NOTFOUND : UC_FAILED, rc,
				     "'%s' cannot be started", words->item[0]);
	return 0;
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int finish(struct relay *r, int failed)
{
	if (r->child->relay && !r->child->capture) {
		r->child->said = read_mark(r);
		/* a part of it is no output */
		if (r->child->said < 0 && !r->child->mark && show_tail(r) < 0)
			failed = errno;
	}
	if (!failed && (uc_printer_flush(&r->printer, &r->out) < 0 ||
			uc_printer_flush(&r->printer, &r->err) < 0))
		failed = errno;
	uc_printer_close(&r->printer);
	uc_channel_free(&r->out);
	uc_channel_free(&r->err);
	return failed;
}

int usrun_on_run(const struct usrun_on *on, const struct uc_strv *words,
		 struct usrun_on_child *child, struct uc_error *err)
{
	struct relay r = { .on = on,
			   .child = child,
			   .printer = { .run = on->u->run },
			   .err = { .error = true } };
	struct pipes pipes = { { -1, -1 }, { -1, -1 } };
	int failed = 0, rc;
	pid_t pid;

	child->said = -1;
	child->shown = child->skip;
	if (words->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_printer_open(&r.printer, err) < 0)
		return -1;
	fflush(NULL);
	rc = start(on, words, child, &pipes, &pid, err);
	if (rc == 0) {
		if (pipes.out[0] < 0)
			attend(&r, pid);
		else if (pump(&r, pipes.out[0], pipes.err[0], pid) < 0)
			failed = errno;
		if (failed)
			kill(pid, SIGTERM);
		close_one(&pipes.out[0]);
		child->status = wait_for(pid);
		if (!failed && drain(&r, pipes.err[0]) < 0)
			failed = errno;
		if (!child->signal)
			child->signal = take_signal(on, 0, false);
	}
	failed = finish(&r, failed);
	close_one(&pipes.out[0]);
	close_one(&pipes.err[0]);
	if (rc == 0 && failed)
		return uc_fail_errno(err, UC_FAILED, failed, "standard output");
	return rc;
}

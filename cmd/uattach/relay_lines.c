/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ucluster/spawn.h>
#include "common/printer.h"
#include "common/signals.h"
#include "uattach/relay.h"
#include "uattach/inside.h"

enum {
	OUTPUT,
	ERRORS,
	SIGNALS,
	EVENTS
};

#define END_MS 20 /* between looks whether it has ended */

struct relay {
	struct uattach *u;
	struct uc_printer printer;
	struct uc_channel channel[2];
	struct pollfd on[EVENTS];
	int keep; /* the other end of an input that never ends */
	struct uattach_child child;
};

void uattach_say_detached(const struct uattach *u)
{
	uc_auto(buf) struct uc_buf name = { 0 };

	uattach_job_name(&name, u->job);
	uc_run_say(u->run, 0, "detached, job %s goes on", uc_buf_text(&name));
	fprintf(stderr,
		"hint: 'uattach %s' comes back, 'uqueue --cancel %s' ends the job\n",
		uc_buf_text(&name), uc_buf_text(&name));
}

int uattach_exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Signals of the terminal are ours: the child ends when it is told to. */
static int spawn(struct relay *r, const struct uc_strv *argv, const int far[3])
{
	uc_auto(strv) struct uc_strv env = { 0 };
	struct uc_spawn spawn = { .words = argv->item, .fd = { far[0], far[1], far[2] } };

	uc_overlap_environment(r->u->run, &env);
	if (env.failed)
		return ENOMEM;
	spawn.environment = env.item;
	return uc_spawn(&spawn, &r->child.pid);
}

static int start(struct relay *r, const struct uc_strv *argv, struct uc_error *err)
{
	const bool typed = r->u->run->stdin_tty || r->u->args.input;
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errors[2] = { -1, -1 };
	int rc = 0;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
	    pipe2(errors, O_CLOEXEC) < 0)
		rc = errno;
	if (!rc)
		rc = spawn(r, argv,
			   (int[]){ typed ? STDIN_FILENO : in[0], out[1], errors[1] });
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&errors[1]);
	r->keep = in[1];
	r->on[OUTPUT].fd = out[0];
	r->on[ERRORS].fd = errors[0];
	if (!rc)
		return 0;
	r->child.pid = 0;
	return uc_fail_errno(err, UC_UNREACHABLE, rc, "cannot run '%s'", argv->item[0]);
}

static int copy(struct relay *r, int which, struct uc_error *err)
{
	char bytes[65536];
	ssize_t got = read(r->on[which].fd, bytes, sizeof(bytes));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (got <= 0) {
		close_fd(&r->on[which].fd);
		return 0;
	}
	if (uc_printer_put(&r->printer, &r->channel[which], bytes, (size_t)got) < 0)
		return uc_fail_errno(err, UC_FAILED, errno,
				     "cannot write the step's output");
	return 0;
}

static bool take_signal(struct relay *r, int *signal_number)
{
	struct signalfd_siginfo info;

	if (read(r->on[SIGNALS].fd, &info, sizeof(info)) != sizeof(info))
		return false;
	*signal_number = (int)info.ssi_signo;
	return true;
}

/* Its end, once it says no more. 1: a signal; 0: it ended. */
static int await_end(struct relay *r, int *status, int *signal_number)
{
	for (;;) {
		const pid_t got = waitpid(r->child.pid, status, WNOHANG);

		if (got == r->child.pid || (got < 0 && errno != EINTR)) {
			r->child.pid = 0;
			return 0;
		}
		if (poll(&r->on[SIGNALS], 1, END_MS) > 0 && take_signal(r, signal_number))
			return 1;
	}
}

/* 1: a signal; 0: it ended. */
static int run(struct relay *r, int *status, int *signal_number, struct uc_error *err)
{
	while (r->on[OUTPUT].fd >= 0 || r->on[ERRORS].fd >= 0) {
		if (poll(r->on, EVENTS, -1) < 0) {
			if (errno == EINTR)
				continue;
			return uc_fail_errno(err, UC_FAILED, errno, "poll");
		}
		for (int i = 0; i < 2; i++)
			if (r->on[i].fd >= 0 && r->on[i].revents && copy(r, i, err) < 0)
				return -1;
		if (r->on[SIGNALS].revents && take_signal(r, signal_number))
			return 1;
	}
	return await_end(r, status, signal_number);
}

static int open_signals(struct relay *r, struct uc_error *err)
{
	sigset_t set;

	uc_signals_ending(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->on[SIGNALS].fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (r->on[SIGNALS].fd < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "signalfd");
	return 0;
}

int uattach_relay_lines(struct uattach *u, const struct uc_strv *argv,
			struct uattach_end *end, struct uc_error *err)
{
	struct relay r = { .u = u,
			   .printer = { .run = u->run,
					.raw = u->args.raw,
					.json = u->args.json,
					.grep = u->args.grep },
			   .channel = { [ERRORS] = { .error = true } },
			   .on = { { .fd = -1, .events = POLLIN },
				   { .fd = -1, .events = POLLIN },
				   { .fd = -1, .events = POLLIN } },
			   .keep = -1,
			   .child = { .to = -1, .from = -1, .errors = -1 } };
	int rc = uc_printer_open(&r.printer, err), number = 0, status = 0;

	if (rc == 0)
		rc = open_signals(&r, err);
	if (rc == 0)
		rc = start(&r, argv, err);
	for (size_t i = 0; i < 2; i++)
		uattach_job_name(&r.channel[i].job, u->job);
	if (rc == 0)
		rc = run(&r, &status, &number, err);
	for (size_t i = 0; i < 2; i++)
		if (rc >= 0 && uc_printer_flush(&r.printer, &r.channel[i]) < 0)
			rc = uc_fail_errno(err, UC_FAILED, errno,
					   "cannot write the step's output");
	/* told to end it leaves the step alone */
	if (r.child.pid)
		uattach_child_end(&r.child, 0);
	for (size_t i = 0; i < EVENTS; i++)
		close_fd(&r.on[i].fd);
	close_fd(&r.keep);
	uc_channel_free(&r.channel[0]);
	uc_channel_free(&r.channel[1]);
	uc_printer_close(&r.printer);
	end->detached = rc > 0;
	end->status = rc > 0 ? 128 + number : uattach_exit_status(status);
	return rc < 0 ? -1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * sattach has no key that leaves, and leaves the terminal as the program set it. So it
 * runs in a terminal of its own, and what it writes there is copied.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <ucluster/session.h>
#include "common/printer.h"
#include "uattach/inside.h"
#include "uattach/relay.h"
#include "uattach/session.h"

#define KEY_MS 700 /* a key that may begin the detach keys is held so long */

struct screen {
	struct uattach *u;
	struct uattach_terminal terminal;
	struct uc_modes modes; /* that the program set */
	struct uc_detach keys;
	struct uc_buf typed;
	struct uattach_size size; /* of the step's own terminal */
	int master, signals;
	pid_t child;
	bool ended, left;
	int signal;
};

/* The child's terminal; its name in *name. */
static int open_pair(struct screen *s, char *name, size_t size, struct uc_error *err)
{
	struct uc_session_size now;
	struct winsize window = { 0 };

	s->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (s->master < 0 || grantpt(s->master) < 0 || unlockpt(s->master) < 0 ||
	    ptsname_r(s->master, name, size) != 0)
		return uc_fail_errno(err, UC_FAILED, errno, "no terminal can be made");
	uattach_terminal_size(&s->terminal, &now);
	window.ws_col = now.columns;
	window.ws_row = now.rows;
	ioctl(s->master, TIOCSWINSZ, &window);
	return 0;
}

static int spawn(struct screen *s, const struct uc_strv *argv, const char *name)
{
	uc_auto(strv) struct uc_strv env = { 0 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	uattach_environment(s->u->run, &env);
	if (env.failed)
		return ENOMEM;
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_init(&actions);
	/* the first terminal that a new session opens becomes its own */
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, name, O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
	rc = posix_spawnp(&s->child, argv->item[0], &actions, &attr, argv->item,
			  env.item);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return rc;
}

static void show(struct screen *s)
{
	char bytes[16384];
	ssize_t got = read(s->master, bytes, sizeof(bytes));

	if (got < 0 && errno == EINTR)
		return;
	/* EIO: nobody has it open any more */
	if (got <= 0) {
		s->ended = true;
		return;
	}
	uc_modes_feed(&s->modes, bytes, (size_t)got);
	if (uc_write_all(s->terminal.fd, bytes, (size_t)got) < 0)
		s->left = true;
}

static void pass_on(struct screen *s)
{
	if (s->typed.len > 0 && uc_write_all(s->master, s->typed.data, s->typed.len) < 0)
		s->ended = true;
	uc_buf_reset(&s->typed);
}

static void take_typed(struct screen *s)
{
	char bytes[4096];
	ssize_t got = read(s->terminal.fd, bytes, sizeof(bytes));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		s->left = true;
		return;
	}
	if (uc_detach_typed(&s->keys, bytes, (size_t)got, &s->typed))
		s->left = true;
	pass_on(s);
}

static void take_signal(struct screen *s)
{
	struct signalfd_siginfo info;
	struct uc_session_size now;
	struct winsize window = { 0 };

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGWINCH) {
		s->signal = (int)info.ssi_signo;
		s->left = true;
		return;
	}
	uattach_terminal_size(&s->terminal, &now);
	window.ws_col = now.columns;
	window.ws_row = now.rows;
	ioctl(s->master, TIOCSWINSZ, &window);
	uattach_size_set(&s->size, now.rows, now.columns);
}

static void run(struct screen *s)
{
	struct pollfd on[] = { { .fd = s->master, .events = POLLIN },
			       { .fd = s->terminal.fd, .events = POLLIN },
			       { .fd = s->signals, .events = POLLIN } };

	while (!s->ended && !s->left) {
		const int rc = poll(on, 3, s->keys.at ? KEY_MS : -1);

		if (rc == 0) {
			uc_detach_flush(&s->keys, &s->typed);
			pass_on(s);
		}
		if (rc <= 0)
			continue;
		if (on[0].revents)
			show(s);
		if (on[1].revents)
			take_typed(s);
		if (on[2].revents)
			take_signal(s);
	}
}

static void restore(struct screen *s)
{
	uc_auto(buf) struct uc_buf undo = { 0 };
	int rc = 0;

	uc_modes_undo(&s->modes, &undo);
	/* in the middle of the program's line, as a rule */
	if (s->left)
		uc_buf_add(&undo, "\r\n");
	if (undo.len > 0 && !undo.failed)
		rc = uc_write_all(s->terminal.fd, undo.data, undo.len);
	(void)rc; /* one that is gone needs none of it */
	uattach_terminal_close(&s->terminal);
}

static int open_all(struct screen *s, const struct uc_strv *argv, struct uc_error *err)
{
	const char *keys = uc_config_string(s->u->run->config, "session.detach_key");
	char name[64];
	sigset_t set;
	int rc;

	if (uc_detach_parse(&s->keys, keys ? keys : "ctrl-a d", err) < 0 ||
	    uattach_terminal_open(&s->terminal, err) < 0 ||
	    open_pair(s, name, sizeof(name), err) < 0)
		return -1;
	/* the helper may not be there */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC);
	rc = s->signals < 0 ? errno : spawn(s, argv, name);
	if (rc)
		return uc_fail_errno(err, UC_UNREACHABLE, rc, "cannot run '%s'",
				     argv->item[0]);
	uattach_terminal_raw(&s->terminal);
	return 0;
}

int uattach_relay_screen(struct uattach *u, const struct uc_strv *argv,
			 struct uattach_end *end, struct uc_error *err)
{
	struct screen s = { .u = u, .master = -1, .signals = -1, .terminal.fd = -1 };
	int rc = open_all(&s, argv, err), status = 0;

	if (rc == 0) {
		struct uc_session_size now;

		uattach_size_open(u, &s.size);
		uattach_terminal_size(&s.terminal, &now);
		uattach_size_set(&s.size, now.rows, now.columns);
		run(&s);
	}
	restore(&s);
	if (rc == 0)
		uattach_size_close(&s.size);
	/* it leaves the step alone */
	if (s.child && s.left)
		kill(s.child, SIGTERM);
	if (s.master >= 0)
		close(s.master);
	while (s.child && waitpid(s.child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (s.signals >= 0)
		close(s.signals);
	uc_buf_free(&s.typed);
	end->detached = s.left;
	end->status = !s.left    ? uattach_exit_status(status)
		      : s.signal ? 128 + s.signal
				 : 0;
	return rc;
}

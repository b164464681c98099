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
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <ucluster/session.h>
#include <ucluster/units.h>
#include <ucluster/spawn.h>
#include "common/printer.h"
#include "uattach/inside.h"
#include "uattach/relay.h"
#include "uattach/session.h"

#define SCREEN_QUEUE (256u << 10) /* bytes that the terminal did not take yet */
#define TYPED_QUEUE  (64u << 10)  /* bytes that the step did not take yet */
#define KEY_MS       700 /* a key that may begin the detach keys is held so long */
#define FLUSH_MS     2000
#define LEAVE_MS     1000 /* sattach has to end when it is told to, */
#define END_MS       5000 /* and by itself */

/* Bytes on their way. */
struct queue {
	struct uc_buf buf;
	size_t done;
};

struct screen {
	struct uattach *u;
	struct uattach_terminal terminal;
	struct uc_modes modes; /* that the program set */
	struct uc_detach keys;
	struct queue typed, shown; /* to the program, to the terminal */
	int64_t typed_at;          /* ms */
	struct uattach_size size;  /* of the step's own terminal */
	int master, signals;
	struct uattach_child child;
	bool ended, left;
	int signal;
};

/* The child's terminal; its name in *name. */
static int open_pair(struct screen *s, char *name, size_t size, struct uc_error *err)
{
	struct uc_session_size now;
	struct winsize window = { 0 };

	s->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
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
	struct uc_spawn spawn = { .words = argv->item,
				  .session = true,
				  .terminal = name };

	uc_overlap_environment(s->u->run, &env);
	if (env.failed)
		return ENOMEM;
	spawn.environment = env.item;
	return uc_spawn(&spawn, &s->child.pid);
}

/* --- bytes, neither side of which is waited for --- */

static size_t waiting(const struct queue *q)
{
	return q->buf.len - q->done;
}

static void clear(struct queue *q)
{
	uc_buf_reset(&q->buf);
	q->done = 0;
}

/* False: it cannot be written any more. */
static bool give(int fd, struct queue *q)
{
	const ssize_t n = write(fd, q->buf.data + q->done, waiting(q));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	q->done += (size_t)n;
	if (waiting(q) == 0)
		clear(q);
	return true;
}

static void show(struct screen *s)
{
	char bytes[16384];
	ssize_t got = read(s->master, bytes, sizeof(bytes));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	/* EIO: nobody has it open any more */
	if (got <= 0) {
		s->ended = true;
		return;
	}
	uc_modes_feed(&s->modes, bytes, (size_t)got);
	uc_buf_addn(&s->shown.buf, bytes, (size_t)got);
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
	s->typed_at = uc_monotonic_ms();
	if (uc_detach_typed(&s->keys, bytes, (size_t)got, &s->typed.buf))
		s->left = true;
}

/* What still waits, for a moment. */
static void flush(struct screen *s)
{
	const int64_t until = uc_monotonic_ms() + FLUSH_MS;
	int64_t left;

	while ((waiting(&s->shown) > 0 || waiting(&s->typed) > 0) &&
	       (left = until - uc_monotonic_ms()) > 0) {
		struct pollfd on[] = {
			{ waiting(&s->shown) ? s->terminal.fd : -1, POLLOUT, 0 },
			{ waiting(&s->typed) ? s->master : -1, POLLOUT, 0 },
		};

		if (poll(on, 2, (int)left) < 0)
			continue;
		if (on[0].revents && !give(s->terminal.fd, &s->shown))
			clear(&s->shown);
		if (on[1].revents && !give(s->master, &s->typed))
			clear(&s->typed);
	}
	clear(&s->shown);
	clear(&s->typed);
}

/* --- signals --- */

static void resize(struct screen *s)
{
	struct uc_session_size now;
	struct winsize window = { 0 };

	uattach_terminal_size(&s->terminal, &now);
	window.ws_col = now.columns;
	window.ws_row = now.rows;
	ioctl(s->master, TIOCSWINSZ, &window);
	uattach_size_set(&s->size, now.rows, now.columns);
}

/* The shell gets its terminal back, and gives it back to us; then the program is told of
 * another size and back, which is what makes it draw its screen again. */
static void suspend(struct screen *s)
{
	struct uc_session_size now;

	uc_modes_undo(&s->modes, &s->shown.buf);
	flush(s);
	uattach_terminal_restore(&s->terminal);
	raise(SIGSTOP);
	uattach_terminal_raw(&s->terminal);
	if (uc_modes_alternate(&s->modes))
		uc_buf_add(&s->shown.buf, "\x1b[?1049h");
	uc_modes_set(&s->modes, &s->shown.buf);
	uattach_terminal_size(&s->terminal, &now);
	if (now.rows > 1)
		uattach_size_set(&s->size, now.rows - 1, now.columns);
	resize(s);
}

static void take_signal(struct screen *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH) {
		resize(s);
	} else if (info.ssi_signo == SIGTSTP) {
		suspend(s);
	} else {
		s->signal = (int)info.ssi_signo;
		s->left = true;
	}
}

/* --- the loop --- */

/* Until a key that was held back is passed on; -1: none is. */
static int next_wait(const struct screen *s)
{
	const int64_t left = s->typed_at + KEY_MS - uc_monotonic_ms();

	return s->keys.at == 0 ? -1 : left > 0 ? (int)left : 0;
}

static void turn(struct screen *s)
{
	const bool deaf = waiting(&s->shown) > SCREEN_QUEUE;
	const bool full = waiting(&s->typed) > TYPED_QUEUE;
	const short master =
		(short)((deaf ? 0 : POLLIN) | (waiting(&s->typed) ? POLLOUT : 0));
	struct pollfd on[] = {
		{ master ? s->master : -1, master, 0 },
		{ s->terminal.fd,
		  (short)((full ? 0 : POLLIN) | (waiting(&s->shown) ? POLLOUT : 0)), 0 },
		{ s->signals, POLLIN, 0 },
	};

	if (poll(on, 3, next_wait(s)) < 0)
		return;
	if (on[0].revents & (POLLIN | POLLHUP | POLLERR) && !deaf)
		show(s);
	/* nobody reads it: its end is heard next */
	if (on[0].revents & (POLLOUT | POLLHUP | POLLERR) && waiting(&s->typed) &&
	    !give(s->master, &s->typed))
		clear(&s->typed);
	if (on[1].revents & POLLOUT && !give(s->terminal.fd, &s->shown))
		s->left = true;
	if (on[1].revents & (POLLIN | POLLHUP | POLLERR))
		take_typed(s);
	if (on[2].revents)
		take_signal(s);
	if (next_wait(s) == 0)
		uc_detach_flush(&s->keys, &s->typed.buf);
	if (s->shown.buf.failed || s->typed.buf.failed)
		s->left = true;
}

static void restore(struct screen *s)
{
	/* in the middle of the program's line, as a rule */
	uc_modes_undo(&s->modes, &s->shown.buf);
	if (s->left)
		uc_buf_add(&s->shown.buf, "\r\n");
	if (s->terminal.fd >= 0)
		flush(s);
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
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC);
	rc = s->signals < 0 ? errno : spawn(s, argv, name);
	if (rc) {
		s->child.pid = 0;
		return uc_fail_errno(err, UC_UNREACHABLE, rc, "cannot run '%s'",
				     argv->item[0]);
	}
	uattach_terminal_raw(&s->terminal);
	return 0;
}

int uattach_relay_screen(struct uattach *u, const struct uc_strv *argv,
			 struct uattach_end *end, struct uc_error *err)
{
	struct screen s = { .u = u,
			    .master = -1,
			    .signals = -1,
			    .terminal.fd = -1,
			    .child = { .to = -1, .from = -1, .errors = -1 } };
	int rc = open_all(&s, argv, err), status = 0;

	if (rc == 0) {
		struct uc_session_size now;

		uattach_size_open(u, &s.size);
		uattach_terminal_size(&s.terminal, &now);
		uattach_size_set(&s.size, now.rows, now.columns);
		while (!s.ended && !s.left)
			turn(&s);
	}
	restore(&s);
	if (rc == 0)
		uattach_size_close(&s.size);
	/* it leaves the step alone */
	if (s.child.pid && s.left)
		kill(s.child.pid, SIGTERM);
	if (s.master >= 0)
		close(s.master);
	if (s.child.pid)
		status = uattach_child_end(&s.child, s.left ? LEAVE_MS : END_MS);
	if (s.signals >= 0)
		close(s.signals);
	uc_buf_free(&s.typed.buf);
	uc_buf_free(&s.shown.buf);
	end->detached = s.left;
	end->status = !s.left ? status : s.signal ? 128 + s.signal : 0;
	return rc;
}

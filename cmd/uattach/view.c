/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * One loop around poll(2): nothing waits for the terminal or for srun, so that both hear
 * of each other's end.
 */
#include "uattach/view.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <ucluster/units.h>

#define SCREEN_QUEUE (256u << 10) /* bytes that the terminal did not take yet */
#define TYPED_QUEUE  (64u << 10)  /* bytes that srun did not take yet */
#define KEY_MS       700 /* a key that may begin the detach keys is held so long */
#define CONNECT_MS   60000

static void stop(struct uattach_view *v, enum uattach_outcome outcome)
{
	if (v->outcome == VIEW_GOING_ON)
		v->outcome = outcome;
}

/* --- what the server says --- */

/* In the last row, over whatever is there; the server draws the screen anew later. */
static void show_notice(struct uattach_view *v)
{
	const char *text = uc_buf_text(&v->notice);

	uc_buf_addf(&v->screen,
		    "\x1b"
		    "7\x1b[%u;1H\x1b[2K\x1b[7m%.*s\x1b[m\x1b"
		    "8",
		    v->size.rows, (int)uc_text_clip(text, v->size.columns), text);
}

static void take_line(struct uattach_view *v, const struct uc_session_frame *frame)
{
	uc_buf_reset(&v->notice);
	uc_buf_safen(&v->notice, frame->data, frame->len, v->u->run->safe);
}

static void take(struct uattach_view *v, const struct uc_session_frame *frame)
{
	switch (frame->type) {
	case UC_SESSION_WELCOME:
		v->welcome = true;
		v->begun = uc_monotonic_ms();
		uattach_terminal_raw(&v->terminal);
		break;
	case UC_SESSION_RESET:
		uc_modes_undo(&v->modes, &v->screen);
		v->modes = (struct uc_modes){ 0 };
		break;
	case UC_SESSION_OUTPUT:
		uc_modes_feed(&v->modes, frame->data, frame->len);
		uc_buf_addn(&v->screen, frame->data, frame->len);
		break;
	case UC_SESSION_NOTICE:
		take_line(v, frame);
		show_notice(v);
		break;
	case UC_SESSION_EXIT:
		stop(v, uc_session_read_exit(frame, &v->over, NULL) < 0 ? VIEW_LOST
									: VIEW_ENDED);
		break;
	case UC_SESSION_REFUSED:
		take_line(v, frame);
		stop(v, VIEW_REFUSED);
		break;
	default: /* that it is there, or of a newer release */
		break;
	}
}

static void take_all(struct uattach_view *v)
{
	struct uc_session_frame frame;
	size_t done = 0;
	long used = 0;

	while (v->outcome == VIEW_GOING_ON &&
	       (used = uc_session_get(v->in.data + done, v->in.len - done, &frame,
				      NULL)) > 0) {
		done += (size_t)used;
		take(v, &frame);
	}
	if (used < 0 || v->screen.failed)
		stop(v, VIEW_LOST);
	memmove(v->in.data, v->in.data + done, v->in.len - done);
	v->in.len -= done;
}

static void hear(struct uattach_view *v)
{
	char chunk[65536];
	const ssize_t got = read(v->link.from, chunk, sizeof(chunk));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		stop(v, VIEW_LOST);
		return;
	}
	v->heard = uc_monotonic_ms();
	uc_buf_addn(&v->in, chunk, (size_t)got);
	if (v->in.failed)
		stop(v, VIEW_LOST);
	else
		take_all(v);
}

/* --- what is typed --- */

static void terminal_gone(struct uattach_view *v)
{
	v->signal = SIGHUP;
	stop(v, VIEW_KILLED);
}

static void detach(struct uattach_view *v)
{
	uc_session_put(&v->out, UC_SESSION_DETACH, NULL, 0);
	stop(v, VIEW_DETACHED);
}

static void send_typed(struct uattach_view *v, const struct uc_buf *typed)
{
	if (typed->len > 0 && !v->u->args.read_only)
		uc_session_put_all(&v->out, UC_SESSION_INPUT, typed->data, typed->len);
}

static void take_typed(struct uattach_view *v)
{
	uc_auto(buf) struct uc_buf typed = { 0 };
	char chunk[4096];
	const ssize_t got = read(v->terminal.fd, chunk, sizeof(chunk));
	bool over;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		terminal_gone(v);
		return;
	}
	over = uc_detach_typed(&v->keys, chunk, (size_t)got, &typed);
	v->typed = uc_monotonic_ms();
	send_typed(v, &typed);
	if (over)
		detach(v);
}

static void release_keys(struct uattach_view *v)
{
	uc_auto(buf) struct uc_buf typed = { 0 };

	uc_detach_flush(&v->keys, &typed);
	send_typed(v, &typed);
}

/* --- signals --- */

static void resize(struct uattach_view *v)
{
	uattach_terminal_size(&v->terminal, &v->size);
	uc_session_put_size(&v->out, UC_SESSION_RESIZE, &v->size);
}

/* The shell gets its terminal back, and gives it back to us. */
static void suspend(struct uattach_view *v)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_modes_undo(&v->modes, &text);
	if (write(v->terminal.fd, text.data, text.len) < 0)
		stop(v, VIEW_LOST);
	uattach_terminal_restore(&v->terminal);
	raise(SIGSTOP);
	if (v->welcome)
		uattach_terminal_raw(&v->terminal);
	v->modes = (struct uc_modes){ 0 };
	v->heard = uc_monotonic_ms();
	resize(v);
	uc_session_put(&v->out, UC_SESSION_REDRAW, NULL, 0);
}

static void take_signal(struct uattach_view *v)
{
	struct signalfd_siginfo info;

	while (read(v->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			break; /* the end of its output says it */
		case SIGWINCH:
			resize(v);
			break;
		case SIGTSTP:
			suspend(v);
			break;
		default:
			v->signal = (int)info.ssi_signo;
			stop(v, VIEW_KILLED);
		}
	}
}

/* --- the loop --- */

static size_t left(const struct uc_buf *buf, size_t done)
{
	return buf->len - done;
}

/* False: it cannot be written any more. */
static bool give(int fd, struct uc_buf *buf, size_t *done)
{
	const ssize_t n = write(fd, buf->data + *done, left(buf, *done));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	*done += (size_t)n;
	if (*done == buf->len) {
		uc_buf_reset(buf);
		*done = 0;
	}
	return true;
}

static int next_wait(const struct uattach_view *v)
{
	const int64_t held =
		v->keys.at > 0 ? v->typed + KEY_MS - uc_monotonic_ms() : 1000;

	return held < 0 ? 0 : held < 1000 ? (int)held : 1000;
}

static void tick(struct uattach_view *v)
{
	const int64_t now = uc_monotonic_ms();

	if (v->keys.at > 0 && now - v->typed >= KEY_MS)
		release_keys(v);
	if (now - v->spoke >= UC_SESSION_ALIVE_MS) {
		uc_session_put(&v->out, UC_SESSION_ALIVE, NULL, 0);
		v->spoke = now;
	}
	/* a terminal that takes nothing keeps us from hearing */
	if (left(&v->screen, v->screen_done) > SCREEN_QUEUE)
		v->heard = now;
	if (now - v->heard > (v->welcome ? UC_SESSION_SILENT_MS : CONNECT_MS))
		stop(v, VIEW_LOST);
}

static void turn(struct uattach_view *v)
{
	const bool deaf = left(&v->screen, v->screen_done) > SCREEN_QUEUE;
	const bool full = left(&v->out, v->out_done) > TYPED_QUEUE;
	struct pollfd polls[] = {
		{ v->signals, POLLIN, 0 },
		{ v->link.from, (short)(deaf ? 0 : POLLIN), 0 },
		{ left(&v->out, v->out_done) ? v->link.to : -1, POLLOUT, 0 },
		{ v->link.errors, POLLIN, 0 },
		{ v->terminal.fd,
		  (short)((v->welcome && !full ? POLLIN : 0) |
			  (left(&v->screen, v->screen_done) ? POLLOUT : 0)),
		  0 },
	};

	if (poll(polls, sizeof(polls) / sizeof(polls[0]), next_wait(v)) < 0)
		return;
	if (polls[0].revents)
		take_signal(v);
	if (polls[3].revents)
		uattach_link_listen(&v->link);
	if (polls[1].revents && !deaf)
		hear(v);
	if (polls[4].revents & POLLOUT)
		if (!give(v->terminal.fd, &v->screen, &v->screen_done))
			terminal_gone(v);
	if (polls[4].revents & (POLLIN | POLLHUP | POLLERR))
		take_typed(v);
	if (polls[2].revents && !give(v->link.to, &v->out, &v->out_done))
		stop(v, VIEW_LOST);
	tick(v);
}

/* What is still to be written, for a moment. */
static void flush(struct uattach_view *v)
{
	const int64_t until = uc_monotonic_ms() + 2000;

	while (left(&v->screen, v->screen_done) > 0 && uc_monotonic_ms() < until) {
		struct pollfd out = { v->terminal.fd, POLLOUT, 0 };

		if (poll(&out, 1, 100) > 0 &&
		    !give(v->terminal.fd, &v->screen, &v->screen_done))
			break;
	}
	while (v->outcome == VIEW_DETACHED && left(&v->out, v->out_done) > 0 &&
	       uc_monotonic_ms() < until) {
		struct pollfd out = { v->link.to, POLLOUT, 0 };

		if (poll(&out, 1, 100) > 0 && !give(v->link.to, &v->out, &v->out_done))
			break;
	}
}

/* The terminal as it was, whatever the program has made of it; below what it shows. */
static void leave_terminal(struct uattach_view *v)
{
	const bool alternate = uc_modes_alternate(&v->modes);

	uc_modes_undo(&v->modes, &v->screen);
	v->modes = (struct uc_modes){ 0 };
	if (v->welcome && v->outcome != VIEW_ENDED)
		uc_buf_add(&v->screen, alternate ? "" : "\r\n");
	if (v->welcome)
		uc_buf_add(&v->screen, "\x1b[J");
	flush(v);
	uattach_terminal_restore(&v->terminal);
}

int uattach_view_show(struct uattach_view *v, struct uc_error *err)
{
	const struct uc_session_attach attach = {
		.version = UC_SESSION_VERSION,
		.size = (uattach_terminal_size(&v->terminal, &v->size), v->size),
		.read_only = v->u->args.read_only,
		.history = v->history,
	};

	v->outcome = VIEW_GOING_ON;
	v->welcome = false;
	uc_buf_reset(&v->in);
	uc_buf_reset(&v->out);
	v->out_done = 0;
	v->heard = v->spoke = uc_monotonic_ms();
	if (uattach_link_open(&v->link, v->u->run, v->job, err) < 0)
		return -1;
	uc_session_put_attach(&v->out, &attach);
	while (v->outcome == VIEW_GOING_ON && !v->out.failed)
		turn(v);
	leave_terminal(v);
	return 0;
}

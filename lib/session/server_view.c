/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Viewers: who they are, what they see, what they type. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "session/place.h"
#include "session/server.h"

static void drop(struct viewer *v)
{
	close(v->fd);
	uc_buf_free(&v->in);
	uc_buf_free(&v->out);
	*v = (struct viewer){ .fd = -1 };
}

static size_t waiting(const struct viewer *v)
{
	return v->out.len - v->sent;
}

bool uc_view_wants_out(const struct viewer *v)
{
	return waiting(v) > 0;
}

/* Who types more than the program takes waits, as at a terminal. */
bool uc_view_is_heard(const struct server *s, const struct viewer *v)
{
	return !v->attached || v->read_only || !uc_server_is_full(s);
}

static bool counts(const struct viewer *v)
{
	return v->fd >= 0 && v->attached && !v->leaving && !v->read_only;
}

/* The terminal's size: of the viewer that came or was resized last, or the smallest. */
static void choose_size(struct server *s)
{
	struct uc_session_size size = s->size;
	uint64_t latest = 0;
	bool any = false;

	for (size_t i = 0; i < VIEWERS; i++) {
		const struct viewer *v = &s->viewer[i];

		if (!counts(v))
			continue;
		if (s->options.latest ? v->serial > latest : !any) {
			size = v->size;
		} else if (!s->options.latest) {
			size.columns = v->size.columns < size.columns ? v->size.columns
								      : size.columns;
			size.rows = v->size.rows < size.rows ? v->size.rows : size.rows;
		}
		latest = v->serial > latest ? v->serial : latest;
		any = true;
	}
	uc_server_resize(s, &size);
}

void uc_views_accept(struct server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct viewer *v = NULL;

	if (fd < 0)
		return;
	for (size_t i = 0; i < VIEWERS && !v; i++)
		if (s->viewer[i].fd < 0)
			v = &s->viewer[i];
	/* the folder keeps others out; this holds where the file system does not */
	if (!v || !uc_place_is_peer(fd, getuid())) {
		close(fd);
		return;
	}
	*v = (struct viewer){ .fd = fd,
			      .heard = uc_monotonic_ms(),
			      .spoke = uc_monotonic_ms() };
}

/* --- what is shown --- */

static void draw(struct server *s, struct viewer *v, uint64_t from, bool clear)
{
	const struct uc_screen_draw how = { .size = v->size,
					    .from = from,
					    .clear = clear };
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_screen_draw(s->screen, &how, &text);
	if (text.failed) {
		drop(v);
		return;
	}
	uc_session_put(&v->out, UC_SESSION_RESET, NULL, 0);
	uc_session_put_all(&v->out, UC_SESSION_OUTPUT, text.data, text.len);
	v->behind = false;
}

void uc_views_redraw(struct server *s)
{
	for (size_t i = 0; i < VIEWERS; i++) {
		struct viewer *v = &s->viewer[i];

		if (v->fd >= 0 && v->attached && !v->behind)
			draw(s, v, uc_screen_lines(s->screen), true);
	}
}

void uc_views_output(struct server *s, const char *bytes, size_t len, uint64_t lines)
{
	for (size_t i = 0; i < VIEWERS; i++) {
		struct viewer *v = &s->viewer[i];

		if (v->fd < 0 || !v->attached || v->behind)
			continue;
		if (waiting(v) + len > VIEWER_QUEUE) {
			/* it takes what it has first, then sees where things stand */
			v->behind = true;
			v->lines = lines;
			continue;
		}
		uc_session_put_all(&v->out, UC_SESSION_OUTPUT, bytes, len);
	}
}

void uc_views_notice(struct server *s, const char *text)
{
	for (size_t i = 0; i < VIEWERS; i++)
		if (s->viewer[i].fd >= 0 && s->viewer[i].attached)
			uc_session_put(&s->viewer[i].out, UC_SESSION_NOTICE, text,
				       strlen(text));
}

void uc_views_over(struct server *s)
{
	const struct uc_session_exit over = { .status = s->status, .end = s->end };

	for (size_t i = 0; i < VIEWERS; i++) {
		struct viewer *v = &s->viewer[i];

		if (v->fd < 0)
			continue;
		/* the last screen, also for those who could not follow */
		if (v->attached && v->behind)
			draw(s, v, v->lines, true);
		if (v->fd < 0)
			continue;
		uc_session_put_exit(&v->out, &over);
		v->leaving = true;
	}
}

size_t uc_views_writing(const struct server *s)
{
	size_t count = 0;

	for (size_t i = 0; i < VIEWERS; i++)
		count += s->viewer[i].fd >= 0 && waiting(&s->viewer[i]) > 0;
	return count;
}

/* --- what they say --- */

static void refuse(struct viewer *v, const char *why)
{
	uc_session_put(&v->out, UC_SESSION_REFUSED, why, strlen(why));
	v->leaving = true;
}

static void attach(struct server *s, struct viewer *v,
		   const struct uc_session_frame *frame)
{
	const uint64_t lines = uc_screen_lines(s->screen);
	struct uc_session_attach wish;
	bool fresh;

	if (v->attached || uc_session_read_attach(frame, &wish, NULL) < 0) {
		drop(v);
		return;
	}
	if (s->closed) {
		refuse(v, "the session ends");
		return;
	}
	if (wish.version != UC_SESSION_VERSION) {
		refuse(v, "the session was begun by another release of ucluster");
		return;
	}
	fresh = !s->first_over && wish.size.columns == s->size.columns &&
		wish.size.rows == s->size.rows;
	v->attached = true;
	v->read_only = wish.read_only;
	v->size = wish.size;
	v->serial = ++s->serial;
	choose_size(s);
	uc_session_put_size(&v->out, UC_SESSION_WELCOME, &s->size);
	if (fresh)
		/* as if there were no server in between */
		uc_session_put_all(&v->out, UC_SESSION_OUTPUT, s->first.data,
				   s->first.len);
	else
		draw(s, v, lines > wish.history ? lines - wish.history : 0, false);
	s->first_over = true;
	uc_buf_free(&s->first);
	uc_guard_seen(&s->guard, uc_monotonic_ms());
}

static void resize(struct server *s, struct viewer *v,
		   const struct uc_session_frame *frame)
{
	struct uc_session_size size;

	if (uc_session_read_size(frame, &size, NULL) < 0) {
		drop(v);
		return;
	}
	v->size = size;
	v->serial = ++s->serial;
	if (!v->read_only)
		choose_size(s);
}

static void take(struct server *s, struct viewer *v, const struct uc_session_frame *frame)
{
	if (!v->attached && frame->type != UC_SESSION_ATTACH)
		return;
	switch (frame->type) {
	case UC_SESSION_ATTACH:
		attach(s, v, frame);
		break;
	case UC_SESSION_INPUT:
		if (!v->read_only)
			uc_server_typed(s, frame->data, frame->len);
		break;
	case UC_SESSION_RESIZE:
		resize(s, v, frame);
		break;
	case UC_SESSION_REDRAW:
		if (!v->behind)
			draw(s, v, uc_screen_lines(s->screen), true);
		break;
	case UC_SESSION_DETACH:
		drop(v);
		choose_size(s);
		break;
	default: /* a word that it is there, or of a newer release */
		break;
	}
}

static bool take_all(struct server *s, struct viewer *v)
{
	struct uc_session_frame frame;
	size_t done = 0;
	long used;

	while (v->fd >= 0 && !v->leaving &&
	       (used = uc_session_get(v->in.data + done, v->in.len - done, &frame,
				      NULL))) {
		if (used < 0)
			return false;
		done += (size_t)used;
		take(s, v, &frame);
	}
	if (v->fd < 0)
		return true;
	memmove(v->in.data, v->in.data + done, v->in.len - done);
	v->in.len -= done;
	return true;
}

/* False: it is gone. */
static bool hear(struct server *s, struct viewer *v)
{
	char chunk[16384];
	ssize_t got = recv(v->fd, chunk, sizeof(chunk), 0);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	v->heard = uc_monotonic_ms();
	uc_buf_addn(&v->in, chunk, (size_t)got);
	return !v->in.failed && take_all(s, v);
}

static bool speak(struct server *s, struct viewer *v)
{
	ssize_t sent = send(v->fd, v->out.data + v->sent, waiting(v), MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	v->spoke = uc_monotonic_ms();
	v->sent += (size_t)sent;
	if (waiting(v) > 0) {
		/* it may never be empty */
		if (v->sent >= VIEWER_QUEUE) {
			memmove(v->out.data, v->out.data + v->sent, waiting(v));
			v->out.len -= v->sent;
			v->sent = 0;
		}
		return true;
	}
	v->sent = 0;
	uc_buf_reset(&v->out);
	if (v->behind)
		draw(s, v, v->lines, true);
	return !v->leaving;
}

void uc_view_serve(struct server *s, struct viewer *v, short events)
{
	bool there = !v->out.failed;

	if (there && (events & POLLOUT) && waiting(v) > 0)
		there = speak(s, v);
	if (there && v->fd >= 0 && (events & (POLLIN | POLLHUP | POLLERR)))
		there = hear(s, v);
	if (!there && v->fd >= 0) {
		drop(v);
		choose_size(s);
	}
}

void uc_views_tick(struct server *s)
{
	const int64_t now = uc_monotonic_ms();

	for (size_t i = 0; i < VIEWERS; i++) {
		struct viewer *v = &s->viewer[i];

		if (v->fd < 0)
			continue;
		if (!uc_view_is_heard(s, v))
			v->heard = now;
		if (now - v->heard > UC_SESSION_SILENT_MS) {
			drop(v);
			choose_size(s);
		} else if (now - v->spoke > UC_SESSION_ALIVE_MS && waiting(v) == 0) {
			uc_session_put(&v->out, UC_SESSION_ALIVE, NULL, 0);
		}
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The frames of sessions (session.h), with types of their own. Each begins with the
 * number of a connection. A side may send as much as the other has granted (WINDOW at
 * first), so what waits for a connection is bounded.
 */
#include <ucluster/tunnel.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <ucluster/session.h>

#define WINDOW     (256u << 10)
#define CHUNK      16384
#define QUEUE_FULL (1u << 20) /* connections are not read while so much waits */
#define QUEUE_MOST (8u << 20) /* nor is who asks, and does not take the answers */
#define MORE_MAX   8

enum type {
	HELLO = 64,
	OPEN,   /* u16 port */
	DATA,   /* bytes */
	CREDIT, /* u32: so many were taken */
	END,    /* no more data from here */
	CLOSE,  /* why, in words, or nothing */
};

struct conn {
	uint16_t id; /* 0: free */
	int fd;
	bool connecting;
	bool read_end;   /* nothing more comes from it */
	bool write_end;  /* nothing more goes to it, */
	bool shut;       /* and it knows */
	uint32_t credit; /* may be sent */
	uint32_t taken;  /* to be granted */
	struct uc_buf out;
	size_t out_done;
};

struct uc_tunnel {
	int from, to;
	uc_tunnel_connect *connect;
	void *arg;
	struct conn conn[UC_TUNNEL_MAX];
	uint16_t last_id;
	struct uc_buf in, out;
	size_t out_done;
	bool up;
	char complaint[200];
};

static void put16(char *to, uint16_t number)
{
	to[0] = (char)(number & 0xff);
	to[1] = (char)(number >> 8);
}

static uint16_t get16(const char *from)
{
	return (uint16_t)((unsigned char)from[0] | (unsigned char)from[1] << 8);
}

static void put32(char *to, uint32_t number)
{
	put16(to, (uint16_t)(number & 0xffff));
	put16(to + 2, (uint16_t)(number >> 16));
}

static uint32_t get32(const char *from)
{
	return get16(from) | (uint32_t)get16(from + 2) << 16;
}

static void set_nonblocking(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* What was written makes room, also in a queue that is never empty. */
static void drop_front(struct uc_buf *queue, size_t *done)
{
	if (*done == queue->len) {
		uc_buf_reset(queue);
	} else if (*done >= WINDOW) {
		memmove(queue->data, queue->data + *done, queue->len - *done);
		queue->len -= *done;
	} else {
		return;
	}
	*done = 0;
}

static void put(struct uc_tunnel *t, enum type type, uint16_t id, const void *bytes,
		size_t len)
{
	char frame[2 + CHUNK];

	put16(frame, id);
	if (len > 0)
		memcpy(frame + 2, bytes, len);
	uc_session_put(&t->out, (enum uc_session_type)type, frame, len + 2);
}

static void free_conn(struct conn *c)
{
	if (c->id && c->fd >= 0)
		close(c->fd);
	uc_buf_free(&c->out);
	*c = (struct conn){ .fd = -1 };
}

struct uc_tunnel *uc_tunnel_new(int from, int to, uc_tunnel_connect *connect, void *arg)
{
	struct uc_tunnel *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct uc_tunnel){ .from = from, .to = to, .connect = connect, .arg = arg };
	for (size_t i = 0; i < UC_TUNNEL_MAX; i++)
		t->conn[i].fd = -1;
	set_nonblocking(from);
	set_nonblocking(to);
	put(t, HELLO, 0, NULL, 0);
	return t;
}

void uc_tunnel_free(struct uc_tunnel *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < UC_TUNNEL_MAX; i++)
		free_conn(&t->conn[i]);
	uc_buf_free(&t->in);
	uc_buf_free(&t->out);
	free(t);
}

size_t uc_tunnel_count(const struct uc_tunnel *t)
{
	size_t count = 0;

	for (size_t i = 0; i < UC_TUNNEL_MAX; i++)
		count += t->conn[i].id != 0;
	return count;
}

bool uc_tunnel_is_up(const struct uc_tunnel *t)
{
	return t->up;
}

void uc_tunnel_complaint(struct uc_tunnel *t, struct uc_buf *out)
{
	uc_buf_safen(out, t->complaint, strlen(t->complaint), 0);
	t->complaint[0] = '\0';
}

static struct conn *find(struct uc_tunnel *t, uint16_t id)
{
	for (size_t i = 0; i < UC_TUNNEL_MAX; i++)
		if (t->conn[i].id == id)
			return &t->conn[i];
	return NULL;
}

static struct conn *take(struct uc_tunnel *t, uint16_t id, int fd)
{
	struct conn *c = find(t, 0);

	if (!c)
		return NULL;
	*c = (struct conn){ .id = id, .fd = fd, .credit = WINDOW };
	set_nonblocking(fd);
	return c;
}

int uc_tunnel_add(struct uc_tunnel *t, int fd, uint16_t port, struct uc_error *err)
{
	char text[2];

	do {
		t->last_id++;
	} while (t->last_id == 0 || find(t, t->last_id));
	if (!take(t, t->last_id, fd))
		return uc_fail(err, UC_DENIED, "%d connections are open already",
			       UC_TUNNEL_MAX);
	put16(text, port);
	put(t, OPEN, t->last_id, text, sizeof(text));
	return 0;
}

static void close_conn(struct uc_tunnel *t, struct conn *c, const char *why)
{
	put(t, CLOSE, c->id, why, strlen(why));
	free_conn(c);
}

/* --- what the other end says --- */

static void open_one(struct uc_tunnel *t, uint16_t id, const char *bytes, size_t len)
{
	struct uc_error err = { 0 };
	struct conn *c;
	int fd = -1;

	if (!t->connect || len != 2 || id == 0 || find(t, id))
		uc_fail(&err, UC_INVALID, "nothing is to be connected here");
	else
		fd = t->connect(t->arg, get16(bytes), &err);
	c = fd >= 0 ? take(t, id, fd) : NULL;
	if (c) {
		c->connecting = true;
		return;
	}
	if (fd >= 0) {
		close(fd);
		uc_fail(&err, UC_DENIED, "%d connections are open already",
			UC_TUNNEL_MAX);
	}
	put(t, CLOSE, id, err.text, strlen(err.text));
}

static void take_frame(struct uc_tunnel *t, const struct uc_session_frame *frame)
{
	const char *bytes = frame->data + 2;
	const size_t len = frame->len - 2;
	uint16_t id;
	struct conn *c;

	if (frame->len < 2)
		return;
	id = get16(frame->data);
	c = id ? find(t, id) : NULL;
	switch ((int)frame->type) {
	case HELLO:
		t->up = true;
		break;
	case OPEN:
		open_one(t, id, bytes, len);
		break;
	case DATA:
		/* more than was granted: no such peer is served */
		if (c && c->out.len - c->out_done + len > 2 * WINDOW)
			close_conn(t, c, "it sent more than it may");
		else if (c)
			uc_buf_addn(&c->out, bytes, len);
		break;
	case CREDIT:
		if (c && len == 4 && get32(bytes) <= 2 * WINDOW - c->credit)
			c->credit += get32(bytes);
		break;
	case END:
		if (c)
			c->write_end = true;
		break;
	case CLOSE:
		if (len > 0 && len < sizeof(t->complaint)) {
			memcpy(t->complaint, bytes, len);
			t->complaint[len] = '\0';
		}
		if (c)
			free_conn(c);
		break;
	default: /* of a later release */
		break;
	}
}

/* 1: it is gone. */
static int hear(struct uc_tunnel *t, struct uc_error *err)
{
	char bytes[65536];
	struct uc_session_frame frame;
	size_t at = 0;
	long used = 0;
	ssize_t got = read(t->from, bytes, sizeof(bytes));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0)
		return 1;
	uc_buf_addn(&t->in, bytes, (size_t)got);
	if (t->in.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	while (at < t->in.len && (used = uc_session_get(t->in.data + at, t->in.len - at,
							&frame, err)) > 0) {
		take_frame(t, &frame);
		at += (size_t)used;
	}
	if (at > 0)
		memmove(t->in.data, t->in.data + at, t->in.len - at);
	t->in.len -= at;
	return used < 0 ? -1 : 0;
}

/* --- connections --- */

static void write_conn(struct uc_tunnel *t, struct conn *c)
{
	char text[4];
	ssize_t done = 0;

	if (c->connecting) {
		int why = 0;
		socklen_t size = sizeof(why);

		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &why, &size);
		if (why) {
			close_conn(t, c, strerror(why));
			return;
		}
		c->connecting = false;
	}
	while (c->out_done < c->out.len &&
	       (done = send(c->fd, c->out.data + c->out_done, c->out.len - c->out_done,
			    MSG_NOSIGNAL)) > 0) {
		c->out_done += (size_t)done;
		c->taken += (uint32_t)done;
	}
	if (done < 0 && errno != EAGAIN && errno != EINTR) {
		close_conn(t, c, "");
		return;
	}
	if (c->taken > WINDOW / 4) {
		put32(text, c->taken);
		put(t, CREDIT, c->id, text, sizeof(text));
		c->taken = 0;
	}
	drop_front(&c->out, &c->out_done);
	if (c->out.len > 0)
		return;
	if (c->write_end && c->read_end)
		close_conn(t, c, "");
	else if (c->write_end && !c->shut)
		c->shut = shutdown(c->fd, SHUT_WR) == 0;
}

static void read_conn(struct uc_tunnel *t, struct conn *c)
{
	char bytes[CHUNK];
	const size_t most = c->credit < CHUNK ? c->credit : CHUNK;
	ssize_t got = recv(c->fd, bytes, most, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0) {
		put(t, DATA, c->id, bytes, (size_t)got);
		c->credit -= (uint32_t)got;
		return;
	}
	if (got < 0) {
		close_conn(t, c, "");
		return;
	}
	c->read_end = true;
	put(t, END, c->id, NULL, 0);
	if (c->write_end && c->out_done == c->out.len)
		close_conn(t, c, "");
}

static short wanted(const struct uc_tunnel *t, const struct conn *c)
{
	short events = 0;

	if (!c->connecting && !c->read_end && c->credit > 0 &&
	    t->out.len - t->out_done < QUEUE_FULL)
		events |= POLLIN;
	if (c->connecting || c->out_done < c->out.len)
		events |= POLLOUT;
	return events;
}

/* 1: it is gone. */
static int speak(struct uc_tunnel *t)
{
	ssize_t done = 0;

	while (t->out_done < t->out.len && (done = write(t->to, t->out.data + t->out_done,
							 t->out.len - t->out_done)) > 0)
		t->out_done += (size_t)done;
	if (done < 0 && errno != EAGAIN && errno != EINTR)
		return 1;
	drop_front(&t->out, &t->out_done);
	return 0;
}

/* Those that were told to end while nothing waited for them. */
static void end_idle(struct uc_tunnel *t)
{
	for (size_t i = 0; i < UC_TUNNEL_MAX; i++) {
		struct conn *c = &t->conn[i];

		if (c->id && c->write_end && !c->shut && !c->connecting &&
		    c->out_done == c->out.len)
			write_conn(t, c);
	}
}

int uc_tunnel_step(struct uc_tunnel *t, struct pollfd *more, size_t count, int timeout,
		   struct uc_error *err)
{
	struct pollfd on[2 + MORE_MAX + UC_TUNNEL_MAX];
	struct pollfd *conns = on + 2 + count;
	int rc = 0;

	if (count > MORE_MAX)
		return uc_fail(err, UC_FAILED, "too many descriptors");
	on[0] = (struct pollfd){ .fd = t->out.len - t->out_done < QUEUE_MOST ? t->from
									     : -1,
				 .events = POLLIN };
	on[1] = (struct pollfd){ .fd = t->out.len > t->out_done ? t->to : -1,
				 .events = POLLOUT };
	for (size_t i = 0; i < count; i++)
		on[2 + i] = more[i];
	for (size_t i = 0; i < UC_TUNNEL_MAX; i++) {
		const short events = t->conn[i].id ? wanted(t, &t->conn[i]) : 0;

		conns[i] = (struct pollfd){ .fd = events ? t->conn[i].fd : -1,
					    .events = events };
	}
	if (poll(on, (nfds_t)(2 + count + UC_TUNNEL_MAX), timeout) < 0 && errno != EINTR)
		return uc_fail_errno(err, UC_FAILED, errno, "poll");
	for (size_t i = 0; i < count; i++)
		more[i].revents = on[2 + i].revents;
	for (size_t i = 0; i < UC_TUNNEL_MAX; i++) {
		struct conn *c = &t->conn[i];

		if (c->id && conns[i].revents & (POLLOUT | POLLERR | POLLHUP))
			write_conn(t, c);
		if (c->id && conns[i].fd == c->fd && conns[i].events & POLLIN &&
		    conns[i].revents & (POLLIN | POLLERR | POLLHUP))
			read_conn(t, c);
	}
	if (on[0].revents)
		rc = hear(t, err);
	end_idle(t);
	if (rc == 0)
		rc = speak(t);
	if (t->out.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return rc;
}

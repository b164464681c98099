/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A tunnel's peer that sends anything, among connections of both ends: they stay as many
 * as there may be, what comes out are whole frames, and no connection sends more than it
 * was granted.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <ucluster/session.h>
#include <ucluster/tunnel.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WINDOW   (256u << 10)
#define ENDS_MAX 128
#define IDS      256 /* of the frames that are made here */
#define TURNS    64  /* for what is written to be taken */

enum {
	HELLO = 64,
	OPEN,
	DATA,
	CREDIT,
	END,
	CLOSE
};

struct world {
	const uint8_t *at, *end; /* of the input */
	struct uc_tunnel *tunnel;
	int wire; /* our end of its stream */
	int ends[ENDS_MAX];
	size_t count;
	struct uc_buf heard;
	uint64_t granted[IDS], sent[IDS];
	bool over, plain; /* `plain`: no bytes were sent that are no frames of ours */
};

static void check(bool good)
{
	if (!good)
		abort();
}

static uint8_t next(struct world *w)
{
	return w->at < w->end ? *w->at++ : 0;
}

static int make_pair(struct world *w)
{
	int pair[2];

	if (w->count == ENDS_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	w->ends[w->count++] = pair[1];
	return pair[0];
}

static int connect_here(void *arg, uint16_t port, struct uc_error *err)
{
	const int fd = port % 4 ? make_pair(arg) : -1;

	return fd < 0 ? uc_fail(err, UC_NOTFOUND, "nobody is there") : fd;
}

/* --- what it says --- */

static void judge(struct world *w, const struct uc_session_frame *frame)
{
	const unsigned char *bytes = (const unsigned char *)frame->data;
	const size_t id = frame->len < 2 ? 0 : bytes[0] | (size_t)bytes[1] << 8;

	check(frame->len >= 2 && (int)frame->type >= HELLO && (int)frame->type <= CLOSE);
	if (!w->plain || id >= IDS)
		return;
	if ((int)frame->type == OPEN)
		w->granted[id] += WINDOW;
	if ((int)frame->type == DATA)
		w->sent[id] += frame->len - 2;
	check(w->sent[id] <= w->granted[id]);
}

static void hear(struct world *w)
{
	struct uc_session_frame frame;
	char bytes[65536];
	size_t at = 0;
	ssize_t got;
	long used;

	while ((got = read(w->wire, bytes, sizeof(bytes))) > 0)
		uc_buf_addn(&w->heard, bytes, (size_t)got);
	if (w->heard.len == 0)
		return;
	while ((used = uc_session_get(w->heard.data + at, w->heard.len - at, &frame,
				      NULL)) > 0) {
		judge(w, &frame);
		at += (size_t)used;
	}
	check(used == 0);
	if (at > 0)
		memmove(w->heard.data, w->heard.data + at, w->heard.len - at);
	w->heard.len -= at;
}

static void turn(struct world *w)
{
	struct uc_error err;

	if (!w->over)
		w->over = uc_tunnel_step(w->tunnel, NULL, 0, 0, &err) != 0;
	hear(w);
	check(uc_tunnel_count(w->tunnel) <= UC_TUNNEL_MAX);
}

/* --- what is said to it --- */

static void send_all(struct world *w, const char *bytes, size_t len)
{
	for (int i = 0; i < TURNS && len > 0 && !w->over; i++) {
		const ssize_t done = write(w->wire, bytes, len);

		if (done > 0) {
			bytes += done;
			len -= (size_t)done;
		}
		turn(w);
	}
}

static void send_raw(struct world *w)
{
	char bytes[256];
	size_t len = next(w);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)next(w);
	w->plain = w->plain && len == 0;
	send_all(w, bytes, len);
}

/* Its first bytes are the input's, the rest is filled. */
static void send_frame(struct world *w, int type, size_t len, size_t given)
{
	static char bytes[UC_SESSION_MAX];
	uc_auto(buf) struct uc_buf frame = { 0 };

	len = len < UC_SESSION_MAX ? len : UC_SESSION_MAX;
	for (size_t i = 0; i < given && i < len; i++)
		bytes[i] = (char)next(w);
	if (len > 1)
		bytes[1] = 0; /* an id below IDS */
	if (type == OPEN && len == 4)
		w->granted[(unsigned char)bytes[0]] += WINDOW;
	if (type == CREDIT && len == 6)
		for (int i = 0; i < 4; i++)
			w->granted[(unsigned char)bytes[0]] +=
				(uint64_t)(unsigned char)bytes[2 + i] << (8 * i);
	uc_session_put(&frame, (enum uc_session_type)type, bytes, len);
	send_all(w, frame.data, frame.len);
}

static void add(struct world *w)
{
	const int fd = make_pair(w);
	struct uc_error err;

	if (fd >= 0 && uc_tunnel_add(w->tunnel, fd, next(w), &err) < 0)
		close(fd);
}

static int any_end(struct world *w)
{
	const uint8_t which = next(w);

	return w->count ? w->ends[which % w->count] : -1;
}

static void use_end(struct world *w, int op)
{
	static const char filler[65536];
	static char bytes[65536];
	const int fd = any_end(w);

	if (fd < 0)
		return;
	if (op == 0)
		(void)!send(fd, filler, (size_t)next(w) << 8, MSG_NOSIGNAL);
	else if (op == 1)
		(void)!read(fd, bytes, sizeof(bytes));
	else
		shutdown(fd, next(w) % 3);
	turn(w);
}

static void act(struct world *w)
{
	const uint8_t op = next(w);

	switch (op % 10) {
	case 0:
		send_raw(w);
		break;
	case 1: /* of any type, short */
		send_frame(w, HELLO + next(w) % 8, next(w) % 64, 64);
		break;
	case 2:
		send_frame(w, OPEN, 4, 4);
		break;
	case 3:
		send_frame(w, DATA, (size_t)next(w) << 8, 2);
		break;
	case 4:
		send_frame(w, CREDIT, 6, 6);
		break;
	case 5:
		send_frame(w, op > 127 ? CLOSE : END, op > 127 ? 2 + next(w) : 2, 2);
		break;
	case 6:
		add(w);
		break;
	default:
		use_end(w, op % 10 - 7);
	}
	turn(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .at = data, .end = data + size, .plain = true };
	int pair[2];

	if (size < 2 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return 0;
	w.wire = pair[1];
	w.tunnel =
		uc_tunnel_new(pair[0], pair[0], next(&w) % 4 ? connect_here : NULL, &w);
	check(w.tunnel);
	while (w.at < w.end && !w.over)
		act(&w);
	/* the end of the other end is always noticed */
	close(w.wire);
	for (int i = 0; i < TURNS && !w.over; i++) {
		struct uc_error err;

		w.over = uc_tunnel_step(w.tunnel, NULL, 0, 0, &err) != 0;
	}
	check(w.over);
	uc_tunnel_free(w.tunnel);
	close(pair[0]);
	for (size_t i = 0; i < w.count; i++)
		close(w.ends[i]);
	uc_buf_free(&w.heard);
	return 0;
}

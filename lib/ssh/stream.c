/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh/stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "base/linux.h"

#define BUFFER  (1 << 20) /* bytes asked for; the system may give less */
#define LOOK_MS 20        /* how often an end is looked for that closes nothing */

void uc_tail_add(struct uc_tail *tail, const char *bytes, size_t len)
{
	size_t kept;

	if (len > UC_TAIL_MAX) {
		bytes += len - UC_TAIL_MAX;
		len = UC_TAIL_MAX;
	}
	kept = tail->len + len > UC_TAIL_MAX ? UC_TAIL_MAX - len : tail->len;
	memmove(tail->bytes, tail->bytes + tail->len - kept, kept);
	memcpy(tail->bytes + kept, bytes, len);
	tail->len = kept + len;
}

int uc_stream_pair(int fds[2])
{
	const int size = BUFFER;

	if (uc_socket_pair(fds) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0 ||
		    fcntl(fds[i], F_SETFL, O_NONBLOCK) < 0) {
			int error = errno;

			close(fds[0]);
			close(fds[1]);
			fds[0] = fds[1] = -1;
			errno = error;
			return -1;
		}
	return 0;
}

void uc_stream_shut(struct uc_stream *stream)
{
	if (!stream->end || stream->out < 0)
		return;
	if (stream->out == stream->in)
		shutdown(stream->out, SHUT_WR);
	else
		close(stream->out);
	stream->out = -1;
}

/* What still comes is read and forgotten, so that nobody waits for room to write it. */
static void drain(struct uc_stream *stream, int64_t deadline)
{
	while (stream->in >= 0) {
		struct pollfd ready = { .fd = stream->in, .events = POLLIN };
		int64_t left = deadline - uc_monotonic_ms();
		bool ended = stream->end->ended(stream->end);
		char chunk[16384];
		ssize_t got;
		int rc;

		if (left < 0)
			left = 0;
		rc = poll(&ready, 1, ended ? 0 : left > LOOK_MS ? LOOK_MS : (int)left);
		if (rc < 0 && errno != EINTR)
			return;
		if (rc <= 0 && (ended || left == 0))
			return;
		got = rc > 0 ? read(stream->in, chunk, sizeof(chunk)) : 1;
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) ||
		    uc_monotonic_ms() > deadline)
			return;
	}
}

int uc_stream_close(struct uc_stream *stream, int wait_ms, struct uc_buf *said)
{
	int64_t now = uc_monotonic_ms(), deadline = now + (wait_ms > 0 ? wait_ms : 0);
	int64_t left;
	int status;

	if (!stream->end)
		return -1;
	uc_stream_shut(stream);
	drain(stream, deadline);
	if (stream->in >= 0)
		close(stream->in);
	left = deadline - uc_monotonic_ms();
	status = stream->end->close(stream->end, left > 0 ? (int)left : 0, said);
	stream->in = stream->out = -1;
	stream->end = NULL;
	return status;
}

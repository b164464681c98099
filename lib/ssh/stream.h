/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_STREAM_H
#define UC_SSH_STREAM_H
/* What is behind a stream: a child, or a channel of a connection in this process. */
#include <sys/types.h>
#include <ucluster/ssh.h>

#define UC_TAIL_MAX 4096 /* bytes */

/* The end of what somebody said. */
struct uc_tail {
	char bytes[UC_TAIL_MAX];
	size_t len;
};
void uc_tail_add(struct uc_tail *tail, const char *bytes, size_t len);

/* The first thing in whatever is behind a stream. */
struct uc_stream_end {
	/* Whether close() would not wait. */
	bool (*ended)(struct uc_stream_end *end);
	/* As uc_stream_close; the descriptors are closed already. Frees it. */
	int (*close)(struct uc_stream_end *end, int wait_ms, struct uc_buf *said);
};

/*
 * Two connected sockets, both non-blocking and closed on exec: [0] is for who uses the
 * stream, [1] for what is behind it. -1 with errno, and both are -1.
 */
int uc_stream_pair(int fds[2]);

/*
 * As uc_stream_spawn(), but the program may ask at the terminal: a Ctrl-C there ends it,
 * too.
 */
int uc_child_spawn(struct uc_stream *stream, const char *const *words,
		   const char *const *environment, struct uc_error *err) UC_MUST_CHECK;

/*
 * Whether such a child, or one of its own, has a terminal open just now: ssh does while
 * it asks, and at no other time. True when that cannot be seen.
 */
bool uc_child_asks(const struct uc_stream *stream);

/* Append what a child (uc_stream_spawn) said on its standard error since last asked. */
void uc_child_says(struct uc_stream *stream, struct uc_buf *said);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_CHANNEL_H
#define UC_SSH_CHANNEL_H
/* One channel of a pump: what is behind a stream. */
#include <poll.h>

#include "ssh/pump.h"
#include "ssh/stream.h"

enum uc_channel_phase {
	UC_CHANNEL_OPENING,
	UC_CHANNEL_OPEN,
	UC_CHANNEL_CLOSED, /* out of the pump's list */
};

struct uc_channel_queue {
	char *bytes;
	size_t at, len;
};

struct uc_channel {
	struct uc_stream_end end; /* first, see stream.h */
	struct uc_pump *pump;
	struct uc_channel *next;
	/* under the pump's lock */
	enum uc_channel_phase phase;
	bool abandoned; /* nobody has a stream of it any more */
	int status;     /* as uc_stream_close has it */
	struct uc_tail tail;
	char failure[160]; /* why it did not open */
	/* of the pump's thread */
	enum uc_channel_kind kind;
	struct uc_buf text;   /* of the request */
	int fd;               /* its end of the stream's socket; -1: closed */
	LIBSSH2_CHANNEL *raw; /* NULL: not open, or freed */
	bool started;         /* the server said yes */
	bool failed;          /* it said no */
	bool begun;           /* libssh2 was asked to open it */
	bool dropped;         /* `abandoned`, as the thread saw it last */
	bool finished;        /* nothing is left to do for it */
	bool asleep;          /* its window is full: until more comes from the server */
	bool local_eof, eof_sent, remote_eof, shut, gone;
	struct uc_channel_queue to_net, to_user;
};

struct uc_channel *uc_channel_new(struct uc_pump *pump,
				  const struct uc_channel_request *request, int fd);
/* Of what no list has and nobody uses. */
void uc_channel_free(struct uc_channel *channel);

/* What it waits for; 0: nothing of its socket's. */
short uc_channel_events(const struct uc_channel *channel, const struct uc_link *link);

/*
 * Move what can be moved. True: something was, so that it is worth to come again.
 * `turn`: it may open; libssh2 opens one channel at a time.
 */
bool uc_channel_step(struct uc_channel *channel, struct uc_link *link, bool turn);

/* The pump, for its channels. */
void uc_pump_lock(struct uc_pump *pump);
void uc_pump_unlock(struct uc_pump *pump);
void uc_pump_changed(struct uc_pump *pump); /* locked: wake who waits for a channel */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_PUMP_H
#define UC_SSH_PUMP_H
/*
 * A thread that moves bytes between the channels of one libssh2 session, which is its own
 * from then on, and the streams that others use. It sleeps while nothing moves.
 */
#include <ucluster/ssh.h>

#include "ssh/link.h"

struct uc_pump;

/* Take over a link that is logged in; on failure it is closed too. */
int uc_pump_start(struct uc_pump **pump, struct uc_link *link, const char *name,
		  struct uc_error *err) UC_MUST_CHECK;
/* End all that runs over it and wait for the thread. Streams stay valid, and are over. */
void uc_pump_stop(struct uc_pump *pump);

enum uc_channel_kind {
	UC_CHANNEL_EXEC, /* `text` for the other side's shell; it is not waited for */
	UC_CHANNEL_SUBSYSTEM, /* `text` is its name */
	UC_CHANNEL_TCP,       /* a connection from there to `text`, `port` */
};

struct uc_channel_request {
	enum uc_channel_kind kind;
	const char *text;
	int port;
	int64_t deadline; /* of uc_monotonic_ms() */
};

/* UC_DENIED: the server does not want to; UC_UNREACHABLE: lost, or took too long. */
int uc_pump_open(struct uc_pump *pump, const struct uc_channel_request *request,
		 struct uc_stream *stream, struct uc_error *err) UC_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_TRANSPORT_H
#define UC_SSH_TRANSPORT_H
/* The two transports, and what they share. */
#include <ucluster/ssh.h>

#include "ssh/auth.h"
#include "ssh/config.h"
#include "ssh/host.h"
#include "ssh/pump.h"

struct uc_openssh;

struct uc_ssh {
	enum uc_ssh_transport transport;
	char why[320];
	int start_ms; /* for the server to start a program */
	/* libssh2 */
	struct uc_pump *pump;
	int fd; /* -1: it goes through another connection */
	struct uc_ssh *jump;
	struct uc_stream through;
	/* OpenSSH */
	struct uc_openssh *openssh;
	char *name; /* of the host */
};

/* What is being done for one uc_ssh_open. */
struct uc_connect {
	const struct uc_ssh_options *options;
	int64_t deadline;    /* of uc_monotonic_ms(); moves on while the user thinks */
	bool may_leave;      /* ssh can be tried next */
	struct uc_buf leave; /* why it should be: what is not done here */
	int depth;           /* of connections through connections */
};

/* The file that ssh reads and when it has to be done. */
struct uc_ssh_ask uc_connect_ask(const struct uc_connect *connect);
void uc_connect_say(const struct uc_connect *connect, int weight, const char *fmt, ...)
	UC_PRINTF(3, 4);

/* Why ssh has to be used for this; false: libssh2 can. */
bool uc_libssh2_leaves(const struct uc_ssh_config *config,
		       const struct uc_connect *connect, struct uc_buf *why);
/*
 * Connect in this process. On failure uc_connect.leave tells when ssh could do more.
 * `ssh` is freed by the caller in any case.
 */
int uc_libssh2_open(struct uc_ssh *ssh, const struct uc_ssh_config *config,
		    struct uc_connect *connect, struct uc_error *err) UC_MUST_CHECK;
void uc_libssh2_close(struct uc_ssh *ssh);

/* Whether somebody listens at a kept connection's socket. */
bool uc_openssh_alive(const char *path);
int uc_openssh_open(struct uc_ssh *ssh, const struct uc_ssh_config *config,
		    struct uc_connect *connect, struct uc_error *err) UC_MUST_CHECK;
/* With `subsystem`, `what` is the name of one. */
int uc_openssh_exec(struct uc_ssh *ssh, const char *what, bool subsystem,
		    struct uc_stream *stream, struct uc_error *err) UC_MUST_CHECK;
void uc_openssh_close(struct uc_openssh *openssh);
/* What ssh said when it ended with 255, as an error. */
int uc_openssh_fail(const char *said, const char *name, struct uc_error *err);

#endif

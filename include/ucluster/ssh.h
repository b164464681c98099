/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_SSH_H
#define UCLUSTER_SSH_H
/*
 * Programs and subsystems on another machine, as byte streams. Two transports behind one
 * interface: libssh2 in this process, which connects fast, and the user's own ssh, which
 * can do everything that OpenSSH can.
 *
 *	struct uc_ssh_options options = { .destination = "me@login", .asker = &ask };
 *	uc_auto(ssh) struct uc_ssh *ssh = NULL;
 *	if (uc_ssh_open(&ssh, &options, &err) < 0 ||
 *	    uc_ssh_exec(ssh, "usync --serve", &stream, &err) < 0)
 *		...
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Two descriptors, both non-blocking; one socket, in what is made here, so that
 * send(MSG_NOSIGNAL) works. Zero-initialise.
 */
struct uc_stream {
	int in, out; /* to read from, to write to; -1: closed. Both the stream's */
	struct uc_stream_end *end; /* what is behind it */
};
/* No more is written: the other side reads its end. Reading goes on. */
void uc_stream_shut(struct uc_stream *stream);
/*
 * Close it and learn how the other side ended, within `wait_ms`: its exit status, 128 + N
 * by signal, -1 unknown or not ended by then (it is killed or left). `said`: what it
 * wrote to its standard error, at most 4 KiB of the end, raw; may be NULL.
 */
int uc_stream_close(struct uc_stream *stream, int wait_ms, struct uc_buf *said);
/*
 * A program of this machine, its standard input and output; no shell. `words` ends with
 * NULL, words[0] is looked up in PATH of `environment`. It is in a process group of its
 * own: Ctrl-C at a terminal does not reach it.
 */
int uc_stream_spawn(struct uc_stream *stream, const char *const *words,
		    const char *const *environment, struct uc_error *err) UC_MUST_CHECK;

enum uc_ssh_transport {
	UC_SSH_AUTO,    /* the fastest that can do what the configuration asks for */
	UC_SSH_OPENSSH, /* the user's ssh */
	UC_SSH_LIBSSH2, /* in this process */
};

/* How the user is asked; any may be NULL: then nobody is there to answer. */
struct uc_ssh_asker {
	/*
	 * A password, passphrase or answer to the server's question, without a newline.
	 * `text` is safe and one or more lines; `echo`: what is typed may be seen. -1:
	 * the user gave up. The answer is wiped by who asked.
	 */
	int (*secret)(void *arg, const char *text, bool echo, struct uc_buf *answer);
	/* Trust a host never seen before? 0 only when the user typed yes. */
	int (*host)(void *arg, const char *text);
	/* One safe line of talk, with its weight: 0 always, 1 for -v, 2 for -vv. */
	void (*say)(void *arg, int weight, const char *text);
	void *arg;
};

struct uc_ssh_options {
	const char *destination; /* [USER@]HOST[:PORT] or a Host of ssh_config(5) */
	enum uc_ssh_transport transport;
	const char *config_file;        /* as ssh -F; NULL: the user's */
	const char *const *environment; /* PATH, HOME, SSH_AUTH_SOCK; NULL-terminated */
	int connect_ms; /* total, until logged in, without the user's thinking; 0: 20 s */
	int start_ms;   /* until the server starts a program; 0: 20 s */
	bool keep;      /* OpenSSH: keep the connection some minutes for the next run */
	const struct uc_ssh_asker *asker;
};

struct uc_ssh;

/*
 * Connect and log in. UC_UNREACHABLE; UC_DENIED: no way to log in, or the host's key is
 * not the known one or revoked, for which there is no way around; UC_USAGE: the
 * destination or the configuration; hints say what to do.
 */
int uc_ssh_open(struct uc_ssh **ssh, const struct uc_ssh_options *options,
		struct uc_error *err) UC_MUST_CHECK;
/*
 * Ends what still runs over it. Streams that were not closed are over then; they are
 * closed as ever.
 */
void uc_ssh_free(struct uc_ssh *ssh);
UC_DEFINE_AUTO(ssh, struct uc_ssh *)

/* The transport in use, never UC_SSH_AUTO, and one safe line why. */
enum uc_ssh_transport uc_ssh_transport(const struct uc_ssh *ssh, const char **why);
/* A round trip to the host, in microseconds, as the kernel measured it; -1: not known. */
int64_t uc_ssh_round_trip(const struct uc_ssh *ssh);

/*
 * Run one constant command line (the other side's shell reads it): no data in it. What is
 * written may be on its way before the server agreed to run it; when it does not, the
 * stream ends, with status -1 or 255 and its reason in `said`. Some ten streams at once:
 * MaxSessions of sshd_config(5).
 */
int uc_ssh_exec(struct uc_ssh *ssh, const char *command, struct uc_stream *stream,
		struct uc_error *err) UC_MUST_CHECK;
/* Start a subsystem, such as "sftp". */
int uc_ssh_subsystem(struct uc_ssh *ssh, const char *name, struct uc_stream *stream,
		     struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

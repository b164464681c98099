/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/connect.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

#define SHELL_NOT_FOUND  127
#define SHELL_NOT_TO_RUN 126
#define WAIT_MS          2000
#define BULK_STREAMS     4u
#define LOCAL_STREAMS    2u
#define NEAR_US          3000 /* a round trip: the network is fast, bytes cost CPU time */

/*
 * For any shell there, csh and fish as well. The second is tried when there is no first;
 * after a run that failed it finds its input at an end, and goes.
 */
static const char helper_there[] = "usync --serve || ~/.local/bin/usync --serve";

struct uc_sync_connect {
	const struct uc_sync_request *request;
	struct uc_ssh *ssh[UC_SYNC_STREAMS_MAX];
	char how[40];
};

/* ---- A helper on this machine ---- */

/* The words of a command line that no shell reads. */
static void split_words(struct uc_strv *words, const char *line)
{
	for (const char *at = line; *at;) {
		size_t len = strcspn(at, " \t");

		if (len > 0)
			uc_strv_addn(words, at, len);
		at += len;
		at += strspn(at, " \t");
	}
}

/* This program when it is usync, else the usync in PATH. */
static void own_words(struct uc_strv *words)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[len > 0 ? len : 0] = '\0';
	uc_strv_add(words, strcmp(uc_path_name(path), "usync") == 0 ? path : "usync");
	uc_strv_add(words, "--serve");
}

static int spawn_here(const struct uc_sync_connect *connect, struct uc_stream *stream,
		      struct uc_error *err)
{
	static const char *const none[] = { NULL };
	const struct uc_sync_request *request = connect->request;
	uc_auto(strv) struct uc_strv words = { 0 };

	if (request->helper)
		split_words(&words, request->helper);
	else
		own_words(&words);
	if (words.failed || words.count == 0)
		return uc_fail(err, UC_USAGE, "the helper's command line is empty");
	return uc_stream_spawn(stream, (const char *const *)words.item,
			       request->ssh.environment ? request->ssh.environment : none,
			       err);
}

/* ---- Over SSH ---- */

static int open_ssh(struct uc_sync_connect *connect, unsigned index, struct uc_error *err)
{
	struct uc_ssh_options options = connect->request->ssh;
	const char *why;

	if (connect->ssh[index])
		return 0;
	options.destination = connect->request->host;
	if (index > 0) {
		options.asker = NULL; /* what needs an answer is not worth it */
		options.keep = false; /* a channel of the first one would not help */
		if (options.transport == UC_SSH_AUTO)
			options.transport = UC_SSH_OPENSSH; /* faster for bulk */
	}
	if (uc_ssh_open(&connect->ssh[index], &options, err) < 0)
		return -1;
	if (index == 0)
		(void)snprintf(connect->how, sizeof(connect->how), "%s",
			       uc_ssh_transport(connect->ssh[0], &why) == UC_SSH_LIBSSH2
				       ? "libssh2"
				       : "ssh");
	return 0;
}

/* The helper's stream ended before it said anything: is there none? */
static bool is_missing(struct uc_stream *stream, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf said = { 0 }, safe = { 0 };
	int status = uc_stream_close(stream, WAIT_MS, &said);

	if (status == SHELL_NOT_FOUND || status == SHELL_NOT_TO_RUN)
		return true;
	if (said.len > 0 && err && !err->hint[0]) {
		uc_buf_safen(&safe, said.data, said.len, 0);
		uc_hint(err, "it said: %s", uc_buf_text(&safe));
	}
	return false;
}

static int open_sftp(struct uc_sync_connect *connect, unsigned index,
		     const struct uc_far_options *options, struct uc_far **far,
		     struct uc_error *err)
{
	struct uc_stream stream = { .in = -1, .out = -1 };

	if (uc_ssh_subsystem(connect->ssh[index], "sftp", &stream, err) < 0)
		return -1;
	if (uc_far_sftp_open(far, &stream, options, err) == 0)
		return 0;
	(void)uc_stream_close(&stream, WAIT_MS, NULL);
	/* what it says of a folder is of one there */
	if (err &&
	    (err->code == UC_NOTFOUND || err->code == UC_DENIED || err->code == UC_USAGE))
		(void)uc_context(err, "%s", connect->request->host);
	return -1;
}

static int open_helper(struct uc_sync_connect *connect, unsigned index,
		       const struct uc_far_options *options, struct uc_far **far,
		       struct uc_error *err)
{
	const struct uc_sync_request *request = connect->request;
	const char *line = request->helper ? request->helper : helper_there;
	struct uc_stream stream = { .in = -1, .out = -1 };
	int status;

	status = request->host ? uc_ssh_exec(connect->ssh[index], line, &stream, err)
			       : spawn_here(connect, &stream, err);
	if (status < 0)
		return -1;
	if (uc_far_helper_open(far, &stream, options, err) == 0)
		return 0;
	if (!is_missing(&stream, err))
		return -1;
	if (!request->host || request->helper) {
		uc_fail(err, UC_NOTFOUND, "no helper%s%s: '%s' was not found",
			request->host ? " on " : "", request->host ? request->host : "",
			request->helper ? request->helper : "usync");
		return uc_hint(err, request->host ? "usync install-helper %s" : "%s",
			       request->host ? request->host : "is usync in PATH?");
	}
	return open_sftp(connect, index, options, far, err);
}

static int open_far(void *arg, unsigned index, bool sftp,
		    const struct uc_far_options *options, struct uc_far **far,
		    struct uc_error *err)
{
	struct uc_sync_connect *connect = arg;
	const struct uc_sync_request *request = connect->request;

	if (!request->host && sftp)
		return uc_fail(err, UC_NOTFOUND, "no SFTP on this machine");
	if (request->host && open_ssh(connect, index, err) < 0)
		return -1;
	if (!sftp)
		return open_helper(connect, index, options, far, err);
	if (request->helper && !request->sftp)
		return uc_fail(err, UC_NOTFOUND, "no helper '%s' on %s", request->helper,
			       request->host);
	return open_sftp(connect, index, options, far, err);
}

/* The first connection stays: another far end may be opened over it. */
static void close_far(void *arg, unsigned index)
{
	struct uc_sync_connect *connect = arg;

	if (index == 0)
		return;
	uc_ssh_free(connect->ssh[index]);
	connect->ssh[index] = NULL;
}

/*
 * OpenSSH moves a byte for a half of what libssh2 takes, and takes some round trips and
 * processes to connect.
 */
static unsigned beside(void *arg)
{
	const struct uc_sync_connect *connect = arg;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t us;

	if (!connect->ssh[0] || connect->request->ssh.transport != UC_SSH_AUTO ||
	    uc_ssh_transport(connect->ssh[0], NULL) != UC_SSH_LIBSSH2)
		return 0;
	us = uc_ssh_round_trip(connect->ssh[0]);
	if (us < 0 || us > NEAR_US)
		return 0;
	return processors < 2              ? 1
	       : processors < BULK_STREAMS ? (unsigned)processors
					   : BULK_STREAMS - 1;
}

static const char *tell_how(void *arg)
{
	const struct uc_sync_connect *connect = arg;

	return connect->how[0] ? connect->how : NULL;
}

int uc_sync_connect_new(struct uc_sync_connect **connect,
			const struct uc_sync_request *request,
			struct uc_sync_opener *opener, struct uc_error *err)
{
	struct uc_sync_connect *made = calloc(1, sizeof(*made));

	if (!made)
		return uc_fail(err, UC_FAILED, "out of memory");
	made->request = request;
	*opener = (struct uc_sync_opener){
		.open = open_far,
		.close = close_far,
		.how = tell_how,
		.streams = request->host ? BULK_STREAMS : LOCAL_STREAMS,
		.beside = beside,
		.arg = made,
	};
	*connect = made;
	return 0;
}

void uc_sync_connect_free(struct uc_sync_connect *connect)
{
	if (!connect)
		return;
	for (unsigned i = 0; i < UC_SYNC_STREAMS_MAX; i++)
		if (connect->ssh[i])
			uc_ssh_free(connect->ssh[i]);
	free(connect);
}

int uc_sync_run(const struct uc_sync_request *request,
		const struct uc_sync_watcher *watcher, struct uc_sync_result *result,
		struct uc_error *err)
{
	uc_auto(sync_connect) struct uc_sync_connect *connect = NULL;
	struct uc_sync_opener opener;

	if (uc_sync_connect_new(&connect, request, &opener, err) < 0)
		return -1;
	return uc_sync_run_with(request, watcher, &opener, result, err);
}

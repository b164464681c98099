/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * ssh-stream [-F FILE] [-k] [-s] [-y] [-p ANSWER]... [-m MODE] [-n N] [-t MS] [-w MS]
 *	TRANSPORT HOST COMMAND
 *
 * Run a command (with -s a subsystem) by <ucluster/ssh.h>. Modes:
 *	copy	standard input there, its output here (the default)
 *	echo	N streams at once, each -b bytes there and back, compared
 *	ask	as copy, but it ends with the first bytes that come, the input open
 *	half	as copy, but the output is read only after all input was written
 *	leave	end the connection under N open streams
 *	open	connect only
 * It says on standard error how it went; its exit status is the command's, 100 + code
 * when there was an error, 99 for -1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <ucluster/ssh.h>
#include <ucluster/units.h>
#include <unistd.h>

extern char **environ;

#define STREAMS 64

static struct {
	struct uc_ssh_options options;
	const char *answer[16], *mode, *command;
	int answers, given, count, wait_ms;
	size_t bytes;
	bool subsystem, trust;
} app = { .mode = "copy", .count = 1, .wait_ms = 10000, .bytes = 1 << 20 };

static int give(void *arg, const char *text, bool echo, struct uc_buf *answer)
{
	(void)arg;
	fprintf(stderr, "asked%s: %s\n", echo ? " (shown)" : "", text);
	if (app.given >= app.answers)
		return -1;
	uc_buf_add(answer, app.answer[app.given++]);
	return 0;
}

static int trust(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "trust: %s\n", text);
	return app.trust ? 0 : -1;
}

static void say(void *arg, int weight, const char *text)
{
	(void)arg;
	fprintf(stderr, "say %d: %s\n", weight, text);
}

static int fault(const struct uc_error *err)
{
	fprintf(stderr, "error %d: %s\n", (int)err->code, err->text);
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", err->hint);
	if (err->at.line)
		fprintf(stderr, "at: %s:%d\n", err->at.path, err->at.line);
	return 100 + (int)err->code;
}

static int start(struct uc_ssh *ssh, struct uc_stream *stream, struct uc_error *err)
{
	return app.subsystem ? uc_ssh_subsystem(ssh, app.command, stream, err)
			     : uc_ssh_exec(ssh, app.command, stream, err);
}

static int finish(struct uc_stream *stream)
{
	uc_auto(buf) struct uc_buf said = { 0 }, safe = { 0 };
	int status = uc_stream_close(stream, app.wait_ms, &said);

	uc_buf_safen(&safe, said.data ? said.data : "", said.len, UC_SAFE_NEWLINE);
	if (safe.len)
		fprintf(stderr, "said: %s\n", uc_buf_text(&safe));
	fprintf(stderr, "status %d\n", status);
	return status < 0 ? 99 : status;
}

static void ask(struct uc_stream *stream)
{
	char text[4096];
	ssize_t len = read(0, text, sizeof(text));
	struct pollfd ready = { stream->in, POLLIN, 0 };

	if (len > 0 && write(stream->out, text, (size_t)len) == len &&
	    poll(&ready, 1, 60000) == 1 &&
	    (len = read(stream->in, text, sizeof(text))) > 0)
		(void)!write(1, text, (size_t)len);
}

/* Standard input there and what comes to standard output, both as they are ready. */
static void copy(struct uc_stream *stream, bool half)
{
	static char up[1 << 18], down[1 << 18];
	size_t at = 0, len = 0;
	bool ended = false;

	for (;;) {
		struct pollfd ready[3] = {
			{ len || ended ? -1 : 0, POLLIN, 0 },
			{ len ? stream->out : -1, POLLOUT, 0 },
			{ half && !ended ? -1 : stream->in, POLLIN, 0 },
		};
		ssize_t rc;

		if (poll(ready, 3, 60000) <= 0)
			return;
		if (ready[0].revents) {
			rc = read(0, up, sizeof(up));
			at = 0;
			len = rc > 0 ? (size_t)rc : 0;
			ended = rc <= 0;
			if (ended)
				uc_stream_shut(stream);
		}
		if (ready[1].revents) {
			rc = write(stream->out, up + at, len);
			if (rc < 0 && errno != EAGAIN)
				len = 0;
			else if (rc > 0)
				at += (size_t)rc, len -= (size_t)rc;
		}
		if (ready[2].revents) {
			rc = read(stream->in, down, sizeof(down));
			if (rc == 0 || (rc < 0 && errno != EAGAIN))
				return;
			if (rc > 0 && write(1, down, (size_t)rc) != rc)
				return;
		}
	}
}

static unsigned char byte_of(int stream, size_t at)
{
	return (unsigned char)(at * 7 + at / 251 + (size_t)stream * 31);
}

struct echo {
	struct uc_stream stream;
	size_t sent, got;
	bool over;
};

static bool echo_some(struct echo *echo, int i, short events)
{
	unsigned char chunk[1 << 15];
	ssize_t rc;

	if ((events & POLLOUT) && echo->sent < app.bytes) {
		size_t len = app.bytes - echo->sent;

		len = len < sizeof(chunk) ? len : sizeof(chunk);
		for (size_t j = 0; j < len; j++)
			chunk[j] = byte_of(i, echo->sent + j);
		rc = write(echo->stream.out, chunk, len);
		if (rc > 0)
			echo->sent += (size_t)rc;
		if (echo->sent == app.bytes)
			uc_stream_shut(&echo->stream);
	}
	if (events & (POLLIN | POLLHUP)) {
		rc = read(echo->stream.in, chunk, sizeof(chunk));
		echo->over = rc == 0 || (rc < 0 && errno != EAGAIN);
		for (ssize_t j = 0; j < rc; j++)
			if (chunk[j] != byte_of(i, echo->got++))
				return false;
	}
	return true;
}

static int echo_all(struct uc_ssh *ssh, struct uc_error *err)
{
	static struct echo echo[STREAMS];
	int left = app.count, rc = 0;

	for (int i = 0; i < app.count; i++)
		if (start(ssh, &echo[i].stream, err) < 0)
			return fault(err);
	while (left > 0) {
		struct pollfd ready[STREAMS];

		for (int i = 0; i < app.count; i++) {
			bool more = echo[i].sent < app.bytes;

			ready[i].fd = echo[i].over ? -1 : echo[i].stream.in;
			ready[i].events = (short)(POLLIN | (more ? POLLOUT : 0));
		}
		if (poll(ready, (nfds_t)app.count, 60000) <= 0)
			return 98;
		left = 0;
		for (int i = 0; i < app.count; i++) {
			if (ready[i].fd >= 0 && !echo_some(&echo[i], i, ready[i].revents))
				return 97;
			left += !echo[i].over;
		}
	}
	for (int i = 0; i < app.count; i++) {
		rc = finish(&echo[i].stream);
		if (rc != 0 || echo[i].got != app.bytes)
			return rc ? rc : 96;
	}
	return 0;
}

static int leave(struct uc_ssh *ssh, struct uc_error *err)
{
	static struct uc_stream stream[STREAMS];
	char byte;

	for (int i = 0; i < app.count; i++)
		if (start(ssh, &stream[i], err) < 0)
			return fault(err);
	uc_ssh_free(ssh);
	for (int i = 0; i < app.count; i++) {
		struct pollfd ready = { stream[i].in, POLLIN, 0 };

		if (poll(&ready, 1, 10000) != 1 || read(stream[i].in, &byte, 1) > 0)
			return 97;
		finish(&stream[i]);
	}
	return 0;
}

static int work(struct uc_ssh *ssh)
{
	struct uc_error err = { 0 };
	struct uc_stream stream = { 0 };

	if (strcmp(app.mode, "open") == 0)
		return 0;
	if (strcmp(app.mode, "echo") == 0)
		return echo_all(ssh, &err);
	if (start(ssh, &stream, &err) < 0)
		return fault(&err);
	if (strcmp(app.mode, "ask") == 0)
		ask(&stream);
	else
		copy(&stream, strcmp(app.mode, "half") == 0);
	return finish(&stream);
}

static int number(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

static bool options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "F:ksyp:m:n:b:t:w:")) != -1) {
		switch (option) {
		case 'F':
			app.options.config_file = optarg;
			break;
		case 'k':
			app.options.keep = true;
			break;
		case 's':
			app.subsystem = true;
			break;
		case 'y':
			app.trust = true;
			break;
		case 'p':
			app.answer[app.answers++ % 16] = optarg;
			break;
		case 'm':
			app.mode = optarg;
			break;
		case 'n':
			app.count = number(optarg) % (STREAMS + 1);
			break;
		case 'b':
			app.bytes = (size_t)number(optarg);
			break;
		case 't':
			app.options.connect_ms = number(optarg);
			break;
		case 'w':
			app.wait_ms = number(optarg);
			break;
		default:
			return false;
		}
	}
	return argc - optind == 3;
}

int main(int argc, char **argv)
{
	static const char *const transports[] = { "auto", "openssh", "libssh2" };
	struct uc_ssh_asker asker = { NULL, NULL, say, NULL };
	struct uc_error err = { 0 };
	struct uc_ssh *ssh = NULL;
	int64_t began;
	const char *why;
	int rc;

	if (!options(argc, argv))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(argv[optind], transports[i]) == 0)
			app.options.transport = (enum uc_ssh_transport)i;
	app.options.destination = argv[optind + 1];
	app.command = argv[optind + 2];
	app.options.environment = (const char *const *)environ;
	if (app.answers)
		asker.secret = give;
	if (app.trust)
		asker.host = trust;
	app.options.asker = &asker;
	began = uc_monotonic_ms();
	if (uc_ssh_open(&ssh, &app.options, &err) < 0) {
		rc = fault(&err);
		fprintf(stderr, "failed after %lld ms\n",
			(long long)(uc_monotonic_ms() - began));
		return rc;
	}
	fprintf(stderr, "open by %s after %lld ms\n",
		transports[uc_ssh_transport(ssh, &why)],
		(long long)(uc_monotonic_ms() - began));
	fprintf(stderr, "why: %s\n", why);
	if (strcmp(app.mode, "leave") == 0)
		return leave(ssh, &err);
	rc = work(ssh);
	uc_ssh_free(ssh);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * session-attach KEY: a step of a session's job, that hands the bytes of a viewer on the
 * login node to the server on this node, and back.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <ucluster/session.h>
#include <ucluster/units.h>
#include "base/program.h"
#include "session/place.h"

extern char **environ;

/* A job that has just begun may not have its server yet. */
#define FIND_MS 10000
#define CHUNK   65536
/* After a viewer is gone, for the program to take what was typed. */
#define HUNG_UP_MS 2000

struct way {
	int from, to;
	char data[CHUNK];
	size_t at, len;
	bool over; /* nothing more will come */
};

static const char *env(const char *name)
{
	return uc_env_value((const char *const *)environ, name);
}

static int find_server(const char *key, struct uc_error *err)
{
	const struct uc_place place = { .uid = getuid(),
					.job = env("SLURM_JOB_ID"),
					.key = key };
	const int64_t until = uc_monotonic_ms() + FIND_MS;
	int fd;

	if (!uc_place_is_plain(place.job) || !uc_place_is_plain(place.key))
		return uc_fail(err, UC_USAGE,
			       "this runs in a job, with the key of its session");
	while ((fd = uc_place_connect(&place, err)) < 0 && uc_monotonic_ms() < until)
		poll(NULL, 0, 50);
	return fd;
}

static bool again(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* False: who should take it is gone. */
static bool move(struct way *w, short in, short out)
{
	ssize_t n;

	if (w->len == 0 && in && !w->over) {
		n = read(w->from, w->data, sizeof(w->data));
		if (n > 0)
			w->len = (size_t)n;
		else if (n == 0 || !again())
			w->over = true;
		w->at = 0;
		out = POLLOUT;
	}
	if (w->len > 0 && out) {
		n = write(w->to, w->data + w->at, w->len);
		if (n < 0)
			return again();
		w->at += (size_t)n;
		w->len -= (size_t)n;
	}
	return true;
}

/* Until either side ends; what the server said last still goes out. */
static void relay(struct way *to_server, struct way *to_viewer)
{
	int64_t hung_up = 0;
	size_t before = 0;

	for (;;) {
		struct pollfd polls[] = {
			{ hung_up && to_server->len == before ? -1 : to_server->from,
			  (short)(to_server->len ? 0 : POLLIN), 0 },
			{ to_server->len ? to_server->to : -1, POLLOUT, 0 },
			{ to_viewer->len ? -1 : to_viewer->from, POLLIN, 0 },
			{ to_viewer->to, (short)(to_viewer->len ? POLLOUT : 0), 0 },
		};

		if (to_server->len != before)
			hung_up = 0;
		before = to_server->len;
		if (to_server->over && to_server->len == 0)
			return;
		if (to_viewer->over && to_viewer->len == 0)
			return;
		if (hung_up && uc_monotonic_ms() - hung_up > HUNG_UP_MS)
			return;
		if (poll(polls, 4, hung_up ? 100 : -1) < 0)
			continue;
		/* more was typed than the program takes, and nobody waits for it */
		if (to_server->len && polls[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			hung_up = uc_monotonic_ms();
		/* nobody reads our output any more */
		if (polls[3].revents & (POLLERR | POLLNVAL))
			return;
		if (!move(to_viewer, polls[2].revents, polls[3].revents & POLLOUT) ||
		    !move(to_server, polls[0].revents, polls[1].revents))
			return;
	}
}

int main(int argc, char **argv)
{
	static struct way to_server, to_viewer; /* large */
	struct uc_error err = { 0 };
	sigset_t set;
	int server;

	/* what is meant for the program; the server's last words come after it */
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	server = find_server(argc == 2 ? argv[1] : NULL, &err);
	if (server < 0) {
		uc_auto(buf) struct uc_buf frame = { 0 };

		uc_session_put(&frame, UC_SESSION_REFUSED, err.text, strlen(err.text));
		return write(STDOUT_FILENO, frame.data, frame.len) < 0 ? UC_FAILED
								       : UC_OK;
	}
	fcntl(server, F_SETFL, O_NONBLOCK);
	to_server.from = STDIN_FILENO;
	to_server.to = to_viewer.from = server;
	to_viewer.to = STDOUT_FILENO;
	relay(&to_server, &to_viewer);
	return UC_OK;
}

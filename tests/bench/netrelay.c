/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A slow network between two ports of this machine: netrelay LISTEN TO DELAY_MS MBIT.
 * What comes in at LISTEN goes on to TO after half of DELAY_MS, and no faster than MBIT a
 * second; the same the other way. One direction's bytes on the way are bounded, as by a
 * window.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIECE  16384
#define PIECES 2048 /* 32 MiB on the way */

struct piece {
	int64_t due;
	size_t len, sent;
	char bytes[PIECE];
};

/* One direction. */
struct way {
	int from, to;
	struct piece *piece;
	size_t first, count;
	int64_t free; /* when the line has room for the next */
	bool ended;
};

static int64_t delay_us;
static double us_a_byte;

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void take(struct way *way)
{
	struct piece *piece = &way->piece[(way->first + way->count) % PIECES];
	ssize_t got = read(way->from, piece->bytes, PIECE);
	int64_t now = now_us();

	if (got <= 0) {
		way->ended = true;
		got = 0;
	}
	if (way->free < now)
		way->free = now;
	way->free += (int64_t)((double)got * us_a_byte);
	piece->due = way->free + delay_us;
	piece->len = (size_t)got;
	piece->sent = 0;
	way->count++;
}

/* -1: this way is over. */
static int pass(struct way *way)
{
	while (way->count > 0) {
		struct piece *piece = &way->piece[way->first];
		ssize_t put;

		if (piece->due > now_us())
			return 0;
		if (piece->len == 0) {
			shutdown(way->to, SHUT_WR);
			return -1;
		}
		put = send(way->to, piece->bytes + piece->sent, piece->len - piece->sent,
			   MSG_DONTWAIT | MSG_NOSIGNAL);
		if (put < 0)
			return 0;
		piece->sent += (size_t)put;
		if (piece->sent < piece->len)
			return 0;
		way->first = (way->first + 1) % PIECES;
		way->count--;
	}
	return 0;
}

static int wait_ms(const struct way *way)
{
	int64_t left;

	if (way->count == 0)
		return 1000;
	left = way->piece[way->first].due - now_us();
	return left <= 0 ? 1 : (int)(left / 1000 + 1);
}

static void relay(int one, int other)
{
	struct way ways[2] = { { .from = one, .to = other },
			       { .from = other, .to = one } };
	bool over[2] = { false, false };

	for (int i = 0; i < 2; i++)
		if (!(ways[i].piece = malloc(sizeof(struct piece) * PIECES)))
			err(1, "memory");
	while (!over[0] || !over[1]) {
		struct pollfd fds[2];
		int wait = 1000;

		for (int i = 0; i < 2; i++) {
			bool takes = !ways[i].ended && ways[i].count < PIECES;

			fds[i] = (struct pollfd){ takes ? ways[i].from : -1, POLLIN, 0 };
			if (!over[i] && wait_ms(&ways[i]) < wait)
				wait = wait_ms(&ways[i]);
		}
		poll(fds, 2, wait);
		for (int i = 0; i < 2; i++) {
			if (fds[i].revents)
				take(&ways[i]);
			over[i] = over[i] || pass(&ways[i]) < 0;
		}
	}
}

static int connect_to(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		err(1, "port %d", port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (argc != 5)
		errx(2, "usage: netrelay LISTEN TO DELAY_MS MBIT");
	delay_us = atoll(argv[3]) * 500;
	us_a_byte = 8.0 / atof(argv[4]);
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(listener, 16) < 0)
		err(1, "port %s", argv[1]);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (fork() == 0) {
			close(listener);
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
			relay(fd, connect_to(atoi(argv[2])));
			_exit(0);
		}
		close(fd);
	}
}

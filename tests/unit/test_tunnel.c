/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Connections through a tunnel whose two ends are both here. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <ucluster/tunnel.h>

#define MANY 1000

struct world {
	struct uc_tunnel *near, *far;
	int pipe[2][2];
	int server[UC_TUNNEL_MAX]; /* the far ends of what was connected, in order */
	size_t servers;
	uint16_t port; /* that was asked for last */
};

/* "Connects" to the test itself; port 1 refuses. */
static int connect_here(void *arg, uint16_t port, struct uc_error *err)
{
	struct world *w = arg;
	int ends[2];

	w->port = port;
	if (port == 1)
		return uc_fail(err, UC_NOTFOUND, "nobody is there");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	w->server[w->servers++] = ends[1];
	return ends[0];
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(pipe2(w->pipe[0], O_CLOEXEC), 0);
	assert_int_equal(pipe2(w->pipe[1], O_CLOEXEC), 0);
	w->near = uc_tunnel_new(w->pipe[1][0], w->pipe[0][1], NULL, NULL);
	w->far = uc_tunnel_new(w->pipe[0][0], w->pipe[1][1], connect_here, w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	uc_tunnel_free(w->near);
	uc_tunnel_free(w->far);
	for (size_t i = 0; i < 4; i++)
		if (w->pipe[i / 2][i % 2] >= 0)
			close(w->pipe[i / 2][i % 2]);
	for (size_t i = 0; i < w->servers; i++)
		close(w->server[i]);
	free(w);
	return 0;
}

/* Both ends, until nothing moves. */
static void turn(struct world *w)
{
	struct uc_error err;

	for (int i = 0; i < 20; i++) {
		assert_int_equal(uc_tunnel_step(w->near, NULL, 0, 0, &err), 0);
		assert_int_equal(uc_tunnel_step(w->far, NULL, 0, 0, &err), 0);
	}
}

/* A connection: this end of it. */
static int join(struct world *w, uint16_t port)
{
	struct uc_error err;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(uc_tunnel_add(w->near, ends[0], port, &err), 0);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	return ends[1];
}

static void expect(int fd, const char *text)
{
	char got[256] = "";

	assert_int_equal(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(text));
	assert_string_equal(got, text);
}

static void test_there_and_back(void **state)
{
	struct world *w = *state;
	int fd = join(w, 8888);

	assert_false(uc_tunnel_is_up(w->near));
	turn(w);
	assert_true(uc_tunnel_is_up(w->near));
	assert_int_equal(w->port, 8888);
	assert_int_equal(w->servers, 1);
	assert_int_equal(write(fd, "question", 8), 8);
	turn(w);
	expect(w->server[0], "question");
	assert_int_equal(write(w->server[0], "answer", 6), 6);
	turn(w);
	expect(fd, "answer");
	close(fd);
}

/* What is ended on one side still gets its answer. */
static void test_half_closed(void **state)
{
	struct world *w = *state;
	int fd = join(w, 80);
	char c;

	assert_int_equal(write(fd, "all", 3), 3);
	shutdown(fd, SHUT_WR);
	turn(w);
	expect(w->server[0], "all");
	assert_int_equal(read(w->server[0], &c, 1), 0);
	assert_int_equal(uc_tunnel_count(w->far), 1);
	assert_int_equal(write(w->server[0], "late", 4), 4);
	shutdown(w->server[0], SHUT_WR);
	turn(w);
	expect(fd, "late");
	assert_int_equal(read(fd, &c, 1), 0);
	assert_int_equal(uc_tunnel_count(w->near), 0);
	assert_int_equal(uc_tunnel_count(w->far), 0);
	close(fd);
}

static void test_refused(void **state)
{
	struct world *w = *state;
	uc_auto(buf) struct uc_buf why = { 0 };
	int fd = join(w, 1);
	char c;

	turn(w);
	assert_int_equal(read(fd, &c, 1), 0);
	uc_tunnel_complaint(w->near, &why);
	assert_string_equal(uc_buf_text(&why), "nobody is there");
	uc_buf_reset(&why);
	uc_tunnel_complaint(w->near, &why);
	assert_string_equal(uc_buf_text(&why), "");
	assert_int_equal(uc_tunnel_count(w->near), 0);
	close(fd);
}

/* Nobody reads at one end: what waits is bounded, and another connection goes on. */
static void test_a_slow_one_holds_up_no_other(void **state)
{
	struct world *w = *state;
	static char block[65536];
	int slow = join(w, 10), quick = join(w, 11);
	size_t sent = 0;
	ssize_t got;

	fcntl(slow, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < MANY; i++) {
		got = write(slow, block, sizeof(block));
		sent += got > 0 ? (size_t)got : 0;
		turn(w);
	}
	assert_true(sent < (4u << 20));
	assert_int_equal(write(quick, "hello", 5), 5);
	turn(w);
	expect(w->server[1], "hello");
	/* and then all of it arrives */
	fcntl(w->server[0], F_SETFL, O_NONBLOCK);
	for (size_t left = sent; left > 0;) {
		got = read(w->server[0], block, sizeof(block));
		assert_true(got > 0 || errno == EAGAIN);
		left -= got > 0 ? (size_t)got : 0;
		turn(w);
	}
	close(slow);
	close(quick);
}

static void test_many_at_once(void **state)
{
	struct world *w = *state;
	int fd[UC_TUNNEL_MAX], ends[2];
	struct uc_error err;

	for (size_t i = 0; i < UC_TUNNEL_MAX; i++)
		fd[i] = join(w, (uint16_t)(100 + i));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(uc_tunnel_add(w->near, ends[0], 99, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
	close(ends[0]);
	close(ends[1]);
	turn(w);
	assert_int_equal(w->servers, UC_TUNNEL_MAX);
	for (size_t i = 0; i < UC_TUNNEL_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%zu", i);
		assert_int_equal(write(fd[i], name, strlen(name)), (ssize_t)strlen(name));
		turn(w);
		expect(w->server[i], name);
		close(fd[i]);
		shutdown(w->server[i], SHUT_WR);
	}
	turn(w);
	assert_int_equal(uc_tunnel_count(w->far), 0);
}

static void test_the_other_end_goes(void **state)
{
	struct world *w = *state;
	struct uc_error err;
	int rc = 0;

	turn(w);
	close(w->pipe[1][1]);
	w->pipe[1][1] = -1;
	for (int i = 0; i < 10 && rc == 0; i++)
		rc = uc_tunnel_step(w->near, NULL, 0, 0, &err);
	assert_int_equal(rc, 1);
}

/* What speaks something else is no end of a tunnel. */
/* Asks without end, and does not take the answers: it is not heard for ever. */
static void test_answers_that_nobody_takes(void **state)
{
	struct world *w = *state;
	const char ask[] = "U\x41\0\0\x04\0\0\0\x05\0\x01\0\n"; /* port 1 refuses */
	struct uc_error err;
	size_t taken = 0;
	char many[65536];

	fcntl(w->pipe[0][1], F_SETFL, O_NONBLOCK);
	for (size_t i = 0; i + 13 <= sizeof(many); i += 13)
		memcpy(many + i, ask, 13);
	for (int quiet = 0; quiet < 100; quiet++) {
		const ssize_t done = write(w->pipe[0][1], many, sizeof(many) / 13 * 13);

		if (done > 0) {
			taken += (size_t)done;
			quiet = 0;
		}
		assert_true(taken < 64u << 20);
		assert_int_equal(uc_tunnel_step(w->far, NULL, 0, 0, &err), 0);
	}
	assert_true(taken > 0);
}

static void test_no_tunnel_at_all(void **state)
{
	struct world *w = *state;
	static const char text[] =
		"slurmstepd: error: execve(): No such file or directory\n";
	struct uc_error err = { 0 };
	int rc = 0;

	assert_int_equal(write(w->pipe[1][1], text, strlen(text)), (ssize_t)strlen(text));
	for (int i = 0; i < 10 && rc == 0; i++)
		rc = uc_tunnel_step(w->near, NULL, 0, 0, &err);
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, UC_INVALID);
}

/* --- whose a socket is --- */

static const char *const loopback[] = { "127.0.0.1",        "127.0.0.9", "::1",
					"::ffff:127.0.0.1", "0.0.0.0",   "::" };
enum {
	ONE,
	NINE,
	SIX,
	MAPPED,
	ANY_FOUR,
	ANY_SIX
};

static socklen_t fill(struct sockaddr_storage *at, int where, uint16_t port)
{
	struct sockaddr_in *four = (void *)at;
	struct sockaddr_in6 *six = (void *)at;

	*at = (struct sockaddr_storage){ 0 };
	if (strchr(loopback[where], ':')) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, loopback[where], &six->sin6_addr),
				 1);
		return sizeof(*six);
	}
	four->sin_family = AF_INET;
	four->sin_port = htons(port);
	assert_int_equal(inet_pton(AF_INET, loopback[where], &four->sin_addr), 1);
	return sizeof(*four);
}

/* -1 with errno: it is taken, or there is no such address. */
static int open_at(int where, uint16_t port)
{
	struct sockaddr_storage at;
	const socklen_t size = fill(&at, where, port);
	const int on = 1;
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (where == ANY_SIX)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, size) == 0)
		return fd;
	close(fd);
	return -1;
}

static int listen_at(int where, uint16_t port)
{
	int fd = open_at(where, port);

	if (fd >= 0)
		assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage at = { 0 };
	socklen_t size = sizeof(at);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	return ntohs(((struct sockaddr_in *)&at)->sin_port);
}

static int64_t listener(int where, uint16_t port)
{
	struct sockaddr_storage at;

	fill(&at, where, port);
	return uc_tcp_listener((struct sockaddr *)&at);
}

static int connect_to(int fd, int where, uint16_t port)
{
	struct sockaddr_storage at;
	const socklen_t size = fill(&at, where, port);

	return connect(fd, (struct sockaddr *)&at, size);
}

static void test_listener_by_its_address(void **state)
{
	int fd = open_at(NINE, 0);
	uint16_t port = port_of(fd);

	(void)state;
	assert_int_equal(listener(NINE, port), -1);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(listener(NINE, port), getuid());
	/* which nobody who connects to another address reaches */
	assert_int_equal(listener(ONE, port), -1);
	assert_int_equal(listener(SIX, port), -1);
	close(fd);
	fd = listen_at(ANY_FOUR, 0);
	assert_int_equal(listener(ONE, port_of(fd)), getuid());
	assert_int_equal(listener(SIX, port_of(fd)), -1);
	close(fd);
	fd = listen_at(ANY_SIX, 0);
	if (fd < 0)
		return; /* no IPv6 here */
	assert_int_equal(listener(SIX, port_of(fd)), getuid());
	assert_int_equal(listener(ONE, port_of(fd)), -1);
	close(fd);
	fd = listen_at(MAPPED, 0);
	assert_int_equal(listener(ONE, port_of(fd)), getuid());
	assert_int_equal(listener(NINE, port_of(fd)), -1);
	close(fd);
}

static void test_peer(void **state)
{
	int door = listen_at(ONE, 0), other = listen_at(NINE, port_of(door));
	int guest = open_at(ONE, 0), fd;
	struct sockaddr_storage at;

	(void)state;
	assert_int_equal(connect_to(guest, ONE, port_of(door)), 0);
	fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(uc_tcp_peer(fd), getuid());
	/* one that listens has no other end */
	assert_int_equal(uc_tcp_peer(door), -1);
	close(guest);
	assert_int_equal(uc_tcp_peer(fd), -1);
	close(fd);
	guest = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (guest >= 0) {
		const socklen_t size = fill(&at, MAPPED, port_of(door));

		assert_int_equal(connect(guest, (struct sockaddr *)&at, size), 0);
		fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);
		assert_int_equal(uc_tcp_peer(fd), getuid());
		close(fd);
		close(guest);
	}
	close(other);
	close(door);
}

/* As another user: listens at 127.0.0.9 and at ::1, and connects to 127.0.0.1 from a port
 * that is told; says what it has by a byte, and lives until `until` ends. */
static void be_another(uint16_t port, uint16_t from, int say, int until)
{
	int nine, six, guest;
	char c = 'n';

	if (setgid(65534) < 0 || setuid(65534) < 0)
		_exit(1);
	nine = listen_at(NINE, port);
	six = listen_at(SIX, port);
	guest = open_at(ONE, from);
	if (nine >= 0 && guest >= 0 && connect_to(guest, ONE, port) == 0)
		c = six >= 0 ? '6' : '4';
	if (write(say, &c, 1) == 1 && read(until, &c, 1) < 0)
		_exit(1);
	_exit(0);
}

/* The same ports are ours and another user's, at different addresses. */
static void test_somebody_else(void **state)
{
	int door = listen_at(ONE, 0), say[2], until[2], status, fd;
	/* one of ours from the same port, to the same port */
	int decoy = open_at(NINE, 0), decoy_end;
	const uint16_t port = port_of(door), from = port_of(decoy);
	pid_t child;
	char c;

	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(pipe2(say, O_CLOEXEC), 0);
	assert_int_equal(pipe2(until, O_CLOEXEC), 0);
	assert_int_equal(connect_to(decoy, ONE, port), 0);
	decoy_end = accept4(door, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(uc_tcp_peer(decoy_end), 0);
	child = fork();
	if (child == 0) {
		close(until[1]);
		be_another(port, from, say[1], until[0]);
	}
	assert_true(child > 0);
	close(say[1]);
	assert_int_equal(read(say[0], &c, 1), 1);
	assert_true(c == '4' || c == '6');
	fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(uc_tcp_peer(fd), 65534);
	assert_int_equal(uc_tcp_peer(decoy_end), 0);
	assert_int_equal(listener(ONE, port), 0);
	assert_int_equal(listener(NINE, port), 65534);
	if (c == '6')
		assert_int_equal(listener(SIX, port), 65534);
	close(until[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(uc_tcp_peer(fd), -1);
	close(until[0]);
	close(say[0]);
	close(decoy);
	close(decoy_end);
	close(fd);
	close(door);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_there_and_back),
		T(test_half_closed),
		T(test_refused),
		T(test_a_slow_one_holds_up_no_other),
		T(test_many_at_once),
		T(test_the_other_end_goes),
		T(test_answers_that_nobody_takes),
		T(test_no_tunnel_at_all),
		cmocka_unit_test(test_listener_by_its_address),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_somebody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The job's end of a tunnel: connections arrive at ports of this node. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <ucluster/tunnel.h>
#include "inside/inside.h"

static int try(const struct sockaddr *to, socklen_t size)
{
	const int fd =
		socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, to, size) < 0 && errno != EINPROGRESS) {
		const int why = errno;

		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

/* Where uattach takes connections, when that is on this very host: not a server to be
 * reached, but the way in. */
struct doors {
	char **port;
};

static bool is_door(const struct doors *doors, uint16_t port)
{
	for (char **door = doors->port; *door; door++)
		if (strtoul(*door, NULL, 10) == port)
			return true;
	return false;
}

/* Where a server of the job's may listen. */
struct route {
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} to;
	socklen_t size;
	int64_t owner; /* -1: nobody listens */
};

static void find_routes(struct route route[2], uint16_t port)
{
	route[0] = (struct route){
		.to.four = { .sin_family = AF_INET,
			     .sin_port = htons(port),
			     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
		.size = sizeof(struct sockaddr_in),
	};
	route[1] = (struct route){
		.to.six = { .sin6_family = AF_INET6,
			    .sin6_port = htons(port),
			    .sin6_addr = IN6ADDR_LOOPBACK_INIT },
		.size = sizeof(struct sockaddr_in6),
	};
	for (size_t i = 0; i < 2; i++)
		route[i].owner = uc_tcp_listener(&route[i].to.any);
}

/*
 * A server of somebody else's on a shared node is not what the user means, at whichever
 * address it is.
 */
static int connect_port(void *arg, uint16_t port, struct uc_error *err)
{
	const struct doors *doors = arg;
	const int64_t me = (int64_t)getuid();
	struct route route[2];
	int fd = -1;

	find_routes(route, port);
	if ((route[0].owner < 0 && route[1].owner < 0) || is_door(doors, port))
		return uc_fail(err, UC_NOTFOUND,
			       "nothing listens at port %u of the job's node", port);
	if (route[0].owner != me && route[1].owner != me)
		return uc_fail(err, UC_DENIED,
			       "port %u of the job's node is somebody else's", port);
	if (route[0].owner == me)
		fd = try(&route[0].to.any, route[0].size);
	if (fd < 0 && route[1].owner == me)
		fd = try(&route[1].to.any, route[1].size);
	/* a listener of all of IPv6, on a node whose loopback has no such address */
	if (fd < 0 && route[0].owner < 0)
		fd = try(&route[0].to.any, route[0].size);
	if (fd < 0)
		uc_fail_errno(err, UC_FAILED, errno, "port %u", port);
	return fd;
}

/* HOST PORT...; nothing of them elsewhere. */
static char **find_doors(char **argv)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	if (argv[0] && strcmp(argv[0], host) == 0)
		return argv + 1;
	while (*argv)
		argv++;
	return argv;
}

int inside_forward(char **argv)
{
	struct doors doors = { .port = find_doors(argv) };
	uc_auto(tunnel) struct uc_tunnel *t =
		uc_tunnel_new(STDIN_FILENO, STDOUT_FILENO, connect_port, &doors);
	struct uc_error err = { 0 };
	int rc = 0;

	while (t && rc == 0)
		rc = uc_tunnel_step(t, NULL, 0, -1, &err);
	if (rc >= 0 && t)
		return 0;
	inside_say("%s", t ? err.text : "out of memory");
	return 1;
}

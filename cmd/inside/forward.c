/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The job's end of a tunnel: connections arrive at ports of this node. */
#include <errno.h>
#include <netinet/in.h>
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

/* A server of somebody else's on a shared node is not what the user means. */
static int connect_port(void *arg, uint16_t port, struct uc_error *err)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port),
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const int64_t owner = uc_tcp_owner(port, 0);
	int fd;

	(void)arg;
	if (owner < 0)
		return uc_fail(err, UC_NOTFOUND,
			       "nothing listens at port %u of the job's node", port);
	if (owner != (int64_t)getuid())
		return uc_fail(err, UC_DENIED,
			       "port %u of the job's node is somebody else's", port);
	fd = try((struct sockaddr *)&four, sizeof(four));
	if (fd < 0)
		fd = try((struct sockaddr *)&six, sizeof(six));
	if (fd < 0)
		uc_fail_errno(err, UC_FAILED, errno, "port %u", port);
	return fd;
}

int inside_forward(char **argv)
{
	uc_auto(tunnel) struct uc_tunnel *t =
		uc_tunnel_new(STDIN_FILENO, STDOUT_FILENO, connect_port, NULL);
	struct uc_error err = { 0 };
	int rc = 0;

	(void)argv;
	while (t && rc == 0)
		rc = uc_tunnel_step(t, NULL, 0, -1, &err);
	if (rc >= 0 && t)
		return 0;
	inside_say("%s", t ? err.text : "out of memory");
	return 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_TUNNEL_H
#define UCLUSTER_TUNNEL_H
/*
 * Several connections over one byte stream, such as the input and output of a step. One
 * end opens them, the other connects each to where it was to go. What one side has not
 * taken yet is bounded, for each connection alone: a slow one holds up no other.
 *
 *	uc_auto(tunnel) struct uc_tunnel *t = uc_tunnel_new(from, to, NULL, NULL);
 *	uc_tunnel_add(t, accepted_fd, 8888, &err);
 *	while (uc_tunnel_step(t, more, 1, 1000, &err) >= 0)
 *		if (more[0].revents)
 *			...
 */
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UC_TUNNEL_MAX 64 /* connections at once */

struct uc_tunnel;

/*
 * Connect to a port: a non-blocking descriptor, whose connection may still be under way;
 * -1 with err.
 */
typedef int uc_tunnel_connect(void *arg, uint16_t port, struct uc_error *err);

/*
 * `from` and `to` stay the caller's, and become non-blocking. `connect` NULL: this end
 * opens, the other does not. NULL: out of memory.
 */
struct uc_tunnel *uc_tunnel_new(int from, int to, uc_tunnel_connect *connect, void *arg);
/* Closes all connections. */
void uc_tunnel_free(struct uc_tunnel *t);
UC_DEFINE_AUTO(tunnel, struct uc_tunnel *)

/*
 * A connection of this end, which the tunnel closes: to be connected to `port` at the
 * other. UC_DENIED: there are too many; the descriptor stays the caller's.
 */
int uc_tunnel_add(struct uc_tunnel *t, int fd, uint16_t port,
		  struct uc_error *err) UC_MUST_CHECK;
/* Connections that are open. */
size_t uc_tunnel_count(const struct uc_tunnel *t);
/* The other end has spoken. */
bool uc_tunnel_is_up(const struct uc_tunnel *t);
/* Add why the last connection was refused by the other end; nothing the second time. */
void uc_tunnel_complaint(struct uc_tunnel *t, struct uc_buf *out);

/*
 * Wait for something to happen, here or at `more` (at most 8, revents are set), for
 * `timeout` ms at most, and pass on what there is. 0; 1: the other end is gone; -1.
 */
int uc_tunnel_step(struct uc_tunnel *t, struct pollfd *more, size_t count, int timeout,
		   struct uc_error *err) UC_MUST_CHECK;

/*
 * The user at the other end of a connection that was accepted, when that is on this host
 * and has not been closed; -1: none is known.
 */
int64_t uc_tcp_peer(int fd);
/*
 * The user who listens on this host where a connection to this address (IPv4 or IPv6)
 * arrives: at the address itself, or at all of its family. A listener of all of IPv6 is
 * none of IPv4, though it may take its connections as well. -1: nobody, or several.
 */
int64_t uc_tcp_listener(const struct sockaddr *to);

#ifdef __cplusplus
}
#endif
#endif

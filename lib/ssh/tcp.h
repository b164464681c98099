/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_TCP_H
#define UC_SSH_TCP_H
/* Connections by name, bounded in time. */
#include <stdint.h>
#include <ucluster/error.h>

struct uc_tcp_to {
	const char *host; /* a name or an address */
	int port;
	const char
		*family;  /* as AddressFamily of ssh_config(5): "inet", "inet6", other */
	int64_t deadline; /* of uc_monotonic_ms() */
};

/*
 * Connect to the first address that answers; the next one is tried a quarter of a second
 * after the one before, or when that failed. The socket is non-blocking, closed on exec,
 * without Nagle's delay, and gives up on a peer that acknowledges nothing for half a
 * minute. -1 with UC_UNREACHABLE: not found, refused, no answer by the deadline.
 */
int uc_tcp_connect(const struct uc_tcp_to *to, struct uc_error *err) UC_MUST_CHECK;

#endif

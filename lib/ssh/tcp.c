/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh/tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "base/linux.h"

#define ADDRESSES   8     /* tried at most */
#define NEXT_MS     250   /* RFC 8305 */
#define SILENCE_MS  30000 /* unacknowledged data; a dead line is noticed then */
#define KEEPALIVE_S 15

/*
 * A look-up goes on in a thread of its own: getaddrinfo() has no time-out. Who comes last
 * frees it.
 */
struct lookup {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done, left;
	int rc;
	struct addrinfo hints, *list;
	char port[8], host[];
};

static void lookup_free(struct lookup *lookup)
{
	if (lookup->list)
		freeaddrinfo(lookup->list);
	pthread_cond_destroy(&lookup->changed);
	pthread_mutex_destroy(&lookup->lock);
	free(lookup);
}

static void *look_up(void *arg)
{
	struct lookup *lookup = arg;
	struct addrinfo *list = NULL;
	int rc = getaddrinfo(lookup->host, lookup->port, &lookup->hints, &list);
	bool left;

	pthread_mutex_lock(&lookup->lock);
	lookup->rc = rc;
	lookup->list = rc == 0 ? list : NULL;
	lookup->done = true;
	left = lookup->left;
	pthread_cond_signal(&lookup->changed);
	pthread_mutex_unlock(&lookup->lock);
	if (left)
		lookup_free(lookup);
	return NULL;
}

static struct lookup *lookup_new(const struct uc_tcp_to *to)
{
	size_t len = strlen(to->host);
	struct lookup *lookup = calloc(1, sizeof(*lookup) + len + 1);
	pthread_condattr_t attr;

	if (!lookup)
		return NULL;
	memcpy(lookup->host, to->host, len + 1);
	(void)snprintf(lookup->port, sizeof(lookup->port), "%d", to->port);
	lookup->hints.ai_socktype = SOCK_STREAM;
	if (to->family && strcmp(to->family, "inet") == 0)
		lookup->hints.ai_family = AF_INET;
	else if (to->family && strcmp(to->family, "inet6") == 0)
		lookup->hints.ai_family = AF_INET6;
	pthread_mutex_init(&lookup->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&lookup->changed, &attr);
	pthread_condattr_destroy(&attr);
	return lookup;
}

/* False: it could not be started, or is not done by the deadline and frees itself. */
static bool wait_for(struct lookup *lookup, int64_t deadline)
{
	struct timespec until = { deadline / 1000, deadline % 1000 * 1000000 };
	pthread_t thread;
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, NULL, look_up, lookup);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		lookup_free(lookup);
		return false;
	}
	pthread_detach(thread);
	pthread_mutex_lock(&lookup->lock);
	rc = 0;
	while (!lookup->done && rc == 0)
		rc = pthread_cond_timedwait(&lookup->changed, &lookup->lock, &until);
	lookup->left = !lookup->done;
	rc = lookup->done;
	pthread_mutex_unlock(&lookup->lock);
	return rc;
}

/* Its addresses, or NULL. */
static struct lookup *resolve(const struct uc_tcp_to *to, struct uc_error *err)
{
	struct lookup *lookup = lookup_new(to);
	int rc;

	if (!lookup) {
		uc_fail(err, UC_FAILED, "out of memory");
		return NULL;
	}
	lookup->hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	if (getaddrinfo(lookup->host, lookup->port, &lookup->hints, &lookup->list) == 0)
		return lookup;
	lookup->list = NULL;
	lookup->hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
	if (!wait_for(lookup, to->deadline)) {
		uc_fail(err, UC_UNREACHABLE, "looking up '%s' took too long", to->host);
		return NULL;
	}
	rc = lookup->rc;
	if (rc == 0 && lookup->list)
		return lookup;
	lookup_free(lookup);
	uc_fail(err, UC_UNREACHABLE, "no address of '%s' is known: %s", to->host,
		gai_strerror(rc));
	uc_hint(err, "is the name right, and is there a network?");
	return NULL;
}

struct attempts {
	const struct addrinfo *next;
	struct pollfd fd[ADDRESSES];
	nfds_t count;
	int failure; /* errno of the first that failed */
};

static void fail_one(struct attempts *all, int error)
{
	if (!all->failure)
		all->failure = error;
}

/* Begin with the next address that a socket can be had for. */
static void begin(struct attempts *all)
{
	while (all->next && all->count < ADDRESSES) {
		const struct addrinfo *to = all->next;
		int fd = uc_socket(to->ai_family, SOCK_STREAM, to->ai_protocol);

		all->next = to->ai_next;
		if (fd >= 0 && (connect(fd, to->ai_addr, to->ai_addrlen) == 0 ||
				errno == EINPROGRESS)) {
			all->fd[all->count++] = (struct pollfd){ fd, POLLOUT, 0 };
			return;
		}
		fail_one(all, errno);
		if (fd >= 0)
			close(fd);
	}
}

/* Drop what failed; the one that is connected, or -1. */
static int take_connected(struct attempts *all)
{
	for (nfds_t i = 0; i < all->count;) {
		int error = 0, fd = all->fd[i].fd;
		socklen_t len = sizeof(error);

		if (!all->fd[i].revents) {
			i++;
			continue;
		}
		all->fd[i] = all->fd[--all->count];
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
			return fd;
		fail_one(all, error);
		close(fd);
	}
	return -1;
}

static int race(struct attempts *all, int64_t deadline)
{
	int fd = -1, ready;

	while (fd < 0) {
		int64_t left = deadline - uc_monotonic_ms(), wait = left;

		if (left <= 0) {
			fail_one(all, ETIMEDOUT);
			break;
		}
		if (all->count == 0 && !all->next)
			break;
		if (all->next && all->count < ADDRESSES && wait > NEXT_MS)
			wait = NEXT_MS;
		ready = all->count ? poll(all->fd, all->count, (int)wait) : 0;
		if (ready == 0)
			begin(all);
		else if (ready > 0)
			fd = take_connected(all);
	}
	for (nfds_t i = 0; i < all->count; i++)
		close(all->fd[i].fd);
	return fd;
}

static void tune(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE_MS },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_S },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof(options[i].value));
}

int uc_tcp_connect(const struct uc_tcp_to *to, struct uc_error *err)
{
	struct lookup *lookup = resolve(to, err);
	struct attempts all = { 0 };
	int fd;

	if (!lookup)
		return -1;
	all.next = lookup->list;
	begin(&all);
	fd = race(&all, to->deadline);
	lookup_free(lookup);
	if (fd >= 0) {
		tune(fd);
		return fd;
	}
	if (all.failure == ECONNREFUSED) {
		uc_fail(err, UC_UNREACHABLE, "'%s' port %d refuses connections", to->host,
			to->port);
		return uc_hint(err, "is it the right host and port, and does sshd run "
				    "there?");
	}
	if (all.failure == ETIMEDOUT)
		return uc_fail(err, UC_UNREACHABLE,
			       "'%s' port %d does not answer in time", to->host,
			       to->port);
	return uc_fail_errno(err, UC_UNREACHABLE, all.failure,
			     "cannot connect to '%s' port %d", to->host, to->port);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "base/linux.h"
#include "ssh/channel.h"

#define CHANNELS    64
#define ROUND       (1U << 20) /* bytes that libssh2 gets before others have a turn */
#define KEEPALIVE_S 15
#define SILENCE_MS  45000 /* three questions without an answer */
#define CLOSE_MS    2000  /* to send what is queued at the end */
#define IDLE_MS     60000

struct uc_pump {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	int wake[2]; /* a pipe: read, write */
	char *name;
	/* under the lock */
	int users; /* who has it: its owner, channels that somebody has a stream of */
	bool stop, dead;
	bool changed_key; /* of the host: why it is dead */
	struct uc_channel *first;
	/* of the thread */
	struct uc_link link;
	struct uc_channel *opening, *all[CHANNELS];
	struct pollfd ready[CHANNELS + 2];
	size_t count;
	bool woken;        /* the list may be another one */
	int64_t keepalive; /* when the next is due, of uc_monotonic_ms() */
};

void uc_pump_lock(struct uc_pump *pump)
{
	pthread_mutex_lock(&pump->lock);
}

void uc_pump_unlock(struct uc_pump *pump)
{
	pthread_mutex_unlock(&pump->lock);
}

void uc_pump_changed(struct uc_pump *pump)
{
	pthread_cond_broadcast(&pump->changed);
}

static void wake(struct uc_pump *pump)
{
	if (write(pump->wake[1], "", 1) < 0)
		return; /* it is awake: the pipe is full */
}

/* Neither end waits. 0 or an errno. */
static int open_wake(int wake[2])
{
	if (uc_pipe(wake) < 0 || fcntl(wake[0], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(wake[1], F_SETFL, O_NONBLOCK) < 0)
		return errno;
	return 0;
}

static void pump_free(struct uc_pump *pump)
{
	for (int i = 0; i < 2; i++)
		if (pump->wake[i] >= 0)
			close(pump->wake[i]);
	pthread_cond_destroy(&pump->changed);
	pthread_mutex_destroy(&pump->lock);
	free(pump->name);
	free(pump);
}

/* One user less; the last one frees it. The lock is held, and given back. */
static void leave(struct uc_pump *pump)
{
	bool last = --pump->users == 0;

	pthread_mutex_unlock(&pump->lock);
	if (last)
		pump_free(pump);
}

/* Take a channel that is over out of the list; who has its stream sees the end. */
static void retire(struct uc_pump *pump, struct uc_channel *channel)
{
	bool unwanted;

	if (pump->opening == channel)
		pump->opening = NULL;
	pthread_mutex_lock(&pump->lock);
	for (struct uc_channel **at = &pump->first; *at; at = &(*at)->next)
		if (*at == channel) {
			*at = channel->next;
			break;
		}
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
	channel->phase = UC_CHANNEL_CLOSED;
	unwanted = channel->abandoned;
	pthread_cond_broadcast(&pump->changed);
	pthread_mutex_unlock(&pump->lock);
	if (unwanted)
		uc_channel_free(channel);
}

/* What there is to do now. False: no more. */
static bool look(struct uc_pump *pump)
{
	bool stop;

	pthread_mutex_lock(&pump->lock);
	pump->count = 0;
	for (struct uc_channel *at = pump->first; at && pump->count < CHANNELS;
	     at = at->next) {
		at->dropped = at->abandoned;
		pump->all[pump->count++] = at;
	}
	stop = pump->stop;
	pthread_mutex_unlock(&pump->lock);
	return !stop;
}

static bool step(struct uc_pump *pump)
{
	bool moved = false;

	for (size_t i = 0; i < pump->count; i++) {
		struct uc_channel *channel = pump->all[i];
		bool opens = !channel->raw && !channel->finished;

		if (opens && !pump->opening && !channel->dropped)
			pump->opening = channel;
		moved = uc_channel_step(channel, &pump->link, pump->opening == channel) ||
			moved;
		if (channel->raw && pump->opening == channel)
			pump->opening = NULL;
	}
	/* what came may have opened a window */
	for (size_t i = 0; i < pump->count && pump->link.round < ROUND; i++) {
		moved = moved || pump->all[i]->asleep;
		pump->all[i]->asleep = false;
	}
	for (size_t i = 0; i < pump->count; i++)
		if (pump->all[i]->finished)
			retire(pump, pump->all[i]);
	return moved;
}

/* Ask whether the server is there. Its silence ends the link. */
static void keep_alive(struct uc_pump *pump)
{
	int64_t now = uc_monotonic_ms();
	int next = KEEPALIVE_S;

	if (now < pump->keepalive)
		return;
	if (now - pump->link.heard > SILENCE_MS && !pump->link.in_len) {
		pump->link.failure = ETIMEDOUT;
		pump->link.ended = true;
	}
	(void)libssh2_keepalive_send(pump->link.session, &next);
	pump->keepalive = now + (next > 0 ? next : KEEPALIVE_S) * 1000LL;
}

/* Wait until something can move; `at_once`: only see what can. */
static void wait_for(struct uc_pump *pump, bool at_once)
{
	struct uc_link *link = &pump->link;
	int64_t left = pump->keepalive - uc_monotonic_ms();
	nfds_t count = 2;
	char woken[64];

	pump->ready[0] = (struct pollfd){ pump->wake[0], POLLIN, 0 };
	pump->ready[1] = (struct pollfd){ link->ended ? -1 : link->fd, 0, 0 };
	/* without a channel nobody takes what comes, but for one buffer of it */
	if (pump->count || !link->in_len)
		pump->ready[1].events |= POLLIN;
	if (link->out_len)
		pump->ready[1].events |= POLLOUT;
	for (size_t i = 0; i < pump->count; i++) {
		short events = uc_channel_events(pump->all[i], link);

		if (events)
			pump->ready[count++] =
				(struct pollfd){ pump->all[i]->fd, events, 0 };
	}
	if (link->in_len && pump->count)
		at_once = true;
	left = left < 0 ? 0 : left > IDLE_MS ? IDLE_MS : left;
	if (poll(pump->ready, count, at_once ? 0 : (int)left) < 0)
		return;
	if (pump->ready[0].revents)
		pump->woken = read(pump->wake[0], woken, sizeof(woken)) > 0;
	uc_link_round(link, ROUND);
	if (!pump->ready[1].revents)
		link->dry = true;
}

/* No channel takes it: keep it, and see whether the server is gone. */
static void read_ahead(struct uc_pump *pump)
{
	if (!pump->count && !pump->link.dry)
		uc_link_ahead(&pump->link);
}

/* Somebody has yet to take what came before the end. */
static bool is_awaited(const struct uc_pump *pump)
{
	for (size_t i = 0; i < pump->count; i++)
		if (pump->all[i]->to_user.len && !pump->all[i]->gone &&
		    !pump->all[i]->dropped)
			return true;
	return false;
}

static void move_bytes(struct uc_pump *pump)
{
	struct uc_link *link = &pump->link;
	bool moved = true;

	while (look(pump)) {
		wait_for(pump, moved);
		keep_alive(pump);
		read_ahead(pump);
		moved = step(pump) || pump->woken;
		pump->woken = false;
		if (!uc_link_same_host(link) || !uc_link_flush(link))
			link->ended = true;
		if (link->ended && !link->in_len && !moved && look(pump) &&
		    !is_awaited(pump))
			break;
	}
}

static void say_goodbye(struct uc_link *link)
{
	int64_t deadline = uc_monotonic_ms() + CLOSE_MS;

	if (link->ended || link->failure)
		return;
	(void)libssh2_session_disconnect(link->session, "bye");
	while (uc_link_flush(link) && link->out_len && uc_monotonic_ms() < deadline) {
		struct pollfd ready = { link->fd, POLLOUT, 0 };

		(void)poll(&ready, 1, 100);
	}
}

static void *run(void *arg)
{
	struct uc_pump *pump = arg;

	move_bytes(pump);
	pump->changed_key = pump->link.failure == EKEYREJECTED;
	say_goodbye(&pump->link);
	uc_link_close(&pump->link);
	pthread_mutex_lock(&pump->lock);
	pump->dead = true;
	pthread_mutex_unlock(&pump->lock);
	while (look(pump), pump->count)
		for (size_t i = 0; i < pump->count; i++)
			retire(pump, pump->all[i]);
	return NULL;
}

static int start_thread(struct uc_pump *pump)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&pump->thread, NULL, run, pump);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int uc_pump_start(struct uc_pump **pump, struct uc_link *link, const char *name,
		  struct uc_error *err)
{
	struct uc_pump *made = calloc(1, sizeof(*made));
	pthread_condattr_t attr;
	int rc;

	if (!made) {
		uc_link_close(link);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	pthread_mutex_init(&made->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&made->changed, &attr);
	pthread_condattr_destroy(&attr);
	made->users = 1;
	made->wake[0] = made->wake[1] = -1;
	made->name = strdup(name);
	uc_link_move(&made->link, link);
	libssh2_keepalive_config(made->link.session, 1, KEEPALIVE_S);
	made->keepalive = uc_monotonic_ms() + KEEPALIVE_S * 1000LL;
	rc = made->name ? open_wake(made->wake) : ENOMEM;
	rc = rc ? rc : start_thread(made);
	if (rc != 0) {
		uc_link_close(&made->link);
		pump_free(made);
		return uc_fail_errno(err, UC_FAILED, rc, "cannot start a thread");
	}
	*pump = made;
	return 0;
}

void uc_pump_stop(struct uc_pump *pump)
{
	pthread_mutex_lock(&pump->lock);
	pump->stop = true;
	pthread_mutex_unlock(&pump->lock);
	wake(pump);
	pthread_join(pump->thread, NULL);
	pthread_mutex_lock(&pump->lock);
	leave(pump);
}

static void until(struct uc_pump *pump, int64_t deadline)
{
	struct timespec when = { deadline / 1000, deadline % 1000 * 1000000 };

	(void)pthread_cond_timedwait(&pump->changed, &pump->lock, &when);
}

static bool end_ended(struct uc_stream_end *end)
{
	struct uc_channel *channel = (struct uc_channel *)end;
	bool ended;

	pthread_mutex_lock(&channel->pump->lock);
	ended = channel->phase == UC_CHANNEL_CLOSED;
	pthread_mutex_unlock(&channel->pump->lock);
	return ended;
}

/* The caller wants it no more; the lock is held, and given back. */
static void abandon(struct uc_channel *channel)
{
	struct uc_pump *pump = channel->pump;

	if (channel->phase == UC_CHANNEL_CLOSED) {
		uc_channel_free(channel);
	} else {
		channel->abandoned = true;
		wake(pump);
	}
	leave(pump);
}

static int end_close(struct uc_stream_end *end, int wait_ms, struct uc_buf *said)
{
	struct uc_channel *channel = (struct uc_channel *)end;
	struct uc_pump *pump = channel->pump;
	int64_t deadline = uc_monotonic_ms() + wait_ms;
	int status;

	pthread_mutex_lock(&pump->lock);
	while (channel->phase != UC_CHANNEL_CLOSED && uc_monotonic_ms() < deadline)
		until(pump, deadline);
	status = channel->phase == UC_CHANNEL_CLOSED ? channel->status : -1;
	if (said)
		uc_buf_addn(said, channel->tail.bytes, channel->tail.len);
	abandon(channel);
	return status;
}

/* Put it into the list. False: the connection is over. */
static bool enter(struct uc_pump *pump, struct uc_channel *channel)
{
	size_t count = 0;
	bool good;

	pthread_mutex_lock(&pump->lock);
	for (struct uc_channel *at = pump->first; at; at = at->next)
		count++;
	good = !pump->dead && !pump->stop && count < CHANNELS;
	if (good) {
		channel->next = pump->first;
		pump->first = channel;
		pump->users++;
	}
	pthread_mutex_unlock(&pump->lock);
	if (good)
		wake(pump);
	return good;
}

/* The thread has ended: what it left is not written any more. */
static int lost(const struct uc_pump *pump, struct uc_error *err)
{
	if (pump->changed_key)
		return uc_fail(err, UC_DENIED, "'%s' showed another key than before",
			       pump->name);
	return uc_fail(err, UC_UNREACHABLE, "connection to '%s' lost", pump->name);
}

/* Until it is open; else it is abandoned. */
static int wait_open(struct uc_channel *channel, int64_t deadline, struct uc_error *err)
{
	struct uc_pump *pump = channel->pump;

	pthread_mutex_lock(&pump->lock);
	while (channel->phase == UC_CHANNEL_OPENING && uc_monotonic_ms() < deadline)
		until(pump, deadline);
	/* EXEC may be over already: its stream tells how */
	if (channel->phase == UC_CHANNEL_OPEN || (channel->phase == UC_CHANNEL_CLOSED &&
						  !channel->failure[0] && !pump->dead)) {
		pthread_mutex_unlock(&pump->lock);
		return 0;
	}
	if (channel->phase == UC_CHANNEL_OPENING)
		uc_fail(err, UC_UNREACHABLE, "'%s' took too long to open a channel",
			pump->name);
	else if (pump->dead)
		lost(pump, err);
	else
		uc_fail(err, UC_DENIED, "'%s' does not want that: %s", pump->name,
			channel->failure);
	abandon(channel);
	return -1;
}

/* Why there is no other channel. */
static int refuse(struct uc_pump *pump, struct uc_error *err)
{
	bool over;

	pthread_mutex_lock(&pump->lock);
	over = pump->dead || pump->stop;
	pthread_mutex_unlock(&pump->lock);
	if (over)
		return lost(pump, err);
	return uc_fail(err, UC_UNREACHABLE,
		       "the connection to '%s' has %d channels, "
		       "which are all it may have",
		       pump->name, CHANNELS);
}

int uc_pump_open(struct uc_pump *pump, const struct uc_channel_request *request,
		 struct uc_stream *stream, struct uc_error *err)
{
	struct uc_channel *channel;
	int fds[2];

	if (uc_stream_pair(fds) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot make a socket");
	channel = uc_channel_new(pump, request, fds[1]);
	if (!channel || !enter(pump, channel)) {
		close(fds[0]);
		if (!channel) {
			close(fds[1]);
			return uc_fail(err, UC_FAILED, "out of memory");
		}
		uc_channel_free(channel);
		return refuse(pump, err);
	}
	channel->end = (struct uc_stream_end){ end_ended, end_close };
	if (wait_open(channel, request->deadline, err) < 0) {
		close(fds[0]);
		return -1;
	}
	stream->in = stream->out = fds[0];
	stream->end = &channel->end;
	return 0;
}

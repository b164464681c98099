/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <ucluster/units.h>

#define IN_SIZE      (256U << 10)
#define OUT_MAX      (8U << 20) /* a peer that makes us answer and does not read */
#define SEND_AT      (128U << 10)
#define SHORT        (16U << 10)
#define MEMORY_EARLY (4U << 20)
#define MEMORY_MAX   (192U << 20)
#define PACKET_MAX   36000 /* bytes of anything that a packet can hold */
#define GUARD        40960 /* bytes behind everything until logged in, see below */
#define CLOSE_TURNS  1000  /* of channels, each of which it may leave for another */

/*
 * Until logged in libssh2 gets zeros behind whatever it asks for: 1.10 checks the length
 * of the name in a keyboard-interactive request against the wrong number and would copy
 * up to a packet more than there is. What is freed is wiped: it may be a password.
 */
static void *allocate(struct uc_link *link, size_t size)
{
	size_t guard = link->guard ? GUARD : 0;
	struct uc_link_block *block;

	if ((guard && size > PACKET_MAX) || size > link->memory_max ||
	    link->memory > link->memory_max - size)
		return NULL;
	block = calloc(1, sizeof(*block) + size + guard);
	if (!block)
		return NULL;
	link->memory += size;
	block->size = size;
	block->next = link->blocks;
	block->before = &link->blocks;
	if (block->next)
		block->next->before = &block->next;
	link->blocks = block;
	return block + 1;
}

static void release(struct uc_link *link, void *memory)
{
	struct uc_link_block *block;

	if (!memory)
		return;
	block = (struct uc_link_block *)memory - 1;
	*block->before = block->next;
	if (block->next)
		block->next->before = block->before;
	link->memory -= block->size;
	if (link->guard)
		explicit_bzero(memory, block->size);
	free(block);
}

struct uc_link *uc_link_of(void **abstract)
{
	return *abstract;
}

void *uc_link_alloc(struct uc_link *link, size_t size)
{
	return allocate(link, size);
}

static LIBSSH2_ALLOC_FUNC(on_alloc)
{
	return allocate(uc_link_of(abstract), count);
}

static LIBSSH2_FREE_FUNC(on_free)
{
	release(uc_link_of(abstract), ptr);
}

static LIBSSH2_REALLOC_FUNC(on_realloc)
{
	struct uc_link *link = uc_link_of(abstract);
	void *memory = allocate(link, count);
	size_t size;

	if (!memory || !ptr)
		return memory;
	size = ((struct uc_link_block *)ptr - 1)->size;
	memcpy(memory, ptr, size < count ? size : count);
	release(link, ptr);
	return memory;
}

static void broke(struct uc_link *link, int error)
{
	if (!link->failure)
		link->failure = error;
	link->ended = true;
}

/*
 * A server that sends two short messages holds the second back until the first is
 * acknowledged, which the kernel here may put off for 40 ms.
 */
static void acknowledge(int fd, size_t len)
{
	const int on = 1;

	if (len < SHORT)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

/* More from the socket into the buffer, which is empty. */
static void fill(struct uc_link *link)
{
	ssize_t got = recv(link->fd, link->in, IN_SIZE, MSG_DONTWAIT);

	if (got > 0) {
		link->in_at = 0;
		link->in_len = (size_t)got;
		link->heard = uc_monotonic_ms();
		link->dry = link->in_len < IN_SIZE;
		acknowledge(link->fd, link->in_len);
	} else if (got == 0) {
		link->ended = true;
	} else if (errno == EAGAIN || errno == EINTR) {
		link->dry = true;
	} else {
		broke(link, errno);
	}
}

void uc_link_ahead(struct uc_link *link)
{
	if (!link->in_len && !link->dry && !link->ended)
		fill(link);
}

static LIBSSH2_RECV_FUNC(on_recv)
{
	struct uc_link *link = uc_link_of(abstract);
	size_t size = length;

	(void)socket;
	(void)flags;
	if (link->deadline != INT64_MAX && uc_monotonic_ms() >= link->deadline)
		broke(link, ETIMEDOUT);
	else if (link->budget == 0)
		broke(link, EMSGSIZE);
	if (link->failure)
		return -link->failure;
	if (link->round == 0)
		return -EAGAIN;
	uc_link_ahead(link);
	if (link->failure)
		return -link->failure;
	if (link->in_len == 0) /* what libssh2 keeps yet is handed out before the end */
		return link->ended && link->deadline != INT64_MAX ? 0 : -EAGAIN;
	if (size > link->in_len)
		size = link->in_len;
	if (size > link->round)
		size = link->round;
	if (size > link->budget)
		size = (size_t)link->budget;
	memcpy(buffer, link->in + link->in_at, size);
	link->in_at += size;
	link->in_len -= size;
	link->round -= size;
	link->budget -= link->budget == UINT64_MAX ? 0 : size;
	return (ssize_t)size;
}

static bool reserve(struct uc_link *link, size_t length)
{
	size_t cap = link->out_cap ? link->out_cap : SEND_AT * 2;
	unsigned char *out;

	if (link->out_at && link->out_at + link->out_len + length > link->out_cap) {
		memmove(link->out, link->out + link->out_at, link->out_len);
		link->out_at = 0;
	}
	while (cap < link->out_at + link->out_len + length)
		cap *= 2;
	if (cap > OUT_MAX)
		return false;
	if (cap == link->out_cap)
		return true;
	out = realloc(link->out, cap);
	if (!out)
		return false;
	link->out = out;
	link->out_cap = cap;
	return true;
}

static LIBSSH2_SEND_FUNC(on_send)
{
	struct uc_link *link = uc_link_of(abstract);

	(void)socket;
	(void)flags;
	if (link->failure)
		return -link->failure;
	if (!reserve(link, length)) {
		broke(link, ENOBUFS);
		return -ENOBUFS;
	}
	memcpy(link->out + link->out_at + link->out_len, buffer, length);
	link->out_len += length;
	if (link->out_len >= SEND_AT && !uc_link_flush(link))
		return -link->failure;
	return (ssize_t)length;
}

bool uc_link_open(struct uc_link *link, int fd)
{
	link->fd = fd;
	link->memory_max = MEMORY_EARLY;
	link->round = IN_SIZE;
	link->in = malloc(IN_SIZE);
	link->session =
		link->in ? libssh2_session_init_ex(on_alloc, on_free, on_realloc, link)
			 : NULL;
	if (!link->session) {
		uc_link_close(link);
		return false;
	}
	link->guard = true; /* the session itself is larger than a packet */
	libssh2_session_callback_set(link->session, LIBSSH2_CALLBACK_RECV,
				     (void *)on_recv);
	libssh2_session_callback_set(link->session, LIBSSH2_CALLBACK_SEND,
				     (void *)on_send);
	libssh2_session_set_blocking(link->session, 0);
	return true;
}

void uc_link_close(struct uc_link *link)
{
	if (link->session) {
		link->failure = ECONNABORTED; /* nothing is waited for */
		link->guard = true;           /* keys are wiped */
		for (int i = 0; i < CLOSE_TURNS; i++)
			if (libssh2_session_free(link->session) != LIBSSH2_ERROR_EAGAIN)
				break;
	}
	/* 1.10 forgets some 1.5 KiB whenever new keys are agreed on */
	while (link->blocks)
		release(link, link->blocks + 1);
	free(link->in);
	free(link->out);
	memset(link, 0, sizeof(*link));
}

void uc_link_move(struct uc_link *to, struct uc_link *from)
{
	*to = *from;
	memset(from, 0, sizeof(*from));
	*libssh2_session_abstract(to->session) = to;
	if (to->blocks)
		to->blocks->before = &to->blocks;
}

bool uc_link_keep_host(struct uc_link *link)
{
	size_t len = 0;
	int type;
	const char *key = libssh2_session_hostkey(link->session, &len, &type);

	if (!key || len > sizeof(link->host_key))
		return false;
	memcpy(link->host_key, key, len);
	link->host_key_len = len;
	return true;
}

bool uc_link_same_host(struct uc_link *link)
{
	size_t len = 0;
	int type;
	const char *key = libssh2_session_hostkey(link->session, &len, &type);

	/* none: it is being replaced */
	if (!key || (len == link->host_key_len && memcmp(key, link->host_key, len) == 0))
		return true;
	broke(link, EKEYREJECTED);
	return false;
}

void uc_link_settle(struct uc_link *link)
{
	link->deadline = INT64_MAX;
	link->budget = UINT64_MAX;
	link->memory_max = MEMORY_MAX;
	link->guard = false;
	link->heard = uc_monotonic_ms();
}

bool uc_link_flush(struct uc_link *link)
{
	while (link->out_len && !link->failure) {
		ssize_t sent = send(link->fd, link->out + link->out_at, link->out_len,
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return true;
		if (sent < 0) {
			broke(link, errno);
			break;
		}
		link->out_at += (size_t)sent;
		link->out_len -= (size_t)sent;
	}
	if (!link->out_len)
		link->out_at = 0;
	return !link->failure;
}

void uc_link_round(struct uc_link *link, size_t bytes)
{
	link->round = bytes;
	link->dry = false;
}

bool uc_link_wait(struct uc_link *link)
{
	struct pollfd ready = { .fd = link->fd, .events = POLLIN };
	int64_t left = link->deadline - uc_monotonic_ms();

	uc_link_round(link, IN_SIZE);
	if (!uc_link_flush(link) || link->ended || left <= 0)
		return false;
	if (link->in_len)
		return true;
	if (link->out_len)
		ready.events |= POLLOUT;
	(void)poll(&ready, 1, left > 60000 ? 60000 : (int)left);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_LINK_H
#define UC_SSH_LINK_H
/*
 * What libssh2 runs on: its socket and its memory, both bounded. libssh2 1.10 alone reads
 * as long as a server sends, also before there is a key (no time-out ends that), keeps
 * every packet that nobody asks for, and refuses all work while a packet is half sent.
 * Therefore what it sends goes into a queue that always takes it; what it receives comes
 * from a buffer, until a deadline and a number of bytes; and its memory has a limit.
 */
#include <libssh2.h>
#include <stdint.h>
#include <ucluster/error.h>

/* queued bytes, over which nobody should write more */
#define UC_LINK_BUSY (512U << 10)

#define UC_LINK_KEY_MAX 256 /* bytes of a host's key; ECDSA has up to 172 */

/* In front of each piece of libssh2's memory. */
struct uc_link_block {
	struct uc_link_block *next, **before;
	size_t size;
	size_t unused; /* what follows is aligned for all */
};

/* Of one thread at a time. Zero-initialise, then uc_link_open. */
struct uc_link {
	int fd; /* not the link's */
	/* for connecting and logging in; see uc_link_settle */
	int64_t deadline; /* of uc_monotonic_ms(); INT64_MAX: none */
	uint64_t budget;  /* bytes that may come yet */
	bool guard;
	/* for the rounds of whoever moves data */
	size_t round;              /* bytes that may be handed to libssh2 yet */
	bool dry;                  /* the socket had no more */
	bool ended;                /* the peer closed it */
	int failure;               /* errno that ended it */
	int64_t heard;             /* when bytes came last, of uc_monotonic_ms() */
	size_t memory, memory_max; /* of libssh2, bytes */
	struct uc_link_block *blocks;
	LIBSSH2_SESSION *session;
	void *owner; /* for callbacks of libssh2 */
	/* the key that the host was known by; see uc_link_same_host */
	unsigned char host_key[UC_LINK_KEY_MAX];
	size_t host_key_len;
	unsigned char *in, *out;
	size_t in_at, in_len, out_at, out_len, out_cap;
};

/* Make a session that is not started; false: out of memory. */
bool uc_link_open(struct uc_link *link, int fd) UC_MUST_CHECK;
void uc_link_close(struct uc_link *link);
/* Move it to where it stays; what it was is empty then. */
void uc_link_move(struct uc_link *to, struct uc_link *from);
/* The link of a session, in a callback that is given its `abstract`. */
struct uc_link *uc_link_of(void **abstract);
/* Memory that libssh2 frees. */
void *uc_link_alloc(struct uc_link *link, size_t size);

/* Keep the host's key, which was judged. False: it is longer than any. */
bool uc_link_keep_host(struct uc_link *link);
/*
 * Whether it is the same after new keys were agreed on: libssh2 takes any then. If not,
 * the link is broken.
 */
bool uc_link_same_host(struct uc_link *link);
/* Connected and logged in: deadline and budget end, other bounds begin. */
void uc_link_settle(struct uc_link *link);
/* Send what is queued, as far as the socket takes it. False: it is broken. */
bool uc_link_flush(struct uc_link *link);
/* A new round: `bytes` may be handed over before libssh2 hears that there are no more. */
void uc_link_round(struct uc_link *link, size_t bytes);
/* Take what has come into the buffer when that is empty, and see whether it ended. */
void uc_link_ahead(struct uc_link *link);
/*
 * While connecting, after LIBSSH2_ERROR_EAGAIN: send and wait for more. False: the time
 * is over or the link is broken, libssh2 will say so when called again.
 */
bool uc_link_wait(struct uc_link *link);

#endif

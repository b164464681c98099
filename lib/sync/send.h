/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_SEND_H
#define UC_SYNC_SEND_H
/*
 * Files of a folder, sent over a stream: what a client puts and what a server is asked
 * for. A small file is read at once and travels with others; of a large one the other
 * side says first what it has of it.
 */
#include "sync/entry.h"
#include "sync/message.h"

#define UC_SEND_SMALL (128u << 10) /* bytes: larger files travel in pieces */
#define UC_SEND_BATCH (256u << 10) /* bytes of small files in one message */
#define UC_SEND_QUEUE (1u << 20)   /* bytes queued before pieces wait */

struct uc_sender {
	struct uc_talk *talk;
	int root; /* folder that is read */
	struct evp_md_st *sha;
	struct uc_outgoing *first, **last;
	size_t count;
	unsigned char *block; /* to read into */
	/* A large file cannot be sent after all. */
	void (*failed)(void *arg, const struct uc_message_outcome *why);
	/* All of one is on its way: bytes that travelled, and that did not have to. */
	void (*sent)(void *arg, uint32_t id, uint64_t wire, uint64_t kept);
	/* A piece of one is: the same, so far. May be NULL. */
	void (*moved)(void *arg, uint32_t id, uint64_t wire, uint64_t kept);
	void *arg;
};

/* -1 when out of memory. */
int uc_sender_open(struct uc_sender *sender, struct uc_talk *talk, int root,
		   struct uc_error *err) UC_MUST_CHECK;
void uc_sender_free(struct uc_sender *sender);

/*
 * Append a small file to `buf`, and its SHA-256. Else an enum uc_far_outcome other than
 * UC_FAR_DONE, with *why filled but for its id, and `buf` as it was.
 */
int uc_sender_read(struct uc_sender *sender, const struct uc_sync_entry *entry,
		   struct uc_buf *buf, unsigned char *sha256,
		   struct uc_message_outcome *why);

/* Send a large file; its beginning was told. `now`: there is nothing of it. */
int uc_sender_add(struct uc_sender *sender, uint32_t id,
		  const struct uc_sync_entry *entry, bool now,
		  struct uc_error *err) UC_MUST_CHECK;
/* HAVE, SIGS, of a file that waits for it. 1: no such file, -1: bad. */
int uc_sender_have(struct uc_sender *sender, const struct uc_frame *frame, uint32_t *id,
		   struct uc_error *err) UC_MUST_CHECK;
int uc_sender_sigs(struct uc_sender *sender, const struct uc_frame *frame, uint32_t *id,
		   struct uc_error *err) UC_MUST_CHECK;
/* Forget a file that is not sent to its end yet. False: there is none. */
bool uc_sender_stop(struct uc_sender *sender, uint32_t id);
/* Something can be sent without hearing more. */
bool uc_sender_ready(const struct uc_sender *sender);
/* Queue pieces until enough are. */
int uc_sender_pump(struct uc_sender *sender, struct uc_error *err) UC_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_RECEIVE_H
#define UC_SYNC_RECEIVE_H
/*
 * Files that arrive over a stream and are written through a store: what a server is given
 * and what a client asked for. The other side of send.h.
 */
#include "sync/message.h"
#include "sync/store.h"

#define UC_RECEIVE_MAX 64u /* large files under way */

struct uc_receiver {
	struct uc_talk *talk;
	struct uc_store *store;
	struct uc_incoming *item;
	size_t count;
	struct uc_arrived *waiting; /* ended, not in their place yet */
	size_t waiting_count;
	/* A file is done, or failed; once for each. */
	void (*ended)(void *arg, const struct uc_message_outcome *outcome);
	/* A large one: nothing more comes of it. May be NULL. */
	void (*over)(void *arg, uint32_t id);
	/* Run what may take minutes; NULL: it is just called. */
	void (*aside)(void *arg, void (*fn)(void *), void *fn_arg);
	void *arg;
};

/* -1 when out of memory. */
int uc_receiver_open(struct uc_receiver *receiver, struct uc_talk *talk,
		     struct uc_store *store, struct uc_error *err) UC_MUST_CHECK;
/* Before the store is. */
void uc_receiver_free(struct uc_receiver *receiver);

/* The outcome of something the store did, with its errno. */
void uc_receive_outcome(struct uc_message_outcome *to, uint32_t id, int store_outcome,
			const struct uc_error *err);

/* A small file: `job` has its content. */
void uc_receiver_put(struct uc_receiver *receiver, const struct uc_message_job *job);
/* A large one begins. -1: the other side does what it must not. */
int uc_receiver_begin(struct uc_receiver *receiver, const struct uc_message_job *job,
		      struct uc_error *err) UC_MUST_CHECK;
/* PUT_START, PUT_DATA, PUT_COPY, PUT_END, PUT_DROP. */
int uc_receiver_take(struct uc_receiver *receiver, const struct uc_frame *frame,
		     struct uc_error *err) UC_MUST_CHECK;
/* Nothing more comes of it, as if by PUT_DROP. False: no such file. */
bool uc_receiver_drop(struct uc_receiver *receiver, uint32_t id);

#endif

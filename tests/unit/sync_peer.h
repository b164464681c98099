/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TESTS_SYNC_PEER_H
#define UC_TESTS_SYNC_PEER_H
/* Folders to sync, and both ends of the protocol over a socket pair. */
#include "unit.h"

#include "sync/far.h"

struct peer {
	char base[128]; /* holds near, far, back, and a sentinel beside them */
	int near, far, back;
	struct uc_store *store; /* of `back` */
	struct uc_stream stream;
	pid_t pid; /* of usync --serve */
	struct uc_far *end;
	size_t done, failed;
	struct uc_far_job last; /* that ended */
};

int peer_setup(void **state);
int peer_teardown(void **state);

/* Start a serving end, and open it. */
void peer_serve(struct peer *peer);
/* Only the process, over peer->stream. */
void peer_start(struct peer *peer);
void peer_open(struct peer *peer, const struct uc_far_options *options);
struct uc_far_options peer_options(struct peer *peer);
/* Close this side; how the process ended, -1 when there is none. */
int peer_end(struct peer *peer);

void peer_write(int folder, const char *path, const void *bytes, size_t len);
void peer_fill(int folder, const char *path, size_t len, unsigned seed);
/* Both hold the same. */
void peer_same(int a, int b);
void peer_walk(int folder, struct uc_sync_list *list);
/* Wait until all jobs are done. */
void peer_wait(struct peer *peer, size_t jobs);
void peer_submit(struct peer *peer, struct uc_far_job *job);
/* One job, to its end. */
enum uc_far_outcome peer_job(struct peer *peer, struct uc_far_job *job);
/* All of one folder to the far end, or from there to `back`. */
void peer_push(struct peer *peer);
void peer_pull(struct peer *peer);
struct uc_sync_entry peer_look(int folder, const char *path);

#endif

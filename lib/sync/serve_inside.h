/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_SERVE_INSIDE_H
#define UC_SYNC_SERVE_INSIDE_H
/* What the files of the serving end (serve*.c) share. */
#include <jansson.h>

#include "sync/receive.h"
#include "sync/send.h"
#include "sync/store.h"

#define SERVE_GETS_MAX   65536u      /* files asked for and not sent yet */
#define SERVE_GETS_BYTES (64u << 20) /* of memory for them */
#define SERVE_LARGE_MAX  256u        /* of them, in pieces */
#define SERVE_ANSWER_MAX (16u << 20) /* bytes of an answer to CALL */

/* A small file that was asked for. */
struct serve_get {
	struct serve_get *next;
	uint32_t id;
	struct uc_sync_entry entry; /* its path is behind this */
	char path[];
};

struct serve {
	struct uc_talk talk;
	const char *home;
	int root;   /* -1: not open yet */
	char *path; /* of it, absolute */
	struct uc_message_open open;
	struct uc_store *store; /* NULL: only read */
	struct uc_sender sender;
	struct uc_receiver receiver;
	struct serve_get *get, **last_get;
	size_t gets, get_bytes;
	struct uc_buf files, outcomes; /* messages that are being filled */
	struct uc_job_codec codec;
	bool greeted, hello, waiting; /* waiting: ended files are not in place yet */
	int64_t beat_ms;              /* when something was sent last while busy */
};

/* From now on nothing but the folder is written to, where the kernel can promise that. */
void serve_confine(int root);

int serve_list(struct serve *s, const struct uc_frame *frame, struct uc_error *err);
int serve_call(struct serve *s, const struct uc_frame *frame, struct uc_error *err);

/* Jobs: messages about files (serve_jobs.c). */
int serve_jobs(struct serve *s, const struct uc_frame *frame, struct uc_error *err);
int serve_put_begin(struct serve *s, const struct uc_frame *frame, struct uc_error *err);
int serve_outcome(struct serve *s, const struct uc_message_outcome *outcome);
/* Send the outcomes that are there. */
int serve_flush_outcomes(struct serve *s, struct uc_error *err);
/* Send small files that were asked for, until enough is queued. */
int serve_gets(struct serve *s, struct uc_error *err);
void serve_gets_free(struct serve *s);

/* While something takes long: pass on what is queued, and say that this end is alive. */
int serve_busy(struct serve *s, struct uc_error *err);
/* The same, until there is room in the queue. -1 also when the other end is gone. */
int serve_drain(struct serve *s, size_t to, int timeout_ms, struct uc_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UQUEUE_WHY_H
#define UC_UQUEUE_WHY_H
/*
 * Why a job waits: gathered (why.c), as a paragraph (why_words.c) and as JSON
 * (why_json.c).
 */
#include <ucluster/limits.h>
#include <ucluster/reason.h>
#include <ucluster/sooner.h>
#include "common/json.h"
#include "uqueue/uqueue.h"

/* As many jobs that hold GPUs are named. */
#define WHY_RELEASES 3
/* As many changes are tried, one RPC each, and for as long. */
#define WHY_TRIES    5
#define WHY_TRIES_MS 5000

/* All that is known when it is told; freed with its parts. */
struct why_view {
	const struct uc_jobs *jobs;
	const struct uc_job *job;
	struct uc_nodes *nodes;
	struct uc_partitions *partitions;
	struct uc_limits *limits;
	struct uc_reservations *reservations;
	struct uc_reason_context context;
	struct uc_rank rank;
	struct uc_reason_limit limit;
	struct uc_release release[WHY_RELEASES];
	size_t release_count;
	struct uc_sooner_list sooner;
	size_t tried;
	bool has_receipt; /* of usrun, which can submit it again */
};

/* "4711_[5-9]", as listings have it. */
void why_add_id(struct uc_buf *out, const struct why_view *view);
/* The command that makes one of the changes. */
void why_add_command(struct uc_buf *out, const struct why_view *view,
		     const struct uc_sooner *change);

/* One paragraph; its last sentence may end with a command and has no full stop then. */
void why_words(const struct why_view *view, struct uc_buf *text);
/* Changes that help, each with its command on a line of its own; or nothing. */
void why_changes(const struct why_view *view, struct uc_buf *out);
/* A whole object. `text` is the paragraph. */
void why_json(const struct why_view *view, const char *text, struct uc_json *json);

#endif

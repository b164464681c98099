/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UQUEUE_UQUEUE_H
#define UC_UQUEUE_UQUEUE_H
/* The parts of uqueue: what is shown (columns.c) and of which jobs (filter.c). */
#include <ucluster/job.h>
#include "common/table.h"

/* What cells are computed from besides the job; a table's rows are struct uc_job *. */
struct uqueue_context {
	int64_t now;
	bool ascii; /* this locale has no multiplication sign */
};
extern const struct uc_column uqueue_columns[];

/* The jobs asked for. Zero-initialise; lists that are empty ask for nothing special. */
struct uqueue_filter {
	struct uqueue_user {
		const char *name; /* compared when id is UC_NONE32 */
		uint32_t id;
	} * users;
	struct uqueue_id {
		uint32_t job, task; /* task UC_NONE32: all of them */
	} * ids;
	int64_t *states; /* UC_JOB_..., one value each */
	size_t user_count, id_count, state_count;
	const struct uc_strv *partitions; /* borrowed */
	bool all_states;
};
void uqueue_filter_free(struct uqueue_filter *filter);

/*
 * Understand the words of -u, -j, -t; the strings stay borrowed. Users of a cluster that
 * is live are looked up. UC_USAGE, UC_NOTFOUND: no such user.
 */
int uqueue_filter_users(struct uqueue_filter *filter, const struct uc_strv *words,
			bool live, struct uc_error *err) UC_MUST_CHECK;
int uqueue_filter_ids(struct uqueue_filter *filter, const struct uc_strv *words,
		      struct uc_error *err) UC_MUST_CHECK;
int uqueue_filter_states(struct uqueue_filter *filter, const struct uc_strv *words,
			 struct uc_error *err) UC_MUST_CHECK;
bool uqueue_filter_match(const struct uqueue_filter *filter, const struct uc_job *job);
bool uqueue_id_match(const struct uqueue_id *id, const struct uc_job *job);

#endif

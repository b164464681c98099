/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UQUEUE_LIST_H
#define UC_UQUEUE_LIST_H
/* The listing, printed once or again and again (list.c) or on a screen (watch.c). */
#include "uqueue/uqueue.h"

/* What it is to be, made of the arguments. Zero-initialise; free it. */
struct uqueue_listing {
	struct uqueue_filter filter;
	struct uqueue_sort sort;
	struct uc_listing listing;
	struct uc_selection shown;
	bool array; /* one row a task */
	struct uqueue_wants wants;
	struct uc_buf fields; /* of all columns */
};
/* What can be told without a source: columns and order. -1: over, with run->status. */
int uqueue_listing_select(struct uc_run *run, const struct uqueue_args *args,
			  struct uqueue_listing *list) UC_MUST_CHECK;
/* Of which jobs. */
int uqueue_listing_make(const struct uqueue_args *args, const struct uc_source *source,
			struct uqueue_listing *list, struct uc_error *err) UC_MUST_CHECK;
void uqueue_listing_free(struct uqueue_listing *list);

struct uqueue_rows {
	struct uqueue_row *row; /* free() it */
	size_t count, size;
};
/* The rows of a snapshot, in its order; -1: out of memory. */
int uqueue_listing_rows(const struct uqueue_listing *list, const struct uc_jobs *jobs,
			struct uqueue_rows *rows) UC_MUST_CHECK;

#endif

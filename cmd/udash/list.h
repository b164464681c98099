/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_LIST_H
#define UC_UDASH_LIST_H
/*
 * Where the cursor is in a list that changes under it, what is marked, what is folded:
 * all bound to what the rows are, not to where they stand.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucluster/error.h>

/* What a row is: a job by its id and submit time, a node by its name's hash. */
struct dash_id {
	uint64_t what, when;
};
static inline bool dash_id_same(struct dash_id a, struct dash_id b)
{
	return a.what == b.what && a.when == b.when;
}

/* A set of ids. Zero-initialise. */
struct dash_set {
	struct dash_id *slot; /* a hash table; what == 0 is empty */
	size_t count, slots;
};
bool dash_set_has(const struct dash_set *set, struct dash_id id);
/* Add it, or take it away where it is. False: out of memory. */
bool dash_set_toggle(struct dash_set *set, struct dash_id id);
void dash_set_clear(struct dash_set *set);
void dash_set_free(struct dash_set *set);

struct dash_list {
	size_t count;      /* rows */
	size_t at;         /* the cursor's, below count */
	size_t top;        /* first that is shown */
	struct dash_id id; /* of the row at the cursor; what == 0: none yet */
};

/* The id of row `index`. */
typedef struct dash_id dash_id_of(const void *rows, size_t index);

/*
 * There are other rows now: the cursor goes to the one that it was on, or stays where it
 * was when that is gone; what is shown moves with it.
 */
void dash_list_sync(struct dash_list *list, const void *rows, size_t count,
		    dash_id_of *id_of);
/* Put the cursor on a row; it is cut to what there is. */
void dash_list_go(struct dash_list *list, const void *rows, dash_id_of *id_of,
		  int64_t index);
/* Keys that move the cursor, `page` rows being shown. False: it is none of these. */
bool dash_list_key(struct dash_list *list, const void *rows, dash_id_of *id_of, int key,
		   size_t page);
/* Scroll so that the cursor is among `page` rows. */
void dash_list_show(struct dash_list *list, size_t page);

#endif

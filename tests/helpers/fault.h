/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TESTS_FAULT_H
#define UC_TESTS_FAULT_H
/*
 * One allocation or one call of the system that fails, of a program that this is linked
 * with or preloaded into. Calls are numbered from 1 in the order they are made, of all
 * threads together; those that libc makes within itself are not seen.
 */
#include <stdbool.h>
#include <stddef.h>

enum fault_kind {
	FAULT_NONE,   /* nothing is counted */
	FAULT_MEMORY, /* malloc and what is like it */
	FAULT_CALLS,  /* open, read, write, fsync, rename, ... */
};

struct fault_plan {
	enum fault_kind kind;
	size_t at;        /* the number of the one that fails; 0: only count */
	unsigned variant; /* of calls: which of the errors that it may have */
	bool stay;        /* of memory: all further ones fail too */
};

#define FAULT_SEEN_MAX 200000u
#define FAULT_VARIANTS 4u

/* What was seen; in memory that forked processes share. */
struct fault_seen {
	size_t count; /* allocations, or calls */
	bool hit;
	char what[64];                        /* "write: No space left on device" */
	unsigned char errors[FAULT_SEEN_MAX]; /* of each call: how many it may have */
};

/* From here on; what was seen before is forgotten. */
void fault_begin(const struct fault_plan *plan);
void fault_end(void);
const struct fault_seen *fault_seen(void);
/* Blocks that were allocated since fault_begin() less those that were freed. */
long fault_live(void);

/*
 * `most` of `count` points, spread evenly, the same at every run: whether the one with
 * this index (from 0) is one of them.
 */
bool fault_chosen(size_t index, size_t count, size_t most);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_MATCHER_H
#define UC_SYNC_MATCHER_H
/*
 * Many patterns at once: a bit for each step of each, all moved on with each byte of a
 * name. The time is that of the patterns' bytes / 64 x the name's, whatever they are, and
 * folders are gone through once for all names in them.
 */
#include "sync/glob.h"

struct uc_matcher;

/* NULL when out of memory. */
struct uc_matcher *uc_matcher_new(void);
void uc_matcher_free(struct uc_matcher *matcher);
/*
 * Add `len` bytes as they are, then `rest` (NULL: nothing), that match together. `value`
 * tells which it is, from 1 and rising. -1 when out of memory.
 */
struct uc_matcher_pattern {
	const char *literal;
	size_t len;
	const struct uc_glob *rest;
	bool folder_only;
	size_t value;
};
int uc_matcher_add(struct uc_matcher *matcher, const struct uc_matcher_pattern *pattern);
/* When all are added. -1 when out of memory. */
int uc_matcher_finish(struct uc_matcher *matcher);
/*
 * The value of the last pattern that matches all of `path`, or 0. It remembers the
 * folder: one thread at a time.
 */
size_t uc_matcher_find(struct uc_matcher *matcher, const char *path, size_t len,
		       bool is_folder);

#endif

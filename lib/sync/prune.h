/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_PRUNE_H
#define UC_SYNC_PRUNE_H
/*
 * Taking trees away for good: trash and snapshots. Folders are opened one below the other
 * and no link is followed, so that nobody leads this elsewhere; another file system that
 * is mounted inside stays, and ends it.
 */
#include <stdint.h>
#include <ucluster/error.h>

struct uc_tree_sum {
	uint64_t files; /* everything that is no folder */
	uint64_t folders, bytes;
};

/*
 * Remove the folder `name` of `folder` with all that is in it, also where it is only to
 * be read. *sum grows by what was removed. -1: the rest is still there.
 */
int uc_tree_remove(int folder, const char *name, struct uc_tree_sum *sum,
		   struct uc_error *err) UC_MUST_CHECK;
/* Add up what is in it. What cannot be read is left out. */
void uc_tree_count(int folder, const char *name, struct uc_tree_sum *sum);

#endif

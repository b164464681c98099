/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_BEHIND_H
#define UC_SYNC_BEHIND_H
/*
 * Would a walk here leave a path behind that it did not meet? What is only at the other
 * side and would be left behind here is not missing here: it is not removed there.
 */
#include "sync/walk_rules.h"

struct uc_sync_behind;

/* NULL when out of memory. `options` are the walk's; both are borrowed. */
struct uc_sync_behind *uc_sync_behind_new(int root,
					  const struct uc_sync_walk_options *options);
/* 1 yes, 0 no, -1 the rules cannot be read. Quick for neighbours. */
int uc_sync_behind_look(struct uc_sync_behind *behind, const char *path, bool is_folder);
void uc_sync_behind_free(struct uc_sync_behind *behind);
UC_DEFINE_AUTO(sync_behind, struct uc_sync_behind *)

#endif

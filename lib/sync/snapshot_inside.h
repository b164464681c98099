/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_SNAPSHOT_INSIDE_H
#define UC_SYNC_SNAPSHOT_INSIDE_H
/* What the files of snapshots (snapshot*.c) share. */
#include <ucluster/text.h>

#include "sync/snapshot.h"

#define SNAPSHOT_META "meta.json"
#define SNAPSHOT_TREE "tree"
#define SNAPSHOT_FD   __attribute__((cleanup(uc_snapshot_close))) int

void uc_snapshot_close(const int *fd);
/* The folder of all snapshots. -1 with errno. */
int uc_snapshot_top(int root);
/* The IDs that are there, the oldest first. */
int uc_snapshot_ids(int top, struct uc_strv *ids, struct uc_error *err) UC_MUST_CHECK;
/* Copy what is open: by sharing blocks where that works. -1 with errno. */
int uc_snapshot_copy(int from, int to);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_TRASH_H
#define UC_SYNC_TRASH_H
/*
 * What runs replaced and removed below a root: .ucluster-trash/RUN/PATH, put there by a
 * store. `root` is the open folder. Answers are new references; NULL with err.
 */
#include <jansson.h>

#include "sync/store.h"

/*
 * {"runs": [{"run", "time", "files", "bytes"}]}, the oldest first; times in seconds since
 * 1970. Runs of others, which cannot be read, are left out.
 */
json_t *uc_trash_list(int root, struct uc_error *err);
/*
 * Move back what a run put there: `paths`, files or folders as they were below the root,
 * or all (NULL or empty). What is in its place meanwhile stays, and so does what is in
 * the trash then. {"restored": files, "kept": files}
 */
json_t *uc_trash_restore(int root, const char *run, const json_t *paths,
			 struct uc_error *err);
/*
 * Remove the runs that are older than `older` seconds (0: all) for good.
 * {"removed": files, "bytes", "runs"}
 */
json_t *uc_trash_empty(int root, int64_t older, struct uc_error *err);

#endif

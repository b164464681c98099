/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_SNAPSHOT_H
#define UC_SYNC_SNAPSHOT_H
/*
 * What a folder held at some time: .ucluster-snapshots/ID/tree and ID/meta.json. Nothing
 * in it can be written to; a file that is as in the snapshot before is another name of
 * that one's, never of the folder's own. It is made under another name and gets its own
 * when it is whole.
 *
 * `root` is the open folder. Answers are new references; NULL with err.
 */
#include <jansson.h>

#include "sync/store.h"

/* "20261121T135100Z-1f3a": UTC and four digits; in the order of time. */
bool uc_snapshot_is_id(const char *id);
/*
 * Whether this absolute path is a snapshot's tree: what is copied from there gets back
 * its owner's write permission, which only the snapshot has not.
 */
bool uc_snapshot_is_tree(const char *path);

struct uc_snapshot_options {
	const char *message, *user, *host, *git; /* for meta.json; NULL: none */
	const char *rules;                       /* gitignore(5) lines, or NULL */
	bool no_gitignore, no_defaults, no_sync;
	bool (*stop)(void *arg); /* asked often; true ends it. NULL: never */
	void *arg;
};
/* Returns what uc_snapshot_show does. What could not be read is counted as "unread". */
json_t *uc_snapshot_make(int root, const struct uc_snapshot_options *options,
			 struct uc_error *err);
/* {"snapshots": [...]}: the oldest first, each as in meta.json. */
json_t *uc_snapshot_list(int root, struct uc_error *err);
/*
 * {"id", "time": seconds since 1970, "message", "user", "host", "git", "files",
 * "folders", "links", "bytes", "copied": bytes that are its own, "unread"}. UC_NOTFOUND.
 */
json_t *uc_snapshot_show(int root, const char *id, struct uc_error *err);
/*
 * Make what is in `store` as in the snapshot, as far as it differs; what is replaced, and
 * with `remove` what the snapshot does not have, goes to the store's trash. Files get
 * back their owner's write permission.
 * {"restored": files, "removed", "same", "failed"}
 */
json_t *uc_snapshot_restore(int root, const char *id, struct uc_store *store, bool remove,
			    struct uc_error *err);
/*
 * Remove for good all but the `keep` latest, and of those that remain what is older than
 * `older` seconds (0: nothing); the latest always stays, and so does what is younger than
 * `spare` seconds. {"removed": [ID...], "spared": how many of those were}
 */
json_t *uc_snapshot_prune(int root, uint64_t keep, int64_t older, int64_t spare,
			  struct uc_error *err);

#endif

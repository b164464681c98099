/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_VERBS_H
#define UC_SYNC_VERBS_H
/*
 * What a far end is asked besides jobs: snapshots and trash, by the verbs of CALL in
 * usync-protocol(7). Arguments come from a stranger; those of a wrong type are refused,
 * those that no verb knows are left alone.
 *
 *	snapshot          message, user, host, git, rules, no_gitignore, no_defaults
 *	snapshots
 *	snapshot-show     id
 *	snapshot-path     id; {"path": absolute}
 *	snapshot-restore  id, remove
 *	prune             keep (10), older in seconds (0: never)
 *	trash
 *	trash-restore     run, paths
 *	trash-empty       older in seconds (0: all)
 *
 * Answers as in snapshot.h and trash.h.
 */
#include <jansson.h>

#include "sync/store.h"

/* What they work on. Everything is borrowed. */
struct uc_sync_verbs {
	int root;               /* the open folder */
	const char *path;       /* absolute, of it */
	struct uc_store *store; /* below it; NULL: nothing is written */
	bool no_sync;
	bool (*stop)(void *arg); /* asked while something takes long; may be NULL */
	void *arg;
};

/* A new reference, or NULL with err: UC_USAGE for what is not known. */
json_t *uc_sync_verb(const struct uc_sync_verbs *verbs, const char *verb, json_t *args,
		     struct uc_error *err);

#endif

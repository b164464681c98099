/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USYNC_WATCH_TREE_H
#define UC_USYNC_WATCH_TREE_H
/*
 * Whether something changed below a folder, of what a push would look at: by inotify(7)
 * where it sees all changes, else by looking at names, sizes and times every now and
 * then.
 */
#include <stdint.h>
#include <ucluster/sync.h>

struct usync_tree {
	const struct uc_sync_request *request; /* the caller's: where, and its rules */
	int inotify;                           /* -1: by looking */
	const char *why;                       /* not inotify, in words */
	uint64_t seen;                         /* by looking: sum over what was there */
	int64_t interval_ms;                   /* between looks */
	bool again;                            /* folders may be new: watch them, too */
};

/* `by_looking`: inotify is not even tried. */
int usync_tree_open(struct usync_tree *tree, bool by_looking,
		    struct uc_error *err) UC_MUST_CHECK;
void usync_tree_close(struct usync_tree *tree);
/* Wait at most `ms` (-1: without end) for a change. 1: there is one, 0: none, -1. */
int usync_tree_wait(struct usync_tree *tree, int ms, struct uc_error *err) UC_MUST_CHECK;
/* New folders are watched from here on; what is in them counts as known. */
void usync_tree_refresh(struct usync_tree *tree);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_WALK_H
#define UC_SYNC_WALK_H
/*
 * A tree, entry by entry in the order of entry.h. Links are told, never followed; folders
 * are opened one below the other, so that nobody who moves them leads the walk elsewhere.
 * What cannot be read is named, and the walk goes on. Names ".uc-*" (temporaries)
 * anywhere and ".ucluster-*" (trash, snapshots) at the root are ours and never told.
 *
 * Which rule decides about a name, the first of these that has one for it:
 *   1. those of the command line
 *   2. .usyncignore in its folder, then in the folders above
 *   3. those of the configuration
 *   4. .gitignore in its folder, then in the folders above; .git/info/exclude. With
 *      `work_tree` those above the root and the user's own are among them, and what git
 *      tracks stands after them as if kept by a rule.
 *   5. the default list
 * A folder that is ignored is not looked into: no rule brings back what is below it; only
 * what git tracks there is told. The root is walked whatever the rules above it say.
 */
#include "sync/entry.h"
#include "sync/ignore.h"
#include "sync/work_tree.h"

/* What is told besides entries. */
enum uc_sync_note {
	UC_SYNC_UNREADABLE, /* a folder, link or name; with errno */
	UC_SYNC_SPECIAL,    /* FIFO, socket or device: no entry */
	UC_SYNC_OTHER_FS,   /* a folder of another file system: told, not entered */
	UC_SYNC_TOO_DEEP,   /* a folder: told, not entered */
	UC_SYNC_TOO_LONG,   /* a path or target: no entry; the path may be cut */
	UC_SYNC_BAD_RULES,  /* a .gitignore or .usyncignore is unreadable; with errno */
	UC_SYNC_VANISHED,   /* was there when its folder was listed: no entry */
	UC_SYNC_NOTES
};

struct uc_sync_walk_options {
	const struct uc_ignore_list *command, *config, *defaults; /* borrowed, or NULL */
	const struct uc_work_tree
		*work_tree; /* that the root lies in; borrowed, or NULL */
	bool no_gitignore;  /* none of 4 */
	bool cross;         /* enter other file systems */
	/*
	 * One entry, with its folder open for openat(); both are borrowed until it
	 * returns. -1 ends the walk with the error it set.
	 */
	int (*entry)(void *arg, int folder, const struct uc_sync_entry *entry,
		     struct uc_error *err);
	/* May be NULL. The path is raw bytes. */
	void (*note)(void *arg, enum uc_sync_note note, const char *path,
		     int errno_value);
	/* Asked at every name; true ends the walk. May be NULL. */
	bool (*stop)(void *arg);
	void *arg;
};

/* What one rule left behind. A folder counts once, with nothing for what is in it. */
struct uc_sync_skip {
	char *origin; /* the file of the rule */
	char *rule;   /* as written there; "" in the last of UC_SYNC_SKIPS_MAX: all others
		       */
	int line;
	uint64_t files, folders; /* files: everything that is no folder */
	uint64_t bytes;
};
#define UC_SYNC_SKIPS_MAX 1000

/* Sums. Zero-initialise; free with uc_sync_walked_free. */
struct uc_sync_walked {
	uint64_t files, folders, links;
	uint64_t bytes; /* of the files; hard links count once */
	uint64_t notes[UC_SYNC_NOTES];
	struct uc_sync_skip *skip; /* in the order of their first use */
	size_t skips;
	bool complete; /* everything was seen that the rules leave: what is not told is
			  not there */
};

/*
 * Walk the folder `root`, which itself is not told. -1 when `entry` or `stop` ended it,
 * when `root` cannot be read, or out of memory; the sums hold for what was seen.
 */
int uc_sync_walk(int root, const struct uc_sync_walk_options *options,
		 struct uc_sync_walked *walked, struct uc_error *err) UC_MUST_CHECK;
void uc_sync_walked_free(struct uc_sync_walked *walked);
UC_DEFINE_AUTO_VALUE(sync_walked, struct uc_sync_walked)

#endif

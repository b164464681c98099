/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_SNAPSHOT_H
#define UCLUSTER_SNAPSHOT_H
/*
 * Snapshots: a copy of a code tree from which a job runs, so that editing goes on while
 * it waits in the queue.
 *
 *	struct uc_snapshot_rules rules = { .start = cwd, .now = now,
 *					   .environment = environ };
 *	uc_auto(snapshot) struct uc_snapshot snap = { 0 };
 *	uc_snapshot_make(&rules, &snap, &err);	snap.workdir: where the job runs
 *	uc_snapshot_prune(snap.folder, 20, in_use, NULL, &err);
 *
 * What is copied: in a git work tree all of it, what git tracks and what it does not
 * ignore, submodules and nested repositories as plain trees; elsewhere the folder without
 * what uc_snapshot_skips() lists. Symbolic links stay links, never followed; sockets,
 * devices and FIFOs are left out.
 *
 * Files are reflinked where the file system can, else copied, and read-only. A file is
 * hard-linked from the snapshot before when size, times (mtime and ctime to the
 * nanosecond), device, inode and mode of the working file are as that snapshot noted them
 * (in its ".ucluster-snapshot") and had been so for 2 s then: ctime cannot be set back,
 * so no edit goes unseen. Never linked to a working file: an edit cannot reach a
 * snapshot.
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UC_SNAPSHOT_BYTES (1ull << 30)
#define UC_SNAPSHOT_FILES 20000
#define UC_SNAPSHOT_KEEP  20

/* Borrowed strings; 0 or NULL for what is usual. */
struct uc_snapshot_rules {
	const char *start;  /* absolute: the job's working directory */
	const char *root;   /* the tree where git knows none; usually start */
	const char *folder; /* for snapshots; usually ROOT/.ucluster/snapshots */
	uint64_t max_bytes; /* usually UC_SNAPSHOT_BYTES */
	size_t max_files;   /* links and files; usually UC_SNAPSHOT_FILES */
	int64_t now;        /* epoch */
	const char *const *environment; /* for git */
};

/* Zero-initialise; free with uc_snapshot_free. */
struct uc_snapshot {
	char *root;    /* the tree it was made of */
	char *folder;  /* the snapshots */
	char *path;    /* this one: FOLDER/20260131T235959Z-1a2b3c */
	char *workdir; /* what `start` is in it */
	bool git;      /* git said what belongs to it */
	size_t files;  /* of these: */
	size_t linked, reflinked, copied;
	uint64_t bytes;       /* of all files */
	struct uc_strv notes; /* left out, links that lead out, ...: a line each */
};
void uc_snapshot_free(struct uc_snapshot *snap);
UC_DEFINE_AUTO_VALUE(snapshot, struct uc_snapshot)

/*
 * Make one. It is built under a temporary name and renamed when it is whole; an
 * interrupted one is never found under a final name, and pruning removes it. UC_USAGE:
 * more than the limits, with the biggest folders named; UC_DENIED: something cannot be
 * read.
 */
int uc_snapshot_make(const struct uc_snapshot_rules *rules, struct uc_snapshot *snap,
		     struct uc_error *err) UC_MUST_CHECK;

/* Patterns (fnmatch; with "/" at the end for folders) left out without git. */
const char *const *uc_snapshot_skips(void);

/*
 * Remove all but the newest `keep`, and none that a path of `in_use` (NULL-terminated,
 * absolute: working directories of pending and running jobs) is in or is. What is no
 * snapshot stays. *removed may be NULL.
 */
int uc_snapshot_prune(const char *folder, size_t keep, const char *const *in_use,
		      size_t *removed, struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

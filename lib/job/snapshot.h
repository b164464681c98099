/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_JOB_SNAPSHOT_H
#define UC_JOB_SNAPSHOT_H
/*
 * The steps of a snapshot: list the tree, copy what is listed. All access is relative to
 * folders that are held open and follows no link.
 */
#include <sys/stat.h>
#include <time.h>
#include <ucluster/snapshot.h>

#define UC_SNAPSHOT_MANIFEST ".ucluster-snapshot"
#define UC_SNAPSHOT_TEMP     ".building-" /* what an unfinished one's name begins with */
#define UC_SNAPSHOT_DEPTH    64

/* Something to copy: a regular file or a link. */
struct uc_tree_item {
	char *path; /* relative, no "." or ".." in it */
	struct stat st;
};
/* Zero-initialise. */
struct uc_tree {
	struct uc_tree_item *item;
	size_t count, cap;
	uint64_t bytes;
	size_t max_items;    /* listing stops beyond four times of it */
	const char *exclude; /* a path that is left out, or NULL */
	struct uc_strv notes;
};
void uc_tree_free(struct uc_tree *tree);
UC_DEFINE_AUTO_VALUE(tree, struct uc_tree)

/* List what lies at one path that git named: a file, a link, a folder with all in it. */
int uc_tree_add(struct uc_tree *tree, int root, const char *path,
		struct uc_error *err) UC_MUST_CHECK;
/* List the whole folder. */
int uc_tree_walk(struct uc_tree *tree, int root, struct uc_error *err) UC_MUST_CHECK;
/* UC_USAGE when there is more than the rules allow. */
int uc_tree_check(const struct uc_tree *tree, const struct uc_snapshot_rules *rules,
		  struct uc_error *err) UC_MUST_CHECK;

/*
 * The folder that holds `path`, opened component by component without following links;
 * *name is the last component. With make, missing ones are made. -1 with errno.
 */
int uc_tree_parent(int root, const char *path, bool make, const char **name);

/* Copy all items from `from` to `to`; `before` (-1: none) is the snapshot before. */
struct uc_tree_copy {
	int from, to, before;
	int64_t now;
	uint64_t max_bytes;
};
int uc_tree_copy(const struct uc_tree *tree, const struct uc_tree_copy *copy,
		 struct uc_snapshot *snap, struct uc_error *err) UC_MUST_CHECK;

/* The finished snapshots of an open folder, newest first. */
int uc_snapshot_names(int folder, struct uc_strv *names,
		      struct uc_error *err) UC_MUST_CHECK;
/* Remove what is at `name` in the open folder, whatever it is. 0 or errno. */
int uc_snapshot_remove(int folder, const char *name);

#endif

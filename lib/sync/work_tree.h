/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_WORK_TREE_H
#define UC_SYNC_WORK_TREE_H
/*
 * The git work tree that a folder lies in, for a walk through that folder (walk.h): which
 * files git tracks, and the rules from outside of it: .gitignore in the folders above, up
 * to the top of the work tree, .git/info/exclude and the user's core.excludesFile.
 *
 *	uc_auto(work_tree) struct uc_work_tree tree = { 0 };
 *	if (uc_work_tree_load(&tree, root, environment, deadline, err) < 0)
 *		return -1;
 *	options.work_tree = &tree;
 *
 * git is asked where it is installed, and says no where the repository is somebody else's
 * (safe.directory). Without git, rules are read here, in folders of this user only.
 */
#include <ucluster/error.h>

#include "sync/ignore.h"

/* Zero-initialise; free with uc_work_tree_free. */
struct uc_work_tree {
	struct uc_ignore_list *list; /* each is `above` the next */
	size_t lists;
	char *names;          /* what git tracks below the folder ... */
	const char **tracked; /* ... sorted, seen from it */
	size_t count;
	struct uc_error why; /* why git does not tell; UC_OK: it does, or there is none */
};

/*
 * Look at the work tree that the open folder `root` lies in. A folder that lies in none
 * is no fault, and neither is a git that does not answer until `deadline` (of
 * uc_monotonic_ms()): `why` tells. -1 when out of memory.
 */
int uc_work_tree_load(struct uc_work_tree *tree, int root, const char *const *environment,
		      int64_t deadline, struct uc_error *err) UC_MUST_CHECK;
void uc_work_tree_free(struct uc_work_tree *tree);
UC_DEFINE_AUTO_VALUE(work_tree, struct uc_work_tree)

/* The rules, those asked first; NULL when there are none. */
const struct uc_ignore_list *uc_work_tree_rules(const struct uc_work_tree *tree);
/* Is it tracked: a file, a link, a submodule? */
bool uc_work_tree_tracks(const struct uc_work_tree *tree, const char *path);
/* Is anything tracked in this folder or below? */
bool uc_work_tree_tracks_in(const struct uc_work_tree *tree, const char *folder);

#endif

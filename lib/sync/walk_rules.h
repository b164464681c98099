/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_WALK_RULES_H
#define UC_SYNC_WALK_RULES_H
/* The rules of a walk, and what each of them left behind. */
#include "sync/walk.h"

struct uc_sync_rules {
	const struct uc_sync_walk_options *options;
	struct uc_sync_walked *sum;
	const struct uc_ignore_list *git, *own; /* of the folder walked, then above */
	size_t last;                            /* rule that left something behind */
	/*
	 * The folder walked, or one above it, is left behind by this rule but for what
	 * git tracks; NULL: it is not.
	 */
	struct uc_sync_verdict {
		const struct uc_ignore_rule *rule;
		const struct uc_ignore_list *list; /* its list */
		bool in_part; /* a folder: git tracks something in it */
	} left;
};

/* What leaves `path` behind; .rule is NULL when it is told. */
struct uc_sync_verdict uc_sync_rules_judge(const struct uc_sync_rules *rules,
					   const char *path, bool is_folder);
/* Add to the sums of a rule. -1 when out of memory. */
int uc_sync_rules_count(struct uc_sync_rules *rules,
			const struct uc_sync_verdict *verdict,
			const struct stat *st) UC_MUST_CHECK;
/*
 * A regular file of rules, no link. -1 with errno; ENOENT when there is none, or
 * something else of that name.
 */
int uc_sync_rules_read(int folder, const char *name, struct uc_buf *text) UC_MUST_CHECK;
/* The same of a file outside of the tree, which may be a link. */
int uc_sync_rules_read_file(const char *path, struct uc_buf *text) UC_MUST_CHECK;

#endif

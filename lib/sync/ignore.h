/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_IGNORE_H
#define UC_SYNC_IGNORE_H
/*
 * What stays behind: rules in the words of gitignore(5), from files in the tree, from the
 * configuration and from options. Paths are relative to the root of the tree, without a
 * leading slash.
 *
 * Rules form a chain: those of a folder come before those of the folder above it. Whoever
 * walks the tree makes a link for each folder that has rules and asks before entering a
 * folder: below one that is ignored nothing is looked at, as in git.
 */
#include <ucluster/text.h>

struct uc_matcher;

/* One line. */
struct uc_ignore_rule {
	const char *text; /* as written; the list's */
	int line;         /* from 1 */
	bool keep;        /* "!": what an earlier rule ignores is not */
	bool folder_only; /* "/" at the end */
	bool name_only;   /* no slash: any file of that name below the list's folder */
};

/*
 * The rules of one file. Zero-initialise; free with uc_ignore_list_free. Whoever asks
 * makes it remember a folder: one thread at a time.
 */
struct uc_ignore_list {
	char *text;
	char *origin;  /* to name it: "src/.gitignore" */
	char *folder;  /* they hold in; "" for the root, else without a last slash */
	char *outside; /* of a file above the root: the way to the root, with a last slash
			*/
	struct uc_ignore_rule *rule;
	size_t count;
	size_t bytes;                     /* of text */
	struct uc_matcher *names, *paths; /* of rules with name_only, and of the others */
	const struct uc_ignore_list *above; /* asked when no rule here decides */
};

#define UC_IGNORE_FILE_MAX  (1U << 20) /* bytes of one file */
#define UC_IGNORE_CHAIN_MAX (2U << 20) /* of a folder's file and those above it */

/* Read rules. -1 when out of memory or too long a file (UC_USAGE). */
int uc_ignore_list_read(struct uc_ignore_list *list, const char *origin,
			const char *folder, const char *text, size_t len,
			struct uc_error *err) UC_MUST_CHECK;
void uc_ignore_list_free(struct uc_ignore_list *list);
UC_DEFINE_AUTO_VALUE(ignore_list, struct uc_ignore_list)

/*
 * The rule that decides about `path`, the last that matches in the nearest list; NULL
 * when none does. It is ignored unless the rule says keep.
 */
const struct uc_ignore_rule *uc_ignore_find(const struct uc_ignore_list *list,
					    const char *path, bool is_folder,
					    const struct uc_ignore_list **where);

#endif

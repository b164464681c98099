/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What a receipt says of the work tree that a job comes from. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/receipt.h>
#include <ucluster/units.h>

#include "base/repository.h"

#define STATUS_MAX (1 << 20)
#define LOOK_MS    2000

void uc_git_free(struct uc_git *git)
{
	free(git->toplevel);
	free(git->commit);
	free(git->branch);
	*git = (struct uc_git){ 0 };
}

/* "# branch.head NAME"; "(detached)" and "(initial)" are no names. */
static bool take_header(char **field, const char *record, const char *header)
{
	size_t len = strlen(header);

	if (strncmp(record, header, len) != 0)
		return false;
	if (record[len] != '(' && !*field)
		*field = strdup(record + len);
	return true;
}

/* The records of "git status --porcelain=v2 --branch -z". */
static void take_status(struct uc_git *git, const struct uc_buf *text)
{
	const char *p = uc_buf_text(text), *end = p + text->len;

	for (; p < end; p += strlen(p) + 1) {
		if (take_header(&git->commit, p, "# branch.oid ") ||
		    take_header(&git->branch, p, "# branch.head "))
			continue;
		if (*p == '?')
			git->untracked = true;
		else if (*p != '#')
			git->dirty = true;
	}
}

int uc_git_look(const char *dir, const char *const *environment, struct uc_git *git,
		struct uc_error *err)
{
	static const char *const status[] = { "status",
					      "--porcelain=v2",
					      "--branch",
					      "-z",
					      "--no-renames",
					      "--ignore-submodules=dirty",
					      "--untracked-files=normal",
					      NULL };
	const struct uc_git_bounds bounds = { uc_monotonic_ms() + LOOK_MS, STATUS_MAX };
	uc_auto(repository) struct uc_repository repo = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error why = { 0 };
	int rc;

	*git = (struct uc_git){ 0 };
	rc = uc_repository_find(&repo, dir, environment, bounds.deadline, err);
	if (rc <= 0)
		return rc;
	if (uc_repository_run(&repo, status, &bounds, &text, &why) < 0 &&
	    why.code != UC_INVALID) { /* a long answer begins with all that is asked */
		if (err)
			*err = why;
		return -1;
	}
	take_status(git, &text);
	git->toplevel = uc_buf_take(&repo.top);
	if (git->toplevel && !text.failed)
		return 0;
	uc_git_free(git);
	return uc_fail(err, UC_FAILED, "out of memory");
}

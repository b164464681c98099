/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_BASE_REPOSITORY_H
#define UC_BASE_REPOSITORY_H
/* Asking git, without letting a repository run commands. */
#include <stdint.h>
#include <ucluster/text.h>

/* A work tree that git accepts. Zero-initialise; free with uc_repository_free. */
struct uc_repository {
	struct uc_buf top;          /* its folder */
	struct uc_buf program;      /* absolute path of git */
	struct uc_strv words;       /* "git" and the options that make it harmless */
	struct uc_strv environment; /* for git */
};
void uc_repository_free(struct uc_repository *repo);
UC_DEFINE_AUTO_VALUE(repository, struct uc_repository)

/*
 * Find the work tree that `dir` (absolute) is in: 1 and *repo filled, 0 when there is
 * none or no git, -1 when git refuses it (somebody else's), or did not answer until
 * `deadline`.
 */
int uc_repository_find(struct uc_repository *repo, const char *dir,
		       const char *const *environment, int64_t deadline,
		       struct uc_error *err) UC_MUST_CHECK;

/* What a run of git may take. */
struct uc_git_bounds {
	int64_t deadline;
	size_t bytes; /* of output; more is cut off with UC_INVALID */
};
/* Run git with these arguments (NULL-terminated) in the work tree; append its output. */
int uc_repository_run(const struct uc_repository *repo, const char *const *args,
		      const struct uc_git_bounds *bounds, struct uc_buf *out,
		      struct uc_error *err) UC_MUST_CHECK;

#endif

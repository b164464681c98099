/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_SCOPE_H
#define UC_SYNC_SCOPE_H
/*
 * Which paths a run is about: those named, and of them the files that match a pattern.
 * The same as rules, so that neither side walks what nobody asked for, and that what is
 * named is not left behind by other rules.
 */
#include <ucluster/sync.h>

#include "sync/entry.h"
#include "sync/ignore.h"

enum uc_sync_within {
	UC_SYNC_OUTSIDE,
	UC_SYNC_INSIDE,
	UC_SYNC_ABOVE, /* a folder that is needed for what is in it */
};

struct uc_sync_pattern {
	const char *text; /* the request's */
	struct uc_ignore_list list;
	bool seen;
};

/* Zero-initialise. */
struct uc_sync_scope {
	struct uc_strv only; /* none is below another */
	bool *seen;          /* each of these was met */
	bool *seen_far;      /* at the far end */
	bool selecting;
	struct uc_ignore_list select;
	struct uc_sync_pattern
		*pattern; /* each of them alone, while it matched nothing */
	size_t patterns;
	/* Rules of the command line: `lines` lines of ours, then those of the user. */
	struct uc_buf rules;
	int lines;
};

/* UC_USAGE: a path that leaves the folder, a pattern that is none. */
int uc_sync_scope_make(struct uc_sync_scope *scope, const struct uc_sync_request *request,
		       struct uc_error *err) UC_MUST_CHECK;
void uc_sync_scope_free(struct uc_sync_scope *scope);
UC_DEFINE_AUTO_VALUE(sync_scope, struct uc_sync_scope)

enum uc_sync_within uc_sync_scope_look(const struct uc_sync_scope *scope,
				       const char *path, bool is_folder);
/* An entry of the far end, which is within. */
void uc_sync_scope_see_far(const struct uc_sync_scope *scope, const char *path);
/* The first of `only` that the far end does not have, or NULL. */
const char *uc_sync_scope_not_far(const struct uc_sync_scope *scope);
/* Is everything within? */
static inline bool uc_sync_scope_all(const struct uc_sync_scope *scope)
{
	return scope->only.count == 0 && !scope->selecting;
}
/* A path that was named, or a pattern, that nothing was met of; NULL: there is none. */
const char *uc_sync_scope_missing(const struct uc_sync_scope *scope, bool *pattern);
/* Was it asked for by its name, or by a pattern? */
bool uc_sync_scope_names(const struct uc_sync_scope *scope, const char *path);

#endif

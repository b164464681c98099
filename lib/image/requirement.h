/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_IMAGE_REQUIREMENT_H
#define UC_IMAGE_REQUIREMENT_H
/* How lists of requirements are put together. */
#include <ucluster/requirement.h>
#include "base/arena.h"

enum {
	UC_REQUIREMENTS_MAX = 10000,
	UC_REQUIREMENT_FILE_MAX = 1 << 20, /* bytes */
	UC_REQUIREMENT_FILES_MAX = 100,    /* that are read, for naming each other */
};

/* Where a line stands. */
struct uc_requirement_place {
	const char *path; /* NULL: on a command line */
	int line;
};

struct uc_requirement_list {
	struct uc_requirements pub; /* first: what callers see */
	struct uc_arena *arena;
	struct uc_requirement *row;
	size_t cap, files;
};
/* *list, made when it is NULL; NULL: no memory, err is filled. */
struct uc_requirement_list *uc_requirement_list(struct uc_requirements **list,
						struct uc_error *err);
int uc_requirement_append(struct uc_requirement_list *list,
			  const struct uc_requirement *row,
			  struct uc_error *err) UC_MUST_CHECK;
/* One requirement of PEP 508. UC_USAGE: it is none. */
int uc_requirement_take(struct uc_requirement_list *list, const char *text,
			struct uc_requirement_place place,
			struct uc_error *err) UC_MUST_CHECK;
void uc_requirement_ignore(struct uc_requirement_list *list, const char *text,
			   struct uc_requirement_place place, const char *why);
/* Fill in the place of an error, if it is in a file. -1. */
int uc_requirement_at(struct uc_error *err, struct uc_requirement_place place);

/* conda's environment.yml. */
int uc_requirement_environment(struct uc_requirement_list *list, const char *path,
			       const char *bytes, size_t len,
			       struct uc_error *err) UC_MUST_CHECK;
/* One "channel::name=1.2=build". */
int uc_requirement_conda(struct uc_requirement_list *list, const char *text,
			 struct uc_requirement_place place,
			 struct uc_error *err) UC_MUST_CHECK;

#endif

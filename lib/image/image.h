/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_IMAGE_IMAGE_H
#define UC_IMAGE_IMAGE_H
/* What the files of this module share. */
#include <ucluster/image.h>
#include "base/arena.h"

enum {
	UC_IMAGE_PACKAGES_MAX = 100000, /* of one image */
	UC_PACKAGE_NAME_MAX = 200,      /* bytes of a name or version */
};

/* An image that is put together: strings go into the arena. */
struct uc_image_build {
	struct uc_image pub; /* first: what callers see */
	struct uc_arena *arena;
	struct uc_package *package;
	struct uc_raw *environment;
	struct uc_image_folder *folder;
	size_t package_cap, environment_cap, folder_cap;
	struct uc_image_build *list; /* whose packages these are, too; or NULL */
	bool failed;                 /* no memory */
};
struct uc_image_build *uc_image_build_new(void);
/* Names and versions of foreign bytes; what can be none is left away (false). */
bool uc_image_add_package(struct uc_image_build *build, enum uc_package_kind kind,
			  const char *name, const char *version);
void uc_image_add_variable(struct uc_image_build *build, const char *text);
void uc_image_add_folder(struct uc_image_build *build, const char *path, uint64_t bytes,
			 uint64_t files);
/* Sort, and find out what follows from the packages. -1: no memory, nothing is left. */
int uc_image_finish(struct uc_image_build *build, struct uc_image **out,
		    struct uc_error *err) UC_MUST_CHECK;

/* Set `out` to a name as PEP 503 has it: lower-case, '-' for runs of "-_.". */
void uc_package_normalise(struct uc_buf *out, const char *name, size_t len);
/* Compare names as if they were normalised, without making them so. */
int uc_package_compare(const char *a, const char *b);

#endif

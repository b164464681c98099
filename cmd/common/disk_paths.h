/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_DISK_PATHS_H
#define UC_COMMON_DISK_PATHS_H
/* Which places on disks a user cares about. */
#include <ucluster/disk.h>
#include "common/run.h"

/* A path that somebody cares about, and why: "home", "here", "images". */
struct disk_path {
	char *path; /* absolute */
	const char *why;
};
struct disk_paths {
	struct disk_path *item;
	size_t count;
};
/* Those on the command line; without any, the user's own. */
int disk_paths_find(const struct uc_run *run, struct disk_paths *out,
		    struct uc_error *err) UC_MUST_CHECK;
void disk_paths_free(struct disk_paths *paths);
/* Ask for their file systems; one that is silent has said so afterwards. */
int disk_paths_load(const struct uc_run *run, const struct disk_paths *paths,
		    struct uc_disk_list **out, struct uc_error *err) UC_MUST_CHECK;
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_DISK_MOUNTS_H
#define UC_DISK_MOUNTS_H
#include <stdint.h>
#include <ucluster/text.h>
#include "base/arena.h"

struct uc_mount {
	uint64_t id;
	uint32_t dev_major, dev_minor;
	const char *path, *type, *device;
};
struct uc_mounts {
	struct uc_mount *item;
	size_t count;
};

/* Read /proc/self/mountinfo's text; strings go to the arena, odd lines are left out. */
struct uc_mounts uc_mounts_parse(struct uc_arena *arena, const char *text);
/*
 * The mount by its id; else (id 0 or unknown) the one that the path is below, as far as
 * names tell. NULL: none.
 */
const struct uc_mount *uc_mounts_find(const struct uc_mounts *mounts, uint64_t id,
				      const char *path);

#endif

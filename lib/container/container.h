/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_CONTAINER_CONTAINER_H
#define UC_CONTAINER_CONTAINER_H
/* What the files of this module share. */
#include <ucluster/container.h>

/* Replace *field by a copy of `text`. */
int uc_container_put(char **field, const char *text, struct uc_error *err) UC_MUST_CHECK;

/* The mounts so that every parent comes before its children; free() it. NULL: no memory.
 */
struct uc_mount **uc_mounts_ordered(const struct uc_container *box);

/* Is `path` the folder `parent` or below it? Both absolute, without trailing slashes. */
bool uc_path_below(const char *path, const char *parent);

/* Length of a file's name without an image's suffix; its whole length: it has none. */
size_t uc_image_stem(const char *name);

#endif

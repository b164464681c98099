/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_BASE_PATH_H
#define UC_BASE_PATH_H
#include <ucluster/text.h>

/*
 * Set `out` to the absolute form of `path`: "~" and "~/x" from `home`, relative ones from
 * `cwd`; "." and empty components and trailing slashes removed, ".." kept (it may cross a
 * link). -1 when home is needed and NULL ("~user" is not expanded: UC_USAGE).
 */
int uc_path_absolute(struct uc_buf *out, const char *path, const char *cwd,
		     const char *home, struct uc_error *err) UC_MUST_CHECK;
/* The part after the last slash; borrowed from `path`. */
const char *uc_path_name(const char *path);
/* The folder part ("." when none). */
void uc_path_folder(struct uc_buf *out, const char *path);

#endif

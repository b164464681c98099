/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_FILES_H
#define UC_COMMON_FILES_H
/* Small files of a command's own: state, words for completion, configuration. */
#include <sys/types.h>
#include <ucluster/error.h>

/*
 * Write a file whole or not at all: beside it, to disk, then in its place. Folders that
 * lack are made, for this user only. UC_DENIED, UC_FAILED.
 */
int uc_keep_file(const char *path, const char *bytes, size_t len, mode_t mode,
		 struct uc_error *err) UC_MUST_CHECK;

/* Make the folders of a path, which is changed meanwhile; that it failed shows later. */
void uc_keep_folders(char *path);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_BASE_FILE_H
#define UC_BASE_FILE_H
#include <sys/types.h>
#include <ucluster/text.h>

/* Append a whole regular file of at most `max` bytes. UC_NOTFOUND, UC_DENIED, UC_FAILED.
 */
int uc_file_read(const char *path, size_t max, struct uc_buf *out,
		 struct uc_error *err) UC_MUST_CHECK;
/* Replace a file: temporary beside it, fsync, rename. Leaves the old one on any failure.
 */
int uc_file_write(const char *path, const void *data, size_t len, mode_t mode,
		  struct uc_error *err) UC_MUST_CHECK;
/* mkdir -p. */
int uc_file_mkdirs(const char *path, mode_t mode, struct uc_error *err) UC_MUST_CHECK;

#endif

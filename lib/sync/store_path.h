/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_STORE_PATH_H
#define UC_SYNC_STORE_PATH_H
/* How a store opens paths, and the small system calls that older kernels lack. */
#include <sys/stat.h>

#include "sync/store.h"

/*
 * Open `path` below the folder `root` ("" is the root itself) without following a link.
 * O_NOFOLLOW, O_CLOEXEC, O_NOCTTY and O_NONBLOCK are added. With `by_steps` component by
 * component, as where the kernel has no openat2. -1 with errno.
 */
int uc_store_resolve(int root, const char *path, int flags, bool by_steps);

/* The last component; borrowed. *folder: bytes of what is before it, without its slash.
 */
const char *uc_store_path_split(const char *path, size_t *folder);

#define UC_STORE_NAME_SIZE 64 /* of a temporary's name, with its NUL */
/* ".uc-" and 16 digits that nobody guesses. -1 with errno. */
int uc_store_random_name(char name[UC_STORE_NAME_SIZE]);
/*
 * ".uc-part-", 16 digits for the file's name, '-', and 32 for its size and time.
 * *version: where the last 32 begin.
 */
void uc_store_partial_name(char name[UC_STORE_NAME_SIZE], const char *file, uint64_t size,
			   int64_t mtime, size_t *version);
/* Which of the two shapes a name has; what merely begins so is nobody's of ours. */
bool uc_store_is_temporary(const char *name);
bool uc_store_is_partial(const char *name);

/* Rename where nothing is: EEXIST otherwise, also where the kernel cannot promise it. */
int uc_store_rename_new(int from, const char *name, int to, const char *as);
/* Set the mode of what is open, also with O_PATH. */
int uc_store_chmod(int fd, mode_t mode);
/* Set the time of what is open, also with O_PATH. */
int uc_store_utime(int fd, int64_t mtime);
struct timespec uc_store_timespec(int64_t nanoseconds);
int64_t uc_store_mtime(const struct stat *st);
/* This process's umask, read without changing it; 022 when it cannot be read. */
mode_t uc_store_umask(void);

#endif

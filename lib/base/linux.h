/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_BASE_LINUX_H
#define UC_BASE_LINUX_H

/*
 * Calls that only Linux has, for lib/sync and lib/ssh, which make no others of them
 * (tests/gates/portable). Elsewhere, and in a build with UC_PORTABLE, each fails with
 * ENOSYS, as it does on a kernel that is too old: whoever calls does without then.
 *
 *	if (uc_linux_clone(to, from) == 0)
 *		return 0;
 *	... copies the bytes
 *
 * All of them return 0, a descriptor or a count, or -1 with errno.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/types.h>

#if defined(__linux__) && !defined(UC_PORTABLE)
#define UC_LINUX 1
#else
#define UC_LINUX 0
#endif

/* A place alone, which nobody needs a right to read for; elsewhere it is opened. */
#if UC_LINUX
#define UC_O_PATH          O_PATH
#define UC_AT_NO_AUTOMOUNT AT_NO_AUTOMOUNT
#else
#define UC_O_PATH          0
#define UC_AT_NO_AUTOMOUNT 0
#endif

/* Open what lies below `root`, past no link and by no other way out. */
int uc_linux_open_beneath(int root, const char *path, int flags);
/* Rename to what nothing is called. EINVAL: not on this file system. */
int uc_linux_rename_new(int from, const char *name, int to, const char *as);

/* `to` shares the blocks of `from`: all of it, or some bytes. */
int uc_linux_clone(int to, int from);
int uc_linux_clone_range(int to, uint64_t to_at, int from, uint64_t from_at,
			 uint64_t len);
/* Copy from where `from` is to where `to` is; both go on by the bytes that it returns. */
ssize_t uc_linux_copy(int from, int to, size_t len);

/* Room for a file that is going to have `size` bytes. ENOSPC, EDQUOT: there is none. */
int uc_linux_reserve(int fd, uint64_t size);
/* The disk begins to write these bytes; `len` 0: to the end. */
int uc_linux_write_out(int fd, uint64_t at, uint64_t len);
/* All of the file system that `fd` is on is on the disk. */
int uc_linux_sync_all(int fd);
/* Is it on a file system of which that is known to be good? */
int uc_linux_syncs_all(int fd);

/* When it was made, in seconds. ENODATA: the file system does not know. */
int uc_linux_born(int folder, const char *name, int64_t *seconds);

/* The least that a packet of this connection took, there and back, in microseconds. */
int64_t uc_linux_round_trip(int socket);

/* These work everywhere: descriptors that no program started later gets. */
int uc_pipe(int fds[2]);
/* One that does not wait. */
int uc_socket(int family, int type, int protocol);
int uc_socket_pair(int fds[2]);

#endif

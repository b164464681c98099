/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "base/linux.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#if UC_LINUX
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/tcp.h> /* the C library's lacks tcpi_min_rtt */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

int uc_linux_open_beneath(int root, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)flags,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					   RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

int uc_linux_rename_new(int from, const char *name, int to, const char *as)
{
	return renameat2(from, name, to, as, RENAME_NOREPLACE);
}

int uc_linux_clone(int to, int from)
{
	return ioctl(to, FICLONE, from);
}

int uc_linux_clone_range(int to, uint64_t to_at, int from, uint64_t from_at, uint64_t len)
{
	struct file_clone_range range = { .src_fd = from,
					  .src_offset = from_at,
					  .src_length = len,
					  .dest_offset = to_at };

	return ioctl(to, FICLONERANGE, &range);
}

ssize_t uc_linux_copy(int from, int to, size_t len)
{
	return copy_file_range(from, NULL, to, NULL, len, 0);
}

int uc_linux_reserve(int fd, uint64_t size)
{
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size);
}

int uc_linux_write_out(int fd, uint64_t at, uint64_t len)
{
	return sync_file_range(fd, (off_t)at, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

int uc_linux_sync_all(int fd)
{
	return syncfs(fd);
}

int uc_linux_syncs_all(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -1;
	switch ((unsigned long)fs.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
		return 0;
	default:
		errno = EOPNOTSUPP;
		return -1;
	}
}

int uc_linux_born(int folder, const char *name, int64_t *seconds)
{
	struct statx stx;

	if (statx(folder, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &stx) < 0)
		return -1;
	*seconds = stx.stx_btime.tv_sec;
	errno = ENODATA;
	return stx.stx_mask & STATX_BTIME ? 0 : -1;
}

int64_t uc_linux_round_trip(int socket)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	/* the least: others hold what the server computed before it answered */
	if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -1;
	errno = ENODATA;
	return len > offsetof(struct tcp_info, tcpi_min_rtt) && info.tcpi_min_rtt > 0
		       ? (int64_t)info.tcpi_min_rtt
		       : -1;
}

int uc_pipe(int fds[2])
{
	return pipe2(fds, O_CLOEXEC);
}

int uc_socket(int family, int type, int protocol)
{
	return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
}

int uc_socket_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
}
#else
#include <sys/stat.h>
#include <sys/statvfs.h>

static int no_linux(void)
{
	errno = ENOSYS;
	return -1;
}

int uc_linux_open_beneath(int root, const char *path, int flags)
{
	(void)root, (void)path, (void)flags;
	return no_linux();
}

int uc_linux_rename_new(int from, const char *name, int to, const char *as)
{
	(void)from, (void)name, (void)to, (void)as;
	return no_linux();
}

int uc_linux_clone(int to, int from)
{
	(void)to, (void)from;
	return no_linux();
}

int uc_linux_clone_range(int to, uint64_t to_at, int from, uint64_t from_at, uint64_t len)
{
	(void)to, (void)to_at, (void)from, (void)from_at, (void)len;
	return no_linux();
}

ssize_t uc_linux_copy(int from, int to, size_t len)
{
	(void)from, (void)to, (void)len;
	return no_linux();
}

/* Nothing is set aside, but what never fits is known: besides what it has already. */
int uc_linux_reserve(int fd, uint64_t size)
{
	struct statvfs fs;
	struct stat st;
	uint64_t has;

	if (fstat(fd, &st) < 0 || fstatvfs(fd, &fs) < 0 || fs.f_frsize == 0)
		return no_linux();
	has = (uint64_t)st.st_blocks * 512;
	if (size <= has || fs.f_bavail > (size - has) / fs.f_frsize)
		return no_linux();
	errno = ENOSPC;
	return -1;
}

int uc_linux_write_out(int fd, uint64_t at, uint64_t len)
{
	(void)fd, (void)at, (void)len;
	return no_linux();
}

int uc_linux_sync_all(int fd)
{
	(void)fd;
	return no_linux();
}

int uc_linux_syncs_all(int fd)
{
	(void)fd;
	return no_linux();
}

int uc_linux_born(int folder, const char *name, int64_t *seconds)
{
	(void)folder, (void)name, (void)seconds;
	return no_linux();
}

int64_t uc_linux_round_trip(int socket)
{
	(void)socket;
	return no_linux();
}

/* A program that another thread starts in between gets them; there is no other way. */
static int keep(int fd, int flags)
{
#ifdef SO_NOSIGPIPE
	const int on = 1;

	/* where send() knows no MSG_NOSIGNAL; a pipe has no such option */
	(void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
#endif
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
			       (flags && fcntl(fd, F_SETFL, flags) < 0)
		       ? -1
		       : 0;
}

static int keep_both(int fds[2])
{
	int error;

	if (keep(fds[0], 0) == 0 && keep(fds[1], 0) == 0)
		return 0;
	error = errno;
	close(fds[0]);
	close(fds[1]);
	fds[0] = fds[1] = -1;
	errno = error;
	return -1;
}

int uc_pipe(int fds[2])
{
	return pipe(fds) < 0 ? -1 : keep_both(fds);
}

int uc_socket(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol), error;

	if (fd < 0 || keep(fd, O_NONBLOCK) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int uc_socket_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 ? -1 : keep_both(fds);
}
#endif

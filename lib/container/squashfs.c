/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * An image that is not there, or not all there, costs a place in the queue and the time
 * of its unpacking before the node notices. The superblock is written last: without the
 * magic the file was never finished, and bytes_used beyond the end means that it was cut.
 */
#include "container/container.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_USED 40 /* offset of a little-endian u64 in the superblock */
#define HEAD       (BYTES_USED + 8)

static uint64_t read_u64(const unsigned char *bytes)
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | bytes[i];
	return value;
}

static enum uc_code code_of(int errno_value)
{
	if (errno_value == ENOENT || errno_value == ENOTDIR)
		return UC_NOTFOUND;
	return errno_value == EACCES || errno_value == EPERM ? UC_DENIED : UC_FAILED;
}

/* Check an open file; `path` is for the message. */
static int check_head(int fd, const char *path, struct uc_error *err)
{
	unsigned char head[HEAD];
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "image '%s'", path);
	if (S_ISDIR(st.st_mode))
		return uc_fail(err, UC_USAGE,
			       "image '%s' is a directory, a squashfs file is expected",
			       path);
	if (!S_ISREG(st.st_mode))
		return uc_fail(err, UC_USAGE, "image '%s' is not a regular file", path);
	got = pread(fd, head, sizeof(head), 0);
	if (got < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "image '%s'", path);
	if (got < HEAD || memcmp(head, "hsqs", 4) != 0)
		return uc_fail(err, UC_USAGE,
			       "image '%s' is not a squashfs file, or was never finished",
			       path);
	if (read_u64(head + BYTES_USED) > (uint64_t)st.st_size)
		return uc_fail(err, UC_USAGE,
			       "image '%s' is cut off: %jd of %" PRIu64
			       " bytes are there",
			       path, (intmax_t)st.st_size, read_u64(head + BYTES_USED));
	return 0;
}

int uc_squashfs_check(const char *path, struct uc_error *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return uc_fail_errno(err, code_of(errno), errno, "image '%s'", path);
	rc = check_head(fd, path, err);
	close(fd);
	return rc;
}

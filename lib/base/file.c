/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

static enum uc_code code_of(int errno_value)
{
	switch (errno_value) {
	case ENOENT:
	case ENOTDIR:
		return UC_NOTFOUND;
	case EACCES:
	case EPERM:
		return UC_DENIED;
	default:
		return UC_FAILED;
	}
}

static int read_all(int fd, const char *path, size_t max, struct uc_buf *out,
		    struct uc_error *err)
{
	size_t total = 0;
	char chunk[16384];
	ssize_t got;

	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return uc_fail_errno(err, UC_FAILED, errno, "cannot read %s",
					     path);
		total += (size_t)got;
		if (total > max)
			return uc_fail(err, UC_USAGE, "%s is larger than %zu bytes", path,
				       max);
		uc_buf_addn(out, chunk, (size_t)got);
	}
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

int uc_file_read(const char *path, size_t max, struct uc_buf *out, struct uc_error *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc;
	struct stat st;

	if (fd < 0)
		return uc_fail_errno(err, code_of(errno), errno, "cannot open %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = uc_fail(err, UC_USAGE, "%s is not a regular file", path);
	else
		rc = read_all(fd, path, max, out, err);
	close(fd);
	return rc;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, data, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

static void sync_folder(const char *path)
{
	uc_auto(buf) struct uc_buf folder = { 0 };
	int fd;

	uc_path_folder(&folder, path);
	fd = open(uc_buf_text(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd); /* not every file system can; the rename itself is done */
	close(fd);
}

int uc_file_write(const char *path, const void *data, size_t len, mode_t mode,
		  struct uc_error *err)
{
	uc_auto(buf) struct uc_buf temp = { 0 };
	int fd, failed;

	uc_path_folder(&temp, path);
	uc_buf_addf(&temp, "/.%s.XXXXXX", uc_path_name(path));
	if (temp.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	fd = mkostemp(temp.data, O_CLOEXEC);
	if (fd < 0)
		return uc_fail_errno(err, code_of(errno), errno, "cannot write %s", path);
	failed = fchmod(fd, mode) < 0 || write_all(fd, data, len) < 0 || fsync(fd) < 0
			 ? errno
			 : 0;
	if (close(fd) < 0 && !failed)
		failed = errno;
	if (!failed && rename(temp.data, path) < 0)
		failed = errno;
	if (failed) {
		unlink(temp.data);
		return uc_fail_errno(err, code_of(failed), failed, "cannot write %s",
				     path);
	}
	sync_folder(path);
	return 0;
}

int uc_file_mkdirs(const char *path, mode_t mode, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf copy = { 0 };

	uc_buf_add(&copy, path);
	if (copy.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (char *p = copy.data + 1; copy.len > 0; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy.data, mode) < 0 && errno != EEXIST)
			return uc_fail_errno(err, code_of(errno), errno,
					     "cannot create %s", path);
		if (c == '\0')
			break;
		*p = c;
	}
	return 0;
}

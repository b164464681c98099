/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <ucluster/text.h>
#include <unistd.h>

void uc_keep_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		const ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

int uc_keep_file(const char *path, const char *bytes, size_t len, mode_t mode,
		 struct uc_error *err)
{
	uc_auto(buf) struct uc_buf temporary = { 0 };
	int fd, failed;

	uc_buf_addf(&temporary, "%s.XXXXXX", path);
	if (temporary.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	uc_keep_folders(temporary.data);
	fd = mkostemp(temporary.data, O_CLOEXEC);
	if (fd < 0)
		return uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_FAILED, errno,
				     "cannot write '%s'", path);
	failed = write_all(fd, bytes, len) < 0 || fchmod(fd, mode) < 0 ? errno : 0;
	if (close(fd) < 0 && !failed)
		failed = errno;
	if (!failed && rename(temporary.data, path) < 0)
		failed = errno;
	if (!failed)
		return 0;
	unlink(temporary.data);
	return uc_fail_errno(err, UC_FAILED, failed, "cannot write '%s'", path);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Small files of our own are read here, and written by common/files.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "usync/command.h"

int usync_file_read(const char *path, size_t most, struct uc_buf *out,
		    struct uc_error *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char chunk[16384];
	struct stat st;
	ssize_t n = 0;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 1;
	if (fd < 0)
		return uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_FAILED, errno,
				     "cannot read '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return uc_fail(err, UC_USAGE, "'%s' is no file", path);
	}
	while (out->len <= most && (n = read(fd, chunk, sizeof(chunk))) > 0)
		uc_buf_addn(out, chunk, (size_t)n);
	close(fd);
	if (n < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot read '%s'", path);
	if (out->len > most)
		return uc_fail(err, UC_USAGE, "'%s' has more than %zu bytes", path, most);
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Small files of our own: configuration, what the user agreed to, words for completion.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "usync/command.h"

static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700); /* what is wrong with it shows when the file is made */
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

int usync_file_write(const char *path, const char *bytes, size_t len, unsigned mode,
		     struct uc_error *err)
{
	uc_auto(buf) struct uc_buf temporary = { 0 };
	int fd, failed;

	uc_buf_addf(&temporary, "%s.XXXXXX", path);
	if (temporary.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	make_folders(temporary.data);
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

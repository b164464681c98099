/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Paths inside a root: the kernel resolves symbolic links and ".." against it
 * (openat2, Linux 5.6), so an image cannot point out of itself.
 */
#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_in(int root, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_IN_ROOT,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

int uc_path_open(int root, const char *path, int flags)
{
	return open_in(root, path, flags, flags & O_CREAT ? 0644 : 0);
}

/* mkdir -p for the first len bytes of path; an O_PATH descriptor of it. */
static int make_folders(int root, const char *path, size_t len)
{
	char *copy = strndup(path, len);
	int at = open_in(root, ".", O_PATH | O_DIRECTORY, 0);

	for (char *end = copy; copy && at >= 0 && *end;) {
		end += strspn(end, "/");
		char *name = end;
		end += strcspn(end, "/");
		char slash = *end;
		if (end == name)
			break;
		*end = '\0';
		int next = open_in(root, copy, O_PATH | O_DIRECTORY, 0);
		if (next < 0 && errno == ENOENT && mkdirat(at, name, 0755) == 0)
			next = open_in(root, copy, O_PATH | O_DIRECTORY, 0);
		int saved = errno;
		close(at);
		errno = saved;
		at = next;
		*end = slash;
	}
	free(copy);
	return copy ? at : -1;
}

static int make_file(int root, const char *path)
{
	size_t len = strlen(path);
	while (len && path[len - 1] == '/')
		len--;
	size_t folder = len;
	while (folder && path[folder - 1] != '/')
		folder--;

	int at = make_folders(root, path, folder);
	if (at < 0)
		return -1;
	char *name = strndup(path + folder, len - folder);
	int fd = name ? openat(at, name,
			       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)
		      : -1;
	int rc = fd < 0 ? -1 : 0;
	int saved = errno;
	uc_close(&fd);
	close(at);
	free(name);
	errno = saved;
	return rc;
}

/* Opens path (O_PATH), making it and its parents when it is missing and create says so.
 */
int uc_path_make(int root, const char *path, enum uc_create create)
{
	int fd = open_in(root, path, O_PATH, 0);

	if (fd >= 0 || errno != ENOENT || create == UC_CREATE_NONE)
		return fd;
	if (create == UC_CREATE_DIR)
		return make_folders(root, path, strlen(path));
	if (make_file(root, path))
		return -1;
	return open_in(root, path, O_PATH, 0);
}

/* A whole regular file of at most limit bytes, NUL-terminated; NULL if there is none. */
char *uc_path_read(int root, const char *path, size_t limit)
{
	struct stat st;
	int fd = open_in(root, path, O_RDONLY | O_NONBLOCK, 0);
	char *text = NULL;
	size_t len = 0;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (size_t)st.st_size <= limit)
		text = malloc((size_t)st.st_size + 1);
	while (text && len < (size_t)st.st_size) {
		ssize_t got = read(fd, text + len, (size_t)st.st_size - len);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	if (text)
		text[len] = '\0';
	uc_close(&fd);
	return text;
}

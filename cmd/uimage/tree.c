/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Folders of files of any names: from descriptor to descriptor, never through a link. */
#include "uimage/import.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 512

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A folder without rights for its owner, as images have them, gets them. */
static DIR *open_folder(int dir, const char *name, dev_t device, bool change)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags);
	struct stat st;
	DIR *folder;

	if (fd < 0 && errno == EACCES && change &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	    fchmodat(dir, name, 0700, 0) == 0)
		fd = openat(dir, name, flags);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || st.st_dev != device) {
		close(fd);
		errno = EXDEV;
		return NULL;
	}
	if (change && (st.st_mode & 0700) != 0700 && fchmod(fd, 0700) < 0)
		errno = 0; /* what cannot be removed for it says so itself */
	folder = fdopendir(fd);
	if (!folder)
		close(fd);
	return folder;
}

static uint64_t size_of(int dir, const char *name, dev_t device, int depth)
{
	const struct dirent *entry;
	struct stat st;
	uint64_t sum;
	DIR *folder;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != device)
		return 0;
	sum = (uint64_t)st.st_blocks * 512;
	if (!S_ISDIR(st.st_mode) || depth == 0)
		return sum;
	folder = open_folder(dir, name, device, false);
	while (folder && (entry = readdir(folder)))
		if (!is_dots(entry->d_name))
			sum += size_of(dirfd(folder), entry->d_name, device, depth - 1);
	if (folder)
		closedir(folder);
	return sum;
}

static int remove_at(int dir, const char *name, dev_t device, int depth)
{
	const struct dirent *entry;
	struct stat st;
	DIR *folder;
	int failed = 0;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(dir, name, 0);
	if (depth == 0 || st.st_dev != device)
		return errno = EXDEV, -1;
	folder = open_folder(dir, name, device, true);
	if (!folder)
		return -1;
	while ((entry = readdir(folder)))
		if (!is_dots(entry->d_name) &&
		    remove_at(dirfd(folder), entry->d_name, device, depth - 1) < 0 &&
		    errno != ENOENT)
			failed = errno;
	closedir(folder);
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	errno = failed ? failed : errno;
	return -1;
}

uint64_t tree_size(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return size_of(dir, name, st.st_dev, DEPTH_MAX);
}

int tree_remove(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	return remove_at(dir, name, st.st_dev, DEPTH_MAX);
}

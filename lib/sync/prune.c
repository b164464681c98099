/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/prune.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/linux.h"
#include "sync/store_path.h"

#define FOLDER    (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define DEPTH_MAX 200u /* each takes a descriptor */

/* A folder that is to go may be read, written and searched first. */
static int open_anyway(int folder, const char *name)
{
	int fd = openat(folder, name, FOLDER), path;
	struct stat st;

	if (fd < 0 && errno == EACCES) {
		path = openat(folder, name,
			      UC_O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (path >= 0) {
			(void)uc_store_chmod(path, 0700);
			close(path);
		} else if (fchmodat(folder, name, 0700, AT_SYMLINK_NOFOLLOW) < 0) {
			return -1;
		}
		fd = openat(folder, name, FOLDER);
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
		(void)fchmod(fd, 0700);
	return fd;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static int remove_folder(int folder, const char *name, dev_t device, unsigned depth,
			 struct uc_tree_sum *sum);

static int remove_entry(int folder, const char *name, dev_t device, unsigned depth,
			struct uc_tree_sum *sum)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW | UC_AT_NO_AUTOMOUNT) < 0)
		return errno == ENOENT ? 0 : -1;
	if (S_ISDIR(st.st_mode))
		return remove_folder(folder, name, device, depth + 1, sum);
	if (unlinkat(folder, name, 0) < 0)
		return -1;
	sum->files++;
	sum->bytes += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	return 0;
}

/* All that can be removed is; errno is that of the first thing that cannot. */
static int remove_folder(int folder, const char *name, dev_t device, unsigned depth,
			 struct uc_tree_sum *sum)
{
	int fd = depth > DEPTH_MAX ? -1 : open_anyway(folder, name), first = 0;
	const struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (depth > DEPTH_MAX)
		errno = ELOOP;
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_dev != device) {
		close(fd);
		errno = EXDEV;
		return -1;
	}
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -1;
	}
	while ((entry = readdir(dir)))
		if (!is_dots(entry->d_name) &&
		    remove_entry(fd, entry->d_name, device, depth, sum) < 0 && !first)
			first = errno;
	closedir(dir);
	if (!first && unlinkat(folder, name, AT_REMOVEDIR) < 0)
		first = errno;
	if (!first)
		sum->folders++;
	errno = first;
	return first ? -1 : 0;
}

int uc_tree_remove(int folder, const char *name, struct uc_tree_sum *sum,
		   struct uc_error *err)
{
	struct stat st;

	/* while it is listed, a name may be left out: once more, then */
	for (int tries = 0; tries < 3; tries++) {
		if (fstat(folder, &st) == 0 &&
		    remove_folder(folder, name, st.st_dev, 0, sum) == 0)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			break;
	}
	return uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_FAILED, errno,
			     "cannot remove '%s'", name);
}

static void count_folder(int folder, const char *name, unsigned depth,
			 struct uc_tree_sum *sum)
{
	int fd = depth > DEPTH_MAX ? -1 : openat(folder, name, FOLDER);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct stat st;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (entry = readdir(dir))) {
		if (is_dots(entry->d_name) ||
		    fstatat(fd, entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW | UC_AT_NO_AUTOMOUNT) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			sum->folders++;
			count_folder(fd, entry->d_name, depth + 1, sum);
			continue;
		}
		sum->files++;
		sum->bytes += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	}
	if (dir)
		closedir(dir);
}

void uc_tree_count(int folder, const char *name, struct uc_tree_sum *sum)
{
	count_folder(folder, name, 0, sum);
}

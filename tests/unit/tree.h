/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TESTS_TREE_H
#define UC_TESTS_TREE_H
/* Real folders of a test: taken away afterwards, whatever their modes; counted. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline int tree_open_up(const char *path, const struct stat *st, int kind,
			       struct FTW *at)
{
	(void)st;
	(void)at;
	if (kind == FTW_D || kind == FTW_DNR)
		(void)chmod(path, 0700);
	return 0;
}

static inline int tree_remove_one(const char *path, const struct stat *st, int kind,
				  struct FTW *at)
{
	(void)st;
	(void)at;
	return kind == FTW_DP ? rmdir(path) : unlink(path);
}

static inline void tree_remove(const char *top)
{
	(void)nftw(top, tree_open_up, 32, FTW_PHYS | FTW_MOUNT);
	(void)nftw(top, tree_remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Names in the folder `path` of `root` that begin with `prefix`. */
static inline unsigned tree_count(int root, const char *path, const char *prefix)
{
	int fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	unsigned count = 0;

	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
		    strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			count++;
	if (dir)
		closedir(dir);
	return count;
}

#endif

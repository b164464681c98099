/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The folder of snapshots: what is in it, and what may go. */
#include "job/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DELETED    ".removing-" /* a name that is not a snapshot's any more */
#define LEFTOVER_S 86400        /* no snapshot takes a day to build */

/* 20260131T235959Z-1a2b3c */
static bool is_name(const char *name)
{
	static const char shape[] = "dddddddd.dddddd..xxxxxx";
	static const char fixed[] = "        T      Z-      ";

	for (size_t i = 0; i < sizeof(shape) - 1; i++) {
		bool digit = name[i] >= '0' && name[i] <= '9';

		if (shape[i] == 'd'   ? !digit
		    : shape[i] == 'x' ? !digit && (name[i] < 'a' || name[i] > 'f')
				      : name[i] != fixed[i])
			return false;
	}
	return name[sizeof(shape) - 1] == '\0';
}

/* Names sort as their times do; of one second any may come first. */
static int newest_first(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

static DIR *open_dir(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static bool is_folder(int at, const char *name, struct stat *st)
{
	return fstatat(at, name, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st->st_mode);
}

int uc_snapshot_names(int folder, struct uc_strv *names, struct uc_error *err)
{
	DIR *dir = open_dir(folder);
	struct dirent *entry;
	struct stat st;

	if (!dir)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot list snapshots");
	while ((entry = readdir(dir)))
		if (is_name(entry->d_name) && is_folder(folder, entry->d_name, &st))
			uc_strv_add(names, entry->d_name);
	closedir(dir);
	if (names->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (names->count > 1)
		qsort(names->item, names->count, sizeof(*names->item), newest_first);
	return 0;
}

static int remove_depth(int at, const char *name, int depth);

/* Everything in an open folder; takes fd over. */
static int empty_folder(int fd, int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int rc = 0;

	if (!dir) {
		close(fd);
		return ENOMEM;
	}
	while ((entry = readdir(dir))) {
		int one;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		one = remove_depth(dirfd(dir), entry->d_name, depth + 1);
		rc = rc ? rc : one;
	}
	closedir(dir);
	return rc;
}

static int remove_depth(int at, const char *name, int depth)
{
	struct stat st;
	int fd, rc;

	if (!is_folder(at, name, &st))
		return unlinkat(at, name, 0) < 0 && errno != ENOENT ? errno : 0;
	if (depth > 4 * UC_SNAPSHOT_DEPTH) /* made by the job; a descriptor each */
		return ELOOP;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && fchmodat(at, name, 0700, 0) == 0)
		fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if ((st.st_mode & 0700) != 0700)
		(void)!fchmod(fd, 0700); /* without it unlinking says why */
	rc = empty_folder(fd, depth);
	if (rc == 0 && unlinkat(at, name, AT_REMOVEDIR) < 0)
		rc = errno;
	return rc;
}

int uc_snapshot_remove(int folder, const char *name)
{
	return remove_depth(folder, name, 0);
}

/* Is the snapshot `name` of the folder one of the paths, or above one? */
static bool is_used(const char *folder, const char *name, const char *const *in_use)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	uc_buf_add(&path, folder);
	while (path.len > 1 && path.data[path.len - 1] == '/')
		path.data[--path.len] = '\0';
	uc_buf_addf(&path, "/%s", name);
	for (; !path.failed && in_use && *in_use; in_use++)
		if (strncmp(*in_use, path.data, path.len) == 0 &&
		    ((*in_use)[path.len] == '/' || (*in_use)[path.len] == '\0'))
			return true;
	return path.failed; /* rather keep it */
}

/* A snapshot loses its name before its files. */
static int remove_one(int fd, const char *name)
{
	uc_auto(buf) struct uc_buf gone = { 0 };

	uc_buf_addf(&gone, DELETED "%s", name);
	if (gone.failed)
		return ENOMEM;
	if (renameat(fd, name, fd, gone.data) < 0)
		return errno == ENOENT ? 0 : errno;
	return uc_snapshot_remove(fd, gone.data);
}

/* What was interrupted while it was built or removed. */
static void remove_leftovers(int fd)
{
	struct timespec now;
	struct dirent *entry;
	struct stat st;
	DIR *dir = open_dir(fd);

	clock_gettime(CLOCK_REALTIME, &now);
	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		bool building =
			strncmp(name, UC_SNAPSHOT_TEMP, strlen(UC_SNAPSHOT_TEMP)) == 0;

		if (building ? is_name(name + strlen(UC_SNAPSHOT_TEMP)) &&
				       is_folder(fd, name, &st) &&
				       now.tv_sec - st.st_ctim.tv_sec > LEFTOVER_S
			     : strncmp(name, DELETED, strlen(DELETED)) == 0 &&
				       is_name(name + strlen(DELETED)))
			(void)uc_snapshot_remove(fd, name);
	}
	if (dir)
		closedir(dir);
}

int uc_snapshot_prune(const char *folder, size_t keep, const char *const *in_use,
		      size_t *removed, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv names = { 0 };
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0, failed;
	size_t count = 0;

	if (removed)
		*removed = 0;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return uc_fail_errno(err, UC_DENIED, errno, "cannot open %s", folder);
	rc = uc_snapshot_names(fd, &names, err);
	if (rc == 0)
		remove_leftovers(fd);
	for (size_t i = keep; rc == 0 && i < names.count; i++) {
		if (is_used(folder, names.item[i], in_use))
			continue;
		failed = remove_one(fd, names.item[i]);
		if (failed)
			rc = uc_fail_errno(err, UC_FAILED, failed, "cannot remove %s/%s",
					   folder, names.item[i]);
		else
			count++;
	}
	close(fd);
	if (removed)
		*removed = count;
	return rc;
}

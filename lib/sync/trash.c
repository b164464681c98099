/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/trash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <ucluster/text.h>
#include <unistd.h>

#include "base/linux.h"
#include "sync/prune.h"
#include "sync/store_path.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define RUNS   100000u

/* A run in the trash. */
struct run {
	char name[128];
	int64_t time;
};

struct runs {
	struct run *run;
	size_t count;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* When it began, where the file system knows; else when its top changed last. */
static int64_t time_of(int folder, const char *name)
{
	struct stat st;
	int64_t born;

	if (uc_linux_born(folder, name, &born) == 0)
		return born;
	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_mtime;
}

static int by_time(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool is_run(int trash, const char *name)
{
	struct stat st;

	return name[0] != '.' && strlen(name) < sizeof(((struct run *)0)->name) &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789-_.")] == '\0' &&
	       fstatat(trash, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static int list_runs(int trash, struct runs *runs, struct uc_error *err)
{
	int fd = openat(trash, ".", FOLDER);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		close_fd(&fd);
		return uc_fail_errno(err, UC_FAILED, errno, "cannot read the trash");
	}
	while (runs->count < RUNS && (entry = readdir(dir))) {
		struct run *more;

		if (!is_run(trash, entry->d_name))
			continue;
		more = reallocarray(runs->run, runs->count + 1, sizeof(*more));
		if (!more) {
			closedir(dir);
			return uc_fail(err, UC_FAILED, "out of memory");
		}
		runs->run = more;
		memccpy(more[runs->count].name, entry->d_name, '\0', sizeof(more->name));
		more[runs->count].time = time_of(trash, entry->d_name);
		runs->count++;
	}
	closedir(dir);
	if (runs->count)
		qsort(runs->run, runs->count, sizeof(*runs->run), by_time);
	return 0;
}

/* -1 with errno; ENOENT: there is no trash. */
static int open_trash(int root)
{
	return openat(root, UC_STORE_TRASH, FOLDER);
}

static json_t *list_all(int trash, struct uc_error *err)
{
	json_t *list = json_array();
	struct runs runs = { 0 };
	int status = list_runs(trash, &runs, err);

	for (size_t i = 0; status == 0 && i < runs.count; i++) {
		struct uc_tree_sum sum = { 0 };

		uc_tree_count(trash, runs.run[i].name, &sum);
		status = json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I, s:I}", "run", runs.run[i].name, "time",
				  (json_int_t)runs.run[i].time, "files",
				  (json_int_t)sum.files, "bytes", (json_int_t)sum.bytes));
		if (status < 0)
			(void)uc_fail(err, UC_FAILED, "out of memory");
	}
	free(runs.run);
	if (status == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *pack(json_t *answer, struct uc_error *err)
{
	if (!answer)
		(void)uc_fail(err, UC_FAILED, "out of memory");
	return answer;
}

json_t *uc_trash_list(int root, struct uc_error *err)
{
	int trash __attribute__((cleanup(close_fd))) = open_trash(root);
	json_t *list;

	if (trash < 0 && errno == ENOENT)
		return pack(json_pack("{s:[]}", "runs"), err);
	if (trash < 0) {
		(void)uc_fail_errno(err, UC_FAILED, errno, "cannot open the trash");
		return NULL;
	}
	list = list_all(trash, err);
	return list ? pack(json_pack("{s:o}", "runs", list), err) : NULL;
}

json_t *uc_trash_empty(int root, int64_t older, struct uc_error *err)
{
	int trash __attribute__((cleanup(close_fd))) = open_trash(root);
	struct uc_tree_sum sum = { 0 };
	int64_t now = (int64_t)time(NULL);
	struct runs runs = { 0 };
	json_int_t removed = 0;
	int status = 0;

	if (older < 0) {
		(void)uc_fail(err, UC_USAGE, "an age below nothing");
		return NULL;
	}
	if (trash < 0 && errno != ENOENT) {
		(void)uc_fail_errno(err, UC_FAILED, errno, "cannot open the trash");
		return NULL;
	}
	if (trash >= 0)
		status = list_runs(trash, &runs, err);
	for (size_t i = 0; status == 0 && i < runs.count; i++) {
		if (older && now - runs.run[i].time < older)
			continue;
		status = uc_tree_remove(trash, runs.run[i].name, &sum, err);
		removed++;
	}
	free(runs.run);
	if (status < 0)
		return NULL;
	return pack(json_pack("{s:I, s:I, s:I}", "removed", (json_int_t)sum.files,
			      "bytes", (json_int_t)sum.bytes, "runs", removed),
		    err);
}

/* Bringing back */

struct back {
	uint64_t restored, kept;
	int errno_value; /* of the first failure, besides what is in the way */
};

static void note(struct back *back, int from, const char *name)
{
	struct uc_tree_sum sum = { 0 };
	struct stat st;

	if (errno != EEXIST && errno != ENOTEMPTY && !back->errno_value)
		back->errno_value = errno;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		uc_tree_count(from, name, &sum);
	else
		sum.files = 1;
	back->kept += sum.files;
}

static void move_folder(struct back *back, int from, const char *name, int to,
			unsigned depth);

/* A whole folder at once where nothing is; else what is in it, name by name. */
static void move_one(struct back *back, int from, const char *name, int to,
		     unsigned depth)
{
	struct uc_tree_sum sum = { 0 };
	struct stat st, there;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		note(back, from, name);
		return;
	}
	if (S_ISDIR(st.st_mode)) {
		uc_tree_count(from, name, &sum);
		if (depth < UC_SYNC_DEPTH_MAX &&
		    fstatat(to, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(there.st_mode)) {
			move_folder(back, from, name, to, depth);
			return;
		}
	} else {
		sum.files = 1;
	}
	if (uc_store_rename_new(from, name, to, name) < 0)
		note(back, from, name);
	else
		back->restored += sum.files;
}

static void move_names(struct back *back, int from, int to, unsigned depth)
{
	int fd = openat(from, ".", FOLDER);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		close_fd(&fd);
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			move_one(back, from, entry->d_name, to, depth);
	if (dir)
		closedir(dir);
}

static void move_folder(struct back *back, int from, const char *name, int to,
			unsigned depth)
{
	int source __attribute__((cleanup(close_fd))) = openat(from, name, FOLDER);
	int target __attribute__((cleanup(close_fd))) = openat(to, name, FOLDER);

	if (source < 0 || target < 0) {
		note(back, from, name);
		return;
	}
	move_names(back, source, target, depth + 1);
	(void)unlinkat(from, name, AT_REMOVEDIR); /* what was kept keeps it */
}

/* The folder that a path was in, made again where it is gone. */
static int open_above(int root, const char *path)
{
	char name[UC_SYNC_NAME_MAX + 1];
	int at = openat(root, ".", FOLDER);

	for (const char *slash; at >= 0 && (slash = strchr(path, '/'));
	     path = slash + 1) {
		size_t len = (size_t)(slash - path);
		int next;

		memcpy(name, path, len); /* a path that is ok has short names */
		name[len] = '\0';
		next = openat(at, name, FOLDER);
		if (next < 0 && errno == ENOENT && mkdirat(at, name, 0755) == 0)
			next = openat(at, name, FOLDER);
		close(at);
		at = next;
	}
	return at;
}

static int move_path(struct back *back, int root, int run, const char *path,
		     struct uc_error *err)
{
	uc_auto(buf) struct uc_buf above = { 0 };
	int from __attribute__((cleanup(close_fd))) = -1;
	int to __attribute__((cleanup(close_fd))) = -1;
	const char *name;
	struct stat st;
	size_t len;

	if (!uc_store_path_ok(path, err))
		return -1;
	name = uc_store_path_split(path, &len);
	uc_buf_addn(&above, path, len);
	from = uc_store_openat(run, uc_buf_text(&above), O_RDONLY | O_DIRECTORY);
	if (from < 0 || fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return uc_fail_errno(err, errno == ENOENT ? UC_NOTFOUND : UC_FAILED,
				     errno, "cannot find '%s' in the trash of that run",
				     path);
	to = open_above(root, path);
	if (to < 0)
		return uc_fail_errno(err, UC_FAILED, errno,
				     "cannot open the folder of '%s'", path);
	move_one(back, from, name, to, 0);
	return 0;
}

static int move_paths(struct back *back, int root, int run, const json_t *paths,
		      struct uc_error *err)
{
	for (size_t i = 0; i < json_array_size(paths); i++) {
		const char *path = json_string_value(json_array_get(paths, i));

		if (!path)
			return uc_fail(err, UC_USAGE, "a path is expected");
		if (move_path(back, root, run, path, err) < 0)
			return -1;
	}
	return 0;
}

json_t *uc_trash_restore(int root, const char *run, const json_t *paths,
			 struct uc_error *err)
{
	int trash __attribute__((cleanup(close_fd))) = open_trash(root);
	int fd __attribute__((cleanup(close_fd))) = -1;
	struct back back = { 0 };

	if (trash >= 0 && is_run(trash, run))
		fd = openat(trash, run, FOLDER);
	if (fd < 0) {
		(void)uc_fail(err, UC_NOTFOUND, "there is no run '%s' in the trash", run);
		return NULL;
	}
	if (json_array_size(paths) == 0)
		move_names(&back, fd, root, 0);
	else if (move_paths(&back, root, fd, paths, err) < 0)
		return NULL;
	(void)unlinkat(trash, run, AT_REMOVEDIR); /* when it is empty now */
	if (back.errno_value) {
		(void)uc_fail_errno(err, UC_FAILED, back.errno_value,
				    "%llu files stay in the trash",
				    (unsigned long long)back.kept);
		return NULL;
	}
	return pack(json_pack("{s:I, s:I}", "restored", (json_int_t)back.restored, "kept",
			      (json_int_t)back.kept),
		    err);
}

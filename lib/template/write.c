/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Writing a template's files, all or none: first into a folder beside them, then each in
 * its place by one rename; what was placed is taken away again when a later one fails. A
 * lock in that folder tells whether who made it lives: what a process that was killed
 * left there is taken away by the next.
 */
#include "template/template.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define STAGE ".ucluster-init-"

/* What is in a waiting room besides numbers. */
static const char lock_name[] = "lock", away[] = "away";

struct placing {
	const struct uc_template *t;
	const char *folder; /* as it was named, for messages */
	int top;            /* the folder */
	char stage[32];     /* name of the folder in it where files wait */
	int staged, lock;
	bool replace;
	bool placed[UC_TEMPLATE_FILES_MAX];  /* has its place now */
	bool swapped[UC_TEMPLATE_FILES_MAX]; /* what was there waits in its stead */
	bool left[UC_TEMPLATE_FILES_MAX];    /* a README.md of somebody else's */
	struct uc_strv made;                 /* folders, parents first */
};

static enum uc_code code_of(int number)
{
	return number == EACCES || number == EPERM || number == EROFS ? UC_DENIED
								      : UC_FAILED;
}

static int fail_at(const struct placing *p, const char *path, const char *what,
		   struct uc_error *err)
{
	const int number = errno;

	uc_fail_errno(err, code_of(number), number, "cannot %s '%s/%s'", what, p->folder,
		      path);
	if (number == ELOOP || number == ENOTDIR)
		return uc_hint(err, "a folder is expected there, not a link");
	return -1;
}

/*
 * Open the folder that `path` is in, below `top`, link by link none followed; `name` is
 * the rest. With `made`, folders that lack are made and noted there.
 */
static int open_parent(int top, const char *path, struct uc_strv *made, const char **name)
{
	int fd = fcntl(top, F_DUPFD_CLOEXEC, 3);

	for (const char *slash; fd >= 0 && (slash = strchr(path, '/'));
	     path = slash + 1) {
		uc_auto(buf) struct uc_buf part = { 0 };
		int below, number;

		uc_buf_addn(&part, path, (size_t)(slash - path));
		if (made && mkdirat(fd, uc_buf_text(&part), 0777) == 0)
			uc_strv_addn(made, *name, (size_t)(slash - *name));
		below = openat(fd, uc_buf_text(&part),
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		number = errno;
		close(fd);
		errno = number;
		fd = below;
	}
	*name = path;
	return fd;
}

/* 1: something is there; 0: nothing; -1 with errno. */
static int is_there(int top, const char *path)
{
	const char *name = path;
	int fd = open_parent(top, path, NULL, &name), rc;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	rc = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? 1
	     : errno == ENOENT                                ? 0
							      : -1;
	close(fd);
	return rc;
}

int uc_template_present(const struct uc_template *t, const char *folder,
			struct uc_strv *present, struct uc_error *err)
{
	int top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (top < 0 && errno == ENOENT)
		return 0;
	if (top < 0)
		return uc_fail_errno(err, code_of(errno), errno, "cannot open '%s'",
				     folder);
	for (size_t i = 0; i < t->file_count; i++) {
		const char *path = t->files[i].path;
		const int there = is_there(top, path);

		if (there < 0) {
			const struct placing p = { .folder = folder };

			fail_at(&p, path, "write", err);
			close(top);
			return -1;
		}
		if (there && strcmp(path, UC_TEMPLATE_README) != 0)
			uc_strv_add(present, path);
	}
	close(top);
	return present->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		const ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

/* In the waiting room files have numbers for names. */
static int stage_file(struct placing *p, size_t index, struct uc_error *err)
{
	const struct uc_template_entry *file = &p->t->files[index];
	uc_auto(buf) struct uc_buf bytes = { 0 };
	char name[24];
	int fd, failed;

	if (uc_template_render(p->t, index, &bytes, err) < 0)
		return -1;
	snprintf(name, sizeof(name), "%zu", index);
	fd = openat(p->staged, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    file->executable ? 0777 : 0666);
	if (fd < 0)
		return fail_at(p, file->path, "write", err);
	failed = write_all(fd, bytes.data ? bytes.data : "", bytes.len) < 0 ? errno : 0;
	if (close(fd) < 0 && !failed)
		failed = errno;
	errno = failed;
	return failed ? fail_at(p, file->path, "write", err) : 0;
}

/* Rename without replacing; a file system that has no such call has links. */
static int move_new(int from, const char *old, int to, const char *name)
{
	if (renameat2(from, old, to, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return linkat(from, old, to, name, 0) < 0 ? -1 : unlinkat(from, old, 0);
}

/* Put it in the place of what is there, which then waits in its stead. */
static int swap(int from, const char *old, int to, const char *name)
{
	struct stat st;

	if (fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	if (renameat2(from, old, to, name, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(to, name, from, away, 0) < 0 || renameat(from, old, to, name) < 0)
		return -1;
	return renameat(from, away, from, old);
}

static int place_file(struct placing *p, size_t index, struct uc_error *err)
{
	const char *path = p->t->files[index].path, *name = path;
	int fd = open_parent(p->top, path, &p->made, &name), rc;
	char old[24];

	if (fd < 0)
		return fail_at(p, path, "write", err);
	snprintf(old, sizeof(old), "%zu", index);
	rc = move_new(p->staged, old, fd, name);
	p->left[index] =
		rc < 0 && errno == EEXIST && strcmp(path, UC_TEMPLATE_README) == 0;
	if (p->left[index])
		rc = 0;
	else if (rc < 0 && errno == EEXIST && p->replace)
		rc = swap(p->staged, old, fd, name) < 0 ? -1 : 1;
	if (rc >= 0) {
		p->placed[index] = !p->left[index];
		p->swapped[index] = rc == 1;
	} else if (errno == EEXIST) {
		uc_fail(err, UC_USAGE, "'%s/%s' is there already", p->folder, path);
	} else {
		fail_at(p, path, "write", err);
	}
	close(fd);
	return rc < 0 ? -1 : 0;
}

/* Back to what it was. */
static void take_back(struct placing *p)
{
	for (size_t i = p->t->file_count; i-- > 0;) {
		const char *path = p->t->files[i].path, *name = path;
		int fd = p->placed[i] ? open_parent(p->top, path, NULL, &name) : -1;
		char old[24];

		if (fd < 0)
			continue;
		snprintf(old, sizeof(old), "%zu", i);
		if (p->swapped[i])
			renameat(p->staged, old, fd, name);
		else
			unlinkat(fd, name, 0);
		close(fd);
	}
	for (size_t i = p->made.count; i-- > 0;)
		unlinkat(p->top, p->made.item[i], AT_REMOVEDIR);
}

/* What still waits: new files that found no place, or old ones that were replaced. */
static void clear(int top, const char *stage, int staged, size_t files)
{
	for (size_t i = 0; i < files; i++) {
		char name[24];

		snprintf(name, sizeof(name), "%zu", i);
		unlinkat(staged, name, 0);
	}
	unlinkat(staged, away, 0);
	unlinkat(staged, lock_name, 0);
	unlinkat(top, stage, AT_REMOVEDIR);
}

/* Who made it was killed: its lock is free. One that has none yet, or may have none on
 * this file system, stays; when it is empty, who makes it makes another. */
static void sweep_one(int top, const char *stage)
{
	int fd = openat(top, stage, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int lock = fd < 0 ? -1 : openat(fd, lock_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
		clear(top, stage, fd, UC_TEMPLATE_FILES_MAX);
	else if (fd >= 0 && lock < 0 && errno == ENOENT)
		unlinkat(top, stage, AT_REMOVEDIR);
	if (lock >= 0)
		close(lock);
	if (fd >= 0)
		close(fd);
}

static void sweep(int top)
{
	int copy = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, STAGE, strlen(STAGE)) == 0)
			sweep_one(top, entry->d_name);
	if (dir)
		closedir(dir);
	else if (copy >= 0)
		close(copy);
}

static void close_stage(struct placing *p)
{
	clear(p->top, p->stage, p->staged, p->t->file_count);
	close(p->lock);
	close(p->staged);
}

/* False: it was swept away before it was locked. */
static bool lock_stage(int lock)
{
	struct stat st;

	/* not every file system has locks */
	if (flock(lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return false;
	return fstat(lock, &st) < 0 || st.st_nlink > 0;
}

/* 1: it is there; 0: another one is needed; -1 with errno. */
static int try_stage(struct placing *p)
{
	int number;

	if (mkdirat(p->top, p->stage, 0700) < 0)
		return errno == EEXIST ? 0 : -1;
	p->staged =
		openat(p->top, p->stage, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p->staged < 0)
		return errno == ENOENT ? 0 : -1;
	p->lock =
		openat(p->staged, lock_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (p->lock >= 0 && lock_stage(p->lock))
		return 1;
	number = p->lock < 0 ? errno : ENOENT;
	if (p->lock >= 0)
		close(p->lock);
	close(p->staged);
	errno = number;
	return number == ENOENT ? 0 : -1;
}

static int open_stage(struct placing *p, struct uc_error *err)
{
	int rc = 0;

	sweep(p->top);
	for (int try = 0; try < 100 && rc == 0; try++) {
		snprintf(p->stage, sizeof(p->stage), STAGE "%d-%d", (int)getpid(), try);
		rc = try_stage(p);
	}
	return rc > 0 ? 0 : fail_at(p, p->stage, "make", err);
}

static int write_files(struct placing *p, struct uc_strv *written, struct uc_error *err)
{
	const size_t count = p->t->file_count;
	int rc;

	if (open_stage(p, err) < 0)
		return -1;
	rc = 0;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = stage_file(p, i, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = place_file(p, i, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		if (!p->left[i])
			uc_strv_add(written, p->t->files[i].path);
	if (rc == 0 && (written->failed || p->made.failed))
		rc = uc_fail(err, UC_FAILED, "out of memory");
	if (rc < 0)
		take_back(p);
	close_stage(p);
	if (rc == 0)
		fsync(p->top); /* not every file system can */
	return rc;
}

static int check_values(const struct uc_template *t, struct uc_error *err)
{
	for (size_t i = 0; i < t->key_count; i++) {
		if (!t->keys[i].required || t->keys[i].value[0])
			continue;
		uc_fail(err, UC_USAGE, "no value for '%s': %s", t->keys[i].name,
			t->keys[i].help);
		return uc_hint(err, "--set %s=VALUE", t->keys[i].name);
	}
	return 0;
}

/* Folders that were made for nothing; the first that is not empty ends it. */
static void remove_folders(const char *folder, size_t keep)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	size_t len;

	uc_buf_add(&path, folder);
	while (!path.failed && (len = path.len) > keep && rmdir(path.data) == 0) {
		while (len > 0 && path.data[len - 1] != '/')
			len--;
		while (len > 1 && path.data[len - 1] == '/')
			len--;
		path.data[len] = '\0';
		path.len = len;
	}
}

/* How much of the folder's path is there. */
static size_t length_there(const char *folder)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	size_t len = strlen(folder);

	uc_buf_add(&path, folder);
	while (!path.failed && len > 0) {
		path.data[len] = '\0';
		if (access(path.data, F_OK) == 0)
			break;
		while (len > 0 && path.data[len - 1] != '/')
			len--;
		while (len > 1 && path.data[len - 1] == '/')
			len--;
	}
	return len;
}

int uc_template_write(const struct uc_template *t, const char *folder, unsigned flags,
		      struct uc_strv *written, struct uc_error *err)
{
	struct placing p = {
		.t = t,
		.folder = folder,
		.replace = (flags & UC_TEMPLATE_REPLACE) != 0,
	};
	size_t there;
	int rc;

	if (check_values(t, err) < 0)
		return -1;
	there = length_there(folder);
	if (uc_file_mkdirs(folder, 0777, err) < 0) {
		remove_folders(folder, there);
		return -1;
	}
	p.top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p.top < 0) {
		rc = uc_fail_errno(err, code_of(errno), errno, "cannot open '%s'",
				   folder);
	} else {
		rc = write_files(&p, written, err);
		close(p.top);
	}
	uc_strv_free(&p.made);
	if (rc < 0)
		remove_folders(folder, there);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The trash of a run: where what is removed goes, and what is replaced and kept. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sync/store_inside.h"

#define PIECE   (64u << 10) /* bytes compared at once */
#define COMPARE (64 << 20)  /* bytes of a file that is compared at all: nobody waits */

/* Open a folder in `at`, made when it is not there. */
static int enter(int at, const char *name, mode_t mode)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(at, name, flags);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = openat(at, name, flags);
	if (fd >= 0 && mode != 0700)
		(void)fchmod(fd, mode);
	return fd;
}

/*
 * The folder of this run in the trash. In a folder that a group writes to everybody has a
 * run of their own in there.
 */
static int open_trash(struct uc_store *store)
{
	mode_t mode = 0700;
	struct stat st;
	int top;

	if (store->trash >= 0)
		return store->trash;
	if (fstat(store->root, &st) == 0 && (st.st_mode & 0020))
		mode = 01770;
	top = enter(store->root, UC_STORE_TRASH, mode);
	if (top < 0)
		return -1;
	store->trash = enter(top, store->run, 0700);
	close(top);
	if (store->trash >= 0 &&
	    (fstat(store->trash, &st) < 0 || st.st_uid != store->user)) {
		close(store->trash);
		store->trash = -1;
		errno = EACCES;
	}
	return store->trash;
}

/* The folder that `path` was in, again in the trash; to be closed. */
static int open_trash_folder(struct uc_store *store, const char *path)
{
	int top = open_trash(store), at;
	char name[UC_SYNC_NAME_MAX + 1];

	if (top < 0)
		return -1;
	at = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (const char *slash; at >= 0 && (slash = strchr(path, '/'));
	     path = slash + 1) {
		size_t len = (size_t)(slash - path);
		int next, errno_value;

		if (len > UC_SYNC_NAME_MAX)
			len = UC_SYNC_NAME_MAX;
		memcpy(name, path, len);
		name[len] = '\0';
		next = enter(at, name, 0700);
		errno_value = errno;
		close(at);
		errno = errno_value;
		at = next;
	}
	return at;
}

/* A folder is empty and made anew: what is in it went before. */
static int trash_folder(const struct store_spot *spot, int trash, const struct stat *st)
{
	int fd;

	if (unlinkat(spot->folder->fd, spot->name, AT_REMOVEDIR) < 0)
		return -1;
	fd = enter(trash, spot->name, (st->st_mode & 0777) | 0700);
	if (fd >= 0)
		close(fd);
	return 0;
}

/* What is there already keeps its name. */
static int trash_name(const struct store_spot *spot, int trash)
{
	char other[UC_SYNC_NAME_MAX + 1];

	if (uc_store_rename_new(spot->folder->fd, spot->name, trash, spot->name) == 0)
		return 0;
	for (int i = 1; i < 1000 && (errno == EEXIST || errno == EISDIR); i++) {
		(void)snprintf(other, sizeof(other), "%.240s.~%d~", spot->name, i);
		if (uc_store_rename_new(spot->folder->fd, spot->name, trash, other) == 0)
			return 0;
	}
	return -1;
}

/* Partials of ours alone do not keep a folder. */
static bool empty_of_ours(struct uc_store *store, const struct store_spot *spot)
{
	int fd = openat(spot->folder->fd, spot->name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return false;
	uc_store_sweep_partials(store, fd, "");
	close(fd);
	return true;
}

int uc_store_to_trash(struct uc_store *store, const struct store_spot *spot,
		      const struct stat *st, struct uc_error *err)
{
	int trash = open_trash_folder(store, spot->path), status, errno_value;
	bool folder = S_ISDIR(st->st_mode);

	if (trash < 0)
		return uc_store_failed(err, errno, "open the trash for", spot->path);
	status = folder ? trash_folder(spot, trash, st) : trash_name(spot, trash);
	if (status < 0 && folder && (errno == ENOTEMPTY || errno == EEXIST) &&
	    empty_of_ours(store, spot))
		status = trash_folder(spot, trash, st);
	errno_value = errno;
	if (!store->no_sync)
		(void)fsync(trash);
	close(trash);
	if (status == 0) {
		uc_store_folder_dirty(store, spot->folder);
		if (folder)
			uc_store_folders_forget(store);
		return UC_STORE_OK;
	}
	if (errno_value == ENOTEMPTY || errno_value == EEXIST) {
		(void)uc_fail(err, UC_FAILED, "'%s' is not empty", spot->path);
		errno = 0;
		return UC_STORE_CHANGED;
	}
	if (errno_value == ENOENT)
		return uc_store_changed(err, spot->path);
	if (errno_value != EXDEV)
		return uc_store_failed(err, errno_value, "move to the trash", spot->path);
	(void)uc_fail(err, UC_FAILED, "'%s' is on another file system than the trash",
		      spot->path);
	errno = errno_value;
	return UC_STORE_FAILED;
}

/* Second names: what is replaced stays, and at no moment is nothing there */

/* As open_trash_folder(), kept open for the next one of the same folder. */
static struct store_folder *trash_of(struct uc_store *store,
				     const struct store_spot *spot)
{
	const struct store_folder *of = spot->folder;
	struct store_folder *folder = store->saving;

	if (folder && folder->len == of->len &&
	    memcmp(folder->path, of->path, of->len) == 0)
		return uc_store_folder_keep(folder);
	folder = calloc(1, sizeof(*folder));
	if (!folder)
		return NULL;
	folder->users = 1;
	folder->len = of->len;
	folder->path = strndup(of->path, of->len);
	folder->fd = folder->path ? open_trash_folder(store, spot->path) : -1;
	if (folder->fd < 0) {
		free(folder->path);
		free(folder);
		return NULL;
	}
	uc_store_folder_free(store->saving);
	store->saving = uc_store_folder_keep(folder);
	return folder;
}

static int open_to_read(int folder, const char *name)
{
	return openat(folder, name,
		      O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static bool same_bytes(int a, int b, off_t size)
{
	char one[PIECE], other[PIECE];
	off_t at = 0;

	while (at < size) {
		ssize_t got = pread(a, one, sizeof(one), at);

		if (got <= 0 || pread(b, other, (size_t)got, at) != got ||
		    memcmp(one, other, (size_t)got) != 0)
			return false;
		at += got;
	}
	return true;
}

/* Nothing is lost with a file whose content comes again. */
static bool comes_again(const struct store_spot *spot, const struct stat *st,
			const char *temporary)
{
	int old = -1, new = -1;
	bool same = false;
	struct stat next;

	if (!S_ISREG(st->st_mode) ||
	    fstatat(spot->folder->fd, temporary, &next, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(next.st_mode) || next.st_size != st->st_size ||
	    st->st_size > COMPARE)
		return false;
	old = open_to_read(spot->folder->fd, spot->name);
	new = open_to_read(spot->folder->fd, temporary);
	same = old >= 0 && new >= 0 && same_bytes(old, new, st->st_size);
	if (old >= 0)
		close(old);
	if (new >= 0)
		close(new);
	return same;
}

/* The file that was looked at, with a name in the trash that nothing has. -1 with errno.
 */
static int link_into(int trash, const struct store_spot *spot, const struct stat *st)
{
	char other[UC_SYNC_NAME_MAX + 1];
	const char *name = spot->name;
	struct stat is;

	for (int i = 1; linkat(spot->folder->fd, spot->name, trash, name, 0) < 0; i++) {
		if (errno != EEXIST || i == 1000)
			return -1;
		(void)snprintf(other, sizeof(other), "%.240s.~%d~", spot->name, i);
		name = other;
	}
	if (fstatat(trash, name, &is, AT_SYMLINK_NOFOLLOW) == 0 &&
	    is.st_ino == st->st_ino && is.st_dev == st->st_dev)
		return 0;
	(void)unlinkat(trash, name, 0); /* another one came just now */
	errno = ENOENT;
	return -1;
}

bool uc_store_save(struct uc_store *store, const struct store_spot *spot,
		   const struct stat *st, const char *temporary)
{
	uc_auto(store_folder) struct store_folder *trash = NULL;

	if (spot->expect->kind == spot->kind && comes_again(spot, st, temporary))
		return true;
	trash = trash_of(store, spot);
	if (!trash || link_into(trash->fd, spot, st) < 0)
		return false;
	uc_store_folder_dirty(store, trash);
	return true;
}

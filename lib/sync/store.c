/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sync/store_inside.h"

/* Errors */

int uc_store_failed(struct uc_error *err, int errno_value, const char *what,
		    const char *path)
{
	bool denied = errno_value == EACCES || errno_value == EPERM;

	if (errno_value == ELOOP || errno_value == ENOTDIR || errno_value == EXDEV) {
		(void)uc_fail(err, UC_DENIED,
			      "'%s' is not written: a link, or what is no folder, is in "
			      "the way",
			      path);
		errno = errno_value;
		return UC_STORE_REFUSED;
	}
	(void)uc_fail_errno(err, denied ? UC_DENIED : UC_FAILED, errno_value,
			    "cannot %s '%s'", what, path);
	errno = errno_value;
	return UC_STORE_FAILED;
}

int uc_store_memory(struct uc_error *err, const char *path)
{
	(void)uc_fail(err, UC_FAILED, "out of memory at '%s'", path);
	errno = ENOMEM;
	return UC_STORE_FAILED;
}

int uc_store_changed(struct uc_error *err, const char *path)
{
	(void)uc_fail(err, UC_FAILED, "'%s' changed meanwhile", path);
	errno = 0;
	return UC_STORE_CHANGED;
}

/* Open and free */

/* One name of letters, digits, '-', '_' and '.', which does not begin with one. */
static bool is_run_name(const char *run)
{
	size_t len = strspn(run, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789-_.");

	return len > 0 && len <= 100 && !run[len] && run[0] != '.';
}

/* Each file of two batches is open; others in this process need some as well. */
static size_t batch_size(void)
{
	struct rlimit files;
	rlim_t part;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return 256;
	part = files.rlim_cur / 4;
	return part > STORE_BATCH ? STORE_BATCH : part < 16 ? 16 : (size_t)part;
}

int uc_store_open(struct uc_store **store, int root,
		  const struct uc_store_options *options, struct uc_error *err)
{
	uc_auto(store) struct uc_store *new = NULL;
	const char *run = options->run ? options->run : "run";
	struct stat st;

	if (!is_run_name(run))
		return uc_fail(err, UC_USAGE, "'%s' is no name for a run", run);
	if (fstat(root, &st) < 0 || !S_ISDIR(st.st_mode))
		return uc_fail(err, UC_USAGE, "the root to write to is no folder");
	new = calloc(1, sizeof(*new));
	if (!new)
		return uc_fail(err, UC_FAILED, "out of memory");
	new->root = root;
	new->dev = st.st_dev;
	new->together = uc_store_syncs_all(root);
	new->trash = -1;
	new->batch = batch_size();
	new->no_sync = options->no_sync;
	new->keep_special = options->keep_special;
	new->by_steps = options->by_steps;
	new->user = geteuid();
	new->umask = uc_store_umask();
	new->run = strdup(run);
	if (!new->run)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (st.st_uid != new->user && faccessat(root, ".", W_OK, AT_EACCESS) < 0)
		return uc_fail_errno(err, UC_DENIED, errno, "cannot write to the folder");
	*store = uc_take(&new);
	return 0;
}

void uc_store_free(struct uc_store *store)
{
	if (!store)
		return;
	while (store->begun)
		uc_store_drop(store->begun);
	uc_store_batch_free(store);
	uc_store_folders_sync(store);
	uc_store_folders_forget(store);
	for (size_t i = 0; i < store->touches; i++)
		free(store->touch[i].path);
	free(store->touch);
	free(store->swept);
	free(store->run);
	if (store->trash >= 0)
		close(store->trash);
	EVP_MD_CTX_free(store->small);
	EVP_MD_free(store->sha);
	free(store);
}

/* What is there */

static bool fill(struct uc_sync_entry *entry, const struct stat *st)
{
	entry->size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	entry->mtime = uc_store_mtime(st);
	entry->mode = (uint16_t)(st->st_mode & 07777);
	entry->holes = (uint64_t)st->st_blocks * 512 < entry->size;
	if (S_ISREG(st->st_mode))
		entry->kind = UC_SYNC_FILE;
	else if (S_ISDIR(st->st_mode))
		entry->kind = UC_SYNC_FOLDER;
	else if (S_ISLNK(st->st_mode))
		entry->kind = UC_SYNC_LINK;
	else
		return false;
	return true;
}

int uc_store_look(struct uc_store *store, const char *path, struct uc_sync_entry *entry,
		  struct uc_error *err)
{
	uc_auto(store_folder) struct store_folder *folder = NULL;
	const char *name;
	struct stat st;
	int outcome;
	size_t len;

	uc_store_settle(store, path);
	*entry = (struct uc_sync_entry){ .path = path };
	folder = uc_store_folder_of(store, path, &outcome, err);
	if (!folder)
		return errno == ENOENT ? 1 : -1;
	name = uc_store_path_split(path, &len);
	if (fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 1;
		(void)uc_store_failed(err, errno, "look at", path);
		return -1;
	}
	if (!fill(entry, &st))
		return uc_fail(err, UC_FAILED, "'%s' is no file, folder or link", path);
	return 0;
}

static bool same_target(int folder, const char *name, const char *target)
{
	char text[UC_SYNC_PATH_MAX + 1];
	ssize_t len = readlinkat(folder, name, text, sizeof(text));

	return len >= 0 && (size_t)len == strlen(target) &&
	       memcmp(text, target, (size_t)len) == 0;
}

bool uc_store_matches(int folder, const char *name, const struct stat *st,
		      const struct uc_sync_entry *expect)
{
	struct uc_sync_entry is = { 0 };

	if (!fill(&is, st) || is.kind != expect->kind)
		return false;
	if (is.kind == UC_SYNC_FOLDER) /* its time changes with what is put into it */
		return true;
	if (is.mtime != expect->mtime || is.size != expect->size)
		return false;
	return is.kind != UC_SYNC_LINK || !expect->target ||
	       same_target(folder, name, expect->target);
}

/* Modes */

mode_t uc_store_mode(const struct uc_store *store, const struct uc_sync_entry *entry)
{
	mode_t mode = entry->mode & 07777;

	if (!store->keep_special)
		mode &= 0777;
	return mode & ~(store->umask & 0022);
}

/* Into place */

int uc_store_place(struct uc_store *store, const struct store_spot *spot,
		   const char *temporary, struct uc_error *err)
{
	const struct uc_sync_entry *expect = spot->expect;
	int folder = spot->folder->fd, outcome;
	bool saved = spot->saved;
	struct stat st;

	if (expect) {
		if (fstatat(folder, spot->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? uc_store_changed(err, spot->path)
					       : uc_store_failed(err, errno, "look at",
								 spot->path);
		if (!uc_store_matches(folder, spot->name, &st, expect))
			return uc_store_changed(err, spot->path);
		if (expect->kind == spot->kind && !expect->keep) {
			saved = true;
		} else if (expect->kind != UC_SYNC_FOLDER && !saved) {
			saved = uc_store_save(store, spot, &st, temporary);
			uc_store_folders_sync(store);
		}
		if (saved) {
			if (renameat(folder, temporary, folder, spot->name) < 0)
				return uc_store_failed(err, errno, "replace", spot->path);
			uc_store_folder_dirty(store, spot->folder);
			return UC_STORE_OK;
		}
		outcome = uc_store_to_trash(store, spot, &st, err);
		if (outcome != UC_STORE_OK)
			return outcome;
	}
	if (uc_store_rename_new(folder, temporary, folder, spot->name) < 0)
		return errno == EEXIST || errno == ENOTEMPTY
			       ? uc_store_changed(err, spot->path)
			       : uc_store_failed(err, errno, "make", spot->path);
	uc_store_folder_dirty(store, spot->folder);
	return UC_STORE_OK;
}

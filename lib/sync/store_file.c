/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The begin and the end of a file that is being written. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "sync/store_inside.h"

/* Begin and end of its life */

static void unlist(struct uc_store_file *file)
{
	if (!file->here)
		return;
	*file->here = file->next;
	if (file->next)
		file->next->here = file->here;
	file->here = NULL;
}

void uc_store_file_free(struct uc_store_file *file)
{
	if (!file)
		return;
	unlist(file);
	/* room that was reserved behind what there is goes back */
	if (file->temporary[0] && file->partial && file->offset >= UC_STORE_PARTIAL &&
	    ftruncate(file->fd, (off_t)file->offset) == 0)
		file->temporary[0] = '\0';
	if (file->temporary[0])
		(void)unlinkat(file->folder->fd, file->temporary, 0);
	if (file->fd >= 0)
		close(file->fd);
	if (file->basis >= 0)
		close(file->basis);
	uc_store_folder_free(file->folder);
	EVP_MD_CTX_free(file->sha);
	free(file->path);
	free(file->target);
	free(file);
}

static struct uc_store_file *new_file(struct uc_store *store,
				      const struct uc_sync_entry *entry,
				      const struct uc_sync_entry *expect)
{
	struct uc_store_file *file = calloc(1, sizeof(*file));
	size_t len;

	if (!file)
		return NULL;
	file->store = store;
	file->fd = file->basis = -1;
	file->path = strdup(entry->path);
	file->entry = *entry;
	file->entry.path = file->path;
	if (expect) {
		file->expects = true;
		file->expect = *expect;
		file->expect.path = file->path;
		file->target = expect->target ? strdup(expect->target) : NULL;
		file->expect.target = file->target;
	}
	if (!file->path || (expect && expect->target && !file->target)) {
		uc_store_file_free(file);
		return NULL;
	}
	file->name = uc_store_path_split(file->path, &len);
	return file;
}

/* Temporaries */

static int make_temporary(struct uc_store_file *file, struct uc_error *err)
{
	for (int tries = 0; tries < 10; tries++) {
		if (uc_store_random_name(file->temporary) < 0)
			break;
		file->fd =
			openat(file->folder->fd, file->temporary,
			       O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (file->fd >= 0)
			return UC_STORE_OK;
		if (errno == EMFILE || errno == ENFILE)
			uc_store_flush(file->store);
		else if (errno != EEXIST)
			break;
	}
	file->temporary[0] = '\0';
	if (errno == ENOENT) { /* the open folder was removed; there may be a new one */
		uc_store_folders_forget(file->store);
		errno = ENOENT;
	}
	return uc_store_failed(err, errno, "write", file->path);
}

/* Nobody else's, and nobody else is at it: not even one who renamed it just now. */
static bool is_ours(const struct uc_store_file *file, const char *name)
{
	struct stat st, there;

	return flock(file->fd, LOCK_EX | LOCK_NB) == 0 && fstat(file->fd, &st) == 0 &&
	       fstatat(file->folder->fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == there.st_ino && st.st_dev == there.st_dev &&
	       S_ISREG(st.st_mode) && st.st_uid == file->store->user &&
	       st.st_nlink == 1 && (st.st_mode & 07777) == 0600 &&
	       (uint64_t)st.st_size <= file->entry.size;
}

/* Go on in a partial file, or begin one. 1: it cannot be used. */
static int open_partial(struct uc_store_file *file)
{
	char name[UC_STORE_NAME_SIZE];
	struct stat st;
	size_t version;

	uc_store_partial_name(name, file->name, file->entry.size, file->entry.mtime,
			      &version);
	uc_store_sweep_partials(file->store, file->folder->fd, name);
	file->fd = openat(file->folder->fd, name,
			  O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->fd < 0 && errno == ENOENT)
		file->fd =
			openat(file->folder->fd, name,
			       O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file->fd < 0)
		return 1;
	if (!is_ours(file, name) || fstat(file->fd, &st) < 0) {
		close(file->fd);
		file->fd = -1;
		return 1;
	}
	memcpy(file->temporary, name, sizeof(name));
	file->partial = true;
	file->offset = file->pushed = (uint64_t)st.st_size;
	return 0;
}

/* What is to be replaced, to take pieces from. */
static void open_basis(struct uc_store_file *file)
{
	struct stat st;

	if (!file->expects || file->expect.kind != UC_SYNC_FILE)
		return;
	file->basis = openat(file->folder->fd, file->name,
			     O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->basis >= 0 && (fstat(file->basis, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(file->basis);
		file->basis = -1;
	}
}

/* Early: what is sent for nothing is slow. It is asked again when it gets its place. */
static int check_expected(const struct uc_store_file *file, struct uc_error *err)
{
	int folder = file->folder->fd;
	struct stat st;

	if (fstatat(folder, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return uc_store_failed(err, errno, "look at", file->path);
		return file->expects ? uc_store_changed(err, file->path) : UC_STORE_OK;
	}
	if (!file->expects || !uc_store_matches(folder, file->name, &st, &file->expect))
		return uc_store_changed(err, file->path);
	return UC_STORE_OK;
}

static int begin(struct uc_store_file *file, struct uc_error *err)
{
	int outcome = UC_STORE_OK;

	if (file->entry.size > INT64_MAX) {
		(void)uc_fail(err, UC_INVALID, "'%s' is larger than a file can be",
			      file->path);
		errno = 0;
		return UC_STORE_REFUSED;
	}
	uc_store_settle(file->store, file->path);
	file->folder = uc_store_folder_of(file->store, file->path, &outcome, err);
	if (!file->folder)
		return outcome;
	outcome = check_expected(file, err);
	if (outcome != UC_STORE_OK)
		return outcome;
	if (file->entry.size < UC_STORE_PARTIAL || open_partial(file) > 0)
		outcome = make_temporary(file, err);
	if (outcome != UC_STORE_OK)
		return outcome;
	open_basis(file);
	return uc_store_start_sum(file, err);
}

int uc_store_begin(struct uc_store *store, const struct uc_sync_entry *entry,
		   const struct uc_sync_entry *expect, struct uc_store_file **file,
		   uint64_t *have, struct uc_error *err)
{
	struct uc_store_file *new = new_file(store, entry, expect);
	int outcome, errno_value;

	*file = NULL;
	*have = 0;
	if (!new)
		return uc_store_memory(err, entry->path);
	outcome = begin(new, err);
	if (outcome != UC_STORE_OK) {
		errno_value = errno;
		uc_store_file_free(new);
		errno = errno_value;
		return outcome;
	}
	new->next = store->begun;
	if (new->next)
		new->next->here = &new->next;
	new->here = &store->begun;
	store->begun = new;
	*have = new->offset;
	*file = new;
	return UC_STORE_OK;
}

void uc_store_drop(struct uc_store_file *file)
{
	uc_store_file_free(file);
}

int uc_store_basis(const struct uc_store_file *file)
{
	return file->basis;
}

/* The end */

static int refuse(struct uc_store_file *file, enum uc_code code, const char *why)
{
	(void)uc_fail(&file->err, code, "'%s' %s", file->path, why);
	errno = 0;
	return UC_STORE_FAILED;
}

/*
 * On some file systems only this says that there was no room. A partial file stays open,
 * and locked, until it has its name.
 */
static int close_written(struct uc_store_file *file)
{
	int fd = file->partial ? fcntl(file->fd, F_DUPFD_CLOEXEC, 3) : file->fd;

	if (!file->partial)
		file->fd = -1;
	return fd < 0 ? 0 : close(fd);
}

static int seal(struct uc_store_file *file)
{
	const struct uc_sync_entry *entry = &file->entry;

	if (entry->holes && ftruncate(file->fd, (off_t)entry->size) < 0)
		return -1;
	if (fchmod(file->fd, uc_store_mode(file->store, entry)) < 0 ||
	    uc_store_utime(file->fd, entry->mtime) < 0)
		return -1;
	return file->store->no_sync ? close_written(file) : 0;
}

static int check_whole(struct uc_store_file *file, const unsigned char *sha256)
{
	unsigned char is[EVP_MAX_MD_SIZE];

	if (file->failed)
		return refuse(file, UC_FAILED, "could not be written");
	if (file->offset != file->entry.size)
		return refuse(file, UC_INVALID, "is not whole");
	if (!sha256)
		return UC_STORE_OK;
	if (uc_store_prepare(file, 0, &file->err) != UC_STORE_OK)
		return UC_STORE_FAILED;
	if (!EVP_DigestFinal_ex(file->sha, is, NULL) || memcmp(is, sha256, 32) != 0)
		return refuse(file, UC_INVALID, "arrived damaged: its checksum differs");
	return UC_STORE_OK;
}

static void finish_file(struct uc_store_file *file, const unsigned char *sha256)
{
	file->outcome = check_whole(file, sha256);
	if (file->outcome == UC_STORE_OK && seal(file) < 0)
		file->outcome = uc_store_failed(&file->err, errno, "write", file->path);
	file->errno_value = errno;
	EVP_MD_CTX_free(file->sha);
	file->sha = NULL;
	if (file->basis >= 0)
		close(file->basis);
	file->basis = -1;
}

void uc_store_end(struct uc_store_file *file, const unsigned char *sha256,
		  uc_store_done *done, void *arg)
{
	unlist(file);
	file->done = done;
	file->arg = arg;
	finish_file(file, sha256);
	uc_store_enqueue(file);
}

/* Small files */

static int put_small(struct uc_store_file *file, const struct uc_store_small *small)
{
	struct uc_store *store = file->store;
	unsigned char is[EVP_MAX_MD_SIZE];
	int outcome = UC_STORE_OK;

	uc_store_settle(store, file->path);
	file->folder = uc_store_folder_of(store, file->path, &outcome, &file->err);
	if (!file->folder)
		return outcome;
	if (small->len != file->entry.size)
		return refuse(file, UC_INVALID, "is not whole");
	if (small->sha256 && !uc_store_can_sum(store))
		return uc_store_memory(&file->err, file->path);
	if (small->sha256 && (!EVP_DigestInit_ex2(store->small, store->sha, NULL) ||
			      !EVP_DigestUpdate(store->small, small->bytes, small->len) ||
			      !EVP_DigestFinal_ex(store->small, is, NULL) ||
			      memcmp(is, small->sha256, 32) != 0))
		return refuse(file, UC_INVALID, "arrived damaged: its checksum differs");
	outcome = make_temporary(file, &file->err);
	if (outcome != UC_STORE_OK)
		return outcome;
	if (uc_store_write_bytes(file, small->bytes, small->len) < 0 || seal(file) < 0)
		return uc_store_failed(&file->err, errno, "write", file->path);
	return UC_STORE_OK;
}

void uc_store_put(struct uc_store *store, const struct uc_store_small *small)
{
	struct uc_store_file *file = new_file(store, small->entry, small->expect);
	struct uc_error err = { 0 };

	if (!file) {
		int outcome = uc_store_memory(&err, small->entry->path);

		small->done(small->arg, outcome, &err);
		return;
	}
	file->done = small->done;
	file->arg = small->arg;
	file->outcome = put_small(file, small);
	file->errno_value = errno;
	uc_store_enqueue(file);
}

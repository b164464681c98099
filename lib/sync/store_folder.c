/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The folders that a store writes to: kept open, synced together, swept once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/linux.h"
#include "sync/store_inside.h"

#define DAY         (24 * 60 * 60) /* seconds */
#define OLD         DAY            /* of a temporary: its run is over */
#define OLD_PARTIAL (14 * DAY)
#define SWEPT_MAX   (1u << 20) /* folders that are remembered */

static uint64_t hash_of(const char *path, size_t len)
{
	uint64_t hash = XXH3_64bits(path, len);

	return hash ? hash : 1;
}

struct store_folder *uc_store_folder_keep(struct store_folder *folder)
{
	folder->users++;
	return folder;
}

void uc_store_folder_free(struct store_folder *folder)
{
	if (!folder || --folder->users > 0)
		return;
	close(folder->fd);
	free(folder->path);
	free(folder);
}

static struct store_folder *open_folder(struct uc_store *store, const char *path,
					size_t len)
{
	struct store_folder *folder = calloc(1, sizeof(*folder));
	struct stat st;

	if (!folder)
		return NULL;
	folder->users = 1;
	folder->len = len;
	folder->fd = -1;
	folder->path = strndup(path, len);
	if (folder->path) {
		folder->fd = uc_store_resolve(store->root, folder->path,
					      O_RDONLY | O_DIRECTORY, store->by_steps);
		if (folder->fd < 0 && errno == EACCES) /* may still be written to */
			folder->fd = uc_store_resolve(store->root, folder->path,
						      UC_O_PATH | O_DIRECTORY,
						      store->by_steps);
	}
	if (folder->fd >= 0) {
		folder->dev = fstat(folder->fd, &st) == 0 ? st.st_dev : 0;
		return folder;
	}
	free(folder->path);
	free(folder);
	return NULL;
}

struct store_folder *uc_store_folder_of(struct uc_store *store, const char *path,
					int *outcome, struct uc_error *err)
{
	struct store_folder **slot, *folder;
	size_t len;

	if (!uc_store_path_ok(path, err)) {
		*outcome = UC_STORE_REFUSED;
		errno = 0;
		return NULL;
	}
	(void)uc_store_path_split(path, &len);
	/* one that somebody moved away is not written to for long */
	if (++store->folder_uses % STORE_USES == 0)
		uc_store_folders_forget(store);
	slot = &store->folder[hash_of(path, len) % STORE_FOLDERS];
	folder = *slot;
	if (folder && folder->len == len && memcmp(folder->path, path, len) == 0)
		return uc_store_folder_keep(folder);
	folder = open_folder(store, path, len);
	if (!folder && (errno == EMFILE || errno == ENFILE)) {
		uc_store_flush(store);
		uc_store_folders_forget(store);
		folder = open_folder(store, path, len);
	}
	if (!folder) {
		*outcome = uc_store_failed(err, errno, "open the folder of", path);
		return NULL;
	}
	uc_store_sweep(store, folder);
	uc_store_folder_free(*slot);
	*slot = uc_store_folder_keep(folder);
	return folder;
}

void uc_store_folders_forget(struct uc_store *store)
{
	for (size_t i = 0; i < STORE_FOLDERS; i++) {
		uc_store_folder_free(store->folder[i]);
		store->folder[i] = NULL;
	}
	uc_store_folder_free(store->saving);
	store->saving = NULL;
}

/* To disk */

void uc_store_folder_dirty(struct uc_store *store, struct store_folder *folder)
{
	if (store->no_sync || folder->dirty)
		return;
	if (store->dirty_count == STORE_DIRTY) {
		if (store->together && folder->dev == store->dev) {
			store->dirty_all = true;
			return;
		}
		uc_store_folders_sync(store);
	}
	folder->dirty = true;
	store->dirty[store->dirty_count++] = uc_store_folder_keep(folder);
}

void uc_store_folders_clean(struct uc_store *store)
{
	size_t left = 0;

	for (size_t i = 0; i < store->dirty_count; i++) {
		struct store_folder *folder = store->dirty[i];

		if (folder->dev != store->dev) {
			store->dirty[left++] = folder;
			continue;
		}
		folder->dirty = false;
		uc_store_folder_free(folder);
	}
	store->dirty_count = left;
	store->dirty_all = false;
}

/* What cannot be synced (EINVAL: such a file system; EBADF: O_PATH) is as safe as it can.
 */
void uc_store_folders_sync(struct uc_store *store)
{
	if (store->dirty_all && uc_linux_sync_all(store->root) == 0)
		uc_store_folders_clean(store);
	for (size_t i = 0; i < store->dirty_count; i++) {
		(void)fsync(store->dirty[i]->fd);
		store->dirty[i]->dirty = false;
		uc_store_folder_free(store->dirty[i]);
	}
	store->dirty_count = 0;
	store->dirty_all = false;
}

/* Sweeping */

static bool swept_add(struct uc_store *store, uint64_t hash)
{
	size_t at;

	if (store->swept_count * 2 >= store->swept_room) {
		size_t room = store->swept_room ? store->swept_room * 2 : 256;
		uint64_t *old = store->swept;
		uint64_t *set = room > SWEPT_MAX ? NULL : calloc(room, sizeof(*set));

		if (!set)
			return false; /* no sweeping then */
		for (size_t i = 0; i < store->swept_room; i++) {
			if (!old[i])
				continue;
			for (at = (size_t)old[i]; set[at & (room - 1)]; at++)
				;
			set[at & (room - 1)] = old[i];
		}
		free(old);
		store->swept = set;
		store->swept_room = room;
	}
	for (at = (size_t)hash; store->swept[at & (store->swept_room - 1)]; at++)
		if (store->swept[at & (store->swept_room - 1)] == hash)
			return false;
	store->swept[at & (store->swept_room - 1)] = hash;
	store->swept_count++;
	return true;
}

void uc_store_swept(struct uc_store *store, const char *path)
{
	(void)swept_add(store, hash_of(path, strlen(path)));
}

static DIR *list_folder(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* By its change time: the other one is the sender's. */
static bool is_old(const struct uc_store *store, int folder, const char *name)
{
	bool partial = uc_store_is_partial(name);
	struct stat st;

	if (!partial && !uc_store_is_temporary(name))
		return false;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode) ||
	    st.st_uid != store->user)
		return false;
	return time(NULL) - st.st_ctim.tv_sec > (partial ? OLD_PARTIAL : OLD);
}

void uc_store_sweep(struct uc_store *store, struct store_folder *folder)
{
	const struct dirent *entry;
	DIR *dir;

	if (!swept_add(store, hash_of(folder->path, folder->len)))
		return;
	dir = list_folder(folder->fd);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] == '.' && is_old(store, folder->fd, entry->d_name) &&
		    unlinkat(folder->fd, entry->d_name, 0) == 0)
			uc_store_folder_dirty(store, folder);
	if (dir)
		closedir(dir);
}

/* Unless another run is at it. */
static void remove_partial(const struct uc_store *store, int folder, const char *name)
{
	int fd = openat(folder, name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == store->user &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(folder, name, 0);
	close(fd);
}

void uc_store_sweep_partials(struct uc_store *store, int folder, const char *keep)
{
	const struct dirent *entry;
	DIR *dir = list_folder(folder);

	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (!uc_store_is_partial(name) || strcmp(name, keep) == 0)
			continue;
		/* up to the '-': the same file */
		if (!*keep || strncmp(name, keep, 26) == 0)
			remove_partial(store, folder, name);
	}
	if (dir)
		closedir(dir);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Files that ended wait until their bytes are on the disk, get their names then, and are
 * told of when these are there, too. Where one call syncs the file system a thread makes
 * it while the next files arrive: each call covers the bytes of one batch and the names
 * of the batch before.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/linux.h"
#include "sync/store_inside.h"

/* Into place */

static void place_file(struct uc_store_file *file)
{
	struct store_spot spot = { .folder = file->folder,
				   .path = file->path,
				   .name = file->name,
				   .expect = file->expects ? &file->expect : NULL,
				   .kind = UC_SYNC_FILE,
				   .saved = file->saved };

	if (file->outcome != UC_STORE_OK)
		return;
	file->outcome = uc_store_place(file->store, &spot, file->temporary, &file->err);
	file->errno_value = errno;
	if (file->outcome == UC_STORE_OK)
		file->temporary[0] = '\0';
}

/* Before all of them are placed, so that the trash is synced once. */
static void save_replaced(struct uc_store *store, struct uc_store_file *const *file,
			  size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		const struct store_spot spot = { .folder = file[i]->folder,
						 .path = file[i]->path,
						 .name = file[i]->name,
						 .expect = &file[i]->expect,
						 .kind = UC_SYNC_FILE };
		struct stat st;

		if (file[i]->outcome != UC_STORE_OK || !file[i]->expects ||
		    !file[i]->expect.keep || file[i]->expect.kind == UC_SYNC_FOLDER ||
		    fstatat(spot.folder->fd, spot.name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !uc_store_matches(spot.folder->fd, spot.name, &st, spot.expect))
			continue;
		file[i]->saved = uc_store_save(store, &spot, &st, file[i]->temporary);
		any = true;
	}
	if (any)
		uc_store_folders_sync(store);
}

static void place_files(struct uc_store *store, struct uc_store_file *const *file,
			size_t count)
{
	save_replaced(store, file, count);
	for (size_t i = 0; i < count; i++)
		place_file(file[i]);
}

static void tell(struct uc_store_file *file)
{
	uc_store_done *done = file->done;
	struct uc_error err = file->err;
	int outcome = file->outcome, errno_value = file->errno_value;
	void *arg = file->arg;

	if (outcome != UC_STORE_OK)
		file->partial = false; /* what is whole and has no place is of no use */
	uc_store_file_free(file);
	errno = outcome == UC_STORE_FAILED ? errno_value : 0;
	if (done)
		done(arg, outcome, &err);
}

static void tell_list(struct uc_store_file *file)
{
	while (file) {
		struct uc_store_file *next = file->next;

		file->next = NULL;
		tell(file);
		file = next;
	}
}

/* To disk */

static void sync_file(struct uc_store_file *file)
{
	if (file->outcome == UC_STORE_OK && fsync(file->fd) < 0 && errno != EINVAL) {
		file->outcome = uc_store_failed(&file->err, errno, "write", file->path);
		file->errno_value = errno;
	}
}

bool uc_store_syncs_all(int fd)
{
	return uc_linux_syncs_all(fd) == 0;
}

bool uc_store_sync_all(int fd)
{
	return uc_store_syncs_all(fd) && uc_linux_sync_all(fd) == 0;
}

/* They are where the root is, and one call syncs that. */
static bool are_together(const struct uc_store *store, struct uc_store_file *const *file,
			 size_t count)
{
	if (!store->together || count < STORE_TOGETHER)
		return false;
	for (size_t i = 0; i < count; i++)
		if (file[i]->folder->dev != store->dev)
			return false;
	return true;
}

/*
 * 256 small files on ext4 in about half of the time that fsync takes for each (2026-11,
 * also while others wrote). A failure is found out about by fsync.
 */
static void sync_files(struct uc_store *store, struct uc_store_file *const *file,
		       size_t count)
{
	if (are_together(store, file, count) && uc_linux_sync_all(store->root) == 0)
		return;
	for (size_t i = 0; i < count; i++)
		(void)uc_linux_write_out(file[i]->fd, 0, 0);
	for (size_t i = 0; i < count; i++)
		sync_file(file[i]);
}

/* A batch beside the next */

static void waits_of(struct uc_store *store);

static void *sync_main(void *arg)
{
	struct store_syncing *syncing = arg;

	syncing->status = 0;
	if (syncing->whole)
		syncing->status = uc_linux_sync_all(syncing->fd);
	if (!syncing->whole || syncing->status != 0)
		for (size_t i = 0; i < syncing->count; i++)
			sync_file(syncing->file[i]);
	atomic_store(&syncing->over, true);
	return NULL;
}

/* Signals are for the thread that waits for them. */
static int start_thread(struct store_syncing *syncing)
{
	sigset_t all, before;
	int status;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	status = pthread_create(&syncing->thread, NULL, sync_main, syncing);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}

/* What ended so far; what has its name already is on the disk with it. */
static bool start_syncing(struct uc_store *store)
{
	struct store_syncing *syncing = &store->syncing;
	size_t count = store->ended_count;

	memcpy(syncing->file, store->ended, count * sizeof(struct uc_store_file *));
	syncing->count = count;
	syncing->fd = store->root;
	syncing->whole = are_together(store, store->ended, count);
	atomic_store(&syncing->over, false);
	if (start_thread(syncing) != 0) {
		syncing->count = 0;
		return false;
	}
	store->ended_count = 0;
	store->ended_bytes = 0;
	if (syncing->whole) {
		syncing->named = store->named;
		store->named = NULL;
		uc_store_folders_clean(store);
	}
	return true;
}

static void add_named(struct uc_store *store, struct uc_store_file *file)
{
	if (file->outcome == UC_STORE_OK) { /* nothing of it is open any more */
		if (file->fd >= 0)
			close(file->fd);
		file->fd = -1;
		uc_store_folder_free(file->folder);
		file->folder = NULL;
	}
	file->next = store->named;
	store->named = file;
}

/* Wait for it, and give its files their names. Returns those to be told of. */
static struct uc_store_file *end_syncing(struct uc_store *store)
{
	struct store_syncing *syncing = &store->syncing;
	struct uc_store_file *told = syncing->named;
	size_t count = syncing->count;

	if (count == 0)
		return NULL;
	pthread_join(syncing->thread, NULL);
	syncing->count = 0;
	syncing->named = NULL;
	if (syncing->status != 0)
		store->dirty_all = true; /* the names once more, as far as that goes */
	waits_of(store);
	place_files(store, syncing->file, count);
	for (size_t i = 0; i < count; i++)
		add_named(store, syncing->file[i]);
	if (!syncing->whole) {
		uc_store_folders_sync(store);
		told = store->named;
		store->named = NULL;
	}
	return told;
}

void uc_store_flush(struct uc_store *store)
{
	struct uc_store_file *file[STORE_BATCH], *told = end_syncing(store), *named;
	size_t count = store->ended_count;

	/* what `done` puts meanwhile is another batch */
	memcpy(file, store->ended, count * sizeof(struct uc_store_file *));
	store->ended_count = 0;
	store->ended_bytes = 0;
	waits_of(store);
	sync_files(store, file, count);
	place_files(store, file, count);
	uc_store_folders_sync(store);
	uc_store_folders_forget(store);
	named = store->named;
	store->named = NULL;
	tell_list(told);
	tell_list(named);
	for (size_t i = 0; i < count; i++)
		tell(file[i]);
}

/* One that is over makes room for the next. */
static void go_on(struct uc_store *store)
{
	bool full = store->ended_count >= store->batch ||
		    store->ended_bytes >= STORE_BATCH_BYTES;
	bool some = full || store->ended_count >= STORE_EARLY ||
		    store->ended_bytes >= STORE_EARLY_BYTES;
	struct uc_store_file *told;
	bool started;

	if (!some ||
	    (!full && store->syncing.count > 0 && !atomic_load(&store->syncing.over)))
		return;
	told = end_syncing(store);
	started = start_syncing(store);
	if (started)
		uc_store_folders_forget(store);
	tell_list(told);
	if (!started && full)
		uc_store_flush(store);
}

/* What waits */

static uint64_t *wait_of(struct uc_store *store, const char *path, size_t len,
			 uint64_t *bit)
{
	size_t at = (size_t)(XXH3_64bits(path, len) % STORE_WAITS);

	*bit = (uint64_t)1 << at % 64;
	return &store->waits[at / 64];
}

static void add_waits(struct uc_store *store, const char *path)
{
	uint64_t bit;

	for (const char *at = path;; at++) {
		at += strcspn(at, "/");
		*wait_of(store, path, (size_t)(at - path), &bit) |= bit;
		if (!*at)
			return;
	}
}

static void waits_of(struct uc_store *store)
{
	memset(store->waits, 0, sizeof(store->waits));
	for (size_t i = 0; i < store->ended_count; i++)
		add_waits(store, store->ended[i]->path);
}

void uc_store_enqueue(struct uc_store_file *file)
{
	struct uc_store *store = file->store;

	if (file->outcome != UC_STORE_OK) {
		tell(file);
		return;
	}
	if (store->no_sync) {
		place_file(file);
		tell(file);
		return;
	}
	store->ended[store->ended_count++] = file;
	store->ended_bytes += file->entry.size;
	add_waits(store, file->path);
	go_on(store);
}

/* Is one of them at or below the path? */
static bool any_below(struct uc_store_file *const *file, size_t count, const char *path,
		      size_t len)
{
	for (size_t i = 0; i < count; i++) {
		const char *at = file[i]->path;

		if (strncmp(at, path, len) == 0 && (at[len] == '\0' || at[len] == '/'))
			return true;
	}
	return false;
}

void uc_store_settle(struct uc_store *store, const char *path)
{
	const struct store_syncing *syncing = &store->syncing;
	size_t len = strlen(path);
	uint64_t bit;

	if (!(*wait_of(store, path, len, &bit) & bit))
		return;
	if (any_below(store->ended, store->ended_count, path, len) ||
	    any_below(syncing->file, syncing->count, path, len))
		uc_store_flush(store);
}

void uc_store_batch_free(struct uc_store *store)
{
	struct store_syncing *syncing = &store->syncing;

	if (syncing->count > 0)
		pthread_join(syncing->thread, NULL);
	for (size_t i = 0; i < syncing->count; i++)
		uc_store_file_free(syncing->file[i]);
	for (size_t i = 0; i < store->ended_count; i++)
		uc_store_file_free(store->ended[i]);
	while (syncing->named || store->named) {
		struct uc_store_file **list =
			syncing->named ? &syncing->named : &store->named;
		struct uc_store_file *file = *list;

		*list = file->next;
		file->next = NULL;
		uc_store_file_free(file);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What a store does besides files: folders, links, names, modes, removals. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/linux.h"
#include "sync/store_inside.h"

#define PIECE (256u << 10) /* bytes copied at once */

/* The folder of a path that nothing waits for any more, and what is there. */
static int look_for(struct uc_store *store, const char *path, struct store_spot *spot,
		    struct uc_error *err)
{
	int outcome = UC_STORE_OK;
	size_t len;

	uc_store_settle(store, path);
	spot->path = path;
	spot->name = uc_store_path_split(path, &len);
	spot->folder = uc_store_folder_of(store, path, &outcome, err);
	return outcome;
}

/* Open the folder itself; what cannot be read is opened with O_PATH. -1 with errno. */
static int open_at(const struct store_spot *spot, int flags)
{
	flags |= O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = openat(spot->folder->fd, spot->name, flags | O_RDONLY);

	if (fd < 0 && errno == EACCES)
		fd = openat(spot->folder->fd, spot->name,
			    UC_O_PATH | O_NOFOLLOW | O_CLOEXEC | (flags & O_DIRECTORY));
	return fd;
}

/* Folders */

int uc_store_touch_later(struct uc_store *store, const struct uc_sync_entry *entry,
			 mode_t mode, struct uc_error *err)
{
	if (store->touches == store->touch_room) {
		size_t room = store->touch_room ? store->touch_room * 2 : 64;
		struct store_touch *touch =
			reallocarray(store->touch, room, sizeof(*touch));

		if (!touch)
			return uc_store_memory(err, entry->path);
		store->touch = touch;
		store->touch_room = room;
	}
	store->touch[store->touches] = (struct store_touch){ .path = strdup(entry->path),
							     .mtime = entry->mtime,
							     .mode = mode };
	if (!store->touch[store->touches].path)
		return uc_store_memory(err, entry->path);
	store->touches++;
	return UC_STORE_OK;
}

/* Until the end the user can write to it; the set-group-id bit is the file system's. */
static int keep_folder(struct uc_store *store, const struct store_spot *spot,
		       const struct uc_sync_entry *entry, struct uc_error *err)
{
	mode_t mode = uc_store_mode(store, entry), now;
	int fd = open_at(spot, O_DIRECTORY), status;
	struct stat st;

	if (fd < 0)
		return uc_store_failed(err, errno, "open", entry->path);
	status = fstat(fd, &st);
	if (status == 0 && st.st_uid != store->user) {
		close(fd); /* a colleague's: what is in it can be ours */
		return UC_STORE_OK;
	}
	mode |= st.st_mode & S_ISGID;
	now = mode | 0700;
	if (status == 0 && (st.st_mode & 07777) != now)
		status = uc_store_chmod(fd, now);
	if (status < 0) {
		int errno_value = errno;

		close(fd);
		return uc_store_failed(err, errno_value, "set the mode of", entry->path);
	}
	close(fd);
	return uc_store_touch_later(store, entry, mode, err);
}

static int make_folder(struct uc_store *store, const struct store_spot *spot,
		       const struct uc_sync_entry *entry, struct uc_error *err)
{
	if (mkdirat(spot->folder->fd, spot->name, 0700) < 0)
		return errno == EEXIST ? uc_store_changed(err, entry->path)
				       : uc_store_failed(err, errno, "make", entry->path);
	uc_store_swept(store, entry->path);
	uc_store_folder_dirty(store, spot->folder);
	return keep_folder(store, spot, entry, err);
}

int uc_store_folder(struct uc_store *store, const struct uc_sync_entry *entry,
		    const struct uc_sync_entry *expect, struct uc_error *err)
{
	struct store_spot spot = { .kind = UC_SYNC_FOLDER, .expect = expect };
	uc_auto(store_folder) struct store_folder *folder = NULL;
	int outcome = look_for(store, entry->path, &spot, err);
	struct stat st;

	folder = spot.folder;
	if (outcome != UC_STORE_OK)
		return outcome;
	if (fstatat(folder->fd, spot.name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return uc_store_failed(err, errno, "look at", entry->path);
		if (expect && expect->kind != UC_SYNC_FOLDER)
			return uc_store_changed(err, entry->path);
		return make_folder(store, &spot, entry, err);
	}
	if (S_ISDIR(st.st_mode))
		return keep_folder(store, &spot, entry, err);
	if (!expect || !uc_store_matches(folder->fd, spot.name, &st, expect))
		return uc_store_changed(err, entry->path);
	outcome = uc_store_to_trash(store, &spot, &st, err);
	return outcome == UC_STORE_OK ? make_folder(store, &spot, entry, err) : outcome;
}

/* Links and names */

/* Make it with a name nobody has, through `make`; place it. */
static int place_made(struct uc_store *store, const struct store_spot *spot,
		      const char *temporary, struct uc_error *err)
{
	int outcome = uc_store_place(store, spot, temporary, err);
	int errno_value = errno;

	/* also when it is a second name of what it replaced: nothing was renamed then */
	(void)unlinkat(spot->folder->fd, temporary, 0);
	errno = errno_value;
	return outcome;
}

int uc_store_link(struct uc_store *store, const struct uc_sync_entry *entry,
		  const struct uc_sync_entry *expect, struct uc_error *err)
{
	struct store_spot spot = { .kind = UC_SYNC_LINK, .expect = expect };
	uc_auto(store_folder) struct store_folder *folder = NULL;
	int outcome = look_for(store, entry->path, &spot, err);
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     uc_store_timespec(entry->mtime) };
	char temporary[UC_STORE_NAME_SIZE];

	folder = spot.folder;
	if (outcome != UC_STORE_OK)
		return outcome;
	if (!entry->target || !*entry->target ||
	    strlen(entry->target) > UC_SYNC_PATH_MAX) {
		(void)uc_fail(err, UC_INVALID, "'%s' is a link to nothing", entry->path);
		errno = 0;
		return UC_STORE_REFUSED;
	}
	if (uc_store_random_name(temporary) < 0 ||
	    symlinkat(entry->target, folder->fd, temporary) < 0)
		return uc_store_failed(err, errno, "make the link", entry->path);
	/* its time is of no use to anybody but the next comparison */
	(void)utimensat(folder->fd, temporary, times, AT_SYMLINK_NOFOLLOW);
	return place_made(store, &spot, temporary, err);
}

/* The same content and time: nothing else gets a second name. */
static bool equals(int folder, const char *name, const struct uc_sync_entry *entry)
{
	struct stat st;

	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && (uint64_t)st.st_size == entry->size &&
	       uc_store_mtime(&st) == entry->mtime;
}

struct copied {
	int outcome, errno_value;
	struct uc_error *err;
};

static void take_copied(void *arg, int outcome, const struct uc_error *err)
{
	struct copied *copied = arg;

	copied->errno_value = errno;
	copied->outcome = outcome;
	if (copied->err)
		*copied->err = *err;
}

static int copy_bytes(struct uc_store_file *file, int fd, struct uc_error *err)
{
	char *piece = malloc(PIECE);
	int outcome = piece ? UC_STORE_OK : uc_store_memory(err, "another name");
	ssize_t got;

	while (outcome == UC_STORE_OK && (got = read(fd, piece, PIECE)) > 0)
		outcome = uc_store_write(file, piece, (size_t)got, err);
	free(piece);
	return outcome;
}

/* Where the file system gives no second name, a file of its own has the same content. */
static int copy_twin(struct uc_store *store, const struct store_spot *from,
		     const struct store_spot *to, const struct uc_sync_entry *entry,
		     struct uc_error *err)
{
	int fd = openat(from->folder->fd, from->name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct copied copied = { .err = err };
	struct uc_store_file *file;
	uint64_t have;
	int outcome;

	if (fd < 0)
		return uc_store_failed(err, errno, "read", from->path);
	outcome = uc_store_begin(store, entry, to->expect, &file, &have, err);
	if (outcome == UC_STORE_OK && have)
		outcome = uc_store_restart(file, err);
	if (outcome == UC_STORE_OK)
		outcome = copy_bytes(file, fd, err);
	close(fd);
	if (outcome != UC_STORE_OK) {
		int errno_value = errno;

		uc_store_drop(file);
		errno = errno_value;
		return outcome;
	}
	uc_store_end(file, NULL, take_copied, &copied);
	uc_store_flush(store);
	errno = copied.errno_value;
	return copied.outcome;
}

int uc_store_twin(struct uc_store *store, const struct uc_sync_entry *entry,
		  const char *twin, const struct uc_sync_entry *expect,
		  struct uc_error *err)
{
	struct store_spot spot = { .kind = UC_SYNC_FILE, .expect = expect }, from = { 0 };
	uc_auto(store_folder) struct store_folder *folder = NULL, *other = NULL;
	int outcome = look_for(store, twin, &from, err);
	char temporary[UC_STORE_NAME_SIZE];

	other = from.folder;
	if (outcome != UC_STORE_OK)
		return outcome;
	outcome = look_for(store, entry->path, &spot, err);
	folder = spot.folder;
	if (outcome != UC_STORE_OK)
		return outcome;
	if (!equals(other->fd, from.name, entry))
		return uc_store_changed(err, twin);
	if (uc_store_random_name(temporary) < 0)
		return uc_store_failed(err, errno, "make another name", entry->path);
	if (linkat(other->fd, from.name, folder->fd, temporary, 0) < 0)
		return errno == EXDEV || errno == EPERM || errno == EMLINK ||
				       errno == EOPNOTSUPP
			       ? copy_twin(store, &from, &spot, entry, err)
			       : uc_store_failed(err, errno, "make another name",
						 entry->path);
	if (!equals(folder->fd, temporary, entry)) {
		(void)unlinkat(folder->fd, temporary, 0);
		return uc_store_changed(err, twin);
	}
	return place_made(store, &spot, temporary, err);
}

/* Mode and time */

static int meta_link(struct uc_store *store, const struct store_spot *spot,
		     const struct uc_sync_entry *entry, struct uc_error *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     uc_store_timespec(entry->mtime) };

	if (utimensat(spot->folder->fd, spot->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return uc_store_failed(err, errno, "set the time of", entry->path);
	uc_store_folder_dirty(store, spot->folder);
	return UC_STORE_OK;
}

static int meta_file(struct uc_store *store, const struct store_spot *spot,
		     const struct uc_sync_entry *entry, struct uc_error *err)
{
	int fd = open_at(spot, 0), status, errno_value;
	mode_t mode = uc_store_mode(store, entry);
	struct stat st;

	if (fd < 0)
		return uc_store_failed(err, errno, "open", entry->path);
	/* what was opened is what was expected, not only what has its name */
	if (fstat(fd, &st) < 0 ||
	    !uc_store_matches(spot->folder->fd, spot->name, &st, spot->expect)) {
		close(fd);
		return uc_store_changed(err, entry->path);
	}
	status = (st.st_mode & 07777) == mode ? 0 : uc_store_chmod(fd, mode);
	if (status == 0)
		status = uc_store_utime(fd, entry->mtime);
	errno_value = errno;
	close(fd);
	if (status < 0)
		return uc_store_failed(err, errno_value, "set mode and time of",
				       entry->path);
	return UC_STORE_OK;
}

int uc_store_meta(struct uc_store *store, const struct uc_sync_entry *entry,
		  const struct uc_sync_entry *expect, struct uc_error *err)
{
	struct store_spot spot = { .kind = entry->kind, .expect = expect };
	uc_auto(store_folder) struct store_folder *folder = NULL;
	int outcome = look_for(store, entry->path, &spot, err);
	struct stat st;

	folder = spot.folder;
	if (outcome != UC_STORE_OK)
		return outcome;
	if (!expect || expect->kind != entry->kind)
		return uc_store_changed(err, entry->path);
	if (fstatat(folder->fd, spot.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? uc_store_changed(err, entry->path)
			       : uc_store_failed(err, errno, "look at", entry->path);
	if (!uc_store_matches(folder->fd, spot.name, &st, expect))
		return uc_store_changed(err, entry->path);
	if (entry->kind == UC_SYNC_FOLDER)
		return keep_folder(store, &spot, entry, err);
	if (entry->kind == UC_SYNC_LINK)
		return meta_link(store, &spot, entry, err);
	return meta_file(store, &spot, entry, err);
}

/* Removal */

int uc_store_remove(struct uc_store *store, const struct uc_sync_entry *expect,
		    struct uc_error *err)
{
	struct store_spot spot = { .kind = expect->kind, .expect = expect };
	uc_auto(store_folder) struct store_folder *folder = NULL;
	int outcome = look_for(store, expect->path, &spot, err);
	struct stat st;

	folder = spot.folder;
	if (outcome != UC_STORE_OK)
		return outcome;
	if (fstatat(folder->fd, spot.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? uc_store_changed(err, expect->path)
			       : uc_store_failed(err, errno, "look at", expect->path);
	if (!uc_store_matches(folder->fd, spot.name, &st, expect))
		return uc_store_changed(err, expect->path);
	return uc_store_to_trash(store, &spot, &st, err);
}

/* The end */

/* *modes: a mode is another one now. */
static int touch_folder(struct uc_store *store, const struct store_touch *touch,
			bool *modes, struct uc_error *err)
{
	int fd = uc_store_resolve(store->root, touch->path, O_RDONLY | O_DIRECTORY,
				  store->by_steps);
	int status, errno_value;
	struct stat st;

	if (fd < 0 && errno == EACCES)
		fd = uc_store_resolve(store->root, touch->path, UC_O_PATH | O_DIRECTORY,
				      store->by_steps);
	if (fd < 0)
		return errno == ENOENT ? UC_STORE_OK /* removed again */
				       : uc_store_failed(err, errno, "open", touch->path);
	status = fstat(fd, &st);
	if (status == 0 && (st.st_mode & 07777) != touch->mode) {
		status = uc_store_chmod(fd, touch->mode);
		*modes = true;
	}
	if (status == 0)
		status = uc_store_utime(fd, touch->mtime);
	errno_value = errno;
	close(fd);
	return status == 0 ? UC_STORE_OK
			   : uc_store_failed(err, errno_value, "set mode and time of",
					     touch->path);
}

int uc_store_finish(struct uc_store *store, struct uc_error *err)
{
	int first = UC_STORE_OK, errno_value = 0;
	bool modes = false;

	uc_store_flush(store);
	/* from the deepest on: one without permission to search stays reachable */
	for (size_t i = store->touches; i-- > 0;) {
		struct uc_error other = { 0 };
		int outcome = touch_folder(store, &store->touch[i], &modes,
					   first == UC_STORE_OK ? err : &other);

		if (outcome != UC_STORE_OK && first == UC_STORE_OK) {
			first = outcome;
			errno_value = errno;
		}
		free(store->touch[i].path);
	}
	/* a time that a crash loses is set by the next run; elsewhere modes may be lost
	 */
	if (modes && !store->no_sync)
		(void)uc_store_sync_all(store->root);
	store->touches = 0;
	errno = errno_value;
	return first;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Bringing back what a snapshot has, through a store. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/linux.h"
#include "sync/skip.h"
#include "sync/snapshot_inside.h"
#include "sync/store_path.h"
#include "sync/walk.h"

#define PIECE (256u << 10)

struct restorer {
	struct uc_store *store;
	int tree;
	char *piece;
	struct uc_sync_list list; /* of what is there and may have to go */
	uint64_t restored, removed, same, failed;
	struct uc_error first; /* why the first one failed */
};

static void fail_one(struct restorer *r, const struct uc_error *err)
{
	if (r->failed++ == 0)
		r->first = *err;
}

static void ended(void *arg, int outcome, const struct uc_error *err)
{
	struct restorer *r = arg;

	if (outcome == UC_STORE_OK)
		r->restored++;
	else
		fail_one(r, err);
}

/* Read the whole file into the one that is begun. */
static int copy_all(struct restorer *r, int fd, struct uc_store_file *file,
		    const struct uc_sync_entry *entry, struct uc_error *err)
{
	for (;;) {
		ssize_t got = read(fd, r->piece, PIECE);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return uc_fail_errno(err, UC_FAILED, errno, "cannot read '%s'",
					     entry->path);
		if (got == 0)
			return 0;
		if (uc_store_write(file, r->piece, (size_t)got, err) != UC_STORE_OK)
			return -1;
	}
}

static int put_file(struct restorer *r, int folder, const struct uc_sync_entry *entry,
		    const struct uc_sync_entry *expect, struct uc_error *err)
{
	size_t len;
	const char *name = uc_store_path_split(entry->path, &len);
	SNAPSHOT_FD fd =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct uc_store_file *file;
	uint64_t have;

	if (fd < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot read '%s'",
				     entry->path);
	if (uc_store_begin(r->store, entry, expect, &file, &have, err) != UC_STORE_OK)
		return -1;
	if ((have && uc_store_restart(file, err) != UC_STORE_OK) ||
	    copy_all(r, fd, file, entry, err) < 0) {
		uc_store_drop(file);
		return -1;
	}
	uc_store_end(file, NULL, ended, r);
	return 0;
}

/* It had permission to be written to: only the snapshot has not. */
static struct uc_sync_entry as_it_was(const struct uc_sync_entry *entry)
{
	struct uc_sync_entry was = *entry;

	was.mode |= 0200;
	was.twin = 0;
	return was;
}

static bool is_same(const struct uc_sync_entry *a, const struct uc_sync_entry *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == UC_SYNC_FOLDER)
		return true;
	return a->mtime == b->mtime && a->size == b->size;
}

static int restore_one(struct restorer *r, int folder, const struct uc_sync_entry *entry,
		       struct uc_error *err)
{
	struct uc_sync_entry there;
	const struct uc_sync_entry *expect = NULL;
	int status = uc_store_look(r->store, entry->path, &there, err);

	if (status < 0)
		return -1;
	if (entry->kind == UC_SYNC_FOLDER)
		return uc_store_folder(r->store, entry, status == 0 ? &there : NULL,
				       err) == UC_STORE_OK
			       ? 0
			       : -1;
	if (status == 0 && is_same(entry, &there)) {
		r->same++;
		return 0;
	}
	if (status == 0 && there.kind == UC_SYNC_FOLDER) {
		if (uc_store_remove(r->store, &there, err) != UC_STORE_OK)
			return -1;
	} else if (status == 0) {
		there.keep = true; /* it stays until the other is whole */
		expect = &there;
	}
	if (entry->kind == UC_SYNC_FILE)
		return put_file(r, folder, entry, expect, err);
	if (uc_store_link(r->store, entry, expect, err) != UC_STORE_OK)
		return -1;
	r->restored++;
	return 0;
}

/* What fails is counted; the rest goes on. */
static int take(void *arg, int folder, const struct uc_sync_entry *entry,
		struct uc_error *err)
{
	struct uc_sync_entry was = as_it_was(entry);
	struct restorer *r = arg;
	struct uc_error one = { 0 };

	(void)err;
	if (restore_one(r, folder, &was, &one) < 0)
		fail_one(r, &one);
	return 0;
}

/* What is there and not in the snapshot, noted in the order of a walk. */
static int note_extra(void *arg, int folder, const struct uc_sync_entry *entry,
		      struct uc_error *err)
{
	struct restorer *r = arg;
	int fd = uc_store_openat(r->tree, entry->path, UC_O_PATH);

	(void)folder;
	if (fd >= 0)
		uc_snapshot_close(&fd);
	/* only what is known not to be in it has to go */
	if (fd >= 0 || (errno != ENOENT && errno != ENOTDIR))
		return 0;
	return uc_sync_list_add(&r->list, entry, err);
}

/* The same rules as for making one: what they leave out is not in it, and stays. */
static int remove_extra(struct restorer *r, int root, struct uc_error *err)
{
	uc_auto(ignore_list) struct uc_ignore_list defaults = { 0 };
	uc_auto(sync_walked) struct uc_sync_walked sum = { 0 };
	struct uc_sync_walk_options options = { .entry = note_extra,
						.defaults = &defaults,
						.arg = r };

	if (uc_sync_skip_read(&defaults, err) < 0 ||
	    uc_sync_walk(root, &options, &sum, err) < 0)
		return -1;
	for (size_t i = r->list.count; i-- > 0;) {
		struct uc_error one = { 0 };

		if (uc_store_remove(r->store, uc_sync_list_at(&r->list, i), &one) ==
		    UC_STORE_OK)
			r->removed++;
		else
			fail_one(r, &one);
	}
	return 0;
}

static int restore_all(struct restorer *r, int root, bool remove, struct uc_error *err)
{
	uc_auto(sync_walked) struct uc_sync_walked sum = { 0 };
	struct uc_sync_walk_options options = { .no_gitignore = true,
						.entry = take,
						.arg = r };

	r->piece = malloc(PIECE);
	if (!r->piece)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_sync_walk(r->tree, &options, &sum, err) < 0)
		return -1;
	if (remove && remove_extra(r, root, err) < 0)
		return -1;
	return uc_store_finish(r->store, err) == UC_STORE_OK ? 0 : -1;
}

json_t *uc_snapshot_restore(int root, const char *id, struct uc_store *store, bool remove,
			    struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct restorer r = { .store = store, .tree = -1 };
	json_t *answer = NULL;
	int status;

	uc_buf_addf(&path, "%s/%s/%s", UC_STORE_SNAPSHOTS, id, SNAPSHOT_TREE);
	if (uc_snapshot_is_id(id))
		r.tree =
			uc_store_openat(root, uc_buf_text(&path), O_RDONLY | O_DIRECTORY);
	if (r.tree < 0) {
		(void)uc_fail(err, UC_NOTFOUND, "there is no snapshot '%s'", id);
		return NULL;
	}
	status = restore_all(&r, root, remove, err);
	if (status == 0)
		answer = json_pack("{s:I, s:I, s:I, s:I, s:s*}", "restored",
				   (json_int_t)r.restored, "removed",
				   (json_int_t)r.removed, "same", (json_int_t)r.same,
				   "failed", (json_int_t)r.failed, "why",
				   r.failed ? r.first.text : NULL);
	if (status == 0 && !answer)
		(void)uc_fail(err, UC_FAILED, "out of memory");
	close(r.tree);
	free(r.piece);
	uc_sync_list_free(&r.list);
	return answer;
}

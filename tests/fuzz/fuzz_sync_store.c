/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A stranger tells a store what to do: any paths, pieces and order of calls. Whatever
 * comes, nothing beside its root changes, every file that ended is told once, and no
 * temporary is left.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sync/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILES 4u

struct world {
	const uint8_t *at, *end;
	struct uc_store *store;
	struct uc_store_file *file[FILES];
	unsigned ended, told;
};

static void check(bool good)
{
	if (!good)
		abort();
}

static uint8_t next(struct world *w)
{
	return w->at < w->end ? *w->at++ : 0;
}

static void take(void *arg, int outcome, const struct uc_error *err)
{
	struct world *w = arg;

	check(outcome >= UC_STORE_OK && outcome <= UC_STORE_FAILED);
	check(outcome == UC_STORE_OK || err->text[0]);
	w->told++;
}

static const char *path_of(struct world *w, char path[256])
{
	static const char *const part[] = { "a",  "b",     "d", "l",
					    "..", ".",     "",  ".ucluster-trash",
					    "e",  ".uc-x", "a", "d" };
	size_t parts = 1 + next(w) % 3, at = 0;

	for (size_t i = 0; i < parts; i++)
		at += (size_t)snprintf(path + at, 256 - at, "%s%s", i ? "/" : "",
				       part[next(w) % (sizeof(part) / sizeof(part[0]))]);
	return path;
}

static struct uc_sync_entry entry_of(struct world *w, char path[256])
{
	static const char *const target[] = { NULL, "", "..", "../outside", "d", "/" };
	struct uc_sync_entry entry = { .path = path_of(w, path) };

	entry.kind = next(w) % 3;
	entry.mode = (uint16_t)(next(w) | next(w) << 8);
	entry.size = next(w);
	if (entry.size == 255)
		entry.size = UINT64_MAX;
	entry.mtime = next(w) - 100;
	entry.holes = next(w) & 1;
	entry.target = target[next(w) % 6];
	return entry;
}

/* What is there, something else, or nothing. */
static const struct uc_sync_entry *expect_of(struct world *w, const char *path,
					     struct uc_sync_entry *expect)
{
	struct uc_error err;

	if (next(w) % 4 == 0 || uc_store_look(w->store, path, expect, &err) != 0)
		return NULL;
	if (next(w) % 8 == 0)
		expect->size++;
	return expect;
}

static void do_file(struct world *w, unsigned what)
{
	struct uc_store_file **file = &w->file[next(w) % FILES];
	static const unsigned char sha[32];
	struct uc_error err = { 0 };
	uint64_t sum, from;
	size_t len;

	if (!*file)
		return;
	switch (what) {
	case 0:
		len = next(w);
		if (len > (size_t)(w->end - w->at))
			len = (size_t)(w->end - w->at);
		(void)!uc_store_write(*file, w->at, len, &err);
		w->at += len;
		break;
	case 1:
		from = next(w);
		if (from == 255)
			from = UINT64_MAX - 1;
		(void)!uc_store_copy(*file, from, next(w), &err);
		break;
	case 2:
		(void)!uc_store_restart(*file, &err);
		(void)!uc_store_have_sum(*file, &sum, &err);
		break;
	case 3:
		uc_store_drop(*file);
		*file = NULL;
		break;
	default:
		w->ended++;
		uc_store_end(*file, next(w) % 4 ? NULL : sha, take, w);
		*file = NULL;
	}
}

static void do_tree(struct world *w, unsigned what)
{
	struct uc_store_file **file = &w->file[next(w) % FILES];
	char path[256], twin[256];
	struct uc_sync_entry entry = entry_of(w, path), there;
	const struct uc_sync_entry *expect = expect_of(w, path, &there);
	struct uc_store_small small = {
		.entry = &entry, .expect = expect, .bytes = w->at, .done = take, .arg = w
	};
	struct uc_error err = { 0 };
	uint64_t have;

	switch (what) {
	case 0:
		if (!*file)
			(void)!uc_store_begin(w->store, &entry, expect, file, &have,
					      &err);
		break;
	case 1:
		entry.size %= (size_t)(w->end - w->at) + 1;
		small.len = entry.size;
		w->ended++;
		uc_store_put(w->store, &small);
		break;
	case 2:
		(void)!uc_store_folder(w->store, &entry, expect, &err);
		break;
	case 3:
		(void)!uc_store_link(w->store, &entry, expect, &err);
		break;
	case 4:
		(void)!uc_store_twin(w->store, &entry, path_of(w, twin), expect, &err);
		break;
	case 5:
		(void)!uc_store_meta(w->store, &entry, expect, &err);
		break;
	case 6:
		if (expect)
			(void)!uc_store_remove(w->store, expect, &err);
		break;
	default:
		(void)!uc_store_finish(w->store, &err);
	}
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	check(kind == FTW_DP || kind == FTW_F || kind == FTW_SL || kind == FTW_SLN);
	check(!strstr(path, "/.uc-"));
	return remove(path);
}

static int open_up(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	if (kind == FTW_D || kind == FTW_DNR)
		(void)chmod(path, 0700);
	return 0;
}

static void check_outside(const char *top, const struct stat *before)
{
	char path[96];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/outside", top);
	check(stat(path, &st) == 0 && st.st_nlink == before->st_nlink);
	check(memcmp(&st.st_ctim, &before->st_ctim, sizeof(st.st_ctim)) == 0);
	(void)snprintf(path, sizeof(path), "%s/outside/victim", top);
	check(stat(path, &st) == 0 && st.st_size == 0 && st.st_nlink == 1);
}

static void plant(const char *top, struct stat *outside)
{
	char path[96];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/outside", top);
	check(mkdir(path, 0755) == 0);
	(void)snprintf(path, sizeof(path), "%s/outside/victim", top);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	check(fd >= 0);
	close(fd);
	(void)snprintf(path, sizeof(path), "%s/outside", top);
	check(stat(path, outside) == 0);
	(void)snprintf(path, sizeof(path), "%s/root", top);
	check(mkdir(path, 0755) == 0);
	(void)snprintf(path, sizeof(path), "%s/root/l", top);
	check(symlink("../outside", path) == 0);
	(void)snprintf(path, sizeof(path), "%s/root/d", top);
	check(mkdir(path, 0755) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .at = data, .end = data + size };
	char top[] = "/tmp/uc-fuzz-store-XXXXXX", path[64];
	struct uc_store_options options = { .run = "r", .no_sync = true };
	struct uc_error err;
	struct stat outside;
	int root;

	if (size > 4096)
		return 0;
	check(mkdtemp(top));
	plant(top, &outside);
	(void)snprintf(path, sizeof(path), "%s/root", top);
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	options.by_steps = next(&w) & 1;
	check(root >= 0 && uc_store_open(&w.store, root, &options, &err) == 0);
	while (w.at < w.end) {
		unsigned what = next(&w) % 16;

		if (what < 8)
			do_tree(&w, what);
		else
			do_file(&w, what - 8);
	}
	uc_store_flush(w.store);
	check(w.told == w.ended);
	uc_store_free(w.store);
	close(root);
	check_outside(top, &outside);
	check(nftw(path, open_up, 16, FTW_PHYS) == 0);
	check(nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A store that is disturbed: by somebody who moves folders, by kill -9, by full and by
 * read-only disks. UC_STORE_RACE_MS and UC_STORE_KILLS say how long and how often.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <ucluster/units.h>

#include <xxhash.h>

#include "sync/store.h"
#include "sync/store_path.h"
#include "tree.h"
#include "unit.h"

struct world {
	char path[64];
	int root;
};

time_t __real_time(time_t *now);
time_t __wrap_time(time_t *now);
static time_t later; /* seconds that the store's clock is ahead */

time_t __wrap_time(time_t *now)
{
	time_t is = __real_time(NULL) + later;

	if (now)
		*now = is;
	return is;
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at);
static size_t quota = SIZE_MAX; /* bytes that may still be written */

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	if (quota == SIZE_MAX)
		return __real_pwrite(fd, bytes, len, at);
	if (quota == 0) {
		errno = EDQUOT;
		return -1;
	}
	if (len > quota)
		len = quota;
	quota -= len;
	return __real_pwrite(fd, bytes, len, at);
}

static int make(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	*state = w;
	(void)umask(022);
	(void)snprintf(w->path, sizeof(w->path), "/tmp/uc-sync-hard-XXXXXX");
	if (!mkdtemp(w->path))
		return -1;
	w->root = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static int unmake(void **state)
{
	struct world *w = *state;

	later = 0;
	quota = SIZE_MAX;
	close(w->root);
	tree_remove(w->path);
	free(w);
	return 0;
}

static unsigned long setting(const char *name, unsigned long usual)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : usual;
}

static void write_text(int root, const char *path, const char *text)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

struct outcome {
	unsigned count[UC_STORE_FAILED + 1];
	int errno_value;
};

static void take(void *arg, int outcome, const struct uc_error *err)
{
	struct outcome *o = arg;

	(void)err;
	if (outcome != UC_STORE_OK)
		o->errno_value = errno;
	o->count[outcome]++;
}

static struct uc_sync_entry file_of(const char *path, uint64_t size)
{
	return (struct uc_sync_entry){ .path = path,
				       .kind = UC_SYNC_FILE,
				       .mode = 0644,
				       .mtime = 1500000000123456789,
				       .size = size };
}

static void put(struct uc_store *store, const char *path, const char *text, size_t len,
		struct outcome *o)
{
	struct uc_sync_entry entry = file_of(path, len);
	struct uc_store_small small = {
		.entry = &entry, .bytes = text, .len = len, .done = take, .arg = o
	};

	uc_store_put(store, &small);
}

/* Somebody who moves folders */

/* Swap the folder and the link to outside, again and again, until killed. */
static void flip(int root)
{
	for (;;)
		(void)renameat2(root, "d", root, "l", RENAME_EXCHANGE);
}

static void look_at(struct uc_store *store, const char *path, unsigned *seen)
{
	struct uc_sync_entry entry;
	struct uc_error err;

	/* what is outside is never told */
	if (uc_store_look(store, path, &entry, &err) == 0 && entry.size == 8)
		(*seen)++;
}

static void race_step(struct uc_store *store, unsigned i, struct outcome *o,
		      unsigned *seen)
{
	struct uc_sync_entry entry = file_of("d/sub/twin", 4), there;
	struct uc_error err = { 0 };
	char path[64];
	int outcome;

	(void)snprintf(path, sizeof(path), "d/sub/f%u", i % 16);
	put(store, path, "text", 4, o);
	look_at(store, "d/sub/victim", seen);
	entry.path = path;
	entry.mode = 0600;
	outcome = uc_store_meta(store, &entry, &entry, &err);
	o->count[outcome]++;
	entry.path = "d/sub/twin";
	outcome = uc_store_twin(store, &entry, path, NULL, &err);
	o->count[outcome]++;
	entry = (struct uc_sync_entry){ .path = "d/sub/link",
					.kind = UC_SYNC_LINK,
					.target = "x" };
	outcome = uc_store_link(store, &entry, NULL, &err);
	o->count[outcome]++;
	entry = (struct uc_sync_entry){ .path = "d/sub/folder",
					.kind = UC_SYNC_FOLDER,
					.mode = 0755 };
	outcome = uc_store_folder(store, &entry, NULL, &err);
	o->count[outcome]++;
	(void)snprintf(path, sizeof(path), "d/sub/f%u", (i + 8) % 16);
	if (uc_store_look(store, path, &there, &err) == 0)
		o->count[uc_store_remove(store, &there, &err)]++;
	if (i % 8 == 7)
		o->count[uc_store_finish(store, &err)]++;
	else
		uc_store_flush(store);
}

static void race(struct world *w, bool by_steps)
{
	struct uc_store_options options = { .no_sync = true, .by_steps = by_steps };
	int64_t until = uc_monotonic_ms() + (int64_t)setting("UC_STORE_RACE_MS", 2500);
	uc_auto(store) struct uc_store *store = NULL;
	struct outcome o = { 0 };
	struct stat before, after;
	unsigned seen = 0, i = 0;
	struct uc_error err;
	int status;
	pid_t pid;

	assert_int_equal(mkdirat(w->root, "in", 0755), 0);
	assert_int_equal(mkdirat(w->root, "in/d", 0755), 0);
	assert_int_equal(mkdirat(w->root, "in/d/sub", 0755), 0);
	assert_int_equal(mkdirat(w->root, "out", 0755), 0);
	assert_int_equal(mkdirat(w->root, "out/sub", 0755), 0);
	assert_int_equal(symlinkat("../out", w->root, "in/l"), 0);
	write_text(w->root, "out/sub/victim", "sentinel");
	assert_int_equal(fstatat(w->root, "out/sub", &before, 0), 0);
	int root = openat(w->root, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(root >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		flip(root);
	assert_int_equal(uc_store_open(&store, root, &options, &err), 0);
	/* until both sides of the race were met; a busy machine may take its time */
	while (uc_monotonic_ms() < until ||
	       ((o.count[UC_STORE_OK] == 0 || o.count[UC_STORE_REFUSED] == 0) &&
		uc_monotonic_ms() < until + 60000))
		race_step(store, i++, &o, &seen);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(root);
	assert_int_equal(seen, 0);
	assert_int_equal(fstatat(w->root, "out/sub", &after, 0), 0);
	assert_memory_equal(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim));
	assert_int_equal(tree_count(w->root, "out/sub", ""), 1);
	assert_int_equal(tree_count(w->root, "out", ""), 1);
	assert_int_equal(fstatat(w->root, "out/sub/victim", &after, 0), 0);
	assert_int_equal(after.st_size, 8);
	assert_int_equal(after.st_nlink, 1);
	assert_true(o.count[UC_STORE_OK] > 0);
	assert_true(o.count[UC_STORE_REFUSED] > 0);
}

static void test_store_stays_inside_while_folders_move(void **state)
{
	race(*state, false);
}

static void test_store_stays_inside_while_folders_move_by_steps(void **state)
{
	race(*state, true);
}

/* kill -9 */

#define KILL_FILES 12u
#define KILL_LARGE (UC_STORE_PARTIAL + 100000)

static size_t size_of(unsigned file, uint64_t version)
{
	return file == 0 ? KILL_LARGE : 8 + (size_t)(version * 7919 % 50000) / 8 * 8;
}

static char *content_of(unsigned file, uint64_t version)
{
	size_t len = size_of(file, version);
	char *bytes = malloc(len + 8);

	for (size_t at = 0; bytes && at < len; at += 8)
		memcpy(bytes + at, &version, 8);
	return bytes;
}

/* One that goes on where the one before was killed. -1: that was wrong. */
static int write_large(struct uc_store *store, const struct uc_sync_entry *entry,
		       const struct uc_sync_entry *expect, const char *bytes,
		       struct outcome *o)
{
	struct uc_store_file *file;
	struct uc_error err;
	uint64_t have, sum;

	if (uc_store_begin(store, entry, expect, &file, &have, &err) != UC_STORE_OK)
		return -1;
	if (have && (uc_store_have_sum(file, &sum, &err) != UC_STORE_OK ||
		     (sum != XXH3_64bits(bytes, have) &&
		      (have = 0, uc_store_restart(file, &err) != UC_STORE_OK))))
		return -1;
	for (size_t at = have, some; at < entry->size; at += some) {
		some = entry->size - at < 100000 ? entry->size - at : 100000;
		if (uc_store_write(file, bytes + at, some, &err) != UC_STORE_OK)
			return -1;
	}
	uc_store_end(file, NULL, take, o);
	return 0;
}

/* Write version after version of all files, until killed. */
static void write_on(int root, bool no_sync, uint64_t version, int progress)
{
	struct uc_store_options options = { .no_sync = no_sync };
	struct uc_store *store = NULL;
	struct uc_error err;
	struct outcome o = { 0 };

	if (uc_store_open(&store, root, &options, &err) < 0)
		_exit(1);
	for (;; version++) {
		for (unsigned i = 0; i < KILL_FILES; i++) {
			struct uc_sync_entry entry, there;
			char path[16], *bytes = content_of(i, version);
			int known;

			(void)snprintf(path, sizeof(path), "d/%u", i);
			known = uc_store_look(store, path, &there, &err);
			entry = file_of(path, size_of(i, version));
			entry.mtime += (int64_t)version;
			if (!bytes || known < 0 ||
			    write_large(store, &entry, known == 0 ? &there : NULL, bytes,
					&o) < 0)
				_exit(2);
			free(bytes);
			if (write(progress, "", 1) != 1)
				_exit(4);
		}
		uc_store_flush(store);
		if (o.count[UC_STORE_OK] == 0 || o.count[UC_STORE_CHANGED] ||
		    o.count[UC_STORE_FAILED] || o.count[UC_STORE_REFUSED])
			_exit(3);
	}
}

/* What has its name is whole, and of one version. Returns it, 0: nothing is there. */
static uint64_t check_whole(int root, unsigned file)
{
	char path[16], *is = malloc(KILL_LARGE + 1), *bytes;
	uint64_t version = 0;
	size_t len = 0;
	ssize_t got;
	int fd;

	(void)snprintf(path, sizeof(path), "d/%u", file);
	fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	assert_non_null(is);
	while (fd >= 0 && (got = read(fd, is + len, KILL_LARGE + 1 - len)) > 0)
		len += (size_t)got;
	if (fd >= 0) {
		close(fd);
		assert_true(len >= 8);
		memcpy(&version, is, 8);
		assert_int_equal(len, size_of(file, version));
		bytes = content_of(file, version);
		assert_memory_equal(is, bytes, len);
		free(bytes);
	}
	free(is);
	return version;
}

/* Kill it when it is done with so many files and has gone on for a while. */
static void kill_writer(int root, bool no_sync, uint64_t version, unsigned point)
{
	struct timespec wait = { .tv_nsec = point % 97 * 60000L };
	int status, progress[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(progress), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(progress[0]);
		write_on(root, no_sync, version, progress[1]);
	}
	close(progress[1]);
	for (unsigned i = point * 7 % (2 * KILL_FILES); i > 0; i--)
		assert_int_equal(read(progress[0], &byte, 1), 1);
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(progress[0]);
	assert_true(WIFSIGNALED(status));
}

static void test_store_has_no_half_file_after_a_kill(void **state)
{
	unsigned long kills = setting("UC_STORE_KILLS", 100);
	struct world *w = *state;
	uint64_t version = 1;
	unsigned found = 0;

	assert_int_equal(mkdirat(w->root, "d", 0755), 0);
	for (unsigned long i = 0; i < kills; i++) {
		kill_writer(w->root, i % 2, version, (unsigned)i);
		for (unsigned file = 0; file < KILL_FILES; file++) {
			uint64_t is = check_whole(w->root, file);

			found += is > 0;
			if (is >= version)
				version = is + 1;
		}
	}
	assert_true(found >= kills);
	/* what the killed ones left is swept a day later */
	struct uc_store_options options = { .no_sync = true };
	uc_auto(store) struct uc_store *store = NULL;
	struct outcome o = { 0 };
	struct uc_error err;

	later = 15 * 86400;
	assert_int_equal(uc_store_open(&store, w->root, &options, &err), 0);
	put(store, "d/last", "x", 1, &o);
	assert_int_equal(o.count[UC_STORE_OK], 1);
	assert_int_equal(tree_count(w->root, "d", UC_STORE_TEMPORARY), 0);
}

static void test_store_sweeps_what_is_old(void **state)
{
	struct uc_store_options options = { .no_sync = true };
	uc_auto(store) struct uc_store *store = NULL;
	struct world *w = *state;
	struct outcome o = { 0 };
	char partial[UC_STORE_NAME_SIZE];
	struct uc_error err;
	size_t version;

	uc_store_partial_name(partial, "other", 1, 1, &version);
	write_text(w->root, ".uc-0123456789abcdef", "x");
	write_text(w->root, ".uc-of-somebody", "x");
	write_text(w->root, partial, "x");
	later = 86400 - 60;
	assert_int_equal(uc_store_open(&store, w->root, &options, &err), 0);
	put(store, "a", "x", 1, &o);
	assert_int_equal(tree_count(w->root, ".", UC_STORE_TEMPORARY), 3);
	uc_store_free(store);
	store = NULL;
	later = 86400 + 60;
	assert_int_equal(uc_store_open(&store, w->root, &options, &err), 0);
	put(store, "b", "x", 1, &o);
	assert_int_equal(tree_count(w->root, ".", UC_STORE_TEMPORARY), 2);
	assert_int_equal(tree_count(w->root, ".", ".uc-0"), 0);
	uc_store_free(store);
	store = NULL;
	later = 15 * 86400;
	assert_int_equal(uc_store_open(&store, w->root, &options, &err), 0);
	put(store, "c", "x", 1, &o);
	assert_int_equal(tree_count(w->root, ".", UC_STORE_TEMPORARY), 1);
	assert_int_equal(o.count[UC_STORE_OK], 3);
}

/* Disks, in a child that may mount them */

#define SKIPPED 77
#define NEED(what)                                                                       \
	do {                                                                             \
		if (!(what)) {                                                           \
			(void)fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__,     \
				      #what, strerror(errno));                           \
			return 1;                                                        \
		}                                                                        \
	} while (0)

static void run_child(struct world *w, int (*fn)(struct world *w))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn(w));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A small disk of its own at the root. -1: that is not allowed here. */
static int mount_small(struct world *w, const char *options)
{
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", w->path, "tmpfs", 0, options) < 0)
		return -1;
	w->root = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return w->root;
}

#define BIG (2u << 20)

/* Fill the disk by small and large files: what fails says so, what is there is whole. */
static int fill(struct world *w, int wanted)
{
	struct uc_store_options options = { .run = "r" };
	struct uc_store *store = NULL;
	struct outcome o = { 0 };
	struct uc_store_file *file;
	struct uc_sync_entry entry;
	struct uc_error err;
	char *bytes = calloc(1, BIG), path[16];
	struct stat st;
	uint64_t have;
	unsigned there = 0;

	NEED(bytes);
	memset(bytes, 'x', BIG);
	NEED(uc_store_open(&store, w->root, &options, &err) == 0);
	/* room for all of it is asked for before anything is written */
	entry = file_of("large", 64u << 20);
	NEED(uc_store_begin(store, &entry, NULL, &file, &have, &err) == UC_STORE_OK);
	NEED(uc_store_write(file, bytes, 1, &err) == UC_STORE_FAILED);
	NEED(errno == wanted);
	uc_store_drop(file);
	for (int i = 0; i < 60; i++) {
		(void)snprintf(path, sizeof(path), "f%d", i);
		put(store, path, bytes, 100000, &o);
	}
	uc_store_flush(store);
	NEED(o.count[UC_STORE_OK] > 0 && o.count[UC_STORE_FAILED] > 0);
	NEED(o.count[UC_STORE_OK] + o.count[UC_STORE_FAILED] == 60);
	NEED(o.errno_value == wanted);
	for (int i = 0; i < 60; i++) {
		(void)snprintf(path, sizeof(path), "f%d", i);
		if (fstatat(w->root, path, &st, 0) < 0)
			continue;
		NEED(st.st_size == 100000);
		there++;
	}
	NEED(there == o.count[UC_STORE_OK]);
	NEED(tree_count(w->root, ".", UC_STORE_TEMPORARY) == 0);
	uc_store_free(store);
	free(bytes);
	return 0;
}

static int full_disk(struct world *w)
{
	if (mount_small(w, "size=3m") < 0)
		return SKIPPED;
	return fill(w, ENOSPC);
}

static int full_quota(struct world *w)
{
	char options[96];

	/* a quota does not hold for root: it is somebody else's folder */
	(void)snprintf(options, sizeof(options),
		       "size=100m,mode=0777,usrquota,usrquota_block_hardlimit=3m");
	if (geteuid() != 0 || mount_small(w, options) < 0)
		return SKIPPED;
	NEED(setresuid(65534, 65534, 65534) == 0);
	return fill(w, EDQUOT);
}

static int no_names(struct world *w)
{
	struct uc_store_options options = { .run = "r" };
	struct uc_store *store = NULL;
	struct outcome o = { 0 };
	struct uc_error err;
	char path[16];

	if (mount_small(w, "size=3m,nr_inodes=20") < 0)
		return SKIPPED;
	NEED(uc_store_open(&store, w->root, &options, &err) == 0);
	for (int i = 0; i < 40; i++) {
		(void)snprintf(path, sizeof(path), "f%d", i);
		put(store, path, "x", 1, &o);
	}
	uc_store_flush(store);
	NEED(o.count[UC_STORE_OK] > 10 && o.count[UC_STORE_FAILED] > 10);
	NEED(tree_count(w->root, ".", "f") == o.count[UC_STORE_OK]);
	NEED(tree_count(w->root, ".", UC_STORE_TEMPORARY) == 0);
	uc_store_free(store);
	return 0;
}

static int read_only(struct world *w)
{
	struct uc_store_options options = { .run = "r" };
	struct uc_store *store = NULL;
	struct outcome o = { 0 };
	struct uc_error err;

	if (mount_small(w, "size=3m") < 0)
		return SKIPPED;
	write_text(w->root, "a", "x");
	NEED(mount(NULL, w->path, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
	NEED(uc_store_open(&store, w->root, &options, &err) == 0);
	put(store, "b", "x", 1, &o);
	uc_store_flush(store);
	NEED(o.count[UC_STORE_FAILED] == 1 && o.errno_value == EROFS);
	struct uc_sync_entry there;

	NEED(uc_store_look(store, "a", &there, &err) == 0);
	NEED(uc_store_remove(store, &there, &err) == UC_STORE_FAILED);
	NEED(errno == EROFS);
	uc_store_free(store);
	return 0;
}

/* A disk that is mounted below the root has no names of files outside of it. */
static int other_disk(struct world *w)
{
	struct uc_store_options options = { .run = "r" };
	struct uc_sync_entry entry = file_of("m/twin", 4), there;
	struct uc_store *store = NULL;
	struct outcome o = { 0 };
	struct uc_error err;
	struct stat st;
	char path[96];

	if (mount_small(w, "size=3m") < 0)
		return SKIPPED;
	NEED(mkdirat(w->root, "m", 0755) == 0);
	(void)snprintf(path, sizeof(path), "%s/m", w->path);
	NEED(mount("none", path, "tmpfs", 0, "size=3m") == 0);
	NEED(uc_store_open(&store, w->root, &options, &err) == 0);
	put(store, "a", "text", 4, &o);
	uc_store_flush(store);
	NEED(o.count[UC_STORE_OK] == 1);
	NEED(uc_store_twin(store, &entry, "a", NULL, &err) == UC_STORE_OK);
	NEED(fstatat(w->root, "m/twin", &st, 0) == 0);
	NEED(st.st_nlink == 1 && st.st_size == 4);
	NEED(uc_store_twin(store, &entry, "a", NULL, &err) == UC_STORE_CHANGED);
	NEED(uc_store_look(store, "m/twin", &there, &err) == 0);
	NEED(uc_store_remove(store, &there, &err) == UC_STORE_FAILED);
	NEED(strstr(err.text, "another file system"));
	NEED(fstatat(w->root, "m/twin", &st, 0) == 0);
	uc_store_free(store);
	return 0;
}

static int denied(struct world *w)
{
	struct uc_store_options options = { .run = "r", .no_sync = true };
	struct uc_sync_entry folder = { .path = "mine/closed",
					.kind = UC_SYNC_FOLDER,
					.mode = 0555 };
	struct uc_store *store = NULL;
	struct outcome o = { 0 };
	struct uc_error err;
	struct stat st;

	NEED(mkdirat(w->root, "theirs", 0755) == 0);
	NEED(mkdirat(w->root, "mine", 0755) == 0);
	NEED(fchmod(w->root, 0755) == 0);
	if (geteuid() == 0) {
		NEED(fchownat(w->root, "mine", 65534, 65534, 0) == 0);
		NEED(setresuid(65534, 65534, 65534) == 0);
		NEED(uc_store_open(&store, w->root, &options, &err) < 0);
		NEED(err.code == UC_DENIED);
	}
	close(w->root);
	(void)strncat(w->path, "/mine", sizeof(w->path) - strlen(w->path) - 1);
	w->root = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	NEED(uc_store_open(&store, w->root, &options, &err) == 0);
	NEED(mkdirat(w->root, "closed", 0755) == 0);
	NEED(fchmodat(w->root, "closed", 0555, 0) == 0);
	put(store, "closed/a", "x", 1, &o);
	NEED(o.count[UC_STORE_FAILED] == 1 && o.errno_value == EACCES);
	/* one that is sent as well is opened for the run */
	folder.path = "closed";
	NEED(uc_store_folder(store, &folder, NULL, &err) == UC_STORE_OK);
	put(store, "closed/a", "x", 1, &o);
	NEED(o.count[UC_STORE_OK] == 1);
	NEED(uc_store_finish(store, &err) == UC_STORE_OK);
	NEED(fstatat(w->root, "closed", &st, 0) == 0);
	NEED((st.st_mode & 07777) == 0555);
	uc_store_free(store);
	return 0;
}

static void test_store_on_a_full_disk(void **state)
{
	run_child(*state, full_disk);
}

static void test_store_over_quota(void **state)
{
	run_child(*state, full_quota);
}

/* What could be written before does not stay to fill the disk for everybody. */
static void test_store_where_a_quota_ends(void **state)
{
	struct uc_store_options options = { .no_sync = true };
	uc_auto(store) struct uc_store *store = NULL;
	struct uc_sync_entry entry = file_of("a", UC_STORE_PARTIAL + 100);
	char *bytes = calloc(1, entry.size);
	struct world *w = *state;
	struct outcome o = { 0 };
	struct uc_store_file *file;
	struct uc_error err;
	uint64_t have;

	assert_non_null(bytes);
	assert_int_equal(uc_store_open(&store, w->root, &options, &err), 0);
	quota = UC_STORE_PARTIAL + 50;
	assert_int_equal(uc_store_begin(store, &entry, NULL, &file, &have, &err), 0);
	assert_int_equal(uc_store_write(file, bytes, entry.size, &err), UC_STORE_FAILED);
	assert_int_equal(errno, EDQUOT);
	uc_store_end(file, NULL, take, &o);
	quota = 50;
	put(store, "b", bytes, 100, &o);
	assert_int_equal(o.errno_value, EDQUOT);
	assert_int_equal(o.count[UC_STORE_FAILED], 2);
	assert_int_equal(tree_count(w->root, ".", ""), 0);
	free(bytes);
}

static void test_store_without_inodes(void **state)
{
	run_child(*state, no_names);
}

static void test_store_on_a_read_only_disk(void **state)
{
	run_child(*state, read_only);
}

static void test_store_across_file_systems(void **state)
{
	run_child(*state, other_disk);
}

static void test_store_without_permission(void **state)
{
	run_child(*state, denied);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_store_stays_inside_while_folders_move),
		TEST(test_store_stays_inside_while_folders_move_by_steps),
		TEST(test_store_has_no_half_file_after_a_kill),
		TEST(test_store_sweeps_what_is_old),
		TEST(test_store_on_a_full_disk),
		TEST(test_store_over_quota),
		TEST(test_store_where_a_quota_ends),
		TEST(test_store_without_inodes),
		TEST(test_store_on_a_read_only_disk),
		TEST(test_store_across_file_systems),
		TEST(test_store_without_permission),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

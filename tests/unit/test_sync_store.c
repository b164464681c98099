/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A store in real folders: every outcome, and what is there afterwards. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <xxhash.h>

#include "sync/store.h"
#include "sync/store_path.h"
#include "tree.h"
#include "unit.h"

#define TIME 1500000000123456789

struct world {
	char path[64];
	int root;
	struct uc_store *store;
	struct uc_store_options options;
	struct uc_error err;
	int outcome, errno_value; /* of the last `done` */
	unsigned done;
};

static void take(void *arg, int outcome, const struct uc_error *err)
{
	struct world *w = arg;

	w->errno_value = errno;
	w->outcome = outcome;
	w->err = *err;
	w->done++;
}

static void reopen(struct world *w)
{
	uc_store_free(w->store);
	w->store = NULL;
	assert_int_equal(uc_store_open(&w->store, w->root, &w->options, &w->err), 0);
}

static int make(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	*state = w;
	(void)umask(022);
	(void)snprintf(w->path, sizeof(w->path), "/tmp/uc-sync-store-XXXXXX");
	if (!mkdtemp(w->path))
		return -1;
	w->root = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->options.run = "run-1";
	return uc_store_open(&w->store, w->root, &w->options, &w->err);
}

static int make_by_steps(void **state)
{
	struct world *w;

	if (make(state) < 0)
		return -1;
	w = *state;
	w->options.by_steps = w->options.no_sync = true;
	reopen(w);
	return 0;
}

static int unmake(void **state)
{
	struct world *w = *state;

	uc_store_free(w->store);
	close(w->root);
	tree_remove(w->path);
	free(w);
	return 0;
}

static struct uc_sync_entry file_of(const char *path, uint64_t size)
{
	return (struct uc_sync_entry){ .path = path,
				       .kind = UC_SYNC_FILE,
				       .mode = 0640,
				       .mtime = TIME,
				       .size = size };
}

static void sum(const void *bytes, size_t len, unsigned char sha[32])
{
	assert_int_equal(EVP_Digest(bytes, len, sha, NULL, EVP_sha256(), NULL), 1);
}

/* Put a text and flush. Returns the outcome. */
static int put(struct world *w, const struct uc_sync_entry *entry,
	       const struct uc_sync_entry *expect, const char *text)
{
	struct uc_store_small small = { .entry = entry,
					.expect = expect,
					.bytes = text,
					.len = strlen(text),
					.done = take,
					.arg = w };
	unsigned char sha[32];
	unsigned before = w->done;

	sum(text, small.len, sha);
	small.sha256 = sha;
	uc_store_put(w->store, &small);
	uc_store_flush(w->store);
	assert_int_equal(w->done, before + 1);
	return w->outcome;
}

static int put_text(struct world *w, const char *path, const char *text)
{
	struct uc_sync_entry entry = file_of(path, strlen(text));

	return put(w, &entry, NULL, text);
}

/* Make something by hand. */
static void write_text(const struct world *w, const char *path, const char *text)
{
	int fd = openat(w->root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void assert_text(const struct world *w, const char *path, const char *text)
{
	char is[256];
	int fd = openat(w->root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t len;

	assert_true(fd >= 0);
	len = read(fd, is, sizeof(is) - 1);
	close(fd);
	assert_true(len >= 0);
	is[len] = '\0';
	assert_string_equal(is, text);
}

static bool is_there(const struct world *w, const char *path)
{
	struct stat st;

	return fstatat(w->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct stat look(const struct world *w, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(w->root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static struct uc_sync_entry entry_of(struct world *w, const char *path)
{
	struct uc_sync_entry entry;

	assert_int_equal(uc_store_look(w->store, path, &entry, &w->err), 0);
	return entry;
}

/* Names in a folder that begin with ".uc-". */
static unsigned temporaries(const struct world *w, const char *path)
{
	return tree_count(w->root, path, UC_STORE_TEMPORARY);
}

/* Files */

static void test_store_puts_a_file(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry there;
	struct stat st;

	assert_int_equal(put_text(w, "a", "hello"), UC_STORE_OK);
	assert_text(w, "a", "hello");
	st = look(w, "a");
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_mtim.tv_sec, TIME / 1000000000);
	assert_int_equal(st.st_mtim.tv_nsec, TIME % 1000000000);
	there = entry_of(w, "a");
	assert_int_equal(there.mtime, TIME);
	assert_int_equal(there.size, 5);
	assert_int_equal(uc_store_look(w->store, "b", &there, &w->err), 1);
	assert_int_equal(temporaries(w, "."), 0);
}

static void test_store_keeps_times_before_1970(void **state)
{
	struct uc_sync_entry entry = file_of("a", 1);
	struct world *w = *state;

	entry.mtime = -1;
	assert_int_equal(put(w, &entry, NULL, "x"), UC_STORE_OK);
	assert_int_equal(look(w, "a").st_mtim.tv_sec, -1);
	assert_int_equal(look(w, "a").st_mtim.tv_nsec, 999999999);
}

static void test_store_replaces_what_was_expected(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry old, new = file_of("a", 3);

	assert_int_equal(put_text(w, "a", "old"), UC_STORE_OK);
	old = entry_of(w, "a");
	new.mtime++;
	assert_int_equal(put(w, &new, &old, "new"), UC_STORE_OK);
	assert_text(w, "a", "new");
	/* the same again: what was expected is gone */
	assert_int_equal(put(w, &new, &old, "two"), UC_STORE_CHANGED);
	assert_text(w, "a", "new");
	old = new;
	old.size++;
	assert_int_equal(put(w, &new, &old, "two"), UC_STORE_CHANGED);
	assert_int_equal(put_text(w, "a", "two"), UC_STORE_CHANGED);
	old.path = new.path = "b";
	assert_int_equal(put(w, &new, &old, "two"), UC_STORE_CHANGED);
	assert_false(is_there(w, "b"));
	assert_text(w, "a", "new");
	assert_int_equal(temporaries(w, "."), 0);
}

static void test_store_refuses_a_wrong_sum(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = file_of("a", 5);
	unsigned char sha[32] = { 0 };
	struct uc_store_small small = { .entry = &entry,
					.bytes = "hello",
					.len = 5,
					.sha256 = sha,
					.done = take,
					.arg = w };

	uc_store_put(w->store, &small);
	assert_int_equal(w->outcome, UC_STORE_FAILED);
	assert_non_null(strstr(w->err.text, "checksum"));
	small.len = 4;
	small.sha256 = NULL;
	uc_store_put(w->store, &small);
	assert_int_equal(w->outcome, UC_STORE_FAILED);
	uc_store_flush(w->store);
	assert_false(is_there(w, "a"));
	assert_int_equal(temporaries(w, "."), 0);
}

static void test_store_does_not_write_to_bad_paths(void **state)
{
	static const char *const bad[] = {
		"",      "/a",       "a/",   "a//b",      ".",
		"..",    "../a",     "a/..", "a/../b",    "./a",
		".uc-x", "a/.uc-xy", "a/.",  "a/../../b", ".ucluster-trash/x",
	};
	struct world *w = *state;

	assert_int_equal(mkdirat(w->root, "a", 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(put_text(w, bad[i], "x"), UC_STORE_REFUSED);
	assert_int_equal(put_text(w, "a/.ucluster-x", "x"), UC_STORE_OK);
	assert_int_equal(put_text(w, ".ucluster.yaml", "x"), UC_STORE_OK);
	assert_int_equal(put_text(w, "...", "x"), UC_STORE_OK);
}

static void test_store_follows_no_link(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = { .path = "l/x",
				       .kind = UC_SYNC_FOLDER,
				       .mode = 0755 };
	struct uc_sync_entry there;

	assert_int_equal(mkdirat(w->root, "real", 0755), 0);
	assert_int_equal(mkdirat(w->root, "real/sub", 0755), 0);
	assert_int_equal(symlinkat("real", w->root, "l"), 0);
	assert_int_equal(symlinkat("/tmp", w->root, "out"), 0);
	write_text(w, "file", "x");
	assert_int_equal(put_text(w, "l/a", "x"), UC_STORE_REFUSED);
	assert_int_equal(put_text(w, "l/sub/a", "x"), UC_STORE_REFUSED);
	assert_int_equal(put_text(w, "out/a", "x"), UC_STORE_REFUSED);
	assert_int_equal(put_text(w, "file/a", "x"), UC_STORE_REFUSED);
	assert_int_equal(put_text(w, "none/a", "x"), UC_STORE_FAILED);
	assert_int_equal(w->errno_value, ENOENT);
	assert_int_equal(uc_store_folder(w->store, &entry, NULL, &w->err),
			 UC_STORE_REFUSED);
	assert_int_equal(uc_store_look(w->store, "l/sub", &there, &w->err), -1);
	/* a link at the end is what is there, not where it leads */
	assert_int_equal(put_text(w, "l", "x"), UC_STORE_CHANGED);
	there = entry_of(w, "l");
	assert_int_equal(there.kind, UC_SYNC_LINK);
	assert_int_equal(tree_count(w->root, "real", ""), 1);
}

static void test_store_gives_the_modes_it_may(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = file_of("a", 1);

	entry.mode = 06777;
	assert_int_equal(put(w, &entry, NULL, "x"), UC_STORE_OK);
	assert_int_equal(look(w, "a").st_mode & 07777, 0755);
	(void)umask(0);
	w->options.keep_special = true;
	reopen(w);
	entry.path = "b";
	assert_int_equal(put(w, &entry, NULL, "x"), UC_STORE_OK);
	assert_int_equal(look(w, "b").st_mode & 07777, 06777);
	(void)umask(077);
	reopen(w);
	entry.path = "c";
	entry.mode = 0644;
	assert_int_equal(put(w, &entry, NULL, "x"), UC_STORE_OK);
	assert_int_equal(look(w, "c").st_mode & 07777, 0644);
}

/* Large files */

#define LARGE (UC_STORE_PARTIAL + 3 * 4096 + 17)

/* Bytes that differ everywhere. */
static unsigned char *large_bytes(size_t len)
{
	unsigned char *bytes = malloc(len);
	uint32_t x = 1;

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(x >> 24);
	}
	return bytes;
}

static void assert_content(const struct world *w, const char *path,
			   const unsigned char *bytes, size_t len)
{
	int fd = openat(w->root, path, O_RDONLY | O_CLOEXEC);
	unsigned char *is = malloc(len + 1);
	size_t at = 0;
	ssize_t got;

	assert_true(fd >= 0);
	assert_non_null(is);
	while (at < len + 1 && (got = read(fd, is + at, len + 1 - at)) > 0)
		at += (size_t)got;
	close(fd);
	assert_int_equal(at, len);
	assert_memory_equal(is, bytes, len);
	free(is);
}

static int end(struct world *w, struct uc_store_file *file, const unsigned char *sha)
{
	unsigned before = w->done;

	uc_store_end(file, sha, take, w);
	uc_store_flush(w->store);
	assert_int_equal(w->done, before + 1);
	return w->outcome;
}

static void test_store_goes_on_where_it_stopped(void **state)
{
	struct world *w = *state;
	unsigned char *bytes = large_bytes(LARGE), sha[32];
	struct uc_sync_entry entry = file_of("a", LARGE);
	const size_t first = UC_STORE_PARTIAL + 5;
	struct uc_store_file *file, *other;
	uint64_t have, is;

	sum(bytes, LARGE, sha);
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(have, 0);
	assert_int_equal(uc_store_write(file, bytes, first, &w->err), 0);
	/* somebody else at the same file at the same time has one of their own */
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &other, &have, &w->err),
			 0);
	assert_int_equal(have, 0);
	uc_store_drop(other);
	uc_store_drop(file);
	assert_int_equal(temporaries(w, "."), 1);
	reopen(w);
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(have, first);
	assert_int_equal(uc_store_have_sum(file, &is, &w->err), 0);
	assert_int_equal(is, XXH3_64bits(bytes, first));
	assert_int_equal(uc_store_write(file, bytes + first, LARGE - first, &w->err), 0);
	assert_int_equal(end(w, file, sha), UC_STORE_OK);
	assert_content(w, "a", bytes, LARGE);
	assert_int_equal(look(w, "a").st_mode & 07777, 0640);
	assert_int_equal(temporaries(w, "."), 0);
	free(bytes);
}

static uint64_t room; /* bytes that are free; 0: as many as there are */

int __real_fstatvfs(int fd, struct statvfs *fs);
int __wrap_fstatvfs(int fd, struct statvfs *fs);

int __wrap_fstatvfs(int fd, struct statvfs *fs)
{
	int status = __real_fstatvfs(fd, fs);

	if (status == 0 && room)
		fs->f_bavail = room / fs->f_frsize;
	return status;
}

/* What is there of it already needs no room once more. */
static void test_store_goes_on_where_the_rest_has_room(void **state)
{
	struct world *w = *state;
	unsigned char *bytes = large_bytes(LARGE);
	struct uc_sync_entry f = file_of("big", LARGE);
	struct uc_store_file *file;
	uint64_t have;

	assert_int_equal(uc_store_begin(w->store, &f, NULL, &file, &have, &w->err),
			 UC_STORE_OK);
	assert_int_equal(uc_store_write(file, bytes, UC_STORE_PARTIAL, &w->err),
			 UC_STORE_OK);
	uc_store_drop(file);
	room = UC_STORE_PARTIAL / 2;
	assert_int_equal(uc_store_begin(w->store, &f, NULL, &file, &have, &w->err),
			 UC_STORE_OK);
	assert_int_equal(have, UC_STORE_PARTIAL);
	assert_int_equal(uc_store_write(file, bytes + have, LARGE - have, &w->err),
			 UC_STORE_OK);
	room = 0;
	assert_int_equal(end(w, file, NULL), UC_STORE_OK);
	assert_content(w, "big", bytes, LARGE);
	free(bytes);
}

static void test_store_begins_again(void **state)
{
	struct world *w = *state;
	unsigned char *bytes = large_bytes(LARGE), sha[32];
	struct uc_sync_entry entry = file_of("a", LARGE);
	struct uc_store_file *file;
	uint64_t have;

	sum(bytes, LARGE, sha);
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(uc_store_write(file, bytes + 1, LARGE - 1, &w->err), 0);
	uc_store_free(w->store); /* also of what was begun and not ended */
	w->store = NULL;
	assert_int_equal(temporaries(w, "."), 1);
	reopen(w);
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(have, LARGE - 1);
	assert_int_equal(uc_store_restart(file, &w->err), 0);
	assert_int_equal(uc_store_write(file, bytes, LARGE, &w->err), 0);
	assert_int_equal(end(w, file, sha), UC_STORE_OK);
	assert_content(w, "a", bytes, LARGE);
	free(bytes);
}

static void test_store_keeps_no_partial_that_is_wrong(void **state)
{
	struct world *w = *state;
	unsigned char *bytes = large_bytes(LARGE), sha[32];
	struct uc_sync_entry entry = file_of("a", LARGE);
	struct uc_store_file *file;
	uint64_t have;

	sum(bytes, LARGE, sha);
	bytes[7]++;
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(uc_store_write(file, bytes, LARGE, &w->err), 0);
	assert_int_equal(uc_store_write(file, bytes, 1, &w->err), UC_STORE_REFUSED);
	uc_store_drop(file);
	reopen(w);
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(have, LARGE);
	assert_int_equal(end(w, file, sha), UC_STORE_FAILED);
	assert_int_equal(temporaries(w, "."), 0);
	/* another version of the file has no use for what is there of this one */
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(uc_store_write(file, bytes, LARGE - 1, &w->err), 0);
	uc_store_drop(file);
	entry.mtime++;
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(have, 0);
	uc_store_drop(file);
	assert_int_equal(temporaries(w, "."), 0);
	free(bytes);
}

static void test_store_trusts_no_partial_of_others(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = file_of("a", LARGE);
	char name[UC_STORE_NAME_SIZE];
	struct uc_store_file *file;
	uint64_t have;
	size_t version;

	uc_store_partial_name(name, "a", entry.size, entry.mtime, &version);
	write_text(w, "victim", "mine");
	assert_int_equal(symlinkat("victim", w->root, name), 0);
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(have, 0);
	assert_int_equal(uc_store_write(file, "x", 1, &w->err), 0);
	uc_store_drop(file);
	assert_text(w, "victim", "mine");
	assert_int_equal(unlinkat(w->root, name, 0), 0);
	assert_int_equal(linkat(w->root, "victim", w->root, name, 0), 0);
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(have, 0);
	assert_int_equal(uc_store_write(file, "x", 1, &w->err), 0);
	uc_store_drop(file);
	assert_text(w, "victim", "mine");
}

static void test_store_copies_pieces_of_what_is_there(void **state)
{
	struct world *w = *state;
	unsigned char *bytes = large_bytes(LARGE), sha[32];
	struct uc_sync_entry entry = file_of("a", LARGE), old;
	struct uc_store_file *file;
	uint64_t have;

	sum(bytes, LARGE, sha);
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(uc_store_basis(file), -1);
	assert_int_equal(uc_store_write(file, bytes, LARGE, &w->err), 0);
	assert_int_equal(end(w, file, sha), UC_STORE_OK);
	old = entry_of(w, "a");
	bytes[70000] ^= 1;
	sum(bytes, LARGE, sha);
	entry.mtime++;
	assert_int_equal(uc_store_begin(w->store, &entry, &old, &file, &have, &w->err),
			 0);
	assert_true(uc_store_basis(file) >= 0);
	assert_int_equal(uc_store_copy(file, 0, 65536, &w->err), 0);
	assert_int_equal(uc_store_write(file, bytes + 65536, 65536, &w->err), 0);
	assert_int_equal(uc_store_copy(file, 131072, LARGE - 131072, &w->err), 0);
	assert_int_equal(end(w, file, sha), UC_STORE_OK);
	assert_content(w, "a", bytes, LARGE);
	/* a piece that is not there */
	old = entry_of(w, "a");
	assert_int_equal(uc_store_begin(w->store, &entry, &old, &file, &have, &w->err),
			 0);
	assert_int_equal(uc_store_copy(file, LARGE - 1, 2, &w->err), UC_STORE_CHANGED);
	uc_store_drop(file);
	assert_int_equal(uc_store_begin(w->store, &entry, &old, &file, &have, &w->err),
			 0);
	assert_int_equal(uc_store_copy(file, UINT64_MAX, 2, &w->err), UC_STORE_REFUSED);
	uc_store_drop(file);
	assert_content(w, "a", bytes, LARGE);
	free(bytes);
}

static void test_store_makes_holes(void **state)
{
	struct world *w = *state;
	const size_t len = 4u << 20;
	unsigned char *bytes = calloc(1, len), sha[32];
	struct uc_sync_entry entry = file_of("a", len);
	struct uc_store_file *file;
	uint64_t have;

	assert_non_null(bytes);
	bytes[100] = 1;
	bytes[2000000] = 1;
	entry.holes = true;
	sum(bytes, len, sha);
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	for (size_t at = 0; at < len; at += 100000)
		assert_int_equal(uc_store_write(file, bytes + at,
						len - at < 100000 ? len - at : 100000,
						&w->err),
				 0);
	assert_int_equal(end(w, file, sha), UC_STORE_OK);
	assert_content(w, "a", bytes, len);
	assert_true(look(w, "a").st_blocks * 512 < 65536);
	free(bytes);
}

static void test_store_does_not_end_what_is_not_whole(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = file_of("a", 5);
	struct uc_store_file *file;
	uint64_t have;

	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(uc_store_write(file, "hell", 4, &w->err), 0);
	assert_int_equal(end(w, file, NULL), UC_STORE_FAILED);
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(uc_store_write(file, "hello!", 6, &w->err), UC_STORE_REFUSED);
	assert_int_equal(end(w, file, NULL), UC_STORE_FAILED);
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	write_text(w, "a", "mine");
	assert_int_equal(uc_store_write(file, "hello", 5, &w->err), 0);
	assert_int_equal(end(w, file, NULL), UC_STORE_CHANGED);
	assert_text(w, "a", "mine");
	assert_int_equal(temporaries(w, "."), 0);
}

static void test_store_refuses_absurd_sizes(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = file_of("a", UINT64_MAX);
	struct uc_store_file *file;
	uint64_t have;

	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 UC_STORE_REFUSED);
	assert_null(file);
	entry.size = 1ull << 60;
	assert_int_equal(uc_store_begin(w->store, &entry, NULL, &file, &have, &w->err),
			 0);
	assert_int_equal(uc_store_write(file, "x", 1, &w->err), UC_STORE_FAILED);
	uc_store_drop(file);
	assert_int_equal(temporaries(w, "."), 0);
}

/* Everything else */

static void test_store_makes_folders(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = {
		.path = "d", .kind = UC_SYNC_FOLDER, .mode = 0555, .mtime = TIME
	};
	struct uc_sync_entry sub = entry, file;

	sub.path = "d/e";
	assert_int_equal(uc_store_folder(w->store, &entry, NULL, &w->err), 0);
	assert_int_equal(uc_store_folder(w->store, &sub, NULL, &w->err), 0);
	assert_int_equal(put_text(w, "d/e/f", "x"), UC_STORE_OK);
	assert_int_equal(uc_store_finish(w->store, &w->err), 0);
	assert_int_equal(look(w, "d").st_mode & 07777, 0555);
	assert_int_equal(look(w, "d/e").st_mode & 07777, 0555);
	assert_int_equal(look(w, "d").st_mtim.tv_nsec, TIME % 1000000000);
	assert_int_equal(look(w, "d/e").st_mtim.tv_nsec, TIME % 1000000000);
	/* again, with another file in it */
	assert_int_equal(uc_store_folder(w->store, &sub, NULL, &w->err), 0);
	assert_int_equal(put_text(w, "d/e/g", "x"), UC_STORE_OK);
	assert_int_equal(uc_store_finish(w->store, &w->err), 0);
	assert_int_equal(look(w, "d/e").st_mode & 07777, 0555);
	assert_int_equal(look(w, "d/e").st_mtim.tv_nsec, TIME % 1000000000);
	/* over a file: that one goes to the trash */
	assert_int_equal(put_text(w, "f", "mine"), UC_STORE_OK);
	entry.path = "f";
	assert_int_equal(uc_store_folder(w->store, &entry, NULL, &w->err),
			 UC_STORE_CHANGED);
	file = entry_of(w, "f");
	assert_int_equal(uc_store_folder(w->store, &entry, &file, &w->err), 0);
	assert_text(w, UC_STORE_TRASH "/run-1/f", "mine");
	assert_true(S_ISDIR(look(w, "f").st_mode));
}

static void test_store_finds_a_folder_that_was_made_again(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkdirat(w->root, "d", 0755), 0);
	assert_int_equal(put_text(w, "d/a", "x"), UC_STORE_OK);
	/* without a flush in between it is still open: once it may fail */
	assert_int_equal(unlinkat(w->root, "d/a", 0), 0);
	assert_int_equal(unlinkat(w->root, "d", AT_REMOVEDIR), 0);
	assert_int_equal(mkdirat(w->root, "d", 0755), 0);
	(void)put_text(w, "d/a", "x");
	assert_int_equal(put_text(w, "d/b", "x"), UC_STORE_OK);
	assert_text(w, "d/b", "x");
}

static void test_store_leaves_a_colleagues_folder(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = {
		.path = "d", .kind = UC_SYNC_FOLDER, .mode = 0750, .mtime = TIME
	};

	if (geteuid() != 0)
		skip(); /* only root can give it away */
	assert_int_equal(mkdirat(w->root, "d", 0755), 0);
	assert_int_equal(fchownat(w->root, "d", 65534, 65534, 0), 0);
	assert_int_equal(uc_store_folder(w->store, &entry, NULL, &w->err), 0);
	assert_int_equal(put_text(w, "d/a", "x"), UC_STORE_OK);
	assert_int_equal(uc_store_finish(w->store, &w->err), 0);
	assert_int_equal(look(w, "d").st_mode & 07777, 0755);
}

static void test_store_keeps_a_folders_group_bit(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = { .path = "d/e",
				       .kind = UC_SYNC_FOLDER,
				       .mode = 0750 };

	assert_int_equal(mkdirat(w->root, "d", 0755), 0);
	assert_int_equal(fchmodat(w->root, "d", 02755, 0), 0);
	assert_int_equal(uc_store_folder(w->store, &entry, NULL, &w->err), 0);
	assert_int_equal(uc_store_finish(w->store, &w->err), 0);
	assert_int_equal(look(w, "d/e").st_mode & 07777, 02750);
}

static void test_store_makes_links(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = { .path = "l",
				       .kind = UC_SYNC_LINK,
				       .target = "../../etc/passwd",
				       .mtime = TIME };
	struct uc_sync_entry old;
	char target[64] = "";

	assert_int_equal(uc_store_link(w->store, &entry, NULL, &w->err), 0);
	assert_true(readlinkat(w->root, "l", target, sizeof(target) - 1) > 0);
	assert_string_equal(target, entry.target);
	assert_int_equal(look(w, "l").st_mtim.tv_nsec, TIME % 1000000000);
	old = entry;
	entry.target = "x";
	entry.mtime++;
	assert_int_equal(uc_store_link(w->store, &entry, &old, &w->err), 0);
	assert_int_equal(uc_store_link(w->store, &entry, &old, &w->err),
			 UC_STORE_CHANGED);
	/* a file instead of it, and a link instead of the file */
	old = entry;
	entry = file_of("l", 1);
	assert_int_equal(put(w, &entry, &old, "x"), UC_STORE_OK);
	assert_true(S_ISLNK(look(w, UC_STORE_TRASH "/run-1/l").st_mode));
	entry = entry_of(w, "l");
	assert_int_equal(uc_store_link(w->store, &old, &entry, &w->err), 0);
	assert_true(S_ISLNK(look(w, "l").st_mode));
	assert_text(w, UC_STORE_TRASH "/run-1/l.~1~", "x");
	entry.target = "";
	assert_int_equal(uc_store_link(w->store, &entry, NULL, &w->err),
			 UC_STORE_REFUSED);
	assert_int_equal(temporaries(w, "."), 0);
}

static void test_store_makes_twins(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = file_of("a", 5), old;

	assert_int_equal(put_text(w, "a", "hello"), UC_STORE_OK);
	entry.path = "b";
	assert_int_equal(uc_store_twin(w->store, &entry, "a", NULL, &w->err), 0);
	assert_int_equal(look(w, "a").st_ino, look(w, "b").st_ino);
	/* what is a twin already stays one */
	old = entry_of(w, "b");
	assert_int_equal(uc_store_twin(w->store, &entry, "a", &old, &w->err), 0);
	assert_int_equal(look(w, "a").st_nlink, 2);
	assert_int_equal(temporaries(w, "."), 0);
	entry.size++;
	entry.path = "c";
	assert_int_equal(uc_store_twin(w->store, &entry, "a", NULL, &w->err),
			 UC_STORE_CHANGED);
	assert_int_equal(uc_store_twin(w->store, &entry, "../a", NULL, &w->err),
			 UC_STORE_REFUSED);
	assert_int_equal(symlinkat("a", w->root, "l"), 0);
	entry.size--;
	assert_int_equal(uc_store_twin(w->store, &entry, "l", NULL, &w->err),
			 UC_STORE_CHANGED);
	assert_false(is_there(w, "c"));
	assert_int_equal(temporaries(w, "."), 0);
}

static void test_store_sets_mode_and_time(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = file_of("a", 5), old;

	assert_int_equal(put_text(w, "a", "hello"), UC_STORE_OK);
	old = entry_of(w, "a");
	entry.mode = 0200;
	entry.mtime = 5;
	assert_int_equal(uc_store_meta(w->store, &entry, &old, &w->err), 0);
	assert_int_equal(look(w, "a").st_mode & 07777, 0200);
	assert_int_equal(look(w, "a").st_mtim.tv_nsec, 5);
	assert_int_equal(uc_store_meta(w->store, &entry, &old, &w->err),
			 UC_STORE_CHANGED);
	old = entry_of(w, "a");
	entry.mode = 0600; /* not readable before */
	assert_int_equal(uc_store_meta(w->store, &entry, &old, &w->err), 0);
	assert_int_equal(look(w, "a").st_mode & 07777, 0600);
	assert_int_equal(symlinkat("a", w->root, "l"), 0);
	entry = entry_of(w, "l");
	old = entry;
	entry.mtime = TIME;
	assert_int_equal(uc_store_meta(w->store, &entry, &old, &w->err), 0);
	assert_int_equal(look(w, "l").st_mtim.tv_nsec, TIME % 1000000000);
	assert_int_equal(look(w, "a").st_mtim.tv_nsec, 5);
	assert_int_equal(uc_store_meta(w->store, &entry, NULL, &w->err),
			 UC_STORE_CHANGED);
}

static void test_store_removes_to_the_trash(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = { .path = "d", .kind = UC_SYNC_FOLDER }, file;

	assert_int_equal(mkdirat(w->root, "d", 0755), 0);
	assert_int_equal(put_text(w, "d/a", "mine"), UC_STORE_OK);
	assert_int_equal(uc_store_remove(w->store, &entry, &w->err), UC_STORE_CHANGED);
	file = entry_of(w, "d/a");
	file.mtime++;
	assert_int_equal(uc_store_remove(w->store, &file, &w->err), UC_STORE_CHANGED);
	file.mtime--;
	assert_int_equal(uc_store_remove(w->store, &file, &w->err), 0);
	assert_int_equal(uc_store_remove(w->store, &file, &w->err), UC_STORE_CHANGED);
	assert_int_equal(uc_store_remove(w->store, &entry, &w->err), 0);
	assert_false(is_there(w, "d"));
	assert_text(w, UC_STORE_TRASH "/run-1/d/a", "mine");
	assert_int_equal(look(w, UC_STORE_TRASH).st_mode & 07777, 0700);
	/* the same path once more: what is in the trash stays */
	assert_int_equal(mkdirat(w->root, "d", 0755), 0);
	assert_int_equal(put_text(w, "d/a", "again"), UC_STORE_OK);
	file = entry_of(w, "d/a");
	assert_int_equal(uc_store_remove(w->store, &file, &w->err), 0);
	assert_text(w, UC_STORE_TRASH "/run-1/d/a", "mine");
	assert_text(w, UC_STORE_TRASH "/run-1/d/a.~1~", "again");
	assert_int_equal(uc_store_remove(w->store, &entry, &w->err), 0);
}

/* What has not been here before is in the trash, and its place is never empty. */
static void test_store_keeps_what_it_replaces(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry entry = file_of("d/a", 4), expect, link = { 0 };
	ino_t old;

	assert_int_equal(mkdirat(w->root, "d", 0755), 0);
	write_text(w, "d/a", "results");
	old = look(w, "d/a").st_ino;
	expect = entry_of(w, "d/a");
	expect.keep = true;
	assert_int_equal(put(w, &entry, &expect, "code"), UC_STORE_OK);
	assert_text(w, "d/a", "code");
	assert_text(w, UC_STORE_TRASH "/run-1/d/a", "results");
	assert_int_equal(look(w, UC_STORE_TRASH "/run-1/d/a").st_ino, old);
	/* once more, and what is the same is nothing to keep */
	expect = entry_of(w, "d/a");
	expect.keep = true;
	assert_int_equal(put(w, &entry, &expect, "Code"), UC_STORE_OK);
	assert_text(w, UC_STORE_TRASH "/run-1/d/a.~1~", "code");
	expect = entry_of(w, "d/a");
	expect.keep = true;
	assert_int_equal(put(w, &entry, &expect, "Code"), UC_STORE_OK);
	assert_int_equal(tree_count(w->root, UC_STORE_TRASH "/run-1/d", ""), 2);
	/* a link in its place, and a file in the place of a link */
	link = (struct uc_sync_entry){ .path = "d/a",
				       .kind = UC_SYNC_LINK,
				       .target = "nowhere" };
	expect = entry_of(w, "d/a");
	assert_int_equal(uc_store_link(w->store, &link, &expect, &w->err), UC_STORE_OK);
	assert_text(w, UC_STORE_TRASH "/run-1/d/a.~2~", "Code");
	expect = entry_of(w, "d/a");
	assert_int_equal(expect.kind, UC_SYNC_LINK);
	assert_int_equal(put(w, &entry, &expect, "back"), UC_STORE_OK);
	assert_text(w, "d/a", "back");
	assert_true(S_ISLNK(look(w, UC_STORE_TRASH "/run-1/d/a.~3~").st_mode));
	/* without the mark it is gone */
	expect = entry_of(w, "d/a");
	assert_int_equal(put(w, &entry, &expect, "mine"), UC_STORE_OK);
	assert_int_equal(tree_count(w->root, UC_STORE_TRASH "/run-1/d", ""), 4);
}

static void test_store_does_not_trust_a_trash_that_is_a_link(void **state)
{
	struct world *w = *state;
	struct uc_sync_entry file;

	assert_int_equal(mkdirat(w->root, "out", 0755), 0);
	assert_int_equal(symlinkat("out", w->root, UC_STORE_TRASH), 0);
	assert_int_equal(put_text(w, "a", "mine"), UC_STORE_OK);
	file = entry_of(w, "a");
	assert_int_equal(uc_store_remove(w->store, &file, &w->err), UC_STORE_REFUSED);
	assert_text(w, "a", "mine");
	assert_int_equal(tree_count(w->root, "out", ""), 0);
}

static void test_store_sweeps_old_temporaries(void **state)
{
	struct world *w = *state;
	static const char *const name[] = { ".uc-0123456789abcdef", ".uc-mine",
					    ".uc-0123456789abcdeg" };

	assert_int_equal(mkdirat(w->root, "d", 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "d/%s", name[i]);
		write_text(w, path, "x");
	}
	/* young: they may be of a run that goes on; their age cannot be set back */
	assert_int_equal(put_text(w, "d/a", "x"), UC_STORE_OK);
	assert_int_equal(temporaries(w, "d"), 3);
	assert_true(uc_store_is_temporary(name[0]));
	assert_false(uc_store_is_temporary(name[1]));
	assert_false(uc_store_is_temporary(name[2]));
}

/* A quarter of the files that may be open wait, at most 2048. */
static unsigned batch_expected(void)
{
	struct rlimit files;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	assert_true(files.rlim_cur >= 256);
	return files.rlim_cur / 4 < 2048 ? (unsigned)files.rlim_cur / 4 : 2048;
}

/* One batch arrives, one is synced, one has its names; a fourth would be too many. */
static void test_store_batches(void **state)
{
	struct world *w = *state;
	struct uc_store_small small = { .bytes = "x", .len = 1, .done = take, .arg = w };
	const unsigned batch = batch_expected(), count = 4 * batch + 40;
	unsigned told = 0;

	for (unsigned i = 0; i < count; i++) {
		struct uc_sync_entry entry;
		char path[32];

		(void)snprintf(path, sizeof(path), "f%u", i);
		entry = file_of(path, 1);
		small.entry = &entry;
		uc_store_put(w->store, &small);
		assert_true(w->options.no_sync ? w->done == i + 1
					       : w->done + 3 * batch > i);
		if (w->done == told)
			continue;
		told = w->done;
		if (!w->options.no_sync)
			assert_true((unsigned)tree_count(w->root, ".", "f") >= told);
	}
	assert_true(told > 0);
	assert_int_equal(uc_store_finish(w->store, &w->err), 0);
	assert_int_equal(w->done, count);
	assert_int_equal(tree_count(w->root, ".", "f"), count);
	/* the same path twice in a batch: the second is asked for what is there then */
	assert_int_equal(put_text(w, "f0", "y"), UC_STORE_CHANGED);
	assert_int_equal(temporaries(w, "."), 0);
}

static void test_store_wants_a_run_that_is_a_name(void **state)
{
	static const char *const bad[] = { "", "..", "a/b", ".a", "a b" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct uc_store_options options = { .run = bad[i] };
		struct uc_store *store = NULL;

		assert_int_equal(uc_store_open(&store, w->root, &options, &w->err), -1);
		assert_null(store);
	}
}

#define BOTH(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, make, unmake),                             \
	{                                                                                \
#name "_by_steps", name, make_by_steps, unmake, NULL                     \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_store_puts_a_file),
		BOTH(test_store_keeps_times_before_1970),
		BOTH(test_store_replaces_what_was_expected),
		BOTH(test_store_refuses_a_wrong_sum),
		BOTH(test_store_does_not_write_to_bad_paths),
		BOTH(test_store_follows_no_link),
		BOTH(test_store_gives_the_modes_it_may),
		BOTH(test_store_goes_on_where_it_stopped),
		BOTH(test_store_goes_on_where_the_rest_has_room),
		BOTH(test_store_begins_again),
		BOTH(test_store_keeps_no_partial_that_is_wrong),
		BOTH(test_store_trusts_no_partial_of_others),
		BOTH(test_store_copies_pieces_of_what_is_there),
		BOTH(test_store_makes_holes),
		BOTH(test_store_does_not_end_what_is_not_whole),
		BOTH(test_store_refuses_absurd_sizes),
		BOTH(test_store_makes_folders),
		BOTH(test_store_finds_a_folder_that_was_made_again),
		BOTH(test_store_leaves_a_colleagues_folder),
		BOTH(test_store_keeps_a_folders_group_bit),
		BOTH(test_store_makes_links),
		BOTH(test_store_makes_twins),
		BOTH(test_store_sets_mode_and_time),
		BOTH(test_store_removes_to_the_trash),
		BOTH(test_store_keeps_what_it_replaces),
		BOTH(test_store_does_not_trust_a_trash_that_is_a_link),
		BOTH(test_store_sweeps_old_temporaries),
		BOTH(test_store_batches),
		BOTH(test_store_wants_a_run_that_is_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

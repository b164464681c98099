/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The state of the last run: written, read, damaged; and rules asked about what is gone.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "sync/behind.h"
#include "sync/skip.h"
#include "sync/state.h"
#include "unit.h"

static int drop(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int make(void **state)
{
	char *path = strdup("/tmp/uc-sync-state-XXXXXX");

	*state = path;
	return path && mkdtemp(path) ? 0 : -1;
}

static int unmake(void **state)
{
	(void)nftw(*state, drop, 16, FTW_PHYS | FTW_DEPTH);
	free(*state);
	return 0;
}

static struct uc_sync_state *open_state(const char *folder, bool *damaged)
{
	struct uc_sync_state_name name = { folder, "host", "/near", "far" };
	struct uc_sync_state *state = NULL;
	struct uc_error err = { 0 };

	if (uc_sync_state_open(&state, &name, false, damaged, &err) < 0)
		fail_msg("%s", err.text);
	return state;
}

static const struct uc_sync_known known[] = {
	{ "a", UC_SYNC_FOLDER, 0, 0, 0 },
	{ "a/b", UC_SYNC_FILE, UINT64_MAX, INT64_MAX, INT64_MIN },
	{ "a/b\xff\n", UC_SYNC_FILE, 0, -1, -1 },
	{ "a/c", UC_SYNC_LINK, 0x8000000000000001u, 5, 5 },
	{ "a-", UC_SYNC_FILE, 127, INT64_MIN, INT64_MAX },
	{ "b", UC_SYNC_FILE, 128, 1700000000123456789, 1700000000000000000 },
};

static void save(const char *folder)
{
	uc_auto(sync_state_writer) struct uc_sync_state_writer *writer =
		uc_sync_state_writer_new();
	uc_auto(sync_state) struct uc_sync_state *state = NULL;
	bool damaged;

	state = open_state(folder, &damaged);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		uc_sync_state_add(writer, &known[i]);
	assert_int_equal(uc_sync_state_save(state, writer, NULL), 0);
}

static void assert_known(const struct uc_sync_known *got,
			 const struct uc_sync_known *want)
{
	assert_non_null(got);
	assert_string_equal(got->path, want->path);
	assert_int_equal(got->kind, want->kind);
	assert_true(got->size == want->size);
	assert_true(got->near == want->near && got->far == want->far);
}

static void test_round_trip(void **folder)
{
	uc_auto(sync_state) struct uc_sync_state *state = NULL;
	bool damaged;

	state = open_state(*folder, &damaged);
	assert_null(uc_sync_state_next(state));
	uc_sync_state_free(state);
	save(*folder);
	state = open_state(*folder, &damaged);
	assert_false(damaged);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			assert_known(uc_sync_state_next(state), &known[i]);
		assert_null(uc_sync_state_next(state));
		assert_int_equal(uc_sync_state_rewind(state, NULL), 0);
	}
	assert_null(uc_sync_state_seek(state, "A"));
	assert_known(uc_sync_state_seek(state, "a"), &known[0]);
	assert_null(uc_sync_state_seek(state, "a/a"));
	assert_known(uc_sync_state_seek(state, "a/c"), &known[3]);
	assert_known(uc_sync_state_next(state), &known[4]);
	assert_null(uc_sync_state_seek(state, "z"));
}

/* The only file in the folder. */
static void read_file(const char *folder, struct uc_buf *bytes)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[512];

	assert_non_null(dir);
	while ((entry = readdir(dir)) && entry->d_name[0] == '.')
		;
	assert_non_null(entry);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
	closedir(dir);
	assert_int_equal(uc_file_read(path, 1 << 20, bytes, NULL), 0);
}

/* Whatever byte is wrong, and wherever it ends: no state, and never another one. */
static void test_damage(void **folder)
{
	uc_auto(buf) struct uc_buf bytes = { 0 };

	save(*folder);
	read_file(*folder, &bytes);
	for (size_t i = 0; i < bytes.len; i++) {
		struct uc_sync_state *state;

		bytes.data[i] ^= 0x41;
		state = uc_sync_state_parse(bytes.data, bytes.len);
		if (state)
			fail_msg("byte %zu", i);
		bytes.data[i] ^= 0x41;
		assert_null(uc_sync_state_parse(bytes.data, i));
	}
}

static void put(const char *root, const char *name, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(uc_file_write(path, text, strlen(text), 0644, NULL), 0);
}

static void test_behind(void **folder)
{
	static const struct {
		const char *path;
		bool is_folder;
		int left;
	} paths[] = {
		{ "a.o", false, 1 },          { "a.c", false, 0 },
		{ "d/a.o", false, 0 },        { "d/x.tmp", false, 1 },
		{ "d/e/a.o", false, 0 },      { "d/e/y.tmp", false, 1 },
		{ "gone/a.o", false, 1 },     { "gone/a", false, 0 },
		{ "node_modules", true, 1 },  { "node_modules/x/y", false, 1 },
		{ "node_modules", false, 0 },
	};
	uc_auto(sync_behind) struct uc_sync_behind *behind = NULL;
	uc_auto(ignore_list) struct uc_ignore_list defaults = { 0 };
	struct uc_sync_walk_options options = { .defaults = &defaults };
	char path[128];
	int root;

	assert_int_equal(uc_sync_skip_read(&defaults, NULL), 0);
	put(*folder, ".gitignore", "*.o\n");
	(void)snprintf(path, sizeof(path), "%s/d/e", (const char *)*folder);
	assert_int_equal(uc_file_mkdirs(path, 0755, NULL), 0);
	put(*folder, "d/.gitignore", "!*.o\n");
	put(*folder, "d/.usyncignore", "*.tmp\n");
	root = open(*folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	behind = uc_sync_behind_new(root, &options);
	assert_non_null(behind);
	for (size_t i = 0; i < ARRAY_SIZE(paths) * 2; i++) {
		size_t at = i % ARRAY_SIZE(paths);

		if (uc_sync_behind_look(behind, paths[at].path, paths[at].is_folder) !=
		    paths[at].left)
			fail_msg("'%s'", paths[at].path);
	}
	close(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, make, unmake),
		cmocka_unit_test_setup_teardown(test_damage, make, unmake),
		cmocka_unit_test_setup_teardown(test_behind, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Lists of what a tree holds: their order, their size, files with several names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/entry.h"
#include "unit.h"

static void test_order(void **state)
{
	/* as a walk tells them */
	static const char *const path[] = { "",    "\x01",   " ",   "a",   "a/a",
					    "a/b", "a/\xff", "a-b", "a.b", "aa",
					    "b",   "\x80",   "\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(path); i++)
		for (size_t k = 0; k < ARRAY_SIZE(path); k++) {
			int where = uc_sync_path_compare(path[i], path[k]);

			if ((where > 0) - (where < 0) != (i > k) - (i < k))
				fail_msg("'%s' and '%s': %d", path[i], path[k], where);
		}
}

static void test_copies(void **state)
{
	char path[] = "a\n\xff", target[] = "../x";
	struct uc_sync_entry entry = { .path = path,
				       .target = target,
				       .kind = UC_SYNC_LINK,
				       .mode = 0777,
				       .mtime = -1 };
	uc_auto(sync_list) struct uc_sync_list list = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_sync_list_size(&list), 0);
	assert_int_equal(uc_sync_list_add(&list, &entry, &err), 0);
	memset(path, 'x', sizeof(path) - 1);
	memset(target, 'x', sizeof(target) - 1);
	assert_string_equal(uc_sync_list_at(&list, 0)->path, "a\n\xff");
	assert_string_equal(uc_sync_list_at(&list, 0)->target, "../x");
	assert_int_equal(uc_sync_list_at(&list, 0)->mtime, -1);
}

/* A million files of a large data set: 60 bytes a path. */
static void test_million(void **state)
{
	enum {
		COUNT = 1000000
	};
	uc_auto(sync_list) struct uc_sync_list list = { 0 };
	struct uc_sync_entry entry = { .kind = UC_SYNC_FILE, .mode = 0644 };
	struct uc_error err = { 0 };
	char path[128];

	(void)state;
	entry.path = path;
	for (unsigned i = 0; i < COUNT; i++) {
		(void)snprintf(path, sizeof(path),
			       "data/imagenet/ILSVRC2012/train/n%08u/n%08u_%06u.JPEG",
			       i / 1000, i / 1000, i);
		entry.size = i;
		if (uc_sync_list_add(&list, &entry, &err) < 0)
			fail_msg("%s", err.text);
	}
	assert_int_equal(list.count, COUNT);
	print_message("# %zu bytes an entry, %zu of them not its path\n",
		      uc_sync_list_size(&list) / COUNT,
		      uc_sync_list_size(&list) / COUNT - strlen(path) - 1);
	assert_int_equal(sizeof(struct uc_sync_entry), 40);
	assert_true(uc_sync_list_size(&list) < (size_t)125 * COUNT);
	for (unsigned i = 0; i < COUNT; i += 997) {
		const struct uc_sync_entry *at = uc_sync_list_at(&list, i);

		assert_int_equal(at->size, i);
	}
}

static void test_twins(void **state)
{
	enum {
		COUNT = 5000
	};
	uc_auto(sync_twins) struct uc_sync_twins twins = { 0 };
	struct uc_error err = { 0 };
	uint32_t twin;

	(void)state;
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < COUNT; i++) {
			/* the same inodes on two devices */
			struct stat st = { .st_dev = 1 + i % 2, .st_ino = i / 2 };

			assert_int_equal(uc_sync_twins_see(&twins, &st, round * COUNT + i,
							   &twin, &err),
					 0);
			assert_int_equal(twin, round ? i + 1 : 0);
		}
	assert_int_equal(twins.used, COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_million),
		cmocka_unit_test(test_twins),
	};

	return cmocka_run_group_tests_name("sync_entry", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <fcntl.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/path.h"

static void test_an_arena_gives_zeroed_aligned_memory(void **state)
{
	uc_auto(arena) struct uc_arena *arena = uc_arena_new();
	char *text;

	(void)state;
	for (size_t size = 0; size < 3000; size += 7) {
		unsigned char *p = uc_arena_alloc(arena, size);

		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
	text = uc_arena_printf(arena, "%s-%d", "a", 7);
	assert_string_equal(text, "a-7");
	assert_string_equal(uc_arena_strndup(arena, "abcdef", 3), "abc");
	assert_null(uc_arena_strdup(arena, NULL));
	assert_false(uc_arena_failed(arena));
	assert_true(uc_arena_size(arena) > 3000);
}

static void test_an_arena_remembers_that_memory_ran_out(void **state)
{
	uc_auto(arena) struct uc_arena *arena = uc_arena_new();

	(void)state;
	assert_null(uc_arena_array(arena, SIZE_MAX / 2, 4));
	assert_true(uc_arena_failed(arena));
	assert_null(uc_arena_alloc(arena, 1));
}

static void test_paths_become_absolute(void **state)
{
	static const struct {
		const char *path, *expected;
	} cases[] = {
		{ "/a//b/./c/", "/a/b/c" },
		{ "x", "/cwd/x" },
		{ "./x", "/cwd/x" },
		{ "../x", "/cwd/../x" },
		{ "~", "/home/me" },
		{ "~/d", "/home/me/d" },
		{ "/", "/" },
		{ ".", "/cwd" },
		{ "a b/~", "/cwd/a b/~" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(buf) struct uc_buf out = { 0 };

		assert_int_equal(
			uc_path_absolute(&out, cases[i].path, "/cwd", "/home/me/", NULL),
			0);
		assert_string_equal(uc_buf_text(&out), cases[i].expected);
	}
}

static void test_paths_that_cannot_be_resolved_are_refused(void **state)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_path_absolute(&out, "~you/x", "/cwd", "/home/me", &err), -1);
	assert_int_equal(err.code, UC_USAGE);
	assert_int_equal(uc_path_absolute(&out, "~/x", "/cwd", NULL, &err), -1);
	assert_int_equal(uc_path_absolute(&out, "x", NULL, "/home/me", &err), -1);
}

static void test_a_file_is_replaced_whole_or_not_at_all(void **state)
{
	char dir[] = "/tmp/uc-unit-XXXXXX";
	uc_auto(buf) struct uc_buf path = { 0 }, back = { 0 };
	struct uc_error err = { 0 };
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	uc_buf_addf(&path, "%s/a/b/c", dir);
	assert_int_equal(uc_file_mkdirs(uc_buf_text(&path), 0700, &err), 0);
	assert_int_equal(uc_file_mkdirs(uc_buf_text(&path), 0700, &err), 0);
	uc_buf_add(&path, "/state.json");
	assert_int_equal(uc_file_write(uc_buf_text(&path), "old", 3, 0600, &err), 0);
	assert_int_equal(uc_file_write(uc_buf_text(&path), "new!", 4, 0640, &err), 0);
	assert_int_equal(stat(uc_buf_text(&path), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(uc_file_read(uc_buf_text(&path), 4, &back, &err), 0);
	assert_string_equal(uc_buf_text(&back), "new!");
	uc_buf_reset(&back);
	assert_int_equal(uc_file_read(uc_buf_text(&path), 3, &back, &err), -1);
	assert_int_equal(uc_file_read(dir, 3, &back, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
	assert_int_equal(uc_file_read("/nowhere/x", 3, &back, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_int_equal(uc_file_write("/nowhere/x", "x", 1, 0600, &err), -1);
	unlink(uc_buf_text(&path));
	for (size_t len = strlen(dir) + strlen("/a/b/c"); len > strlen(dir); len -= 2) {
		path.data[len] = '\0'; /* c, b, a: no temporary may be left in them */
		assert_int_equal(rmdir(path.data), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void test_a_fifo_does_not_hang_the_reader(void **state)
{
	char dir[] = "/tmp/uc-unit-XXXXXX";
	uc_auto(buf) struct uc_buf path = { 0 }, back = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	uc_buf_addf(&path, "%s/fifo", dir);
	assert_int_equal(mkfifo(uc_buf_text(&path), 0600), 0);
	assert_int_equal(uc_file_read(uc_buf_text(&path), 10, &back, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
	unlink(uc_buf_text(&path));
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(test_an_arena_remembers_that_memory_ran_out),
		cmocka_unit_test(test_paths_become_absolute),
		cmocka_unit_test(test_paths_that_cannot_be_resolved_are_refused),
		cmocka_unit_test(test_a_file_is_replaced_whole_or_not_at_all),
		cmocka_unit_test(test_a_fifo_does_not_hang_the_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

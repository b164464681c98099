/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ucluster/container.h>

static const struct uc_where where = { .cwd = "/home/me/work",
				       .home = "/home/me",
				       .unchecked = true };

static void describe(const struct uc_container *box, struct uc_buf *out)
{
	for (size_t i = 0; i < box->mount_count; i++)
		uc_buf_addf(out, "%s%s:%s%s%s", i ? "," : "", box->mounts[i].source,
			    box->mounts[i].target, box->mounts[i].flags ? ":" : "",
			    box->mounts[i].flags ? box->mounts[i].flags : "");
}

static void test_mounts_are_read(void **state)
{
	static const char *const cases[][2] = {
		{ "/a", "/a:/a" },
		{ "/a:/b", "/a:/b" },
		{ "/a:/b:ro", "/a:/b:ro" },
		{ "/a:/b:ro+nosuid+rprivate", "/a:/b:ro+nosuid+rprivate" },
		{ "/a//b/./c/:/x/", "/a/b/c:/x" },
		{ "data", "/home/me/work/data:/home/me/work/data" },
		{ "./data:/data", "/home/me/work/data:/data" },
		{ "../data", "/home/me/work/../data:/home/me/data" },
		{ "../../../..:/x", "/home/me/work/../../../..:/x" },
		{ ".", "/home/me/work:/home/me/work" },
		{ "~", "/home/me:/home/me" },
		{ "~/x:~/y:ro", "/home/me/x:/home/me/y:ro" },
		{ "/with blank:/x y", "/with blank:/x y" },
		{ "/a+b:/c+d", "/a+b:/c+d" },
		{ "tmpfs:/t", "tmpfs:/t" },
		{ "tmpfs:/t:size=1M+mode=700", "tmpfs:/t:size=1M+mode=700" },
		{ "umount:/tmp", "umount:/tmp" },
		{ "/dev/null:/etc/x:x-create=file+bind+ro",
		  "/dev/null:/etc/x:x-create=file+bind+ro" },
		{ "/a:/b,/c:/d:ro,/a:/b", "/a:/b,/c:/d:ro" },
		{ "umount:/tmp,/a:/tmp", "umount:/tmp,/a:/tmp" },
		{ "/\xff:/x", "/\xff:/x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(container) struct uc_container box = { 0 };
		uc_auto(buf) struct uc_buf text = { 0 };
		struct uc_error err = { 0 };

		if (uc_container_add_mounts(&box, cases[i][0], UC_MOUNT_NEW, &where,
					    &err) < 0)
			fail_msg("%s: %s", cases[i][0], err.text);
		describe(&box, &text);
		assert_string_equal(uc_buf_text(&text), cases[i][1]);
	}
}

static void test_mounts_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "", "empty source" },
		{ ":", "empty source" },
		{ ":/x", "empty source" },
		{ "/a:", "empty target" },
		{ "/a::ro", "empty target" },
		{ "/a:/b:", "empty flags" },
		{ "/a:/b:ro:rw", "too many ':'" },
		{ "/a,", "empty source" },
		{ ",/a", "empty source" },
		{ "/a,,/b", "empty source" },
		{ "/a:/b:r0", "unknown flag 'r0'" },
		{ "/a:/b:ro+", "unknown flag ''" },
		{ "/a:/b:+ro", "unknown flag ''" },
		{ "/a:/b:RO", "unknown flag 'RO'" },
		{ "/a:/b:size=1M", "unknown flag 'size=1M'" },
		{ "tmpfs:/b:size=", "unknown flag 'size='" },
		{ "tmpfs:/b:speed=9", "unknown flag 'speed=9'" },
		{ "tmpfs", "a target is expected" },
		{ "umount", "a target is expected" },
		{ "/", "cannot be mounted over" },
		{ "/a:/", "cannot be mounted over" },
		{ "/a:/b/..", "cannot be mounted over" },
		{ "~you/x:/x", "only ~/ is known" },
		{ "/a\nb:/x", "cannot be in a path" },
		{ "/a:/x,/b:/x", "two mounts on '/x'" },
		{ "/a:/x,/a:/x:ro", "two mounts on '/x'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(container) struct uc_container box = { 0 };
		struct uc_error err = { 0 };

		if (uc_container_add_mounts(&box, cases[i][0], UC_MOUNT_NEW, &where,
					    &err) == 0)
			fail_msg("'%s' was taken", cases[i][0]);
		if (!strstr(err.text, cases[i][1]))
			fail_msg("'%s' says '%s'", cases[i][0], err.text);
		assert_int_equal(err.code, UC_USAGE);
	}
}

static void test_mounts_of_a_working_directory_with_a_comma(void **state)
{
	static const struct uc_where here = { .cwd = "/a,b", .unchecked = true };
	uc_auto(container) struct uc_container box = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_container_add_mount(&box, ".", UC_MOUNT_NEW, &here, &err),
			 -1);
	assert_non_null(strstr(err.text, "cannot be in a path"));
	assert_int_equal(uc_container_add_mount(&box, "/x,y", UC_MOUNT_NEW, &here, &err),
			 -1);
	assert_int_equal(
		uc_container_add_mount(&box, "~/x:/x", UC_MOUNT_NEW, &here, &err), -1);
	assert_non_null(strstr(err.text, "no home directory"));
	assert_int_equal(box.mount_count, 0);
}

static void test_mounts_know_who_wins(void **state)
{
	uc_auto(container) struct uc_container box = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(
		uc_container_add_mount(&box, "/a:/x", UC_MOUNT_NEW, &where, &err), 0);
	assert_int_equal(
		uc_container_add_mount(&box, "/b:/x:ro", UC_MOUNT_KEEP, &where, &err), 0);
	assert_int_equal(
		uc_container_add_mount(&box, "/b:/y", UC_MOUNT_KEEP, &where, &err), 0);
	assert_int_equal(
		uc_container_add_mount(&box, "/c:/y:ro", UC_MOUNT_REPLACE, &where, &err),
		0);
	describe(&box, &text);
	assert_string_equal(uc_buf_text(&text), "/a:/x,/c:/y:ro");
}

static void test_mounts_must_exist(void **state)
{
	char folder[] = "/tmp/uc-mounts-XXXXXX", text[80];
	struct uc_where here = { .cwd = folder };
	uc_auto(container) struct uc_container box = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(uc_container_add_mount(&box, ".", UC_MOUNT_NEW, &here, &err), 0);
	assert_int_equal(
		uc_container_add_mount(&box, "none:/x", UC_MOUNT_NEW, &here, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	snprintf(text, sizeof(text), "'%s/none' does not exist", folder);
	assert_non_null(strstr(err.text, text));
	assert_int_equal(
		uc_container_add_mount(&box, "none:/x", UC_MOUNT_KEEP, &here, &err), 0);
	rmdir(folder);
}

static void test_mounts_show_a_path(void **state)
{
	static const struct {
		const char *mounts, *path;
		bool shown;
	} cases[] = {
		{ "/a", "/a", true },
		{ "/a", "/a/b", true },
		{ "/a", "/ab", false },
		{ "/a:/b", "/b", false },
		{ "/a:/b", "/a", false },
		{ "/a,/x:/a/b", "/a/b/c", false },
		{ "/x:/a,/a/b", "/a/b/c", true },
		{ "/a,tmpfs:/a/t", "/a/t/x", false },
		{ "/home", "/home/me/work", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(container) struct uc_container box = { 0 };
		struct uc_error err = { 0 };

		assert_int_equal(uc_container_add_mounts(&box, cases[i].mounts,
							 UC_MOUNT_NEW, &where, &err),
				 0);
		assert_int_equal(uc_container_shows(&box, cases[i].path), cases[i].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mounts_are_read),
		cmocka_unit_test(test_mounts_are_refused),
		cmocka_unit_test(test_mounts_of_a_working_directory_with_a_comma),
		cmocka_unit_test(test_mounts_know_who_wins),
		cmocka_unit_test(test_mounts_must_exist),
		cmocka_unit_test(test_mounts_show_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What is set by name, and what pyxis and enroot are told. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ucluster/container.h>

static const struct uc_where where = { .cwd = "/home/me/work",
				       .home = "/home/me",
				       .unchecked = true };

static void set(struct uc_container *box, const char *name, const char *value)
{
	struct uc_error err = { 0 };

	if (uc_container_option(box, name, value, &where, &err) < 0)
		fail_msg("--%s=%s: %s", name, value ? value : "", err.text);
}

static void expect_pyxis(const struct uc_container *box, const char *expected)
{
	uc_auto(strv) struct uc_strv options = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error err = { 0 };

	assert_int_equal(uc_container_pyxis(box, &options, &err), 0);
	for (size_t i = 0; i < options.count; i++)
		uc_buf_addf(&text, "%s%s", i ? "|" : "", options.item[i]);
	assert_string_equal(uc_buf_text(&text), expected);
}

static void test_container_without_image_says_nothing(void **state)
{
	uc_auto(container) struct uc_container box = { 0 };

	(void)state;
	set(&box, "container-mounts", "/a:/b");
	set(&box, "container-workdir", "/b");
	set(&box, "container-writable", NULL);
	expect_pyxis(&box, "");
	set(&box, "container-name", "x");
	expect_pyxis(&box, "--container-name=x|--container-mounts=/a:/b|"
			   "--container-workdir=/b|--container-writable");
}

static void test_container_says_everything_once(void **state)
{
	uc_auto(container) struct uc_container box = { 0 };

	(void)state;
	set(&box, "container-image", "/i.sqsh");
	set(&box, "container-image", "/j.sqsh");
	set(&box, "container-mounts", "/a/b:/a/b,/a");
	set(&box, "container-mounts", "/a:/a,tmpfs:/t:size=1M,umount:/tmp");
	set(&box, "container-name", "n.1:create");
	set(&box, "container-workdir", "~/w");
	set(&box, "container-save", "out.sqsh");
	set(&box, "container-env", "A,B");
	set(&box, "container-env", "B,C_1");
	set(&box, "container-unshare", "net,ipc");
	set(&box, "container-mount-home", NULL);
	set(&box, "no-container-remap-root", NULL);
	set(&box, "no-container-entrypoint", NULL);
	set(&box, "container-entrypoint-log", NULL);
	set(&box, "container-readonly", NULL);
	expect_pyxis(&box,
		     "--container-image=/j.sqsh|--container-name=n.1:create|"
		     "--container-mounts=umount:/tmp,/a:/a,tmpfs:/t:size=1M,/a/b:/a/b|"
		     "--container-workdir=/home/me/w|"
		     "--container-save=/home/me/work/out.sqsh|--container-env=A,B,C_1|"
		     "--container-unshare=net,ipc|--container-mount-home|"
		     "--no-container-remap-root|--no-container-entrypoint|"
		     "--container-entrypoint-log|--container-readonly");
}

static void test_container_reads_the_environment(void **state)
{
	static const char *const environment[] = {
		"PYXIS_CONTAINER_IMAGE=/p.sqsh",
		"PYXIS_CONTAINER_MOUNTS=/p:/p",
		"PYXIS_CONTAINER_REMAP_ROOT=no",
		"PYXIS_CONTAINER_WRITABLE=perhaps",
		"PYXIS_CONTAINER_READONLY=no",
		"PYXIS_CONTAINER_ENTRYPOINT_LOG=0",
		"_SLURM_SPANK_OPTION_pyxis_container_image=/leaked.sqsh",
		"SLURM_SPANK__SLURM_SPANK_OPTION_pyxis_container_mount_home=",
		NULL,
	};
	static const char *const bad[] = { "PYXIS_CONTAINER_NAME=a b", NULL };
	uc_auto(container) struct uc_container box = { 0 };
	uc_auto(container) struct uc_container given = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_container_environment(&box, environment, &where, &err), 0);
	expect_pyxis(&box, "--container-image=/leaked.sqsh|--container-mounts=/p:/p|"
			   "--container-mount-home|--no-container-remap-root|"
			   "--container-writable");
	set(&given, "container-image", "/mine.sqsh");
	set(&given, "container-mounts", "/m:/m");
	set(&given, "container-remap-root", NULL);
	set(&given, "container-readonly", NULL);
	assert_int_equal(uc_container_environment(&given, environment, &where, &err), 0);
	expect_pyxis(&given, "--container-image=/mine.sqsh|--container-mounts=/m:/m|"
			     "--container-mount-home|--container-remap-root|"
			     "--container-readonly");
	assert_int_equal(uc_container_environment(&given, bad, &where, &err), -1);
	assert_non_null(strstr(err.text, "PYXIS_CONTAINER_NAME: container name 'a b'"));
}

static void test_container_checks_where_it_saves(void **state)
{
	char folder[] = "/tmp/uc-save-XXXXXX", file[64], below[64];
	struct uc_where here = { 0 };
	uc_auto(container) struct uc_container box = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/old.sqsh", folder);
	snprintf(below, sizeof(below), "%s/none/x.sqsh", folder);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	here.cwd = folder;
	assert_int_equal(
		uc_container_option(&box, "container-save", "new.sqsh", &here, &err), 0);
	assert_int_equal(uc_container_option(&box, "container-save", folder, &here, &err),
			 -1);
	assert_non_null(strstr(err.text, "is a directory"));
	assert_int_equal(uc_container_option(&box, "container-save", ".", &here, &err),
			 -1);
	assert_int_equal(
		uc_container_option(&box, "container-save", "old.sqsh", &here, &err), -1);
	assert_non_null(strstr(err.text, "it exists"));
	assert_string_equal(err.hint, "--force replaces it");
	assert_int_equal(uc_container_option(&box, "container-save", below, &here, &err),
			 -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	here.unchecked = true;
	assert_int_equal(
		uc_container_option(&box, "container-save", "old.sqsh", &here, &err), 0);
	assert_int_equal(uc_container_option(&box, "container-save", folder, &here, &err),
			 -1);
	unlink(file);
	rmdir(folder);
}

static void expect_enroot(const struct uc_container *box, const char *first,
			  const char *last)
{
	static const char *const pass[] = { "MY_NAME", NULL };
	uc_auto(strv) struct uc_strv words = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error err = { 0 };

	assert_int_equal(uc_container_enroot(box, pass, &words, &err), 0);
	for (size_t i = 0; i < words.count; i++)
		uc_buf_addf(&text, "%s%s", i ? "|" : "", words.item[i]);
	if (strncmp(uc_buf_text(&text), first, strlen(first)) != 0)
		fail_msg("'%s' does not begin '%s'", uc_buf_text(&text), first);
	if (text.len < strlen(last) ||
	    strcmp(uc_buf_text(&text) + text.len - strlen(last), last) != 0)
		fail_msg("'%s' does not end '%s'", uc_buf_text(&text), last);
	assert_non_null(strstr(uc_buf_text(&text), "|--env|CUDA_VISIBLE_DEVICES|"));
	assert_non_null(strstr(uc_buf_text(&text), "|--env|SLURM_JOB_ID|"));
}

static void test_container_starts_enroot(void **state)
{
	uc_auto(container) struct uc_container box = { 0 };

	(void)state;
	set(&box, "container-image", "/i.sqsh");
	expect_enroot(&box, "enroot|start|--env|", "|--env|MY_NAME|/i.sqsh");
	set(&box, "container-mounts", "/a:/b:ro+nosuid,tmpfs:/t:size=1M");
	set(&box, "container-writable", NULL);
	set(&box, "container-remap-root", NULL);
	set(&box, "container-workdir", "/b");
	expect_enroot(
		&box,
		"enroot|start|--root|--rw|--mount|/a:/b:none:x-create=auto,rbind,ro,"
		"nosuid|--mount|tmpfs:/t:tmpfs:x-create=dir,size=1M|--env|",
		"|/i.sqsh|/bin/sh|-c|cd -- \"$0\" && exec \"$@\"|/b");
}

static void test_container_enroot_refuses_what_only_pyxis_can(void **state)
{
	static const char *const only[][2] = {
		{ "container-name", "x" },
		{ "container-save", "/x.sqsh" },
		{ "container-unshare", "net" },
		{ "container-mount-home", NULL },
		{ "no-container-entrypoint", NULL },
		{ "container-image", "ubuntu:22.04" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(only); i++) {
		uc_auto(container) struct uc_container box = { 0 };
		uc_auto(strv) struct uc_strv words = { 0 };
		struct uc_error err = { 0 };

		set(&box, "container-image", "/i.sqsh");
		set(&box, only[i][0], only[i][1]);
		assert_int_equal(uc_container_enroot(&box, NULL, &words, &err), -1);
		assert_int_equal(err.code, UC_USAGE);
	}
}

/* A program that counts how often it was asked. */
static void write_srun(const char *path, const char *options)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\necho x >>\"$0.count\"\necho 'Usage'\necho '%s'\n",
		options);
	fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
}

static long count_of(const char *path)
{
	char name[128];
	struct stat st;

	snprintf(name, sizeof(name), "%s.count", path);
	return stat(name, &st) == 0 ? (long)st.st_size / 2 : 0;
}

static void test_container_asks_srun_once(void **state)
{
	static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };
	char folder[] = "/tmp/uc-srun-XXXXXX", srun[64], dir[64], file[80];
	struct uc_srun_query query = { .srun = srun,
				       .state_dir = dir,
				       .environment = environment };
	struct uc_error err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(srun, sizeof(srun), "%s/srun", folder);
	snprintf(dir, sizeof(dir), "%s/a", folder);
	write_srun(srun, "      --container-image=X  [pyxis] --no-container-mount-home");
	for (int i = 0; i < 3; i++) {
		uc_auto(strv) struct uc_strv names = { 0 };

		assert_int_equal(uc_srun_options(&query, &names, &err), 0);
		assert_true(uc_strv_find(&names, "container-image") >= 0);
		assert_true(uc_strv_find(&names, "no-container-mount-home") >= 0);
		assert_int_equal(names.count, 2);
		assert_int_equal(count_of(srun), 1);
	}
	/* another srun is another question; a damaged answer is none */
	write_srun(srun, "no plugin here, --container and all that");
	for (int i = 0; i < 2; i++) {
		uc_auto(strv) struct uc_strv names = { 0 };

		assert_int_equal(uc_srun_options(&query, &names, &err), 0);
		assert_int_equal(names.count, 0);
		assert_int_equal(count_of(srun), i == 0 ? 2 : 3);
		snprintf(file, sizeof(file), "%s/runtime.json", dir);
		assert_int_equal(truncate(file, 10), 0);
	}
	query.state_dir = "/proc/none";
	query.srun = "/nonexistent/srun";
	assert_int_equal(uc_srun_options(&query, &(struct uc_strv){ 0 }, &err), -1);
	assert_int_equal(err.code, UC_UNREACHABLE);
	unlink(file);
	rmdir(dir);
	unlink(srun);
	snprintf(file, sizeof(file), "%s.count", srun);
	unlink(file);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_container_without_image_says_nothing),
		cmocka_unit_test(test_container_says_everything_once),
		cmocka_unit_test(test_container_reads_the_environment),
		cmocka_unit_test(test_container_checks_where_it_saves),
		cmocka_unit_test(test_container_starts_enroot),
		cmocka_unit_test(test_container_enroot_refuses_what_only_pyxis_can),
		cmocka_unit_test(test_container_asks_srun_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

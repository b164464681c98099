/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Several workers side by side: executables for libslurm.so.39, .41 and .43, which no
 * distribution has, and those libraries, each in a folder of its own, where only the
 * loader can tell which are there.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/action.h>
#include <ucluster/source.h>
#include "slurm/frame.h"

#define WORKERS UC_BUILD_DIR "/tests/slurm/libexec"
#define LIB(n)  UC_BUILD_DIR "/tests/slurm/lib" #n

static char empty[] = "/tmp/ucluster-workers-XXXXXX";

static struct uc_source *source(const char *libraries)
{
	const struct uc_source_options options = { .libexec_dir = WORKERS,
						   .timeout_ms = 60000 };
	struct uc_source *src = NULL;
	struct uc_error err = { 0 };

	setenv("LD_LIBRARY_PATH", libraries, 1);
	setenv("FAKE_WORKER", "which", 1);
	unsetenv("UCLUSTER_SLURM_WORKER");
	unsetenv("SLURM_CONF");
	assert_int_equal(uc_source_open("slurm:", &options, &src, &err), 0);
	return src;
}

/* What a ping says where the loader finds those libraries. */
static void ping(const char *libraries, struct uc_error *err)
{
	struct uc_source *src = source(libraries);

	*err = (struct uc_error){ 0 };
	assert_int_equal(uc_source_ping(src, err), -1);
	uc_source_free(src);
}

static void check_ping(const char *libraries, const char *text)
{
	struct uc_error err;

	ping(libraries, &err);
	assert_string_equal(err.text, text);
}

static void test_the_worker_for_the_library_that_is_here_answers(void **state)
{
	(void)state;
	check_ping(LIB(39), "worker 39, library 39");
	check_ping(LIB(41), "worker 41, library 41");
	check_ping(LIB(43), "worker 43, library 43");
}

static void test_of_several_the_newest_answers(void **state)
{
	(void)state;
	check_ping(LIB(39) ":" LIB(41), "worker 41, library 41");
	check_ping(LIB(41) ":" LIB(43) ":" LIB(39), "worker 43, library 43");
}

static void test_an_older_cluster_gets_an_older_worker(void **state)
{
	struct uc_error err;

	(void)state;
	setenv("FAKE_CLUSTER", "41", 1);
	check_ping(LIB(39) ":" LIB(41) ":" LIB(43), "worker 41, library 41");
	check_ping(LIB(39) ":" LIB(43), "worker 39, library 39");
	/* none is old enough, or can be started: what the newest said */
	check_ping(LIB(43), "worker 43, library 43");
	setenv("FAKE_CLUSTER", "30", 1);
	ping(LIB(39) ":" LIB(41) ":" LIB(43), &err);
	assert_string_equal(err.text, "worker 43, library 43");
	unsetenv("FAKE_CLUSTER");
}

static const struct uc_submission submission = {
	.script = "#!/bin/sh\n",
	.workdir = "/",
	.argv = (const char *const[]){ "a.sh", NULL },
};

/* Submits, and what the workers were asked: "43:1 41:1 41:5 ". */
static void submit(const char *libraries, char *asked, size_t size)
{
	char log[] = "/tmp/ucluster-workers-XXXXXX";
	struct uc_submitted result;
	struct uc_source *src;
	struct uc_error err = { 0 };
	int fd = mkstemp(log);
	ssize_t n;

	setenv("FAKE_LOG", log, 1);
	src = source(libraries);
	assert_int_equal(uc_submit(src, &submission, &result, &err), -1);
	uc_source_free(src);
	unsetenv("FAKE_LOG");
	n = read(fd, asked, size - 1);
	assert_true(n >= 0);
	asked[n] = '\0';
	close(fd);
	unlink(log);
}

static void test_a_job_is_submitted_by_one_worker_only(void **state)
{
	char asked[128], expected[128];

	(void)state;
	setenv("FAKE_CLUSTER", "41", 1);
	submit(LIB(39) ":" LIB(41) ":" LIB(43), asked, sizeof(asked));
	snprintf(expected, sizeof(expected), "43:%d 41:%d 41:%d ", UC_ASK_PING,
		 UC_ASK_PING, UC_ASK_SUBMIT);
	assert_string_equal(asked, expected);
	unsetenv("FAKE_CLUSTER");
}

static void test_the_one_that_fits_is_remembered(void **state)
{
	char log[] = "/tmp/ucluster-workers-XXXXXX", asked[128] = "", expected[128];
	struct uc_source *src;
	struct uc_error err = { 0 };
	int fd = mkstemp(log);

	(void)state;
	setenv("FAKE_CLUSTER", "41", 1);
	setenv("FAKE_LOG", log, 1);
	src = source(LIB(41) ":" LIB(43));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(uc_source_ping(src, &err), 0);
		uc_source_rest(src);
	}
	uc_source_free(src);
	unsetenv("FAKE_LOG");
	unsetenv("FAKE_CLUSTER");
	assert_true(read(fd, asked, sizeof(asked) - 1) > 0);
	snprintf(expected, sizeof(expected), "43:%d 41:%d 41:%d 41:%d ", UC_ASK_PING,
		 UC_ASK_PING, UC_ASK_PING, UC_ASK_PING);
	assert_string_equal(asked, expected);
	close(fd);
	unlink(log);
}

static void write_file(const char *folder, const char *name)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
}

static void remove_file(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

static void check_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' lacks '%s'", text, part);
}

static void test_none_that_fits_names_both_sides(void **state)
{
	struct uc_error err;

	(void)state;
	write_file(empty, "libslurm.so.36");
	write_file(empty, "libslurm.so.47");
	write_file(empty, "libslurm.so.47.0.0");
	write_file(empty, "libslurm.so.x");
	ping(empty, &err);
	assert_int_equal(err.code, UC_UNREACHABLE);
	check_has(err.text, "no worker fits the Slurm here: this machine has ");
	check_has(err.text, "libslurm.so.36 (Slurm 20.11)");
	check_has(err.text, "libslurm.so.47");
	check_has(err.text, "workers are installed for libslurm.so.43 (Slurm 25.05), "
			    "libslurm.so.41 (Slurm 24.05), libslurm.so.39 (Slurm 23.02)");
	assert_null(strstr(err.text, "so.x"));
	assert_null(strstr(err.text, ".0.0"));
	check_has(err.hint, "install ucluster's worker for the Slurm that is here");
	remove_file(empty, "libslurm.so.36");
	remove_file(empty, "libslurm.so.47");
	remove_file(empty, "libslurm.so.47.0.0");
	remove_file(empty, "libslurm.so.x");
}

/* Another user's folder, a wrong architecture, or one that the loader is not told of. */
static void test_a_library_that_is_there_and_not_loaded_is_shown(void **state)
{
	char expected[256];
	struct uc_error err;

	(void)state;
	write_file(empty, "libslurm.so.41");
	ping(empty, &err);
	assert_int_equal(err.code, UC_UNREACHABLE);
	snprintf(expected, sizeof(expected),
		 "Slurm's library libslurm.so.41 cannot be loaded from '%s'", empty);
	assert_string_equal(err.text, expected);
	check_has(err.hint, "LD_LIBRARY_PATH=");
	remove_file(empty, "libslurm.so.41");
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(empty) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_worker_for_the_library_that_is_here_answers),
		cmocka_unit_test(test_of_several_the_newest_answers),
		cmocka_unit_test(test_an_older_cluster_gets_an_older_worker),
		cmocka_unit_test(test_a_job_is_submitted_by_one_worker_only),
		cmocka_unit_test(test_the_one_that_fits_is_remembered),
		cmocka_unit_test(test_none_that_fits_names_both_sides),
		cmocka_unit_test(test_a_library_that_is_there_and_not_loaded_is_shown),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

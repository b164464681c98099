/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The options that lib/job takes for batch jobs and those the worker sets: one list. */
#include "unit.h"

#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ucluster/ucluster.h>
#include "slurm/worker.h"

/* Options of sbatch that a batch job is refused with, for they change what sbatch itself
 * does, are for one site's hardware, or belong to steps. */
static const char *const refused[] = {
	"autocomplete",
	"bbf",
	"cluster",
	"cluster-constraint",
	"clusters",
	"container",
	"consolidate-segments",
	"container-id",
	"container-type",
	"context",
	"cpu-freq",
	"export-file",
	"external",
	"extra-node-info",
	"get-user-env",
	"gid",
	"gpu-bind",
	"gpu-freq",
	"help",
	"hint",
	"ignore-pbs",
	"mem-bind",
	"mem-update",
	"nodefile",
	"ntasks-per-tres",
	"oom-kill-step",
	"power",
	"profile",
	"resources",
	"resv-ports",
	"segment",
	"spread-segments",
	"stepmgr",
	"test-only",
	"tres-bind",
	"uid",
	"usage",
	"version",
	"wait",
	"wrap",
};

static bool is_refused(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (!strcmp(refused[i], name))
			return true;
	return false;
}

/* What "slurm-worker-N --options" prints; false when no worker was built. */
static bool list_worker_options(struct uc_strv *names)
{
	uc_auto(strv) struct uc_strv paths = { 0 };
	char text[8192], *rest = text, *name;
	char *argv[] = { NULL, (char[]){ "--options" }, NULL };
	posix_spawn_file_actions_t files;
	size_t len = 0;
	ssize_t n;
	int ends[2], status;
	pid_t pid;

	unsetenv("UCLUSTER_SLURM_WORKER");
	if (uc_worker_find(UC_BUILD_DIR "/libexec/ucluster", &paths, NULL) < 0)
		return false;
	assert_int_equal(pipe(ends), 0);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, ends[1], 1);
	argv[0] = paths.item[0];
	assert_int_equal(posix_spawn(&pid, paths.item[0], &files, NULL, argv, environ),
			 0);
	posix_spawn_file_actions_destroy(&files);
	close(ends[1]);
	while ((n = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(ends[0]);
	text[len] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	while ((name = strsep(&rest, "\n")) && *name)
		uc_strv_add(names, name);
	return true;
}

static void test_options_for_batch_jobs_are_set_or_refused_knowingly(void **state)
{
	uc_auto(strv) struct uc_strv worker = { 0 };
	const struct uc_slurm_option *options;
	size_t count = 0, known = 0;

	(void)state;
	if (!list_worker_options(&worker))
		skip();
	options = uc_slurm_options(&count);
	for (size_t i = 0; i < count; i++) {
		const char *name = options[i].name;
		bool takes = name && uc_strv_find(&worker, name) >= 0;

		if (!name || !(options[i].scope & UC_SCOPE_SBATCH)) {
			if (takes)
				fail_msg("--%s is not sbatch's, but the worker's", name);
			continue;
		}
		if (takes == is_refused(name))
			fail_msg("--%s: %s", name,
				 takes ? "taken, and on the list of refused"
				       : "neither taken nor on the list of refused");
		known += takes;
	}
	assert_int_equal(known, worker.count);
	assert_true(known > 60);
}

/* bsearch(3) needs it. */
static void test_the_worker_has_its_options_in_order(void **state)
{
	uc_auto(strv) struct uc_strv worker = { 0 };

	(void)state;
	if (!list_worker_options(&worker))
		skip();
	for (size_t i = 1; i < worker.count; i++)
		assert_true(strcmp(worker.item[i - 1], worker.item[i]) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_options_for_batch_jobs_are_set_or_refused_knowingly),
		cmocka_unit_test(test_the_worker_has_its_options_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

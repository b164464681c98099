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

/* Not for the worker: usrun answers them or does them by itself. */
static const char *const of_usrun[] = { "help", "version", "wait" };

static bool is_of_usrun(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(of_usrun); i++)
		if (!strcmp(of_usrun[i], name))
			return true;
	return false;
}

/* Is it refused before anybody is asked, by its name, with a reason and what to do? */
static bool is_refused(const struct uc_slurm_option *option)
{
	static const char *const command[] = { "true", NULL };
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(buf) struct uc_buf script = { 0 };
	uc_auto(buf) struct uc_buf begins = { 0 };
	struct uc_error err = { 0 };

	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(uc_spec_set_command(spec, command, &err), 0);
	if (uc_spec_set(spec, option->name, option->arity == UC_ARITY_NONE ? NULL : "1",
			&err) < 0)
		return false; /* the value is looked at by now, none of those refused is
			       */
	if (uc_spec_script(spec, &script, &err) == 0)
		return false;
	uc_buf_addf(&begins, "--%s does not go with --batch: ",
		    option->same ? option->same : option->name);
	if (err.code != UC_USAGE || strncmp(err.text, begins.data, begins.len) != 0 ||
	    strlen(err.text) == begins.len || !err.hint[0])
		fail_msg("--%s: %s (%s)", option->name, err.text, err.hint);
	return true;
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
		if (takes + is_refused(&options[i]) + is_of_usrun(name) != 1)
			fail_msg("--%s: %s", name,
				 takes ? "taken and refused"
				       : "neither taken nor refused");
		known += takes;
	}
	assert_int_equal(known, worker.count);
	assert_true(known > 100);
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

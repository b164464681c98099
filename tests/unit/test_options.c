/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The table of Slurm's options: its own order, its finding, and the installed tools. */
#include "unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ucluster/option.h>

static void test_options_are_sorted_and_complete(void **state)
{
	size_t count, candidates;
	const struct uc_slurm_option *opt = uc_slurm_options(&count);

	(void)state;
	assert_true(count > 170);
	for (size_t i = 0; i < count; i++) {
		assert_true(opt[i].scope != 0);
		assert_non_null(opt[i].help);
		/* a value has a name, a flag has none */
		assert_int_equal(opt[i].metavar != NULL, opt[i].arity != UC_ARITY_NONE);
		if (i > 0 && strcmp(opt[i].name, "wait") != 0)
			assert_true(strcmp(opt[i - 1].name, opt[i].name) < 0);
		if (opt[i].same)
			assert_non_null(uc_slurm_option_find(
				opt[i].same, strlen(opt[i].same), ~0u, &candidates));
	}
}

static void test_options_letters_are_unique(void **state)
{
	static const unsigned tools[] = { UC_SCOPE_SRUN, UC_SCOPE_SBATCH };
	size_t count;
	const struct uc_slurm_option *opt = uc_slurm_options(&count);

	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(tools); t++)
		for (size_t i = 0; i < count; i++)
			if (opt[i].letter && (opt[i].scope & tools[t]))
				assert_ptr_equal(
					uc_slurm_option_letter(opt[i].letter, tools[t]),
					&opt[i]);
	assert_null(uc_slurm_option_letter('\0', ~0u));
	assert_null(uc_slurm_option_letter('a', UC_SCOPE_SRUN));
	assert_null(uc_slurm_option_letter('y', ~0u));
}

static void test_options_take_abbreviations(void **state)
{
	static const struct {
		const char *name, *found;
		size_t candidates;
	} cases[] = {
		{ "gpus", "gpus", 1 },
		{ "partit", "partition", 1 },
		{ "cpus-per-t", "cpus-per-task", 1 },
		{ "cpu-b", "cpu-bind", 1 },
		{ "tasks", "tasks-per-node", 1 },
		{ "mem-per-", "mem-per-cpu", 2 },
		{ "nothing", NULL, 0 },
		{ "container-im", "container-image", 1 },
		{ "", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct uc_slurm_option *opt;
		size_t candidates;

		opt = uc_slurm_option_find(cases[i].name, strlen(cases[i].name),
					   UC_SCOPE_SRUN | UC_SCOPE_CONTAINER,
					   &candidates);
		assert_int_equal(candidates, cases[i].candidates);
		if (!cases[i].found)
			assert_null(opt);
		else
			assert_string_equal(opt->name, cases[i].found);
	}
}

static void test_options_wait_differs_between_tools(void **state)
{
	size_t candidates;

	(void)state;
	assert_int_equal(
		uc_slurm_option_find("wait", 4, UC_SCOPE_SRUN, &candidates)->arity,
		UC_ARITY_REQUIRED);
	assert_int_equal(
		uc_slurm_option_find("wait", 4, UC_SCOPE_SBATCH, &candidates)->arity,
		UC_ARITY_NONE);
	assert_int_equal(uc_slurm_option_letter('W', UC_SCOPE_SBATCH)->arity,
			 UC_ARITY_NONE);
}

/* What the tool itself says to one word: its stderr. Empty when there is no such tool. */
static void ask(const char *tool, const char *word, const char *conf, char *said,
		size_t size)
{
	size_t len = 0;
	ssize_t got;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(fds[1], 2);
		close(fds[0]);
		setenv("SLURM_CONF", conf, 1);
		unsetenv("LD_PRELOAD");
		execlp(tool, tool, word, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	while (len + 1 < size && (got = read(fds[0], said + len, size - 1 - len)) > 0)
		len += (size_t)got;
	said[len] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* getopt_long(3)'s own words; they are the same in every locale of the tests. */
static int arity_of(const char *tool, const char *name, const char *conf)
{
	char word[96], said[4096];

	snprintf(word, sizeof(word), "--%s", name);
	ask(tool, word, conf, said, sizeof(said));
	if (strstr(said, "unrecognized option"))
		return -1;
	if (strstr(said, "requires an argument"))
		return UC_ARITY_REQUIRED;
	snprintf(word, sizeof(word), "--%s=x", name);
	ask(tool, word, conf, said, sizeof(said));
	return strstr(said, "doesn't allow an argument") ? UC_ARITY_NONE
							 : UC_ARITY_OPTIONAL;
}

/* Options that are optional in some releases only; see options_table.c. */
static bool differs_between_releases(const char *name)
{
	static const char *const names[] = { "external-launcher", "get-user-env",
					     "overlap", "pty", "requeue" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* These do their work, with the controller or without, instead of being looked at. */
static bool does_its_work(const char *name)
{
	return strcmp(name, "autocomplete") == 0 || strcmp(name, "test-only") == 0 ||
	       strcmp(name, "wrap") == 0;
}

static void compare_with(const char *tool, unsigned scope)
{
	char conf[] = "/tmp/uc-options-XXXXXX", said[4096];
	int fd = mkstemp(conf);
	size_t count, known = 0;
	const struct uc_slurm_option *opt = uc_slurm_options(&count);

	assert_true(fd >= 0);
	dprintf(fd, "ClusterName=none\nSlurmctldHost=localhost\n");
	close(fd);
	ask(tool, "--no-such-option", conf, said, sizeof(said));
	if (!strstr(said, "unrecognized option")) {
		unlink(conf);
		print_message("%s is not installed\n", tool);
		skip();
	}
	for (size_t i = 0; i < count; i++) {
		int arity;

		if (!(opt[i].scope & scope) || does_its_work(opt[i].name))
			continue;
		arity = arity_of(tool, opt[i].name, conf);
		known += arity >= 0;
		if (arity >= 0 && arity != (int)opt[i].arity &&
		    !differs_between_releases(opt[i].name))
			fail_msg("%s --%s takes %d, the table says %d", tool, opt[i].name,
				 arity, (int)opt[i].arity);
	}
	unlink(conf);
	/* 20.11, the oldest, has 130 and 120 */
	assert_true(known > 100);
}

static void test_options_agree_with_installed_srun(void **state)
{
	(void)state;
	compare_with("srun", UC_SCOPE_SRUN);
}

static void test_options_agree_with_installed_sbatch(void **state)
{
	(void)state;
	compare_with("sbatch", UC_SCOPE_SBATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_are_sorted_and_complete),
		cmocka_unit_test(test_options_letters_are_unique),
		cmocka_unit_test(test_options_take_abbreviations),
		cmocka_unit_test(test_options_wait_differs_between_tools),
		cmocka_unit_test(test_options_agree_with_installed_srun),
		cmocka_unit_test(test_options_agree_with_installed_sbatch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

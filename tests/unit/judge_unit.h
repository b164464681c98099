/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TESTS_JUDGE_UNIT_H
#define UC_TESTS_JUDGE_UNIT_H
/* For tests that another program judges: random input, running it, folders to remove. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucluster/text.h>
#include <unistd.h>

#include "unit.h"

extern char **environ;

/* Nobody's own configuration; NULL-terminated. */
static const char *const judge_environment[] = {
	"PATH=/usr/bin:/bin",          "LC_ALL=C", "HOME=/", "GIT_CONFIG_NOSYSTEM=1",
	"GIT_CONFIG_GLOBAL=/dev/null", NULL
};

struct judge {
	const char *const *words;
	const char *const *environment; /* NULL: judge_environment */
	const char *in;                 /* a file; NULL: nothing */
	bool quiet;                     /* its errors are left away */
};

/* Run a program and append what it prints to `out`, which may be NULL. Its exit status.
 */
static inline int judge_run(const struct judge *judge, struct uc_buf *out)
{
	const char *const *environment =
		judge->environment ? judge->environment : judge_environment;
	posix_spawn_file_actions_t actions;
	char block[16384];
	int pipes[2], status;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, judge->in ? judge->in : "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
	if (judge->quiet)
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	assert_int_equal(posix_spawnp(&pid, judge->words[0], &actions, NULL,
				      (char **)judge->words, (char **)environment),
			 0);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	while ((got = read(pipes[0], block, sizeof(block))) > 0)
		if (out)
			uc_buf_addn(out, block, (size_t)got);
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Run a program in a folder, with the test's own environment; it must succeed. */
static inline void run_in(const char *dir, const char *const *argv)
{
	posix_spawn_file_actions_t files;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addchdir_np(&files, dir);
	assert_int_equal(
		posix_spawnp(&pid, argv[0], &files, NULL, (char *const *)argv, environ),
		0);
	posix_spawn_file_actions_destroy(&files);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("%s %s: status %x", argv[0], argv[1], (unsigned)status);
}
#define RUN(dir, ...) run_in(dir, (const char *const[]){ __VA_ARGS__, NULL })

static inline unsigned random_below(unsigned *seed, unsigned bound)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % bound;
}

/* Up to `most` of the pieces. */
static inline void add_random(struct uc_buf *text, unsigned *seed,
			      const char *const *piece, unsigned pieces, unsigned most)
{
	for (unsigned left = 1 + random_below(seed, most); left > 0; left--)
		uc_buf_add(text, piece[random_below(seed, pieces)]);
}

static inline int remove_one(const char *path, const struct stat *st, int kind,
			     struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

/* 0, as a tear-down wants it. */
static inline int remove_folder(const char *path)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/spawn.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

/* The first terminal that a new session opens becomes its own. */
static int open_terminal(posix_spawn_file_actions_t *files, const char *path)
{
	int rc = posix_spawn_file_actions_addopen(files, 0, path, O_RDWR, 0);

	rc = rc ? rc : posix_spawn_file_actions_adddup2(files, 0, 1);
	return rc ? rc : posix_spawn_file_actions_adddup2(files, 0, 2);
}

static int open_files(posix_spawn_file_actions_t *files, const int fd[3])
{
	int rc = 0;

	for (int i = 0; i < 3 && rc == 0; i++)
		rc = fd[i] < 0 ? posix_spawn_file_actions_addopen(files, i, "/dev/null",
								  i ? O_WRONLY : O_RDONLY,
								  0)
			       : posix_spawn_file_actions_adddup2(files, fd[i], i);
	return rc;
}

static int set_up(const struct uc_spawn *spawn, posix_spawnattr_t *attr)
{
	short flags = POSIX_SPAWN_SETSIGMASK;
	sigset_t none;
	int rc;

	if (spawn->session)
		flags |= POSIX_SPAWN_SETSID;
	if (spawn->group)
		flags |= POSIX_SPAWN_SETPGROUP;
	sigemptyset(&none);
	rc = posix_spawnattr_setflags(attr, flags);
	rc = rc ? rc : posix_spawnattr_setpgroup(attr, 0);
	return rc ? rc : posix_spawnattr_setsigmask(attr, &none);
}

int uc_spawn(const struct uc_spawn *spawn, pid_t *pid)
{
	const char *program = spawn->program ? spawn->program : spawn->words[0];
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc == 0) {
		rc = set_up(spawn, &attr);
		rc = rc                ? rc
		     : spawn->terminal ? open_terminal(&files, spawn->terminal)
				       : open_files(&files, spawn->fd);
		/* these allocate: a program without its files is not started */
		rc = rc ? rc
			: posix_spawnp(pid, program, &files, &attr, spawn->words,
				       spawn->environment);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

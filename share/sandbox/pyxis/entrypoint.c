/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The image's entrypoint, run once around a shell that stops itself: what it exported
 * and where it went is then read off that shell.
 */
#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ENTRYPOINT_MS 60000
#define POLL_MS       5

/* The status of pid once it stopped or ended; -1 when it did neither in time. */
static int wait_stopped(pid_t pid)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000 };
	int status;

	for (int waited = 0; waited < ENTRYPOINT_MS; waited += POLL_MS) {
		if (waitpid(pid, &status, WUNTRACED | WNOHANG) == pid)
			return status;
		nanosleep(&pause, NULL);
	}
	return -1;
}

static int take_over(struct uc_box *box, pid_t pid)
{
	char path[64], cwd[PATH_MAX], *data = NULL, chunk[4096];
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
	ssize_t len = readlink(path, cwd, sizeof(cwd) - 1);
	if (len < 0)
		return -1;
	cwd[len] = '\0';
	box->cwd = strdup(cwd);

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	FILE *out = fd >= 0 ? open_memstream(&data, &size) : NULL;
	while (out && (len = read(fd, chunk, sizeof(chunk))) > 0)
		fwrite(chunk, 1, (size_t)len, out);
	uc_close(&fd);
	int rc = out && fclose(out) == 0 ? uc_env_store(box, data, size) : -1;
	free(data);
	return rc;
}

static int set_environment(struct uc_start *start, int root)
{
	char data[65536];
	struct uc_box *box = start->box;

	clearenv();
	if (uc_env_collect(box, root))
		return -1;
	ssize_t size = pread(box->fds[UC_FD_ENV], data, sizeof(data) - 1, 0);
	uc_close(&box->fds[UC_FD_ENV]);
	if (size < 0)
		return -1;
	data[size] = '\0';
	for (char *entry = data; entry < data + size; entry += strlen(entry) + 1) {
		char *copy = strdup(entry);
		if (!copy || putenv(copy))
			return -1;
	}
	for (size_t i = 0; i < start->options->n_env; i++) {
		const char *name = start->options->env[i];
		const char *value = uc_job_env(start->job, name);
		if (value)
			setenv(name, value, 1);
	}
	return 0;
}

int uc_entrypoint_run(struct uc_start *start)
{
	const char *const argv[] = {
		"/bin/sh", "/etc/rc", "/bin/sh", "-c", "kill -STOP $$; exit 0", NULL
	};
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (faccessat(root, "etc/rc", R_OK, 0)) {
		uc_close(&root);
		return uc_env_plain(start);
	}
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (set_environment(start, root) == 0)
			execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(126);
	}
	uc_close(&root);
	int status = pid > 0 ? wait_stopped(pid) : -1;
	int rc = status >= 0 && WIFSTOPPED(status) ? take_over(start->box, pid)
						   : UC_ENDED_EARLY;
	if (status >= 0 && WIFEXITED(status))
		return WEXITSTATUS(status) ? WEXITSTATUS(status) : UC_ENDED_EARLY;
	if (pid > 0) {
		kill(pid, SIGKILL);
		uc_child_wait(pid, 1000);
	}
	return rc;
}

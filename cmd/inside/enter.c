/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Be where a process of the job is: in its container (any that is made of namespaces),
 * its directory, with its environment.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "inside/inside.h"

struct wish {
	bool host;
	const char *task; /* NULL: any */
	const char *job, *step;
	char **command;
};

/* In the order in which they are entered: the user namespace gives the right to the rest.
 */
static const struct {
	const char *file;
	int type;
} namespaces[] = {
	{ "ns/user", CLONE_NEWUSER }, { "ns/mnt", CLONE_NEWNS },
	{ "ns/ipc", CLONE_NEWIPC },   { "ns/uts", CLONE_NEWUTS },
	{ "ns/net", CLONE_NEWNET },   { "ns/cgroup", CLONE_NEWCGROUP },
	{ "ns/pid", CLONE_NEWPID },
};
#define NAMESPACES (sizeof(namespaces) / sizeof(namespaces[0]))

static int open_of(pid_t pid, const char *file, int flags)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	uc_buf_addf(&path, "/proc/%d/%s", (int)pid, file);
	return path.failed ? -1 : open(path.data, flags | O_CLOEXEC);
}

static bool is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Is its file system another than ours? */
static bool is_contained(pid_t pid)
{
	const int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	const int its = open_of(pid, "ns/mnt", O_RDONLY);
	const bool other = own >= 0 && its >= 0 && !is_same(own, its);

	if (own >= 0)
		close(own);
	if (its >= 0)
		close(its);
	return other;
}

static bool has(pid_t pid, const char *name, const char *value)
{
	uc_auto(buf) struct uc_buf found = { 0 };

	return process_variable(pid, name, &found) &&
	       strcmp(uc_buf_text(&found), value) == 0;
}

/* The script of a batch job has no step's number. */
static bool is_of_step(pid_t pid, const struct wish *wish)
{
	uc_auto(buf) struct uc_buf found = { 0 };

	if (strcmp(wish->step, "batch") == 0)
		return !process_variable(pid, "SLURM_STEP_ID", &found);
	return has(pid, "SLURM_STEP_ID", wish->step);
}

/* The oldest of the step that is in a container, else the oldest. */
static pid_t choose(const struct processes *list, const struct wish *wish)
{
	const struct process *best = NULL;
	bool best_inside = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct process *p = &list->item[i];
		bool inside;

		if (!p->ours || p->pid == getpid() || !is_of_step(p->pid, wish) ||
		    (wish->task && !has(p->pid, "SLURM_PROCID", wish->task)))
			continue;
		inside = !wish->host && is_contained(p->pid);
		if (best &&
		    (best_inside != inside ? best_inside : p->start >= best->start))
			continue;
		best = p;
		best_inside = inside;
	}
	return best ? best->pid : 0;
}

static int enter_one(int own, int its, size_t i)
{
	if (own < 0 || its < 0 || is_same(own, its))
		return 0;
	if (setns(its, namespaces[i].type) == 0)
		return namespaces[i].type == CLONE_NEWPID;
	/* some kernels forbid these, and little is lost */
	if (namespaces[i].type != CLONE_NEWUSER && namespaces[i].type != CLONE_NEWNS)
		return 0;
	inside_say("the job's container cannot be entered: %s: %s", namespaces[i].file,
		   strerror(errno));
	return -1;
}

/* 1: children are in another PID namespace now. */
static int enter_all(pid_t pid)
{
	int its[NAMESPACES], own[NAMESPACES], rc = 0, fork_needed = 0;
	const int root = open_of(pid, "root", O_PATH | O_DIRECTORY);

	for (size_t i = 0; i < NAMESPACES; i++) {
		its[i] = open_of(pid, namespaces[i].file, O_RDONLY);
		own[i] = open_of(getpid(), namespaces[i].file, O_RDONLY);
	}
	for (size_t i = 0; i < NAMESPACES; i++) {
		if (rc >= 0)
			rc = enter_one(own[i], its[i], i);
		fork_needed |= rc > 0;
		if (its[i] >= 0)
			close(its[i]);
		if (own[i] >= 0)
			close(own[i]);
	}
	/* one that was made by chroot(2) has a root of its own besides */
	if (rc >= 0 && root >= 0) {
		const int now = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (now >= 0 && !is_same(root, now) && fchdir(root) == 0 &&
		    chroot(".") < 0)
			inside_say("the container's root cannot be entered: %s",
				   strerror(errno));
		if (now >= 0)
			close(now);
	}
	if (root >= 0)
		close(root);
	return rc < 0 ? -1 : fork_needed;
}

/* Its environment, with our terminal's kind. */
static char **make_environment(const struct uc_buf *text, struct uc_strv *env)
{
	static const char *const ours[] = { "TERM", "COLORTERM", "LINES", "COLUMNS" };

	for (size_t at = 0; at < text->len;) {
		const char *entry = text->data + at;
		const size_t size = strnlen(entry, text->len - at);
		bool own = false;

		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
			const size_t len = strlen(ours[i]);

			own |= size > len && entry[len] == '=' &&
			       memcmp(entry, ours[i], len) == 0;
		}
		if (!own && memchr(entry, '=', size))
			uc_strv_addn(env, entry, size);
		at += size + 1;
	}
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (getenv(ours[i]))
			uc_strv_addf(env, "%s=%s", ours[i], getenv(ours[i]));
	return env->failed ? NULL : env->item;
}

/* On the CPUs that the job has: Slurm may have bound this step to one of them. */
static void take_cpus(pid_t pid)
{
	cpu_set_t cpus;

	if (sched_getaffinity(pid, sizeof(cpus), &cpus) == 0)
		sched_setaffinity(0, sizeof(cpus), &cpus);
}

static int run(char **command, char **env)
{
	static char bash[] = "bash", sh[] = "sh";
	char *shells[][2] = { { bash, NULL }, { sh, NULL } };

	environ = env;
	if (command[0]) {
		execvp(command[0], command);
		inside_say("%s: %s", command[0], strerror(errno));
		return errno == ENOENT ? 127 : 126;
	}
	for (size_t i = 0; i < 2; i++)
		execvp(shells[i][0], shells[i]);
	inside_say("neither bash nor sh is there");
	return 127;
}

static int run_as_child(char **command, char **env)
{
	const pid_t child = fork();
	int status = 0;

	if (child == 0)
		_exit(run(command, env));
	if (child < 0) {
		inside_say("no process can be made: %s", strerror(errno));
		return 1;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool read_wish(struct wish *wish, char **argv)
{
	for (; *argv && strncmp(*argv, "--", 2) == 0; argv++)
		if (strcmp(*argv, "--host") == 0)
			wish->host = true;
		else if (strncmp(*argv, "--task=", 7) == 0)
			wish->task = *argv + 7;
	if (!argv[0] || !argv[1])
		return false;
	wish->job = argv[0];
	wish->step = argv[1];
	wish->command = argv + 2;
	return true;
}

int inside_enter(char **argv)
{
	struct processes list = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	struct wish wish = { 0 };
	int cwd = -1, rc = 0;
	char **vector = environ;
	pid_t pid;

	if (!read_wish(&wish, argv) || processes_find(&list, wish.job) < 0)
		return 2;
	pid = choose(&list, &wish);
	processes_free(&list);
	if (!pid && wish.task) {
		inside_say("task %s of the step does not run on this node", wish.task);
		return 3;
	}
	if (pid)
		take_cpus(pid);
	/* what a container has, variables and directories, is nothing for the host */
	if (pid && !(wish.host && is_contained(pid)) &&
	    process_read(pid, "environ", &text)) {
		vector = make_environment(&text, &env);
		cwd = open_of(pid, "cwd", O_PATH | O_DIRECTORY);
	}
	if (pid && !wish.host)
		rc = enter_all(pid);
	if (rc < 0 || !vector)
		return 1;
	if (cwd >= 0 && fchdir(cwd) < 0)
		inside_say("the job's directory cannot be entered: %s", strerror(errno));
	if (cwd >= 0)
		close(cwd);
	return rc > 0 ? run_as_child(wish.command, vector) : run(wish.command, vector);
}

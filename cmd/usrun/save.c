/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * srun with --container-save. pyxis deletes an existing target, writes in place, and
 * reports a failed save with status 0 only (pyxis 0.24): so it gets a temporary name
 * beside the target, and usrun waits for srun, looks at the file and renames it.
 */
#include "usrun/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOST_MAX 64
/* The node wrote the file; a shared file system may show it late. */
#define LOOKS   10
#define LOOK_NS 300000000L

/*
 * Sent on to srun. What the terminal sends reaches it by itself, as all of the
 * foreground; what somebody sends to usrun alone does not.
 */
static const int forwarded[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGINT, SIGQUIT };

static volatile sig_atomic_t srun_pid;

struct saving {
	struct uc_buf folder, prefix; /* of temporary files of this target, this host */
	struct uc_buf temporary;
	const char *target;
	bool replace;
};

static void forward(int number, siginfo_t *from, void *context)
{
	(void)context;
	if (srun_pid > 0 && from->si_code != SI_KERNEL)
		kill((pid_t)srun_pid, number);
}

/* Temporary files of runs that were killed: their process is gone. */
static bool is_left_by_run(const struct saving *s, const char *name)
{
	const char *number = name + s->prefix.len;
	char *end;
	long pid;

	if (strncmp(name, uc_buf_text(&s->prefix), s->prefix.len) != 0)
		return false;
	pid = strtol(number, &end, 10);
	return *number && !*end && pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static void sweep(const struct saving *s)
{
	DIR *dir = opendir(uc_buf_text(&s->folder));
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_left_by_run(s, entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

static int name_temporary(struct saving *s, struct uc_error *err)
{
	const char *name = strrchr(s->target, '/') + 1;
	char host[HOST_MAX] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || strchr(host, '/'))
		host[0] = '\0';
	uc_buf_addn(&s->folder, s->target, (size_t)(name - s->target));
	uc_buf_addf(&s->prefix, ".%.120s.saving-%s-", name, host);
	uc_buf_addf(&s->temporary, "%s%s%ld", uc_buf_text(&s->folder),
		    uc_buf_text(&s->prefix), (long)getpid());
	if (s->folder.failed || s->prefix.failed || s->temporary.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	sweep(s);
	return 0;
}

static void become_srun(const struct usrun *u, pid_t parent, char **argv, char **env)
{
	/* nobody would look at the save without usrun: srun goes with it */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	usrun_watch(u);
	execve(u->srun, argv, env);
	_exit(127);
}

/* Start srun in the foreground and wait; its wait status, or -1. */
static int run_srun(const struct usrun *u, char **argv, char **env, struct uc_error *err)
{
	struct sigaction action = { .sa_sigaction = forward,
				    .sa_flags = SA_RESTART | SA_SIGINFO };
	sigset_t all, before;
	pid_t parent = getpid(), pid;
	int status;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		become_srun(u, parent, argv, env);
	}
	if (pid < 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		return uc_fail_errno(err, UC_FAILED, errno, "cannot start srun");
	}
	srun_pid = pid;
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaction(forwarded[i], &action, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return uc_fail_errno(err, UC_FAILED, errno,
					     "cannot wait for srun");
	srun_pid = 0;
	return status;
}

/* Is the temporary file a whole image? */
static int look(const struct saving *s, bool patient, struct uc_error *err)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	struct stat st;

	for (int i = 0; patient && i < LOOKS; i++) {
		if (stat(uc_buf_text(&s->temporary), &st) == 0)
			break;
		nanosleep(&pause, NULL);
	}
	if (stat(uc_buf_text(&s->temporary), &st) < 0) {
		uc_fail(err, UC_FAILED, "the container was not saved to '%s'", s->target);
		return uc_hint(err, "pyxis says why above, in its lines of the node");
	}
	if (uc_squashfs_check(uc_buf_text(&s->temporary), err) < 0) {
		unlink(uc_buf_text(&s->temporary));
		uc_fail(err, UC_FAILED,
			"the container was saved to '%s' only in part, %s", s->target,
			s->replace ? "what was there is left as it was"
				   : "nothing is left there");
		return uc_hint(err,
			       "the job was ended while it was written, or the disk is "
			       "full");
	}
	return 0;
}

static void sync_path(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

	if (fd < 0)
		return;
	fsync(fd); /* not every file system can; the node has closed the file */
	close(fd);
}

static int put_in_place(const struct saving *s, struct uc_error *err)
{
	const char *temporary = uc_buf_text(&s->temporary);

	sync_path(temporary, 0);
	if (s->replace ? rename(temporary, s->target) < 0
		       : renameat2(AT_FDCWD, temporary, AT_FDCWD, s->target,
				   RENAME_NOREPLACE) < 0 &&
				 (errno != EINVAL || link(temporary, s->target) < 0)) {
		uc_fail_errno(err, UC_FAILED, errno, "cannot save to '%s'", s->target);
		return uc_hint(err, "the saved container is '%s'", temporary);
	}
	if (!s->replace)
		unlink(temporary); /* there still after link() */
	sync_path(uc_buf_text(&s->folder), O_DIRECTORY);
	return 0;
}

/* What srun's wait status makes of usrun's exit status. */
static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_and_keep(struct usrun *u, struct saving *s, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv argv = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	const char **vector;
	int status;

	if (uc_spec_srun(u->spec, &argv, err) < 0 ||
	    usrun_environment(u, &env, &vector, err) < 0)
		return -1;
	status = run_srun(u, argv.item, (char **)vector, err);
	free(vector);
	if (status < 0)
		return -1;
	u->run->status = exit_status(status);
	if (look(s, u->run->status == 0, err) < 0 || put_in_place(s, err) < 0) {
		/* the job's own failure is what the caller wants to know first */
		status = u->run->status;
		uc_run_error(u->run, err);
		u->run->status = status ? status : UC_FAILED;
	} else {
		uc_run_say(u->run, 0, "saved the container to '%s'", s->target);
	}
	err->text[0] = '\0';
	return -1;
}

int usrun_save(struct usrun *u, struct uc_error *err)
{
	struct uc_container *box = uc_spec_container(u->spec);
	char *target = box->save;
	struct saving s = { .target = target, .replace = u->args.force };
	int rc = name_temporary(&s, err);

	usrun_sweep(u, target, NULL);
	if (rc == 0) {
		u->save_to = target;
		box->save = s.temporary.data;
		rc = run_and_keep(u, &s, err);
		box->save = target;
	}
	uc_buf_free(&s.folder);
	uc_buf_free(&s.prefix);
	uc_buf_free(&s.temporary);
	return rc;
}

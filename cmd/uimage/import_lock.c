/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * One import to a target at a time, whoever starts it, wherever it runs. The lock is a
 * file beside the target with flock(2) on it: the kernel lets go of it when its holder
 * dies, and on NFS (as a lock on bytes) and Lustre (mounted with flock) it counts on all
 * nodes. Where it does not, the job that is written in the file is asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <ucluster/job.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include <unistd.h>
#include "common/json.h"
#include "uimage/import.h"

#define OWNER_MAX 4096
#define TRIES     50

static void copy_text(const json_t *object, const char *key, char *out, size_t size)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	uc_buf_safe(&safe, uc_raw(json_string_value(json_object_get(object, key))), 0);
	snprintf(out, size, "%s", uc_buf_text(&safe));
}

/* Anything may be in it: another user's file. */
static void read_owner(int fd, struct import_owner *owner)
{
	char text[OWNER_MAX];
	const ssize_t got = pread(fd, text, sizeof(text), 0);
	json_t *object =
		got > 0 ? json_loadb(text, (size_t)got, JSON_DISABLE_EOF_CHECK, NULL)
			: NULL;

	*owner = (struct import_owner){ 0 };
	copy_text(object, "user", owner->user, sizeof(owner->user));
	copy_text(object, "host", owner->host, sizeof(owner->host));
	copy_text(object, "temp", owner->temp, sizeof(owner->temp));
	owner->pid = json_integer_value(json_object_get(object, "pid"));
	owner->job_id = json_integer_value(json_object_get(object, "job_id"));
	owner->started = json_integer_value(json_object_get(object, "started"));
	json_decref(object);
}

static void host_name(char *host, size_t size)
{
	if (gethostname(host, size - 1) < 0)
		host[0] = '\0';
	host[size - 1] = '\0';
}

void import_lock_note(const struct uc_run *run, const struct import_lock *lock,
		      const char *temp)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *job = uc_run_env(run, "SLURM_JOB_ID");
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_json json = { .out = &text };
	char host[256];

	host_name(host, sizeof(host));
	uc_json_open(&json, NULL, '{');
	uc_json_text(&json, "user", uc_raw(pw ? pw->pw_name : NULL));
	uc_json_text(&json, "host", uc_raw(host));
	uc_json_number(&json, "pid", getpid());
	uc_json_number(&json, "job_id", job ? strtol(job, NULL, 10) : 0);
	uc_json_time(&json, "started", time(NULL));
	uc_json_text(&json, "temp", uc_raw(temp));
	uc_json_close(&json, '}');
	uc_buf_addc(&text, '\n');
	/* another user's file that a dead import left is locked, but not written to */
	if (text.failed || ftruncate(lock->fd, 0) < 0 ||
	    pwrite(lock->fd, text.data, text.len, 0) != (ssize_t)text.len)
		return;
	fsync(lock->fd);
}

/* Does slurmctld know it as a job that goes on? One that cannot be asked counts. */
static bool job_goes_on(struct uc_run *run, int64_t job_id)
{
	const uint32_t id = (uint32_t)job_id;
	const struct uc_job_query query = { .job_ids = &id, .job_count = 1 };
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(jobs) struct uc_jobs *jobs = NULL;

	if (uc_run_source(run, 0, &src) < 0 || uc_jobs_load(src, &query, &jobs, NULL) < 0)
		return true;
	for (size_t i = 0; i < jobs->count; i++)
		if (!uc_job_is_finished(jobs->row[i].state))
			return true;
	return false;
}

/* The lock itself was free. */
static bool lives_elsewhere(struct uc_run *run, const struct import_owner *owner)
{
	char host[256];

	host_name(host, sizeof(host));
	return owner->host[0] && strcmp(owner->host, host) != 0 && owner->job_id > 0 &&
	       owner->job_id <= UINT32_MAX && job_goes_on(run, owner->job_id);
}

/* On file systems without locks: what is written in the file is all there is. */
static bool lives_here(const struct import_owner *owner)
{
	char host[256];

	host_name(host, sizeof(host));
	return strcmp(owner->host, host) == 0 && owner->pid > 1 &&
	       (kill((pid_t)owner->pid, 0) == 0 || errno == EPERM);
}

static int refuse(const struct import_owner *owner, const struct uc_buf *name,
		  struct uc_error *err)
{
	uc_fail(err, UC_DENIED, "'%s' is being imported already%s%s%s%s",
		uc_buf_text(name), owner->user[0] ? ", by " : "", owner->user,
		owner->host[0] ? " on " : "", owner->host);
	if (owner->job_id > 0)
		return uc_hint(err,
			       "'uattach %lld' shows how far it is; another name "
			       "does not wait",
			       (long long)owner->job_id);
	return uc_hint(err, "wait until it is there, or give another name");
}

static int open_lock(const char *path, struct uc_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0644);
	const int first = errno;

	/* another user's: it can still be locked */
	if (fd < 0 && (first == EACCES || first == EPERM))
		fd = open(path,
			  O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0)
		return fd;
	return uc_fail_errno(err,
			     first == EACCES || first == EROFS ? UC_DENIED : UC_FAILED,
			     first, "cannot write '%s'", path);
}

/* Is the locked file still the one at its path? */
static bool is_at(int fd, const char *path)
{
	struct stat own, there;

	return fstat(fd, &own) == 0 && lstat(path, &there) == 0 && S_ISREG(own.st_mode) &&
	       own.st_ino == there.st_ino && own.st_dev == there.st_dev;
}

/* Who only looks whether it is held has it for a moment, too. */
static int lock_soon(int fd)
{
	const struct timespec pause = { .tv_nsec = 40000000 };

	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK || i == 5)
			return -1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* 1: it is ours; 0: try again; -1. */
static int try_lock(struct uc_run *run, const struct uc_buf *name,
		    struct import_lock *lock, struct uc_error *err)
{
	struct import_owner owner;
	bool held;

	lock->fd = open_lock(uc_buf_text(&lock->path), err);
	if (lock->fd < 0)
		return -1;
	if (lock_soon(lock->fd) < 0) {
		held = errno == EWOULDBLOCK;
		read_owner(lock->fd, &owner);
		if (held || lives_here(&owner))
			return refuse(&owner, name, err);
	} else if (!is_at(lock->fd, uc_buf_text(&lock->path))) {
		close(lock->fd);
		lock->fd = -1;
		return 0;
	}
	read_owner(lock->fd, &owner);
	if (lives_elsewhere(run, &owner))
		return refuse(&owner, name, err);
	return 1;
}

int import_lock_take(struct uc_run *run, const struct uc_buf *folder,
		     const struct uc_buf *name, struct import_lock *lock,
		     struct uc_error *err)
{
	int rc = 0;

	*lock = (struct import_lock){ .fd = -1 };
	uc_buf_addf(&lock->path, "%s/.%s" IMPORT_LOCK, uc_buf_text(folder),
		    uc_buf_text(name));
	if (lock->path.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (int i = 0; i < TRIES && rc == 0; i++)
		rc = try_lock(run, name, lock, err);
	if (rc > 0) {
		import_lock_note(run, lock, NULL);
		return 0;
	}
	if (rc == 0)
		uc_fail(err, UC_FAILED, "'%s' comes and goes", uc_buf_text(&lock->path));
	if (lock->fd >= 0)
		close(lock->fd);
	lock->fd = -1;
	uc_buf_free(&lock->path);
	return -1;
}

void import_lock_drop(struct import_lock *lock)
{
	if (lock->fd >= 0) {
		unlink(uc_buf_text(&lock->path));
		close(lock->fd);
	}
	lock->fd = -1;
	uc_buf_free(&lock->path);
}

bool import_lock_is_held(struct uc_run *run, const char *path, struct import_owner *owner)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool held;

	*owner = (struct import_owner){ 0 };
	if (fd < 0)
		return false;
	read_owner(fd, owner);
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		held = errno == EWOULDBLOCK || lives_here(owner);
	else
		held = lives_elsewhere(run, owner);
	close(fd);
	return held;
}

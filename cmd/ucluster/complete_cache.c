/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Words of the cluster, kept for a while: a Tab must not wait for slurmctld. One file a
 * kind and cluster, a word a line; everything works without them.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/health.h>
#include "common/files.h"
#include "ucluster/complete.h"

#define MOST ((size_t)4 << 20) /* bytes of a file that are believed */

/* The cluster's name for a file: a hash of where it is known from. */
static uint64_t hash_of(const struct uc_run *run)
{
	const char *parts[] = {
		run->parsed.source,
		uc_run_env(run, "UC_SOURCE"),
		uc_health_slurm_conf(uc_config_string(run->config, "slurm.conf")),
		uc_run_env(run, "SLURM_CONF_SERVER"),
	};
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (const char *p = parts[i]; p && *p; p++)
			hash = (hash ^ (unsigned char)*p) * 0x100000001b3; /* FNV-1a */
		hash = (hash ^ 0xff) * 0x100000001b3;
	}
	return hash;
}

/* "" when there is no place for it. */
static void make_path(const struct uc_run *run, const char *kind, struct uc_buf *path)
{
	uc_run_state_dir(run, path);
	if (path->len)
		uc_buf_addf(path, "/complete/%s-%016llx", kind,
			    (unsigned long long)hash_of(run));
}

bool complete_cache_get(const struct uc_run *run, const char *kind, struct uc_buf *words,
			int64_t *age)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat st;
	char chunk[16384];
	ssize_t n;
	int fd;

	make_path(run, kind, &path);
	fd = path.len ? open(uc_buf_text(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (size_t)st.st_size > MOST) {
		close(fd);
		return false;
	}
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && words->len < MOST)
		uc_buf_addn(words, chunk, (size_t)n);
	close(fd);
	*age = (int64_t)time(NULL) - (int64_t)st.st_mtime;
	return n == 0 && !words->failed && *age >= 0;
}

/* A full or read-only disk is nobody's trouble here. */
void complete_cache_put(const struct uc_run *run, const char *kind,
			const struct uc_buf *words)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error ignored = { 0 };

	make_path(run, kind, &path);
	if (!path.len || path.failed || words->failed)
		return;
	if (uc_keep_file(path.data, uc_buf_text(words), words->len, 0600, &ignored) < 0)
		return;
}

/* One at a time: whoever comes later finds it locked and leaves. */
bool complete_cache_lock(const struct uc_run *run, const char *kind)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	int fd;

	make_path(run, kind, &path);
	if (!path.len || path.failed)
		return false;
	uc_buf_add(&path, ".lock");
	if (path.failed)
		return false;
	uc_keep_folders(path.data);
	fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* kept until the process ends */
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* In a session of its own, without the terminal: the shell waits for its output. */
void complete_cache_refresh(const struct uc_run *run, const char *kind)
{
	char program[] = "ucluster", word[] = "complete", option[] = "--refresh";
	char source[] = "--source";
	char *argv[] = { program,
			 word,
			 option,
			 (char *)(uintptr_t)kind,
			 run->parsed.source ? source : NULL,
			 (char *)(uintptr_t)run->parsed.source,
			 NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	if (posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0) == 0 &&
	    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0) == 0 &&
	    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0) == 0 &&
	    posix_spawn_file_actions_addclosefrom_np(&files, 3) == 0 &&
	    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID) == 0 &&
	    posix_spawn(&pid, "/proc/self/exe", &files, &attr, argv,
			(char *const *)(uintptr_t)run->environment) == 0)
		uc_run_say(run, 2, "refreshing in process %d", (int)pid);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
}

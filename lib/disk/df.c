/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The file systems of some paths. A path is touched by a child process only: statfs(2) of
 * a file system whose server is gone may never return, and no signal ends that.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "base/arena.h"
#include "base/file.h"
#include "disk/mounts.h"
#include <ucluster/spawn.h>

#include "base/network.h"
#include "disk/probe.h"

enum {
	MOUNTINFO_MAX = 8 * 1024 * 1024,
};

/* One child, asked for one path. */
struct question {
	pid_t pid; /* 0: none */
	int fd;    /* -1: nothing more to come */
	size_t got;
	struct uc_disk_probe answer;
};

/* Returns 0 or an errno. A group of its own: Ctrl-C is for who asks. */
static int spawn(const char *program, const char *path, int out, pid_t *pid)
{
	char *const argv[] = { (char *)program, (char *)path, NULL };
	char *const environment[] = { NULL };
	const struct uc_spawn spawn = { .words = argv,
					.environment = environment,
					.group = true,
					.fd = { -1, out, -1 } };

	return uc_spawn(&spawn, pid);
}

static int ask(struct question *q, const char *program, const char *path,
	       struct uc_error *err)
{
	int ends[2], rc;

	q->fd = -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot make a pipe");
	rc = spawn(program, path, ends[1], &q->pid);
	close(ends[1]);
	if (rc) {
		close(ends[0]);
		q->pid = 0;
		return uc_fail_errno(err, UC_FAILED, rc, "cannot run '%s'", program);
	}
	q->fd = ends[0];
	return 0;
}

/* Take what came; the question is over at the end of the file. */
static void listen_to(struct question *q)
{
	char *to = (char *)&q->answer + q->got;
	ssize_t got = read(q->fd, to, sizeof(q->answer) - q->got);

	if (got > 0) {
		q->got += (size_t)got;
		if (q->got < sizeof(q->answer))
			return;
	} else if (got < 0 && errno == EINTR) {
		return;
	}
	close(q->fd);
	q->fd = -1;
}

static int wait_for_all(struct question *questions, size_t count, int timeout_ms)
{
	struct pollfd *fds = calloc(count, sizeof(*fds));
	int64_t until = uc_monotonic_ms() + timeout_ms;

	if (!fds)
		return -1;
	while (true) {
		int64_t left = until - uc_monotonic_ms();
		bool open = false;

		for (size_t i = 0; i < count; i++) {
			fds[i] = (struct pollfd){ questions[i].fd, POLLIN, 0 };
			open = open || questions[i].fd >= 0;
		}
		if (!open || left <= 0)
			break;
		if (poll(fds, count, (int)left) <= 0)
			continue;
		for (size_t i = 0; i < count; i++)
			if (questions[i].fd >= 0 && fds[i].revents)
				listen_to(&questions[i]);
	}
	free(fds);
	return 0;
}

/* A child that hangs is killed as far as the kernel will, and not waited for. */
static bool end(struct question *q)
{
	bool answered = q->got == sizeof(q->answer);

	if (q->fd >= 0)
		close(q->fd);
	if (!q->pid)
		return false;
	if (q->fd >= 0)
		kill(q->pid, SIGKILL);
	while (waitpid(q->pid, NULL, q->fd >= 0 ? WNOHANG : 0) < 0 && errno == EINTR)
		;
	return answered;
}

static void fill(struct uc_disk_fs *fs, const struct question *q, bool answered,
		 bool silent)
{
	const struct uc_disk_probe *a = &q->answer;

	if (!answered || a->magic != UC_PROBE_MAGIC || a->error) {
		fs->state = silent ? UC_DISK_SILENT : UC_DISK_FAILED;
		fs->error = silent ? 0 : answered && a->error ? a->error : EPROTO;
		return;
	}
	fs->network = uc_fs_is_network((long)a->type);
	fs->size = a->size;
	fs->used = a->used;
	fs->available = a->available;
	fs->files = a->files;
	fs->files_used = a->files_used;
	fs->mount_id = a->mount_id;
	fs->quota = a->quota;
}

static void name_mounts(struct uc_disk_list *list)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_mounts mounts;

	/* no /proc: everything else is still known */
	if (uc_file_read("/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL) < 0) {
		if (text.failed)
			uc_arena_fail(list->arena);
		return;
	}
	mounts = uc_mounts_parse(list->arena, uc_buf_text(&text));
	for (size_t i = 0; i < list->count; i++) {
		struct uc_disk_fs *fs = &list->row[i];
		const struct uc_mount *mount =
			uc_mounts_find(&mounts, fs->mount_id, fs->path.bytes);

		if (!mount || fs->state == UC_DISK_FAILED)
			continue;
		fs->mount_id = mount->id;
		fs->mount = uc_raw(mount->path);
		fs->type = uc_raw(mount->type);
		fs->device = uc_raw(mount->device);
	}
}

static struct uc_disk_list *list_new(const char *const *paths)
{
	struct uc_arena *arena = uc_arena_new();
	struct uc_disk_list *list = arena ? uc_arena_alloc(arena, sizeof(*list)) : NULL;
	size_t count = 0;

	while (paths[count])
		count++;
	if (list) {
		list->arena = arena;
		list->count = count;
		list->row = uc_arena_array(arena, count + 1, sizeof(*list->row));
		for (size_t i = 0; list->row && i < count; i++)
			list->row[i].path = uc_raw(uc_arena_strdup(arena, paths[i]));
	}
	if (arena && !uc_arena_failed(arena))
		return list;
	uc_arena_free(arena);
	return NULL;
}

int uc_disk_list_load(const char *const *paths, const char *libexec_dir, int timeout_ms,
		      struct uc_disk_list **out, struct uc_error *err)
{
	uc_auto(disk_list) struct uc_disk_list *list = list_new(paths);
	uc_auto(buf) struct uc_buf program = { 0 };
	struct question *questions =
		list ? calloc(list->count + 1, sizeof(*questions)) : NULL;
	size_t asked = 0;
	int rc = 0;

	uc_buf_addf(&program, "%s/disk-probe", libexec_dir);
	if (!questions || program.failed) {
		free(questions);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	while (asked < list->count && rc == 0) {
		rc = ask(&questions[asked], program.data, paths[asked], err);
		asked++;
	}
	if (rc == 0 && wait_for_all(questions, asked, timeout_ms) < 0)
		rc = uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < asked; i++) {
		bool silent = questions[i].fd >= 0;

		fill(&list->row[i], &questions[i], end(&questions[i]), silent);
	}
	free(questions);
	if (rc < 0)
		return -1;
	name_mounts(list);
	if (uc_arena_failed(list->arena))
		return uc_fail(err, UC_FAILED, "out of memory");
	*out = uc_take(&list);
	return 0;
}

void uc_disk_list_free(struct uc_disk_list *list)
{
	if (list)
		uc_arena_free(list->arena);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "usync/watch_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <ucluster/text.h>
#include <ucluster/units.h>

#define CHANGES                                                                          \
	(IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE |                \
	 IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF)

enum {
	DEPTH_MAX = 64, /* as a walk of the library */
};

/* Folders that change all the time and go nowhere. */
static bool is_left_out(const char *name)
{
	static const char *const names[] = {
		".git",         ".hg",           ".svn",  "__pycache__",
		"node_modules", ".venv",         "venv",  ".mypy_cache",
		".ruff_cache",  ".pytest_cache", "wandb", NULL,
	};

	for (size_t i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return strncmp(name, ".ucluster-", 10) == 0 || strncmp(name, ".uc-", 4) == 0;
}

/* One pass over the tree: watches its folders, and sums up what is there. */
struct pass {
	struct usync_tree *tree;
	struct uc_buf path;
	uint64_t sum;
	int failed; /* errno of a watch */
};

static void add_to_sum(struct pass *pass, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		pass->sum = (pass->sum ^ p[i]) * 0x100000001b3; /* FNV-1a */
}

static void add_stat(struct pass *pass, const char *name, const struct stat *st)
{
	const int64_t facts[] = { st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
				  S_ISDIR(st->st_mode) ? 0 : st->st_size,
				  (int64_t)st->st_mode, (int64_t)st->st_ino };

	add_to_sum(pass, name, strlen(name) + 1);
	add_to_sum(pass, facts, sizeof(facts));
}

static void walk(struct pass *pass, int parent, const char *name, int depth);

/* Takes `fd` over. */
static void walk_names(struct pass *pass, int fd, int depth)
{
	const size_t len = pass->path.len;
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    is_left_out(name))
			continue;
		/* with inotify only folders matter */
		if (pass->tree->inotify >= 0 && entry->d_type != DT_DIR &&
		    entry->d_type != DT_UNKNOWN)
			continue;
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		add_stat(pass, name, &st);
		if (!S_ISDIR(st.st_mode) || depth >= DEPTH_MAX)
			continue;
		uc_buf_addf(&pass->path, "/%s", name);
		if (!pass->path.failed)
			walk(pass, fd, name, depth + 1);
		pass->path.len = len;
		pass->path.data[len] = '\0';
	}
	closedir(dir);
}

static void walk(struct pass *pass, int parent, const char *name, int depth)
{
	const int inotify = pass->tree->inotify;
	int fd;

	if (inotify >= 0 && !pass->failed &&
	    inotify_add_watch(inotify, uc_buf_text(&pass->path),
			      CHANGES | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK) <
		    0 &&
	    errno != ENOENT && errno != EACCES && errno != ENOTDIR)
		pass->failed = errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		walk_names(pass, fd, depth);
}

/* False: inotify cannot watch all of it. */
static bool look(struct usync_tree *tree)
{
	struct pass pass = { .tree = tree, .sum = 0xcbf29ce484222325 };

	uc_buf_add(&pass.path, tree->root);
	walk(&pass, AT_FDCWD, tree->root, 0);
	tree->seen = pass.sum;
	tree->again = false;
	uc_buf_free(&pass.path);
	if (pass.failed)
		tree->why = pass.failed == ENOSPC
				    ? "there are more folders than the system lets watch"
				    : "inotify fails";
	return !pass.failed;
}

/* What others write to a shared file system this kernel does not hear of. */
static bool is_shared(const char *root)
{
	static const uint32_t types[] = {
		0x6969 /* NFS */,      0x517b /* SMB */,        0xff534d42 /* CIFS */,
		0xfe534d42 /* SMB2 */, 0x65735546 /* FUSE */,   0x0bd00bd0 /* Lustre */,
		0x47504653 /* GPFS */, 0x19830326 /* BeeGFS */, 0x00c36400 /* Ceph */,
		0x01021997 /* 9p */,   0x5346414f /* AFS */,
	};
	struct statfs fs;

	if (statfs(root, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((uint32_t)fs.f_type == types[i])
			return true;
	return false;
}

static void by_looking(struct usync_tree *tree, const char *why)
{
	if (tree->inotify >= 0)
		close(tree->inotify);
	tree->inotify = -1;
	tree->why = why;
	(void)look(tree);
}

int usync_tree_open(struct usync_tree *tree, const char *root, bool looking,
		    struct uc_error *err)
{
	struct stat st;

	tree->root = root;
	tree->inotify = -1;
	if (stat(root, &st) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "'%s'", root);
	if (looking || is_shared(root)) {
		by_looking(tree,
			   looking ? "--poll" : "others may write to this file system");
		return 0;
	}
	tree->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (tree->inotify < 0)
		by_looking(tree, "inotify is not there");
	else if (!look(tree))
		by_looking(tree, tree->why);
	return 0;
}

void usync_tree_close(struct usync_tree *tree)
{
	if (tree->inotify >= 0)
		close(tree->inotify);
	tree->inotify = -1;
}

/* Take all events there are; is one of them more than a sign of the watch itself? */
static bool take_events(struct usync_tree *tree)
{
	_Alignas(struct inotify_event) char events[16384];
	bool changed = false;
	ssize_t len;

	while ((len = read(tree->inotify, events, sizeof(events))) > 0) {
		for (const char *p = events; p < events + len;) {
			const struct inotify_event *event = (const void *)p;

			p += sizeof(*event) + event->len;
			tree->again =
				tree->again || (event->mask & (IN_ISDIR | IN_Q_OVERFLOW));
			if ((event->mask & IN_IGNORED) ||
			    (event->len && is_left_out(event->name)))
				continue;
			changed = true;
		}
	}
	return changed;
}

static int wait_looking(struct usync_tree *tree, int ms)
{
	const int64_t end = ms < 0 ? INT64_MAX : uc_monotonic_ms() + ms;

	for (;;) {
		const uint64_t before = tree->seen;
		const int64_t left = end - uc_monotonic_ms();

		if (left <= 0)
			return 0;
		poll(NULL, 0, (int)(left < tree->interval_ms ? left : tree->interval_ms));
		(void)look(tree);
		if (tree->seen != before)
			return 1;
	}
}

int usync_tree_wait(struct usync_tree *tree, int ms, struct uc_error *err)
{
	struct pollfd in = { .fd = tree->inotify, .events = POLLIN };
	const int64_t end = ms < 0 ? INT64_MAX : uc_monotonic_ms() + ms;

	if (tree->inotify < 0)
		return wait_looking(tree, ms);
	for (;;) {
		const int64_t left = ms < 0 ? -1 : end - uc_monotonic_ms();
		int ready;

		if (ms >= 0 && left <= 0)
			return 0;
		ready = poll(&in, 1, (int)left);
		if (ready < 0 && errno != EINTR)
			return uc_fail_errno(err, UC_FAILED, errno, "poll");
		if (ready > 0 && take_events(tree))
			return 1;
	}
}

void usync_tree_refresh(struct usync_tree *tree)
{
	if (tree->inotify < 0 || !tree->again)
		return;
	if (!look(tree))
		by_looking(tree, tree->why);
}

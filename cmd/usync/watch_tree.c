/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "usync/watch_tree.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ucluster/text.h>
#include <ucluster/units.h>

/* One pass over the tree: watches its folders, or sums up what is there. */
struct pass {
	struct usync_tree *tree;
	uint64_t sum;
	int failed; /* errno of a watch */
};

#if defined(__linux__) && !defined(UC_PORTABLE)
#include <sys/inotify.h>
#include <sys/vfs.h>

#define CHANGES                                                                          \
	(IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE |                \
	 IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF)

/* Names that a walk never tells. */
static bool is_ours(const char *name)
{
	return strncmp(name, ".ucluster-", 10) == 0 || strncmp(name, ".uc-", 4) == 0;
}

static int open_events(void)
{
	return inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

static void watch_folder(struct pass *pass, const char *path)
{
	if (!pass->failed &&
	    inotify_add_watch(pass->tree->inotify, path,
			      CHANGES | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK) <
		    0 &&
	    errno != ENOENT && errno != EACCES && errno != ENOTDIR)
		pass->failed = errno;
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
			    (event->len && is_ours(event->name)))
				continue;
			changed = true;
		}
	}
	return changed;
}
#else
/* Without inotify: by looking. */
static int open_events(void)
{
	return -1;
}

static void watch_folder(struct pass *pass, const char *path)
{
	(void)path;
	pass->failed = ENOSYS;
}

static bool is_shared(const char *root)
{
	(void)root;
	return false;
}

static bool take_events(struct usync_tree *tree)
{
	(void)tree;
	return false;
}
#endif

static void add_to_sum(struct pass *pass, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		pass->sum = (pass->sum ^ p[i]) * 0x100000001b3; /* FNV-1a */
}

static void take(void *arg, const struct uc_sync_item *item)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct pass *pass = arg;
	const int64_t facts[] = { item->kind == 'd' ? 0 : item->mtime_ns,
				  (int64_t)item->size, item->mode };

	if (pass->tree->inotify < 0) {
		add_to_sum(pass, item->path, strlen(item->path) + 1);
		add_to_sum(pass, facts, sizeof(facts));
		if (item->target)
			add_to_sum(pass, item->target, strlen(item->target));
		return;
	}
	if (item->kind != 'd')
		return;
	uc_buf_addf(&path, "%s/%s", pass->tree->request->near, item->path);
	if (!path.failed)
		watch_folder(pass, path.data);
}

/* False: inotify cannot watch all of it. */
static bool look(struct usync_tree *tree)
{
	struct pass pass = { .tree = tree, .sum = 0xcbf29ce484222325 };

	if (tree->inotify >= 0)
		watch_folder(&pass, tree->request->near);
	/* what cannot be looked at now is tried again, and told by the push */
	if (uc_sync_look(tree->request, take, &pass, NULL) < 0)
		pass.sum = 0;
	tree->seen = pass.sum;
	tree->again = false;
	if (pass.failed)
		tree->why = pass.failed == ENOSPC
				    ? "there are more folders than the system lets watch"
				    : "inotify fails";
	return !pass.failed;
}

static void by_looking(struct usync_tree *tree, const char *why)
{
	if (tree->inotify >= 0)
		close(tree->inotify);
	tree->inotify = -1;
	tree->why = why;
	(void)look(tree);
}

int usync_tree_open(struct usync_tree *tree, bool looking, struct uc_error *err)
{
	const char *root = tree->request->near;
	struct stat st;

	tree->inotify = -1;
	if (stat(root, &st) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "'%s'", root);
	if (looking || is_shared(root)) {
		by_looking(tree,
			   looking ? "--poll" : "others may write to this file system");
		return 0;
	}
	tree->inotify = open_events();
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Making a snapshot. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/linux.h"
#include "sync/prune.h"
#include "sync/skip.h"
#include "sync/snapshot_inside.h"
#include "sync/store_path.h"
#include "sync/walk.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define PIECE  (256u << 10)
#define MANY   (1u << 30) /* bytes copied in one call */

struct maker {
	const struct uc_snapshot_options *options;
	int top, tree;
	int before; /* tree of the snapshot before; -1: none */
	int folder; /* of what is walked, in the tree; -1: none */
	int same;   /* the same of the one before; -1: it has none */
	char *path; /* of `folder` */
	struct uc_sync_list folders;
	uint64_t files, links, bytes, copied, unread;
};

/* Copying */

int uc_snapshot_copy(int from, int to)
{
	char *piece;
	ssize_t got;

	if (uc_linux_clone(to, from) == 0)
		return 0;
	while ((got = uc_linux_copy(from, to, MANY)) > 0)
		;
	if (got == 0)
		return 0;
	if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return -1;
	piece = malloc(PIECE);
	if (!piece)
		return -1;
	/* both go on where that call stopped */
	while ((got = read(from, piece, PIECE)) > 0) {
		for (ssize_t at = 0, put; at < got; at += put) {
			put = write(to, piece + at, (size_t)(got - at));
			if (put < 0) {
				free(piece);
				return -1;
			}
		}
	}
	free(piece);
	return got < 0 ? -1 : 0;
}

/* Without a call for a whole file system each file is written out when it was copied. */
static int sync_all(int snapshot)
{
	if (uc_linux_sync_all(snapshot) == 0)
		return 0;
	if (errno != ENOSYS)
		return -1;
	sync();
	return fsync(snapshot);
}

static mode_t without_write(unsigned mode)
{
	return (mode_t)(mode & 0777 & ~0222u);
}

/* A file that changes while it is copied is copied again, a few times. */
static int copy_steady(int from, int to, struct stat *st)
{
	for (int tries = 0; tries < 4; tries++) {
		struct stat now, copy;

		if (lseek(from, 0, SEEK_SET) < 0 || lseek(to, 0, SEEK_SET) < 0 ||
		    ftruncate(to, 0) < 0 || fstat(from, st) < 0 ||
		    uc_snapshot_copy(from, to) < 0 || fstat(from, &now) < 0 ||
		    fstat(to, &copy) < 0)
			return -1;
		if (now.st_size == st->st_size && copy.st_size == st->st_size &&
		    uc_store_mtime(&now) == uc_store_mtime(st))
			break;
	}
	return 0; /* one that is written to all the time is as good as it gets */
}

/* 1: the source could not be read. */
static int copy_file(struct maker *m, int folder, const char *name, struct uc_error *err)
{
	SNAPSHOT_FD from =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return 1;
	SNAPSHOT_FD to = openat(m->folder, name,
				O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (to < 0 || copy_steady(from, to, &st) < 0 ||
	    fchmod(to, without_write(st.st_mode)) < 0 ||
	    uc_store_utime(to, uc_store_mtime(&st)) < 0 ||
	    (!UC_LINUX && !m->options->no_sync && fsync(to) < 0))
		return uc_fail_errno(err, UC_FAILED, errno, "cannot copy '%s/%s'",
				     m->path, name);
	m->copied += (uint64_t)st.st_size;
	return 0;
}

/* The file of the snapshot before, when nothing changed. */
static bool link_before(struct maker *m, const char *name,
			const struct uc_sync_entry *entry)
{
	struct stat st;

	return m->same >= 0 && fstatat(m->same, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && (uint64_t)st.st_size == entry->size &&
	       uc_store_mtime(&st) == entry->mtime && st.st_uid == geteuid() &&
	       (st.st_mode & 07777) == without_write(entry->mode) &&
	       linkat(m->same, name, m->folder, name, 0) == 0;
}

static int add_file(struct maker *m, int folder, const char *name,
		    const struct uc_sync_entry *entry, struct uc_error *err)
{
	if (!link_before(m, name, entry)) {
		int status = copy_file(m, folder, name, err);

		if (status < 0)
			return -1;
		if (status > 0) {
			m->unread++;
			return 0;
		}
	}
	m->files++;
	m->bytes += entry->size;
	return 0;
}

/* Walking */

/* Open the folder that `path` is in, in the tree and in the one before. */
static int go_to(struct maker *m, const char *path, size_t len, struct uc_error *err)
{
	char *folder;

	if (m->folder >= 0 && strlen(m->path) == len && memcmp(m->path, path, len) == 0)
		return 0;
	folder = strndup(path, len);
	if (!folder)
		return uc_fail(err, UC_FAILED, "out of memory");
	uc_snapshot_close(&m->folder);
	uc_snapshot_close(&m->same);
	free(m->path);
	m->path = folder;
	m->folder = uc_store_openat(m->tree, folder, O_RDONLY | O_DIRECTORY);
	m->same = m->before < 0
			  ? -1
			  : uc_store_openat(m->before, folder, O_RDONLY | O_DIRECTORY);
	return m->folder < 0
		       ? uc_fail_errno(err, UC_FAILED, errno, "cannot open '%s'", folder)
		       : 0;
}

static int add_link(struct maker *m, const char *name, const struct uc_sync_entry *entry,
		    struct uc_error *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     uc_store_timespec(entry->mtime) };

	if (symlinkat(entry->target, m->folder, name) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot make the link '%s'",
				     entry->path);
	(void)utimensat(m->folder, name, times, AT_SYMLINK_NOFOLLOW);
	m->links++;
	return 0;
}

static int take(void *arg, int folder, const struct uc_sync_entry *entry,
		struct uc_error *err)
{
	struct maker *m = arg;
	const char *name;
	size_t len;

	name = uc_store_path_split(entry->path, &len);
	if (go_to(m, entry->path, len, err) < 0)
		return -1;
	if (entry->kind == UC_SYNC_FILE)
		return add_file(m, folder, name, entry, err);
	if (entry->kind == UC_SYNC_LINK)
		return add_link(m, name, entry, err);
	if (mkdirat(m->folder, name, 0700) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot make '%s'",
				     entry->path);
	return uc_sync_list_add(&m->folders, entry, err);
}

static bool is_over(void *arg)
{
	const struct maker *m = arg;

	return m->options->stop && m->options->stop(m->options->arg);
}

static int walk(struct maker *m, int root, struct uc_error *err)
{
	const struct uc_snapshot_options *o = m->options;
	uc_auto(ignore_list) struct uc_ignore_list rules = { 0 }, defaults = { 0 };
	uc_auto(sync_walked) struct uc_sync_walked sum = { 0 };
	struct uc_sync_walk_options options = {
		.no_gitignore = o->no_gitignore, .entry = take, .stop = is_over, .arg = m
	};

	if (o->rules) {
		if (uc_ignore_list_read(&rules, "rules", "", o->rules, strlen(o->rules),
					err) < 0)
			return -1;
		options.command = &rules;
	}
	if (!o->no_defaults) {
		if (uc_sync_skip_read(&defaults, err) < 0)
			return -1;
		options.defaults = &defaults;
	}
	if (uc_sync_walk(root, &options, &sum, err) < 0)
		return -1;
	m->unread += sum.notes[UC_SYNC_UNREADABLE] + sum.notes[UC_SYNC_TOO_LONG] +
		     sum.notes[UC_SYNC_TOO_DEEP];
	return 0;
}

/* The end */

/* From the deepest on: what is done with cannot be written to any more. */
static int close_folders(struct maker *m, struct uc_error *err)
{
	for (size_t i = m->folders.count; i-- > 0;) {
		const struct uc_sync_entry *entry = uc_sync_list_at(&m->folders, i);
		SNAPSHOT_FD fd =
			uc_store_openat(m->tree, entry->path, O_RDONLY | O_DIRECTORY);

		/* so that it can be looked at, whatever the folder's own mode is */
		if (fd < 0 || uc_store_utime(fd, entry->mtime) < 0 ||
		    fchmod(fd, without_write(entry->mode) | 0500) < 0)
			return uc_fail_errno(err, UC_FAILED, errno, "cannot close '%s'",
					     entry->path);
	}
	return fchmod(m->tree, 0555) < 0
		       ? uc_fail_errno(err, UC_FAILED, errno, "cannot close the tree")
		       : 0;
}

static json_t *meta_of(const struct maker *m, const char *id, time_t now)
{
	const struct uc_snapshot_options *o = m->options;

	return json_pack(
		"{s:i, s:s, s:I, s:s*, s:s*, s:s*, s:s*, s:I, s:I, s:I, s:I, s:I, s:I}",
		"version", 1, "id", id, "time", (json_int_t)now, "message", o->message,
		"user", o->user, "host", o->host, "git", o->git, "files",
		(json_int_t)m->files, "folders", (json_int_t)m->folders.count, "links",
		(json_int_t)m->links, "bytes", (json_int_t)m->bytes, "copied",
		(json_int_t)m->copied, "unread", (json_int_t)m->unread);
}

static int write_meta(int snapshot, const json_t *meta, struct uc_error *err)
{
	char *text = json_dumps(meta, JSON_INDENT(1));
	SNAPSHOT_FD fd =
		openat(snapshot, SNAPSHOT_META,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	size_t len = text ? strlen(text) : 0;
	bool good = text && fd >= 0 && write(fd, text, len) == (ssize_t)len;

	free(text);
	return good ? 0
		    : uc_fail_errno(err, UC_FAILED, errno, "cannot write '%s'",
				    SNAPSHOT_META);
}

/* Fill the snapshot that is open; its name is `id` when it is whole. */
static json_t *fill(struct maker *m, int root, int snapshot, const char *id, time_t now,
		    struct uc_error *err)
{
	json_t *meta;

	if (mkdirat(snapshot, SNAPSHOT_TREE, 0700) < 0 ||
	    (m->tree = openat(snapshot, SNAPSHOT_TREE, FOLDER)) < 0) {
		(void)uc_fail_errno(err, UC_FAILED, errno, "cannot make the snapshot");
		return NULL;
	}
	if (walk(m, root, err) < 0 || close_folders(m, err) < 0)
		return NULL;
	meta = meta_of(m, id, now);
	if (!meta) {
		(void)uc_fail(err, UC_USAGE, "the message is no text");
		return NULL;
	}
	if (write_meta(snapshot, meta, err) < 0) {
		json_decref(meta);
		return NULL;
	}
	if (!m->options->no_sync && sync_all(snapshot) < 0) {
		(void)uc_fail_errno(err, UC_FAILED, errno, "cannot write the snapshot");
		json_decref(meta);
		return NULL;
	}
	(void)fchmod(snapshot, 0555);
	return meta;
}

/* The latest whole snapshot's tree. */
static int open_before(int top)
{
	uc_auto(strv) struct uc_strv ids = { 0 };
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error err;

	if (uc_snapshot_ids(top, &ids, &err) < 0 || !ids.count)
		return -1;
	uc_buf_addf(&path, "%s/%s", ids.item[ids.count - 1], SNAPSHOT_TREE);
	return uc_store_openat(top, uc_buf_text(&path), O_RDONLY | O_DIRECTORY);
}

/* Those that were interrupted: nobody holds them any more. */
static void sweep(int top)
{
	int fd = openat(top, ".", FOLDER);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		uc_snapshot_close(&fd);
	while (dir && (entry = readdir(dir))) {
		struct uc_tree_sum sum = { 0 };
		struct stat st;

		if (!uc_store_is_temporary(entry->d_name))
			continue;
		SNAPSHOT_FD old = openat(top, entry->d_name, FOLDER);
		if (old >= 0 && fstat(old, &st) == 0 && st.st_uid == geteuid() &&
		    flock(old, LOCK_EX | LOCK_NB) == 0)
			(void)!uc_tree_remove(top, entry->d_name, &sum, NULL);
	}
	if (dir)
		closedir(dir);
}

static int make_top(int root, struct uc_error *err)
{
	int top = uc_snapshot_top(root);
	struct stat st;

	if (top < 0 && errno == ENOENT && mkdirat(root, UC_STORE_SNAPSHOTS, 0700) == 0) {
		top = uc_snapshot_top(root);
		/* whoever reads the folder reads its snapshots */
		if (top >= 0 && fstat(root, &st) == 0)
			(void)fchmod(top, (st.st_mode & 0755) | 0700);
	}
	if (top < 0)
		(void)uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_FAILED, errno,
				    "cannot open '%s'", UC_STORE_SNAPSHOTS);
	return top;
}

/* Begin one under another name, held so that nobody sweeps it. */
static int begin(int top, char temporary[UC_STORE_NAME_SIZE], struct uc_error *err)
{
	int fd = -1;

	if (uc_store_random_name(temporary) == 0 && mkdirat(top, temporary, 0700) == 0)
		fd = openat(top, temporary, FOLDER);
	if (fd < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot make a snapshot");
	(void)flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}

/* The latest has the last name, also of two in one second. */
static void go_behind(int top, char *id)
{
	uc_auto(strv) struct uc_strv ids = { 0 };
	const size_t len = strcspn(id, "-") + 1;
	unsigned long number;
	const char *last;

	if (uc_snapshot_ids(top, &ids, NULL) < 0 || ids.count == 0)
		return;
	last = ids.item[ids.count - 1];
	if (strncmp(id, last, len) != 0 || strcmp(id, last) > 0)
		return;
	number = strtoul(last + len, NULL, 16);
	if (number < 0xffff)
		(void)snprintf(id + len, 5, "%04lx", number + 1);
}

static void id_of(int top, char id[UC_STORE_NAME_SIZE], time_t now)
{
	char random[UC_STORE_NAME_SIZE] = ".uc-0000";
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	(void)uc_store_random_name(random);
	(void)strftime(id, UC_STORE_NAME_SIZE, "%Y%m%dT%H%M%SZ-", &tm);
	random[4] = (char)('0' + (random[4] & 7)); /* there are some behind it */
	memcpy(id + strlen(id), random + 4, 4);
	go_behind(top, id);
}

static void maker_free(struct maker *m)
{
	uc_snapshot_close(&m->tree);
	uc_snapshot_close(&m->before);
	uc_snapshot_close(&m->folder);
	uc_snapshot_close(&m->same);
	uc_snapshot_close(&m->top);
	uc_sync_list_free(&m->folders);
	free(m->path);
}

json_t *uc_snapshot_make(int root, const struct uc_snapshot_options *options,
			 struct uc_error *err)
{
	struct maker m = { .options = options,
			   .top = make_top(root, err),
			   .tree = -1,
			   .before = -1,
			   .folder = -1,
			   .same = -1 };
	char temporary[UC_STORE_NAME_SIZE], id[UC_STORE_NAME_SIZE] = "";
	struct uc_tree_sum sum = { 0 };
	SNAPSHOT_FD fd = -1;
	json_t *meta = NULL;

	if (m.top >= 0) {
		sweep(m.top);
		m.before = open_before(m.top);
		fd = begin(m.top, temporary, err);
	}
	if (fd >= 0) {
		time_t now = time(NULL);

		id_of(m.top, id, now);
		meta = fill(&m, root, fd, id, now, err);
		if (meta && uc_store_rename_new(m.top, temporary, m.top, id) < 0) {
			(void)uc_fail_errno(err, UC_FAILED, errno,
					    "cannot name the snapshot '%s'", id);
			json_decref(meta);
			meta = NULL;
		}
		if (!meta)
			(void)!uc_tree_remove(m.top, temporary, &sum, NULL);
		else if (!options->no_sync)
			(void)fsync(m.top);
	}
	maker_free(&m);
	return meta;
}

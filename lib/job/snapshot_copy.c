/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Copying a tree. The manifest has one record a file, the last field ended by NUL:
 *
 *	SIZE MTIME.NS CTIME.NS DEVICE INODE MODE PATH
 *
 * all of the working file, and first the time at which the snapshot was begun.
 */
#include "job/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SETTLED_S    2 /* the coarsest time stamps of a file system, NFS's included */
#define ATTEMPTS     3
#define MANIFEST_MAX (256u << 20)

/* Sorted by path. */
struct manifest {
	char *text;
	struct known {
		const char *path, *stamp;
	} * item;
	size_t count;
	int64_t begun;
};

struct work {
	const struct uc_tree_copy *copy;
	struct uc_snapshot *snap;
	struct manifest before;
	struct uc_buf manifest;
	uint64_t bytes;
};

static void add_stamp(struct uc_buf *out, const struct stat *st)
{
	uc_buf_addf(out, "%jd %jd.%09ld %jd.%09ld %ju %ju %o", (intmax_t)st->st_size,
		    (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		    (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec,
		    (uintmax_t)st->st_dev, (uintmax_t)st->st_ino, (unsigned)st->st_mode);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->path, ((const struct known *)b)->path);
}

static char *read_text(int fd, size_t size)
{
	char *text = malloc(size + 1);
	size_t have = 0;
	ssize_t got = 1;

	while (text && have < size && got > 0) {
		got = read(fd, text + have, size - have);
		have += got > 0 ? (size_t)got : 0;
	}
	if (text)
		text[have] = '\0';
	if (have == size)
		return text;
	free(text);
	return NULL;
}

/* Cut "STAMP PATH" records; six blanks are in a stamp and behind it. */
static void cut_records(struct manifest *m, char *p, const char *end)
{
	while (p < end) {
		char *next = p + strlen(p) + 1, *path = p;

		for (int blanks = 0; blanks < 6 && path; blanks++) {
			path = strchr(path, ' ');
			path = path ? path + 1 : NULL;
		}
		if (path) {
			path[-1] = '\0';
			m->item[m->count++] = (struct known){ path, p };
		}
		p = next;
	}
}

/* Whatever is wrong with it: then nothing is linked. */
static void read_manifest(struct manifest *m, int before)
{
	int fd = before < 0 ? -1
			    : openat(before, UC_SNAPSHOT_MANIFEST,
				     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	size_t records = 1;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < MANIFEST_MAX)
		m->text = read_text(fd, (size_t)st.st_size);
	close(fd);
	if (!m->text)
		return;
	for (off_t i = 0; i < st.st_size; i++)
		records += m->text[i] == '\0';
	m->item = calloc(records, sizeof(*m->item));
	if (!m->item)
		return;
	m->begun = strtoll(m->text, NULL, 10);
	cut_records(m, m->text + strlen(m->text) + 1, m->text + st.st_size);
	qsort(m->item, m->count, sizeof(*m->item), by_path);
}

/* Had the working file rested when the snapshot before was begun, and since? */
static bool is_unchanged(const struct manifest *m, const struct uc_tree_item *item)
{
	uc_auto(buf) struct uc_buf stamp = { 0 };
	const struct known key = { item->path, NULL };
	const struct known *known = m->count == 0 ? NULL
						  : bsearch(&key, m->item, m->count,
							    sizeof(*m->item), by_path);

	if (!known || item->st.st_ctim.tv_sec + SETTLED_S > m->begun ||
	    item->st.st_mtim.tv_sec + SETTLED_S > m->begun)
		return false;
	add_stamp(&stamp, &item->st);
	return !stamp.failed && strcmp(known->stamp, stamp.data) == 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Link from the snapshot before, unless the job changed what is there. */
static bool link_before(struct work *w, const struct uc_tree_item *item, int folder,
			const char *name)
{
	const char *old_name;
	struct stat st;
	bool linked;
	int old;

	if (!is_unchanged(&w->before, item))
		return false;
	old = uc_tree_parent(w->copy->before, item->path, false, &old_name);
	if (old < 0)
		return false;
	linked = fstatat(old, old_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		 S_ISREG(st.st_mode) && st.st_size == item->st.st_size &&
		 same_time(&st.st_mtim, &item->st.st_mtim) && !(st.st_mode & 07222) &&
		 st.st_uid == geteuid() && linkat(old, old_name, folder, name, 0) == 0;
	close(old);
	return linked;
}

/* The bytes of one file; the limit is of all. */
static int copy_bytes(struct work *w, int in, int out)
{
	char chunk[65536];
	ssize_t got;

	while ((got = read(in, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		w->bytes += (uint64_t)got;
		if (w->bytes > w->copy->max_bytes)
			return EFBIG;
		for (ssize_t put, at = 0; at < got; at += put) {
			put = write(out, chunk + at, (size_t)(got - at));
			if (put < 0 && errno != EINTR)
				return errno;
			put = put < 0 ? 0 : put;
		}
	}
	return 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && same_time(&a->st_mtim, &b->st_mtim) &&
	       same_time(&a->st_ctim, &b->st_ctim);
}

/*
 * Reflink or copy, again while somebody writes meanwhile. *st becomes what the copy was
 * made of. Returns 0 or errno; EAGAIN when it never held still.
 */
static int copy_open(struct work *w, int in, int out, struct stat *st, bool *reflinked)
{
	struct stat after;
	uint64_t start = w->bytes;
	int rc;

	for (int i = 0; i < ATTEMPTS; i++) {
		w->bytes = start;
		if (fstat(in, st) < 0 || ftruncate(out, 0) < 0 ||
		    lseek(in, 0, SEEK_SET) < 0 || lseek(out, 0, SEEK_SET) < 0)
			return errno;
		if (!S_ISREG(st->st_mode))
			return ELOOP;
		*reflinked = ioctl(out, FICLONE, in) == 0;
		if (*reflinked)
			w->bytes += (uint64_t)st->st_size;
		rc = *reflinked ? 0 : copy_bytes(w, in, out);
		if (rc != 0)
			return rc;
		if (fstat(in, &after) < 0)
			return errno;
		if (same_file(st, &after))
			return 0;
	}
	return EAGAIN;
}

/* Make the copy read-only and as old as the original. */
static int finish_file(int out, const struct stat *st)
{
	const struct timespec times[2] = { st->st_mtim, st->st_mtim };

	if (futimens(out, times) < 0)
		return errno;
	return fchmod(out, (st->st_mode & 0555) | 0400) < 0 ? errno : 0;
}

static int copy_file(struct work *w, struct uc_tree_item *item, int folder,
		     const char *name)
{
	const char *from_name;
	int from = uc_tree_parent(w->copy->from, item->path, false, &from_name);
	int in, out, rc;
	bool reflinked = false;

	if (from < 0)
		return errno;
	in = openat(from, from_name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	rc = in < 0 ? errno : 0;
	close(from);
	if (in < 0)
		return rc;
	out = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		     0600);
	rc = out < 0 ? errno : copy_open(w, in, out, &item->st, &reflinked);
	if (rc == EAGAIN) {
		uc_strv_addf(&w->snap->notes, "changed while it was copied: %s",
			     item->path);
		item->st.st_ino = 0; /* its record never matches */
		rc = 0;
	}
	if (rc == 0)
		rc = finish_file(out, &item->st);
	if (out >= 0 && close(out) < 0 && rc == 0)
		rc = errno;
	close(in);
	if (rc == 0)
		++*(reflinked ? &w->snap->reflinked : &w->snap->copied);
	return rc;
}

/* Does a relative link, read from the folder of `path`, leave the tree? */
static bool leads_out(const char *path, const char *target)
{
	long depth = 0;

	if (*target == '/')
		return true;
	for (const char *p = path; *p; p++)
		depth += *p == '/';
	while (*target && depth >= 0) {
		size_t len = strcspn(target, "/");

		if (len == 2 && strncmp(target, "..", 2) == 0)
			depth--;
		else if (len > 0 && !(len == 1 && *target == '.'))
			depth++;
		target += len + (target[len] == '/');
	}
	return depth < 0;
}

static int copy_link(struct work *w, const struct uc_tree_item *item, int folder,
		     const char *name)
{
	char target[PATH_MAX];
	const char *from_name;
	int from = uc_tree_parent(w->copy->from, item->path, false, &from_name);
	ssize_t len;

	if (from < 0)
		return errno;
	len = readlinkat(from, from_name, target, sizeof(target) - 1);
	close(from);
	if (len < 0)
		return errno;
	target[len] = '\0';
	if (leads_out(item->path, target))
		uc_strv_addf(&w->snap->notes, "link leads out of the snapshot: %s -> %s",
			     item->path, target);
	w->snap->copied++;
	return symlinkat(target, folder, name) < 0 ? errno : 0;
}

static int copy_item(struct work *w, struct uc_tree_item *item)
{
	const char *name;
	int folder = uc_tree_parent(w->copy->to, item->path, true, &name), rc = 0;

	if (folder < 0)
		return errno;
	if (S_ISLNK(item->st.st_mode)) {
		rc = copy_link(w, item, folder, name);
	} else if (link_before(w, item, folder, name)) {
		w->snap->linked++;
		w->bytes += (uint64_t)item->st.st_size;
	} else {
		rc = copy_file(w, item, folder, name);
	}
	close(folder);
	if (rc != 0)
		return rc;
	w->snap->files++;
	if (S_ISREG(item->st.st_mode)) {
		add_stamp(&w->manifest, &item->st);
		uc_buf_addf(&w->manifest, " %s", item->path);
		uc_buf_addc(&w->manifest, '\0');
	}
	return 0;
}

static int write_manifest(const struct work *w)
{
	int fd = openat(w->copy->to, UC_SNAPSHOT_MANIFEST,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	size_t at = 0;
	int rc = fd < 0 ? errno : 0;

	while (rc == 0 && at < w->manifest.len) {
		ssize_t put = write(fd, w->manifest.data + at, w->manifest.len - at);

		if (put < 0 && errno != EINTR)
			rc = errno;
		at += put > 0 ? (size_t)put : 0;
	}
	if (fd >= 0 && close(fd) < 0 && rc == 0)
		rc = errno;
	return rc;
}

int uc_tree_copy(const struct uc_tree *tree, const struct uc_tree_copy *copy,
		 struct uc_snapshot *snap, struct uc_error *err)
{
	struct work w = { .copy = copy, .snap = snap };
	const char *what = UC_SNAPSHOT_MANIFEST;
	int rc = 0;

	read_manifest(&w.before, copy->before);
	uc_buf_addf(&w.manifest, "%" PRId64, copy->now);
	uc_buf_addc(&w.manifest, '\0');
	for (size_t i = 0; rc == 0 && i < tree->count; i++) {
		rc = copy_item(&w, &tree->item[i]);
		what = tree->item[i].path;
		if (rc == ENOENT) /* removed since it was listed */
			rc = 0;
	}
	if (rc == 0 && w.manifest.failed)
		rc = ENOMEM;
	if (rc == 0) {
		what = UC_SNAPSHOT_MANIFEST;
		rc = write_manifest(&w);
	}
	snap->bytes = w.bytes;
	free(w.before.item);
	free(w.before.text);
	uc_buf_free(&w.manifest);
	if (rc == EFBIG)
		return uc_fail(err, UC_USAGE,
			       "'%s' grew beyond the limit while it was copied", what);
	if (rc != 0)
		return uc_fail_errno(err, rc == EACCES ? UC_DENIED : UC_FAILED, rc,
				     "cannot copy '%s'", what);
	return 0;
}

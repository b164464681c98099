/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Reading folders. Paths are opened from the root of the scan, never through a symbolic
 * link and never into another mount: names may change under us, and by other people.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "disk/scan.h"

enum {
	SPLIT_MIN = 256,     /* entries: then half of them is given away */
	PUSH_MIN = 16,       /* folders: then others may begin with them */
	SLOW_NS = 12 * 1000, /* an entry that took longer was not in memory */
	OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
};

static int open_plain(struct uc_scan *scan, int at, const char *path)
{
	int fd = openat(at, path, OPEN_FLAGS);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_dev != scan->dev)) {
		close(fd);
		errno = EXDEV;
		return -1;
	}
	return fd;
}

static int open_at(struct uc_scan *scan, int at, const char *path)
{
	struct open_how how = {
		.flags = OPEN_FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	int fd = -1;

	if (!atomic_load_explicit(&scan->plain_open, memory_order_relaxed)) {
		fd = (int)syscall(SYS_openat2, at, path, &how, sizeof(how));
		/* Linux before 5.6, or a container that filters what it does not know */
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
			return fd;
		atomic_store(&scan->plain_open, true);
	}
	return open_plain(scan, at, path);
}

/* A path of any length, in pieces that the kernel takes. `path` is restored. */
static int open_path(struct uc_scan *scan, char *path)
{
	int at = scan->root_fd, fd;
	size_t len = strlen(path);

	if (!len)
		return dup(scan->root_fd);
	while (len >= PATH_MAX) {
		char *cut = memrchr(path, '/', PATH_MAX - 1);

		*cut = '\0';
		fd = open_at(scan, at, path);
		*cut = '/';
		if (at != scan->root_fd)
			close(at);
		if (fd < 0)
			return -1;
		at = fd;
		len -= (size_t)(cut + 1 - path);
		path = cut + 1;
	}
	fd = open_at(scan, at, path);
	if (at != scan->root_fd) {
		int saved = errno;

		close(at);
		errno = saved;
	}
	return fd;
}

/*
 * Folders are asked without going to a server: one that is a mount point of a file system
 * which hangs must not stop the scan.
 */
static int ask_folder(const struct uc_scan *scan, int fd, const char *name,
		      struct uc_scan_entry *out)
{
	struct statx st;

	if (statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
		  STATX_BASIC_STATS, &st) < 0)
		return -1;
	*out = (struct uc_scan_entry){
		.dev = makedev(st.stx_dev_major, st.stx_dev_minor),
		.ino = st.stx_ino,
		.bytes = 512 * st.stx_blocks,
		.apparent = st.stx_size,
		.mtime = st.stx_mtime.tv_sec,
		.uid = st.stx_uid,
		.links = st.stx_nlink,
		.mode = st.stx_mode,
	};
	out->mount = S_ISDIR(out->mode) && (out->dev != scan->dev ||
					    (st.stx_attributes & STATX_ATTR_MOUNT_ROOT));
	return 0;
}

static int ask(const struct uc_scan *scan, int fd, const struct uc_scan_dirent *entry,
	       struct uc_scan_entry *out)
{
	struct stat st;

	if (entry->type == DT_DIR || entry->type == DT_UNKNOWN)
		return ask_folder(scan, fd, entry->name, out);
	/* dearer by statx: some 4 % of a whole scan */
	if (fstatat(fd, entry->name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return -1;
	*out = (struct uc_scan_entry){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.bytes = 512 * (uint64_t)st.st_blocks,
		.apparent = (uint64_t)st.st_size,
		.mtime = st.st_mtime,
		.uid = st.st_uid,
		.links = (uint32_t)st.st_nlink,
		.mode = st.st_mode,
	};
	/* it became a folder this very moment */
	out->mount = S_ISDIR(out->mode) && out->dev != scan->dev;
	return 0;
}

/* What one call of walk() gathers before others see it. */
struct batch {
	struct uc_scan_thread *thread;
	struct uc_scan_folder *folder;
	struct uc_disk_sum sum;
	struct uc_scan_job *first, *last;
	size_t jobs;
};

static void flush_jobs(struct batch *b)
{
	uc_scan_push(b->thread->scan, b->first, b->last, b->jobs);
	b->first = b->last = NULL;
	b->jobs = 0;
}

static void add_to_bucket(struct uc_scan_bucket *bucket, const struct uc_disk_sum *sum)
{
	atomic_fetch_add_explicit(&bucket->bytes, sum->bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&bucket->apparent, sum->apparent, memory_order_relaxed);
	atomic_fetch_add_explicit(&bucket->files, sum->files, memory_order_relaxed);
	atomic_fetch_add_explicit(&bucket->folders, sum->folders, memory_order_relaxed);
}

static void add_folder(struct batch *b, const struct uc_scan_entry *entry,
		       const char *name)
{
	struct uc_scan *scan = b->thread->scan;
	const char *parent = b->folder->path;
	size_t len = strlen(parent), rest = strlen(name);
	struct uc_scan_job *job = uc_scan_job_new(scan, len + 1 + rest + 1);
	enum uc_disk_kind kind = b->folder->kind;
	struct uc_disk_sum own = { entry->bytes, entry->apparent, 0, 1 };

	if (!job)
		return;
	if (kind == UC_KIND_OTHER)
		kind = uc_disk_kind_of_folder(name);
	memcpy(job->data, parent, len);
	job->data[len] = '/';
	memcpy(job->data + len + (len > 0), name, rest + 1);
	job->kind = kind;
	job->bucket = uc_scan_bucket_new(scan, b->folder->bucket, parent, name);
	add_to_bucket(job->bucket, &own);
	uc_scan_tally_add(&b->thread->tally, entry, kind, scan->how.now);
	atomic_fetch_add_explicit(&scan->bytes, entry->bytes, memory_order_relaxed);
	job->next = b->first;
	b->first = job;
	if (!b->last)
		b->last = job;
	if (++b->jobs >= PUSH_MIN)
		flush_jobs(b);
}

static void add_file(struct batch *b, const struct uc_scan_entry *entry, const char *name)
{
	struct uc_scan *scan = b->thread->scan;
	enum uc_disk_kind kind = b->folder->kind;

	/* files of one overlay may come from several file systems */
	if (entry->links > 1 &&
	    uc_scan_links_seen(&scan->links,
			       entry->ino ^
				       (entry->dev == scan->dev
						? 0
						: entry->dev * 0x9e3779b97f4a7c15u))) {
		atomic_fetch_add_explicit(&scan->link_count, 1, memory_order_relaxed);
		return;
	}
	if (kind == UC_KIND_OTHER)
		kind = uc_disk_kind_of_file(name);
	b->sum.bytes += entry->bytes;
	b->sum.apparent += entry->apparent;
	b->sum.files++;
	uc_scan_tally_add(&b->thread->tally, entry, kind, scan->how.now);
	if (S_ISREG(entry->mode))
		uc_scan_tally_top(&b->thread->tally, entry, b->folder->path, name);
}

static void walk_entry(struct batch *b, const struct uc_scan_dirent *dirent)
{
	struct uc_scan *scan = b->thread->scan;
	struct uc_scan_entry entry;

	if (ask(scan, b->folder->fd, dirent, &entry) < 0)
		uc_scan_fault(scan, b->folder->path, dirent->name, errno);
	else if (entry.mount)
		atomic_fetch_add(&scan->mounts, 1);
	else if (S_ISDIR(entry.mode))
		add_folder(b, &entry, dirent->name);
	else
		add_file(b, &entry, dirent->name);
}

static int by_inode(const void *a, const void *b)
{
	uint64_t x = (*(struct uc_scan_dirent *const *)a)->ino;
	uint64_t y = (*(struct uc_scan_dirent *const *)b)->ino;

	return x < y ? -1 : x > y;
}

static int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Put pointers to all records but "." and ".." into thread->entry. */
static size_t list_entries(struct uc_scan_thread *thread, char *data, size_t len)
{
	size_t count = 0;

	for (size_t at = 0; at < len;) {
		struct uc_scan_dirent *entry = (struct uc_scan_dirent *)(data + at);
		const char *name = entry->name;

		at += entry->len;
		if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))
			continue;
		thread->entry[count++] = entry;
	}
	return count;
}

/* Let another thread ask for the second half of many entries; returns what is left. */
static size_t give_half(struct uc_scan_thread *thread, struct uc_scan_folder *folder,
			size_t count)
{
	const struct uc_scan_dirent *first = thread->entry[count / 2],
				    *last = thread->entry[count - 1];
	size_t len = (size_t)((const char *)last - (const char *)first) + last->len;
	struct uc_scan_job *job = uc_scan_job_new(thread->scan, len);

	if (!job)
		return count;
	memcpy(job->data, first, len);
	job->folder = folder;
	atomic_fetch_add(&folder->refs, 1);
	uc_scan_push(thread->scan, job, job, 1);
	return count / 2;
}

static void look_for_markers(struct uc_scan_folder *folder,
			     struct uc_scan_dirent *const *entry, size_t count)
{
	for (size_t i = 0; i < count && folder->kind == UC_KIND_OTHER; i++)
		folder->kind = uc_disk_kind_of_marker(entry[i]->name);
	folder->fresh = false;
}

static void walk(struct uc_scan_thread *thread, struct uc_scan_folder *folder, char *data,
		 size_t len)
{
	struct batch b = { .thread = thread, .folder = folder };
	struct uc_scan *scan = thread->scan;
	size_t count = list_entries(thread, data, len);
	int64_t start;

	/* before any other thread has a part of it */
	if (folder->fresh)
		look_for_markers(folder, thread->entry, count);
	if (count >= SPLIT_MIN && atomic_load(&scan->idle) > 0)
		count = give_half(thread, folder, count);
	if (thread->slow && count > 1)
		qsort(thread->entry, count, sizeof(thread->entry[0]), by_inode);
	start = clock_ns();
	for (size_t i = 0; i < count; i++) {
		if (atomic_load_explicit(&scan->stop, memory_order_relaxed))
			break;
		walk_entry(&b, thread->entry[i]);
	}
	flush_jobs(&b);
	add_to_bucket(folder->bucket, &b.sum);
	atomic_fetch_add_explicit(&scan->files, b.sum.files, memory_order_relaxed);
	atomic_fetch_add_explicit(&scan->bytes, b.sum.bytes, memory_order_relaxed);
	if (count < 8)
		return;
	thread->slow = clock_ns() - start > (int64_t)count * SLOW_NS;
	atomic_fetch_add_explicit(&scan->batches, 1, memory_order_relaxed);
	if (thread->slow)
		atomic_fetch_add_explicit(&scan->slow_batches, 1, memory_order_relaxed);
}

/* Open the folder of a job, which holds it from now on. */
static bool open_folder(struct uc_scan_thread *thread, struct uc_scan_job *job)
{
	struct uc_scan *scan = thread->scan;
	size_t len = strlen(job->data);
	struct uc_scan_folder *folder = malloc(sizeof(*folder) + len + 1);

	if (!folder) {
		atomic_store(&scan->failed, true);
		return false;
	}
	folder->fd = open_path(scan, job->data);
	if (folder->fd < 0) {
		if (errno == EXDEV)
			atomic_fetch_add(&scan->mounts, 1);
		else
			uc_scan_fault(scan, job->data, "", errno);
		free(folder);
		return false;
	}
	atomic_init(&folder->refs, 1);
	folder->bucket = job->bucket;
	folder->kind = job->kind;
	folder->fresh = true;
	memcpy(folder->path, job->data, len + 1);
	job->folder = folder;
	return true;
}

/* Have the rest of a wide folder read later, so that what waits does not pile up. */
static bool put_off(struct uc_scan_thread *thread, struct uc_scan_folder *folder)
{
	struct uc_scan_job *job = uc_scan_job_new(thread->scan, 0);

	if (!job)
		return false;
	job->folder = folder;
	atomic_fetch_add(&folder->refs, 1);
	if (uc_scan_put_off(thread->scan, job))
		return true;
	uc_scan_job_free(job);
	return false;
}

static void read_folder(struct uc_scan_thread *thread, struct uc_scan_folder *folder)
{
	struct uc_scan *scan = thread->scan;

	while (!atomic_load_explicit(&scan->stop, memory_order_relaxed)) {
		long got = syscall(SYS_getdents64, folder->fd, thread->buffer,
				   sizeof(thread->buffer));

		if (got < 0)
			uc_scan_fault(scan, folder->path, "", errno);
		if (got <= 0)
			return;
		walk(thread, folder, thread->buffer, (size_t)got);
		if (put_off(thread, folder))
			return;
	}
}

void uc_scan_work(struct uc_scan_thread *thread, struct uc_scan_job *job)
{
	if (job->folder && job->len)
		walk(thread, job->folder, job->data, job->len);
	else if (job->folder || open_folder(thread, job))
		read_folder(thread, job->folder);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * inotify tells of what this host writes, and nothing of what other hosts write to a
 * shared file system; there, only opening a file makes the client ask the server for its
 * size (close-to-open consistency). So every file is opened anew now and then.
 */
#include <ucluster/follow.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <ucluster/text.h>
#include <ucluster/units.h>
#include "base/network.h"

#define CHUNK 65536
/* Between two looks, in ms: while it is not there, or inotify is not; on a shared file
 * system; where inotify tells of everything. */
#define ABSENT_MS 200
#define SHARED_MS 500
#define LOCAL_MS  1000
/* Seconds that clocks may differ by, and a file system's grain. */
#define SLACK 2
/* Bytes before what is read next: when they change, the file is another one. */
#define PRINT 64
/* ESTALE and its like: another host replaced the file meanwhile. */
#define TRIES 3

struct file {
	char *path;
	struct uc_follow_rules rules;
	int fd, next_fd; /* -1: none; next_fd has the name now */
	int watch;       /* of inotify; -1: none */
	bool dropped, seen, due, closed;
	bool shared;        /* on a file system that other hosts write to */
	bool nameless;      /* what had the name is gone */
	off_t foreign_size; /* when it was seen first */
	off_t at;
	int64_t look_at; /* ms */
	int misses;
	size_t print_len;
	char print[PRINT];
};

struct uc_follow {
	int inotify;
	struct file *file;
	size_t count, turn;
	char chunk[CHUNK];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

struct uc_follow *uc_follow_new(void)
{
	struct uc_follow *f = calloc(1, sizeof(*f));

	if (f)
		f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return f;
}

static void forget(struct uc_follow *f, struct file *file)
{
	if (file->watch >= 0)
		inotify_rm_watch(f->inotify, file->watch);
	file->watch = -1;
	close_fd(&file->fd);
	close_fd(&file->next_fd);
	file->due = false;
}

void uc_follow_free(struct uc_follow *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++) {
		forget(f, &f->file[i]);
		free(f->file[i].path);
	}
	close_fd(&f->inotify);
	free(f->file);
	free(f);
}

/* By its folder: it need not be there yet. */
static bool is_shared(const char *path)
{
	uc_auto(buf) struct uc_buf folder = { 0 };
	struct statfs fs;
	const char *slash = strrchr(path, '/');

	if (slash)
		uc_buf_addn(&folder, path, (size_t)(slash - path) + 1);
	return statfs(uc_buf_text(&folder), &fs) == 0 &&
	       uc_fs_is_network((long)fs.f_type);
}

int uc_follow_add(struct uc_follow *f, const struct uc_follow_rules *rules)
{
	struct file *grown = realloc(f->file, (f->count + 1) * sizeof(*grown));
	struct file *file;

	if (!grown)
		return -1;
	f->file = grown;
	file = &grown[f->count];
	*file = (struct file){ .path = strdup(rules->path),
			       .rules = *rules,
			       .fd = -1,
			       .next_fd = -1,
			       .watch = -1,
			       .foreign_size = -1 };
	if (!file->path)
		return -1;
	file->shared = is_shared(file->path);
	return (int)f->count++;
}

void uc_follow_drop(struct uc_follow *f, int which)
{
	forget(f, &f->file[which]);
	f->file[which].dropped = true;
}

bool uc_follow_seen(const struct uc_follow *f, int which)
{
	return f->file[which].seen;
}

const char *uc_follow_path(const struct uc_follow *f, int which)
{
	return f->file[which].path;
}

bool uc_follow_is_shared(const struct uc_follow *f, int which)
{
	return f->file[which].shared;
}

void uc_follow_claim(struct uc_follow *f, int which)
{
	f->file[which].rules.not_before = 0;
	f->file[which].look_at = 0;
}

int uc_follow_fd(const struct uc_follow *f)
{
	return f->inotify;
}

int uc_follow_pause(const struct uc_follow *f)
{
	const int64_t now = uc_monotonic_ms();
	int64_t least = -1;

	for (size_t i = 0; i < f->count; i++) {
		const struct file *file = &f->file[i];
		int64_t left = file->due ? 0 : file->look_at - now;

		if (file->dropped)
			continue;
		left = left < 0 ? 0 : left;
		least = least < 0 || left < least ? left : least;
	}
	return (int)least;
}

/* --- looking at what has the name --- */

static bool is_foreign(struct file *file, const struct stat *st)
{
	if (!file->rules.not_before || file->seen ||
	    st->st_mtime >= file->rules.not_before - SLACK)
		return false;
	if (file->foreign_size < 0)
		file->foreign_size = st->st_size;
	return st->st_size == file->foreign_size;
}

/* By its descriptor: the name may lead elsewhere already. */
static void watch(struct uc_follow *f, struct file *file)
{
	uc_auto(buf) struct uc_buf link = { 0 };
	struct statfs fs;

	file->shared = fstatfs(file->fd, &fs) == 0 && uc_fs_is_network((long)fs.f_type);
	if (file->watch >= 0)
		inotify_rm_watch(f->inotify, file->watch);
	file->watch = -1;
	uc_buf_addf(&link, "/proc/self/fd/%d", file->fd);
	if (f->inotify >= 0 && !link.failed)
		file->watch = inotify_add_watch(f->inotify, link.data,
						IN_MODIFY | IN_MOVE_SELF | IN_ATTRIB |
							IN_CLOSE_WRITE);
}

static void take(struct uc_follow *f, struct file *file, int fd)
{
	file->fd = fd;
	file->due = true;
	watch(f, file);
	/* after ESTALE the text before `at` says whether it is the same file */
	if (file->seen)
		return;
	file->seen = true;
	file->at = uc_follow_last_lines(fd, file->rules.lines);
	if (file->at < 0)
		file->at = 0;
	if (file->rules.lines == UC_FOLLOW_ALL)
		file->at = (off_t)file->rules.skip;
}

/* The bytes before `at` are those that were read. */
static bool is_same_text(const struct file *file)
{
	char now[PRINT];
	const size_t len = file->print_len;
	ssize_t got = pread(file->fd, now, len, file->at - (off_t)len);

	/* one that is shorter now is found by its size */
	return got != (ssize_t)len || memcmp(now, file->print, len) == 0;
}

static int64_t interval(const struct file *file)
{
	if (file->fd < 0 || file->watch < 0 || file->nameless)
		return ABSENT_MS;
	return file->shared ? SHARED_MS : LOCAL_MS;
}

/* -1: it is no file to be followed. */
static int check_kind(const struct file *file, const struct stat *st,
		      struct uc_error *err)
{
	if (S_ISREG(st->st_mode))
		return 0;
	return uc_fail(err, UC_USAGE, "'%s' is %s: nothing can be read there again",
		       file->path,
		       S_ISCHR(st->st_mode)    ? "a device"
		       : S_ISDIR(st->st_mode)  ? "a directory"
		       : S_ISFIFO(st->st_mode) ? "a pipe"
					       : "no regular file");
}

/* What cannot be opened; 0: it may come yet. */
static int judge(struct file *file, int errno_value, struct uc_error *err)
{
	if (errno_value == ENOENT || errno_value == ENOTDIR) {
		file->nameless = true;
		file->misses = 0;
		return 0;
	}
	if (errno_value == EACCES || errno_value == EPERM || errno_value == ELOOP ||
	    ++file->misses > TRIES)
		return uc_fail_errno(err,
				     errno_value == EACCES || errno_value == EPERM
					     ? UC_DENIED
					     : UC_FAILED,
				     errno_value, "'%s'", file->path);
	return 0;
}

/* Open it anew, see what has become of it. -1: give it up. */
static int look(struct uc_follow *f, struct file *file, struct uc_error *err)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st, old;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = judge(file, errno, err);
		close_fd(&fd);
		return rc;
	}
	file->misses = 0;
	file->nameless = false;
	rc = check_kind(file, &st, err);
	if (rc < 0 || is_foreign(file, &st)) {
		close_fd(&fd);
		return rc;
	}
	if (file->fd < 0) {
		take(f, file, fd);
	} else if (fstat(file->fd, &old) < 0 || st.st_ino != old.st_ino ||
		   st.st_dev != old.st_dev) {
		/* what the old one still has comes first */
		close_fd(&file->next_fd);
		file->next_fd = fd;
		file->due = true;
	} else {
		close_fd(&fd);
		file->due = true;
	}
	return 0;
}

/* --- reading --- */

static void remember(struct file *file, const char *bytes, size_t len)
{
	if (len >= PRINT) {
		memcpy(file->print, bytes + len - PRINT, PRINT);
		file->print_len = PRINT;
		return;
	}
	if (file->print_len + len > PRINT) {
		const size_t gone = file->print_len + len - PRINT;

		memmove(file->print, file->print + gone, file->print_len - gone);
		file->print_len -= gone;
	}
	memcpy(file->print + file->print_len, bytes, len);
	file->print_len += len;
}

static bool was_cut(const struct file *file)
{
	struct stat st;

	return fstat(file->fd, &st) == 0 &&
	       (st.st_size < file->at || !is_same_text(file));
}

static int read_on(struct uc_follow *f, struct file *file, struct uc_follow_news *news)
{
	ssize_t got;

	if (file->at > 0 && was_cut(file)) {
		file->at = 0;
		file->print_len = 0;
		news->kind = UC_FOLLOW_CUT;
		return 1;
	}
	do {
		got = pread(file->fd, f->chunk, sizeof(f->chunk), file->at);
	} while (got < 0 && errno == EINTR);
	if (got > 0) {
		remember(file, f->chunk, (size_t)got);
		file->at += got;
		news->kind = UC_FOLLOW_BYTES;
		news->bytes = f->chunk;
		news->len = (size_t)got;
		return 1;
	}
	if (got < 0) {
		/* replaced on the server: the name leads to the new one */
		close_fd(&file->fd);
		if (judge(file, errno, &news->error) < 0)
			return -1;
		file->look_at = uc_monotonic_ms() + ABSENT_MS;
	}
	file->due = false;
	if (file->closed) {
		file->closed = false;
		file->due = file->next_fd >= 0;
		news->kind = UC_FOLLOW_CLOSED;
		return 1;
	}
	if (file->next_fd < 0)
		return 0;
	close_fd(&file->fd);
	file->at = 0;
	file->print_len = 0;
	take(f, file, file->next_fd);
	file->next_fd = -1;
	news->kind = UC_FOLLOW_REPLACED;
	return 1;
}

/* Which files inotify speaks of. */
static void hear(struct uc_follow *f)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t got;

	while ((got = read(f->inotify, events, sizeof(events))) > 0)
		for (const char *at = events; at < events + got;) {
			const struct inotify_event *e = (const void *)at;

			at += sizeof(*e) + e->len;
			for (size_t i = 0; i < f->count; i++) {
				struct file *file = &f->file[i];

				if (file->watch != e->wd && !(e->mask & IN_Q_OVERFLOW))
					continue;
				file->due = file->fd >= 0;
				if (e->mask & (IN_MOVE_SELF | IN_ATTRIB))
					file->look_at = 0;
				if (e->mask & IN_CLOSE_WRITE)
					file->closed = true;
				if (e->mask & IN_IGNORED)
					file->watch = -1;
			}
		}
}

static int step(struct uc_follow *f, struct file *file, struct uc_follow_news *news)
{
	int rc = 0;

	if (file->dropped)
		return 0;
	if (uc_monotonic_ms() >= file->look_at) {
		rc = look(f, file, &news->error);
		file->look_at = uc_monotonic_ms() + interval(file);
	}
	if (rc == 0 && file->due && file->fd >= 0)
		rc = read_on(f, file, news);
	if (rc < 0) {
		forget(f, file);
		file->dropped = true;
		news->kind = UC_FOLLOW_FAILED;
	}
	return rc != 0;
}

int uc_follow_next(struct uc_follow *f, struct uc_follow_news *news)
{
	if (f->inotify >= 0)
		hear(f);
	for (size_t i = 0; i < f->count; i++) {
		const size_t which = f->turn++ % f->count;

		*news = (struct uc_follow_news){ .which = (int)which };
		if (step(f, &f->file[which], news))
			return 1;
	}
	return 0;
}

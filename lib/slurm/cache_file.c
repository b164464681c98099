/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The files of a cache, and whether they can be trusted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/file.h"
#include "slurm/cache.h"
#include "slurm/wire.h"

#define STATE_MAGIC   0x53434355u /* "UCCS" */
#define STATE_VERSION 1
#define QUESTION_MAX  ((size_t)1 << 20)
#define OLD_S         (24 * 3600)

/* Others could have made it before us, or may write into it. */
int uc_cache_open_folder(const char *dir)
{
	struct stat st;
	int fd;

	if (uc_file_mkdirs(dir, 0700, NULL) < 0)
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (st.st_mode & 077) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A plain file of ours that nobody else may read or write, under one name. */
static bool is_ours(int fd, off_t max, size_t *size)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_mode & 077 || st.st_nlink != 1 || st.st_size <= 0 || st.st_size > max)
		return false;
	*size = (size_t)st.st_size;
	return true;
}

static int open_file(int folder, const char *name, off_t max, size_t *size)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && is_ours(fd, max, size))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool read_all(int fd, void *to, size_t len)
{
	char *p = to;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool write_all(int fd, const void *from, size_t len)
{
	const char *p = from;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* --- the state --- */

int uc_cache_read_state(int folder, const char *key, const struct uc_buf *question,
			struct uc_cache_state *out)
{
	uc_auto(buf) struct uc_buf name = { 0 };
	char *rest = NULL;
	size_t size = 0;
	bool good = false;
	int fd;

	uc_buf_addf(&name, "%s.state", key);
	fd = name.failed ? -1
			 : open_file(folder, uc_buf_text(&name),
				     (off_t)(sizeof(*out) + QUESTION_MAX), &size);
	if (fd < 0)
		return 0;
	if (size == sizeof(*out) + question->len && read_all(fd, out, sizeof(*out)) &&
	    out->magic == STATE_MAGIC && out->version == STATE_VERSION &&
	    out->question_len == question->len && (rest = malloc(question->len + 1)))
		good = read_all(fd, rest, question->len) &&
		       memcmp(rest, uc_buf_text(question), question->len) == 0;
	free(rest);
	close(fd);
	if (!good)
		return 0;
	out->text[sizeof(out->text) - 1] = '\0';
	out->hint[sizeof(out->hint) - 1] = '\0';
	return 1;
}

/* Made under a name that only the holder of the lock uses; a crash leaves it behind. */
static int create(int folder, const char *name, struct uc_buf *temp)
{
	uc_buf_addf(temp, "%s.new", name);
	if (temp->failed)
		return -1;
	unlinkat(folder, uc_buf_text(temp), 0);
	return openat(folder, uc_buf_text(temp),
		      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int finish(int folder, const char *name, const struct uc_buf *temp, int fd,
		  bool good)
{
	/* not synced: after a crash it is asked again */
	good = close(fd) == 0 && good;
	if (good && renameat(folder, uc_buf_text(temp), folder, name) == 0)
		return 0;
	unlinkat(folder, uc_buf_text(temp), 0);
	return -1;
}

int uc_cache_write_state(int folder, const char *key, const struct uc_buf *question,
			 const struct uc_cache_state *state)
{
	uc_auto(buf) struct uc_buf name = { 0 }, temp = { 0 };
	struct uc_cache_state copied = *state;
	int fd;

	if (question->len > QUESTION_MAX)
		return -1;
	copied.magic = STATE_MAGIC;
	copied.version = STATE_VERSION;
	copied.question_len = (uint32_t)question->len;
	uc_buf_addf(&name, "%s.state", key);
	fd = name.failed ? -1 : create(folder, uc_buf_text(&name), &temp);
	if (fd < 0)
		return -1;
	return finish(folder, uc_buf_text(&name), &temp, fd,
		      write_all(fd, &copied, sizeof(copied)) &&
			      write_all(fd, uc_buf_text(question), question->len));
}

/* --- the answer --- */

static void name_rows(struct uc_buf *out, const char *key, uint64_t serial)
{
	uc_buf_addf(out, "%s-%016" PRIx64 ".jobs", key, serial);
}

struct uc_rows *uc_cache_read_rows(int folder, const char *key, uint64_t serial,
				   enum uc_rows_kind kind)
{
	uc_auto(buf) struct uc_buf name = { 0 };
	struct uc_rows *rows = NULL;
	size_t size = 0;
	int file;

	name_rows(&name, key, serial);
	file = name.failed ? -1
			   : open_file(folder, uc_buf_text(&name), UC_WIRE_MAX, &size);
	if (file < 0)
		return NULL;
	if (uc_wire_load(file, size, kind, &rows) < 0)
		rows = NULL;
	close(file);
	return rows;
}

int uc_cache_write_rows(int folder, const char *key, uint64_t serial,
			const struct uc_rows *rows, enum uc_rows_kind kind)
{
	uc_auto(buf) struct uc_buf name = { 0 }, temp = { 0 };
	int file;

	name_rows(&name, key, serial);
	file = name.failed ? -1 : create(folder, uc_buf_text(&name), &temp);
	if (file < 0)
		return -1;
	return finish(folder, uc_buf_text(&name), &temp, file,
		      uc_wire_save(rows, kind, file));
}

void uc_cache_remove_rows(int folder, const char *key, uint64_t serial)
{
	uc_auto(buf) struct uc_buf name = { 0 };

	name_rows(&name, key, serial);
	if (serial && !name.failed)
		unlinkat(folder, uc_buf_text(&name), 0);
}

/* --- the lock --- */

int uc_cache_lock(int folder, const char *key)
{
	uc_auto(buf) struct uc_buf name = { 0 };
	bool busy = false;
	int fd;

	uc_buf_addf(&name, "%s.lock", key);
	fd = name.failed ? -1
			 : openat(folder, uc_buf_text(&name),
				  O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
				  0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (fd >= 0) {
		busy = errno == EWOULDBLOCK;
		close(fd);
	}
	return busy ? UC_CACHE_BUSY : UC_CACHE_NONE;
}

static bool is_part(const char *name)
{
	static const char *const ends[] = { ".state", ".jobs", ".lock", ".new" };
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcmp(dot, ends[i]) == 0)
			return true;
	return false;
}

void uc_cache_sweep(int folder)
{
	int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again >= 0 ? fdopendir(again) : NULL;
	const time_t now = time(NULL);
	const struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (is_part(entry->d_name) &&
		    fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    now - st.st_mtime > OLD_S)
			unlinkat(folder, entry->d_name, 0);
	if (dir)
		closedir(dir);
	else if (again >= 0)
		close(again);
}

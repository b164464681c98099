/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Reading a template's folder. */
#include "template/template.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

#define DEPTH_MAX 8

struct walk {
	struct uc_template *t;
	struct uc_errors *faults;
	size_t bytes; /* of all files so far */
};

static void fault(struct walk *w, const char *path, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf whole = { 0 };

	uc_buf_addf(&whole, "%s%s%s", w->t->folder, path[0] ? "/" : "", path);
	uc_at(err, uc_buf_text(&whole), 0, 0);
	uc_errors_add(w->faults, err);
}

static char *read_bytes(struct walk *w, int fd, size_t len, struct uc_error *err)
{
	char *bytes = uc_arena_alloc(w->t->arena, len + 1);
	size_t done = 0;

	while (bytes && done < len) {
		const ssize_t n = read(fd, bytes + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			uc_fail_errno(err, UC_FAILED, errno, "cannot read");
			return NULL;
		}
		if (n == 0) {
			uc_fail(err, UC_FAILED, "it became shorter while it was read");
			return NULL;
		}
		done += (size_t)n;
	}
	if (!bytes)
		uc_fail(err, UC_FAILED, "out of memory");
	return bytes;
}

static int add_file(struct walk *w, int fd, const char *path, struct uc_error *err)
{
	struct uc_template *t = w->t;
	struct uc_template_entry *file;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot read");
	if (!S_ISREG(st.st_mode))
		return uc_fail(err, UC_USAGE, "neither a file nor a folder");
	if (t->file_count == UC_TEMPLATE_FILES_MAX)
		return uc_fail(err, UC_USAGE, "a template has at most %d files",
			       UC_TEMPLATE_FILES_MAX);
	if ((size_t)st.st_size > UC_TEMPLATE_FILE_MAX ||
	    w->bytes + (size_t)st.st_size > UC_TEMPLATE_BYTES_MAX)
		return uc_fail(err, UC_USAGE,
			       "expected at most 1 MiB a file, and 16 MiB in all");
	file = &t->files[t->file_count];
	file->len = (size_t)st.st_size;
	file->executable = (st.st_mode & S_IXUSR) != 0;
	file->path = uc_arena_strdup(t->arena, path);
	file->bytes = read_bytes(w, fd, file->len, err);
	if (!file->bytes || !file->path)
		return -1;
	w->bytes += file->len;
	t->file_count++;
	return 0;
}

/* What editors, git and Python leave behind; and the template's own description. */
static bool is_skipped(const char *name, const char *path)
{
	const size_t len = strlen(name);

	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	       strcmp(name, ".git") == 0 || strcmp(name, "__pycache__") == 0 ||
	       name[len - 1] == '~' || strcmp(path, UC_TEMPLATE_MANIFEST) == 0;
}

/* A name that has control characters or the like is nobody's. */
static bool is_shown(const char *name)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	uc_buf_safe(&safe, uc_raw(name), 0);
	return strcmp(uc_buf_text(&safe), name) == 0;
}

static void add_folder(struct walk *w, int fd, const char *path, int depth);

static void add_entry(struct walk *w, int folder, const char *name, const char *path,
		      int depth)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	int fd = openat(folder, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct uc_error err = { 0 };
	struct stat st;

	if (!is_shown(name))
		uc_fail(&err, UC_USAGE, "a file's name is text");
	else if (fd < 0 && errno == ELOOP)
		uc_fail(&err, UC_USAGE, "a template has no symbolic links");
	else if (fd < 0)
		uc_fail_errno(&err, UC_FAILED, errno, "cannot open");
	else if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		add_file(w, fd, path, &err);
	else if (depth < DEPTH_MAX)
		add_folder(w, fcntl(fd, F_DUPFD_CLOEXEC, 3), path, depth + 1);
	else
		uc_fail(&err, UC_USAGE, "expected at most %d folders in each other",
			DEPTH_MAX);
	if (fd >= 0)
		close(fd);
	if (err.code)
		fault(w, path, &err);
}

/* Takes fd. */
static void add_folder(struct walk *w, int fd, const char *path, int depth)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct uc_error err = { 0 };
	struct dirent *entry;

	if (!dir) {
		uc_fail_errno(&err, UC_FAILED, errno, "cannot read");
		fault(w, path, &err);
		if (fd >= 0)
			close(fd);
		return;
	}
	for (errno = 0; w->faults->count < UC_ERRORS_MAX; errno = 0) {
		uc_auto(buf) struct uc_buf below = { 0 };

		entry = readdir(dir);
		if (!entry && errno) {
			uc_fail_errno(&err, UC_FAILED, errno, "cannot read");
			fault(w, path, &err);
		}
		if (!entry)
			break;
		uc_buf_addf(&below, "%s%s%s", path, path[0] ? "/" : "", entry->d_name);
		if (!is_skipped(entry->d_name, uc_buf_text(&below)))
			add_entry(w, dirfd(dir), entry->d_name, uc_buf_text(&below),
				  depth);
	}
	closedir(dir);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct uc_template_entry *)a)->path,
		      ((const struct uc_template_entry *)b)->path);
}

static int read_manifest(struct walk *w, int folder)
{
	int fd = openat(folder, UC_TEMPLATE_MANIFEST,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error err = { 0 };
	const char *bytes = NULL;
	struct stat st = { 0 };

	if (fd < 0)
		uc_fail(&err, UC_NOTFOUND, "no template: it has no %s",
			UC_TEMPLATE_MANIFEST);
	else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		 (size_t)st.st_size > UC_TEMPLATE_FILE_MAX)
		uc_fail(&err, UC_USAGE, "expected a file of at most 1 MiB");
	else
		bytes = read_bytes(w, fd, (size_t)st.st_size, &err);
	if (fd >= 0)
		close(fd);
	if (!bytes) {
		fault(w, fd < 0 ? "" : UC_TEMPLATE_MANIFEST, &err);
		return -1;
	}
	uc_buf_addf(&path, "%s/%s", w->t->folder, UC_TEMPLATE_MANIFEST);
	return uc_manifest_read(w->t, uc_buf_text(&path), bytes, (size_t)st.st_size,
				w->faults);
}

static int read_folder(struct walk *w)
{
	struct uc_template *t = w->t;
	const size_t before = w->faults->count + w->faults->dropped;
	struct uc_error err = { 0 };
	int fd = open(t->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		uc_fail_errno(&err, errno == EACCES ? UC_DENIED : UC_NOTFOUND, errno,
			      "cannot read");
		fault(w, "", &err);
		return -1;
	}
	if (read_manifest(w, fd) < 0) {
		close(fd);
		return -1;
	}
	add_folder(w, fd, "", 0);
	qsort(t->files, t->file_count, sizeof(*t->files), by_path);
	for (size_t i = 0; i < t->file_count; i++)
		uc_holes_check(t, &t->files[i], w->faults);
	return w->faults->count + w->faults->dropped > before ? -1 : 0;
}

int uc_template_load(const char *folder, struct uc_template **out,
		     struct uc_errors *faults)
{
	struct uc_template *t = calloc(1, sizeof(*t));
	struct walk w = { .t = t, .faults = faults };
	struct uc_error err = { 0 };

	*out = NULL;
	if (t)
		t->arena = uc_arena_new();
	if (t && t->arena) {
		t->folder = uc_arena_strdup(t->arena, folder);
		t->name = t->folder ? uc_path_name(t->folder) : NULL;
		t->files = uc_arena_array(t->arena, UC_TEMPLATE_FILES_MAX,
					  sizeof(*t->files));
	}
	if (!t || !t->files || !t->name) {
		uc_fail(&err, UC_FAILED, "out of memory");
		uc_errors_add(faults, &err);
		uc_template_free(t);
		return -1;
	}
	if (read_folder(&w) < 0) {
		uc_template_free(t);
		return -1;
	}
	*out = t;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Secrets. A value is read from its file straight into the pages where it stays: no copy
 * of it lies in a buffer or on the heap.
 */
#include <ucluster/environment.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "job/spec.h"

#define MASK_LEAST 6 /* bytes; shorter values would mask ordinary words */

struct secret {
	char *name;
	char *pages; /* "NAME=value" and a NUL */
	size_t size; /* of the mapping */
	size_t len;  /* of the text */
};

struct uc_secrets {
	struct secret *item;
	size_t count;
};

static void free_secret(struct secret *s)
{
	if (s->pages) {
		explicit_bzero(s->pages, s->size);
		munmap(s->pages, s->size);
	}
	free(s->name);
}

void uc_secrets_free(struct uc_secrets *secrets)
{
	int saved = errno;

	for (size_t i = 0; secrets && i < secrets->count; i++)
		free_secret(&secrets->item[i]);
	if (secrets)
		free(secrets->item);
	free(secrets);
	errno = saved;
}

/* Pages for NAME= and `room` bytes of a value, with NAME= in them. */
static int make_pages(struct secret *s, size_t room, struct uc_error *err)
{
	size_t name_len = strlen(s->name);

	s->size = name_len + 1 + room + 1;
	s->pages = mmap(NULL, s->size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->pages == MAP_FAILED) {
		s->pages = NULL;
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	/* Both are best effort: RLIMIT_MEMLOCK may be 0. */
	(void)mlock(s->pages, s->size);
	(void)madvise(s->pages, s->size, MADV_DONTDUMP);
	memcpy(s->pages, s->name, name_len);
	s->pages[name_len] = '=';
	s->len = name_len + 1;
	return 0;
}

/* A folder above a secret's file: could somebody else put another file there? */
static int check_folder(int fd, const char *path, struct uc_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "'%s'", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return uc_fail(err, UC_DENIED,
			       "the folder '%s' above the secret belongs to another user",
			       path);
	if (!(st.st_mode & (S_IWGRP | S_IWOTH)) ||
	    ((st.st_mode & S_ISVTX) && st.st_uid == 0))
		return 0;
	uc_fail(err, UC_DENIED, "the folder '%s' above the secret is writable by others",
		path);
	return uc_hint(err, "chmod go-w '%s'", path);
}

/*
 * Open a folder by its path without links, each component from the one before, so that
 * what was checked is what is used.
 */
static int open_folder(const char *path, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf done = { 0 };
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && check_folder(fd, done.len ? done.data : "/", err) == 0) {
		uc_auto(buf) struct uc_buf part = { 0 };
		size_t len;
		int next;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0)
			return fd;
		uc_buf_addn(&part, path, len);
		uc_buf_addc(&done, '/');
		uc_buf_addn(&done, path, len);
		next = openat(fd, uc_buf_text(&part),
			      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			uc_fail_errno(err, UC_NOTFOUND, errno, "'%s'",
				      uc_buf_text(&done));
		close(fd);
		fd = next;
		path += len;
		if (fd < 0)
			return -1;
	}
	if (fd < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "'/'");
	close(fd);
	return -1;
}

static int check_file(int fd, const char *path, size_t *size, struct uc_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "'%s'", path);
	if (!S_ISREG(st.st_mode))
		return uc_fail(err, UC_DENIED, "secret file '%s' is not a regular file",
			       path);
	if (st.st_uid != geteuid())
		return uc_fail(err, UC_DENIED, "secret file '%s' belongs to another user",
			       path);
	if (st.st_mode & 07777 & ~0600u) {
		uc_fail(err, UC_DENIED,
			"secret file '%s' has mode %04o, others could read it", path,
			st.st_mode & 07777);
		return uc_hint(err, "chmod 600 '%s'", path);
	}
	*size = (size_t)st.st_size;
	/* one line end more than the value may have */
	if (st.st_size > UC_SECRET_MAX + 2)
		return uc_fail(err, UC_USAGE, "secret file '%s' is larger than 64 KiB",
			       path);
	return 0;
}

static int open_file(const char *path, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf folder = { 0 };
	char *real;
	int above, fd;

	uc_path_folder(&folder, path);
	if (folder.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	real = realpath(uc_buf_text(&folder), NULL);
	if (!real)
		return uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_NOTFOUND,
				     errno, "secret file '%s'", path);
	above = open_folder(real, err);
	free(real);
	if (above < 0)
		return -1;
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	fd = openat(above, uc_path_name(path),
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP)
		uc_fail(err, UC_DENIED, "secret file '%s' is a symbolic link", path);
	else if (fd < 0)
		uc_fail_errno(err, errno == ENOENT ? UC_NOTFOUND : UC_DENIED, errno,
			      "secret file '%s'", path);
	close(above);
	return fd;
}

/* The whole file behind NAME=; a file that grows meanwhile is refused. */
static int fill_pages(struct secret *s, int fd, const char *path, struct uc_error *err)
{
	ssize_t got;

	while (s->len < s->size - 1) {
		got = read(fd, s->pages + s->len, s->size - 1 - s->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return uc_fail_errno(err, UC_FAILED, errno, "cannot read %s",
					     path);
		if (got == 0)
			return 0;
		s->len += (size_t)got;
	}
	return uc_fail(err, UC_FAILED, "'%s' changed while it was read", path);
}

static int check_value(const struct secret *s, struct uc_error *err)
{
	size_t before = strlen(s->name) + 1, len = s->len - before;

	if (len == 0)
		return uc_fail(err, UC_USAGE, "secret '%s' is empty", s->name);
	if (len > UC_SECRET_MAX)
		return uc_fail(err, UC_USAGE, "secret '%s' is larger than 64 KiB",
			       s->name);
	if (memchr(s->pages + before, '\0', len))
		return uc_fail(err, UC_USAGE, "secret '%s' holds a NUL byte", s->name);
	return 0;
}

static int read_file(struct secret *s, const char *text,
		     const struct uc_secret_from *from, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	size_t size = 0;
	int fd, rc;

	if (!text[0])
		return uc_fail(err, UC_USAGE, "secret '%s': expected a file after '='",
			       s->name);
	if (uc_path_absolute(&path, text, from->cwd, from->home, err) < 0)
		return -1;
	fd = open_file(uc_buf_text(&path), err);
	if (fd < 0)
		return -1;
	rc = check_file(fd, uc_buf_text(&path), &size, err);
	if (rc == 0)
		rc = make_pages(s, size + 1, err);
	if (rc == 0)
		rc = fill_pages(s, fd, uc_buf_text(&path), err);
	close(fd);
	if (rc < 0)
		return -1;
	if (s->pages[s->len - 1] == '\n')
		s->len--;
	if (s->pages[s->len] == '\n' && s->pages[s->len - 1] == '\r')
		s->len--;
	memset(s->pages + s->len, 0, s->size - s->len);
	return check_value(s, err);
}

static int read_variable(struct secret *s, const struct uc_secret_from *from,
			 struct uc_error *err)
{
	const char *value = uc_env_value(from->environment, s->name);
	size_t len = value ? strlen(value) : 0;

	if (!value) {
		uc_fail(err, UC_NOTFOUND, "secret '%s' is not set in the environment",
			s->name);
		return uc_hint(err, "export %s, or name a file: --secret %s=FILE",
			       s->name, s->name);
	}
	if (make_pages(s, len, err) < 0)
		return -1;
	memcpy(s->pages + s->len, value, len);
	s->len += len;
	return check_value(s, err);
}

static int append(struct uc_secrets **secrets, struct secret *s, struct uc_error *err)
{
	struct secret *item;

	if (!*secrets)
		*secrets = calloc(1, sizeof(**secrets));
	item = *secrets ? reallocarray((*secrets)->item, (*secrets)->count + 1,
				       sizeof(*item))
			: NULL;
	if (!item)
		return uc_fail(err, UC_FAILED, "out of memory");
	(*secrets)->item = item;
	item[(*secrets)->count++] = *s;
	*s = (struct secret){ 0 };
	return 0;
}

int uc_secrets_add(struct uc_secrets **secrets, const char *text,
		   const struct uc_secret_from *from, struct uc_error *err)
{
	size_t len = strcspn(text, "=");
	struct secret s = { 0 };
	int rc;

	/* the text is not shown: it may be NAME=VALUE by mistake */
	if (len == 0 || len > NAME_MAX || (text[0] >= '0' && text[0] <= '9') ||
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789_") < len)
		return uc_fail(err, UC_USAGE,
			       "a secret is NAME or NAME=FILE, NAME of letters, digits "
			       "and _");
	s.name = strndup(text, len);
	if (!s.name)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_secrets_find(*secrets, s.name))
		rc = uc_fail(err, UC_USAGE, "secret '%s' is given twice", s.name);
	else if (text[len])
		rc = read_file(&s, text + len + 1, from, err);
	else
		rc = read_variable(&s, from, err);
	if (rc == 0)
		rc = append(secrets, &s, err);
	free_secret(&s);
	return rc;
}

size_t uc_secrets_count(const struct uc_secrets *secrets)
{
	return secrets ? secrets->count : 0;
}

const char *uc_secrets_name(const struct uc_secrets *secrets, size_t i)
{
	return i < uc_secrets_count(secrets) ? secrets->item[i].name : NULL;
}

static const struct secret *find(const struct uc_secrets *secrets, const char *assignment)
{
	size_t len = strcspn(assignment, "=");

	for (size_t i = 0; i < uc_secrets_count(secrets); i++)
		if (strlen(secrets->item[i].name) == len &&
		    memcmp(secrets->item[i].name, assignment, len) == 0)
			return &secrets->item[i];
	return NULL;
}

bool uc_secrets_find(const struct uc_secrets *secrets, const char *assignment)
{
	return find(secrets, assignment) != NULL;
}

/* Length of the longest secret's value that `text` begins with, or 0. */
static size_t value_at(const struct uc_secrets *secrets, const char *text)
{
	size_t longest = 0;

	for (size_t i = 0; i < uc_secrets_count(secrets); i++) {
		const char *value =
			secrets->item[i].pages + strlen(secrets->item[i].name) + 1;
		size_t len = strlen(value);

		if (len >= MASK_LEAST && len > longest && strncmp(text, value, len) == 0)
			longest = len;
	}
	return longest;
}

void uc_secrets_mask(const struct uc_secrets *secrets, const char *text,
		     struct uc_buf *out)
{
	const struct secret *s = strchr(text, '=') ? find(secrets, text) : NULL;

	if (s) {
		uc_buf_addf(out, "%s=<secret>", s->name);
		return;
	}
	while (*text) {
		size_t len = value_at(secrets, text);

		if (len > 0)
			uc_buf_add(out, "<secret>");
		else
			uc_buf_addc(out, *text);
		text += len ? len : 1;
	}
}

const char **uc_secrets_vector(const struct uc_secrets *secrets,
			       const char *const *environment, struct uc_error *err)
{
	size_t count = uc_secrets_count(secrets), n = 0;
	const char **vector;

	for (size_t i = 0; environment && environment[i]; i++)
		count++;
	vector = calloc(count + 1, sizeof(*vector));
	if (!vector) {
		uc_fail(err, UC_FAILED, "out of memory");
		return NULL;
	}
	for (size_t i = 0; environment && environment[i]; i++)
		if (!uc_secrets_find(secrets, environment[i]))
			vector[n++] = environment[i];
	for (size_t i = 0; i < uc_secrets_count(secrets); i++)
		vector[n++] = secrets->item[i].pages;
	return vector;
}

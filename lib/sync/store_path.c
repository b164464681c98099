/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/store_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/linux.h"

#define ALWAYS (O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define TRIES  16 /* while somebody renames what is above */

/* With O_PATH and O_NOFOLLOW a link is opened, not refused. */
static int refuse_link(int fd, int flags)
{
	struct stat st;

	if (fd < 0 || !(flags & UC_O_PATH))
		return fd;
	if (fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode))
		return fd;
	close(fd);
	errno = ELOOP;
	return -1;
}

static int open_steps(int root, const char *path, int flags)
{
	char name[UC_SYNC_NAME_MAX + 1];
	int at = root;

	for (;;) {
		size_t len = strcspn(path, "/");
		bool last = path[len] == '\0';
		int next, errno_value;

		if (len > UC_SYNC_NAME_MAX) {
			next = -1;
			errno = ENAMETOOLONG;
		} else {
			memcpy(name, path, len);
			name[len] = '\0';
			next = openat(at, name,
				      last ? flags : UC_O_PATH | O_DIRECTORY | ALWAYS);
		}
		errno_value = errno;
		if (at != root)
			close(at);
		errno = errno_value;
		if (next < 0 || last)
			return next;
		at = next;
		path += len + 1;
	}
}

/* No "", "." or "..": both ways of opening then mean the same. */
static bool is_plain(const char *path)
{
	for (;;) {
		size_t len = strcspn(path, "/");

		if (len == 0 || (len == 1 && path[0] == '.') ||
		    (len == 2 && memcmp(path, "..", 2) == 0))
			return false;
		if (!path[len])
			return true;
		path += len + 1;
	}
}

int uc_store_resolve(int root, const char *path, int flags, bool by_steps)
{
	flags |= ALWAYS;
	if (flags & UC_O_PATH) /* openat2 takes few others with it */
		flags &= UC_O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (!*path)
		return openat(root, ".", flags);
	if (!is_plain(path)) {
		errno = EXDEV;
		return -1;
	}
	if (!strchr(path, '/')) /* one step */
		return refuse_link(openat(root, path, flags), flags);
	for (int i = 0; i < TRIES && !by_steps; i++) {
		int fd = uc_linux_open_beneath(root, path, flags);

		if (fd >= 0)
			return refuse_link(fd, flags);
		if (errno == EAGAIN)
			continue;
		/* EPERM: a sandbox that does not know the call */
		if (errno != ENOSYS && errno != EPERM && errno != EINVAL)
			return -1;
		break;
	}
	return refuse_link(open_steps(root, path, flags), flags);
}

int uc_store_openat(int root, const char *path, int flags)
{
	return uc_store_resolve(root, path, flags, false);
}

bool uc_store_path_ok(const char *path, struct uc_error *err)
{
	const char *why = NULL, *at = path;
	unsigned depth = 0;

	for (; !why; at++) {
		size_t len = strcspn(at, "/");

		if (len == 0)
			why = "an empty name in it";
		else if (at[0] == '.' && (len == 1 || (len == 2 && at[1] == '.')))
			why = "'.' or '..' in it";
		else if (len > UC_SYNC_NAME_MAX)
			why = "a name of more than 255 bytes";
		else if (strncmp(at, UC_STORE_TEMPORARY, 4) == 0)
			why = "a name of a temporary file";
		else if (at == path && strncmp(at, ".ucluster-", 10) == 0)
			why = "a name that usync keeps for itself";
		else if (depth++ > UC_SYNC_DEPTH_MAX)
			why = "too many folders";
		at += len;
		if (!*at)
			break;
	}
	if (!why && at - path > UC_SYNC_PATH_MAX)
		why = "more than 4095 bytes";
	if (why)
		(void)uc_fail(err, UC_DENIED, "'%s' is no path to write to: %s", path,
			      why);
	return !why;
}

const char *uc_store_path_split(const char *path, size_t *folder)
{
	const char *slash = strrchr(path, '/');

	*folder = slash ? (size_t)(slash - path) : 0;
	return slash ? slash + 1 : path;
}

/* Names */

int uc_store_random_name(char name[UC_STORE_NAME_SIZE])
{
	uint64_t number;

	if (getentropy(&number, sizeof(number)) < 0)
		return -1;
	(void)snprintf(name, UC_STORE_NAME_SIZE, UC_STORE_TEMPORARY "%016llx",
		       (unsigned long long)number);
	return 0;
}

#define PARTIAL UC_STORE_TEMPORARY "part-"

void uc_store_partial_name(char name[UC_STORE_NAME_SIZE], const char *file, uint64_t size,
			   int64_t mtime, size_t *version)
{
	uint64_t what[2] = { size, (uint64_t)mtime };
	XXH128_hash_t hash = XXH3_128bits(what, sizeof(what));

	(void)snprintf(name, UC_STORE_NAME_SIZE, PARTIAL "%016llx-%016llx%016llx",
		       (unsigned long long)XXH3_64bits(file, strlen(file)),
		       (unsigned long long)hash.high64, (unsigned long long)hash.low64);
	*version = strlen(PARTIAL) + 17;
}

static bool is_hex(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdef") >= len;
}

bool uc_store_is_temporary(const char *name)
{
	return strncmp(name, UC_STORE_TEMPORARY, 4) == 0 && is_hex(name + 4, 16) &&
	       name[20] == '\0';
}

bool uc_store_is_partial(const char *name)
{
	return strncmp(name, PARTIAL, 9) == 0 && is_hex(name + 9, 16) &&
	       name[25] == '-' && is_hex(name + 26, 32) && name[58] == '\0';
}

/* System calls */

int uc_store_rename_new(int from, const char *name, int to, const char *as)
{
	struct stat st;

	if (uc_linux_rename_new(from, name, to, as) == 0)
		return 0;
	if (errno != ENOSYS && errno != EINVAL)
		return -1;
	/* A second name cannot replace anything either; folders have none. */
	if (linkat(from, name, to, as, 0) == 0)
		return unlinkat(from, name, 0);
	/* ENOSPC: it would need one more entry than there are */
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != ENOSPC)
		return -1;
	if (fstatat(to, as, &st, AT_SYMLINK_NOFOLLOW) == 0)
		errno = EEXIST;
	if (errno != ENOENT)
		return -1;
	return renameat(from, name, to, as);
}

/* A descriptor of O_PATH by its name in /proc, which leads to nothing else. */
static void proc_name(char name[32], int fd)
{
	(void)snprintf(name, 32, "/proc/self/fd/%d", fd);
}

int uc_store_chmod(int fd, mode_t mode)
{
	char name[32];

	if (fchmod(fd, mode) == 0)
		return 0;
	if (errno != EBADF)
		return -1;
	proc_name(name, fd);
	return fchmodat(AT_FDCWD, name, mode, 0);
}

struct timespec uc_store_timespec(int64_t nanoseconds)
{
	int64_t rest = nanoseconds % 1000000000;
	struct timespec time = { .tv_sec = (time_t)(nanoseconds / 1000000000),
				 .tv_nsec = (long)rest };

	if (rest < 0) {
		time.tv_sec--;
		time.tv_nsec += 1000000000;
	}
	return time;
}

int uc_store_utime(int fd, int64_t mtime)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     uc_store_timespec(mtime) };
	char name[32];

	if (futimens(fd, times) == 0)
		return 0;
	if (errno != EBADF)
		return -1;
	proc_name(name, fd);
	return utimensat(AT_FDCWD, name, times, 0);
}

int64_t uc_store_mtime(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

mode_t uc_store_umask(void)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	mode_t mask = 022;
	char text[1024];
	const char *line;
	ssize_t len;

	if (fd < 0)
		return mask;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return mask;
	text[len] = '\0';
	line = strstr(text, "\nUmask:");
	return line ? (mode_t)strtoul(line + 7, NULL, 8) & 0777 : mask;
}

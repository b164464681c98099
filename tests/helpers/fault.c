/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "fault.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct fault_plan plan;
static struct fault_seen *seen;
static atomic_size_t number;
static atomic_long live;
static __thread bool exempt;

/* ---- What is to fail ---- */

void __sanitizer_print_stack_trace(void) __attribute__((weak));

/* With UC_FAULT_TRACE also where it was. */
static void hit(const char *name, int error)
{
	if (getenv("UC_FAULT_TRACE") && __sanitizer_print_stack_trace)
		__sanitizer_print_stack_trace();
	seen->hit = true;
	(void)snprintf(seen->what, sizeof(seen->what), "%s: error %d", name, error);
	errno = error;
}

static bool refuse_memory(const char *name)
{
	size_t now;

	if (plan.kind != FAULT_MEMORY || exempt)
		return false;
	now = ++number;
	seen->count = now;
	if (!plan.at || (plan.stay ? now < plan.at : now != plan.at))
		return false;
	hit(name, ENOMEM);
	return true;
}

/* The error that this call is to have, or 0. `errors` ends with 0. */
static int refuse_call(const char *name, const int *errors)
{
	size_t now;
	unsigned count = 0;

	if (plan.kind != FAULT_CALLS)
		return 0;
	now = ++number;
	while (errors[count])
		count++;
	if (now <= FAULT_SEEN_MAX)
		seen->errors[now - 1] = (unsigned char)count;
	seen->count = now;
	if (now != plan.at || plan.variant >= count)
		return 0;
	hit(name, errors[plan.variant]);
	return errors[plan.variant];
}

void fault_begin(const struct fault_plan *wanted)
{
	if (!seen) {
		seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (seen == MAP_FAILED)
			_exit(1);
	}
	seen->count = 0;
	seen->hit = false;
	seen->what[0] = '\0';
	number = 0;
	live = 0;
	plan = *wanted;
}

void fault_end(void)
{
	plan.kind = FAULT_NONE;
}

const struct fault_seen *fault_seen(void)
{
	return seen;
}

long fault_live(void)
{
	return live;
}

bool fault_chosen(size_t index, size_t count, size_t most)
{
	return most >= count || index * most / count != (index + 1) * most / count;
}

/* ---- Memory ---- */

/* The next one of that name: the sanitizer's, else libc's. */
#define NEXT(name)                                                                       \
	static __typeof__(name) *next;                                                   \
	if (!next)                                                                       \
	*(void **)&next = dlsym(RTLD_NEXT, #name)

static struct {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t count, size_t size);
	void *(*realloc)(void *old, size_t size);
	void (*free)(void *block);
} next_memory;

/* What dlsym itself allocates and frees while the functions are looked up. */
static char early[4096];
static size_t early_used;
static bool looking;

static void *early_block(size_t size)
{
	void *block = early + early_used;

	size = (size + 15) & ~(size_t)15;
	if (size > sizeof(early) - early_used)
		return NULL;
	early_used += size;
	return block;
}

static bool is_early(const void *block)
{
	return (const char *)block >= early &&
	       (const char *)block < early + sizeof(early);
}

/* False: they are being looked up. */
static bool look_up(void)
{
	if (looking)
		return false;
	if (next_memory.free)
		return true;
	looking = true;
	*(void **)&next_memory.malloc = dlsym(RTLD_NEXT, "malloc");
	*(void **)&next_memory.calloc = dlsym(RTLD_NEXT, "calloc");
	*(void **)&next_memory.realloc = dlsym(RTLD_NEXT, "realloc");
	*(void **)&next_memory.free = dlsym(RTLD_NEXT, "free");
	looking = false;
	return true;
}

static void *counted(void *block)
{
	if (block)
		live++;
	return block;
}

void *malloc(size_t size)
{
	if (!look_up())
		return early_block(size);
	return refuse_memory("malloc") ? NULL : counted(next_memory.malloc(size));
}

void *calloc(size_t count, size_t size)
{
	if (!look_up())
		return early_block(count * size);
	return refuse_memory("calloc") ? NULL : counted(next_memory.calloc(count, size));
}

void *realloc(void *old, size_t size)
{
	void *block;

	if (!old)
		return malloc(size);
	if (!look_up() || is_early(old) || refuse_memory("realloc"))
		return NULL;
	block = next_memory.realloc(old, size);
	if (!block && !size)
		live--;
	return block;
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	int error;

	NEXT(posix_memalign);
	if (refuse_memory("posix_memalign"))
		return ENOMEM;
	error = next(out, alignment, size);
	if (!error)
		(void)counted(*out);
	return error;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	NEXT(aligned_alloc);
	return refuse_memory("aligned_alloc") ? NULL : counted(next(alignment, size));
}

void free(void *block)
{
	if (!block || is_early(block) || !look_up())
		return;
	live--;
	next_memory.free(block);
}

/* A sanitizer's own would not come by malloc. */
static char *copy_of(const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *strndup(const char *text, size_t size)
{
	return copy_of(text, strnlen(text, size));
}

char *strdup(const char *text)
{
	return copy_of(text, strlen(text));
}

/*
 * That of libc before 2.37 writes one byte beyond a text of exactly 100 bytes when it
 * cannot be given a block of its own: not ours to mend.
 */
int vasprintf(char **out, const char *format, va_list list)
{
	va_list again;
	int len;

	va_copy(again, list);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	*out = len < 0 ? NULL : malloc((size_t)len + 1);
	return *out ? vsnprintf(*out, (size_t)len + 1, format, list) : -1;
}

int asprintf(char **out, const char *format, ...)
{
	va_list list;
	int len;

	va_start(list, format);
	len = vasprintf(out, format, list);
	va_end(list);
	return len;
}

/* A sanitizer learns of a new thread's stack by it and does not live without. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *how)
{
	int error;

	NEXT(pthread_getattr_np);
	exempt = true;
	error = next(thread, how);
	exempt = false;
	return error;
}

/* jansson 2.14 reads beyond its text when that cannot grow: not ours to mend. */
#define EXEMPT(type, name, parameters, arguments)                                        \
	type name parameters;                                                            \
	type name parameters                                                             \
	{                                                                                \
		type result;                                                             \
		NEXT(name);                                                              \
		exempt = true;                                                           \
		result = next arguments;                                                 \
		exempt = false;                                                          \
		return result;                                                           \
	}

/* libc's setlocale loses what it had. */
EXEMPT(char *, setlocale, (int category, const char *name), (category, name))
/* It falls back to UTC. */
EXEMPT(struct tm *, localtime_r, (const time_t *when, struct tm *tm), (when, tm))
EXEMPT(void *, json_loadb, (const char *text, size_t size, size_t flags, void *error),
       (text, size, flags, error))
EXEMPT(void *, json_loads, (const char *text, size_t flags, void *error),
       (text, flags, error))

/* ---- Calls ---- */

/* clang-format off */
#define CALL(type, name, parameters, arguments, failed, ...)                             \
	type name parameters                                                             \
	{                                                                                \
		static const int errors[] = { __VA_ARGS__, 0 };                          \
		NEXT(name);                                                              \
		return refuse_call(#name, errors) ? failed : next arguments;             \
	}

/* Those that are done all the same: the descriptor is closed. */
#define CLOSE(type, name, parameters, arguments, failed, ...)                            \
	type name parameters                                                             \
	{                                                                                \
		static const int errors[] = { __VA_ARGS__, 0 };                          \
		int error;                                                               \
		NEXT(name);                                                              \
		error = refuse_call(#name, errors);                                      \
		if (!error)                                                              \
			return next arguments;                                           \
		(void)next arguments;                                                    \
		errno = error;                                                           \
		return failed;                                                           \
	}

/* Those that return the error. */
#define RETURNS(name, parameters, arguments, ...)                                        \
	int name parameters                                                              \
	{                                                                                \
		static const int errors[] = { __VA_ARGS__, 0 };                          \
		int error;                                                               \
		NEXT(name);                                                              \
		error = refuse_call(#name, errors);                                      \
		return error ? error : next arguments;                                   \
	}

#define OPEN(name, parameters, arguments, ...)                                           \
	int name parameters                                                              \
	{                                                                                \
		static const int read_errors[] = { __VA_ARGS__, 0 };                     \
		static const int make_errors[] = { ENOSPC, __VA_ARGS__, 0 };             \
		mode_t mode = 0;                                                         \
		va_list list;                                                            \
		NEXT(name);                                                              \
		va_start(list, flags);                                                   \
		if (flags & (O_CREAT | __O_TMPFILE))                                     \
			mode = va_arg(list, mode_t);                                     \
		va_end(list);                                                            \
		return refuse_call(#name, flags & O_CREAT ? make_errors : read_errors)   \
			       ? -1 : next arguments;                                    \
	}

OPEN(open, (const char *path, int flags, ...), (path, flags, mode), EMFILE, EACCES, EINTR)
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode), EMFILE, EACCES, EINTR)
OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode), EMFILE,
     EACCES, EINTR)
OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode), EMFILE,
     EACCES, EINTR)
CALL(FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL, EMFILE, EACCES)
CALL(FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL, ENOMEM)
CALL(DIR *, opendir, (const char *path), (path), NULL, EMFILE, EACCES)
CALL(DIR *, fdopendir, (int fd), (fd), NULL, ENOMEM)
CALL(struct dirent *, readdir, (DIR *dir), (dir), NULL, EIO)
CLOSE(int, close, (int fd), (fd), -1, EIO, EINTR)
CLOSE(int, fclose, (FILE *f), (f), EOF, ENOSPC)
CALL(int, fflush, (FILE *f), (f), EOF, ENOSPC)

CALL(ssize_t, read, (int fd, void *to, size_t size), (fd, to, size), -1, EIO, EINTR)
CALL(ssize_t, pread, (int fd, void *to, size_t size, off_t at), (fd, to, size, at), -1, EIO,
     EINTR)
CALL(ssize_t, pread64, (int fd, void *to, size_t size, off64_t at), (fd, to, size, at), -1,
     EIO, EINTR)
CALL(ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size), -1, ENOSPC,
     EIO, EINTR)
CALL(ssize_t, pwrite, (int fd, const void *from, size_t size, off_t at),
     (fd, from, size, at), -1, ENOSPC, EIO, EINTR)
CALL(ssize_t, send, (int fd, const void *from, size_t size, int flags),
     (fd, from, size, flags), -1, EINTR, ENOMEM)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
     (fd, message, flags), -1, EINTR, ENOMEM)
CALL(ssize_t, recv, (int fd, void *to, size_t size, int flags), (fd, to, size, flags), -1,
     ECONNRESET, EINTR)
CALL(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), -1,
     ECONNRESET, EINTR)
CALL(int, poll, (struct pollfd *fds, nfds_t count, int timeout), (fds, count, timeout), -1,
     EINTR, ENOMEM)
CALL(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), -1, EINTR)
CALL(ssize_t, copy_file_range,
     (int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags),
     (in, from, out, to, size, flags), -1, EIO, ENOSPC, EXDEV)

CALL(int, fsync, (int fd), (fd), -1, EIO, ENOSPC)
CALL(int, fdatasync, (int fd), (fd), -1, EIO)
CALL(int, ftruncate, (int fd, off_t size), (fd, size), -1, EIO, EINTR)
CALL(off_t, lseek, (int fd, off_t at, int from), (fd, at, from), -1, ESPIPE)
CALL(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, EPERM)
CALL(int, futimens, (int fd, const struct timespec times[2]), (fd, times), -1, EPERM)
CALL(int, utimensat, (int at, const char *path, const struct timespec times[2], int flags),
     (at, path, times, flags), -1, EPERM)
CALL(int, flock, (int fd, int how), (fd, how), -1, EINTR, ENOLCK)

CALL(int, fstat, (int fd, struct stat *st), (fd, st), -1, EIO)
CALL(int, stat, (const char *path, struct stat *st), (path, st), -1, EACCES, EIO)
CALL(int, lstat, (const char *path, struct stat *st), (path, st), -1, EACCES, EIO)
CALL(int, fstatat, (int at, const char *path, struct stat *st, int flags),
     (at, path, st, flags), -1, EACCES, EIO)
CALL(int, statx, (int at, const char *path, int flags, unsigned mask, struct statx *st),
     (at, path, flags, mask, st), -1, EACCES, EIO)
CALL(int, access, (const char *path, int how), (path, how), -1, EACCES)
CALL(ssize_t, readlink, (const char *path, char *to, size_t size), (path, to, size), -1,
     EACCES)
CALL(ssize_t, readlinkat, (int at, const char *path, char *to, size_t size),
     (at, path, to, size), -1, EACCES)

CALL(int, rename, (const char *from, const char *to), (from, to), -1, EACCES, ENOSPC)
CALL(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), -1,
     EACCES, ENOSPC)
CALL(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
     (a, from, b, to, flags), -1, EINVAL, ENOSPC)
CALL(int, link, (const char *from, const char *to), (from, to), -1, EPERM, EMLINK)
CALL(int, linkat, (int a, const char *from, int b, const char *to, int flags),
     (a, from, b, to, flags), -1, EPERM, EMLINK)
CALL(int, symlink, (const char *from, const char *to), (from, to), -1, ENOSPC)
CALL(int, symlinkat, (const char *from, int at, const char *to), (from, at, to), -1, ENOSPC)
CALL(int, unlink, (const char *path), (path), -1, EACCES)
CALL(int, unlinkat, (int at, const char *path, int flags), (at, path, flags), -1, EACCES)
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), -1, ENOSPC, EACCES)
CALL(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode), -1, ENOSPC,
     EACCES)
CALL(int, mkstemp, (char *path), (path), -1, ENOSPC, EACCES)
CALL(int, mkostemp, (char *path, int flags), (path, flags), -1, ENOSPC, EACCES)

CALL(int, pipe, (int fds[2]), (fds), -1, EMFILE)
CALL(int, pipe2, (int fds[2], int flags), (fds, flags), -1, EMFILE)
CALL(int, dup, (int fd), (fd), -1, EMFILE)
CALL(int, socket, (int family, int type, int protocol), (family, type, protocol), -1, EMFILE)
CALL(int, socketpair, (int family, int type, int protocol, int fds[2]),
     (family, type, protocol, fds), -1, EMFILE)
CALL(int, memfd_create, (const char *name, unsigned flags), (name, flags), -1, EMFILE)
CALL(pid_t, fork, (void), (), -1, EAGAIN)
CALL(void *, mmap, (void *at, size_t size, int protect, int flags, int fd, off_t from),
     (at, size, protect, flags, fd, from), MAP_FAILED, ENOMEM)
RETURNS(pthread_create,
	(pthread_t *thread, const pthread_attr_t *how, void *(*fn)(void *), void *arg),
	(thread, how, fn, arg), EAGAIN)
RETURNS(posix_spawn,
	(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files,
	 const posix_spawnattr_t *how, char *const argv[], char *const environment[]),
	(pid, path, files, how, argv, environment), EAGAIN)
RETURNS(posix_spawnp,
	(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files,
	 const posix_spawnattr_t *how, char *const argv[], char *const environment[]),
	(pid, path, files, how, argv, environment), EAGAIN)
/* clang-format on */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "session/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Somebody may make all of these beforehand: then the name is one that nobody foresees.
 */
#define TRIES     4
#define KEY_BYTES 8
/* A socket without a server is nobody's after so many seconds: it may still come up. */
#define STALE_S    60
#define SWEEP_MOST 1000

static const char *const default_roots[] = { "/tmp", "/dev/shm", "/var/tmp", NULL };

/* A folder of the user's own that nobody else may enter; no link to one. */
static int open_own(int root, const char *name, uid_t uid)
{
	int fd = openat(root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_uid == uid && (st.st_mode & 0077) == 0)
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* The last attempt has a name of its own each time. */
static void add_folder_name(struct uc_buf *name, uid_t uid, int attempt)
{
	unsigned char key[KEY_BYTES];

	uc_buf_addf(name, "ucluster-%u", uid);
	if (attempt > 0 && attempt < TRIES)
		uc_buf_addf(name, ".%d", attempt);
	if (attempt < TRIES)
		return;
	uc_buf_addc(name, '.');
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		name->failed = true;
	for (size_t i = 0; i < sizeof(key); i++)
		uc_buf_addf(name, "%02x", key[i]);
}

static int open_folder(const char *path, uid_t uid, int attempt, bool make,
		       struct uc_buf *shown)
{
	uc_auto(buf) struct uc_buf name = { 0 };
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = -1;

	add_folder_name(&name, uid, attempt);
	if (root >= 0 && !name.failed) {
		/* a umask takes bits away only */
		if (make)
			(void)!mkdirat(root, name.data, 0700);
		fd = open_own(root, name.data, uid);
	}
	if (root >= 0)
		close(root);
	uc_buf_reset(shown);
	uc_buf_addf(shown, "%s/%s", path, uc_buf_text(&name));
	return fd;
}

/* The socket's name in its folder; both parts are plain, see uc_place_is_plain(). */
static void add_name(const struct uc_place *place, struct uc_buf *name)
{
	uc_buf_addf(name, "%s-%s", place->job, place->key);
}

bool uc_place_is_plain(const char *word)
{
	return word && word[0] && strlen(word) <= 32 &&
	       word[strspn(word, "0123456789abcdef")] == '\0';
}

/* By the open folder, which nobody can change meanwhile; and sun_path is short. */
static int address(const struct uc_place *place, int folder, struct sockaddr_un *out)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	uc_buf_addf(&path, "/proc/self/fd/%d/", folder);
	add_name(place, &path);
	if (path.failed || path.len >= sizeof(out->sun_path))
		return -1;
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(out->sun_path, path.data, path.len);
	return 0;
}

/* What a server left that was killed is replaced: a job has one server at a time. */
static int listen_in(const struct uc_place *place, int folder)
{
	uc_auto(buf) struct uc_buf name = { 0 };
	struct sockaddr_un to;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	add_name(place, &name);
	if (fd >= 0 && !name.failed && address(place, folder, &to) == 0) {
		unlinkat(folder, name.data, 0);
		if (bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
		    fchmodat(folder, name.data, 0600, 0) == 0 && listen(fd, 16) == 0)
			return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* --- what servers left that were killed --- */

static DIR *open_list(int folder)
{
	const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);

	if (!list && fd >= 0)
		close(fd);
	return list;
}

static bool is_old(const struct stat *st)
{
	return st->st_mtime + STALE_S < time(NULL);
}

/* Does nobody listen there? */
static bool is_left(int folder, const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int len = snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/%s",
				 folder, name);
	bool left = false;

	if (fd >= 0 && len > 0 && (size_t)len < sizeof(to.sun_path))
		left = connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 &&
		       errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return left;
}

static void sweep(int folder)
{
	DIR *list = open_list(folder);
	const struct dirent *entry;
	struct stat st;

	for (int i = 0; list && i < SWEEP_MOST && (entry = readdir(list)); i++)
		if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISSOCK(st.st_mode) && is_old(&st) && is_left(folder, entry->d_name))
			unlinkat(folder, entry->d_name, 0);
	if (list)
		closedir(list);
}

/* --- folders whose names nobody foresees --- */

/* Is it one of those? */
static bool is_random(const char *name, uid_t uid)
{
	char prefix[32];
	const int len = snprintf(prefix, sizeof(prefix), "ucluster-%u.", uid);

	return strncmp(name, prefix, (size_t)len) == 0 &&
	       strspn(name + len, "0123456789abcdef") == 2 * (size_t)KEY_BYTES &&
	       name[len + 2 * KEY_BYTES] == '\0';
}

/* Call `fn` for each of the user's own until it returns 0 or more. */
static int each_random(const char *path, const struct uc_place *place,
		       int (*fn)(const struct uc_place *, int root, const char *name,
				 int folder))
{
	const int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = root < 0 ? NULL : open_list(root);
	const struct dirent *entry;
	int rc = -1;

	while (list && rc < 0 && (entry = readdir(list))) {
		int folder = is_random(entry->d_name, place->uid)
				     ? open_own(root, entry->d_name, place->uid)
				     : -1;

		if (folder < 0)
			continue;
		rc = fn(place, root, entry->d_name, folder);
		close(folder);
	}
	if (list)
		closedir(list);
	if (root >= 0)
		close(root);
	return rc;
}

static int clear(const struct uc_place *place, int root, const char *name, int folder)
{
	struct stat st;

	(void)place;
	sweep(folder);
	/* an empty one, that nobody is about to use */
	if (fstat(folder, &st) == 0 && is_old(&st))
		unlinkat(root, name, AT_REMOVEDIR);
	return -1;
}

/* --- */

int uc_place_listen(const struct uc_place *place, struct uc_buf *path,
		    struct uc_error *err)
{
	const char *const *root = place->roots ? place->roots : default_roots;

	for (; *root; root++) {
		each_random(*root, place, clear);
		for (int attempt = 0; attempt <= TRIES; attempt++) {
			int folder = open_folder(*root, place->uid, attempt, true, path);
			int fd = folder < 0 ? -1 : listen_in(place, folder);

			if (fd >= 0)
				sweep(folder);

			if (folder >= 0)
				close(folder);
			if (fd < 0)
				continue;
			uc_buf_addc(path, '/');
			add_name(place, path);
			return fd;
		}
	}
	return uc_fail(err, UC_DENIED,
		       "no folder of one's own can be made in /tmp, /dev/shm or /var/tmp "
		       "(the last one tried: '%s')",
		       uc_buf_text(path));
}

bool uc_place_is_peer(int fd, uid_t uid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.uid == uid;
}

static int connect_in(const struct uc_place *place, int folder)
{
	struct sockaddr_un to;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && address(place, folder, &to) == 0 &&
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    uc_place_is_peer(fd, place->uid))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int connect_random(const struct uc_place *place, int root, const char *name,
			  int folder)
{
	(void)root, (void)name;
	return connect_in(place, folder);
}

int uc_place_connect(const struct uc_place *place, struct uc_error *err)
{
	const char *const *root = place->roots ? place->roots : default_roots;
	uc_auto(buf) struct uc_buf path = { 0 };

	for (; *root; root++) {
		int found;

		for (int attempt = 0; attempt < TRIES; attempt++) {
			int folder =
				open_folder(*root, place->uid, attempt, false, &path);
			int fd = folder < 0 ? -1 : connect_in(place, folder);

			if (folder >= 0)
				close(folder);
			if (fd >= 0)
				return fd;
		}
		found = each_random(*root, place, connect_random);
		if (found >= 0)
			return found;
	}
	return uc_fail(err, UC_NOTFOUND, "no session of job %s is on this node",
		       place->job);
}

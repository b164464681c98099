/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "session/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Somebody who makes all of these beforehand only keeps sessions from starting. */
#define TRIES 4

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

static int open_folder(const char *path, uid_t uid, int attempt, bool make,
		       struct uc_buf *shown)
{
	uc_auto(buf) struct uc_buf name = { 0 };
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = -1;

	uc_buf_addf(&name, "ucluster-%u", uid);
	if (attempt > 0)
		uc_buf_addf(&name, ".%d", attempt);
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

int uc_place_listen(const struct uc_place *place, struct uc_buf *path,
		    struct uc_error *err)
{
	const char *const *root = place->roots ? place->roots : default_roots;

	for (; *root; root++)
		for (int attempt = 0; attempt < TRIES; attempt++) {
			int folder = open_folder(*root, place->uid, attempt, true, path);
			int fd = folder < 0 ? -1 : listen_in(place, folder);

			if (folder >= 0)
				close(folder);
			if (fd < 0)
				continue;
			uc_buf_addc(path, '/');
			add_name(place, path);
			return fd;
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

int uc_place_connect(const struct uc_place *place, struct uc_error *err)
{
	const char *const *root = place->roots ? place->roots : default_roots;
	uc_auto(buf) struct uc_buf path = { 0 };

	for (; *root; root++)
		for (int attempt = 0; attempt < TRIES; attempt++) {
			int folder =
				open_folder(*root, place->uid, attempt, false, &path);
			int fd = folder < 0 ? -1 : connect_in(place, folder);

			if (folder >= 0)
				close(folder);
			if (fd >= 0)
				return fd;
		}
	return uc_fail(err, UC_NOTFOUND, "no session of job %s is on this node",
		       place->job);
}

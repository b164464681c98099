/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Unpacking an image: for a named container, or into a cache that unnamed ones share. */
#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The largest images of sites are tens of GB; anything slower is stuck. */
#define UNPACK_MS (20 * 60 * 1000)

int uc_image_unpack(const char *path, const char *target)
{
	const char *const argv[] = { "unsquashfs", "-no-progress", "-user-xattrs",
				     "-d",         target,         path,
				     NULL };
	int status = uc_child_exec(argv, UNPACK_MS);

	if (status == 0)
		return 0;
	if (status > 0 && WIFSIGNALED(status))
		uc_note("[ERROR] unsquashfs was ended by signal %d", WTERMSIG(status));
	return -1;
}

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3; /* FNV-1a */
	return hash;
}

static char *cache_key(const char *path, int image)
{
	struct stat st;
	uint64_t hash = 0xcbf29ce484222325;

	if (fstat(image, &st))
		return NULL;
	for (const char *c = path; *c; c++)
		hash = mix(hash, c, 1);
	hash = mix(hash, &st.st_size, sizeof(st.st_size));
	hash = mix(hash, &st.st_mtim, sizeof(st.st_mtim));
	hash = mix(hash, &st.st_ino, sizeof(st.st_ino));
	hash = mix(hash, &st.st_dev, sizeof(st.st_dev));
	return uc_fmt("%016llx", (unsigned long long)hash);
}

static int lock_within(int fd, int timeout_ms)
{
	const struct timespec pause_20ms = { .tv_nsec = 20000000 };

	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB); waited += 20) {
		if (errno != EWOULDBLOCK || waited >= timeout_ms)
			return -1;
		nanosleep(&pause_20ms, NULL);
	}
	return 0;
}

static int fill(const char *path, const char *folder)
{
	struct stat st;
	char *temporary = uc_fmt("%s.tmp", folder);
	int rc = -1;

	if (stat(folder, &st) == 0) {
		rc = 0;
	} else if (temporary) {
		/* What an unpack that was killed left; the lock is ours. */
		uc_tree_remove(temporary);
		rc = uc_image_unpack(path, temporary);
		if (rc == 0)
			rc = rename(temporary, folder);
		else
			uc_tree_remove(temporary);
	}
	free(temporary);
	return rc;
}

/* The folder of the cache that has the image's files; the caller's to free. */
char *uc_image_unpack_cached(const char *path, int image, const char *cache, uid_t uid)
{
	char *key = cache_key(path, image);
	char *folder = key ? uc_fmt("%s/%u/%s", cache, (unsigned int)uid, key) : NULL;
	char *lock_path = folder ? uc_fmt("%s.lock", folder) : NULL;
	int lock = lock_path ? open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (lock < 0 || lock_within(lock, UNPACK_MS) || fill(path, folder)) {
		free(folder);
		folder = NULL;
	}
	uc_close(&lock);
	free(lock_path);
	free(key);
	return folder;
}

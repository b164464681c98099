/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Where enroot keeps layers and unpacks them. Left alone it does the first in the home
 * directory, which is small, and the second in /tmp, which may be memory. Each import has
 * a folder of its own in BASE/uimage-UID, with a lock that tells whether it lives: what
 * dead ones left is taken away by the next.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <ucluster/units.h>
#include <unistd.h>
#include "uimage/import.h"

#define CONF_MAX  65536
#define LOCK_NAME "lock"
#define TRIES     250 /* of 20 ms: for the lock on all folders */

/* --- what enroot is configured with --- */

/* The value of a plain `KEY VALUE` line; one with anything to expand is left alone. */
static void read_conf(const char *key, struct uc_buf *out)
{
	FILE *file = fopen("/etc/enroot/enroot.conf", "re");
	char line[1024];

	for (size_t i = 0; file && i < CONF_MAX && fgets(line, sizeof(line), file); i++) {
		const char *at = line + strspn(line, " \t");
		const size_t len = strlen(key);
		size_t end;

		if (strncmp(at, key, len) != 0 || !strchr(" \t=", at[len]))
			continue;
		at += len + strspn(at + len, " \t=");
		end = strcspn(at, "\n");
		while (end > 0 && strchr(" \t", at[end - 1]))
			end--;
		uc_buf_reset(out);
		uc_buf_addn(out, at, end);
	}
	if (file)
		fclose(file);
}

static bool is_plain_path(const struct uc_buf *path)
{
	return path->len > 0 && path->data[0] == '/' &&
	       !strpbrk(path->data, "$`\"'\\*?~ ");
}

/* --- bases --- */

static bool is_below(const char *path, const char *folder)
{
	const size_t len = folder ? strlen(folder) : 0;

	return len > 1 && strncmp(path, folder, len) == 0 &&
	       (path[len] == '/' || !path[len]);
}

static void add_base(const struct uc_run *run, struct uc_strv *bases, const char *path)
{
	if (path && path[0] == '/' && !is_below(path, run->home) &&
	    uc_strv_find(bases, path) < 0)
		uc_strv_add(bases, path);
}

/* What was configured is used even below the home directory: somebody wanted it. */
void import_bases(const struct uc_run *run, struct uc_strv *bases)
{
	uc_auto(buf) struct uc_buf named = { 0 }, conf = { 0 }, cache = { 0 };

	if (import_setting(run, "import.temp_dir", &named, NULL) == 0 && named.len > 0)
		uc_strv_add(bases, uc_buf_text(&named));
	add_base(run, bases, uc_run_env(run, "ENROOT_TEMP_PATH"));
	read_conf("ENROOT_TEMP_PATH", &conf);
	if (is_plain_path(&conf))
		add_base(run, bases, uc_buf_text(&conf));
	add_base(run, bases, uc_run_env(run, "TMPDIR"));
	add_base(run, bases, "/tmp");
	add_base(run, bases, "/var/tmp");
	if (import_setting(run, "cache_dir", &cache, NULL) == 0 && cache.len > 0)
		add_base(run, bases, uc_buf_text(&cache));
}

/* Bytes that this user can write there; UINT64_MAX when it does not say. */
static uint64_t space_of(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

static bool is_memory(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static uint64_t least_space(const struct uc_run *run)
{
	const struct uc_setting *setting = uc_config_get(run->config, "import.space");

	return setting ? setting->size : 0;
}

static int too_full(const char *what, const char *path, uint64_t there, uint64_t wanted,
		    struct uc_error *err)
{
	uc_auto(buf) struct uc_buf have = { 0 }, want = { 0 };

	uc_size_words(&have, there);
	uc_size_words(&want, wanted);
	uc_fail(err, UC_FAILED, "%s '%s' has %s free, %s are wanted", what, path,
		uc_buf_text(&have), uc_buf_text(&want));
	return uc_hint(err, "uimage clean makes room; import.space says how much must be "
			    "free");
}

/* Why a base will not do, or NULL; `named`: it was chosen by somebody. */
static const char *unfit(const char *path, bool named, uint64_t wanted)
{
	if (access(path, W_OK | X_OK) < 0)
		return errno == ENOENT ? "is not there" : "cannot be written to";
	if (!named && is_memory(path))
		return "is memory";
	return space_of(path) < wanted ? "has too little space" : NULL;
}

static int choose_base(struct import *im, struct uc_buf *out, struct uc_error *err)
{
	const uint64_t wanted = least_space(im->run);
	uc_auto(strv) struct uc_strv bases = { 0 };
	uc_auto(buf) struct uc_buf named = { 0 }, why = { 0 };

	if (import_setting(im->run, "import.temp_dir", &named, err) < 0)
		return -1;
	import_bases(im->run, &bases);
	for (size_t i = 0; i < bases.count; i++) {
		const bool chosen = i == 0 && named.len > 0;
		const char *reason = unfit(bases.item[i], chosen, wanted);

		if (!reason) {
			uc_buf_addf(out, "%s/uimage-%u", bases.item[i],
				    (unsigned)getuid());
			return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
		}
		uc_buf_addf(&why, "%s'%s' %s", why.len ? ", " : "", bases.item[i],
			    reason);
		if (chosen)
			break;
	}
	uc_fail(err, UC_FAILED, "no place to unpack the image: %s", uc_buf_text(&why));
	return uc_hint(err, "import.temp_dir names one, import.space says how much must "
			    "be free");
}

/* --- the folder of this user --- */

/* 0700 and ours, whoever else writes to the base. */
static int open_own(const char *path, struct uc_error *err)
{
	struct stat st;
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot make '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (st.st_mode & 0022) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	uc_fail(err, UC_DENIED, "'%s' is somebody else's, or open to others", path);
	return uc_hint(err, "remove it, or set import.temp_dir");
}

/* The lock on all folders in it, for as long as it takes to look through them. */
static int lock_all(int own)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int fd = openat(own, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK)
			break; /* a file system without locks */
		if (i == TRIES) {
			close(fd);
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

static bool is_dead(int own, const char *name)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat st;
	bool dead;
	int fd;

	if (strncmp(name, "import-", 7) != 0 ||
	    fstatat(own, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return false;
	uc_buf_addf(&path, "%s/" LOCK_NAME, name);
	fd = openat(own, uc_buf_text(&path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	dead = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return dead;
}

static void look_for_dead(int own, const char *path,
			  void (*found)(void *arg, const char *path), void *arg)
{
	int copy = openat(own, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (is_dead(own, entry->d_name)) {
			uc_auto(buf) struct uc_buf one = { 0 };

			uc_buf_addf(&one, "%s/%s", path, entry->d_name);
			if (!one.failed)
				found(arg, uc_buf_text(&one));
		}
	if (folder)
		closedir(folder);
	else if (copy >= 0)
		close(copy);
}

void import_places_dead(const char *base, void (*found)(void *arg, const char *path),
			void *arg)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat st;
	int own, lock;

	uc_buf_addf(&path, "%s/uimage-%u", base, (unsigned)getuid());
	if (path.failed || lstat(uc_buf_text(&path), &st) < 0)
		return;
	own = open_own(uc_buf_text(&path), NULL);
	if (own < 0)
		return;
	lock = lock_all(own);
	if (lock >= 0) {
		look_for_dead(own, uc_buf_text(&path), found, arg);
		close(lock);
	}
	close(own);
}

static void remove_dead(void *arg, const char *path)
{
	(void)arg;
	(void)!tree_remove(AT_FDCWD, path);
}

/* A folder of this import's, whose lock is held from its first moment on. */
static int make_temp(struct import_places *places, struct uc_error *err)
{
	const char *base = uc_buf_text(&places->base);
	uc_auto(buf) struct uc_buf path = { 0 };
	int own = open_own(base, err), all;

	if (own < 0)
		return -1;
	all = lock_all(own);
	if (all < 0) {
		close(own);
		return uc_fail(err, UC_FAILED, "'%s' stays locked", base);
	}
	look_for_dead(own, base, remove_dead, NULL);
	uc_buf_addf(&places->temp, "%s/import-XXXXXX", base);
	if (places->temp.failed || !mkdtemp(places->temp.data)) {
		uc_fail_errno(err, UC_FAILED, errno, "cannot make a folder in '%s'",
			      base);
		uc_buf_reset(&places->temp);
	} else {
		uc_buf_addf(&path, "%s/" LOCK_NAME, places->temp.data);
		places->lock = open(uc_buf_text(&path),
				    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (places->lock < 0)
			uc_fail_errno(err, UC_FAILED, errno, "cannot write to '%s'",
				      places->temp.data);
		else
			(void)!flock(places->lock, LOCK_EX | LOCK_NB);
	}
	close(all);
	close(own);
	return places->lock >= 0 ? 0 : -1;
}

/* --- the cache --- */

/* Where enroot would put it otherwise is the home directory, which is small. */
static int choose_cache(struct import *im, struct import_places *places,
			struct uc_error *err)
{
	const char *given = uc_run_env(im->run, "ENROOT_CACHE_PATH");
	uc_auto(buf) struct uc_buf conf = { 0 }, caches = { 0 };
	struct stat st;

	if (import_setting(im->run, "import.cache_dir", &places->cache, err) < 0)
		return -1;
	read_conf("ENROOT_CACHE_PATH", &conf);
	if (places->cache.len > 0 || given || conf.len > 0)
		return 0;
	if (import_setting(im->run, "cache_dir", &caches, NULL) == 0 && caches.len > 0 &&
	    stat(uc_buf_text(&caches), &st) == 0)
		uc_buf_addf(&places->cache, "%s/enroot", uc_buf_text(&caches));
	else
		uc_buf_addf(&places->cache, "%s/cache", uc_buf_text(&places->base));
	return places->cache.failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static int make_cache(struct import *im, struct import_places *places,
		      struct uc_error *err)
{
	const uint64_t wanted = least_space(im->run);
	const char *path = uc_buf_text(&places->cache);
	uint64_t there;

	if (places->cache.len == 0)
		return 0;
	for (char *slash = strchr(places->cache.data + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return uc_fail_errno(err, UC_FAILED, errno, "import.cache_dir '%s'",
				     path);
	there = space_of(path);
	return there < wanted ? too_full("the folder of layers", path, there, wanted, err)
			      : 0;
}

int import_places_make(struct import *im, struct import_places *places,
		       struct uc_error *err)
{
	const char *folder = uc_buf_text(&im->folder);
	const uint64_t wanted = least_space(im->run), there = space_of(folder);

	*places = (struct import_places){ .lock = -1 };
	if (there < wanted)
		return too_full("the image's folder", folder, there, wanted, err);
	if (choose_base(im, &places->base, err) < 0 ||
	    choose_cache(im, places, err) < 0 || make_temp(places, err) < 0 ||
	    make_cache(im, places, err) < 0) {
		import_places_drop(places);
		return -1;
	}
	return 0;
}

void import_places_drop(struct import_places *places)
{
	if (places->temp.len > 0)
		(void)!tree_remove(AT_FDCWD, uc_buf_text(&places->temp));
	if (places->lock >= 0)
		close(places->lock);
	places->lock = -1;
	uc_buf_free(&places->base);
	uc_buf_free(&places->temp);
	uc_buf_free(&places->cache);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What enroot keeps on this host: layers that it downloaded, containers it unpacked. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "uimage/clean.h"
#include "uimage/import.h"
#include "uimage/uimage.h"

#define HOUR      3600 /* what is younger may be coming in just now */
#define NAMED     (30 * 24 * HOUR)
#define DIGEST    64
#define TOKENS    ".tokens."
#define NOTES_MAX 128

/* --- layers --- */

/* "DIGEST", or "DIGEST.XXXXXXXXXX" while it comes in. */
static bool is_layer(const char *name)
{
	const size_t digits = strspn(name, "0123456789abcdef");

	return digits == DIGEST && (!name[DIGEST] || name[DIGEST] == '.');
}

/* Each layer that may go: `remove` it, or add it up. -1 with errno of a removal. */
static int walk_layers(const struct clean *c, const char *path, bool remove,
		       struct clean_item *sum)
{
	const int64_t age = c->older > HOUR ? c->older : HOUR;
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int failed = 0;

	while (dir && (entry = readdir(dir))) {
		const bool token = strncmp(entry->d_name, TOKENS, strlen(TOKENS)) == 0;
		struct stat st;
		int64_t used;

		if ((!token && !is_layer(entry->d_name)) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    st.st_uid != geteuid() || !(token || S_ISREG(st.st_mode)))
			continue;
		/* to look into a folder is to use it */
		used = token || st.st_atime < st.st_mtime ? st.st_mtime : st.st_atime;
		if (used + age > c->now)
			continue;
		if (remove && tree_remove(dirfd(dir), entry->d_name) < 0)
			failed = errno;
		sum->files++;
		sum->size += tree_size(dirfd(dir), entry->d_name);
		sum->used = used > sum->used ? used : sum->used;
	}
	if (dir)
		closedir(dir);
	errno = failed;
	return failed ? -1 : 0;
}

static void look_at_layers(struct clean *c, struct uc_strv *seen, const char *path)
{
	struct clean_item sum = { 0 }, *item;
	char note[NOTES_MAX];

	if (uc_strv_find(seen, path) >= 0)
		return;
	uc_strv_add(seen, path);
	if (walk_layers(c, path, false, &sum) < 0 || sum.files == 0)
		return;
	item = clean_add(c, CLEAN_LAYERS, path);
	if (!item)
		return;
	item->files = sum.files;
	item->size = sum.size;
	item->used = sum.used;
	snprintf(note, sizeof(note), "%llu layers; an import downloads them again",
		 (unsigned long long)sum.files);
	clean_note(item, false, note);
}

/* "NAME/enroot" below a variable of the environment, or of the home directory. */
static void add_own(const struct uc_run *run, const char *variable, const char *base,
		    const char *otherwise, struct uc_buf *out)
{
	const char *path = uc_run_env(run, variable);
	const char *xdg = uc_run_env(run, base);

	if (path && path[0] == '/')
		uc_buf_add(out, path);
	else if (xdg && xdg[0] == '/')
		uc_buf_addf(out, "%s/enroot", xdg);
	else if (run->home)
		uc_buf_addf(out, "%s/%s/enroot", run->home, otherwise);
}

void clean_find_layers(struct clean *c)
{
	uc_auto(strv) struct uc_strv seen = { 0 }, bases = { 0 };
	uc_auto(buf) struct uc_buf own = { 0 }, named = { 0 }, caches = { 0 };

	if (import_setting(c->run, "import.cache_dir", &named, NULL) == 0 &&
	    named.len > 0)
		look_at_layers(c, &seen, uc_buf_text(&named));
	add_own(c->run, "ENROOT_CACHE_PATH", "XDG_CACHE_HOME", ".cache", &own);
	if (own.len > 0)
		look_at_layers(c, &seen, uc_buf_text(&own));
	if (import_setting(c->run, "cache_dir", &caches, NULL) == 0 && caches.len > 0) {
		uc_buf_add(&caches, "/enroot");
		look_at_layers(c, &seen, uc_buf_text(&caches));
	}
	import_bases(c->run, &bases);
	for (size_t i = 0; i < bases.count; i++) {
		uc_auto(buf) struct uc_buf path = { 0 };

		uc_buf_addf(&path, "%s/uimage-%u/cache", bases.item[i],
			    (unsigned)getuid());
		look_at_layers(c, &seen, uc_buf_text(&path));
	}
}

int clean_remove_layers(struct clean *c, const struct clean_item *item)
{
	struct clean_item sum = { 0 };

	return walk_layers(c, item->path, true, &sum);
}

/* --- containers --- */

/* Has a process of ours this folder as its root? */
static bool is_root_of_some(const char *path)
{
	struct stat want, st;
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	bool found = stat(path, &want) < 0;

	while (proc && !found && (entry = readdir(proc))) {
		char root[64];

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(root, sizeof(root), "/proc/%.20s/root", entry->d_name);
		found = stat(root, &st) == 0 && st.st_dev == want.st_dev &&
			st.st_ino == want.st_ino;
	}
	if (proc)
		closedir(proc);
	return found;
}

/* The job in "pyxis_4711.0" and "pyxis_4711_name"; 0: of none, it was named. */
static uint32_t job_of(const char *name)
{
	static const char prefix[] = "pyxis_";
	const char *number = name + strlen(prefix);
	char *end;
	unsigned long long job;

	if (strncmp(name, prefix, strlen(prefix)) != 0 ||
	    !isdigit((unsigned char)number[0]))
		return 0;
	job = strtoull(number, &end, 10);
	return (*end == '.' || *end == '_') && job < UINT32_MAX ? (uint32_t)job : 0;
}

static void look_at_container(struct clean *c, const char *folder, const char *name)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	const uint32_t job = job_of(name);
	const int64_t age = c->older >= 0 ? c->older : job ? 0 : NAMED;
	struct clean_item *item;
	struct stat st;

	uc_buf_addf(&path, "%s/%s", folder, name);
	if (path.failed || lstat(uc_buf_text(&path), &st) < 0 || !S_ISDIR(st.st_mode) ||
	    st.st_uid != geteuid() || st.st_mtime + age > c->now)
		return;
	item = clean_add(c, CLEAN_CONTAINER, uc_buf_text(&path));
	if (!item)
		return;
	item->size = tree_size(AT_FDCWD, uc_buf_text(&path));
	item->used = st.st_mtime;
	if (job && clean_job_lives(c, job))
		clean_note(item, true, "its job is in the queue");
	else if (is_root_of_some(uc_buf_text(&path)))
		clean_note(item, true, "it runs");
	else
		clean_note(item, false,
			   job ? "its job is over" : "a named one; a job makes it again");
}

void clean_find_containers(struct clean *c)
{
	uc_auto(buf) struct uc_buf folder = { 0 };
	const struct dirent *entry;
	DIR *dir;

	add_own(c->run, "ENROOT_DATA_PATH", "XDG_DATA_HOME", ".local/share", &folder);
	dir = folder.len > 0 ? opendir(uc_buf_text(&folder)) : NULL;
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			look_at_container(c, uc_buf_text(&folder), entry->d_name);
	if (dir)
		closedir(dir);
}

int clean_remove_container(const struct clean_item *item)
{
	if (access(item->path, F_OK) == 0 && is_root_of_some(item->path))
		return errno = EBUSY, -1;
	return tree_remove(AT_FDCWD, item->path);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What imports and saves that were killed left: locks that nobody holds, images that were
 * not finished, lists and origins without an image, folders in which was unpacked.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <ucluster/container.h>
#include <unistd.h>
#include "uimage/clean.h"
#include "uimage/import.h"
#include "uimage/uimage.h"

#define SAVING   ".saving-"
#define SAVING_S 600 /* what was written to lately may be of another cluster's job */

/* A file of one of these folders. */
struct place {
	struct clean *c;
	const char *folder;
	const struct dirent *entry;
	struct stat st;
	struct uc_buf path;
};

static void add(struct place *p, bool stays, const char *note)
{
	struct clean_item *item = clean_add(p->c, CLEAN_IMPORT, uc_buf_text(&p->path));

	if (!item)
		return;
	item->size = (uint64_t)p->st.st_blocks * 512;
	item->used = p->st.st_mtime;
	clean_note(item, stays, note);
}

/* Is somebody importing to the target whose name is between "." and `suffix`? */
static bool is_live(struct place *p, size_t name)
{
	uc_auto(buf) struct uc_buf lock = { 0 };
	struct import_owner owner;

	uc_buf_addf(&lock, "%s/%.*s" IMPORT_LOCK, p->folder, (int)name, p->entry->d_name);
	return lock.failed || import_lock_is_held(p->c->run, uc_buf_text(&lock), &owner);
}

static void look_at_lock(struct place *p)
{
	uc_auto(buf) struct uc_buf note = { 0 };
	struct import_owner owner;
	char host[256] = "";

	if (import_lock_is_held(p->c->run, uc_buf_text(&p->path), &owner))
		return;
	gethostname(host, sizeof(host) - 1);
	uc_buf_add(&note, "an import that died");
	if (owner.host[0] && strcmp(owner.host, host) != 0 && owner.temp[0])
		uc_buf_addf(&note, "; '%s' on %s goes with the next one there",
			    owner.temp, owner.host);
	add(p, false, uc_buf_text(&note));
}

/* The number at the end of NAME.saving-JOBID or NAME.saving-HOST-PID. */
static bool save_is_over(struct place *p, const char *rest)
{
	const char *dash = strrchr(rest, '-');
	const long number = strtol(dash ? dash + 1 : rest, NULL, 10);
	char host[256] = "";

	if (number <= 0 || p->st.st_mtime + SAVING_S > p->c->now)
		return false;
	if (!dash)
		return !clean_job_lives(p->c, (uint32_t)number);
	gethostname(host, sizeof(host) - 1);
	return strlen(host) == (size_t)(dash - rest) &&
	       strncmp(host, rest, strlen(host)) == 0 && kill((pid_t)number, 0) < 0 &&
	       errno == ESRCH;
}

static void look_at_save(struct place *p, const char *rest)
{
	if (!save_is_over(p, rest))
		return;
	if (uc_squashfs_check(uc_buf_text(&p->path), NULL) == 0)
		add(p, true, "a saved container, whole: rename it, or remove it by hand");
	else
		add(p, false, "a save that died");
}

static bool is_there(const char *folder, const char *stem, size_t len, const char *suffix)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat st;

	uc_buf_addf(&path, "%s/%.*s%s", folder, (int)len, stem, suffix);
	return !path.failed && lstat(uc_buf_text(&path), &st) == 0;
}

/* NAME.origin or NAME.packages of an import whose image never came. */
static void look_at_beside(struct place *p, size_t stem)
{
	const char *name = p->entry->d_name;
	const char *const folder = p->folder;
	uc_auto(buf) struct uc_buf lock = { 0 };
	struct import_owner owner;

	if (is_there(folder, name, stem, ".sqsh") ||
	    is_there(folder, name, stem, ".squashfs") ||
	    !is_there(folder, name, stem, ".origin"))
		return;
	uc_buf_addf(&lock, "%s/.%.*s.sqsh" IMPORT_LOCK, folder, (int)stem, name);
	if (!lock.failed && !import_lock_is_held(p->c->run, uc_buf_text(&lock), &owner))
		add(p, false, "beside an image that is not there");
}

static void look_at_file(struct place *p)
{
	const char *name = p->entry->d_name, *at;
	const size_t len = strlen(name), lock = strlen(IMPORT_LOCK);

	if (name[0] == '.' && len > lock + 1 &&
	    strcmp(name + len - lock, IMPORT_LOCK) == 0)
		look_at_lock(p);
	else if (name[0] == '.' && (at = strstr(name + 1, IMPORT_PART)) != NULL) {
		if (!is_live(p, (size_t)(at - name)))
			add(p, false, "an image that was not finished");
	} else if (name[0] == '.' && (at = strstr(name + 1, SAVING)) != NULL)
		look_at_save(p, at + strlen(SAVING));
	else if (name[0] != '.' && (at = strrchr(name, '.')) != NULL &&
		 (strcmp(at, ".origin") == 0 || strcmp(at, ".packages") == 0))
		look_at_beside(p, (size_t)(at - name));
}

static void look_at_folder(struct clean *c, const char *folder)
{
	struct place p = { .c = c, .folder = folder };
	DIR *dir = opendir(folder);

	while (dir && (p.entry = readdir(dir))) {
		uc_buf_reset(&p.path);
		uc_buf_addf(&p.path, "%s/%s", folder, p.entry->d_name);
		if (!p.path.failed && lstat(uc_buf_text(&p.path), &p.st) == 0 &&
		    S_ISREG(p.st.st_mode) && p.st.st_uid == geteuid())
			look_at_file(&p);
	}
	if (dir)
		closedir(dir);
	uc_buf_free(&p.path);
}

static void add_dead(void *arg, const char *path)
{
	struct clean_item *item = clean_add(arg, CLEAN_IMPORT, path);
	struct stat st;

	if (!item)
		return;
	item->size = tree_size(AT_FDCWD, path);
	item->used = lstat(path, &st) == 0 ? st.st_mtime : 0;
	clean_note(item, false, "unpacked by an import that died");
}

void clean_find_imports(struct clean *c)
{
	uc_auto(strv) struct uc_strv dirs = { 0 }, bases = { 0 };
	uc_auto(buf) struct uc_buf own = { 0 };
	struct uc_error err = { 0 };

	if (uimage_dirs(c->run, &dirs, &err) < 0)
		uc_run_say(c->run, 1, "%s", err.text);
	if (import_setting(c->run, "import.dir", &own, NULL) == 0 && own.len > 0 &&
	    uc_strv_find(&dirs, uc_buf_text(&own)) < 0)
		uc_strv_add(&dirs, uc_buf_text(&own));
	for (size_t i = 0; i < dirs.count; i++)
		look_at_folder(c, dirs.item[i]);
	import_bases(c->run, &bases);
	for (size_t i = 0; i < bases.count; i++)
		import_places_dead(bases.item[i], add_dead, c);
}

/* --- removing --- */

/* It may have come to life again: only what is still dead goes. */
static void remove_dead(void *arg, const char *path)
{
	const char *const wanted = arg;

	if (strcmp(path, wanted) == 0)
		(void)!tree_remove(AT_FDCWD, path);
}

static int remove_folder(const char *path)
{
	uc_auto(buf) struct uc_buf base = { 0 };
	const char *slash = strrchr(path, '/');
	struct stat st;

	while (slash > path && *--slash != '/')
		;
	uc_buf_addn(&base, path, (size_t)(slash - path));
	if (base.failed)
		return errno = ENOMEM, -1;
	import_places_dead(uc_buf_text(&base), remove_dead, (void *)(uintptr_t)path);
	if (lstat(path, &st) < 0)
		return 0;
	errno = EBUSY;
	return -1;
}

/* "x.sqsh" of ".x.sqsh.importing", ".x.sqsh.part-1", "x.origin". */
static void target_of(const char *name, struct uc_buf *out)
{
	const char *end = strstr(name + 1, IMPORT_PART);
	const size_t len = strlen(name), lock = strlen(IMPORT_LOCK);

	if (name[0] != '.') {
		const char *dot = strrchr(name, '.');

		uc_buf_addf(out, "%.*s.sqsh", (int)(dot - name), name);
		return;
	}
	if (!end && len > lock && strcmp(name + len - lock, IMPORT_LOCK) == 0)
		end = name + len - lock;
	if (end)
		uc_buf_addn(out, name + 1, (size_t)(end - name - 1));
}

int clean_remove_import(struct clean *c, const struct clean_item *item)
{
	const char *name = strrchr(item->path, '/') + 1;
	uc_auto(buf) struct uc_buf folder = { 0 }, target = { 0 };
	struct import_lock lock;
	struct stat st;
	int rc;

	if (lstat(item->path, &st) < 0)
		return errno == ENOENT ? 0 : -1; /* it went with another */
	if (S_ISDIR(st.st_mode))
		return remove_folder(item->path);
	uc_buf_addn(&folder, item->path, (size_t)(name - item->path - 1));
	target_of(name, &target);
	if (folder.failed || target.failed)
		return errno = ENOMEM, -1;
	if (target.len == 0)
		return unlink(item->path);
	if (import_lock_take(c->run, &folder, &target, &lock, NULL) < 0)
		return errno = EBUSY, -1;
	rc = unlink(item->path);
	import_lock_drop(&lock);
	return rc < 0 && errno != ENOENT ? -1 : 0;
}

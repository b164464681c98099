/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Mounts. pyxis splits at "," and ":" without any quoting, ignores flags that it does not
 * know (":r0" mounts writable) and finds a missing source only after the image has been
 * unpacked: all of it is checked here.
 */
#include "container/container.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/path.h"

/* mount(8)'s, and enroot's own. */
static const char *const flags[] = {
	"ro",           "rw",
	"async",        "atime",
	"bind",         "defaults",
	"dev",          "diratime",
	"dirsync",      "exec",
	"iversion",     "lazytime",
	"loud",         "mand",
	"noatime",      "nodev",
	"nodiratime",   "noexec",
	"nofail",       "noiversion",
	"nolazytime",   "nomand",
	"norelatime",   "nostrictatime",
	"nosuid",       "nosymfollow",
	"private",      "rbind",
	"relatime",     "remount",
	"rprivate",     "rshared",
	"rslave",       "runbindable",
	"shared",       "silent",
	"slave",        "strictatime",
	"suid",         "sync",
	"unbindable",   "x-create=auto",
	"x-create=dir", "x-create=file",
	"x-detach",     "x-move",
	NULL,
};
/* Of a tmpfs, with a value. */
static const char *const tmpfs_flags[] = { "size", "mode",      "uid",
					   "gid",  "nr_inodes", "nr_blocks",
					   "mpol", "huge",      NULL };

bool uc_path_below(const char *path, const char *parent)
{
	size_t len = strlen(parent);

	if (strcmp(parent, "/") == 0)
		return path[0] == '/';
	return strncmp(path, parent, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool is_special(const char *source)
{
	return strcmp(source, "tmpfs") == 0 || strcmp(source, "umount") == 0;
}

static void free_mount(struct uc_mount *mount)
{
	free(mount->source);
	free(mount->target);
	free(mount->flags);
	*mount = (struct uc_mount){ 0 };
}

static bool is_in(const char *word, size_t len, const char *const *list)
{
	for (; *list; list++)
		if (strncmp(*list, word, len) == 0 && (*list)[len] == '\0')
			return true;
	return false;
}

static bool is_flag(const char *word, size_t len, const char *source)
{
	const char *equals = memchr(word, '=', len);

	if (is_in(word, len, flags))
		return true;
	return equals && strcmp(source, "tmpfs") == 0 &&
	       is_in(word, (size_t)(equals - word), tmpfs_flags) &&
	       equals + 1 < word + len;
}

static int check_flags(const char *text, const char *list, const char *source,
		       struct uc_error *err)
{
	for (const char *word = list;; word++) {
		size_t len = strcspn(word, "+");

		if (!is_flag(word, len, source)) {
			uc_fail(err, UC_USAGE, "mount '%s': unknown flag '%.*s'", text,
				(int)len, word);
			return uc_hint(
				err, "flags are those of mount(8), joined with '+': ro, "
				     "rw, nosuid, nodev, noexec, rprivate, rslave, ...");
		}
		word += len;
		if (*word == '\0')
			return 0;
	}
}

/* Remove ".." of an absolute path: inside the container nothing is there to resolve it.
 */
static void fold(char *path)
{
	char *out = path, *from = path;

	while (*from) {
		size_t len = 1 + strcspn(from + 1, "/");

		if (len == 3 && strncmp(from, "/..", 3) == 0) {
			while (out > path && *--out != '/')
				;
		} else {
			memmove(out, from, len);
			out += len;
		}
		from += len;
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
}

/* A path of `text`, absolute; the pieces come from splitting, so only "," can be wrong.
 */
static int set_path(char **field, const char *text, const char *path,
		    const struct uc_where *where, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf absolute = { 0 };

	if (uc_path_absolute(&absolute, path, where->cwd, where->home, err) < 0)
		return uc_context(err, "mount '%s'", text);
	if (strpbrk(uc_buf_text(&absolute), ",:\n"))
		return uc_fail(
			err, UC_USAGE,
			"mount '%s': ',' and ':' cannot be in a path that is mounted",
			uc_buf_text(&absolute));
	return uc_container_put(field, uc_buf_text(&absolute), err);
}

/* Split "SRC[:DST[:FLAGS]]" in place; pieces point into `copy`. */
static int split(char *copy, const char *text, char *part[3], struct uc_error *err)
{
	for (int i = 0; i < 3; i++)
		part[i] = strsep(&copy, ":");
	if (copy)
		return uc_fail(err, UC_USAGE,
			       "mount '%s': too many ':', SRC[:DST[:FLAG[+FLAG...]]] is "
			       "expected",
			       text);
	for (int i = 0; i < 3; i++)
		if (part[i] && part[i][0] == '\0')
			return uc_fail(
				err, UC_USAGE,
				"mount '%s': empty %s, SRC[:DST[:FLAG[+FLAG...]]] is "
				"expected",
				text,
				i == 0   ? "source"
				: i == 1 ? "target"
					 : "flags");
	return 0;
}

static int parse_mount(struct uc_mount *mount, const char *text,
		       const struct uc_where *where, struct uc_error *err)
{
	char *copy = strdup(text);
	char *part[3];
	int rc = -1;

	if (!copy)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (split(copy, text, part, err) < 0)
		goto out;
	if (is_special(part[0]) && !part[1]) {
		uc_fail(err, UC_USAGE, "mount '%s': a target is expected, '%s:/PATH'",
			text, part[0]);
		goto out;
	}
	if (part[2] && check_flags(text, part[2], part[0], err) < 0)
		goto out;
	if (is_special(part[0]) ? uc_container_put(&mount->source, part[0], err) < 0
				: set_path(&mount->source, text, part[0], where, err) < 0)
		goto out;
	if (set_path(&mount->target, text, part[1] ? part[1] : part[0], where, err) < 0)
		goto out;
	fold(mount->target);
	if (strcmp(mount->target, "/") == 0) {
		uc_fail(err, UC_USAGE,
			"mount '%s': '/' of the container cannot be mounted over", text);
		goto out;
	}
	rc = part[2] ? uc_container_put(&mount->flags, part[2], err) : 0;
out:
	free(copy);
	return rc;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The mount that `mount` collides with; something can be mounted where was unmounted. */
static struct uc_mount *find_target(struct uc_container *box,
				    const struct uc_mount *mount)
{
	bool umount = strcmp(mount->source, "umount") == 0;

	for (size_t i = 0; i < box->mount_count; i++) {
		struct uc_mount *other = &box->mounts[i];

		if (strcmp(other->target, mount->target) == 0 &&
		    (strcmp(other->source, "umount") == 0) == umount)
			return other;
	}
	return NULL;
}

/* Takes over what `mount` holds, also on failure. */
static int put_mount(struct uc_container *box, struct uc_mount *mount,
		     enum uc_mount_mode mode, struct uc_error *err)
{
	struct uc_mount *other = find_target(box, mount);

	if (other && (mode == UC_MOUNT_KEEP || (same_text(other->source, mount->source) &&
						same_text(other->flags, mount->flags)))) {
		free_mount(mount);
		return 0;
	}
	if (other && mode == UC_MOUNT_NEW) {
		uc_fail(err, UC_USAGE, "two mounts on '%s': '%s%s%s' and '%s%s%s'",
			mount->target, other->source, other->flags ? " " : "",
			other->flags ? other->flags : "", mount->source,
			mount->flags ? " " : "", mount->flags ? mount->flags : "");
		free_mount(mount);
		return -1;
	}
	if (!other) {
		struct uc_mount *grown =
			reallocarray(box->mounts, box->mount_count + 1, sizeof(*grown));

		if (!grown) {
			free_mount(mount);
			return uc_fail(err, UC_FAILED, "out of memory");
		}
		box->mounts = grown;
		other = &box->mounts[box->mount_count++];
		*other = (struct uc_mount){ 0 };
	}
	free_mount(other);
	*other = *mount;
	return 0;
}

static int check_source(const struct uc_mount *mount, const char *text,
			struct uc_error *err)
{
	struct stat st;

	/* other errors: the node may see what this user cannot look at from here */
	if (is_special(mount->source) || stat(mount->source, &st) == 0 ||
	    (errno != ENOENT && errno != ENOTDIR))
		return 0;
	return uc_fail(err, UC_NOTFOUND, "mount '%s': '%s' does not exist", text,
		       mount->source);
}

int uc_container_add_mount(struct uc_container *box, const char *text,
			   enum uc_mount_mode mode, const struct uc_where *where,
			   struct uc_error *err)
{
	struct uc_mount mount = { 0 };

	if (strchr(text, ','))
		return uc_fail(err, UC_USAGE,
			       "mount '%s': ',' separates mounts and cannot be in a path",
			       text);
	if (parse_mount(&mount, text, where, err) < 0 ||
	    (mode != UC_MOUNT_KEEP && !where->unchecked &&
	     check_source(&mount, text, err) < 0)) {
		free_mount(&mount);
		return -1;
	}
	return put_mount(box, &mount, mode, err);
}

/* "c,d" is there, but 'c' is not: say why that is what was looked for. */
static int hint_separator(const char *list, const struct uc_where *where,
			  struct uc_error *err)
{
	uc_auto(buf) struct uc_buf source = { 0 }, path = { 0 };
	size_t colon = strcspn(list, ":");
	const char *text[] = { list, NULL };
	struct stat st;

	uc_buf_addn(&source, list, colon);
	text[1] = uc_buf_text(&source);
	for (int i = 0; err && err->code == UC_NOTFOUND && i < 2; i++)
		if (strpbrk(text[i], ",:") &&
		    uc_path_absolute(&path, text[i], where->cwd, where->home, NULL) ==
			    0 &&
		    stat(uc_buf_text(&path), &st) == 0)
			return uc_hint(err,
				       "'%s' is there, but ',' separates mounts and ':' "
				       "their parts: rename it, or mount what it is in",
				       text[i]);
	return -1;
}

int uc_container_add_mounts(struct uc_container *box, const char *list,
			    enum uc_mount_mode mode, const struct uc_where *where,
			    struct uc_error *err)
{
	uc_auto(buf) struct uc_buf item = { 0 };
	const char *whole = list;

	for (;; list++) {
		size_t len = strcspn(list, ",");

		uc_buf_reset(&item);
		uc_buf_addn(&item, list, len);
		if (item.failed)
			return uc_fail(err, UC_FAILED, "out of memory");
		if (uc_container_add_mount(box, uc_buf_text(&item), mode, where, err) < 0)
			return hint_separator(whole, where, err);
		list += len;
		if (*list == '\0')
			return 0;
	}
}

bool uc_container_shows(const struct uc_container *box, const char *path)
{
	const struct uc_mount *deepest = NULL;

	for (size_t i = 0; i < box->mount_count; i++) {
		const struct uc_mount *mount = &box->mounts[i];

		if (uc_path_below(path, mount->target) &&
		    (!deepest || strlen(mount->target) >= strlen(deepest->target)))
			deepest = mount;
	}
	return deepest && strcmp(deepest->source, deepest->target) == 0;
}

static size_t depth(const struct uc_mount *mount)
{
	size_t slashes = 0;

	for (const char *c = mount->target; *c; c++)
		slashes += *c == '/';
	/* what is unmounted goes before what is mounted in its place */
	return slashes * 2 + (strcmp(mount->source, "umount") != 0);
}

struct uc_mount **uc_mounts_ordered(const struct uc_container *box)
{
	struct uc_mount **order =
		reallocarray(NULL, box->mount_count + 1, sizeof(*order));

	for (size_t i = 0; order && i < box->mount_count; i++) {
		size_t at = i;

		for (; at > 0 && depth(order[at - 1]) > depth(&box->mounts[i]); at--)
			order[at] = order[at - 1];
		order[at] = &box->mounts[i];
	}
	return order;
}

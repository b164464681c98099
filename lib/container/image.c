/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Image references. pyxis takes for a path only what begins with "/" or "."; anything
 * else
 * ("x.sqsh", "~/x.sqsh") it asks a registry for, which fails minutes later on the node.
 * So paths are made absolute and looked at here, and short names are looked up.
 */
#include "container/container.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "base/path.h"

size_t uc_image_stem(const char *name)
{
	static const char *const suffixes[] = { ".sqsh", ".squashfs", NULL };
	size_t len = strlen(name);

	for (const char *const *s = suffixes; *s; s++)
		if (len > strlen(*s) && strcmp(name + len - strlen(*s), *s) == 0)
			return len - strlen(*s);
	return len;
}

static bool has_suffix(const char *name)
{
	return uc_image_stem(name) < strlen(name);
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int set_image(struct uc_container *box, const char *image, bool is_path,
		     struct uc_error *err)
{
	if (uc_container_put(&box->image, image, err) < 0)
		return -1;
	box->image_is_path = is_path;
	return 0;
}

/* Name the image of a folder that is called nearly so; false when there is none. */
static bool hint_nearest(const char *folder, const char *name, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv names = { 0 };
	const char *near = NULL;
	struct dirent *entry;
	DIR *dir = opendir(folder);

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && has_suffix(entry->d_name))
			uc_strv_add(&names, entry->d_name);
	if (dir)
		closedir(dir);
	if (names.count > 0 && !names.failed)
		near = uc_text_nearest(name, (const char *const *)names.item);
	if (near)
		uc_hint(err, "did you mean '%s/%s'?", folder, near);
	return near;
}

/* A file that is not there: look beside it, then in the image directories. */
static int missing_file(const char *path, const struct uc_where *where,
			struct uc_error *err)
{
	const char *name = uc_path_name(path);
	uc_auto(buf) struct uc_buf folder = { 0 };

	uc_path_folder(&folder, path);
	if (hint_nearest(uc_buf_text(&folder), name, err))
		return -1;
	for (const char *const *dir = where->image_dirs; dir && *dir; dir++)
		if (uc_path_absolute(&folder, *dir, where->cwd, where->home, NULL) == 0 &&
		    hint_nearest(uc_buf_text(&folder), name, err))
			break;
	return -1;
}

static int set_path(struct uc_container *box, const char *path, const char *base,
		    const struct uc_where *where, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf absolute = { 0 };

	if (uc_path_absolute(&absolute, path, base, where->home, err) < 0)
		return uc_context(err, "image");
	if (!where->unchecked && uc_squashfs_check(uc_buf_text(&absolute), err) < 0)
		return err && err->code == UC_NOTFOUND
			       ? missing_file(uc_buf_text(&absolute), where, err)
			       : -1;
	return set_image(box, uc_buf_text(&absolute), true, err);
}

/* "x.sqsh", "team/x.sqsh": in the working directory, else in the image directories. */
static int set_named_file(struct uc_container *box, const char *name,
			  const struct uc_where *where, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat st;

	if (uc_path_absolute(&path, name, where->cwd, where->home, err) < 0)
		return uc_context(err, "image");
	if (stat(uc_buf_text(&path), &st) == 0)
		return set_path(box, uc_buf_text(&path), NULL, where, err);
	for (const char *const *dir = where->image_dirs; dir && *dir; dir++) {
		if (uc_path_absolute(&path, *dir, where->cwd, where->home, err) < 0)
			return uc_context(err, "image directory");
		uc_buf_addf(&path, "/%s", name);
		if (!path.failed && stat(uc_buf_text(&path), &st) == 0)
			return set_path(box, uc_buf_text(&path), NULL, where, err);
	}
	return set_path(box, name, where->cwd, where, err);
}

/* Does `word` stand in `name` between separators? "pytorch" in "nv_pytorch-22.05" does.
 */
static bool stands_in(const char *name, size_t len, const char *word)
{
	size_t wlen = strlen(word);

	for (size_t at = 0; at + wlen <= len; at++)
		if (strncasecmp(name + at, word, wlen) == 0 &&
		    (at == 0 || !isalnum((unsigned char)name[at - 1])) &&
		    (at + wlen == len || !isalnum((unsigned char)name[at + wlen])))
			return true;
	return false;
}

struct names {
	struct uc_strv stem;  /* of all images, for the nearest name */
	struct uc_strv match; /* stems that the word stands in */
	struct uc_strv path;  /* of those */
	struct uc_buf exact;  /* path of the one that is called just so */
};

static void add_name(struct names *names, const char *dir, const char *file,
		     const char *word)
{
	size_t len = uc_image_stem(file);
	uc_auto(strv) struct uc_strv stem = { 0 };

	uc_strv_addn(&stem, file, len);
	if (stem.failed || uc_strv_find(&names->stem, stem.item[0]) >= 0)
		return; /* an earlier directory has it */
	uc_strv_add(&names->stem, stem.item[0]);
	if (strcmp(stem.item[0], word) == 0)
		uc_buf_addf(&names->exact, "%s/%s", dir, file);
	else if (stands_in(file, len, word)) {
		uc_strv_add(&names->match, stem.item[0]);
		uc_strv_addf(&names->path, "%s/%s", dir, file);
	}
}

/* Directories that cannot be read are passed over: the site lists them for everybody. */
static void read_names(struct names *names, const char *word,
		       const struct uc_where *where)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct dirent *entry;
	DIR *dir;

	for (const char *const *d = where->image_dirs; *d; d++) {
		if (uc_path_absolute(&path, *d, where->cwd, where->home, NULL) < 0)
			continue;
		dir = opendir(uc_buf_text(&path));
		while (dir && (entry = readdir(dir)))
			if (entry->d_name[0] != '.' && has_suffix(entry->d_name))
				add_name(names, uc_buf_text(&path), entry->d_name, word);
		if (dir)
			closedir(dir);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int several_names(const char *word, struct names *names, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf list = { 0 };

	qsort(names->match.item, names->match.count, sizeof(*names->match.item), by_name);
	for (size_t i = 0; i < names->match.count; i++)
		uc_buf_addf(&list, "%s%s", i ? ", " : "", names->match.item[i]);
	uc_fail(err, UC_USAGE, "image '%s' could be any of: %s", word,
		uc_buf_text(&list));
	return uc_hint(err, "say more of its name");
}

static int no_name(const char *word, const struct names *names, struct uc_error *err)
{
	const char *near =
		names->stem.count > 0
			? uc_text_nearest(word, (const char *const *)names->stem.item)
			: NULL;

	uc_fail(err, UC_NOTFOUND, "no image '%s' in the image directories", word);
	for (size_t i = 0; !near && i < names->stem.count; i++)
		if (strcasestr(names->stem.item[i], word))
			near = names->stem.item[i];
	if (near)
		return uc_hint(err, "did you mean '%s'?", near);
	return uc_hint(err, "a path begins with / or ./; docker://%s asks a registry",
		       word);
}

static int set_short_name(struct uc_container *box, const char *word,
			  const struct uc_where *where, struct uc_error *err)
{
	struct names names = { 0 };
	int rc;

	read_names(&names, word, where);
	if (names.exact.len > 0)
		rc = set_path(box, uc_buf_text(&names.exact), NULL, where, err);
	else if (names.match.count == 1 && names.path.count == 1)
		rc = set_path(box, names.path.item[0], NULL, where, err);
	else if (names.match.count > 1)
		rc = several_names(word, &names, err);
	else
		rc = no_name(word, &names, err);
	uc_strv_free(&names.stem);
	uc_strv_free(&names.match);
	uc_strv_free(&names.path);
	uc_buf_free(&names.exact);
	return rc;
}

static bool is_well_formed(const char *ref)
{
	size_t len = strlen(ref);
	const char *hash = strchr(ref, '#');

	for (const char *c = ref; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._/:@#$+-", *c))
			return false;
	return len > 0 && isalnum((unsigned char)ref[len - 1]) && ref[0] != '/' &&
	       ref[0] != '#' && ref[0] != '@' && ref[0] != ':' && !strstr(ref, "//") &&
	       (!hash || !strchr(hash + 1, '#'));
}

/* Where "REGISTRY/" ends in REGISTRY/IMAGE[:TAG]; 0 when no registry is named. */
static size_t registry_length(const char *ref)
{
	size_t len = strcspn(ref, "/");

	if (ref[len] == '\0')
		return 0;
	if (memchr(ref, '.', len) || memchr(ref, ':', len) ||
	    (len == strlen("localhost") && begins(ref, "localhost")))
		return len;
	return 0;
}

/* [USER@][REGISTRY/]IMAGE[:TAG] with "#" after the registry, which every enroot takes. */
static int set_reference(struct uc_container *box, const char *ref, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	const char *at = strchr(ref, '@');
	size_t user = at && !begins(at, "@sha256:") ? (size_t)(at - ref) + 1 : 0;
	size_t registry = strchr(ref, '#') ? 0 : registry_length(ref + user);

	if (!is_well_formed(ref)) {
		uc_fail(err, UC_USAGE,
			"image '%s' is no path, name or registry reference", ref);
		return uc_hint(err, "for example nvcr.io/nvidia/pytorch:24.05-py3");
	}
	uc_buf_add(&out, ref);
	if (!out.failed && registry > 0)
		out.data[user + registry] = '#';
	if (out.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return set_image(box, uc_buf_text(&out), false, err);
}

static int set_uri(struct uc_container *box, const char *ref,
		   const struct uc_where *where, struct uc_error *err)
{
	if (begins(ref, "docker://"))
		return set_reference(box, ref + strlen("docker://"), err);
	if (begins(ref, "file://"))
		return set_path(box, ref + strlen("file://"), where->cwd, where, err);
	if (begins(ref, "dockerd://")) {
		if (!is_well_formed(ref + strlen("dockerd://")))
			return uc_fail(err, UC_USAGE, "image '%s' is malformed", ref);
		return set_image(box, ref, false, err);
	}
	return uc_fail(err, UC_USAGE, "image '%s': docker:// and dockerd:// are known",
		       ref);
}

int uc_container_set_image(struct uc_container *box, const char *ref,
			   const struct uc_where *where, struct uc_error *err)
{
	if (ref[0] == '\0')
		return uc_fail(err, UC_USAGE, "an image is expected, not an empty word");
	if (strstr(ref, "://"))
		return set_uri(box, ref, where, err);
	if (ref[0] == '/' || ref[0] == '~' || begins(ref, "./") || begins(ref, "../"))
		return set_path(box, ref, where->cwd, where, err);
	if (has_suffix(ref))
		return set_named_file(box, ref, where, err);
	if (strpbrk(ref, "/:#@") || !where->image_dirs || !where->image_dirs[0])
		return set_reference(box, ref, err);
	return set_short_name(box, ref, where, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which images there are. Nothing is opened but folders and what is beside an image. */
#include "image/image.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/file.h"
#include "base/path.h"
#include "container/container.h"

enum {
	TOGETHER_S = 3600,
	FILES_MAX = 10000, /* of one folder; more is no folder of images */
	ORIGIN_MAX = 4096, /* bytes of the file that says where an image came from */
};

static const char *const usual_lists[] = { "%n.packages", "%n.sqsh.packages", NULL };

struct owned {
	struct uc_image_files pub; /* first: what callers see */
	struct uc_arena *arena;
	struct uc_image_file *row;
	struct uc_raw *unread;
	size_t cap;
};

void uc_image_files_free(struct uc_image_files *files)
{
	struct owned *own = (struct owned *)files;
	int kept = errno;

	if (!own)
		return;
	uc_arena_free(own->arena);
	free(own->row);
	free(own->unread);
	free(own);
	errno = kept;
}

/* `pattern` with the image's name for %n, in the image's folder. */
static void list_path(struct uc_buf *out, const struct uc_image_file *file,
		      const char *pattern)
{
	uc_buf_reset(out);
	if (pattern[0] != '/') {
		uc_path_folder(out, file->path.bytes);
		uc_buf_addc(out, '/');
	}
	for (const char *c = pattern; *c; c++)
		if (c[0] == '%' && c[1] == 'n') {
			uc_buf_add(out, file->name.bytes);
			c++;
		} else {
			uc_buf_addc(out, *c);
		}
}

/* What is older than its image tells of another one; both may be made, or copied, in one
 * go, and a large image takes its time. */
static bool is_older(const struct stat *st, const struct uc_image_file *file)
{
	return st->st_mtim.tv_sec < file->mtime - TOGETHER_S;
}

static void look_for_list(struct owned *own, struct uc_image_file *file,
			  const char *list_name)
{
	const char *const one[] = { list_name, NULL };
	const char *const *patterns = list_name ? one : usual_lists;
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat st;

	for (; *patterns && !file->list.bytes; patterns++) {
		list_path(&path, file, *patterns);
		if (!path.failed && stat(uc_buf_text(&path), &st) == 0 &&
		    S_ISREG(st.st_mode) && !is_older(&st, file))
			file->list =
				uc_raw(uc_arena_strdup(own->arena, uc_buf_text(&path)));
	}
}

void uc_image_origin_path(struct uc_buf *out, const char *image_path)
{
	uc_path_folder(out, image_path);
	uc_buf_addc(out, '/');
	uc_buf_addn(out, uc_path_name(image_path),
		    uc_image_stem(uc_path_name(image_path)));
	uc_buf_add(out, ".origin");
}

/* As uimage import writes it: {"source": ..., "digest": ..., ...}. */
static void take_source(struct owned *own, struct uc_image_file *file,
			const struct uc_buf *text)
{
	json_t *object = json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, NULL);
	const char *source = json_string_value(json_object_get(object, "source"));

	if (source && source[0])
		file->origin = uc_raw(uc_arena_strdup(own->arena, source));
	json_decref(object);
}

static void look_for_origin(struct owned *own, struct uc_image_file *file)
{
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 };
	struct stat st;
	size_t len;

	uc_image_origin_path(&path, file->path.bytes);
	/* most have none: looking costs less than a failure */
	if (path.failed || stat(uc_buf_text(&path), &st) < 0 || is_older(&st, file) ||
	    uc_file_read(uc_buf_text(&path), ORIGIN_MAX, &text, NULL) < 0)
		return;
	if (text.len > 0 && text.data[0] == '{') {
		take_source(own, file, &text);
		return;
	}
	len = strcspn(uc_buf_text(&text), "\r\n");
	if (len > 0)
		file->origin =
			uc_raw(uc_arena_strndup(own->arena, uc_buf_text(&text), len));
}

static struct uc_image_file *new_row(struct owned *own)
{
	struct uc_image_file *more;

	if (own->pub.count == own->cap) {
		own->cap = own->cap ? own->cap * 2 : 64;
		more = realloc(own->row, own->cap * sizeof(*more));
		if (!more)
			return NULL;
		own->row = more;
		own->pub.row = more;
	}
	more = &own->row[own->pub.count++];
	memset(more, 0, sizeof(*more));
	return more;
}

/* Add one file; -1: no memory. `name` is the part of its path behind the folder. */
static int add_file(struct owned *own, const char *path, const char *name,
		    const struct stat *st, const char *list_name)
{
	struct uc_image_file *file = new_row(own);

	if (!file)
		return -1;
	file->path = uc_raw(uc_arena_strdup(own->arena, path));
	file->name = uc_raw(uc_arena_strndup(own->arena, name, uc_image_stem(name)));
	if (uc_arena_failed(own->arena))
		return -1;
	file->size = (uint64_t)st->st_size;
	file->mtime = st->st_mtim.tv_sec;
	file->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
	file->uid = st->st_uid;
	look_for_list(own, file, list_name);
	look_for_origin(own, file);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct uc_image_file *one = a, *other = b;

	return strcmp(one->path.bytes, other->path.bytes);
}

/* Once for each folder, however many of its files cannot be looked at. */
static int add_unread(struct owned *own, const char *dir)
{
	const size_t count = own->pub.unread_count;
	struct uc_raw *more;

	if (count && own->unread[count - 1].bytes &&
	    strcmp(own->unread[count - 1].bytes, dir) == 0)
		return 0;
	more = realloc(own->unread, (count + 1) * sizeof(*more));
	if (!more)
		return -1;
	own->unread = more;
	own->pub.unread = more;
	more[own->pub.unread_count++] = uc_raw(uc_arena_strdup(own->arena, dir));
	return 0;
}

/* The same name in an earlier folder is what a short name means. */
static void mark_hidden(struct owned *own, size_t first)
{
	for (size_t i = first; i < own->pub.count; i++)
		for (size_t k = 0; k < first && !own->row[i].hidden; k++)
			own->row[i].hidden = strcmp(own->row[i].name.bytes,
						    own->row[k].name.bytes) == 0;
}

static int add_folder(struct owned *own, const char *path, const char *list_name)
{
	uc_auto(buf) struct uc_buf file = { 0 };
	const size_t first = own->pub.count;
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat st;
	int rc = 0;

	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : add_unread(own, path);
	for (errno = 0; rc == 0 && own->pub.count - first < FILES_MAX; errno = 0) {
		const char *name;

		entry = readdir(dir);
		if (!entry) {
			/* some are known, and that there may be more */
			rc = errno ? add_unread(own, path) : 0;
			break;
		}
		name = entry->d_name;
		if (name[0] == '.' || uc_image_stem(name) == strlen(name))
			continue;
		uc_buf_reset(&file);
		uc_buf_addf(&file, "%s/%s", path, name);
		if (file.failed)
			rc = -1;
		else if (stat(uc_buf_text(&file), &st) == 0 && S_ISREG(st.st_mode))
			rc = add_file(own, uc_buf_text(&file), name, &st, list_name);
		else if (errno == EIO || errno == ESTALE)
			rc = add_unread(own, path);
	}
	closedir(dir);
	if (rc < 0)
		return -1;
	if (own->pub.count > first)
		qsort(own->row + first, own->pub.count - first, sizeof(*own->row),
		      by_name);
	mark_hidden(own, first);
	return 0;
}

static struct owned *new_list(void)
{
	struct owned *own = calloc(1, sizeof(*own));

	if (own)
		own->arena = uc_arena_new();
	if (own && own->arena)
		return own;
	free(own);
	return NULL;
}

int uc_image_files_find(const char *const *dirs, const char *list_name,
			struct uc_image_files **out, struct uc_error *err)
{
	struct owned *own = new_list();
	int rc = own ? 0 : -1;

	for (; rc == 0 && *dirs; dirs++)
		rc = add_folder(own, *dirs, list_name);
	if (rc < 0 || uc_arena_failed(own->arena)) {
		uc_image_files_free(own ? &own->pub : NULL);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	*out = &own->pub;
	return 0;
}

int uc_image_file_look(const char *path, const char *list_name,
		       struct uc_image_files **out, struct uc_error *err)
{
	struct owned *own;
	struct stat st;

	if (stat(path, &st) < 0)
		return uc_fail_errno(err,
				     errno == ENOENT || errno == ENOTDIR ? UC_NOTFOUND
				     : errno == EACCES                   ? UC_DENIED
									 : UC_FAILED,
				     errno, "image '%s'", path);
	if (!S_ISREG(st.st_mode))
		return uc_fail(err, UC_USAGE, "image '%s' is not a regular file", path);
	own = new_list();
	if (!own || add_file(own, path, uc_path_name(path), &st, list_name) < 0 ||
	    uc_arena_failed(own->arena)) {
		uc_image_files_free(own ? &own->pub : NULL);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	*out = &own->pub;
	return 0;
}

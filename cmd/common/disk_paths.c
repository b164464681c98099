/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Which paths a user cares about. Paths are taken as they are written: to resolve a link
 * would mean to ask a file system that may not answer.
 */
#include <stdlib.h>
#include <string.h>
#include "common/disk_paths.h"

enum {
	ANSWER_MS = 3000,
};

void disk_paths_free(struct disk_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->item[i].path);
	free(paths->item);
}

/* Add the components of `path`, without empty ones and "."; ".." may cross a link. */
static void add_components(struct uc_buf *out, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len && !(len == 1 && path[0] == '.')) {
			uc_buf_addc(out, '/');
			uc_buf_addn(out, path, len);
		}
		path += len + (path[len] == '/');
	}
}

static int add(struct disk_paths *paths, const char *base, const char *path,
	       const char *why)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct disk_path *more = realloc(paths->item, (paths->count + 1) * sizeof(*more));

	if (!more)
		return -1;
	paths->item = more;
	if (path[0] != '/')
		add_components(&text, base);
	add_components(&text, path);
	if (!text.len)
		uc_buf_addc(&text, '/');
	more[paths->count] = (struct disk_path){ uc_buf_take(&text), why };
	return more[paths->count].path ? (paths->count++, 0) : -1;
}

static int add_images(const struct uc_run *run, struct disk_paths *paths)
{
	const char *const *dirs = uc_config_list(run->config, "image_dirs");

	for (; *dirs; dirs++) {
		const char *dir = *dirs;
		bool home = dir[0] == '~'; /* the others are absolute */

		if (home && !run->home)
			continue;
		/* "~/x": the slash is no root */
		dir += home ? 1 + (dir[1] == '/') : 0;
		if (add(paths, home ? run->home : "/", dir, "images") < 0)
			return -1;
	}
	return 0;
}

int disk_paths_find(const struct uc_run *run, struct disk_paths *out,
		    struct uc_error *err)
{
	const struct uc_strv *named = &run->parsed.operands;
	int rc = 0;

	for (size_t i = 0; i < named->count && rc == 0; i++) {
		if (!named->item[i][0])
			return uc_fail(err, UC_USAGE, "an empty path: expected a folder");
		if (named->item[i][0] != '/' && !run->cwd)
			return uc_fail(err, UC_NOTFOUND,
				       "the working directory is gone: '%s' cannot be "
				       "found from it",
				       named->item[i]);
		rc = add(out, run->cwd, named->item[i], "named");
	}
	if (!named->count) {
		if (run->home)
			rc = add(out, "/", run->home, "home");
		if (rc == 0 && run->cwd)
			rc = add(out, "/", run->cwd, "here");
		if (rc == 0)
			rc = add_images(run, out);
	}
	return rc < 0 ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

int disk_paths_load(const struct uc_run *run, const struct disk_paths *paths,
		    struct uc_disk_list **out, struct uc_error *err)
{
	const char **list = calloc(paths->count + 1, sizeof(*list));
	int rc;

	if (!list)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < paths->count; i++)
		list[i] = paths->item[i].path;
	rc = uc_disk_list_load(list, run->libexec_dir, ANSWER_MS, out, err);
	free(list);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which templates there are, and where. */
#include "template/template.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

static bool is_template(const char *folder, const char *name)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	uc_buf_addf(&path, "%s/%s/%s", folder, name, UC_TEMPLATE_MANIFEST);
	return !path.failed && access(uc_buf_text(&path), F_OK) == 0;
}

static bool is_listed(const struct uc_strv *paths, const char *name)
{
	for (size_t i = 0; i < paths->count; i++)
		if (strcmp(uc_path_name(paths->item[i]), name) == 0)
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(uc_path_name(*(char *const *)a), uc_path_name(*(char *const *)b));
}

int uc_template_list(const char *const *folders, struct uc_strv *paths,
		     struct uc_error *err)
{
	for (; *folders; folders++) {
		DIR *dir = opendir(*folders);
		struct dirent *entry;

		while (dir && (entry = readdir(dir)))
			if (uc_template_is_name(entry->d_name, strlen(entry->d_name)) &&
			    !is_listed(paths, entry->d_name) &&
			    is_template(*folders, entry->d_name))
				uc_strv_addf(paths, "%s/%s", *folders, entry->d_name);
		if (dir)
			closedir(dir);
	}
	if (paths->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (paths->count)
		qsort(paths->item, paths->count, sizeof(*paths->item), by_name);
	return 0;
}

static int not_found(const char *const *folders, const char *name, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv paths = { 0 }, names = { 0 };
	const char *near = NULL;

	if (uc_template_list(folders, &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.count; i++)
		uc_strv_add(&names, uc_path_name(paths.item[i]));
	uc_fail(err, UC_NOTFOUND, "no template '%s'", name);
	if (names.count && !names.failed)
		near = uc_text_nearest(name, (const char *const *)names.item);
	return near ? uc_hint(err, "did you mean '%s'?", near)
		    : uc_hint(err, "ucluster templates lists them");
}

int uc_template_find(const char *const *folders, const char *name, struct uc_buf *path,
		     struct uc_error *err)
{
	if (!uc_template_is_name(name, strlen(name))) {
		uc_fail(err, UC_USAGE, "'%s' is no name of a template", name);
		return uc_hint(err, "ucluster templates lists them");
	}
	for (const char *const *folder = folders; *folder; folder++) {
		if (!is_template(*folder, name))
			continue;
		uc_buf_addf(path, "%s/%s", *folder, name);
		return path->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
	}
	return not_found(folders, name, err);
}

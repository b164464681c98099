/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What was asked for is nowhere: which names are like it, here and at the far end. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <ucluster/text.h>
#include <unistd.h>

#include "sync/run.h"

#define NAMES_MAX   10000u
#define NAMES_SHOWN 5u

static void add_name(struct uc_strv *names, const char *name)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	if (!name || name[0] == '.' || names->count >= NAMES_MAX)
		return;
	uc_buf_safe(&safe, uc_raw(name), 0);
	if (!safe.failed && uc_strv_find(names, uc_buf_text(&safe)) < 0)
		uc_strv_add(names, uc_buf_text(&safe));
}

static void names_here(const struct uc_sync_run *run, const char *folder,
		       struct uc_strv *names)
{
	int fd = run->planner.root < 0 ? -1
				       : uc_store_openat(run->planner.root, folder,
							 O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && names->count < NAMES_MAX && (entry = readdir(dir)))
		add_name(names, entry->d_name);
	if (dir)
		closedir(dir);
}

static void names_there(const struct uc_sync_run *run, const char *folder,
			struct uc_strv *names)
{
	struct uc_far *far = run->lane[0].far;
	json_t *arguments = json_pack("{s:s}", "folder", folder), *answer = NULL;
	const json_t *list;

	if (far && arguments &&
	    far->ops->call(far, "names", arguments, &answer, NULL) == 0) {
		list = json_object_get(answer, "names");
		for (size_t i = 0; i < json_array_size(list); i++)
			add_name(names, json_string_value(json_object_get(
						json_array_get(list, i), "name")));
	}
	json_decref(arguments);
	json_decref(answer);
}

/* A word of a path or pattern without what matches anything. */
static void plain(struct uc_buf *out, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr("*?[]\\", word[i]))
			uc_buf_addc(out, word[i]);
}

/* Nothing near: what there is. */
static int hint_names(struct uc_strv *names, const char *folder, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	for (size_t i = 0; i < names->count && i < NAMES_SHOWN; i++)
		uc_buf_addf(&text, "%s%.60s", i ? ", " : "", names->item[i]);
	if (!names->count)
		return -1;
	if (names->count > NAMES_SHOWN)
		uc_buf_addf(&text, " and %zu more", names->count - NAMES_SHOWN);
	return uc_hint(err, "%s%s%s %s: %s", *folder ? "in '" : "", folder,
		       *folder ? "'" : "there",
		       *folder             ? "there are"
		       : names->count == 1 ? "is"
					   : "are",
		       uc_buf_text(&text));
}

/* Word by word, as far as the folders are there. */
static int hint_near(const struct uc_sync_run *run, const char *missing, bool pattern,
		     struct uc_error *err)
{
	uc_auto(buf) struct uc_buf folder = { 0 };
	const char *at = missing + (*missing == '/');

	for (;;) {
		size_t len = strcspn(at, "/");
		bool wild = pattern && strcspn(at, "*?[\\") < len;
		uc_auto(strv) struct uc_strv names = { 0 };
		uc_auto(buf) struct uc_buf word = { 0 };
		const char *near, *last = strrchr(at, '/');

		if (!run->request->only_at_source)
			names_here(run, uc_buf_text(&folder), &names);
		names_there(run, uc_buf_text(&folder), &names);
		if (wild && last) /* the name is somewhere below */
			plain(&word, last + 1, strlen(last + 1));
		else
			plain(&word, at, len);
		if (!names.count || word.failed || names.failed)
			return -1;
		if (!wild && at[len] && uc_strv_find(&names, uc_buf_text(&word)) >= 0) {
			uc_buf_addf(&folder, "%s%.*s", folder.len ? "/" : "", (int)len,
				    at);
			at += len + 1;
			continue;
		}
		near = uc_text_nearest(uc_buf_text(&word),
				       (const char *const *)names.item);
		if (near)
			return uc_hint(err, "did you mean '%s%s%s%s'?",
				       uc_buf_text(&folder), folder.len ? "/" : "", near,
				       at[len] && !wild ? at + len : "");
		return hint_names(&names, uc_buf_text(&folder), err);
	}
}

int uc_sync_missing(struct uc_sync_run *run, struct uc_error *err)
{
	const bool there = run->request->only_at_source && !uc_sync_run_push(run);
	bool pattern = false;
	const char *missing = there ? uc_sync_scope_not_far(&run->scope)
				    : uc_sync_scope_missing(&run->scope, &pattern);

	if (!missing)
		return 0;
	if (there)
		(void)uc_fail(err, UC_NOTFOUND, "there is no '%s' on '%s'", missing,
			      run->request->host ? run->request->host : "the other side");
	else if (pattern)
		(void)uc_fail(err, UC_NOTFOUND, "nothing matches '%s' on either side",
			      missing);
	else
		(void)uc_fail(err, UC_NOTFOUND, "'%s' is on neither side", missing);
	(void)hint_near(run, missing, pattern, err);
	return -1;
}

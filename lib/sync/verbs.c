/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/verbs.h"

#include <string.h>
#include <ucluster/text.h>

#include "sync/snapshot.h"
#include "sync/trash.h"

static json_t *wrong(const char *verb, const json_error_t *why, struct uc_error *err)
{
	(void)uc_fail(err, UC_USAGE, "wrong arguments for '%s': %s", verb, why->text);
	return NULL;
}

static json_t *make(const struct uc_sync_verbs *verbs, json_t *args, struct uc_error *err)
{
	struct uc_snapshot_options options = { .no_sync = verbs->no_sync,
					       .stop = verbs->stop,
					       .arg = verbs->arg };
	int no_gitignore = 0, no_defaults = 0;
	json_error_t why;

	if (json_unpack_ex(args, &why, 0, "{s?s, s?s, s?s, s?s, s?s, s?b, s?b}",
			   "message", &options.message, "user", &options.user, "host",
			   &options.host, "git", &options.git, "rules", &options.rules,
			   "no_gitignore", &no_gitignore, "no_defaults",
			   &no_defaults) < 0)
		return wrong("snapshot", &why, err);
	options.no_gitignore = no_gitignore;
	options.no_defaults = no_defaults;
	return uc_snapshot_make(verbs->root, &options, err);
}

static json_t *list(const struct uc_sync_verbs *verbs, json_t *args, struct uc_error *err)
{
	(void)args;
	return uc_snapshot_list(verbs->root, err);
}

static json_t *show(const struct uc_sync_verbs *verbs, json_t *args, struct uc_error *err)
{
	json_error_t why;
	const char *id;

	if (json_unpack_ex(args, &why, 0, "{s:s}", "id", &id) < 0)
		return wrong("snapshot-show", &why, err);
	return uc_snapshot_show(verbs->root, id, err);
}

static json_t *path_of(const struct uc_sync_verbs *verbs, json_t *args,
		       struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	json_t *meta = show(verbs, args, err), *answer;

	if (!meta)
		return NULL;
	uc_buf_addf(&path, "%s/%s/%s/tree", verbs->path, UC_STORE_SNAPSHOTS,
		    json_string_value(json_object_get(meta, "id")));
	json_decref(meta);
	answer = json_pack("{s:s}", "path", uc_buf_text(&path));
	if (!answer)
		(void)uc_fail(err, UC_FAILED, "the folder's path is no text");
	return answer;
}

static json_t *restore(const struct uc_sync_verbs *verbs, json_t *args,
		       struct uc_error *err)
{
	json_error_t why;
	int remove = 0;
	const char *id;

	if (json_unpack_ex(args, &why, 0, "{s:s, s?b}", "id", &id, "remove", &remove) < 0)
		return wrong("snapshot-restore", &why, err);
	return uc_snapshot_restore(verbs->root, id, verbs->store, remove, err);
}

static json_t *prune(const struct uc_sync_verbs *verbs, json_t *args,
		     struct uc_error *err)
{
	json_int_t keep = 10, older = 0, spare = 0;
	json_error_t why;

	if (json_unpack_ex(args, &why, 0, "{s?I, s?I, s?I}", "keep", &keep, "older",
			   &older, "spare", &spare) < 0)
		return wrong("prune", &why, err);
	if (keep < 1 || older < 0 || spare < 0) {
		(void)uc_fail(err, UC_USAGE, "prune keeps at least one snapshot");
		return NULL;
	}
	return uc_snapshot_prune(verbs->root, (uint64_t)keep, older, spare, err);
}

static json_t *trash(const struct uc_sync_verbs *verbs, json_t *args,
		     struct uc_error *err)
{
	(void)args;
	return uc_trash_list(verbs->root, err);
}

static json_t *trash_restore(const struct uc_sync_verbs *verbs, json_t *args,
			     struct uc_error *err)
{
	json_t *paths = NULL;
	const char *run;
	json_error_t why;

	if (json_unpack_ex(args, &why, 0, "{s:s, s?o}", "run", &run, "paths", &paths) < 0)
		return wrong("trash-restore", &why, err);
	return uc_trash_restore(verbs->root, run, paths, err);
}

static json_t *trash_empty(const struct uc_sync_verbs *verbs, json_t *args,
			   struct uc_error *err)
{
	json_int_t older = 0;
	json_error_t why;

	if (json_unpack_ex(args, &why, 0, "{s?I}", "older", &older) < 0)
		return wrong("trash-empty", &why, err);
	return uc_trash_empty(verbs->root, older, err);
}

static const struct {
	const char *verb;
	json_t *(*fn)(const struct uc_sync_verbs *verbs, json_t *args,
		      struct uc_error *err);
	bool writes;
} table[] = {
	// clang-format off
	{ "snapshot", make, true },
	{ "snapshots", list, false },
	{ "snapshot-show", show, false },
	{ "snapshot-path", path_of, false },
	{ "snapshot-restore", restore, true },
	{ "prune", prune, true },
	{ "trash", trash, false },
	{ "trash-restore", trash_restore, true },
	{ "trash-empty", trash_empty, true },
	// clang-format on
};

#define COUNT (sizeof(table) / sizeof(table[0]))

static size_t find(const char *verb)
{
	size_t i = 0;

	while (i < COUNT && strcmp(table[i].verb, verb) != 0)
		i++;
	return i;
}

json_t *uc_sync_verb(const struct uc_sync_verbs *verbs, const char *verb, json_t *args,
		     struct uc_error *err)
{
	size_t i = find(verb);

	if (i == COUNT) {
		(void)uc_fail(err, UC_USAGE, "'%s' is not known here", verb);
		return NULL;
	}
	if (table[i].writes && !verbs->store) {
		(void)uc_fail(err, UC_DENIED, "the folder is only read");
		return NULL;
	}
	if (table[i].writes)
		uc_store_flush(verbs->store);
	return table[i].fn(verbs, args, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/behind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sync/store.h"

/* The rules of one folder; those above it are in the levels before. */
struct level {
	size_t len; /* of its path */
	struct uc_ignore_list git, own;
	const struct uc_ignore_list *git_top, *own_top;
	struct uc_sync_verdict left; /* the folder itself, but for what git tracks */
};

struct uc_sync_behind {
	int root;
	const struct uc_sync_walk_options *options;
	struct uc_ignore_list exclude; /* .git/info/exclude */
	struct level level[UC_SYNC_DEPTH_MAX + 1];
	size_t levels; /* [0] is the root's */
	char path[UC_SYNC_PATH_MAX + 1];
};

/* A file of rules. -1: it is there and cannot be read. */
static int read_list(int folder, const char *name, const char *path,
		     struct uc_ignore_list *list)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	if (uc_sync_rules_read(folder, name, &text) < 0)
		return errno == ENOENT ? 0 : -1;
	return uc_ignore_list_read(list, name, path, uc_buf_text(&text), text.len, NULL);
}

static const struct uc_ignore_list *put_on(struct uc_ignore_list *list,
					   const struct uc_ignore_list *top)
{
	if (!list->origin)
		return top;
	list->above = top;
	return list;
}

/* Rules that come after those of the root. */
static const struct uc_ignore_list *outside(const struct uc_sync_behind *b)
{
	if (b->options->work_tree && !b->options->no_gitignore)
		return uc_work_tree_rules(b->options->work_tree);
	return b->exclude.origin ? &b->exclude : NULL;
}

/* The folder of the first `len` bytes of the path, below those that are open. */
static int add_level(struct uc_sync_behind *b, size_t len)
{
	struct level *level = &b->level[b->levels], *above = level - 1;
	char end = b->path[len];
	int folder, status = 0;

	if (b->levels == sizeof(b->level) / sizeof(b->level[0]))
		return -1;
	*level = (struct level){ .len = len };
	b->path[len] = '\0';
	folder = len ? uc_store_openat(b->root, b->path, O_RDONLY | O_DIRECTORY)
		     : openat(b->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0) {
		if (!b->options->no_gitignore)
			status = read_list(folder, ".gitignore", b->path, &level->git);
		if (status == 0)
			status = read_list(folder, ".usyncignore", b->path, &level->own);
		close(folder);
	} else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
		status = -1;
	}
	level->git_top = put_on(&level->git, len ? above->git_top : outside(b));
	level->own_top = put_on(&level->own, len ? above->own_top : NULL);
	b->path[len] = end;
	b->levels++;
	return status;
}

static void drop_level(struct uc_sync_behind *b)
{
	struct level *level = &b->level[--b->levels];

	uc_ignore_list_free(&level->git);
	uc_ignore_list_free(&level->own);
}

/* Keep what holds for `path` as well. */
static void shrink(struct uc_sync_behind *b, const char *path)
{
	while (b->levels > 1) {
		size_t len = b->level[b->levels - 1].len;

		if (strncmp(path, b->path, len) == 0 && path[len] == '/')
			break;
		drop_level(b);
	}
}

static struct uc_sync_verdict decide(const struct uc_sync_behind *b, char *path,
				     size_t len, bool is_folder)
{
	const struct level *level = &b->level[b->levels - 1];
	struct uc_sync_rules rules = { .options = b->options,
				       .git = level->git_top,
				       .own = level->own_top,
				       .left = level->left };
	struct uc_sync_verdict verdict;
	char end = path[len];

	path[len] = '\0';
	verdict = uc_sync_rules_judge(&rules, path, is_folder);
	path[len] = end;
	return verdict;
}

int uc_sync_behind_look(struct uc_sync_behind *b, const char *path, bool is_folder)
{
	size_t len = strlen(path), at;

	if (len > UC_SYNC_PATH_MAX)
		return -1;
	shrink(b, path);
	memcpy(b->path, path, len + 1);
	at = b->level[b->levels - 1].len;
	for (;;) {
		size_t start = at + (at > 0);
		size_t stop = start + strcspn(path + start, "/");
		struct uc_sync_verdict verdict =
			decide(b, b->path, stop, path[stop] || is_folder);

		if (verdict.rule && !verdict.in_part)
			return 1;
		if (!path[stop])
			return 0;
		if (add_level(b, stop) < 0)
			return -1;
		b->level[b->levels - 1].left = verdict;
		at = stop;
	}
}

struct uc_sync_behind *uc_sync_behind_new(int root,
					  const struct uc_sync_walk_options *options)
{
	uc_auto(sync_behind) struct uc_sync_behind *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->root = root;
	b->options = options;
	if (!options->no_gitignore && !options->work_tree &&
	    read_list(root, ".git/info/exclude", "", &b->exclude) < 0)
		return NULL;
	if (add_level(b, 0) < 0)
		return NULL;
	return uc_take(&b);
}

void uc_sync_behind_free(struct uc_sync_behind *b)
{
	if (!b)
		return;
	while (b->levels)
		drop_level(b);
	uc_ignore_list_free(&b->exclude);
	free(b);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TESTS_WALK_UNIT_H
#define UC_TESTS_WALK_UNIT_H
/* Trees to walk through, and what was told of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge_unit.h"
#include "list_unit.h"
#include "sync/walk.h"

/* A tree of its own for each test, and what a walk through it told. */
struct tree {
	char path[64];
	int root;
	struct uc_sync_walk_options options;
	struct uc_sync_walked sum;
	struct uc_sync_list list;
	struct uc_buf notes; /* one a line: which, path */
	unsigned long left;  /* names until it is stopped; 0 = never */
	const char *trigger; /* when it is told, `act` is called */
	void (*act)(int root);
};

static inline int take_entry(void *arg, int folder, const struct uc_sync_entry *entry,
			     struct uc_error *err)
{
	const char *slash = strrchr(entry->path, '/');
	struct tree *tree = arg;
	struct stat st;

	assert_int_equal(fstatat(folder, slash ? slash + 1 : entry->path, &st,
				 AT_SYMLINK_NOFOLLOW),
			 0);
	if (tree->trigger && strcmp(entry->path, tree->trigger) == 0)
		tree->act(tree->root);
	return uc_sync_list_add(&tree->list, entry, err);
}

static inline void take_note(void *arg, enum uc_sync_note note, const char *path,
			     int errno_value)
{
	static const char *const name[UC_SYNC_NOTES] = {
		[UC_SYNC_UNREADABLE] = "unreadable", [UC_SYNC_SPECIAL] = "special",
		[UC_SYNC_OTHER_FS] = "other",        [UC_SYNC_TOO_DEEP] = "deep",
		[UC_SYNC_TOO_LONG] = "long",         [UC_SYNC_BAD_RULES] = "rules",
		[UC_SYNC_VANISHED] = "vanished",
	};
	struct tree *tree = arg;

	(void)errno_value;
	uc_buf_addf(&tree->notes, "%s %s\n", name[note], path);
}

static inline bool is_over(void *arg)
{
	struct tree *tree = arg;

	return tree->left && --tree->left == 0;
}

static inline int make(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return -1;
	*state = tree;
	(void)snprintf(tree->path, sizeof(tree->path), "/tmp/uc-sync-walk-XXXXXX");
	if (!mkdtemp(tree->path))
		return -1;
	tree->root = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tree->options = (struct uc_sync_walk_options){
		.entry = take_entry, .note = take_note, .stop = is_over, .arg = tree
	};
	return tree->root < 0 ? -1 : 0;
}

/* A program's output into `out`, which may be NULL. */
static inline void run(const char *const *words, struct uc_buf *out)
{
	const struct judge program = { .words = words };

	assert_int_equal(judge_run(&program, out), 0);
}

static inline void forget(struct tree *tree)
{
	uc_sync_walked_free(&tree->sum);
	uc_sync_list_free(&tree->list);
	uc_buf_reset(&tree->notes);
}

static inline int unmake(void **state)
{
	struct tree *tree = *state;
	const char *words[] = { "rm", "-rf", tree->path,
				NULL }; /* longer than nftw() goes */

	run(words, NULL);
	close(tree->root);
	forget(tree);
	uc_buf_free(&tree->notes);
	free(tree);
	return 0;
}

static inline void put(const struct tree *tree, const char *path, const char *text)
{
	int fd = openat(tree->root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void put_folder(const struct tree *tree, const char *path)
{
	assert_int_equal(mkdirat(tree->root, path, 0755), 0);
}

static inline int walk(struct tree *tree, struct uc_error *err)
{
	forget(tree);
	return uc_sync_walk(tree->root, &tree->options, &tree->sum, err);
}

static inline void walk_well(struct tree *tree)
{
	struct uc_error err = { 0 };

	if (walk(tree, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 1; i < tree->list.count; i++)
		assert_true(
			uc_sync_path_compare(uc_sync_list_at(&tree->list, i - 1)->path,
					     uc_sync_list_at(&tree->list, i)->path) < 0);
}

/* The paths that were told, joined by blanks. */
static inline void assert_told(struct tree *tree, const char *expected)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	for (size_t i = 0; i < tree->list.count; i++)
		uc_buf_addf(&text, "%s%s", i ? " " : "",
			    uc_sync_list_at(&tree->list, i)->path);
	assert_string_equal(uc_buf_text(&text), expected);
}

static inline const struct uc_sync_entry *told(struct tree *tree, const char *path)
{
	const struct uc_sync_entry *entry = list_find(&tree->list, path);

	if (!entry)
		fail_msg("'%s' was not told", path);
	return entry;
}

#endif

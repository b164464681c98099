/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/work_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/program.h"
#include "base/repository.h"
#include "sync/walk_rules.h"

#define TRACKED_MAX (64U << 20) /* bytes of names */
#define ANSWER_MAX  (2 * PATH_MAX)
#define UNSET       "/" /* no file, and no value of core.excludesFile either */

struct look {
	struct uc_work_tree *tree;
	const char *const *environment;
	struct uc_repository repo;
	bool has_git;
	int64_t deadline;
	struct uc_buf root;
	const char
		*inside; /* the root seen from the top of the work tree; "" is the top */
	size_t room;     /* for lists */
	struct uc_error *err;
};

static int out_of_memory(struct look *look)
{
	return uc_fail(look->err, UC_FAILED, "out of memory in '%s'",
		       uc_buf_text(&look->root));
}

/* Where it lies now. False: nowhere, or it cannot be told. */
static bool find_root(struct look *look, int root)
{
	char link[32], path[PATH_MAX];
	struct stat here, there;
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", root);
	len = readlink(link, path, sizeof(path) - 1);
	if (len <= 0 || path[0] != '/')
		return false;
	path[len] = '\0';
	uc_buf_add(&look->root, path);
	return fstat(root, &here) == 0 && stat(path, &there) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* git's answer, in the work tree; false: it has none. */
static bool ask(struct look *look, const char *const *words, size_t most,
		struct uc_buf *out)
{
	const struct uc_git_bounds bounds = { look->deadline, most };

	return uc_repository_run(&look->repo, words, &bounds, out, &look->tree->why) == 0;
}

/* What is tracked */

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int keep_names(struct look *look, struct uc_buf *text)
{
	struct uc_work_tree *tree = look->tree;
	size_t count = 0, len = text->len;

	uc_buf_addc(text, '\0');
	if (text->failed)
		return out_of_memory(look);
	tree->names = uc_buf_take(text);
	for (size_t i = 0; i < len; i++)
		count += tree->names[i] == '\0';
	tree->tracked = calloc(count + 1, sizeof(*tree->tracked));
	if (!tree->tracked)
		return out_of_memory(look);
	for (const char *at = tree->names; tree->count < count; at += strlen(at) + 1)
		tree->tracked[tree->count++] = at;
	/* git's order already */
	qsort(tree->tracked, tree->count, sizeof(*tree->tracked), by_bytes);
	return 0;
}

/* 1: they are known, 0: git does not say. */
static int find_tracked(struct look *look)
{
	const char *const words[] = { "-C", *look->inside ? look->inside : ".",
				      "ls-files", "-z", NULL };
	uc_auto(buf) struct uc_buf text = { 0 };

	if (!ask(look, words, TRACKED_MAX, &text))
		return 0;
	return keep_names(look, &text) < 0 ? -1 : 1;
}

/* Rules from outside */

/* Add a list before those that there are; `outside` leads from its folder to the root. */
static int add_list(struct look *look, const char *origin, const char *outside,
		    const struct uc_buf *text)
{
	struct uc_work_tree *tree = look->tree;
	struct uc_ignore_list *list = &tree->list[tree->lists];
	size_t bytes = text->len;

	for (size_t i = 0; i < tree->lists; i++)
		bytes += tree->list[i].bytes;
	if (tree->lists == look->room || bytes > UC_IGNORE_CHAIN_MAX)
		return 0;
	if (uc_ignore_list_read(list, origin, "", uc_buf_text(text), text->len,
				look->err) < 0)
		return -1;
	list->above = tree->lists ? list - 1 : NULL;
	tree->lists++;
	if (!*outside)
		return 0;
	list->outside = strdup(outside);
	return list->outside ? 0 : out_of_memory(look);
}

/* A file outside of the tree, through links as git reads it; one that is not there is
 * none. */
static int add_file(struct look *look, const char *path, const char *origin)
{
	uc_auto(buf) struct uc_buf text = { 0 }, outside = { 0 };

	if (uc_sync_rules_read_file(path, &text) < 0)
		return errno == ENOMEM ? out_of_memory(look) : 0;
	uc_buf_add(&outside, look->inside);
	if (outside.len)
		uc_buf_addc(&outside, '/');
	return outside.failed ? out_of_memory(look)
			      : add_list(look, origin, uc_buf_text(&outside), &text);
}

/* The file that core.excludesFile names, or the usual one. */
static int add_user_rules(struct look *look)
{
	static const char *const words[] = {
		"config", "-z",    "--type=path",       "--default",
		UNSET,    "--get", "core.excludesFile", NULL
	};
	const char *config = uc_env_value(look->environment, "XDG_CONFIG_HOME");
	const char *home = uc_env_value(look->environment, "HOME");
	uc_auto(buf) struct uc_buf said = { 0 }, path = { 0 };

	if (!look->has_git || !ask(look, words, ANSWER_MAX, &said))
		return 0;
	if (strcmp(uc_buf_text(&said), UNSET) != 0) {
		if (said.len && said.data[0] != '/')
			uc_buf_addf(&path, "%s/", uc_buf_text(&look->repo.top));
		uc_buf_add(&path, uc_buf_text(&said));
	} else if (config && *config) {
		uc_buf_addf(&path, "%s/git/ignore", config);
	} else if (home && *home) {
		uc_buf_addf(&path, "%s/.config/git/ignore", home);
	}
	if (path.failed)
		return out_of_memory(look);
	return path.len ? add_file(look, uc_buf_text(&path), uc_buf_text(&path)) : 0;
}

/* Where it is when .git is a file is git's to know. */
static int add_exclude(struct look *look)
{
	static const char *const words[] = { "rev-parse", "--git-path", "info/exclude",
					     NULL };
	uc_auto(buf) struct uc_buf said = { 0 }, path = { 0 }, origin = { 0 };

	if (!look->has_git)
		uc_buf_add(&said, ".git/info/exclude");
	else if (!ask(look, words, ANSWER_MAX, &said))
		return 0;
	if (said.len && said.data[said.len - 1] == '\n')
		said.data[--said.len] = '\0';
	if (!said.len || said.data[0] != '/')
		uc_buf_addf(&path, "%s/", uc_buf_text(&look->repo.top));
	uc_buf_add(&path, uc_buf_text(&said));
	for (const char *at = look->inside; *at; at += strspn(at, "/")) {
		uc_buf_add(&origin, "../");
		at += strcspn(at, "/");
	}
	uc_buf_add(&origin, ".git/info/exclude");
	if (path.failed || origin.failed)
		return out_of_memory(look);
	return add_file(look, uc_buf_text(&path), uc_buf_text(&origin));
}

static bool is_own(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid();
}

/* .gitignore of an open folder, from which `outside` leads to the root. */
static int add_above(struct look *look, int folder, const char *outside)
{
	uc_auto(buf) struct uc_buf text = { 0 }, origin = { 0 }, way = { 0 };

	if (uc_sync_rules_read(folder, ".gitignore", &text) < 0)
		return errno == ENOMEM ? out_of_memory(look) : 0;
	for (const char *at = outside; *at; at += strspn(at, "/")) {
		uc_buf_add(&origin, "../");
		at += strcspn(at, "/");
	}
	uc_buf_add(&origin, ".gitignore");
	uc_buf_addf(&way, "%s/", outside);
	if (origin.failed || way.failed)
		return out_of_memory(look);
	return add_list(look, uc_buf_text(&origin), uc_buf_text(&way), &text);
}

/* From the top down to the folder above the root. */
static int add_all_above(struct look *look)
{
	int folder = open(uc_buf_text(&look->repo.top),
			  O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	const char *outside = look->inside;
	int status = 0;

	while (folder >= 0 && *outside && status == 0 &&
	       (look->has_git || is_own(folder))) {
		const size_t len = strcspn(outside, "/");
		uc_auto(buf) struct uc_buf name = { 0 };
		int next;

		uc_buf_addn(&name, outside, len);
		status = name.failed ? out_of_memory(look)
				     : add_above(look, folder, outside);
		next = openat(folder, uc_buf_text(&name),
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		close(folder);
		folder = next;
		outside += len + strspn(outside + len, "/");
	}
	if (folder >= 0)
		close(folder);
	return status;
}

static int make_room(struct look *look)
{
	look->room = 3; /* the user's, the repository's, the top's */
	for (const char *at = look->inside; *at; at++)
		look->room += *at == '/';
	look->tree->list = calloc(look->room, sizeof(*look->tree->list));
	return look->tree->list ? 0 : out_of_memory(look);
}

static bool is_own_repository(const struct look *look)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat top, git;

	uc_buf_addf(&path, "%s/.git", uc_buf_text(&look->repo.top));
	return !path.failed && stat(uc_buf_text(&look->repo.top), &top) == 0 &&
	       lstat(uc_buf_text(&path), &git) == 0 && S_ISDIR(git.st_mode) &&
	       top.st_uid == geteuid() && git.st_uid == geteuid();
}

static int load(struct look *look)
{
	const size_t top = look->repo.top.len;
	int known = 1;

	look->inside = uc_buf_text(&look->root) + top;
	look->inside += strspn(look->inside, "/");
	if (look->has_git)
		known = find_tracked(look);
	else if (!is_own_repository(look))
		return 0;
	if (known <= 0)
		return known;
	if (make_room(look) < 0 || add_user_rules(look) < 0 || add_exclude(look) < 0)
		return -1;
	return add_all_above(look);
}

int uc_work_tree_load(struct uc_work_tree *tree, int root, const char *const *environment,
		      int64_t deadline, struct uc_error *err)
{
	struct look look = {
		.tree = tree, .environment = environment, .deadline = deadline, .err = err
	};
	int status = 0, found;

	if (find_root(&look, root)) {
		found = uc_repository_find(&look.repo, uc_buf_text(&look.root),
					   environment, deadline, &tree->why);
		look.has_git = found > 0;
		if (found >= 0 && look.repo.top.len)
			status = load(&look);
	}
	if (look.root.failed)
		status = out_of_memory(&look);
	uc_repository_free(&look.repo);
	uc_buf_free(&look.root);
	return status;
}

void uc_work_tree_free(struct uc_work_tree *tree)
{
	for (size_t i = 0; i < tree->lists; i++)
		uc_ignore_list_free(&tree->list[i]);
	free(tree->list);
	free(tree->names);
	free(tree->tracked);
	*tree = (struct uc_work_tree){ 0 };
}

const struct uc_ignore_list *uc_work_tree_rules(const struct uc_work_tree *tree)
{
	return tree->lists ? &tree->list[tree->lists - 1] : NULL;
}

/* How a name compares with `path`, and what is below it with "path/". */
static int compare(const char *name, const char *path, size_t len, bool below)
{
	int order = strncmp(name, path, len);

	if (order)
		return order;
	if (below)
		return name[len] == '/' ? 0 : (unsigned char)name[len] - '/';
	return name[len] != '\0';
}

static bool find(const struct uc_work_tree *tree, const char *path, bool below)
{
	const size_t len = strlen(path);
	size_t low = 0, high = tree->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = compare(tree->tracked[middle], path, len, below);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool uc_work_tree_tracks(const struct uc_work_tree *tree, const char *path)
{
	return find(tree, path, false);
}

bool uc_work_tree_tracks_in(const struct uc_work_tree *tree, const char *folder)
{
	return find(tree, folder, true);
}

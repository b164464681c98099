/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Listing a tree. */
#include "job/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/units.h>

#define NOTES_MAX 50
#define BIGGEST   3

/* Environments, caches, results and keys, from what users of clusters leave out by hand.
 */
static const char *const skips[] = {
	".git",
	".hg",
	".svn",
	".venv/",
	"venv/",
	"env/",
	".conda/",
	"__pycache__/",
	"*.pyc",
	".mypy_cache/",
	".pytest_cache/",
	".ruff_cache/",
	".tox/",
	".nox/",
	".ipynb_checkpoints/",
	"node_modules/",
	".DS_Store",
	"wandb/",
	"mlruns/",
	"runs/",
	"outputs/",
	"lightning_logs/",
	"checkpoints/",
	"*.ckpt",
	"*.pt",
	"*.pth",
	"*.safetensors",
	"*.sqsh",
	"slurm-*.out",
	"core.[0-9]*",
	".env",
	".env.*",
	"*.pem",
	"id_*",
	"*credentials*",
	".netrc",
	".ucluster/",
	NULL,
};

const char *const *uc_snapshot_skips(void)
{
	return skips;
}

static bool is_skipped(const char *name, bool folder)
{
	for (size_t i = 0; skips[i]; i++) {
		size_t len = strlen(skips[i]);

		if (skips[i][len - 1] != '/') {
			if (fnmatch(skips[i], name, 0) == 0)
				return true;
		} else if (folder && strlen(name) == len - 1 &&
			   strncmp(name, skips[i], len - 1) == 0) {
			return true;
		}
	}
	return false;
}

void uc_tree_free(struct uc_tree *tree)
{
	int saved = errno;

	for (size_t i = 0; i < tree->count; i++)
		free(tree->item[i].path);
	free(tree->item);
	uc_strv_free(&tree->notes);
	*tree = (struct uc_tree){ 0 };
	errno = saved;
}

static void note(struct uc_tree *tree, const char *what, const char *path)
{
	if (tree->notes.count < NOTES_MAX)
		uc_strv_addf(&tree->notes, "%s: %s", what, path);
	else if (tree->notes.count == NOTES_MAX)
		uc_strv_add(&tree->notes, "more of this kind is not listed");
}

int uc_tree_parent(int root, const char *path, bool make, const char **name)
{
	int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0) {
		size_t len = strcspn(path, "/");
		uc_auto(buf) struct uc_buf part = { 0 };
		int next;

		*name = path;
		if (!path[len])
			return fd;
		uc_buf_addn(&part, path, len);
		if (make && mkdirat(fd, uc_buf_text(&part), 0755) < 0 && errno != EEXIST)
			next = -1;
		else
			next = openat(fd, uc_buf_text(&part),
				      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0) {
			int saved = errno;

			close(fd);
			errno = saved;
			return -1;
		}
		close(fd);
		fd = next;
		path += len + 1;
	}
	return -1;
}

static int add_item(struct uc_tree *tree, const char *path, const struct stat *st,
		    struct uc_error *err)
{
	if (tree->count == tree->cap) {
		size_t cap = tree->cap ? tree->cap * 2 : 256;
		struct uc_tree_item *item = reallocarray(tree->item, cap, sizeof(*item));

		if (!item)
			return uc_fail(err, UC_FAILED, "out of memory");
		tree->item = item;
		tree->cap = cap;
	}
	tree->item[tree->count].path = strdup(path);
	tree->item[tree->count].st = *st;
	if (!tree->item[tree->count].path)
		return uc_fail(err, UC_FAILED, "out of memory");
	tree->count++;
	tree->bytes += S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	return 0;
}

/* Snapshots themselves, and what they note. */
static bool is_ours(const struct uc_tree *tree, const char *path)
{
	size_t len = tree->exclude ? strlen(tree->exclude) : 0;

	return strcmp(path, UC_SNAPSHOT_MANIFEST) == 0 ||
	       strncmp(path, ".ucluster/", 10) == 0 ||
	       (len > 0 && strncmp(path, tree->exclude, len) == 0 &&
		(path[len] == '/' || path[len] == '\0'));
}

static int walk_folder(struct uc_tree *tree, int fd, const char *prefix, int depth,
		       struct uc_error *err);

/* One entry of an open folder; `path` is the whole relative one. */
static int walk_entry(struct uc_tree *tree, int folder, const char *path, int depth,
		      struct uc_error *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct stat st;
	int fd;

	if (is_ours(tree, path))
		return 0;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? 0 /* removed meanwhile */
			       : uc_fail_errno(err, UC_FAILED, errno, "'%s'", path);
	if (is_skipped(name, S_ISDIR(st.st_mode))) {
		note(tree, "left out", path);
		return 0;
	}
	if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
		return add_item(tree, path, &st, err);
	if (!S_ISDIR(st.st_mode)) {
		note(tree, "left out, not a file", path);
		return 0;
	}
	if (depth == UC_SNAPSHOT_DEPTH)
		return uc_fail(err, UC_USAGE, "'%s' is more than %d folders deep", path,
			       UC_SNAPSHOT_DEPTH);
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_FAILED, errno,
				     "cannot read folder '%s'", path);
	return walk_folder(tree, fd, path, depth + 1, err);
}

/* All of a folder; takes fd over. */
static int walk_folder(struct uc_tree *tree, int fd, const char *prefix, int depth,
		       struct uc_error *err)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int rc = 0;

	if (!dir) {
		close(fd);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	while (rc == 0 && (entry = readdir(dir))) {
		uc_auto(buf) struct uc_buf path = { 0 };

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (*prefix)
			uc_buf_addf(&path, "%s/", prefix);
		uc_buf_add(&path, entry->d_name);
		if (path.failed)
			rc = uc_fail(err, UC_FAILED, "out of memory");
		else if (tree->count > 4 * tree->max_items)
			break; /* far too many: the check says so */
		else
			rc = walk_entry(tree, dirfd(dir), path.data, depth, err);
	}
	closedir(dir);
	return rc;
}

int uc_tree_walk(struct uc_tree *tree, int root, struct uc_error *err)
{
	int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return uc_fail_errno(err, UC_DENIED, errno, "cannot read the code tree");
	return walk_folder(tree, fd, "", 0, err);
}

/* Is it a path that stays where it is, and none of git's or our own? */
static bool is_sound(const char *path)
{
	if (*path == '/' || *path == '\0')
		return false;
	for (;;) {
		size_t len = strcspn(path, "/");

		if (len == 0 || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.') ||
		    (len == 4 && strncasecmp(path, ".git", 4) == 0))
			return false;
		if (!path[len])
			return true;
		path += len + 1;
	}
}

int uc_tree_add(struct uc_tree *tree, int root, const char *path, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf clean = { 0 };
	const char *name;
	struct stat st;
	int folder, rc;

	uc_buf_add(&clean, path);
	/* a repository in the repository has a slash behind it */
	if (clean.len > 1 && clean.data[clean.len - 1] == '/')
		clean.data[--clean.len] = '\0';
	path = uc_buf_text(&clean);
	if (clean.failed || !is_sound(path) || is_ours(tree, path))
		return 0;
	folder = uc_tree_parent(root, path, false, &name);
	if (folder < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0 /* tracked, and replaced by something else */
			       : uc_fail_errno(err, UC_DENIED, errno, "'%s'", path);
	rc = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
	if (rc == ENOENT)
		rc = 0; /* tracked, and removed */
	else if (rc != 0)
		rc = uc_fail_errno(err, UC_FAILED, rc, "'%s'", path);
	else if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
		rc = add_item(tree, path, &st, err);
	else if (S_ISDIR(st.st_mode)) {
		note(tree, "a repository of its own, copied as a plain folder", path);
		rc = walk_entry(tree, folder, path, 0, err);
	} else
		note(tree, "left out, not a file", path);
	close(folder);
	return rc;
}

/* What the folders of the outermost level hold. */
struct share {
	const char *path;
	size_t len;
	uint64_t bytes;
	size_t files;
};

static int bigger_first(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return (x->files < y->files) - (x->files > y->files);
}

/* Items of one folder follow each other, both from git and from a walk. */
static size_t add_shares(const struct uc_tree *tree, struct share *share)
{
	size_t count = 0;

	for (size_t i = 0; i < tree->count; i++) {
		const struct uc_tree_item *item = &tree->item[i];
		size_t len = strcspn(item->path, "/");
		struct share *last = count ? &share[count - 1] : NULL;

		if (!last || last->len != len || memcmp(last->path, item->path, len)) {
			last = &share[count++];
			*last = (struct share){ .path = item->path, .len = len };
		}
		last->bytes += S_ISREG(item->st.st_mode) ? (uint64_t)item->st.st_size : 0;
		last->files++;
	}
	return count;
}

static void name_biggest(const struct uc_tree *tree, struct uc_buf *out)
{
	struct share *share = calloc(tree->count + 1, sizeof(*share));
	size_t count = share ? add_shares(tree, share) : 0;

	if (count > 1)
		qsort(share, count, sizeof(*share), bigger_first);
	for (size_t i = 0; i < count && i < BIGGEST; i++) {
		uc_buf_add(out, i ? ", '" : " '");
		uc_buf_safen(out, share[i].path, share[i].len < 40 ? share[i].len : 40,
			     0);
		uc_buf_add(out, "' ");
		uc_size_words(out, share[i].bytes);
		if (share[i].files > 1)
			uc_buf_addf(out, " in %zu files", share[i].files);
	}
	free(share);
}

int uc_tree_check(const struct uc_tree *tree, const struct uc_snapshot_rules *rules,
		  struct uc_error *err)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	if (tree->count <= rules->max_files && tree->bytes <= rules->max_bytes)
		return 0;
	uc_buf_add(&text, "the code tree has ");
	uc_size_words(&text, tree->bytes);
	uc_buf_addf(&text, " in %zu files%s, at most ", tree->count,
		    tree->count > 4 * tree->max_items ? " or more" : "");
	uc_size_words(&text, rules->max_bytes);
	uc_buf_addf(&text, " and %zu files are copied; biggest:", rules->max_files);
	name_biggest(tree, &text);
	uc_fail(err, UC_USAGE, "%s", uc_buf_text(&text));
	return uc_hint(err, "what git ignores is left out: name data and results in "
			    ".gitignore, or keep them elsewhere");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Making a snapshot. */
#include "job/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <ucluster/units.h>

#include "base/file.h"
#include "base/repository.h"

#define GIT_MS   20000
#define LIST_MAX (64u << 20)
#define IGNORE   "*\n"

void uc_snapshot_free(struct uc_snapshot *snap)
{
	int saved = errno;

	free(snap->root);
	free(snap->folder);
	free(snap->path);
	free(snap->workdir);
	uc_strv_free(&snap->notes);
	*snap = (struct uc_snapshot){ 0 };
	errno = saved;
}

/* `path` relative to `root`: "" for itself, NULL when it is elsewhere. */
static const char *below(const char *path, const char *root)
{
	size_t len = strlen(root);

	if (len > 0 && root[len - 1] == '/')
		len--;
	if (strncmp(path, root, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return NULL;
	return path + len + strspn(path + len, "/");
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct uc_tree_item *)a)->path,
		      ((const struct uc_tree_item *)b)->path);
}

/* Sort; what git names twice (in a conflict) is kept once. */
static void make_unique(struct uc_tree *tree)
{
	size_t n = 0;

	if (tree->count > 1)
		qsort(tree->item, tree->count, sizeof(*tree->item), by_path);
	tree->bytes = 0;
	for (size_t i = 0; i < tree->count; i++) {
		if (n > 0 && strcmp(tree->item[n - 1].path, tree->item[i].path) == 0) {
			free(tree->item[i].path);
			continue;
		}
		tree->item[n++] = tree->item[i];
		if (S_ISREG(tree->item[i].st.st_mode))
			tree->bytes += (uint64_t)tree->item[i].st.st_size;
	}
	tree->count = n;
}

/* Ask git: its answer is in *list and the tree's root in snap, or false. */
static bool ask_git(const struct uc_snapshot_rules *rules, struct uc_snapshot *snap,
		    struct uc_buf *list)
{
	static const char *const args[] = { "ls-files", "-co", "--exclude-standard", "-z",
					    NULL };
	const struct uc_git_bounds bounds = { uc_monotonic_ms() + GIT_MS, LIST_MAX };
	uc_auto(repository) struct uc_repository repo = { 0 };
	struct uc_error why;
	int rc = uc_repository_find(&repo, rules->start, rules->environment,
				    bounds.deadline, &why);

	if (rc > 0)
		rc = uc_repository_run(&repo, args, &bounds, list, &why) < 0 ? -1 : 1;
	if (rc < 0)
		uc_strv_addf(&snap->notes, "copied as a plain folder: %s", why.text);
	if (rc <= 0)
		return false;
	snap->root = uc_buf_take(&repo.top);
	return snap->root && !list->failed;
}

static int list_tree(const struct uc_snapshot *snap, const struct uc_buf *list, int root,
		     struct uc_tree *tree, struct uc_error *err)
{
	const char *p = uc_buf_text(list), *end = p + list->len;

	if (!snap->git)
		return uc_tree_walk(tree, root, err);
	for (; p < end && tree->count <= 4 * tree->max_items; p += strlen(p) + 1)
		if (uc_tree_add(tree, root, p, err) < 0)
			return -1;
	return 0;
}

/* A folder of ours in the tree; a link that a repository brought is not followed. */
static int open_own(int at, const char *name, struct uc_error *err)
{
	int fd = -1;

	if (mkdirat(at, name, 0755) == 0 || errno == EEXIST)
		fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_FAILED, errno,
		      "cannot keep snapshots in folder '%s' of the code tree", name);
	return -1;
}

/* git and search tools shall not see the copies. */
static void write_ignore(int folder)
{
	int fd = openat(folder, ".gitignore",
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	if (write(fd, IGNORE, strlen(IGNORE)) < 0)
		unlinkat(folder, ".gitignore", 0);
	close(fd);
}

/* Open the folder of snapshots and name it in snap. */
static int open_folder(const struct uc_snapshot_rules *rules, int root,
		       struct uc_snapshot *snap, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	int own, fd;

	uc_buf_add(&path, rules->folder ? rules->folder : snap->root);
	if (!rules->folder)
		uc_buf_add(&path, "/.ucluster/snapshots");
	snap->folder = uc_buf_take(&path);
	if (!snap->folder)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (rules->folder) {
		if (uc_file_mkdirs(rules->folder, 0700, err) < 0)
			return -1;
		fd = open(rules->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return fd >= 0 ? fd
			       : uc_fail_errno(err, UC_DENIED, errno, "cannot open %s",
					       rules->folder);
	}
	own = open_own(root, ".ucluster", err);
	if (own < 0)
		return -1;
	write_ignore(own);
	fd = open_own(own, "snapshots", err);
	close(own);
	return fd;
}

static int make_name(int64_t now, char name[40], struct uc_error *err)
{
	time_t when = (time_t)now;
	unsigned char id[3];
	struct tm utc;

	if (getrandom(id, sizeof(id), 0) != sizeof(id) || !gmtime_r(&when, &utc) ||
	    utc.tm_year < 0 || utc.tm_year > 8099)
		return uc_fail(err, UC_FAILED, "no name for a snapshot");
	snprintf(name, 40, "%04d%02d%02dT%02d%02d%02dZ-%02x%02x%02x", utc.tm_year + 1900,
		 utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, id[0],
		 id[1], id[2]);
	return 0;
}

static int open_before(int folder)
{
	uc_auto(strv) struct uc_strv names = { 0 };

	if (uc_snapshot_names(folder, &names, NULL) < 0 || names.count == 0)
		return -1;
	return openat(folder, names.item[0],
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The working directory exists in the copy, were it empty or ignored in the tree. */
static int make_workdir(const char *relative, int to, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	const char *name;
	int fd;

	if (!*relative)
		return 0;
	uc_buf_addf(&path, "%s/.", relative);
	fd = path.failed ? -1 : uc_tree_parent(to, path.data, true, &name);
	if (fd < 0)
		return uc_fail(err, UC_USAGE,
			       "the working directory '%s' is no folder of the snapshot",
			       relative);
	close(fd);
	return 0;
}

/* Fill the folder `name` and give it its final name. */
static int build(const struct uc_tree *tree, struct uc_tree_copy *copy, int folder,
		 struct uc_snapshot *snap, struct uc_error *err)
{
	const char *name = strrchr(snap->path, '/') + 1;
	uc_auto(buf) struct uc_buf temp = { 0 };
	struct stat st;
	int rc;

	uc_buf_addf(&temp, UC_SNAPSHOT_TEMP "%s", name);
	if (temp.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (mkdirat(folder, temp.data, 0700) < 0)
		return uc_fail_errno(err, UC_DENIED, errno, "cannot write to %s",
				     snap->folder);
	copy->to = openat(folder, temp.data,
			  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (copy->to < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot open %s", temp.data);
	rc = uc_tree_copy(tree, copy, snap, err);
	if (rc == 0)
		rc = make_workdir(snap->workdir + strlen(snap->path) +
					  strspn(snap->workdir + strlen(snap->path), "/"),
				  copy->to, err);
	if (rc == 0 && (fstat(copy->from, &st) < 0 ||
			fchmod(copy->to, (st.st_mode & 0777) | 0700) < 0 ||
			renameat(folder, temp.data, folder, name) < 0))
		rc = uc_fail_errno(err, UC_FAILED, errno, "cannot finish %s", snap->path);
	close(copy->to);
	if (rc < 0)
		uc_snapshot_remove(folder, temp.data);
	return rc;
}

/* With the root open. */
static int make_from(const struct uc_snapshot_rules *rules, const struct uc_buf *list,
		     int root, struct uc_snapshot *snap, struct uc_error *err)
{
	uc_auto(tree) struct uc_tree tree = { .max_items = rules->max_files };
	struct uc_tree_copy copy = { .from = root, .before = -1 };
	const char *relative = below(rules->start, snap->root);
	uc_auto(buf) struct uc_buf path = { 0 };
	char name[40];
	int folder, rc;

	if (rules->folder && below(rules->folder, snap->root))
		tree.exclude = below(rules->folder, snap->root);
	if (list_tree(snap, list, root, &tree, err) < 0)
		return -1;
	make_unique(&tree);
	if (uc_tree_check(&tree, rules, err) < 0 || make_name(rules->now, name, err) < 0)
		return -1;
	uc_strv_add_all(&snap->notes, (const char *const *)tree.notes.item);
	folder = open_folder(rules, root, snap, err);
	if (folder < 0)
		return -1;
	uc_buf_addf(&path, "%s/%s", snap->folder, name);
	snap->path = uc_buf_take(&path);
	uc_buf_addf(&path, "%s%s%s", snap->path ? snap->path : "", *relative ? "/" : "",
		    relative);
	snap->workdir = uc_buf_take(&path);
	copy.before = open_before(folder);
	copy.now = rules->now;
	copy.max_bytes = rules->max_bytes;
	rc = !snap->path || !snap->workdir ? uc_fail(err, UC_FAILED, "out of memory")
					   : build(&tree, &copy, folder, snap, err);
	if (copy.before >= 0)
		close(copy.before);
	close(folder);
	return rc;
}

int uc_snapshot_make(const struct uc_snapshot_rules *given, struct uc_snapshot *snap,
		     struct uc_error *err)
{
	struct uc_snapshot_rules rules = *given;
	uc_auto(buf) struct uc_buf list = { 0 };
	int root, rc;

	*snap = (struct uc_snapshot){ 0 };
	rules.max_bytes = rules.max_bytes ? rules.max_bytes : UC_SNAPSHOT_BYTES;
	rules.max_files = rules.max_files ? rules.max_files : UC_SNAPSHOT_FILES;
	snap->git = ask_git(&rules, snap, &list);
	if (!snap->git && !snap->root)
		snap->root = strdup(rules.root ? rules.root : rules.start);
	if (!snap->root)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (!below(rules.start, snap->root))
		rc = uc_fail(err, UC_USAGE, "'%s' is not in the code tree '%s'",
			     rules.start, snap->root);
	else if ((root = open(snap->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		rc = uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_NOTFOUND, errno,
				   "cannot open %s", snap->root);
	else {
		rc = make_from(&rules, &list, root, snap, err);
		close(root);
	}
	if (rc < 0)
		uc_snapshot_free(snap);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/linux.h"
#include "sync/walk_rules.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

struct walker {
	const struct uc_sync_walk_options *options;
	struct uc_sync_walked *sum;
	struct uc_error *err;
	struct uc_sync_rules rules;
	struct uc_sync_twins twins;
	uint32_t index; /* of the next entry */
	dev_t device;   /* of the root */
	size_t len;     /* of the path */
	char path[UC_SYNC_PATH_MAX + 1 + UC_SYNC_NAME_MAX + 1];
	char target[UC_SYNC_PATH_MAX + 1];
};

/* The names in a folder, sorted. */
struct names {
	struct uc_buf text;
	const char **name;
	size_t count;
};

static void names_free(struct names *names)
{
	uc_buf_free(&names->text);
	free(names->name);
}

static void note(struct walker *w, enum uc_sync_note what, int errno_value)
{
	w->sum->notes[what]++;
	if (what != UC_SYNC_VANISHED && what != UC_SYNC_SPECIAL)
		w->sum->complete = false;
	if (w->options->note)
		w->options->note(w->options->arg, what, w->path, errno_value);
}

/* Something went between two looks at it, or cannot be read. */
static void note_errno(struct walker *w, int errno_value)
{
	bool gone =
		errno_value == ENOENT || errno_value == ENOTDIR || errno_value == ELOOP;

	note(w, gone ? UC_SYNC_VANISHED : UC_SYNC_UNREADABLE, errno_value);
}

static int out_of_memory(struct walker *w)
{
	return uc_fail(w->err, UC_FAILED, "out of memory in '%s'", w->path);
}

static int check_stop(struct walker *w)
{
	if (w->options->stop && w->options->stop(w->options->arg))
		return uc_fail(w->err, UC_FAILED, "interrupted");
	return 0;
}

/* Append a name to the path. Returns the length to go back to. */
static size_t push(struct walker *w, const char *name)
{
	size_t before = w->len, len = strnlen(name, UC_SYNC_NAME_MAX);

	if (before)
		w->path[w->len++] = '/';
	memcpy(w->path + w->len, name, len);
	w->len += len;
	w->path[w->len] = '\0';
	return before;
}

static void pop(struct walker *w, size_t before)
{
	w->len = before;
	w->path[before] = '\0';
}

static size_t chain_bytes(const struct uc_ignore_list *list)
{
	size_t bytes = 0;

	for (; list; list = list->above)
		bytes += list->bytes;
	return bytes;
}

/*
 * Put the rules of a file before those of the folders above. A file that is a link is not
 * read, as in git.
 */
static int add_rules(struct walker *w, int folder, const char *file,
		     struct uc_ignore_list *list, const struct uc_ignore_list **top)
{
	uc_auto(buf) struct uc_buf text = { 0 }, origin = { 0 };
	size_t before;
	int status, errno_value = 0;

	if (uc_sync_rules_read(folder, file, &text) < 0)
		errno_value = errno;
	if (errno_value == ENOENT)
		return 0;
	if (chain_bytes(*top) + text.len > UC_IGNORE_CHAIN_MAX)
		errno_value = EFBIG;
	if (errno_value) {
		before = push(w, file);
		note(w, UC_SYNC_BAD_RULES, errno_value);
		pop(w, before);
		return 0;
	}
	uc_buf_addf(&origin, "%s%s%s", w->path, w->len ? "/" : "", file);
	if (origin.failed)
		return out_of_memory(w);
	status = uc_ignore_list_read(list, origin.data, w->path, uc_buf_text(&text),
				     text.len, w->err);
	if (status < 0)
		return -1;
	list->above = *top;
	*top = list;
	return 0;
}

static int walk_folder(struct walker *w, DIR *dir, unsigned depth);

/* Entries */

static void fill(struct uc_sync_entry *entry, const struct stat *st)
{
	entry->mtime = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
	entry->mode = (uint16_t)(st->st_mode & 07777);
}

static int tell(struct walker *w, int folder, struct uc_sync_entry *entry)
{
	if (w->index == UC_SYNC_LIST_MAX - 1)
		return uc_fail(w->err, UC_FAILED, "more than %u files", w->index);
	entry->path = w->path;
	if (w->options->entry(w->options->arg, folder, entry, w->err) < 0)
		return -1;
	w->index++;
	return 0;
}

static int tell_file(struct walker *w, int folder, const struct stat *st)
{
	struct uc_sync_entry entry = { .kind = UC_SYNC_FILE,
				       .size = (uint64_t)st->st_size };

	fill(&entry, st);
	entry.holes = (uint64_t)st->st_blocks * 512 < entry.size;
	if (st->st_nlink > 1 &&
	    uc_sync_twins_see(&w->twins, st, w->index, &entry.twin, w->err) < 0)
		return -1;
	if (tell(w, folder, &entry) < 0)
		return -1;
	w->sum->files++;
	w->sum->bytes += entry.twin ? 0 : entry.size;
	return 0;
}

static int tell_link(struct walker *w, int folder, const char *name,
		     const struct stat *st)
{
	struct uc_sync_entry entry = { .kind = UC_SYNC_LINK, .target = w->target };
	ssize_t len = readlinkat(folder, name, w->target, sizeof(w->target));

	if (len < 0 || len == sizeof(w->target)) {
		if (len < 0) /* EINVAL: no link any more */
			note_errno(w, errno == EINVAL ? ENOENT : errno);
		else
			note(w, UC_SYNC_TOO_LONG, ENAMETOOLONG);
		return 0;
	}
	w->target[len] = '\0';
	fill(&entry, st);
	if (tell(w, folder, &entry) < 0)
		return -1;
	w->sum->links++;
	return 0;
}

static int tell_folder(struct walker *w, int folder, const struct stat *st)
{
	struct uc_sync_entry entry = { .kind = UC_SYNC_FOLDER };

	fill(&entry, st);
	if (tell(w, folder, &entry) < 0)
		return -1;
	w->sum->folders++;
	return 0;
}

/* A folder that is told and not entered. */
static int leave_out(struct walker *w, int folder, const struct stat *st,
		     enum uc_sync_note why, int errno_value)
{
	if (tell_folder(w, folder, st) < 0)
		return -1;
	note(w, why, errno_value);
	return 0;
}

static int enter(struct walker *w, int folder, const char *name, struct stat *st,
		 unsigned depth)
{
	int fd, status = -1;
	DIR *dir;

	if (st->st_dev != w->device && !w->options->cross)
		return leave_out(w, folder, st, UC_SYNC_OTHER_FS, 0);
	if (depth >= UC_SYNC_DEPTH_MAX)
		return leave_out(w, folder, st, UC_SYNC_TOO_DEEP, 0);
	fd = openat(folder, name, FOLDER);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) {
		note_errno(w, errno);
		return 0;
	}
	if (fd < 0)
		return leave_out(w, folder, st, UC_SYNC_UNREADABLE, errno);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return out_of_memory(w);
	}
	/* what was opened may not be what was looked at */
	if (fstat(fd, st) == 0 && st->st_dev != w->device && !w->options->cross)
		status = leave_out(w, folder, st, UC_SYNC_OTHER_FS, 0);
	else if (tell_folder(w, folder, st) == 0)
		status = walk_folder(w, dir, depth + 1);
	closedir(dir);
	return status;
}

static int walk_entry(struct walker *w, int folder, const char *name, unsigned depth)
{
	const struct uc_sync_verdict above = w->rules.left;
	struct uc_sync_verdict verdict;
	struct stat st;
	int status;

	if (w->len > UC_SYNC_PATH_MAX || strlen(name) > UC_SYNC_NAME_MAX) {
		note(w, UC_SYNC_TOO_LONG, ENAMETOOLONG);
		return 0;
	}
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW | UC_AT_NO_AUTOMOUNT) < 0) {
		note_errno(w, errno);
		return 0;
	}
	verdict = uc_sync_rules_judge(&w->rules, w->path, S_ISDIR(st.st_mode));
	if (verdict.rule && !verdict.in_part)
		return uc_sync_rules_count(&w->rules, &verdict, &st) < 0
			       ? out_of_memory(w)
			       : 0;
	if (S_ISDIR(st.st_mode)) {
		/* what leaves the folder behind does so with all but what git tracks */
		w->rules.left = verdict;
		status = enter(w, folder, name, &st, depth);
		w->rules.left = above;
		return status;
	}
	if (S_ISREG(st.st_mode))
		return tell_file(w, folder, &st);
	if (S_ISLNK(st.st_mode))
		return tell_link(w, folder, name, &st);
	note(w, UC_SYNC_SPECIAL, 0);
	return 0;
}

/* Folders */

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int sort_names(struct names *names)
{
	const char *at = names->text.data;

	if (names->text.failed)
		return -1;
	if (names->count == 0)
		return 0;
	names->name = calloc(names->count, sizeof(*names->name));
	if (!names->name)
		return -1;
	for (size_t i = 0; i < names->count; i++, at += strlen(at) + 1)
		names->name[i] = at;
	qsort(names->name, names->count, sizeof(*names->name), by_bytes);
	return 0;
}

static int read_names(struct walker *w, DIR *dir, struct names *names)
{
	for (;;) {
		const struct dirent *entry;

		if (names->count % 1024 == 1023 && check_stop(w) < 0)
			return -1;
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		uc_buf_addn(&names->text, entry->d_name, strlen(entry->d_name) + 1);
		names->count++;
	}
	if (errno == EOVERFLOW || errno == ENOMEM)
		return out_of_memory(w);
	if (errno) /* what was listed until then is walked */
		note_errno(w, errno);
	return sort_names(names) < 0 ? out_of_memory(w) : 0;
}

/* Ours: temporaries anywhere, trash and snapshots at the root. No rule brings them back.
 */
static bool is_ours(const char *name, unsigned depth)
{
	return strncmp(name, ".uc-", 4) == 0 ||
	       (depth == 0 && strncmp(name, ".ucluster-", 10) == 0);
}

static int walk_names(struct walker *w, int folder, const struct names *names,
		      unsigned depth)
{
	for (size_t i = 0; i < names->count; i++) {
		size_t before = w->len;
		int status;

		if (check_stop(w) < 0)
			return -1;
		if (is_ours(names->name[i], depth))
			continue;
		(void)push(w, names->name[i]);
		status = walk_entry(w, folder, names->name[i], depth);
		pop(w, before);
		if (status < 0)
			return -1;
	}
	return 0;
}

/* `depth` folders are above the names in it. */
static int walk_folder(struct walker *w, DIR *dir, unsigned depth)
{
	const struct uc_ignore_list *above_git = w->rules.git, *above_own = w->rules.own;
	uc_auto(ignore_list) struct uc_ignore_list git = { 0 }, own = { 0 };
	struct names names = { 0 };
	int folder = dirfd(dir), status = -1;

	if ((w->options->no_gitignore ||
	     add_rules(w, folder, ".gitignore", &git, &w->rules.git) == 0) &&
	    add_rules(w, folder, ".usyncignore", &own, &w->rules.own) == 0 &&
	    read_names(w, dir, &names) == 0)
		status = walk_names(w, folder, &names, depth);
	names_free(&names);
	w->rules.git = above_git;
	w->rules.own = above_own;
	return status;
}

static int walk_root(struct walker *w, int root)
{
	uc_auto(ignore_list) struct uc_ignore_list exclude = { 0 };
	int fd = openat(root, ".", FOLDER), status;
	struct stat st;
	DIR *dir;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int errno_value = errno;

		if (fd >= 0)
			close(fd);
		return uc_fail_errno(w->err, UC_FAILED, errno_value,
				     "cannot read the folder");
	}
	w->device = st.st_dev;
	if (w->options->work_tree && !w->options->no_gitignore)
		w->rules.git = uc_work_tree_rules(w->options->work_tree);
	else if (!w->options->no_gitignore &&
		 add_rules(w, fd, ".git/info/exclude", &exclude, &w->rules.git) < 0) {
		close(fd);
		return -1;
	}
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return out_of_memory(w);
	}
	status = walk_folder(w, dir, 0);
	closedir(dir);
	w->rules.git = NULL;
	return status;
}

int uc_sync_walk(int root, const struct uc_sync_walk_options *options,
		 struct uc_sync_walked *walked, struct uc_error *err)
{
	struct walker *w = calloc(1, sizeof(*w));
	int status;

	if (!w)
		return uc_fail(err, UC_FAILED, "out of memory");
	w->options = options;
	w->rules = (struct uc_sync_rules){ .options = options, .sum = walked };
	w->sum = walked;
	w->err = err;
	walked->complete = true;
	status = walk_root(w, root);
	if (status < 0)
		walked->complete = false;
	uc_sync_twins_free(&w->twins);
	free(w);
	return status;
}

void uc_sync_walked_free(struct uc_sync_walked *walked)
{
	for (size_t i = 0; i < walked->skips; i++) {
		free(walked->skip[i].origin);
		free(walked->skip[i].rule);
	}
	free(walked->skip);
	*walked = (struct uc_sync_walked){ 0 };
}

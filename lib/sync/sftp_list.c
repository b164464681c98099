/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Folders of an SFTP server: opened, read to their end, names checked and sorted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sync/sftp_list.h"
#include "sync/store.h"

#define WINDOW_MAX  16   /* READDIRs of one folder under way */
#define MANY_NAMES  50   /* in an answer: there may be more */
#define NAMES_CHECK 4096 /* in a folder, and each time they doubled */

struct uc_sftp_call uc_sftp_dir_await(struct uc_sftp_dir *dir, uc_sftp_reply *reply,
				      uint64_t note)
{
	dir->open++;
	return (struct uc_sftp_call){ reply, dir, note };
}

const char *uc_sftp_dir_path(struct uc_sftp_dir *dir, const char *name)
{
	struct uc_buf *path = &dir->list->path;

	uc_buf_reset(path);
	uc_buf_add(path, dir->path);
	if (path->len)
		uc_buf_addc(path, '/');
	uc_buf_add(path, name);
	if (path->failed)
		dir->list->far->sftp.out.failed = true;
	return uc_buf_text(path);
}

struct uc_sftp_dir *uc_sftp_dir_new(struct uc_sftp_list *list, struct uc_sftp_dir *above,
				    const char *name)
{
	const char *path = above ? uc_sftp_dir_path(above, name) : "";
	size_t len = strlen(path);
	struct uc_sftp_dir *dir = calloc(1, sizeof(*dir) + len + 1);

	if (!dir)
		return NULL;
	memcpy(dir->path, path, len);
	dir->list = list;
	dir->above = above;
	dir->depth = above ? above->depth + 1 : 0;
	return dir;
}

void uc_sftp_dir_free(struct uc_sftp_dir *dir)
{
	for (size_t i = 0; i < dir->count; i++) {
		if (dir->child[i].dir)
			uc_sftp_dir_free(dir->child[i].dir);
		free(dir->child[i].target);
	}
	dir->list->held -= dir->count;
	for (size_t i = 0; i < 3; i++)
		uc_sftp_rules_free(dir->rules[i]);
	uc_buf_free(&dir->names);
	free(dir->child);
	free(dir);
}

/* Names */

static int bad_name(const struct uc_sftp_dir *dir, const struct uc_sftp_name *name,
		    struct uc_error *err)
{
	return uc_fail(err, UC_INVALID,
		       "the SFTP server lists '%.*s' in '%s', which is no name",
		       (int)(name->len < 64 ? name->len : 64), (const char *)name->bytes,
		       dir->path);
}

static bool is_ours(const struct uc_sftp_dir *dir, const char *name)
{
	return strncmp(name, UC_STORE_TEMPORARY, strlen(UC_STORE_TEMPORARY)) == 0 ||
	       (!dir->above && strncmp(name, ".ucluster-", 10) == 0);
}

static void set_attrs(struct uc_sftp_child *child, const struct uc_sftp_attrs *attrs)
{
	const uint32_t all = UC_SFTP_HAS_MODE | UC_SFTP_HAS_TIMES | UC_SFTP_HAS_SIZE;

	child->known = (attrs->flags & all) == all && (attrs->mode & S_IFMT);
	child->mtime = attrs->mtime;
	child->mode = attrs->mode & 07777;
	child->kind = S_ISDIR(attrs->mode)   ? UC_SYNC_FOLDER
		      : S_ISLNK(attrs->mode) ? UC_SYNC_LINK
					     : UC_SYNC_FILE;
	child->size = child->kind == UC_SYNC_FILE ? attrs->size : 0;
	child->special = child->kind == UC_SYNC_FILE && !S_ISREG(attrs->mode);
}

static int by_name(const void *a, const void *b, void *names)
{
	const struct uc_sftp_child *one = a, *other = b;

	return strcmp((char *)names + one->name, (char *)names + other->name);
}

/* How many names are there twice; they are sorted by this. */
static size_t count_twice(struct uc_sftp_dir *dir)
{
	size_t twice = 0;

	if (dir->count)
		qsort_r(dir->child, dir->count, sizeof(*dir->child), by_name,
			dir->names.data);
	for (size_t i = 1; i < dir->count; i++)
		twice +=
			by_name(&dir->child[i - 1], &dir->child[i], dir->names.data) == 0;
	return twice;
}

/* Room for one more. A server that begins anew and anew is found out on the way. */
static int make_room(struct uc_sftp_dir *dir, struct uc_error *err)
{
	size_t cap = dir->cap ? dir->cap * 2 : 16;
	struct uc_sftp_child *child;

	if (dir->count < dir->cap)
		return 0;
	if (dir->count >= NAMES_CHECK && count_twice(dir) > dir->count / 2)
		return uc_fail(err, UC_INVALID,
			       "the SFTP server lists the same names again and again");
	child = reallocarray(dir->child, cap, sizeof(*child));
	if (!child)
		return uc_fail(err, UC_FAILED, "out of memory for names");
	dir->child = child;
	dir->cap = cap;
	return 0;
}

static int add_name(struct uc_sftp_dir *dir, const struct uc_sftp_name *name,
		    struct uc_error *err)
{
	size_t len = name->len, at = dir->names.len;
	struct uc_sftp_child *child;

	if (make_room(dir, err) < 0)
		return -1;
	if (len == 0 || memchr(name->bytes, '/', len) || memchr(name->bytes, 0, len))
		return bad_name(dir, name, err);
	if (name->bytes[0] == '.' && (len == 1 || (len == 2 && name->bytes[1] == '.')))
		return 0;
	if (++dir->list->held > UC_SFTP_NAMES_MAX || at > UINT32_MAX - len)
		return uc_fail(err, UC_INVALID,
			       "the SFTP server lists more than %u names",
			       UC_SFTP_NAMES_MAX);
	uc_buf_addn(&dir->names, name->bytes, len);
	uc_buf_addc(&dir->names, '\0');
	if (dir->names.failed) {
		dir->list->held--;
		return uc_fail(err, UC_FAILED, "out of memory for names");
	}
	child = &dir->child[dir->count];
	dir->count++;
	*child = (struct uc_sftp_child){ .name = (uint32_t)at };
	set_attrs(child, &name->attrs);
	return 0;
}

/*
 * Sort them; a name that came twice, because the folder changed meanwhile, counts once
 * and the list as not whole.
 */
static void sort_names(struct uc_sftp_dir *dir)
{
	for (size_t i = 0; i < dir->count; i++) {
		struct uc_sftp_child *child = &dir->child[i];
		const char *name = uc_sftp_child_name(dir, child);

		if (is_ours(dir, name)) {
			child->skipped = true;
		} else if (strlen(name) > UC_SYNC_NAME_MAX ||
			   strlen(dir->path) + 1 + strlen(name) > UC_SYNC_PATH_MAX) {
			child->skipped = true;
			uc_sftp_note(dir->list, UC_SYNC_TOO_LONG, dir->path,
				     ENAMETOOLONG);
		}
	}
	if (count_twice(dir) == 0)
		return;
	for (size_t i = 1; i < dir->count; i++) {
		struct uc_sftp_child *child = &dir->child[i];

		if (by_name(child - 1, child, dir->names.data) != 0)
			continue;
		child->skipped = true;
		dir->list->listed.complete = false;
	}
}

/* Phases */

static int take_attrs(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	struct uc_sftp_dir *dir = arg;
	struct uc_sftp_child *child = &dir->child[note];
	const char *path = uc_sftp_dir_path(dir, uc_sftp_child_name(dir, child));

	if (answer->type == UC_SFTP_ATTRS)
		set_attrs(child, &answer->attrs);
	if (!child->known) {
		child->skipped = true;
		if (answer->status == UC_SFTP_NO_SUCH_FILE)
			uc_sftp_note(dir->list, UC_SYNC_VANISHED, path, ENOENT);
		else
			uc_sftp_note(dir->list, UC_SYNC_UNREADABLE, path,
				     uc_sftp_status_errno(answer->status));
	}
	return uc_sftp_dir_answered(dir, err);
}

/* Some servers send names alone. */
static void look(struct uc_sftp_dir *dir)
{
	struct uc_sftp_far *far = dir->list->far;

	for (size_t i = 0; i < dir->count; i++) {
		const struct uc_sftp_child *child = &dir->child[i];

		if (!child->known && !child->skipped)
			uc_sftp_ask_path(
				&far->sftp, UC_SFTP_LSTAT,
				uc_sftp_full(far, 0,
					     uc_sftp_dir_path(dir, uc_sftp_child_name(
									   dir, child))),
				uc_sftp_dir_await(dir, take_attrs, i));
	}
}

static int take_target(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		       struct uc_error *err)
{
	struct uc_sftp_dir *dir = arg;
	struct uc_sftp_child *child = &dir->child[note];
	const char *path = uc_sftp_dir_path(dir, uc_sftp_child_name(dir, child));
	struct uc_sftp_name name;

	if (answer->type == UC_SFTP_STATUS) {
		child->skipped = true;
		uc_sftp_note(dir->list,
			     answer->status == UC_SFTP_NO_SUCH_FILE ? UC_SYNC_VANISHED
								    : UC_SYNC_UNREADABLE,
			     path, uc_sftp_status_errno(answer->status));
		return uc_sftp_dir_answered(dir, err);
	}
	if (uc_sftp_name_next(answer, &name, err) != 1 || name.len == 0 ||
	    memchr(name.bytes, 0, name.len))
		return uc_fail(err, UC_INVALID,
			       "the SFTP server sent a target of '%s' that is none",
			       path);
	if (name.len > UC_SYNC_PATH_MAX) {
		child->skipped = true;
		uc_sftp_note(dir->list, UC_SYNC_TOO_LONG, path, ENAMETOOLONG);
		return uc_sftp_dir_answered(dir, err);
	}
	child->target = strndup((const char *)name.bytes, name.len);
	if (!child->target)
		return uc_fail(err, UC_FAILED, "out of memory at '%s'", path);
	return uc_sftp_dir_answered(dir, err);
}

static void ask_links(struct uc_sftp_dir *dir)
{
	struct uc_sftp_far *far = dir->list->far;

	for (size_t i = 0; i < dir->count; i++) {
		const struct uc_sftp_child *child = &dir->child[i];

		if (!child->skipped && child->kind == UC_SYNC_LINK)
			uc_sftp_ask_path(
				&far->sftp, UC_SFTP_READLINK,
				uc_sftp_full(far, 0,
					     uc_sftp_dir_path(dir, uc_sftp_child_name(
									   dir, child))),
				uc_sftp_dir_await(dir, take_target, i));
	}
}

/* The first of those in it is the next to be begun. */
static int queue_below(struct uc_sftp_dir *dir, struct uc_error *err)
{
	for (size_t i = dir->count; i-- > 0;) {
		struct uc_sftp_child *child = &dir->child[i];

		if (child->skipped || child->kind != UC_SYNC_FOLDER)
			continue;
		child->deep = dir->depth >= UC_SYNC_DEPTH_MAX;
		if (child->deep)
			continue;
		child->dir =
			uc_sftp_dir_new(dir->list, dir, uc_sftp_child_name(dir, child));
		if (!child->dir)
			return uc_fail(err, UC_FAILED, "out of memory for folders");
		child->dir->next = dir->list->waiting;
		dir->list->waiting = child->dir;
	}
	return 0;
}

static int take_names(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err);

static void ask_names(struct uc_sftp_dir *dir)
{
	for (; !dir->at_end && dir->reads < dir->window; dir->reads++)
		uc_sftp_ask_handle(&dir->list->far->sftp, UC_SFTP_READDIR, &dir->handle,
				   uc_sftp_dir_await(dir, take_names, 0));
}

static int take_names(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	struct uc_sftp_dir *dir = arg;
	struct uc_sftp_name name;
	int more;

	(void)note;
	dir->reads--;
	if (answer->type == UC_SFTP_STATUS) {
		dir->at_end = true;
		if (answer->status != UC_SFTP_EOF) {
			dir->cut = true;
			dir->status = answer->status;
		}
		return uc_sftp_dir_answered(dir, err);
	}
	if (answer->count == 0)
		return uc_fail(err, UC_INVALID,
			       "the SFTP server lists nothing and does not end");
	if (answer->count >= MANY_NAMES && dir->window < WINDOW_MAX)
		dir->window++;
	while ((more = uc_sftp_name_next(answer, &name, err)) > 0)
		if (add_name(dir, &name, err) < 0)
			return -1;
	if (more < 0)
		return -1;
	ask_names(dir);
	return uc_sftp_dir_answered(dir, err);
}

/* Opened or not: what comes next. */
static void judge_open(struct uc_sftp_dir *dir)
{
	struct uc_sftp *sftp = &dir->list->far->sftp;

	if (!dir->has_handle) {
		dir->phase = dir->status == UC_SFTP_NO_SUCH_FILE && dir->above
				     ? UC_SFTP_DIR_GONE
				     : UC_SFTP_DIR_UNREADABLE;
	} else if (dir->elsewhere) {
		dir->phase = UC_SFTP_DIR_ELSEWHERE;
		uc_sftp_ask_handle(sftp, UC_SFTP_CLOSE, &dir->handle,
				   (struct uc_sftp_call){ 0 });
	} else {
		dir->phase = UC_SFTP_DIR_READING;
		dir->window = 2; /* names, and their end */
		ask_names(dir);
	}
}

static int judge_names(struct uc_sftp_dir *dir)
{
	uc_sftp_ask_handle(&dir->list->far->sftp, UC_SFTP_CLOSE, &dir->handle,
			   (struct uc_sftp_call){ 0 });
	if (dir->cut)
		uc_sftp_note(dir->list, UC_SYNC_UNREADABLE, dir->path,
			     uc_sftp_status_errno(dir->status));
	sort_names(dir);
	look(dir);
	dir->phase = UC_SFTP_DIR_LOOKING;
	return 0;
}

/* All of a phase is answered: the next one, until it asks for something. */
static int go_on(struct uc_sftp_dir *dir, struct uc_error *err)
{
	while (dir->open == 0) {
		switch (dir->phase) {
		case UC_SFTP_DIR_OPENING:
			judge_open(dir);
			break;
		case UC_SFTP_DIR_READING:
			(void)judge_names(dir);
			break;
		case UC_SFTP_DIR_LOOKING:
			dir->phase = UC_SFTP_DIR_RULES;
			if (uc_sftp_rules_begin(dir, err) < 0)
				return -1;
			break;
		case UC_SFTP_DIR_RULES:
			dir->phase = UC_SFTP_DIR_LINKS;
			if (uc_sftp_rules_apply(dir, err) < 0 ||
			    queue_below(dir, err) < 0)
				return -1;
			ask_links(dir);
			break;
		case UC_SFTP_DIR_LINKS:
			dir->phase = UC_SFTP_DIR_READY;
			break;
		default:
			dir->list->active--;
			return 0;
		}
	}
	return 0;
}

int uc_sftp_dir_answered(struct uc_sftp_dir *dir, struct uc_error *err)
{
	dir->open--;
	return go_on(dir, err);
}

/* Beginning */

static int take_handle(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		       struct uc_error *err)
{
	struct uc_sftp_dir *dir = arg;

	(void)note;
	dir->has_handle = answer->type == UC_SFTP_HANDLE;
	dir->status = answer->status;
	if (dir->has_handle)
		uc_sftp_take_handle(&dir->handle, answer);
	return uc_sftp_dir_answered(dir, err);
}

/* The identity of a file system; 0 tells nothing. */
static int take_fs(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		   struct uc_error *err)
{
	struct uc_sftp_dir *dir = arg;
	uint64_t fs = 0;

	(void)note;
	for (size_t i = 0; i < 9; i++)
		fs = uc_sftp_read_u64(&answer->rest);
	if (answer->type == UC_SFTP_EXTENDED_REPLY && !answer->rest.bad && fs) {
		if (!dir->above) {
			dir->list->has_fs = true;
			dir->list->fs = fs;
		}
		dir->elsewhere = dir->list->has_fs && dir->list->fs != fs;
	}
	return uc_sftp_dir_answered(dir, err);
}

void uc_sftp_dirs_begin(struct uc_sftp_list *list)
{
	struct uc_sftp_far *far = list->far;

	while (list->waiting && list->active < list->active_max &&
	       (list->active == 0 || list->held < UC_SFTP_NAMES_MANY)) {
		struct uc_sftp_dir *dir = list->waiting;
		const char *full = uc_sftp_full(far, 0, dir->path);

		list->waiting = dir->next;
		list->active++;
		dir->phase = UC_SFTP_DIR_OPENING;
		uc_sftp_ask_path(&far->sftp, UC_SFTP_OPENDIR, full,
				 uc_sftp_dir_await(dir, take_handle, 0));
		if (list->options.cross || !(far->sftp.extensions & UC_SFTP_STATVFS))
			continue;
		uc_sftp_ask_extended(&far->sftp, UC_SFTP_STATVFS,
				     uc_sftp_dir_await(dir, take_fs, 0));
		uc_sftp_add_bytes(&far->sftp, full, strlen(full));
		uc_sftp_send(&far->sftp);
	}
}

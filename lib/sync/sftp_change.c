/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Folders, links, other names, modes and times at the far end, and its trash. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "sync/sftp_far.h"

static void done(struct uc_sftp_task *task)
{
	uc_sftp_end(task);
}

/* The trash: UC_STORE_TRASH/RUN/PATH. */

static void trash_path(struct uc_buf *buf, const struct uc_sftp_task *task)
{
	uc_buf_addf(buf, UC_STORE_TRASH "/%s/%s", task->far->options.run, task->path);
	if (task->trash_tries)
		uc_buf_addf(buf, "~%u", task->trash_tries);
}

static void move_to_trash(struct uc_sftp_task *task);

static int take_moved(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	(void)note, (void)err;
	if (answer->status == UC_SFTP_FAILURE && task->trash_tries < 3) {
		task->trash_tries++; /* something of this name is there already */
		task->then = move_to_trash;
	} else if (answer->status != UC_SFTP_OK && task->links) {
		task->links = false; /* no second names on this file system */
		task->trash_tries = 0;
		task->then = move_to_trash;
	} else if (answer->status != UC_SFTP_OK) {
		uc_sftp_fail_answer(task, "move it to the trash", answer);
	}
	return uc_sftp_answered(task);
}

static int take_rmdir(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	(void)note, (void)err;
	if (answer->status == UC_SFTP_FAILURE)
		uc_sftp_fail(task, UC_FAR_FAILED, 0, "the folder is not empty");
	else if (answer->status != UC_SFTP_OK)
		uc_sftp_fail_answer(task, "remove the folder", answer);
	else
		uc_sftp_folder_set(task->far, task->path, UC_SFTP_FOLDER_MISSING);
	return uc_sftp_answered(task);
}

/* An empty folder is made anew in the trash, if it can be. */
static void trash_folder(struct uc_sftp_task *task, const char *trash)
{
	const struct uc_sftp_attrs attrs = { .flags = UC_SFTP_HAS_MODE, .mode = 0700 };
	struct uc_sftp_far *far = task->far;
	const char *full;

	uc_sftp_ask_path(&far->sftp, UC_SFTP_RMDIR, uc_sftp_full(far, 0, task->path),
			 uc_sftp_await(task, take_rmdir, 0));
	full = uc_sftp_full(far, 0, trash);
	uc_sftp_ask(&far->sftp, UC_SFTP_MKDIR, (struct uc_sftp_call){ 0 });
	uc_sftp_add_bytes(&far->sftp, full, strlen(full));
	uc_sftp_add_attrs(&far->sftp, &attrs);
	uc_sftp_send(&far->sftp);
}

static void ask_link(struct uc_sftp_far *far, const char *from, const char *to,
		     struct uc_sftp_call call)
{
	const char *old = uc_sftp_full(far, 0, from), *new = uc_sftp_full(far, 1, to);

	uc_sftp_ask_extended(&far->sftp, UC_SFTP_HARDLINK, call);
	uc_sftp_add_bytes(&far->sftp, old, strlen(old));
	uc_sftp_add_bytes(&far->sftp, new, strlen(new));
	uc_sftp_send(&far->sftp);
}

static void move_to_trash(struct uc_sftp_task *task)
{
	uc_auto(buf) struct uc_buf to = { 0 };
	struct uc_sftp_far *far = task->far;
	enum uc_sftp_folder_state state;
	const char *slash;

	trash_path(&to, task);
	slash = strrchr(uc_buf_text(&to), '/');
	task->retry = move_to_trash;
	state = slash ? uc_sftp_folder(task, to.data, (size_t)(slash - to.data), true)
		      : UC_SFTP_FOLDER_FAILED;
	if (state == UC_SFTP_FOLDER_ASKED)
		return;
	if (state != UC_SFTP_FOLDER_THERE || to.failed) {
		uc_sftp_fail(task, UC_FAR_FAILED, 0, "the trash cannot be made");
		uc_sftp_go_on(task);
		return;
	}
	task->then = task->after_trash;
	if (task->job->expect->kind == UC_SYNC_FOLDER)
		trash_folder(task, to.data);
	else if (task->links)
		ask_link(far, task->path, to.data, uc_sftp_await(task, take_moved, 0));
	else
		uc_sftp_ask_paths(&far->sftp, UC_SFTP_RENAME,
				  uc_sftp_full(far, 0, task->path),
				  uc_sftp_full(far, 1, to.data),
				  uc_sftp_await(task, take_moved, 0));
}

void uc_sftp_trash(struct uc_sftp_task *task, uc_sftp_step *after)
{
	task->after_trash = after;
	move_to_trash(task);
}

void uc_sftp_save(struct uc_sftp_task *task, uc_sftp_step *after)
{
	task->links = task->far->sftp.extensions & UC_SFTP_HARDLINK &&
		      task->far->sftp.extensions & UC_SFTP_POSIX_RENAME &&
		      task->job->expect->kind != UC_SYNC_FOLDER;
	uc_sftp_trash(task, after);
}

/* Removing */

static void remove_it(struct uc_sftp_task *task)
{
	if (uc_sftp_expected(task))
		uc_sftp_trash(task, done);
	else
		uc_sftp_go_on(task);
}

void uc_sftp_remove(struct uc_sftp_task *task)
{
	if (!task->job->expect)
		uc_sftp_fail(task, UC_FAR_CHANGED, 0, "nothing is expected there");
	task->then = remove_it;
	if (task->failed)
		uc_sftp_go_on(task);
	else
		uc_sftp_look(task);
}

/* Folders */

static void keep_folder(struct uc_sftp_task *task)
{
	struct uc_error err = { 0 };

	uc_sftp_folder_set(task->far, task->path, UC_SFTP_FOLDER_THERE);
	if (uc_sync_list_add(&task->far->made, task->job->entry, &err) < 0)
		uc_sftp_fail(task, UC_FAR_FAILED, ENOMEM, "%s", err.text);
	uc_sftp_end(task);
}

/* What could not be made may be there: a folder is as good. */
static void judge_folder(struct uc_sftp_task *task)
{
	if (task->there && S_ISDIR(task->place.mode)) {
		keep_folder(task);
		return;
	}
	if (task->there)
		uc_sftp_fail(task, UC_FAR_CHANGED, 0, "something is there by now");
	else
		uc_sftp_fail(task, UC_FAR_FAILED, 0, "the server makes no folder there");
	uc_sftp_go_on(task);
}

static int take_mkdir(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	(void)note, (void)err;
	if (answer->status == UC_SFTP_FAILURE) {
		task->then = judge_folder;
		uc_sftp_look(task);
	} else if (answer->status != UC_SFTP_OK) {
		uc_sftp_fail_answer(task, "make the folder", answer);
	}
	return uc_sftp_answered(task);
}

/* Its owner may write into it until the end, its mode is set then. */
static void make_it(struct uc_sftp_task *task)
{
	struct uc_sftp_far *far = task->far;
	const struct uc_sftp_attrs attrs = {
		.flags = UC_SFTP_HAS_MODE, .mode = (task->job->entry->mode & 0777) | 0700
	};
	const char *full = uc_sftp_full(far, 0, task->path);

	task->then = keep_folder;
	uc_sftp_ask(&far->sftp, UC_SFTP_MKDIR, uc_sftp_await(task, take_mkdir, 0));
	uc_sftp_add_bytes(&far->sftp, full, strlen(full));
	uc_sftp_add_attrs(&far->sftp, &attrs);
	uc_sftp_send(&far->sftp);
}

static void replace_by_folder(struct uc_sftp_task *task)
{
	if (task->there && S_ISDIR(task->place.mode))
		keep_folder(task);
	else if (!task->there)
		make_it(task); /* what was there is gone: nothing is lost */
	else if (uc_sftp_expected(task))
		uc_sftp_trash(task, make_it);
	else
		uc_sftp_go_on(task);
}

void uc_sftp_make_folder(struct uc_sftp_task *task)
{
	if (!uc_sftp_know_umask(task, uc_sftp_make_folder))
		return;
	if (!task->job->expect) {
		make_it(task);
		return;
	}
	task->then = replace_by_folder;
	uc_sftp_look(task);
}

/* Modes and times; a link in its place is not followed where the server can do that. */

static void ask_meta(struct uc_sftp_far *far, const char *path,
		     const struct uc_sftp_attrs *attrs, struct uc_sftp_call call)
{
	struct uc_sftp *sftp = &far->sftp;
	const char *full = uc_sftp_full(far, 0, path);

	if (sftp->extensions & UC_SFTP_LSETSTAT)
		uc_sftp_ask_extended(sftp, UC_SFTP_LSETSTAT, call);
	else
		uc_sftp_ask(sftp, UC_SFTP_SETSTAT, call);
	uc_sftp_add_bytes(sftp, full, strlen(full));
	uc_sftp_add_attrs(sftp, attrs);
	uc_sftp_send(sftp);
}

static struct uc_sftp_attrs meta_of(const struct uc_sftp_far *far,
				    const struct uc_sync_entry *entry,
				    const struct uc_sftp_attrs *there)
{
	struct uc_sftp_attrs attrs = {
		.flags = UC_SFTP_HAS_TIMES,
		.atime = (uint32_t)time(NULL),
		.mtime = uc_sftp_seconds(entry->mtime),
	};

	if (entry->kind != UC_SYNC_LINK)
		attrs.mode = uc_sftp_mode(far, entry);
	if (entry->kind == UC_SYNC_FOLDER) /* set-group-id is the project's */
		attrs.mode |= there->mode & 07000;
	if (entry->kind != UC_SYNC_LINK && attrs.mode != (there->mode & 07777))
		attrs.flags |= UC_SFTP_HAS_MODE;
	return attrs;
}

static void set_it(struct uc_sftp_task *task)
{
	const struct uc_sync_entry *entry = task->job->entry;
	struct uc_sftp_attrs attrs = meta_of(task->far, entry, &task->place);

	if (!uc_sftp_expected(task)) {
		uc_sftp_go_on(task);
		return;
	}
	task->then = done;
	if (entry->kind == UC_SYNC_LINK &&
	    !(task->far->sftp.extensions & UC_SFTP_LSETSTAT))
		done(task); /* a link's time cannot be set there */
	else
		ask_meta(task->far, task->path, &attrs,
			 uc_sftp_await_status(task, "set mode and time"));
}

void uc_sftp_set_meta(struct uc_sftp_task *task)
{
	if (!uc_sftp_know_umask(task, uc_sftp_set_meta))
		return;
	task->then = task->job->entry->kind == UC_SYNC_FOLDER ? judge_folder : set_it;
	uc_sftp_look(task);
}

/* Links */

static int take_target(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		       struct uc_error *err)
{
	struct uc_sftp_task *task = arg;
	const char *target = task->job->entry->target;
	struct uc_sftp_name name;

	(void)note;
	if (answer->type == UC_SFTP_STATUS) {
		uc_sftp_fail_answer(task, "read the link", answer);
	} else if (uc_sftp_name_next(answer, &name, err) != 1) {
		return uc_fail(err, UC_INVALID, "the SFTP server sent no target");
	} else if (name.len != strlen(target) ||
		   memcmp(name.bytes, target, name.len) != 0) {
		uc_sftp_fail(task, UC_FAR_FAILED, 0, "the server made another link");
	}
	return uc_sftp_answered(task);
}

/* The target comes first, as OpenSSH and all who follow it have it. */
void uc_sftp_make_link(struct uc_sftp_task *task)
{
	const struct uc_sync_entry *entry = task->job->entry;
	struct uc_sftp_far *far = task->far;
	struct uc_sftp_attrs attrs;

	if (entry->kind != UC_SYNC_LINK || !entry->target || !*entry->target)
		uc_sftp_fail(task, UC_FAR_REFUSED, 0, "it is no link");
	else if (!uc_sftp_make_temp(task, NULL))
		uc_sftp_fail(task, UC_FAR_FAILED, ENOMEM, "out of memory");
	if (task->failed) {
		uc_sftp_go_on(task);
		return;
	}
	task->then = uc_sftp_place;
	uc_sftp_ask_paths(&far->sftp, UC_SFTP_SYMLINK, entry->target,
			  uc_sftp_full(far, 0, task->temp),
			  uc_sftp_await_status(task, "make the link"));
	attrs = meta_of(far, entry, &task->place);
	if (far->sftp.extensions & UC_SFTP_LSETSTAT)
		ask_meta(far, task->temp, &attrs,
			 uc_sftp_await_status(task, "set mode and time"));
	uc_sftp_ask_path(&far->sftp, UC_SFTP_READLINK, uc_sftp_full(far, 0, task->temp),
			 uc_sftp_await(task, take_target, 0));
	uc_sftp_look(task);
}

/* Other names */

/* No link could be made: it is a file of its own then. */
static int take_twin(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		     struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	(void)note, (void)err;
	if (answer->status != UC_SFTP_OK && task->far->options.near >= 0)
		task->then = uc_sftp_put;
	else if (answer->status != UC_SFTP_OK)
		uc_sftp_fail_answer(task, "make another name", answer);
	return uc_sftp_answered(task);
}

static bool is_twin(const struct uc_sftp_task *task)
{
	const struct uc_sftp_attrs *other = &task->other;

	return S_ISREG(other->mode) && (other->flags & UC_SFTP_HAS_SIZE) &&
	       other->size == task->job->entry->size;
}

static void link_twin(struct uc_sftp_task *task)
{
	struct uc_sftp_far *far = task->far;

	if (!is_twin(task))
		uc_sftp_fail(task, UC_FAR_CHANGED, 0, "the other name is not this file");
	else if (uc_sftp_expected(task) && !uc_sftp_make_temp(task, NULL))
		uc_sftp_fail(task, UC_FAR_FAILED, ENOMEM, "out of memory");
	if (task->failed) {
		uc_sftp_go_on(task);
		return;
	}
	task->then = uc_sftp_place;
	ask_link(far, task->job->twin, task->temp, uc_sftp_await(task, take_twin, 0));
	uc_sftp_look(task);
}

/* The folders above the other name are looked at as well. */
void uc_sftp_make_twin(struct uc_sftp_task *task)
{
	const char *twin = task->job->twin, *slash = strrchr(twin, '/');
	struct uc_sftp_far *far = task->far;
	enum uc_sftp_folder_state state;

	task->retry = uc_sftp_make_twin;
	state = uc_sftp_folder(task, twin, slash ? (size_t)(slash - twin) : 0, false);
	if (state == UC_SFTP_FOLDER_ASKED)
		return;
	if (state != UC_SFTP_FOLDER_THERE) {
		uc_sftp_fail(task, UC_FAR_CHANGED, 0, "the other name is not there");
		uc_sftp_go_on(task);
		return;
	}
	if (!(far->sftp.extensions & UC_SFTP_HARDLINK)) {
		uc_sftp_put(task);
		return;
	}
	task->then = link_twin;
	uc_sftp_look(task);
	uc_sftp_look_other(task, uc_sftp_full(far, 0, twin));
}

/* The end of a run: what is in folders changed their times. */

struct finishing {
	struct uc_sftp_far *far;
	uint32_t refused;
	const char *path; /* of the first of these */
};

static int take_set(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		    struct uc_error *err)
{
	struct finishing *f = arg;

	(void)err;
	if (answer->status == UC_SFTP_OK || answer->status == UC_SFTP_NO_SUCH_FILE)
		return 0;
	if (f->refused++ == 0)
		f->path = uc_sync_list_at(&f->far->made, note)->path;
	return 0;
}

static int take_folder(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		       struct uc_error *err)
{
	struct finishing *f = arg;
	const struct uc_sync_entry *entry = uc_sync_list_at(&f->far->made, note);
	struct uc_sftp_attrs attrs;

	(void)err;
	if (answer->type != UC_SFTP_ATTRS || !S_ISDIR(answer->attrs.mode))
		return 0; /* it went: somebody else's doing */
	attrs = meta_of(f->far, entry, &answer->attrs);
	ask_meta(f->far, entry->path, &attrs, (struct uc_sftp_call){ take_set, f, note });
	return 0;
}

static int fail_folders(const struct finishing *f, struct uc_error *err)
{
	if (f->refused == 1)
		uc_fail(err, UC_FAILED, "mode or time of the folder '%s' cannot be set",
			f->path);
	else
		uc_fail(err, UC_FAILED,
			"mode or time of %u folders cannot be set, '%s' is one",
			f->refused, f->path);
	return uc_hint(err, "what is in them is there; only their owner can set these");
}

int uc_sftp_finish_folders(struct uc_sftp_far *far, struct uc_error *err)
{
	struct finishing f = { .far = far };
	size_t left = far->made.count;
	int status = 0;

	/* what is below comes first: a folder may become one that nobody may enter */
	while (left > 0 && status == 0) {
		while (left > 0 && far->sftp.open < 512) {
			const struct uc_sync_entry *entry =
				uc_sync_list_at(&far->made, --left);

			uc_sftp_ask_path(&far->sftp, UC_SFTP_LSTAT,
					 uc_sftp_full(far, 0, entry->path),
					 (struct uc_sftp_call){ take_folder, &f, left });
		}
		status = uc_sftp_turn(&far->sftp, 100, err) < 0 ? -1 : 0;
	}
	if (status == 0)
		status = uc_sftp_settle(far, NULL, err);
	if (status == 0 && f.refused)
		status = fail_folders(&f, err);
	uc_sync_list_free(&far->made);
	far->lost = far->lost || far->sftp.open > 0; /* answers to what is gone */
	return status;
}

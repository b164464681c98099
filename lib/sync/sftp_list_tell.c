/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The list of an SFTP server: asked for, and told in the order of a walk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sync/sftp_list.h"
#include "sync/skip.h"

void uc_sftp_note(struct uc_sftp_list *list, enum uc_sync_note note, const char *path,
		  int errno_value)
{
	if (note != UC_SYNC_VANISHED && note != UC_SYNC_SPECIAL)
		list->listed.complete = false;
	if (list->options.note)
		list->options.note(list->options.arg, note, path, errno_value);
}

static int read_rules(struct uc_ignore_list *rules, const char *origin, const char *text,
		      struct uc_error *err)
{
	if (!text)
		return 0;
	return uc_ignore_list_read(rules, origin, "", text, strlen(text), err);
}

int uc_sftp_list_ask(struct uc_far *base, const struct uc_far_list_options *options,
		     struct uc_error *err)
{
	struct uc_sftp_far *far = (struct uc_sftp_far *)base;
	struct uc_sftp_list *list;

	if (far->lost || far->list)
		return uc_fail(err, UC_FAILED, "the far end can be listed no more");
	if (options->sums)
		return uc_fail(err, UC_USAGE,
			       "checksums need the helper, and this is SFTP");
	list = far->list = calloc(1, sizeof(*list));
	if (!list)
		return uc_fail(err, UC_FAILED, "out of memory");
	list->far = far;
	list->options = *options;
	list->listed.complete = true;
	list->active_max = far->handles_max / 4;
	if (read_rules(&list->command, "command line", options->command_rules, err) < 0 ||
	    read_rules(&list->config, "configuration", options->config_rules, err) < 0 ||
	    (!options->no_defaults && uc_sync_skip_read(&list->defaults, err) < 0))
		return -1;
	list->walk = (struct uc_sync_walk_options){
		.command = options->command_rules ? &list->command : NULL,
		.config = options->config_rules ? &list->config : NULL,
		.defaults = options->no_defaults ? NULL : &list->defaults,
	};
	list->at = list->waiting = uc_sftp_dir_new(list, NULL, "");
	if (!list->at)
		return uc_fail(err, UC_FAILED, "out of memory");
	uc_sftp_dirs_begin(list);
	if (uc_sftp_turn(&far->sftp, 0, err) >= 0)
		return 0;
	far->lost = true;
	return -1;
}

static int tell(struct uc_sftp_list *list, const struct uc_sftp_child *child,
		const char *path, struct uc_error *err)
{
	const struct uc_sync_entry entry = {
		.path = path,
		.target = child->target,
		.size = child->size,
		.mtime = (int64_t)child->mtime * 1000000000,
		.mode = child->mode,
		.kind = child->kind,
	};

	if (list->listed.entries >= UC_SYNC_LIST_MAX - 1)
		return uc_fail(err, UC_FAILED, "more than %u files",
			       UC_SYNC_LIST_MAX - 1);
	list->listed.entries++;
	list->listed.bytes += child->size;
	return list->options.entry(list->options.arg, &entry, 0, err);
}

/* A folder that was left out, as a walk tells it. */
static int tell_left_out(struct uc_sftp_list *list, const struct uc_sftp_child *child,
			 const char *path, struct uc_error *err)
{
	const struct uc_sftp_dir *dir = child->dir;

	if (dir && dir->phase == UC_SFTP_DIR_GONE) {
		uc_sftp_note(list, UC_SYNC_VANISHED, path, ENOENT);
		return 0;
	}
	if (tell(list, child, path, err) < 0)
		return -1;
	if (!dir)
		uc_sftp_note(list, UC_SYNC_TOO_DEEP, path, 0);
	else if (dir->phase == UC_SFTP_DIR_ELSEWHERE)
		uc_sftp_note(list, UC_SYNC_OTHER_FS, path, 0);
	else
		uc_sftp_note(list, UC_SYNC_UNREADABLE, path,
			     uc_sftp_status_errno(dir->status));
	return 0;
}

static void leave(struct uc_sftp_list *list)
{
	struct uc_sftp_dir *dir = list->at;

	list->at = dir->above;
	if (!list->at) {
		uc_sftp_dir_free(dir);
		list->over = true;
		return;
	}
	list->at->child[list->at->told].dir = NULL;
	list->at->told++;
	uc_sftp_dir_free(dir);
}

/* One name of the folder. 1: told; 0: it is not known yet; -1. */
static int tell_next(struct uc_sftp_list *list, struct uc_error *err)
{
	struct uc_sftp_dir *dir = list->at;
	struct uc_sftp_child *child = &dir->child[dir->told];
	const char *path;
	int status;

	if (child->skipped) {
		dir->told++;
		return 1;
	}
	if (child->dir && child->dir->phase < UC_SFTP_DIR_READY)
		return 0;
	path = uc_sftp_dir_path(dir, uc_sftp_child_name(dir, child));
	if (child->kind == UC_SYNC_FOLDER &&
	    (!child->dir || child->dir->phase != UC_SFTP_DIR_READY)) {
		status = tell_left_out(list, child, path, err);
		dir->told++;
		return status < 0 ? -1 : 1;
	}
	if (tell(list, child, path, err) < 0)
		return -1;
	if (child->dir)
		list->at = child->dir;
	else
		dir->told++;
	return 1;
}

/* Tell what is known. */
static int tell_some(struct uc_sftp_list *list, struct uc_error *err)
{
	int status = 1;

	if (list->at->phase > UC_SFTP_DIR_READY) /* only the root comes here so */
		return uc_fail_errno(err, UC_FAILED,
				     uc_sftp_status_errno(list->at->status),
				     "cannot read the folder of the far end");
	while (!list->over && list->at->phase == UC_SFTP_DIR_READY && status > 0) {
		if (list->at->told == list->at->count)
			leave(list);
		else
			status = tell_next(list, err);
	}
	return status < 0 ? -1 : 0;
}

static int run(struct uc_sftp_list *list, struct uc_error *err)
{
	struct uc_sftp_far *far = list->far;

	for (;;) {
		uc_sftp_dirs_begin(list);
		if (tell_some(list, err) < 0)
			return -1;
		if (list->over)
			return 0;
		if (far->options.stop && far->options.stop(far->options.arg))
			return uc_fail(err, UC_FAILED, "interrupted");
		if (uc_sftp_turn(&far->sftp, 100, err) < 0)
			return -1;
	}
}

int uc_sftp_list_run(struct uc_far *base, struct uc_far_listed *listed,
		     struct uc_error *err)
{
	struct uc_sftp_far *far = (struct uc_sftp_far *)base;
	int status;

	if (!far->list || !far->list->at || far->lost)
		return uc_fail(err, UC_FAILED, "no list was asked for");
	status = run(far->list, err);
	base->bytes_in = far->sftp.bytes_in;
	base->bytes_out = far->sftp.bytes_out;
	*listed = far->list->listed;
	if (status < 0) {
		listed->complete = false;
		far->lost = true; /* answers to what is gone may come */
		return -1;
	}
	uc_sftp_list_free(far->list);
	far->list = NULL;
	return 0;
}

void uc_sftp_list_free(struct uc_sftp_list *list)
{
	struct uc_sftp_dir *root = list ? list->at : NULL;

	if (!list)
		return;
	while (root && root->above)
		root = root->above;
	if (root)
		uc_sftp_dir_free(root);
	uc_ignore_list_free(&list->command);
	uc_ignore_list_free(&list->config);
	uc_ignore_list_free(&list->defaults);
	uc_buf_free(&list->path);
	free(list);
}

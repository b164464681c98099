/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USYNC_COMMAND_H
#define UC_USYNC_COMMAND_H
#include <ucluster/sync.h>
#include "common/files.h"
#include "common/run.h"
#include "usync/show.h"

/* Options of all commands; each has a part of them. Start with USYNC_ARGS. */
struct usync_args {
	bool dry_run, remove, checksum, no_gitignore, no_defaults, allow_secrets;
	bool overwrite, whole, no_compress, json, quiet, yes, sftp, snapshot, cross,
		outputs;
	int64_t newest, streams, max_delete, compress, keep;
	uint64_t bwlimit;
	int64_t timeout; /* seconds; 0: not given */
	int transport;   /* enum uc_ssh_transport, -1: as configured */
	struct uc_strv exclude, include, exclude_from;
	const char *helper, *config, *preset, *message;
	int64_t interval, settle; /* of watch: seconds, milliseconds */
};
#define USYNC_ARGS                                                                       \
	{                                                                                \
		.transport = -1                                                          \
	}

/* One run of usync. */
struct usync {
	struct uc_run *run;
	struct usync_args args;
	struct uc_sync_request request; /* borrows from what follows */
	struct usync_show show;
	struct uc_ssh_asker asker;
	struct uc_strv only, select;
	struct uc_buf near, far, command_rules, config_rules, state;
	const char *host; /* for messages, as written; NULL: this machine */
};
void uc_usync_free(struct usync *u);
UC_DEFINE_AUTO_VALUE(usync, struct usync)

/* --- what is asked for (request.c) --- */

/* Fill in what options and configuration say, all but the two folders. */
int usync_request(struct usync *u, enum uc_sync_direction direction,
		  struct uc_error *err) UC_MUST_CHECK;
/*
 * The project's folders (project.c): near, host and far. Asks before it goes to a place
 * that the project file alone names.
 */
int usync_project(struct usync *u, struct uc_error *err) UC_MUST_CHECK;
/* The words of the command line: paths below the project's folder, patterns. */
int usync_words(struct usync *u, struct uc_error *err) UC_MUST_CHECK;
/* Remember that the user goes from `near` to host and far. */
void usync_agree(const struct usync *u);

/* HOST:PATH, taken apart. */
struct usync_place {
	struct uc_buf host, path; /* host empty: this machine */
};
void uc_usync_place_free(struct usync_place *place);
UC_DEFINE_AUTO_VALUE(usync_place, struct usync_place)
/*
 * As rsync and scp have it: a colon before the first slash ends a host; an address may
 * stand in brackets. UC_USAGE: no host, an option in its place, a daemon ("::").
 */
int usync_place_parse(struct usync_place *place, const char *word,
		      struct uc_error *err) UC_MUST_CHECK;
/* Without ".", ".." and double slashes, as far as that can be told by the text. */
void usync_path_clean(struct uc_buf *out, const char *cwd, const char *path);

/* --- doing it --- */

/* Run the request, show it, say what became of it; the exit status. (sync.c) */
int usync_do(struct usync *u);
/* As usync_do(), over the project of the working directory. */
int usync_do_project(struct usync *u, enum uc_sync_direction direction);

/* Ask the far end, `arguments` is taken over. NULL: it has been said why. (call.c) */
json_t *usync_call(struct usync *u, const char *verb, json_t *arguments);

/* What ssh has to ask and say (prompt.c). */
void usync_prompts(struct usync *u);

/* A file of our own state, at most `most` bytes; 1: it is not there. (files.c) */
int usync_file_read(const char *path, size_t most, struct uc_buf *out,
		    struct uc_error *err) UC_MUST_CHECK;

extern const struct uc_cmd usync_cmd_push, usync_cmd_pull, usync_cmd_status,
	usync_cmd_diff, usync_cmd_watch, usync_cmd_init, usync_cmd_snapshots,
	usync_cmd_log, usync_cmd_restore, usync_cmd_prune, usync_cmd_trash,
	usync_cmd_install, usync_cmd_complete;
/* usync SRC... DST (copy.c) */
int usync_copy(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv);
extern const struct uc_opt usync_copy_options[];

#endif

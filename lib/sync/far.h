/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_FAR_H
#define UC_SYNC_FAR_H
/*
 * The folder at the other end, through a helper (usync --serve) or through SFTP. Whoever
 * syncs decides everything; the far end lists what it has and does what it is told, as
 * far as that stays below its folder. Jobs are handed in without waiting for the ones
 * before: their answers come in any order, from uc_far_step().
 *
 * The other end is not trusted: what it lists is checked here (names, order, kinds,
 * counts), what it sends is written through a store (store.h), and only what was asked
 * for is taken.
 */
#include <jansson.h>
#include <ucluster/ssh.h>

#include "sync/entry.h"
#include "sync/store.h"
#include "sync/walk.h"

struct uc_far;

enum uc_far_what {
	UC_FAR_PUT,    /* a file of the near folder, to the far end */
	UC_FAR_GET,    /* a file of the far end, into the store */
	UC_FAR_FOLDER, /* make a folder, or change its mode and time */
	UC_FAR_LINK,   /* make a symbolic link */
	UC_FAR_TWIN,   /* make `entry->path` another name of the file `twin` */
	UC_FAR_META,   /* set mode and time of a file that has its content */
	UC_FAR_REMOVE, /* move a file, link or empty folder into the trash of this run */
};

enum uc_far_outcome {
	UC_FAR_DONE,
	UC_FAR_CHANGED,  /* what is there is not `expect`: nothing was done */
	UC_FAR_VANISHED, /* the source is gone, or changed while it was read */
	UC_FAR_FAILED,   /* with errno, or 0 and the text */
	UC_FAR_REFUSED,  /* by a rule of safety: a path, a kind, a link in the way */
	UC_FAR_LOST,     /* the connection ended before its answer */
};

/* One thing to do. The caller's, unmoved, until `done` was called. */
struct uc_far_job {
	enum uc_far_what what;
	/* What is to be there afterwards; GET: what the list said the far end has. */
	const struct uc_sync_entry *entry;
	/* What is there now and may be replaced or removed; NULL: nothing is. */
	const struct uc_sync_entry *expect;
	const char *twin; /* UC_FAR_TWIN: path of a file that is there */
	bool whole;       /* no block differences against what is there */
	/* Results, set before `done` is called. */
	enum uc_far_outcome outcome;
	int errno_value;
	char text[200];          /* safe; what went wrong in words, may be empty */
	uint64_t wire;           /* bytes of content that travelled, compressed */
	uint64_t kept;           /* bytes that did not have to: blocks, or resumed */
	void *arg;               /* the caller's */
	struct uc_far_job *next; /* whoever has it */
};

/* What the far end is and can do. */
struct uc_far_info {
	const char *root; /* absolute, as the far end says; raw */
	const char *how;  /* "helper 0.1.0", "sftp": safe */
	bool deltas, resumes, sums, snapshots, trash, nanoseconds;
	bool apart; /* which names are of one file is not told */
	/* Room for this user where the folder is; UINT64_MAX: not known. */
	uint64_t bytes_free, files_free, quota_free;
};

struct uc_far_list_options {
	/* gitignore(5) lines, NUL-terminated or NULL, as for a walk here. */
	const char *command_rules, *config_rules;
	bool no_defaults, no_gitignore, cross;
	bool sums; /* the XXH3 of each file */
	int (*entry)(void *arg, const struct uc_sync_entry *entry, uint64_t sum,
		     struct uc_error *err);
	void (*note)(void *arg, enum uc_sync_note note, const char *path,
		     int errno_value);
	void *arg;
};

/* What was listed. `complete`: the far end said so, count and checksum agree. */
struct uc_far_listed {
	uint64_t entries, bytes;
	bool complete;
};

struct uc_far_ops {
	/* Ask for the list without waiting for it: the walk here goes on meanwhile. */
	int (*list_ask)(struct uc_far *far, const struct uc_far_list_options *options,
			struct uc_error *err);
	/* Receive it; entries in the order of a walk. */
	int (*list_run)(struct uc_far *far, struct uc_far_listed *listed,
			struct uc_error *err);
	/* Hand a job in. 1: too much is under way, step first; -1: the far end is gone.
	 */
	int (*submit)(struct uc_far *far, struct uc_far_job *job, struct uc_error *err);
	/*
	 * Pass on what there is, for at most `timeout` ms until something is done. Jobs
	 * that ended are given to done(). -1: the connection is gone; every job was given
	 * back as UC_FAR_LOST.
	 */
	int (*step)(struct uc_far *far, int timeout, struct uc_error *err);
	/*
	 * A question of another kind, and its answer: see usync-protocol(7), CALL.
	 * UC_USAGE from SFTP: the helper is needed. *answer is a new reference.
	 */
	int (*call)(struct uc_far *far, const char *verb, json_t *arguments,
		    json_t **answer, struct uc_error *err);
	/* All jobs are done: make them last (folders' times, sync to disk). */
	int (*finish)(struct uc_far *far, struct uc_error *err);
	void (*free)(struct uc_far *far);
};

/* The first member of every kind of far end. */
struct uc_far {
	const struct uc_far_ops *ops;
	struct uc_far_info info;
	uint64_t bytes_in, bytes_out; /* on the stream, so far */
	/*
	 * No helper said who it is: the stream ended, or held something else. Set
	 * when the first call that waits for it (list_run, step, call) fails; SFTP may
	 * work.
	 */
	bool silent;
};

/* How it is opened. Everything is borrowed until it is freed. */
struct uc_far_options {
	const char *root;       /* of the far end; "~/" and relative: from its home */
	bool create;            /* make the folder, and those above it */
	bool read_only;         /* nothing is written there */
	bool no_sync;           /* files are not synced to disk there */
	const char *run;        /* this run's name, of letters, digits and '-' */
	int near;               /* folder that PUT reads from, or -1 */
	struct uc_store *store; /* that GET writes to, or NULL */
	int compress;           /* 0: where it helps; -1 never; 1..19 a level */
	uint64_t rate;          /* bytes a second each way; 0: no limit */
	bool keep_special;      /* set-user-id and the like are kept there */
	int silence_ms; /* the far end says nothing for so long: lost; 0: a minute */
	void (*done)(void *arg, struct uc_far_job *job);
	bool (*stop)(void *arg); /* asked while waiting; true: give up with UC_FAILED */
	void *arg;
};

/* Over a stream, which becomes the far end's on success. */
int uc_far_helper_open(struct uc_far **far, struct uc_stream *stream,
		       const struct uc_far_options *options,
		       struct uc_error *err) UC_MUST_CHECK;
int uc_far_sftp_open(struct uc_far **far, struct uc_stream *stream,
		     const struct uc_far_options *options,
		     struct uc_error *err) UC_MUST_CHECK;
void uc_far_free(struct uc_far *far);
UC_DEFINE_AUTO(far, struct uc_far *)

#endif

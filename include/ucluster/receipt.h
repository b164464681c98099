/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_RECEIPT_H
#define UCLUSTER_RECEIPT_H
/*
 * Receipts: what was submitted, so that it can be looked up and run again. One JSON file
 * a submission, STATE/receipts/JOBID-SUBMITTIME.json, 0600 in folders 0700, for the
 * user's eyes only. Names of variables and secrets are kept, their values never.
 *
 *	struct uc_receipt r = { .job_id = 4711, .submit_time = now, .cwd = cwd, ... };
 *	if (uc_receipt_write(state_dir, &r, &err) < 0)
 *		warn(err.text);			the job runs all the same
 *
 *	uc_auto(receipt) struct uc_receipt *again = NULL;
 *	uc_receipt_read(state_dir, 4711, NULL, &again, &err);
 *
 * Strings may hold any byte but NUL (a receipt keeps those that are not UTF-8 in base64);
 * what is shown goes through the sanitiser first (text.h).
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The state of a git work tree. Zero-initialise; free with uc_git_free. */
struct uc_git {
	char *toplevel;        /* NULL: not in a work tree, or no git */
	char *commit;          /* NULL before the first */
	char *branch;          /* NULL when detached */
	bool dirty, untracked; /* files changed since; new ones that are not ignored */
};
void uc_git_free(struct uc_git *git);
UC_DEFINE_AUTO_VALUE(git, struct uc_git)
/*
 * Ask git about the work tree that `dir` (absolute) is in, for 2 s at most and without
 * letting the repository's configuration run commands or write. 0 with toplevel NULL when
 * there is none; -1 when git refuses the folder or takes too long.
 */
int uc_git_look(const char *dir, const char *const *environment, struct uc_git *git,
		struct uc_error *err) UC_MUST_CHECK;

/* One option of Slurm. */
struct uc_receipt_option {
	const char *name;  /* long name without dashes */
	const char *value; /* NULL for a flag */
	const char *layer; /* "option", "environment", "project", ...; or NULL */
	const char *from;  /* "FILE:LINE:COLUMN" or a variable's name; or NULL */
};

/*
 * A receipt. Written from the caller's own strings; one that was read owns all of its.
 * Lists are NULL-terminated, or NULL; text is NULL, numbers are 0 where not known.
 */
struct uc_receipt {
	uint32_t job_id;
	int64_t submit_time; /* epoch */
	const char *version; /* of ucluster; the writer fills in its own */
	const char *cluster;
	const char *cwd;
	bool batch;

	const struct uc_receipt_option *options;
	size_t option_count;
	const char *const *command;

	const char *runtime; /* "pyxis", "enroot", "none" */
	struct {
		const char *image; /* path or reference; NULL: no container */
		bool image_is_path;
		uint64_t size;             /* bytes; of the file */
		int64_t mtime;             /* epoch */
		const char *const *mounts; /* SRC:DST[:FLAGS] */
		const char *workdir, *name, *save;
	} container;

	const char *const *env;     /* names */
	const char *const *secrets; /* names */

	struct {
		const char *toplevel, *commit, *branch;
		bool dirty, untracked;
	} git;
	const char *snapshot; /* its folder */

	int64_t ended;      /* epoch; 0: it was not learnt yet, */
	uint32_t exit_code; /* nor is this; as srun's: 128 and the signal, 255 at most */
};
void uc_receipt_free(struct uc_receipt *receipt);
UC_DEFINE_AUTO(receipt, struct uc_receipt *)

/*
 * Write a receipt below `state_dir`, whose folders are made; job_id and submit_time are
 * needed. Whole or not at all. A failure (read-only, full) is a warning's matter: the job
 * is submitted already.
 */
int uc_receipt_write(const char *state_dir, const struct uc_receipt *receipt,
		     struct uc_error *err) UC_MUST_CHECK;

/*
 * The newest receipt of a job id; `cluster` NULL = of any. UC_NOTFOUND: none; UC_INVALID:
 * it is damaged or of a newer ucluster; UC_DENIED: others could have written it.
 */
int uc_receipt_read(const char *state_dir, uint32_t job_id, const char *cluster,
		    struct uc_receipt **out, struct uc_error *err) UC_MUST_CHECK;

/*
 * One submission. Numbers of jobs come again, and two clusters may share a home: what
 * was submitted at another time (by more than two minutes, which clocks may be apart) is
 * another job. A job that was requeued has the time of that, so an earlier one will do.
 */
struct uc_receipt_key {
	uint32_t job_id;
	int64_t submit_time; /* epoch; 0: the newest of that number */
	bool requeued;
};
/* An array's task and a part of a heterogeneous job are what was submitted as one. */
void uc_receipt_key_of(struct uc_receipt_key *key, const struct uc_job *job);
/* The receipt of a submission, as uc_receipt_read. */
int uc_receipt_find(const char *state_dir, const struct uc_receipt_key *key,
		    struct uc_receipt **out, struct uc_error *err) UC_MUST_CHECK;
/*
 * Keep how a job ended in its receipt. Who learns it first says it: 0 and nothing is
 * changed where it is known. UC_NOTFOUND: it has none.
 */
int uc_receipt_end(const char *state_dir, const struct uc_receipt_key *key,
		   uint32_t exit_code, int64_t ended, struct uc_error *err) UC_MUST_CHECK;
/* The newest of all that `cluster` (or NULL) has. */
int uc_receipt_newest(const char *state_dir, const char *cluster, struct uc_receipt **out,
		      struct uc_error *err) UC_MUST_CHECK;
/* From a file's bytes; `path` is for messages. */
int uc_receipt_parse(const char *path, const char *bytes, size_t len,
		     struct uc_receipt **out, struct uc_error *err) UC_MUST_CHECK;

/* What there is, newest first. Zero-initialise; free with uc_receipts_free. */
struct uc_receipts {
	struct uc_receipt_entry {
		uint32_t job_id;
		int64_t submit_time;
		char *path;
	} * item;
	size_t count;
};
void uc_receipts_free(struct uc_receipts *list);
UC_DEFINE_AUTO_VALUE(receipts, struct uc_receipts)
/* By the files' names, without reading them; empty without the folder. */
int uc_receipt_list(const char *state_dir, struct uc_receipts *list,
		    struct uc_error *err) UC_MUST_CHECK;

/* What pruning keeps; 0 = no such limit. */
struct uc_receipt_keep {
	int64_t now;  /* epoch */
	int64_t days; /* younger than this */
	size_t count; /* at most */
};
/* Remove older receipts and what interrupted writers left. *removed may be NULL. */
int uc_receipt_prune(const char *state_dir, const struct uc_receipt_keep *keep,
		     size_t *removed, struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

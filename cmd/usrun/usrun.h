/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USRUN_H
#define UC_USRUN_H
#include <ucluster/batch.h>
#include <ucluster/spec.h>
#include "common/run.h"

/* The command line's own options. */
struct args {
	const char *image, *mounts, *workdir, *save, *preset;
	struct uc_strv env, env_file, secret, forward;
	int runtime; /* enum usrun_runtime */
	bool force, no_container, no_default_mounts, batch, dry_run, parsable;
	bool explain, json, no_check;
	bool follow, snapshot;
	const char *again;
	bool detachable, attached, resume;
	int64_t max_resumes, idle; /* -1: not given */
	const char *session;
	const char *on, *ssh_config;
};
enum usrun_runtime {
	RUNTIME_CONFIGURED = -1, /* nothing was said */
	RUNTIME_AUTO,
	RUNTIME_PYXIS,
	RUNTIME_ENROOT,
	RUNTIME_NONE,
};

/* One run of usrun. */
struct usrun {
	struct uc_run *run;
	const struct uc_cmd *cmd;
	struct uc_strv words;    /* our own of the command line */
	struct uc_strv on_words; /* with --on: those that are for the host's usrun */
	struct args args;        /* borrows from words */
	struct uc_spec *spec;
	struct uc_secrets *secrets;
	struct uc_where where;
	struct uc_receipt *again; /* of --again */
	char *cwd_before;         /* where --again was called */
	const char *save_to;      /* what --save names, while it has a temporary name */
	char *snapshot, *snapshot_root; /* its place, what it was made of; or NULL */
	char *snapshot_folder;          /* where all of them are */
	enum uc_runtime runtime;
	struct uc_buf script; /* text of the script that --batch names; else empty */
	char *srun;           /* absolute path, NULL when it is not on PATH */
};

/*
 * Functions return -1 with err filled; an empty err->text: it has been printed already,
 * and run->status is set.
 */

/* Read the command line twice: our own options first, for they say what configures. */
bool usrun_read(struct usrun *u, char **argv);
/* Fill in from configuration, choose the runtime, print what is good to know. */
int usrun_resolve(struct usrun *u, struct uc_error *err);
/*
 * What srun gets: `env` owns the words, *vector (free() it) has the secrets, too; nothing
 * of it is for anybody's eyes.
 */
int usrun_environment(const struct usrun *u, struct uc_strv *env, const char ***vector,
		      struct uc_error *err);
/*
 * Refuse what cannot run, before it is queued. *answered becomes true when slurmctld
 * answered a question meanwhile.
 */
int usrun_check(struct usrun *u, struct uc_source *src, bool *answered,
		struct uc_error *err);
/* Become srun; returns only on failure, and after usrun_save(). */
int usrun_exec(struct usrun *u, struct uc_error *err);
/* Run srun and see to it that the container is saved whole or not at all. Returns -1. */
int usrun_save(struct usrun *u, struct uc_error *err);
/* Take away what batch jobs that were killed left beside this file; src may be NULL. */
void usrun_sweep(struct usrun *u, const char *target, struct uc_source *src);
/* Submit instead, print the number. */
int usrun_batch(struct usrun *u, struct uc_error *err);
/* Take the first word as a script, with its #SBATCH lines, where it is one. */
int usrun_script(struct usrun *u, struct uc_error *err);
/* Decide how that script runs: in the container, or as the batch script itself. */
int usrun_place_script(struct usrun *u, bool contained, struct uc_error *err);
/* Add a secret, "NAME" or "NAME=FILE". */
int usrun_take_secret(struct usrun *u, const char *value, struct uc_error *err);

/* --detachable: is it wanted? Then it is a batch job from here on. */
int usrun_detach_wanted(struct usrun *u, struct uc_error *err);
/* Let the job be one of a session. */
int usrun_detach_prepare(struct usrun *u, struct uc_error *err);
/* Submit it and show it in this terminal; returns only on failure, or without one. */
int usrun_detach(struct usrun *u, struct uc_error *err);

/* --forward: can it be had? */
int usrun_forward_wanted(const struct usrun *u, struct uc_error *err);
/* Become the forwarder of a job; returns only on failure. */
int usrun_forward_become(const struct usrun *u, uint32_t job_id, struct uc_error *err);
/* A child that forwards as long as we, or what we become, are there. `wait`: until it is
 * up, and silent then. */
int usrun_forward_start(const struct usrun *u, uint32_t job_id, bool wait,
			struct uc_error *err);

/* Seconds after which a terminal that is not used is asked about; 0 = never. */
int64_t usrun_idle_limit(const struct usrun *u);

/* --resume: is it wanted? Then it is a batch job; let it be queued again. */
int usrun_resume_wanted(struct usrun *u, struct uc_error *err);
int usrun_resume_prepare(struct usrun *u, struct uc_error *err);

/* --again: find the receipt and go where the job was; fill in from it. */
int usrun_again_open(struct usrun *u, struct uc_error *err);
int usrun_again_apply(struct usrun *u, struct uc_error *err);
/* Say which options differ from the former job's. */
void usrun_again_say(const struct usrun *u);
/* Is the container as it was, so that configuration adds nothing to it? */
bool usrun_again_has_container(const struct usrun *u);
/* --snapshot: make it, and let the job run there. */
int usrun_snapshot(struct usrun *u, struct uc_error *err);
/*
 * Without a snapshot: the file of the working directory that the job runs may change
 * until it starts. False: there is none; else a remark, safe text.
 */
bool usrun_code_note(const struct usrun *u, struct uc_buf *note);
/* Remove old ones that none of the user's jobs runs in. */
void usrun_snapshot_prune(const struct usrun *u, struct uc_source *src);

/* May a receipt be written? */
bool usrun_keeps_receipts(const struct usrun *u);
/* Write one; what goes wrong is said with -v only, for the job is there. */
void usrun_receipt(const struct usrun *u, uint32_t job_id, int64_t submit_time);
/* "pyxis", "enroot", "none" */
const char *usrun_runtime_name(const struct usrun *u);

/* --on: do it on that host; -1 without a text: run->status is set. */
int usrun_on(struct usrun *u, struct uc_error *err);

/* Print what would be done. */
int usrun_show(struct usrun *u, struct uc_error *err);
/* The same, and who set what. */
int usrun_explain(struct usrun *u, struct uc_error *err);

#endif

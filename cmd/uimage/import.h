/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UIMAGE_IMPORT_H
#define UC_UIMAGE_IMPORT_H
/*
 * uimage import: the command submits a job, whose program is the command again, with
 * --local. What an import leaves when it is killed lies in two places: beside the image,
 * as .NAME.importing (the lock) and .NAME.part-*; and in BASE/uimage-UID.
 */
#include <stdint.h>
#include <ucluster/import.h>
#include "common/run.h"

struct import_args {
	const char *arch, *preset;
	const char *partition, *account, *qos, *time, *cpus, *memory, *gpus, *nodelist;
	bool force, local, inside, batch, parsable, dry_run;
};

struct import {
	struct uc_run *run;
	struct import_args args;
	struct uc_import_source from;
	struct uc_buf folder; /* absolute */
	struct uc_buf name;   /* of the file in it, "x.sqsh" */
	struct uc_buf target; /* of both */
	const char *done;     /* what is said in the end; NULL: "imported" */
	int signal;           /* that ended it; 0: none */
};

/* --- import_target.c --- */
/* A folder of the configuration; empty when it is not set. `$USER` and `~` are known. */
int import_setting(const struct uc_run *run, const char *key, struct uc_buf *out,
		   struct uc_error *err) UC_MUST_CHECK;
/* Fill in folder, name and target; `name` NULL: as the source is called. */
int import_target(struct import *im, const char *name,
		  struct uc_error *err) UC_MUST_CHECK;
/* UC_USAGE: it is there, and may not be replaced. */
int import_may_write(const struct import *im, struct uc_error *err) UC_MUST_CHECK;

/* --- import_here.c --- */
/* Do it on this machine. */
int import_here(struct import *im, struct uc_error *err) UC_MUST_CHECK;
/* Remove what was begun for this target before; under its lock. */
void import_sweep(const struct import *im);

/* --- import_lock.c --- */
#define IMPORT_LOCK ".importing"
#define IMPORT_PART ".part-"

/* Who imports, or did. */
struct import_owner {
	char user[64], host[256], temp[512];
	int64_t pid, job_id, started;
};
struct import_lock {
	int fd; /* -1: it is not held */
	struct uc_buf path;
};
/*
 * Take the lock of a target, also from who died; `temp` is written into it. UC_DENIED:
 * somebody else imports to it, or nothing can be written there.
 */
int import_lock_take(struct uc_run *run, const struct uc_buf *folder,
		     const struct uc_buf *name, struct import_lock *lock,
		     struct uc_error *err) UC_MUST_CHECK;
/* Write down where temporary files are, for who cleans up. */
void import_lock_note(const struct uc_run *run, const struct import_lock *lock,
		      const char *temp);
/* Let go; the file goes, too. */
void import_lock_drop(struct import_lock *lock);
/* Is this lock held by somebody who lives? *owner is filled as far as it is known. */
bool import_lock_is_held(struct uc_run *run, const char *path,
			 struct import_owner *owner);

/* --- import_places.c --- */
struct import_places {
	struct uc_buf base;  /* BASE/uimage-UID */
	struct uc_buf temp;  /* this import's own, in it */
	struct uc_buf cache; /* empty: enroot knows */
	int lock;            /* on temp */
};
/* Choose them, look for space, make them; take away what dead imports left. */
int import_places_make(struct import *im, struct import_places *places,
		       struct uc_error *err) UC_MUST_CHECK;
void import_places_drop(struct import_places *places);
/* All bases that an import of this user may have used on this host. */
void import_bases(const struct uc_run *run, struct uc_strv *bases);
/*
 * The folders of dead imports in a base's uimage-UID: calls `found` for each, with the
 * lock on all of them held.
 */
void import_places_dead(const char *base, void (*found)(void *arg, const char *path),
			void *arg);

/* --- import_enroot.c --- */
struct enroot_run {
	const struct uc_run *run;
	const char *program;                /* another one; NULL: enroot */
	char *const *environment;           /* as it is; NULL: what enroot looks at */
	const struct import_places *places; /* NULL: enroot's own */
	char *const *words;
	void (*line)(void *arg, const char *line);
	void (*tick)(void *arg); /* twice a second; may be NULL */
	void *arg;
	int *signal; /* set to the one that this process got */
};
/*
 * Run enroot; nothing of it outlives this process. *status: its exit status, 128 and the
 * signal. A signal to this process ends it: UC_FAILED, and *signal is set.
 */
int enroot_run(const struct enroot_run *what, int *status,
	       struct uc_error *err) UC_MUST_CHECK;

/* --- import_finish.c --- */
struct import_origin {
	const char *digest; /* "sha256:...", or NULL */
	const char *enroot; /* its version, or NULL */
};
/* Check the whole image `part`, write what is known of it beside it, put it in place. */
int import_finish(struct import *im, const char *part, const struct import_origin *origin,
		  struct uc_error *err) UC_MUST_CHECK;

/* --- tree.c --- */
/* Bytes on disk of a file or folder, without following links or leaving its disk. */
uint64_t tree_size(int dir, const char *name);
/* Remove a file or folder, likewise. -1 with errno: something is left. */
int tree_remove(int dir, const char *name);

#endif

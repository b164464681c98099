/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_STORE_H
#define UC_SYNC_STORE_H
/*
 * Where synced files are written: below one folder, whatever the paths say and whoever
 * moves folders meanwhile. A path is opened component by component without following a
 * link (openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS where
 * the kernel has it); a link in the way is refused, never followed. Content goes to a
 * temporary file in the folder of its name, and is renamed there when it is whole and its
 * checksum is right. Nothing is replaced that is not what the caller said is there.
 *
 * A file that was interrupted is kept, under a name made of its path, size and time, so
 * that the next run can go on inside it (UC_STORE_PARTIAL bytes and more).
 */
#include <ucluster/error.h>

#include "sync/entry.h"

#define UC_STORE_PARTIAL   (8u << 20)
#define UC_STORE_TRASH     ".ucluster-trash"
#define UC_STORE_SNAPSHOTS ".ucluster-snapshots"
#define UC_STORE_TEMPORARY ".uc-" /* names of temporaries begin so; a walk skips them */

struct uc_store;
struct uc_store_file;

enum uc_store_outcome {
	UC_STORE_OK,
	UC_STORE_CHANGED, /* what is there is not what was expected */
	UC_STORE_REFUSED, /* see err */
	UC_STORE_FAILED,  /* errno says why, or is 0; see err */
};

/*
 * Permission bits that files and folders get as the entry has them. Write permission for
 * group and others is given as far as the umask leaves it, a folder keeps the
 * set-group-id bit that it inherits: whoever compares modes leaves these bits out.
 */
#define UC_STORE_MODES 0755

struct uc_store_options {
	const char *run;   /* names the folder of the trash: .ucluster-trash/RUN/PATH */
	bool no_sync;      /* leave the disk to the kernel */
	bool keep_special; /* set-user-id, set-group-id and sticky bits are kept */
	bool by_steps;     /* paths are opened component by component, without openat2 */
};

/*
 * `root` is a folder of the caller's, open, and stays the caller's. It must belong to
 * this user or be writable for them.
 */
int uc_store_open(struct uc_store **store, int root,
		  const struct uc_store_options *options,
		  struct uc_error *err) UC_MUST_CHECK;
/*
 * What was begun, or ended and not flushed, is dropped, or kept as partial; `done` is not
 * called for it.
 */
void uc_store_free(struct uc_store *store);
UC_DEFINE_AUTO(store, struct uc_store *)

/*
 * Open something below the root to read, without following links: O_RDONLY, O_PATH,
 * O_DIRECTORY. -1 with errno (ELOOP, EXDEV: a link in the way). For senders as well.
 */
int uc_store_openat(int root, const char *path, int flags);
/* "a/b" is a path that may be written: relative, no "", ".", "..", no name of ours. */
bool uc_store_path_ok(const char *path, struct uc_error *err);

/* What is there, as a walk would tell it (no target). 1: nothing. -1 with err. */
int uc_store_look(struct uc_store *store, const char *path, struct uc_sync_entry *entry,
		  struct uc_error *err) UC_MUST_CHECK;

/* ---- Files. The functions return an enum uc_store_outcome. ---- */

/*
 * Begin the file `entry`, whose place holds `expect` (NULL: nothing). Folders above it
 * must be there. *have: bytes of an earlier, interrupted try that are at its start; the
 * caller goes on behind them or calls uc_store_restart().
 */
int uc_store_begin(struct uc_store *store, const struct uc_sync_entry *entry,
		   const struct uc_sync_entry *expect, struct uc_store_file **file,
		   uint64_t *have, struct uc_error *err) UC_MUST_CHECK;
int uc_store_restart(struct uc_store_file *file, struct uc_error *err) UC_MUST_CHECK;
/* XXH3 of the bytes that it has: to be compared with the sender's. */
int uc_store_have_sum(struct uc_store_file *file, uint64_t *sum,
		      struct uc_error *err) UC_MUST_CHECK;
/* Add bytes. Runs of zeroes become holes when the entry has some. ENOSPC, EDQUOT… */
int uc_store_write(struct uc_store_file *file, const void *bytes, size_t len,
		   struct uc_error *err) UC_MUST_CHECK;
/* Add a piece of the file that is there now (`expect`), by reflink where that works. */
int uc_store_copy(struct uc_store_file *file, uint64_t from, uint64_t len,
		  struct uc_error *err) UC_MUST_CHECK;
/* The file that is there now, to make signatures of; borrowed, -1: none. */
int uc_store_basis(const struct uc_store_file *file);
/*
 * It is whole: check size and SHA-256 (32 bytes; NULL: not known), set mode and time, and
 * put it in its place, with others soon after (uc_store_flush). `done` is called with the
 * outcome, then or within a flush, which others of these functions may cause; the file is
 * gone after this call.
 */
typedef void uc_store_done(void *arg, int outcome, const struct uc_error *err);
void uc_store_end(struct uc_store_file *file, const unsigned char *sha256,
		  uc_store_done *done, void *arg);
/* Give it up; what is long enough is kept for the next try. */
void uc_store_drop(struct uc_store_file *file);
/* A small file at once: begin, write, end. Nothing here is needed after the call. */
struct uc_store_small {
	const struct uc_sync_entry *entry, *expect;
	const void *bytes;
	size_t len;
	const unsigned char *sha256;
	uc_store_done *done;
	void *arg;
};
void uc_store_put(struct uc_store *store, const struct uc_store_small *small);
/* Put the files that ended into their places: synced to disk together. */
void uc_store_flush(struct uc_store *store);

/* ---- Everything else; these return an enum uc_store_outcome, too. ---- */

/*
 * A folder, with its mode; its time is set by uc_store_finish. One that is there is kept
 * and gets the mode; anything else there must be `expect`, and goes to the trash.
 */
int uc_store_folder(struct uc_store *store, const struct uc_sync_entry *entry,
		    const struct uc_sync_entry *expect,
		    struct uc_error *err) UC_MUST_CHECK;
/* A symbolic link, made beside and renamed. Its target is text, never looked at. */
int uc_store_link(struct uc_store *store, const struct uc_sync_entry *entry,
		  const struct uc_sync_entry *expect, struct uc_error *err) UC_MUST_CHECK;
/* Another name of the file `twin`, which was put there by this run or equals it. */
int uc_store_twin(struct uc_store *store, const struct uc_sync_entry *entry,
		  const char *twin, const struct uc_sync_entry *expect,
		  struct uc_error *err) UC_MUST_CHECK;
/* Mode and time of what is there. */
int uc_store_meta(struct uc_store *store, const struct uc_sync_entry *entry,
		  const struct uc_sync_entry *expect, struct uc_error *err) UC_MUST_CHECK;
/* Move it to the trash of this run. A folder must be empty; it is made anew there. */
int uc_store_remove(struct uc_store *store, const struct uc_sync_entry *expect,
		    struct uc_error *err) UC_MUST_CHECK;
/* Flush, set the times of folders, sync. */
int uc_store_finish(struct uc_store *store, struct uc_error *err) UC_MUST_CHECK;

#endif

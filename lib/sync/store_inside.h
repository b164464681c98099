/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_STORE_INSIDE_H
#define UC_SYNC_STORE_INSIDE_H
/* What the files of a store (store*.c) share. */
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "sync/store_path.h"

#define STORE_BATCH       2048 /* files that are synced to disk together, at most */
#define STORE_BATCH_BYTES (64u << 20) /* of theirs */
#define STORE_EARLY       512         /* are enough when nothing is being synced */
#define STORE_EARLY_BYTES (16u << 20)
#define STORE_WAITS       65536u /* bits, many more than a batch needs */
#define STORE_TOGETHER    16     /* and more are synced by one call */
#define STORE_FOLDERS     64     /* kept open */
#define STORE_USES        1024   /* of open folders, before all are opened again */
#define STORE_DIRTY       16     /* folders to be synced one by one, at most */

/* A folder that is open. */
struct store_folder {
	char *path; /* below the root, "" for the root */
	size_t len;
	int fd;
	dev_t dev;
	unsigned users;
	bool dirty;
};

/* Something to be set at the end: a folder's mode and time. */
struct store_touch {
	char *path;
	int64_t mtime;
	mode_t mode;
};

/* Files whose bytes a thread syncs to disk. */
struct store_syncing {
	pthread_t thread;
	struct uc_store_file *file[STORE_BATCH];
	size_t count;                /* 0: there is no thread */
	struct uc_store_file *named; /* list: their names were there before it began */
	int fd, status;
	bool whole; /* by one call */
	atomic_bool over;
};

struct uc_store {
	int root;
	dev_t dev;
	bool together; /* one call syncs what is there */
	char *run;
	bool no_sync, keep_special, by_steps, no_clone;
	uid_t user;
	mode_t umask;
	EVP_MD *sha;                                /* NULL: not yet */
	EVP_MD_CTX *small;                          /* NULL: not yet */
	struct store_folder *folder[STORE_FOLDERS]; /* by hash of the path; NULL: none */
	unsigned folder_uses;
	struct store_folder *dirty[STORE_DIRTY];
	size_t dirty_count;
	bool dirty_all;                           /* many more are */
	struct uc_store_file *ended[STORE_BATCH]; /* waiting for their flush */
	size_t ended_count, batch;                /* as many as may be open */
	uint64_t waits[STORE_WAITS / 64]; /* by hash: their paths and folders above */
	uint64_t ended_bytes;
	struct store_syncing syncing;
	struct uc_store_file *named; /* list: with their names, not told of yet */
	struct uc_store_file *begun; /* list */
	struct store_touch *touch;
	size_t touches, touch_room;
	uint64_t *swept; /* set of folders' hashes; 0: empty slot */
	size_t swept_count, swept_room;
	int trash;                   /* folder of this run; -1: not made yet */
	struct store_folder *saving; /* in it, the one used last; NULL */
};

struct uc_store_file {
	struct uc_store *store;
	struct uc_store_file *next, **here; /* in store->begun */
	struct store_folder *folder;
	char *path;
	const char *name; /* in path */
	struct uc_sync_entry entry, expect;
	char *target; /* expect's */
	bool expects, partial, failed, prepared, saved;
	char temporary[UC_STORE_NAME_SIZE]; /* "": none */
	int fd, basis;
	uint64_t offset; /* bytes that it has */
	uint64_t hashed; /* of them, those in `sha` */
	uint64_t pushed; /* and those that are on their way to the disk */
	EVP_MD_CTX *sha; /* NULL: was checked already */
	uc_store_done *done;
	void *arg;
	int outcome, errno_value;
	struct uc_error err;
};

/*
 * Set `err` and errno, and say which outcome it is: refused when a link, or what is no
 * folder, is in the way.
 */
int uc_store_failed(struct uc_error *err, int errno_value, const char *what,
		    const char *path);
int uc_store_memory(struct uc_error *err, const char *path);
int uc_store_changed(struct uc_error *err, const char *path);

/* The folder of `path`, open, to be given back; NULL with *outcome and err. */
struct store_folder *uc_store_folder_of(struct uc_store *store, const char *path,
					int *outcome, struct uc_error *err);
struct store_folder *uc_store_folder_keep(struct store_folder *folder);
void uc_store_folder_free(struct store_folder *folder);
UC_DEFINE_AUTO(store_folder, struct store_folder *)
/* Forget the open folders: names may lead elsewhere now. */
void uc_store_folders_forget(struct uc_store *store);
/* It has new names: it is synced with the next flush. */
void uc_store_folder_dirty(struct uc_store *store, struct store_folder *folder);
void uc_store_folders_sync(struct uc_store *store);
/* None is to be synced any more: that is under way. */
void uc_store_folders_clean(struct uc_store *store);
/* Remove temporaries of runs that are long over; once for a folder. */
void uc_store_sweep(struct uc_store *store, struct store_folder *folder);
/* This store made it: there is nothing to sweep. */
void uc_store_swept(struct uc_store *store, const char *path);
/* Remove partials of `file` but the one named `keep`; keep "": all partials there. */
void uc_store_sweep_partials(struct uc_store *store, int folder, const char *keep);

/* Whether `st`, of `name` in `folder`, is what was expected. */
bool uc_store_matches(int folder, const char *name, const struct stat *st,
		      const struct uc_sync_entry *expect);
/* Where something is put: a name in a folder, and what is there now. */
struct store_spot {
	struct store_folder *folder;
	const char *path, *name;
	const struct uc_sync_entry *expect; /* NULL: nothing */
	uint8_t kind;                       /* of what comes */
	bool saved;                         /* see uc_store_save() */
};
/* Give `temporary` in the same folder that name. On failure it is still there. */
int uc_store_place(struct uc_store *store, const struct store_spot *spot,
		   const char *temporary, struct uc_error *err);
/*
 * Before `temporary` replaces what is there: give that a second name in the trash, unless
 * its content is the same. False: there are no second names; it has to be moved there.
 */
bool uc_store_save(struct uc_store *store, const struct store_spot *spot,
		   const struct stat *st, const char *temporary);
/* Move what is there to the trash. */
int uc_store_to_trash(struct uc_store *store, const struct store_spot *spot,
		      const struct stat *st, struct uc_error *err);

/* A file's content (store_write.c): what its checksum needs is there; it is begun anew.
 */
bool uc_store_can_sum(struct uc_store *store);
int uc_store_start_sum(struct uc_store_file *file, struct uc_error *err);
/* Before `len` bytes are added: room is there, its sum is of all it has. */
int uc_store_prepare(struct uc_store_file *file, uint64_t len, struct uc_error *err);
/* Behind what it has, without regard to its sum; holes stay holes. -1 with errno. */
int uc_store_write_bytes(const struct uc_store_file *file, const char *bytes, size_t len);

/* Flush when something that waits is at or below the path. */
void uc_store_settle(struct uc_store *store, const char *path);
/* It has its temporary, closed up: put it in its place now or later. */
void uc_store_enqueue(struct uc_store_file *file);
/*
 * Sync the file system. Only where that is a matter of this machine's disk, and where it
 * syncs what it says; else it does nothing, and says false.
 */
bool uc_store_sync_all(int fd);
bool uc_store_syncs_all(int fd);
/* Free what waits. */
void uc_store_batch_free(struct uc_store *store);
void uc_store_file_free(struct uc_store_file *file);
mode_t uc_store_mode(const struct uc_store *store, const struct uc_sync_entry *entry);
int uc_store_touch_later(struct uc_store *store, const struct uc_sync_entry *entry,
			 mode_t mode, struct uc_error *err);

#endif

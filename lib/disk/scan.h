/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_DISK_SCAN_H
#define UC_DISK_SCAN_H
/*
 * The parts of a scan. Threads take jobs from one stack (scan_queue.c), read folders
 * (scan_walk.c) and add up what they find, each for itself (scan_tally.c); when all are
 * done the sums become one result (scan_result.c). Memory depends on how wide the tree
 * is, not on how many files it has.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <ucluster/disk.h>
#include "disk/kind.h"

#define UC_SCAN_AGES 7

/* A folder with a row of its own: those not deeper than how.depth, and the root. */
struct uc_scan_bucket {
	struct uc_scan_bucket *older, *parent;
	int depth;
	atomic_uint_fast64_t bytes, apparent, files, folders;
	char path[];
};

/* A folder that is open; every job that needs it holds a reference. */
struct uc_scan_folder {
	atomic_int refs;
	int fd;
	struct uc_scan_bucket *bucket;
	enum uc_disk_kind kind;
	bool fresh; /* its first entries have not been looked at */
	char path[];
};

struct uc_scan_job {
	struct uc_scan_job *next;
	struct uc_scan_bucket *bucket;
	/* NULL: open `data`, a path from the root. Without data: read on. */
	struct uc_scan_folder *folder;
	enum uc_disk_kind kind;
	size_t len;  /* of data */
	char data[]; /* else: struct uc_scan_dirent, one after the other */
};

/* As the kernel writes it (getdents64(2)). */
struct uc_scan_dirent {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

/* What is known of one entry. */
struct uc_scan_entry {
	uint64_t dev, ino, bytes, apparent;
	int64_t mtime;
	uint32_t uid, links;
	mode_t mode;
	bool mount; /* another file system begins here */
};

struct uc_scan_owner {
	uint32_t uid;
	bool used;
	struct uc_disk_sum sum;
};
struct uc_scan_file {
	char *path;
	struct uc_disk_file file;
};

/* One thread's sums. */
struct uc_scan_tally {
	struct uc_disk_sum kind[UC_KIND_COUNT], age[UC_SCAN_AGES];
	struct uc_scan_owner *owner; /* hash table */
	size_t owner_count, owner_cap;
	struct uc_disk_sum others; /* when there is no room for more owners */
	struct uc_scan_file *top;  /* heap, the smallest first */
	size_t top_count, top_max;
	bool failed; /* out of memory */
};

#define UC_SCAN_SHARDS 64
/* Inodes with several names that were seen. */
struct uc_scan_links {
	struct uc_scan_shard {
		pthread_mutex_t lock;
		uint64_t *key;
		size_t count, cap;
	} shard[UC_SCAN_SHARDS];
	atomic_bool full;
};

struct uc_scan {
	struct uc_disk_how how;
	const char *root;
	int root_fd;
	uint64_t dev;
	atomic_bool stop, failed, plain_open;
	/* the stack; `later` is for folders that are read on when it is empty */
	pthread_mutex_t lock;
	pthread_cond_t more, ended;
	struct uc_scan_job *stack, *later;
	size_t waiting, paused, pending;
	int running;
	atomic_int idle;
	struct uc_scan_bucket *buckets; /* the newest first; under lock */
	size_t bucket_count;
	struct uc_scan_links links;
	atomic_uint_fast64_t files, bytes, link_count, mounts, vanished, denied, failures;
	atomic_uint_fast64_t batches, slow_batches;
	struct {
		char *path;
		int error;
	} fault[32];
	size_t fault_count; /* under lock */
};

#define UC_SCAN_BUFFER (64 * 1024)
struct uc_scan_thread {
	struct uc_scan *scan;
	pthread_t id;
	struct uc_scan_tally tally;
	bool slow; /* the last entries had to be fetched: sort by inode */
	/* the records of one getdents64(2): none is shorter than 24 bytes */
	struct uc_scan_dirent *entry[UC_SCAN_BUFFER / 24];
	char buffer[UC_SCAN_BUFFER] __attribute__((aligned(8)));
};

/* scan_queue.c */
struct uc_scan_job *uc_scan_job_new(struct uc_scan *scan, size_t len);
void uc_scan_job_free(struct uc_scan_job *job);
/* Put a chain of `count` jobs on the stack. */
void uc_scan_push(struct uc_scan *scan, struct uc_scan_job *first,
		  struct uc_scan_job *last, size_t count);
/* Read on when nothing else waits; false when too much is put off already. */
bool uc_scan_put_off(struct uc_scan *scan, struct uc_scan_job *job);
/* The next job, waiting for one; NULL: the scan is over. `done` jobs were finished. */
struct uc_scan_job *uc_scan_pop(struct uc_scan *scan, size_t done);
void uc_scan_stop(struct uc_scan *scan);
/* A row of its own for the folder, or its parent's. */
struct uc_scan_bucket *uc_scan_bucket_new(struct uc_scan *scan,
					  struct uc_scan_bucket *parent,
					  const char *folder, const char *name);
void uc_scan_fault(struct uc_scan *scan, const char *folder, const char *name, int error);

/* scan_links.c: whether this inode was seen before. */
bool uc_scan_links_seen(struct uc_scan_links *links, uint64_t key);

/* scan_walk.c */
void uc_scan_work(struct uc_scan_thread *thread, struct uc_scan_job *job);

/* scan_tally.c */
void uc_scan_tally_add(struct uc_scan_tally *tally, const struct uc_scan_entry *entry,
		       enum uc_disk_kind kind, int64_t now);
/* Whether the file is large enough to be kept; then keep it. */
void uc_scan_tally_top(struct uc_scan_tally *tally, const struct uc_scan_entry *entry,
		       const char *folder, const char *name);
void uc_scan_tally_free(struct uc_scan_tally *tally);
void uc_disk_sum_add(struct uc_disk_sum *to, const struct uc_disk_sum *from);
const char *uc_scan_age_name(size_t age);

/* scan_result.c */
int uc_scan_result(struct uc_scan *scan, struct uc_scan_thread *const *threads,
		   size_t count, struct uc_disk_scan **out, struct uc_error *err);

#endif

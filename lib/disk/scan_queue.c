/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What the threads share: jobs, rows of folders, what could not be read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "disk/scan.h"

enum {
	WIDE = 16384,       /* jobs that wait: put off reading more of a folder */
	PAUSED_MAX = 64,    /* folders that stay open meanwhile */
	BUCKETS_MAX = 16384 /* folders with a row of their own */
};

struct uc_scan_job *uc_scan_job_new(struct uc_scan *scan, size_t len)
{
	struct uc_scan_job *job = malloc(sizeof(*job) + len);

	if (job)
		*job = (struct uc_scan_job){ .len = len };
	else
		atomic_store(&scan->failed, true);
	return job;
}

void uc_scan_job_free(struct uc_scan_job *job)
{
	struct uc_scan_folder *folder = job->folder;

	if (folder && atomic_fetch_sub(&folder->refs, 1) == 1) {
		close(folder->fd);
		free(folder);
	}
	free(job);
}

void uc_scan_push(struct uc_scan *scan, struct uc_scan_job *first,
		  struct uc_scan_job *last, size_t count)
{
	if (!first)
		return;
	pthread_mutex_lock(&scan->lock);
	last->next = scan->stack;
	scan->stack = first;
	scan->waiting += count;
	scan->pending += count;
	if (count > 1)
		pthread_cond_broadcast(&scan->more);
	else
		pthread_cond_signal(&scan->more);
	pthread_mutex_unlock(&scan->lock);
}

bool uc_scan_put_off(struct uc_scan *scan, struct uc_scan_job *job)
{
	bool put_off;

	pthread_mutex_lock(&scan->lock);
	put_off = scan->waiting >= WIDE && scan->paused < PAUSED_MAX;
	if (put_off) {
		job->next = scan->later;
		scan->later = job;
		scan->paused++;
		scan->pending++;
	}
	pthread_mutex_unlock(&scan->lock);
	return put_off;
}

static struct uc_scan_job *take(struct uc_scan *scan)
{
	struct uc_scan_job *job = scan->stack;

	if (job) {
		scan->stack = job->next;
		scan->waiting--;
		return job;
	}
	job = scan->later;
	if (job) {
		scan->later = job->next;
		scan->paused--;
	}
	return job;
}

struct uc_scan_job *uc_scan_pop(struct uc_scan *scan, size_t done)
{
	struct uc_scan_job *job = NULL;

	pthread_mutex_lock(&scan->lock);
	scan->pending -= done;
	while (!atomic_load(&scan->stop)) {
		job = take(scan);
		if (job || !scan->pending)
			break;
		atomic_fetch_add(&scan->idle, 1);
		pthread_cond_wait(&scan->more, &scan->lock);
		atomic_fetch_sub(&scan->idle, 1);
	}
	if (!job)
		pthread_cond_broadcast(&scan->more);
	pthread_mutex_unlock(&scan->lock);
	return job;
}

void uc_scan_stop(struct uc_scan *scan)
{
	pthread_mutex_lock(&scan->lock);
	atomic_store(&scan->stop, true);
	pthread_cond_broadcast(&scan->more);
	pthread_mutex_unlock(&scan->lock);
}

static size_t join(char *out, const char *folder, const char *name)
{
	size_t len = strlen(folder), rest = strlen(name);
	size_t slash = len > 0 && rest > 0;

	if (out) {
		memcpy(out, folder, len);
		out[len] = '/';
		memcpy(out + len + slash, name, rest);
		out[len + slash + rest] = '\0';
	}
	return len + slash + rest;
}

struct uc_scan_bucket *uc_scan_bucket_new(struct uc_scan *scan,
					  struct uc_scan_bucket *parent,
					  const char *folder, const char *name)
{
	struct uc_scan_bucket *bucket;

	if (parent && parent->depth >= scan->how.depth)
		return parent;
	bucket = calloc(1, sizeof(*bucket) + join(NULL, folder, name) + 1);
	if (!bucket) {
		atomic_store(&scan->failed, true);
		return parent;
	}
	join(bucket->path, folder, name);
	bucket->parent = parent;
	bucket->depth = parent ? parent->depth + 1 : 0;
	pthread_mutex_lock(&scan->lock);
	if (scan->bucket_count < BUCKETS_MAX) {
		bucket->older = scan->buckets;
		scan->buckets = bucket;
		scan->bucket_count++;
		parent = bucket;
	} else {
		free(bucket);
	}
	pthread_mutex_unlock(&scan->lock);
	return parent;
}

void uc_scan_fault(struct uc_scan *scan, const char *folder, const char *name, int error)
{
	bool denied = error == EACCES || error == EPERM;
	size_t max = sizeof(scan->fault) / sizeof(scan->fault[0]);
	char *path;

	if (error == ENOENT || error == ENOTDIR || error == ELOOP || error == ESTALE) {
		atomic_fetch_add(&scan->vanished, 1);
		return;
	}
	atomic_fetch_add(denied ? &scan->denied : &scan->failures, 1);
	path = malloc(join(NULL, folder, name) + 1);
	if (!path) {
		atomic_store(&scan->failed, true);
		return;
	}
	join(path, folder, name);
	pthread_mutex_lock(&scan->lock);
	if (scan->fault_count < max) {
		scan->fault[scan->fault_count].path = path;
		scan->fault[scan->fault_count++].error = error;
		path = NULL;
	}
	pthread_mutex_unlock(&scan->lock);
	free(path);
}

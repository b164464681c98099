/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_CACHE_H
#define UC_SLURM_CACHE_H
/*
 * Answers that processes of one user on one host share, in a folder of theirs:
 *
 *	KEY.lock         flock(2)ed by the one that asks; gone when that dies
 *	KEY.state        struct uc_cache_state, and the question in full
 *	KEY-SERIAL.jobs  the answer (wire.h), never changed; of nodes, partitions, ... too
 *
 * KEY is a hash of the question. Files are made under another name and renamed: a state
 * names an answer that is whole. What is not ours alone is not read.
 */
#include <ucluster/source.h>
#include "slurm/rows.h"

struct uc_cache_state {
	uint32_t magic, version;
	uint64_t serial;   /* of the answer, 0 = none yet */
	int64_t asked_ms;  /* when it was true, by the clock */
	int64_t took_ms;   /* to answer, the last time */
	int64_t failed_ms; /* later than asked_ms: the last question failed, so: */
	int64_t updated;   /* of the answer */
	uint32_t code, question_len;
	char text[320], hint[200];
};

/* cache_file.c: the folder, checked; -1 when it cannot be trusted or made. */
int uc_cache_open_folder(const char *dir);
/* 1 read, 0 there is none for this question, or none that can be trusted. */
int uc_cache_read_state(int folder, const char *key, const struct uc_buf *question,
			struct uc_cache_state *out);
int uc_cache_write_state(int folder, const char *key, const struct uc_buf *question,
			 const struct uc_cache_state *state);
/* NULL when it is not there (any more) or broken. */
struct uc_rows *uc_cache_read_rows(int folder, const char *key, uint64_t serial,
				   enum uc_rows_kind kind);
int uc_cache_write_rows(int folder, const char *key, uint64_t serial,
			const struct uc_rows *rows, enum uc_rows_kind kind);
void uc_cache_remove_rows(int folder, const char *key, uint64_t serial);
#define UC_CACHE_BUSY -1 /* somebody else has it */
#define UC_CACHE_NONE -2 /* there can be none: no file, no locks on this file system */
/* A descriptor that holds the lock. */
int uc_cache_lock(int folder, const char *key);
/* Remove what nobody has touched for a day. */
void uc_cache_sweep(int folder);

struct uc_cache;
int uc_cache_new(const char *dir, const char *name, struct uc_cache **out,
		 struct uc_error *err) UC_MUST_CHECK;
void uc_cache_free(struct uc_cache *cache);
/* By the clock, that processes share. */
int64_t uc_clock_ms(void);
typedef int uc_jobs_ask(struct uc_source *src, const struct uc_job_query *query,
			struct uc_jobs **out, struct uc_error *err);
/* As uc_jobs_load(); `ask` is what asks the source itself. */
int uc_cache_jobs(struct uc_cache *cache, const struct uc_job_query *query,
		  uc_jobs_ask *ask, struct uc_source *src, struct uc_jobs **out,
		  struct uc_error *err) UC_MUST_CHECK;
/* The same for all rows of another kind. */
struct uc_rows_question {
	enum uc_rows_kind kind;
	int64_t max_age_ms;
};
typedef int uc_rows_ask(struct uc_source *src, enum uc_rows_kind kind,
			struct uc_rows **out, struct uc_error *err);
int uc_cache_rows(struct uc_cache *cache, const struct uc_rows_question *question,
		  uc_rows_ask *ask, struct uc_source *src, struct uc_rows **out,
		  struct uc_error *err) UC_MUST_CHECK;
/* About the last answer. */
const struct uc_asked *uc_cache_asked(const struct uc_cache *cache);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_ASKER_H
#define UC_COMMON_ASKER_H
/*
 * Questions to slurmctld that keep nobody waiting: a thread asks, with a source of its
 * own. One question at a time.
 */
#include <ucluster/job.h>
#include "common/run.h"

struct uc_asker;

struct uc_answer {
	struct uc_jobs *jobs; /* the taker's to free; NULL: `error` */
	struct uc_error error;
	int64_t took; /* ms */
	struct uc_asked asked;
	bool everybody;
};

/* NULL: it has been said why, run->status is set. */
struct uc_asker *uc_asker_new(struct uc_run *run);
/*
 * False: a question is still open; it is left alone with what it uses, the process must
 * end by _exit(2).
 */
bool uc_asker_free(struct uc_asker *asker);

/* Not while a question is open. */
struct uc_source *uc_asker_source(struct uc_asker *asker);

/* About one job, array or heterogeneous job; 0: everybody's. Not while one is open. */
void uc_asker_ask(struct uc_asker *asker, uint32_t job_id);
/* Whatever `ask` asks, in the thread; `arg` is the thread's until the answer is taken. */
typedef int uc_ask(struct uc_source *src, void *arg, struct uc_jobs **out,
		   struct uc_error *err);
void uc_asker_do(struct uc_asker *asker, uc_ask *ask, void *arg);
bool uc_asker_is_busy(const struct uc_asker *asker);
/* Readable when there is an answer to be taken. */
int uc_asker_fd(const struct uc_asker *asker);
bool uc_asker_take(struct uc_asker *asker, struct uc_answer *out);

#endif

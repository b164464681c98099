/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_WORKER_H
#define UC_SLURM_WORKER_H
/*
 * The library's side of a worker process: libslurm blocks, exits and crashes, so it lives
 * there. The worker is started by the first question, asked over a socket pair, and
 * killed when a deadline passes; the next question starts a new one. It belongs to the
 * thread that asks (it dies with it).
 */
#include <sys/types.h>
#include <ucluster/source.h>
#include "slurm/frame.h"

#define UC_WORKER_STDERR_MAX ((size_t)16 << 10)

struct uc_worker {
	char *libexec_dir, *slurm_conf; /* NULL = default */
	int timeout_ms;
	pid_t pid;          /* 0 = none runs */
	int sock, errors;   /* its fd 3, its stderr; -1 = none */
	struct uc_buf said; /* on stderr, the last UC_WORKER_STDERR_MAX bytes */
	char name[24];      /* "slurm-worker-38" */
	size_t fits;        /* which of those found answered last: none before it fits */
	bool ready;         /* said hello */
	bool resting;       /* was told to end */
	bool sending;       /* said that the request goes out now */
};

int uc_worker_new(const struct uc_source_options *options, struct uc_worker **out,
		  struct uc_error *err) UC_MUST_CHECK;
void uc_worker_free(struct uc_worker *worker);
/* End the process without waiting for it; the next question starts another. */
void uc_worker_rest(struct uc_worker *worker);
/* Reap it if it has ended. */
void uc_worker_tidy(struct uc_worker *worker);

/*
 * One question, one answer (UC_SAY_DONE) within timeout_ms. On failure *err is complete:
 * what the worker answered, what it wrote on stderr, or how it ended. UC_UNREACHABLE when
 * the deadline passed; worker->sending then says whether the request was on its way.
 */
int uc_worker_ask(struct uc_worker *worker, struct uc_frame *question,
		  struct uc_frame *answer, struct uc_error *err) UC_MUST_CHECK;

/* Executables to try, the newest release first (worker_find.c). */
int uc_worker_find(const char *libexec_dir, struct uc_strv *paths,
		   struct uc_error *err) UC_MUST_CHECK;
/* The number of "…/slurm-worker-38", else 0. */
long uc_worker_number(const char *path);

/* worker_none.c: no libslurm that one of these is for can be loaded: which they are, and
 * which libslurm there is. */
int uc_worker_none(const struct uc_strv *paths, const char *said, struct uc_error *err);

/* worker_words.c: what libslurm said on stderr, in one line without its prefixes. */
void uc_worker_words(struct uc_buf *line, const char *said, size_t len);
/* The dynamic loader found no libslurm for this worker. */
bool uc_worker_lacks_library(const char *said, size_t len);
/* The process waits for munged rather than for slurmctld. */
bool uc_worker_waits_for_munge(pid_t pid);
/* The deadline passed. */
int uc_worker_timed_out(const struct uc_worker *worker, struct uc_error *err);

#endif

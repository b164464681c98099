/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_SOURCE_H
#define UCLUSTER_SOURCE_H
/*
 * A source answers questions about a cluster: the live one, one that was recorded, or
 * one that is made up.
 *
 *	uc_auto(source) struct uc_source *src = NULL;
 *	uc_auto(jobs) struct uc_jobs *jobs = NULL;
 *	if (uc_source_open("slurm:", NULL, &src, &err) < 0 ||
 *	    uc_jobs_load(src, &(struct uc_job_query){ .user_ids = &me, .user_count = 1 },
 *			 &jobs, &err) < 0)
 *		return report(&err);
 *	for (size_t i = 0; i < jobs->count; i++)
 *		show(&jobs->row[i]);
 *
 * A snapshot (uc_jobs, uc_nodes, uc_partitions) is immutable, owns its strings, outlives
 * its source and may be handed to another thread. A source itself belongs to the thread
 * that asks it: the worker of "slurm:" ends with that thread.
 */
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/node.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uc_source;

struct uc_source_options {
	int timeout_ms;          /* for each question; 0 = 10 s */
	const char *libexec_dir; /* where the workers are; NULL = beside libucluster */
	const char *slurm_conf;  /* NULL = SLURM_CONF or Slurm's own default */
};

/*
 * Open a source by its name:
 *   slurm:                              the live cluster, through a worker process
 *   record:DIR                          a recorded cluster (see uc_record_write)
 *   synthetic:nodes=N,jobs=N,seed=N     a made-up one, the same for the same words
 * options may be NULL. "slurm:" starts nothing until the first question.
 * UC_USAGE: no such source; UC_NOTFOUND: no recording there, no worker for this libslurm.
 */
int uc_source_open(const char *name, const struct uc_source_options *options,
		   struct uc_source **out, struct uc_error *err) UC_MUST_CHECK;
/* Ends the worker, if any; NULL is fine. */
void uc_source_free(struct uc_source *src);
UC_DEFINE_AUTO(source, struct uc_source *)

/* There will be no question for a while: the worker, and the memory of its last answer,
 * goes away while the caller goes on. The next question starts another. */
void uc_source_rest(struct uc_source *src);

/* Wait for a worker that has ended, by the thread that asks: it is a zombie until then,
 * or until the next question. Nothing waits for one that runs. */
void uc_source_tidy(struct uc_source *src);

/* Only a live source acts; any other fails every action with UC_DENIED at once. */
bool uc_source_is_live(const struct uc_source *src);

/* The present of this source, seconds since 1970: of the recording, not of the clock. */
int64_t uc_source_now(const struct uc_source *src);

/* Is the controller there? One RPC at most. UC_UNREACHABLE when it does not answer. */
int uc_source_ping(struct uc_source *src, struct uc_error *err) UC_MUST_CHECK;

/*
 * Questions. UC_UNREACHABLE: slurmctld (or munged) did not answer in time; UC_DENIED;
 * UC_INVALID: the worker or recording sent something broken. An unknown job id or user is
 * an empty snapshot, not an error. query may be NULL: everything the user may see. Live,
 * jobs cost one RPC for each of up to eight users or ids, else one; nodes two; partitions
 * one.
 */
int uc_jobs_load(struct uc_source *src, const struct uc_job_query *query,
		 struct uc_jobs **out, struct uc_error *err) UC_MUST_CHECK;
int uc_nodes_load(struct uc_source *src, struct uc_nodes **out,
		  struct uc_error *err) UC_MUST_CHECK;
int uc_partitions_load(struct uc_source *src, struct uc_partitions **out,
		       struct uc_error *err) UC_MUST_CHECK;

/*
 * From now on questions about jobs that say a max_age_ms go through a cache in folder
 * `dir` (made, 0700): of several processes of a user on a host that ask the same, one
 * asks the source, and a snapshot's `now` may be that long ago. `name` tells sources
 * apart. When the folder is not ours alone nothing is shared.
 */
int uc_source_cache(struct uc_source *src, const char *dir, const char *name,
		    struct uc_error *err) UC_MUST_CHECK;
/*
 * With a cache: those about nodes, partitions and reservations, too, when an answer may
 * be so old; 0: not.
 */
void uc_source_cache_rest(struct uc_source *src, int64_t max_age_ms);
/* About the last answer to uc_jobs_load(). */
struct uc_asked {
	int64_t at_ms;   /* when it was true, milliseconds since 1970 by the clock */
	int64_t took_ms; /* to get it */
	bool shared;     /* another process had asked */
};
void uc_source_asked(const struct uc_source *src, struct uc_asked *out);

/* A batch job to submit; all strings are borrowed. */
struct uc_submit_option {
	const char *name;  /* sbatch's long option without dashes: "partition", "gpus" */
	const char *value; /* its value as sbatch takes it; "" for a flag */
};
struct uc_submission {
	const char *script;             /* the whole text, starting with #! */
	const char *const *argv;        /* argv[0] = the script's name, NULL-terminated */
	const char *const *environment; /* "NAME=value", NULL-terminated; see --export */
	const char *const *variables;   /* more, which --export leaves alone; or NULL */
	const char *workdir;            /* absolute */
	const struct uc_submit_option *options;
	size_t option_count;
};
struct uc_submitted {
	uint32_t job_id;
	char *note;    /* why it cannot start now, in Slurm's words, or NULL */
	char *message; /* what the site's job_submit plugin says, or NULL; safe text */
};
void uc_submitted_free(struct uc_submitted *result);
UC_DEFINE_AUTO_VALUE(submitted, struct uc_submitted)

/*
 * Submit through slurm_submit_batch_job(3). What sbatch adds by itself (SLURM_SUBMIT_*,
 * limits, umask) is added here. UC_USAGE: an option the controller refuses, with Slurm's
 * own text; UC_UNREACHABLE with a hint when the answer was lost and the job may exist.
 */
int uc_submit(struct uc_source *src, const struct uc_submission *job,
	      struct uc_submitted *result, struct uc_error *err) UC_MUST_CHECK;

/* When and where slurmctld would start a job that is submitted now. */
struct uc_estimate {
	int64_t start;       /* seconds since 1970 */
	char *nodes;         /* "gpu[1-2]" or NULL */
	char *partition;     /* the one of several that was chosen, or NULL */
	uint32_t *preempted; /* jobs that would make room */
	size_t preempted_count;
};
void uc_estimate_free(struct uc_estimate *result);
UC_DEFINE_AUTO_VALUE(estimate, struct uc_estimate)

/* Nothing is queued; one RPC. UC_USAGE: slurmctld would refuse it, with its own text. */
int uc_estimate(struct uc_source *src, const struct uc_submission *job,
		struct uc_estimate *result, struct uc_error *err) UC_MUST_CHECK;

/*
 * Write what a source answers to DIR (created, must be empty): manifest.json and
 * {jobs,nodes,partitions,reservations,history}.jsonl.zst, one JSON object a line. Names
 * of users, accounts, groups and jobs, comments, paths and other free text are replaced
 * by pseudonyms, the same for the same name; root, nodes, partitions and QOS keep theirs.
 * After a failure there is none of it, and no DIR where it made it.
 */
int uc_record_write(struct uc_source *src, const char *dir,
		    struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

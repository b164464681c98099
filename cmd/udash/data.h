/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_DATA_H
#define UC_UDASH_DATA_H
/*
 * The cluster as it was at one moment. A thread asks for it, with a source of its own,
 * whose worker may hang, fail or die: the screen goes on with what it has.
 *
 *	struct dash_fetch *f = dash_fetch_new(run);
 *	dash_fetch_ask(f, &(struct dash_question){ .everybody = true });
 *	poll(dash_fetch_fd(f))
 *	if (dash_fetch_take(f, &data, &err) > 0)
 *		draw(data);
 */
#include <ucluster/action.h>
#include <ucluster/capacity.h>
#include <ucluster/job.h>
#include <ucluster/limits.h>
#include <ucluster/node.h>
#include <ucluster/reservation.h>
#include <ucluster/source.h>
#include <ucluster/usage.h>
#include "common/run.h"
#include "udash/index.h"

/* GPU hours of the last days, from accounting; asked for once in a while. */
#define DASH_DAYS 14
struct dash_past {
	bool asked, known;
	uint64_t gpu_seconds[DASH_DAYS]; /* the last is today */
	size_t days;
};

/* Immutable while somebody has it. */
struct dash_data {
	const struct uc_jobs *jobs;
	const struct uc_nodes *nodes;
	const struct uc_partitions *partitions;
	const struct uc_reservations *reservations; /* NULL: not known */
	const struct uc_limits *limits;             /* NULL: not known */
	struct uc_capacity_facts facts;             /* of these */
	const struct uc_gpu_map *map;
	const struct dash_index *index; /* of the jobs */
	bool live;                      /* from a cluster that can be acted on */
	bool everybody;                 /* jobs of all users */
	int64_t now;   /* of the source: what times in it are compared with */
	int64_t at_ms; /* when it was true, by uc_monotonic_ms() */
	int64_t took_ms;
	struct dash_past past;
};

struct dash_question {
	bool everybody;     /* else one's own jobs */
	bool fresh;         /* a key asked: what another process has is not enough */
	bool past;          /* with accounting, which else comes with the second answer */
	int64_t max_age_ms; /* of an answer that another process got */
};

struct dash_fetch;

/* NULL: it has been said why, run->status is set. */
struct dash_fetch *dash_fetch_new(struct uc_run *run);
/* False: a question is still open; the process must end by _exit(2). */
bool dash_fetch_free(struct dash_fetch *fetch);

/* Not while one is open. */
void dash_fetch_ask(struct dash_fetch *fetch, const struct dash_question *question);
bool dash_fetch_is_busy(const struct dash_fetch *fetch);
/* Wait until there is an answer. */
void dash_fetch_wait(const struct dash_fetch *fetch);
/* Readable when there is an answer. */
int dash_fetch_fd(const struct dash_fetch *fetch);
/*
 * 1: *data is the newest, and what was taken before goes with dash_fetch_taken(), or the
 * next question; 0: there is no answer yet; -1: it failed, what was taken before is still
 * there. Parts of *data that did not change are the same as before.
 */
int dash_fetch_take(struct dash_fetch *fetch, const struct dash_data **data,
		    struct uc_error *err);
void dash_fetch_taken(struct dash_fetch *fetch);
/* Whose jobs are one's own where nothing is live; before the first question. */
void dash_fetch_as(struct dash_fetch *fetch, uint32_t user_id);
/* Do this to one job, in the thread, in place of a question; then as an answer. */
struct dash_deed {
	struct uc_action action; /* without its changes */
	struct uc_change change; /* CHANGE: the one there is; its value is nobody's */
	int64_t limit;           /* CHANGE: seconds */
	char id[64];             /* as Slurm understands it */
	uint32_t job_id, user_id;
	int64_t submit_time;
	bool done;
	struct uc_error err; /* why not */
	char note[160];      /* safe; what is to be said although it was done */
};
/* The deeds are the thread's until dash_fetch_did() says that they are done. */
void dash_fetch_do(struct dash_fetch *fetch, struct dash_deed *deeds, size_t count);
bool dash_fetch_did(struct dash_fetch *fetch);

#endif

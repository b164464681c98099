/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_RUN_H
#define UC_SYNC_RUN_H
/* A run's parts. One thread plans and talks to the watcher; others only move files. */
#include <pthread.h>
#include <stdatomic.h>

#include "sync/plan.h"

#define UC_SYNC_STREAMS_MAX 16u

/* Where far ends come from. */
struct uc_sync_opener {
	/*
	 * Open far end `index` of UC_SYNC_STREAMS_MAX, 0 first, others maybe in threads
	 * of their own. `sftp`: the helper was silent. UC_NOTFOUND with `sftp` when that
	 * cannot be tried.
	 */
	int (*open)(void *arg, unsigned index, bool sftp,
		    const struct uc_far_options *options, struct uc_far **far,
		    struct uc_error *err);
	/* Its far end was freed. */
	void (*close)(void *arg, unsigned index);
	/* How it is connected, safe; may be NULL. */
	const char *(*how)(void *arg);
	unsigned streams; /* that may help; 0: 4 */
	/*
	 * How many others move large files better than the first does beside them: it
	 * leaves these to them. 0: it does not; may be NULL.
	 */
	unsigned (*beside)(void *arg);
	void *arg;
};

/* uc_sync_run with far ends from elsewhere. */
int uc_sync_run_with(const struct uc_sync_request *request,
		     const struct uc_sync_watcher *watcher,
		     const struct uc_sync_opener *opener, struct uc_sync_result *result,
		     struct uc_error *err) UC_MUST_CHECK;

/* ---- The walk here, in a thread of its own. Zero-initialise. ---- */

struct uc_sync_noted {
	char *path;
	int note, errno_value;
};

struct uc_sync_walking {
	pthread_t thread;
	bool started;
	struct uc_sync_planner *planner;
	struct uc_ignore_list command, config, defaults;
	struct uc_work_tree tree;
	struct uc_sync_walk_options options;
	struct uc_sync_walked walked;
	struct uc_sync_noted *noted;
	size_t count;
	atomic_bool *stop;
	int status;
	struct uc_error err;
};
/* Read the rules, and start if there is a folder (planner->root). */
int uc_sync_walking_start(struct uc_sync_walking *walking,
			  struct uc_sync_planner *planner, atomic_bool *stop,
			  struct uc_error *err) UC_MUST_CHECK;
void uc_sync_walking_free(struct uc_sync_walking *walking);
/* A thread that gets no signals. Returns an errno. */
int uc_sync_thread(pthread_t *thread, void *(*body)(void *arg), void *arg) UC_MUST_CHECK;
/* Constant text of a note. */
const char *uc_sync_note_text(enum uc_sync_note note);

/* ---- Jobs ---- */

struct uc_sync_run;

struct uc_sync_job {
	struct uc_far_job far;       /* first */
	struct uc_sync_row *row;     /* NULL: a folder that has none */
	struct uc_sync_entry entry;  /* a folder with other bits than it has */
	struct uc_sync_entry expect; /* what is kept when it is replaced */
	bool clears;                 /* the row's own job follows */
	bool quiet;                  /* nobody asked for it */
	struct uc_sync_lane *lane;
	struct uc_sync_job *next, *before;
};

/* 20261121-134500-3f2a: unique enough for two runs in one second. */
#define UC_SYNC_RUN_NAME 40
void uc_sync_run_name(char name[UC_SYNC_RUN_NAME]);

/* A far end and what is under way there. */
struct uc_sync_lane {
	struct uc_sync_run *run;
	unsigned index;
	struct uc_far *far;
	struct uc_store *store;
	struct uc_far_options options;
	struct uc_sync_job *jobs; /* under way */
	struct uc_sync_job *lost; /* when the lane is closed others do them */
	size_t count;
	uint64_t bytes;
	pthread_t thread;
	bool started;
	/* Of the lanes with a thread; the run's lock. */
	bool over, unfinished;
	uint64_t wire, moving;
	struct uc_error err;
};

struct uc_sync_run {
	const struct uc_sync_request *request;
	const struct uc_sync_watcher *watcher;
	const struct uc_sync_opener *opener;
	struct uc_sync_result *result;
	char name[UC_SYNC_RUN_NAME];
	struct uc_sync_scope scope;
	struct uc_sync_planner planner;
	struct uc_sync_walking walking;
	struct uc_far_listed listed;
	struct uc_far_info info; /* when the far list began */
	uint64_t unreadable, special;
	bool made; /* the folder here */

	struct uc_sync_lane lane[UC_SYNC_STREAMS_MAX];
	unsigned lanes;
	bool sftp, lost;
	bool apart; /* large new files are for the other lanes while there are any */
	atomic_bool stop; /* for the other threads */
	bool stopping;    /* no more jobs */
	bool busy;        /* there was a job */
	int64_t began, stop_ms, told_ms;
	uint64_t bytes_done, wire_done;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t some;
	struct uc_sync_row **large; /* files for any lane */
	size_t larges, next_large;
	struct uc_sync_job *ended, **ended_end;
	/* rows whose place was cleared, or that are sent again; main thread */
	struct uc_sync_row **cleared;
	size_t cleared_count;
};

static inline bool uc_sync_run_push(const struct uc_sync_run *run)
{
	return run->request->direction == UC_SYNC_PUSH;
}

/* UC_NOTFOUND: what was asked for is on neither side; the hint says what is like it. */
int uc_sync_missing(struct uc_sync_run *run, struct uc_error *err) UC_MUST_CHECK;
/* Wait for the walk here. */
int uc_sync_walking_join(struct uc_sync_run *run, struct uc_error *err) UC_MUST_CHECK;
/* The folder there is opened: lane 0, its list asked for; or another lane. */
int uc_sync_lane_open(struct uc_sync_run *run, unsigned index,
		      struct uc_error *err) UC_MUST_CHECK;
void uc_sync_lane_close(struct uc_sync_lane *lane);
/* How many lanes the large files are worth, and a thread for each but the first. */
unsigned uc_sync_lanes_count(struct uc_sync_run *run);
void uc_sync_lanes_start(struct uc_sync_run *run, unsigned lanes);
/* They have nothing more to do. -1: what one of them moved may not last. */
int uc_sync_lanes_join(struct uc_sync_run *run, struct uc_error *err) UC_MUST_CHECK;
/* One more of the large files for a lane, NULL: no more, or enough is under way. */
struct uc_sync_row *uc_sync_lane_take(struct uc_sync_lane *lane);
/* A job of a row's content: NULL when out of memory. */
struct uc_sync_job *uc_sync_job_new(struct uc_sync_lane *lane, struct uc_sync_row *row,
				    enum uc_far_what what);
/* It is under way in its lane; or no more. */
void uc_sync_job_begin(struct uc_sync_job *job);
void uc_sync_job_end(struct uc_sync_job *job);
/* Bytes that its jobs have moved so far. */
uint64_t uc_sync_lane_moving(const struct uc_sync_lane *lane);

/* Do all that is planned. -1: it could not be gone on with; entries may have failed. */
int uc_sync_transfer(struct uc_sync_run *run, struct uc_error *err) UC_MUST_CHECK;
/* What a pull does at the destination besides files: at once. */
void uc_sync_here(struct uc_store *store, struct uc_far_job *job);
/* A job ended: count and tell it, and free it. */
void uc_sync_ended(struct uc_sync_run *run, struct uc_sync_job *job);
/* Tell how far it is; `now`: whenever that was told last. */
void uc_sync_tell(struct uc_sync_run *run, bool now);
/* Ask the watcher whether to stop; remembers it. */
bool uc_sync_asked_to_stop(struct uc_sync_run *run);

#endif

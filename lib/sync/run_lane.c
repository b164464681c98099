/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Far ends: the first one does everything, the others large files, each in a thread. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>

#include "sync/run.h"

#define AHEAD_BYTES ((uint64_t)16 << 20) /* under way, so that no file waits for one */
#define AHEAD_JOBS  64u
#define STREAM_MIN  ((uint64_t)32 << 20) /* to move, for one more connection */
#define STREAMS     4u
#define APART_MIN   ((uint64_t)64 << 20)  /* to move, for others than the first */
#define APART_EACH  ((uint64_t)256 << 20) /* for one more of them */
#define SETTLE_MS   3000                  /* what is under way when the user stops */

/* ---- Jobs ---- */

struct uc_sync_job *uc_sync_job_new(struct uc_sync_lane *lane, struct uc_sync_row *row,
				    enum uc_far_what what)
{
	const struct uc_sync_planner *planner = &lane->run->planner;
	struct uc_sync_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->lane = lane;
	job->row = row;
	job->far.what = what;
	job->far.whole = lane->run->request->whole;
	job->far.arg = job;
	if (row) {
		job->far.entry = uc_sync_row_here(planner, row);
		job->far.expect = uc_sync_row_there(planner, row);
		if (row->keep && job->far.expect) {
			job->expect = *job->far.expect;
			job->expect.keep = true;
			job->far.expect = &job->expect;
		}
	}
	return job;
}

static uint64_t job_bytes(const struct uc_sync_job *job)
{
	bool moves = job->far.what == UC_FAR_PUT || job->far.what == UC_FAR_GET;

	return moves ? job->far.entry->size : 0;
}

void uc_sync_job_begin(struct uc_sync_job *job)
{
	struct uc_sync_lane *lane = job->lane;

	job->before = NULL;
	job->next = lane->jobs;
	if (job->next)
		job->next->before = job;
	lane->jobs = job;
	lane->count++;
	lane->bytes += job_bytes(job);
}

void uc_sync_job_end(struct uc_sync_job *job)
{
	struct uc_sync_lane *lane = job->lane;

	if (job->before)
		job->before->next = job->next;
	else
		lane->jobs = job->next;
	if (job->next)
		job->next->before = job->before;
	lane->count--;
	lane->bytes -= job_bytes(job);
	job->next = NULL;
}

uint64_t uc_sync_lane_moving(const struct uc_sync_lane *lane)
{
	uint64_t sum = 0;

	for (const struct uc_sync_job *job = lane->jobs; job; job = job->next) {
		uint64_t moved = job->far.wire + job->far.kept;
		uint64_t most = job_bytes(job);

		sum += moved < most ? moved : most;
	}
	return sum;
}

/* All of it will travel. */
static bool is_fresh(const struct uc_sync_run *run, const struct uc_sync_row *row)
{
	const struct uc_sync_entry *there = uc_sync_row_there(&run->planner, row);

	return !there || there->kind != UC_SYNC_FILE || run->request->whole ||
	       !run->info.deltas;
}

/* The next one is for the others, which are there. The lock is held. */
static bool is_left(const struct uc_sync_run *run, const struct uc_sync_lane *lane)
{
	bool others = false;

	if (lane->index > 0 || !run->apart)
		return false;
	for (unsigned i = 1; i < run->lanes; i++)
		others = others || !run->lane[i].over;
	return others && is_fresh(run, run->large[run->next_large]);
}

struct uc_sync_row *uc_sync_lane_take(struct uc_sync_lane *lane)
{
	struct uc_sync_run *run = lane->run;
	struct uc_sync_row *row = NULL;

	if (lane->count > 1 && (lane->bytes >= AHEAD_BYTES || lane->count >= AHEAD_JOBS))
		return NULL;
	pthread_mutex_lock(&run->lock);
	if (run->next_large < run->larges && !is_left(run, lane))
		row = run->large[run->next_large++];
	pthread_mutex_unlock(&run->lock);
	return row;
}

/* ---- Far ends ---- */

static void hand_over(struct uc_sync_run *run, struct uc_sync_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&run->lock);
	*run->ended_end = job;
	run->ended_end = &job->next;
	pthread_cond_signal(&run->some);
	pthread_mutex_unlock(&run->lock);
}

/* In the lane's thread: the first one's is the run's. */
static void take_done(void *arg, struct uc_far_job *far)
{
	struct uc_sync_lane *lane = arg;
	struct uc_sync_run *run = lane->run;
	struct uc_sync_job *job = far->arg;

	uc_sync_job_end(job);
	if (lane->index == 0) {
		uc_sync_ended(run, job);
		return;
	}
	if (far->outcome != UC_FAR_LOST) {
		hand_over(run, job);
		return;
	}
	job->next = lane->lost;
	lane->lost = job;
}

/* Nothing is waited for any more: at once before there is a plan, later after a while. */
static bool must_stop(void *arg)
{
	struct uc_sync_lane *lane = arg;
	struct uc_sync_run *run = lane->run;

	if (lane->index > 0)
		return atomic_load_explicit(&run->stop, memory_order_relaxed);
	uc_sync_tell(run, false);
	return uc_sync_asked_to_stop(run) &&
	       (!run->busy || uc_monotonic_ms() - run->stop_ms > SETTLE_MS);
}

int uc_sync_lane_open(struct uc_sync_run *run, unsigned index, struct uc_error *err)
{
	const struct uc_sync_request *request = run->request;
	struct uc_sync_lane *lane = &run->lane[index];
	bool push = uc_sync_run_push(run), near = !request->host;
	struct uc_store_options store = { .run = run->name, .no_sync = request->no_sync };

	lane->run = run;
	lane->index = index;
	lane->options = (struct uc_far_options){
		.root = request->far,
		.create = push && request->create && !request->dry_run,
		.read_only = !push || request->dry_run,
		.no_sync = request->no_sync,
		.run = run->name,
		.near = push ? run->planner.root : -1,
		.compress = near && !request->compress ? -1 : request->compress,
		.rate = request->rate,
		.silence_ms = request->silence_ms,
		.done = take_done,
		.stop = must_stop,
		.arg = lane,
	};

	if (!push && !request->dry_run && !lane->store &&
	    uc_store_open(&lane->store, run->planner.root, &store, err) < 0)
		return -1;
	lane->options.store = lane->store;
	return run->opener->open(run->opener->arg, index, run->sftp, &lane->options,
				 &lane->far, err);
}

void uc_sync_lane_close(struct uc_sync_lane *lane)
{
	bool was_open = lane->far;

	uc_far_free(lane->far);
	lane->far = NULL;
	uc_store_free(lane->store);
	lane->store = NULL;
	if (was_open)
		lane->run->opener->close(lane->run->opener->arg, lane->index);
	while (lane->jobs) {
		struct uc_sync_job *job = lane->jobs;

		uc_sync_job_end(job);
		free(job);
	}
}

/* ---- Threads ---- */

/* What a lane did not get done is for the first one. */
static void give_back(struct uc_sync_lane *lane, struct uc_sync_row *row)
{
	struct uc_sync_run *run = lane->run;

	pthread_mutex_lock(&run->lock);
	if (run->next_large > 0) /* always: it was taken from there */
		run->large[--run->next_large] = row;
	pthread_mutex_unlock(&run->lock);
}

static void tell_run(struct uc_sync_lane *lane)
{
	uint64_t moving = uc_sync_lane_moving(lane);

	pthread_mutex_lock(&lane->run->lock);
	lane->moving = moving;
	lane->wire = lane->far->bytes_in + lane->far->bytes_out;
	pthread_mutex_unlock(&lane->run->lock);
}

static int submit_one(struct uc_sync_lane *lane, struct uc_sync_row *row)
{
	bool push = uc_sync_run_push(lane->run);
	struct uc_sync_job *job =
		uc_sync_job_new(lane, row, push ? UC_FAR_PUT : UC_FAR_GET);
	int status = -1;

	if (job) {
		uc_sync_job_begin(job);
		while ((status = lane->far->ops->submit(lane->far, &job->far,
							&lane->err)) > 0)
			if (lane->far->ops->step(lane->far, 100, &lane->err) < 0)
				break;
		if (status == 0)
			return 0;
		uc_sync_job_end(job);
		free(job);
	}
	give_back(lane, row);
	return -1;
}

static void move_files(struct uc_sync_lane *lane)
{
	for (;;) {
		struct uc_sync_row *row = NULL;

		if (!atomic_load_explicit(&lane->run->stop, memory_order_relaxed))
			row = uc_sync_lane_take(lane);
		if (row && submit_one(lane, row) < 0)
			return;
		if (row)
			continue;
		if (lane->count == 0)
			break;
		if (lane->far->ops->step(lane->far, 100, &lane->err) < 0)
			return;
		tell_run(lane);
	}
	lane->unfinished =
		lane->far->ops->finish(lane->far, &lane->err) < 0 ||
		(lane->store && uc_store_finish(lane->store, &lane->err) != UC_STORE_OK);
}

/*
 * The lane went: what it had begun is for others, who go on in its partial files. These
 * are its own until it is closed.
 */
static void give_up(struct uc_sync_lane *lane)
{
	uc_sync_lane_close(lane);
	while (lane->lost) {
		struct uc_sync_job *job = lane->lost;

		lane->lost = job->next;
		hand_over(lane->run, job);
	}
}

static void *lane_main(void *arg)
{
	struct uc_sync_lane *lane = arg;

	if (uc_sync_lane_open(lane->run, lane->index, &lane->err) == 0) {
		move_files(lane);
		tell_run(lane);
	}
	if (lane->lost)
		give_up(lane);
	pthread_mutex_lock(&lane->run->lock);
	lane->over = true;
	lane->moving = 0;
	pthread_cond_signal(&lane->run->some);
	pthread_mutex_unlock(&lane->run->lock);
	return NULL;
}

/* The first one leaves `bytes` to others: how many. */
static uint64_t count_beside(const struct uc_sync_run *run, uint64_t bytes)
{
	const struct uc_sync_opener *opener = run->opener;
	uint64_t most = 1 + bytes / APART_EACH, lanes = 0;

	if (bytes >= APART_MIN && opener->beside && !run->sftp)
		lanes = opener->beside(opener->arg);
	lanes = lanes > most ? most : lanes;
	return lanes > run->larges ? run->larges : lanes;
}

/* What the first one may take comes first. */
static void put_updates_first(struct uc_sync_run *run)
{
	size_t first = 0;

	for (size_t i = 0; i < run->larges; i++) {
		struct uc_sync_row *row = run->large[i];

		if (is_fresh(run, row))
			continue;
		run->large[i] = run->large[first];
		run->large[first++] = row;
	}
}

unsigned uc_sync_lanes_count(struct uc_sync_run *run)
{
	uint64_t bytes = 0, fresh = 0, lanes = run->request->streams, most;

	for (size_t i = 0; i < run->larges; i++) {
		uint64_t size = uc_sync_row_here(&run->planner, run->large[i])->size;

		bytes += size;
		fresh += is_fresh(run, run->large[i]) ? size : 0;
	}
	most = bytes / STREAM_MIN;
	if (lanes == 0 && !run->request->rate) {
		uint64_t beside = count_beside(run, fresh);

		run->apart = beside > 0;
		if (beside > 0) {
			put_updates_first(run);
			return 1 + (unsigned)beside;
		}
	}
	if (lanes == 0) {
		lanes = run->opener->streams ? run->opener->streams : STREAMS;
		lanes = lanes > most ? most : lanes;
	}
	if (lanes > run->larges)
		lanes = run->larges;
	if (lanes > UC_SYNC_STREAMS_MAX)
		lanes = UC_SYNC_STREAMS_MAX;
	return run->request->rate || lanes == 0 ? 1 : (unsigned)lanes;
}

void uc_sync_lanes_start(struct uc_sync_run *run, unsigned lanes)
{
	for (unsigned i = 1; i < lanes; i++) {
		struct uc_sync_lane *lane = &run->lane[i];

		lane->run = run;
		lane->index = i;
		if (uc_sync_thread(&lane->thread, lane_main, lane) != 0)
			break;
		lane->started = true;
		run->lanes = i + 1;
	}
}

int uc_sync_lanes_join(struct uc_sync_run *run, struct uc_error *err)
{
	int status = 0;

	for (unsigned i = 1; i < run->lanes; i++) {
		if (!run->lane[i].started)
			continue;
		pthread_join(run->lane[i].thread, NULL);
		run->lane[i].started = false;
		if (run->lane[i].unfinished && err)
			*err = run->lane[i].err;
		if (run->lane[i].unfinished)
			status = -1;
		uc_sync_lane_close(&run->lane[i]);
	}
	return status;
}

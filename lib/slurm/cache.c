/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* One process asks, the others read what it was told. */
#include "slurm/cache.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/units.h>

/* Between two looks whether the one that asks is ready. */
#define PAUSE_MS 20
/* Longer than slurmctld usually has to answer (slurm.timeout); then it is asked anyway.
 */
#define WAIT_MS 15000

struct uc_cache {
	char *name;
	int folder; /* -1: there is none that can be trusted */
	struct uc_asked asked;
};

/* One question of it. */
struct look {
	struct uc_cache *cache;
	enum uc_rows_kind kind;
	const struct uc_job_query *query; /* of jobs; NULL: of all rows of the kind */
	int64_t since, max_age_ms;
	uc_jobs_ask *ask_jobs;
	uc_rows_ask *ask_rows;
	struct uc_source *src;
	char key[17];
	struct uc_buf question;
	struct uc_cache_state state; /* all 0: none */
};

int uc_cache_new(const char *dir, const char *name, struct uc_cache **out,
		 struct uc_error *err)
{
	struct uc_cache *cache = calloc(1, sizeof(*cache));

	if (!cache || !(cache->name = strdup(name))) {
		free(cache);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	cache->folder = uc_cache_open_folder(dir);
	if (cache->folder >= 0)
		uc_cache_sweep(cache->folder);
	*out = cache;
	return 0;
}

void uc_cache_free(struct uc_cache *cache)
{
	if (!cache)
		return;
	if (cache->folder >= 0)
		close(cache->folder);
	free(cache->name);
	free(cache);
}

const struct uc_asked *uc_cache_asked(const struct uc_cache *cache)
{
	return &cache->asked;
}

int64_t uc_clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void add_ids(struct uc_buf *out, const char *what, const uint32_t *ids,
		    size_t count)
{
	uc_buf_addf(out, "|%s", what);
	for (size_t i = 0; i < count; i++)
		uc_buf_addf(out, " %u", ids[i]);
}

static bool describe(struct look *look)
{
	const struct uc_job_query *query = look->query;
	uint64_t hash = 0xcbf29ce484222325;

	uc_buf_addf(&look->question, "%s|", look->cache->name);
	if (query) {
		uc_buf_addf(&look->question, "%d|%u|%u|%s", query->detail, query->states,
			    query->state_flags, query->fields ? query->fields : "");
		add_ids(&look->question, "users", query->user_ids, query->user_count);
		add_ids(&look->question, "jobs", query->job_ids, query->job_count);
	} else {
		uc_buf_addf(&look->question, "rows %d", (int)look->kind);
	}
	if (look->question.failed)
		return false;
	for (size_t i = 0; i < look->question.len; i++)
		hash = (hash ^ (unsigned char)look->question.data[i]) * 0x100000001b3;
	for (int i = 0; i < 16; i++, hash >>= 4)
		look->key[i] = "0123456789abcdef"[hash & 15];
	return true;
}

/* The source itself, for what is newer than `since`. */
static int ask(struct look *look, int64_t since, struct uc_rows **out,
	       struct uc_error *err)
{
	struct uc_job_query query;
	struct uc_jobs *jobs = NULL;

	if (!look->query)
		return look->ask_rows(look->src, look->kind, out, err);
	query = *look->query;
	query.since = since;
	if (look->ask_jobs(look->src, &query, &jobs, err) < 0)
		return -1;
	*out = (struct uc_rows *)jobs;
	return 0;
}

static void read_state(struct look *look)
{
	if (!uc_cache_read_state(look->cache->folder, look->key, &look->question,
				 &look->state))
		look->state = (struct uc_cache_state){ 0 };
}

static bool has_failed(const struct uc_cache_state *state)
{
	return state->failed_ms > state->asked_ms;
}

/* A clock that was set back makes everything old. */
static bool is_fresh(const struct look *look)
{
	const int64_t last =
		has_failed(&look->state) ? look->state.failed_ms : look->state.asked_ms;
	const int64_t age = uc_clock_ms() - last;

	return last && age >= 0 && age < look->max_age_ms;
}

static void note_asked(struct look *look, bool shared)
{
	look->cache->asked =
		(struct uc_asked){ look->state.asked_ms, look->state.took_ms, shared };
}

/* What the state says: 1 answered, 0 its answer is gone by now, -1 it failed. */
static int serve(struct look *look, struct uc_rows **out, struct uc_error *err)
{
	const struct uc_cache_state *state = &look->state;

	if (has_failed(state)) {
		uc_fail(err, state->code ? (enum uc_code)state->code : UC_FAILED, "%s",
			state->text);
		return state->hint[0] ? uc_hint(err, "%s", state->hint) : -1;
	}
	*out = NULL;
	if (!look->since || look->since != state->updated)
		*out = uc_cache_read_rows(look->cache->folder, look->key, state->serial,
					  look->kind);
	else
		return 1;
	return *out != NULL;
}

static void write_state(const struct look *look)
{
	(void)!uc_cache_write_state(look->cache->folder, look->key, &look->question,
				    &look->state);
}

static int note_failure(struct look *look, const struct uc_error *why)
{
	struct uc_cache_state *state = &look->state;

	_Static_assert(sizeof(state->text) == sizeof(why->text) &&
			       sizeof(state->hint) == sizeof(why->hint),
		       "texts are copied whole");
	state->failed_ms = uc_clock_ms();
	state->code = why->code;
	memcpy(state->text, why->text, sizeof(state->text));
	memcpy(state->hint, why->hint, sizeof(state->hint));
	write_state(look);
	return -1;
}

/* The old answer goes when the new one is named. */
static void note_rows(struct look *look, const struct uc_rows *rows)
{
	const uint64_t old = look->state.serial;
	uint64_t serial = (uint64_t)uc_clock_ms() << 20;

	/* two in a millisecond, or a clock that was set back */
	if (serial <= old)
		serial = old + 1;
	if (uc_cache_write_rows(look->cache->folder, look->key, serial, rows,
				look->kind) < 0)
		return;
	look->state.serial = serial;
	look->state.updated = rows->updated;
	write_state(look);
	uc_cache_remove_rows(look->cache->folder, look->key, old);
}

/* With the lock: ask, and tell the others. */
static int refresh(struct look *look, struct uc_rows **out, struct uc_error *err)
{
	uc_auto(rows) struct uc_rows *known = NULL;
	int64_t since = look->since;
	struct uc_error why = { 0 };
	const int64_t begun = uc_clock_ms();

	/* not only the own last answer may be the one that still holds */
	if (look->query && look->state.serial && since != look->state.updated)
		known = uc_cache_read_rows(look->cache->folder, look->key,
					   look->state.serial, look->kind);
	if (known)
		since = look->state.updated;
	if (ask(look, since, out, &why) < 0) {
		if (err)
			*err = why;
		return note_failure(look, &why);
	}
	look->state.asked_ms = begun;
	look->state.failed_ms = 0;
	look->state.took_ms = uc_clock_ms() - begun;
	note_asked(look, false);
	if (*out) {
		note_rows(look, *out);
		return 1;
	}
	/* what somebody has is told to hold still */
	if (look->state.serial && since == look->state.updated)
		write_state(look);
	*out = uc_take(&known);
	return 1;
}

/* One try: 1 answered, 0 somebody is asking, -1 failed, or *shares is false. */
static int try_once(struct look *look, bool *shares, struct uc_rows **out,
		    struct uc_error *err)
{
	int lock = UC_CACHE_BUSY, rc = 0;

	read_state(look);
	if (!is_fresh(look)) {
		lock = uc_cache_lock(look->cache->folder, look->key);
		/* it may be fresh by now */
		read_state(look);
	}
	note_asked(look, true);
	if (is_fresh(look))
		rc = serve(look, out, err);
	if (rc == 0 && lock == UC_CACHE_BUSY)
		lock = uc_cache_lock(look->cache->folder, look->key);
	if (rc == 0 && lock >= 0)
		rc = refresh(look, out, err);
	if (lock >= 0)
		close(lock);
	*shares = lock != UC_CACHE_NONE;
	return rc;
}

/*
 * Until there is an answer, by whomever it was asked for: 1, or -1 when it failed. 0: it
 * cannot be shared, or whoever asks does not come to an end; it may be stopped.
 */
static int look_up(struct look *look, struct uc_rows **out, struct uc_error *err)
{
	const int64_t end = uc_monotonic_ms() + WAIT_MS;
	bool shares = true;

	while (shares && uc_monotonic_ms() < end) {
		int rc = try_once(look, &shares, out, err);

		if (rc != 0)
			return rc;
		if (shares)
			poll(NULL, 0, PAUSE_MS);
	}
	return 0;
}

/* Through the cache, or past it. */
static int answer(struct look *look, struct uc_rows **out, struct uc_error *err)
{
	struct uc_cache *cache = look->cache;
	int64_t begun;
	int rc = 0;

	if (cache->folder >= 0 && describe(look))
		rc = look_up(look, out, err);
	uc_buf_free(&look->question);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	begun = uc_clock_ms();
	rc = ask(look, look->since, out, err);
	cache->asked = (struct uc_asked){ begun, uc_clock_ms() - begun, false };
	return rc;
}

int uc_cache_jobs(struct uc_cache *cache, const struct uc_job_query *query,
		  uc_jobs_ask *ask_jobs, struct uc_source *src, struct uc_jobs **out,
		  struct uc_error *err)
{
	struct look look = { .cache = cache,
			     .kind = UC_ROWS_JOBS,
			     .query = query,
			     .since = query->since,
			     .max_age_ms = query->max_age_ms,
			     .ask_jobs = ask_jobs,
			     .src = src };
	struct uc_rows *rows = NULL;

	if (answer(&look, &rows, err) < 0)
		return -1;
	*out = (struct uc_jobs *)rows;
	return 0;
}

int uc_cache_rows(struct uc_cache *cache, const struct uc_rows_question *question,
		  uc_rows_ask *ask_rows, struct uc_source *src, struct uc_rows **out,
		  struct uc_error *err)
{
	struct look look = { .cache = cache,
			     .kind = question->kind,
			     .max_age_ms = question->max_age_ms,
			     .ask_rows = ask_rows,
			     .src = src };

	*out = NULL;
	return answer(&look, out, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_USAGE_H
#define UCLUSTER_USAGE_H
/*
 * How much of the cluster jobs had: GPU and CPU time by day, user or account, added up
 * from a history of jobs.
 *
 *	struct uc_usage_query query = { .by = UC_USAGE_BY_DAY, .since = monday };
 *	uc_auto(usage) struct uc_usage *usage = NULL;
 *	if (uc_usage_make(history, &query, &usage, &err) < 0)
 *		...
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/history.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

enum uc_usage_by {
	UC_USAGE_BY_DAY,  /* every day there is, the first one first */
	UC_USAGE_BY_USER, /* the one with the most first */
	UC_USAGE_BY_ACCOUNT,
};

struct uc_usage_query {
	enum uc_usage_by by;
	int64_t since, until; /* what is outside does not count; until 0 = now */
	const char *user;     /* only jobs of; NULL = all */
	const char *account;  /* the same */
};

struct uc_usage_row {
	struct uc_raw name; /* of the user or account; of a day: "2026-11-21" */
	int64_t day;        /* its begin, local time; 0 unless by day */
	uint64_t jobs;      /* that ran in it; a job of two days counts in both */
	uint64_t gpu_seconds, cpu_seconds; /* GPUs or CPUs times seconds */
};

/* Owns its strings. */
struct uc_usage {
	struct uc_usage_row *row;
	size_t count;
	struct uc_usage_row total; /* each job once */
	bool gpus_known;           /* the site accounts for GPUs, or no job ran */
	struct uc_arena *arena;
};
int uc_usage_make(const struct uc_history *history, const struct uc_usage_query *query,
		  struct uc_usage **out, struct uc_error *err) UC_MUST_CHECK;
void uc_usage_free(struct uc_usage *usage);
UC_DEFINE_AUTO(usage, struct uc_usage *)

/* Begin of the local day that is `days` before the one of `when`. */
int64_t uc_day_begin(int64_t when, int days);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_RESERVATION_H
#define UCLUSTER_RESERVATION_H
/*
 * Reservations, maintenance windows among them, as a snapshot of plain rows.
 *
 *	uc_auto(reservations) struct uc_reservations *all = NULL;
 *	uc_reservations_load(src, &all, &err);
 *	if (uc_reservation_admits(&all->row[0], &who))
 *		...
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/source.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

enum uc_reservation_flags {
	UC_RESERVATION_MAINT = 1,      /* for maintenance */
	UC_RESERVATION_FLEX = 2,       /* its jobs may begin before and end after it */
	UC_RESERVATION_REPEATS = 4,    /* every hour, day, week, ... */
	UC_RESERVATION_PARTIAL = 8,    /* only some cores of its nodes */
	UC_RESERVATION_ANY_NODES = 16, /* licenses or buffers: its nodes are not meant */
	UC_RESERVATION_MAGNETIC = 32,  /* jobs that may use it need not name it */
	UC_RESERVATION_FLOATS = 64,    /* stays as far ahead as it is: never begins */
};

struct uc_reservation {
	struct uc_raw name, nodes, partition, features, licenses, tres;
	struct uc_raw users, accounts, groups; /* unset = not told by these */
	int64_t start_time, end_time;
	uint32_t node_count, cores;
	uint32_t flags; /* of enum uc_reservation_flags */
};

/* Immutable; owns all its strings. */
struct uc_reservations {
	size_t count;
	const struct uc_reservation *row;
	int64_t now, updated; /* as in uc_jobs */
	struct uc_owner *owner;
};
void uc_reservations_free(struct uc_reservations *reservations);
UC_DEFINE_AUTO(reservations, struct uc_reservations *)

/* One RPC; older recordings have none. Fails as all questions of source.h do. */
int uc_reservations_load(struct uc_source *src, struct uc_reservations **out,
			 struct uc_error *err) UC_MUST_CHECK;

/* Somebody who asks; what is NULL is not known and fits nothing. */
struct uc_identity {
	uint32_t user_id;
	const char *user;            /* name */
	const char *const *groups;   /* NULL-terminated */
	const char *const *accounts; /* NULL-terminated */
};
/* May their jobs use it, by --reservation=NAME? Also root's. */
bool uc_reservation_admits(const struct uc_reservation *reservation,
			   const struct uc_identity *who);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UQUEUE_WATCH_H
#define UC_UQUEUE_WATCH_H
/*
 * --watch: a thread asks (asker.h), the screen is redrawn from the last answer
 * (watch_screen.c), in which rows are marked by what they were before (watch_rows.c).
 */
#include <termios.h>
#include "common/asker.h"
#include "common/cluster.h"
#include "uqueue/list.h"

/* What a row is known by from one answer to the next, and what is compared. */
struct watch_key {
	uint32_t id, task;
	uint32_t state;
	size_t row;
};

/* One answer, as it is shown. */
struct watch_rows {
	struct uc_jobs *jobs;
	struct uqueue_rows rows; /* with those that are gone since the answer before */
	struct watch_key *keys;  /* of those that are not gone, sorted */
	size_t key_count;
	size_t run, wait;
};

struct watch {
	struct uc_run *run;
	struct uqueue_listing list;
	struct uqueue_context context;
	struct uqueue_wants wants; /* the asking thread's while it asks */
	int64_t interval_ms;       /* as it was asked for */
	struct watch_rows now, before;
	struct uc_asked asked; /* about the last answer */
	struct uc_error err;   /* why there is no newer one; text empty: there is */
	int64_t next_ms;       /* when to ask again, by the clock */
	int64_t pause_ms;      /* between two questions, at present */
	int64_t max_age_ms;    /* younger answers to others will do */
	size_t top;            /* the first row that is shown */
	size_t lines;          /* of the terminal */
	struct termios cooked; /* as it was */
	bool stops;            /* Ctrl-Z was pressed */
};

/* watch_rows.c */
/* The rows of a new answer, or, NULL, of the same one again: old marks go. */
int watch_rows_take(struct watch *w, struct uc_jobs *jobs,
		    struct uc_error *err) UC_MUST_CHECK;
void watch_rows_free(struct watch_rows *rows);
/* '+' new, '~' in another state, '-' gone, ' ' */
char watch_rows_mark(const struct watch *w, const struct uqueue_row *row);

/* watch_screen.c */
int watch_screen_begin(struct watch *w, struct uc_error *err) UC_MUST_CHECK;
void watch_screen_end(struct watch *w);
/* Its size, which may have changed. */
void watch_screen_measure(struct watch *w);
void watch_screen_draw(struct watch *w);
/* Rows that fit. */
size_t watch_screen_rows(const struct watch *w);

/* By the clock that processes share. */
int64_t watch_clock_ms(void);

#endif

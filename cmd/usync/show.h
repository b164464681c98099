/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USYNC_SHOW_H
#define UC_USYNC_SHOW_H
/*
 * What a run shows: items on standard output (--dry-run, status, -v) or events (--json),
 * one line of progress on a terminal, and in the end what became of it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <ucluster/sync.h>
#include "common/json.h"
#include "common/run.h"

/* Names that are remembered until the end; those beyond are counted. */
#define USYNC_NAMES_MAX 1000
struct usync_names {
	struct uc_strv shown; /* safe, with what there is to say */
	uint64_t count;
};

/* What several runs say in the end: once, as long as it is so. Zero-initialise. */
struct usync_said {
	struct uc_strv before, now;
};

/* See usync_stop_begin(). */
struct usync_stop {
	pthread_t thread;
	sigset_t before;
	atomic_bool over, gently, asked;
	atomic_int signal; /* the last one */
	bool running, said;
};

struct usync_show {
	const struct uc_run *run;
	const struct uc_sync_request *request;
	const char *verb;                 /* "push", "pull", "status", "copy", "watch" */
	bool json, quiet, list, yes, ask; /* list: items are printed */
	bool status;                      /* both directions are told, as in status */
	bool idle_quiet;                  /* a run that had nothing to do says nothing */
	struct usync_said *said; /* of the runs before; NULL: this is the only one */
	struct usync_names conflicts, secrets, removes, faults;
	uint64_t kinds;   /* conflicts of a folder and what is none */
	uint64_t removed; /* moved to the trash */
	char *extra;      /* a folder that is only there: what is in it is not listed */
	uint64_t listed, unlisted;
	/* progress */
	bool progress, drawn;
	const char *phase;
	int64_t drawn_ms, started_ms, sampled_ms;
	uint64_t sampled;
	double speed; /* bytes a second of late */
	bool declined;
	struct usync_stop stop;
};

/* Ready to be given to uc_sync_run(). */
void usync_show_begin(struct usync_show *show, struct uc_sync_watcher *watcher);
/*
 * What became of it: `failed` is uc_sync_run()'s answer, with err. Returns the exit
 * status.
 */
int usync_show_end(struct usync_show *show, const struct uc_sync_result *result,
		   bool failed, const struct uc_error *err);
void usync_show_free(struct usync_show *show);
/* Was it not said by the run before? It is remembered for the next one. */
bool usync_is_news(const struct usync_show *show, const char *line);

/* "new", "update", ...; in status: "push", "pull", ... */
const char *usync_action_word(const struct usync_show *show, enum uc_sync_action action);
void usync_show_item(const struct usync_show *show, const struct uc_sync_item *item);
void usync_show_summary(struct usync_show *show, const struct uc_sync_result *result);
/* "1.2M", "310 bytes" */
void usync_bytes(struct uc_buf *out, uint64_t bytes);

/* Events (show_json.c). */
void usync_json_start(const struct usync_show *show);
void usync_json_item(const char *event, const struct uc_sync_item *item,
		     const char *text);
void usync_json_skip(const struct uc_sync_skipped *skipped);
void usync_json_note(struct uc_raw path, const char *text, int errno_value);
void usync_json_plan(const struct uc_sync_plan *plan);
void usync_json_progress(const struct uc_sync_progress *progress);
void usync_json_end(const struct uc_sync_result *result, int status,
		    const struct uc_error *err);
void usync_json_snapshot(const char *id);

/* The line (progress.c). */
void usync_progress_phase(struct usync_show *show, const char *phase);
void usync_progress_draw(struct usync_show *show,
			 const struct uc_sync_progress *progress);
/* Before anything else is written to the terminal. */
void usync_progress_clear(struct usync_show *show);
/* The line's text, at most `columns` wide. */
void usync_progress_text(struct usync_show *show, const struct uc_sync_progress *progress,
			 int columns, struct uc_buf *out);

/*
 * Ctrl-C, SIGTERM and SIGHUP (stop.c), between begin and end. Gently: the first one is
 * told by usync_stop_asked(), the second ends the process as ever. Else so does the
 * first: nothing is under way that could be left half done, or a question is open.
 */
void usync_stop_begin(struct usync_show *show);
void usync_stop_end(struct usync_show *show);
void usync_stop_gently(struct usync_show *show, bool gently);
bool usync_stop_asked(struct usync_show *show);
/* After the end: a signal that came too late to be told ends the process now. */
void usync_stop_late(struct usync_show *show);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_DASH_H
#define UC_UDASH_DASH_H
/*
 * udash: panes that draw one snapshot of the cluster into cells, keys from one table that
 * change what the panes show, and a loop that waits for keys and answers.
 *
 *	loop.c    poll: keys, signals, answers of the fetching thread (fetch.c)
 *	keys.c    the table of keys, which also draws the help and the man page
 *	frame.c   header, tabs, pane, bar of keys, boxes on top
 *	pane_*.c  one view each: state, rows from the data, cells, keys of its own
 *	box.c     text or a question on top of a pane
 *
 * Nothing here waits: only loop.c does.
 */
#include <jansson.h>
#include "udash/box.h"
#include "udash/cells.h"
#include "udash/columns.h"
#include "udash/data.h"
#include "udash/job.h"
#include "udash/list.h"
#include "udash/term.h"

enum dash_view {
	DASH_JOBS,
	DASH_GPUS,
	DASH_OUTPUT,
	DASH_DISK,
	DASH_NODES,
	DASH_VIEWS
};

struct dash;

/* What a view is made of; all but name, draw may be NULL. */
struct dash_pane {
	const char *name;
	/* Begin, with d->pane[view] to be filled; -1: out of memory. */
	int (*open)(struct dash *d);
	void (*close)(struct dash *d);
	/* The view is switched to; `job`: at the cursor of the one before, or NULL. */
	void (*enter)(struct dash *d, const struct uc_job *job);
	/* d->data is another one, or what is to be shown of it has changed. */
	void (*take)(struct dash *d);
	void (*draw)(struct dash *d, struct dash_area area);
	/* A key that the table of keys left to the view, or the mouse, at a place counted
	 * from the view's corner. False: it means nothing. */
	bool (*key)(struct dash *d, const struct dash_event *event);
	/* ":sort NAME", which may be shortened. False: no such name. */
	bool (*sort)(struct dash *d, const char *name);
	/* The job at the cursor, borrowed from d->data; NULL: none. */
	const struct uc_job *(*job)(struct dash *d);
	/* All jobs that the row at the cursor stands for, one after the other; NULL: the
	 * first, and the end. NULL function: it stands for job() alone. */
	const struct uc_job *(*next)(struct dash *d, const struct uc_job *job);
	/* The node at the cursor, likewise. */
	const struct uc_node *(*node)(struct dash *d);
	/* What the view waits for besides: a descriptor, milliseconds, or -1. */
	int (*fd)(struct dash *d);
	int (*wait_ms)(struct dash *d);
	/* That is there, or the time is over: look. True: draw again. */
	bool (*tick)(struct dash *d);
};
extern const struct dash_pane dash_pane_jobs, dash_pane_gpus, dash_pane_output,
	dash_pane_disk, dash_pane_nodes;
extern const struct dash_pane *const dash_panes[DASH_VIEWS];

/* A click here is this key. */
struct dash_hot {
	int row, column, columns;
	int key;
};
#define DASH_HOTS 32

/* Sums over the data, of one model of GPU, or of all that have no name. */
struct dash_model {
	const char *type; /* foreign; of d->data */
	uint64_t total, free, mine, out;
};
#define DASH_MODELS 12
struct dash_sums {
	struct dash_model model[DASH_MODELS];
	size_t models;
	uint64_t gpus, used;                /* of all models */
	uint64_t running, waiting, my_gpus; /* of one's own jobs */
};

#define DASH_HISTORY 512
struct dash_options {
	bool read_only, mouse, everybody, ascii;
	int64_t interval_ms; /* between two questions */
	int64_t idle_ms;     /* nothing typed for so long: stop asking; 0: never */
};

/* What d->data was made of. */
struct dash_parts {
	const void *jobs, *index, *nodes, *partitions, *map;
	bool everybody;
};

struct dash {
	struct uc_run *run;
	struct dash_options options;
	struct dash_fetch *fetch;
	const struct dash_data *data; /* NULL: there is none yet */
	struct dash_parts parts;
	uint64_t taken;      /* how many that differed */
	unsigned stale;      /* views that have not yet taken it, by their bits */
	struct uc_error err; /* why there is no newer one; text "": there is */
	int64_t next_ms;     /* when to ask, by uc_monotonic_ms() */
	int64_t typed_ms;    /* the last key */
	bool everybody, paused, quit, fresh;
	bool hurried; /* more is needed than there is, and asked for */
	bool hangs;   /* a thread: the process must end by _exit(2) */
	uint32_t me;

	enum dash_view view;
	struct dash_columns columns[DASH_VIEWS]; /* of those that are lists */
	void *pane[DASH_VIEWS];                  /* each view's own */
	struct dash_grid grid;
	struct dash_area body; /* the view's, as it was drawn */
	struct dash_hot hot[DASH_HOTS];
	size_t hots;
	size_t page; /* rows that the view showed last: what a page is */

	struct dash_prompt prompt;
	struct dash_box box;
	struct uc_buf filter, search; /* of the lists; "" none */
	struct dash_set marks;        /* jobs */
	char message[200];            /* safe; the last line until message_ms */
	int64_t message_ms;

	struct dash_deed *deeds; /* asked for, or being done */
	size_t deed_count;
	bool doing;

	uint64_t used[DASH_HISTORY]; /* GPUs in use, minute by minute */
	size_t used_count;
	int64_t used_minute; /* of the last one */
	struct dash_sums sums;
	int64_t took_about; /* ms that slurmctld took, as the header tells it */
};

/* loop.c */
int dash_open(struct dash *d, struct uc_run *run, struct uc_error *err) UC_MUST_CHECK;
void dash_close(struct dash *d);
int dash_loop(struct dash *d, int signals, struct uc_error *err) UC_MUST_CHECK;
/* New data, as the loop does it; also for tests. */
void dash_take(struct dash *d, const struct dash_data *data);
/* Something shown changes without new data: filter, sort, folds. */
void dash_again(struct dash *d);
/* The view takes what it has not: before it is drawn, asked, or gets a key. */
void dash_freshen(struct dash *d);
/* Nobody looks: the terminal is somebody else's, or nothing was typed for long. */
bool dash_is_unwatched(const struct dash *d);
/* Ask as soon as is decent. */
void dash_hurry(struct dash *d);
/* Let the view find what it shows, for at most two seconds: for one frame. */
void dash_settle(struct dash *d);
/* Run a command on the terminal, then come back; words end with NULL. */
void dash_run_command(struct dash *d, const char *const *words);

/* frame.c: one frame into d->grid. */
void dash_draw(struct dash *d);
/* A list without rows: because of the filter, or `none` says why. */
void dash_draw_none(const struct dash *d, struct dash_area area, const char *what,
		    const char *none);
/* header.c: what is free, what is mine, how old it is. */
void dash_sum(struct dash *d);
void dash_note_took(struct dash *d, int64_t ms);
void dash_draw_header(const struct dash *d, struct dash_area line);

/* keys.c */
void dash_show_view(struct dash *d, enum dash_view view);
void dash_key(struct dash *d, const struct dash_event *event);
enum dash_keys_form {
	DASH_KEYS_TEXT,
	DASH_KEYS_MDOC,
};
void dash_keys_print(struct uc_buf *out, enum dash_keys_form form);
/* Lines for the help box; of the bar: "F1Help", its parts. */
void dash_keys_help(struct uc_strv *lines);
bool dash_keys_bar(const struct dash *d, size_t index, struct uc_buf *key,
		   const char **name, int *code);
/* The keys of a row of the table, as they are written; NULL: there are fewer. */
const char *dash_keys_name(size_t index);

/* command.c: a line after ':' */
void dash_command(struct dash *d);

/* dump.c: print the data of one frame as JSON. */
int dash_dump(const struct dash *d, struct uc_error *err) UC_MUST_CHECK;

/* state.c: view, order, filter of the last time; an option given wins. */
void dash_state_read(struct dash *d);
void dash_state_write(const struct dash *d);

#endif

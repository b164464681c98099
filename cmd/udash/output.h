/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_OUTPUT_H
#define UC_UDASH_OUTPUT_H
/* The pane of output: files and keys (pane_output.c), lines and looks (output_draw.c). */
#include <ucluster/follow.h>
#include "udash/dash.h"

enum {
	OUTPUT_STREAMS = 4,
	OUTPUT_LINES = 20000, /* kept of a file */
};

struct output_stream {
	struct dash_id id; /* the job's */
	char name[64];     /* safe */
	char *path;
	char *line[OUTPUT_LINES]; /* a ring */
	size_t first, count;
	struct uc_buf rest; /* a line without its end, raw */
	int which;          /* in `follow` */
	char note[320];     /* why there is nothing */
};

struct output_pane {
	struct uc_follow *follow;
	struct output_stream *stream[OUTPUT_STREAMS];
	size_t streams, at; /* at: the one that keys move */
	size_t back;        /* lines that are below what is shown; 0: the end is */
	size_t left;        /* columns that are cut off at the left; not with wrap */
	size_t from;        /* first that is shown, as they were drawn */
	size_t across, down;
	bool errors, wrap;
};

/* output_draw.c */
/* The place of a line in the ring, the first is 0. */
char **output_line_at(struct output_stream *s, size_t index);
void output_add_bytes(struct dash *d, struct output_stream *s, const char *bytes,
		      size_t len);
void output_forget(struct output_stream *s);
void output_draw(struct dash *d, struct dash_area area);

#endif

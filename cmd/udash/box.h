/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_BOX_H
#define UC_UDASH_BOX_H
/* Lines that are typed, and boxes on top of a view (box.c). */
#include "udash/cells.h"
#include "udash/term.h"

struct dash;

/* A line that is typed: a filter, a search, a command. */
struct dash_prompt {
	const char *title;             /* NULL: none is open */
	struct uc_buf text;            /* UTF-8 */
	void (*typed)(struct dash *d); /* after every key; may be NULL */
	void (*done)(struct dash *d);  /* Enter */
	void (*gone)(struct dash *d);  /* Esc; may be NULL */
};

/* Lines on top of the view, perhaps with keys that do something. */
struct dash_box {
	bool open;
	char title[80];      /* safe */
	struct uc_strv line; /* safe */
	size_t top;
	bool seen;  /* it has been on the screen */
	bool more;  /* lines below what is shown */
	bool picks; /* there is a cursor in it */
	size_t at;
	struct dash_area inside; /* as it was drawn */
	/* Any key that does not scroll. False, or no function: the box closes. */
	bool (*key)(struct dash *d, int key);
};

void dash_box_open(struct dash *d, const char *safe_title);
void dash_box_addf(struct dash *d, const char *fmt, ...) UC_PRINTF(2, 3);
/* A line "name        text"; none when the text is empty. */
void dash_box_add_raw(struct dash *d, const char *name, struct uc_raw text);
void dash_box_close(struct dash *d);
void dash_box_key(struct dash *d, const struct dash_event *event);
void dash_box_draw(struct dash *d, struct dash_area screen);
void dash_say(struct dash *d, const char *fmt, ...) UC_PRINTF(2, 3);
void dash_prompt_open(struct dash *d, const char *title, const char *text,
		      void (*done)(struct dash *d));
void dash_prompt_key(struct dash *d, int key);

#endif

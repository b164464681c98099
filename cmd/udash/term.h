/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_TERM_H
#define UC_UDASH_TERM_H
/*
 * The terminal: only term.c and term_keys.c know curses. One at a time. It is as it was
 * before on every way out, fatal signals included. While it is on, nothing else may write
 * to it: standard error goes to a file that is shown afterwards.
 */
#include <wchar.h>
#include <ucluster/error.h>
#include "udash/cells.h"

/* Characters are themselves (Ctrl-L is 12, Esc 27); these are beyond Unicode. */
enum dash_key {
	DASH_KEY_NONE = 0,
	DASH_KEY_TAB = 9,
	DASH_KEY_ENTER = 13,
	DASH_KEY_ESC = 27,
	DASH_KEY_FIRST = 0x110000,
	DASH_KEY_UP,
	DASH_KEY_DOWN,
	DASH_KEY_LEFT,
	DASH_KEY_RIGHT,
	DASH_KEY_PAGE_UP,
	DASH_KEY_PAGE_DOWN,
	DASH_KEY_HOME,
	DASH_KEY_END,
	DASH_KEY_BACKTAB,
	DASH_KEY_BACKSPACE,
	DASH_KEY_DELETE,
	DASH_KEY_CLICK, /* row and column say where */
	DASH_KEY_WHEEL_UP,
	DASH_KEY_WHEEL_DOWN,
	DASH_KEY_RESIZE,
	DASH_KEY_F, /* DASH_KEY_F + 1: F1 */
	DASH_KEY_LAST = DASH_KEY_F + 12,
};
#define DASH_CTRL(c) ((c)&0x1f)

struct dash_event {
	int key;
	int row, column; /* of the mouse */
};

struct dash_term_options {
	bool color, mouse;
	bool light;       /* its background */
	const char *term; /* TERM */
};

/* UC_USAGE: this terminal cannot be drawn on. */
int dash_term_open(const struct dash_term_options *options,
		   struct uc_error *err) UC_MUST_CHECK;
void dash_term_close(void);
void dash_term_size(int *rows, int *columns);
/* Only what differs from what is there is written. */
void dash_term_show(const struct dash_grid *grid);
/* Draw all of it the next time: something else wrote to the terminal. */
void dash_term_redraw(void);
/* The next thing that was typed; false when there is none. Never waits. */
bool dash_term_read(struct dash_event *event);
/* term_keys.c: keys that terminfo may not know; and what was typed, as curses has it. */
void dash_term_define_keys(void);
void dash_term_key(struct dash_event *event, bool special, wint_t code);
/* Take clicks and the wheel from the terminal, or leave them to it. */
void dash_term_mouse(bool on);
/* Drop what was typed ahead. */
void dash_term_flush(void);
/* Give the terminal to another program, and take it back. */
void dash_term_leave(void);
void dash_term_return(void);
/* Put text on the clipboard of the terminal (OSC 52); at most 4 KiB. */
void dash_term_copy(const char *bytes, size_t len);
/* clipboard.c: the sequence that does it. */
void dash_clipboard(struct uc_buf *out, const char *bytes, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SESSION_SCREEN_H
#define UC_SESSION_SCREEN_H
/*
 * What a terminal would show of a program's output, and the lines that have left it at
 * the top: so that a terminal that comes later gets the same. libvterm does the work.
 */
#include <ucluster/session.h>

struct uc_screen;
/*
 * libvterm 0.1.4 adds up the widths of a character and the five accents it may have, and
 * writes beyond narrower screens; a window may be smaller.
 */
#define UC_SCREEN_COLUMNS_LEAST 12
/* Keeps at most `history` lines, and no more bytes of them than UC_SCREEN_BYTES. */
struct uc_screen *uc_screen_new(const struct uc_session_size *size, size_t history);
void uc_screen_free(struct uc_screen *screen);
UC_DEFINE_AUTO(screen, struct uc_screen *)
#define UC_SCREEN_BYTES (32u << 20)

void uc_screen_write(struct uc_screen *screen, const char *bytes, size_t len);
void uc_screen_resize(struct uc_screen *screen, const struct uc_session_size *size);
/* What a terminal would answer to the program's questions since the last call. */
const struct uc_buf *uc_screen_answers(struct uc_screen *screen);
void uc_screen_answered(struct uc_screen *screen);
/* How many lines ever left the screen at the top. */
uint64_t uc_screen_lines(const struct uc_screen *screen);

struct uc_screen_draw {
	struct uc_session_size size; /* of the terminal */
	uint64_t from;               /* which of those lines come first */
	bool clear;                  /* what is seen there now is ours, and goes */
};
/* Add what draws the screen, and the lines before it, in a terminal of default modes. */
void uc_screen_draw(struct uc_screen *screen, const struct uc_screen_draw *how,
		    struct uc_buf *out);
/* Add its last `most` lines and the screen, coloured as they were, as lines of a file. */
void uc_screen_text(const struct uc_screen *screen, size_t most, struct uc_buf *out);

#endif

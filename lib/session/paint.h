/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SESSION_PAINT_H
#define UC_SESSION_PAINT_H
/* libvterm's cells as text and colours for another terminal. */
#include <ucluster/text.h>
#include <vterm.h>

struct uc_paint_pen {
	VTermScreenCellAttrs attrs;
	VTermColor fg, bg;
	bool coloured[2]; /* is fg, bg another one than the default? */
};
/* Select it from scratch; nothing for the default one. */
void uc_paint_pen(struct uc_buf *out, const struct uc_paint_pen *pen);
/* The one that is in use. */
void uc_paint_state_pen(const VTermState *state, struct uc_paint_pen *pen);

/* All of these cells, blank ones too, begun and ended with the default pen. */
void uc_paint_cells(struct uc_buf *out, const VTermScreenCell *cells, int count);
/*
 * A row without the blanks at its end, begun and ended with the default pen. True: it is
 * full to the last column, so what is in the next row may go on with it.
 */
bool uc_paint_line(struct uc_buf *out, const VTermScreenCell *cells, int columns);
/* Nothing is seen in it. */
bool uc_paint_is_blank(const VTermScreenCell *cell);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UATTACH_RELAY_H
#define UC_UATTACH_RELAY_H
/* A child's input and output, in this terminal. */
#include "uattach/inside.h"
#include "uattach/uattach.h"

struct uattach_end {
	bool detached; /* the user left it; else it ended by itself */
	int status;    /* exit status, 128 and the signal */
};

/* In a terminal of its own, of this one's size; keys that detach are looked for. */
int uattach_relay_screen(struct uattach *u, const struct uc_strv *argv,
			 struct uattach_end *end, struct uc_error *err);
/*
 * The terminal of a step is brought to this one's size, and back to what it was in the
 * end, by the helper on its node. Without that it stays as it is.
 */
struct uattach_size {
	struct uattach_child child;
	struct uc_buf said;     /* sizes of before, the first of them first */
	uint16_t rows, columns; /* that were asked for last */
};
void uattach_size_open(struct uattach *u, struct uattach_size *size);
void uattach_size_set(struct uattach_size *size, uint16_t rows, uint16_t columns);
void uattach_size_close(struct uattach_size *size);
/*
 * Its output as text (printer.h); Ctrl-C leaves it. What is typed goes to it; a file or
 * pipe does with --input only, for its end would end the job's input.
 */
int uattach_relay_lines(struct uattach *u, const struct uc_strv *argv,
			struct uattach_end *end, struct uc_error *err);

/* "detached, job 4711 goes on", and how to come back. */
void uattach_say_detached(const struct uattach *u);

#endif

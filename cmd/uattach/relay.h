/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UATTACH_RELAY_H
#define UC_UATTACH_RELAY_H
/* A child's input and output, in this terminal. */
#include "uattach/uattach.h"

struct uattach_end {
	bool detached; /* the user left it; else it ended by itself */
	int status;    /* exit status, 128 and the signal */
};

/* In a terminal of its own, of this one's size; keys that detach are looked for. */
int uattach_relay_screen(struct uattach *u, const struct uc_strv *argv,
			 struct uattach_end *end, struct uc_error *err);
/*
 * Its output as text (printer.h); Ctrl-C leaves it. What is typed goes to it; a file or
 * pipe does with --input only, for its end would end the job's input.
 */
int uattach_relay_lines(struct uattach *u, const struct uc_strv *argv,
			struct uattach_end *end, struct uc_error *err);

/* "detached, job 4711 goes on", and how to come back. */
void uattach_say_detached(const struct uattach *u);

#endif

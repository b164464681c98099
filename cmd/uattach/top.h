/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UATTACH_TOP_H
#define UC_UATTACH_TOP_H
/* What a job uses: samples of the helper on its node. */
#include <termios.h>
#include "uattach/inside.h"

#define TOP_FIELDS 8

struct top_row {
	char *field[TOP_FIELDS];
};
struct top_rows {
	struct top_row *item;
	size_t count;
};

struct top {
	struct uattach *u;
	struct uattach_child child;
	struct uc_buf in;
	struct uc_strv lines;         /* of the sample that is coming */
	struct top_rows process, gpu; /* of the last one; borrow from `lines` */
	const char *node, *note;
	bool screen; /* drawn again and again */
	size_t rows, columns;
	int signals;
	int signal;             /* that ended it; 0: none */
	struct termios *before; /* the terminal's own modes */
};

/* "4711" as a number. */
int64_t top_number(const char *text);
/* The last sample; -1 with errno: it cannot be written. */
int top_show(struct top *t);
int top_show_json(struct top *t);

#endif

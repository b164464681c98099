/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UATTACH_SESSION_H
#define UC_UATTACH_SESSION_H
/* Detachable sessions (usrun --detachable), shown in this terminal. */
#include <sys/types.h>
#include "uattach/uattach.h"

/* Is this job one? slurmctld tells by its command; no receipt is needed. */
bool uattach_is_session(const struct uc_job *job);
/* What tells it from others, of `len` bytes; NULL: it is none. */
const char *uattach_session_key(const struct uc_job *job, size_t *len);
/*
 * Show it until it ends or is detached from. run->status is the program's exit status; -1
 * without a text when that is not 0.
 */
int uattach_session(struct uattach *u, const struct uc_job *job, struct uc_error *err);

/* terminal.c: the user's terminal, in raw mode while a session is shown. */
struct uattach_terminal {
	int fd; /* opened anew: what is set there is nobody else's */
	bool raw;
	void *saved; /* struct termios */
};
int uattach_terminal_open(struct uattach_terminal *t, struct uc_error *err);
void uattach_terminal_close(struct uattach_terminal *t);
void uattach_terminal_raw(struct uattach_terminal *t);
void uattach_terminal_restore(struct uattach_terminal *t);
/* Its size, 80x24 when nobody knows. */
struct uc_session_size;
void uattach_terminal_size(const struct uattach_terminal *t,
			   struct uc_session_size *size);

/* link.c: srun, whose step is the other end of the line. */
struct uattach_link {
	pid_t srun;           /* 0: it ended */
	int to, from, errors; /* -1: closed */
	struct uc_buf said;   /* srun's own words */
};
int uattach_link_open(struct uattach_link *link, const struct uc_run *run,
		      const struct uc_job *job, struct uc_error *err);
/* Let it end by itself, then make it. */
void uattach_link_close(struct uattach_link *link);
/* Read what srun says; not for the terminal as it is. */
void uattach_link_listen(struct uattach_link *link);

#endif

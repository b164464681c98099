/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_ASK_H
#define UC_COMMON_ASK_H
/* Questions to who sits at the terminal. Texts given are safe. */
#include "common/run.h"

/* Is somebody there to answer? Standard input and standard error are a terminal. */
bool uc_ask_possible(const struct uc_run *run);

/* "prog: QUESTION? [y/N] "; true for y and yes. What was typed before does not count. */
bool uc_ask_yes(const struct uc_run *run, const char *question);

/*
 * One line, without its end, at most 1023 bytes of it. Without `echo` nothing of it is
 * shown, and the terminal is as it was however this ends. -1: no line (Ctrl-D, Ctrl-C,
 * which then goes the way of every Ctrl-C).
 */
int uc_ask_line(const char *prompt, bool echo, struct uc_buf *answer) UC_MUST_CHECK;

#endif

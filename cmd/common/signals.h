/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_SIGNALS_H
#define UC_COMMON_SIGNALS_H
#include <signal.h>
#include <stddef.h>

/*
 * The signals of numbers, but for those that whoever started us had ignored (nohup(1), a
 * shell's background): when they are blocked to be read they would be read all the same.
 */
void uc_signals_heeded(sigset_t *set, const int *numbers, size_t count);

/* SIGINT, SIGTERM and SIGHUP, likewise. */
void uc_signals_ending(sigset_t *set);

#endif

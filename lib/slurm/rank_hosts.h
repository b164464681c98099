/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_RANK_HOSTS_H
#define UC_SLURM_RANK_HOSTS_H
#include <stdbool.h>

/*
 * Is `name` in a host list, "gpu[1-3,07],login,r[1-2]n[01-16]"? False for NULL and for
 * what is malformed. Nothing is expanded.
 */
bool uc_hosts_has(const char *list, const char *name);
/* Have two lists of words, "gpu,long", one in common? False for NULL and "". */
bool uc_words_share(const char *a, const char *b);

#endif

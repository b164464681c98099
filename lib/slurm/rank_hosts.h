/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_RANK_HOSTS_H
#define UC_SLURM_RANK_HOSTS_H
#include <stdbool.h>

/* Have two lists of words, "gpu,long", one in common? False for NULL and "". */
bool uc_words_share(const char *a, const char *b);

#endif

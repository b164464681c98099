/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UCLUSTER_COMPLETE_H
#define UC_UCLUSTER_COMPLETE_H
/* Words that are kept between one Tab and the next (complete_cache.c). */
#include "common/run.h"

/* The words of last time and how old they are, in seconds. */
bool complete_cache_get(const struct uc_run *run, const char *kind, struct uc_buf *words,
			int64_t *age);
void complete_cache_put(const struct uc_run *run, const char *kind,
			const struct uc_buf *words);
/* False: somebody else is at it. */
bool complete_cache_lock(const struct uc_run *run, const char *kind);
/* Ask again in the background. */
void complete_cache_refresh(const struct uc_run *run, const char *kind);

#endif

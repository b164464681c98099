/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_JOB_CHECK_CACHE_H
#define UC_JOB_CHECK_CACHE_H
/*
 * Definitions of partitions, nodes and limits in files of the user's own: the wire format
 * (wire.h), which is checked as it is read. A file belongs to one state of slurm.conf. A
 * stale one refuses nothing: before a refusal everything is asked anew.
 */
#include <ucluster/error.h>
#include "slurm/rows.h"

#define UC_CHECK_CACHE_S   600   /* seconds after which a file is renewed */
#define UC_CHECK_CACHE_TOP 86400 /* after which it is not believed any more */
#define UC_CHECK_CACHE_MAX ((size_t)256 << 20)

struct uc_check_cache {
	const char *dir;  /* NULL: none */
	const char *conf; /* path of slurm.conf, or NULL */
	bool fresh;       /* write only */
};
/* At most `age` seconds old, which becomes its age. False: there is no such file. */
bool uc_check_cache_get(const struct uc_check_cache *cache, enum uc_rows_kind kind,
			int64_t *age, struct uc_rows **out);
/* A cache that cannot be written is none. */
void uc_check_cache_put(const struct uc_check_cache *cache, enum uc_rows_kind kind,
			const struct uc_rows *rows);

#endif

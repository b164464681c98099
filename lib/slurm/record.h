/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_RECORD_H
#define UC_SLURM_RECORD_H
/*
 * A recorded cluster is a folder:
 *
 *	manifest.json	{"ucluster_record": 1, "now": SECONDS,
 *			 "tables": {"jobs": {"now": SECONDS, "updated": SECONDS}, ...}}
 *	jobs.jsonl.zst	one JSON object a line; keys are the fields of job.h and node.h,
 *			those that are not set are left away; so for nodes and partitions
 *
 * A string that is not UTF-8 is {"base64": "..."}. Unknown keys are ignored, so that
 * older releases read newer recordings.
 */
#include "slurm/rows.h"

#define UC_RECORD_VERSION      1
#define UC_RECORD_FILE_MAX     ((size_t)256 << 20) /* compressed */
#define UC_RECORD_TEXT_MAX     ((size_t)512 << 20) /* decompressed */
#define UC_RECORD_LINE_MAX     ((size_t)1 << 20)
#define UC_RECORD_ROWS_MAX     ((size_t)2000000)
#define UC_RECORD_MANIFEST_MAX ((size_t)64 << 10)

/* The lines of a table. */
struct uc_record_text {
	const char *at;
	size_t len;
	enum uc_rows_kind kind;
	const char *path; /* for messages */
};
int uc_record_parse(const struct uc_record_text *text, struct uc_rows **out,
		    struct uc_error *err) UC_MUST_CHECK;

#endif

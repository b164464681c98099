/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UINFO_LIMITS_H
#define UC_UINFO_LIMITS_H
/* Limits of a user taken apart: one row each, for `uinfo limits` and the overview. */
#include <ucluster/limits.h>
#include "common/table.h"

enum uinfo_per {
	UINFO_PER_USER,  /* all jobs of a user in a QOS, or of an association */
	UINFO_PER_GROUP, /* all jobs in a QOS, or of an account with those below */
	UINFO_PER_JOB,
	UINFO_PER_NODE, /* of one job on a node */
};

struct uinfo_limit {
	const struct uc_limit *of;
	enum uinfo_per per;
	const char
		*what; /* "GPUs", "CPUs", "memory", "jobs", "time"; of a type: "GPUs" */
	char type[32]; /* "a100" */
	enum uc_value_type kind; /* NUMBER, SIZE, SECONDS */
	uint64_t limit;
	uint64_t used; /* UC_NONE64: nothing to be in use */
};
struct uinfo_limits {
	struct uinfo_limit *row;
	size_t count, size;
	bool failed;
};
/* All that hold for `limits`' user: associations, accounts above, QOSes allowed. */
void uinfo_limits_make(struct uinfo_limits *out, const struct uc_limits *limits,
		       bool every_qos);
/* "QOS short", "account lab", "account lab, partition gpu" */
void uinfo_limit_whose(struct uc_buf *out, const struct uinfo_limit *limit,
		       unsigned safe);
extern const char *const uinfo_per_words[];

/* Columns of `uinfo limits`. */
extern const struct uc_column uinfo_limit_columns[];
/* What their cells are computed from besides the row. */
struct uinfo_limit_look {
	bool bar, ascii;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_COMPLETE_H
#define UC_COMMON_COMPLETE_H
/* What the generators of completion scripts share (opt_complete*.c). */
#include "common/opt.h"

/* Where a walk over a command's own, shared and foreign options is. Zero-initialise. */
struct uc_option_walk {
	size_t own, foreign;
};
/* The next option that is shown; false at the end. */
bool uc_option_next(const struct uc_cmd *cmd, struct uc_option_walk *walk,
		    struct uc_opt *out);

/* Call fn for a command and all its subcommands that are shown. */
void uc_cmd_each(const struct uc_cmd *cmd,
		 void (*fn)(const struct uc_cmd *, struct uc_buf *), struct uc_buf *out);

/* The words an option's value is one of: choices, columns. None: ask by the metavar. */
void uc_option_words(const struct uc_cmd *cmd, const struct uc_opt *opt,
		     struct uc_strv *words);
/* Several values may be given, separated by commas. */
bool uc_option_is_list(const struct uc_opt *opt);
/* The kind of completion a metavar asks for ("JOBID..." is JOBID), "" for none. */
const char *uc_metavar_kind(const char *metavar);

/* A name as part of a shell function's name: "ucluster_sandbox". */
void uc_buf_identifier(struct uc_buf *out, const char *name);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_OPTION_H
#define UCLUSTER_OPTION_H
/*
 * The options of srun and sbatch in every release from 20.11 to 26.05, and pyxis's: what
 * they are called and what they take. With it a command line is cut where srun cuts it.
 *
 *	size_t count;
 *	const struct uc_slurm_option *opt =
 *		uc_slurm_option_find("gpus", 4, UC_SCOPE_SRUN, &count);
 *	if (opt && opt->arity == UC_ARITY_REQUIRED)
 *		...
 */
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What an option takes. */
enum uc_arity {
	UC_ARITY_NONE,
	UC_ARITY_REQUIRED, /* --name=V, --name V, -xV, -x V */
	UC_ARITY_OPTIONAL, /* --name or --name=V, -x or -xV, never the next word */
};

enum uc_option_scope {
	UC_SCOPE_SRUN = 1,      /* srun has it */
	UC_SCOPE_SBATCH = 2,    /* sbatch has it; describes the allocation in batch */
	UC_SCOPE_CONTAINER = 4, /* pyxis adds it to both */
};

/*
 * One row of the constant table. Where releases differ (none or optional) the row says
 * optional, which fits both. "wait" has two rows: sbatch's takes nothing.
 */
struct uc_slurm_option {
	const char *name; /* long name without dashes */
	const char *same; /* the usual name of an alias ("tasks-per-node"), or NULL */
	char letter;      /* or 0 */
	enum uc_arity arity;
	unsigned scope; /* of enum uc_option_scope */
	/* input variables that set it, NULL-terminated, the strongest last */
	const char *srun_env[3], *sbatch_env[3];
	const char *metavar; /* of its value, for completion; or NULL */
	const char *help;    /* a few words */
};

/* The table, sorted by name, and its length. */
const struct uc_slurm_option *uc_slurm_options(size_t *count);

/*
 * By long name without dashes, among the options of the tools in `scope`. An exact name
 * wins; otherwise, as getopt_long(3) takes abbreviations, *candidates is the number of
 * options that begin so (aliases count once). With one, it is returned. With several, the
 * first is returned when they take the same, so that the command line can still be cut;
 * NULL when not even that is known, or there is none.
 */
const struct uc_slurm_option *uc_slurm_option_find(const char *name, size_t len,
						   unsigned scope, size_t *candidates);
/* By letter; NULL when there is none. */
const struct uc_slurm_option *uc_slurm_option_letter(char letter, unsigned scope);
/* The name nearest to a mistyped one, or NULL. */
const char *uc_slurm_option_nearest(const char *name, size_t len);

#ifdef __cplusplus
}
#endif
#endif

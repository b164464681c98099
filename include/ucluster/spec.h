/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_SPEC_H
#define UCLUSTER_SPEC_H
/*
 * A job specification: Slurm's options, a container, a command. It is filled from
 * configuration and a command line, and turned into srun's argument vector or into a
 *batch script with its submission. Nothing in it is ever joined and split again: words
 *stay words, byte for byte.
 *
 *	uc_auto(spec) struct uc_spec *spec = NULL;
 *	uc_spec_new(&spec, &err);
 *	uc_spec_set(spec, "gpus", "1", &err);
 *	uc_spec_set(spec, "time", "8h", &err);
 *	uc_container_set_image(uc_spec_container(spec), "pytorch_22.05", &where, &err);
 *	uc_spec_set_command(spec, (const char *const[]){ "python3", "train.py", NULL });
 *	uc_spec_defaults(spec, cfg, environ, &where, &err);
 *	uc_spec_srun(spec, &words, &err);	words.item: what execvp() gets
 */
#include <ucluster/config.h>
#include <ucluster/container.h>
#include <ucluster/error.h>
#include <ucluster/source.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What an option of srun or sbatch takes. */
enum uc_arity {
	UC_ARITY_NONE,
	UC_ARITY_REQUIRED, /* --name=V, --name V, -xV, -x V */
	UC_ARITY_OPTIONAL, /* --name or --name=V, never the next word */
};
enum uc_option_scope {
	UC_SCOPE_JOB = 1,    /* describes the allocation: goes to slurmctld in batch */
	UC_SCOPE_STEP = 2,   /* describes the step: goes to the srun inside the script */
	UC_SCOPE_SRUN = 4,   /* srun has it */
	UC_SCOPE_SBATCH = 8, /* sbatch has it */
};
/* One option of srun/sbatch in any release from 20.11 to 26.05; constant table. */
struct uc_slurm_option {
	const char *name; /* long name without dashes, NULL when it only has a letter */
	char letter;      /* or 0 */
	enum uc_arity arity;
	unsigned scope;                    /* of enum uc_option_scope */
	const char *srun_env, *sbatch_env; /* input variables, or NULL */
	const char *metavar;               /* for completion, or NULL */
};
/* The table, and its length. */
const struct uc_slurm_option *uc_slurm_options(size_t *count);
/* By long name without dashes; unique prefixes count as getopt_long(3) takes them. */
const struct uc_slurm_option *uc_slurm_option_find(const char *name, size_t len);
const struct uc_slurm_option *uc_slurm_option_letter(char letter);

struct uc_spec;
/* An empty specification: no options, no container, no command. */
int uc_spec_new(struct uc_spec **out, struct uc_error *err) UC_MUST_CHECK;
void uc_spec_free(struct uc_spec *spec);
UC_DEFINE_AUTO(spec, struct uc_spec *)

/*
 * Set one option of Slurm by its long name ("gpus", "mem"); value NULL or "" for a flag.
 * Times and sizes may be written kindly ("8h", "24GB"): they are checked and rewritten in
 * Slurm's form. A later call for the same name replaces the earlier.
 */
int uc_spec_set(struct uc_spec *spec, const char *name, const char *value,
		struct uc_error *err) UC_MUST_CHECK;
/* The value set, "" for a flag, NULL when not set. */
const char *uc_spec_get(const struct uc_spec *spec, const char *name);

/*
 * Take srun's options from the front of argv (argv[0] = first word), verbatim and in
 * order, up to the command: the first word that is neither an option nor an option's
 * value, or what follows "--". pyxis's --container-* options go to the container instead.
 * *used is the number of words taken, "--" included.
 */
int uc_spec_parse(struct uc_spec *spec, const char *const *argv,
		  const struct uc_where *where, size_t *used,
		  struct uc_error *err) UC_MUST_CHECK;

/* The command: words copied from argv; asked for, borrowed, NULL-terminated. */
void uc_spec_set_command(struct uc_spec *spec, const char *const *argv);
const char *const *uc_spec_command(const struct uc_spec *spec);
/* Its container, to be filled with uc_container_set_image() and the like; borrowed. */
struct uc_container *uc_spec_container(struct uc_spec *spec);
/* Who starts it; pyxis unless set. */
void uc_spec_set_runtime(struct uc_spec *spec, enum uc_runtime runtime);

/*
 * Fill in from configuration what neither an option nor one of srun's (or, in batch,
 * sbatch's) input variables in `environment` has set.
 */
struct uc_spec_rules {
	const struct uc_config *config;
	const char *const *environment;
	struct uc_where where;
	bool batch;
	bool no_container;      /* leave image and mounts alone */
	bool no_default_mounts; /* neither the working directory nor configured mounts */
};
int uc_spec_defaults(struct uc_spec *spec, const struct uc_spec_rules *rules,
		     struct uc_error *err) UC_MUST_CHECK;

/* "srun", options, "--"-free command: the vector for execvp(). */
int uc_spec_srun(const struct uc_spec *spec, struct uc_strv *argv,
		 struct uc_error *err) UC_MUST_CHECK;
/* Environment for srun: `environment` with additions, pyxis's leaked options removed. */
int uc_spec_environment(const struct uc_spec *spec, const char *const *environment,
			struct uc_strv *out, struct uc_error *err) UC_MUST_CHECK;

/* A readable batch script (#!/bin/bash, #SBATCH lines, exec srun ... command). */
int uc_spec_script(const struct uc_spec *spec, struct uc_buf *script,
		   struct uc_error *err) UC_MUST_CHECK;
/*
 * Generate the script and submit it. environment is the caller's; workdir absolute.
 */
int uc_spec_submit(const struct uc_spec *spec, struct uc_source *src,
		   const char *const *environment, const char *workdir,
		   struct uc_submitted *result, struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

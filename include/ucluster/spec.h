/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_SPEC_H
#define UCLUSTER_SPEC_H
/*
 * A job specification: Slurm's options, a container, a command. It is filled from a
 * command line and configuration, and turned into srun's argument vector or into a batch
 * script with its submission. Nothing in it is ever joined and split again: words stay
 * words, byte for byte.
 *
 *	uc_auto(spec) struct uc_spec *spec = NULL;
 *	uc_spec_new(&spec, &err);
 *	uc_spec_set(spec, "gpus", "1", &err);
 *	uc_spec_set(spec, "time", "8h", &err);
 *	uc_container_set_image(uc_spec_container(spec), "pytorch_22.05", &where, &err);
 *	uc_spec_set_command(spec, (const char *const[]){ "python3", "train.py", NULL },
 *			    &err);
 *	uc_spec_defaults(spec, &rules, &notes, &err);
 *	uc_spec_srun(spec, &words, &err);	words.item: what execvp() gets
 */
#include <ucluster/config.h>
#include <ucluster/container.h>
#include <ucluster/environment.h>
#include <ucluster/error.h>
#include <ucluster/option.h>
#include <ucluster/receipt.h>
#include <ucluster/source.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uc_spec;
/* An empty specification: pyxis's containers, no option, no command. */
int uc_spec_new(struct uc_spec **out, struct uc_error *err) UC_MUST_CHECK;
void uc_spec_free(struct uc_spec *spec);
UC_DEFINE_AUTO(spec, struct uc_spec *)

/*
 * Set one option of Slurm by its long name ("gpus", "mem"); value NULL or "" for a flag.
 * Times and sizes may be written kindly ("8h", "1.5T"): they are checked and rewritten in
 * Slurm's form. A later call for the same name replaces the earlier.
 */
int uc_spec_set(struct uc_spec *spec, const char *name, const char *value,
		struct uc_error *err) UC_MUST_CHECK;
/* The value set last, "" for a flag, NULL when not set. */
const char *uc_spec_get(const struct uc_spec *spec, const char *name);

/* How a command line is read. */
struct uc_parse_rules {
	struct uc_where where;
	bool batch; /* sbatch's meaning where the two differ (-W) */
	/*
	 * The caller's own options: looks at the first words and returns how many it
	 * takes, 0 when they are not its own, -1 with err filled. May be NULL.
	 */
	int (*own)(void *arg, const char *const *words, struct uc_error *err);
	void *arg;
	const char *layer; /* who says this (a constant); NULL: "option" */
};
/*
 * Take srun's options from the front of argv (argv[0] = first word), in order and as they
 * are written, up to the command: the first word that is neither an option nor an
 * option's value, or what follows "--". pyxis's --container-* options go to the container
 * instead. *used is the number of words taken, "--" included.
 *
 * Options of SPANK plugins pass as --name=value; a flag of a plugin passes when the next
 * word begins with "-" (an option, or "--"). A ":" (heterogeneous job) is the beginning
 * of the command: what follows is srun's alone.
 */
int uc_spec_parse(struct uc_spec *spec, const char *const *argv,
		  const struct uc_parse_rules *rules, size_t *used,
		  struct uc_error *err) UC_MUST_CHECK;

/* Copy the command; NULL-terminated, may be empty. */
int uc_spec_set_command(struct uc_spec *spec, const char *const *argv,
			struct uc_error *err) UC_MUST_CHECK;
/* The command's words, NULL-terminated; borrowed. */
const char *const *uc_spec_command(const struct uc_spec *spec);
/* The container, to be filled; borrowed. */
struct uc_container *uc_spec_container(struct uc_spec *spec);
/* Choose who starts the container; UC_RUNTIME_NONE leaves it away. */
void uc_spec_set_runtime(struct uc_spec *spec, enum uc_runtime runtime);
/*
 * Set a variable of the job, "NAME=value", or "NAME" to take the caller's value; the last
 * call counts. Hidden ones are in the job's environment and in no script.
 */
int uc_spec_set_env(struct uc_spec *spec, const char *assignment,
		    struct uc_error *err) UC_MUST_CHECK;
int uc_spec_hide_env(struct uc_spec *spec, const char *assignment,
		     struct uc_error *err) UC_MUST_CHECK;
/* Is there a variable of this name, shown or hidden? */
bool uc_spec_has_env(const struct uc_spec *spec, const char *name);
/* Was this name ("NAME" or "NAME=value") given by uc_spec_hide_env()? */
bool uc_spec_hides_env(const struct uc_spec *spec, const char *assignment);
/*
 * Let the job have these secrets (borrowed, may be NULL): uc_spec_submit() adds them,
 * uc_spec_environment() does not (uc_secrets_vector() does). UC_USAGE when one of the
 * names is set by uc_spec_set_env() or uc_spec_hide_env(), too.
 */
int uc_spec_set_secrets(struct uc_spec *spec, const struct uc_secrets *secrets,
			struct uc_error *err) UC_MUST_CHECK;

/* Call the job as this file, with _ for control characters; a name that is set stays. */
int uc_spec_name_job(struct uc_spec *spec, const char *path,
		     struct uc_error *err) UC_MUST_CHECK;

/* Let this text be the batch script itself, as sbatch takes it; see uc_spec_script. */
int uc_spec_set_script(struct uc_spec *spec, const char *text,
		       struct uc_error *err) UC_MUST_CHECK;
/* Take the #SBATCH lines of a script's text, as sbatch does, for what is not set yet: up
 * to the first line that is no comment, quotes and "\#" as there. `path` is for messages.
 */
int uc_spec_sbatch_lines(struct uc_spec *spec, const char *path, const char *text,
			 size_t len, const struct uc_where *where,
			 struct uc_error *err) UC_MUST_CHECK;
/* Take sbatch's input variables (SBATCH_PARTITION, ...) for what is not set yet. */
int uc_spec_sbatch_environment(struct uc_spec *spec, const char *const *environment,
			       struct uc_error *err) UC_MUST_CHECK;

/*
 * Take options, container (`contained`), variables and command of a job that was run
 * before, for what is not set yet. Variables have their values in `environment`:
 * UC_NOTFOUND when one is missing there. Secrets are the caller's part.
 */
int uc_spec_again(struct uc_spec *spec, const struct uc_receipt *receipt,
		  const struct uc_parse_rules *rules, const char *const *environment,
		  bool contained, struct uc_error *err) UC_MUST_CHECK;

/*
 * Fill in from configuration what neither an option nor one of srun's (or, in batch,
 * sbatch's) input variables in `environment` has set. In a job (SLURM_JOB_ID or --jobid)
 * the container and the environment only: a step takes what its job has.
 */
struct uc_spec_rules {
	const struct uc_config *config; /* or NULL */
	const char *const *environment;
	struct uc_where where;
	bool batch;
	bool no_options;        /* fill in the container and the environment only */
	bool no_container;      /* leave image and mounts alone */
	bool no_default_mounts; /* neither the working directory nor configured mounts */
};
/* What is good to know (a default applied, a mount left out) is added to `notes`. */
int uc_spec_defaults(struct uc_spec *spec, const struct uc_spec_rules *rules,
		     struct uc_errors *notes, struct uc_error *err) UC_MUST_CHECK;

/* Something that is set, and who did it. Borrowed from the list and the specification. */
struct uc_spec_item {
	enum uc_item_kind {
		UC_ITEM_OPTION,    /* of Slurm, or of a plugin */
		UC_ITEM_CONTAINER, /* in pyxis's words; one item a mount */
		UC_ITEM_VARIABLE,
	} kind;
	const char *name;  /* without dashes */
	const char *value; /* NULL: a flag, or the caller's variable; secrets masked */
	const char *layer; /* "option", "script", "environment", "profile", ... */
	const char *from;  /* FILE:LINE, a variable's name; or NULL */
	const char *help;  /* what it does, or NULL */
};
/* Zero-initialise; free with uc_spec_items_free. */
struct uc_spec_items {
	struct uc_spec_item *item;
	size_t count;
	struct uc_strv text;
};
void uc_spec_items_free(struct uc_spec_items *list);
UC_DEFINE_AUTO_VALUE(spec_items, struct uc_spec_items)
/*
 * Everything that is set. `environment`: srun's input variables, which srun reads by
 * itself, are listed as well; NULL for a batch job, which has none.
 */
int uc_spec_list(const struct uc_spec *spec, const char *const *environment,
		 struct uc_spec_items *list, struct uc_error *err) UC_MUST_CHECK;

/* "srun", the options, the command ("--" before one that looks like an option). */
int uc_spec_srun(const struct uc_spec *spec, struct uc_strv *argv,
		 struct uc_error *err) UC_MUST_CHECK;
/*
 * The environment of the job: `environment` with additions; pyxis's options that an outer
 * allocation left there are removed where they would contradict.
 */
int uc_spec_environment(const struct uc_spec *spec, const char *const *environment,
			struct uc_strv *out, struct uc_error *err) UC_MUST_CHECK;

/* A readable batch script: #!/bin/bash, #SBATCH lines, exec srun ... command. UC_USAGE
 * for what a batch job cannot have (--pty, several components). */
int uc_spec_script(const struct uc_spec *spec, struct uc_buf *script,
		   struct uc_error *err) UC_MUST_CHECK;
/* Make the script and submit it. environment is the caller's; workdir absolute. */
int uc_spec_submit(const struct uc_spec *spec, struct uc_source *src,
		   const char *const *environment, const char *workdir,
		   struct uc_submitted *result, struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

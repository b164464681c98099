/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_JOB_SPEC_H
#define UC_JOB_SPEC_H
/* What the files of this module share. */
#include <ucluster/batch.h>
#include <ucluster/spec.h>

#include "base/program.h"

/* One option, in the order in which it was given. */
struct uc_setting_of {
	const struct uc_slurm_option *option; /* NULL: of a plugin, or ambiguous */
	char *name;  /* as it was written, without dashes, when option is NULL */
	char *value; /* NULL for a flag */
	/*
	 * The words as they were written: one or two. None: set by its name, or a letter
	 * bundled with the next setting's.
	 */
	char *word[2];
	bool bundled;
	size_t at;         /* which word of the command line it was */
	const char *layer; /* who set it (origin.c); NULL: not yet known */
	char *from;
};

/* Who set a part of the container or a variable. */
struct uc_origin_of {
	char *what; /* "container-image=X", "env NAME" */
	const char *layer;
	char *from; /* or NULL */
};

struct uc_spec {
	struct uc_setting_of *settings;
	size_t count, cap;
	struct uc_container box;
	enum uc_runtime runtime;
	struct uc_strv command;
	struct uc_strv env;        /* NAME=value, or NAME for the caller's value */
	struct uc_strv hidden_env; /* NAME=value, only for the environment itself */
	const struct uc_secrets *secrets; /* borrowed, or NULL */
	struct uc_strv soft_env;          /* variables that give way to any other value */
	char *script;                     /* the batch script itself, or NULL */
	const char *maker;                /* of the script; NULL: usrun --batch */
	struct uc_strv session;  /* its key, then what srun runs under; or nothing */
	struct uc_resume resume; /* no signal: none */
	struct uc_origin_of *origins;
	size_t origin_count;
	bool step; /* a step of a job that is there */
};

/* A setting at the end; `value` may be NULL. NULL when out of memory. */
struct uc_setting_of *uc_spec_append(struct uc_spec *spec,
				     const struct uc_slurm_option *option,
				     const char *value);
/* The usual name of an option. */
const char *uc_option_name(const struct uc_slurm_option *option);
/* Is any of these (NULL-terminated) set? */
bool uc_spec_has_any(const struct uc_spec *spec, const char *const *names);
/* Is one of the options set that exclude this one (mem, mem-per-cpu, mem-per-gpu)? */
bool uc_spec_excludes(const struct uc_spec *spec, const char *name);
/* Does the job ask for GPUs? `environment` for srun's input variables, may be NULL. */
bool uc_spec_wants_gpus(const struct uc_spec *spec, const char *const *environment);

/*
 * Write a value kindly given in Slurm's form into *out (untouched when it is in that form
 * or of no kind that is known).
 */
int uc_kind_value(const char *name, const char *value, struct uc_buf *out,
		  struct uc_error *err) UC_MUST_CHECK;

/* Everything set since the last mark was set by this layer (a constant). */
int uc_spec_mark(struct uc_spec *spec, const char *layer, const char *from,
		 struct uc_error *err) UC_MUST_CHECK;
/* By this setting of the configuration, or by this item of it (may be NULL). */
int uc_spec_mark_setting(struct uc_spec *spec, const struct uc_setting *setting,
			 const struct uc_origin *item,
			 struct uc_error *err) UC_MUST_CHECK;

/*
 * Point programs' caches to the configured directory and mount it. Where it does not
 * exist its path is put into *missing instead.
 */
int uc_spec_add_caches(struct uc_spec *spec, const struct uc_spec_rules *rules,
		       const struct uc_setting *setting, struct uc_buf *missing,
		       struct uc_error *err) UC_MUST_CHECK;

/* The container's words: options for srun, or what comes before the command. */
int uc_spec_container_words(const struct uc_spec *spec, struct uc_strv *options,
			    struct uc_strv *prefix, struct uc_error *err) UC_MUST_CHECK;
/* The command, with "--" before it where srun would take it for an option. */
void uc_spec_add_command(const struct uc_spec *spec, const struct uc_strv *prefix,
			 struct uc_strv *argv);

/* What is around srun in a script that resumes: it runs beside the script. (resume.c) */
void uc_resume_begin(const struct uc_resume *resume, struct uc_buf *out);
void uc_resume_end(const struct uc_resume *resume, struct uc_buf *out);
/* Is there an option of the same name after this one? Then it does not count. */
bool uc_spec_is_overridden(const struct uc_spec *spec, size_t at);
/* The job's name: --job-name, or the command's last component as a legal one. */
void uc_spec_job_name(const struct uc_spec *spec, struct uc_buf *out);
/* The layer of #SBATCH lines. */
#define UC_LAYER_SCRIPT "script"
/* Does the name of this variable end as those of secrets do: X_TOKEN, PASSWORD? */
bool uc_env_is_secret(const char *assignment);
/* Refuse what a batch job cannot have. */
int uc_spec_check_batch(const struct uc_spec *spec, struct uc_error *err) UC_MUST_CHECK;
/* Does a line end sbatch's reading of options? It is no comment and not blank. */
bool uc_is_command_line(const char *line, size_t len);

/* Is this name ("NAME" or "NAME=value") in the list, with a value or without? */
bool uc_env_has(const struct uc_strv *env, const char *assignment);
/* Add the names of all variables that are given; each once. */
void uc_spec_add_env_names(const struct uc_spec *spec, struct uc_strv *names);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_BACKEND_OPTIONS_H
#define UC_SLURM_BACKEND_OPTIONS_H
/* sbatch's options into a job description: one table, one setter a form of value. */
#include "base/arena.h"
#include "slurm/backend_desc.h"
#include <ucluster/text.h>

struct backend_draft {
	job_desc_msg_t desc;
	struct uc_arena *arena; /* all strings of desc */
	int64_t now;
	const char *cwd; /* where the job was submitted; desc.work_dir is where it runs */
	bool tasks_set, cpus_set, nodes_set, held;
	bool node_levels;         /* -B was given */
	bool user_env;            /* --get-user-env */
	const char *export;       /* --export, or NULL */
	const char *propagate;    /* --propagate, as given */
	const char *hint;         /* --hint, as given */
	struct uc_strv variables; /* of options, NAME=value, for the steps inside */
};

struct backend_option {
	const char *name;
	/* 0, or -1: the value is not what `expected` says (*err is filled by the caller).
	 */
	int (*set)(struct backend_draft *draft, const struct backend_option *option,
		   const char *value);
	size_t offset; /* of the field in job_desc_msg_t */
	uint64_t a, b; /* limits, or the constant to set */
	const char *expected;
	const char *variable; /* that takes the value as it is given to the steps */
};

/* The table's names in order, NULL at the end. */
const char *backend_option_name(size_t i);
/* Set one option; UC_USAGE names option, value, and what was expected. */
int backend_option_set(struct backend_draft *draft, const char *name, const char *value,
		       struct uc_error *err);
/* Settings that depend on several options. */
int backend_options_finish(struct backend_draft *draft, struct uc_error *err);
/* NAME=value into a list, in the place of an older one; NULL: leave it as it is. */
void backend_put(struct uc_strv *env, const char *name, const char *value);
bool backend_has(const struct uc_strv *env, const char *name);
void backend_put_number(struct uc_strv *env, const char *name, unsigned long long n);

struct backend_word {
	const char *text;
	uint64_t value;
};

/* The value of one of the words ("" counts as a word), else -1. */
int64_t backend_find_word(const struct backend_word *words, const char *text);

/* Setters of more than a few lines; -1: malformed. */
#define BACKEND_SETTER(name)                                                             \
	int backend_set_##name(struct backend_draft *draft,                              \
			       const struct backend_option *option, const char *value)
/* backend_words.c */
BACKEND_SETTER(exclusive);
BACKEND_SETTER(gres_flags);
BACKEND_SETTER(hold);
BACKEND_SETTER(invalid_dep);
BACKEND_SETTER(nice);
BACKEND_SETTER(no_kill);
BACKEND_SETTER(open_mode);
BACKEND_SETTER(power);
BACKEND_SETTER(priority);
/* backend_values.c */
BACKEND_SETTER(gpus); /* `a`: what stands before the count */
BACKEND_SETTER(gres);
BACKEND_SETTER(mail);
BACKEND_SETTER(signal);
BACKEND_SETTER(nodes);
BACKEND_SETTER(nodelist);
BACKEND_SETTER(nodefile);
BACKEND_SETTER(distribution);
BACKEND_SETTER(switches);
bool backend_value_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);
/* The next word up to one of `stop`, copied; NULL at the end. */
char *backend_next_word(struct backend_draft *draft, const char **rest, const char *stop);
/* backend_later.c */
BACKEND_SETTER(container);
BACKEND_SETTER(container_id);
BACKEND_SETTER(container_type);
BACKEND_SETTER(context);
BACKEND_SETTER(prefer);
BACKEND_SETTER(extra);
BACKEND_SETTER(tres_bind);
BACKEND_SETTER(tres_per_task);
BACKEND_SETTER(ports);
BACKEND_SETTER(segment);
BACKEND_SETTER(oom_kill);
BACKEND_SETTER(mem_update);
BACKEND_SETTER(licenses);
/* backend_binding.c */
BACKEND_SETTER(cpu_freq);
BACKEND_SETTER(gpu_bind);
BACKEND_SETTER(gpu_freq);
BACKEND_SETTER(hint);
BACKEND_SETTER(mem_bind);
BACKEND_SETTER(node_info);
BACKEND_SETTER(profile);
/* What --hint says to those of sockets, cores and threads. */
void backend_apply_hint(struct backend_draft *draft);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The variables of a job: shown ones, hidden ones, secrets. */
#include "job/spec.h"

#include <stdlib.h>
#include <string.h>

static bool is_name(const char *text, size_t len)
{
	bool valid = len > 0 && !(text[0] >= '0' && text[0] <= '9');

	for (size_t i = 0; i < len; i++)
		valid = valid && (text[i] == '_' || (text[i] >= '0' && text[i] <= '9') ||
				  (text[i] >= 'A' && text[i] <= 'Z') ||
				  (text[i] >= 'a' && text[i] <= 'z'));
	return valid;
}

/* Where the variable stands, or -1. */
static long find(const struct uc_strv *env, const char *assignment)
{
	size_t len = strcspn(assignment, "=");

	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->item[i], assignment, len) == 0 &&
		    (env->item[i][len] == '=' || env->item[i][len] == '\0'))
			return (long)i;
	return -1;
}

bool uc_env_has(const struct uc_strv *env, const char *assignment)
{
	return find(env, assignment) >= 0;
}

static void drop(struct uc_strv *env, const char *assignment)
{
	const long at = find(env, assignment);

	if (at < 0)
		return;
	free(env->item[at]);
	memmove(env->item + at, env->item + at + 1,
		(env->count - (size_t)at) * sizeof(*env->item)); /* with its NULL */
	env->count--;
}

static int put(struct uc_spec *spec, struct uc_strv *env, const char *assignment,
	       struct uc_error *err)
{
	if (!is_name(assignment, strcspn(assignment, "=")))
		return uc_fail(err, UC_USAGE,
			       "variable '%s': NAME or NAME=VALUE is expected",
			       assignment);
	drop(&spec->env, assignment);
	drop(&spec->hidden_env, assignment);
	uc_strv_add(env, assignment);
	return env->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

int uc_spec_set_env(struct uc_spec *spec, const char *assignment, struct uc_error *err)
{
	return put(spec, &spec->env, assignment, err);
}

int uc_spec_hide_env(struct uc_spec *spec, const char *assignment, struct uc_error *err)
{
	return put(spec, &spec->hidden_env, assignment, err);
}

bool uc_spec_has_env(const struct uc_spec *spec, const char *name)
{
	return uc_env_has(&spec->env, name) || uc_env_has(&spec->hidden_env, name);
}

bool uc_spec_hides_env(const struct uc_spec *spec, const char *assignment)
{
	return uc_env_has(&spec->hidden_env, assignment);
}

int uc_spec_set_secrets(struct uc_spec *spec, const struct uc_secrets *secrets,
			struct uc_error *err)
{
	for (size_t i = 0; i < uc_secrets_count(secrets); i++) {
		const char *name = uc_secrets_name(secrets, i);

		if (uc_spec_has_env(spec, name))
			return uc_fail(err, UC_USAGE,
				       "'%s' is given as a secret and as a variable: one "
				       "of them is expected",
				       name);
	}
	spec->secrets = secrets;
	return 0;
}

static void add_name(struct uc_strv *names, const char *assignment)
{
	uc_auto(strv) struct uc_strv name = { 0 };

	uc_strv_addn(&name, assignment, strcspn(assignment, "="));
	if (name.failed)
		names->failed = true;
	else if (uc_strv_find(names, name.item[0]) < 0)
		uc_strv_add(names, name.item[0]);
}

void uc_spec_add_env_names(const struct uc_spec *spec, struct uc_strv *names)
{
	for (size_t i = 0; i < spec->env.count; i++)
		add_name(names, spec->env.item[i]);
	for (size_t i = 0; i < spec->hidden_env.count; i++)
		add_name(names, spec->hidden_env.item[i]);
	for (size_t i = 0; i < uc_secrets_count(spec->secrets); i++)
		add_name(names, uc_secrets_name(spec->secrets, i));
}

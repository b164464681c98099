/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The argument vector of srun, and the environment it is started in. */
#include "job/spec.h"

#include <string.h>

/* The names of variables that are to win over the image's, for pyxis or enroot. */
static void add_env_names(const struct uc_spec *spec, struct uc_strv *names)
{
	const char *listed = spec->box.env ? spec->box.env : "";

	while (*listed) {
		size_t len = strcspn(listed, ",");

		uc_strv_addn(names, listed, len);
		listed += len + (listed[len] == ',');
	}
	uc_spec_add_env_names(spec, names);
}

static int pyxis_words(const struct uc_spec *spec, const struct uc_strv *names,
		       struct uc_strv *options, struct uc_error *err)
{
	struct uc_container box = spec->box; /* borrows all but the names */
	uc_auto(buf) struct uc_buf list = { 0 };

	for (size_t i = 0; i < names->count; i++)
		uc_buf_addf(&list, "%s%s", i ? "," : "", names->item[i]);
	if (list.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	box.env = list.data;
	return uc_container_pyxis(&box, options, err);
}

int uc_spec_container_words(const struct uc_spec *spec, struct uc_strv *options,
			    struct uc_strv *prefix, struct uc_error *err)
{
	const struct uc_container *box = &spec->box;
	uc_auto(strv) struct uc_strv names = { 0 };

	if (spec->runtime == UC_RUNTIME_NONE || (!box->image && !box->name))
		return 0;
	add_env_names(spec, &names);
	if (names.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (spec->runtime == UC_RUNTIME_PYXIS)
		return pyxis_words(spec, &names, options, err);
	if (spec->command.count == 0)
		return 0;
	if (uc_strv_find(&spec->command, ":") >= 0)
		return uc_fail(err, UC_USAGE,
			       "plain enroot cannot run several components (':')");
	return uc_container_enroot(box, (const char *const *)names.item, prefix, err);
}

void uc_spec_add_command(const struct uc_spec *spec, const struct uc_strv *prefix,
			 struct uc_strv *argv)
{
	if (prefix->count == 0 && spec->command.count > 0 &&
	    spec->command.item[0][0] == '-' && spec->command.item[0][1] != '\0')
		uc_strv_add(argv, "--");
	uc_strv_add_all(argv, (const char *const *)prefix->item);
	uc_strv_add_all(argv, (const char *const *)spec->command.item);
}

static void add_setting(const struct uc_setting_of *setting, struct uc_strv *argv)
{
	if (setting->bundled)
		return; /* the next setting's word has its letter */
	if (setting->word[0]) {
		uc_strv_add(argv, setting->word[0]);
		if (setting->word[1])
			uc_strv_add(argv, setting->word[1]);
	} else if (setting->value) {
		uc_strv_addf(argv, "--%s=%s", setting->option->name, setting->value);
	} else {
		uc_strv_addf(argv, "--%s", setting->option->name);
	}
}

int uc_spec_srun(const struct uc_spec *spec, struct uc_strv *argv, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv prefix = { 0 };

	uc_strv_add(argv, "srun");
	for (size_t i = 0; i < spec->count; i++)
		add_setting(&spec->settings[i], argv);
	if (uc_spec_container_words(spec, argv, &prefix, err) < 0)
		return -1;
	uc_spec_add_command(spec, &prefix, argv);
	return argv->failed || prefix.failed ? uc_fail(err, UC_FAILED, "out of memory")
					     : 0;
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * salloc and sbatch hand their container on to every srun inside. Together with another
 * image, or another working directory, srun fails (pyxis up to 0.24); what is still
 * wanted of it is in the specification by now.
 */
static bool is_contradiction(const struct uc_spec *spec, const char *variable)
{
	bool leaked = begins(variable, "_SLURM_SPANK_OPTION_pyxis_") ||
		      begins(variable, "SLURM_SPANK__SLURM_SPANK_OPTION_pyxis_");

	if (spec->runtime != UC_RUNTIME_PYXIS)
		return leaked || begins(variable, "PYXIS_CONTAINER_");
	return leaked && (spec->box.image || spec->box.name);
}

/* Is the name before "=" set by the job's variables or the softer ones? */
static bool is_replaced(const struct uc_strv *env, const char *variable)
{
	size_t len = strcspn(variable, "=");

	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->item[i], variable, len) == 0 && env->item[i][len] == '=')
			return true;
	return false;
}

int uc_spec_environment(const struct uc_spec *spec, const char *const *environment,
			struct uc_strv *out, struct uc_error *err)
{
	for (; environment && *environment; environment++)
		if (!is_replaced(&spec->env, *environment) &&
		    !is_replaced(&spec->hidden_env, *environment) &&
		    !is_replaced(&spec->soft_env, *environment) &&
		    !is_contradiction(spec, *environment))
			uc_strv_add(out, *environment);
	for (size_t i = 0; i < spec->soft_env.count; i++)
		if (!is_replaced(&spec->env, spec->soft_env.item[i]) &&
		    !is_replaced(&spec->hidden_env, spec->soft_env.item[i]))
			uc_strv_add(out, spec->soft_env.item[i]);
	/* a NAME alone is the caller's, and there already */
	for (size_t i = 0; i < spec->env.count; i++)
		if (strchr(spec->env.item[i], '='))
			uc_strv_add(out, spec->env.item[i]);
	uc_strv_add_all(out, (const char *const *)spec->hidden_env.item);
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What is refused of a batch job before anybody is asked. */
#include "job/spec.h"

#include <string.h>
#include <strings.h>

/* Options of srun and sbatch that a batch job of usrun cannot have. */
static const struct {
	const char *name, *why, *hint;
} refused[] = {
	{ "pty", "a batch job has no terminal",
	  "leave --batch away" }, /* a session has */
	{ "x11", "a batch job has no display", "leave --batch away" },
	{ "interactive", "a batch job is not interactive", "leave --batch away" },
	{ "jobid", "a batch job is a job of its own", "leave --batch away" },
	{ "immediate", "a batch job waits for its turn", "leave --batch away" },
	{ "no-allocate", "a batch job needs an allocation", "leave it away" },
	{ "het-group", "it has one component",
	  "sbatch takes jobs of several components" },
	{ "wrap", "the command stands after the options",
	  "write the words of the command without --wrap" },
	{ "test-only", "sbatch --test-only says when it would start",
	  "--dry-run shows what would be submitted" },
	{ "autocomplete", "it makes sbatch talk, not submit",
	  "sbatch --autocomplete=WORD" },
	{ "usage", "it makes sbatch talk, not submit",
	  "usrun --help, or sbatch --usage" },
	{ "bbf", "lines of a file would have to go into the script",
	  "put its #BB or #DW lines into the script, or use --bb" },
	{ "clusters", "it goes to the cluster of slurm.conf",
	  "SLURM_CONF=FILE names another cluster, or use sbatch" },
	{ "export-file", "it is read by sbatch alone",
	  "--env-file FILE takes NAME=VALUE lines, --export=NIL leaves out the rest" },
	{ "external", "an external job runs nothing", "submit it with sbatch" },
	{ "gid", "a job is submitted as who runs usrun", "sg GROUP -c 'usrun ...'" },
	{ "uid", "a job is submitted as who runs usrun", "run usrun as that user" },
};

static int refuse_options(const struct uc_spec *spec, struct uc_error *err)
{
	for (size_t i = spec->session.count > 0; i < sizeof(refused) / sizeof(refused[0]);
	     i++) {
		if (!uc_spec_get(spec, refused[i].name))
			continue;
		uc_fail(err, UC_USAGE, "--%s does not go with --batch: %s",
			refused[i].name, refused[i].why);
		return uc_hint(err, "%s", refused[i].hint);
	}
	return 0;
}

/* The name of a variable that by its end holds a secret. */
bool uc_env_is_secret(const char *assignment)
{
	static const char *const ends[] = { "TOKEN",      "SECRET",  "PASSWORD",
					    "PASSWD",     "API_KEY", "ACCESS_KEY",
					    "CREDENTIALS" };
	const size_t len = strcspn(assignment, "=");

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const size_t n = strlen(ends[i]);

		if (len >= n && strncasecmp(assignment + len - n, ends[i], n) == 0)
			return true;
	}
	return false;
}

static int refuse_secret(const char *option, const char *assignment, struct uc_error *err)
{
	const int len = (int)strcspn(assignment, "=");

	uc_fail(err, UC_USAGE,
		"%s %.*s: its value would stand in the batch script, which Slurm keeps",
		option, len, assignment);
	return uc_hint(err,
		       "--secret %.*s hands on the caller's, --secret %.*s=FILE a file's",
		       len, assignment, len, assignment);
}

/* A value that is to be secret must not be written into the script. */
static int refuse_secrets(const struct uc_spec *spec, struct uc_error *err)
{
	for (size_t i = 0; i < spec->env.count; i++)
		if (strchr(spec->env.item[i], '=') && uc_env_is_secret(spec->env.item[i]))
			return refuse_secret("--env", spec->env.item[i], err);
	for (size_t i = 0; i < spec->count; i++) {
		const struct uc_setting_of *s = &spec->settings[i];
		const char *at = s->value;

		/* what the user's own script says is there already */
		if (!s->option || strcmp(s->option->name, "export") != 0 ||
		    (s->layer && strcmp(s->layer, UC_LAYER_SCRIPT) == 0))
			continue;
		for (; at && *at; at += strcspn(at, ","), at += *at == ',')
			if (at[strcspn(at, "=,")] == '=' && uc_env_is_secret(at))
				return refuse_secret("--export", at, err);
	}
	return 0;
}

int uc_spec_check_batch(const struct uc_spec *spec, struct uc_error *err)
{
	if (refuse_options(spec, err) < 0 || refuse_secrets(spec, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->command.count; i++)
		if (strcmp(spec->command.item[i], ":") == 0)
			return uc_fail(
				err, UC_USAGE,
				"':' does not go with --batch: it has one component");
	for (size_t i = 0; spec->script && i < spec->count; i++) {
		const struct uc_slurm_option *option = spec->settings[i].option;

		if (!option || !(option->scope & UC_SCOPE_SBATCH))
			return uc_fail(
				err, UC_USAGE,
				"--%s is srun's, and the script calls srun by itself",
				option ? option->name : spec->settings[i].name);
	}
	return 0;
}

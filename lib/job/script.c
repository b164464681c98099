/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The batch script. Its body is one srun with the container's options: that works with
 * every release of pyxis, keeps Slurm's tools outside of the container, and leaves a step
 * 0 to attach to. The #SBATCH lines say the same as what is submitted with it, so that
 * the script can be handed to sbatch, too.
 */
#include "job/spec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/path.h"

bool uc_spec_is_overridden(const struct uc_spec *spec, size_t at)
{
	const struct uc_slurm_option *option = spec->settings[at].option;

	for (size_t i = at + 1; option && i < spec->count; i++)
		if (spec->settings[i].option &&
		    strcmp(uc_option_name(spec->settings[i].option),
			   uc_option_name(option)) == 0)
			return true;
	return false;
}

/* A name is shown in lists and stands in an #SBATCH line: it has no line breaks. */
static void add_legal_name(struct uc_buf *out, const char *name)
{
	if (!name[0])
		name = "usrun";
	for (; *name; name++)
		uc_buf_addc(out, iscntrl((unsigned char)*name) ? '_' : *name);
}

void uc_spec_job_name(const struct uc_spec *spec, struct uc_buf *out)
{
	const char *given = uc_spec_get(spec, "job-name");

	if (given)
		uc_buf_add(out, given);
	else
		add_legal_name(out, spec->command.count > 0
					    ? uc_path_name(spec->command.item[0])
					    : "");
}

int uc_spec_name_job(struct uc_spec *spec, const char *path, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf name = { 0 };

	if (uc_spec_get(spec, "job-name"))
		return 0;
	add_legal_name(&name, uc_path_name(path));
	if (name.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_spec_set(spec, "job-name", uc_buf_text(&name), err);
}

/* How sbatch reads a word of an #SBATCH line: quotes group, a backslash takes what
 * follows. */
static void add_sbatch_word(struct uc_buf *out, const char *value)
{
	if (value[0] && value[strspn(value, "abcdefghijklmnopqrstuvwxyz"
					    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					    "0123456789_./:,=+@%^*[]&|-")] == '\0') {
		uc_buf_add(out, value);
		return;
	}
	uc_buf_addc(out, '"');
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			uc_buf_addc(out, '\\');
		uc_buf_addc(out, *value);
	}
	uc_buf_addc(out, '"');
}

static int add_sbatch_line(struct uc_buf *out, const char *name, const char *value,
			   struct uc_error *err)
{
	if (value && strchr(value, '\n')) {
		uc_fail(err, UC_USAGE, "--%s: a line break cannot be in it", name);
		return strcmp(name, "export") == 0
			       ? uc_hint(err, "--env NAME=VALUE takes any value")
			       : -1;
	}
	uc_buf_addf(out, "#SBATCH --%s", name);
	if (value) {
		uc_buf_addc(out, '=');
		add_sbatch_word(out, value);
	}
	uc_buf_addc(out, '\n');
	return 0;
}

static bool is_of_the_job(const struct uc_spec *spec, size_t at)
{
	const struct uc_slurm_option *option = spec->settings[at].option;

	return option && (option->scope & UC_SCOPE_SBATCH) &&
	       !uc_spec_is_overridden(spec, at);
}

static int add_sbatch_lines(const struct uc_spec *spec, struct uc_buf *out,
			    struct uc_error *err)
{
	uc_auto(buf) struct uc_buf name = { 0 };

	uc_spec_job_name(spec, &name);
	if (name.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (!uc_spec_get(spec, "job-name") &&
	    add_sbatch_line(out, "job-name", uc_buf_text(&name), err) < 0)
		return -1;
	for (size_t i = 0; i < spec->count; i++)
		if (is_of_the_job(spec, i) &&
		    add_sbatch_line(out, uc_option_name(spec->settings[i].option),
				    spec->settings[i].value, err) < 0)
			return -1;
	return 0;
}

/* A word for the shell. sbatch and slurmctld refuse "\r\n" anywhere, also in quotes. */
static void add_word(struct uc_buf *out, const char *word)
{
	uc_buf_quote(out, word, strstr(word, "\r\n") ? UC_QUOTE_VISIBLE : UC_QUOTE_EXACT);
}

static void add_exports(struct uc_buf *out, const struct uc_strv *env)
{
	for (size_t i = 0; i < env->count; i++) {
		size_t len = strcspn(env->item[i], "=");

		if (env->item[i][len] == '\0')
			continue; /* the caller's own value comes with the environment */
		uc_buf_addf(out, "export %.*s=", (int)len, env->item[i]);
		add_word(out, env->item[i] + len + 1);
		uc_buf_addc(out, '\n');
	}
}

/* Say which variables are not in here. */
static void add_outer_names(const struct uc_spec *spec, struct uc_buf *out)
{
	for (size_t i = 0; i < spec->hidden_env.count; i++)
		uc_buf_addf(out, "# %.*s comes with the environment, from a file\n",
			    (int)strcspn(spec->hidden_env.item[i], "="),
			    spec->hidden_env.item[i]);
	for (size_t i = 0; i < uc_secrets_count(spec->secrets); i++)
		uc_buf_addf(out, "# %s comes with the environment, it is a secret\n",
			    uc_secrets_name(spec->secrets, i));
}

/*
 * What srun inside is told: the step's own options, and those that it does not, or not in
 * every release, take from the job (--cpus-per-task in 22.05 and 23.02). Bindings it has
 * from variables, as under sbatch. With --export the script has the variables that the
 * job is to have; srun hands on all of them, and not once more the list alone.
 */
static void add_step_options(const struct uc_spec *spec, struct uc_strv *words)
{
	static const char *const again[] = { "ntasks", "ntasks-per-node", "cpus-per-task",
					     NULL };

	for (const char *const *name = again; *name; name++) {
		const char *value = uc_spec_get(spec, *name);

		if (value)
			uc_strv_addf(words, "--%s=%s", *name, value);
	}
	if (uc_spec_get(spec, "export") &&
	    strcasecmp(uc_spec_get(spec, "export"), "ALL") != 0)
		uc_strv_add(words, "--export=ALL");
	for (size_t i = 0; i < spec->count; i++) {
		const struct uc_setting_of *s = &spec->settings[i];

		if (uc_spec_is_overridden(spec, i) ||
		    (s->option && (s->option->scope & UC_SCOPE_SBATCH)))
			continue;
		uc_strv_addf(words, "--%s%s%s", s->option ? s->option->name : s->name,
			     s->value ? "=" : "", s->value ? s->value : "");
	}
}

/*
 * pyxis deletes an existing target, writes in place, and reports a failed save with
 * status 0: so it gets a temporary name beside the target.
 */
static void add_save_begin(const struct uc_spec *spec, struct uc_buf *out)
{
	const char *target = spec->box.save, *name = strrchr(target, '/') + 1;
	uc_auto(buf) struct uc_buf prefix = { 0 };

	uc_buf_addf(&prefix, "%.*s.%.120s.saving-", (int)(name - target), target, name);
	uc_buf_add(out, "target=");
	add_word(out, target);
	uc_buf_add(out, "\nsaved=");
	add_word(out, uc_buf_text(&prefix));
	uc_buf_add(
		out,
		"$SLURM_JOB_ID\n"
		"trap 'rm -f -- \"$saved\"' EXIT\n"
		"# cancelled, or out of time: srun ends first, so that nothing is left "
		"over\n"
		"trap : TERM\n\n");
	out->failed |= prefix.failed;
}

/* The image's first bytes are written last. */
static void add_save_end(const struct uc_spec *spec, struct uc_buf *out)
{
	uc_buf_addf(
		out,
		"status=$?\n"
		"# a whole squashfs: its magic, written last, and no shorter than it says\n"
		"if [ \"$(head -c 4 -- \"$saved\" 2>/dev/null)\" != hsqs ] ||\n"
		"\t[ \"$(od -An -tu8 -j40 -N8 -- \"$saved\")\" -gt "
		"\"$(stat -c %%s -- \"$saved\")\" ]; then\n"
		"\techo \"the container was not saved to '$target'\" >&2\n"
		"\texit $((status ? status : 1))\n"
		"fi\n"
		"trap - EXIT\n"
		"if ! mv %s -- \"$saved\" \"$target\" || [ -e \"$saved\" ]; then\n"
		"\techo \"cannot save to '$target', the saved container is '$saved'\" "
		">&2\n"
		"\texit $((status ? status : 1))\n"
		"fi\n"
		"exit \"$status\"\n",
		spec->box.save_over ? "-fT" : "-nT");
}

static void add_options(struct uc_buf *out, const struct uc_strv *options)
{
	static const char save[] = "--container-save=";

	for (size_t i = 0; i < options->count; i++) {
		uc_buf_add(out, " \\\n\t");
		if (strncmp(options->item[i], save, strlen(save)) == 0)
			uc_buf_addf(out, "%s\"$saved\"", save);
		else
			add_word(out, options->item[i]);
	}
	uc_buf_add(out, options->count > 0 ? " \\\n\t--" : " --");
}

static int add_body(const struct uc_spec *spec, struct uc_buf *out, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv options = { 0 };
	uc_auto(strv) struct uc_strv command = { 0 };
	const struct uc_container *box = &spec->box;
	const bool resume = spec->resume.signal;
	const bool save = box->save && (box->image || box->name) &&
			  spec->runtime == UC_RUNTIME_PYXIS;

	add_step_options(spec, &options);
	if (uc_spec_container_words(spec, &options, &command, err) < 0)
		return -1;
	uc_strv_add_all(&command, (const char *const *)spec->command.item);
	if (options.failed || command.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (save && resume)
		return uc_fail(err, UC_USAGE,
			       "--resume does not go with a container that is saved");
	if (save)
		add_save_begin(spec, out);
	if (resume)
		uc_resume_begin(&spec->resume, out);
	uc_buf_add(out, save || resume ? "" : "exec ");
	for (size_t i = 1; i < spec->session.count; i++) {
		add_word(out, spec->session.item[i]);
		uc_buf_addc(out, ' ');
	}
	uc_buf_add(out, "srun");
	add_options(out, &options);
	for (size_t i = 0; i < command.count; i++) {
		uc_buf_addc(out, ' ');
		add_word(out, command.item[i]);
	}
	uc_buf_add(out, resume ? " 9>&-; echo \"$?\" >&9; } &\n" : "\n");
	if (save)
		add_save_end(spec, out);
	if (resume)
		uc_resume_end(&spec->resume, out);
	return 0;
}

bool uc_is_command_line(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isspace((unsigned char)line[i]))
			return line[i] != '#';
	return false;
}

/* Where the options of a script end, and ours can be added so that they win. */
static size_t end_of_options(const char *text)
{
	const char *line = text;

	while (*line) {
		size_t len = strcspn(line, "\n");

		if (uc_is_command_line(line, len))
			break;
		line += len + (line[len] == '\n');
	}
	return (size_t)(line - text);
}

static int add_given_script(const struct uc_spec *spec, struct uc_buf *out,
			    struct uc_error *err)
{
	size_t head = end_of_options(spec->script);

	uc_buf_addn(out, spec->script, head);
	if (head > 0 && spec->script[head - 1] != '\n')
		uc_buf_addc(out, '\n');
	uc_buf_add(out, "# added by usrun\n");
	if (add_sbatch_lines(spec, out, err) < 0)
		return -1;
	add_exports(out, &spec->soft_env);
	add_exports(out, &spec->env);
	add_outer_names(spec, out);
	uc_buf_add(out, spec->script + head);
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

int uc_spec_script(const struct uc_spec *spec, struct uc_buf *script,
		   struct uc_error *err)
{
	if (uc_spec_check_batch(spec, err) < 0)
		return -1;
	if (spec->command.count == 0)
		return uc_fail(err, UC_USAGE, "a batch job needs a command");
	if (spec->script)
		return add_given_script(spec, script, err);
	uc_buf_addf(script, "#!/bin/bash\n# made by %s\n",
		    spec->maker ? spec->maker : "usrun --batch");
	if (add_sbatch_lines(spec, script, err) < 0)
		return -1;
	uc_buf_addc(script, '\n');
	add_exports(script, &spec->soft_env);
	add_exports(script, &spec->env);
	add_outer_names(spec, script);
	if (add_body(spec, script, err) < 0)
		return -1;
	return script->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

void uc_spec_set_maker(struct uc_spec *spec, const char *maker)
{
	spec->maker = maker;
}

int uc_spec_set_session(struct uc_spec *spec, const char *key, const char *const *words,
			struct uc_error *err)
{
	uc_strv_free(&spec->session);
	uc_strv_add(&spec->session, key);
	uc_strv_add_all(&spec->session, words);
	return spec->session.failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

int uc_spec_set_script(struct uc_spec *spec, const char *text, struct uc_error *err)
{
	char *copy = strdup(text);

	if (!copy)
		return uc_fail(err, UC_FAILED, "out of memory");
	free(spec->script);
	spec->script = copy;
	return 0;
}

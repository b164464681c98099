/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The command line is srun's, with our own long options in between. It is read twice:
 * once for our own, which say which profile and which meaning (--batch) the rest has;
 * then, with the configuration known, in earnest.
 */
#include "usrun/usrun.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* What stands in the way of a pass: the words of our own options. */
struct own {
	struct usrun *u;
	struct uc_strv words; /* first pass: for the option table */
	bool collect;         /* first pass */
	bool batch, over;     /* --batch was seen; --help or --version was */
	/* with --on: which words are for us alone */
	const char *const *argv;
	bool on, *here;
};

static const struct uc_opt *find_own(const struct uc_cmd *cmd, const char *name,
				     size_t len)
{
	const struct uc_opt *opt;

	for (size_t i = 0; (opt = uc_opt_row(cmd, i)); i++)
		if (strncmp(opt->name, name, len) == 0 && opt->name[len] == '\0')
			return opt;
	return NULL;
}

/* An option that nobody has, and that looks like one of ours: say so before srun does. */
static int check_misspelt(const struct usrun *u, const char *name, size_t len,
			  struct uc_error *err)
{
	uc_auto(strv) struct uc_strv names = { 0 };
	uc_auto(buf) struct uc_buf word = { 0 };
	size_t count, candidates;
	const struct uc_slurm_option *slurm = uc_slurm_options(&count);
	const struct uc_opt *opt;
	const char *near = NULL;

	if (uc_slurm_option_find(name, len, ~0u, &candidates) || candidates > 0)
		return 0;
	for (size_t i = 0; (opt = uc_opt_row(u->cmd, i)); i++)
		uc_strv_add(&names, opt->name);
	for (size_t i = 0; i < count; i++)
		uc_strv_add(&names, slurm[i].name);
	uc_buf_addn(&word, name, len);
	if (!names.failed && !word.failed)
		near = uc_text_nearest(uc_buf_text(&word),
				       (const char *const *)names.item);
	if (!near || !find_own(u->cmd, near, strlen(near)))
		return 0;
	uc_fail(err, UC_USAGE, "unknown option '--%s'", uc_buf_text(&word));
	return uc_hint(err, "did you mean '--%s'?", near);
}

/* Ours in pyxis's words. They are taken in order with pyxis's own: the last one wins. */
static int take_container(struct own *own, const char *name, size_t len,
			  const char *value, struct uc_error *err)
{
	static const char *const alias[][2] = {
		{ "image", "container-image" },
		{ "mounts", "container-mounts" },
		{ "workdir", "container-workdir" },
		{ "save", "container-save" },
	};

	for (size_t i = 0; i < sizeof(alias) / sizeof(alias[0]); i++) {
		if (strncmp(alias[i][0], name, len) != 0 || alias[i][0][len] != '\0')
			continue;
		if (uc_container_option(uc_spec_container(own->u->spec), alias[i][1],
					value, &own->u->where, err) < 0)
			return uc_context(err, "--%s", alias[i][0]);
	}
	return 0;
}

/* NAME alone is the caller's value, so it has to have one. */
static int take_env(struct usrun *u, const char *value, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv checked = { 0 };

	if (uc_spec_set_env(u->spec, value, err) < 0 ||
	    uc_env_set(&checked, value, u->run->environment, err) < 0)
		return uc_context(err, "--env");
	return 0;
}

static int take_env_file(struct usrun *u, const char *path, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv env = { 0 };
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(buf) struct uc_buf full = { 0 };

	/* --again changes the directory before files are read */
	if (path[0] != '/' && u->cwd_before)
		uc_buf_addf(&full, "%s/", u->cwd_before);
	uc_buf_add(&full, path);
	if (uc_env_file(&env, uc_buf_text(&full), &faults) < 0) {
		uc_run_errors(u->run, &faults);
		err->text[0] = '\0';
		return -1;
	}
	for (size_t i = 0; i < env.count; i++)
		if (uc_spec_hide_env(u->spec, env.item[i], err) < 0)
			return uc_context(err, "--env-file");
	return 0;
}

int usrun_take_secret(struct usrun *u, const char *value, struct uc_error *err)
{
	const struct uc_secret_from from = { .cwd = u->where.cwd,
					     .home = u->run->home,
					     .environment = u->run->environment };

	/*
	 * No other program of the same user can look into this one from here on, and
	 * there is no core dump; execve() sets it back. RLIMIT_CORE would reach the job.
	 */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "--secret");
	if (uc_secrets_add(&u->secrets, value, &from, err) < 0)
		return uc_context(err, "--secret");
	return 0;
}

/* Variables count in the order in which they are given. */
static int take_variable(struct own *own, const struct uc_opt *opt, const char *value,
			 struct uc_error *err)
{
	static const struct {
		const char *name;
		int (*take)(struct usrun *u, const char *value, struct uc_error *err);
	} takers[] = { { "env", take_env },
		       { "env-file", take_env_file },
		       { "secret", usrun_take_secret } };

	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if (strcmp(takers[i].name, opt->name) == 0)
			return takers[i].take(own->u, value ? value : "", err);
	return 0;
}

/* What is not for the usrun of --on's host. */
static void keep_here(struct own *own, const struct uc_opt *opt, size_t at, int count)
{
	static const char *const names[] = { "on",     "ssh-config", "batch",
					     "follow", "parsable",   "dry-run" };

	own->on |= strcmp(opt->name, "on") == 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (int j = 0; strcmp(opt->name, names[i]) == 0 && j < count; j++)
			own->here[at + (size_t)j] = true;
}

static int take_own(void *arg, const char *const *words, struct uc_error *err)
{
	struct own *own = arg;
	const char *name = words[0] + 2;
	size_t len;
	const struct uc_opt *opt;
	const char *value;
	int count = 1;

	/* srun's letters stay srun's; these two mean the same everywhere */
	if (strcmp(words[0], "-h") == 0 || strcmp(words[0], "-V") == 0) {
		uc_strv_add(&own->words, words[0][1] == 'h' ? "--help" : "--version");
		own->over = true;
		return uc_fail(err, UC_OK, "asked for help");
	}
	if (words[0][1] != '-')
		return 0;
	len = strcspn(name, "=");
	opt = find_own(own->u->cmd, name, len);
	if (!opt)
		return len > 0 ? check_misspelt(own->u, name, len, err) : 0;
	value = name[len] == '=' ? name + len + 1 : NULL;
	if (!value && uc_opt_arity(opt) == UC_ARITY_REQUIRED && words[1]) {
		value = words[1];
		count = 2;
	}
	if (!own->collect)
		return take_container(own, name, len, value, err) < 0 ||
				       take_variable(own, opt, value, err) < 0
			       ? -1
			       : count;
	uc_strv_add(&own->words, words[0]);
	if (count == 2)
		uc_strv_add(&own->words, words[1]);
	keep_here(own, opt, (size_t)(words - own->argv), count);
	own->batch |= strcmp(opt->name, "batch") == 0;
	own->over |= strcmp(opt->name, "help") == 0 || strcmp(opt->name, "version") == 0;
	return own->over ? uc_fail(err, UC_OK, "asked for help") : count;
}

static int pass(struct own *own, const char *const *argv, bool batch,
		struct uc_error *err)
{
	struct usrun *u = own->u;
	const struct uc_parse_rules rules = {
		.where = u->where, .batch = batch, .own = take_own, .arg = own
	};
	size_t used;

	uc_spec_free(u->spec);
	u->spec = NULL;
	if (uc_spec_new(&u->spec, err) < 0 ||
	    uc_spec_parse(u->spec, argv, &rules, &used, err) < 0)
		return -1;
	uc_strv_free(&u->on_words);
	for (size_t i = 0; own->on && i < used; i++)
		if (!own->here[i])
			uc_strv_add(&u->on_words, argv[i]);
	if (own->words.failed || u->on_words.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_spec_set_command(u->spec, argv + used, err);
}

static int pass_again(struct own *own, const char *const *argv, struct uc_error *err)
{
	uc_strv_free(&own->words);
	uc_strv_add(&own->words, own->u->cmd->name);
	return pass(own, argv, true, err) == 0 || own->over ? 0 : -1;
}

/*
 * Find our own words; -W means another thing when --batch is among them, and what only
 * sbatch knows may come before it.
 */
static int first_pass(struct own *own, const char *const *argv, struct uc_error *err)
{
	struct uc_error as_batch = { 0 };

	uc_strv_add(&own->words, own->u->cmd->name);
	own->collect = true;
	if (pass(own, argv, false, err) == 0 && !own->batch &&
	    (!own->on || uc_spec_get(own->u->spec, "pty")))
		return 0;
	if (own->over)
		return 0;
	if (own->batch || own->on) {
		own->batch = true;
		return pass_again(own, argv, err);
	}
	return pass_again(own, argv, &as_batch) == 0 && (own->batch || own->over) ? 0
										  : -1;
}

static bool read_own(struct usrun *u, const char *const *argv)
{
	struct own own = { .u = u, .argv = argv };
	struct uc_error err = { 0 };
	bool ok = false;
	size_t count = 1;

	while (argv[count - 1])
		count++;
	own.here = calloc(count, sizeof(*own.here));
	if (!own.here)
		uc_fail(&err, UC_FAILED, "out of memory");
	if (!own.here || first_pass(&own, argv, &err) < 0)
		uc_run_error(u->run, &err);
	else
		ok = uc_run_parse(u->run, u->cmd, own.words.item, &u->args);
	u->words = own.words; /* args borrows from them */
	free(own.here);
	return ok;
}

bool usrun_read(struct usrun *u, char **argv)
{
	const char *const *words = (const char *const *)argv;
	struct own own = { .u = u };
	struct uc_error err = { 0 };

	u->where = (struct uc_where){ .cwd = u->run->cwd,
				      .home = u->run->home,
				      .unchecked = true };
	if (!read_own(u, words))
		return false;
	/* the rest is that host's configuration */
	if (u->args.on)
		return uc_run_config(u->run, NULL) == 0;
	if (u->args.again && usrun_again_open(u, &err) < 0) {
		uc_run_error(u->run, &err);
		return false;
	}
	if (uc_run_config(u->run, u->args.preset) < 0)
		return false;
	u->where.image_dirs = uc_config_list(u->run->config, "image_dirs");
	u->where.unchecked = u->args.force;
	if (pass(&own, words, u->args.batch, &err) < 0 ||
	    (u->again && usrun_again_apply(u, &err) < 0)) {
		if (err.text[0])
			uc_run_error(u->run, &err);
		return false;
	}
	return true;
}

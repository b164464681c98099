/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster init: the beginning of a project, from a template. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "common/ask.h"
#include "ucluster/commands.h"
#include "ucluster/templates.h"

struct args {
	struct uc_strv set;
	bool defaults, list_keys, json, force, dry_run;
};

static const struct uc_opt options[] = {
	{ "set", .type = UC_OPT_WORDS, .metavar = "KEY=VALUE", .group = "Values",
	  .offset = offsetof(struct args, set), .help = "a value of the template",
	  .doc = "Set a value of the template; nothing behind\n.Sq =\nis no value.\n"
		 "The option can be given several times." },
	{ "defaults", .type = UC_OPT_FLAG, .offset = offsetof(struct args, defaults),
	  .help = "ask nothing",
	  .doc = "Ask for no values: configuration and template say the rest.\nWithout a "
		 "terminal nothing is asked anyway." },
	{ "list-keys", .type = UC_OPT_FLAG, .offset = offsetof(struct args, list_keys),
	  .help = "say which values there are",
	  .doc = "Print the keys of the template: what they may be, the value they have "
		 "now,\nand who says so.\n.Fl -help\nafter a template's name does so, "
		 "too." },
	{ "json", .type = UC_OPT_FLAG, .offset = offsetof(struct args, json),
	  .help = "with --list-keys: as JSON" },
	{ "force", .type = UC_OPT_FLAG, .offset = offsetof(struct args, force),
	  .group = "Files", .help = "replace files that are there",
	  .doc = "Replace files that are there without asking.\nA\n.Pa README.md\n"
		 "that is there stays." },
	{ "dry-run", .type = UC_OPT_FLAG, .offset = offsetof(struct args, dry_run),
	  .help = "list what would be written" },
	{ 0 }
};

static int set_values(struct uc_run *run, struct uc_template *t,
		      const struct uc_strv *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const char *equals = strchr(set->item[i], '=');
		uc_auto(buf) struct uc_buf name = { 0 };
		struct uc_error err = { 0 };

		if (equals)
			uc_buf_addn(&name, set->item[i], (size_t)(equals - set->item[i]));
		if (name.failed)
			uc_fail(&err, UC_FAILED, "out of memory");
		else if (!equals)
			uc_fail(&err, UC_USAGE, "--set '%s': expected KEY=VALUE",
				set->item[i]);
		else if (uc_template_set(t, uc_buf_text(&name), equals + 1, &err) == 0)
			continue;
		if (err.code == UC_NOTFOUND)
			err.code =
				UC_USAGE; /* what is not found is a word of this line */
		uc_run_error(run, &err);
		return -1;
	}
	return 0;
}

static bool is_present(const struct uc_strv *present, const char *path)
{
	return present->count && uc_strv_find(present, path) >= 0;
}

static void print_path(const struct uc_run *run, const char *folder, const char *path,
		       const char *behind)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	if (strcmp(folder, ".") != 0)
		uc_buf_addf(&line, "%s/", folder);
	uc_buf_add(&line, path);
	if (run->stdout_tty) {
		uc_auto(buf) struct uc_buf safe = { 0 };

		uc_buf_safe(&safe, uc_raw(uc_buf_text(&line)), run->safe);
		line.failed = line.failed || safe.failed;
		if (!line.failed)
			printf("%s%s\n", uc_buf_text(&safe), behind);
	} else if (!line.failed) {
		printf("%s%s\n", uc_buf_text(&line), behind);
	}
	if (line.failed)
		uc_run_say(run, 0, "out of memory: the name of a file is left out");
}

static int list_files(struct uc_run *run, const struct uc_template *t, const char *folder,
		      const struct uc_strv *present)
{
	const char *path;

	for (size_t i = 0; (path = uc_template_file(t, i)); i++)
		print_path(run, folder, path,
			   is_present(present, path) ? " (exists)" : "");
	return 0;
}

/* May they be replaced? Says which they are when not. */
static bool may_replace(struct uc_run *run, const char *folder,
			const struct uc_strv *present, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf question = { 0 };

	for (size_t i = 0; i < present->count; i++)
		uc_run_say(run, 0, "'%s/%s' is there already", folder, present->item[i]);
	uc_buf_addf(&question, "replace %zu file%s", present->count,
		    present->count > 1 ? "s" : "");
	if (uc_ask_possible(run) && uc_ask_yes(run, uc_buf_text(&question)))
		return true;
	uc_fail(err, UC_USAGE, "nothing was written");
	uc_hint(err, "--force replaces what is there");
	return false;
}

static void say_readme(struct uc_run *run, const struct uc_template *t,
		       const char *folder, const struct uc_strv *written)
{
	const char *path;

	for (size_t i = 0; (path = uc_template_file(t, i)); i++) {
		if (strcmp(path, "README.md") != 0)
			continue;
		uc_run_say(run, 0,
			   uc_strv_find(written, path) >= 0
				   ? "'%s/README.md' says what to do next"
				   : "'%s/README.md' was there and stays",
			   folder);
	}
}

static int write_all(struct uc_run *run, const struct uc_template *t, const char *folder,
		     bool replace)
{
	uc_auto(strv) struct uc_strv written = { 0 };
	struct uc_error err = { 0 };
	sigset_t ends, mask;
	int rc;

	/* who presses Ctrl-C now finds all of it, or none */
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, &mask);
	rc = uc_template_write(t, folder, replace ? UC_TEMPLATE_REPLACE : 0, &written,
			       &err);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (rc < 0)
		return uc_run_error(run, &err);
	for (size_t i = 0; i < written.count; i++)
		print_path(run, folder, written.item[i], "");
	say_readme(run, t, folder, &written);
	return 0;
}

static int init(struct uc_run *run, struct uc_template *t, const char *folder,
		const struct args *args)
{
	uc_auto(strv) struct uc_strv present = { 0 };
	struct uc_error err = { 0 };

	if (uc_template_present(t, folder, &present, &err) < 0)
		return uc_run_error(run, &err);
	if (args->dry_run)
		return list_files(run, t, folder, &present);
	if (!args->defaults && uc_ask_possible(run) && template_ask(run, t) < 0)
		return run->status;
	if (present.count && !args->force && !may_replace(run, folder, &present, &err))
		return uc_run_error(run, &err);
	return write_all(run, t, folder, present.count > 0);
}

/* --help behind the name of a template: its keys as well. */
static int help_keys(struct uc_run *run)
{
	uc_auto(template) struct uc_template *t = NULL;

	if (!run->parsed.help || run->parsed.help[0] || !run->parsed.operands.count)
		return run->status;
	if (uc_run_config(run, NULL) < 0 ||
	    template_open(run, run->parsed.operands.item[0], &t) < 0)
		return run->status;
	printf("\nKeys of %s (%s):\n", uc_template_name(t), uc_template_summary(t));
	return template_print_keys(run, t, false);
}

static int run_init(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	uc_auto(template) struct uc_template *t = NULL;
	const struct uc_strv *words = &run->parsed.operands;
	struct args args = { 0 };
	int status;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args)) {
		uc_strv_free(&args.set);
		return help_keys(run);
	}
	if (uc_run_config(run, NULL) < 0 || template_open(run, words->item[0], &t) < 0 ||
	    set_values(run, t, &args.set) < 0)
		status = run->status;
	else if (args.list_keys)
		status = template_print_keys(run, t, args.json);
	else
		status = init(run, t, words->count > 1 ? words->item[1] : ".", &args);
	uc_strv_free(&args.set);
	return status;
}

const struct uc_cmd uc_cmd_init = {
	.name = "ucluster init",
	.summary = "begin a project from a template",
	.usage = (const char *const[]){ "[OPTION...] TEMPLATE [DIR]",
					"TEMPLATE --list-keys", NULL },
	.doc = "Write the files of\n.Ar TEMPLATE\ninto\n.Ar DIR ,\nor the working "
	       "directory, all of them or none,\nand print their names.\nThey can be read, "
	       "run as they are, and are nobody's but yours then.\nValues in them come from "
	       "the configuration,\non a terminal from questions, and from\n.Fl -set ;\n"
	       "each is quoted as the file needs it.\nFiles that are there are listed and "
	       "replaced after a question only.",
	.options = options,
	.operands = "TEMPLATE [DIR]",
	.min_operands = 1,
	.max_operands = 2,
	.shared = UC_SHARED_VERBOSE,
	.fn = run_init,
	.epilog = "Templates: ucluster templates",
};

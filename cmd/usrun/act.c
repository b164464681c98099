/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Become srun, or print what would be run. */
#include "usrun/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A controller that is stopped or gone costs srun 10 to 60 silent seconds; ask first, and
 * no longer than slurm.timeout.
 */
static int check_controller(struct usrun *u, struct uc_error *err)
{
	uc_auto(source) struct uc_source *src = NULL;
	bool answered = false;

	if (uc_run_source(u->run, 0, &src) < 0)
		return -1;
	if (!uc_source_is_live(src))
		return uc_fail(err, UC_DENIED, "a source that is not live runs nothing");
	if (usrun_check(u, src, &answered, err) < 0)
		return -1;
	return answered ? 0 : uc_source_ping(src, err);
}

int usrun_environment(const struct usrun *u, struct uc_strv *env, const char ***vector,
		      struct uc_error *err)
{
	if (uc_spec_environment(u->spec, u->run->environment, env, err) < 0)
		return -1;
	*vector = uc_secrets_vector(u->secrets, (const char *const *)env->item, err);
	return *vector ? 0 : -1;
}

/* Returns only on failure. */
static int become_srun(struct usrun *u, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv argv = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	const char **vector;

	if (uc_spec_srun(u->spec, &argv, err) < 0 ||
	    usrun_environment(u, &env, &vector, err) < 0)
		return -1;
	fflush(stdout);
	usrun_watch(u);
	execve(u->srun, argv.item, (char *const *)vector);
	free(vector);
	return uc_fail_errno(err, UC_FAILED, errno, "'%s'", u->srun);
}

int usrun_exec(struct usrun *u, struct uc_error *err)
{
	if (!u->srun) {
		uc_fail(err, UC_UNREACHABLE, "srun is not on PATH");
		return uc_hint(err,
			       "this is no login node, or a module must be loaded first");
	}
	if (uc_spec_command(u->spec)[0] && check_controller(u, err) < 0)
		return -1;
	if (uc_spec_container(u->spec)->save)
		return usrun_save(u, err);
	return become_srun(u, err);
}

static bool contains(const char *const *list, const char *entry)
{
	for (; *list; list++)
		if (strcmp(*list, entry) == 0)
			return true;
	return false;
}

static bool has_name(const struct uc_strv *list, const char *entry)
{
	size_t len = strcspn(entry, "=");

	for (size_t i = 0; i < list->count; i++)
		if (strncmp(list->item[i], entry, len + 1) == 0)
			return true;
	return false;
}

/* A word for the shell, without what must not be seen. */
static void add_masked(const struct usrun *u, const char *text, enum uc_quote_style style,
		       struct uc_buf *word)
{
	uc_auto(buf) struct uc_buf masked = { 0 };

	uc_secrets_mask(u->secrets, text, &masked);
	uc_buf_quote(word, uc_buf_text(&masked), style);
	word->failed |= masked.failed;
}

/* What differs from the environment of the shell it will be pasted into. */
static void show_environment(const struct usrun *u, const struct uc_strv *env,
			     enum uc_quote_style style, struct uc_strv *words)
{
	const char *const *before = u->run->environment;
	bool removed = false;

	for (const char *const *b = before; *b; b++) {
		if (has_name(env, *b))
			continue;
		uc_strv_addf(words, "%s-u %.*s", removed ? "" : "env ",
			     (int)strcspn(*b, "="), *b);
		removed = true;
	}
	for (size_t i = 0; i < env->count; i++) {
		uc_auto(buf) struct uc_buf word = { 0 };
		size_t len = strcspn(env->item[i], "=") + 1;

		if (uc_secrets_find(u->secrets, env->item[i]))
			continue;
		if (uc_spec_hides_env(u->spec, env->item[i])) {
			uc_strv_addf(words, "%.*s'<from a file>'", (int)len,
				     env->item[i]);
			continue;
		}
		if (contains(before, env->item[i]))
			continue;
		uc_buf_addn(&word, env->item[i], len);
		add_masked(u, env->item[i] + len, style, &word);
		uc_strv_add(words, uc_buf_text(&word));
		words->failed |= word.failed;
	}
	for (size_t i = 0; i < uc_secrets_count(u->secrets); i++)
		uc_strv_addf(words, "%s='<secret>'", uc_secrets_name(u->secrets, i));
}

/* On a terminal one word a line where it is long; in a pipe one line. */
static void print_words(const struct uc_run *run, const struct uc_strv *words)
{
	size_t column = 0;

	for (size_t i = 0; i < words->count; i++) {
		size_t width = uc_text_width(words->item[i]);

		if (i > 0 && run->stdout_tty &&
		    column + width + 3 > (size_t)run->columns) {
			fputs(" \\\n    ", stdout);
			column = 4;
		} else if (i > 0) {
			fputc(' ', stdout);
			column++;
		}
		fputs(words->item[i], stdout);
		column += width;
	}
	fputc('\n', stdout);
}

static int show_srun(struct usrun *u, enum uc_quote_style style, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv argv = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	uc_auto(strv) struct uc_strv words = { 0 };

	if (uc_spec_srun(u->spec, &argv, err) < 0 ||
	    uc_spec_environment(u->spec, u->run->environment, &env, err) < 0)
		return -1;
	show_environment(u, &env, style, &words);
	for (size_t i = 0; i < argv.count; i++) {
		uc_auto(buf) struct uc_buf word = { 0 };

		add_masked(u, argv.item[i], style, &word);
		uc_strv_add(&words, uc_buf_text(&word));
		words.failed |= word.failed;
	}
	if (words.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	print_words(u->run, &words);
	return 0;
}

static int show_script(struct usrun *u, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	uc_auto(buf) struct uc_buf script = { 0 };
	uc_auto(buf) struct uc_buf safe = { 0 };

	if (uc_spec_script(u->spec, &text, err) < 0)
		return -1;
	uc_secrets_mask(u->secrets, uc_buf_text(&text), &script);
	if (u->run->stdout_tty)
		uc_buf_safen(&safe, uc_buf_text(&script), script.len,
			     u->run->safe | UC_SAFE_NEWLINE);
	if (script.failed || safe.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	fputs(uc_buf_text(u->run->stdout_tty ? &safe : &script), stdout);
	return 0;
}

int usrun_show(struct usrun *u, struct uc_error *err)
{
	if (u->args.batch)
		return show_script(u, err);
	return show_srun(u, u->run->stdout_tty ? UC_QUOTE_VISIBLE : UC_QUOTE_EXACT, err);
}

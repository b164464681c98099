/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which of the caller's variables a batch job gets: --export as sbatch has it. */
#include <string.h>
#include <strings.h>
#include "slurm/backend_environment.h"

static bool begins(const char *text, const char *word)
{
	return !strncmp(text, word, strlen(word));
}

/* Slurm's own go along whatever is exported. */
static bool is_of_slurm(const char *variable)
{
	return begins(variable, "SLURM") ||
	       (UC_EXPORT_PLUGINS && begins(variable, "_SLURM_SPANK_OPTION_"));
}

static void put_variable(struct uc_strv *env, const char *variable)
{
	const char *value = strchr(variable, '=');
	uc_auto(buf) struct uc_buf name = { 0 };

	if (!value)
		return;
	uc_buf_addn(&name, variable, (size_t)(value - variable));
	env->failed |= name.failed;
	backend_put(env, uc_buf_text(&name), value + 1);
}

/* `token`: the caller's own credential may go along */
static void put_all(struct uc_strv *env, const struct uc_strv *from, bool token)
{
	for (size_t i = 0; i < from->count; i++)
		if (token || !begins(from->item[i], "SLURM_JWT="))
			put_variable(env, from->item[i]);
}

static void put_slurms(struct uc_strv *env, const struct uc_strv *from)
{
	for (size_t i = 0; i < from->count; i++)
		if (is_of_slurm(from->item[i]))
			put_variable(env, from->item[i]);
}

/*
 * The next of a list: a comma ends it, but not inside of quotes, which stay, unless they
 * are around all of it. Quotes of the two kinds are counted each for itself, as sbatch
 * does. -1: one is not closed; 0: there is no more.
 */
static int next_item(const char **rest, const char **item, size_t *len)
{
	bool single = false, twice = false;
	const char *at = *rest;

	if (!*at)
		return 0;
	for (; *at && (*at != ',' || single || twice); at++) {
		single ^= *at == '\'';
		twice ^= *at == '"';
	}
	if (single || twice)
		return -1;
	*item = *rest;
	*len = (size_t)(at - *rest);
	*rest = at + (*at == ',');
	if (*len > 1 && (**item == '\'' || **item == '"') &&
	    (*item)[*len - 1] == **item) {
		(*item)++;
		*len -= 2;
	}
	return 1;
}

static void put_named(struct uc_strv *env, const struct uc_strv *from, const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < from->count; i++)
		if (!strncmp(from->item[i], name, len) && from->item[i][len] == '=')
			put_variable(env, from->item[i]);
}

static int put_listed(const struct backend_draft *draft, const struct uc_strv *from,
		      struct uc_strv *env, struct uc_error *err)
{
	const char *rest = draft->export, *at;
	size_t len;
	int more;

	while ((more = next_item(&rest, &at, &len)) > 0) {
		uc_auto(buf) struct uc_buf item = { 0 };

		uc_buf_addn(&item, at, len);
		if (item.failed)
			return uc_fail(err, UC_FAILED, "out of memory");
		if (!strcasecmp(uc_buf_text(&item), "ALL"))
			put_all(env, from, true);
		else if (memchr(at, '=', len))
			put_variable(env, uc_buf_text(&item));
		else
			put_named(env, from, uc_buf_text(&item));
	}
	if (more < 0)
		return uc_fail(err, UC_USAGE, "--export=%s: a quote is not closed",
			       draft->export);
	put_slurms(env, from);
	return 0;
}

int backend_export(const struct backend_draft *draft, const struct uc_strv *from,
		   struct uc_strv *env, struct uc_error *err)
{
	const char *which = draft->export ? draft->export : "ALL";
	bool none = !strcasecmp(which, "NONE"), nil = !strcasecmp(which, "NIL");
	bool all = !strcasecmp(which, "ALL");

	if (all)
		put_all(env, from, draft->export || UC_EXPORT_TOKEN);
	else if (none || nil)
		put_slurms(env, from);
	else if (put_listed(draft, from, env, err) < 0)
		return -1;
	/* slurmd puts what a login has under it, up to the user's own shell files */
	if (draft->user_env || !(all || nil))
		backend_put(env, "SLURM_GET_USER_ENV", "1");
	/* steps inside get no more, unless the caller says otherwise */
	if (!all && !backend_has(env, "SLURM_EXPORT_ENV"))
		backend_put(env, "SLURM_EXPORT_ENV", which);
	return 0;
}

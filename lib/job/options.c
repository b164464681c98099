/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Finding a row of the options' table as getopt_long(3) would. */
#include <ucluster/option.h>

#include <stdbool.h>
#include <string.h>
#include <ucluster/text.h>

static const char *usual_name(const struct uc_slurm_option *opt)
{
	return opt->same ? opt->same : opt->name;
}

static const struct uc_slurm_option *find_exact(const char *name, size_t len,
						unsigned scope)
{
	size_t count;
	const struct uc_slurm_option *opt = uc_slurm_options(&count);

	for (; count > 0; count--, opt++)
		if ((opt->scope & scope) && strncmp(opt->name, name, len) == 0 &&
		    opt->name[len] == '\0')
			return opt;
	return NULL;
}

const struct uc_slurm_option *uc_slurm_option_find(const char *name, size_t len,
						   unsigned scope, size_t *candidates)
{
	const struct uc_slurm_option *first = find_exact(name, len, scope);
	bool alike = true;
	size_t count;
	const struct uc_slurm_option *opt = uc_slurm_options(&count);

	*candidates = first != NULL;
	if (first || len == 0)
		return first;
	for (; count > 0; count--, opt++) {
		if (!(opt->scope & scope) || strncmp(opt->name, name, len) != 0)
			continue;
		if (first && strcmp(usual_name(first), usual_name(opt)) == 0)
			continue;
		alike = alike && (!first || first->arity == opt->arity);
		first = first ? first : opt;
		++*candidates;
	}
	return alike ? first : NULL;
}

const struct uc_slurm_option *uc_slurm_option_letter(char letter, unsigned scope)
{
	size_t count;
	const struct uc_slurm_option *opt = uc_slurm_options(&count);

	for (; letter != '\0' && count > 0; count--, opt++)
		if (opt->letter == letter && (opt->scope & scope))
			return opt;
	return NULL;
}

const char *uc_slurm_option_nearest(const char *name, size_t len)
{
	uc_auto(buf) struct uc_buf word = { 0 };
	uc_auto(strv) struct uc_strv names = { 0 };
	const struct uc_slurm_option *opt;
	const char *found = NULL;
	size_t count;

	uc_buf_addn(&word, name, len);
	opt = uc_slurm_options(&count);
	for (size_t i = 0; i < count; i++)
		uc_strv_add(&names, opt[i].name);
	if (!word.failed && !names.failed)
		found = uc_text_nearest(uc_buf_text(&word),
					(const char *const *)names.item);
	/* the caller gets the table's own string */
	return found ? find_exact(found, strlen(found), ~0u)->name : NULL;
}

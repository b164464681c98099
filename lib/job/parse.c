/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A command line is cut where srun cuts it: getopt_long(3) with "+", so the first word
 * that is neither an option nor an option's value begins the command.
 */
#include "job/spec.h"

#include <stdlib.h>
#include <string.h>

struct cursor {
	struct uc_spec *spec;
	const struct uc_parse_rules *rules;
	const char *const *argv;
	size_t at; /* word looked at */
	struct uc_error *err;
};

static unsigned first_tool(const struct cursor *c)
{
	return c->rules->batch ? UC_SCOPE_SBATCH : UC_SCOPE_SRUN;
}

static int no_memory(struct cursor *c)
{
	return uc_fail(c->err, UC_FAILED, "out of memory");
}

/*
 * Append one option of Slurm. `text` is the word it stands in, `value` points into it or
 * into the next word (`next`), or is NULL. Without `option` the word is --NAME[=VALUE].
 */
static int add(struct cursor *c, const struct uc_slurm_option *option, const char *value,
	       const char *next)
{
	const char *text = c->argv[c->at];
	uc_auto(buf) struct uc_buf kind = { 0 };
	uc_auto(buf) struct uc_buf word = { 0 };
	struct uc_setting_of *setting;

	if (option && value &&
	    uc_kind_value(uc_option_name(option), value, &kind, c->err) < 0)
		return uc_context(c->err, "--%s", option->name);
	if (kind.len > 0) {
		if (!next)
			uc_buf_addn(&word, text, (size_t)(value - text));
		uc_buf_add(&word, uc_buf_text(&kind));
		if (word.failed)
			return no_memory(c);
		value = uc_buf_text(&kind);
	}
	setting = uc_spec_append(c->spec, option, value);
	if (!setting)
		return no_memory(c);
	setting->at = c->at;
	setting->name = option ? NULL : strndup(text + 2, strcspn(text + 2, "="));
	if (!option && !setting->name)
		return no_memory(c);
	setting->word[0] = strdup(next || word.len == 0 ? text : uc_buf_text(&word));
	if (next)
		setting->word[1] = strdup(word.len > 0 ? uc_buf_text(&word) : next);
	return setting->word[0] && (!next || setting->word[1]) ? 0 : no_memory(c);
}

/* Is it sbatch's alone, and srun will be called? In batch both have their place. */
static bool is_foreign(const struct cursor *c, const struct uc_slurm_option *option)
{
	return !c->rules->batch &&
	       !(option->scope & (UC_SCOPE_SRUN | UC_SCOPE_CONTAINER));
}

static int wrong_tool(struct cursor *c, const struct uc_slurm_option *option)
{
	return uc_fail(c->err, UC_USAGE, "--%s is an option of sbatch: it needs --batch",
		       option->name);
}

static int unknown(struct cursor *c, const char *name, size_t len)
{
	const char *near = uc_slurm_option_nearest(name, len);

	uc_fail(c->err, UC_USAGE, "unknown option '--%.*s'", (int)len, name);
	if (near)
		return uc_hint(c->err, "did you mean '--%s'?", near);
	return uc_hint(c->err, "an option of a site's plugin is written --%.*s=VALUE",
		       (int)len, name);
}

static int ambiguous(struct cursor *c, const char *name, size_t len)
{
	uc_auto(buf) struct uc_buf list = { 0 };
	size_t count;
	const struct uc_slurm_option *opt = uc_slurm_options(&count);

	for (size_t i = 0; i < count; i++)
		if (strncmp(opt[i].name, name, len) == 0 &&
		    (opt[i].scope & (first_tool(c) | UC_SCOPE_CONTAINER)))
			uc_buf_addf(&list, "%s--%s", list.len ? ", " : "", opt[i].name);
	return uc_fail(c->err, UC_USAGE, "option '--%.*s' is ambiguous: %s", (int)len,
		       name, uc_buf_text(&list));
}

static bool is_exact(const struct uc_slurm_option *option, const char *name, size_t len)
{
	return option && strncmp(option->name, name, len) == 0 &&
	       option->name[len] == '\0';
}

/*
 * What a long name stands for: among the options of the tool that is called, or the other
 * tool's when it is named in full or nothing else begins so.
 */
static const struct uc_slurm_option *look_up(const struct cursor *c, const char *name,
					     size_t len, size_t *candidates)
{
	const struct uc_slurm_option *option, *other;
	size_t others;

	option = uc_slurm_option_find(name, len, first_tool(c) | UC_SCOPE_CONTAINER,
				      candidates);
	if (is_exact(option, name, len))
		return option;
	other = uc_slurm_option_find(name, len, UC_SCOPE_SRUN | UC_SCOPE_SBATCH, &others);
	if (is_exact(other, name, len) || *candidates == 0) {
		*candidates = others;
		return other;
	}
	return option;
}

static int take_container(struct cursor *c, const struct uc_slurm_option *option,
			  const char *value)
{
	return uc_container_option(&c->spec->box, option->name, value, &c->rules->where,
				   c->err);
}

/* A flag of a plugin: only where what follows cannot be its value. */
static bool is_plugin_flag(const struct cursor *c)
{
	const char *next = c->argv[c->at + 1];

	return next && next[0] == '-' && next[1] != '\0';
}

static int take_unknown(struct cursor *c, const char *name, size_t len, const char *value)
{
	const char *near = uc_slurm_option_nearest(name, len);

	/* in batch nobody would notice a mistyped one before the job runs */
	if ((near && (!value || c->rules->batch)) || (!value && !is_plugin_flag(c)))
		return unknown(c, name, len);
	if (add(c, NULL, value, NULL) < 0)
		return -1;
	c->at++;
	return 0;
}

static int take_long(struct cursor *c)
{
	const char *name = c->argv[c->at] + 2;
	size_t len = strcspn(name, "="), candidates;
	const char *value = name[len] == '=' ? name + len + 1 : NULL;
	const char *next = NULL;
	const struct uc_slurm_option *option = look_up(c, name, len, &candidates);

	if (candidates == 0)
		return take_unknown(c, name, len, value);
	if ((!option && !value) || (candidates > 1 && c->rules->batch))
		return ambiguous(c, name, len);
	if (option && option->arity == UC_ARITY_REQUIRED && !value) {
		next = value = c->argv[c->at + 1];
		if (!next)
			return uc_fail(c->err, UC_USAGE, "option '--%s' needs a value",
				       option->name);
	}
	if (candidates > 1)
		option = NULL; /* srun of this release may know which one is meant */
	if (option && is_foreign(c, option))
		return wrong_tool(c, option);
	if (option && (option->scope & UC_SCOPE_CONTAINER)
		    ? take_container(c, option, value) < 0
		    : add(c, option, value, next) < 0)
		return -1;
	c->at += next ? 2 : 1;
	return 0;
}

/* Mark the letters before `text`'s last one as part of its word. */
static int add_bundled(struct cursor *c, const struct uc_slurm_option *option)
{
	struct uc_setting_of *setting = uc_spec_append(c->spec, option, NULL);

	if (!setting)
		return no_memory(c);
	setting->bundled = true;
	return 0;
}

static int take_letters(struct cursor *c)
{
	for (const char *at = c->argv[c->at] + 1;; at++) {
		const struct uc_slurm_option *option =
			uc_slurm_option_letter(*at, first_tool(c));
		const char *value = at[1] ? at + 1 : NULL, *next = NULL;

		if (!option)
			option = uc_slurm_option_letter(*at,
							UC_SCOPE_SRUN | UC_SCOPE_SBATCH);
		if (option && is_foreign(c, option))
			return wrong_tool(c, option);
		if (!option)
			return uc_fail(c->err, UC_USAGE, "unknown option '-%c' in '%s'",
				       *at, c->argv[c->at]);
		if (option->arity == UC_ARITY_NONE && value) {
			if (add_bundled(c, option) < 0)
				return -1;
			continue;
		}
		if (option->arity == UC_ARITY_REQUIRED && !value) {
			next = value = c->argv[c->at + 1];
			if (!next)
				return uc_fail(c->err, UC_USAGE,
					       "option '-%c' needs a value", *at);
		}
		if (add(c, option, value, next) < 0)
			return -1;
		c->at += next ? 2 : 1;
		return 0;
	}
}

int uc_spec_parse(struct uc_spec *spec, const char *const *argv,
		  const struct uc_parse_rules *rules, size_t *used, struct uc_error *err)
{
	struct cursor c = { .spec = spec, .rules = rules, .argv = argv, .err = err };

	for (;;) {
		const char *word = argv[c.at];
		int rc;

		*used = c.at;
		if (!word || word[0] != '-' || word[1] == '\0')
			break;
		if (strcmp(word, "--") == 0) {
			++*used;
			break;
		}
		rc = rules->own ? rules->own(rules->arg, argv + c.at, err) : 0;
		if (rc > 0)
			c.at += (size_t)rc;
		else if (rc == 0)
			rc = word[1] == '-' ? take_long(&c) : take_letters(&c);
		if (rc < 0)
			return -1;
	}
	return uc_spec_mark(spec,
			    rules->layer ? rules->layer : uc_layer_name(UC_LAYER_OPTION),
			    NULL, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/opt.h"

#include <assert.h>
#include <string.h>

static const char *const color_choices[] = { "auto", "always", "never", NULL };

/* clang-format off */
static const struct {
	unsigned when; /* bit of uc_cmd.shared; 0 = always */
	struct uc_opt opt;
} shared_options[] = {
	{ UC_SHARED_COLOR,
	  { "color", .type = UC_OPT_CHOICE, .choices = color_choices, .metavar = "WHEN",
	    .absent = "always", .offset = offsetof(struct uc_parsed, color), .group = "General",
	    .help = "use colour: auto, always, never",
	    .doc = "Use colour.\n.Cm auto ,\nthe default: on a terminal, unless\n"
		   ".Ev NO_COLOR\nis set." } },
	{ UC_SHARED_VERBOSE,
	  { "verbose", 'v', UC_OPT_COUNT, .offset = offsetof(struct uc_parsed, verbose),
	    .group = "General", .help = "say more; twice: where errors come from" } },
	{ UC_SHARED_SOURCE,
	  { "source", .type = UC_OPT_STRING, .flags = UC_OPT_HIDDEN, .metavar = "SOURCE",
	    .offset = offsetof(struct uc_parsed, source), .group = "General",
	    .help = "ask slurm:, record:DIR or synthetic:jobs=N" } },
	{ 0,
	  { "help", .type = UC_OPT_TEXT, .metavar = "FORM", .absent = "",
	    .offset = offsetof(struct uc_parsed, help), .group = "General",
	    .help = "print this help" } },
	{ 0,
	  { "version", 'V', UC_OPT_FLAG, .offset = offsetof(struct uc_parsed, version),
	    .group = "General", .help = "print the version" } },
};
/* clang-format on */
#define SHARED_COUNT (sizeof(shared_options) / sizeof(shared_options[0]))

static bool is_shared(const struct uc_opt *opt)
{
	for (size_t i = 0; i < SHARED_COUNT; i++)
		if (opt == &shared_options[i].opt)
			return true;
	return false;
}

const struct uc_opt *uc_opt_row(const struct uc_cmd *cmd, size_t index)
{
	size_t own = 0;

	while (cmd->options && cmd->options[own].name)
		if (own++ == index)
			return &cmd->options[index];
	for (size_t i = 0; i < SHARED_COUNT; i++) {
		if (shared_options[i].when && !(cmd->shared & shared_options[i].when))
			continue;
		if (own++ == index)
			return &shared_options[i].opt;
	}
	return NULL;
}

enum uc_arity uc_opt_arity(const struct uc_opt *opt)
{
	if (opt->type == UC_OPT_FLAG || opt->type == UC_OPT_COUNT)
		return UC_ARITY_NONE;
	return opt->absent ? UC_ARITY_OPTIONAL : UC_ARITY_REQUIRED;
}

const struct uc_opt *uc_opt_letter(const struct uc_cmd *cmd, char letter)
{
	const struct uc_opt *opt, *help = NULL;

	for (size_t i = 0; (opt = uc_opt_row(cmd, i)); i++) {
		if (opt->letter && opt->letter == letter)
			return opt;
		if (strcmp(opt->name, "help") == 0)
			help = opt;
	}
	return letter == 'h' ? help : NULL;
}

int uc_opt_unknown(const struct uc_cmd *cmd, const char *name, size_t len,
		   struct uc_error *err)
{
	uc_auto(strv) struct uc_strv names = { 0 };
	uc_auto(buf) struct uc_buf word = { 0 };
	const struct uc_opt *opt;
	struct uc_opt foreign;
	const char *near = NULL;

	for (size_t i = 0; (opt = uc_opt_row(cmd, i)); i++)
		if (!(opt->flags & UC_OPT_HIDDEN))
			uc_strv_add(&names, opt->name);
	for (size_t i = 0; cmd->foreign && cmd->foreign(i, &foreign); i++)
		if (foreign.name)
			uc_strv_add(&names, foreign.name);
	uc_buf_addn(&word, name, len);
	if (!names.failed)
		near = uc_text_nearest(uc_buf_text(&word),
				       (const char *const *)names.item);
	if (near)
		return uc_fail(err, UC_USAGE,
			       "unknown option '--%s': did you mean '--%s'?",
			       uc_buf_text(&word), near);
	return uc_fail(err, UC_USAGE, "unknown option '--%s': see '%s --help'",
		       uc_buf_text(&word), cmd->name);
}

/* `abbreviated` is a prefix of several names: say which. */
static int fail_ambiguous(const struct uc_cmd *cmd, const char *name, size_t len,
			  struct uc_error *err)
{
	uc_auto(buf) struct uc_buf which = { 0 };
	const struct uc_opt *opt;

	for (size_t i = 0; (opt = uc_opt_row(cmd, i)); i++)
		if (!(opt->flags & UC_OPT_HIDDEN) && strncmp(opt->name, name, len) == 0)
			uc_buf_addf(&which, "%s'--%s'", which.len ? ", " : "", opt->name);
	return uc_fail(err, UC_USAGE, "option '--%.*s' is ambiguous: %s", (int)len, name,
		       uc_buf_text(&which));
}

const struct uc_opt *uc_opt_find(const struct uc_cmd *cmd, const char *name, size_t len,
				 struct uc_error *err)
{
	const struct uc_opt *opt, *found = NULL;
	bool ambiguous = false;

	for (size_t i = 0; (opt = uc_opt_row(cmd, i)); i++) {
		if (strncmp(opt->name, name, len) != 0)
			continue;
		if (!opt->name[len])
			return opt;
		if (opt->flags & UC_OPT_HIDDEN)
			continue;
		ambiguous = found != NULL;
		found = opt;
	}
	if (found && !ambiguous && len)
		return found;
	if (ambiguous && len)
		fail_ambiguous(cmd, name, len, err);
	else
		uc_opt_unknown(cmd, name, len, err);
	return NULL;
}

void uc_parsed_free(struct uc_parsed *parsed)
{
	uc_strv_free(&parsed->operands);
}

/* One run over the words. */
struct parse {
	const struct uc_cmd *cmd;
	char *const *next; /* the word after the present one */
	void *args;
	struct uc_parsed *parsed;
	struct uc_error *err;
};

static int store(struct parse *p, const struct uc_opt *opt, const char *value)
{
	void *base = is_shared(opt) ? (void *)p->parsed : p->args;

	return uc_opt_store(opt, value, base, p->err);
}

/* `attached`: what was written with the option ("=V", "xV"), or NULL. */
static int take(struct parse *p, const struct uc_opt *opt, const char *attached)
{
	enum uc_arity arity = uc_opt_arity(opt);

	if (arity == UC_ARITY_NONE && attached)
		return uc_fail(p->err, UC_USAGE, "option '--%s' takes no value, got '%s'",
			       opt->name, attached);
	if (arity == UC_ARITY_REQUIRED && !attached) {
		if (!*p->next)
			return uc_fail(p->err, UC_USAGE,
				       "option '--%s' needs a value: %s", opt->name,
				       opt->metavar ? opt->metavar : "VALUE");
		attached = *p->next++;
	}
	return store(p, opt, attached);
}

static int parse_long(struct parse *p, const char *word)
{
	size_t len = strcspn(word, "=");
	const struct uc_opt *opt = uc_opt_find(p->cmd, word, len, p->err);

	if (!opt)
		return -1;
	return take(p, opt, word[len] ? word + len + 1 : NULL);
}

/* A letter beyond ASCII has several bytes. */
static int fail_letter(struct parse *p, const char *word)
{
	int len = 1;

	while (((unsigned char)word[len] & 0xc0) == 0x80)
		len++;
	return uc_fail(p->err, UC_USAGE, "unknown option '-%.*s': see '%s --help'", len,
		       word, p->cmd->name);
}

static int parse_letters(struct parse *p, const char *word)
{
	for (; *word; word++) {
		const struct uc_opt *opt = uc_opt_letter(p->cmd, *word);

		if (!opt)
			return fail_letter(p, word);
		if (uc_opt_arity(opt) != UC_ARITY_NONE)
			return take(p, opt, word[1] ? word + 1 : NULL);
		if (take(p, opt, NULL) < 0)
			return -1;
	}
	return 0;
}

/* Which of "JOBID NAME" lacks, when there are `given`. */
static int missing(const struct uc_cmd *cmd, size_t given, struct uc_error *err)
{
	const char *word = cmd->operands;

	for (; given && strchr(word, ' '); given--)
		word = strchr(word, ' ') + 1;
	return uc_fail(err, UC_USAGE, "missing %.*s: see '%s --help'",
		       (int)strcspn(word, " "), word, cmd->name);
}

static int check_operands(const struct uc_cmd *cmd, const struct uc_strv *words,
			  struct uc_error *err)
{
	size_t max = cmd->operands && !cmd->max_operands ? SIZE_MAX
							 : (size_t)cmd->max_operands;

	if (words->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (cmd->subcommands && !cmd->fn)
		return 0;
	if (words->count > max)
		return uc_fail(err, UC_USAGE, "unexpected word '%s': see '%s --help'",
			       words->item[max], cmd->name);
	if (words->count < (size_t)cmd->min_operands)
		return missing(cmd, words->count, err);
	return 0;
}

int uc_opt_parse(const struct uc_cmd *cmd, char *const *argv, void *args,
		 struct uc_parsed *parsed, struct uc_error *err)
{
	struct parse p = { cmd, argv, args, parsed, err };
	bool options = true;

	assert(!cmd->min_operands || cmd->operands);
	if (*p.next)
		p.next++;
	while (*p.next) {
		const char *word = *p.next++;
		int rc = 0;

		if (!options || word[0] != '-' || !word[1]) {
			uc_strv_add(&parsed->operands, word);
			/* a subcommand's own options follow it */
			options = options && !cmd->in_order &&
				  (!cmd->subcommands || cmd->fn);
		} else if (strcmp(word, "--") == 0) {
			options = false;
		} else if (word[1] == '-') {
			rc = parse_long(&p, word + 2);
		} else {
			rc = parse_letters(&p, word + 1);
		}
		if (rc < 0)
			return -1;
		if (parsed->help || parsed->version)
			return 0;
	}
	return check_operands(cmd, &parsed->operands, err);
}

const char *uc_cmd_word(const struct uc_cmd *cmd)
{
	const char *blank = strrchr(cmd->name, ' ');

	return blank ? blank + 1 : cmd->name;
}

const struct uc_cmd *uc_cmd_find(const struct uc_cmd *cmd, const char *word,
				 struct uc_error *err)
{
	uc_auto(strv) struct uc_strv words = { 0 };
	const char *near = NULL;

	for (size_t i = 0; cmd->subcommands[i]; i++) {
		const char *name = uc_cmd_word(cmd->subcommands[i]);

		if (strcmp(name, word) == 0)
			return cmd->subcommands[i];
		if (!cmd->subcommands[i]->hidden)
			uc_strv_add(&words, name);
	}
	if (!words.failed)
		near = uc_text_nearest(word, (const char *const *)words.item);
	if (near)
		uc_fail(err, UC_USAGE, "unknown command '%s': did you mean '%s'?", word,
			near);
	else
		uc_fail(err, UC_USAGE, "unknown command '%s': see '%s --help'", word,
			cmd->name);
	return NULL;
}

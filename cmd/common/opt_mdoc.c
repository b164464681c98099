/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --help=mdoc: the generated parts of a man page, see mdoc(7). */
#include "common/opt.h"

#include <ctype.h>
#include <string.h>
#include "common/table.h"

/* Text as mdoc: backslashes and a leading dot or quote would be markup. */
static void add_text(struct uc_buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		uc_buf_add(out, "\\&");
	for (; *text; text++) {
		if (*text == '\\')
			uc_buf_add(out, "\\e");
		else if (*text == '-')
			uc_buf_add(out, "\\-");
		else
			uc_buf_addc(out, *text);
	}
}

/* A sentence from the few words of --help. */
static void add_sentence(struct uc_buf *out, const char *text)
{
	uc_auto(buf) struct uc_buf first = { 0 };

	uc_buf_addc(&first, (char)toupper((unsigned char)text[0]));
	uc_buf_add(&first, text + 1);
	add_text(out, uc_buf_text(&first));
	uc_buf_add(out, ".\n");
}

static void add_doc(struct uc_buf *out, const char *doc, const char *help)
{
	if (doc)
		uc_buf_addf(out, "%s\n", doc);
	else
		add_sentence(out, help);
}

/* ".It Fl p , Fl -partition Ns = Ns Ar NAME" */
static void add_item(struct uc_buf *out, const struct uc_opt *opt)
{
	const char *metavar = opt->metavar ? opt->metavar : "VALUE";

	uc_buf_add(out, ".It ");
	if (opt->letter)
		uc_buf_addf(out, "Fl %c%s", opt->letter, opt->name ? " , " : "");
	if (opt->name)
		uc_buf_addf(out, "Fl -%s", opt->name);
	switch (uc_opt_arity(opt)) {
	case UC_ARITY_NONE:
		break;
	case UC_ARITY_REQUIRED:
		uc_buf_addf(out, " Ns = Ns Ar %s", metavar);
		break;
	case UC_ARITY_OPTIONAL:
		uc_buf_addf(out, " Ns Op = Ns Ar %s", metavar);
		break;
	}
	uc_buf_addc(out, '\n');
}

static void add_help_item(struct uc_buf *out)
{
	uc_buf_add(out, ".It Fl -help Ns Op = Ns Ar FORM\n"
			"Print a summary of the options; with\n"
			".Ar FORM\n"
			".Cm bash , zsh\nor\n.Cm fish\n"
			"a completion script,\nwith\n.Cm mdoc\n"
			"this list.\n");
}

/* --help and --version, which every subcommand has. */
static bool is_basic(const struct uc_opt *opt)
{
	return strcmp(opt->name, "help") == 0 || strcmp(opt->name, "version") == 0;
}

enum which {
	ALL,
	BASIC,
	OTHERS
};

static void add_options(struct uc_buf *out, const struct uc_cmd *cmd, enum which which)
{
	const struct uc_opt *opt;
	size_t count = 0;

	for (size_t i = 0; (opt = uc_opt_row(cmd, i)); i++) {
		if ((opt->flags & UC_OPT_HIDDEN) ||
		    (which != ALL && is_basic(opt) != (which == BASIC)))
			continue;
		if (!count++)
			uc_buf_add(out, ".Bl -tag -width Ds\n");
		if (strcmp(opt->name, "help") == 0) {
			add_help_item(out);
			continue;
		}
		add_item(out, opt);
		add_doc(out, opt->doc, opt->help);
	}
	if (count)
		uc_buf_add(out, ".El\n");
}

/* A section for each subcommand that does something, in the order of the tables. */
static void add_subcommands(struct uc_buf *out, const struct uc_cmd *cmd)
{
	for (size_t i = 0; cmd->subcommands && cmd->subcommands[i]; i++) {
		const struct uc_cmd *sub = cmd->subcommands[i];

		if (sub->hidden)
			continue;
		if (sub->subcommands) {
			add_subcommands(out, sub);
			continue;
		}
		uc_buf_addf(out, ".Ss %s", sub->name);
		for (size_t u = 0; sub->usage && u < 1 && sub->usage[u]; u++) {
			uc_buf_addc(out, ' ');
			add_text(out, sub->usage[u]);
		}
		uc_buf_addc(out, '\n');
		add_doc(out, sub->doc, sub->summary);
		add_options(out, sub, OTHERS);
	}
}

void uc_help_mdoc(const struct uc_cmd *cmd, struct uc_buf *out)
{
	if (!cmd->subcommands || cmd->fn)
		add_options(out, cmd, ALL);
	add_subcommands(out, cmd);
	if (!cmd->subcommands || cmd->fn)
		return;
	uc_buf_add(out, ".Ss All commands\n");
	add_options(out, cmd, BASIC);
}

static void add_columns(struct uc_buf *out, const struct uc_column *column)
{
	uc_buf_add(out, ".Bl -tag -width array_task_id -compact\n");
	for (; column && column->heading; column++) {
		uc_buf_addf(out, ".It Cm %s\n", column->key);
		add_sentence(out, column->help);
	}
	uc_buf_add(out, ".El\n");
}

/* The command's own, then a section for each subcommand that lists something else. */
void uc_help_mdoc_columns(const struct uc_cmd *cmd, struct uc_buf *out)
{
	if (cmd->columns)
		add_columns(out, cmd->columns);
	for (size_t i = 0; cmd->subcommands && cmd->subcommands[i]; i++) {
		const struct uc_cmd *sub = cmd->subcommands[i];

		if (sub->hidden || !sub->columns || sub->columns == cmd->columns)
			continue;
		uc_buf_addf(out, ".Ss Columns of %s\n", sub->name);
		add_columns(out, sub->columns);
	}
}

/* Their own manual explains them: names are enough here. */
void uc_help_mdoc_foreign(const struct uc_cmd *cmd, struct uc_buf *out)
{
	struct uc_opt opt;

	uc_buf_add(out, ".Bl -tag -width Ds -compact\n");
	for (size_t i = 0; cmd->foreign && cmd->foreign(i, &opt); i++) {
		if (opt.flags & UC_OPT_HIDDEN)
			continue;
		add_item(out, &opt);
		if (opt.help)
			add_sentence(out, opt.help);
	}
	uc_buf_add(out, ".El\n");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --help: grouped, fitted to the terminal. */
#include "common/opt.h"

#include <ctype.h>
#include <string.h>

enum {
	LABEL_MAX = 28,
	COLUMNS_MIN = 20,
	COLUMNS_MAX = 100
};

/* "  -p, --partition=NAME", "      --me" */
static void add_label(struct uc_buf *out, const struct uc_opt *opt)
{
	if (opt->letter)
		uc_buf_addf(out, "  -%c, --%s", opt->letter, opt->name);
	else
		uc_buf_addf(out, "      --%s", opt->name);
	if (uc_opt_arity(opt) == UC_ARITY_NONE || strcmp(opt->name, "help") == 0)
		return;
	uc_buf_addf(out, opt->absent ? "[=%s]" : "=%s",
		    opt->metavar ? opt->metavar : "VALUE");
}

/* Add `text` wrapped at `columns`; the cursor is at `at`, further lines start at
 * `indent`. */
static void add_wrapped(struct uc_buf *out, const char *text, size_t at, size_t indent,
			size_t columns)
{
	size_t start = at;

	while (*text) {
		size_t len = strcspn(text, " \n");

		if (at > start && at + 1 + len > columns) {
			uc_buf_addf(out, "\n%*s", (int)indent, "");
			at = start = indent;
		}
		if (at > start) {
			uc_buf_addc(out, ' ');
			at++;
		}
		uc_buf_addn(out, text, len);
		at += len;
		text += len;
		if (*text == '\n') {
			uc_buf_addf(out, "\n%*s", (int)indent, "");
			at = start = indent;
		}
		if (*text)
			text++;
	}
	uc_buf_addc(out, '\n');
}

static size_t label_width(const struct uc_cmd *cmd)
{
	const struct uc_opt *opt;
	size_t width = 0;

	for (size_t i = 0; (opt = uc_opt_row(cmd, i)); i++) {
		uc_auto(buf) struct uc_buf label = { 0 };

		if (opt->flags & UC_OPT_HIDDEN)
			continue;
		add_label(&label, opt);
		if (label.len > width && label.len <= LABEL_MAX)
			width = label.len;
	}
	return width + 2;
}

static void add_options(const struct uc_cmd *cmd, size_t columns, struct uc_buf *out)
{
	size_t indent = label_width(cmd);
	const char *group = NULL;
	const struct uc_opt *opt;

	if (indent + 20 > columns)
		indent = 8;
	for (size_t i = 0; (opt = uc_opt_row(cmd, i)); i++) {
		uc_auto(buf) struct uc_buf label = { 0 };

		if (opt->flags & UC_OPT_HIDDEN)
			continue;
		if (opt->group && (!group || strcmp(group, opt->group) != 0)) {
			group = opt->group;
			uc_buf_addf(out, "\n%s:\n", group);
		}
		add_label(&label, opt);
		uc_buf_add(out, uc_buf_text(&label));
		if (label.len + 2 > indent)
			uc_buf_addf(out, "\n%*s", (int)indent, "");
		else
			uc_buf_addf(out, "%*s", (int)(indent - label.len), "");
		add_wrapped(out, opt->help, indent, indent, columns);
	}
}

static void add_subcommands(const struct uc_cmd *cmd, size_t columns, struct uc_buf *out)
{
	const struct uc_cmd *sub;
	size_t indent = 0;

	for (size_t i = 0; cmd->subcommands && (sub = cmd->subcommands[i]); i++) {
		size_t len = strlen(uc_cmd_word(sub));

		if (!sub->hidden && len + 4 > indent)
			indent = len + 4;
	}
	if (indent)
		uc_buf_add(out, "\nCommands:\n");
	for (size_t i = 0; cmd->subcommands && (sub = cmd->subcommands[i]); i++) {
		if (sub->hidden)
			continue;
		uc_buf_addf(out, "  %-*s", (int)(indent - 2), uc_cmd_word(sub));
		add_wrapped(out, sub->summary, indent, indent, columns);
	}
}

static void add_usage(const struct uc_cmd *cmd, size_t columns, struct uc_buf *out)
{
	size_t indent = strlen("Usage: ") + strlen(cmd->name) + 1;

	if (indent + 20 > columns)
		indent = 8;
	for (size_t i = 0; cmd->usage && cmd->usage[i]; i++) {
		uc_buf_addf(out, "%s%s ", i ? "       " : "Usage: ", cmd->name);
		add_wrapped(out, cmd->usage[i], strlen("Usage: ") + strlen(cmd->name) + 1,
			    indent, columns);
	}
	if (!cmd->usage)
		uc_buf_addf(out, "Usage: %s [OPTION...]%s%s\n", cmd->name,
			    cmd->operands ? " " : "", cmd->operands ? cmd->operands : "");
}

void uc_help_text(const struct uc_cmd *cmd, int columns, struct uc_buf *out)
{
	uc_auto(buf) struct uc_buf summary = { 0 };
	size_t width = columns < COLUMNS_MIN ? COLUMNS_MIN : (size_t)columns;

	if (width > COLUMNS_MAX)
		width = COLUMNS_MAX;
	add_usage(cmd, width, out);
	uc_buf_addc(&summary, (char)toupper((unsigned char)cmd->summary[0]));
	uc_buf_addf(&summary, "%s.", cmd->summary + 1);
	add_wrapped(out, uc_buf_text(&summary), 0, 0, width);
	add_subcommands(cmd, width, out);
	add_options(cmd, width, out);
	if (cmd->epilog) {
		uc_buf_addc(out, '\n');
		add_wrapped(out, cmd->epilog, 0, 0, width);
	}
}

int uc_opt_help(const struct uc_cmd *cmd, const char *form, int columns,
		struct uc_buf *out, struct uc_error *err)
{
	static const struct {
		const char *form;
		void (*print)(const struct uc_cmd *, struct uc_buf *);
	} forms[] = {
		{ "mdoc", uc_help_mdoc },
		{ "mdoc-columns", uc_help_mdoc_columns },
		{ "mdoc-foreign", uc_help_mdoc_foreign },
		{ "bash", uc_help_bash },
		{ "zsh", uc_help_zsh },
		{ "fish", uc_help_fish },
	};

	if (!form[0]) {
		uc_help_text(cmd, columns, out);
		return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(forms[i].form, form) != 0)
			continue;
		forms[i].print(cmd, out);
		return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
	}
	return uc_fail(err, UC_USAGE,
		       "option '--help': '%s' is none of 'bash', 'zsh', 'fish', 'mdoc'",
		       form);
}

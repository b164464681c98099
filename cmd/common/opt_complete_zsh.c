/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --help=zsh. */
#include "common/complete.h"

#include <string.h>

/* Text inside single quotes of a shell, and free of what `special` would end. */
static void add_quoted(struct uc_buf *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			uc_buf_add(out, "'\\''");
		else if (strchr(special, *text))
			uc_buf_addf(out, "\\%c", *text);
		else
			uc_buf_addc(out, *text);
	}
}

static const char zsh_helpers[] =
	"\n"
	"# What only the cluster or the configuration knows. The kind, all capitals, is the\n"
	"# first word for _sequence, and the last one for _arguments.\n"
	"(( $+functions[_ucluster_words] )) || _ucluster_words()\n"
	"{\n"
	"\tlocal word kind\n"
	"\tlocal -a words rest\n"
	"\tfor word in \"$@\"; do\n"
	"\t\tif [[ -z $kind && $word == [A-Z]* && $word != *[^A-Z]* ]]; then\n"
	"\t\t\tkind=$word\n"
	"\t\telse\n"
	"\t\t\trest+=(\"$word\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"\twords=(${(f)\"$(timeout 3 ucluster complete $kind 2> /dev/null)\"})\n"
	"\tcompadd \"$rest[@]\" -a words\n"
	"}\n"
	"\n"
	"# Files, hosts, and what a host has.\n"
	"(( $+functions[_ucluster_remote] )) || _ucluster_remote()\n"
	"{\n"
	"\tlocal -a names\n"
	"\tnames=(${(f)\"$(timeout 3 usync complete -- \"$PREFIX\" 2> /dev/null)\"})\n"
	"\tcompadd \"$@\" -S '' -a names\n"
	"\t[[ $PREFIX == *:* ]] || _files\n"
	"}\n";

/* ":NAME:ACTION" of _arguments(zshcompsys). */
static void zsh_action(const struct uc_cmd *cmd, const struct uc_opt *opt,
		       struct uc_buf *out)
{
	static const struct {
		const char *kind, *action;
	} actions[] = {
		{ "FILE", "_files" },
		{ "DIR", "_files -/" },
		{ "USER", "_users" },
		{ "COMMAND", "_command_names -e" },
		{ "REMOTE", "_ucluster_remote" },
	};
	const char *kind = uc_metavar_kind(opt->metavar);
	uc_auto(strv) struct uc_strv words = { 0 };

	uc_buf_addf(out, "%s:%s:", opt->absent ? ":" : "",
		    opt->metavar ? opt->metavar : "VALUE");
	uc_option_words(cmd, opt, &words);
	if (words.count) {
		uc_buf_add(out, uc_option_is_list(opt) ? "_values -s , value" : "(");
		for (size_t i = 0; i < words.count; i++)
			uc_buf_addf(out, "%s%s", i || uc_option_is_list(opt) ? " " : "",
				    words.item[i]);
		uc_buf_add(out, uc_option_is_list(opt) ? "" : ")");
		return;
	}
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].kind, kind) == 0) {
			uc_buf_add(out, actions[i].action);
			return;
		}
	if (kind[0])
		uc_buf_addf(out, "%s_ucluster_words %s",
			    uc_option_is_list(opt) ? "_sequence " : "", kind);
}

static bool repeatable(const struct uc_opt *opt)
{
	return opt->type == UC_OPT_COUNT || opt->type == UC_OPT_LIST ||
	       opt->type == UC_OPT_WORDS;
}

/* "'(-p --partition)'{-p+,--partition=}'[help]:NAME:action' \" */
static void zsh_option(const struct uc_cmd *cmd, const struct uc_opt *opt,
		       struct uc_buf *out)
{
	enum uc_arity arity = uc_opt_arity(opt);
	const char *after_letter = arity == UC_ARITY_NONE       ? ""
				   : arity == UC_ARITY_OPTIONAL ? "-"
								: "+";
	const char *after_name = arity == UC_ARITY_NONE       ? ""
				 : arity == UC_ARITY_OPTIONAL ? "=-"
							      : "=";

	uc_buf_add(out, "\t\t");
	if (repeatable(opt))
		uc_buf_add(out, "'*'");
	else if (opt->letter && opt->name)
		uc_buf_addf(out, "'(-%c --%s)'", opt->letter, opt->name);
	if (opt->letter && opt->name)
		uc_buf_addf(out, "{-%c%s,--%s%s}", opt->letter, after_letter, opt->name,
			    after_name);
	else if (opt->name)
		uc_buf_addf(out, "--%s%s", opt->name, after_name);
	else
		uc_buf_addf(out, "-%c%s", opt->letter, after_letter);
	uc_buf_add(out, "'");
	if (opt->help) {
		uc_buf_addc(out, '[');
		add_quoted(out, opt->help, "[]:\\");
		uc_buf_addc(out, ']');
	}
	if (arity != UC_ARITY_NONE)
		zsh_action(cmd, opt, out);
	uc_buf_add(out, "' \\\n");
}

static void zsh_operands(const struct uc_cmd *cmd, struct uc_buf *out)
{
	struct uc_opt operand = { .metavar = cmd->operands };

	if (!cmd->operands)
		return;
	uc_buf_add(out, "\t\t'*:");
	zsh_action(cmd, &operand, out);
	uc_buf_add(out, "' \\\n");
}

static void zsh_subcommands(const struct uc_cmd *cmd, struct uc_buf *out)
{
	/* operands besides subcommands */
	const bool remote = strcmp(uc_metavar_kind(cmd->operands), "REMOTE") == 0;

	uc_buf_add(out, "\tcase $state in\n\tcommand)\n\t\tcommands=(\n");
	for (size_t i = 0; cmd->subcommands[i]; i++) {
		const struct uc_cmd *sub = cmd->subcommands[i];

		if (sub->hidden)
			continue;
		uc_buf_addf(out, "\t\t\t'%s:", uc_cmd_word(sub));
		add_quoted(out, sub->summary, "");
		uc_buf_add(out, "'\n");
	}
	uc_buf_addf(out,
		    "\t\t)\n\t\t_describe command commands\n%s\t\t;;\n"
		    "\targument)\n\t\tcase $words[1] in\n",
		    remote ? "\t\t_ucluster_remote\n" : "");
	for (size_t i = 0; cmd->subcommands[i]; i++) {
		if (cmd->subcommands[i]->hidden)
			continue;
		uc_buf_addf(out, "\t\t%s) _", uc_cmd_word(cmd->subcommands[i]));
		uc_buf_identifier(out, cmd->subcommands[i]->name);
		uc_buf_add(out, " ;;\n");
	}
	if (remote)
		uc_buf_add(out, "\t\t*) _ucluster_remote ;;\n");
	uc_buf_add(out, "\t\tesac\n\t\t;;\n\tesac\n");
}

static void zsh_command(const struct uc_cmd *cmd, struct uc_buf *out)
{
	struct uc_option_walk walk = { 0 };
	struct uc_opt opt;

	uc_buf_add(out, "\n_");
	uc_buf_identifier(out, cmd->name);
	uc_buf_add(out, "()\n{\n");
	if (cmd->subcommands)
		uc_buf_add(out, "\tlocal context state line\n\tlocal -a commands\n\n");
	uc_buf_add(out, cmd->subcommands ? "\t_arguments -s -S -C \\\n"
					 : "\t_arguments -s -S \\\n");
	while (uc_option_next(cmd, &walk, &opt))
		zsh_option(cmd, &opt, out);
	if (cmd->subcommands) {
		uc_buf_add(out, "\t\t'1:command:->command' '*::argument:->argument'\n");
		zsh_subcommands(cmd, out);
	} else {
		zsh_operands(cmd, out);
		uc_buf_add(out, "\t\t&& return 0\n");
	}
	uc_buf_add(out, "}\n");
}

void uc_help_zsh(const struct uc_cmd *cmd, struct uc_buf *out)
{
	uc_buf_addf(out,
		    "#compdef %1$s\n"
		    "# Completion of %1$s for zsh, generated from its option table.\n",
		    cmd->name);
	uc_buf_add(out, zsh_helpers);
	uc_cmd_each(cmd, zsh_command, out);
	/* Autoloaded by compinit, or sourced. */
	uc_buf_addf(out,
		    "\nif [[ $funcstack[1] == _%1$s ]]; then\n\t_%1$s \"$@\"\nelse\n"
		    "\tcompdef _%1$s %1$s\nfi\n",
		    cmd->name);
}

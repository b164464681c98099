/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --help=fish */
#include "common/complete.h"

#include <string.h>

/* True when the words typed so far, options aside, start with (or are exactly) a path. */
static const char fish_helpers[] =
	"\n"
	"function __ucluster_in --argument-names exact path\n"
	"    set -l words (commandline -poc | string match -v -- '-*')\n"
	"    set -l want (string split ' ' -- $path)\n"
	"    set -l count (count $want)\n"
	"    test (count $words) -ge $count; or return 1\n"
	"    test $exact = no -o (count $words) -eq $count; or return 1\n"
	"    set words[1] $want[1]\n"
	"    test \"$words[1..$count]\" = \"$want\"\n"
	"end\n";

static void add_quoted(struct uc_buf *out, const char *text)
{
	uc_buf_addc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			uc_buf_addc(out, '\\');
		uc_buf_addc(out, *text);
	}
	uc_buf_addc(out, '\'');
}

static void add_start(const struct uc_cmd *cmd, bool exact, struct uc_buf *out)
{
	uc_buf_add(out, "complete -c ");
	uc_buf_addn(out, cmd->name, strcspn(cmd->name, " "));
	if (strchr(cmd->name, ' ') || cmd->subcommands)
		uc_buf_addf(out, " -n \"__ucluster_in %s '%s'\"", exact ? "yes" : "no",
			    cmd->name);
}

/* " -x -a '...'", or what the kind of value asks for. */
static void add_value(const struct uc_cmd *cmd, const struct uc_opt *opt,
		      struct uc_buf *out)
{
	const char *kind = uc_metavar_kind(opt->metavar);
	uc_auto(strv) struct uc_strv words = { 0 };

	uc_option_words(cmd, opt, &words);
	if (words.count) {
		uc_buf_add(out, " -x -a '");
		for (size_t i = 0; i < words.count; i++)
			uc_buf_addf(out, "%s%s", i ? " " : "", words.item[i]);
		uc_buf_addc(out, '\'');
	} else if (strcmp(kind, "FILE") == 0) {
		uc_buf_add(out, " -r -F");
	} else if (strcmp(kind, "DIR") == 0) {
		uc_buf_add(out, " -x -a '(__fish_complete_directories)'");
	} else if (strcmp(kind, "USER") == 0) {
		uc_buf_add(out, " -x -a '(__fish_complete_users)'");
	} else if (strcmp(kind, "REMOTE") == 0) {
		uc_buf_add(out, " -F -a '(timeout 3 usync complete -- (commandline -ct) "
				"2>/dev/null)'");
	} else if (strcmp(kind, "COMMAND") == 0) {
		uc_buf_add(out, " -x -a '(__fish_complete_command)'");
	} else if (kind[0]) {
		uc_buf_addf(out, " -x -a '(timeout 3 ucluster complete %s 2>/dev/null)'",
			    kind);
	} else {
		uc_buf_add(out, " -x");
	}
}

static void fish_command(const struct uc_cmd *cmd, struct uc_buf *out)
{
	struct uc_option_walk walk = { 0 };
	struct uc_opt opt, operand = { .metavar = cmd->operands };

	while (uc_option_next(cmd, &walk, &opt)) {
		add_start(cmd, cmd->subcommands, out);
		if (opt.letter)
			uc_buf_addf(out, " -s %c", opt.letter);
		if (opt.name)
			uc_buf_addf(out, " -l %s", opt.name);
		if (uc_opt_arity(&opt) == UC_ARITY_REQUIRED)
			add_value(cmd, &opt, out);
		if (opt.help) {
			uc_buf_add(out, " -d ");
			add_quoted(out, opt.help);
		}
		uc_buf_addc(out, '\n');
	}
	if (cmd->operands) {
		add_start(cmd, false, out);
		add_value(cmd, &operand, out);
		uc_buf_addc(out, '\n');
	}
	for (size_t i = 0; cmd->subcommands && cmd->subcommands[i]; i++) {
		if (cmd->subcommands[i]->hidden)
			continue;
		add_start(cmd, true, out);
		uc_buf_addf(out, " -f -a %s -d ", uc_cmd_word(cmd->subcommands[i]));
		add_quoted(out, cmd->subcommands[i]->summary);
		uc_buf_addc(out, '\n');
	}
}

void uc_help_fish(const struct uc_cmd *cmd, struct uc_buf *out)
{
	uc_buf_addf(out,
		    "# Completion of %s for fish, generated from its option table.\n",
		    cmd->name);
	uc_buf_add(out, fish_helpers);
	uc_buf_addf(out, "complete -c %s -f\n", cmd->name);
	uc_cmd_each(cmd, fish_command, out);
}

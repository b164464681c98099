/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Completion scripts: what they share, and --help=bash. What only the cluster or the
 * configuration knows is asked of "ucluster complete KIND", which is bounded in time and
 * prints nothing that a shell would expand.
 */
#include "common/complete.h"

#include <string.h>
#include "common/table.h"

bool uc_option_next(const struct uc_cmd *cmd, struct uc_option_walk *walk,
		    struct uc_opt *out)
{
	const struct uc_opt *row;

	while ((row = uc_opt_row(cmd, walk->own))) {
		walk->own++;
		*out = *row;
		if (!(row->flags & UC_OPT_HIDDEN))
			return true;
	}
	while (cmd->foreign && cmd->foreign(walk->foreign, out)) {
		walk->foreign++;
		if (!(out->flags & UC_OPT_HIDDEN))
			return true;
	}
	return false;
}

void uc_cmd_each(const struct uc_cmd *cmd,
		 void (*fn)(const struct uc_cmd *, struct uc_buf *), struct uc_buf *out)
{
	fn(cmd, out);
	for (size_t i = 0; cmd->subcommands && cmd->subcommands[i]; i++)
		if (!cmd->subcommands[i]->hidden)
			uc_cmd_each(cmd->subcommands[i], fn, out);
}

void uc_option_words(const struct uc_cmd *cmd, const struct uc_opt *opt,
		     struct uc_strv *words)
{
	const struct uc_column *column = cmd->columns;

	for (size_t i = 0; opt->choices && opt->choices[i]; i++)
		uc_strv_add(words, opt->choices[i]);
	if (!opt->metavar || strcmp(opt->metavar, "COLUMNS") != 0)
		return;
	for (; column && column->heading; column++)
		uc_strv_add(words, column->key);
}

bool uc_option_is_list(const struct uc_opt *opt)
{
	return opt->type == UC_OPT_LIST ||
	       (opt->metavar && strcmp(opt->metavar, "COLUMNS") == 0);
}

const char *uc_metavar_kind(const char *metavar)
{
	static const char *const kinds[] = {
		"FILE",     "DIR",       "PARTITION", "JOBID",   "USER", "NODE",
		"IMAGE",    "PROFILE",   "COMMAND",   "ACCOUNT", "QOS",  "RESERVATION",
		"TEMPLATE", "KEY=VALUE", "REMOTE",    "PACKAGE", "SHELL"
	};
	size_t len = metavar ? strcspn(metavar, ".[, ") : 0;

	if (len == strlen("NODES") && strncmp(metavar, "NODES", len) == 0)
		len--;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i]) == len && strncmp(kinds[i], metavar, len) == 0)
			return kinds[i];
	return "";
}

void uc_buf_identifier(struct uc_buf *out, const char *name)
{
	for (; *name; name++)
		uc_buf_addc(out, *name == ' ' || *name == '-' ? '_' : *name);
}

/* The same in every command's script; cur and prefix are the caller's. */
static const char bash_helpers[] =
	"\n"
	"# Offer those of the words on stdin that start with what was typed.\n"
	"_ucluster_words()\n"
	"{\n"
	"\tlocal word\n"
	"\twhile IFS= read -r word; do\n"
	"\t\tif [[ $word == \"$cur\"* ]]; then\n"
	"\t\t\tCOMPREPLY+=(\"$prefix$word\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# Offer files, hosts, and what a host has. Where a colon splits words, only what is\n"
	"# behind it is replaced.\n"
	"_ucluster_remote()\n"
	"{\n"
	"\tlocal name word=${COMP_LINE:0:COMP_POINT}\n"
	"\tword=${word##*[[:space:]]}\n"
	"\tcompopt -o nospace\n"
	"\tif [[ $word != *:* ]]; then\n"
	"\t\tcompopt -o filenames\n"
	"\t\t_ucluster_words < <(compgen -f -- \"$cur\")\n"
	"\tfi\n"
	"\twhile IFS= read -r name; do\n"
	"\t\tif [[ $COMP_WORDBREAKS == *:* ]]; then\n"
	"\t\t\tname=${name#\"${word%\"${word##*:}\"}\"}\n"
	"\t\tfi\n"
	"\t\tCOMPREPLY+=(\"$name\")\n"
	"\tdone < <(timeout 3 usync complete -- \"$word\" 2> /dev/null)\n"
	"}\n"
	"\n"
	"# Offer what a metavar stands for.\n"
	"_ucluster_value()\n"
	"{\n"
	"\tcase $1 in\n"
	"\tFILE) compopt -o filenames && _ucluster_words < <(compgen -f -- \"$cur\") ;;\n"
	"\tDIR) compopt -o filenames && _ucluster_words < <(compgen -d -- \"$cur\") ;;\n"
	"\tREMOTE) _ucluster_remote ;;\n"
	"\tUSER) _ucluster_words < <(compgen -u -- \"$cur\") ;;\n"
	"\tCOMMAND) _ucluster_words < <(compgen -c -f -- \"$cur\" | sort -u) ;;\n"
	"\t*) _ucluster_words < <(timeout 3 ucluster complete \"$1\" 2> /dev/null) ;;\n"
	"\tesac\n"
	"}\n";

/* %1$s: the command; what was typed is taken apart, also where '=' splits words. */
static const char bash_begin[] =
	"\n"
	"_%1$s()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal prefix='' cmd='%1$s' i\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $cur == '=' ]]; then\n"
	"\t\tcur=''\n"
	"\telif [[ $prev == '=' ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\telif [[ $cur == --*=* ]]; then\n"
	"\t\tprefix=${cur%%%%=*}= prev=${cur%%%%=*} cur=${cur#*=}\n"
	"\tfi\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase \"$cmd ${COMP_WORDS[i]}\" in\n";

static void bash_path(const struct uc_cmd *cmd, struct uc_buf *out)
{
	for (size_t i = 0; cmd->subcommands && cmd->subcommands[i]; i++)
		if (!cmd->subcommands[i]->hidden)
			uc_buf_addf(out, "\t\t'%1$s') cmd='%1$s' ;;\n",
				    cmd->subcommands[i]->name);
}

static void bash_words(const struct uc_strv *words, const char *indent,
		       struct uc_buf *out)
{
	uc_buf_addf(out, "%s_ucluster_words <<- 'END'\n", indent);
	for (size_t i = 0; i < words->count; i++)
		uc_buf_addf(out, "%s\t%s\n", indent, words->item[i]);
	uc_buf_addf(out, "%sEND\n", indent);
}

static void bash_value(const struct uc_cmd *cmd, const struct uc_opt *opt,
		       struct uc_buf *out)
{
	uc_auto(strv) struct uc_strv words = { 0 };
	const char *kind = uc_metavar_kind(opt->metavar);

	uc_buf_addc(out, '\t');
	if (opt->name)
		uc_buf_addf(out, "'%s:--%s'", cmd->name, opt->name);
	/* An optional value is never the next word. */
	if (opt->letter && uc_opt_arity(opt) == UC_ARITY_REQUIRED)
		uc_buf_addf(out, "%s'%s:-%c'", opt->name ? " | " : "", cmd->name,
			    opt->letter);
	uc_buf_add(out, ")\n");
	if (uc_option_is_list(opt))
		uc_buf_add(out, "\t\tif [[ $cur == *,* ]]; then\n"
				"\t\t\tprefix+=${cur%,*}, cur=${cur##*,}\n"
				"\t\tfi\n");
	uc_option_words(cmd, opt, &words);
	if (words.count)
		bash_words(&words, "\t\t", out);
	else if (kind[0])
		uc_buf_addf(out, "\t\t_ucluster_value %s\n", kind);
	uc_buf_add(out, "\t\treturn\n\t\t;;\n");
}

static void bash_values(const struct uc_cmd *cmd, struct uc_buf *out)
{
	struct uc_option_walk walk = { 0 };
	struct uc_opt opt;

	while (uc_option_next(cmd, &walk, &opt)) {
		if (uc_opt_arity(&opt) == UC_ARITY_NONE)
			continue;
		if (opt.name || uc_opt_arity(&opt) == UC_ARITY_REQUIRED)
			bash_value(cmd, &opt, out);
	}
}

static void bash_rest(const struct uc_cmd *cmd, struct uc_buf *out)
{
	uc_auto(strv) struct uc_strv names = { 0 }, words = { 0 };
	struct uc_option_walk walk = { 0 };
	struct uc_opt opt;

	while (uc_option_next(cmd, &walk, &opt))
		if (opt.name)
			uc_strv_addf(&names, "--%s%s", opt.name,
				     uc_opt_arity(&opt) == UC_ARITY_REQUIRED ? "=" : "");
	uc_buf_addf(out, "\t'%s:-'*)\n", cmd->name);
	bash_words(&names, "\t\t", out);
	uc_buf_add(out,
		   "\t\tif [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then\n"
		   "\t\t\tcompopt -o nospace\n"
		   "\t\tfi\n"
		   "\t\t;;\n");
	uc_buf_addf(out, "\t'%s:'*)\n", cmd->name);
	for (size_t i = 0; cmd->subcommands && cmd->subcommands[i]; i++)
		if (!cmd->subcommands[i]->hidden)
			uc_strv_add(&words, uc_cmd_word(cmd->subcommands[i]));
	if (words.count)
		bash_words(&words, "\t\t", out);
	if (uc_metavar_kind(cmd->operands)[0])
		uc_buf_addf(out, "\t\t_ucluster_value %s\n",
			    uc_metavar_kind(cmd->operands));
	uc_buf_add(out, "\t\t;;\n");
}

void uc_help_bash(const struct uc_cmd *cmd, struct uc_buf *out)
{
	uc_buf_addf(out,
		    "# Completion of %s for bash, generated from its option table.\n",
		    cmd->name);
	uc_buf_add(out, bash_helpers);
	uc_buf_addf(out, bash_begin, cmd->name);
	uc_cmd_each(cmd, bash_path, out);
	uc_buf_add(out, "\t\tesac\n\tdone\n\tcase \"$cmd:$prev\" in\n");
	uc_cmd_each(cmd, bash_values, out);
	uc_buf_add(out, "\tesac\n\tcase \"$cmd:$cur\" in\n");
	uc_cmd_each(cmd, bash_rest, out);
	uc_buf_addf(out, "\tesac\n}\ncomplete -F _%1$s %1$s\n", cmd->name);
}

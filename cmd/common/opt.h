/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_OPT_H
#define UC_COMMON_OPT_H
/*
 * One constant table per command says what its options are. It parses the command line,
 * prints --help, the man page's OPTIONS (--help=mdoc) and completion for bash, zsh, fish.
 *
 *	struct args { bool json; int64_t jobs; const char *dir; };
 *	static const struct uc_opt options[] = {
 *		{ "json", .type = UC_OPT_FLAG, .offset = offsetof(struct args, json),
 *		  .group = "Output", .help = "print JSON" },
 *		{ "jobs", 'j', UC_OPT_NUMBER, .metavar = "N", .min = 1, .max = 64,
 *		  .offset = offsetof(struct args, jobs), .help = "work on N at once" },
 *		{ 0 }
 *	};
 *	const struct uc_cmd cmd = { .name = "utest", .summary = "try something",
 *				    .options = options, .fn = run_utest };
 *
 * A command's fn starts with uc_run_parse() (run.h). Letters mean what they mean in Slurm
 * (-p -u -A -q -w -x -t -n -N -c -J -o -e -D -d -G -C); -h is --help where the table has
 * no 'h' of its own (listings: --noheader), -V always --version.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/spec.h>
#include <ucluster/text.h>

struct uc_run;
struct uc_column;

/* What is stored at an option's offset. Fill in the defaults before parsing. */
enum uc_opt_type {
	UC_OPT_FLAG,     /* bool, set to true */
	UC_OPT_COUNT,    /* int, one more each time */
	UC_OPT_BOOL,     /* bool: yes, no, true, false, on, off */
	UC_OPT_STRING,   /* const char *, borrowed from argv; not empty */
	UC_OPT_TEXT,     /* as STRING, but may be empty */
	UC_OPT_NUMBER,   /* int64_t */
	UC_OPT_DURATION, /* int64_t seconds */
	UC_OPT_SIZE,     /* uint64_t bytes */
	UC_OPT_CHOICE,   /* int, index in choices */
	UC_OPT_LIST,     /* struct uc_strv, split at commas, adds up; free it */
	UC_OPT_WORDS,    /* struct uc_strv, one word each time; free it */
};

enum uc_opt_flags {
	UC_OPT_HIDDEN = 1, /* not in --help, man page, completion; no abbreviation */
};

/*
 * The metavar names the completion: FILE, DIR, PARTITION, JOBID, USER, NODE, IMAGE,
 * PROFILE, ACCOUNT, QOS, RESERVATION, TEMPLATE, KEY=VALUE (of one), PACKAGE, SHELL,
 * REMOTE (HOST:PATH), COLUMNS; choices complete themselves; anything else completes
 * nothing.
 */
struct uc_opt {
	const char *name; /* long name without dashes; NULL ends the table */
	char letter;      /* or 0 */
	enum uc_opt_type type;
	unsigned flags;
	const char *metavar;        /* of its value, in capitals */
	const char *absent;         /* the value may be left out and is this one then */
	size_t offset;              /* in the command's struct of arguments */
	const char *group;          /* heading in --help; NULL = as the option before */
	const char *help;           /* a few words, lower-case, no full stop */
	const char *doc;            /* mdoc text for the man page; NULL = help */
	const char *const *choices; /* CHOICE, LIST: NULL-terminated */
	int64_t min, max;           /* NUMBER, DURATION, SIZE; both 0 = any */
};

/* Which of the options that several commands share a command has. */
enum uc_opt_shared {
	UC_SHARED_COLOR = 1,   /* --color=auto|always|never */
	UC_SHARED_VERBOSE = 2, /* -v, --verbose; -vv */
	UC_SHARED_SOURCE = 4,  /* --source=NAME, hidden (see source.h) */
};

struct uc_cmd {
	const char *name;    /* in full: "ucluster sandbox start" */
	const char *summary; /* lower-case, no full stop, as in the man page's NAME */
	const char *const *usage; /* lines after the name, NULL-terminated; may be NULL */
	const struct uc_opt *options; /* may be NULL */
	/*
	 * NULL-terminated; may be NULL. With options or operands of its own besides (fn
	 * set), only the very first word can be a subcommand.
	 */
	const struct uc_cmd *const *subcommands;
	const struct uc_column *columns; /* of a listing; may be NULL */
	const char *operands; /* metavars: "DIR", "JOBID NAME"; NULL = takes none */
	int min_operands, max_operands; /* max 0 with operands set = any number */
	unsigned shared;                /* of enum uc_opt_shared */
	bool in_order;      /* the first operand ends the options (getopt's "+") */
	bool hidden;        /* a subcommand that is left out of help and completion */
	const char *doc;    /* mdoc text for a subcommand's section; NULL = summary */
	const char *epilog; /* last lines of --help, "\n"-separated; may be NULL */
	/*
	 * Options of another program that the command passes on: fills row `index`, false
	 * at the end. They are completed and documented, never parsed here.
	 */
	bool (*foreign)(size_t index, struct uc_opt *out);
	/* The work; argv[0] is the command's own word. Returns the exit status. */
	int (*fn)(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv);
};

enum uc_color {
	UC_COLOR_AUTO,
	UC_COLOR_ALWAYS,
	UC_COLOR_NEVER
};

/* What parsing found besides the command's own arguments. Zero-initialise. */
struct uc_parsed {
	struct uc_strv operands;
	const char
		*help; /* form asked for: "" (text), "mdoc", "bash", ...; NULL = none */
	bool version;
	int color; /* enum uc_color, unchanged when not given */
	int verbose;
	const char *source;
};
void uc_parsed_free(struct uc_parsed *parsed);
UC_DEFINE_AUTO_VALUE(parsed, struct uc_parsed)

/*
 * Parse argv (NULL-terminated, argv[0] skipped) by getopt_long(3)'s rules: --name=V,
 * --name V, -xV, -x V, -abc, unique abbreviations, "--". --help and --version end the
 * parsing. Operands are counted but not otherwise looked at. UC_USAGE with a text that
 * names the option and what was expected.
 */
int uc_opt_parse(const struct uc_cmd *cmd, char *const *argv, void *args,
		 struct uc_parsed *parsed, struct uc_error *err) UC_MUST_CHECK;

/*
 * By the name before any "=", abbreviations included; shared options too. NULL: unknown
 * or ambiguous, err says which.
 */
const struct uc_opt *uc_opt_find(const struct uc_cmd *cmd, const char *name, size_t len,
				 struct uc_error *err);
const struct uc_opt *uc_opt_letter(const struct uc_cmd *cmd, char letter);
enum uc_arity uc_opt_arity(const struct uc_opt *opt);
/* "unknown option '--nod': did you mean '--nodes'?", foreign options considered. -1. */
int uc_opt_unknown(const struct uc_cmd *cmd, const char *name, size_t len,
		   struct uc_error *err);
/* Row `index` of all options: the command's, then the shared ones; NULL at the end. */
const struct uc_opt *uc_opt_row(const struct uc_cmd *cmd, size_t index);

/* Check `value` and store it at base + offset (opt_value.c). */
int uc_opt_store(const struct uc_opt *opt, const char *value, void *base,
		 struct uc_error *err) UC_MUST_CHECK;

/* The subcommand called `word`, or NULL with err filled. */
const struct uc_cmd *uc_cmd_find(const struct uc_cmd *cmd, const char *word,
				 struct uc_error *err);
/* The last word of a command's name. */
const char *uc_cmd_word(const struct uc_cmd *cmd);

/*
 * Print one form of help: "" (text for a terminal of `columns`), "mdoc", "mdoc-columns",
 * "mdoc-foreign", "bash", "zsh", "fish".
 */
int uc_opt_help(const struct uc_cmd *cmd, const char *form, int columns,
		struct uc_buf *out, struct uc_error *err) UC_MUST_CHECK;
void uc_help_text(const struct uc_cmd *cmd, int columns, struct uc_buf *out);
void uc_help_mdoc(const struct uc_cmd *cmd, struct uc_buf *out);
void uc_help_mdoc_columns(const struct uc_cmd *cmd, struct uc_buf *out);
void uc_help_mdoc_foreign(const struct uc_cmd *cmd, struct uc_buf *out);
void uc_help_bash(const struct uc_cmd *cmd, struct uc_buf *out);
void uc_help_zsh(const struct uc_cmd *cmd, struct uc_buf *out);
void uc_help_fish(const struct uc_cmd *cmd, struct uc_buf *out);

#endif

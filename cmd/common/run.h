/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_RUN_H
#define UC_COMMON_RUN_H
/*
 * Start and finish of a command. Environment, home and working directory are read here
 * once and passed down.
 *
 *	static int run_list(struct uc_run *run, const struct uc_cmd *cmd, int argc,
 *			    char **argv)
 *	{
 *		struct args args = { .jobs = 1 };
 *
 *		if (!uc_run_parse(run, cmd, argv, &args))
 *			return run->status;
 *		if (uc_run_config(run, NULL) < 0)
 *			return run->status;
 *		...
 *		return failed ? uc_run_error(run, &err) : 0;
 *	}
 *	int main(int argc, char **argv)
 *	{
 *		return uc_run_main(&cmd, argc, argv);
 *	}
 */
#include <ucluster/config.h>
#include <ucluster/error.h>
#include <ucluster/source.h>
#include <ucluster/text.h>
#include "common/opt.h"

struct uc_run {
	const char *prog;               /* for messages: the (sub)command's full name */
	const char *const *environment; /* NULL-terminated */
	const char *home;               /* absolute, or NULL */
	char *cwd;                      /* absolute, or NULL when it was deleted */
	char *bin_dir, *libexec_dir, *data_dir; /* absolute; of this very program */
	char *site_path, *user_path;            /* configuration files, need not exist */
	bool stdin_tty, stdout_tty, stderr_tty;
	int columns;   /* of the terminal, or of COLUMNS; 80 when neither is known */
	bool color;    /* whether stdout is coloured */
	unsigned safe; /* flags for uc_buf_safe(): UC_SAFE_ASCII unless UTF-8 */
	struct uc_parsed parsed; /* by uc_run_parse(): operands, verbosity, source, ... */
	struct uc_config *config; /* by uc_run_config() */
	int status;               /* exit status of what failed last */
};

/*
 * Begin, run cmd->fn or the subcommand named, finish; returns main's exit status. Makes
 * sure that fds 0 to 2 are open, sets LC_CTYPE only (numbers stay C).
 */
int uc_run_main(const struct uc_cmd *cmd, int argc, char **argv);
int uc_run_begin(struct uc_run *run, const struct uc_cmd *cmd, struct uc_error *err);
/*
 * Flush stdout; a write error (disk full, closed) is reported and makes the status 1, a
 * reader that went away (EPIPE) ends silently with `status`. Frees what run holds.
 */
int uc_run_end(struct uc_run *run, int status);

/*
 * Parse the command line. False: the command is over with run->status (a usage error was
 * printed, or --help, --version were).
 */
bool uc_run_parse(struct uc_run *run, const struct uc_cmd *cmd, char **argv,
		  void *args) UC_MUST_CHECK;

/*
 * Read the configuration with profile `preset` (or NULL); --color wins over its "color".
 * On failure all faults have been printed, run->status is 2 and -1 is returned. Warnings
 * are printed.
 */
int uc_run_config(struct uc_run *run, const char *preset) UC_MUST_CHECK;

/*
 * Open the source of --source, UC_SOURCE, or "slurm:", waiting at most timeout_ms for an
 * answer (0: as configured). On failure the error has been printed, run->status is set.
 */
int uc_run_source(struct uc_run *run, int timeout_ms,
		  struct uc_source **out) UC_MUST_CHECK;

/*
 * Print "prog: path:line:column: text" and "hint: ..." on stderr; with -vv also the place
 * in the source. Sets and returns the exit status.
 */
int uc_run_error(struct uc_run *run, const struct uc_error *err);
/* Each of a list; the status of the first, or 2 when the list is empty. */
int uc_run_errors(struct uc_run *run, const struct uc_errors *list);
/* A remark on stderr, one line; `level` 0 always, 1 with -v, 2 with -vv. */
void uc_run_say(const struct uc_run *run, int level, const char *fmt, ...)
	UC_PRINTF(3, 4);

/* Decide whether stdout is coloured, from enum uc_color. */
void uc_run_color(struct uc_run *run, int color);

/* Where commands keep what they know; nothing when there is no home. */
void uc_run_state_dir(const struct uc_run *run, struct uc_buf *out);

/*
 * A user's number, from a name or the number itself. Names of a recording (`live` is
 * false) are not this machine's: UC_NONE32.
 */
int uc_run_user(const char *word, bool live, uint32_t *id,
		struct uc_error *err) UC_MUST_CHECK;

/* A variable's value, or NULL when unset or empty. */
const char *uc_run_env(const struct uc_run *run, const char *name);

#endif

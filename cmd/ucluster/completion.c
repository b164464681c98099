/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster completion: the scripts of all commands, for where they are not installed. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <ucluster/spawn.h>
#include <unistd.h>
#include "common/run.h"
#include "ucluster/commands.h"

static const char *const shells[] = { "bash", "zsh", "fish", NULL };
static const char *const commands[] = { "uattach", "ucluster", "udash", "uimage", "uinfo",
					"uqueue",  "usrun",    "usync", NULL };

/* What the command itself prints: it knows its options. 1: go on; 0: nobody reads. */
static int print_one(const struct uc_run *run, const char *command, const char *shell,
		     struct uc_error *err)
{
	uc_auto(buf) struct uc_buf program = { 0 }, option = { 0 };
	int rc, status = 0;
	pid_t pid;

	uc_buf_addf(&program, "%s/%s", run->bin_dir, command);
	uc_buf_addf(&option, "--help=%s", shell);
	if (program.failed || option.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (access(program.data, X_OK) < 0)
		return 1; /* not all of ucluster is here */
	rc = uc_spawn(&(struct uc_spawn){ .program = program.data,
					  .words = (char *[]){ (char *)command,
							       option.data, NULL },
					  .environment = (char *const *)run->environment,
					  .fd = { -1, STDOUT_FILENO, STDERR_FILENO } },
		      &pid);
	if (rc != 0)
		return uc_fail_errno(err, UC_FAILED, rc, "'%s'", program.data);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE))
		return status == 0; /* a reader that is gone is no error of ours */
	return uc_fail(err, UC_FAILED, "'%s %s' failed", command, option.data);
}

static int run_completion(struct uc_run *run, const struct uc_cmd *cmd, int argc,
			  char **argv)
{
	struct uc_error err = { 0 };
	const char *const *shell = shells;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, NULL))
		return run->status;
	while (*shell && (run->parsed.operands.count != 1 ||
			  strcmp(run->parsed.operands.item[0], *shell) != 0))
		shell++;
	if (!*shell) {
		uc_fail(&err, UC_USAGE, "a shell is expected: bash, zsh or fish");
		uc_hint(&err, "for example: eval \"$(ucluster completion bash)\"");
		return uc_run_error(run, &err);
	}
	for (size_t i = 0; commands[i]; i++) {
		const int rc = print_one(run, commands[i], *shell, &err);

		if (rc < 0)
			return uc_run_error(run, &err);
		if (rc == 0)
			break;
	}
	return UC_OK;
}

const struct uc_cmd uc_cmd_completion = {
	.name = "ucluster completion",
	.summary = "print what makes a shell complete the words of all commands",
	.usage = (const char *const[]){ "bash | zsh | fish", NULL },
	.operands = "SHELL",
	.min_operands = 1,
	.max_operands = 1,
	.epilog = "In ~/.bashrc: eval \"$(ucluster completion bash)\"; packages bring "
		  "these files with them.",
	.shared = UC_SHARED_VERBOSE,
	.fn = run_completion,
};

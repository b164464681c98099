/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uattach: what a job prints, and the way into it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/state.h>
#include "common/run.h"
#include "uattach/inside.h"
#include "uattach/uattach.h"

#define ARG(member) .offset = offsetof(struct uattach_args, member)
// clang-format off
static const struct uc_opt options[] = {
	{ "lines", 'n', UC_OPT_NUMBER, .metavar = "N", .max = INT64_MAX, ARG(lines),
	  .group = "Output", .help = "so many of the last lines first (10)",
	  .doc = "Begin with the last\n.Ar N\nlines of what is there already, 10 as a rule.\n"
		 "What is printed later comes whole." },
	{ "from-start", .type = UC_OPT_FLAG, ARG(from_start), .help = "all lines, from the first" },
	{ "grep", .type = UC_OPT_STRING, .metavar = "REGEX", ARG(grep),
	  .help = "only lines that match",
	  .doc = "Show only lines that match an extended regular expression,\n"
		 "see\n.Xr regex 7 ;\ncolours in them do not count." },
	{ "log", .type = UC_OPT_STRING, .metavar = "FILE", ARG(log),
	  .help = "follow this file of the job instead",
	  .doc = "Follow this file instead of the job's output:\na path from the job's working\n"
		 "directory, in which\n.Ql %j\nand the like stand for what they do in\n.Xr sbatch 1 ." },
	{ "raw", .type = UC_OPT_FLAG, ARG(raw),
	  .help = "let control sequences pass to the terminal",
	  .doc = "Let everything that the job prints pass to the terminal as it is.\n"
		 "Without it only colours do; other control sequences are shown as\n"
		 ".Ql \\ex1b :\nthey could change the terminal, or type commands into it." },
	{ "json", .type = UC_OPT_FLAG, ARG(json),
	  .help = "events, or with --list and --top data, as JSON",
	  .doc = "Print one JSON object a line for each event; see\n.Sx EVENTS .\nWith\n"
		 ".Fl -list :\nthe list as JSON; with\n.Fl -top :\none look at the job." },
	{ "list", .type = UC_OPT_FLAG, ARG(list), .help = "list the jobs that can be attached to",
	  .doc = "List one's own jobs that wait or run: what\n.Nm\nwould show of each, and the\n"
		 "file that it prints to." },
	{ "input", .type = UC_OPT_FLAG, ARG(input),
	  .help = "hand standard input to an interactive step, its end too",
	  .doc = "Hand standard input to an interactive step although it is no terminal.\n"
		 "Its end is the end of the step's input." },
	{ "shell", .type = UC_OPT_FLAG, ARG(shell), .group = "Inside the job",
	  .help = "a shell in the job, or the command that follows",
	  .doc = "Start a shell in the running job, on its node, in its container, with its\n"
		 "mounts and GPUs; or the command that follows the job's id.\n"
		 "It takes nothing away from the job.\nSee\n.Sx INSIDE A JOB ." },
	{ "host", .type = UC_OPT_FLAG, ARG(host), .help = "outside of the container" },
	{ "node", .type = UC_OPT_STRING, .metavar = "NODE", ARG(node),
	  .help = "on this node, by name or number from 0" },
	{ "task", .type = UC_OPT_NUMBER, .metavar = "N", .max = UINT32_MAX, ARG(task),
	  .help = "where this task runs; of a step: this task only",
	  .doc = "With\n.Fl -shell\nor\n.Fl -top :\non the node where this task of the step runs.\n"
		 "Of an interactive step: input and output of this task only." },
	{ "top", .type = UC_OPT_FLAG, ARG(top),
	  .help = "its processes, CPUs, memory and GPUs, live" },
	{ "gpu", .type = UC_OPT_FLAG, ARG(gpu), .help = "its GPUs, live" },
	{ "forward", .type = UC_OPT_WORDS, .metavar = "[LOCAL:]PORT", ARG(forward),
	  .help = "reach a server in the job: Jupyter, TensorBoard, ...",
	  .doc = "Let connections to port\n.Ar LOCAL\nof this host, or to the Unix socket\n"
		 ".Ar LOCAL\nif that has a slash in it, arrive at\n.Ar PORT\nof the job's node.\n"
		 "May be given several times.\nSee\n.Sx SERVERS IN A JOB ." },
	{ "read-only", .type = UC_OPT_FLAG, ARG(read_only), .group = "Sessions",
	  .help = "look only: nothing typed goes to the session" },
	{ 0 }
};
// clang-format on

static int list(struct uattach *u, struct uc_error *err)
{
	const uint32_t me = getuid();
	const struct uc_job_query query = { .user_ids = &me, .user_count = 1 };
	const struct uc_job **row = NULL;

	if (u->run->parsed.operands.count > 0)
		return uc_fail(err, UC_USAGE,
			       "--list takes no job: it lists all of yours");
	if (uc_jobs_load(u->src, &query, &u->jobs, err) < 0)
		return -1;
	u->run->status =
		uattach_list(u, row, uattach_mine(u->jobs, NULL, &row), u->args.json);
	free(row);
	return u->run->status ? -1 : 0;
}

/* What cannot go together. */
static int check(const struct uattach *u, struct uc_error *err)
{
	const struct uattach_args *a = &u->args;
	const int modes =
		a->shell + (a->top || a->gpu) + (a->forward.count > 0) + a->list;

	if (modes > 1)
		return uc_fail(err, UC_USAGE,
			       "one of --list, --shell, --top and --forward at a time");
	if (a->host && !a->shell)
		return uc_fail(err, UC_USAGE, "--host goes with --shell");
	if (a->node && (!modes || a->list))
		return uc_fail(err, UC_USAGE,
			       "--node goes with --shell, --top, --gpu or --forward");
	if (a->from_start && a->lines >= 0)
		return uc_fail(err, UC_USAGE,
			       "options '--lines' and '--from-start' exclude each other");
	return 0;
}

static int work(struct uattach *u, struct uc_error *err)
{
	const struct uc_strv *words = &u->run->parsed.operands;

	if (check(u, err) < 0)
		return -1;
	if (uc_run_source(u->run, 0, &u->src) < 0)
		return -1;
	if (u->args.list)
		return list(u, err);
	if (uattach_choose(u, words->count ? words->item[0] : NULL, err) < 0)
		return u->forgotten ? uattach_past(u, err) : -1;
	if (u->args.shell)
		return uattach_shell(u, err);
	if (u->args.top || u->args.gpu)
		return uattach_top(u, err);
	if (u->args.forward.count > 0)
		return uattach_forward(u, err);
	return uattach_way(u, u->job)->go(u, u->job, err);
}

/* How many words an option takes besides its own. */
static size_t words_of(const struct uc_cmd *cmd, const char *word)
{
	const struct uc_opt *opt;

	if (strncmp(word, "--", 2) == 0) {
		opt = uc_opt_find(cmd, word + 2, strcspn(word + 2, "="), NULL);
		return opt && !strchr(word, '=') &&
		       uc_opt_arity(opt) == UC_ARITY_REQUIRED;
	}
	for (const char *c = word + 1; *c; c++) {
		opt = uc_opt_letter(cmd, *c);
		if (opt && uc_opt_arity(opt) == UC_ARITY_REQUIRED)
			return c[1] == '\0';
	}
	return 0;
}

static bool is_shell(const struct uc_cmd *cmd, const char *word)
{
	const struct uc_opt *opt =
		strncmp(word, "--", 2) == 0
			? uc_opt_find(cmd, word + 2, strlen(word) - 2, NULL)
			: NULL;

	return opt && strcmp(opt->name, "shell") == 0;
}

/*
 * With --shell, what follows the job's id is a command with options of its own: cut it
 * off. "--" does so, too, and then the id may be left out.
 */
static char **cut_command(const struct uc_cmd *cmd, char **argv)
{
	bool shell = false;
	size_t operands = 0;

	for (char **word = argv + 1; *word; word++) {
		if (strcmp(*word, "--") == 0) {
			*word = NULL;
			return word + 1;
		}
		if ((*word)[0] == '-' && (*word)[1]) {
			shell = shell || is_shell(cmd, *word);
			for (size_t more = words_of(cmd, *word); more > 0 && word[1];
			     more--)
				word++;
			continue;
		}
		if (operands++ > 0 && shell)
			return word;
	}
	return NULL;
}

static int run_uattach(struct uc_run *run, const struct uc_cmd *cmd, int argc,
		       char **argv)
{
	static const char *const none[] = { NULL };
	struct uattach u = { .run = run, .args = { .lines = -1, .task = -1 } };
	uc_auto(strv) struct uc_strv command = { 0 };
	char **rest = cut_command(cmd, argv);
	struct uc_error err = { 0 };
	int status = 0;

	(void)argc;
	if (rest) {
		uc_strv_add_all(&command, (const char *const *)rest);
		*rest = NULL;
	}
	u.command = command.count ? (const char *const *)command.item : none;
	if (!uc_run_parse(run, cmd, argv, &u.args) || uc_run_config(run, NULL) < 0)
		status = run->status;
	else if (command.count > 0 && !u.args.shell)
		status = uc_run_error(
			run, (uc_fail(&err, UC_USAGE, "'%s': a command needs --shell",
				      command.item[0]),
			      &err));
	else if (work(&u, &err) < 0)
		status = err.text[0] ? uc_run_error(run, &err) : run->status;
	uc_jobs_free(u.jobs);
	uc_source_free(u.src);
	uc_strv_free(&u.words);
	uc_strv_free(&u.args.forward);
	return status;
}

static const struct uc_cmd uattach = {
	.name = "uattach",
	.summary = "see what a job prints, and get into it",
	.usage = (const char *const[]){ "[OPTION...] [JOB[.STEP] | NAME | -]",
					"[JOB] --shell [COMMAND [ARG...]]", "--list",
					NULL },
	.options = options,
	.columns = uattach_columns,
	.operands = "JOBID",
	.max_operands = 1,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.fn = run_uattach,
};

int main(int argc, char **argv)
{
	return uc_run_main(&uattach, argc, argv);
}

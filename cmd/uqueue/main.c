/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uqueue: the jobs of the cluster. */
#include "common/run.h"
#include "uqueue/uqueue.h"

#define ARG(member) .offset = offsetof(struct uqueue_args, member)
// clang-format off
static const struct uc_opt options[] = {
	{ "me", .type = UC_OPT_FLAG, ARG(me), .group = "Which jobs", .help = "my own" },
	{ "user", 'u', UC_OPT_LIST, .metavar = "USER", ARG(users),
	  .help = "of these users, by name or number" },
	{ "account", 'A', UC_OPT_LIST, .metavar = "ACCOUNT", ARG(accounts),
	  .help = "of these accounts" },
	{ "jobs", 'j', UC_OPT_LIST, .metavar = "JOBID", ARG(jobs),
	  .help = "these: 4711 or 4711_3, ended ones too",
	  .doc = "These jobs, also when they have ended but slurmctld still knows them.\n"
		 "The id of an array stands for all of its tasks,\n"
		 ".Ar 4711_3\nfor one of them." },
	{ "name", 'n', UC_OPT_LIST, .metavar = "NAME", ARG(names),
	  .help = "with these names" },
	{ "partition", 'p', UC_OPT_LIST, .metavar = "PARTITION", ARG(partitions),
	  .help = "in these partitions" },
	{ "qos", 'q', UC_OPT_LIST, .metavar = "QOS", ARG(qos), .help = "with these QOSes" },
	{ "states", 't', UC_OPT_LIST, .metavar = "STATE", ARG(states),
	  .help = "in these states: PD, R, ..., or all of them",
	  .doc = "Jobs in these states, by Slurm's short or long names in any case,\nor\n"
		 ".Cm all .\nWithout it and without\n.Fl -jobs :\njobs that have not ended." },
	{ "nodelist", 'w', UC_OPT_WORDS, .metavar = "NODE", ARG(nodes),
	  .help = "on these nodes, such as gpu[1-3]" },
	{ "why", .type = UC_OPT_STRING, .metavar = "JOBID", ARG(why),
	  .group = "What to say", .help = "why this job waits, in words",
	  .doc = "Say why this job waits: what it waits for, how many are ahead of it,\n"
		 "which jobs hold the GPUs that it could use and until when,\n"
		 "and what can be done; see\n.Sx WAITING JOBS .\n"
		 "This looks at everybody's jobs." },
	{ "finished", .type = UC_OPT_TEXT, .metavar = "SINCE", .absent = "", ARG(finished),
	  .help = "jobs that ended, of the last 24h or since then",
	  .doc = "Instead of the queue, list jobs that ended in the last 24 hours, or since\n"
		 ".Ar SINCE :\n"
		 ".Ql 2h , 7d , 14:00 , yesterday , 2026-11-20 ;\nsee\n.Sx FINISHED JOBS ." },
	{ "by", .type = UC_OPT_CHOICE, .metavar = "WHAT", .choices = uqueue_by_names, ARG(by),
	  .help = "sums by user, account, partition, node or gpu",
	  .doc = "Instead of jobs, list sums by\n"
		 ".Cm user , account , partition , node\nor\n.Cm gpu\n"
		 "(model): jobs that run and wait, what they use of CPUs, memory and GPUs,\n"
		 "and which share of the machine that is; see\n.Sx COLUMNS ." },
	{ "cancel", .type = UC_OPT_FLAG, ARG(cancel), .group = "What to do to them",
	  .help = "end them, or send them a signal",
	  .doc = "End these jobs; see\n.Sx ACTIONS ." },
	{ "hold", .type = UC_OPT_FLAG, ARG(hold), .help = "keep them from starting",
	  .doc = "Keep jobs that wait from starting." },
	{ "release", .type = UC_OPT_FLAG, ARG(release), .help = "let them start again",
	  .doc = "Let jobs that are held start again." },
	{ "requeue", .type = UC_OPT_FLAG, ARG(requeue),
	  .help = "end them and let them wait again",
	  .doc = "End jobs that run and put them back into the queue;\n"
		 "named by id, ended ones too." },
	{ "set", .type = UC_OPT_WORDS, .metavar = "KEY=VALUE", ARG(set),
	  .help = "another time, partition, name, nice, ...",
	  .doc = "Give jobs another\n"
		 ".Cm time\n(limit:\n.Ql 2:00:00 , 90m , +1h , -30m , UNLIMITED ) ,\n"
		 ".Cm partition , name , comment , nice\nor\n.Cm dependency .\n"
		 "May be given several times.\nAn empty comment or dependency takes it away." },
	{ "signal", .type = UC_OPT_STRING, .metavar = "SIGNAL", ARG(signal),
	  .help = "with --cancel: only send this signal",
	  .doc = "With\n.Fl -cancel :\nsend the steps of jobs that run this signal\n"
		 ".Pq Ql USR1 , SIGTERM , 12 ,\nas\n.Xr scancel 1\ndoes." },
	{ "yes", .type = UC_OPT_FLAG, ARG(yes), .help = "do it without asking" },
	{ "dry-run", .type = UC_OPT_FLAG, ARG(dry_run),
	  .help = "only print the scancel or scontrol commands" },
	{ "array", 'r', UC_OPT_FLAG, ARG(array), .group = "How to list them", .help = "one line for each task of an array" },
	{ "long", 'l', UC_OPT_FLAG, ARG(longer), .help = "more columns" },
	{ "start", .type = UC_OPT_FLAG, ARG(start),
	  .help = "when jobs that wait may start, in that order",
	  .doc = "Only jobs that wait, with the start that slurmctld foresees\n"
		 "(most have none until the backfill scheduler has looked at them),\n"
		 "the first to start first." },
	{ "sort", 'S', UC_OPT_LIST, .metavar = "COLUMNS", ARG(sort),
	  .help = "by these columns; with - in front: descending",
	  .doc = "Sort by these columns, the most important first;\nwith\n.Sq \\-\n"
		 "in front, from large to small.\nAlso by the letters of\n.Xr squeue 1 ,\n"
		 "such as\n.Ql P,-p ." },
	{ "iterate", 'i', UC_OPT_NUMBER, .metavar = "SECONDS", .min = 2, .max = 86400,
	  ARG(iterate), .help = "again every so often, never under 2" },
	{ "watch", .type = UC_OPT_NUMBER, .metavar = "SECONDS", .absent = "10", .min = 2,
	  .max = 86400, ARG(watch), .help = "on a screen of its own, changes marked",
	  .doc = "Show the list on a screen of its own, asked for again every\n"
		 ".Ar SECONDS\n(10 unless said, never under 2),\n"
		 "until\n.Ic q\nis pressed; see\n.Sx WATCHING ." },
	UC_LISTING_OPTIONS(struct uqueue_args, listing),
	{ 0 }
};
// clang-format on

static int check_watch(const struct uqueue_args *args, struct uc_error *err)
{
	const struct {
		bool given;
		const char *option;
	} others[] = {
		{ args->why, "why" },           { args->by >= 0, "by" },
		{ args->iterate, "iterate" },   { args->finished, "finished" },
		{ args->listing.json, "json" }, { args->listing.parsable, "parsable2" },
	};

	for (size_t i = 0; args->watch && i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].given)
			return uc_fail(err, UC_USAGE,
				       "options '--watch' and '--%s' exclude each other",
				       others[i].option);
	return 0;
}

/* What cannot go together. */
static int check(const struct uqueue_args *args, struct uc_error *err)
{
	if (args->yes || args->dry_run || args->signal)
		return uc_fail(err, UC_USAGE,
			       "option '--%s' goes with '--cancel', '--hold', "
			       "'--release', '--requeue' or '--set'",
			       args->signal    ? "signal"
			       : args->dry_run ? "dry-run"
					       : "yes");
	if (args->finished && (args->why || args->by >= 0 || args->start || args->array ||
			       args->longer || args->sort.count || args->iterate))
		return uc_fail(err, UC_USAGE,
			       "option '--finished' is a list of its own: only options "
			       "that say which jobs and columns go with it");
	if (args->why && args->by >= 0)
		return uc_fail(err, UC_USAGE,
			       "options '--why' and '--by' exclude each other");
	if (args->why && args->jobs.count)
		return uc_fail(err, UC_USAGE,
			       "option '--why' is about one job: '%s' is one too many",
			       args->jobs.item[0]);
	if (args->iterate && args->listing.json)
		return uc_fail(err, UC_USAGE,
			       "options '--iterate' and '--json' exclude each other");
	if (args->why && args->iterate)
		return uc_fail(err, UC_USAGE,
			       "options '--why' and '--iterate' exclude each other");
	return 0;
}

static int act(struct uc_run *run, struct uqueue_args *args)
{
	struct uc_error err = { 0 };

	if (uqueue_acting(args))
		return uqueue_do(run, args);
	if (check(args, &err) < 0 || check_watch(args, &err) < 0)
		return uc_run_error(run, &err);
	if (args->finished)
		return uqueue_finished(run, args);
	if (args->why)
		return uqueue_why(run, args);
	if (args->watch)
		return uqueue_watch(run, args);
	return args->by >= 0 ? uqueue_totals(run, args) : uqueue_list(run, args);
}

/* Ids may stand by themselves: "uqueue 4711,4712_3". */
static int add_operands(const struct uc_cmd *cmd, const struct uc_strv *words,
			struct uqueue_args *args, struct uc_error *err)
{
	const struct uc_opt *jobs = uc_opt_letter(cmd, 'j');

	for (size_t i = 0; i < words->count; i++) {
		size_t first = args->jobs.count;
		struct uc_job_id id;

		if (uc_opt_store(jobs, words->item[i], args, err) < 0)
			return -1;
		for (; first < args->jobs.count; first++)
			if (uc_job_id_parse(args->jobs.item[first], &id, err) < 0)
				return -1;
	}
	return 0;
}

static int run_uqueue(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct uqueue_args args = { .by = -1 };
	struct uc_strv *const lists[] = { &args.users,      &args.jobs,   &args.names,
					  &args.partitions, &args.states, &args.accounts,
					  &args.qos,        &args.nodes,  &args.sort,
					  &args.set };
	struct uc_error err = { 0 };
	int status;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args))
		status = run->status;
	else if (add_operands(cmd, &run->parsed.operands, &args, &err) < 0)
		status = uc_run_error(run, &err);
	else
		status = act(run, &args);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		uc_strv_free(lists[i]);
	return status;
}

static const struct uc_cmd uqueue = {
	.name = "uqueue",
	.summary = "list the jobs that wait and run on the cluster",
	.usage = (const char *const[]){ "[OPTION...] [JOBID...]", "show JOBID...",
					"eff JOBID...", NULL },
	.operands = "JOBID",
	.options = options,
	.subcommands = (const struct uc_cmd *const[]){ &uqueue_show, &uqueue_eff, NULL },
	.columns = uqueue_columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.fn = run_uqueue,
};

int main(int argc, char **argv)
{
	return uc_run_main(&uqueue, argc, argv);
}

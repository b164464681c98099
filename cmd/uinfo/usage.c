/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo usage: GPU-hours and CPU-hours, and the fair share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/source.h>
#include <ucluster/units.h>
#include "uinfo/usage.h"

struct usage_args {
	int64_t since; /* seconds back */
	const char *user, *account;
	bool all;
	int by;
	struct uc_listing listing;
};

static const char *const by_words[] = { "day", "user", "account", NULL };

// clang-format off
static const struct uc_opt options[] = {
	{ "since", .type = UC_OPT_DURATION, .metavar = "TIME", .min = 60, .max = 3 * 366 * 86400,
	  .group = "What counts", .offset = offsetof(struct usage_args, since),
	  .help = "the last so much time: 7d, 12h, ...; 7d unless said",
	  .doc = "The last so much time, such as\n.Cm 12h , 7d ;\nwhole days from one day on.\n"
		 "The usual choice is\n.Cm 7d ." },
	{ "user", 'u', UC_OPT_STRING, .metavar = "USER", .offset = offsetof(struct usage_args, user),
	  .help = "of this user; you, unless said" },
	{ "account", 'A', UC_OPT_STRING, .metavar = "ACCOUNT",
	  .offset = offsetof(struct usage_args, account), .help = "of all users of this account" },
	{ "all", 'a', UC_OPT_FLAG, .offset = offsetof(struct usage_args, all),
	  .help = "of everybody, as far as accounting shows it" },
	{ "by", .type = UC_OPT_CHOICE, .metavar = "WHAT", .choices = by_words,
	  .offset = offsetof(struct usage_args, by), .help = "a line for each day, user or account",
	  .doc = "A line for each\n.Cm day , user\nor\n.Cm account .\nThe usual choice is\n"
		 ".Cm day\nfor one user, else\n.Cm user ." },
	UC_LISTING_OPTIONS(struct usage_args, listing),
	{ 0 }
};
// clang-format on

/* Everything that one answer is made of. */
struct report {
	struct uc_world world;
	struct uc_history_facts facts;
	struct uc_history *history;
	struct uc_usage *usage;
	struct usage_share *share; /* rows that have one */
	size_t shares;
	int64_t since;
};

static void free_report(struct report *report)
{
	uc_world_free(&report->world);
	uc_history_free(report->history);
	uc_usage_free(report->usage);
	free(report->share);
}

static int load_history(struct report *report, struct uc_source *source,
			const struct usage_args *args, struct uc_error *err)
{
	const int64_t now = uc_source_now(source);
	const bool one = !args->all && !args->account;
	struct uc_usage_query query = { .by = (enum uc_usage_by)args->by,
					.account = args->account };
	struct uc_history_query past = { 0 };
	uint32_t id = getuid();

	if (args->user &&
	    uc_run_user(args->user, uc_source_is_live(source), &id, err) < 0)
		return -1;
	if (one && id != UC_NONE32) {
		past.user_ids = &id;
		past.user_count = 1;
	} else if (one || args->user) {
		query.user = args->user;
	}
	/* today is one of them */
	report->since = args->since <= 86400
				? now - args->since
				: uc_day_begin(now, (int)(args->since / 86400) - 1);
	past.since = query.since = report->since;
	if (uc_history_load(source, &past, &report->facts, &report->history, err) < 0)
		return -1;
	return uc_usage_make(report->history, &query, &report->usage, err);
}

/* Of the user and the accounts above. */
static int find_shares(struct report *report, struct uc_error *err)
{
	const struct uc_limits *limits = report->world.limits;
	const size_t most = limits ? limits->count : 0;

	report->share = calloc(most + 1, sizeof(*report->share));
	if (!report->share)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < most; i++) {
		const struct uc_limit *row = &limits->row[i];

		if (row->kind != UC_LIMIT_QOS && (row->share || row->factor))
			report->share[report->shares++].limit = row;
	}
	return 0;
}

static void print_shares(const struct uc_run *run, const struct report *report)
{
	for (size_t i = 0; i < report->shares; i++) {
		const struct uc_limit *row = report->share[i].limit;
		uc_auto(buf) struct uc_buf line = { 0 };

		if (row->kind != UC_LIMIT_ASSOCIATION)
			continue;
		uc_buf_add(&line, "fair share in account ");
		uc_buf_safe(&line, row->account, run->safe);
		uc_buf_addf(&line, ": %.1f%% is yours, you use %.1f%%; factor %.2f",
			    row->share / 1e4, row->usage / 1e4, row->factor / 1e6);
		puts(uc_buf_text(&line));
	}
}

static int print_json(const struct report *report, const struct uc_table *table,
		      const struct uc_selection *shown, struct uc_error *err)
{
	const struct uc_table shares = { .name = "fair_share",
					 .rows = report->share,
					 .count = report->shares,
					 .row_size = sizeof(*report->share) };
	const struct uc_usage_row *total = &report->usage->total;
	struct uc_selection every = { 0 };

	for (size_t i = 0; usage_share_columns[i].heading; i++)
		every.column[every.count++] = &usage_share_columns[i];
	printf("{\"version\": 1, \"now\": %lld, \"since\": %lld, \"accounting\": %s, "
	       "\"gpus_known\": %s,\n",
	       (long long)table->now, (long long)report->since,
	       report->facts.origin == UC_HISTORY_ACCOUNTING ? "true" : "false",
	       report->usage->gpus_known ? "true" : "false");
	printf("\"total\": {\"jobs\": %llu, \"gpu_seconds\": %llu, \"cpu_seconds\": "
	       "%llu},\n",
	       (unsigned long long)total->jobs, (unsigned long long)total->gpu_seconds,
	       (unsigned long long)total->cpu_seconds);
	if (uc_table_json_array(table, shown, err) < 0)
		return -1;
	fputs(",\n", stdout);
	if (uc_table_json_array(&shares, &every, err) < 0)
		return -1;
	puts("}");
	return 0;
}

static void print_total(const struct report *report)
{
	const struct uc_usage_row *total = &report->usage->total;

	printf("%s%llu job%s, ", report->usage->count ? "\n" : "",
	       (unsigned long long)total->jobs, total->jobs == 1 ? "" : "s");
	if (report->usage->gpus_known)
		printf("%.1f GPU-hours, ", (double)total->gpu_seconds / 3600);
	printf("%.1f CPU-hours\n", (double)total->cpu_seconds / 3600);
}

static int print(struct uc_run *run, const struct report *report,
		 const struct usage_args *args, const struct uc_selection *shown)
{
	struct usage_look look = { .usage = report->usage,
				   .bar = !args->listing.parsable,
				   .ascii = run->safe & UC_SAFE_ASCII };
	const struct uc_table table = { .name = "usage",
					.rows = report->usage->row,
					.count = report->usage->count,
					.row_size = sizeof(*report->usage->row),
					.context = &look,
					.now = report->history->now };
	struct uc_error err = { 0 };
	int status;

	for (size_t i = 0; i < report->usage->count; i++) {
		const uint64_t w = usage_weight(report->usage, &report->usage->row[i]);

		look.most = w > look.most ? w : look.most;
	}
	if (report->facts.origin != UC_HISTORY_ACCOUNTING)
		uc_run_say(run, 0, "%s: only what slurmctld has not forgotten",
			   report->facts.why[0] ? report->facts.why : "no accounting");
	if (!report->usage->gpus_known)
		uc_run_say(run, 0,
			   "accounting does not count GPUs here "
			   "(AccountingStorageTRES has no gres/gpu)");
	if (args->listing.json)
		return print_json(report, &table, shown, &err) < 0
			       ? uc_run_error(run, &err)
			       : 0;
	status = uc_table_print(run, &table, shown, &args->listing);
	if (status || args->listing.parsable || args->listing.format ||
	    args->listing.noheader)
		return status;
	print_total(report);
	print_shares(run, report);
	return 0;
}

static int load(struct uc_run *run, struct report *report, const struct usage_args *args,
		struct uc_error *err)
{
	uc_auto(source) struct uc_source *source = NULL;

	if (uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0) {
		err->code = UC_OK; /* it has been said */
		return -1;
	}
	if (load_history(report, source, args, err) < 0)
		return -1;
	/* the fair share is one's own */
	if (!args->user && !args->all &&
	    uc_world_limits(&report->world, run, source, err) < 0)
		return -1;
	return find_shares(report, err);
}

static int run_usage(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct usage_args args = { .since = (int64_t)7 * 86400, .by = -1 };
	struct report report = { 0 };
	struct uc_selection shown;
	struct uc_error err = { 0 };
	int status;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args))
		return run->status;
	if (args.all && (args.user || args.account)) {
		uc_fail(&err, UC_USAGE, "options '--all' and '--%s' exclude each other",
			args.user ? "user" : "account");
		return uc_run_error(run, &err);
	}
	if (args.by < 0)
		args.by = args.all || args.account ? UC_USAGE_BY_USER : UC_USAGE_BY_DAY;
	if (uc_listing_select(run, usage_columns[args.by], &args.listing, &shown) < 0)
		return run->status;
	if (load(run, &report, &args, &err) < 0)
		status = err.code ? uc_run_error(run, &err) : run->status;
	else
		status = print(run, &report, &args, &shown);
	free_report(&report);
	return status;
}

const struct uc_cmd uinfo_cmd_usage = {
	.name = "uinfo usage",
	.summary = "add up GPU-hours and CPU-hours by day, user or account",
	.options = options,
	.columns = usage_day_columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.doc = "Add up what jobs had: GPUs and CPUs times hours, from accounting,\nor, "
	       "where there is none, from the jobs that slurmctld has not forgotten,\nand "
	       "then it says so.\nJobs that run count until now.\nFor yourself it also says "
	       "your fair share.",
	.fn = run_usage,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo limits: what accounting allows, and how much of it is in use. */
#include <stdlib.h>
#include <ucluster/units.h>
#include "uinfo/cluster.h"
#include "uinfo/limits.h"

struct limits_args {
	bool all;
	struct uc_listing listing;
};

// clang-format off
static const struct uc_opt options[] = {
	{ "all", 'a', UC_OPT_FLAG, .group = "Which", .offset = offsetof(struct limits_args, all),
	  .help = "of QOSes that you may not use, too" },
	UC_LISTING_OPTIONS(struct limits_args, listing),
	{ 0 }
};
// clang-format on

static const struct uinfo_limit *limit_of(const void *row)
{
	return row;
}

GETTER(kind)
{
	static const char *const words[] = { "association", "account", "qos" };

	(void)context;
	uc_value_put_raw(out, uc_raw(words[limit_of(row)->of->kind]));
}

GETTER(whose)
{
	(void)context;
	/* the table makes it safe */
	uinfo_limit_whose(&out->scratch, limit_of(row), 0);
	uinfo_put_scratch(out);
}

GETTER(name)
{
	const struct uc_limit *of = limit_of(row)->of;

	(void)context;
	uc_value_put_raw(out, of->kind == UC_LIMIT_QOS ? of->name : of->account);
}

GETTER(partition)
{
	(void)context;
	uc_value_put_raw(out, limit_of(row)->of->partition);
}

GETTER(what)
{
	const struct uinfo_limit *limit = limit_of(row);

	(void)context;
	if (limit->what && limit->type[0])
		uc_buf_addf(&out->scratch, "%s %s", limit->type, limit->what);
	else
		uc_buf_add(&out->scratch, limit->what ? limit->what : limit->type);
	uinfo_put_scratch(out);
}

GETTER(per)
{
	(void)context;
	uc_value_put_raw(out, uc_raw(uinfo_per_words[limit_of(row)->per]));
}

GETTER(limit)
{
	(void)context;
	uinfo_put(out, limit_of(row)->kind, limit_of(row)->limit);
}

GETTER(used)
{
	const struct uinfo_limit *limit = limit_of(row);

	(void)context;
	if (limit->used != UC_NONE64)
		uinfo_put(out, limit->kind, limit->used);
}

GETTER(left)
{
	const struct uinfo_limit *limit = limit_of(row);

	(void)context;
	if (limit->used == UC_NONE64)
		return;
	uinfo_put(out, limit->kind,
		  limit->limit > limit->used ? limit->limit - limit->used : 0);
	if (!out->number)
		out->role = UC_ROLE_BAD;
}

GETTER(use)
{
	const struct uinfo_limit *limit = limit_of(row);
	const struct uinfo_limit_look *look = context;
	double share;

	if (limit->used == UC_NONE64)
		return;
	share = limit->limit ? (double)limit->used / (double)limit->limit : 1;
	uinfo_put(out, UC_VALUE_SHARE, (uint64_t)(share * 1000 + 0.5));
	out->role = share >= 1 ? UC_ROLE_BAD : share >= 0.8 ? UC_ROLE_WAIT : UC_ROLE_GOOD;
	if (look->bar) {
		uinfo_add_bar(&out->shown, share > 1 ? 1000 : (uint64_t)(share * 1000),
			      1000, look->ascii);
		uc_buf_addc(&out->shown, ' ');
	}
	uc_buf_addf(&out->shown, "%3.0f%%", share * 100);
}

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
// clang-format off
const struct uc_column uinfo_limit_columns[] = {
	{ "OF", "whose", SHOWN | UC_COLUMN_CUT, 10, "whose limit it is", get_whose },
	{ "WHAT", "what", SHOWN, 0, "what is limited", get_what },
	{ "PER", "per", SHOWN, 0, "for one user, one job, all jobs together", get_per },
	{ "LIMIT", "limit", SHOWN | RIGHT, 0, "how much is allowed", get_limit },
	{ "USED", "used", SHOWN | RIGHT, 0, "how much is in use", get_used },
	{ "LEFT", "left", SHOWN | RIGHT, 0, "how much is left", get_left },
	{ "USE", "use", SHOWN | RIGHT, 0, "share in use", get_use },
	{ "KIND", "kind", 0, 0, "association, account or qos", get_kind },
	{ "NAME", "name", 0, 0, "name of the QOS or account", get_name },
	{ "PARTITION", "partition", 0, 0, "partition that the association is for", get_partition },
	{ 0 }
};
// clang-format on

static int list(struct uc_run *run, const struct limits_args *args,
		const struct uc_selection *shown)
{
	uc_auto(source) struct uc_source *source = NULL;
	uc_auto(world) struct uc_world world = { 0 };
	const struct uinfo_limit_look look = { .bar = run->stdout_tty &&
						      !args->listing.parsable,
					       .ascii = run->safe & UC_SAFE_ASCII };
	struct uinfo_limits limits;
	struct uc_error err = { 0 };
	int status;

	if (uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0)
		return run->status;
	if (uc_world_limits(&world, run, source, &err) < 0)
		return uc_run_error(run, &err);
	uinfo_limits_make(&limits, world.limits, args->all);
	if (limits.failed) {
		uc_fail(&err, UC_FAILED, "out of memory");
		status = uc_run_error(run, &err);
	} else {
		status = uc_table_print(
			run,
			&(struct uc_table){ .name = "limits",
					    .rows = limits.row,
					    .count = limits.count,
					    .row_size = sizeof(*limits.row),
					    .context = &look,
					    .now = uc_source_now(source) },
			shown, &args->listing);
	}
	if (status == 0 && !limits.count)
		uc_run_say(
			run, 0,
			world.limits && world.limits->count
				? "no limits are set"
				: "no accounting: nothing limits your jobs but partitions");
	else if (status == 0 && !(world.facts.enforced & UC_ENFORCED_LIMITS))
		uc_run_say(run, 0,
			   "slurmctld does not enforce these limits "
			   "(AccountingStorageEnforce)");
	free(limits.row);
	return status;
}

static int run_limits(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct limits_args args = { 0 };
	struct uc_selection shown;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_listing_select(run, uinfo_limit_columns, &args.listing, &shown) < 0)
		return run->status;
	return list(run, &args, &shown);
}

const struct uc_cmd uinfo_cmd_limits = {
	.name = "uinfo limits",
	.summary = "list what accounting allows you, and how much of it is in use",
	.options = options,
	.columns = uinfo_limit_columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.doc = "List the limits of your associations, of the accounts above them,\nand of "
	       "the QOSes that you may use, with how much is in use.",
	.fn = run_limits,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of uinfo usage. Keys are for ever; add, never rename. */
#include "uinfo/usage.h"

static const struct uc_usage_row *row_of(const void *row)
{
	return row;
}

GETTER(name)
{
	(void)context;
	uc_value_put_raw(out, row_of(row)->name);
}

GETTER(jobs)
{
	(void)context;
	uinfo_put(out, UC_VALUE_NUMBER, row_of(row)->jobs);
	out->blank = !out->number;
}

/* Raw seconds; hours for people. */
static void put_hours(struct uc_value *out, uint64_t seconds)
{
	uinfo_put(out, UC_VALUE_NUMBER, seconds);
	if (seconds)
		uc_buf_addf(&out->shown, "%.1f", (double)seconds / 3600);
	out->blank = !seconds;
}

GETTER(gpu_hours)
{
	const struct usage_look *look = context;

	if (look->usage->gpus_known)
		put_hours(out, row_of(row)->gpu_seconds);
}

GETTER(cpu_hours)
{
	(void)context;
	put_hours(out, row_of(row)->cpu_seconds);
}

/* GPUs are what is short; CPUs count where there are none. */
uint64_t usage_weight(const struct uc_usage *usage, const struct uc_usage_row *row)
{
	return usage->gpus_known && usage->total.gpu_seconds ? row->gpu_seconds
							     : row->cpu_seconds;
}

GETTER(share)
{
	const struct usage_look *look = context;
	const uint64_t whole = usage_weight(look->usage, &look->usage->total);
	const uint64_t part = usage_weight(look->usage, row_of(row));

	if (!whole)
		return;
	uinfo_put(out, UC_VALUE_SHARE,
		  (uint64_t)((double)part * 1000 / (double)whole + 0.5));
	if (look->bar) {
		uinfo_add_bar(&out->shown, part, look->most, look->ascii);
		uc_buf_addf(&out->shown, " %3.0f%%", (double)part * 100 / (double)whole);
	}
}

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
// clang-format off
#define COLUMNS(heading, key)                                                            \
	{ heading, key, SHOWN, 0, "what the line is about", get_name },                  \
	{ "JOBS", "jobs", SHOWN | RIGHT, 0, "jobs that ran", get_jobs },                 \
	{ "GPUHOURS", "gpu_seconds", SHOWN | RIGHT, 0,                                   \
	  "GPUs times hours; seconds in JSON", get_gpu_hours },                          \
	{ "CPUHOURS", "cpu_seconds", SHOWN | RIGHT, 0,                                   \
	  "CPUs times hours; seconds in JSON", get_cpu_hours },                          \
	{ "SHARE", "share", SHOWN, 0, "of the GPU time; of the CPU time where there is none", \
	  get_share },                                                                   \
	{ 0 }
const struct uc_column usage_day_columns[] = { COLUMNS("DAY", "day") };
static const struct uc_column user_columns[] = { COLUMNS("USER", "user") };
static const struct uc_column account_columns[] = { COLUMNS("ACCOUNT", "account") };
// clang-format on
const struct uc_column *const usage_columns[] = { usage_day_columns, user_columns,
						  account_columns };

GETTER(share_account)
{
	(void)context;
	uc_value_put_raw(out, ((const struct usage_share *)row)->limit->account);
}

GETTER(share_user)
{
	(void)context;
	uc_value_put_raw(out, ((const struct usage_share *)row)->limit->user);
}

#define MILLIONTHS(name)                                                                 \
	GETTER(share_##name)                                                             \
	{                                                                                \
		(void)context;                                                           \
		uinfo_put(out, UC_VALUE_SHARE,                                           \
			  (((const struct usage_share *)row)->limit->name + 500) /       \
				  1000);                                                 \
	}
MILLIONTHS(share)
MILLIONTHS(usage)
MILLIONTHS(factor)

const struct uc_column usage_share_columns[] = {
	{ "ACCOUNT", "account", 0, 0, "", get_share_account },
	{ "USER", "user", 0, 0, "", get_share_user },
	{ "SHARE", "share", 0, 0, "", get_share_share },
	{ "USAGE", "usage", 0, 0, "", get_share_usage },
	{ "FACTOR", "factor", 0, 0, "", get_share_factor },
	{ 0 },
};

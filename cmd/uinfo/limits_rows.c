/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* From rows with all limits of a QOS or association to one row a limit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/gres.h>
#include "uinfo/limits.h"

const char *const uinfo_per_words[] = {
	[UINFO_PER_USER] = "user",
	[UINFO_PER_GROUP] = "all",
	[UINFO_PER_JOB] = "job",
	[UINFO_PER_NODE] = "node of a job",
};

static void add(struct uinfo_limits *out, const struct uinfo_limit *limit)
{
	if (out->count == out->size) {
		const size_t size = out->size ? 2 * out->size : 32;
		struct uinfo_limit *bigger =
			reallocarray(out->row, size, sizeof(*bigger));

		if (!bigger) {
			out->failed = true;
			return;
		}
		out->row = bigger;
		out->size = size;
	}
	out->row[out->count++] = *limit;
}

static const char *word_for(struct uc_span name, char buffer[32])
{
	static const struct {
		const char *tres, *word;
	} words[] = {
		{ "gpu", "GPUs" },   { "shard", "GPU shards" }, { "cpu", "CPUs" },
		{ "mem", "memory" }, { "node", "nodes" },       { "billing", "billing" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (uc_span_is(name, words[i].tres))
			return words[i].word;
	snprintf(buffer, 32, "%.*s", (int)name.len, name.at);
	return NULL;
}

/* One row for each TRES of a list; `used` may be unset. */
static void add_list(struct uinfo_limits *out, const struct uc_limit *of,
		     enum uinfo_per per, struct uc_raw list, struct uc_raw used)
{
	struct uc_gres_walk walk = { .rest = list.bytes };
	struct uc_gres item;

	while (uc_gres_next(&walk, &item)) {
		struct uinfo_limit limit = { .of = of,
					     .per = per,
					     .kind = UC_VALUE_NUMBER,
					     .limit = item.count,
					     .used = UC_NONE64 };
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)item.name.len, item.name.at);
		limit.what = word_for(item.name, limit.type);
		if (item.type.len)
			snprintf(limit.type, sizeof(limit.type), "%.*s",
				 (int)item.type.len, item.type.at);
		if (uc_span_is(item.name, "mem"))
			limit.kind = UC_VALUE_SIZE;
		if ((per == UINFO_PER_USER || per == UINFO_PER_GROUP) &&
		    !uc_tres_get(used.bytes, name, limit.what ? limit.type : "",
				 &limit.used))
			limit.used = 0;
		add(out, &limit);
	}
}

static void add_count(struct uinfo_limits *out, struct uinfo_limit limit, uint32_t most,
		      uint32_t used)
{
	if (most == UC_NONE32)
		return;
	limit.kind = UC_VALUE_NUMBER;
	limit.limit = most;
	limit.used = used;
	add(out, &limit);
}

static void add_time(struct uinfo_limits *out, const struct uc_limit *of, int64_t seconds)
{
	const struct uinfo_limit limit = { .of = of,
					   .per = UINFO_PER_JOB,
					   .what = "time",
					   .kind = UC_VALUE_SECONDS,
					   .limit = (uint64_t)seconds,
					   .used = UC_NONE64 };

	if (seconds != UC_NOT_SET)
		add(out, &limit);
}

static void add_all(struct uinfo_limits *out, const struct uc_limit *of)
{
	const bool qos = of->kind == UC_LIMIT_QOS;
	const struct uinfo_limit jobs = { .of = of, .what = "jobs" };
	const struct uinfo_limit queued = { .of = of, .what = "jobs queued" };
	struct uinfo_limit group_jobs = jobs, group_queued = queued;

	group_jobs.per = group_queued.per = UINFO_PER_GROUP;
	add_list(out, of, UINFO_PER_USER, of->tres_user, of->tres_user_used);
	add_count(out, jobs, qos ? of->user_jobs : of->jobs_max,
		  qos ? of->user_jobs_used : of->jobs_used);
	add_count(out, queued, qos ? of->user_submit : of->submit_max,
		  qos ? of->user_submit_used : of->submit_used);
	add_list(out, of, UINFO_PER_GROUP, of->tres_group, of->tres_group_used);
	add_count(out, group_jobs, of->group_jobs, of->jobs_used);
	add_count(out, group_queued, of->group_submit, of->submit_used);
	add_time(out, of, of->wall_max);
	add_list(out, of, UINFO_PER_JOB, of->tres_job, uc_raw(NULL));
	add_list(out, of, UINFO_PER_NODE, of->tres_node, uc_raw(NULL));
}

static bool has_word(const char *list, const char *word)
{
	const size_t len = strlen(word);

	while (list && *list) {
		size_t item = strcspn(list, ",");

		if (item == len && strncmp(list, word, len) == 0)
			return true;
		list += item + (list[item] == ',');
	}
	return false;
}

/* The user can ask for it, through one of the associations. */
static bool is_allowed(const struct uc_limits *limits, const struct uc_limit *qos)
{
	bool any = false;

	for (size_t i = 0; i < limits->count; i++) {
		const struct uc_limit *row = &limits->row[i];

		if (row->kind != UC_LIMIT_ASSOCIATION)
			continue;
		any = true;
		if (qos->name.bytes && has_word(row->qos.bytes, qos->name.bytes))
			return true;
	}
	return !any;
}

void uinfo_limits_make(struct uinfo_limits *out, const struct uc_limits *limits,
		       bool every_qos)
{
	static const uint32_t order[] = { UC_LIMIT_ASSOCIATION, UC_LIMIT_ACCOUNT,
					  UC_LIMIT_QOS };

	*out = (struct uinfo_limits){ 0 };
	for (size_t k = 0; limits && k < sizeof(order) / sizeof(order[0]); k++)
		for (size_t i = 0; i < limits->count; i++) {
			const struct uc_limit *row = &limits->row[i];

			if (row->kind != order[k])
				continue;
			if (row->kind == UC_LIMIT_QOS && !every_qos &&
			    !is_allowed(limits, row))
				continue;
			add_all(out, row);
		}
}

void uinfo_limit_whose(struct uc_buf *out, const struct uinfo_limit *limit, unsigned safe)
{
	const struct uc_limit *of = limit->of;

	uc_buf_add(out, of->kind == UC_LIMIT_QOS           ? "QOS "
			: of->kind == UC_LIMIT_ASSOCIATION ? "you in "
							   : "account ");
	uc_buf_safe(out, of->kind == UC_LIMIT_QOS ? of->name : of->account, safe);
	if (!uc_raw_empty(of->partition)) {
		uc_buf_add(out, ", partition ");
		uc_buf_safe(out, of->partition, safe);
	}
}

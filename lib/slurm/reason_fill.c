/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Fill the patterns of reason_words.c with what is known of a job. */
#include <string.h>
#include <time.h>
#include <sys/wait.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "slurm/rank_hosts.h"
#include "slurm/reason_words.h"

/* Nodes named one by one; the rest are counted. */
#define NODES_NAMED 4

struct fill {
	const struct uc_job *job;
	const struct uc_reason_context *context;
	const struct uc_reason_resource *resource;
	const struct uc_partition *partition; /* the job's most generous one, or NULL */
};

void uc_buf_clock(struct uc_buf *buf, int64_t when, int64_t now)
{
	const int64_t day = 86400;
	time_t then = (time_t)when, today = (time_t)now;
	struct tm a, b;
	char text[64];
	size_t len;

	if (!localtime_r(&then, &a) || !localtime_r(&today, &b))
		return;
	if (a.tm_year == b.tm_year && a.tm_yday == b.tm_yday)
		len = strftime(text, sizeof(text), "%H:%M", &a);
	else if (when > now && when - now < 2 * day && a.tm_wday == (b.tm_wday + 1) % 7)
		len = strftime(text, sizeof(text), "tomorrow %H:%M", &a);
	else if (when > now && when - now < 6 * day)
		len = strftime(text, sizeof(text), "%a %H:%M", &a);
	else if (when - now < 180 * day && now - when < 180 * day)
		len = strftime(text, sizeof(text), "%e %b %H:%M", &a);
	else
		len = strftime(text, sizeof(text), "%Y-%m-%d", &a);
	if (len)
		uc_buf_add(buf, text + strspn(text, " "));
}

void uc_buf_clock_at(struct uc_buf *buf, int64_t when, int64_t now)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_buf_clock(&text, when, now);
	buf->failed = buf->failed || text.failed;
	if (text.len == sizeof("14:20") - 1)
		uc_buf_add(buf, "at ");
	else if (strncmp(uc_buf_text(&text), "tomorrow", 8) != 0)
		uc_buf_add(buf, "on ");
	uc_buf_add(buf, uc_buf_text(&text));
}

static bool add_raw(struct uc_buf *buf, const struct fill *f, struct uc_raw raw)
{
	if (uc_raw_empty(raw))
		return false;
	uc_buf_safe(buf, raw, f->context->safe);
	return true;
}

static bool add_number(struct uc_buf *buf, uint64_t number)
{
	uc_buf_addf(buf, "%llu", (unsigned long long)number);
	return true;
}

static bool add_time(struct uc_buf *buf, const struct fill *f, int64_t when)
{
	if (when <= 0 || f->context->now <= 0)
		return false;
	uc_buf_clock(buf, when, f->context->now);
	return true;
}

static bool add_duration(struct uc_buf *buf, int64_t seconds)
{
	if (seconds == UC_NOT_SET)
		return false;
	uc_duration_words(buf, seconds);
	return true;
}

/* --- the job
 * ----------------------------------------------------------------------------*/

static bool fill_id(struct uc_buf *buf, const struct fill *f)
{
	const struct uc_job *job = f->job;

	if (job->array_job_id && job->array_task_id != UC_NONE32)
		uc_buf_addf(buf, "%u_%u", job->array_job_id, job->array_task_id);
	else
		uc_buf_addf(buf, "%u", job->het_job_id ? job->het_job_id : job->job_id);
	return true;
}

static bool fill_code(struct uc_buf *buf, const struct fill *f)
{
	return add_number(buf, f->job->reason);
}

static bool fill_partition(struct uc_buf *buf, const struct fill *f)
{
	return add_raw(buf, f, f->job->partition);
}

static bool fill_qos(struct uc_buf *buf, const struct fill *f)
{
	return add_raw(buf, f, f->job->qos);
}

static bool fill_account(struct uc_buf *buf, const struct fill *f)
{
	return add_raw(buf, f, f->job->account);
}

static bool fill_text(struct uc_buf *buf, const struct fill *f)
{
	return add_raw(buf, f, f->job->reason_text);
}

static bool fill_dependency(struct uc_buf *buf, const struct fill *f)
{
	return add_raw(buf, f, f->job->dependency);
}

static bool fill_licenses(struct uc_buf *buf, const struct fill *f)
{
	return add_raw(buf, f, f->job->licenses);
}

static bool fill_reservation(struct uc_buf *buf, const struct fill *f)
{
	return add_raw(buf, f, f->job->reservation);
}

static bool fill_features(struct uc_buf *buf, const struct fill *f)
{
	return add_raw(buf, f, f->job->features);
}

static bool fill_required(struct uc_buf *buf, const struct fill *f)
{
	return add_raw(buf, f, f->job->required_nodes);
}

static bool fill_allocated(struct uc_buf *buf, const struct fill *f)
{
	return add_raw(buf, f, f->job->nodes);
}

static bool fill_time(struct uc_buf *buf, const struct fill *f)
{
	return add_duration(buf, f->job->time_limit);
}

static bool fill_begin(struct uc_buf *buf, const struct fill *f)
{
	return f->job->eligible_time > f->context->now &&
	       add_time(buf, f, f->job->eligible_time);
}

/* A foreseen start that has passed is stale. */
static bool fill_start(struct uc_buf *buf, const struct fill *f)
{
	if (f->job->start_time <= f->context->now || f->context->now <= 0)
		return false;
	uc_buf_clock_at(buf, f->job->start_time, f->context->now);
	return true;
}

static bool fill_deadline(struct uc_buf *buf, const struct fill *f)
{
	return add_time(buf, f, f->job->deadline);
}

static bool fill_restarts(struct uc_buf *buf, const struct fill *f)
{
	return f->job->restarts > 1 && add_number(buf, f->job->restarts);
}

static bool fill_array_limit(struct uc_buf *buf, const struct fill *f)
{
	return f->job->array_max_tasks && add_number(buf, f->job->array_max_tasks);
}

static bool fill_nodes(struct uc_buf *buf, const struct fill *f)
{
	uint32_t least = f->job->node_count, most = f->job->node_max;

	uc_buf_addf(buf, "%u", least);
	if (most > least)
		uc_buf_addf(buf, " to %u", most);
	uc_buf_add(buf, (most > least ? most : least) == 1 ? " node" : " nodes");
	return true;
}

static bool fill_memory(struct uc_buf *buf, const struct fill *f)
{
	if (!f->job->memory)
		return false;
	uc_size_words(buf, f->job->memory);
	uc_buf_add(buf, f->job->memory_per_cpu ? " a CPU" : " a node");
	return true;
}

static bool fill_want(struct uc_buf *buf, const struct fill *f)
{
	uint32_t gpus = f->job->gpus;

	if (gpus != UC_NONE32 && gpus > 0)
		uc_buf_addf(buf, "%u GPU%s and what goes with %s", gpus,
			    gpus == 1 ? "" : "s", gpus == 1 ? "it" : "them");
	else
		uc_buf_add(buf, "the CPUs and memory that it asks for");
	return true;
}

static bool fill_exit(struct uc_buf *buf, const struct fill *f)
{
	int status = (int)f->job->exit_status;

	if (f->job->exit_status == UC_NONE32 || status == 0)
		return false;
	if (WIFSIGNALED(status))
		uc_buf_addf(buf, "signal %d", WTERMSIG(status));
	else
		uc_buf_addf(buf, "exit status %d", WEXITSTATUS(status));
	return true;
}

/* --- what is around it
 * ------------------------------------------------------------------*/

static bool fill_you(struct uc_buf *buf, const struct fill *f)
{
	uc_buf_add(buf, f->context->not_mine ? "its owner" : "you");
	return true;
}

static bool fill_your(struct uc_buf *buf, const struct fill *f)
{
	uc_buf_add(buf, f->context->not_mine ? "its owner's" : "your");
	return true;
}

static bool fill_ahead(struct uc_buf *buf, const struct fill *f)
{
	const struct uc_rank *rank = f->context->rank;

	if (!rank || !rank->counts || !rank->ahead)
		return false;
	uc_buf_addf(buf, "%u %s", rank->ahead, rank->ahead == 1 ? "job is" : "jobs are");
	return true;
}

static bool fill_part_time(struct uc_buf *buf, const struct fill *f)
{
	return f->partition && add_duration(buf, f->partition->time_limit);
}

static bool fill_part_time_exact(struct uc_buf *buf, const struct fill *f)
{
	if (!f->partition || f->partition->time_limit == UC_NOT_SET)
		return false;
	uc_duration_format(buf, f->partition->time_limit);
	return true;
}

static bool fill_node_range(struct uc_buf *buf, const struct fill *f)
{
	const struct uc_partition *part = f->partition;

	if (!part || part->node_min == UC_NONE32)
		return false;
	if (part->node_max == UC_NONE32)
		uc_buf_addf(buf, "at least %u", part->node_min);
	else if (part->node_max == part->node_min)
		uc_buf_addf(buf, "only %u", part->node_min);
	else
		uc_buf_addf(buf, "%u to %u", part->node_min, part->node_max);
	return true;
}

/* The count allowed that is nearest to what it asks for. */
static bool fill_node_legal(struct uc_buf *buf, const struct fill *f)
{
	const struct uc_partition *part = f->partition;

	if (part && part->node_max != UC_NONE32 && f->job->node_count > part->node_max)
		return add_number(buf, part->node_max);
	if (part && part->node_min != UC_NONE32 && f->job->node_count < part->node_min)
		return add_number(buf, part->node_min);
	return false;
}

/* Those among the nodes asked for, or else of its partitions, that start nothing. */
static bool fill_bad_nodes(struct uc_buf *buf, const struct fill *f)
{
	const struct uc_nodes *nodes = f->context->nodes;
	const struct uc_job *job = f->job;
	size_t found = 0;

	for (size_t i = 0; nodes && i < nodes->count; i++) {
		const struct uc_node *node = &nodes->row[i];
		bool wanted = uc_raw_empty(job->required_nodes)
				      ? uc_words_share(node->partitions.bytes,
						       job->partition.bytes)
				      : uc_hosts_has(job->required_nodes.bytes,
						     node->name.bytes);

		if (!wanted || uc_node_is_usable(node->state) || found++ >= NODES_NAMED)
			continue;
		uc_buf_add(buf, found > 1 ? ", " : "");
		uc_buf_safe(buf, node->name, f->context->safe);
		uc_buf_add(buf, " is ");
		uc_buf_node_state(buf, node->state);
		if (uc_raw_empty(node->reason))
			continue;
		uc_buf_add(buf, " (");
		uc_buf_safe(buf, node->reason, f->context->safe);
		uc_buf_addc(buf, ')');
	}
	if (found > NODES_NAMED)
		uc_buf_addf(buf, ", and %zu more", found - NODES_NAMED);
	return found > 0;
}

/* --- the limit
 * --------------------------------------------------------------------------*/

static bool fill_resource(struct uc_buf *buf, const struct fill *f)
{
	const struct uc_reason_resource *resource = f->resource;
	bool other = resource && strcmp(resource->token, "GRES") == 0 && !f->job->gpus;

	uc_buf_add(buf, !resource ? "a resource" : other ? "GRES" : resource->words);
	return true;
}

static bool add_amount(struct uc_buf *buf, const struct fill *f, uint64_t amount)
{
	enum uc_reason_unit unit = f->resource ? f->resource->unit : UC_UNIT_COUNT;

	if (amount == UC_NONE64)
		return false;
	if (unit == UC_UNIT_BYTES)
		uc_size_words(buf, amount);
	else if (unit == UC_UNIT_MINUTES && amount < INT64_MAX / 60)
		uc_duration_words(buf, (int64_t)amount * 60);
	else
		add_number(buf, amount);
	return true;
}

static bool fill_used(struct uc_buf *buf, const struct fill *f)
{
	return f->context->limit && add_amount(buf, f, f->context->limit->used);
}

static bool fill_allowed(struct uc_buf *buf, const struct fill *f)
{
	return f->context->limit && add_amount(buf, f, f->context->limit->allowed);
}

static bool fill_allowed_exact(struct uc_buf *buf, const struct fill *f)
{
	const struct uc_reason_limit *limit = f->context->limit;

	if (!limit || limit->allowed >= INT64_MAX / 60)
		return false;
	uc_duration_format(buf, (int64_t)limit->allowed * 60);
	return true;
}

static bool fill_asked(struct uc_buf *buf, const struct fill *f)
{
	return f->context->limit && add_amount(buf, f, f->context->limit->asked);
}

static bool fill_next_job(struct uc_buf *buf, const struct fill *f)
{
	return f->context->limit && f->context->limit->next_job &&
	       add_number(buf, f->context->limit->next_job);
}

static bool fill_next_time(struct uc_buf *buf, const struct fill *f)
{
	return f->context->limit && add_time(buf, f, f->context->limit->next_time);
}

/* --- patterns
 * ---------------------------------------------------------------------------*/

static const struct {
	const char *name;
	bool (*fill)(struct uc_buf *buf, const struct fill *f); /* false: not known */
} places[] = {
	{ "account", fill_account },
	{ "ahead", fill_ahead },
	{ "allocated", fill_allocated },
	{ "allowed", fill_allowed },
	{ "allowed_exact", fill_allowed_exact },
	{ "array_limit", fill_array_limit },
	{ "asked", fill_asked },
	{ "bad_nodes", fill_bad_nodes },
	{ "begin", fill_begin },
	{ "code", fill_code },
	{ "deadline", fill_deadline },
	{ "dependency", fill_dependency },
	{ "exit", fill_exit },
	{ "features", fill_features },
	{ "id", fill_id },
	{ "licenses", fill_licenses },
	{ "memory", fill_memory },
	{ "next_job", fill_next_job },
	{ "next_time", fill_next_time },
	{ "node_legal", fill_node_legal },
	{ "node_range", fill_node_range },
	{ "nodes", fill_nodes },
	{ "part_time", fill_part_time },
	{ "part_time_exact", fill_part_time_exact },
	{ "partition", fill_partition },
	{ "qos", fill_qos },
	{ "required", fill_required },
	{ "reservation", fill_reservation },
	{ "resource", fill_resource },
	{ "restarts", fill_restarts },
	{ "start", fill_start },
	{ "text", fill_text },
	{ "time", fill_time },
	{ "want", fill_want },
	{ "you", fill_you },
	{ "your", fill_your },
	{ "used", fill_used },
};

/* One {name} at `at`; its length, with *known false when there is nothing to say. */
static size_t put_place(struct uc_buf *buf, const struct fill *f, const char *at,
			bool *known)
{
	size_t len = strcspn(at, "}");

	*known = false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(places[i].name, at + 1, len - 1) == 0 &&
		    places[i].name[len - 1] == '\0')
			*known = places[i].fill(buf, f);
	return len + (at[len] == '}');
}

/* Text up to one of `stop`; false when a place in it is not known. */
static bool put_text(struct uc_buf *buf, const struct fill *f, const char **at,
		     const char *stop)
{
	bool all = true;

	while (**at && !strchr(stop, **at)) {
		bool known;

		if (**at != '{') {
			uc_buf_addc(buf, *(*at)++);
			continue;
		}
		*at += put_place(buf, f, *at, &known);
		all = all && known;
		/* outside of brackets something must be said */
		if (!known && *stop == '[')
			uc_buf_add(buf, "(unknown)");
	}
	return all;
}

/* "[A|B]": A, or B when something in A is not known. */
static void put_choice(struct uc_buf *buf, const struct fill *f, const char **at)
{
	bool done = false;

	do {
		uc_auto(buf) struct uc_buf part = { 0 };
		bool known;

		(*at)++;
		known = put_text(&part, f, at, "|]");
		if (known && !done) {
			uc_buf_addn(buf, uc_buf_text(&part), part.len);
			buf->failed |= part.failed;
		}
		done = done || known;
	} while (**at == '|');
	if (**at == ']')
		(*at)++;
}

static void expand(struct uc_buf *buf, const struct fill *f, const char *pattern)
{
	while (*pattern) {
		if (*pattern == '[')
			put_choice(buf, f, &pattern);
		else
			put_text(buf, f, &pattern, "[");
	}
}

static const struct uc_partition *find_partition(const struct uc_job *job,
						 const struct uc_reason_context *context)
{
	const struct uc_partitions *parts = context->partitions;
	const struct uc_partition *best = NULL;

	for (size_t i = 0; parts && i < parts->count; i++)
		if (uc_words_share(job->partition.bytes, parts->row[i].name.bytes) &&
		    (!best || parts->row[i].time_limit > best->time_limit))
			best = &parts->row[i];
	return best;
}

void uc_reason_sentence(struct uc_buf *buf, const struct uc_job *job,
			const struct uc_reason_context *context)
{
	struct fill f = { .job = job, .context = context };
	const struct uc_reason_words *words = uc_reason_words(job->reason, &f.resource);

	f.partition = find_partition(job, context);
	expand(buf, &f, words->sentence);
}

void uc_reason_action(struct uc_buf *buf, const struct uc_job *job,
		      const struct uc_reason_context *context)
{
	struct fill f = { .job = job, .context = context };
	const struct uc_reason_words *words = uc_reason_words(job->reason, &f.resource);

	f.partition = find_partition(job, context);
	expand(buf, &f, words->action);
}

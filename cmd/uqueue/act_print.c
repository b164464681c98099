/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What is hit, what would be typed instead, and what became of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>
#include "uqueue/act.h"

/* So many are listed, so many other people are named. */
#define SHOWN_MAX  20
#define OWNERS_MAX 5

static const struct {
	const char *verb, *past;
} verbs[] = {
	[UC_ACTION_CANCEL] = { "cancel", "cancelled" },
	[UC_ACTION_HOLD] = { "hold", "held" },
	[UC_ACTION_RELEASE] = { "release", "released" },
	[UC_ACTION_REQUEUE] = { "requeue", "requeued" },
	[UC_ACTION_CHANGE] = { "change", "changed" },
};

const char *uqueue_act_verb(const struct uc_action *action, bool past)
{
	if (action->kind == UC_ACTION_CANCEL && action->signal)
		return past ? "signalled" : "signal";
	return past ? verbs[action->kind].past : verbs[action->kind].verb;
}

/* --- Slurm's own commands --- */

/* " NAME=" and the value as a shell takes it; without a name the value alone. */
static void add_word(struct uc_buf *out, const char *name, const char *value)
{
	uc_buf_addf(out, " %s%s", name, *name ? "=" : "");
	uc_buf_quote(out, value, UC_QUOTE_EXACT);
}

static void add_change(struct uc_buf *out, const struct uc_change *change,
		       const struct uc_target *target)
{
	uc_auto(buf) struct uc_buf limit = { 0 };

	if (change->key == UC_CHANGE_TIME)
		uc_duration_format(&limit, target->limit);
	add_word(out, uc_change_slurm_name(change->key),
		 limit.len ? uc_buf_text(&limit) : change->value);
	out->failed = out->failed || limit.failed;
}

void uqueue_act_native(const struct uqueue_act *act, const struct uqueue_goal *goal,
		       struct uc_buf *out)
{
	static const char *const commands[] = {
		[UC_ACTION_CANCEL] = "scancel",
		[UC_ACTION_HOLD] = "scontrol hold",
		[UC_ACTION_RELEASE] = "scontrol release",
		[UC_ACTION_REQUEUE] = "scontrol requeue",
		[UC_ACTION_CHANGE] = "scontrol update",
	};
	const struct uc_action *action = &act->action;

	if (action->kind == UC_ACTION_HOLD && goal->target.user_id == act->context.me)
		uc_buf_add(out, "scontrol uhold");
	else
		uc_buf_add(out, commands[action->kind]);
	if (action->signal)
		uc_buf_addf(out, " --signal=%d", action->signal);
	add_word(out, action->kind == UC_ACTION_CHANGE ? "JobId" : "", goal->id);
	for (size_t i = 0; i < action->change_count; i++)
		add_change(out, &act->changes[i], &goal->target);
}

/* --- the list --- */

static const struct uqueue_act *act_of(const void *context)
{
	return (const struct uqueue_act *)((const char *)context -
					   offsetof(struct uqueue_act, context));
}

static void get_new_limit(const void *row, const void *context, struct uc_value *out)
{
	const struct uqueue_hit *hit = row;

	out->type = UC_VALUE_SECONDS;
	out->number = act_of(context)->goals[hit->target].target.limit;
}

static const struct uc_column new_limit = { "NEW", "new_time_limit", UC_COLUMN_RIGHT,
					    0,     "its new limit",  get_new_limit };

/* Right after the old one, or at the end. */
static void add_limit(struct uc_selection *shown)
{
	size_t at = 0;

	while (at < shown->count && strcmp(shown->column[at]->key, "time_limit") != 0)
		at++;
	if (shown->count == UC_SELECTION_MAX)
		return;
	at += at < shown->count;
	memmove(&shown->column[at + 1], &shown->column[at],
		(shown->count - at) * sizeof(shown->column[0]));
	shown->column[at] = &new_limit;
	shown->count++;
}

int uqueue_act_list(const struct uqueue_act *act)
{
	struct uc_listing listing = act->args->listing;
	struct uc_table table = { .name = "jobs",
				  .rows = act->hits,
				  .row_size = sizeof(*act->hits),
				  .context = &act->context,
				  .now = act->jobs->now };
	struct uc_selection shown;
	int status;

	if (uc_listing_select(act->run, uqueue_columns, &listing, &shown) < 0)
		return act->run->status;
	for (size_t i = 0; i < act->action.change_count; i++)
		if (act->changes[i].key == UC_CHANGE_TIME)
			add_limit(&shown);
	table.count = act->hit_count < SHOWN_MAX ? act->hit_count : SHOWN_MAX;
	status = uc_table_print(act->run, &table, &shown, &listing);
	if (status == 0 && act->hit_count > SHOWN_MAX)
		printf("... and %zu more\n", act->hit_count - SHOWN_MAX);
	return status;
}

/* --- the summary --- */

struct owner {
	uint32_t user_id;
	const char *name; /* NULL: not known */
	uint64_t jobs;
};

static int compare_owners(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return (x->user_id > y->user_id) - (x->user_id < y->user_id);
}

/* "not yours: alice (2), bob (1)": whoever cancels other people's jobs is to see it. */
static void add_owners(const struct uqueue_act *act, struct uc_buf *out)
{
	struct owner *owners = calloc(act->hit_count + 1, sizeof(*owners));
	size_t count = 0, kept = 0;

	for (size_t i = 0; owners && i < act->hit_count; i++) {
		const struct uc_job *job = act->hits[i].row.job;

		if (job->user_id != act->context.me)
			owners[count++] =
				(struct owner){ job->user_id, job->user.bytes,
						uqueue_hit_jobs(&act->hits[i]) };
	}
	if (count)
		qsort(owners, count, sizeof(*owners), compare_owners);
	for (size_t i = 0; i < count; i++) {
		if (kept && owners[kept - 1].user_id == owners[i].user_id)
			owners[kept - 1].jobs += owners[i].jobs;
		else
			owners[kept++] = owners[i];
	}
	for (size_t i = 0; i < kept && i < OWNERS_MAX; i++)
		uc_buf_addf(out, "%s%s (%" PRIu64 ")", i ? ", " : "; not yours: ",
			    owners[i].name ? owners[i].name : "somebody", owners[i].jobs);
	if (kept > OWNERS_MAX)
		uc_buf_addf(out, " and %zu other users", kept - OWNERS_MAX);
	out->failed = out->failed || !owners;
	free(owners);
}

void uqueue_act_summary(const struct uqueue_act *act)
{
	uint64_t runs = 0, waits = 0, rest = 0, gpus = 0;
	const enum uc_action_kind kind = act->action.kind;
	uc_auto(buf) struct uc_buf line = { 0 };

	for (size_t i = 0; i < act->hit_count; i++) {
		const struct uc_job *job = act->hits[i].row.job;
		const uint64_t jobs = uqueue_hit_jobs(&act->hits[i]);

		if (uc_job_waits(job)) {
			waits += jobs;
			continue;
		}
		if (!uc_job_holds(job)) {
			rest += jobs;
			continue;
		}
		runs += jobs;
		gpus += job->gpus == UC_NONE32 ? 0 : job->gpus;
	}
	uc_buf_addf(&line, "to %s: %" PRIu64 " job%s",
		    uqueue_act_verb(&act->action, false), runs + waits + rest,
		    runs + waits + rest == 1 ? "" : "s");
	uc_buf_addf(&line, " (%" PRIu64 " started, %" PRIu64 " waiting", runs, waits);
	if (rest)
		uc_buf_addf(&line, ", %" PRIu64 " ended", rest);
	uc_buf_addc(&line, ')');
	if (gpus && !act->action.signal &&
	    (kind == UC_ACTION_CANCEL || kind == UC_ACTION_REQUEUE))
		uc_buf_addf(&line, "; %" PRIu64 " GPU%s become%s free", gpus,
			    gpus == 1 ? "" : "s", gpus == 1 ? "s" : "");
	add_owners(act, &line);
	uc_run_say(act->run, 0, "%s", uc_buf_text(&line));
}

/* --- JSON --- */

static const struct uqueue_goal *goal_of(const void *row)
{
	return row;
}

static void put_text(struct uc_value *out, const char *text)
{
	if (!text || !*text)
		return;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(text);
}

static void put_number(struct uc_value *out, int64_t number)
{
	out->type = UC_VALUE_NUMBER;
	out->number = number;
}

static void get_id(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_text(out, goal_of(row)->id);
}

static void get_job_id(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	if (goal_of(row)->job)
		put_number(out, goal_of(row)->target.job_id);
}

static void get_user(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	if (goal_of(row)->job)
		put_text(out, goal_of(row)->job->user.bytes);
}

static void get_name(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	if (goal_of(row)->job)
		put_text(out, goal_of(row)->job->name.bytes);
}

static void get_jobs(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_number(out, (int64_t)goal_of(row)->jobs);
}

static void get_action(const void *row, const void *context, struct uc_value *out)
{
	(void)row;
	put_text(out, uqueue_act_verb(&act_of(context)->action, false));
}

static void get_done(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_BOOL;
	out->number = goal_of(row)->done;
}

static void get_code(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_number(out, goal_of(row)->err.code);
}

static void get_error(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_text(out, goal_of(row)->err.text);
}

static void get_note(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_text(out, goal_of(row)->note);
}

static void get_command(const void *row, const void *context, struct uc_value *out)
{
	if (!goal_of(row)->job)
		return;
	uqueue_act_native(act_of(context), goal_of(row), &out->scratch);
	put_text(out, uc_buf_text(&out->scratch));
}

int uqueue_act_json(const struct uqueue_act *act)
{
	static const struct uc_column columns[] = {
		{ .key = "id", .get = get_id },
		{ .key = "job_id", .get = get_job_id },
		{ .key = "user", .get = get_user },
		{ .key = "name", .get = get_name },
		{ .key = "jobs", .get = get_jobs },
		{ .key = "action", .get = get_action },
		{ .key = "done", .get = get_done },
		{ .key = "code", .get = get_code },
		{ .key = "error", .get = get_error },
		{ .key = "note", .get = get_note },
		{ .key = "command", .get = get_command },
	};
	const struct uc_table table = { .name = "results",
					.rows = act->goals,
					.count = act->goal_count,
					.row_size = sizeof(*act->goals),
					.context = &act->context,
					.now = act->jobs->now };
	struct uc_selection shown = { 0 };
	struct uc_error err = { 0 };

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		shown.column[shown.count++] = &columns[i];
	return uc_table_json(&table, &shown, &err) < 0 ? uc_run_error(act->run, &err) : 0;
}

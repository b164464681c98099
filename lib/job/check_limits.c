/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Accounts, QOSes and their limits (in the order of limit_levels.h). */
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include "job/check.h"
#include "slurm/limit_levels.h"

static bool is_own(const struct uc_limit *row)
{
	return row->kind == UC_LIMIT_ASSOCIATION;
}

static bool has_account(const struct uc_limits *limits, const char *name)
{
	for (size_t i = 0; i < limits->count; i++)
		if (is_own(&limits->row[i]) && limits->row[i].account.bytes &&
		    (!name || strcasecmp(limits->row[i].account.bytes, name) == 0))
			return true;
	return false;
}

static void list_names(const struct uc_limits *limits, bool accounts,
		       struct uc_strv *names)
{
	for (size_t i = 0; i < limits->count; i++) {
		const struct uc_limit *row = &limits->row[i];
		const char *name = accounts ? row->account.bytes : row->name.bytes;

		if (name && (accounts ? is_own(row) : row->kind == UC_LIMIT_QOS) &&
		    uc_strv_find(names, name) < 0)
			uc_strv_add(names, name);
	}
}

static void no_such_name(struct uc_check *c, const char *fmt_is, const char *name,
			 bool accounts)
{
	uc_auto(strv) struct uc_strv names = { 0 };
	uc_auto(buf) struct uc_buf hint = { 0 };
	const char *near = NULL;

	list_names(c->facts->limits, accounts, &names);
	if (names.count && !names.failed)
		near = uc_text_nearest(name, (const char *const *)names.item);
	uc_check_fault(c, "%s '%s'%s%s%s", fmt_is, name, near ? "; did you mean '" : "",
		       near ? near : "", near ? "'?" : "");
	for (size_t i = 0; accounts && i < names.count && hint.len < 120; i++)
		uc_buf_addf(&hint, "%s%s", i ? ", " : "yours: ", names.item[i]);
	if (hint.len)
		uc_check_hint(c, "%s", uc_buf_text(&hint));
}

void uc_check_names(struct uc_check *c)
{
	const struct uc_limits *limits = c->facts->limits;
	const struct uc_limit *assoc;

	/* without any association it is not known whether accounting hides them */
	if (!limits || !(c->facts->enforced & UC_CHECK_ACCOUNTS) ||
	    !has_account(limits, NULL))
		return;
	if (c->ask.account && !has_account(limits, c->ask.account)) {
		no_such_name(c, "you have no account", c->ask.account, true);
		return;
	}
	if (!c->ask.qos || !(c->facts->enforced & UC_CHECK_QOS))
		return;
	if (!uc_limits_qos(limits, c->ask.qos)) {
		no_such_name(c, "there is no QOS", c->ask.qos, false);
		assoc = uc_limits_association(limits, c->ask.account, NULL);
		if (assoc && !uc_raw_empty(assoc->qos))
			uc_check_hint(c, "QOSes of account '%s': %s",
				      assoc->account.bytes, assoc->qos.bytes);
		return;
	}
	assoc = uc_limits_association(limits, c->ask.account, NULL);
	if (assoc && !uc_raw_empty(assoc->qos) && uc_raw_empty(assoc->partition) &&
	    !uc_check_has_word(assoc->qos.bytes, c->ask.qos)) {
		uc_check_fault(c, "account '%s' may not use QOS '%s'",
			       assoc->account.bytes, c->ask.qos);
		uc_check_hint(c, "QOSes of that account: %s", assoc->qos.bytes);
	}
}

void uc_check_find(struct uc_check *c, const struct uc_partition *p)
{
	const struct uc_limits *limits = c->facts->limits;
	const char *qos = c->ask.qos;

	c->assoc = NULL;
	c->qos = NULL;
	/* what is not named a plugin may add */
	if (!limits || (c->facts->rewritten && (!c->ask.account || !c->ask.qos)))
		return;
	c->assoc = uc_limits_association(limits, c->ask.account, p->name.bytes);
	if (!qos && c->assoc && !uc_raw_empty(c->assoc->default_qos))
		qos = c->assoc->default_qos.bytes;
	else if (!qos && c->assoc && !uc_raw_empty(c->assoc->qos) &&
		 !strchr(c->assoc->qos.bytes, ','))
		qos = c->assoc->qos.bytes;
	c->qos = qos ? uc_limits_qos(limits, qos) : NULL;
}

static void name_limit(struct uc_buf *buf, const struct uc_limit *row)
{
	if (row->kind == UC_LIMIT_QOS)
		uc_buf_addf(buf, "QOS '%s'", row->name.bytes);
	else
		uc_buf_addf(buf, "account '%s'",
			    row->account.bytes ? row->account.bytes : "");
}

/* Another QOS of the account with which nothing is refused, or NULL. */
static const char *other_qos(const struct uc_check *c, const struct uc_partition *p)
{
	for (size_t i = 0; c->faults && c->assoc && i < c->facts->limits->count; i++) {
		const struct uc_limit *row = &c->facts->limits->row[i];
		struct uc_check trial = *c;

		if (row->kind != UC_LIMIT_QOS || row == c->qos || !row->name.bytes ||
		    !uc_check_has_word(c->assoc->qos.bytes, row->name.bytes))
			continue;
		trial.faults = NULL;
		trial.count = 0;
		trial.ask.qos = row->name.bytes;
		uc_check_find(&trial, p);
		uc_check_partition(&trial, p);
		if (!trial.count)
			return row->name.bytes;
	}
	return NULL;
}

static void hint_instead(struct uc_check *c, const struct uc_partition *p,
			 const char *request)
{
	const char *qos = other_qos(c, p);

	if (qos)
		uc_check_hint(c, "%s%s--qos=%s", request, *request ? ", or " : "", qos);
	else if (*request)
		uc_check_hint(c, "%s", request);
}

static void check_wall(struct uc_check *c, const struct uc_partition *p,
		       const struct uc_limit_levels *levels)
{
	const struct uc_limit *const *row = levels->row;
	int64_t minutes = c->ask.minutes;
	uc_auto(buf) struct uc_buf who = { 0 }, most = { 0 }, asked = { 0 }, hint = { 0 };

	if (minutes == UC_ASK_NO_TIME)
		minutes = uc_check_default_minutes(c, p);
	while (*row && (*row)->wall_max == UC_NOT_SET)
		row++;
	if (!*row || minutes == UC_ASK_NO_TIME || minutes <= (*row)->wall_max / 60)
		return;
	name_limit(&who, *row);
	uc_duration_format(&most, (*row)->wall_max);
	uc_duration_format(&asked,
			   minutes == UC_DURATION_INFINITE ? minutes : minutes * 60);
	uc_check_fault(c, "%s allows at most %s, %s is %s", uc_buf_text(&who),
		       uc_buf_text(&most), uc_buf_text(&asked),
		       c->ask.minutes == UC_ASK_NO_TIME ? "the partition's default"
							: "asked for");
	uc_buf_addf(&hint, "--time=%s", uc_buf_text(&most));
	hint_instead(c, p, uc_buf_text(&hint));
}

/* Something that limits count, and at least how much of it the job will have. */
struct amount {
	const char *name, *type; /* as in lists of TRES */
	const char *what;        /* for people */
	const char *option;      /* that asks for it; NULL = several do */
	uint64_t job, node;
};

typedef struct uc_raw (*uc_limit_list)(const struct uc_limit *row);

#define LIST(field)                                                                      \
	static struct uc_raw field##_of(const struct uc_limit *row)                      \
	{                                                                                \
		return row->field;                                                       \
	}
LIST(tres_job)
LIST(tres_node)
LIST(tres_user)
LIST(tres_account)
LIST(tres_group)

static const struct {
	uc_limit_list list;
	const char *whom; /* "allows WHOM at most" */
	bool a_node;
} kinds[] = {
	{ tres_job_of, "a job", false },      { tres_node_of, "a job on a node", true },
	{ tres_user_of, "a user", false },    { tres_account_of, "an account", false },
	{ tres_group_of, "all jobs", false },
};

uint32_t uc_check_nodes_most(const struct uc_check *c, const struct uc_partition *p)
{
	uint64_t most = c->ask.nodes_max, limit = UC_NONE32;
	struct uc_limit_levels levels;

	if (c->qos ? !(c->qos->flags & UC_LIMIT_MORE_NODES)
		   : !(c->facts->enforced & UC_CHECK_QOS))
		most = p->node_max < most ? p->node_max : most;
	if (!c->qos || !c->facts->limits || !(c->facts->enforced & UC_CHECK_LIMITS))
		return (uint32_t)most;
	levels = uc_limit_levels(c->facts->limits, p, c->qos, c->assoc);
	for (const struct uc_limit *const *row = levels.row; *row; row++)
		if (uc_tres_get((*row)->tres_job.bytes, "node", "", &limit))
			break;
	return (uint32_t)(limit < most ? limit : most);
}

static void add_amount(struct uc_buf *buf, const struct amount *amount, uint64_t n)
{
	if (strcmp(amount->name, "mem") == 0) {
		uc_size_words(buf, n);
		uc_buf_add(buf, " of memory");
	} else {
		uc_buf_count(buf, n, amount->what);
	}
}

struct excess {
	const struct uc_limit *row;
	const char *whom;
	uint64_t most, asked;
};

static void over_limit(struct uc_check *c, const struct uc_partition *p,
		       const struct amount *amount, const struct excess *x)
{
	uc_auto(buf) struct uc_buf who = { 0 }, most = { 0 }, asked = { 0 }, hint = { 0 };

	name_limit(&who, x->row);
	add_amount(&most, amount, x->most);
	add_amount(&asked, amount, x->asked);
	uc_check_fault(c, "%s allows %s at most %s, %s %s asked for", uc_buf_text(&who),
		       x->whom, uc_buf_text(&most), uc_buf_text(&asked),
		       x->asked == 1 || amount->what[0] == '\0' ? "is" : "are");
	if (amount->option && x->most)
		uc_buf_addf(&hint, "--%s=%s%s%" PRIu64, amount->option, amount->type,
			    amount->type[0] ? ":" : "", x->most);
	hint_instead(c, p, uc_buf_text(&hint));
}

/* Every account above counts by itself. */
static void check_accounts_above(struct uc_check *c, const struct uc_partition *p,
				 const struct amount *amount, const char *whom)
{
	const struct uc_limit *up = c->assoc;
	struct excess x = { .whom = whom, .asked = amount->job };

	while (up && (up = uc_limits_above(c->facts->limits, up))) {
		x.row = up;
		if (uc_tres_get(up->tres_group.bytes, amount->name, amount->type,
				&x.most) &&
		    x.asked > x.most)
			over_limit(c, p, amount, &x);
	}
}

static void check_amount(struct uc_check *c, const struct uc_partition *p,
			 const struct uc_limit_levels *levels,
			 const struct amount *amount)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const struct uc_limit *const *row = levels->row;
		struct excess x = { .whom = kinds[k].whom,
				    .asked = kinds[k].a_node ? amount->node
							     : amount->job };

		while (*row && !uc_tres_get(kinds[k].list(*row).bytes, amount->name,
					    amount->type, &x.most))
			row++;
		x.row = *row;
		if (*row && x.asked > x.most)
			over_limit(c, p, amount, &x);
		/* a QOS that has the limit stands for the accounts, too */
		if (kinds[k].list == tres_group_of && (!*row || is_own(*row)))
			check_accounts_above(c, p, amount, x.whom);
	}
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void check_gpu_amounts(struct uc_check *c, const struct uc_partition *p,
			      const struct uc_limit_levels *levels)
{
	const struct uc_ask_gpu_list *lists[] = { &c->ask.job, &c->ask.node,
						  &c->ask.task };
	struct amount all = { "gpu",
			      "",
			      "GPU",
			      NULL,
			      uc_ask_gpus_total(&c->ask, ""),
			      larger(uc_ask_gpu_sum(&c->ask.node),
				     uc_ask_gpu_sum(&c->ask.task)) };

	all.option = c->ask.job.count && !c->ask.node.count ? "gpus" : NULL;
	check_amount(c, p, levels, &all);
	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l]->count; i++) {
			const struct uc_ask_gpus *item = &lists[l]->item[i];
			const struct amount typed = { "gpu",
						      item->type,
						      "GPU",
						      l ? NULL : "gpus",
						      uc_ask_gpus_total(&c->ask,
									item->type),
						      l ? item->count : 0 };

			if (item->type[0])
				check_amount(c, p, levels, &typed);
		}
}

void uc_check_limits(struct uc_check *c, const struct uc_partition *p)
{
	const struct uc_ask *ask = &c->ask;
	const uint64_t cpus = uc_ask_cpus(ask);
	const struct amount amounts[] = {
		{ "cpu", "", "CPU", NULL, larger(cpus, ask->cpus_min),
		  ask->cpus_per_task },
		{ "node", "", "node", "nodes", uc_ask_nodes(ask), 1 },
		{ "mem", "", "", NULL,
		  larger(ask->memory * uc_ask_nodes(ask), ask->memory_per_cpu * cpus),
		  ask->memory },
	};
	struct uc_limit_levels levels;

	if (!c->facts->limits || !(c->facts->enforced & UC_CHECK_LIMITS))
		return;
	/* which QOS it will be is not known: its limits come before the others' */
	if (!c->qos)
		return;
	levels = uc_limit_levels(c->facts->limits, p, c->qos, c->assoc);
	check_wall(c, p, &levels);
	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++)
		check_amount(c, p, &levels, &amounts[i]);
	check_gpu_amounts(c, p, &levels);
}

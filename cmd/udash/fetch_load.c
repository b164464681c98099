/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What is asked for. What was given once is kept as long as it is true. */
#include <time.h>
#include <unistd.h>
#include <ucluster/history.h>
#include <ucluster/units.h>
#include "udash/fetch.h"

/* What is shown of a job; everything else stays in slurmctld. */
#define FIELDS                                                                           \
	"job_id,array_job_id,array_task_id,array_max_tasks,array_tasks,het_job_id,"      \
	"het_offset,user_id,user,account,partition,qos,name,state,reason,priority,"      \
	"restarts,exit_status,derived_status,submit_time,eligible_time,start_time,"      \
	"end_time,suspend_time,suspended,time_limit,nodes,batch_host,sched_nodes,"       \
	"node_count,cpus,memory,memory_per_cpu,gpus,gpu_types,gres_detail,features,"     \
	"dependency,reservation,command,workdir,std_in,std_out,std_err,comment,batch,"   \
	"required_nodes,excluded_nodes,tasks,nice"

/* Milliseconds that these are taken to be true for. */
enum {
	NODES_AGE = 30 * 1000,
	RULES_AGE = 120 * 1000, /* partitions, reservations, limits */
	PAST_AGE = 15 * 60 * 1000,
};

/* --- questions --- */

static int ask_jobs(struct dash_fetch *f, struct uc_jobs **out, struct uc_error *err)
{
	const struct dash_data *last = &f->data[f->newest];
	const uint32_t me = f->me;
	const bool all = f->question.everybody;
	const struct uc_job_query query = {
		.user_ids = all ? NULL : &me,
		.user_count = all ? 0 : 1,
		.detail = true,
		.fields = FIELDS,
		.since = f->now.jobs && last->everybody == all ? f->now.jobs->updated : 0,
		.max_age_ms = f->question.fresh ? 0 : f->question.max_age_ms,
	};

	return uc_jobs_load(f->src, &query, out, err);
}

/* Partitions first: the worker then asks for nodes alone. Without the rest it works. */
static int ask_rules(struct dash_fetch *f, struct fetch_parts *parts,
		     struct uc_error *err)
{
	struct uc_error ignored = { 0 };

	uc_source_cache_rest(f->src, f->question.fresh ? 0 : RULES_AGE);
	if (uc_partitions_load(f->src, &parts->partitions, err) < 0)
		return -1;
	if (uc_reservations_load(f->src, &parts->reservations, &ignored) < 0)
		parts->reservations = NULL;
	if (uc_limits_load(f->src, f->me, &parts->limits, &ignored) < 0)
		parts->limits = NULL;
	if (!uc_limits_enforced(f->slurm_conf, &f->enforced))
		f->enforced = UC_ENFORCED_ACCOUNTS | UC_ENFORCED_LIMITS | UC_ENFORCED_QOS;
	return 0;
}

static void ask_past(struct dash_fetch *f)
{
	const int64_t now = uc_source_now(f->src);
	struct uc_history_query query = { .since = uc_day_begin(now, DASH_DAYS - 1) };
	struct uc_usage_query by_day = { .by = UC_USAGE_BY_DAY, .since = query.since };
	struct uc_history_facts facts = { 0 };
	uc_auto(history) struct uc_history *past = NULL;
	uc_auto(usage) struct uc_usage *usage = NULL;
	struct uc_error ignored = { 0 };
	const uint32_t me = f->me;

	query.user_ids = &me;
	query.user_count = 1;
	f->past = (struct dash_past){ .asked = true };
	if (uc_history_load(f->src, &query, &facts, &past, &ignored) < 0 ||
	    facts.origin == UC_HISTORY_MEMORY ||
	    uc_usage_make(past, &by_day, &usage, &ignored) < 0)
		return;
	f->past.known = true;
	f->past.days = usage->count < DASH_DAYS ? usage->count : DASH_DAYS;
	for (size_t i = 0; i < f->past.days; i++)
		f->past.gpu_seconds[i] =
			usage->row[usage->count - f->past.days + i].gpu_seconds;
}

/* --- one answer --- */

void fetch_drop_parts(struct fetch_parts *parts)
{
	uc_jobs_free(parts->jobs);
	uc_nodes_free(parts->nodes);
	uc_partitions_free(parts->partitions);
	uc_reservations_free(parts->reservations);
	uc_limits_free(parts->limits);
	uc_gpu_map_free(parts->map);
	dash_index_free(parts->index);
	*parts = (struct fetch_parts){ 0 };
}

/* What is new moves what it replaces to `old`. */
static void merge(struct dash_fetch *f, const struct fetch_parts *fresh)
{
	if (fresh->jobs) {
		f->old.jobs = f->now.jobs;
		f->now.jobs = fresh->jobs;
	}
	if (fresh->nodes) {
		f->old.nodes = f->now.nodes;
		f->now.nodes = fresh->nodes;
	}
	if (fresh->partitions) {
		f->old.partitions = f->now.partitions;
		f->old.reservations = f->now.reservations;
		f->old.limits = f->now.limits;
		f->now.partitions = fresh->partitions;
		f->now.reservations = fresh->reservations;
		f->now.limits = fresh->limits;
	}
	if (fresh->map) {
		f->old.map = f->now.map;
		f->now.map = fresh->map;
	}
	if (fresh->index) {
		f->old.index = f->now.index;
		f->now.index = fresh->index;
	}
}

/* What is made of them anew. */
static int make_parts(const struct uc_capacity_facts *facts, struct fetch_parts *fresh,
		      struct uc_error *err)
{
	if (fresh->jobs) {
		fresh->index = dash_index_new(fresh->jobs);
		if (!fresh->index)
			return uc_fail(err, UC_FAILED, "out of memory");
	}
	if (!fresh->jobs && !fresh->nodes && !fresh->partitions)
		return 0;
	return uc_gpu_map_make(facts, &fresh->map, err);
}

/* Of what is new, and of what is still true. */
static int make_data(struct dash_fetch *f, struct fetch_parts *fresh,
		     struct dash_data *data, struct uc_error *err)
{
	const struct fetch_parts *rules = fresh->partitions ? fresh : &f->now;
	struct uc_capacity_facts *facts = &data->facts;

	data->jobs = fresh->jobs ? fresh->jobs : f->now.jobs;
	data->nodes = fresh->nodes ? fresh->nodes : f->now.nodes;
	data->partitions = rules->partitions;
	data->reservations = rules->reservations;
	data->limits = rules->limits;
	data->live = uc_source_is_live(f->src);
	data->everybody = f->question.everybody;
	data->now = uc_source_now(f->src);
	*facts = (struct uc_capacity_facts){
		.nodes = data->nodes,
		.partitions = data->partitions,
		.jobs = data->jobs,
		.reservations = data->reservations,
		.limits = data->limits,
		.enforced = f->enforced,
		.now = data->now,
	};
	if (uc_self_find(&f->self, data->live, facts, err) < 0)
		return -1;
	facts->who.user_id = f->me;
	if (make_parts(facts, fresh, err) < 0)
		return -1;
	data->map = fresh->map ? fresh->map : f->now.map;
	data->index = fresh->index ? fresh->index : f->now.index;
	return 0;
}

static int load_parts(struct dash_fetch *f, struct fetch_parts *fresh,
		      struct uc_error *err)
{
	const int64_t now = uc_monotonic_ms();
	const bool rules = !f->now.partitions || now - f->rules_ms > RULES_AGE;

	if ((rules && ask_rules(f, fresh, err) < 0) || ask_jobs(f, &fresh->jobs, err) < 0)
		return -1;
	uc_source_cache_rest(f->src, f->question.fresh ? 0 : f->question.max_age_ms);
	if ((fresh->jobs || !f->now.nodes || now - f->nodes_ms > NODES_AGE) &&
	    uc_nodes_load(f->src, &fresh->nodes, err) < 0)
		return -1;
	if (rules)
		f->rules_ms = now;
	if (fresh->nodes)
		f->nodes_ms = now;
	return 0;
}

int fetch_answer(struct dash_fetch *f)
{
	const int64_t start = uc_monotonic_ms();
	struct dash_data *data = &f->data[!f->newest];
	struct fetch_parts fresh = { 0 };
	struct uc_asked asked;

	f->err = (struct uc_error){ 0 };
	*data = (struct dash_data){ 0 };
	if (load_parts(f, &fresh, &f->err) < 0 ||
	    make_data(f, &fresh, data, &f->err) < 0) {
		fetch_drop_parts(&fresh);
		return -1;
	}
	merge(f, &fresh);
	uc_source_asked(f->src, &asked);
	data->took_ms = uc_monotonic_ms() - start;
	data->at_ms = uc_monotonic_ms();
	if (asked.shared) {
		struct timespec t;

		clock_gettime(CLOCK_REALTIME, &t);
		data->at_ms -=
			(int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 - asked.at_ms;
	}
	/* slurmdbd may be slow: the first screen does not wait for it */
	if (f->question.past || !data->live ||
	    (f->answered && (!f->past_ms || start - f->past_ms > PAST_AGE))) {
		ask_past(f);
		f->past_ms = start;
	}
	f->answered = true;
	data->past = f->past;
	return 1;
}

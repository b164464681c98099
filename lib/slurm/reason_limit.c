/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which limit a job waits for, and how much of it is in use. */
#include <inttypes.h>
#include <string.h>
#include <ucluster/limits.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>

#define ARRAY_SIZE(list) (sizeof(list) / sizeof((list)[0]))

enum share {
	OF_USER, /* of one user in a QOS */
	OF_QOS,  /* of all in a QOS */
	OF_ACCOUNT,
};

/* Reasons that are a limit on something counted, and where its count is. */
static const struct kind {
	const char *reason;
	const char *tres; /* NULL: jobs */
	const char *words;
	enum share share;
} kinds[] = {
	{ "QOSMaxGRESPerUser", "gpu", "GPU", OF_USER },
	{ "QOSMaxCpuPerUserLimit", "cpu", "CPU", OF_USER },
	{ "QOSMaxMemoryPerUser", "mem", "memory", OF_USER },
	{ "QOSMaxNodePerUserLimit", "node", "node", OF_USER },
	{ "QOSMaxJobsPerUserLimit", NULL, "running job", OF_USER },
	{ "QOSGrpGRES", "gpu", "GPU", OF_QOS },
	{ "QOSGrpCpuLimit", "cpu", "CPU", OF_QOS },
	{ "QOSGrpMemLimit", "mem", "memory", OF_QOS },
	{ "QOSGrpNodeLimit", "node", "node", OF_QOS },
	{ "QOSGrpJobsLimit", NULL, "running job", OF_QOS },
	{ "AssocGrpGRES", "gpu", "GPU", OF_ACCOUNT },
	{ "AssocGrpCpuLimit", "cpu", "CPU", OF_ACCOUNT },
	{ "AssocGrpMemLimit", "mem", "memory", OF_ACCOUNT },
	{ "AssocGrpNodeLimit", "node", "node", OF_ACCOUNT },
	{ "AssocGrpJobsLimit", NULL, "running job", OF_ACCOUNT },
};

static const struct kind *find_kind(uint32_t reason)
{
	const char *name = uc_reason_name(reason);

	for (size_t i = 0; name && i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].reason, name) == 0)
			return &kinds[i];
	return NULL;
}

bool uc_reason_is_limit(uint32_t reason)
{
	return find_kind(reason) != NULL;
}

static uint64_t memory_of(const struct uc_job *job)
{
	const bool waits = (job->state & UC_JOB_BASE) == UC_JOB_PENDING;
	const struct uc_raw tres = waits ? job->tres_req : job->tres_alloc;
	uint64_t each = job->memory_per_cpu ? job->cpus : job->node_count, total;

	/* exact; Slurm rounds "mem=62.50G" */
	if (job->memory && !__builtin_mul_overflow(job->memory, each, &total))
		return total;
	return uc_tres_get(tres.bytes, "mem", "", &total) ? total : 0;
}

static uint64_t amount_of(const struct uc_job *job, const struct kind *kind)
{
	if (!kind->tres)
		return 1;
	if (strcmp(kind->tres, "gpu") == 0)
		return job->gpus == UC_NONE32 ? 0 : job->gpus;
	if (strcmp(kind->tres, "cpu") == 0)
		return job->cpus;
	return strcmp(kind->tres, "mem") == 0 ? memory_of(job) : job->node_count;
}

/* The limit's number and its use in this row; false when the row has no such limit. */
static bool read_row(const struct uc_limit *row, const struct kind *kind,
		     struct uc_reason_limit *out)
{
	const bool user = kind->share == OF_USER;
	const uint32_t jobs = user ? row->user_jobs : row->group_jobs;
	const char *used = user ? row->tres_user_used.bytes : row->tres_group_used.bytes;

	if (!kind->tres) {
		out->allowed = jobs;
		out->used = user ? row->user_jobs_used : row->jobs_used;
		return jobs != UC_NONE32;
	}
	if (!uc_tres_get(user ? row->tres_user.bytes : row->tres_group.bytes, kind->tres,
			 "", &out->allowed))
		return false;
	if (!uc_tres_get(used, kind->tres, "", &out->used))
		out->used = 0;
	return true;
}

/* The QOS is the job's or its partition's: the one that has such a limit. */
static bool find_row(const struct uc_job *job, const struct kind *kind,
		     const struct uc_reason_facts *facts, struct uc_reason_limit *out)
{
	const struct uc_limits *limits = facts->limits;
	const struct uc_partitions *parts = facts->partitions;
	const struct uc_limit *row;

	if (kind->share == OF_ACCOUNT) {
		row = uc_limits_association(limits, job->account.bytes,
					    job->partition.bytes);
		while (row && !read_row(row, kind, out))
			row = uc_limits_above(limits, row);
		out->of = row;
		return row;
	}
	for (size_t i = 0; parts && job->partition.bytes && i < parts->count; i++) {
		if (!parts->row[i].name.bytes || uc_raw_empty(parts->row[i].qos) ||
		    strcmp(parts->row[i].name.bytes, job->partition.bytes) != 0)
			continue;
		out->of = row = uc_limits_qos(limits, parts->row[i].qos.bytes);
		if (row && read_row(row, kind, out))
			return true;
	}
	out->of = row = job->qos.bytes ? uc_limits_qos(limits, job->qos.bytes) : NULL;
	return row && read_row(row, kind, out);
}

static bool is_same(struct uc_raw a, struct uc_raw b)
{
	return a.bytes && b.bytes && strcmp(a.bytes, b.bytes) == 0;
}

/* The first job to end that counts against the same limit. */
static void find_next(const struct uc_job *job, const struct kind *kind,
		      const struct uc_jobs *jobs, struct uc_reason_limit *out)
{
	for (size_t i = 0; jobs && i < jobs->count; i++) {
		const struct uc_job *other = &jobs->row[i];

		if ((other->state & UC_JOB_BASE) != UC_JOB_RUNNING || !other->end_time ||
		    other->time_limit == UC_DURATION_INFINITE ||
		    !amount_of(other, kind) ||
		    (kind->share == OF_USER && other->user_id != job->user_id) ||
		    (kind->share == OF_ACCOUNT ? !is_same(other->account, job->account)
					       : !is_same(other->qos, job->qos)))
			continue;
		if (out->next_time && other->end_time >= out->next_time)
			continue;
		out->next_time = other->end_time;
		out->next_job = other->job_id;
	}
}

bool uc_reason_limit_find(const struct uc_job *job, const struct uc_reason_facts *facts,
			  struct uc_reason_limit *out)
{
	const struct kind *kind = find_kind(job->reason);

	*out = (struct uc_reason_limit){ .allowed = UC_NONE64 };
	if (!kind || !facts->limits || !find_row(job, kind, facts, out))
		return false;
	out->asked = amount_of(job, kind);
	find_next(job, kind, facts->jobs, out);
	return true;
}

static void add_amount(struct uc_buf *buf, const struct kind *kind, uint64_t n)
{
	if (kind->tres && strcmp(kind->tres, "mem") == 0) {
		uc_size_words(buf, n);
		uc_buf_addf(buf, " of %s", kind->words);
	} else {
		uc_buf_addf(buf, "%" PRIu64 " %s%s", n, kind->words, n == 1 ? "" : "s");
	}
}

void uc_reason_limit_words(struct uc_buf *buf, const struct uc_job *job,
			   const struct uc_reason_limit *limit, unsigned safe)
{
	static const struct {
		const char *gives, *use;
	} words[] = {
		[OF_USER] = { "gives you", "you hold" },
		[OF_QOS] = { "gives all its users", "they hold" },
		[OF_ACCOUNT] = { "has", "its jobs hold" },
	};
	const struct kind *kind = find_kind(job->reason);
	const bool memory = kind && kind->tres && strcmp(kind->tres, "mem") == 0;

	if (!kind || !limit->of)
		return;
	uc_buf_add(buf, kind->share == OF_ACCOUNT ? "account '" : "QOS '");
	uc_buf_safe(buf, kind->share == OF_ACCOUNT ? limit->of->account : limit->of->name,
		    safe);
	uc_buf_addf(buf, "' %s ", words[kind->share].gives);
	add_amount(buf, kind, limit->allowed);
	uc_buf_addf(buf, ", %s ", words[kind->share].use);
	if (memory)
		uc_size_words(buf, limit->used);
	else
		uc_buf_addf(buf, "%" PRIu64, limit->used);
	if (limit->used >= limit->allowed || limit->asked < 2)
		return;
	uc_buf_add(buf, ", this asks for ");
	if (memory)
		uc_size_words(buf, limit->asked);
	else
		uc_buf_addf(buf, "%" PRIu64, limit->asked);
}

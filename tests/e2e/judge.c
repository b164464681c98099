/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * judge SEED COUNT: random requests, each judged by uc_spec_check and by slurmctld
 * itself, which gets all of them as batch jobs. A job counts as refused when slurmctld
 * refuses it or still keeps it waiting, for another reason than room, when nothing runs
 * any more. Prints what was asked and both judgements; status 1 when they ever differ.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/ucluster.h>

extern char **environ;

#define COUNT_MAX 1000
#define WAIT_S    50 /* for all jobs to end */
#define QUIET     40 /* looks, 0.1 s apart, without a change: twice sched_interval */

struct request {
	char text[400];    /* "--gpus=1 ..." */
	char refusal[700]; /* by slurmctld; empty: it queued the job */
	char fault[700];   /* by the check; empty: it passes */
	uint32_t job_id;
	bool ran;
	bool settled; /* by the partition's totals, without the nodes */
};

/* Lists are mostly of what may run: a request has one thing too much at a time. */
static const char *const partitions[] = { NULL,  NULL,        NULL,     "batch", "gpu",
					  NULL,  NULL,        "batch",  "batch", "gpu",
					  "gpu", "gpu,batch", "nowhere" };
static const char *const times[] = {
	NULL,      NULL,       NULL,  "10",       "59:30",
	"60",      "61",       "90",  "7:59:00",  "8:00:00",
	"8:01:00", "12:00:00", "1-0", "25:00:00", "UNLIMITED"
};
static const char *const gpus[] = { "1",      "2",      "8",      "9",      "16", "17",
				    "a100:1", "a100:8", "a100:9", "h100:1", "0" };
static const char *const gpus_here[] = {
	"1", "4", "8", "9", "a100:2", "a100:9", "v100:1"
};
static const char *const gres[] = { "gpu:1", "gpu:2",      "gpu:8",
				    "gpu:9", "gpu:a100:3", "gpu:h100:1" };
static const char *const memory[] = { "1M",     "20G",    "100M", "10G", "62G",
				      "64000M", "64001M", "100G", "0" };
static const char *const memory_cpu[] = { "1M",    "500M", "2G",  "100M", "1G",
					  "4000M", "5G",   "20G", "70G" };
static const char *const cpus[] = { "1", "2", "3", "4", "5", "8", "16", "17" };
static const char *const tasks[] = { "1",  "2",  "3",  "4",  "8", "16",
				     "17", "32", "33", "64", "65" };
static const char *const tasks_node[] = { "1", "1", "2", "4", "8", "16", "17" };
static const char *const nodes[] = { "1", "1", "2", "1-2", "2-3", "3", "4", "5" };
static const char *const qos[] = { "normal", "normal", "short", "short",
				   "short",  "short",  "shrt" };
static const char *const accounts[] = { "research", "teaching", "teaching", "nobody" };

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % below;
}

struct making {
	struct uc_spec *spec;
	struct request *request;
	struct uc_error *err;
};

#define PICK(list) (list)[draw(sizeof(list) / sizeof((list)[0]))]

static int set(const struct making *m, const char *name, const char *value)
{
	size_t len = strlen(m->request->text);

	if (!value)
		return 0;
	snprintf(m->request->text + len, sizeof(m->request->text) - len, "%s--%s=%s",
		 len ? " " : "", name, value);
	return uc_spec_set(m->spec, name, value, m->err);
}

static int set_gpus(const struct making *m)
{
	switch (draw(8)) {
	case 0:
	case 1:
		return set(m, "gpus", PICK(gpus));
	case 2:
		return set(m, "gpus-per-node", PICK(gpus_here));
	case 3:
		return set(m, "ntasks", PICK(tasks)) < 0
			       ? -1
			       : set(m, "gpus-per-task", PICK(gpus_here));
	case 4:
		return set(m, "gres", PICK(gres));
	default:
		return 0;
	}
}

static int set_rest(const struct making *m)
{
	const uint32_t size = draw(6);

	if ((size == 0 && set(m, "mem", PICK(memory)) < 0) ||
	    (size == 1 && set(m, "mem-per-cpu", PICK(memory_cpu)) < 0) ||
	    (draw(3) == 0 && set(m, "cpus-per-task", PICK(cpus)) < 0) ||
	    (draw(4) == 0 && !uc_spec_get(m->spec, "ntasks") &&
	     set(m, "ntasks", PICK(tasks)) < 0) ||
	    /* with --ntasks it is the most, and nonsense when larger */
	    (draw(8) == 0 && !uc_spec_get(m->spec, "ntasks") &&
	     set(m, "ntasks-per-node", PICK(tasks_node)) < 0) ||
	    (draw(4) == 0 && set(m, "nodes", PICK(nodes)) < 0) ||
	    (draw(3) == 0 && set(m, "qos", PICK(qos)) < 0) ||
	    (draw(6) == 0 && set(m, "account", PICK(accounts)) < 0))
		return -1;
	return 0;
}

static int make(const struct making *m)
{
	if (set(m, "partition", PICK(partitions)) < 0 ||
	    set(m, "time", PICK(times)) < 0 || set_gpus(m) < 0 || set_rest(m) < 0)
		return -1;
	if (uc_spec_set(m->spec, "output", "/dev/null", m->err) < 0 ||
	    uc_spec_set_script(m->spec, "#!/bin/sh\n:\n", m->err) < 0)
		return -1;
	return uc_spec_set_command(m->spec, (const char *const[]){ "judged", NULL },
				   m->err);
}

/* As usrun does it: without the nodes where they are not needed, with all before a
 * refusal. */
static int check(struct uc_source *src, const struct uc_spec *spec,
		 struct request *request, struct uc_error *err)
{
	struct uc_check_query query = { .user_id = getuid(), .batch = true };

	for (;;) {
		uc_auto(check_facts) struct uc_check_facts facts = { 0 };
		uc_auto(errors) struct uc_errors faults = { 0 };

		if (uc_check_facts_load(&facts, spec, src, &query, err) < 0 ||
		    uc_spec_check(spec, &facts, &faults, err) < 0)
			return -1;
		request->settled |= facts.from_cache;
		if (faults.count && facts.from_cache) {
			query.fresh = true;
			continue;
		}
		if (faults.count)
			snprintf(request->fault, sizeof(request->fault), "%s",
				 faults.item[0].text);
		return 0;
	}
}

static int judge(struct uc_source *src, struct request *request, struct uc_error *err)
{
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(submitted) struct uc_submitted result = { 0 };
	const char *const *env = (const char *const *)environ;
	struct making making = { .request = request, .err = err };
	struct uc_error refusal = { 0 };

	if (uc_spec_new(&spec, err) < 0)
		return -1;
	making.spec = spec;
	if (make(&making) < 0 || check(src, spec, request, err) < 0)
		return -1;
	if (uc_spec_submit(spec, src, env, "/", &result, &refusal) == 0)
		request->job_id = result.job_id;
	else if (refusal.code == UC_USAGE)
		snprintf(request->refusal, sizeof(request->refusal), "%s", refusal.text);
	else
		*err = refusal;
	return request->job_id || request->refusal[0] ? 0 : -1;
}

static struct request *find(struct request *requests, size_t count, uint32_t job_id)
{
	for (size_t i = 0; i < count; i++)
		if (requests[i].job_id == job_id)
			return &requests[i];
	return NULL;
}

/* Takes what is over out, and returns how many changed or run. */
static int look(struct uc_source *src, struct request *requests, size_t count,
		struct uc_error *err)
{
	const uint32_t me = getuid();
	const struct uc_job_query query = { .user_ids = &me, .user_count = 1 };
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	int busy = 0;

	if (uc_jobs_load(src, &query, &jobs, err) < 0)
		return -1;
	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];
		struct request *request = find(requests, count, job->job_id);
		const uint32_t base = job->state & UC_JOB_BASE;

		if (!request)
			continue;
		busy += base == UC_JOB_RUNNING || job->state & UC_JOB_COMPLETING;
		if (base != UC_JOB_PENDING) {
			busy += !request->ran;
			request->ran = true;
		}
		snprintf(request->refusal, sizeof(request->refusal), "waits: %s",
			 uc_reason_name(job->reason));
	}
	return busy;
}

static int wait_for_all(struct uc_source *src, struct request *requests, size_t count,
			struct uc_error *err)
{
	const time_t end = time(NULL) + WAIT_S;
	int quiet = 0;

	while (quiet < QUIET) {
		const int busy = look(src, requests, count, err);

		if (busy < 0)
			return -1;
		if (time(NULL) > end)
			return uc_fail(err, UC_FAILED, "jobs still run after %d s",
				       WAIT_S);
		quiet = busy ? 0 : quiet + 1;
		usleep(100000);
	}
	return 0;
}

static int compare(const struct request *requests, size_t count)
{
	size_t refused = 0, wrong = 0, settled = 0;

	for (size_t i = 0; i < count; i++) {
		const struct request *r = &requests[i];
		const char *slurm = r->ran ? "" : r->refusal;
		const bool same = !slurm[0] == !r->fault[0];

		refused += slurm[0] != '\0';
		wrong += !same;
		settled += r->settled;
		printf("%s%s\n    slurmctld: %s\n    check: %s\n",
		       same ? "" : "DIFFERENT ", r->text, slurm[0] ? slurm : "runs",
		       r->fault[0] ? r->fault : "passes");
	}
	printf("%zu requests, %zu refused, %zu without the nodes, %zu different\n", count,
	       refused, settled, wrong);
	return wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct request requests[COUNT_MAX];
	uc_auto(source) struct uc_source *src = NULL;
	struct uc_error err = { 0 };
	size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (!count || count > COUNT_MAX) {
		fputs("usage: judge SEED COUNT\n", stderr);
		return 2;
	}
	random_state = strtoull(argv[1], NULL, 10);
	if (uc_source_open("slurm:", NULL, &src, &err) < 0)
		goto fail;
	for (size_t i = 0; i < count; i++)
		if (judge(src, &requests[i], &err) < 0)
			goto fail;
	if (wait_for_all(src, requests, count, &err) < 0)
		goto fail;
	return compare(requests, count);
fail:
	fprintf(stderr, "judge: %s\n", err.text);
	return 2;
}

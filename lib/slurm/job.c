/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/job.h>
#include <ucluster/state.h>

bool uc_job_waits(const struct uc_job *job)
{
	return (job->state & UC_JOB_BASE) == UC_JOB_PENDING &&
	       !(job->state & UC_JOB_COMPLETING);
}

bool uc_job_holds(const struct uc_job *job)
{
	uint32_t base = job->state & UC_JOB_BASE;

	return base == UC_JOB_RUNNING || base == UC_JOB_SUSPENDED ||
	       (job->state & UC_JOB_COMPLETING);
}

int64_t uc_job_elapsed(const struct uc_job *job, int64_t now)
{
	uint32_t base = job->state & UC_JOB_BASE;
	int64_t until = now, elapsed;

	if (base == UC_JOB_PENDING || !job->start_time)
		return 0;
	if (base == UC_JOB_SUSPENDED)
		return job->suspended;
	if (base > UC_JOB_SUSPENDED && job->end_time)
		until = job->end_time;
	/* After a suspension only the time since then is added to what ran before. */
	elapsed = until - (job->suspend_time ? job->suspend_time : job->start_time);
	if (job->suspend_time)
		elapsed += job->suspended;
	return elapsed > 0 ? elapsed : 0;
}

/* Digits at *p; false when there are none or the number is beyond what Slurm allows. */
static bool read_task(const char **p, uint32_t *n)
{
	uint64_t value = 0;
	const char *start = *p;

	for (; **p >= '0' && **p <= '9' && value < UINT32_MAX; ++*p)
		value = value * 10 + (uint64_t)(**p - '0');
	*n = (uint32_t)value;
	return *p > start && value < UINT32_MAX;
}

uint32_t uc_array_count(const char *tasks)
{
	const char *p = tasks;
	uint64_t count = 0;

	if (!tasks)
		return UC_NONE32;
	for (;;) {
		uint32_t first, last, step = 1;

		if (!read_task(&p, &first))
			return UC_NONE32;
		last = first;
		if (*p == '-' && (++p, !read_task(&p, &last) || last < first))
			return UC_NONE32;
		if (*p == ':' && (++p, !read_task(&p, &step) || !step))
			return UC_NONE32;
		count += (last - first) / step + 1;
		if (*p != ',')
			break;
		p++;
	}
	if (*p == '%' && (++p, !read_task(&p, &(uint32_t){ 0 })))
		return UC_NONE32;
	return *p || count >= UINT32_MAX ? UC_NONE32 : (uint32_t)count;
}

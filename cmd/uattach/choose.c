/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which job is meant. */
#include <errno.h>
#include <stdlib.h>
#include "uattach/uattach.h"

int uattach_choose(struct uattach *u, const char *word, struct uc_error *err)
{
	struct uc_job_query query = { .job_count = 1 };
	unsigned long id;
	uint32_t job_id;
	char *end;

	errno = 0;
	id = strtoul(word, &end, 10);
	if (*end || errno || id == 0 || id > UINT32_MAX || *word == '-')
		return uc_fail(err, UC_USAGE, "'%s' is no job id", word);
	job_id = (uint32_t)id;
	query.job_ids = &job_id;
	if (uc_jobs_load(u->src, &query, &u->jobs, err) < 0)
		return -1;
	if (u->jobs->count == 0)
		return uc_fail(err, UC_NOTFOUND, "slurmctld does not know job %u",
			       job_id);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The ways to attach, the first that fits is taken. */
#include <ucluster/state.h>
#include "common/stay.h"
#include "uattach/session.h"
#include "uattach/uattach.h"

static bool is_batch(const struct uattach *u, const struct uc_job *job)
{
	(void)u;
	return job->batch;
}

static int follow(struct uattach *u, const struct uc_job *job, struct uc_error *err)
{
	return uc_stay(&(struct uc_stay){ .run = u->run,
					  .id = { .job = job->job_id,
						  .task = UC_NONE32,
						  .component = UC_NONE32 },
					  .lines = 10,
					  .waiting = true,
					  .ending = true,
					  .output = true },
		       err);
}

static bool is_session(const struct uattach *u, const struct uc_job *job)
{
	(void)u;
	return uattach_is_session(job) && !uc_job_is_finished(job->state);
}

static const struct uattach_way ways[] = {
	{ "session", is_session, uattach_session },
	{ "batch", is_batch, follow },
};

const struct uattach_way *uattach_way(const struct uattach *u, const struct uc_job *job)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ways[i].fits(u, job))
			return &ways[i];
	return NULL;
}

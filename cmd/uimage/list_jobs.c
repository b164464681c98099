/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Who uses an image. Slurm does not know; the receipts of what this user has submitted
 * with usrun do. Where there are none, slurmctld is not asked.
 */
#include <string.h>
#include <ucluster/job.h>
#include <ucluster/state.h>
#include <unistd.h>
#include "common/own.h"
#include "uimage/list.h"

enum {
	TIMEOUT_MS = 3000, /* a list of images does not wait for slurmctld */
};

static bool has_receipts(const struct uc_run *run)
{
	uc_auto(receipts) struct uc_receipts all = { 0 };
	uc_auto(buf) struct uc_buf dir = { 0 };

	uc_run_state_dir(run, &dir);
	return dir.len && uc_receipt_list(uc_buf_text(&dir), &all, NULL) == 0 &&
	       all.count > 0;
}

static void count_job(const struct uc_run *run, const struct uc_job *job,
		      struct list_row *rows, size_t count)
{
	uc_auto(receipt) struct uc_receipt *receipt = uc_run_receipt(run, job);

	if (!receipt || !receipt->container.image || !receipt->container.image_is_path)
		return;
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].file->path.bytes, receipt->container.image) == 0)
			rows[i].jobs++;
}

void list_count_jobs(struct uc_run *run, struct list_row *rows, size_t count, bool *known)
{
	uc_auto(source) struct uc_source *source = NULL;
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	const uint32_t me = getuid();
	const struct uc_job_query query = { .user_ids = &me, .user_count = 1 };
	struct uc_error err = { 0 };

	*known = false;
	if (!has_receipts(run))
		return;
	if (uc_run_source(run, TIMEOUT_MS, &source) < 0) {
		run->status = 0; /* it was said */
		return;
	}
	if (uc_jobs_load(source, &query, &jobs, &err) < 0) {
		uc_run_say(run, 0, "what jobs run in them is not known: %s", err.text);
		return;
	}
	for (size_t i = 0; i < jobs->count; i++)
		if (jobs->row[i].user_id == me &&
		    (jobs->row[i].state & UC_JOB_BASE) == UC_JOB_RUNNING)
			count_job(run, &jobs->row[i], rows, count);
	*known = true;
}

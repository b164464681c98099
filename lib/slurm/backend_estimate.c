/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* When and where a job would start: the description that a submission makes, not queued.
 */
#include <errno.h>
#include "slurm/backend.h"
#include "slurm/backend_request.h"

static void put_response(struct uc_frame *answer, will_run_response_msg_t *response)
{
	const int64_t start = (int64_t)response->start_time;
	uc_list_iterator *it;
	const uint32_t *id;

	uc_frame_add(answer, UC_TAG_START, &start, sizeof(start));
	if (response->node_list)
		uc_frame_add_text(answer, UC_TAG_NODES, response->node_list);
	if (response->part_name)
		uc_frame_add_text(answer, UC_TAG_PARTITION, response->part_name);
	if (!response->preemptee_job_id)
		return;
	it = slurm_list_iterator_create(response->preemptee_job_id);
	while ((id = slurm_list_next(it)))
		uc_frame_add_u32(answer, UC_TAG_JOB_ID, *id);
	slurm_list_iterator_destroy(it);
}

int backend_estimate(const struct uc_frame *question, struct uc_frame *answer,
		     struct uc_error *err)
{
	__attribute__((
		cleanup(backend_request_free))) struct backend_request request = { 0 };
	will_run_response_msg_t *response = NULL;

	if (backend_request_read(&request, question, err) < 0)
		return -1;
	if (slurm_job_will_run2(&request.draft.desc, &response) != SLURM_SUCCESS) {
		backend_fail(err, errno, "slurmctld would refuse the job");
		if (err->code == UC_FAILED)
			err->code = UC_USAGE;
		return -1;
	}
	if (!response)
		return uc_fail(err, UC_INVALID, "slurmctld sent no estimate");
	put_response(answer, response);
	/* no release has a public function that frees it */
	return 0;
}

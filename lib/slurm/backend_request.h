/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_BACKEND_REQUEST_H
#define UC_SLURM_BACKEND_REQUEST_H
/* A submission as it came in a frame, made into the description that slurmctld gets. */
#include "slurm/backend.h"
#include "slurm/backend_options.h"

struct backend_request {
	struct backend_draft draft;
	struct uc_strv argv;
	struct uc_strv given,
		own; /* the caller's variables; those --export leaves alone */
	struct uc_strv environment; /* what the job gets */
	uint32_t timeout_ms;
};
/* Fill a zero-initialised request; free it after a failure as well. */
int backend_request_read(struct backend_request *request, const struct uc_frame *question,
			 struct uc_error *err);
void backend_request_free(struct backend_request *request);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_BACKEND_H
#define UC_SLURM_BACKEND_H
/* The worker's side: an executable for one libslurm, see worker.h and frame.h. */
#include <ucluster/error.h>
#include "slurm/frame.h"
#include "slurm/rows.h"

#define BACKEND_SOCKET 3

/* Free what the last answer was made of. */
void backend_release(void);

/* Handlers fill `answer` (kind UC_SAY_DONE) or *err. */
int backend_ping(const struct uc_frame *question, struct uc_frame *answer,
		 struct uc_error *err);
int backend_jobs(const struct uc_frame *question, struct uc_frame *answer,
		 struct uc_error *err);
int backend_nodes(const struct uc_frame *question, struct uc_frame *answer,
		  struct uc_error *err);
int backend_partitions(const struct uc_frame *question, struct uc_frame *answer,
		       struct uc_error *err);
int backend_limits(const struct uc_frame *question, struct uc_frame *answer,
		   struct uc_error *err);
int backend_reservations(const struct uc_frame *question, struct uc_frame *answer,
			 struct uc_error *err);
int backend_act(const struct uc_frame *question, struct uc_frame *answer,
		struct uc_error *err);
int backend_history(const struct uc_frame *question, struct uc_frame *answer,
		    struct uc_error *err);
int backend_task_node(const struct uc_frame *question, struct uc_frame *answer,
		      struct uc_error *err);
int backend_steps(const struct uc_frame *question, struct uc_frame *answer,
		  struct uc_error *err);
int backend_probe(const struct uc_frame *question, struct uc_frame *answer,
		  struct uc_error *err);
int backend_submit(const struct uc_frame *question, struct uc_frame *answer,
		   struct uc_error *err);
int backend_estimate(const struct uc_frame *question, struct uc_frame *answer,
		     struct uc_error *err);

/* libslurm failed with this errno. */
int backend_fail(struct uc_error *err, int errnum, const char *doing);
/* Since the last call of it, something failed as it does where slurmctld is of an older
 * release than the libslurm here. */
bool backend_was_too_new(void);
/* It failed before the request can have reached slurmctld. */
bool backend_is_unsent(int errnum);

/* Slurm's marks of "not set" to ours. */
uint32_t backend_u16(uint16_t value);
uint32_t backend_u32(uint32_t value);
int64_t backend_minutes(uint32_t value);
uint64_t backend_mib(uint64_t value);

/* User names, looked up once a uid; borrowed until the process ends. */
const char *backend_user_name(uint32_t uid);

#endif

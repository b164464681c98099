/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_COMPAT_H
#define UC_SLURM_COMPAT_H
/*
 * Every difference between Slurm 20.11 and 26.05 that the worker meets; no other file has
 * a SLURM_VERSION_NUMBER in it, and only lib/slurm/backend_*.c include this one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <ucluster/state.h>
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>

#define UC_SLURM_SINCE(major, minor)                                                     \
	(SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(major, minor, 0))

#define UC_SLURM_BUILT ((long)SLURM_VERSION_NUMBER) /* what this worker is for */

/* How a GRES is written in a request. */
#if UC_SLURM_SINCE(23, 11)
#define UC_GRES_PREFIX "gres/"
#elif UC_SLURM_SINCE(21, 8)
#define UC_GRES_PREFIX "gres:"
#else
#define UC_GRES_PREFIX ""
#endif

/* Between name and count in tres_per_task. */
#if UC_SLURM_SINCE(24, 11)
#define UC_PER_TASK_MARK '='
#else
#define UC_PER_TASK_MARK ':'
#endif

/* "Unable to submit, the queue is full": removed from slurm_errno.h in 26.05, still sent
 * by older controllers. */
#define UC_ESLURM_QUEUE_FULL 2008

static inline int uc_load_job(job_info_msg_t **msg, uint32_t job_id, uint16_t flags)
{
#if UC_SLURM_SINCE(26, 5)
	slurm_step_id_t id = SLURM_STEP_ID_INITIALIZER;

	id.job_id = job_id;
	return slurm_load_job(msg, id, flags);
#else
	return slurm_load_job(msg, job_id, flags);
#endif
}

/* A list and its iterator: List and ListIterator until they got names without a pointer
 * in 23.02, the same structures all the time. */
typedef struct xlist uc_list;
typedef struct listIterator uc_list_iterator;

static inline uint32_t uc_response_job_id(const submit_response_msg_t *response)
{
#if UC_SLURM_SINCE(25, 11)
	return response->step_id.job_id;
#else
	return response->job_id;
#endif
}

/* JOB_SHARED_NONE and so on; from 26.05 on it is told apart from --oversubscribe. */
static inline uint16_t uc_job_shared(const job_info_t *job)
{
	return job->shared;
}

static inline void uc_step_id_set(slurm_step_id_t *id, uint32_t job_id, uint32_t step_id)
{
	memset(id, 0, sizeof(*id));
	id->job_id = job_id;
	id->step_id = step_id;
	id->step_het_comp = NO_VAL;
}

static inline int uc_get_steps(uint32_t job_id, job_step_info_response_msg_t **msg)
{
#if UC_SLURM_SINCE(25, 11)
	slurm_step_id_t id = SLURM_STEP_ID_INITIALIZER;

	id.job_id = job_id;
	return slurm_get_job_steps(&id, msg, SHOW_ALL);
#else
	return slurm_get_job_steps(0, job_id, NO_VAL, msg, SHOW_ALL);
#endif
}
#if UC_SLURM_SINCE(25, 5)
#define uc_step_tres(step) ((step)->tres_fmt_alloc_str)
#else
#define uc_step_tres(step) ((step)->tres_alloc_str)
#endif
#if UC_SLURM_SINCE(21, 8)
#define uc_step_submit_line(step) ((step)->submit_line)
#else
#define uc_step_submit_line(step) NULL
#endif

static inline int uc_kill_job(const char *id, uint16_t number, uint16_t flags)
{
#if UC_SLURM_SINCE(21, 8)
	return slurm_kill_job2(id, number, flags, NULL);
#else
	return slurm_kill_job2(id, number, flags);
#endif
}

/* What the controller adds to the error of one task; NULL before. */
static inline const char *uc_array_error_text(const job_array_resp_msg_t *resp,
					      uint32_t i)
{
#if UC_SLURM_SINCE(23, 2)
	return resp->err_msg ? resp->err_msg[i] : NULL;
#else
	(void)resp, (void)i;
	return NULL;
#endif
}

/* Members that came in some release: NULL or 0 before. */
#if UC_SLURM_SINCE(21, 8)
#define uc_job_container(job)   ((job)->container)
#define uc_node_extra(node)     ((node)->extra)
#define uc_node_last_busy(node) ((node)->last_busy)
#else
#define uc_job_container(job)   NULL
#define uc_node_extra(node)     NULL
#define uc_node_last_busy(node) 0
#endif
#if UC_SLURM_SINCE(22, 5)
#define uc_job_prefer(job)               ((job)->prefer)
#define uc_node_cpus_usable(node)        ((node)->cpus_efctv)
#define uc_partition_nodesets(partition) ((partition)->nodesets)
#else
#define uc_job_prefer(job)               NULL
#define uc_node_cpus_usable(node)        ((node)->cpus)
#define uc_partition_nodesets(partition) NULL
#endif
#if UC_SLURM_SINCE(23, 2)
#define uc_job_extra(job)         ((job)->extra)
#define uc_node_reservation(node) ((node)->resv_name)
#else
#define uc_job_extra(job)         NULL
#define uc_node_reservation(node) NULL
#endif
#if UC_SLURM_SINCE(25, 11)
#define uc_job_submit_line(job) ((job)->submit_line)
#else
#define uc_job_submit_line(job) NULL
#endif

static inline void uc_slurm_free_conf(slurm_conf_t *conf)
{
#if UC_SLURM_SINCE(26, 5)
	slurm_free_conf(conf);
#else
	slurm_free_ctl_conf(conf);
#endif
}

/* Bit 4 was another flag, of Crays, until 24.05 took it away. */
#if UC_SLURM_SINCE(24, 5)
#define uc_node_state(node) ((node)->node_state)
#else
#define uc_node_state(node)                                                              \
	((node)->node_state & UC_NODE_EXTERNAL                                           \
		 ? (node)->node_state ^ (UC_NODE_EXTERNAL | UC_NODE_PERFCTRS)            \
		 : (node)->node_state)
#endif

/* What is allocated; *tres is never freed (until 24.11 the library leaks it to us). */
static inline void uc_node_used(const node_info_t *node, uint32_t *cpus, uint64_t *mib,
				char **tres)
{
#if UC_SLURM_SINCE(25, 5)
	*cpus = node->alloc_cpus;
	*mib = node->alloc_memory;
	*tres = node->alloc_tres_fmt_str;
#else
	uint16_t count = 0;

	*mib = 0;
	*tres = NULL;
	slurm_get_select_nodeinfo(node->select_nodeinfo, SELECT_NODEDATA_SUBCNT,
				  NODE_STATE_ALLOCATED, &count);
	slurm_get_select_nodeinfo(node->select_nodeinfo, SELECT_NODEDATA_MEM_ALLOC,
				  NODE_STATE_ALLOCATED, mib);
	slurm_get_select_nodeinfo(node->select_nodeinfo,
				  SELECT_NODEDATA_TRES_ALLOC_FMT_STR,
				  NODE_STATE_ALLOCATED, tres);
	*cpus = count;
#endif
}

#endif

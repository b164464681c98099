/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_BACKEND_DESC_H
#define UC_SLURM_BACKEND_DESC_H
/* What a submission has in one release and not in another. */
#include "slurm/compat.h"

/* A field that the release may lack; false: refuse the option. */
#define UC_DESC_HAS(name, type, field)                                                   \
	static inline bool uc_desc_set_##name(job_desc_msg_t *desc, type value)          \
	{                                                                                \
		desc->field = value;                                                     \
		return true;                                                             \
	}
#define UC_DESC_LACKS(name, type)                                                        \
	static inline bool uc_desc_set_##name(job_desc_msg_t *desc, type value)          \
	{                                                                                \
		(void)desc, (void)value;                                                 \
		return false;                                                            \
	}

#if UC_SLURM_SINCE(21, 8)
UC_DESC_HAS(container, char *, container)
UC_DESC_HAS(context, char *, req_context)
#else
UC_DESC_LACKS(container, char *)
UC_DESC_LACKS(context, char *)
#endif
#if UC_SLURM_SINCE(22, 5)
UC_DESC_HAS(prefer, char *, prefer)
#else
UC_DESC_LACKS(prefer, char *)
#endif
#if UC_SLURM_SINCE(23, 2)
UC_DESC_HAS(container_id, char *, container_id)
UC_DESC_HAS(extra, char *, extra)
UC_DESC_HAS(tres_per_task, char *, tres_per_task)
#else
UC_DESC_LACKS(container_id, char *)
UC_DESC_LACKS(extra, char *)
UC_DESC_LACKS(tres_per_task, char *)
#endif
#if UC_SLURM_SINCE(23, 11)
UC_DESC_HAS(tres_bind, char *, tres_bind)
#else
UC_DESC_LACKS(tres_bind, char *)
#endif
#if UC_SLURM_SINCE(24, 5)
UC_DESC_HAS(ports, uint16_t, resv_port_cnt)
UC_DESC_HAS(segment, uint16_t, segment_size)
UC_DESC_LACKS(power, uint8_t)
#else
UC_DESC_LACKS(ports, uint16_t)
UC_DESC_LACKS(segment, uint16_t)
UC_DESC_HAS(power, uint8_t, power_flags)
#endif
#if UC_SLURM_SINCE(24, 11)
UC_DESC_HAS(oom_kill_step, uint16_t, oom_kill_step)
#else
UC_DESC_LACKS(oom_kill_step, uint16_t)
#endif
#if UC_SLURM_SINCE(26, 5)
UC_DESC_HAS(container_type, char *, container_type)
UC_DESC_HAS(mem_update_delay, uint16_t, mem_update_delay)
UC_DESC_HAS(mem_update_margin, uint16_t, mem_update_margin)
#else
UC_DESC_LACKS(container_type, char *)
UC_DESC_LACKS(mem_update_delay, uint16_t)
UC_DESC_LACKS(mem_update_margin, uint16_t)
#endif

/* 32 bits of flags until 20.11; the others' are 0 there. */
static inline void uc_desc_add_flags(job_desc_msg_t *desc, uint64_t flags)
{
	desc->bitflags |= (__typeof__(desc->bitflags))flags;
}

/* Flags: 0 where the release lacks them. */
#if UC_SLURM_SINCE(23, 11)
#define UC_GRES_MANY_TASKS GRES_MULT_TASKS_PER_SHARING
#define UC_GRES_ONE_TASK   GRES_ONE_TASK_PER_SHARING
#else
#define UC_GRES_MANY_TASKS 0
#define UC_GRES_ONE_TASK   0
#endif
#if UC_SLURM_SINCE(24, 5)
#define UC_STEPMGR STEPMGR_ENABLED
#else
#define UC_STEPMGR 0
#endif
#if UC_SLURM_SINCE(25, 11)
#define UC_CONSOLIDATE_SEGMENTS CONSOLIDATE_SEGMENTS
#define UC_SPREAD_SEGMENTS      SPREAD_SEGMENTS
#else
#define UC_CONSOLIDATE_SEGMENTS 0
#define UC_SPREAD_SEGMENTS      0
#endif

/* --gpu-bind in tres_bind, and the variable that takes it to the steps. */
#if UC_SLURM_SINCE(23, 11)
#define UC_GPU_BIND_PREFIX   "gres/gpu:"
#define UC_GPU_BIND_VARIABLE "SLURM_TRES_BIND" /* with the prefix */
#else
#define UC_GPU_BIND_PREFIX   "gpu:"
#define UC_GPU_BIND_VARIABLE "SLURM_GPU_BIND" /* without */
#endif

/* From 23.11 on SLURM_TRES_PER_TASK says it. */
#if UC_SLURM_SINCE(23, 11)
#define UC_GPUS_PER_TASK_VARIABLE NULL
#else
#define UC_GPUS_PER_TASK_VARIABLE "SLURM_GPUS_PER_TASK"
#endif

/*
 * What --export leaves in unasked. Up to 23.02 sbatch takes away what says which options
 * of plugins an outer allocation has; from 26.05 on the token of the caller stays behind.
 */
#if UC_SLURM_SINCE(23, 11)
#define UC_EXPORT_PLUGINS true
#else
#define UC_EXPORT_PLUGINS false
#endif
#if UC_SLURM_SINCE(26, 5)
#define UC_EXPORT_TOKEN false
#else
#define UC_EXPORT_TOKEN true
#endif

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Names of job and node states (squeue(1), sinfo(1)). */
#include <strings.h>
#include <ucluster/state.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct state {
	uint32_t value;
	const char *name, *shorter;
};

/* In the order in which they win over the base state. */
static const struct state job_flags[] = {
	{ UC_JOB_COMPLETING, "COMPLETING", "CG" },
	{ UC_JOB_STAGE_OUT, "STAGE_OUT", "SO" },
	{ UC_JOB_CONFIGURING, "CONFIGURING", "CF" },
	{ UC_JOB_EXPEDITING, "EXPEDITING", NULL },
	{ UC_JOB_RESIZING, "RESIZING", "RS" },
	{ UC_JOB_REQUEUE, "REQUEUED", "RQ" },
	{ UC_JOB_REQUEUE_FED, "REQUEUE_FED", "RF" },
	{ UC_JOB_REQUEUE_HOLD, "REQUEUE_HOLD", "RH" },
	{ UC_JOB_SPECIAL_EXIT, "SPECIAL_EXIT", "SE" },
	{ UC_JOB_STOPPED, "STOPPED", "ST" },
	{ UC_JOB_REVOKED, "REVOKED", "RV" },
	{ UC_JOB_RESV_DEL_HOLD, "RESV_DEL_HOLD", "RD" },
	{ UC_JOB_SIGNALING, "SIGNALING", "SI" },
};

static const struct state job_states[] = {
	{ UC_JOB_PENDING, "PENDING", "PD" },     { UC_JOB_RUNNING, "RUNNING", "R" },
	{ UC_JOB_SUSPENDED, "SUSPENDED", "S" },  { UC_JOB_COMPLETED, "COMPLETED", "CD" },
	{ UC_JOB_CANCELLED, "CANCELLED", "CA" }, { UC_JOB_FAILED, "FAILED", "F" },
	{ UC_JOB_TIMEOUT, "TIMEOUT", "TO" },     { UC_JOB_NODE_FAIL, "NODE_FAIL", "NF" },
	{ UC_JOB_PREEMPTED, "PREEMPTED", "PR" }, { UC_JOB_BOOT_FAIL, "BOOT_FAIL", "BF" },
	{ UC_JOB_DEADLINE, "DEADLINE", "DL" },   { UC_JOB_OOM, "OUT_OF_MEMORY", "OOM" },
};

static const char *const node_states[] = { "UNKNOWN", "DOWN",  "IDLE",  "ALLOCATED",
					   "ERROR",   "MIXED", "FUTURE" };

static const struct state node_flags[] = {
	{ UC_NODE_EXTERNAL, "EXTERNAL", NULL },
	{ UC_NODE_RESERVED, "RESERVED", NULL },
	{ UC_NODE_CLOUD, "CLOUD", NULL },
	{ UC_NODE_DRAIN, "DRAIN", NULL },
	{ UC_NODE_COMPLETING, "COMPLETING", NULL },
	{ UC_NODE_NO_RESPOND, "NOT_RESPONDING", NULL },
	{ UC_NODE_POWERED_DOWN, "POWERED_DOWN", NULL },
	{ UC_NODE_FAIL, "FAIL", NULL },
	{ UC_NODE_POWERING_UP, "POWERING_UP", NULL },
	{ UC_NODE_MAINT, "MAINTENANCE", NULL },
	{ UC_NODE_REBOOT_REQUESTED, "REBOOT_REQUESTED", NULL },
	{ UC_NODE_REBOOT_CANCEL, "REBOOT_CANCEL", NULL },
	{ UC_NODE_POWERING_DOWN, "POWERING_DOWN", NULL },
	{ UC_NODE_DYNAMIC_FUTURE, "DYNAMIC_FUTURE", NULL },
	{ UC_NODE_REBOOT_ISSUED, "REBOOT_ISSUED", NULL },
	{ UC_NODE_PLANNED, "PLANNED", NULL },
	{ UC_NODE_INVALID_REG, "INVALID_REG", NULL },
	{ UC_NODE_POWER_DOWN, "POWER_DOWN", NULL },
	{ UC_NODE_POWER_UP, "POWER_UP", NULL },
	{ UC_NODE_POWER_DRAIN, "POWER_DRAIN", NULL },
	{ UC_NODE_DYNAMIC_NORM, "DYNAMIC_NORM", NULL },
	{ UC_NODE_BLOCKED, "BLOCKED", NULL },
	{ UC_NODE_PERFCTRS, "PERFCTRS", NULL },
};

/* DYNAMIC_FUTURE is none of them: who has it has registered (slurmd -F), and is IDLE. */
#define NODE_UNUSABLE                                                                    \
	(UC_NODE_DRAIN | UC_NODE_FAIL | UC_NODE_NO_RESPOND | UC_NODE_POWERED_DOWN |      \
	 UC_NODE_MAINT | UC_NODE_POWERING_DOWN | UC_NODE_REBOOT_ISSUED |                 \
	 UC_NODE_INVALID_REG | UC_NODE_POWER_DOWN | UC_NODE_POWER_DRAIN |                \
	 UC_NODE_BLOCKED)

static const struct state *find_state(uint32_t state)
{
	for (size_t i = 0; i < COUNT(job_flags); i++)
		if (state & job_flags[i].value)
			return &job_flags[i];
	state &= UC_JOB_BASE;
	return state < COUNT(job_states) ? &job_states[state] : NULL;
}

const char *uc_job_state_name(uint32_t state)
{
	const struct state *found = find_state(state);

	return found ? found->name : NULL;
}

const char *uc_job_state_short(uint32_t state)
{
	/* one without its letters shows those of the next */
	const struct state *found = find_state(state & ~(uint32_t)UC_JOB_EXPEDITING);

	return found ? found->shorter : NULL;
}

static int64_t find_name(const struct state *table, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcasecmp(table[i].name, name) ||
		    (table[i].shorter && !strcasecmp(table[i].shorter, name)))
			return table[i].value;
	return -1;
}

int64_t uc_job_state_find(const char *name)
{
	int64_t state = find_name(job_states, COUNT(job_states), name);

	return state >= 0 ? state : find_name(job_flags, COUNT(job_flags), name);
}

bool uc_job_is_finished(uint32_t state)
{
	return (state & UC_JOB_BASE) > UC_JOB_SUSPENDED && !(state & UC_JOB_COMPLETING);
}

void uc_buf_node_state(struct uc_buf *buf, uint32_t state)
{
	uint32_t base = state & UC_NODE_BASE;

	if (base < COUNT(node_states))
		uc_buf_add(buf, node_states[base]);
	else
		uc_buf_addf(buf, "%u", base);
	for (size_t i = 0; i < COUNT(node_flags); i++) {
		if (!(state & node_flags[i].value))
			continue;
		uc_buf_addc(buf, '+');
		uc_buf_add(buf, node_flags[i].name);
	}
}

bool uc_node_is_usable(uint32_t state)
{
	uint32_t base = state & UC_NODE_BASE;

	return (base == UC_NODE_IDLE || base == UC_NODE_ALLOCATED ||
		base == UC_NODE_MIXED) &&
	       !(state & NODE_UNUSABLE);
}

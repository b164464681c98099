/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A row of capacity in words. */
#include <string.h>
#include <ucluster/capacity.h>
#include <ucluster/reason.h>
#include <ucluster/units.h>

static void add_limit(struct uc_buf *buf, const struct uc_limit *limit, unsigned safe)
{
	if (!limit) {
		uc_buf_add(buf, "a limit");
		return;
	}
	uc_buf_add(buf, limit->kind == UC_LIMIT_QOS ? "QOS " : "account ");
	uc_buf_safe(buf, limit->kind == UC_LIMIT_QOS ? limit->name : limit->account,
		    safe);
}

static void add_named(struct uc_buf *buf, const char *what, struct uc_raw name,
		      unsigned safe)
{
	uc_buf_add(buf, what);
	uc_buf_safe(buf, name, safe);
}

static const char *const states[] = {
	[UC_PARTITION_INACTIVE] = "partition is inactive",
	[UC_PARTITION_DOWN] = "partition is down",
	[UC_PARTITION_DRAIN] = "partition takes no jobs",
	[UC_PARTITION_UP] = "",
};

static void add_reserved(struct uc_buf *buf, const struct uc_capacity_row *row,
			 unsigned safe)
{
	const bool all = row->partition->flags & UC_PARTITION_REQUIRES_RESERVATION;

	uc_buf_add(buf, all ? "needs a reservation" : "reserved");
	if (!all && row->reservation)
		add_named(buf, ": ", row->reservation->name, safe);
}

void uc_capacity_why(struct uc_buf *buf, const struct uc_capacity_row *row, unsigned safe)
{
	const struct uc_partition *p = row->partition;

	switch (row->bar) {
	case UC_BAR_NONE:
		break;
	case UC_BAR_STATE:
		if (p->state <= UC_PARTITION_UP)
			uc_buf_add(buf, states[p->state]);
		break;
	case UC_BAR_ROOT:
		uc_buf_add(buf, "only root");
		break;
	case UC_BAR_GROUPS:
		add_named(buf, "only groups ", p->allow_groups, safe);
		break;
	case UC_BAR_ASSOCIATION:
		uc_buf_add(buf, "you have no account");
		break;
	case UC_BAR_ACCOUNTS:
		if (!uc_raw_empty(p->allow_accounts))
			add_named(buf, "only accounts ", p->allow_accounts, safe);
		else
			uc_buf_add(buf, "not your accounts");
		break;
	case UC_BAR_QOS:
		if (!uc_raw_empty(p->allow_qos))
			add_named(buf, "only QOS ", p->allow_qos, safe);
		else
			uc_buf_add(buf, "not your QOSes");
		break;
	case UC_BAR_RESERVATION:
		add_reserved(buf, row, safe);
		break;
	case UC_BAR_LIMIT:
		uc_buf_add(buf, "limit of ");
		add_limit(buf, row->limit, safe);
		break;
	case UC_BAR_CPUS:
		uc_buf_add(buf, p->share_max ? "no CPU left beside them"
					     : "nodes are not shared");
		break;
	}
}

void uc_capacity_by(struct uc_buf *buf, const struct uc_capacity_row *row, int64_t now,
		    unsigned safe)
{
	switch (row->basis) {
	case UC_BASIS_NONE:
		break;
	case UC_BASIS_PARTITION:
		uc_buf_add(buf, "partition");
		break;
	case UC_BASIS_LIMIT:
		add_limit(buf, row->limit, safe);
		break;
	case UC_BASIS_RESERVATION:
		if (!row->reservation)
			break;
		add_named(buf, "reservation ", row->reservation->name, safe);
		if (row->reservation->start_time > now) {
			uc_buf_add(buf, " at ");
			uc_buf_clock(buf, row->reservation->start_time, now);
		}
		break;
	case UC_BASIS_PLANNED:
		if (!row->job)
			break;
		uc_buf_addf(buf, "job %u planned at ", row->job->job_id);
		uc_buf_clock(buf, row->job->start_time, now);
		break;
	}
}

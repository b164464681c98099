/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Associations and QOSes as slurmctld has them (one RPC); it knows none without
 * accounting. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <ucluster/limits.h>
#include "slurm/compat.h"
#include <slurm/slurmdb.h>
#include "base/arena.h"
#include "slurm/backend.h"
#include "slurm/wire.h"

#define QOS_MAX 4096 /* ids above are not named */

struct work {
	const assoc_mgr_info_msg_t *msg;
	struct uc_wire *wire;
	struct uc_arena *arena; /* strings made here */
	uint32_t user_id;
	const char *qos_names[QOS_MAX];
};

static struct uc_raw set_or_null(const char *text)
{
	return uc_raw(text && *text ? text : NULL);
}

/* Minutes; no limit is UC_NOT_SET. */
static int64_t wall_limit(uint32_t minutes)
{
	return minutes == NO_VAL || minutes == INFINITE ? UC_NOT_SET
							: (int64_t)minutes * 60;
}

static struct uc_raw keep(struct work *work, const struct uc_buf *text)
{
	return text->len ? uc_raw(uc_arena_strdup(work->arena, uc_buf_text(text)))
			 : uc_raw(NULL);
}

/* One value for each TRES that the cluster counts; INFINITE64 = no limit. */
static struct uc_raw tres_list(struct work *work, const uint64_t *values, bool used)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	for (uint32_t i = 0; values && i < work->msg->tres_cnt; i++) {
		const char *name = work->msg->tres_names[i];

		if (!name || values[i] == INFINITE64 || values[i] == NO_VAL64 ||
		    (used && !values[i]))
			continue;
		uc_buf_addf(&text, "%s%s=%" PRIu64 "%s", text.len ? "," : "", name,
			    values[i], strcmp(name, "mem") ? "" : "M");
	}
	return keep(work, &text);
}

static void add_qos_name(struct work *work, const slurmdb_qos_rec_t *qos)
{
	if (qos->id < QOS_MAX)
		work->qos_names[qos->id] = qos->name;
}

static const char *qos_name(const struct work *work, uint32_t id)
{
	return id < QOS_MAX ? work->qos_names[id] : NULL;
}

/* Their ids, as text. */
static struct uc_raw allowed_qos(struct work *work, const slurmdb_assoc_rec_t *assoc)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	uc_list_iterator *it;
	const char *id;

	if (!assoc->qos_list)
		return uc_raw(NULL);
	it = slurm_list_iterator_create(assoc->qos_list);
	while ((id = slurm_list_next(it))) {
		const char *name = qos_name(work, (uint32_t)strtoul(id, NULL, 10));

		if (name)
			uc_buf_addf(&text, "%s%s", text.len ? "," : "", name);
	}
	slurm_list_iterator_destroy(it);
	return keep(work, &text);
}

/* priority/basic leaves them unset, NaN or negative. */
static uint32_t millionths(double value)
{
	return value > 0 && value <= 4000 ? (uint32_t)(value * 1e6 + 0.5) : 0;
}

static void add_association(struct work *work, const slurmdb_assoc_rec_t *assoc)
{
	const bool own = assoc->user && *assoc->user;
	struct uc_limit row;

	if (own && assoc->uid != work->user_id)
		return;
	uc_row_clear(uc_rows_type(UC_ROWS_LIMITS), &row);
	row.kind = own ? UC_LIMIT_ASSOCIATION : UC_LIMIT_ACCOUNT;
	row.user = set_or_null(assoc->user);
	row.user_id = own ? assoc->uid : UC_NONE32;
	row.account = set_or_null(assoc->acct);
	row.parent = set_or_null(assoc->parent_acct);
	row.partition = set_or_null(assoc->partition);
	row.is_default = own && assoc->is_def == 1;
	row.qos = allowed_qos(work, assoc);
	row.default_qos = set_or_null(qos_name(work, assoc->def_qos_id));
	row.priority = backend_u32(assoc->priority);
	row.wall_max = wall_limit(assoc->max_wall_pj);
	row.tres_job = tres_list(work, assoc->max_tres_ctld, false);
	row.tres_node = tres_list(work, assoc->max_tres_pn_ctld, false);
	row.tres_minutes = tres_list(work, assoc->max_tres_mins_ctld, false);
	row.jobs_max = backend_u32(assoc->max_jobs);
	row.submit_max = backend_u32(assoc->max_submit_jobs);
	row.group_jobs = backend_u32(assoc->grp_jobs);
	row.group_submit = backend_u32(assoc->grp_submit_jobs);
	row.group_wall = wall_limit(assoc->grp_wall);
	row.tres_group = tres_list(work, assoc->grp_tres_ctld, false);
	row.tres_group_minutes = tres_list(work, assoc->grp_tres_mins_ctld, false);
	row.tres_running_minutes = tres_list(work, assoc->grp_tres_run_mins_ctld, false);
	if (assoc->usage) {
		row.jobs_used = assoc->usage->used_jobs;
		row.submit_used = assoc->usage->used_submit_jobs;
		row.tres_group_used = tres_list(work, assoc->usage->grp_used_tres, true);
		row.share = millionths(assoc->usage->shares_norm);
		row.usage = millionths((double)assoc->usage->usage_efctv);
		row.factor = millionths(assoc->usage->fs_factor);
	}
	uc_wire_add(work->wire, &row);
}

static uint32_t qos_flags(uint32_t flags)
{
	static const struct {
		uint32_t slurm, ours;
	} map[] = {
		{ QOS_FLAG_DENY_LIMIT, UC_LIMIT_DENY },
		{ QOS_FLAG_PART_TIME_LIMIT, UC_LIMIT_ANY_TIME },
		{ QOS_FLAG_PART_MIN_NODE, UC_LIMIT_FEWER_NODES },
		{ QOS_FLAG_PART_MAX_NODE, UC_LIMIT_MORE_NODES },
		{ QOS_FLAG_OVER_PART_QOS, UC_LIMIT_FIRST },
	};
	uint32_t ours = 0;

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (flags & map[i].slurm)
			ours |= map[i].ours;
	return ours;
}

/* What the user has in use in this QOS. */
static void fill_own_usage(struct work *work, const slurmdb_qos_rec_t *qos,
			   struct uc_limit *row)
{
	uc_list_iterator *it;
	const slurmdb_used_limits_t *used;

	if (!qos->usage || !qos->usage->user_limit_list)
		return;
	it = slurm_list_iterator_create(qos->usage->user_limit_list);
	while ((used = slurm_list_next(it))) {
		if (used->uid != work->user_id)
			continue;
		row->user_jobs_used = used->jobs;
		row->user_submit_used = used->submit_jobs;
		row->tres_user_used = tres_list(work, used->tres, true);
	}
	slurm_list_iterator_destroy(it);
}

static void add_qos(struct work *work, const slurmdb_qos_rec_t *qos)
{
	struct uc_limit row;

	uc_row_clear(uc_rows_type(UC_ROWS_LIMITS), &row);
	row.kind = UC_LIMIT_QOS;
	row.name = set_or_null(qos->name);
	row.user_id = UC_NONE32;
	row.flags = qos_flags((uint32_t)qos->flags);
	row.priority = backend_u32(qos->priority);
	row.wall_max = wall_limit(qos->max_wall_pj);
	row.tres_job = tres_list(work, qos->max_tres_pj_ctld, false);
	row.tres_job_min = tres_list(work, qos->min_tres_pj_ctld, false);
	row.tres_node = tres_list(work, qos->max_tres_pn_ctld, false);
	row.tres_minutes = tres_list(work, qos->max_tres_mins_pj_ctld, false);
	row.user_jobs = backend_u32(qos->max_jobs_pu);
	row.user_submit = backend_u32(qos->max_submit_jobs_pu);
	row.account_jobs = backend_u32(qos->max_jobs_pa);
	row.account_submit = backend_u32(qos->max_submit_jobs_pa);
	row.tres_user = tres_list(work, qos->max_tres_pu_ctld, false);
	row.tres_account = tres_list(work, qos->max_tres_pa_ctld, false);
	row.group_jobs = backend_u32(qos->grp_jobs);
	row.group_submit = backend_u32(qos->grp_submit_jobs);
	row.group_wall = wall_limit(qos->grp_wall);
	row.tres_group = tres_list(work, qos->grp_tres_ctld, false);
	row.tres_group_minutes = tres_list(work, qos->grp_tres_mins_ctld, false);
	row.tres_running_minutes = tres_list(work, qos->grp_tres_run_mins_ctld, false);
	if (qos->usage) {
		row.jobs_used = qos->usage->grp_used_jobs;
		row.submit_used = qos->usage->grp_used_submit_jobs;
		row.tres_group_used = tres_list(work, qos->usage->grp_used_tres, true);
	}
	fill_own_usage(work, qos, &row);
	uc_wire_add(work->wire, &row);
}

static int pack(struct work *work, struct uc_error *err)
{
	uc_list_iterator *it;
	void *record;

	if (work->msg->qos_list) {
		it = slurm_list_iterator_create(work->msg->qos_list);
		while ((record = slurm_list_next(it)))
			add_qos_name(work, record);
		slurm_list_iterator_reset(it);
		while ((record = slurm_list_next(it)))
			add_qos(work, record);
		slurm_list_iterator_destroy(it);
	}
	if (work->msg->assoc_list) {
		it = slurm_list_iterator_create(work->msg->assoc_list);
		while ((record = slurm_list_next(it)))
			add_association(work, record);
		slurm_list_iterator_destroy(it);
	}
	if (uc_arena_failed(work->arena))
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_wire_finish(work->wire, (int64_t)time(NULL), 0, err);
}

int backend_limits(const struct uc_frame *question, struct uc_frame *answer,
		   struct uc_error *err)
{
	struct work work = { .user_id = uc_frame_u32(question, UC_TAG_USER_ID, 0) };
	assoc_mgr_info_request_msg_t request = {
		.flags = ASSOC_MGR_INFO_FLAG_ASSOC | ASSOC_MGR_INFO_FLAG_QOS,
	};
	assoc_mgr_info_msg_t *msg = NULL;
	char *name = (char *)(uintptr_t)backend_user_name(work.user_id);
	int rc;

	if (!name)
		return uc_fail(err, UC_FAILED, "out of memory");
	request.user_list = slurm_list_create(NULL);
	slurm_list_append(request.user_list, name);
	rc = slurm_load_assoc_mgr_info(&request, &msg) == SLURM_SUCCESS ? 0 : errno;
	slurm_list_destroy(request.user_list);
	if (rc)
		return backend_fail(err, rc, "loading limits");
	work.msg = msg;
	work.wire = uc_wire_new(UC_ROWS_LIMITS);
	work.arena = uc_arena_new();
	if (!work.wire || !work.arena)
		uc_fail(err, UC_FAILED, "out of memory");
	else
		answer->fd = pack(&work, err);
	uc_wire_free(work.wire);
	uc_arena_free(work.arena);
	slurm_free_assoc_mgr_info_msg(msg);
	return answer->fd < 0 ? -1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Jobs and steps as slurmdbd has them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <ucluster/gres.h>
#include <ucluster/history.h>
#include "slurm/backend_history.h"
#include "base/arena.h"
#include "slurm/backend.h"
#include "slurm/tres_ids.h"
#include "slurm/wire.h"

struct work {
	const struct uc_frame *question;
	struct uc_wire *wire;
	struct uc_arena
		*arena; /* strings made here; emptied row by row would cost more */
	struct backend_names {
		struct name {
			uint32_t id;
			char *text;
		} * item;
		size_t count;
	} tres, qos;
	uint32_t gpu_use, gpu_memory; /* ids of what the site measures, or 0 */
	bool failed;
};

static struct uc_raw set_or_null(const char *text)
{
	return uc_raw(text && *text ? text : NULL);
}

static const char *find_name(const struct backend_names *names, uint32_t id)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->item[i].id == id)
			return names->item[i].text;
	return NULL;
}

static void add_name(struct work *work, struct backend_names *names, uint32_t id,
		     const char *type, const char *name)
{
	struct name *bigger =
		reallocarray(names->item, names->count + 1, sizeof(*bigger));
	char *text = type ? uc_arena_printf(work->arena, "%s%s%s", type,
					    name && *name ? "/" : "", name ?: "")
			  : uc_arena_strdup(work->arena, name);

	if (bigger)
		names->item = bigger;
	if (!bigger || !text) {
		work->failed = true;
		return;
	}
	names->item[names->count++] = (struct name){ id, text };
}

static void load_tres_names(struct work *work, void *connection)
{
	slurmdb_tres_cond_t condition;
	uc_list *list;
	uc_list_iterator *it;
	const slurmdb_tres_rec_t *tres;

	slurmdb_init_tres_cond(&condition, false);
	list = slurmdb_tres_get(connection, &condition);
	if (!list)
		return;
	it = slurm_list_iterator_create(list);
	while ((tres = slurm_list_next(it))) {
		if (!tres->type)
			continue;
		add_name(work, &work->tres, tres->id, tres->type, tres->name);
		if (strcmp(tres->type, "gres") || !tres->name)
			continue;
		if (!strcmp(tres->name, "gpuutil"))
			work->gpu_use = tres->id;
		if (!strcmp(tres->name, "gpumem"))
			work->gpu_memory = tres->id;
	}
	slurm_list_iterator_destroy(it);
	slurm_list_destroy(list);
}

static void load_qos_names(struct work *work, void *connection)
{
	slurmdb_qos_cond_t condition = { 0 };
	uc_list *list = slurmdb_qos_get(connection, &condition);
	uc_list_iterator *it;
	const slurmdb_qos_rec_t *qos;

	if (!list)
		return;
	it = slurm_list_iterator_create(list);
	while ((qos = slurm_list_next(it)))
		if (qos->name)
			add_name(work, &work->qos, qos->id, NULL, qos->name);
	slurm_list_iterator_destroy(it);
	slurm_list_destroy(list);
}

/* "1=2,2=512,1001=1" as "cpu=2,mem=512M,gres/gpu=1". */
static struct uc_raw tres_list(struct work *work, const char *ids)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	const char *rest = ids;
	uint64_t value;
	uint32_t id;

	while (uc_tres_ids_next(&rest, &id, &value)) {
		const char *name = find_name(&work->tres, id);

		if (name)
			uc_buf_addf(&text, "%s%s=%" PRIu64 "%s", text.len ? "," : "",
				    name, value, id == UC_TRES_MEMORY ? "M" : "");
	}
	work->failed = work->failed || text.failed;
	return text.len ? uc_raw(uc_arena_strdup(work->arena, uc_buf_text(&text)))
			: uc_raw(NULL);
}

static void fill_gpus(struct work *work, const char *tres, struct uc_past *to)
{
	uc_auto(buf) struct uc_buf types = { 0 };
	struct uc_gpus gpus = { 0 };
	bool counted = false;

	for (size_t i = 0; i < work->tres.count; i++)
		counted = counted || !strcmp(work->tres.item[i].text, "gres/gpu");
	if (!counted)
		return;
	uc_gpus_add(&gpus, tres);
	to->gpus = gpus.count < UC_NONE32 ? (uint32_t)gpus.count : UC_NONE32;
	uc_buf_gpu_types(&types, &gpus);
	if (types.len)
		to->gpu_types = uc_raw(uc_arena_strdup(work->arena, uc_buf_text(&types)));
	work->failed = work->failed || types.failed;
}

static void fill_amounts(struct work *work, const slurmdb_job_rec_t *from,
			 struct uc_past *to)
{
	const char *given = from->tres_alloc_str;

	to->tres_req = tres_list(work, from->tres_req_str);
	to->tres_alloc = tres_list(work, given);
	if (uc_raw_empty(to->tres_alloc))
		given = from->tres_req_str;
	to->node_count = (uint32_t)uc_tres_ids_get(given, UC_TRES_NODE, 0);
	to->cpus = (uint32_t)uc_tres_ids_get(given, UC_TRES_CPU, from->req_cpus);
	to->memory_total = uc_tres_ids_get(given, UC_TRES_MEMORY, 0) << 20;
	fill_gpus(work,
		  uc_raw_empty(to->tres_alloc) ? to->tres_req.bytes
					       : to->tres_alloc.bytes,
		  to);
	if (from->req_mem == NO_VAL64)
		return;
	to->memory_per_cpu = (from->req_mem & MEM_PER_CPU) != 0;
	to->memory = (from->req_mem & ~MEM_PER_CPU) << 20;
}

static void fill_texts(struct work *work, const slurmdb_job_rec_t *from,
		       struct uc_past *to)
{
	to->user = uc_raw(from->user && *from->user ? from->user
						    : backend_user_name(from->uid));
	to->account = set_or_null(from->account);
	to->partition = set_or_null(from->partition);
	to->qos = set_or_null(find_name(&work->qos, from->qosid));
	to->name = set_or_null(from->jobname);
	to->wckey = set_or_null(from->wckey);
	to->cluster = set_or_null(from->cluster);
	to->reservation = set_or_null(from->resv_name);
	to->failed_node = set_or_null(uc_past_failed_node(from));
	to->features = set_or_null(from->constraints);
	to->licenses = set_or_null(uc_past_licenses(from));
	to->container = set_or_null(uc_past_container(from));
	to->workdir = set_or_null(from->work_dir);
	to->std_in = set_or_null(uc_past_std_in(from));
	to->std_out = set_or_null(uc_past_std_out(from));
	to->std_err = set_or_null(uc_past_std_err(from));
	to->submit_line = set_or_null(uc_past_submit_line(from));
	to->comment = set_or_null(from->derived_es);
	to->admin_comment = set_or_null(from->admin_comment);
	to->array_tasks = set_or_null(from->array_task_str);
	if (from->nodes && strcmp(from->nodes, "None assigned"))
		to->nodes = set_or_null(from->nodes);
}

static void fill_job(struct work *work, const slurmdb_job_rec_t *from, struct uc_past *to)
{
	to->job_id = from->jobid;
	to->array_job_id = from->array_job_id;
	to->array_task_id =
		from->array_job_id ? backend_u32(from->array_task_id) : UC_NONE32;
	to->het_job_id = from->het_job_id;
	to->het_offset = from->het_job_id ? backend_u32(from->het_job_offset) : 0;
	to->user_id = from->uid;
	to->group_id = from->gid;
	to->state = from->state;
	to->exit_status = from->exitcode;
	to->derived_status = from->derived_ec;
	if ((from->state & JOB_STATE_BASE) == JOB_CANCELLED &&
	    backend_u32(from->requid) != UC_NONE32) {
		to->cancelled_uid = from->requid;
		to->cancelled_by = uc_raw(backend_user_name(from->requid));
	}
	to->priority = from->priority;
	to->restarts = uc_past_restarts(from);
	to->submit_time = from->submit;
	to->eligible_time = from->eligible;
	to->start_time = from->start;
	to->end_time = from->end;
	to->elapsed = from->start ? from->elapsed : 0;
	to->suspended = from->suspended;
	to->time_limit = backend_minutes(from->timelimit);
	fill_texts(work, from, to);
	fill_amounts(work, from, to);
}

static struct uc_raw step_name(struct work *work, const slurmdb_step_rec_t *step)
{
	const uint32_t id = step->step_id.step_id, part = step->step_id.step_het_comp;

	switch (id) {
	case SLURM_BATCH_SCRIPT:
		return uc_raw("batch");
	case SLURM_EXTERN_CONT:
		return uc_raw("extern");
	case SLURM_INTERACTIVE_STEP:
		return uc_raw("interactive");
	}
	return uc_raw(part == NO_VAL ? uc_arena_printf(work->arena, "%u", id)
				     : uc_arena_printf(work->arena, "%u+%u", id, part));
}

static uint64_t milliseconds(uint64_t seconds, uint64_t micros)
{
	return seconds * 1000 + micros / 1000;
}

/* A step that was not sampled has no memory; its CPU time is then no figure either. */
static void fill_use(const struct work *work, const slurmdb_step_rec_t *step,
		     struct uc_past *to)
{
	const slurmdb_stats_t *use = &step->stats;

	to->memory_peak =
		uc_tres_ids_get(use->tres_usage_in_max, UC_TRES_MEMORY, UC_NONE64);
	to->memory_sum =
		uc_tres_ids_get(use->tres_usage_in_tot, UC_TRES_MEMORY, UC_NONE64);
	to->bytes_read = uc_tres_ids_get(use->tres_usage_in_tot, UC_TRES_DISK, UC_NONE64);
	to->bytes_written =
		uc_tres_ids_get(use->tres_usage_out_tot, UC_TRES_DISK, UC_NONE64);
	if (work->gpu_use)
		to->gpu_percent =
			uc_tres_ids_get(use->tres_usage_in_ave, work->gpu_use, UC_NONE64);
	if (work->gpu_memory)
		to->gpu_memory = uc_tres_ids_get(use->tres_usage_in_max, work->gpu_memory,
						 UC_NONE64);
	if (to->memory_peak == UC_NONE64 && !step->tot_cpu_sec && !step->tot_cpu_usec)
		return;
	to->cpu_ms = milliseconds(step->tot_cpu_sec, step->tot_cpu_usec);
	to->cpu_user_ms = milliseconds(step->user_cpu_sec, step->user_cpu_usec);
	to->cpu_system_ms = milliseconds(step->sys_cpu_sec, step->sys_cpu_usec);
}

static void add_step(struct work *work, const struct uc_past *job,
		     const slurmdb_step_rec_t *step)
{
	const char *given = step->tres_alloc_str;
	struct uc_past row;

	uc_row_clear(uc_rows_type(UC_ROWS_HISTORY), &row);
	row.job_id = job->job_id;
	row.array_job_id = job->array_job_id;
	row.array_task_id = job->array_task_id;
	row.het_job_id = job->het_job_id;
	row.het_offset = job->het_offset;
	row.user_id = job->user_id;
	row.user = job->user;
	row.step = step_name(work, step);
	row.name = set_or_null(step->stepname);
	row.state = step->state;
	row.exit_status = (uint32_t)step->exitcode;
	if ((step->state & JOB_STATE_BASE) == JOB_CANCELLED &&
	    backend_u32(step->requid) != UC_NONE32) {
		row.cancelled_uid = step->requid;
		row.cancelled_by = uc_raw(backend_user_name(step->requid));
	}
	row.start_time = step->start;
	row.end_time = step->end;
	row.elapsed = step->elapsed;
	row.suspended = step->suspended;
	row.nodes = set_or_null(step->nodes);
	row.node_count = step->nnodes;
	row.tasks = backend_u32(step->ntasks);
	row.tres_alloc = tres_list(work, given);
	row.cpus = (uint32_t)uc_tres_ids_get(given, UC_TRES_CPU, 0);
	row.memory_total = uc_tres_ids_get(given, UC_TRES_MEMORY, 0) << 20;
	fill_gpus(work, row.tres_alloc.bytes, &row);
	row.submit_line = set_or_null(uc_past_step_line(step));
	fill_use(work, step, &row);
	uc_wire_add(work->wire, &row);
}

static void add_job(struct work *work, const slurmdb_job_rec_t *job)
{
	struct uc_past row;
	uc_list_iterator *it;
	const slurmdb_step_rec_t *step;

	uc_row_clear(uc_rows_type(UC_ROWS_HISTORY), &row);
	fill_job(work, job, &row);
	uc_wire_add(work->wire, &row);
	if (!job->steps)
		return;
	it = slurm_list_iterator_create(job->steps);
	while ((step = slurm_list_next(it)))
		add_step(work, &row, step);
	slurm_list_iterator_destroy(it);
}

static int64_t asked_time(const struct uc_frame *question, enum uc_frame_tag tag)
{
	struct uc_frame_item item;
	int64_t when = 0;

	for (size_t at = 0; uc_frame_next(question, &at, &item);)
		if (item.tag == tag && item.len == sizeof(when))
			memcpy(&when, item.bytes, sizeof(when));
	return when;
}

static bool has_tag(const struct uc_frame *question, enum uc_frame_tag tag)
{
	struct uc_frame_item item;

	for (size_t at = 0; uc_frame_next(question, &at, &item);)
		if (item.tag == tag)
			return true;
	return false;
}

static void free_item(void *item)
{
	free(item);
}

/* As slurmdbd wants a user: the number as text. */
static char *number_text(uint32_t number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	return strdup(text);
}

/* What is asked for. The lists own their items. */
static void make_condition(struct work *work, slurmdb_job_cond_t *condition,
			   char *cluster)
{
	struct uc_frame_item item;

	condition->db_flags = SLURMDB_JOB_FLAG_NOTSET;
	/* times as they were, and each run of a requeued job */
	condition->flags = JOBCOND_FLAG_NO_TRUNC | JOBCOND_FLAG_DUP;
	if (!has_tag(work->question, UC_TAG_DETAIL))
		condition->flags |= JOBCOND_FLAG_NO_STEP;
	condition->usage_start = asked_time(work->question, UC_TAG_START);
	condition->usage_end = asked_time(work->question, UC_TAG_END);
	if (!condition->usage_end)
		condition->usage_end = time(NULL) + 1;
	condition->cluster_list = slurm_list_create(NULL);
	slurm_list_append(condition->cluster_list, cluster);
	condition->userid_list = slurm_list_create(free_item);
	condition->step_list = slurm_list_create(free_item);
	for (size_t at = 0; uc_frame_next(work->question, &at, &item);) {
		uint32_t id;
		void *made;

		if ((item.tag != UC_TAG_USER_ID && item.tag != UC_TAG_JOB_ID) ||
		    item.len != sizeof(id))
			continue;
		memcpy(&id, item.bytes, sizeof(id));
		made = item.tag == UC_TAG_JOB_ID ? (void *)uc_selected_job(id)
						 : (void *)number_text(id);
		work->failed = work->failed || !made;
		if (made)
			slurm_list_append(item.tag == UC_TAG_JOB_ID
						  ? condition->step_list
						  : condition->userid_list,
					  made);
	}
}

static void free_condition(slurmdb_job_cond_t *condition)
{
	slurm_list_destroy(condition->cluster_list);
	slurm_list_destroy(condition->userid_list);
	slurm_list_destroy(condition->step_list);
}

static int ask(struct work *work, void *connection, char *cluster, struct uc_error *err)
{
	slurmdb_job_cond_t condition = { 0 };
	uc_list *list;
	uc_list_iterator *it;
	const slurmdb_job_rec_t *job;

	load_tres_names(work, connection);
	load_qos_names(work, connection);
	make_condition(work, &condition, cluster);
	errno = 0;
	list = work->failed ? NULL : slurmdb_jobs_get(connection, &condition);
	free_condition(&condition);
	if (!list && errno == ESLURM_ACCESS_DENIED)
		return uc_fail(err, UC_DENIED, "slurmdbd denies it");
	if (!list)
		return uc_fail(err, work->failed ? UC_FAILED : UC_UNREACHABLE, "%s",
			       work->failed ? "out of memory"
					    : "slurmdbd does not answer");
	it = slurm_list_iterator_create(list);
	while ((job = slurm_list_next(it)))
		add_job(work, job);
	slurm_list_iterator_destroy(it);
	/* their strings have been copied */
	slurm_list_destroy(list);
	if (work->failed || uc_arena_failed(work->arena))
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_wire_finish(work->wire, (int64_t)time(NULL), 0, err);
}

/* From here on it is slurmdbd that does not answer, when nobody does. */
static int say_asking(struct uc_error *err)
{
	uc_auto(frame) struct uc_frame sending = UC_FRAME(UC_SAY_SENDING);
	struct uc_frame_progress at = { 0 };

	if (uc_frame_send(BACKEND_SOCKET, &sending, &at, 0) == 1)
		return 0;
	return uc_fail(err, UC_FAILED, "nobody waits for the answer any more");
}

static int ask_accounting(struct work *work, slurm_conf_t *conf, struct uc_frame *answer,
			  struct uc_error *err)
{
	uint16_t flags = 0;
	void *connection;

	if (say_asking(err) < 0)
		return -1;
	connection = slurmdb_connection_get(&flags);
	work->wire = uc_wire_new(UC_ROWS_HISTORY);
	work->arena = uc_arena_new();
	if (!connection)
		uc_fail(err, UC_UNREACHABLE, "slurmdbd does not answer");
	else if (!work->wire || !work->arena)
		uc_fail(err, UC_FAILED, "out of memory");
	else
		answer->fd = ask(work, connection, conf->cluster_name, err);
	if (connection)
		slurmdb_connection_close(&connection);
	uc_wire_free(work->wire);
	uc_arena_free(work->arena);
	free(work->tres.item);
	free(work->qos.item);
	return answer->fd < 0 ? -1 : 0;
}

int backend_history(const struct uc_frame *question, struct uc_frame *answer,
		    struct uc_error *err)
{
	struct work work = { .question = question };
	slurm_conf_t *conf = NULL;
	int rc = 0;

	if (slurm_load_ctl_conf(0, &conf) != SLURM_SUCCESS)
		return backend_fail(err, errno, "loading the configuration");
	if (conf->job_acct_gather_type)
		uc_frame_add_text(answer, UC_TAG_NOTE, conf->job_acct_gather_type);
	if (conf->job_acct_gather_freq)
		uc_frame_add_text(answer, UC_TAG_TEXT, conf->job_acct_gather_freq);
	/* without a table: there is no accounting */
	if (conf->accounting_storage_type &&
	    strstr(conf->accounting_storage_type, "slurmdbd"))
		rc = ask_accounting(&work, conf, answer, err);
	uc_slurm_free_conf(conf);
	return rc;
}

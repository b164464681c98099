/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --json: what a frame is drawn from, with raw values. */
#include <stdio.h>
#include <stdlib.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <string.h>
#include <ucluster/units.h>
#include "udash/jobs.h"

/* Sums over the GPUs of one model. */
struct sums {
	const char *type;
	uint64_t count[UC_GPU_OUT + 1];
};

static struct sums *sums_of(struct sums **all, size_t *count, const char *type)
{
	struct sums *more;

	for (size_t i = 0; i < *count; i++)
		if (strcmp((*all)[i].type, type) == 0)
			return &(*all)[i];
	more = reallocarray(*all, *count + 1, sizeof(*more));
	if (!more)
		return NULL;
	*all = more;
	more[*count] = (struct sums){ .type = type };
	return &more[(*count)++];
}

static json_t *text(struct uc_raw raw)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	if (uc_raw_empty(raw))
		return json_null();
	uc_buf_safe(&safe, raw, 0);
	return json_string(uc_buf_text(&safe));
}

static json_t *dump_gpus(const struct uc_gpu_map *map)
{
	json_t *list = json_array();
	struct sums *all = NULL;
	size_t count = 0;

	for (size_t n = 0; n < map->count; n++)
		for (size_t i = 0; i < map->node[n].count; i++) {
			const struct uc_gpu_slot *slot = &map->node[n].slot[i];
			struct sums *sums = sums_of(
				&all, &count,
				uc_raw_empty(slot->type) ? "gpu" : slot->type.bytes);

			if (sums)
				sums->count[slot->holder]++;
		}
	for (size_t i = 0; i < count; i++) {
		const uint64_t *c = all[i].count;

		json_array_append_new(list,
				      json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "type",
						text(uc_raw(all[i].type)), "free",
						(json_int_t)c[UC_GPU_FREE], "mine",
						(json_int_t)c[UC_GPU_MINE], "others",
						(json_int_t)c[UC_GPU_OTHER], "reserved",
						(json_int_t)c[UC_GPU_RESERVED], "out",
						(json_int_t)c[UC_GPU_OUT]));
	}
	free(all);
	return list;
}

static json_t *dump_job(const struct dash *d, const struct jobs_row *row)
{
	const struct uc_job *job = row->job;
	uc_auto(buf) struct uc_buf id = { 0 };
	const char *state = uc_job_state_name(job->state);
	json_t *out;

	if (row->records > 1)
		uc_buf_addi(&id, job->array_job_id);
	else
		uc_buf_job_id(&id, job, UC_NONE32);
	out = json_pack("{s:s, s:o, s:o, s:o, s:s?, s:I, s:I, s:o, s:b}", "id",
			uc_buf_text(&id), "user", text(job->user), "name",
			text(job->name), "partition", text(job->partition), "state",
			state, "running", (json_int_t)row->running, "waiting",
			(json_int_t)row->waiting, "nodes", text(job->nodes), "mine",
			dash_is_mine(d, job));
	if (!out)
		return json_null();
	json_object_set_new(out, "elapsed",
			    json_integer(uc_job_elapsed(job, d->data->now)));
	json_object_set_new(out, "time_limit",
			    job->time_limit == UC_NOT_SET ||
					    job->time_limit == UC_DURATION_INFINITE
				    ? json_null()
				    : json_integer(job->time_limit));
	json_object_set_new(out, "gpus",
			    row->records > 1         ? json_integer((json_int_t)row->gpus)
			    : job->gpus == UC_NONE32 ? json_null()
						     : json_integer(job->gpus));
	json_object_set_new(out, "why",
			    uc_job_waits(job) ? json_string(uc_reason_short(job->reason))
					      : json_null());
	return out;
}

static json_t *dump_jobs(const struct dash *d)
{
	const struct jobs_pane *p = d->pane[DASH_JOBS];
	json_t *list = json_array();

	for (size_t i = 0; i < p->list.count; i++)
		json_array_append_new(list, dump_job(d, &p->row[i]));
	return list;
}

int dash_dump(const struct dash *d, struct uc_error *err)
{
	json_t *out = json_pack("{s:i, s:I, s:I, s:b, s:o, s:o}", "version", 1, "now",
				(json_int_t)d->data->now, "took_ms",
				(json_int_t)d->data->took_ms, "live", d->data->live,
				"gpus", dump_gpus(d->data->map), "jobs", dump_jobs(d));
	char *text = out ? json_dumps(out, JSON_INDENT(1)) : NULL;

	json_decref(out);
	if (!text)
		return uc_fail(err, UC_FAILED, "out of memory");
	puts(text); /* what cannot be written is said at the end */
	free(text);
	return 0;
}

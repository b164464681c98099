/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uqueue eff: what jobs used of what they were given, and what to ask for instead. */
#include <stdio.h>
#include <string.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "uqueue/about.h"
#include "uqueue/eff.h"

/* Narrow a history of our own down to one task or component; steps go with their job. */
static void match_history(struct uc_history *history, const struct uc_job_id *id)
{
	struct uc_past *row = (struct uc_past *)(uintptr_t)history->row;
	bool wanted = false;
	size_t kept = 0;

	for (size_t i = 0; i < history->count; i++) {
		struct uc_job job;

		if (!row[i].step.bytes) {
			uc_job_of_past(&job, &row[i]);
			wanted = uc_job_id_match(id, &job);
		}
		if (wanted)
			row[kept++] = row[i];
	}
	history->count = kept;
}

int uqueue_eff_load(struct uc_source *source, const struct uc_job_id *id,
		    struct uqueue_eff *out, struct uc_error *err)
{
	const uint32_t job = id->job;
	const struct uc_history_query query = { .job_ids = &job,
						.job_count = 1,
						.steps = true };

	*out = (struct uqueue_eff){ 0 };
	if (uc_history_load(source, &query, &out->facts, &out->history, err) < 0)
		return -1;
	match_history(out->history, id);
	if (uc_efficiency_of(out->history, &out->efficiency, err) < 0) {
		uqueue_eff_free(out);
		return -1;
	}
	out->advice_count =
		uc_efficiency_advice(&out->efficiency, out->advice, UC_ADVICE_MAX);
	return 0;
}

void uqueue_eff_free(struct uqueue_eff *eff)
{
	uc_history_free(eff->history);
	eff->history = NULL;
}

/* "Job 4711 (train): completed", "Job 4711 (sweep): 50 runs, 48 completed, 2 wait". */
static void add_head(struct uc_buf *out, const char *word, const struct uqueue_eff *eff,
		     unsigned safe)
{
	const struct uc_efficiency *e = &eff->efficiency;
	const struct uc_past *first = &eff->history->row[0];
	struct uc_ending ending;

	uc_buf_addf(out, "Job %s", word);
	if (!uc_raw_empty(first->name)) {
		uc_buf_add(out, " (");
		uc_buf_safe(out, first->name, safe);
		uc_buf_addc(out, ')');
	}
	if (e->runs == 1 && !e->waiting) {
		uc_ending_of_past(&ending, first);
		uc_buf_addc(out, ' ');
		uc_ending_sentence(out, &ending, safe);
	} else if (!e->runs) {
		uc_buf_add(out, " has not started");
	} else {
		uc_buf_addf(out, ": %zu runs", e->runs);
		uc_buf_addf(out, ", %zu completed", e->completed);
		if (e->running)
			uc_buf_addf(out, ", %zu running", e->running);
		if (e->waiting)
			uc_buf_add(out, ", others wait");
	}
	uc_buf_addc(out, '\n');
}

static int add_job(struct uqueue_about *about, const char *word, struct uc_error *err)
{
	struct uc_json *json = &about->json;
	struct uqueue_eff eff;
	struct uc_job_id id;

	if (uqueue_id_parse(word, NULL, &id, err) < 0 ||
	    uqueue_eff_load(about->source, &id, &eff, err) < 0)
		return -1;
	if (!eff.history->count) {
		uc_fail(err, UC_NOTFOUND, "job %s is not known%s%s", word,
			eff.facts.why[0] ? ": " : "", eff.facts.why);
		uqueue_eff_free(&eff);
		return -1;
	}
	if (about->as_json) {
		uc_json_open(json, NULL, '{');
		uc_json_text(json, "id", uc_raw(word));
		uc_json_text(json, "name", eff.history->row[0].name);
		uc_json_text(json, "user", eff.history->row[0].user);
		uqueue_eff_json(json, &eff);
		uc_json_close(json, '}');
	} else {
		if (json->out->len)
			uc_buf_addc(json->out, '\n');
		add_head(json->out, word, &eff, about->run->safe);
		uqueue_eff_lines(json->out, &eff);
	}
	uqueue_eff_free(&eff);
	return 0;
}

static int run_eff(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	(void)argc;
	return uqueue_about_jobs(run, cmd, argv, add_job);
}

const struct uc_cmd uqueue_eff = {
	.name = "uqueue eff",
	.summary = "say what jobs used of what they asked for",
	.usage = (const char *const[]){ "JOBID...", NULL },
	.options = uqueue_about_options,
	.operands = "JOBID",
	.min_operands = 1,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.fn = run_eff,
	.doc = "Say what jobs used of the CPUs, memory, GPUs and time that they were given,\n"
	       "and what to ask for the next time.\n"
	       "The id of an array stands for all of its tasks that ran:\n"
	       "figures that differ are given from the least to the most.\n"
	       "Figures are those of accounting: samples that nodes take every few seconds,\n"
	       "known once a step has ended.",
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The end of a job that slurmctld has forgotten: from accounting, and from its file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include <ucluster/ending.h>
#include <ucluster/follow.h>
#include <ucluster/history.h>
#include <ucluster/units.h>
#include "common/printer.h"
#include "uattach/uattach.h"

/* The last one that is meant: a job that was requeued has several. */
static const struct uc_past *find(const struct uattach *u,
				  const struct uc_history *history, struct uc_job *job)
{
	const struct uc_past *found = NULL;

	for (size_t i = 0; i < history->count; i++) {
		struct uc_job row = { 0 };

		uc_job_of_past(&row, &history->row[i]);
		if (!uc_raw_empty(history->row[i].step) || !uc_job_id_match(&u->id, &row))
			continue;
		found = &history->row[i];
		*job = row;
	}
	return found;
}

static int show(struct uattach *u, const char *path, struct uc_error *err)
{
	uc_auto(follow) struct uc_follow *follow = uc_follow_new();
	const struct uc_follow_rules rules = {
		.path = path,
		.lines = u->args.from_start   ? UC_FOLLOW_ALL
			 : u->args.lines >= 0 ? u->args.lines
					      : 10,
	};
	struct uc_printer printer = { .run = u->run,
				      .raw = u->args.raw,
				      .grep = u->args.grep };
	struct uc_channel channel = { 0 };
	struct uc_follow_news news;
	int rc = 0;

	if (!follow || uc_follow_add(follow, &rules) < 0)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_printer_open(&printer, err) < 0)
		return -1;
	while (rc == 0 && uc_follow_next(follow, &news)) {
		if (news.kind == UC_FOLLOW_FAILED)
			uc_run_say(u->run, 0, "%s", news.error.text);
		if (news.kind == UC_FOLLOW_BYTES)
			rc = uc_printer_put(&printer, &channel, news.bytes, news.len);
	}
	if (rc == 0)
		rc = uc_printer_flush(&printer, &channel);
	if (rc < 0)
		uc_fail_errno(err, UC_FAILED, errno, "cannot write the job's output");
	uc_channel_free(&channel);
	uc_printer_close(&printer);
	return rc;
}

static int show_output(struct uattach *u, struct uc_job *job, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	/* accounting does not say whether; a file of that name does */
	job->batch = true;
	if (job->workdir.bytes && uc_job_output(job, false, NULL, &path, NULL) == 0 &&
	    access(uc_buf_text(&path), R_OK) == 0)
		return show(u, uc_buf_text(&path), err);
	uc_run_say(u->run, 0, "its output file is not known, or not there any more");
	return 0;
}

int uattach_past(struct uattach *u, struct uc_error *err)
{
	const struct uc_history_query query = { .job_ids = &u->id.job, .job_count = 1 };
	uc_auto(history) struct uc_history *history = NULL;
	uc_auto(buf) struct uc_buf line = { 0 };
	struct uc_history_facts facts;
	struct uc_ending ending;
	struct uc_job job = { 0 };
	const struct uc_past *past;

	if (uc_history_load(u->src, &query, &facts, &history, NULL) < 0)
		return -1;
	past = find(u, history, &job);
	if (!past)
		return -1;
	err->text[0] = '\0';
	if (show_output(u, &job, err) < 0)
		return -1;
	uc_ending_of_past(&ending, past);
	uc_buf_addf(&line, "job %" PRIu32 " ", past->job_id);
	uc_ending_sentence(&line, &ending, u->run->safe);
	if (past->end_time) {
		uc_buf_add(&line, ", ");
		uc_duration_words(&line, history->now - past->end_time);
		uc_buf_add(&line, " ago");
	}
	uc_run_say(u->run, 0, "%s", uc_buf_text(&line));
	u->run->status = uc_ending_code(&ending) > 0 ? uc_ending_code(&ending) : 0;
	return u->run->status ? -1 : 0;
}

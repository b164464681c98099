/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/far.h"
#include "sync/serve_inside.h"

/* Outcomes */

int serve_outcome(struct serve *s, const struct uc_message_outcome *outcome)
{
	uc_write_outcome(&s->outcomes, outcome);
	return 0;
}

int serve_flush_outcomes(struct serve *s, struct uc_error *err)
{
	size_t len = s->outcomes.len;

	if (s->outcomes.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (len == 0)
		return 0;
	if (len > UC_FRAME_MAX)
		return uc_fail(err, UC_FAILED, "too many outcomes at once");
	if (uc_talk_send(&s->talk, UC_FRAME_OUTCOMES, s->outcomes.data, len, len > 4096,
			 err) < 0)
		return -1;
	uc_buf_reset(&s->outcomes);
	return 0;
}

static int refuse(struct serve *s, uint32_t id, const char *why)
{
	struct uc_message_outcome outcome = { .id = id, .outcome = UC_FAR_REFUSED };

	snprintf(outcome.text, sizeof(outcome.text), "%s", why);
	return serve_outcome(s, &outcome);
}

/* Files that are asked for */

void serve_gets_free(struct serve *s)
{
	while (s->get) {
		struct serve_get *get = s->get;

		s->get = get->next;
		free(get);
	}
}

static int add_small(struct serve *s, const struct uc_message_job *job,
		     struct uc_error *err)
{
	size_t len = strlen(job->entry.path);
	struct serve_get *get = malloc(sizeof(*get) + len + 1);

	if (!get)
		return uc_fail(err, UC_FAILED, "out of memory");
	get->next = NULL;
	get->id = job->id;
	get->entry = job->entry;
	get->entry.path = memcpy(get->path, job->entry.path, len + 1);
	get->entry.target = NULL;
	*s->last_get = get;
	s->last_get = &get->next;
	s->gets++;
	s->get_bytes += sizeof(*get) + len + 1;
	return 0;
}

static int add_large(struct serve *s, const struct uc_message_job *job,
		     struct uc_error *err)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	uc_write_number(&buf, job->id);
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_talk_send(&s->talk, UC_FRAME_GET_BEGIN, buf.data, buf.len, false, err) < 0)
		return -1;
	return uc_sender_add(&s->sender, job->id, &job->entry, job->now, err);
}

static int add_get(struct serve *s, const struct uc_message_job *job,
		   struct uc_error *err)
{
	bool small = job->entry.size <= UC_SEND_SMALL;

	if (s->gets >= SERVE_GETS_MAX || s->get_bytes >= SERVE_GETS_BYTES ||
	    (!small && s->sender.count >= SERVE_LARGE_MAX))
		return uc_fail(err, UC_INVALID, "the client asks for too much at once");
	return small ? add_small(s, job, err) : add_large(s, job, err);
}

static int flush_files(struct serve *s, struct uc_error *err)
{
	int status;

	if (s->files.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (s->files.len == 0)
		return 0;
	status = uc_talk_send(&s->talk, UC_FRAME_FILES, s->files.data, s->files.len, true,
			      err);
	uc_buf_reset(&s->files);
	return status;
}

static void take_first(struct serve *s)
{
	struct serve_get *get = s->get;

	s->get = get->next;
	if (!s->get)
		s->last_get = &s->get;
	s->gets--;
	s->get_bytes -= sizeof(*get) + strlen(get->path) + 1;
	free(get);
}

int serve_gets(struct serve *s, struct uc_error *err)
{
	while (s->get && uc_talk_queued(&s->talk) < UC_SEND_QUEUE) {
		const struct serve_get *get = s->get;
		struct uc_message_outcome why;
		unsigned char sha[64];
		size_t before = s->files.len;

		uc_write_number(&s->files, get->id);
		uc_write_number(&s->files, get->entry.size);
		if (uc_sender_read(&s->sender, &get->entry, &s->files, sha, &why) ==
		    UC_FAR_DONE) {
			uc_buf_addn(&s->files, sha, 32);
		} else {
			s->files.len = before;
			why.id = get->id;
			(void)serve_outcome(s, &why);
		}
		take_first(s);
		if (s->files.len >= UC_SEND_BATCH && flush_files(s, err) < 0)
			return -1;
		if (s->outcomes.len > 32768 && serve_flush_outcomes(s, err) < 0)
			return -1;
	}
	return flush_files(s, err);
}

/* Things to do */

/* Why a job must not be done; NULL: it may. */
static const char *fault_of(const struct serve *s, const struct uc_message_job *job)
{
	static const uint8_t kind[] = { [UC_FAR_PUT] = UC_SYNC_FILE,
					[UC_FAR_GET] = UC_SYNC_FILE,
					[UC_FAR_FOLDER] = UC_SYNC_FOLDER,
					[UC_FAR_LINK] = UC_SYNC_LINK,
					[UC_FAR_TWIN] = UC_SYNC_FILE };

	if (!uc_message_path_ok(job->entry.path))
		return "the path is not allowed";
	if (job->what < UC_FAR_META && job->entry.kind != kind[job->what])
		return "the kind does not fit";
	if (job->what == UC_FAR_LINK && !job->entry.target[0])
		return "a link to nothing";
	if (job->what == UC_FAR_TWIN && !uc_message_path_ok(job->twin))
		return "the other path is not allowed";
	if (job->what >= UC_FAR_META && !job->expects)
		return "it is not said what is there";
	if (job->what != UC_FAR_GET && !s->store)
		return "the folder is only read";
	return NULL;
}

static int do_job(struct serve *s, const struct uc_message_job *job)
{
	const struct uc_sync_entry *expect = job->expects ? &job->expect : NULL;
	struct uc_message_outcome outcome;
	struct uc_error err = { 0 };
	int done = UC_STORE_FAILED;

	errno = 0;
	if (job->what == UC_FAR_FOLDER)
		done = uc_store_folder(s->store, &job->entry, expect, &err);
	else if (job->what == UC_FAR_LINK)
		done = uc_store_link(s->store, &job->entry, expect, &err);
	else if (job->what == UC_FAR_TWIN)
		done = uc_store_twin(s->store, &job->entry, job->twin, expect, &err);
	else if (job->what == UC_FAR_META)
		done = uc_store_meta(s->store, &job->entry, expect, &err);
	else if (job->what == UC_FAR_REMOVE)
		done = uc_store_remove(s->store, expect, &err);
	uc_receive_outcome(&outcome, job->id, done, &err);
	return serve_outcome(s, &outcome);
}

static int take_job(struct serve *s, const struct uc_message_job *job,
		    struct uc_error *err)
{
	const char *why = fault_of(s, job);

	if (job->what == UC_FAR_PUT && !job->content)
		return uc_fail(err, UC_INVALID,
			       "the client sent a file without its content");
	if (why)
		return refuse(s, job->id, why);
	if (job->what == UC_FAR_GET)
		return add_get(s, job, err);
	if (job->what != UC_FAR_PUT)
		return do_job(s, job);
	uc_receiver_put(&s->receiver, job);
	return 0;
}

int serve_jobs(struct serve *s, const struct uc_frame *frame, struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);

	s->codec.entry.len = 0;
	s->codec.entry.mtime = 0;
	while (r.at < r.end) {
		struct uc_message_job job;

		uc_read_job(&r, &s->codec, &job);
		if (r.bad)
			return uc_fail(err, UC_INVALID,
				       "the client sent a damaged message");
		if (take_job(s, &job, err) < 0)
			return -1;
		if (s->outcomes.len > 32768 && serve_flush_outcomes(s, err) < 0)
			return -1;
	}
	return 0;
}

int serve_put_begin(struct serve *s, const struct uc_frame *frame, struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);
	struct uc_message_job job;
	const char *why;

	s->codec.entry.len = 0;
	s->codec.entry.mtime = 0;
	uc_read_job(&r, &s->codec, &job);
	if (!uc_read_done(&r) || job.what != UC_FAR_PUT || job.content)
		return uc_fail(err, UC_INVALID, "the client sent a damaged message");
	why = fault_of(s, &job);
	/* It could still send all of it. */
	if (why)
		return uc_fail(err, UC_INVALID, "the client sent a file: %s", why);
	return uc_receiver_begin(&s->receiver, &job, err);
}

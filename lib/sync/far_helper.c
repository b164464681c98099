/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The far end of a sync, as a client sees it: usync --serve over a stream. */
#include "sync/far_helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <ucluster/units.h>

#define TICK_MS  100 /* how often the user is asked */
#define FLUSH_MS 50  /* nothing came: files that arrived go to their places */
/* What a disk may take longer for than the other end for a word. */
#define DISK_FACTOR 10

int helper_bad(struct uc_error *err)
{
	return uc_fail(err, UC_INVALID, "the other end sent a damaged message");
}

/* Messages */

static int take_hello(struct helper *h, const struct uc_frame *frame,
		      struct uc_error *err)
{
	uc_auto(buf) struct uc_buf how = { 0 };
	char build[64];

	if (h->hello)
		return helper_bad(err);
	if (uc_read_hello(frame, build, sizeof(build), err) < 0)
		return -1;
	h->hello = true;
	uc_buf_add(&how, "helper ");
	uc_buf_safe(&how, uc_raw(build), 0);
	if (how.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	snprintf(h->how, sizeof(h->how), "%.*s",
		 (int)uc_text_clip(how.data, sizeof(h->how) / 4), how.data);
	return 0;
}

static int take_opened(struct helper *h, const struct uc_frame *frame,
		       struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);
	struct uc_message_opened opened;
	struct uc_far_info *info = &h->far.info;

	uc_read_opened(&r, &opened);
	if (!uc_read_done(&r) || h->opened)
		return helper_bad(err);
	h->opened = true;
	snprintf(h->root, sizeof(h->root), "%s", opened.root);
	info->deltas = opened.flags & UC_OPENED_DELTAS;
	info->resumes = opened.flags & UC_OPENED_RESUMES;
	info->sums = opened.flags & UC_OPENED_SUMS;
	info->snapshots = opened.flags & UC_OPENED_SNAPSHOTS;
	info->trash = opened.flags & UC_OPENED_TRASH;
	info->nanoseconds = true;
	info->bytes_free = opened.bytes_free;
	info->files_free = opened.files_free;
	info->quota_free = opened.quota_free;
	return 0;
}

static int take_answer(struct helper *h, const struct uc_frame *frame,
		       struct uc_error *err)
{
	if (!h->asked || h->answered || frame->len < 1 || frame->data[0] > 1)
		return helper_bad(err);
	if (h->answer.len + frame->len > HELPER_ANSWER_MAX)
		return uc_fail(err, UC_INVALID, "the other end answers without end");
	uc_buf_addn(&h->answer, frame->data + 1, frame->len - 1);
	if (h->answer.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	h->answered = frame->data[0];
	return 0;
}

/* The answer to a call; otherwise the last that is heard. */
static int take_fault(struct helper *h, const struct uc_frame *frame,
		      struct uc_error *err)
{
	if (!h->asked || h->answered) {
		uc_read_fault(frame, err);
		return -1;
	}
	uc_read_fault(frame, &h->fault);
	h->answered = true;
	return 0;
}

static int take_finished(struct helper *h, const struct uc_frame *frame,
			 struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);

	uc_read_outcome(&r, &h->finish);
	if (!uc_read_done(&r) || !h->finishing || h->finished)
		return helper_bad(err);
	h->finished = true;
	return 0;
}

static int take_beat(struct helper *h, const struct uc_frame *frame, struct uc_error *err)
{
	(void)h;
	return frame->len ? helper_bad(err) : 0;
}

static const struct {
	int (*fn)(struct helper *h, const struct uc_frame *frame, struct uc_error *err);
	bool anytime; /* also before OPENED */
} handler[UC_FRAME_TYPES] = {
	[UC_FRAME_HELLO] = { take_hello, true },
	[UC_FRAME_OPENED] = { take_opened, true },
	[UC_FRAME_FAULT] = { take_fault, true },
	[UC_FRAME_BEAT] = { take_beat, true },
	[UC_FRAME_ENTRIES] = { helper_entries, false },
	[UC_FRAME_NOTE] = { helper_note, false },
	[UC_FRAME_LIST_END] = { helper_list_end, false },
	[UC_FRAME_OUTCOMES] = { helper_outcomes, false },
	[UC_FRAME_FILES] = { helper_files, false },
	[UC_FRAME_GET_BEGIN] = { helper_get_begin, false },
	[UC_FRAME_HAVE] = { helper_have, false },
	[UC_FRAME_SIGS] = { helper_sigs, false },
	[UC_FRAME_PUT_START] = { helper_piece, false },
	[UC_FRAME_PUT_DATA] = { helper_piece, false },
	[UC_FRAME_PUT_COPY] = { helper_piece, false },
	[UC_FRAME_PUT_END] = { helper_piece, false },
	[UC_FRAME_FINISHED] = { take_finished, false },
	[UC_FRAME_ANSWER] = { take_answer, false },
};

static int take_message(struct helper *h, const struct uc_frame *frame,
			struct uc_error *err)
{
	if (!handler[frame->type].fn || (!h->hello && frame->type != UC_FRAME_HELLO) ||
	    (!h->opened && !handler[frame->type].anytime))
		return uc_fail(err, UC_INVALID,
			       "the other end sent a message out of order");
	if (frame->type != UC_FRAME_BEAT)
		h->told_ms = uc_monotonic_ms();
	return handler[frame->type].fn(h, frame, err);
}

/* Nobody there speaks usync: what was said instead may tell why. */
static int say_silent(struct helper *h, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf said = { 0 }, safe = { 0 };
	const struct uc_talk_side *in = &h->talk.input;
	size_t len = h->talk.noise_len < sizeof(h->talk.noise)
			     ? h->talk.noise_len
			     : sizeof(h->talk.noise) - 1;

	/* what may have been the beginning of a greeting was not skipped */
	uc_buf_addn(&said, h->talk.noise, len);
	uc_buf_addn(&said, (const char *)in->data + in->at,
		    in->len - in->at < 100 ? in->len - in->at : 100);
	while (said.len && strchr("\r\n", said.data[said.len - 1]))
		said.data[--said.len] = '\0';
	uc_buf_safen(&safe, uc_buf_text(&said), said.len, 0);
	if (said.len && !safe.failed)
		return uc_fail(err, UC_UNREACHABLE, "no helper answers there, but '%s'",
			       safe.data);
	return uc_fail(err, UC_UNREACHABLE, "no helper answers there");
}

int helper_take(struct helper *h, struct uc_error *err)
{
	struct uc_frame frame;
	int status = 1;

	if (!h->greeted) {
		status = uc_talk_greeted(&h->talk, UC_PREAMBLE_NOISE, err);
		h->greeted = status > 0;
	}
	while (status > 0) {
		status = uc_talk_next(&h->talk, &frame, err);
		if (status > 0 && take_message(h, &frame, err) < 0)
			status = -1;
	}
	if (status == 0 && h->talk.eof && !h->greeted)
		return say_silent(h, err);
	if (status == 0 && h->talk.eof)
		return uc_fail(err, UC_UNREACHABLE, "the connection ended");
	return status;
}

/* All is over: -1, for good. */
static int lose(struct helper *h, struct uc_error *err)
{
	h->far.silent = !h->hello && !h->mute;
	if (!h->lost) {
		h->lost = true;
		h->why = *err;
		helper_lose(h, err);
	}
	return -1;
}

static int check_lost(struct helper *h, struct uc_error *err)
{
	if (!h->lost)
		return 0;
	if (err)
		*err = h->why;
	return -1;
}

static int check_silence(struct helper *h, int silence, struct uc_error *err)
{
	int64_t now = uc_monotonic_ms();

	if (!h->opened)
		silence = h->silence_ms;
	if (now - h->talk.heard_ms <= silence &&
	    now - h->told_ms <= (h->hello ? 30 : 2) * (int64_t)silence)
		return 0;
	h->mute = true;
	if (h->hello)
		return uc_fail(err, UC_UNREACHABLE,
			       "the other end says nothing any more");
	uc_fail(err, UC_UNREACHABLE, "the helper there says nothing, for %d seconds",
		silence / 1000);
	return uc_hint(err, "'--sftp' does without it, '--timeout' waits longer");
}

static void count(struct helper *h)
{
	h->far.bytes_in = h->talk.bytes_in;
	h->far.bytes_out = h->talk.bytes_out;
}

int helper_wait(struct helper *h, const bool *done, int silence, struct uc_error *err)
{
	h->talk.heard_ms = h->told_ms = uc_monotonic_ms();
	for (;;) {
		if (helper_take(h, err) < 0)
			return -1;
		if (*done)
			return 0;
		if (h->options.stop && h->options.stop(h->options.arg))
			return uc_fail(err, UC_FAILED, "interrupted");
		if (uc_sender_pump(&h->sender, err) < 0 ||
		    uc_talk_pump(&h->talk, TICK_MS, err) < 0 ||
		    check_silence(h, silence, err) < 0)
			return -1;
		count(h);
	}
}

/* Operations */

/* Something that can be done without hearing from the other end. */
static bool has_more(const struct helper *h)
{
	return uc_talk_queued(&h->talk) < UC_SEND_QUEUE && uc_sender_ready(&h->sender);
}

/* Nothing of ours is on the way: the other end need not wait for more. */
static int tell_all_sent(struct helper *h, struct uc_error *err)
{
	if (h->flushed || h->puts == 0 || h->sender.count > 0 ||
	    uc_talk_queued(&h->talk) > 65536)
		return 0;
	h->flushed = true;
	return uc_talk_send(&h->talk, UC_FRAME_FLUSH, NULL, 0, false, err);
}

static bool has_room(const struct helper *h)
{
	return uc_talk_queued(&h->talk) < UC_FRAME_QUEUE / 2 && h->large < HELPER_LARGE &&
	       h->under_way < HELPER_JOBS;
}

static int turn(struct helper *h, int timeout, struct uc_error *err)
{
	size_t waiting = h->receiver.waiting_count;
	int moved;

	if (uc_sender_pump(&h->sender, err) < 0)
		return -1;
	if (waiting && (waiting == h->under_way || timeout > FLUSH_MS))
		timeout = waiting == h->under_way ? 0 : FLUSH_MS;
	moved = uc_talk_pump(&h->talk, has_more(h) ? 0 : timeout, err);
	count(h);
	if (moved < 0 || helper_take(h, err) < 0)
		return -1;
	if (moved == 0 && waiting && timeout <= FLUSH_MS)
		uc_store_flush(h->options.store);
	return 0;
}

static int helper_step(struct uc_far *far, int timeout, struct uc_error *err)
{
	struct helper *h = (struct helper *)far;
	int64_t deadline = uc_monotonic_ms() + timeout;
	struct uc_error own = { 0 };

	err = err ? err : &own;
	if (check_lost(h, err) < 0)
		return -1;
	/* what passed since the last step is not the other end's silence */
	h->talk.heard_ms += deadline - timeout - h->left_ms;
	h->told_ms += deadline - timeout - h->left_ms;
	if (timeout > 0 && (helper_flush(h, err) < 0 || tell_all_sent(h, err) < 0))
		return lose(h, err);
	while (!helper_give_back(h)) {
		int64_t left = deadline - uc_monotonic_ms();

		if (turn(h, left < 0 ? 0 : (int)left, err) < 0)
			return lose(h, err);
		if (timeout > 0 && tell_all_sent(h, err) < 0)
			return lose(h, err);
		if (h->under_way == 0)
			h->talk.heard_ms = h->told_ms = uc_monotonic_ms();
		if (check_silence(h, DISK_FACTOR * h->silence_ms, err) < 0)
			return lose(h, err);
		if (h->options.stop && h->options.stop(h->options.arg)) {
			uc_fail(err, UC_FAILED, "interrupted");
			return lose(h, err);
		}
		if (helper_give_back(h) || left <= 0 || (h->full && has_room(h)))
			break;
	}
	h->full = false;
	h->left_ms = uc_monotonic_ms();
	return 0;
}

static int helper_call(struct uc_far *far, const char *verb, json_t *arguments,
		       json_t **answer, struct uc_error *err)
{
	struct helper *h = (struct helper *)far;
	uc_auto(buf) struct uc_buf buf = { 0 };
	struct uc_error own = { 0 };
	char *text = json_dumps(arguments, JSON_COMPACT);

	err = err ? err : &own;
	uc_write_text(&buf, verb);
	uc_buf_add(&buf, text ? text : "");
	if (!text || buf.failed) {
		free(text);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	free(text);
	if (check_lost(h, err) < 0)
		return -1;
	uc_buf_reset(&h->answer);
	h->asked = true;
	h->answered = false;
	h->fault = (struct uc_error){ 0 };
	if (helper_flush(h, err) < 0 ||
	    uc_talk_send(&h->talk, UC_FRAME_CALL, buf.data, buf.len, true, err) < 0 ||
	    helper_wait(h, &h->answered, DISK_FACTOR * h->silence_ms, err) < 0)
		return lose(h, err);
	h->asked = false;
	if (h->fault.text[0]) {
		*err = h->fault;
		return -1;
	}
	*answer = json_loadb(uc_buf_text(&h->answer), h->answer.len,
			     JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	return *answer ? 0 : helper_bad(err);
}

static int helper_finish(struct uc_far *far, struct uc_error *err)
{
	struct helper *h = (struct helper *)far;
	struct uc_error own = { 0 };

	err = err ? err : &own;
	if (check_lost(h, err) < 0)
		return -1;
	h->finishing = true;
	h->finished = false;
	if (helper_flush(h, err) < 0 ||
	    uc_talk_send(&h->talk, UC_FRAME_FINISH, NULL, 0, false, err) < 0 ||
	    helper_wait(h, &h->finished, DISK_FACTOR * h->silence_ms, err) < 0)
		return lose(h, err);
	h->finishing = false;
	if (h->finish.outcome == UC_FAR_DONE)
		return 0;
	return uc_fail(err, UC_FAILED, "%s", h->finish.text);
}

static void helper_free(struct uc_far *far)
{
	struct helper *h = (struct helper *)far;

	uc_sender_free(&h->sender);
	uc_receiver_free(&h->receiver);
	helper_list_over(h);
	uc_talk_free(&h->talk);
	(void)uc_stream_close(&h->stream, 1000, NULL);
	uc_buf_free(&h->jobs);
	uc_buf_free(&h->answer);
	free(h->slot);
	free(h);
}

static const struct uc_far_ops ops = {
	.list_ask = helper_list_ask,
	.list_run = helper_list_run,
	.submit = helper_submit,
	.step = helper_step,
	.call = helper_call,
	.finish = helper_finish,
	.free = helper_free,
};

/* Preamble, HELLO and OPEN, without waiting for an answer. */
static int say_hello(struct helper *h, struct uc_error *err)
{
	const struct uc_far_options *options = &h->options;
	uc_auto(buf) struct uc_buf buf = { 0 };
	struct uc_message_open open = { .create = options->create,
					.read_only = options->read_only,
					.no_sync = options->no_sync,
					.keep_special = options->keep_special,
					.compress = options->compress };

	if (strlen(options->root) > UC_SYNC_PATH_MAX ||
	    strlen(options->run) > UC_MESSAGE_RUN_MAX)
		return uc_fail(err, UC_USAGE, "the path of the folder is too long");
	snprintf(open.root, sizeof(open.root), "%s", options->root);
	snprintf(open.run, sizeof(open.run), "%s", options->run);
	uc_write_open(&buf, &open);
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_talk_greet(&h->talk, err) < 0 || uc_talk_hello(&h->talk, err) < 0)
		return -1;
	return uc_talk_send(&h->talk, UC_FRAME_OPEN, buf.data, buf.len, false, err);
}

static int set_up(struct helper *h, struct uc_error *err)
{
	const struct uc_far_options *options = &h->options;

	if (uc_talk_open(&h->talk, h->stream.in, h->stream.out, err) < 0)
		return -1;
	h->talk.level = options->compress;
	h->talk.rate_in.rate = h->talk.rate_out.rate = options->rate;
	h->silence_ms = options->silence_ms ? options->silence_ms : HELPER_SILENCE_MS;
	h->talk.frame_ms = 2 * h->silence_ms;
	h->told_ms = h->left_ms = h->talk.heard_ms;
	if (uc_sender_open(&h->sender, &h->talk, options->near, err) < 0 ||
	    uc_receiver_open(&h->receiver, &h->talk, options->store, err) < 0 ||
	    helper_jobs_open(h, err) < 0 || say_hello(h, err) < 0)
		return -1;
	return uc_talk_pump(&h->talk, 0, err) < 0 ? -1 : 0;
}

int uc_far_helper_open(struct uc_far **far, struct uc_stream *stream,
		       const struct uc_far_options *options, struct uc_error *err)
{
	struct helper *h = calloc(1, sizeof(*h));

	if (!h)
		return uc_fail(err, UC_FAILED, "out of memory");
	snprintf(h->how, sizeof(h->how), "helper");
	h->far = (struct uc_far){ .ops = &ops,
				  .info = { .root = h->root,
					    .how = h->how,
					    .bytes_free = UINT64_MAX,
					    .files_free = UINT64_MAX,
					    .quota_free = UINT64_MAX } };
	h->options = *options;
	h->stream = *stream;
	if (set_up(h, err) < 0) {
		h->stream = (struct uc_stream){ .in = -1, .out = -1 };
		helper_free(&h->far);
		return -1;
	}
	*stream = (struct uc_stream){ .in = -1, .out = -1 };
	*far = &h->far;
	return 0;
}

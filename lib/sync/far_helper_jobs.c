/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Jobs: handed in, sent, and what became of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/text.h>

#include "sync/far_helper.h"

/* Slots */

static struct helper_slot *slot_of(struct helper *h, uint32_t id)
{
	return id < h->slots && h->slot[id].job ? &h->slot[id] : NULL;
}

/* A free one; -1 when out of memory. */
static int64_t take_slot(struct helper *h)
{
	uint32_t id;

	if (h->free_slot == 0) {
		uint32_t more = h->slots ? h->slots * 2 : 256;
		struct helper_slot *slot = reallocarray(h->slot, more, sizeof(*slot));

		if (!slot)
			return -1;
		h->slot = slot;
		for (uint32_t i = more; i > h->slots; i--) {
			slot[i - 1] = (struct helper_slot){ .next_free = h->free_slot };
			h->free_slot = i;
		}
		h->slots = more;
	}
	id = h->free_slot - 1;
	h->free_slot = h->slot[id].next_free;
	return id;
}

/* What a job is about. */
static const struct uc_sync_entry *entry_of(const struct uc_far_job *job)
{
	return job->entry ? job->entry : job->expect;
}

static bool is_put(const struct uc_far_job *job)
{
	return job->what != UC_FAR_GET;
}

/* The job goes back to the caller, with the next step. */
static void end_job(struct helper *h, uint32_t id)
{
	struct helper_slot *slot = &h->slot[id];
	struct uc_far_job *job = slot->job;

	h->under_way--;
	h->puts -= is_put(job);
	h->large -= slot->moving;
	*slot = (struct helper_slot){ .next_free = h->free_slot };
	h->free_slot = id + 1;
	job->next = NULL;
	*h->last_ended = job;
	h->last_ended = &job->next;
}

static void set_outcome(struct uc_far_job *job, const struct uc_message_outcome *outcome)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	job->outcome = (enum uc_far_outcome)outcome->outcome;
	job->errno_value = (int)outcome->errno_value;
	if (outcome->kept <= entry_of(job)->size)
		job->kept += outcome->kept;
	uc_buf_safe(&text, uc_raw(outcome->text), 0);
	snprintf(job->text, sizeof(job->text), "%.*s",
		 text.len < sizeof(job->text) ? (int)text.len
					      : (int)uc_text_clip(uc_buf_text(&text), 60),
		 uc_buf_text(&text));
}

bool helper_give_back(struct helper *h)
{
	bool any = false;

	while (h->ended) {
		struct uc_far_job *job = h->ended;

		h->ended = job->next;
		if (!h->ended)
			h->last_ended = &h->ended;
		job->next = NULL;
		any = true;
		if (h->options.done)
			h->options.done(h->options.arg, job);
	}
	return any;
}

void helper_lose(struct helper *h, const struct uc_error *why)
{
	struct uc_message_outcome lost = { .outcome = UC_FAR_LOST };

	snprintf(lost.text, sizeof(lost.text), "%.*s", (int)sizeof(lost.text) - 1,
		 why->text);
	for (uint32_t i = 0; i < h->slots; i++) {
		if (!h->slot[i].job)
			continue;
		if (!h->slot[i].failed_here && !h->slot[i].told)
			set_outcome(h->slot[i].job, &lost);
		end_job(h, i);
	}
	(void)helper_give_back(h);
}

/* Sending */

int helper_flush(struct helper *h, struct uc_error *err)
{
	size_t len = h->jobs.len;
	int status;

	if (h->jobs.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (len == 0)
		return 0;
	status = uc_talk_send(&h->talk, UC_FRAME_JOBS, h->jobs.data, len, true, err);
	uc_buf_reset(&h->jobs);
	h->codec.entry.len = 0;
	h->codec.entry.mtime = 0;
	h->flushed = false;
	if (status < 0)
		return -1;
	return uc_talk_pump(&h->talk, 0, err) < 0 ? -1 : 0;
}

static void fill(struct uc_message_job *to, uint32_t id, const struct uc_far_job *job)
{
	*to = (struct uc_message_job){ .id = id,
				       .what = (uint8_t)job->what,
				       .whole = job->whole,
				       .now = !job->expect &&
					      entry_of(job)->size < UC_STORE_PARTIAL,
				       .expects = job->expect && is_put(job),
				       .entry = *entry_of(job),
				       .twin = job->twin };
	to->entry.twin = 0;
	if (to->expects) {
		to->expect = *job->expect;
		to->expect.twin = 0;
	}
}

/* A small file: it is read now, and travels with its neighbours. */
static void add_small(struct helper *h, uint32_t id, const struct uc_message_job *message)
{
	struct helper_slot *slot = &h->slot[id];
	struct uc_message_outcome why;
	uint64_t mtime = h->codec.entry.mtime;
	size_t len = h->jobs.len, content;
	unsigned char sha[64];

	uc_write_job(&h->jobs, &h->codec, message, true);
	content = h->jobs.len;
	if (uc_sender_read(&h->sender, slot->job->entry, &h->jobs, sha, &why) ==
	    UC_FAR_DONE) {
		uc_buf_addn(&h->jobs, sha, 32);
		slot->job->wire = h->jobs.len - content;
		return;
	}
	/* Never said; the path that the next one is compared with is not known any more.
	 */
	h->jobs.len = len;
	h->codec.entry.len = 0;
	h->codec.entry.mtime = mtime;
	set_outcome(slot->job, &why);
	end_job(h, id);
}

static int begin_large(struct helper *h, uint32_t id,
		       const struct uc_message_job *message, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf buf = { 0 };
	struct uc_job_codec *codec;

	if (helper_flush(h, err) < 0)
		return -1;
	codec = calloc(1, sizeof(*codec));
	if (!codec)
		return uc_fail(err, UC_FAILED, "out of memory");
	uc_write_job(&buf, codec, message, false);
	free(codec);
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	h->slot[id].sending = true;
	if (uc_talk_send(&h->talk, UC_FRAME_PUT_BEGIN, buf.data, buf.len, false, err) <
		    0 ||
	    uc_sender_add(&h->sender, id, h->slot[id].job->entry, message->now, err) < 0)
		return -1;
	return uc_talk_pump(&h->talk, 0, err) < 0 ? -1 : 0;
}

static int add_job(struct helper *h, uint32_t id, struct uc_error *err)
{
	struct helper_slot *slot = &h->slot[id];
	struct uc_message_job message;

	fill(&message, id, slot->job);
	if (slot->job->what == UC_FAR_PUT && slot->large)
		return begin_large(h, id, &message, err);
	if (slot->job->what == UC_FAR_PUT)
		add_small(h, id, &message);
	else
		uc_write_job(&h->jobs, &h->codec, &message, false);
	h->flushed = false;
	return h->jobs.failed || h->jobs.len >= UC_SEND_BATCH ? helper_flush(h, err) : 0;
}

int helper_submit(struct uc_far *far, struct uc_far_job *job, struct uc_error *err)
{
	struct helper *h = (struct helper *)far;
	bool large = job->what <= UC_FAR_GET && job->entry->size > UC_SEND_SMALL;
	int64_t id;

	if (h->lost) {
		if (err)
			*err = h->why;
		return -1;
	}
	if (h->under_way >= HELPER_JOBS || (large && h->large >= HELPER_LARGE) ||
	    uc_talk_queued(&h->talk) >= UC_FRAME_QUEUE) {
		h->full = true;
		return 1;
	}
	id = take_slot(h);
	if (id < 0)
		return uc_fail(err, UC_FAILED, "out of memory");
	job->outcome = UC_FAR_LOST;
	job->errno_value = 0;
	job->text[0] = '\0';
	job->wire = job->kept = 0;
	job->next = NULL;
	h->slot[id] = (struct helper_slot){ .job = job, .large = large, .moving = large };
	h->under_way++;
	h->puts += is_put(job);
	h->large += large;
	if (add_job(h, (uint32_t)id, err) == 0)
		return 0;
	/* This one stays the caller's. */
	if (h->slot[id].job == job) {
		h->under_way--;
		h->puts -= is_put(job);
		h->large -= large;
		h->slot[id] = (struct helper_slot){ .next_free = h->free_slot };
		h->free_slot = (uint32_t)id + 1;
	}
	return -1;
}

/* What becomes of them */

static int send_id(struct helper *h, enum uc_frame_type type, uint32_t id,
		   struct uc_error *err)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	uc_write_number(&buf, id);
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_talk_send(&h->talk, type, buf.data, buf.len, false, err);
}

/* It cannot be read after all: the other end forgets it, and says so. */
static void send_failed(void *arg, const struct uc_message_outcome *why)
{
	struct helper *h = arg;
	struct helper_slot *slot = slot_of(h, why->id);

	slot->sending = false;
	slot->failed_here = true;
	set_outcome(slot->job, why);
	if (send_id(h, UC_FRAME_PUT_DROP, why->id, NULL) < 0)
		h->talk.broken = true;
}

static void send_done(void *arg, uint32_t id, uint64_t wire, uint64_t kept)
{
	struct helper *h = arg;
	struct helper_slot *slot = slot_of(h, id);

	slot->sending = false;
	slot->job->wire = wire;
	h->large -= slot->moving;
	slot->moving = false;
	slot->job->kept = 0; /* the other end counts it */
	(void)kept;
	h->flushed = false;
}

static void send_moved(void *arg, uint32_t id, uint64_t wire, uint64_t kept)
{
	struct helper_slot *slot = slot_of(arg, id);

	slot->job->wire = wire;
	slot->job->kept = kept; /* until the other end has counted it */
}

static void receive_settle(struct helper *h, uint32_t id)
{
	const struct helper_slot *slot = &h->slot[id];

	if (slot->told && slot->over)
		end_job(h, id);
}

static void received(void *arg, const struct uc_message_outcome *outcome)
{
	struct helper *h = arg;
	struct helper_slot *slot = slot_of(h, outcome->id);

	if (!slot || slot->told) /* it was lost already */
		return;
	slot->told = true;
	if (!slot->failed_here)
		set_outcome(slot->job, outcome);
	if (!slot->over && send_id(h, UC_FRAME_STOP, outcome->id, NULL) < 0)
		h->talk.broken = true;
	receive_settle(h, outcome->id);
}

static void receive_over(void *arg, uint32_t id)
{
	struct helper *h = arg;
	struct helper_slot *slot = slot_of(h, id);

	if (!slot)
		return;
	slot->over = true;
	receive_settle(h, id);
}

int helper_jobs_open(struct helper *h, struct uc_error *err)
{
	(void)err;
	h->last_ended = &h->ended;
	h->sender.failed = send_failed;
	h->sender.sent = send_done;
	h->sender.moved = send_moved;
	h->sender.arg = h;
	h->receiver.ended = received;
	h->receiver.over = receive_over;
	h->receiver.arg = h;
	return 0;
}

/* Of a file that was asked for: the other end cannot send it. */
static void get_failed(struct helper *h, const struct uc_message_outcome *outcome)
{
	struct helper_slot *slot = &h->slot[outcome->id];

	if (!slot->told) {
		set_outcome(slot->job, outcome);
		slot->failed_here = true;
	}
	if (slot->begun) {
		/* its callbacks end the job */
		if (uc_receiver_drop(&h->receiver, outcome->id))
			return;
	}
	slot->told = slot->over = true;
	end_job(h, outcome->id);
}

static int put_ended(struct helper *h, const struct uc_message_outcome *outcome,
		     struct uc_error *err)
{
	struct helper_slot *slot = &h->slot[outcome->id];

	if (slot->sending) {
		(void)uc_sender_stop(&h->sender, outcome->id);
		if (send_id(h, UC_FRAME_PUT_DROP, outcome->id, err) < 0)
			return -1;
		if (outcome->outcome == UC_FAR_DONE)
			return uc_fail(err, UC_INVALID,
				       "the other end has a file before it was sent");
	}
	if (!slot->failed_here)
		set_outcome(slot->job, outcome);
	end_job(h, outcome->id);
	return 0;
}

int helper_outcomes(struct helper *h, const struct uc_frame *frame, struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);

	while (r.at < r.end) {
		struct uc_message_outcome outcome;
		struct helper_slot *slot;

		uc_read_outcome(&r, &outcome);
		if (r.bad)
			return helper_bad(err);
		slot = slot_of(h, outcome.id);
		if (!slot || (!is_put(slot->job) &&
			      (slot->over || outcome.outcome == UC_FAR_DONE)))
			return uc_fail(err, UC_INVALID,
				       "the other end answers what nobody asked");
		if (is_put(slot->job)) {
			if (put_ended(h, &outcome, err) < 0)
				return -1;
		} else {
			get_failed(h, &outcome);
		}
	}
	return 0;
}

static int unasked(struct uc_error *err)
{
	return uc_fail(err, UC_INVALID, "the other end sent what nobody asked for");
}

/* A GET that nothing came of yet. */
static struct helper_slot *wanted(struct helper *h, uint32_t id, bool large)
{
	struct helper_slot *slot = slot_of(h, id);

	if (!slot || is_put(slot->job) || slot->begun || slot->over ||
	    slot->large != large)
		return NULL;
	return slot;
}

int helper_files(struct helper *h, const struct uc_frame *frame, struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);

	while (r.at < r.end) {
		struct uc_message_job message;
		struct helper_slot *slot;
		uint32_t id = (uint32_t)uc_read_below(&r, UINT32_MAX);
		size_t len = uc_read_below(&r, UC_SEND_SMALL);
		const unsigned char *content = uc_read_bytes(&r, len);
		const unsigned char *sha = uc_read_bytes(&r, 32);

		if (r.bad)
			return helper_bad(err);
		slot = wanted(h, id, false);
		if (!slot || len != slot->job->entry->size)
			return unasked(err);
		fill(&message, id, slot->job);
		message.expects = slot->job->expect != NULL;
		if (message.expects)
			message.expect = *slot->job->expect;
		message.content = content;
		message.sha256 = sha;
		slot->job->wire = len;
		slot->begun = slot->over = true;
		uc_receiver_put(&h->receiver, &message);
	}
	return 0;
}

int helper_get_begin(struct helper *h, const struct uc_frame *frame, struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);
	uint32_t id = (uint32_t)uc_read_below(&r, UINT32_MAX);
	struct uc_message_job message;
	struct helper_slot *slot;

	if (!uc_read_done(&r))
		return helper_bad(err);
	slot = wanted(h, id, true);
	if (!slot)
		return unasked(err);
	slot->begun = true;
	fill(&message, id, slot->job);
	message.expects = slot->job->expect != NULL;
	if (message.expects)
		message.expect = *slot->job->expect;
	return uc_receiver_begin(&h->receiver, &message, err);
}

/* HAVE or SIGS of a file that is not sent any more. */
static int answer_unwanted(struct helper *h, uint32_t id, struct uc_error *err)
{
	const struct helper_slot *slot = slot_of(h, id);

	return slot && slot->job->what == UC_FAR_PUT && slot->large && slot->failed_here
		       ? 0
		       : unasked(err);
}

int helper_have(struct helper *h, const struct uc_frame *frame, struct uc_error *err)
{
	uint32_t id = 0;
	int status = uc_sender_have(&h->sender, frame, &id, err);

	return status > 0 ? answer_unwanted(h, id, err) : status;
}

int helper_sigs(struct helper *h, const struct uc_frame *frame, struct uc_error *err)
{
	uint32_t id = 0;
	int status = uc_sender_sigs(&h->sender, frame, &id, err);

	return status > 0 ? answer_unwanted(h, id, err) : status;
}

int helper_piece(struct helper *h, const struct uc_frame *frame, struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);
	uint32_t id = (uint32_t)uc_read_below(&r, UINT32_MAX);
	struct helper_slot *slot = r.bad ? NULL : slot_of(h, id);

	if (slot && !is_put(slot->job))
		slot->job->wire += frame->wire;
	return uc_receiver_take(&h->receiver, frame, err);
}

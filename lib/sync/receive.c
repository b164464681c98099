/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/receive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sync/delta.h"
#include "sync/far.h"

#define DELTA_MIN   (64u << 10) /* bytes of a file whose blocks are worth a question */
#define LOOK_INLINE (4u << 20)  /* bytes that are read soon enough */
#define SIGS_FRAME  65536u      /* sums in one message */

/* A large file on its way. */
struct uc_incoming {
	uint32_t id;
	struct uc_store_file *file; /* NULL: it failed, what comes of it is left away */
	bool begun;                 /* its bytes come; else PUT_START may */
	uint64_t have, kept;
};

/* A file that the store has. */
struct uc_arrived {
	struct uc_receiver *receiver;
	struct uc_arrived *next, **here;
	uint32_t id;
	uint64_t kept;
};

int uc_receiver_open(struct uc_receiver *receiver, struct uc_talk *talk,
		     struct uc_store *store, struct uc_error *err)
{
	receiver->talk = talk;
	receiver->store = store;
	receiver->item = calloc(UC_RECEIVE_MAX, sizeof(*receiver->item));
	return receiver->item ? 0 : uc_fail(err, UC_FAILED, "out of memory");
}

void uc_receiver_free(struct uc_receiver *receiver)
{
	/* the store is not left with what is freed here */
	if (receiver->waiting)
		uc_store_flush(receiver->store);
	for (size_t i = 0; i < receiver->count; i++)
		if (receiver->item[i].file)
			uc_store_drop(receiver->item[i].file);
	free(receiver->item);
	while (receiver->waiting) {
		struct uc_arrived *arrived = receiver->waiting;

		receiver->waiting = arrived->next;
		free(arrived);
	}
	*receiver = (struct uc_receiver){ 0 };
}

void uc_receive_outcome(struct uc_message_outcome *to, uint32_t id, int store_outcome,
			const struct uc_error *err)
{
	static const uint8_t outcome[] = { [UC_STORE_OK] = UC_FAR_DONE,
					   [UC_STORE_CHANGED] = UC_FAR_CHANGED,
					   [UC_STORE_REFUSED] = UC_FAR_REFUSED,
					   [UC_STORE_FAILED] = UC_FAR_FAILED };

	*to = (struct uc_message_outcome){ .id = id, .outcome = outcome[store_outcome] };
	if (store_outcome == UC_STORE_OK)
		return;
	if (store_outcome == UC_STORE_FAILED && errno > 0 && errno < 4096)
		to->errno_value = (uint32_t)errno;
	if (err)
		snprintf(to->text, sizeof(to->text), "%.*s", (int)sizeof(to->text) - 1,
			 err->text);
}

static void end_with(struct uc_receiver *receiver, uint32_t id, int store_outcome,
		     const struct uc_error *err)
{
	struct uc_message_outcome outcome;

	uc_receive_outcome(&outcome, id, store_outcome, err);
	receiver->ended(receiver->arg, &outcome);
}

static void arrived_done(void *arg, int store_outcome, const struct uc_error *err)
{
	struct uc_arrived *arrived = arg;
	struct uc_receiver *receiver = arrived->receiver;
	struct uc_message_outcome outcome;

	uc_receive_outcome(&outcome, arrived->id, store_outcome, err);
	outcome.kept = arrived->kept;
	*arrived->here = arrived->next;
	if (arrived->next)
		arrived->next->here = arrived->here;
	receiver->waiting_count--;
	free(arrived);
	receiver->ended(receiver->arg, &outcome);
}

static struct uc_arrived *new_arrived(struct uc_receiver *receiver, uint32_t id,
				      uint64_t kept)
{
	struct uc_arrived *arrived = malloc(sizeof(*arrived));

	if (!arrived)
		return NULL;
	*arrived = (struct uc_arrived){ .receiver = receiver,
					.next = receiver->waiting,
					.here = &receiver->waiting,
					.id = id,
					.kept = kept };
	if (arrived->next)
		arrived->next->here = &arrived->next;
	receiver->waiting = arrived;
	receiver->waiting_count++;
	return arrived;
}

static void end_without_memory(struct uc_receiver *receiver, uint32_t id)
{
	struct uc_error err = { 0 };

	errno = ENOMEM;
	uc_fail(&err, UC_FAILED, "out of memory");
	errno = ENOMEM;
	end_with(receiver, id, UC_STORE_FAILED, &err);
}

void uc_receiver_put(struct uc_receiver *receiver, const struct uc_message_job *job)
{
	struct uc_arrived *arrived = new_arrived(receiver, job->id, 0);
	const struct uc_store_small small = { .entry = &job->entry,
					      .expect =
						      job->expects ? &job->expect : NULL,
					      .bytes = job->content,
					      .len = job->entry.size,
					      .sha256 = job->sha256,
					      .done = arrived_done,
					      .arg = arrived };

	if (arrived)
		uc_store_put(receiver->store, &small);
	else
		end_without_memory(receiver, job->id);
}

/* Large files */

static struct uc_incoming *find(struct uc_receiver *receiver, uint32_t id)
{
	for (size_t i = 0; i < receiver->count; i++)
		if (receiver->item[i].id == id)
			return &receiver->item[i];
	return NULL;
}

static void forget(struct uc_receiver *receiver, struct uc_incoming *item)
{
	uint32_t id = item->id;

	*item = receiver->item[--receiver->count];
	if (receiver->over)
		receiver->over(receiver->arg, id);
}

static void fail_item(struct uc_receiver *receiver, struct uc_incoming *item,
		      int store_outcome, const struct uc_error *err)
{
	int errno_value = errno;

	if (item->file)
		uc_store_drop(item->file);
	item->file = NULL;
	errno = errno_value;
	end_with(receiver, item->id, store_outcome, err);
}

static int send_numbers(struct uc_receiver *receiver, uint32_t id, uint64_t have,
			uint64_t sum, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	uc_write_number(&buf, id);
	uc_write_number(&buf, have);
	if (have)
		uc_write_u64(&buf, sum);
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_talk_send(receiver->talk, UC_FRAME_HAVE, buf.data, buf.len, false, err);
}

static void write_sum(struct uc_buf *buf, const struct uc_delta_sums *sums, uint32_t i)
{
	unsigned char bytes[UC_DELTA_SUM_BYTES];

	for (int byte = 0; byte < 4; byte++)
		bytes[byte] = (unsigned char)(sums->weak[i] >> 8 * byte);
	for (int byte = 0; byte < 6; byte++)
		bytes[4 + byte] = (unsigned char)(sums->strong[i] >> 8 * byte);
	uc_buf_addn(buf, bytes, sizeof(bytes));
}

static int send_sums(struct uc_receiver *receiver, uint32_t id,
		     const struct uc_delta_sums *sums, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	for (uint32_t first = 0; first < sums->count;) {
		uint32_t end = sums->count - first > SIGS_FRAME ? first + SIGS_FRAME
								: sums->count;

		uc_buf_reset(&buf);
		uc_write_number(&buf, id);
		if (first == 0) {
			uc_write_number(&buf, sums->size);
			uc_write_number(&buf, sums->block);
			uc_write_number(&buf, sums->count);
		}
		for (; first < end; first++)
			write_sum(&buf, sums, first);
		if (buf.failed)
			return uc_fail(err, UC_FAILED, "out of memory");
		if (uc_talk_send(receiver->talk, UC_FRAME_SIGS, buf.data, buf.len, false,
				 err) < 0)
			return -1;
	}
	return 0;
}

/* What is read of a file before its first byte travels: minutes for a large one. */
struct look {
	struct uc_incoming *item;
	struct uc_delta_sums *sums; /* NULL: the sum of what it has */
	int basis;
	uint64_t size, sum;
	int outcome, errno_value;
	struct uc_error err;
};

static void look(void *arg)
{
	struct look *l = arg;

	if (!l->sums)
		l->outcome = uc_store_have_sum(l->item->file, &l->sum, &l->err);
	else if (uc_delta_sums_read(l->sums, l->basis, l->size, uc_delta_block(l->size),
				    &l->err) < 0)
		l->outcome = UC_STORE_FAILED;
	l->errno_value = errno;
}

static void look_aside(struct uc_receiver *receiver, struct look *l)
{
	if (receiver->aside && l->size > LOOK_INLINE)
		receiver->aside(receiver->arg, look, l);
	else
		look(l);
	errno = l->errno_value;
}

/* 1: told, 0: there is nothing to compare with. */
static int tell_sums(struct uc_receiver *receiver, const struct uc_incoming *item,
		     const struct uc_message_job *job, struct uc_error *err)
{
	uc_auto(delta_sums) struct uc_delta_sums sums = { 0 };
	struct look l = { .sums = &sums, .basis = uc_store_basis(item->file) };
	struct stat st;

	if (job->whole || l.basis < 0 || job->entry.size < DELTA_MIN ||
	    fstat(l.basis, &st) < 0 || st.st_size < (off_t)DELTA_MIN)
		return 0;
	l.size = (uint64_t)st.st_size;
	look_aside(receiver, &l);
	if (l.outcome != UC_STORE_OK || sums.count == 0)
		return 0;
	return send_sums(receiver, item->id, &sums, err) < 0 ? -1 : 1;
}

static int tell_have(struct uc_receiver *receiver, struct uc_incoming *item,
		     const struct uc_message_job *job, struct uc_error *err)
{
	struct look l = { .item = item, .size = item->have };
	int told;

	if (item->have)
		look_aside(receiver, &l);
	if (l.outcome != UC_STORE_OK) {
		fail_item(receiver, item, l.outcome, &l.err);
		return 0;
	}
	if (item->have)
		return send_numbers(receiver, item->id, item->have, l.sum, err);
	item->begun = true;
	told = tell_sums(receiver, item, job, err);
	return told ? (told < 0 ? -1 : 0) : send_numbers(receiver, item->id, 0, 0, err);
}

int uc_receiver_begin(struct uc_receiver *receiver, const struct uc_message_job *job,
		      struct uc_error *err)
{
	const struct uc_sync_entry *expect = job->expects ? &job->expect : NULL;
	struct uc_error store_err = { 0 };
	struct uc_incoming *item;
	int outcome;

	if (find(receiver, job->id) || receiver->count == UC_RECEIVE_MAX)
		return uc_fail(err, UC_INVALID, "the other end sends too much at once");
	item = &receiver->item[receiver->count++];
	*item = (struct uc_incoming){ .id = job->id };
	outcome = uc_store_begin(receiver->store, &job->entry, expect, &item->file,
				 &item->have, &store_err);
	if (outcome == UC_STORE_OK && job->now && item->have) {
		item->have = 0;
		outcome = uc_store_restart(item->file, &store_err);
	} else if (outcome != UC_STORE_OK) {
		item->file = NULL;
	}
	if (outcome != UC_STORE_OK) {
		fail_item(receiver, item, outcome, &store_err);
		return 0;
	}
	item->begun = job->now;
	return job->now ? 0 : tell_have(receiver, item, job, err);
}

static int bad_message(struct uc_error *err)
{
	return uc_fail(err, UC_INVALID, "the other end sent a damaged message");
}

/* Go on behind what is there, or from the start. */
static int take_start(struct uc_receiver *receiver, struct uc_incoming *item,
		      struct uc_reader *r, struct uc_error *err)
{
	uint64_t from = uc_read_number(r);
	struct uc_error store_err = { 0 };
	int outcome = UC_STORE_OK;

	if (!uc_read_done(r) ||
	    (item->file && (item->begun || (from && from != item->have))))
		return bad_message(err);
	item->begun = true;
	item->kept = from;
	if (item->file && from == 0)
		outcome = uc_store_restart(item->file, &store_err);
	if (outcome != UC_STORE_OK)
		fail_item(receiver, item, outcome, &store_err);
	return 0;
}

static int take_data(struct uc_receiver *receiver, struct uc_incoming *item,
		     struct uc_reader *r, struct uc_error *err)
{
	struct uc_error store_err = { 0 };
	int outcome;

	if (!item->file)
		return 0;
	if (!item->begun)
		return bad_message(err);
	outcome = uc_store_write(item->file, r->at, (size_t)(r->end - r->at), &store_err);
	if (outcome != UC_STORE_OK)
		fail_item(receiver, item, outcome, &store_err);
	return 0;
}

static int take_copy(struct uc_receiver *receiver, struct uc_incoming *item,
		     struct uc_reader *r, struct uc_error *err)
{
	struct uc_error store_err = { 0 };
	uint64_t from = uc_read_below(r, INT64_MAX), len = uc_read_below(r, INT64_MAX);
	int outcome;

	if (!uc_read_done(r) || from + len > INT64_MAX)
		return bad_message(err);
	if (!item->file)
		return 0;
	if (!item->begun)
		return bad_message(err);
	outcome = uc_store_copy(item->file, from, len, &store_err);
	item->kept += len;
	if (outcome != UC_STORE_OK)
		fail_item(receiver, item, outcome, &store_err);
	return 0;
}

static int take_end(struct uc_receiver *receiver, struct uc_incoming *item,
		    struct uc_reader *r, struct uc_error *err)
{
	const unsigned char *sha = uc_read_bytes(r, 32);
	struct uc_store_file *file = item->file;
	struct uc_arrived *arrived;
	uint32_t id = item->id;

	if (!uc_read_done(r) || (file && !item->begun))
		return bad_message(err);
	arrived = file ? new_arrived(receiver, id, item->kept) : NULL;
	item->file = NULL;
	forget(receiver, item);
	if (arrived) {
		uc_store_end(file, sha, arrived_done, arrived);
	} else if (file) {
		uc_store_drop(file);
		end_without_memory(receiver, id);
	}
	return 0;
}

bool uc_receiver_drop(struct uc_receiver *receiver, uint32_t id)
{
	struct uc_incoming *item = find(receiver, id);
	struct uc_error err = { 0 };

	if (!item)
		return false;
	if (item->file) {
		uc_fail(&err, UC_FAILED, "the other end gave it up");
		errno = 0;
		fail_item(receiver, item, UC_STORE_FAILED, &err);
	}
	forget(receiver, item);
	return true;
}

int uc_receiver_take(struct uc_receiver *receiver, const struct uc_frame *frame,
		     struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);
	uint32_t id = (uint32_t)uc_read_below(&r, UINT32_MAX);
	struct uc_incoming *item = find(receiver, id);

	if (r.bad)
		return bad_message(err);
	if (!item)
		return uc_fail(err, UC_INVALID,
			       "the other end sent what nobody asked for");
	switch (frame->type) {
	case UC_FRAME_PUT_START:
		return take_start(receiver, item, &r, err);
	case UC_FRAME_PUT_DATA:
		return take_data(receiver, item, &r, err);
	case UC_FRAME_PUT_COPY:
		return take_copy(receiver, item, &r, err);
	case UC_FRAME_PUT_END:
		return take_end(receiver, item, &r, err);
	default: /* UC_FRAME_PUT_DROP */
		if (!uc_read_done(&r))
			return bad_message(err);
		(void)uc_receiver_drop(receiver, id);
		return 0;
	}
}

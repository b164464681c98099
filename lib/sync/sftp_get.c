/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Files from the far end: looked at, read with many requests under way, looked at again.
 * A small one is put together in memory, a large one in the store, which takes its bytes
 * in order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sync/sftp_far.h"

void uc_sftp_content_free(struct uc_sftp_task *task)
{
	struct uc_sftp_piece *piece = task->piece, *next;

	if (task->fd >= 0)
		close(task->fd);
	task->fd = -1;
	if (task->file)
		uc_store_drop(task->file);
	task->file = NULL;
	free(task->content);
	task->content = NULL;
	for (; piece; piece = next) {
		next = piece->next;
		free(piece);
	}
	task->piece = NULL;
}

static bool is_small(const struct uc_sftp_task *task)
{
	return task->job->entry->size <= UC_SFTP_SMALL;
}

/* An outcome of the store. */
static void fail_store(struct uc_sftp_task *task, int outcome, const struct uc_error *err)
{
	static const enum uc_far_outcome outcomes[] = {
		[UC_STORE_OK] = UC_FAR_DONE,
		[UC_STORE_CHANGED] = UC_FAR_CHANGED,
		[UC_STORE_REFUSED] = UC_FAR_REFUSED,
		[UC_STORE_FAILED] = UC_FAR_FAILED,
	};

	uc_sftp_fail(task, outcomes[outcome], outcome == UC_STORE_FAILED ? errno : 0,
		     "%s", err ? err->text : "");
}

static void stored(void *arg, int outcome, const struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	task->far->stored--;
	if (outcome != UC_STORE_OK)
		fail_store(task, outcome, err);
	uc_sftp_end(task);
}

/* It is whole; nothing of it is at the server any more. */
static void hand_over(struct uc_sftp_task *task)
{
	const struct uc_far_job *job = task->job;
	struct uc_store_file *file = uc_take(&task->file);

	task->far->stored++;
	if (file) {
		uc_store_end(file, NULL, stored, task);
	} else {
		const struct uc_store_small small = {
			.entry = job->entry,
			.expect = job->expect,
			.bytes = task->content ? (const void *)task->content : "",
			.len = (size_t)job->entry->size,
			.done = stored,
			.arg = task,
		};

		uc_store_put(task->far->options.store, &small);
	}
}

static int take_after(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	(void)note, (void)err;
	if (answer->type == UC_SFTP_STATUS)
		uc_sftp_fail_answer(task, "look at it again", answer);
	else if (!uc_sftp_same(&answer->attrs, task->job->entry))
		uc_sftp_fail(task, UC_FAR_VANISHED, 0, "it changed while it was read");
	return uc_sftp_answered(task);
}

static void look_again(struct uc_sftp_task *task)
{
	task->then = hand_over;
	uc_sftp_ask_handle(&task->far->sftp, UC_SFTP_FSTAT, &task->handle,
			   uc_sftp_await(task, take_after, 0));
	uc_sftp_close(task);
}

/* Reading */

static void ask_read(struct uc_sftp_task *task, uint64_t offset, uint32_t len);

/* Bytes for the store, as soon as they follow those it has. */
static void write_on(struct uc_sftp_task *task, const unsigned char *bytes, size_t len)
{
	struct uc_error err = { 0 };
	int outcome;

	if (task->failed)
		return;
	errno = 0;
	outcome = uc_store_write(task->file, bytes, len, &err);
	task->answered += len;
	if (outcome != UC_STORE_OK)
		fail_store(task, outcome, &err);
}

static int keep_piece(struct uc_sftp_task *task, uint64_t offset,
		      const unsigned char *bytes, size_t len)
{
	struct uc_sftp_piece *piece = malloc(sizeof(*piece) + len), **at = &task->piece;

	if (!piece)
		return -1;
	piece->offset = offset;
	piece->len = len;
	memcpy(piece->bytes, bytes, len);
	while (*at && (*at)->offset < offset)
		at = &(*at)->next;
	piece->next = *at;
	*at = piece;
	return 0;
}

static void take_bytes(struct uc_sftp_task *task, uint64_t offset,
		       const unsigned char *bytes, size_t len)
{
	task->job->wire += len;
	if (task->content) {
		memcpy(task->content + offset, bytes, len);
		return;
	}
	if (offset != task->answered) {
		if (keep_piece(task, offset, bytes, len) < 0)
			uc_sftp_fail(task, UC_FAR_FAILED, ENOMEM, "out of memory");
		return;
	}
	write_on(task, bytes, len);
	while (task->piece && task->piece->offset == task->answered && !task->failed) {
		struct uc_sftp_piece *piece = task->piece;

		task->piece = piece->next;
		write_on(task, piece->bytes, piece->len);
		free(piece);
	}
}

static int take_data(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		     struct uc_error *err)
{
	uint64_t offset = note >> UC_SFTP_LEN_BITS;
	uint32_t len = note & ((1u << UC_SFTP_LEN_BITS) - 1);
	struct uc_sftp_task *task = arg;

	task->far->reading -= len;
	if (answer->type == UC_SFTP_STATUS && answer->status == UC_SFTP_EOF)
		uc_sftp_fail(task, UC_FAR_VANISHED, 0, "it became shorter");
	else if (answer->type == UC_SFTP_STATUS)
		uc_sftp_fail_answer(task, "read", answer);
	else if (answer->len == 0 || answer->len > len)
		return uc_fail(err, UC_INVALID,
			       "the SFTP server sent %zu bytes when %u were asked for",
			       answer->len, len);
	else if (!task->failed)
		take_bytes(task, offset, answer->bytes, answer->len);
	if (!task->failed && answer->len < len)
		ask_read(task, offset + answer->len, len - (uint32_t)answer->len);
	return uc_sftp_answered(task);
}

static void ask_read(struct uc_sftp_task *task, uint64_t offset, uint32_t len)
{
	struct uc_sftp *sftp = &task->far->sftp;

	uc_sftp_ask(sftp, UC_SFTP_READ,
		    uc_sftp_await(task, take_data, offset << UC_SFTP_LEN_BITS | len));
	uc_sftp_add_bytes(sftp, task->handle.bytes, task->handle.len);
	uc_sftp_add_u64(sftp, offset);
	uc_sftp_add_u32(sftp, len);
	uc_sftp_send(sftp);
	task->far->reading += len;
}

/* An earlier run may have left a part of this very version. */
static void begin_reading(struct uc_sftp_task *task)
{
	const struct uc_far_job *job = task->job;
	struct uc_error err = { 0 };
	int outcome;

	if (is_small(task)) {
		task->content = malloc((size_t)job->entry->size);
		if (!task->content)
			uc_sftp_fail(task, UC_FAR_FAILED, ENOMEM, "out of memory");
		return;
	}
	errno = 0;
	outcome = uc_store_begin(task->far->options.store, job->entry, job->expect,
				 &task->file, &task->offset, &err);
	if (outcome != UC_STORE_OK) {
		fail_store(task, outcome, &err);
		return;
	}
	if (task->offset > job->entry->size)
		task->offset = job->entry->size;
	task->answered = task->job->kept = task->offset;
}

void uc_sftp_pump_reads(struct uc_sftp_far *far)
{
	struct uc_sftp_task *task;

	while ((task = far->readers.first) && far->reading < UC_SFTP_AHEAD) {
		uint64_t size = task->job->entry->size;

		if (!task->failed && !task->content && !task->file)
			begin_reading(task);
		while (!task->failed && task->offset < size &&
		       far->reading < UC_SFTP_AHEAD) {
			uint64_t left = size - task->offset;
			uint32_t len =
				left < far->read_max ? (uint32_t)left : far->read_max;

			ask_read(task, task->offset, len);
			task->offset += len;
		}
		if (!task->failed && task->offset < size)
			return;
		(void)uc_sftp_queue_take(&far->readers);
		task->busy = false;
		task->then = look_again;
		uc_sftp_go_on(task);
	}
}

static void queue_reading(struct uc_sftp_task *task)
{
	task->busy = true;
	uc_sftp_queue_add(&task->far->readers, task);
}

static void open_it(struct uc_sftp_task *task)
{
	const struct uc_sync_entry *entry = task->job->entry;

	if (!task->there)
		uc_sftp_fail(task, UC_FAR_VANISHED, ENOENT, "it is gone");
	else if (!uc_sftp_same(&task->place, entry))
		uc_sftp_fail(task, UC_FAR_VANISHED, 0, "it changed since it was listed");
	if (task->failed) {
		uc_sftp_go_on(task);
	} else if (entry->size == 0) {
		hand_over(task);
	} else {
		task->then = queue_reading;
		(void)uc_sftp_open(task, task->path, UC_SFTP_READING, open_it);
	}
}

void uc_sftp_get(struct uc_sftp_task *task)
{
	const struct uc_sync_entry *entry = task->job->entry;

	if (entry->kind != UC_SYNC_FILE)
		uc_sftp_fail(task, UC_FAR_REFUSED, 0, "it is no file");
	else if (entry->size > UC_SFTP_SIZE_MAX)
		uc_sftp_fail(task, UC_FAR_REFUSED, EFBIG, "no file is so large");
	if (task->failed) {
		uc_sftp_go_on(task);
		return;
	}
	task->then = open_it;
	uc_sftp_look(task); /* before it is opened: nobody waits for a FIFO */
}

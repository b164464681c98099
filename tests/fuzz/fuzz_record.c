/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The lines of a recording (byte 0: which table), and what a worker says (frames,
 * stderr). */
#include <stdlib.h>
#include <string.h>
#include "slurm/record.h"
#include "slurm/worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Items lie within the body, and a sound body is used up by them. */
static void walk_frame(const char *text, size_t len)
{
	uc_auto(frame) struct uc_frame frame = UC_FRAME(UC_SAY_DONE);
	struct uc_frame_item item;
	size_t at = 0;

	uc_buf_addn(&frame.body, text, len);
	while (uc_frame_next(&frame, &at, &item))
		if (item.bytes < frame.body.data ||
		    item.bytes + item.len > frame.body.data + frame.body.len)
			abort();
	if (uc_frame_is_sound(&frame) != (at == frame.body.len))
		abort();
	free(uc_frame_text(&frame, UC_TAG_TEXT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uc_auto(rows) struct uc_rows *rows = NULL;
	uc_auto(buf) struct uc_buf words = { 0 };
	char *text = malloc(size ? size : 1);
	struct uc_record_text table;

	if (!text || !size) {
		free(text);
		return 0;
	}
	/* Without a NUL behind it, so that reading on is seen. */
	memcpy(text, data + 1, size - 1);
	table = (struct uc_record_text){
		.at = text,
		.len = size - 1,
		.kind = (enum uc_rows_kind)(UC_ROWS_JOBS + data[0] % 3),
		.path = "input",
	};
	if (uc_record_parse(&table, &rows, NULL) == 0 && rows->count > size)
		abort();
	walk_frame(text, size - 1);
	uc_worker_words(&words, text, size - 1);
	free(text);
	return 0;
}

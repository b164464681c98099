/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A table as a hostile worker might send it: byte 0 chooses the kind of rows. Whatever is
 * accepted must be readable to the last byte. */
#include <stdlib.h>
#include <string.h>
#include "slurm/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sink;

static void read_row(const struct uc_rows_type *type, const void *row)
{
	for (size_t i = 0; i < type->field_count; i++) {
		const struct uc_field *f = &type->fields[i];
		const void *at = uc_row_field(row, f);

		if (f->type == UC_FIELD_RAW) {
			const struct uc_raw *raw = at;

			sink += raw->bytes ? strlen(raw->bytes) : 0;
		} else if (f->type == UC_FIELD_LIST) {
			const struct uc_raw_list *list = at;

			for (size_t k = 0; k < list->count; k++)
				sink += list->item[k].bytes ? strlen(list->item[k].bytes)
							    : 0;
		}
	}
}

/* The checksum is no secret: with it right the fuzzer gets past it. */
static void mend_head(struct uc_wire_head *head, const struct uc_rows_type *type)
{
	head->magic = UC_WIRE_MAGIC;
	head->version = UC_WIRE_VERSION;
	head->kind = type->kind;
	head->row_size = type->row_size;
	head->checksum = uc_rows_checksum(type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct uc_rows_type *type;
	uc_auto(rows) struct uc_rows *rows = NULL;
	uint64_t *blob;
	size_t len = size ? size - 1 : 0;

	if (!size)
		return 0;
	type = uc_rows_type((enum uc_rows_kind)(UC_ROWS_JOBS + data[0] % 3));
	blob = malloc(len ? len : 1);
	if (!blob)
		return 0;
	memcpy(blob, data + 1, len);
	if (data[0] & 0x80 && len >= sizeof(struct uc_wire_head))
		mend_head((struct uc_wire_head *)blob, type);
	if (uc_wire_read(blob, len, type->kind, &rows, NULL) == 0)
		for (size_t i = 0; i < rows->count; i++)
			read_row(type, uc_rows_at(rows, type->row_size, i));
	free(blob);
	return 0;
}

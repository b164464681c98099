/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_WIRE_H
#define UC_SLURM_WIRE_H
/*
 * A snapshot on its way from the worker to the library: a sealed memfd with
 *
 *	struct uc_wire_head
 *	rows	count x the sizes of the chosen fields, in the order of the table in
 *		rows.c and without gaps: numbers as they are; a string as a 32-bit
 *		reference, its offset in `strings` + 1 (0 = NULL); a list as the 32-bit
 *		index of its first item + 1 and a 32-bit count
 *	items	32-bit references to strings
 *	strings	NUL-terminated; the last byte is NUL, so that every offset is safe
 *
 * Only what was asked for travels: a queue of 100,000 jobs with the usual columns is a
 * fifth of its rows. The reader checks everything while it makes rows of it; strings stay
 * where they are. Both ends are built from one tree; the checksum of the field table
 * refuses any other worker.
 */
#include "slurm/rows.h"

#define UC_WIRE_MAGIC   0x4e534355u /* "UCSN" */
#define UC_WIRE_VERSION 2
#define UC_WIRE_MAX     ((uint64_t)2 << 30) /* bytes; a million jobs */

struct uc_wire_head {
	uint32_t magic, version;
	uint32_t kind, row_size;
	uint64_t checksum;
	uint64_t row_count, item_count, string_size;
	int64_t now, updated;
	struct uc_fields fields;
};

/* Writing. Strings of a row are copied; failure to allocate is reported by finish. */
struct uc_wire;
struct uc_wire *uc_wire_new(enum uc_rows_kind kind);
/* Before any row: only these fields; otherwise all. */
void uc_wire_choose(struct uc_wire *wire, const struct uc_fields *fields);
void uc_wire_add(struct uc_wire *wire, const void *row);
/* The sealed memfd, close-on-exec; -1 with *err. */
int uc_wire_finish(struct uc_wire *wire, int64_t now, int64_t updated,
		   struct uc_error *err) UC_MUST_CHECK;
void uc_wire_free(struct uc_wire *wire);
UC_DEFINE_AUTO(wire, struct uc_wire *)

/* Reading. Maps fd; the caller closes it. Fields that were not chosen are unset.
 * UC_INVALID for anything not as above. */
int uc_wire_map(int fd, enum uc_rows_kind kind, struct uc_rows **out,
		struct uc_error *err) UC_MUST_CHECK;
/* The same from memory, which must outlive *out. */
int uc_wire_read(const void *blob, size_t size, enum uc_rows_kind kind,
		 struct uc_rows **out, struct uc_error *err) UC_MUST_CHECK;

/*
 * Rows in a file, `size` bytes of it. They are copied, for a file could be cut while it
 * is mapped. -1 when they are not as above, or out of memory.
 */
int uc_wire_load(int file, size_t size, enum uc_rows_kind kind,
		 struct uc_rows **out) UC_MUST_CHECK;
/* Append them to a file, which is not synced. */
bool uc_wire_save(const struct uc_rows *rows, enum uc_rows_kind kind,
		  int file) UC_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_WIRE_H
#define UC_SLURM_WIRE_H
/*
 * A snapshot on its way from the worker to the library: a sealed memfd with
 *
 *	struct uc_wire_head
 *	rows	count x row_size: the public structs of job.h and node.h, in which a
 *pointer to a string is its offset in `strings` + 1 (0 = NULL), and a list is the index
 *of its first item in `items` + 1 and a count items	64-bit string references strings
 *NUL-terminated; the last byte is NUL, so that every offset is safe
 *
 * The reader maps it privately, checks everything, and turns offsets into pointers in
 * place: no copying, no parsing. Both ends are built from one tree; the checksum of the
 * field table refuses any other worker.
 */
#include "slurm/rows.h"

#define UC_WIRE_MAGIC   0x4e534355u /* "UCSN" */
#define UC_WIRE_VERSION 1
#define UC_WIRE_MAX     ((uint64_t)2 << 30) /* bytes; a million jobs */

struct uc_wire_head {
	uint32_t magic, version;
	uint32_t kind, row_size;
	uint64_t checksum;
	uint64_t row_count, item_count, string_size;
	int64_t now, updated;
};

/* Writing. Strings of a row are copied; failure to allocate is reported by finish. */
struct uc_wire;
struct uc_wire *uc_wire_new(enum uc_rows_kind kind);
void uc_wire_add(struct uc_wire *wire, const void *row);
/* The sealed memfd, close-on-exec; -1 with *err. */
int uc_wire_finish(struct uc_wire *wire, int64_t now, int64_t updated,
		   struct uc_error *err) UC_MUST_CHECK;
void uc_wire_free(struct uc_wire *wire);
UC_DEFINE_AUTO(wire, struct uc_wire *)

/* Reading. Maps fd; the caller closes it. UC_INVALID for anything not as above. */
int uc_wire_map(int fd, enum uc_rows_kind kind, struct uc_rows **out,
		struct uc_error *err) UC_MUST_CHECK;
/* The same for memory (8-byte aligned, changed in place), which must outlive *rows. */
int uc_wire_open(void *blob, size_t size, enum uc_rows_kind kind, struct uc_rows *rows,
		 struct uc_error *err) UC_MUST_CHECK;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_ROWS_H
#define UC_SLURM_ROWS_H
/*
 * What a row is made of: one constant table per kind of row, which drives the wire format
 * (wire.h), recordings (record.h) and the tests. A field added to job.h or node.h is one
 * line in rows.c.
 */
#include <ucluster/history.h>
#include <ucluster/job.h>
#include <ucluster/limits.h>
#include <ucluster/node.h>
#include <ucluster/reservation.h>
#include <ucluster/step.h>
#include "base/arena.h"

enum uc_rows_kind {
	UC_ROWS_JOBS = 1,
	UC_ROWS_NODES,
	UC_ROWS_PARTITIONS,
	UC_ROWS_LIMITS,
	UC_ROWS_RESERVATIONS,
	UC_ROWS_STEPS,
	UC_ROWS_HISTORY,
};

enum uc_field_type {
	UC_FIELD_U32,
	UC_FIELD_U64,
	UC_FIELD_I64,
	UC_FIELD_BOOL,
	UC_FIELD_RAW,  /* struct uc_raw */
	UC_FIELD_LIST, /* struct uc_raw_list */
};

/* What a recording puts in the place of a name. */
enum uc_mask {
	UC_MASK_NONE,
	UC_MASK_USER,    /* "user1", the same for the same name; root stays */
	UC_MASK_USER_ID, /* 10001, ...; 0 stays */
	UC_MASK_ACCOUNT, /* also in comma-separated lists */
	UC_MASK_GROUP,
	UC_MASK_NAME, /* of a job: "job1" */
	UC_MASK_TEXT, /* free text that may hold anything: "text1" */
	UC_MASK_PATH, /* "/path1" */
};

struct uc_field {
	const char *name; /* also the key in recordings */
	uint16_t offset;
	uint8_t type;   /* enum uc_field_type */
	uint8_t mask;   /* enum uc_mask */
	uint64_t unset; /* the value that means "not set": not written to recordings */
};

struct uc_rows_type {
	const char *name; /* "jobs" */
	enum uc_rows_kind kind;
	uint32_t row_size;
	const struct uc_field *fields;
	size_t field_count;
};

const struct uc_rows_type *uc_rows_type(enum uc_rows_kind kind);
/* Changes with any change of the table, and between ABIs. */
uint64_t uc_rows_checksum(const struct uc_rows_type *type);

/* A choice of fields, by their place in the table. */
#define UC_FIELDS_MAX 128
struct uc_fields {
	uint64_t word[UC_FIELDS_MAX / 64];
};
static inline bool uc_fields_have(const struct uc_fields *fields, size_t i)
{
	return fields->word[i / 64] >> i % 64 & 1;
}
static inline bool uc_fields_overlap(const struct uc_fields *a, const struct uc_fields *b)
{
	uint64_t both = 0;

	for (size_t i = 0; i < UC_FIELDS_MAX / 64; i++)
		both |= a->word[i] & b->word[i];
	return both != 0;
}
void uc_fields_all(const struct uc_rows_type *type, struct uc_fields *out);
/* "job_id,name"; -1 with *err for a name that is no field. */
int uc_fields_parse(const struct uc_rows_type *type, const char *names,
		    struct uc_fields *out, struct uc_error *err) UC_MUST_CHECK;

/* Set every field to its "unset" value. */
void uc_row_clear(const struct uc_rows_type *type, void *row);

static inline void *uc_row_field(const void *row, const struct uc_field *field)
{
	return (char *)(uintptr_t)row + field->offset;
}

void uc_row_copy_field(const struct uc_field *field, const void *from, void *to);

/* Whether a query asks for jobs in this state. */
bool uc_job_query_has_state(const struct uc_job_query *query, uint32_t state);

/*
 * What uc_jobs, uc_nodes, uc_partitions and uc_limits all are; the public types have this
 * layout, which rows.c asserts.
 */
struct uc_rows {
	size_t count;
	const void *row;
	int64_t now, updated;
	struct uc_owner *owner;
};

/* Where a snapshot's memory is: an arena, or rows beside a mapping that has strings. */
struct uc_owner {
	struct uc_arena *arena;
	void *rows;
	void *map;
	size_t map_size;
};

/* A snapshot with `count` cleared rows in a new arena; fill rows, then use it. */
struct uc_rows *uc_rows_new(enum uc_rows_kind kind, size_t count, int64_t now,
			    struct uc_error *err);
/* Its rows, while it is being filled. */
static inline void *uc_rows_at(const struct uc_rows *rows, uint32_t row_size, size_t i)
{
	return (char *)(uintptr_t)rows->row + row_size * i;
}
void uc_rows_free(struct uc_rows *rows);
UC_DEFINE_AUTO(rows, struct uc_rows *)

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <ucluster/source.h>
#include "slurm/wire.h"

static struct uc_rows *synthetic(enum uc_rows_kind kind)
{
	uc_auto(source) struct uc_source *src = NULL;
	struct uc_error err;
	struct uc_rows *rows = NULL;
	int rc;

	assert_int_equal(
		uc_source_open("synthetic:nodes=30,jobs=400,seed=5", NULL, &src, &err),
		0);
	rc = kind == UC_ROWS_JOBS
		     ? uc_jobs_load(src, NULL, (struct uc_jobs **)&rows, &err)
	     : kind == UC_ROWS_NODES ? uc_nodes_load(src, (struct uc_nodes **)&rows, &err)
	     : kind == UC_ROWS_PARTITIONS
		     ? uc_partitions_load(src, (struct uc_partitions **)&rows, &err)
		     : uc_reservations_load(src, (struct uc_reservations **)&rows, &err);
	assert_int_equal(rc, 0);
	return rows;
}

static int pack(const struct uc_rows *rows, enum uc_rows_kind kind)
{
	uc_auto(wire) struct uc_wire *wire = uc_wire_new(kind);
	struct uc_error err;
	int fd;

	for (size_t i = 0; i < rows->count; i++)
		uc_wire_add(wire, uc_rows_at(rows, uc_rows_type(kind)->row_size, i));
	fd = uc_wire_finish(wire, rows->now, rows->updated, &err);
	assert_true(fd >= 0);
	return fd;
}

static void assert_same_text(struct uc_raw a, struct uc_raw b)
{
	assert_int_equal(!a.bytes, !b.bytes);
	if (a.bytes)
		assert_string_equal(a.bytes, b.bytes);
}

static void assert_same_field(const void *a, const void *b, const struct uc_field *f)
{
	static const size_t sizes[] = { [UC_FIELD_U32] = 4,
					[UC_FIELD_U64] = 8,
					[UC_FIELD_I64] = 8,
					[UC_FIELD_BOOL] = 1 };
	const struct uc_raw_list *la = uc_row_field(a, f), *lb = uc_row_field(b, f);

	if (f->type == UC_FIELD_RAW) {
		assert_same_text(*(struct uc_raw *)uc_row_field(a, f),
				 *(struct uc_raw *)uc_row_field(b, f));
	} else if (f->type == UC_FIELD_LIST) {
		assert_int_equal(la->count, lb->count);
		for (size_t i = 0; i < la->count; i++)
			assert_same_text(la->item[i], lb->item[i]);
	} else {
		assert_memory_equal(uc_row_field(a, f), uc_row_field(b, f),
				    sizes[f->type]);
	}
}

static void check_round_trip(enum uc_rows_kind kind)
{
	const struct uc_rows_type *type = uc_rows_type(kind);
	uc_auto(rows) struct uc_rows *before = synthetic(kind), *after = NULL;
	struct uc_error err;
	int fd = pack(before, kind);

	assert_int_equal(uc_wire_map(fd, kind, &after, &err), 0);
	close(fd);
	assert_int_equal(after->count, before->count);
	assert_int_equal(after->now, before->now);
	assert_int_equal(after->updated, before->updated);
	for (size_t i = 0; i < before->count; i++)
		for (size_t k = 0; k < type->field_count; k++)
			assert_same_field(uc_rows_at(before, type->row_size, i),
					  uc_rows_at(after, type->row_size, i),
					  &type->fields[k]);
}

static void test_jobs_arrive_as_they_left(void **state)
{
	(void)state;
	check_round_trip(UC_ROWS_JOBS);
}

static void test_nodes_arrive_as_they_left(void **state)
{
	(void)state;
	check_round_trip(UC_ROWS_NODES);
}

static void test_partitions_arrive_as_they_left(void **state)
{
	(void)state;
	check_round_trip(UC_ROWS_PARTITIONS);
}

static void test_reservations_arrive_as_they_left(void **state)
{
	(void)state;
	check_round_trip(UC_ROWS_RESERVATIONS);
}

static void test_an_empty_table_is_a_table(void **state)
{
	uc_auto(rows) struct uc_rows *after = NULL;
	struct uc_rows none = { .now = 5 };
	struct uc_error err;
	int fd = pack(&none, UC_ROWS_JOBS);

	(void)state;
	assert_int_equal(uc_wire_map(fd, UC_ROWS_JOBS, &after, &err), 0);
	assert_int_equal(after->count, 0);
	close(fd);
}

static void test_only_chosen_fields_travel(void **state)
{
	const struct uc_rows_type *type = uc_rows_type(UC_ROWS_JOBS);
	uc_auto(rows) struct uc_rows *before = synthetic(UC_ROWS_JOBS), *after = NULL;
	uc_auto(wire) struct uc_wire *wire = uc_wire_new(UC_ROWS_JOBS);
	struct uc_fields chosen;
	struct uc_error err;
	struct uc_job clear;
	int fd;

	(void)state;
	assert_int_equal(
		uc_fields_parse(type, "user,job_id,gres_detail,batch", &chosen, &err), 0);
	uc_wire_choose(wire, &chosen);
	for (size_t i = 0; i < before->count; i++)
		uc_wire_add(wire, uc_rows_at(before, type->row_size, i));
	fd = uc_wire_finish(wire, 1, 2, &err);
	assert_int_equal(uc_wire_map(fd, UC_ROWS_JOBS, &after, &err), 0);
	close(fd);
	assert_int_equal(after->count, before->count);
	uc_row_clear(type, &clear);
	for (size_t i = 0; i < before->count; i++)
		for (size_t k = 0; k < type->field_count; k++)
			assert_same_field(uc_fields_have(&chosen, k)
						  ? uc_rows_at(before, type->row_size, i)
						  : (void *)&clear,
					  uc_rows_at(after, type->row_size, i),
					  &type->fields[k]);
}

static void test_names_of_fields(void **state)
{
	const struct uc_rows_type *type = uc_rows_type(UC_ROWS_JOBS);
	struct uc_fields some, all;
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_fields_parse(type, "", &some, &err), 0);
	assert_int_equal(some.word[0] | some.word[1], 0);
	assert_int_equal(uc_fields_parse(type, "job_id,mail_user", &some, &err), 0);
	assert_int_equal(__builtin_popcountll(some.word[0]), 1);
	assert_int_equal(__builtin_popcountll(some.word[1]), 1);
	uc_fields_all(type, &all);
	assert_int_equal(__builtin_popcountll(all.word[0]) +
				 __builtin_popcountll(all.word[1]),
			 type->field_count);
	assert_int_equal(uc_fields_parse(type, "job_id,job", &some, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
	assert_non_null(strstr(err.text, "'job' is no field of jobs"));
}

/* Every row of the fields is covered: no bytes of a row but those of a field matter. */
static void test_every_field_has_a_line_in_its_table(void **state)
{
	static const size_t sizes[] = { 4, 8, 8, 1, 8, 16 };

	(void)state;
	for (int kind = UC_ROWS_JOBS; kind <= UC_ROWS_HISTORY; kind++) {
		const struct uc_rows_type *type = uc_rows_type(kind);
		char *seen = calloc(1, type->row_size);
		size_t holes = 0;

		for (size_t i = 0; i < type->field_count; i++) {
			const struct uc_field *f = &type->fields[i];

			for (size_t b = 0; b < sizes[f->type]; b++)
				assert_int_equal(seen[f->offset + b]++, 0);
		}
		for (size_t b = 0, run = 0; b < type->row_size; b++) {
			run = seen[b] ? 0 : run + 1;
			holes = run > holes ? run : holes;
		}
		free(seen);
		/* Padding before an 8-byte field is at most 7 bytes. */
		assert_true(holes < 8);
	}
}

static void test_only_sealed_memory_is_mapped(void **state)
{
	uc_auto(rows) struct uc_rows *after = NULL;
	struct uc_error err = { 0 };
	char page[4096] = { 0 };
	int fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)state;
	assert_int_equal(write(fd, page, sizeof(page)), sizeof(page));
	assert_int_equal(uc_wire_map(fd, UC_ROWS_JOBS, &after, &err), -1);
	assert_int_equal(err.code, UC_INVALID);
	close(fd);
	assert_int_equal(uc_wire_map(-1, UC_ROWS_JOBS, &after, &err), -1);
	assert_int_equal(err.code, UC_INVALID);
}

static void test_another_kind_is_refused(void **state)
{
	uc_auto(rows) struct uc_rows *before = synthetic(UC_ROWS_NODES), *after = NULL;
	struct uc_error err = { 0 };
	int fd = pack(before, UC_ROWS_NODES);

	(void)state;
	assert_int_equal(uc_wire_map(fd, UC_ROWS_JOBS, &after, &err), -1);
	assert_int_equal(err.code, UC_INVALID);
	close(fd);
}

/* Reads all that a row points to; a bad pointer shows under ASan. */
static size_t read_all(const struct uc_rows *rows, const struct uc_rows_type *type)
{
	size_t bytes = 0;

	for (size_t i = 0; i < rows->count; i++)
		for (size_t k = 0; k < type->field_count; k++) {
			const struct uc_field *f = &type->fields[k];
			const void *row = uc_rows_at(rows, type->row_size, i);
			const struct uc_raw *raw = uc_row_field(row, f);
			const struct uc_raw_list *list = uc_row_field(row, f);

			if (f->type == UC_FIELD_RAW && raw->bytes)
				bytes += strlen(raw->bytes);
			for (size_t n = 0; f->type == UC_FIELD_LIST && n < list->count;
			     n++)
				bytes += list->item[n].bytes ? strlen(list->item[n].bytes)
							     : 0;
		}
	return bytes;
}

static void test_a_damaged_table_is_refused_or_harmless(void **state)
{
	const struct uc_rows_type *type = uc_rows_type(UC_ROWS_JOBS);
	uc_auto(rows) struct uc_rows *before = synthetic(UC_ROWS_JOBS);
	int fd, refused = 0;
	off_t size;
	char *whole, *copy;
	uint64_t rng = 88172645463325252;

	(void)state;
	before->count = 20;
	fd = pack(before, UC_ROWS_JOBS);
	size = lseek(fd, 0, SEEK_END);
	whole = malloc((size_t)size);
	copy = malloc((size_t)size);
	assert_int_equal(pread(fd, whole, (size_t)size, 0), size);
	close(fd);
	for (int round = 0; round < 20000; round++) {
		uc_auto(rows) struct uc_rows *rows = NULL;
		struct uc_error err = { 0 };
		size_t cut = (size_t)size;

		memcpy(copy, whole, (size_t)size);
		for (int k = 0; k < 1 + round % 4; k++) {
			rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
			copy[rng % (round % 2 ? 64 : (size_t)size)] ^= 1 << (rng >> 61);
		}
		if (round % 7 == 0)
			cut = rng % (size_t)size;
		if (uc_wire_read(copy, cut, UC_ROWS_JOBS, &rows, &err) < 0) {
			assert_int_equal(err.code, UC_INVALID);
			refused++;
		} else {
			read_all(rows, type);
		}
	}
	assert_true(refused > 10000);
	free(whole);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs_arrive_as_they_left),
		cmocka_unit_test(test_nodes_arrive_as_they_left),
		cmocka_unit_test(test_partitions_arrive_as_they_left),
		cmocka_unit_test(test_reservations_arrive_as_they_left),
		cmocka_unit_test(test_an_empty_table_is_a_table),
		cmocka_unit_test(test_only_chosen_fields_travel),
		cmocka_unit_test(test_names_of_fields),
		cmocka_unit_test(test_every_field_has_a_line_in_its_table),
		cmocka_unit_test(test_only_sealed_memory_is_mapped),
		cmocka_unit_test(test_another_kind_is_refused),
		cmocka_unit_test(test_a_damaged_table_is_refused_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

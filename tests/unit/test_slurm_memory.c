/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Sources while memory runs out, at one allocation and for good from there on, at 250
 * places of each run, ours and jansson's: a question fails and says so, or its answer is
 * whole; never a row or a field lost. (The linker hands malloc, calloc and realloc of
 * this program to __wrap_*.)
 */
#include "memory_unit.h"
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/capacity.h>
#include <ucluster/source.h>
#include "slurm/wire.h"

static void free_for_jansson(void *p)
{
	free(p);
}

/* All that a table holds, as bytes to compare. */
static void dump(const struct uc_rows *rows, enum uc_rows_kind kind, struct uc_buf *out)
{
	static const size_t sizes[] = { 4, 8, 8, 1 };
	const struct uc_rows_type *type = uc_rows_type(kind);

	for (size_t i = 0; i < rows->count; i++)
		for (size_t k = 0; k < type->field_count; k++) {
			const struct uc_field *f = &type->fields[k];
			const void *at =
				uc_row_field(uc_rows_at(rows, type->row_size, i), f);
			const struct uc_raw_list *list = at;

			if (f->type < UC_FIELD_RAW)
				uc_buf_addn(out, at, sizes[f->type]);
			else if (f->type == UC_FIELD_RAW)
				uc_buf_add(out,
					   ((const struct uc_raw *)at)->bytes
						   ? ((const struct uc_raw *)at)->bytes
						   : "-");
			for (size_t n = 0; f->type == UC_FIELD_LIST && n < list->count;
			     n++)
				uc_buf_add(out, list->item[n].bytes);
			uc_buf_addc(out, '|');
		}
}

static int load_table(struct uc_source *src, enum uc_rows_kind kind,
		      struct uc_rows **rows, struct uc_error *err)
{
	if (kind == UC_ROWS_JOBS)
		return uc_jobs_load(src, NULL, (struct uc_jobs **)rows, err);
	if (kind == UC_ROWS_NODES)
		return uc_nodes_load(src, (struct uc_nodes **)rows, err);
	return uc_partitions_load(src, (struct uc_partitions **)rows, err);
}

/* Everything a source answers; -1 with a text, or 0 with all of it in *out. */
static int ask_all(const char *name, struct uc_buf *out, struct uc_error *err)
{
	uc_auto(source) struct uc_source *src = NULL;

	if (uc_source_open(name, NULL, &src, err) < 0)
		return -1;
	for (int kind = UC_ROWS_JOBS; kind <= UC_ROWS_PARTITIONS; kind++) {
		uc_auto(rows) struct uc_rows *rows = NULL;
		size_t fail_at = memory.fail_at;

		if (load_table(src, (enum uc_rows_kind)kind, &rows, err) < 0)
			return -1;
		memory.fail_at = 0;
		dump(rows, (enum uc_rows_kind)kind, out);
		memory.fail_at = fail_at;
	}
	return 0;
}

static char folder[64];

static void clear_folder(void)
{
	static const char *const names[] = { "manifest.json", "jobs.jsonl.zst",
					     "nodes.jsonl.zst", "partitions.jsonl.zst",
					     "reservations.jsonl.zst" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

#define CLUSTER "synthetic:nodes=3,jobs=6,seed=3"

static int record(struct uc_buf *out, struct uc_error *err)
{
	uc_auto(source) struct uc_source *src = NULL;
	char name[96];

	if (uc_source_open(CLUSTER, NULL, &src, err) < 0 ||
	    uc_record_write(src, folder, err) < 0)
		return -1;
	memory.fail_at = 0;
	snprintf(name, sizeof(name), "record:%s", folder);
	return ask_all(name, out, err);
}

static int replay(struct uc_buf *out, struct uc_error *err)
{
	char name[96];

	snprintf(name, sizeof(name), "record:%s", folder);
	return ask_all(name, out, err);
}

static int make_up(struct uc_buf *out, struct uc_error *err)
{
	return ask_all(CLUSTER, out, err);
}

/* Through the wire, as the worker sends it. */
static int send_over(struct uc_buf *out, struct uc_error *err)
{
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(rows) struct uc_rows *rows = NULL, *arrived = NULL;
	uc_auto(wire) struct uc_wire *wire = NULL;
	int fd, rc;

	if (uc_source_open(CLUSTER, NULL, &src, err) < 0 ||
	    load_table(src, UC_ROWS_JOBS, &rows, err) < 0)
		return -1;
	wire = uc_wire_new(UC_ROWS_JOBS);
	if (!wire)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < rows->count; i++)
		uc_wire_add(wire, uc_rows_at(rows, sizeof(struct uc_job), i));
	fd = uc_wire_finish(wire, 1, 1, err);
	if (fd < 0)
		return -1;
	rc = uc_wire_map(fd, UC_ROWS_JOBS, &arrived, err);
	close(fd);
	if (rc < 0)
		return -1;
	memory.fail_at = 0;
	dump(arrived, UC_ROWS_JOBS, out);
	return 0;
}

/* Loaded once; what is made of them is what fails. */
static struct uc_jobs *jobs;
static struct uc_nodes *nodes;
static struct uc_partitions *partitions;
static struct uc_reservations *reservations;

static void load_once(void)
{
	uc_auto(source) struct uc_source *src = NULL;
	struct uc_error err;

	memory.fail_at = 0;
	assert_int_equal(
		uc_source_open("synthetic:nodes=12,jobs=30,seed=2", NULL, &src, &err), 0);
	assert_int_equal(uc_jobs_load(src, NULL, &jobs, &err), 0);
	assert_int_equal(uc_nodes_load(src, &nodes, &err), 0);
	assert_int_equal(uc_partitions_load(src, &partitions, &err), 0);
	assert_int_equal(uc_reservations_load(src, &reservations, &err), 0);
}

static void dump_free(const struct uc_capacity *all, const struct uc_gpu_map *map,
		      struct uc_buf *out)
{
	memory.fail_at = 0;
	for (size_t i = 0; i < all->count; i++)
		uc_buf_addf(out, "%s %s %llu %llu %lld\n",
			    all->row[i].partition->name.bytes,
			    all->row[i].type.bytes ? all->row[i].type.bytes : "-",
			    (unsigned long long)all->row[i].gpus.mine,
			    (unsigned long long)all->row[i].cpus.mine,
			    (long long)all->row[i].time);
	for (size_t n = 0; n < map->count; n++)
		for (size_t i = 0; i < map->node[n].count; i++)
			uc_buf_addf(out, "%s %zu %d %s\n", map->node[n].node->name.bytes,
				    i, (int)map->node[n].slot[i].holder,
				    map->node[n].slot[i].type.bytes);
}

static int see_what_is_free(struct uc_buf *out, struct uc_error *err)
{
	const struct uc_capacity_facts facts = { .nodes = nodes,
						 .partitions = partitions,
						 .jobs = jobs,
						 .reservations = reservations,
						 .who = { .user_id = 1, .user = "u" },
						 .now = nodes->now };
	uc_auto(capacity) struct uc_capacity *all = NULL;
	uc_auto(gpu_map) struct uc_gpu_map *map = NULL;

	if (uc_capacity_make(&facts, &all, err) < 0 ||
	    uc_gpu_map_make(&facts, &map, err) < 0)
		return -1;
	dump_free(all, map, out);
	return 0;
}

static size_t points;

/* Run it with every allocation failing in turn. `before` makes its world anew. */
static void try_all(int (*run)(struct uc_buf *out, struct uc_error *err),
		    void (*before)(void), bool stay)
{
	uc_auto(buf) struct uc_buf whole = { 0 };
	struct uc_error err = { 0 };
	size_t total;

	memory.fail_at = memory.calls = 0;
	if (before)
		before();
	assert_int_equal(run(&whole, &err), 0);
	total = memory.calls;
	assert_true(total > 10 && whole.len > 1000);
	for (size_t at = 1; at <= total; at += 1 + total / 250) {
		uc_auto(buf) struct uc_buf out = { 0 };
		int rc;

		if (before)
			before();
		err = (struct uc_error){ 0 };
		memory.calls = 0;
		memory.stay = stay;
		memory.fail_at = at;
		rc = run(&out, &err);
		memory.fail_at = 0;
		points++;
		if (rc < 0 && (!err.text[0] || !err.code))
			fail_msg("allocation %zu: failed without a word", at);
		if (!rc &&
		    (out.len != whole.len || memcmp(out.data, whole.data, out.len)))
			fail_msg("allocation %zu: an answer that is not whole", at);
	}
}

static void new_folder(void)
{
	clear_folder();
}

static void test_a_made_up_cluster(void **state)
{
	(void)state;
	try_all(make_up, NULL, false);
	try_all(make_up, NULL, true);
}

static void test_a_table_on_the_wire(void **state)
{
	(void)state;
	try_all(send_over, NULL, false);
	try_all(send_over, NULL, true);
}

static void test_what_is_free(void **state)
{
	(void)state;
	load_once();
	try_all(see_what_is_free, NULL, false);
	try_all(see_what_is_free, NULL, true);
	uc_jobs_free(jobs);
	uc_nodes_free(nodes);
	uc_partitions_free(partitions);
	uc_reservations_free(reservations);
}

static void test_a_recording_written(void **state)
{
	(void)state;
	try_all(record, new_folder, false);
	try_all(record, new_folder, true);
}

static void test_a_recording_read(void **state)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_error err;

	(void)state;
	clear_folder();
	assert_int_equal(record(&out, &err), 0);
	/* jansson 2.14's lexer drops bytes that it finds no memory for, and says nothing.
	 */
	json_set_alloc_funcs(__real_malloc, free_for_jansson);
	try_all(replay, NULL, false);
	try_all(replay, NULL, true);
	print_message("# %zu points\n", points);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_made_up_cluster),
		cmocka_unit_test(test_a_table_on_the_wire),
		cmocka_unit_test(test_what_is_free),
		cmocka_unit_test(test_a_recording_written),
		cmocka_unit_test(test_a_recording_read),
	};
	int rc;

	json_set_alloc_funcs(__wrap_malloc, free_for_jansson);
	snprintf(folder, sizeof(folder), "/tmp/ucluster-memory-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	clear_folder();
	return rc;
}

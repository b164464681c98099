/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <ucluster/gres.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include "base/base64.h"
#include "base/file.h"
#include "slurm/record.h"

static char folder[64];

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/ucluster-record-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "manifest.json", "jobs.jsonl.zst",
					     "nodes.jsonl.zst", "partitions.jsonl.zst",
					     "reservations.jsonl.zst" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static struct uc_source *open_source(const char *name)
{
	struct uc_error err = { 0 };
	struct uc_source *src = NULL;

	if (uc_source_open(name, NULL, &src, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return src;
}

static void record(const char *name)
{
	uc_auto(source) struct uc_source *src = open_source(name);
	struct uc_error err = { 0 };

	if (uc_record_write(src, folder, &err) < 0)
		fail_msg("%s", err.text);
}

static struct uc_source *replay(void)
{
	char name[96];

	snprintf(name, sizeof(name), "record:%s", folder);
	return open_source(name);
}

/* Fields that hold no names come back as they were; names become others, one to one. */
static void check_table(const struct uc_rows *a, const struct uc_rows *b,
			enum uc_rows_kind kind)
{
	static const size_t sizes[] = { 4, 8, 8, 1 };
	const struct uc_rows_type *type = uc_rows_type(kind);

	assert_int_equal(a->count, b->count);
	assert_int_equal(a->now, b->now);
	assert_int_equal(a->updated, b->updated);
	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < type->field_count; k++) {
			const struct uc_field *f = &type->fields[k];
			const void *fa =
				uc_row_field(uc_rows_at(a, type->row_size, i), f);
			const void *fb =
				uc_row_field(uc_rows_at(b, type->row_size, i), f);
			if (f->type == UC_FIELD_RAW) {
				const char *ta = ((const struct uc_raw *)fa)->bytes;
				const char *tb = ((const struct uc_raw *)fb)->bytes;

				assert_int_equal(!ta, !tb);
				if (ta && strcmp(ta, "root"))
					assert_int_equal(!strcmp(ta, tb),
							 f->mask == UC_MASK_NONE);
			} else if (f->type < UC_FIELD_RAW && f->mask == UC_MASK_NONE) {
				assert_memory_equal(fa, fb, sizes[f->type]);
			}
		}
}

static void test_a_recording_answers_as_the_source_did(void **state)
{
	const char *name = "synthetic:nodes=30,jobs=300,seed=4";
	uc_auto(source) struct uc_source *a = open_source(name), *b = NULL;
	uc_auto(jobs) struct uc_jobs *ja = NULL, *jb = NULL;
	uc_auto(nodes) struct uc_nodes *na = NULL, *nb = NULL;
	uc_auto(partitions) struct uc_partitions *pa = NULL, *pb = NULL;
	uc_auto(reservations) struct uc_reservations *ra = NULL, *rb = NULL;
	struct uc_error err;
	size_t lists = 0;

	(void)state;
	record(name);
	b = replay();
	assert_false(uc_source_is_live(b));
	assert_int_equal(uc_source_now(a), uc_source_now(b));
	assert_int_equal(uc_jobs_load(a, NULL, &ja, &err), 0);
	assert_int_equal(uc_jobs_load(b, NULL, &jb, &err), 0);
	check_table((struct uc_rows *)ja, (struct uc_rows *)jb, UC_ROWS_JOBS);
	assert_int_equal(uc_nodes_load(a, &na, &err), 0);
	assert_int_equal(uc_nodes_load(b, &nb, &err), 0);
	check_table((struct uc_rows *)na, (struct uc_rows *)nb, UC_ROWS_NODES);
	assert_int_equal(uc_partitions_load(a, &pa, &err), 0);
	assert_int_equal(uc_partitions_load(b, &pb, &err), 0);
	check_table((struct uc_rows *)pa, (struct uc_rows *)pb, UC_ROWS_PARTITIONS);
	assert_int_equal(uc_reservations_load(a, &ra, &err), 0);
	assert_int_equal(uc_reservations_load(b, &rb, &err), 0);
	check_table((struct uc_rows *)ra, (struct uc_rows *)rb, UC_ROWS_RESERVATIONS);
	for (size_t i = 0; i < ja->count; i++) {
		const struct uc_raw_list *la = &ja->row[i].gres_detail;
		const struct uc_raw_list *lb = &jb->row[i].gres_detail;

		assert_int_equal(la->count, lb->count);
		lists += la->count;
		if (la->count)
			assert_string_equal(la->item[0].bytes, lb->item[0].bytes);
	}
	assert_true(lists > 10);
	/* The same name has the same pseudonym, and its number goes with it. */
	for (size_t i = 1; i < ja->count; i++)
		assert_int_equal(!strcmp(ja->row[0].user.bytes, ja->row[i].user.bytes),
				 jb->row[0].user_id == jb->row[i].user_id);
}

static void test_a_full_folder_is_left_alone(void **state)
{
	uc_auto(source) struct uc_source *src = open_source("synthetic:");
	struct uc_error err = { 0 };

	(void)state;
	record("synthetic:");
	assert_int_equal(uc_record_write(src, folder, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
}

static void test_a_recording_takes_no_jobs(void **state)
{
	struct uc_submitted result;
	struct uc_error err = { 0 };
	struct uc_source *src;

	(void)state;
	record("synthetic:");
	src = replay();
	assert_int_equal(uc_submit(src, NULL, &result, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
	uc_source_free(src);
}

static void put(const char *name, const void *data, size_t len)
{
	char path[128];
	struct uc_error err = { 0 };

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (uc_file_write(path, data, len, 0600, &err) < 0)
		fail_msg("%s", err.text);
}

static void put_compressed(const char *name, const char *text, size_t len)
{
	size_t room = ZSTD_compressBound(len);
	char *out = malloc(room);
	size_t used = ZSTD_compress(out, room, text, len, 1);

	assert_false(ZSTD_isError(used));
	put(name, out, used);
	free(out);
}

#define MANIFEST "{\"ucluster_record\": 1, \"now\": 5, \"tables\": {\"jobs\": {}}}"

static enum uc_code load_jobs(struct uc_error *err)
{
	uc_auto(source) struct uc_source *src = replay();
	uc_auto(jobs) struct uc_jobs *jobs = NULL;

	*err = (struct uc_error){ 0 };
	return uc_jobs_load(src, NULL, &jobs, err) < 0 ? err->code : UC_OK;
}

static void test_damage_is_named(void **state)
{
	struct uc_error err;
	char zeros[64] = { 0 };

	(void)state;
	put("manifest.json", MANIFEST, strlen(MANIFEST));
	assert_int_equal(load_jobs(&err), UC_NOTFOUND);
	put("jobs.jsonl.zst", "plain text", 10);
	assert_int_equal(load_jobs(&err), UC_INVALID);
	put("jobs.jsonl.zst", zeros, sizeof(zeros));
	assert_int_equal(load_jobs(&err), UC_INVALID);
	put_compressed("jobs.jsonl.zst", "{\"job_id\": 7}\n{\"job_id\": \"x\"}\n", 31);
	assert_int_equal(load_jobs(&err), UC_INVALID);
	assert_int_equal(err.at.line, 2);
	assert_non_null(strstr(err.text, "job_id"));
	put_compressed("jobs.jsonl.zst", "{\"job_id\": 7, \"new\": [{}]}", 26);
	assert_int_equal(load_jobs(&err), UC_OK);
}

static void test_a_cut_off_table_is_named(void **state)
{
	const char line[] = "{\"job_id\": 7, \"name\": \"abcdefghijk\"}\n";
	char out[256];
	size_t used = ZSTD_compress(out, sizeof(out), line, strlen(line), 1);
	struct uc_error err;

	(void)state;
	put("manifest.json", MANIFEST, strlen(MANIFEST));
	for (size_t cut = 0; cut < used; cut++) {
		put("jobs.jsonl.zst", out, cut);
		assert_int_equal(load_jobs(&err), UC_INVALID);
	}
}

/* 600 MiB of blanks are 60 KiB of zstd. */
static void test_a_bomb_is_refused(void **state)
{
	size_t len = UC_RECORD_TEXT_MAX + (1 << 20);
	char *text = malloc(len);
	struct uc_error err;

	(void)state;
	memset(text, ' ', len);
	put("manifest.json", MANIFEST, strlen(MANIFEST));
	put_compressed("jobs.jsonl.zst", text, len);
	free(text);
	assert_int_equal(load_jobs(&err), UC_INVALID);
	assert_non_null(strstr(err.text, "more than"));
}

static void test_foreign_folders_are_no_recordings(void **state)
{
	static const char *const manifests[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"ucluster_record\": 2, \"tables\": {}}",
		"{\"ucluster_record\": 1, \"tables\": []}",
	};
	struct uc_source *src = NULL;
	struct uc_error err = { 0 };
	char name[96];

	(void)state;
	snprintf(name, sizeof(name), "record:%s", folder);
	assert_int_equal(uc_source_open(name, NULL, &src, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	for (size_t i = 0; i < ARRAY_SIZE(manifests); i++) {
		put("manifest.json", manifests[i], strlen(manifests[i]));
		assert_int_equal(uc_source_open(name, NULL, &src, &err), -1);
		assert_int_equal(err.code, UC_INVALID);
	}
	assert_int_equal(uc_source_open("record:", NULL, &src, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
}

static int parse(const char *text, struct uc_rows **rows, struct uc_error *err)
{
	return uc_record_parse(&(struct uc_record_text){ .at = text,
							 .len = strlen(text),
							 .kind = UC_ROWS_JOBS,
							 .path = "x" },
			       rows, err);
}

static void test_bytes_that_are_no_utf8_survive(void **state)
{
	static const char *const texts[] = { "YQ==", "YWI=", "YWJj", "/v8=" };
	static const char *const bytes[] = { "a", "ab", "abc", "\xfe\xff" };
	static const char *const wrong[] = { "Y",    "YQ=",     "Y===", "YQ==YQ==",
					     "Y Q=", "Y\xff==", "AA==" };
	uc_auto(rows) struct uc_rows *rows = NULL;
	const char *odd = "{\"partition\": {\"base64\": \"/v8=\"}}";
	struct uc_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uc_auto(buf) struct uc_buf text = { 0 }, back = { 0 };

		uc_base64_encode(&text, bytes[i], strlen(bytes[i]));
		assert_string_equal(uc_buf_text(&text), texts[i]);
		assert_true(uc_base64_decode(&back, texts[i]));
		assert_string_equal(uc_buf_text(&back), bytes[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char line[96];

		snprintf(line, sizeof(line), "{\"name\": {\"base64\": \"%s\"}}",
			 wrong[i]);
		assert_int_equal(parse(line, &rows, &err), -1);
		assert_int_equal(err.code, UC_INVALID);
	}
	assert_int_equal(parse(odd, &rows, &err), 0);
	assert_string_equal(((const struct uc_jobs *)rows)->row[0].partition.bytes,
			    "\xfe\xff");
}

/* Recorded on Slurm 22.05.8: what its strings say is what they were counted as then. */
static void test_recorded_clusters_count_their_gpus(void **state)
{
	uc_auto(source) struct uc_source *src =
		open_source("record:" UC_TEST_DATA "/clusters/slurm-22.05");
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	uc_auto(nodes) struct uc_nodes *nodes = NULL;
	struct uc_error err;
	uint64_t held = 0, used = 0;

	(void)state;
	assert_int_equal(uc_jobs_load(src, NULL, &jobs, &err), 0);
	assert_int_equal(uc_nodes_load(src, &nodes, &err), 0);
	for (size_t i = 0; i < jobs->count; i++) {
		struct uc_gpus gpus;

		uc_job_gpus(&jobs->row[i], &gpus);
		assert_int_equal(gpus.count, jobs->row[i].gpus);
		if ((jobs->row[i].state & UC_JOB_BASE) == UC_JOB_RUNNING)
			held += gpus.count;
	}
	for (size_t i = 0; i < nodes->count; i++) {
		struct uc_gpus gpus = { 0 };

		uc_gpus_add(&gpus, nodes->row[i].gres_used.bytes);
		assert_int_equal(gpus.count, nodes->row[i].gpus_used);
		used += gpus.count;
	}
	assert_int_equal(held, 10);
	assert_int_equal(used, 10);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_a_recording_answers_as_the_source_did),
		EACH(test_a_full_folder_is_left_alone),
		EACH(test_a_recording_takes_no_jobs),
		EACH(test_damage_is_named),
		EACH(test_a_cut_off_table_is_named),
		EACH(test_a_bomb_is_refused),
		EACH(test_foreign_folders_are_no_recordings),
		cmocka_unit_test(test_bytes_that_are_no_utf8_survive),
		cmocka_unit_test(test_recorded_clusters_count_their_gpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <string.h>
#include <unistd.h>
#include <ucluster/limits.h>
#include "slurm/wire.h"

#define RAW(text)                                                                        \
	{                                                                                \
		text                                                                     \
	}

static const struct uc_limit rows[] = {
	{ .kind = UC_LIMIT_QOS, .name = RAW("normal") },
	{ .kind = UC_LIMIT_QOS, .name = RAW("Short"), .wall_max = 3600 },
	{ .kind = UC_LIMIT_ACCOUNT, .account = RAW("root") },
	{ .kind = UC_LIMIT_ACCOUNT, .account = RAW("physics"), .parent = RAW("root") },
	{ .kind = UC_LIMIT_ASSOCIATION,
	  .account = RAW("physics"),
	  .user = RAW("me"),
	  .is_default = true },
	{ .kind = UC_LIMIT_ASSOCIATION,
	  .account = RAW("physics"),
	  .user = RAW("me"),
	  .partition = RAW("gpu"),
	  .is_default = true },
	{ .kind = UC_LIMIT_ASSOCIATION, .account = RAW("bio"), .partition = RAW("gpu") },
};
static const struct uc_limits limits = { .count = ARRAY_SIZE(rows), .row = rows };

static void test_qos_is_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(uc_limits_qos(&limits, "short"), &rows[1]);
	assert_ptr_equal(uc_limits_qos(&limits, "normal"), &rows[0]);
	assert_null(uc_limits_qos(&limits, "physics"));
	assert_null(uc_limits_qos(&limits, "shor"));
}

static void test_association_of_the_partition_wins(void **state)
{
	(void)state;
	assert_ptr_equal(uc_limits_association(&limits, NULL, NULL), &rows[4]);
	assert_ptr_equal(uc_limits_association(&limits, NULL, "batch"), &rows[4]);
	assert_ptr_equal(uc_limits_association(&limits, NULL, "gpu"), &rows[5]);
	assert_ptr_equal(uc_limits_association(&limits, "Physics", "gpu"), &rows[5]);
	assert_ptr_equal(uc_limits_association(&limits, "bio", "gpu"), &rows[6]);
	assert_null(uc_limits_association(&limits, "bio", "batch"));
	assert_null(uc_limits_association(&limits, "root", NULL));
}

static void test_accounts_above(void **state)
{
	const struct uc_limit *at = uc_limits_above(&limits, &rows[4]);

	(void)state;
	assert_ptr_equal(at, &rows[3]);
	at = uc_limits_above(&limits, at);
	assert_ptr_equal(at, &rows[2]);
	assert_null(uc_limits_above(&limits, at));
	assert_null(uc_limits_above(&limits, &rows[0]));
}

static void test_tres(void **state)
{
	static const char list[] = "cpu=64,mem=128000M,gres/gpu=8,gres/gpu:a100=4,node=0";
	uint64_t n = 7;

	(void)state;
	assert_true(uc_tres_get(list, "cpu", "", &n));
	assert_int_equal(n, 64);
	assert_true(uc_tres_get(list, "mem", "", &n));
	assert_int_equal(n, 128000ull << 20);
	assert_true(uc_tres_get(list, "gpu", "", &n));
	assert_int_equal(n, 8);
	assert_true(uc_tres_get(list, "gpu", "a100", &n));
	assert_int_equal(n, 4);
	assert_true(uc_tres_get(list, "node", "", &n));
	assert_int_equal(n, 0);
	n = 7;
	assert_false(uc_tres_get(list, "gpu", "h100", &n));
	assert_false(uc_tres_get(list, "billing", "", &n));
	assert_false(uc_tres_get(NULL, "cpu", "", &n));
	assert_false(uc_tres_get("", "cpu", "", &n));
	assert_int_equal(n, 7);
}

static void test_they_travel_by_wire(void **state)
{
	uc_auto(wire) struct uc_wire *wire = uc_wire_new(UC_ROWS_LIMITS);
	uc_auto(rows) struct uc_rows *after = NULL;
	struct uc_error err = { 0 };
	const struct uc_limits *got;
	int fd;

	(void)state;
	assert_non_null(wire);
	for (size_t i = 0; i < limits.count; i++)
		uc_wire_add(wire, &rows[i]);
	fd = uc_wire_finish(wire, 4711, 0, &err);
	assert_true(fd >= 0);
	assert_int_equal(uc_wire_map(fd, UC_ROWS_LIMITS, &after, &err), 0);
	close(fd);
	got = (const struct uc_limits *)after;
	assert_int_equal(got->count, limits.count);
	assert_int_equal(got->now, 4711);
	assert_string_equal(got->row[1].name.bytes, "Short");
	assert_int_equal(got->row[1].wall_max, 3600);
	assert_string_equal(got->row[5].partition.bytes, "gpu");
	assert_true(got->row[5].is_default);
	assert_null(got->row[4].partition.bytes);
}

static void test_a_made_up_cluster_has_none(void **state)
{
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(limits) struct uc_limits *none = NULL;
	struct uc_submission job = { .script = "#!/bin/sh\n" };
	uc_auto(estimate) struct uc_estimate estimate = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_source_open("synthetic:seed=1", NULL, &src, &err), 0);
	assert_int_equal(uc_limits_load(src, 1000, &none, &err), 0);
	assert_int_equal(none->count, 0);
	assert_int_equal(none->now, uc_source_now(src));
	assert_int_equal(uc_estimate(src, &job, &estimate, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qos_is_found_by_name),
		cmocka_unit_test(test_association_of_the_partition_wins),
		cmocka_unit_test(test_accounts_above),
		cmocka_unit_test(test_tres),
		cmocka_unit_test(test_they_travel_by_wire),
		cmocka_unit_test(test_a_made_up_cluster_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

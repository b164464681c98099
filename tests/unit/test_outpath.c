/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Names of output files, as slurmstepd writes them. */
#include "unit.h"

#include <string.h>
#include <ucluster/job.h>

static const struct uc_job plain = {
	.job_id = 4711,
	.array_task_id = UC_NONE32,
	.batch = true,
	.user = { "ada" },
	.name = { "train" },
	.batch_host = { "gpu1.example.org" },
	.workdir = { "/w" },
};
static const struct uc_job task = {
	.job_id = 4713,
	.array_job_id = 4711,
	.array_task_id = 12,
	.batch = true,
	.user = { "ada" },
	.name = { "train" },
	.workdir = { "/w/" },
};

static void expect(const struct uc_job *model, const char *pattern, const char *path)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_job job = *model;
	struct uc_error err = { 0 };

	job.std_out.bytes = pattern;
	if (uc_job_output(&job, false, NULL, &out, &err) < 0)
		fail_msg("'%s': %s", pattern ? pattern : "(unset)", err.text);
	assert_string_equal(uc_buf_text(&out), path);
}

static void test_outpath_letters(void **state)
{
	static const char *const cases[][2] = {
		{ NULL, "/w/slurm-4711.out" },
		{ "", "/w/slurm-4711.out" },
		{ "out", "/w/out" },
		{ "/abs/%j", "/abs/4711" },
		{ "%x-%u_%j.log", "/w/train-ada_4711.log" },
		{ "%N.%n.%t.%s", "/w/gpu1.0.0.batch" },
		{ "%A_%a", "/w/4711_4294967294" },
		{ "%J", "/w/4711" },
		{ "%8j", "/w/00004711" },
		{ "%2j", "/w/4711" },
		{ "%99j", "/w/0000004711" },
		{ "%3x", "/w/train" },
		{ "100%%", "/w/100%" },
		{ "%%j", "/w/%j" },
		{ "%", "/w/%" },
		{ "%5", "/w/%5" },
		{ "%q%j", "/w/%q4711" },
		{ "%7q", "/w/%7q" },
		{ "a\\%j", "/w/a%j" },
		{ "a\\\\%j", "/w/a\\%j" },
		{ "a\\", "/w/a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(&plain, cases[i][0], cases[i][1]);
}

static void test_outpath_of_an_array(void **state)
{
	(void)state;
	expect(&task, NULL, "/w/slurm-4711_12.out");
	expect(&task, "%A-%4a-%j-%b", "/w/4711-0012-4713-2");
}

static void test_outpath_of_errors(void **state)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_job job = plain;

	(void)state;
	assert_int_equal(uc_job_output(&job, true, NULL, &out, NULL), 0);
	assert_string_equal(uc_buf_text(&out), "/w/slurm-4711.out");
	uc_buf_reset(&out);
	job.std_err.bytes = "%j.err";
	assert_int_equal(uc_job_output(&job, true, NULL, &out, NULL), 0);
	assert_string_equal(uc_buf_text(&out), "/w/4711.err");
}

static void test_outpath_not_known(void **state)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_job job = task;
	struct uc_error err = { 0 };

	(void)state;
	job.std_out.bytes = "%N.out";
	assert_int_equal(uc_job_output(&job, false, NULL, &out, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	job.batch = false;
	assert_int_equal(uc_job_output(&job, false, NULL, &out, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
}

/* slurmd's node may have another name than its host. */
static void test_outpath_host(void **state)
{
	static const struct {
		const char *pattern;
		bool names;
	} cases[] = { { "%N", true },     { "%4N", true },  { "%%N", false },
		      { "%j-%N", true },  { "N", false },   { "%", false },
		      { "a\\%N", false }, { "%%%N", true }, { "%j.%%", false },
		      { "%39%N", true } };
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_job job = plain;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		job.std_out.bytes = cases[i].pattern;
		if (uc_job_output_names_host(&job) != cases[i].names)
			fail_msg("'%s'", cases[i].pattern);
	}
	job.std_out.bytes = "%N.out";
	assert_int_equal(uc_job_output(&job, false, "node7.cluster", &out, NULL), 0);
	assert_string_equal(uc_buf_text(&out), "/w/node7.out");
	uc_buf_reset(&out);
	assert_int_equal(uc_job_file(&job, "logs/%x.log", NULL, &out, NULL), 0);
	assert_string_equal(uc_buf_text(&out), "/w/logs/train.log");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outpath_letters),
		cmocka_unit_test(test_outpath_host),
		cmocka_unit_test(test_outpath_of_an_array),
		cmocka_unit_test(test_outpath_of_errors),
		cmocka_unit_test(test_outpath_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Job ids, new values and signals as people write them; sources on which nothing is done.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <ucluster/action.h>
#include <ucluster/units.h>

#define NONE UC_NONE32

static void test_job_ids(void **state)
{
	static const struct {
		const char *text;
		uint32_t job, task, component;
		const char *tasks;
	} good[] = {
		{ "4711", 4711, NONE, NONE, NULL },
		{ "4711_0", 4711, 0, NONE, NULL },
		{ "4711_7", 4711, 7, NONE, NULL },
		{ "4711_[3]", 4711, NONE, NONE, "3]" },
		{ "4711_[3-9,12]", 4711, NONE, NONE, "3-9,12]" },
		{ "4711_[0-98:2%4]", 4711, NONE, NONE, "0-98:2%4]" },
		{ "4711+1", 4711, NONE, 1, NULL },
	};
	static const char *const bad[] = {
		"",           "0",          "x",         "-1",        "4711_",
		"4711+",      "4711_x",     "4711_[",    "4711_[]",   "4711_[3",
		"4711_[3-]",  "4711_[9-3]", "4711_[3,]", "4711_[3]x", "4711_[3:0]",
		"4711_[%4]",  "4711_3_4",   "4711.0",    "4711 ",     " 4711",
		"4294967295", "4711_[,3]",  "4711_[3%]", "4711+1_2",  "4711_[0-4000001]",
	};
	struct uc_error err = { 0 };
	struct uc_job_id id;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(uc_job_id_parse(good[i].text, &id, &err), 0);
		assert_int_equal(id.job, good[i].job);
		assert_int_equal(id.task, good[i].task);
		assert_int_equal(id.component, good[i].component);
		if (good[i].tasks)
			assert_string_equal(id.tasks, good[i].tasks);
		else
			assert_null(id.tasks);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = (struct uc_error){ 0 };
		assert_int_equal(uc_job_id_parse(bad[i], &id, &err), -1);
		assert_int_equal(err.code, UC_USAGE);
		assert_non_null(strstr(err.text, "expected 4711, 4711_3"));
	}
}

static bool matches(const char *text, const struct uc_job *job)
{
	struct uc_job_id id;

	assert_int_equal(uc_job_id_parse(text, &id, NULL), 0);
	return uc_job_id_match(&id, job);
}

static void test_which_records_an_id_means(void **state)
{
	const struct uc_job plain = { .job_id = 9, .array_task_id = NONE };
	const struct uc_job task = { .job_id = 30,
				     .array_job_id = 20,
				     .array_task_id = 4 };
	const struct uc_job rest = { .job_id = 20,
				     .array_job_id = 20,
				     .array_task_id = NONE,
				     .array_tasks = { "5-9,20-40:10%2" } };
	const struct uc_job part = {
		.job_id = 51, .het_job_id = 50, .het_offset = 1, .array_task_id = NONE
	};

	(void)state;
	assert_true(matches("9", &plain));
	assert_false(matches("9_1", &plain));
	assert_false(matches("9_[0-9]", &plain));
	assert_false(matches("9+0", &plain));
	assert_true(matches("30", &task));
	assert_true(matches("20", &task));
	assert_true(matches("20_4", &task));
	assert_true(matches("20_[1-5]", &task));
	assert_false(matches("20_[1-5:3,5-9]",
			     &(struct uc_job){ .array_job_id = 20, .array_task_id = 2 }));
	assert_false(matches("20_5", &task));
	assert_false(matches("30_4", &task));
	assert_true(matches("20", &rest));
	assert_true(matches("20_5", &rest));
	assert_true(matches("20_30", &rest));
	assert_false(matches("20_4", &rest));
	assert_false(matches("20_25", &rest));
	assert_true(matches("20_[0-5]", &rest));
	assert_false(matches("20_[10-19]", &rest));
	/* 1, 14, 27, 40 */
	assert_true(matches("20_[1-40:13]", &rest));
	assert_false(matches("20_[11-39:13]", &rest));
	assert_true(matches("51", &part));
	assert_true(matches("50", &part));
	assert_true(matches("50+1", &part));
	assert_false(matches("50+0", &part));
	assert_false(matches("51+1", &part));
}

static void test_tasks_one_range_after_the_other(void **state)
{
	const char *rest = "1,3-5,10-20:5%2";
	struct uc_tasks range;

	(void)state;
	assert_true(uc_tasks_next(&rest, &range));
	assert_true(range.first == 1 && range.last == 1 && range.step == 1);
	assert_true(uc_tasks_next(&rest, &range));
	assert_true(range.first == 3 && range.last == 5 && range.step == 1);
	assert_true(uc_tasks_next(&rest, &range));
	assert_true(range.first == 10 && range.last == 20 && range.step == 5);
	assert_false(uc_tasks_next(&rest, &range));
	assert_string_equal(rest, "%2");
	rest = "0-2,...";
	assert_true(uc_tasks_next(&rest, &range));
	assert_false(uc_tasks_next(&rest, &range));
	assert_string_equal(rest, "...");
	rest = NULL;
	assert_false(uc_tasks_next(&rest, &range));
}

static void test_changes(void **state)
{
	static const struct {
		const char *text;
		enum uc_change_key key;
		const char *value;
		int sign;
		int64_t number;
	} good[] = {
		{ "time=2:00:00", UC_CHANGE_TIME, "2:00:00", 0, 7200 },
		{ "TIME=90m", UC_CHANGE_TIME, "90m", 0, 5400 },
		{ "time=+1h", UC_CHANGE_TIME, "+1h", 1, 3600 },
		{ "time=-30", UC_CHANGE_TIME, "-30", -1, 1800 },
		{ "time=UNLIMITED", UC_CHANGE_TIME, "UNLIMITED", 0,
		  UC_DURATION_INFINITE },
		{ "partition=gpu,batch", UC_CHANGE_PARTITION, "gpu,batch", 0, 0 },
		{ "name=a b=c", UC_CHANGE_NAME, "a b=c", 0, 0 },
		{ "comment=", UC_CHANGE_COMMENT, "", 0, 0 },
		{ "nice=-100", UC_CHANGE_NICE, "-100", 0, -100 },
		{ "nice=2147483645", UC_CHANGE_NICE, "2147483645", 0, 2147483645 },
		{ "dependency=afterok:1:2,afterany:3", UC_CHANGE_DEPENDENCY,
		  "afterok:1:2,afterany:3", 0, 0 },
		{ "dependency=", UC_CHANGE_DEPENDENCY, "", 0, 0 },
	};
	static const struct {
		const char *text, *fault, *hint;
	} bad[] = {
		{ "", "'' is no change: expected KEY=VALUE", "" },
		{ "time", "'time' is no change: expected KEY=VALUE", "" },
		{ "tme=1", "nothing called 'tme' can be changed",
		  "did you mean 'time'?" },
		{ "gres=gpu:1", "nothing called 'gres' can be changed",
		  "what can: time, partition, name, comment, nice, dependency" },
		{ "time=0", "'0' is no time: expected more than 0", "" },
		{ "time=+UNLIMITED",
		  "'+UNLIMITED' is no time: expected 2:00:00, +1h, -30m or UNLIMITED",
		  "" },
		{ "partition=", "'partition=' lacks a value", "" },
		{ "name=", "'name=' lacks a value", "" },
		{ "partition=a b", "'partition=a b' has a blank in it", "" },
		{ "comment=a\nb", "'comment=a\\x0ab' has a control character in it", "" },
		{ "nice=", "'' is no nice value: expected -2147483645 to 2147483645",
		  "" },
		{ "nice=1x", "'1x' is no nice value: expected -2147483645 to 2147483645",
		  "" },
		{ "nice=2147483646",
		  "'2147483646' is no nice value: expected -2147483645 to 2147483645",
		  "" },
	};
	struct uc_change change;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(uc_change_parse(good[i].text, &change, NULL), 0);
		assert_int_equal(change.key, good[i].key);
		assert_string_equal(change.value, good[i].value);
		assert_int_equal(change.sign, good[i].sign);
		assert_int_equal(change.number, good[i].number);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct uc_error err = { 0 };

		assert_int_equal(uc_change_parse(bad[i].text, &change, &err), -1);
		assert_int_equal(err.code, UC_USAGE);
		assert_string_equal(err.text, bad[i].fault);
		assert_string_equal(err.hint, bad[i].hint);
	}
	assert_int_equal(uc_change_parse("time=soon", &change, NULL), -1);
	for (size_t i = 0; uc_change_names()[i]; i++) {
		assert_string_equal(uc_change_names()[i],
				    uc_change_name((enum uc_change_key)i));
		assert_non_null(uc_change_slurm_name((enum uc_change_key)i));
	}
}

/* The limit of a job of `old` seconds after "time=`text`", or -1. */
static int64_t limit(int64_t old, const char *text)
{
	const struct uc_job job = { .job_id = 7, .time_limit = old };
	struct uc_change change;
	struct uc_error err = { 0 };
	int64_t seconds = 0;

	assert_int_equal(uc_change_parse(text, &change, &err), 0);
	if (uc_change_limit(&change, &job, &seconds, &err) == 0)
		return seconds;
	assert_int_equal(err.code, UC_USAGE);
	return -1;
}

static void test_limits_after_a_change(void **state)
{
	(void)state;
	assert_int_equal(limit(3600, "time=2h"), 7200);
	assert_int_equal(limit(3600, "time=+1h"), 7200);
	assert_int_equal(limit(3600, "time=-30m"), 1800);
	assert_int_equal(limit(3600, "time=90s"), 120);
	assert_int_equal(limit(3600, "time=+1s"), 3660);
	assert_int_equal(limit(3600, "time=-1h"), -1);
	assert_int_equal(limit(3600, "time=-2h"), -1);
	assert_int_equal(limit(3600, "time=UNLIMITED"), UC_DURATION_INFINITE);
	assert_int_equal(limit(UC_DURATION_INFINITE, "time=2h"), 7200);
	assert_int_equal(limit(UC_DURATION_INFINITE, "time=-2h"), -1);
	assert_int_equal(limit(UC_NOT_SET, "time=+2h"), -1);
}

static void test_signals(void **state)
{
	static const struct {
		const char *text;
		int number; /* 0: refused */
	} signals[] = {
		{ "USR1", SIGUSR1 },
		{ "SIGTERM", SIGTERM },
		{ "sigterm", SIGTERM },
		{ "kill", SIGKILL },
		{ "12", 12 },
		{ "64", 64 },
		{ "65", 0 },
		{ "0", 0 },
		{ "", 0 },
		{ "SIG", 0 },
		{ "SIG9", 0 },
		{ "9x", 0 },
		{ "-9", 0 },
		{ "NOSUCH", 0 },
		{ "99999999999999999999", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct uc_error err = { 0 };
		int number = 0;
		int rc = uc_signal_parse(signals[i].text, &number, &err);

		assert_int_equal(rc, signals[i].number ? 0 : -1);
		assert_int_equal(number, signals[i].number);
		assert_int_equal(err.code, signals[i].number ? UC_OK : UC_USAGE);
	}
}

static void test_nothing_is_done_where_there_is_no_cluster(void **state)
{
	const struct uc_action action = { .kind = UC_ACTION_CANCEL };
	const struct uc_target target = { "1", 1, 1, 1, 0 };
	uc_auto(source) struct uc_source *src = NULL;
	struct uc_error err = { 0 };
	char *note = (char *)&err;

	(void)state;
	assert_int_equal(
		uc_source_open("synthetic:nodes=1,jobs=1,seed=1", NULL, &src, &err), 0);
	assert_int_equal(uc_act_check(src, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
	err = (struct uc_error){ 0 };
	assert_int_equal(uc_act(src, &action, &target, &note, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
	assert_string_equal(
		err.text,
		"'synthetic:' is not a live cluster: nothing is done to its jobs");
	assert_null(note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_job_ids),
		cmocka_unit_test(test_which_records_an_id_means),
		cmocka_unit_test(test_tasks_one_range_after_the_other),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_limits_after_a_change),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_nothing_is_done_where_there_is_no_cluster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

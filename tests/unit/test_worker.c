/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "slurm/conf.h"
#include <ucluster/action.h>
#include "slurm/worker.h"

#define FAKE UC_BUILD_DIR "/tests/fake_worker"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t open_descriptors(void)
{
	size_t count = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (dir && readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static struct uc_source *source(const char *mode, int timeout_ms)
{
	struct uc_source *src = NULL;
	struct uc_error err = { 0 };

	setenv("FAKE_WORKER", mode, 1);
	setenv("UCLUSTER_SLURM_WORKER", FAKE, 1);
	unsetenv("SLURM_CONF");
	assert_int_equal(
		uc_source_open(
			"slurm:", &(struct uc_source_options){ .timeout_ms = timeout_ms },
			&src, &err),
		0);
	return src;
}

/* One ping of a worker of that kind: what the user reads. */
static void check_ping(const char *mode, int timeout_ms, enum uc_code code,
		       const char *text)
{
	size_t before = open_descriptors();
	struct uc_source *src = source(mode, timeout_ms);
	struct uc_error err = { 0 };
	double start = now();
	int rc = uc_source_ping(src, &err);

	if ((rc < 0 ? err.code : UC_OK) != code || !strstr(err.text, text))
		fail_msg("%s: %d, '%s'", mode, err.code, err.text);
	assert_true(now() - start < timeout_ms / 1000.0 + 1);
	uc_source_free(src);
	/* No descriptor and no child is left. */
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_a_good_answer_is_taken(void **state)
{
	(void)state;
	check_ping("done", 5000, UC_OK, "");
}

static void test_after_a_rest_another_worker_answers(void **state)
{
	struct uc_source *src = source("done", 20000);
	struct uc_error err = { 0 };

	(void)state;
	uc_source_rest(src); /* none runs */
	for (int i = 0; i < 20; i++) {
		siginfo_t ended = { 0 };

		assert_int_equal(uc_source_ping(src, &err), 0);
		uc_source_rest(src);
		/* with or without the time to end */
		if (i % 2 == 0)
			assert_int_equal(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
	}
	uc_source_free(src);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_a_worker_that_ended_is_reaped_without_a_question(void **state)
{
	struct uc_source *src = source("done", 20000);
	struct uc_error err = { 0 };
	siginfo_t ended = { 0 };

	(void)state;
	uc_source_tidy(src); /* none runs */
	assert_int_equal(uc_source_ping(src, &err), 0);
	uc_source_tidy(src); /* it runs, and stays */
	assert_int_equal(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT | WNOHANG), 0);
	assert_int_equal(ended.si_pid, 0);
	uc_source_rest(src);
	assert_int_equal(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
	uc_source_tidy(src);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(uc_source_ping(src, &err), 0);
	uc_source_free(src);
}

static void test_a_silent_worker_is_killed_at_the_deadline(void **state)
{
	double start = now();

	(void)state;
	check_ping("silent", 300, UC_UNREACHABLE, "did not answer within 300 ms");
	assert_true(now() - start >= 0.3);
}

static void test_a_worker_that_exits_leaves_its_words(void **state)
{
	(void)state;
	check_ping("fatal", 5000, UC_UNREACHABLE, "the real reason");
	check_ping("library", 5000, UC_UNREACHABLE,
		   "Slurm's library libslurm.so.38 is not on this machine");
	check_ping("quit", 5000, UC_UNREACHABLE, "ended before it answered");
	check_ping("die", 5000, UC_UNREACHABLE, "killed by signal 9");
}

static void test_nonsense_is_refused(void **state)
{
	(void)state;
	check_ping("unknown", 5000, UC_INVALID, "unknown kind");
	check_ping("huge", 5000, UC_UNREACHABLE, "");
	check_ping("broken", 5000, UC_UNREACHABLE, "");
	check_ping("badcode", 5000, UC_INVALID, "odd");
	check_ping("empty", 5000, UC_INVALID, "without a reason");
}

static void test_a_refusal_keeps_code_and_text_made_safe(void **state)
{
	(void)state;
	check_ping("refuse", 5000, UC_DENIED, "no\\x1b[31m way");
}

static void test_a_flood_on_stderr_blocks_nobody(void **state)
{
	(void)state;
	check_ping("flood", 20000, UC_FAILED, "flooded (line 99999)");
}

static void test_a_worker_sees_four_descriptors_only(void **state)
{
	int extra = open("/dev/null", O_RDONLY); /* not close-on-exec */

	(void)state;
	check_ping("descriptors", 5000, UC_FAILED, " 0 1 2 3 end");
	close(extra);
}

static void test_a_program_without_standard_descriptors_works(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid) {
		struct uc_source *src;
		struct uc_error err = { 0 };
		int rc;

		close(0), close(1), close(2);
		src = source("done", 5000);
		rc = uc_source_ping(src, &err);
		uc_source_free(src);
		_exit(rc < 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_tables_must_be_sealed(void **state)
{
	struct uc_source *src = source("unsealed", 5000);
	struct uc_jobs *jobs = NULL;
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_jobs_load(src, NULL, &jobs, &err), -1);
	assert_int_equal(err.code, UC_INVALID);
	uc_source_free(src);
	src = source("done", 5000);
	assert_int_equal(uc_jobs_load(src, NULL, &jobs, &err), -1);
	assert_int_equal(err.code, UC_INVALID);
	uc_source_free(src);
}

static void test_the_next_question_starts_a_new_worker(void **state)
{
	struct uc_source *src = source("silent", 200);
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_source_ping(src, &err), -1);
	setenv("FAKE_WORKER", "done", 1);
	assert_int_equal(uc_source_ping(src, &err), 0);
	assert_int_equal(uc_source_ping(src, &err), 0);
	uc_source_free(src);
}

static void test_a_worker_that_died_between_questions_is_replaced(void **state)
{
	struct uc_worker *worker = NULL;
	struct uc_error err = { 0 };
	pid_t first;

	(void)state;
	setenv("FAKE_WORKER", "done", 1);
	assert_int_equal(uc_worker_new(&(struct uc_source_options){ 0 }, &worker, &err),
			 0);
	for (int i = 0; i < 2; i++) {
		uc_auto(frame) struct uc_frame question = UC_FRAME(UC_ASK_PING);
		uc_auto(frame) struct uc_frame answer = UC_FRAME(0);
		siginfo_t info;

		assert_int_equal(uc_worker_ask(worker, &question, &answer, &err), 0);
		if (i)
			break;
		first = worker->pid;
		kill(first, SIGKILL);
		waitid(P_PID, (id_t)first, &info, WEXITED | WNOWAIT);
	}
	assert_int_not_equal(worker->pid, first);
	uc_worker_free(worker);
}

static const struct uc_submission submission = {
	.script = "#!/bin/sh\n",
	.workdir = "/",
	.argv = (const char *const[]){ "a b.sh", NULL },
};

static void test_a_lost_answer_says_that_the_job_may_exist(void **state)
{
	struct uc_source *src = source("sending", 300);
	struct uc_submitted result;
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_submit(src, &submission, &result, &err), -1);
	assert_int_equal(err.code, UC_UNREACHABLE);
	assert_non_null(strstr(err.text, "may be queued"));
	assert_non_null(strstr(err.hint, "squeue --me --name='a b.sh'"));
	uc_source_free(src);
	/* Before that point it cannot. */
	src = source("silent", 300);
	assert_int_equal(uc_submit(src, &submission, &result, &err), -1);
	assert_null(strstr(err.text, "may be queued"));
	uc_source_free(src);
}

static void test_a_lost_answer_says_that_it_may_be_done(void **state)
{
	const struct uc_action action = { .kind = UC_ACTION_CANCEL };
	const struct uc_target target = { .id = "4711_[3-5]",
					  .job_id = 4711,
					  .submit_time = 1 };
	struct uc_source *src = source("sending", 300);
	struct uc_error err = { 0 };
	char *note;

	(void)state;
	assert_int_equal(uc_act(src, &action, &target, &note, &err), -1);
	assert_int_equal(err.code, UC_UNREACHABLE);
	assert_non_null(strstr(err.text, "it may be done all the same"));
	assert_string_equal(err.hint, "look before trying again: uqueue -j 4711_[3-5]");
	uc_source_free(src);
	src = source("silent", 300);
	assert_int_equal(uc_act(src, &action, &target, &note, &err), -1);
	assert_int_equal(err.code, UC_UNREACHABLE);
	assert_null(strstr(err.text, "may be done"));
	uc_source_free(src);
	src = source("refuse", 3000);
	assert_int_equal(uc_act(src, &action, &target, &note, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
	uc_source_free(src);
}

static void test_nothing_changed_is_no_table(void **state)
{
	struct uc_source *src = source("done", 3000);
	struct uc_jobs *jobs = (struct uc_jobs *)&src;
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(
		uc_jobs_load(src, &(struct uc_job_query){ .since = 1 }, &jobs, &err), 0);
	assert_null(jobs);
	/* only where that was asked for */
	assert_int_equal(uc_jobs_load(src, NULL, &jobs, &err), -1);
	assert_int_equal(err.code, UC_INVALID);
	uc_source_free(src);
}

static void test_large_questions_go_through_byte_for_byte(void **state)
{
	struct uc_worker *worker = NULL;
	uc_auto(frame) struct uc_frame question = UC_FRAME(UC_ASK_SUBMIT);
	uc_auto(frame) struct uc_frame answer = UC_FRAME(0);
	struct uc_frame_item in, out;
	struct uc_error err = { 0 };
	size_t len = 9 << 20, a = 0, b = 0;
	char *bytes = malloc(len);

	(void)state;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 7 + (i >> 9));
	setenv("FAKE_WORKER", "echo", 1);
	assert_int_equal(uc_worker_new(&(struct uc_source_options){ 0 }, &worker, &err),
			 0);
	uc_frame_add(&question, UC_TAG_SCRIPT, bytes, len);
	uc_frame_add(&question, UC_TAG_ENVIRONMENT, "", 0);
	if (uc_worker_ask(worker, &question, &answer, &err) < 0)
		fail_msg("%s", err.text);
	while (uc_frame_next(&question, &a, &in)) {
		assert_true(uc_frame_next(&answer, &b, &out));
		assert_int_equal(in.tag, out.tag);
		assert_int_equal(in.len, out.len);
		assert_memory_equal(in.bytes, out.bytes, in.len);
	}
	assert_false(uc_frame_next(&answer, &b, &out));
	uc_worker_free(worker);
	free(bytes);
}

static void test_questions_beyond_the_limit_are_refused(void **state)
{
	struct uc_worker *worker = NULL;
	uc_auto(frame) struct uc_frame question = UC_FRAME(UC_ASK_SUBMIT);
	uc_auto(frame) struct uc_frame answer = UC_FRAME(0);
	struct uc_error err = { 0 };
	char *bytes = calloc(1, UC_FRAME_MAX);

	(void)state;
	assert_int_equal(uc_worker_new(&(struct uc_source_options){ 0 }, &worker, &err),
			 0);
	uc_frame_add(&question, UC_TAG_SCRIPT, bytes, UC_FRAME_MAX);
	assert_int_equal(uc_worker_ask(worker, &question, &answer, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
	uc_worker_free(worker);
	free(bytes);
}

static void check_words(const char *said, const char *expected)
{
	uc_auto(buf) struct uc_buf words = { 0 };

	uc_worker_words(&words, said, strlen(said));
	assert_string_equal(uc_buf_text(&words), expected);
}

static void test_words_on_stderr_become_one_line(void **state)
{
	(void)state;
	check_words("", "");
	check_words("\n\n  \n", "");
	check_words("slurm-worker-38: error: a: b\n", "a: b");
	check_words("slurm-worker-38: error: first\nslurm-worker-38: fatal: last",
		    "last");
	check_words("slurm-worker-38: fatal: Unable to process configuration file\n",
		    "Unable to process configuration file");
	check_words("slurm-worker-9: error: \x1b[31mred\r\n", "\\x1b[31mred");
	check_words("plain text: with colon\n", "plain text: with colon");
	check_words("slurm-worker-38", "slurm-worker-38");
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	chmod(path, mode);
}

static void test_the_newest_worker_with_a_library_is_taken(void **state)
{
	char dir[] = "/tmp/ucluster-workers-XXXXXX";
	uc_auto(strv) struct uc_strv paths = { 0 };
	struct uc_error err = { 0 };
	char path[256];

	(void)state;
	assert_non_null(mkdtemp(dir));
	unsetenv("UCLUSTER_SLURM_WORKER");
	assert_int_equal(uc_worker_find(dir, &paths, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	/* 45 has no libslurm here, 40 answers; others are not workers at all. */
	snprintf(path, sizeof(path), "%s/slurm-worker-45", dir);
	write_file(path,
		   "#!/bin/sh\necho \"$0: error while loading shared libraries: "
		   "libslurm.so.45: cannot open\" >&2\nexit 127\n",
		   0755);
	snprintf(path, sizeof(path), "%s/slurm-worker-40", dir);
	assert_int_equal(symlink(FAKE, path), 0);
	snprintf(path, sizeof(path), "%s/slurm-worker-x", dir);
	write_file(path, "", 0644);
	snprintf(path, sizeof(path), "%s/slurm-worker-9", dir);
	write_file(path, "", 0644);
	assert_int_equal(uc_worker_find(dir, &paths, &err), 0);
	assert_int_equal(paths.count, 3);
	assert_non_null(strstr(paths.item[0], "slurm-worker-45"));
	assert_non_null(strstr(paths.item[2], "slurm-worker-9"));
	{
		struct uc_source *src = NULL;
		struct uc_source_options options = { .libexec_dir = dir };

		setenv("FAKE_WORKER", "done", 1);
		assert_int_equal(uc_source_open("slurm:", &options, &src, &err), 0);
		if (uc_source_ping(src, &err) < 0)
			fail_msg("%s", err.text);
		uc_source_free(src);
	}
	for (int i = 0; i < 4; i++) {
		static const char *const names[] = { "45", "40", "x", "9" };

		snprintf(path, sizeof(path), "%s/slurm-worker-%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static void test_slurm_conf_is_read_for_names_only(void **state)
{
	char path[] = "/tmp/ucluster-conf-XXXXXX";
	uc_auto(buf) struct uc_buf hosts = { 0 }, value = { 0 };
	struct uc_error err = { 0 };
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	write_file(path,
		   "# SlurmctldHost=no\nslurmctldhost = ctl1(10.0.0.1)\n"
		   "SlurmctldHost=ctl2 # second\nPropagateResourceLimits=NONE\n",
		   0644);
	uc_slurm_conf_hosts(&hosts, path);
	assert_string_equal(uc_buf_text(&hosts), "ctl1 or ctl2");
	uc_slurm_conf_value(&value, path, "propagateresourcelimits");
	assert_string_equal(uc_buf_text(&value), "NONE");
	assert_int_equal(uc_slurm_conf_check(path, &err), 0);
	unlink(path);
	assert_int_equal(uc_slurm_conf_check(path, &err), -1);
	assert_int_equal(err.code, UC_UNREACHABLE);
	assert_int_equal(uc_slurm_conf_check("/tmp", &err), -1);
	uc_buf_reset(&hosts);
	uc_slurm_conf_hosts(&hosts, "/tmp");
	uc_slurm_conf_hosts(&hosts, NULL);
	assert_int_equal(hosts.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_good_answer_is_taken),
		cmocka_unit_test(test_after_a_rest_another_worker_answers),
		cmocka_unit_test(test_a_worker_that_ended_is_reaped_without_a_question),
		cmocka_unit_test(test_a_silent_worker_is_killed_at_the_deadline),
		cmocka_unit_test(test_a_worker_that_exits_leaves_its_words),
		cmocka_unit_test(test_nonsense_is_refused),
		cmocka_unit_test(test_a_refusal_keeps_code_and_text_made_safe),
		cmocka_unit_test(test_a_flood_on_stderr_blocks_nobody),
		cmocka_unit_test(test_a_worker_sees_four_descriptors_only),
		cmocka_unit_test(test_a_program_without_standard_descriptors_works),
		cmocka_unit_test(test_tables_must_be_sealed),
		cmocka_unit_test(test_the_next_question_starts_a_new_worker),
		cmocka_unit_test(test_a_worker_that_died_between_questions_is_replaced),
		cmocka_unit_test(test_a_lost_answer_says_that_the_job_may_exist),
		cmocka_unit_test(test_a_lost_answer_says_that_it_may_be_done),
		cmocka_unit_test(test_nothing_changed_is_no_table),
		cmocka_unit_test(test_large_questions_go_through_byte_for_byte),
		cmocka_unit_test(test_questions_beyond_the_limit_are_refused),
		cmocka_unit_test(test_words_on_stderr_become_one_line),
		cmocka_unit_test(test_the_newest_worker_with_a_library_is_taken),
		cmocka_unit_test(test_slurm_conf_is_read_for_names_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Batch scripts of sessions and of runs that are resumed, run with tools that write down
 * how they are called. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ucluster/batch.h>

static void expect_parsed(const char *text, const char *signal, unsigned lead)
{
	struct uc_resume resume = { .signal = "USR1", .lead = 120 };
	struct uc_error err;

	if (!signal) {
		assert_int_equal(uc_resume_parse(text, &resume, &err), -1);
		assert_int_equal(err.code, UC_USAGE);
		assert_non_null(strstr(err.text, text));
		return;
	}
	assert_int_equal(uc_resume_parse(text, &resume, &err), 0);
	assert_string_equal(resume.signal, signal);
	assert_int_equal(resume.lead, lead);
}

static void test_signals_are_read(void **state)
{
	(void)state;
	expect_parsed("USR2", "USR2", 120);
	expect_parsed("TERM@300", "TERM", 300);
	expect_parsed("SIGINT@20", "INT", 20);
	expect_parsed("B:USR1@60", "USR1", 60);
	expect_parsed("RB:usr1@60", "USR1", 60);
	expect_parsed("X:USR1@60", NULL, 0);
	expect_parsed("@60", NULL, 0);
	expect_parsed("KILL@60", NULL, 0);
	expect_parsed("SIG", NULL, 0);
	expect_parsed("SI", NULL, 0);
	expect_parsed("USR1@19", NULL, 0);
	expect_parsed("USR1@65536", NULL, 0);
	expect_parsed("USR1@", NULL, 0);
	expect_parsed("USR1@1m", NULL, 0);
}

struct stage {
	char dir[64];
	char script[128];
};

static void put_file(const struct stage *st, const char *name, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", st->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	chmod(path, 0755);
}

static void get_file(const struct stage *st, const char *name, char *text, size_t size)
{
	char path[128];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", st->dir, name);
	text[0] = '\0';
	in = fopen(path, "r");
	if (!in)
		return;
	text[fread(text, 1, size - 1, in)] = '\0';
	fclose(in);
}

/* scancel signals the "srun" that runs; scontrol is the end of the script. */
static void set_stage(struct stage *st, uint32_t most)
{
	const struct uc_resume resume = { .signal = "USR2", .lead = 20, .most = most };
	static const char *const command[] = { "train", NULL };
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(buf) struct uc_buf script = { 0 };

	snprintf(st->dir, sizeof(st->dir), "/tmp/uc-batch-XXXXXX");
	assert_non_null(mkdtemp(st->dir));
	assert_int_equal(uc_spec_new(&spec, NULL), 0);
	uc_spec_set_runtime(spec, UC_RUNTIME_NONE);
	assert_int_equal(uc_spec_set_command(spec, command, NULL), 0);
	assert_int_equal(uc_spec_set_resume(spec, &resume, NULL), 0);
	assert_int_equal(uc_spec_script(spec, &script, NULL), 0);
	assert_non_null(strstr(uc_buf_text(&script), "#SBATCH --signal=B:USR1@20\n"));
	assert_non_null(strstr(uc_buf_text(&script), "#SBATCH --requeue\n"));
	assert_non_null(strstr(uc_buf_text(&script), "#SBATCH --open-mode=append\n"));
	put_file(st, "script", uc_buf_text(&script));
	put_file(st, "scancel",
		 "#!/bin/sh\necho \"scancel $*\" >>log\nkill -USR2 $(cat pid)\n");
	put_file(st, "scontrol", "#!/bin/sh\necho \"scontrol $*\" >>log\nkill $PPID\n");
	snprintf(st->script, sizeof(st->script), "%s/script", st->dir);
}

static void clear_stage(const struct stage *st)
{
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", "--", st->dir, NULL);
		_exit(1);
	}
	wait(NULL);
}

/* The script, with this srun; told once srun says it is ready. Its wait status. */
static int run(const struct stage *st, const char *srun, bool tell, const char *restarts)
{
	char path[128], ready[16];
	int out[2], status;
	pid_t pid;

	put_file(st, "srun", srun);
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		snprintf(path, sizeof(path), "%s:/usr/bin:/bin", st->dir);
		setenv("PATH", path, 1);
		setenv("SLURM_JOB_ID", "42", 1);
		setenv("SLURM_RESTART_COUNT", restarts, 1);
		dup2(out[1], 1);
		dup2(open("/dev/null", O_WRONLY), 2);
		if (chdir(st->dir) == 0)
			execlp("bash", "bash", "script", NULL);
		_exit(127);
	}
	close(out[1]);
	assert_true(read(out[0], ready, sizeof(ready)) > 0);
	if (tell)
		kill(pid, SIGUSR1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(out[0]);
	return status;
}

#define SAVES                                                                            \
	"#!/bin/bash\necho $$ >pid\ntrap 'exit 9' USR2\necho ready\n"                    \
	"while :; do sleep 0.1; done\n"

static void expect_log(const struct stage *st, const char *expected)
{
	char log[256];

	get_file(st, "log", log, sizeof(log));
	assert_string_equal(log, expected);
}

static void test_told_it_saves_and_is_queued_again(void **state)
{
	struct stage st;

	(void)state;
	set_stage(&st, 3);
	run(&st, SAVES, true, "0");
	expect_log(&st, "scancel --signal=USR2 42\nscontrol requeue 42\n");
	clear_stage(&st);
}

/* Ends when it is told to. */
#define LEAVES                                                                           \
	"#!/bin/bash\necho $$ >pid\ntrap 'exit 0' USR2\necho ready\n"                    \
	"while :; do sleep 0.1; done\n"

static void test_told_and_done_it_is_over(void **state)
{
	struct stage st;

	(void)state;
	set_stage(&st, 3);
	assert_int_equal(run(&st, LEAVES, true, "0"), 0);
	expect_log(&st, "scancel --signal=USR2 42\n");
	clear_stage(&st);
}

/* The command is done while the script still tells it, and the shell with it. */
static void test_done_while_it_is_told_it_is_over(void **state)
{
	struct stage st;

	(void)state;
	set_stage(&st, 3);
	put_file(&st, "scancel",
		 "#!/bin/bash\necho \"scancel $*\" >>log\npid=$(cat pid)\n"
		 "kill -USR2 $pid\n"
		 /* until the script has its end: it is no process any more, nor a zombie
		  */
		 "for i in {1..600}; do kill -0 $pid 2>/dev/null || exit 0; sleep 0.05; "
		 "done\nexit 1\n");
	assert_int_equal(run(&st, LEAVES, true, "0"), 0);
	expect_log(&st, "scancel --signal=USR2 42\n");
	clear_stage(&st);
}

static void test_a_failure_with_time_left_is_one(void **state)
{
	struct stage st;

	(void)state;
	set_stage(&st, 3);
	assert_int_equal(run(&st, "#!/bin/sh\necho ready\nexit 7\n", false, "0"), 7 << 8);
	expect_log(&st, "");
	clear_stage(&st);
}

static void test_at_most_so_often(void **state)
{
	struct stage st;

	(void)state;
	set_stage(&st, 3);
	assert_int_equal(run(&st, SAVES, true, "3"), 9 << 8);
	expect_log(&st, "scancel --signal=USR2 42\n");
	clear_stage(&st);
}

static void test_a_session_has_a_terminal(void **state)
{
	static const char *const command[] = { "bash", NULL };
	static const char *const server[] = { "/x/session-server", "--key=ab", "--",
					      NULL };
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(buf) struct uc_buf script = { 0 };

	(void)state;
	assert_int_equal(uc_spec_new(&spec, NULL), 0);
	uc_spec_set_runtime(spec, UC_RUNTIME_NONE);
	assert_int_equal(uc_spec_set_command(spec, command, NULL), 0);
	assert_int_equal(uc_spec_set(spec, "pty", NULL, NULL), 0);
	assert_int_equal(uc_spec_script(spec, &script, NULL), -1);
	uc_buf_reset(&script);
	assert_int_equal(uc_spec_set_session(spec, "ab", server, NULL), 0);
	assert_int_equal(uc_spec_script(spec, &script, NULL), 0);
	assert_non_null(strstr(uc_buf_text(&script),
			       "exec /x/session-server --key=ab -- srun \\\n\t--pty \\\n"
			       "\t-- bash\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals_are_read),
		cmocka_unit_test(test_told_it_saves_and_is_queued_again),
		cmocka_unit_test(test_told_and_done_it_is_over),
		cmocka_unit_test(test_done_while_it_is_told_it_is_over),
		cmocka_unit_test(test_a_failure_with_time_left_is_one),
		cmocka_unit_test(test_at_most_so_often),
		cmocka_unit_test(test_a_session_has_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* #SBATCH lines in, batch scripts out. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <ucluster/spec.h>

static const struct uc_where where = { .cwd = "/w", .home = "/h", .unchecked = true };

/* What a script's lines set: "name=value name=value". */
static int read_lines(struct uc_spec *spec, const char *text, struct uc_error *err)
{
	return uc_spec_sbatch_lines(spec, "job.sh", text, strlen(text), &where, err);
}

static void expect_setting(const char *text, const char *name, const char *value)
{
	uc_auto(spec) struct uc_spec *spec = NULL;
	struct uc_error err = { 0 };
	const char *found;

	assert_int_equal(uc_spec_new(&spec, &err), 0);
	if (read_lines(spec, text, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	found = uc_spec_get(spec, name);
	if (!found != !value || (found && strcmp(found, value) != 0))
		fail_msg("%s: %s is '%s', not '%s'", text, name, found ? found : "unset",
			 value ? value : "unset");
}

static void test_script_lines_are_read_as_sbatch_does(void **state)
{
	static const char *const cases[][3] = {
		{ "#!/bin/sh\n#SBATCH --gpus=1\n", "gpus", "1" },
		{ "#!/bin/sh\n#SBATCH --gpus=1", "gpus", "1" },
		{ "#!/bin/sh\n#SBATCH --gpus 1 -n 4\n", "ntasks", "4" },
		{ "#!/bin/sh\n#SBATCH\t-N2\n", "nodes", "2" },
		{ "#!/bin/sh\n#SBATCH-N2\n", "nodes", "2" },
		{ "#!/bin/sh\n#SLURM -N2\n", "nodes", "2" },
		{ "#!/bin/sh\n\n  \n# x\n   # y\n#SBATCH -N2\n", "nodes", "2" },
		{ "#!/bin/sh\necho\n#SBATCH -N2\n", "nodes", NULL },
		{ "#!/bin/sh\n: # x\n#SBATCH -N2\n", "nodes", NULL },
		{ "#!/bin/sh\n #SBATCH -N2\n", "nodes", NULL },
		{ "#!/bin/sh\n##SBATCH -N2\n", "nodes", NULL },
		{ "#!/bin/sh\n# SBATCH -N2\n", "nodes", NULL },
		{ "#!/bin/sh\n#sbatch -N2\n", "nodes", NULL },
		{ "#!/bin/sh\n#SBATCH -N2 # -N3\n", "nodes", "2" },
		{ "#!/bin/sh\n#SBATCH -N2#3\n", "nodes", "2" },
		{ "#!/bin/sh\n#SBATCH -J a\\#b\n", "job-name", "a#b" },
		{ "#!/bin/sh\n#SBATCH -J \"a # b\"\n", "job-name", "a # b" },
		{ "#!/bin/sh\n#SBATCH -J 'a \"b\"'\n", "job-name", "a \"b\"" },
		{ "#!/bin/sh\n#SBATCH -J \"a \\\"b\\\"\"\n", "job-name", "a \"b\"" },
		{ "#!/bin/sh\n#SBATCH -J a\\ b\n", "job-name", "a b" },
		{ "#!/bin/sh\n#SBATCH --job-name='a b' -N2\n", "nodes", "2" },
		{ "#!/bin/sh\n#SBATCH -N2\n#SBATCH -N3\n", "nodes", "3" },
		{ "#!/bin/sh\n#SBATCH --time=8h\n", "time", "8:00:00" },
		{ "#!/bin/sh\n#SBATCH --requeue -W\n", "requeue", "" },
		{ "#!/bin/sh\n#SBATCH -N2 word -n4\n", "ntasks", NULL },
		{ "#!/bin/sh\n#SBATCH --gpus\n#SBATCH 3\n", "gpus", "3" },
		{ "#!/bin/sh\n#SBATCH --ignore-pbs -N2\n#PBS -l x\n", "nodes", "2" },
		{ "#!/bin/sh\n #PBS -l x\n# PBS\n", "nodes", NULL },
		{ "", "nodes", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_setting(cases[i][0], cases[i][1], cases[i][2]);
}

static void test_script_faults_have_a_line(void **state)
{
	static const struct {
		const char *text, *says;
		int line;
	} cases[] = {
		{ "#!/bin/sh\n#SBATCH -N2\n#SBATCH --gpuss=1\n", "--gpuss", 3 },
		{ "#!/bin/sh\n#SBATCH --nothing\n", "--nothing", 2 },
		{ "#!/bin/sh\n\n#SBATCH --comment=\"open\n", "quote", 3 },
		{ "#!/bin/sh\n#SBATCH -N2\n#SBATCH hetjob\n", "several components", 3 },
		{ "#!/bin/sh\n#SBATCH PackJob\n", "several components", 2 },
		{ "#!/bin/sh\n#SBATCH --time=soon\n", "soon", 2 },
		{ "#!/bin/sh\n#SBATCH -N2\n#SBATCH --gpus\n", "needs a value", 3 },
		{ "#!/bin/sh\n#SBATCH --container-mounts=/a:/b:r0\n", "r0", 2 },
		{ "#!/bin/sh\n#SBATCH --mem-p=1\n", "ambiguous", 2 },
		{ "#!/bin/sh\n#PBS -l nodes=2\n", "#PBS lines are of another", 2 },
		{ "#!/bin/sh\n#SBATCH -N2\necho\n#BSUB -n 2", "#BSUB lines", 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(spec) struct uc_spec *spec = NULL;
		struct uc_error err = { 0 };

		assert_int_equal(uc_spec_new(&spec, &err), 0);
		if (read_lines(spec, cases[i].text, &err) == 0)
			fail_msg("%s was taken", cases[i].text);
		if (!strstr(err.text, cases[i].says))
			fail_msg("%s says '%s'", cases[i].text, err.text);
		assert_string_equal(err.at.path, "job.sh");
		assert_int_equal(err.at.line, cases[i].line);
	}
}

static void test_script_lines_give_way(void **state)
{
	static const char text[] = "#!/bin/sh\n#SBATCH --gpus=1 --mem=1G --partition=a\n"
				   "#SBATCH --container-image=/s.sqsh "
				   "--container-mounts=/s:/x,/t:/t --requeue\n";
	static const char *const environment[] = {
		"SBATCH_PARTITION=b",    "SBATCH_GPUS=7",         "SBATCH_OVERCOMMIT=0",
		"SBATCH_SPREAD_JOB=yes", "SBATCH_EXCLUSIVE=",     "SBATCH_QOS=",
		"SBATCH_REQ_SWITCH=2",   "SBATCH_WAIT4SWITCH=60", NULL
	};
	uc_auto(spec) struct uc_spec *spec = NULL;
	struct uc_container *box;
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(uc_spec_set(spec, "gpus", "2", &err), 0);
	assert_int_equal(uc_spec_set(spec, "mem-per-cpu", "2G", &err), 0);
	assert_int_equal(uc_spec_set(spec, "no-requeue", NULL, &err), 0);
	box = uc_spec_container(spec);
	assert_int_equal(uc_container_add_mount(box, "/c:/x", UC_MOUNT_NEW, &where, &err),
			 0);
	assert_int_equal(uc_spec_sbatch_environment(spec, environment, &err), 0);
	assert_int_equal(read_lines(spec, text, &err), 0);
	assert_string_equal(uc_spec_get(spec, "gpus"), "2");
	assert_string_equal(uc_spec_get(spec, "partition"), "b");
	assert_string_equal(uc_spec_get(spec, "switches"), "2@60");
	assert_string_equal(uc_spec_get(spec, "spread-job"), "");
	assert_string_equal(uc_spec_get(spec, "exclusive"), "");
	assert_null(uc_spec_get(spec, "overcommit"));
	assert_null(uc_spec_get(spec, "qos"));
	assert_null(uc_spec_get(spec, "mem"));
	assert_null(uc_spec_get(spec, "requeue"));
	assert_string_equal(box->image, "/s.sqsh");
	assert_int_equal(box->mount_count, 2);
	assert_string_equal(box->mounts[0].source, "/c");
}

static void expect_script(const char *const *argv, const char *expected)
{
	const struct uc_parse_rules rules = { .where = where, .batch = true };
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(buf) struct uc_buf script = { 0 };
	struct uc_error err = { 0 };
	size_t used;

	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(uc_spec_parse(spec, argv, &rules, &used, &err), 0);
	assert_int_equal(uc_spec_set_command(spec, argv + used, &err), 0);
	if (uc_spec_script(spec, &script, &err) < 0)
		assert_string_equal(err.text, expected);
	else
		assert_string_equal(uc_buf_text(&script), expected);
}

static void test_script_is_readable(void **state)
{
	static const char *const plain[] = { "true", NULL };
	static const char *const rich[] = { "-n4",
					    "-c",
					    "2",
					    "--mem=1G",
					    "--mem=2G",
					    "-lO",
					    "--plugin=a b",
					    "--comment=a \"b\" \\c",
					    "--container-image=/i.sqsh",
					    "/bin/a b",
					    "it's",
					    "",
					    "x\r\ny",
					    NULL };

	(void)state;
	expect_script(plain, "#!/bin/bash\n# made by usrun --batch\n"
			     "#SBATCH --job-name=true\n\nexec srun -- true\n");
	expect_script(
		rich,
		"#!/bin/bash\n# made by usrun --batch\n"
		"#SBATCH --job-name=\"a b\"\n#SBATCH --ntasks=4\n"
		"#SBATCH --cpus-per-task=2\n#SBATCH --mem=2G\n#SBATCH --overcommit\n"
		"#SBATCH --comment=\"a \\\"b\\\" \\\\c\"\n\n"
		"exec srun \\\n\t--ntasks=4 \\\n\t--cpus-per-task=2 \\\n\t--label \\\n"
		"\t'--plugin=a b' \\\n\t--container-image=/i.sqsh \\\n"
		"\t-- '/bin/a b' 'it'\\''s' '' $'x\\015\\ny'\n");
}

static void test_script_refuses_what_batch_cannot_have(void **state)
{
	static const char *const pty[] = { "--pty", "bash", NULL };
	static const char *const parts[] = { "-N1", "a", ":", "b", NULL };
	static const char *const none[] = { "-N1", NULL };
	static const char *const line[] = { "--comment=a\nb", "true", NULL };
	static const char *const step[] = { "--jobid=1", "true", NULL };

	(void)state;
	expect_script(pty, "--pty does not go with --batch: a batch job has no terminal");
	expect_script(parts, "':' does not go with --batch: it has one component");
	expect_script(none, "a batch job needs a command");
	expect_script(line, "--comment: a line break cannot be in it");
	expect_script(step,
		      "--jobid does not go with --batch: a batch job is a job of its "
		      "own");
}

static void test_script_given_keeps_its_text(void **state)
{
	static const char *const command[] = { "job.sh", NULL };
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(buf) struct uc_buf script = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(uc_spec_set(spec, "gpus", "2", &err), 0);
	assert_int_equal(uc_spec_set_env(spec, "A=b c", &err), 0);
	assert_int_equal(uc_spec_set_command(spec, command, &err), 0);
	assert_int_equal(uc_spec_set_script(spec, "#!/bin/sh\n#SBATCH -G1\necho\n", &err),
			 0);
	assert_int_equal(uc_spec_script(spec, &script, &err), 0);
	assert_string_equal(uc_buf_text(&script),
			    "#!/bin/sh\n#SBATCH -G1\n# added by usrun\n"
			    "#SBATCH --job-name=job.sh\n#SBATCH --gpus=2\n"
			    "export A='b c'\necho\n");
	uc_buf_reset(&script);
	assert_int_equal(uc_spec_set_script(spec, "#!/bin/sh", &err), 0);
	assert_int_equal(uc_spec_set(spec, "label", NULL, &err), 0);
	assert_int_equal(uc_spec_script(spec, &script, &err), -1);
	assert_string_equal(err.text,
			    "--label is srun's, and the script calls srun by itself");
}

static void test_script_of_an_odd_name_is_a_job_with_a_name(void **state)
{
	static const char *const odd[] = { "/bin/a\nb\x01", NULL };
	static const char *const named[] = { "-J", "x y", "/bin/a\nb", NULL };
	uc_auto(spec) struct uc_spec *spec = NULL;
	struct uc_error err = { 0 };

	(void)state;
	expect_script(odd, "#!/bin/bash\n# made by usrun --batch\n"
			   "#SBATCH --job-name=a_b_\n\nexec srun -- '/bin/a\nb\x01'\n");
	expect_script(named, "#!/bin/bash\n# made by usrun --batch\n"
			     "#SBATCH --job-name=\"x y\"\n\nexec srun -- '/bin/a\nb'\n");
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(uc_spec_name_job(spec, "/w/job\n.sh", &err), 0);
	assert_string_equal(uc_spec_get(spec, "job-name"), "job_.sh");
	assert_int_equal(uc_spec_name_job(spec, "/w/other", &err), 0);
	assert_string_equal(uc_spec_get(spec, "job-name"), "job_.sh");
}

/* The script has what the job is to have, so its step gets all of that. */
static void test_script_hands_on_what_is_exported(void **state)
{
	static const char *const some[] = { "--export=NONE", "true", NULL };
	static const char *const all[] = { "--export=All", "true", NULL };

	(void)state;
	expect_script(some, "#!/bin/bash\n# made by usrun --batch\n"
			    "#SBATCH --job-name=true\n#SBATCH --export=NONE\n\n"
			    "exec srun \\\n\t--export=ALL \\\n\t-- true\n");
	expect_script(all, "#!/bin/bash\n# made by usrun --batch\n"
			   "#SBATCH --job-name=true\n#SBATCH --export=All\n\n"
			   "exec srun -- true\n");
}

static void test_script_does_not_show_secrets(void **state)
{
	static const char *const names[] = { "HF_TOKEN",   "secret",     "A_PASSWORD",
					     "Passwd",     "MY_API_KEY", "AWS_ACCESS_KEY",
					     "CREDENTIALS" };
	static const char *const listed[] = { "--export=A=1,MY_TOKEN=2", "true", NULL };
	static const char *const command[] = { "true", NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uc_auto(spec) struct uc_spec *spec = NULL;
		uc_auto(buf) struct uc_buf given = { 0 };
		uc_auto(buf) struct uc_buf says = { 0 };
		uc_auto(buf) struct uc_buf script = { 0 };
		struct uc_error err = { 0 };

		uc_buf_addf(&given, "%s=hush", names[i]);
		uc_buf_addf(&says,
			    "--env %s: its value would stand in the batch script, "
			    "which Slurm keeps",
			    names[i]);
		assert_int_equal(uc_spec_new(&spec, &err), 0);
		assert_int_equal(uc_spec_set_command(spec, command, &err), 0);
		assert_int_equal(uc_spec_set_env(spec, given.data, &err), 0);
		assert_int_equal(uc_spec_script(spec, &script, &err), -1);
		assert_string_equal(err.text, says.data);
		/* the caller's own value is in no script, nor is a hidden one */
		assert_int_equal(uc_spec_set_env(spec, names[i], &err), 0);
		assert_int_equal(uc_spec_script(spec, &script, &err), 0);
		assert_int_equal(uc_spec_hide_env(spec, given.data, &err), 0);
		assert_int_equal(uc_spec_script(spec, &script, &err), 0);
		assert_null(strstr(uc_buf_text(&script), "hush"));
	}
	expect_script(listed,
		      "--export MY_TOKEN: its value would stand in the batch script, "
		      "which Slurm keeps");
}

/* What a script of the user says by itself stands there already. */
static void test_script_given_may_export_anything(void **state)
{
	static const char text[] = "#!/bin/sh\n#SBATCH --export=A_TOKEN=1\n";
	static const char *const command[] = { "job.sh", NULL };
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(buf) struct uc_buf script = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(read_lines(spec, text, &err), 0);
	assert_int_equal(uc_spec_set_command(spec, command, &err), 0);
	assert_int_equal(uc_spec_set_script(spec, text, &err), 0);
	assert_int_equal(uc_spec_script(spec, &script, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script_lines_are_read_as_sbatch_does),
		cmocka_unit_test(test_script_faults_have_a_line),
		cmocka_unit_test(test_script_lines_give_way),
		cmocka_unit_test(test_script_is_readable),
		cmocka_unit_test(test_script_refuses_what_batch_cannot_have),
		cmocka_unit_test(test_script_given_keeps_its_text),
		cmocka_unit_test(test_script_of_an_odd_name_is_a_job_with_a_name),
		cmocka_unit_test(test_script_hands_on_what_is_exported),
		cmocka_unit_test(test_script_does_not_show_secrets),
		cmocka_unit_test(test_script_given_may_export_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

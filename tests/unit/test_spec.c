/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Command lines in, srun's vector out. Words are separated by "|" in the tables. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <ucluster/spec.h>

static const struct uc_where where = { .cwd = "/home/me/work",
				       .home = "/home/me",
				       .unchecked = true };

struct words {
	char *copy;
	const char *item[64];
};

static void split(struct words *w, const char *text)
{
	char *rest;
	size_t n = 0;

	w->copy = strdup(text);
	rest = w->copy;
	assert_non_null(w->copy);
	while (text[0] && rest) {
		assert_true(n + 1 < ARRAY_SIZE(w->item));
		w->item[n++] = strsep(&rest, "|");
	}
	w->item[n] = NULL;
}

static int parse(struct uc_spec *spec, const char *line, bool batch, struct uc_error *err)
{
	const struct uc_parse_rules rules = { .where = where, .batch = batch };
	struct words w;
	size_t used;
	int rc;

	split(&w, line);
	rc = uc_spec_parse(spec, w.item, &rules, &used, err);
	if (rc == 0)
		assert_int_equal(uc_spec_set_command(spec, w.item + used, err), 0);
	free(w.copy);
	return rc;
}

static void join(struct uc_buf *out, const struct uc_strv *argv)
{
	for (size_t i = 0; i < argv->count; i++)
		uc_buf_addf(out, "%s%s", i ? "|" : "", argv->item[i]);
}

/* What srun gets for a command line without configuration. */
static void expect_vector(const char *line, const char *expected, bool batch)
{
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(strv) struct uc_strv argv = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error err = { 0 };

	assert_int_equal(uc_spec_new(&spec, &err), 0);
	if (parse(spec, line, batch, &err) < 0)
		fail_msg("%s: %s", line, err.text);
	if (uc_spec_srun(spec, &argv, &err) < 0)
		fail_msg("%s: %s", line, err.text);
	join(&text, &argv);
	assert_string_equal(uc_buf_text(&text), expected);
}

struct pair {
	const char *line, *expected;
};

/* clang-format off */
/* As they came: srun sees the words it would have seen. */
static const char *const untouched[] = {
	"true", "true|-n|4", "echo|--gpus=1|--help", "-n4|true", "-n|4|true",
	"--ntasks=4|true", "--ntasks|4|true", "--ntas=4|true", "--ntas|4|true",
	"-lN2|hostname", "-lN|2|hostname", "-l|-N2|hostname", "-lvvQ|true", "-vv|true",
	"--gpus|1|nvidia-smi|-L", "--gpus=1|nvidia-smi|-L", "-G1|nvidia-smi", "-G|1|nvidia-smi",
	"--gpus|a100:2|nvidia-smi", "--gpu-b=closest|true", "--gpu-bind|closest|true",
	"--pty|bash", "--pty|bash|-l", "--pty=1|bash", "--gpus=1|--time=60|--pty|bash",
	"-p|gpu|true", "-pgpu|true", "--partition=gpu|true", "--part|gpu|true",
	"-A|acct|true", "-q|high|true", "-t|60|true", "-t60|true", "--time=1:30:00|true",
	"--time=2-12|true", "--time=UNLIMITED|true", "--mem=24GB|true", "--mem|24G|true",
	"--mem=0|true", "--mem=1024|true", "--mem-per-gpu=a100:16G|true",
	"-K|true", "-K0|true", "-K1|true", "--kill-on-bad-exit|true", "--kill-on-bad-exit=1|true",
	"-k|true", "-koff|true", "-I|true", "-I60|true", "--immediate|true", "--immediate=60|true",
	"--exclusive|true", "--exclusive=user|true", "--overlap|true", "--overlap=yes|true",
	"--nice|true", "--nice=100|true", "--x11|xterm", "--x11=all|xterm",
	"--bcast|./a.out", "--bcast=/tmp/a|./a.out", "--propagate|true", "--propagate=ALL|true",
	"-W|10|true", "-W10|true", "--wait=10|true", "--wait|10|true",
	"-c|8|true", "-c8|true", "-J|name with blanks|true", "-J||true",
	"-o|out-%j.txt|true", "-oout|-eerr|true", "-i|none|true", "-D|/tmp|true",
	"-w|node[1-2]|true", "-x|node3|true", "-C|a100&ib|true", "-d|afterok:1:2|true",
	"-L|matlab:1|true", "-m|block:cyclic|true", "-M|all|true", "-S|2|true", "-T|4|true",
	"-F|hosts|true", "-r|1|true", "-B|1:2:1|true", "-b|now+1hour|true",
	"-u|true", "-X|true", "-E|true", "-O|true", "-s|true", "-H|true", "-Z|true",
	"--mpi=pmix|./a.out", "--mpi|pmix|./a.out", "--cpu-bind=cores|true", "--cpu_bind=cores|true",
	"--tasks-per-node=2|true", "--ntasks-per-node|2|true", "--gres|gpu:a100:2|true",
	"--gres=gpu:2|--gres=gpu:1|true", "--export=ALL,A=1|true", "--export|NONE|true",
	"--signal=B:USR1@60|true", "--label|true", "--unbuffered|true", "--no-kill|true",
	"--comment=a b|true", "--comment=|true", "--comment||true", "--mail-type|END|true",
	"--jobid=12|true", "--jobid|12|hostname", "--het-group=0,1|true", "--exact|true",
	"--multi-prog|prog.conf", "--prolog=/bin/p|true", "--task-prolog|/bin/p|true",
	"--spank-thing=x|true", "--lustre=fs1,fs2|true", "--weird-flag|--gpus=1|true",
	"--container=/oci|true", "-N1|:|-N2|true", "-N1|a|:|-N2|b", "echo|-|--|-x",
	"--time|8:00|sleep|1", "--mem-p=1G|true", "--mem-p|1G|true", "-N|1-4|true",
	"-n1|-", "-n1|sh|-c|echo \"$HOME\" | cat", "--comment|--gpus|true", "-n|-1|true",
	"--treewidth=8|true", "--stepmgr|true", "--segment=2|true", "--async|true",
	"--oom-kill-step|true", "--oom-kill-step=1|true", "--external-launcher|true",
	"--tres-bind=gres/gpu:closest|true", "--tres-per-task=gres/gpu:1|true",
	"--power=level|true", "--uid=1|true", "--reboot|true", "--usage", "--version", "-V", "",
};

static const struct pair rewritten[] = {
	/* "--" is not needed, or is needed again */
	{ "--|true", "true" }, { "-n4|--|true|--|x", "-n4|true|--|x" },
	{ "--|-weird|x", "--|-weird|x" }, { "-n1|--|--version", "-n1|--|--version" },
	{ "--", "" }, { "--weird-flag|--|true", "--weird-flag|true" },
	/* kind values */
	{ "--time=8h|true", "--time=8:00:00|true" }, { "--time|90m|true", "--time|1:30:00|true" },
	{ "-t|2d|true", "-t|2-00:00:00|true" }, { "-t1h30m|true", "-t1:30:00|true" },
	{ "-lt8h|true", "-lt8:00:00|true" }, { "--time-min=1h|true", "--time-min=1:00:00|true" },
	{ "--tim=8h|true", "--tim=8h|true" }, /* time or time-min: srun's to say */
	{ "--mem=1.5T|true", "--mem=1536G|true" }, { "--mem|24GiB|true", "--mem|24G|true" },
	{ "--mem-per-cpu=1.5G|true", "--mem-per-cpu=1536M|true" },
	{ "--tmp=1.5G|true", "--tmp=1536M|true" },
	/* containers: one option each, absolute, parents first */
	{ "--container-image=/x/a.sqsh|true", "--container-image=/x/a.sqsh|true" },
	{ "--container-image|/x/a.sqsh|true", "--container-image=/x/a.sqsh|true" },
	{ "--container-im=/x/a.sqsh|true", "--container-image=/x/a.sqsh|true" },
	{ "--container-image=~/a.sqsh|true", "--container-image=/home/me/a.sqsh|true" },
	{ "--container-image=./a.sqsh|true", "--container-image=/home/me/work/a.sqsh|true" },
	{ "--container-image=a.sqsh|true", "--container-image=/home/me/work/a.sqsh|true" },
	{ "--container-image=nvcr.io/nvidia/pytorch:24.05|true",
	  "--container-image=nvcr.io#nvidia/pytorch:24.05|true" },
	{ "--container-image=/a.sqsh|--container-image=/b.sqsh|true",
	  "--container-image=/b.sqsh|true" },
	{ "--container-image=/a.sqsh|--container-mounts=/b/c:/b/c|-n2|--container-mounts|/b:/b:ro|true",
	  "-n2|--container-image=/a.sqsh|--container-mounts=/b:/b:ro,/b/c:/b/c|true" },
	{ "--container-image=/a.sqsh|--container-mounts=/b,/b|true",
	  "--container-image=/a.sqsh|--container-mounts=/b:/b|true" },
	{ "--container-mounts=/b:/b|true", "true" }, { "--container-workdir=/b|true", "true" },
	{ "--container-name=x|true", "--container-name=x|true" },
	{ "--container-name|x:exec|true", "--container-name=x:exec|true" },
	{ "--container-name=12.0:exec|--overlap|true", "--overlap|--container-name=12.0:exec|true" },
	{ "--container-image=/a.sqsh|--container-mount-home|true",
	  "--container-image=/a.sqsh|--container-mount-home|true" },
	{ "--container-image=/a.sqsh|--container-mount-home|--no-container-mount-home|true",
	  "--container-image=/a.sqsh|--no-container-mount-home|true" },
	{ "--container-image=/a.sqsh|--no-container-remap-root|true",
	  "--container-image=/a.sqsh|--no-container-remap-root|true" },
	{ "--container-image=/a.sqsh|--container-remap-root|true",
	  "--container-image=/a.sqsh|--container-remap-root|true" },
	{ "--container-image=/a.sqsh|--container-entrypoint|--container-entrypoint-log|true",
	  "--container-image=/a.sqsh|--container-entrypoint|--container-entrypoint-log|true" },
	{ "--container-image=/a.sqsh|--no-container-entrypoint|true",
	  "--container-image=/a.sqsh|--no-container-entrypoint|true" },
	{ "--container-image=/a.sqsh|--container-writable|true",
	  "--container-image=/a.sqsh|--container-writable|true" },
	{ "--container-image=/a.sqsh|--container-writable|--container-readonly|true",
	  "--container-image=/a.sqsh|--container-readonly|true" },
	{ "--container-image=/a.sqsh|--container-env=A,B|--container-env|B,C|true",
	  "--container-image=/a.sqsh|--container-env=A,B,C|true" },
	{ "--container-image=/a.sqsh|--container-unshare=net,uts|true",
	  "--container-image=/a.sqsh|--container-unshare=net,uts|true" },
	{ "--container-image=/a.sqsh|--container-save=b.sqsh|true",
	  "--container-image=/a.sqsh|--container-save=/home/me/work/b.sqsh|true" },
	{ "--container-image=/a.sqsh|--container-workdir=..|true",
	  "--container-image=/a.sqsh|--container-workdir=/home/me/work/..|true" },
	{ "--container-image=/a.sqsh|--|-x", "--container-image=/a.sqsh|--|-x" },
};

static const struct pair in_batch[] = {
	{ "-W|true", "-W|true" }, { "--wait|true", "--wait|true" }, { "-a|0-9%2|true", "-a|0-9%2|true" },
	{ "--array=1-3|true", "--array=1-3|true" }, { "--array|1-3|true", "--array|1-3|true" },
	{ "-l|true", "-l|true" }, { "--label|--mpi=pmix|true", "--label|--mpi=pmix|true" },
	{ "--requeue|true", "--requeue|true" }, { "--parsable|true", "--parsable|true" },
	{ "-n4|--export-file=f|true", "-n4|--export-file=f|true" },
};

static const struct pair refused[] = {
	{ "--gpuss|1|true", "unknown option '--gpuss'" },
	{ "--unknown-thing|true", "unknown option '--unknown-thing'" },
	{ "-y|true", "unknown option '-y'" }, { "-ly|true", "unknown option '-y' in '-ly'" },
	{ "--gpus", "'--gpus' needs a value" }, { "-n", "'-n' needs a value" },
	{ "-ln", "'-n' needs a value" }, { "--container-image", "needs a value" },
	{ "--cont|true", "'--cont' is ambiguous: --container, " },
	{ "--array=1-3|true", "an option of sbatch: it needs --batch" },
	{ "-a|1-3|true", "an option of sbatch" }, { "--wrap=x|true", "an option of sbatch" },
	{ "--requeue|true", "an option of sbatch" },
	{ "--time=soon|true", "--time: " }, { "-t|8 hours ago|true", "--time: " },
	{ "--mem=lots|true", "--mem: " }, { "--mem=-5G|true", "--mem: " }, { "--mem=|true", "--mem: " },
	{ "--container-image=|true", "--container-image needs a value" },
	{ "--container-mounts=|true", "--container-mounts needs a value" },
	{ "--container-mounts=/a:/b:r0|true", "unknown flag 'r0'" },
	{ "--container-mounts=/a:|true", "empty target" },
	{ "--container-mounts=/a,|true", "empty source" },
	{ "--container-mounts=/a:/b:ro:x|true", "too many ':'" },
	{ "--container-mounts=/a:/x,/b:/x|true", "two mounts on '/x'" },
	{ "--container-mounts=tmpfs|true", "a target is expected" },
	{ "--container-name=a b|true", "letters, digits" },
	{ "--container-name=x:later|true", "auto, create, exec or no_exec" },
	{ "--container-env=A=1|true", "is not a variable's name" },
	{ "--container-unshare=pid|true", "net, ipc, uts" },
	{ "--container-mount-home=yes|true", "takes no value" },
	{ "--container-workdir=sub|true", "begins with / or ./" },
	{ "--container-save=x/|true", "it is a directory" },
	{ "--container-image=podman://x|true", "docker:// and dockerd://" },
	{ "--container-image=a b|true", "no path, name or registry reference" },
};
/* clang-format on */

static void test_spec_leaves_srun_options_as_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(untouched); i++) {
		uc_auto(buf) struct uc_buf expected = { 0 };

		uc_buf_addf(&expected, "srun%s%s", untouched[i][0] ? "|" : "",
			    untouched[i]);
		expect_vector(untouched[i], uc_buf_text(&expected), false);
	}
}

static void expect_pairs(const struct pair *pairs, size_t count, bool batch)
{
	for (size_t i = 0; i < count; i++) {
		uc_auto(buf) struct uc_buf expected = { 0 };

		uc_buf_addf(&expected, "srun%s%s", pairs[i].expected[0] ? "|" : "",
			    pairs[i].expected);
		expect_vector(pairs[i].line, uc_buf_text(&expected), batch);
	}
}

static void test_spec_rewrites_what_is_ours(void **state)
{
	(void)state;
	expect_pairs(rewritten, ARRAY_SIZE(rewritten), false);
	expect_pairs(in_batch, ARRAY_SIZE(in_batch), true);
}

static void test_spec_refuses_with_one_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		uc_auto(spec) struct uc_spec *spec = NULL;
		struct uc_error err = { 0 };

		assert_int_equal(uc_spec_new(&spec, &err), 0);
		if (parse(spec, refused[i].line, false, &err) == 0)
			fail_msg("'%s' was taken", refused[i].line);
		if (!strstr(err.text, refused[i].expected))
			fail_msg("'%s' says '%s'", refused[i].line, err.text);
		assert_int_equal(err.code, UC_USAGE);
		assert_null(strchr(err.text, '\n'));
	}
}

static void test_spec_hints_at_the_nearest_option(void **state)
{
	uc_auto(spec) struct uc_spec *spec = NULL;
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(parse(spec, "--partiton|gpu|true", false, &err), -1);
	assert_string_equal(err.hint, "did you mean '--partition'?");
	assert_int_equal(parse(spec, "--lustre-thing|true", false, &err), -1);
	assert_non_null(strstr(err.hint, "--lustre-thing=VALUE"));
}

static void test_spec_knows_what_is_set(void **state)
{
	static const struct {
		const char *line, *name, *value;
	} cases[] = {
		{ "-n4|true", "ntasks", "4" },
		{ "-lN2|true", "nodes", "2" },
		{ "-lN2|true", "label", "" },
		{ "--tasks-per-node=3|true", "ntasks-per-node", "3" },
		{ "--mem=1G|--mem=2G|true", "mem", "2G" },
		{ "--partit=7|true", "partition", "7" },
		{ "true|--gpus=1", "gpus", NULL },
		{ "--mem-p=1G|true", "mem-per-cpu", NULL },
		{ "--pty|bash", "pty", "" },
		{ "-t8h|true", "time", "8:00:00" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(spec) struct uc_spec *spec = NULL;
		struct uc_error err = { 0 };
		const char *value;

		assert_int_equal(uc_spec_new(&spec, &err), 0);
		assert_int_equal(parse(spec, cases[i].line, false, &err), 0);
		value = uc_spec_get(spec, cases[i].name);
		if (!cases[i].value != !value ||
		    (value && strcmp(value, cases[i].value) != 0))
			fail_msg("%s: %s is '%s'", cases[i].line, cases[i].name,
				 value ? value : "not set");
	}
}

static void test_spec_set_replaces_and_checks(void **state)
{
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(strv) struct uc_strv argv = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(uc_spec_set(spec, "gpus", "1", &err), 0);
	assert_int_equal(uc_spec_set(spec, "time", "8h", &err), 0);
	assert_int_equal(uc_spec_set(spec, "label", NULL, &err), 0);
	assert_int_equal(uc_spec_set(spec, "gpus", "2", &err), 0);
	assert_int_equal(uc_spec_set(spec, "gpuz", "2", &err), -1);
	assert_non_null(strstr(err.text, "did you mean 'gpus'"));
	assert_int_equal(uc_spec_set(spec, "label", "x", &err), -1);
	assert_int_equal(uc_spec_set(spec, "mem", NULL, &err), -1);
	assert_int_equal(uc_spec_srun(spec, &argv, &err), 0);
	join(&text, &argv);
	assert_string_equal(uc_buf_text(&text), "srun|--gpus=2|--time=8:00:00|--label");
}

/* An own option takes --mine and --mine=V and one word after --mine-too. */
static int take_own(void *arg, const char *const *words, struct uc_error *err)
{
	struct uc_strv *seen = arg;

	if (strncmp(words[0], "--mine", 6) != 0)
		return 0;
	if (strcmp(words[0], "--mine-bad") == 0)
		return uc_fail(err, UC_USAGE, "bad");
	uc_strv_add(seen, words[0]);
	return strcmp(words[0], "--mine-too") == 0 ? 2 : 1;
}

static void test_spec_asks_the_caller_first(void **state)
{
	static const char *const argv[] = { "--mine", "-n4", "--mine-too", "-x", "--mem",
					    "--mine", "run", "--mine",     NULL };
	static const char *const bad[] = { "--mine-bad", NULL };
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(strv) struct uc_strv seen = { 0 };
	struct uc_error err = { 0 };
	const struct uc_parse_rules rules = { .where = where,
					      .own = take_own,
					      .arg = &seen };
	size_t used;

	(void)state;
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(uc_spec_parse(spec, argv, &rules, &used, &err), -1);
	assert_non_null(strstr(err.text, "--mem")); /* "--mine" is the value, no size */
	uc_spec_free(spec);
	uc_strv_free(&seen);
	spec = NULL;
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(uc_spec_parse(spec, argv + 2, &rules, &used, &err), -1);
	assert_int_equal(seen.count, 1);
	assert_int_equal(uc_spec_parse(spec, bad, &rules, &used, &err), -1);
	assert_string_equal(err.text, "bad");
}

static void expect_environment(const char *line, enum uc_runtime runtime,
			       const char *environment, const char *expected)
{
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(strv) struct uc_strv out = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error err = { 0 };
	struct words w;

	split(&w, environment);
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	uc_spec_set_runtime(spec, runtime);
	assert_int_equal(parse(spec, line, false, &err), 0);
	assert_int_equal(uc_spec_environment(spec, w.item, &out, &err), 0);
	join(&text, &out);
	assert_string_equal(uc_buf_text(&text), expected);
	free(w.copy);
}

static void test_spec_removes_leaked_containers(void **state)
{
	static const char leak[] =
		"A=1|_SLURM_SPANK_OPTION_pyxis_container_image=/x|"
		"SLURM_SPANK__SLURM_SPANK_OPTION_pyxis_container_workdir=/y|"
		"_SLURM_SPANK_OPTION_other_thing=z|PYXIS_CONTAINER_IMAGE=/p";

	(void)state;
	expect_environment("true", UC_RUNTIME_PYXIS, leak, leak);
	expect_environment(
		"--container-image=/a.sqsh|true", UC_RUNTIME_PYXIS, leak,
		"A=1|_SLURM_SPANK_OPTION_other_thing=z|PYXIS_CONTAINER_IMAGE=/p");
	expect_environment("--container-image=/a.sqsh|true", UC_RUNTIME_NONE, leak,
			   "A=1|_SLURM_SPANK_OPTION_other_thing=z");
}

static void test_spec_sets_variables_once(void **state)
{
	static const char *const before[] = { "A=old", "B=2", "AB=3", NULL };
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(strv) struct uc_strv out = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(uc_spec_set_env(spec, "A=1", &err), 0);
	assert_int_equal(uc_spec_set_env(spec, "A=new=x", &err), 0);
	assert_int_equal(uc_spec_set_env(spec, "B", &err), 0);
	assert_int_equal(uc_spec_set_env(spec, "=x", &err), -1);
	assert_int_equal(uc_spec_set_env(spec, "1A=x", &err), -1);
	assert_int_equal(uc_spec_set_env(spec, "A-B=x", &err), -1);
	assert_int_equal(uc_spec_environment(spec, before, &out, &err), 0);
	join(&text, &out);
	assert_string_equal(uc_buf_text(&text), "B=2|AB=3|A=new=x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec_leaves_srun_options_as_they_are),
		cmocka_unit_test(test_spec_rewrites_what_is_ours),
		cmocka_unit_test(test_spec_refuses_with_one_line),
		cmocka_unit_test(test_spec_hints_at_the_nearest_option),
		cmocka_unit_test(test_spec_knows_what_is_set),
		cmocka_unit_test(test_spec_set_replaces_and_checks),
		cmocka_unit_test(test_spec_asks_the_caller_first),
		cmocka_unit_test(test_spec_removes_leaked_containers),
		cmocka_unit_test(test_spec_sets_variables_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

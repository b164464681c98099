/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which layer wins, where each value comes from, what adds up, what profiles inherit. */
#include "config_unit.h"

/* `layer` is its name, or "LAYER PROFILE". */
static void check_origin(const struct uc_config *cfg, const char *key, const char *text,
			 const char *layer, const char *where)
{
	const struct uc_setting *set = uc_config_get(cfg, key);
	char from[64];
	char at[256];

	assert_non_null(set);
	snprintf(at, sizeof(at), "%s:%d:%d", set->at.path, set->at.line, set->at.column);
	assert_string_equal(set->key->name, key);
	assert_string_equal(set->text, text);
	snprintf(from, sizeof(from), "%s%s%s", uc_layer_name(set->layer),
		 set->profile ? " " : "", set->profile ? set->profile : "");
	assert_string_equal(from, layer);
	assert_string_equal(at, where);
}

static void test_later_layers_win(void **state)
{
	const char *const environment[] = { "HOME=/x", "UCLUSTER_QOS=env", NULL };
	const struct texts texts = {
		.site = "image: site\npartition: site\naccount: site\nqos: site\n"
			"slurm: {timeout: 20s}\n",
		.user = "partition: user\naccount: user\nqos: user\n",
		.project = "# mine\naccount: project\nqos: project\n",
		.environment = environment,
	};
	uc_auto(config) struct uc_config *cfg = load_good(&texts);

	(void)state;
	check_origin(cfg, "color", "auto", "built-in", ":0:0");
	check_origin(cfg, "image", "site", "site", "/etc/u/site.yaml:1:8");
	check_origin(cfg, "slurm.timeout", "20s", "site", "/etc/u/site.yaml:5:18");
	check_origin(cfg, "partition", "user", "user", "/home/u/user.yaml:1:12");
	check_origin(cfg, "account", "project", "project", "/src/p/.ucluster.yaml:2:10");
	check_origin(cfg, "qos", "env", "environment", "UCLUSTER_QOS:0:0");
	assert_null(uc_config_get(cfg, "gpus"));
	assert_null(uc_config_get(cfg, "no such key"));
}

static void test_nothing_at_all_gives_the_defaults(void **state)
{
	uc_auto(config) struct uc_config *cfg = load_good(&(struct texts){ 0 });

	(void)state;
	assert_int_equal(uc_config_number(cfg, "slurm.timeout", 0), 10);
	assert_string_equal(uc_config_string(cfg, "runtime"), "auto");
	assert_string_equal(uc_config_string(cfg, "color"), "auto");
	assert_null(uc_config_string(cfg, "image"));
	assert_null(uc_config_list(cfg, "mounts")[0]);
	assert_null(uc_config_profiles(cfg)[0]);
	assert_null(uc_config_project_path(cfg));
}

static void test_empty_and_commented_files_are_fine(void **state)
{
	const struct texts texts = { .site = "",
				     .user = "# nothing\n\n",
				     .project = "---\n" };
	uc_auto(config) struct uc_config *cfg = load_good(&texts);

	(void)state;
	assert_int_equal(uc_config_number(cfg, "slurm.timeout", 0), 10);
}

static void test_an_empty_text_unsets(void **state)
{
	const char *const environment[] = { "UCLUSTER_QOS=", NULL };
	const struct texts texts = {
		.site = "image: site\nqos: site\ntime: 8h\n",
		.user = "image: \"\"\n",
		.environment = environment,
	};
	uc_auto(config) struct uc_config *cfg = load_good(&texts);

	(void)state;
	assert_null(uc_config_get(cfg, "image"));
	assert_null(uc_config_get(cfg, "qos"));
	assert_int_equal(uc_config_number(cfg, "time", 0), 8 * 3600);
}

static void test_job_variables_have_a_second_spelling_that_wins(void **state)
{
	const char *const environment[] = { "UCLUSTER_GPUS=1", "USRUN_GPUS=a100:2",
					    "USRUN_MEM=24GB",  "USRUN_COLOR=never",
					    "USRUN_GPUSX=9",   NULL };
	const struct texts texts = { .environment = environment };
	uc_auto(config) struct uc_config *cfg = load_good(&texts);

	(void)state;
	check_origin(cfg, "gpus", "a100:2", "environment", "USRUN_GPUS:0:0");
	check_origin(cfg, "mem", "24GB", "environment", "USRUN_MEM:0:0");
	/* color is no property of a job */
	check_origin(cfg, "color", "auto", "built-in", ":0:0");
}

static void test_faults_in_variables_name_the_variable(void **state)
{
	const char *const environment[] = { "UCLUSTER_TIME=soon", "UCLUSTER_COLOR=nver",
					    "UCLUSTER_MOUNTS=/a,/b:b",
					    "USRUN_PARTITION=a\nb", NULL };
	const struct texts texts = { .environment = environment };

	(void)state;
	load_bad(
		&texts,
		"UCLUSTER_MOUNTS: each of 'mounts' must be SRC[:DST[:FLAGS]] with an "
		"absolute DST, not '/b:b' (write '/data:/data:ro')\n"
		"USRUN_PARTITION: 'partition' must be one line without control characters\n"
		"UCLUSTER_TIME: 'time' must be a time, such as '8h', not 'soon'\n"
		"UCLUSTER_COLOR: 'color' must be auto, always or never, not 'nver' (did "
		"you mean 'never'?)\n");
}

static void check_list(const struct uc_config *cfg, const char *key,
		       const char *const *items)
{
	const char *const *list = uc_config_list(cfg, key);
	size_t i;

	for (i = 0; items[i]; i++) {
		assert_non_null(list[i]);
		assert_string_equal(list[i], items[i]);
	}
	assert_null(list[i]);
}

static void test_mounts_of_all_layers_add_up(void **state)
{
	const char *const environment[] = { "UCLUSTER_MOUNTS=,/e:/e,./rel:/user,", NULL };
	const struct texts texts = {
		.site = "mounts: [/data, /scratch:/scratch/]\n",
		.user = "mounts:\n  - /home/u/s:/scratch:ro\n  - user:/user\n",
		.project = "mounts: ['.:/src', sub:/sub]\n",
		.environment = environment,
	};
	uc_auto(config) struct uc_config *cfg = load_good(&texts);
	const struct uc_setting *set = uc_config_get(cfg, "mounts");
	static const struct {
		const char *item, *base;
		enum uc_layer layer;
		int line, column;
	} want[] = {
		{ "/data", "/etc/u", UC_LAYER_SITE, 1, 10 },
		{ "/home/u/s:/scratch:ro", "/home/u", UC_LAYER_USER, 2, 5 },
		{ "./rel:/user", "/cwd", UC_LAYER_ENVIRONMENT, 0, 0 },
		{ ".:/src", "/src/p", UC_LAYER_PROJECT, 1, 10 },
		{ "sub:/sub", "/src/p", UC_LAYER_PROJECT, 1, 20 },
		{ "/e:/e", "/cwd", UC_LAYER_ENVIRONMENT, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_string_equal(set->list[i], want[i].item);
		assert_string_equal(set->base[i], want[i].base);
		assert_int_equal(set->from[i].layer, want[i].layer);
		assert_int_equal(set->from[i].at.line, want[i].line);
		assert_int_equal(set->from[i].at.column, want[i].column);
	}
	assert_null(set->list[ARRAY_SIZE(want)]);
	assert_string_equal(set->text,
			    "/data, /home/u/s:/scratch:ro, ./rel:/user, .:/src, "
			    "sub:/sub, /e:/e");
	assert_int_equal(set->layer, UC_LAYER_ENVIRONMENT);
}

static void test_a_relative_file_has_an_absolute_folder(void **state)
{
	const struct uc_config_from from = { .cwd = "/cwd" };
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(config) struct uc_config *cfg = NULL;
	struct uc_load load;

	(void)state;
	assert_int_equal(uc_load_begin(&load, &from, &faults), 0);
	uc_load_bytes(&load, UC_LAYER_SITE, "c.yaml", "image: ./a.sqsh\n", 16);
	uc_load_bytes(&load, UC_LAYER_USER, "./d/e/c.yaml", "mounts: x:/x\n", 13);
	assert_int_equal(uc_load_end(&load, &cfg), 0);
	assert_string_equal(uc_config_get(cfg, "image")->base[0], "/cwd");
	assert_string_equal(uc_config_get(cfg, "mounts")->base[0], "/cwd/d/e");
}

static void test_env_of_all_layers_adds_up(void **state)
{
	const struct texts texts = {
		.site = "env: {A: 1, B: 1, AB: 1}\n",
		.user = "env: {B: 'two words', C: \"x=y\"}\n",
		.project = "env:\n  D: \"\"\n  A: |\n    lines\n    two\n",
		.preset = "p",
	};
	struct texts all = texts;

	(void)state;
	all.user =
		"env: {B: 'two words', C: \"x=y\"}\nprofiles: {p: {env: {C: profile}}}\n";
	uc_auto(config) struct uc_config *cfg = load_good(&all);
	const struct uc_setting *set = uc_config_get(cfg, "env");

	check_list(cfg, "env",
		   (const char *const[]){ "A=lines\ntwo\n", "B=two words", "AB=1",
					  "C=profile", "D=", NULL });
	assert_string_equal(set->from[3].profile, "p");
	assert_null(set->from[1].profile);
	assert_int_equal(set->from[1].at.column, 7);
	assert_int_equal(set->from[0].layer, UC_LAYER_PROJECT);
	assert_int_equal(set->from[0].at.line, 3);
}

static void test_other_lists_are_replaced(void **state)
{
	const char *const environment[] = { "UCLUSTER_IMAGE_DIRS=/c:/d::/e", NULL };
	struct texts texts = {
		.site = "image_dirs: [/a, ~/images]\n",
		.user = "image_dirs: /b:~\n",
	};
	uc_auto(config) struct uc_config *site = NULL;
	uc_auto(config) struct uc_config *user = load_good(&texts);
	uc_auto(config) struct uc_config *env = NULL;

	(void)state;
	check_list(user, "image_dirs", (const char *const[]){ "/b", "~", NULL });
	texts.environment = environment;
	env = load_good(&texts);
	check_list(env, "image_dirs", (const char *const[]){ "/c", "/d", "/e", NULL });
	texts = (struct texts){ .site = texts.site };
	site = load_good(&texts);
	check_list(site, "image_dirs", (const char *const[]){ "/a", "~/images", NULL });
}

static void test_empty_lists_and_maps_add_nothing(void **state)
{
	const struct texts texts = {
		.site = "mounts: [/a]\nimage_dirs: [/a]\n",
		.user = "mounts: []\nenv: {}\nimage_dirs: []\nslurm: {}\nprofiles: {p: {}}\n",
		.preset = "p",
	};
	uc_auto(config) struct uc_config *cfg = load_good(&texts);

	(void)state;
	check_list(cfg, "mounts", (const char *const[]){ "/a", NULL });
	check_list(cfg, "env", (const char *const[]){ NULL });
	check_list(cfg, "image_dirs", (const char *const[]){ NULL });
	assert_string_equal(uc_config_get(cfg, "env")->text, "");
}

static const char profiles_text[] =
	"gpus: 1\n"
	"time: 1h\n"
	"mounts: [/top:/top]\n"
	"profiles:\n"
	"  base: {time: 2h, qos: low, mounts: [/base:/base]}\n"
	"  mid:\n"
	"    inherit: base\n"
	"    qos: high\n"
	"    mounts: [/mid:/top]\n"
	"  leaf:\n"
	"    gpus: 4\n"
	"    inherit: mid\n";

static void test_a_profile_inherits_from_its_parents(void **state)
{
	const struct texts texts = { .user = profiles_text, .preset = "leaf" };
	uc_auto(config) struct uc_config *cfg = load_good(&texts);

	(void)state;
	check_origin(cfg, "gpus", "4", "user leaf", "/home/u/user.yaml:11:11");
	check_origin(cfg, "qos", "high", "user mid", "/home/u/user.yaml:8:10");
	check_origin(cfg, "time", "2h", "user base", "/home/u/user.yaml:5:16");
	check_list(cfg, "mounts",
		   (const char *const[]){ "/mid:/top", "/base:/base", NULL });
}

static void test_a_profile_not_asked_for_changes_nothing(void **state)
{
	const struct texts texts = { .user = profiles_text };
	uc_auto(config) struct uc_config *cfg = load_good(&texts);
	const char *const *names = uc_config_profiles(cfg);

	(void)state;
	check_origin(cfg, "gpus", "1", "user", "/home/u/user.yaml:1:7");
	assert_null(uc_config_get(cfg, "qos"));
	assert_string_equal(names[0], "base");
	assert_string_equal(names[1], "leaf");
	assert_string_equal(names[2], "mid");
	assert_null(names[3]);
}

static void test_a_profile_beats_the_project_and_the_environment_beats_it(void **state)
{
	const char *const environment[] = { "USRUN_QOS=env", NULL };
	const struct texts texts = {
		.site = "profiles: {p: {gpus: 4, qos: p}}\n",
		.project = "gpus: 1\nqos: project\n",
		.preset = "p",
		.environment = environment,
	};
	uc_auto(config) struct uc_config *cfg = load_good(&texts);

	(void)state;
	check_origin(cfg, "gpus", "4", "site p", "/etc/u/site.yaml:1:22");
	check_origin(cfg, "qos", "env", "environment", "USRUN_QOS:0:0");
}

static void test_a_later_profile_of_the_same_name_replaces(void **state)
{
	const struct texts texts = {
		.site = "profiles: {p: {gpus: 4, qos: site}, q: {inherit: p}}\n",
		.user = "profiles: {p: {gpus: 2}}\n",
		.preset = "q",
	};
	uc_auto(config) struct uc_config *cfg = load_good(&texts);

	(void)state;
	check_origin(cfg, "gpus", "2", "user p", "/home/u/user.yaml:1:22");
	assert_null(uc_config_get(cfg, "qos"));
	assert_string_equal(uc_config_profiles(cfg)[0], "p");
	assert_string_equal(uc_config_profiles(cfg)[1], "q");
	assert_null(uc_config_profiles(cfg)[2]);
}

static void test_an_unknown_profile_is_not_found(void **state)
{
	struct texts texts = { .user = "profiles: {train: {gpus: 1}}\n",
			       .preset = "trani" };

	(void)state;
	load_bad(&texts, "no profile is called 'trani' (did you mean 'train'?)\n");
	texts.preset = "night";
	load_bad(&texts, "no profile is called 'night' (profiles are defined in "
			 "configuration files, see ucluster.config(5))\n");
}

static void test_faults_of_all_files_are_reported_together(void **state)
{
	const struct texts texts = {
		.site = "gpu: 1\nmem: 1X\n",
		.user = "profiles: {a: {inherit: b}}\n",
		.project = "runtime: none\n",
		.preset = "a",
	};

	(void)state;
	load_bad(
		&texts,
		"/etc/u/site.yaml:1:1: unknown key 'gpu' (did you mean 'gpus'?)\n"
		"/etc/u/site.yaml:2:6: 'mem' must be a size, such as '24G', not '1X'\n"
		"/src/p/.ucluster.yaml:1:1: 'runtime' may not be set by a project file (set "
		"it in the user file, ~/.config/ucluster/config.yaml)\n"
		"/home/u/user.yaml:1:25: profile 'a' inherits an unknown profile 'b'\n");
}

static void test_a_project_may_set_what_describes_a_job(void **state)
{
	const struct texts texts = {
		.project =
			"image: ./image.sqsh\nmounts: [data, './x:/x:ro', '.:/src']\n"
			"workdir: /src\npartition: a,b\naccount: a\nqos: a\ngpus: a100:2,1\n"
			"cpus_per_task: 4\nmem: 0\ntime: UNLIMITED\n"
			"env: {OMP_NUM_THREADS: 4, PYTHONUNBUFFERED: 1, NCCL_DEBUG: INFO}\n"
			"profiles: {p: {gpus: 2, mounts: ['y:/y']}}\n",
	};
	uc_auto(config) struct uc_config *cfg = load_good(&texts);

	(void)state;
	assert_string_equal(uc_config_get(cfg, "image")->base[0], "/src/p");
	assert_int_equal(uc_config_number(cfg, "time", 0), INT64_MAX);
	assert_int_equal(uc_config_number(cfg, "mem", 1), 0);
	assert_int_equal(uc_config_number(cfg, "cpus_per_task", 0), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_later_layers_win),
		cmocka_unit_test(test_nothing_at_all_gives_the_defaults),
		cmocka_unit_test(test_empty_and_commented_files_are_fine),
		cmocka_unit_test(test_an_empty_text_unsets),
		cmocka_unit_test(test_job_variables_have_a_second_spelling_that_wins),
		cmocka_unit_test(test_faults_in_variables_name_the_variable),
		cmocka_unit_test(test_mounts_of_all_layers_add_up),
		cmocka_unit_test(test_a_relative_file_has_an_absolute_folder),
		cmocka_unit_test(test_env_of_all_layers_adds_up),
		cmocka_unit_test(test_other_lists_are_replaced),
		cmocka_unit_test(test_empty_lists_and_maps_add_nothing),
		cmocka_unit_test(test_a_profile_inherits_from_its_parents),
		cmocka_unit_test(test_a_profile_not_asked_for_changes_nothing),
		cmocka_unit_test(
			test_a_profile_beats_the_project_and_the_environment_beats_it),
		cmocka_unit_test(test_a_later_profile_of_the_same_name_replaces),
		cmocka_unit_test(test_an_unknown_profile_is_not_found),
		cmocka_unit_test(test_faults_of_all_files_are_reported_together),
		cmocka_unit_test(test_a_project_may_set_what_describes_a_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Where the project file is looked for, when it is believed, what it may not do. */
#include "config_unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/project.h"

static const struct {
	uid_t owner;
	gid_t group;
	mode_t mode;
	bool acl;
	const char *reason;
} trust[] = {
	{ 1000, 1000, S_IFREG | 0644, false, NULL },
	{ 1000, 1000, S_IFREG | 0400, false, NULL },
	{ 0, 0, S_IFREG | 0644, false, NULL },
	{ 0, 50, S_IFDIR | 0755, false, NULL },
	{ 1000, 1000, S_IFREG | 0664, false, NULL }, /* umask 002, private group */
	{ 1000, 1000, S_IFDIR | 0775, false, NULL },
	{ 1000, 1000, S_IFREG | 0664, true, "can be written by its group" },
	{ 1000, 1000, S_IFREG | 0644, true, NULL }, /* the mask lets nobody write */
	{ 1000, 100, S_IFREG | 0664, false, "can be written by its group" },
	{ 1000, 100, S_IFDIR | 0775, false, "can be written by its group" },
	{ 1000, 100, S_IFDIR | 02775, false, "can be written by its group" },
	{ 0, 0, S_IFREG | 0664, false, "can be written by its group" },
	{ 1000, 1000, S_IFREG | 0646, false, "can be written by everybody" },
	{ 1000, 1000, S_IFREG | 0666, false, "can be written by everybody" },
	{ 1000, 1000, S_IFREG | 01666, false, "can be written by everybody" },
	{ 0, 0, S_IFDIR | 0777, false, "can be written by everybody" },
	{ 0, 0, S_IFDIR | 01777, false, NULL }, /* /tmp */
	{ 1000, 100, S_IFDIR | 01775, false, NULL },
	{ 1000, 100, S_IFDIR | 01775, true, NULL },
	{ 1001, 1000, S_IFREG | 0644, false, "belongs to another user" },
	{ 1001, 1001, S_IFDIR | 0755, false, "belongs to another user" },
	{ 1001, 1001, S_IFDIR | 01777, false, "belongs to another user" },
	{ 65534, 65534, S_IFDIR | 0755, false, "belongs to another user" },
	{ 1, 1000, S_IFREG | 0600, false, "belongs to another user" },
};

static void test_trust_follows_owner_and_mode(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(trust); i++) {
		const struct stat st = { .st_uid = trust[i].owner,
					 .st_gid = trust[i].group,
					 .st_mode = trust[i].mode };
		const char *reason = uc_project_distrust(&st, 1000, trust[i].acl);

		if (trust[i].reason && !reason)
			fail_msg("row %zu: trusted", i);
		if (trust[i].reason)
			assert_string_equal(reason, trust[i].reason);
		else
			assert_null(reason);
	}
}

/* A tree of its own for each test, below a directory that everybody trusts. */
struct place {
	char root[64];
	struct uc_buf path;
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->root, sizeof(place->root), "/tmp/uc-test-project-XXXXXX");
	*state = place;
	umask(022);
	return place && mkdtemp(place->root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int remove_place(void **state)
{
	struct place *place = *state;

	nftw(place->root, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	uc_buf_free(&place->path);
	free(place);
	return 0;
}

static const char *in(struct place *place, const char *name)
{
	uc_buf_reset(&place->path);
	uc_buf_addf(&place->path, "%s/%s", place->root, name);
	return uc_buf_text(&place->path);
}

static void make_folder(struct place *place, const char *name)
{
	assert_int_equal(mkdir(in(place, name), 0755), 0);
}

static void make_file(struct place *place, const char *name, const char *text)
{
	FILE *f = fopen(in(place, name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* The project's "qos", or "" when there is none; what was said is in *said. */
static const char *load_in(struct place *place, const char *cwd, const char *home,
			   struct uc_buf *said)
{
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(config) struct uc_config *cfg = NULL;
	static char qos[32];
	char *at = strdup(in(place, cwd)), *top = home ? strdup(in(place, home)) : NULL;
	const struct uc_config_from from = { .cwd = at, .home = top };
	int result = uc_config_load(&from, &cfg, &faults);

	uc_buf_reset(said);
	faults_text(said, &faults);
	free(at);
	free(top);
	if (result < 0)
		return "failed";
	for (size_t i = 0; i < faults.count; i++)
		assert_int_equal(faults.item[i].code, UC_OK);
	snprintf(qos, sizeof(qos), "%s",
		 uc_config_string(cfg, "qos") ? uc_config_string(cfg, "qos") : "");
	assert_int_equal(!*qos, uc_config_project_path(cfg) == NULL);
	return qos;
}

static void test_the_nearest_file_upwards_counts(void **state)
{
	struct place *place = *state;
	uc_auto(buf) struct uc_buf said = { 0 };

	make_folder(place, "a");
	make_folder(place, "a/b");
	make_folder(place, "a/b/c");
	make_file(place, ".ucluster.yaml", "qos: top\n");
	make_file(place, "a/.ucluster.yaml", "qos: a\n");
	assert_string_equal(load_in(place, "a/b/c", NULL, &said), "a");
	make_file(place, "a/b/c/.ucluster.yaml", "qos: c\n");
	assert_string_equal(load_in(place, "a/b/c", NULL, &said), "c");
	assert_string_equal(load_in(place, "a/b", NULL, &said), "a");
	assert_string_equal(load_in(place, ".", NULL, &said), "top");
	assert_string_equal(uc_buf_text(&said), "");
}

static void test_the_search_ends_below_the_home_directory(void **state)
{
	struct place *place = *state;
	uc_auto(buf) struct uc_buf said = { 0 };

	make_folder(place, "home");
	make_folder(place, "home/p");
	make_file(place, ".ucluster.yaml", "qos: above\n");
	make_file(place, "home/.ucluster.yaml", "qos: home\n");
	assert_string_equal(load_in(place, "home/p", "home", &said), "");
	assert_string_equal(load_in(place, "home", "home", &said), "");
	make_file(place, "home/p/.ucluster.yaml", "qos: p\n");
	assert_string_equal(load_in(place, "home/p", "home", &said), "p");
	/* outside of it, home is no limit */
	make_folder(place, "other");
	assert_string_equal(load_in(place, "other", "home", &said), "above");
}

static void test_the_home_directory_is_known_through_a_link(void **state)
{
	struct place *place = *state;
	uc_auto(buf) struct uc_buf said = { 0 };
	char *target = strdup(in(place, "home"));

	make_folder(place, "home");
	make_folder(place, "home/p");
	make_file(place, "home/.ucluster.yaml", "qos: home\n");
	assert_int_equal(symlink(target, in(place, "link")), 0);
	free(target);
	assert_string_equal(load_in(place, "link/p", "link", &said), "");
	assert_string_equal(load_in(place, "link/p", "home", &said), "");
	assert_string_equal(load_in(place, "home/p", "link", &said), "");
}

static void test_a_missing_working_directory_has_no_project(void **state)
{
	struct place *place = *state;
	uc_auto(buf) struct uc_buf said = { 0 };

	make_file(place, ".ucluster.yaml", "qos: a\n");
	assert_string_equal(load_in(place, "gone", NULL, &said), "");
	assert_string_equal(uc_buf_text(&said), "");
}

static void check_ignored(struct place *place, const char *why)
{
	uc_auto(buf) struct uc_buf said = { 0 }, want = { 0 };

	assert_string_equal(load_in(place, "a", NULL, &said), "");
	uc_buf_addf(&want,
		    "project file '%s/a/.ucluster.yaml' is ignored: ", place->root);
	uc_buf_addf(&want, "%s", why);
	uc_buf_add(&want,
		   " (others could change what your jobs run; see PROJECT FILES in "
		   "ucluster.config(5))\n");
	assert_string_equal(uc_buf_text(&said), uc_buf_text(&want));
}

static void test_a_file_others_can_write_is_ignored(void **state)
{
	struct place *place = *state;

	make_folder(place, "a");
	make_file(place, "a/.ucluster.yaml", "qos: a\n");
	chmod(in(place, "a/.ucluster.yaml"), 0646);
	check_ignored(place, "it can be written by everybody");
}

static void test_a_folder_others_can_write_is_distrusted(void **state)
{
	struct place *place = *state;
	uc_auto(buf) struct uc_buf said = { 0 }, why = { 0 };

	make_folder(place, "a");
	make_file(place, "a/.ucluster.yaml", "qos: a\n");
	chmod(in(place, "a"), 0777);
	uc_buf_addf(&why, "'%s/a' can be written by everybody", place->root);
	check_ignored(place, uc_buf_text(&why));
	chmod(in(place, "a"), 01777);
	assert_string_equal(load_in(place, "a", NULL, &said), "a");
	chmod(in(place, "a"), 0755);
	chmod(in(place, "."), 0777);
	uc_buf_reset(&why);
	uc_buf_addf(&why, "'%s' can be written by everybody", place->root);
	check_ignored(place, uc_buf_text(&why));
}

static void test_links_and_other_kinds_are_ignored(void **state)
{
	struct place *place = *state;

	make_folder(place, "a");
	make_file(place, "real", "qos: a\n");
	assert_int_equal(symlink("../real", in(place, "a/.ucluster.yaml")), 0);
	check_ignored(place, "it is a symbolic link");
	unlink(in(place, "a/.ucluster.yaml"));
	assert_int_equal(mkfifo(in(place, "a/.ucluster.yaml"), 0644), 0);
	check_ignored(place, "it is not a regular file");
	unlink(in(place, "a/.ucluster.yaml"));
	make_folder(place, "a/.ucluster.yaml");
	check_ignored(place, "it is not a regular file");
}

static void test_a_warning_comes_after_the_faults(void **state)
{
	struct place *place = *state;
	static const char *const environment[] = { "USRUN_TIME=soon", NULL };
	const struct uc_config_from from = { .cwd = place->root,
					     .environment = environment };
	uc_auto(errors) struct uc_errors faults = { 0 };
	struct uc_config *cfg = NULL;

	make_file(place, ".ucluster.yaml", "qos: a\n");
	chmod(in(place, ".ucluster.yaml"), 0666);
	assert_int_equal(uc_config_load(&from, &cfg, &faults), -1);
	assert_int_equal(faults.count, 2);
	assert_int_equal(faults.item[0].code, UC_USAGE);
	assert_int_equal(faults.item[1].code, UC_OK);
}

static void test_a_file_of_another_user_is_ignored(void **state)
{
	struct place *place = *state;

	if (geteuid() != 0)
		skip();
	make_folder(place, "a");
	make_file(place, "a/.ucluster.yaml", "qos: a\n");
	assert_int_equal(chown(in(place, "a/.ucluster.yaml"), 12345, 0), 0);
	check_ignored(place, "it belongs to another user");
}

static void test_the_search_ends_at_a_folder_of_another_user(void **state)
{
	struct place *place = *state;
	uc_auto(buf) struct uc_buf said = { 0 };

	if (geteuid() != 0)
		skip();
	make_folder(place, "theirs");
	make_folder(place, "theirs/mine");
	make_file(place, "theirs/.ucluster.yaml", "qos: theirs\n");
	make_file(place, ".ucluster.yaml", "qos: top\n");
	assert_int_equal(chown(in(place, "theirs"), 12345, 0), 0);
	assert_string_equal(load_in(place, "theirs/mine", NULL, &said), "");
	assert_string_equal(load_in(place, "theirs", NULL, &said), "");
	assert_string_equal(uc_buf_text(&said), "");
}

static void test_faults_in_a_project_file_have_its_path(void **state)
{
	struct place *place = *state;
	uc_auto(buf) struct uc_buf said = { 0 }, want = { 0 };

	make_file(place, ".ucluster.yaml", "gpu: 1\n");
	assert_string_equal(load_in(place, ".", NULL, &said), "failed");
	uc_buf_addf(&want,
		    "%s/.ucluster.yaml:1:1: unknown key 'gpu' (did you mean 'gpus'?)\n",
		    place->root);
	assert_string_equal(uc_buf_text(&said), uc_buf_text(&want));
}

static void test_a_mount_may_not_leave_through_a_link(void **state)
{
	struct place *place = *state;
	uc_auto(buf) struct uc_buf said = { 0 };

	make_folder(place, "p");
	make_folder(place, "p2");
	make_folder(place, "p/data");
	make_file(place, "p/.ucluster.yaml", "qos: p\nmounts: ['x/y:/x']\n");
	assert_string_equal(load_in(place, "p", NULL, &said), "p"); /* not there yet */
	assert_int_equal(symlink("data", in(place, "p/x")), 0);
	make_folder(place, "p/data/y");
	assert_string_equal(load_in(place, "p", NULL, &said), "p");
	unlink(in(place, "p/x"));
	make_folder(place, "p2/y");
	assert_int_equal(symlink("../p2", in(place, "p/x")), 0);
	assert_string_equal(load_in(place, "p", NULL, &said), "failed");
	assert_non_null(
		strstr(uc_buf_text(&said),
		       ".ucluster.yaml:2:10: a project file may only mount its own "
		       "directory, not 'x/y:/x', a link that leads out of it"));
}

static void test_dangerous_variables_are_refused_and_others_not(void **state)
{
	static const char *const refused[] = {
		"PATH",
		"LD_PRELOAD",
		"LD_LIBRARY_PATH",
		"PYTHONSTARTUP",
		"PYTHONPATH",
		"BASH_ENV",
		"ENV",
		"SLURM_CONF",
		"SLURM_JOB_ID",
		"ENROOT_CONFIG_PATH",
		"PYXIS_ANYTHING",
		"UCLUSTER_IMAGE",
		"USRUN_IMAGE",
		"HOME",
		"GIT_SSH_COMMAND",
		"PERL5OPT",
		"NODE_OPTIONS",
		"http_proxy",
		"SBATCH_EXPORT",
		"BASH_FUNC_ls%%",
		"GCONV_PATH",
		"_SLURM_SPANK_OPTION_pyxis_image",
	};
	static const char *const allowed[] = {
		"OMP_NUM_THREADS", "PYTHONUNBUFFERED", "PYTHONHASHSEED",
		"NCCL_DEBUG",      "WANDB_PROJECT",    "PATHS",
		"ENVIRONMENT",     "MYPATH",           "CUDA_LAUNCH_BLOCKING",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (!uc_project_env_reason(refused[i]))
			fail_msg("%s is allowed", refused[i]);
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (uc_project_env_reason(allowed[i]))
			fail_msg("%s is refused", allowed[i]);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trust_follows_owner_and_mode),
		cmocka_unit_test(test_dangerous_variables_are_refused_and_others_not),
		PLACED(test_the_nearest_file_upwards_counts),
		PLACED(test_the_search_ends_below_the_home_directory),
		PLACED(test_the_home_directory_is_known_through_a_link),
		PLACED(test_a_missing_working_directory_has_no_project),
		PLACED(test_a_file_others_can_write_is_ignored),
		PLACED(test_a_folder_others_can_write_is_distrusted),
		PLACED(test_links_and_other_kinds_are_ignored),
		PLACED(test_a_warning_comes_after_the_faults),
		PLACED(test_a_file_of_another_user_is_ignored),
		PLACED(test_the_search_ends_at_a_folder_of_another_user),
		PLACED(test_faults_in_a_project_file_have_its_path),
		PLACED(test_a_mount_may_not_leave_through_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
